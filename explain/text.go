package explain

import (
	"fmt"
	"strings"

	"github.com/tocsin-project/tocsin/terminal"
)

// Text prints a report for a person.
type Text struct {
	terminal.Writer
	All bool // every test of every event, not only what fails
}

// Write prints the report. The error of the first failing write is returned.
func (t *Text) Write(r *Report) error {
	if t.Width == 0 {
		t.Width = 100
	}
	t.Line("%s  %s", t.Paint(terminal.Bold, terminal.Clean(r.Title)), t.Paint(terminal.Dim, terminal.Clean(r.Strategy)))
	t.Line("%d events read", r.Events)
	if r.Partial {
		t.Line("interrupted: this is what was found until then")
	}
	for i := range r.Variants {
		t.variant(&r.Variants[i])
	}
	return t.Err()
}

func (t *Text) variant(v *Variant) {
	name := v.Variant
	if name == "" {
		name = "main rule"
	} else {
		name = "variant " + name
	}
	t.Line("")
	counts := fmt.Sprintf("%s, %s", terminal.Count(v.MatchCount, "match", "matches"), terminal.Count(v.NearCount, "near miss", "near misses"))
	t.Line("%s  %s", t.Paint(terminal.Bold, strings.ToUpper(terminal.Clean(name))), counts)
	for i := range v.Stages {
		if !v.Native {
			t.stage(&v.Stages[i])
		}
	}
	for i := range v.Matches {
		t.account(&v.Matches[i], v.Kind)
	}
	t.more(v.MatchCount-len(v.Matches), "match", "matches", "later ones")
	for i := range v.NearMisses {
		t.account(&v.NearMisses[i], v.Kind)
	}
	t.more(v.NearCount-len(v.NearMisses), "near miss", "near misses", "further away")
	if v.Beyond > 0 {
		t.Line("  %d events beyond what is kept were not put together: narrow the input or name --host", v.Beyond)
	}
}

func (t *Text) more(n int, one, many, which string) {
	if n > 0 {
		t.Line("")
		t.Line("  … and %s more, %s (--limit shows them)", terminal.Count(n, one, many), which)
	}
}

// stage is one line on how far events came, and one for each frequent fault.
func (t *Text) stage(s *Stage) {
	role := fmt.Sprintf("stage %d", s.Number)
	switch s.Role {
	case "until":
		role = "until"
	case "missing":
		role += " (must be missing)"
	}
	extra := ""
	for _, x := range []struct {
		n    int
		text string
	}{{s.Excused, "excused"}, {s.NoKey, "without a key"}, {s.NoTime, "without a time"}} {
		if x.n > 0 {
			extra += fmt.Sprintf(", %d %s", x.n, x.text)
		}
	}
	t.Line("  %s  %s: %d events, %d satisfy it%s", role, s.Category, s.Events, s.Satisfied, extra)
	for i, f := range s.OnlyFault {
		if i == 3 && !t.All {
			t.Line("           %s", t.Paint(terminal.Dim, fmt.Sprintf("… and %d further tests", len(s.OnlyFault)-i)))
			break
		}
		t.Line("           %s", t.Paint(terminal.Dim, terminal.Shorten(fmt.Sprintf("%d fail only %s", f.Events, terminal.Clean(f.Test)), t.Width-11)))
	}
}

func (t *Text) account(a *Account, kind string) {
	mark, style := "✗", terminal.Yellow
	if a.Kind == Sound.String() {
		mark, style = "✓", terminal.Green
	}
	where := a.Host.Name
	if where == "" {
		where = a.Host.ID
	}
	t.Line("")
	t.Wrap("  "+t.Paint(style, mark)+" ", "    ", terminal.Bold, terminal.Clean(a.Verdict))
	head := terminal.Clean(where)
	for _, k := range a.Keys {
		if !strings.EqualFold(k.Value, where) {
			head += "  " + terminal.Clean(strings.Join(k.Fields, " = ")+" "+k.Value)
		}
	}
	t.Line("    %s", t.Paint(terminal.Dim, terminal.Shorten(head, t.Width-4)))
	for i := range a.Evidence {
		t.evidence(a, &a.Evidence[i])
	}
	for _, n := range a.Notes {
		t.Wrap("    note: ", "          ", "", terminal.Clean(n))
	}
}

func (t *Text) evidence(a *Account, e *Evidence) {
	if e.Missing {
		t.Line("    %d  %s", e.Stage, t.Paint(terminal.Dim, "no such event"))
		return
	}
	when := strings.TrimSuffix(strings.Replace(e.Time, "T", " ", 1), "Z")
	t.Line("    %d  %s  %s", e.Stage, when, terminal.Shorten(terminal.Clean(e.Summary), t.Width-32))
	origin := fmt.Sprintf("%s:%d", e.Origin.Path, e.Origin.Line)
	if e.Origin.Record != "" {
		origin += " record " + e.Origin.Record
	}
	if e.Code != "" {
		origin += " event " + e.Code
	}
	t.Line("       %s", t.Paint(terminal.Dim, terminal.ShortenLeft(terminal.Clean(origin), t.Width-7)))
	for i := range e.Tests {
		t.test(a, &e.Tests[i])
	}
}

// test prints what became of a test: of a match those that name something, else
// none, as the verdict says what fails; all with All.
func (t *Text) test(a *Account, r *TestResult) {
	mark := t.Paint(terminal.Green, "✓")
	if !r.Holds {
		mark = t.Paint(terminal.Red, "✗")
	}
	if !t.All && (!r.Holds || a.Kind != Sound.String() || r.negated) {
		return
	}
	text := terminal.Clean(r.Test)
	seen := terminal.Clean(seenValues(r))
	room := t.Width - 11 - min(len([]rune(seen)), 40)
	t.Line("       %s %s  %s", mark, terminal.Shorten(text, max(room, 20)), t.Paint(terminal.Dim, terminal.Shorten(seen, 40)))
}

// seenValues are the values alone: the test names the field.
func seenValues(r *TestResult) string {
	var parts []string
	for _, f := range r.fields {
		if v := strings.Join(r.Seen[f], ", "); v != "" {
			parts = append(parts, v)
		} else {
			parts = append(parts, "missing")
		}
	}
	return strings.Join(parts, "; ")
}
