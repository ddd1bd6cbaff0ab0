package report

import (
	"github.com/tocsin-project/tocsin/terminal"
	"sort"
	"strings"
	"time"
)

// branch is a process of the tree, with what it started.
type branch struct {
	Name, Pid, Command, User string
	Refs                     []ref // events that tell of its start; none if it is only known as a parent
	Stage                    bool  // one of them is evidence
	Children                 []*branch

	at     time.Time
	parent *branch
}

// maxBranches bounds the tree of one incident, and maxBranchDepth how deep it
// is drawn; deeper processes stand beside each other.
const (
	maxBranches    = 60
	maxBranchDepth = 12
)

// forest makes the process tree of the process starts among events. Sensors
// give one process different identities, so processes are told apart by number
// and name, which is enough within the minutes around an incident.
func forest(events []*eventView) []*branch {
	t := tree{byPid: map[string][]*branch{}}
	for _, e := range events {
		if e.view.Has("event.category", "process") && e.view.Has("event.type", "start") && len(t.all) < maxBranches {
			t.add(e)
		}
	}
	var roots []*branch
	for _, b := range t.all {
		if b.parent == nil {
			roots = append(roots, b)
		}
	}
	sortBranches(roots)
	return roots
}

type tree struct {
	all   []*branch
	byPid map[string][]*branch
}

func (t *tree) add(e *eventView) {
	v := e.view
	parent := t.node(v.Text("process.parent.pid"), baseName(v.First("process.parent.name", "process.parent.executable")))
	child := t.node(v.Text("process.pid"), baseName(v.First("process.name", "process.executable")))
	if child == nil {
		return
	}
	if child.at.IsZero() || !e.at.IsZero() && e.at.Before(child.at) {
		child.at = e.at
	}
	child.Refs = append(child.Refs, e.ref())
	child.Stage = child.Stage || e.Evidence
	if command := e.clean(v.First("process.command_line", "process.executable")); child.Command == "" {
		child.Command = command
	}
	if child.User == "" {
		child.User = e.clean(accountOf(v))
	}
	if parent == nil {
		return
	}
	if parent.Command == "" {
		parent.Command = e.clean(v.First("process.parent.command_line", "process.parent.executable"))
	}
	if child.parent == nil && !within(parent, child) && depth(parent) < maxBranchDepth {
		child.parent = parent
		parent.Children = append(parent.Children, child)
		sortBranches(parent.Children)
	}
}

// node finds a process, or makes it; nil if nothing tells which it is. A name
// that is not known agrees with any.
func (t *tree) node(pid, name string) *branch {
	if pid == "" && name == "" {
		return nil
	}
	for _, b := range t.byPid[pid] {
		if name == "" || b.Name == "" || strings.EqualFold(b.Name, name) {
			if b.Name == "" {
				b.Name = name
			}
			return b
		}
	}
	b := &branch{Name: terminal.Clean(cut(name)), Pid: terminal.Clean(cut(pid))}
	t.byPid[pid] = append(t.byPid[pid], b)
	t.all = append(t.all, b)
	return b
}

// within reports whether a process stands above or at another: hostile data may
// have a process be its own grandparent.
func within(b, above *branch) bool {
	for ; b != nil; b = b.parent {
		if b == above {
			return true
		}
	}
	return false
}

func depth(b *branch) int {
	n := 0
	for ; b != nil; b = b.parent {
		n++
	}
	return n
}

func sortBranches(list []*branch) {
	sort.SliceStable(list, func(i, j int) bool { return list[i].at.Before(list[j].at) })
}

// baseName is the file name of a Windows path.
func baseName(path string) string {
	return path[strings.LastIndexAny(path, `\/`)+1:]
}
