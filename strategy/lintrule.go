package strategy

import (
	"slices"
	"strings"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
)

// indexPatterns reports patterns whose events no query can match. Only indices
// that are known to hold a few categories can be told; winlogbeat-* and its
// like hold any.
func (c *linter) indexPatterns(queries []*eql.Query) {
	needed := map[string]bool{}
	for i, q := range queries {
		if q == nil || i < len(c.s.Rules) && c.s.Rules[i].EventCategoryOverride != "" {
			return
		}
		for _, s := range steps0(q) {
			if s.Any {
				return
			}
			needed[s.Category] = true
		}
	}
	if len(needed) == 0 {
		return
	}
	for i, pattern := range c.s.IndexPatterns {
		held := categoriesOf(pattern)
		if held == nil || slices.ContainsFunc(held, func(k string) bool { return needed[k] }) {
			continue
		}
		pos := Pos{c.s.Source.Path, c.s.Source.Line, 1}
		if i < len(c.s.pos.index) {
			pos = c.s.pos.index[i]
		}
		p := c.at(Warning, "unneeded-index", pos, "index pattern %s holds %s events; no rule reads them", pattern, strings.Join(held, " and "))
		p.Hint = "the rules read " + strings.Join(sortedKeys(needed), ", ")
	}
}

// steps0 are all steps of a query, until included.
func steps0(q *eql.Query) []*eql.Step {
	if q.Until == nil {
		return q.Steps
	}
	return append(slices.Clone(q.Steps), q.Until)
}

func sortedKeys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// categoriesOf gives the event categories that an index pattern can hold, nil
// if that cannot be told. Source: the data streams of the Elastic Defend,
// Network Packet Capture and Windows integrations.
func categoriesOf(pattern string) []string {
	name := strings.TrimPrefix(pattern[strings.LastIndexByte(pattern, ':')+1:], "logs-")
	for _, k := range []struct {
		prefix     string
		categories []string
	}{
		{"endpoint.events.process-", []string{"process"}},
		{"endpoint.events.network-", []string{"network"}},
		{"endpoint.events.file-", []string{"file"}},
		{"endpoint.events.registry-", []string{"registry"}},
		{"endpoint.events.library-", []string{"library", "driver"}},
		{"endpoint.events.security-", []string{"authentication", "session", "iam"}},
		{"endpoint.events.api-", []string{"api"}},
		{"network_traffic.", []string{"network"}},
		{"packetbeat-", []string{"network"}},
		{"windows.powershell", []string{"process"}},
	} {
		if strings.HasPrefix(name, k.prefix) {
			return k.categories
		}
	}
	return nil
}

// rule looks at what one rule says.
func (c *linter) rule(r *Rule, q *eql.Query) {
	c.hostKey(r, q)
	for _, s := range steps0(q) {
		c.fields(s.Cond, r.text, r.Query)
		for _, e := range excluded(s.Cond) {
			c.evadable(e, r.text, r.Query, "the rule leaves out")
		}
	}
}

// hostKey reports a sequence that can be joined of events of several hosts.
func (c *linter) hostKey(r *Rule, q *eql.Query) {
	if q.Kind == eql.Event || !aboutHosts(q) {
		return
	}
	keys := slices.Clone(q.By)
	if len(q.Steps) > 0 {
		keys = append(keys, q.Steps[0].By...)
	}
	entity := ""
	for _, k := range keys {
		if strings.HasPrefix(k.Name, "host.") || strings.HasPrefix(k.Name, "agent.") || k.Name == "winlog.computer_name" {
			return
		}
		if strings.HasSuffix(k.Name, ".entity_id") {
			entity = k.Name
		}
	}
	at := r.text.offset(r.Query, q.Range().Start)
	switch {
	case entity != "":
		c.ruleProblem(Note, "key-without-host", r.text, at, r.Query, q.Range().Start,
			"the join key has no host; %s tells hosts apart only where the sensor makes it so", entity)
	default:
		p := c.ruleProblem(Warning, "key-without-host", r.text, at, r.Query, q.Range().Start,
			"the join key has no host: events of different hosts can make one match")
		p.Hint = "add host.id to by"
	}
}

// aboutHosts says whether a query reads what endpoints report; cloud services
// have no host to join by.
func aboutHosts(q *eql.Query) bool {
	for _, s := range q.Steps {
		switch s.Category {
		case "process", "file", "registry", "library", "driver":
			return true
		}
		found := false
		walk(s.Cond, func(e eql.Expr) {
			if f, ok := e.(*eql.Field); ok {
				found = found || strings.HasPrefix(f.Name, "host.os.") || strings.HasPrefix(f.Name, "process.")
			}
		})
		if found {
			return true
		}
	}
	return false
}

