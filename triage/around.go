package triage

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxListed bounds the events of one query that are told one by one.
const maxListed = 3

// asked answers one context query.
func (r *reply) asked(a *Asked) {
	switch a.kind() {
	case kindInstall:
		r.otherInstalls(a)
	case kindRegistry:
		r.registryValues(a)
	case kindStartType:
		r.startTypes(a)
	case kindState:
		r.states(a)
	case kindLogon:
		r.otherLogons(a)
	case kindSpread:
		r.spread(a)
	case kindPrivileges:
		r.privileges(a)
	case kindPipe:
		r.groups(a, pipeName, r.pipe)
	case kindShare:
		r.groups(a, shareFile, r.share)
	case kindFile:
		r.groups(a, func(f *fact) string { return f.First("file.path", "file.name") }, r.file)
	case kindProcess:
		r.processes(a)
	case kindNetwork:
		r.groups(a, func(f *fact) string { return f.Text("process.name") + " " + f.Endpoint("destination") }, r.network)
	case kindModule:
		r.modules(a)
	default:
		r.list(a, func(f *fact) string { return r.c.describe(a, f) })
	}
}

// describe tells an event that has no words of its own.
func (c *inquiry) describe(_ *Asked, f *fact) string {
	return fmt.Sprintf(c.p.generic, capital(command(f.Describe())), c.when(f), codesOf([]*fact{f}))
}

// list tells the nearest events of a query one by one, by time, and counts the rest.
func (r *reply) list(a *Asked, tell func(*fact) string) {
	r.groups(a, func(f *fact) string { return f.id }, func(g []*fact) string { return tell(g[0]) })
}

// groups is list for events that say the same: one sentence a group.
func (r *reply) groups(a *Asked, key func(*fact) string, tell func([]*fact) string) {
	var found []*fact
	for _, f := range r.c.found(a) {
		if !r.c.told["event "+f.id] {
			found = append(found, f)
		}
	}
	groups := groupBy(found, key)
	shown := groups
	if len(groups) > maxListed {
		shown = slices.Clone(groups)
		slices.SortStableFunc(shown, func(x, y []*fact) int { return int(r.c.away(x[0]).Milliseconds() - r.c.away(y[0]).Milliseconds()) })
		shown = shown[:maxListed]
		slices.SortStableFunc(shown, func(x, y []*fact) int { return x[0].at.Compare(y[0].at) })
	}
	told := 0
	for _, g := range shown {
		r.say(tell(g))
		r.rest(g...)
		r.c.tell(g...)
		told += len(g)
	}
	if rest := len(found) - told + a.Total - len(a.Found); rest > 0 && len(shown) > 0 {
		r.say(fmt.Sprintf(r.c.p.more, a.Query.Name, rest, codesOf(found)))
		r.rest(found...)
	}
}

