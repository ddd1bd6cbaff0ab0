// Package attack knows the ids of MITRE ATT&CK Enterprise: tactics, techniques
// and sub-techniques, which are revoked or deprecated, and what is near a
// wrong one.
package attack

//go:generate sh -c "go run generate.go v18.1 ../../../shared/attack/enterprise.tsv > table.go"

import (
	"slices"
	"strings"
	"sync"
)

// Status says whether an object is still part of ATT&CK.
type Status string

// The states.
const (
	Active     Status = ""
	Revoked    Status = "revoked"
	Deprecated Status = "deprecated"
)

// Object is a tactic, a technique or a sub-technique.
type Object struct {
	ID        string // TA0008, T1021, T1021.002
	Name      string // a sub-technique's own, without its technique's
	Tactics   []string
	Status    Status
	Platforms []string
}

// IsTactic says whether the object is a tactic.
func (o *Object) IsTactic() bool { return strings.HasPrefix(o.ID, "TA") }

type index struct {
	all  []Object
	byID map[string]int
}

// load parses the table once, when something is first looked up.
var load = sync.OnceValue(func() *index {
	x := &index{byID: map[string]int{}}
	for line := range strings.Lines(table) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) < 5 {
			continue
		}
		x.byID[f[0]] = len(x.all)
		x.all = append(x.all, Object{f[0], f[1], list(f[2]), Status(f[3]), list(f[4])})
	}
	return x
})

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// Lookup finds an object by its id. It must not be changed.
func Lookup(id string) (Object, bool) {
	x := load()
	if i, ok := x.byID[id]; ok {
		return x.all[i], true
	}
	return Object{}, false
}

// Tactics returns all tactics in order of id.
func Tactics() []Object {
	x := load()
	return slices.Collect(func(yield func(Object) bool) {
		for _, o := range x.all {
			if o.IsTactic() && !yield(o) {
				return
			}
		}
	})
}

// Nearest returns the active object that was most likely meant by an id that
// is unknown or no longer active: one of the same name, else the technique of
// an unknown sub-technique, else the id that differs least. ok is false if
// nothing is near.
func Nearest(id string) (o Object, ok bool) {
	x := load()
	if i, known := x.byID[id]; known {
		old := x.all[i]
		for _, c := range x.all {
			if c.Status == Active && c.ID != id && strings.EqualFold(c.Name, old.Name) {
				return c, true
			}
		}
		return Object{}, false
	}
	up := strings.ToUpper(strings.TrimSpace(id))
	if o, ok := Lookup(up); ok && o.Status == Active {
		return o, true
	}
	if parent, _, cut := strings.Cut(up, "."); cut {
		if o, ok := Lookup(parent); ok && o.Status == Active {
			return o, true
		}
	}
	best := 2
	for _, c := range x.all {
		if d := distance(up, c.ID); c.Status == Active && d < best {
			o, ok, best = c, true, d
		}
	}
	return o, ok
}

// distance counts the places at which two ids of one length differ, a swap of
// neighbours as one.
func distance(a, b string) int {
	if len(a) != len(b) {
		return len(a) + len(b)
	}
	n := 0
	for i := 0; i < len(a); i++ {
		if a[i] == b[i] {
			continue
		}
		n++
		if i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] {
			i++
		}
	}
	return n
}