// ruleProblem reports at an offset of a query.
func (c *linter) ruleProblem(l Level, code string, t text, pos Pos, query string, offset int, format string, args ...any) *Problem {
	p := c.at(l, code, pos, format, args...)
	if t.flat {
		line, col, text := lineOf(query, offset)
		p.inQuery(line, col, text)
	}
	return p
}

// fields reports names that ECS does not have.
func (c *linter) fields(cond eql.Expr, t text, query string) {
	types := fieldTypes()
	seen := map[string]bool{}
	walk(cond, func(e eql.Expr) {
		f, ok := e.(*eql.Field)
		if !ok || seen[f.Name] {
			return
		}
		seen[f.Name] = true
		if _, known := types.Field(f.Name); known || strings.HasPrefix(f.Name, "winlog.event_data.") {
			return
		}
		// Integrations have fields of their own; a name that is nearly one of
		// ECS, or stands among them, was meant to be one.
		level, hint := Note, nearestField(f.Name)
		if hint != "" || ecsRoot(f.Name) {
			level = Warning
		}
		p := c.ruleProblem(level, "unknown-rule-field", t, t.offset(query, f.Range().Start), query, f.Range().Start, "ECS has no field %s", f.Name)
		p.Hint = hint
	})
}

// walk calls f for an expression and all below it.
func walk(e eql.Expr, f func(eql.Expr)) {
	if e == nil {
		return
	}
	f(e)
	for _, c := range children(e) {
		walk(c, f)
	}
}

func children(e eql.Expr) []eql.Expr {
	switch e := e.(type) {
	case *eql.Neg:
		return []eql.Expr{e.X}
	case *eql.Arith:
		return []eql.Expr{e.X, e.Y}
	case *eql.Compare:
		return []eql.Expr{e.X, e.Y}
	case *eql.Match:
		return append([]eql.Expr{e.X}, e.List...)
	case *eql.Logic:
		return e.Xs
	case *eql.Not:
		return []eql.Expr{e.X}
	case *eql.Call:
		return e.Args
	}
	return nil
}

// excluded returns the conditions under which a rule's condition does not
// hold: what stands under a not that stands under no other.
func excluded(cond eql.Expr) []eql.Expr {
	switch e := cond.(type) {
	case *eql.Not:
		return []eql.Expr{e.X}
	case *eql.Logic:
		var out []eql.Expr
		for _, x := range e.Xs {
			out = append(out, excluded(x)...)
		}
		return out
	case *eql.Match:
		if e.Negated {
			return []eql.Expr{e}
		}
	case *eql.Compare:
		if e.Op == eql.OpNE {
			return []eql.Expr{e}
		}
	}
	return nil
}

// pin is a test that pins a field to values.
type pin struct {
	field  string
	values []*eql.Literal
}

// pins returns the tests of which one alternative of a condition is made, each
// alternative apart: an attacker needs only one of them.
func pins(e eql.Expr) [][]pin {
	switch e := e.(type) {
	case *eql.Logic:
		if e.Or {
			var out [][]pin
			for _, x := range e.Xs {
				out = append(out, pins(x)...)
			}
			return out
		}
		var all []pin
		for _, x := range e.Xs {
			for _, alt := range pins(x) {
				all = append(all, alt...)
			}
		}
		return [][]pin{all}
	case *eql.Match:
		if f, ok := e.X.(*eql.Field); ok && e.Op != eql.OpRegex {
			return [][]pin{{{f.Name, literals(e.List)}}}
		}
	case *eql.Compare:
		if f, ok := e.X.(*eql.Field); ok && (e.Op == eql.OpEQ || e.Op == eql.OpNE) {
			return [][]pin{{{f.Name, literals([]eql.Expr{e.Y})}}}
		}
	case *eql.Not:
		// A test that something is not so narrows; what it says does not matter here.
		return [][]pin{{{field: "not"}}}
	}
	return [][]pin{{{field: "?"}}}
}

func literals(list []eql.Expr) []*eql.Literal {
	var out []*eql.Literal
	for _, x := range list {
		if l, ok := x.(*eql.Literal); ok {
			out = append(out, l)
		}
	}
	return out
}