func pipeName(f *fact) string {
	return strings.TrimPrefix(f.First("file.name", "winlog.event_data.RelativeTargetName", "winlog.event_data.PipeName"), `\`)
}

func (r *reply) pipe(g []*fact) string {
	f := g[0]
	by := ""
	if f.code == "5145" && f.Text("source.ip") != "" {
		by = fmt.Sprintf(r.c.p.by, r.c.user(f)+" @ "+clip(f.Endpoint("source"), nameWidth))
	}
	return fmt.Sprintf(r.c.p.pipe, clip(pipeName(f), nameWidth), by, r.c.when(f), codesOf(g)) + times(g)
}

func shareFile(f *fact) string {
	share := strings.TrimPrefix(f.Text("winlog.event_data.ShareName"), `\\*\`)
	file := f.First("winlog.event_data.RelativeTargetName", "file.name")
	return strings.TrimSuffix(share+`\`+file, `\`)
}

func (r *reply) share(g []*fact) string {
	f := g[0]
	format := r.c.p.shareOpened
	for _, one := range g {
		if wrote(one) {
			format, f = r.c.p.shareWritten, one
			break
		}
	}
	return fmt.Sprintf(format, r.c.user(f), clip(shareFile(f), nameWidth), clip(f.Endpoint("source"), nameWidth), r.c.when(f), codesOf(g)) + times(g)
}

func (r *reply) file(g []*fact) string {
	f := g[0]
	return fmt.Sprintf(r.c.p.fileWritten, clip(f.First("process.name", "process.executable", "user.name"), nameWidth),
		clip(f.First("file.path", "file.name"), commandWidth), r.c.when(f), codesOf(g)) + times(g)
}

func (r *reply) network(g []*fact) string {
	f := g[0]
	return fmt.Sprintf(r.c.p.connected, clip(f.First("process.name", "process.executable"), nameWidth),
		clip(f.Endpoint("destination"), nameWidth), r.c.when(f), codesOf(g)) + times(g)
}

// times says how often the like happened, if more than once.
func times(g []*fact) string {
	if len(g) < 2 {
		return ""
	}
	return fmt.Sprintf(" ×%d", len(g))
}

// processes tells the processes of a query. Sysmon and the security log both
// tell of one start: they make one sentence.
func (r *reply) processes(a *Asked) {
	var heads []*fact
	head := map[*fact]*fact{}
	for _, f := range r.c.found(a) {
		head[f] = f
		for _, h := range heads {
			if h.code != f.code && base(processPath(h)) == base(processPath(f)) && samePID(h, f) && f.at.Sub(h.at).Abs() < 2*time.Second {
				head[f] = h
			}
		}
		if head[f] == f {
			heads = append(heads, f)
		}
	}
	r.startedService(a)
	r.groups(a, func(f *fact) string {
		if h := head[f]; h != nil {
			return h.id
		}
		return f.id
	}, r.started)
}

// startedService says that the alert's service was started, if the query found
// its process; the other log's event of that start is not told once more.
func (r *reply) startedService(a *Asked) {
	s := r.c.subject.process
	if s == nil {
		return
	}
	var same []*fact
	for _, f := range r.c.found(a) {
		if f == s || base(processPath(f)) == base(processPath(s)) && samePID(f, s) && f.code != s.code && f.at.Sub(s.at).Abs() < 2*time.Second {
			same = append(same, f)
		}
	}
	if slices.Contains(same, s) {
		r.say(fmt.Sprintf(r.c.p.isService, clip(s.First("process.name", "process.executable"), nameWidth), r.c.when(s), codesOf(same)))
	}
	r.rest(same...)
	r.c.tell(same...)
}

func samePID(a, b *fact) bool {
	x, y := a.Text("process.pid"), b.Text("process.pid")
	return x == "" || y == "" || x == y
}

func (r *reply) started(g []*fact) string {
	f := g[0]
	for _, one := range g { // the one with a command line tells more
		if f.Text("process.command_line") == "" {
			f = one
		}
	}
	parent := f.First("process.parent.name", "process.parent.executable", "process.parent.pid")
	return fmt.Sprintf(r.c.p.started, clip(f.First("process.name", "process.executable"), nameWidth), clip(parent, nameWidth),
		r.c.when(f), codesOf(g), command(f.First("process.command_line", "process.executable")))
}

// modules tells the modules that are not signed by Microsoft, or not known to
// be, and counts the rest.
func (r *reply) modules(a *Asked) {
	var odd []*fact
	found := r.c.found(a)
	for _, f := range found {
		if signer(f) != "Microsoft Windows" && signer(f) != "Microsoft Corporation" {
			odd = append(odd, f)
		}
	}
	for i, f := range odd {
		if i == maxListed {
			break
		}
		r.say(fmt.Sprintf(r.c.p.module, clip(f.First("process.name", "process.executable"), nameWidth),
			clip(modulePath(f), commandWidth), r.c.when(f), codesOf([]*fact{f}), r.c.moduleSignature(f)))
		r.rest(f)
	}
	if rest := a.Total - min(len(odd), maxListed); rest > 0 {
		r.say(fmt.Sprintf(r.c.p.more, a.Query.Name, rest, codesOf(found)))
	}
}

func modulePath(f *fact) string {
	return f.First("dll.path", "file.path", "winlog.event_data.ImageLoaded")
}

func signer(f *fact) string {
	return f.First("dll.code_signature.subject_name", "file.code_signature.subject_name", "winlog.event_data.Signature")
}

func (c *inquiry) moduleSignature(f *fact) string {
	for _, of := range [...]string{"dll", "file"} {
		if s := c.signature(f, of); s != c.p.notSigned {
			return s
		}
	}
	if f.Text("winlog.event_data.Signed") == "false" {
		return c.p.unsigned
	}
	return c.p.notSigned
}