// evadable reports what an attacker can do to be left out.
func (c *linter) evadable(e eql.Expr, t text, query, what string) {
	for _, alt := range pins(e) {
		if slices.ContainsFunc(alt, func(p pin) bool { return hardToForge(p.field) }) {
			continue
		}
		pathed := slices.ContainsFunc(alt, func(p pin) bool { return isPathField(p.field) })
		for _, p := range alt {
			for _, l := range p.values {
				why := weakness(p.field, literalText(l), pathed, len(alt))
				if why == "" {
					continue
				}
				at := t.offset(query, l.Range().Start)
				c.ruleProblem(Warning, "attacker-wildcard", t, at, query, l.Range().Start, "%s %s: %s", what, l.String(), why)
			}
		}
	}
}

func literalText(l *eql.Literal) string {
	if l.Value.Kind != event.KindText {
		return ""
	}
	return l.Value.S
}

// hardToForge are fields that pin a file to its maker.
func hardToForge(field string) bool {
	return strings.Contains(field, ".hash.") || strings.Contains(field, "code_signature.")
}

func isPathField(field string) bool {
	return strings.HasSuffix(field, ".executable") || field == "file.path" || field == "dll.path" || strings.HasSuffix(field, "working_directory")
}

// weakness says how an attacker makes a value match, "" if he cannot easily.
func weakness(field, value string, pathed bool, tests int) string {
	v := strings.ToLower(strings.ReplaceAll(value, "/", `\`))
	switch {
	case value == "":
		return ""
	case isPathField(field):
		return weakPath(v)
	case strings.HasSuffix(field, "process.name") || field == "file.name" || field == "dll.name" || field == "process.parent.name":
		if !pathed && tests == 1 {
			return "a name without its path; any file can be called so"
		}
	case strings.HasSuffix(field, "command_line") || strings.HasSuffix(field, ".args"):
		if !pathed && tests == 1 {
			return "an attacker writes the command line"
		}
	}
	return ""
}

// weakPath says why files can be put where a path pattern (lower case, with
// backslashes) allows them.
func weakPath(v string) string {
	if strings.HasPrefix(v, "*") {
		return "it starts with a wildcard, so any folder does"
	}
	rest := v
	for _, drive := range []string{`?:\`, `c:\`, `\device\harddiskvolume?\`, `\device\harddiskvolume*\`} {
		rest = strings.TrimPrefix(rest, drive)
	}
	for _, dir := range []string{`users\`, `programdata\`, `windows\temp\`, `windows\tasks\`, `windows\tracing\`, `temp\`, `tmp\`, `perflogs\`,
		`$recycle.bin\`, `windows\system32\spool\drivers\color\`, `windows\system32\tasks\`, `windows\debug\wia\`, `windows\system32\microsoft\crypto\rsa\machinekeys\`,
		`\tmp\`, `\var\tmp\`, `\dev\shm\`, `\home\`, `\users\`} {
		if strings.HasPrefix(rest, dir) {
			return "users may write to " + strings.Trim(v[:len(v)-len(rest)+len(dir)], `\`)
		}
	}
	if rest == v { // no drive letter: other systems, or a whole-path pattern
		return ""
	}
	top, _, nested := strings.Cut(rest, `\`)
	switch {
	case strings.ContainsAny(top, "*?"):
		return "a wildcard for the top folder, so any folder does"
	case nested && top != "windows" && !strings.HasPrefix(top, "program files"):
		return "users may create folders at a drive's root, such as " + top + " where that product is not installed"
	}
	return ""
}

// nearestField is the hint for a field that ECS does not have: the ECS field
// whose name differs least, "" if none is near.
func nearestField(name string) string {
	best, at := 1+len(name)/6, ""
	for f := range event.ECSFields() {
		if len(f) > len(name)+best || len(f)+best < len(name) {
			continue
		}
		d := editDistance(strings.ToLower(name), strings.ToLower(f))
		likelier := at == "" || strings.Count(f, ".") == strings.Count(name, ".") && strings.Count(at, ".") != strings.Count(name, ".")
		if d < best || d == best && likelier {
			best, at = d, f
		}
	}
	if at == "" {
		return ""
	}
	return "did you mean " + at + "?"
}

// ecsRoot says whether a name stands in a field set whose names all belong to ECS.
func ecsRoot(name string) bool {
	root, _, _ := strings.Cut(name, ".")
	return slices.Contains([]string{"process", "host", "event", "file", "registry", "network", "source", "destination", "user", "dll"}, root)
}
