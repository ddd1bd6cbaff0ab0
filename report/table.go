// Package report prints what a scan found: for people as a table on the
// terminal and as one HTML file, for programs as JSON, NDJSON and CSV.
package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsin-project/tocsin/alert"
)

// Table prints alerts for a person at a terminal, one entry an incident.
type Table struct {
	W     io.Writer
	Color bool // only for a terminal, never with NO_COLOR
	Width int  // columns; 0 is unlimited
	Zone  *time.Location

	err error
}

// Entry is one incident: the alert that tells most of it, and the others.
type Entry struct {
	Lead   *alert.Alert
	Also   []Also         // further variants and strategies
	Others []*alert.Alert // the same, whole, for reports that show their events
}

// Also names another alert of an incident.
type Also struct {
	Strategy, Variant, Severity string
	RiskScore                   int
}

// Colours of severities and of what is less important.
const (
	reset  = "\x1b[0m"
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	blue   = "\x1b[34m"
)

func (t *Table) paint(style, s string) string {
	if !t.Color || s == "" {
		return s
	}
	return style + s + reset
}

func severityStyle(severity string) string {
	switch severity {
	case "critical", "high":
		return bold + red
	case "medium":
		return bold + yellow
	}
	return bold + blue
}

func (t *Table) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.W, format+"\n", args...)
	}
}

// Write prints one entry. The error of the first failing write is kept.
func (t *Table) Write(e *Entry) error {
	a := e.Lead
	t.head(a)
	for _, ev := range a.Events {
		t.event(a, &ev)
	}
	for i := range a.Risk {
		t.line("    %s", t.paint(dim, fmt.Sprintf("risk %+d: %s", a.Risk[i].Points, Clean(a.Risk[i].Reason))))
	}
	for i := range a.Triage {
		t.answer(&a.Triage[i])
	}
	for i := range e.Also {
		t.also(a, &e.Also[i])
	}
	t.line("")
	return t.err
}

func (t *Table) head(a *alert.Alert) {
	mark := fmt.Sprintf("%-8s %3d", strings.ToUpper(a.Severity), a.RiskScore)
	title := Clean(a.Title)
	if a.Variant != "" {
		title += " (" + Clean(a.Variant) + ")"
	}
	t.line("%s  %s", t.paint(severityStyle(a.Severity), mark), t.paint(bold, title))
	where := a.Host.Name
	if where == "" {
		where = a.Host.ID
	}
	t.line("    %s  %s%s", t.at(a.Timestamp), Clean(where), t.paint(dim, span(a)))
	if a.Exception != nil {
		t.line("    %s", t.paint(dim, fmt.Sprintf("excused by %q: %s", Clean(a.Exception.Name), Clean(a.Exception.Reason))))
	}
}

// span says how long the stages took.
func span(a *alert.Alert) string {
	d, ok := stretch(a)
	if !ok {
		return ""
	}
	return fmt.Sprintf("  %d stages within %s", len(a.Events), gap(d))
}

// stretch is the time from the first event to the last, if there are several
// and both have a time.
func stretch(a *alert.Alert) (time.Duration, bool) {
	if len(a.Events) < 2 {
		return 0, false
	}
	first, last := eventTime(&a.Events[0]), eventTime(&a.Events[len(a.Events)-1])
	return last.Sub(first), !first.IsZero() && !last.IsZero()
}

func eventTime(e *alert.Event) time.Time {
	at, err := time.Parse(time.RFC3339Nano, alert.NewView(e.Event).Text("@timestamp"))
	if err != nil {
		return time.Time{}
	}
	return at
}

func (t *Table) at(at time.Time) string {
	zone := t.Zone
	if zone == nil {
		zone = time.UTC
	}
	return at.In(zone).Format("2006-01-02 15:04:05.000 MST")
}

func (t *Table) event(a *alert.Alert, e *alert.Event) {
	if e.Missing {
		t.line("    %d  %s", e.Stage, "no such event")
		return
	}
	v := alert.NewView(e.Event)
	when := "            "
	if at := eventTime(e); !at.IsZero() {
		when = at.UTC().Format("15:04:05.000")
		if t.Zone != nil {
			when = at.In(t.Zone).Format("15:04:05.000")
		}
	}
	number := " "
	if e.Stage > 0 {
		number = fmt.Sprint(e.Stage)
	}
	what := Clean(v.Describe())
	if t.Width > 0 {
		what = Shorten(what, max(t.Width-21, 20))
	}
	t.line("    %s  %s  %s", number, when, what)
	if e.Origin != nil {
		place := fmt.Sprintf("%s:%d", Clean(e.Origin.Path), e.Origin.Line)
		if e.Origin.Record != "" {
			place += " record " + Clean(e.Origin.Record)
		}
		if code := v.Text("event.code"); code != "" {
			place += " event " + Clean(code)
		}
		t.line("                     %s", t.paint(dim, place))
	}
}

// Where answers stand: the question at the alert's own lines, what answers it
// below, each sentence with its further lines hanging.
const (
	questionIndent = 4
	answerIndent   = 6
)

func (t *Table) answer(a *alert.Answer) {
	for i, l := range wrap("? "+Clean(a.Question), t.Width-questionIndent) {
		t.line("%s%s", strings.Repeat(" ", questionIndent+min(i, 1)*2), t.paint(dim, l))
	}
	for _, sentence := range strings.Split(a.Answer, "\n") {
		for i, l := range wrap(Clean(sentence), t.Width-answerIndent-2) {
			t.line("%s%s", strings.Repeat(" ", answerIndent+min(i, 1)*2), l)
		}
	}
}

// wrap breaks text into lines of at most width characters at spaces, and words
// that are longer wherever it must. A width that leaves no room does not wrap.
func wrap(s string, width int) []string {
	const least = 20
	if width < least || utf8.RuneCountInString(s) <= width {
		return []string{s}
	}
	var lines []string
	var line []rune
	for word := range strings.SplitSeq(s, " ") {
		w := []rune(word)
		if len(line) > 0 && len(line)+1+len(w) <= width {
			line = append(append(line, ' '), w...)
			continue
		}
		if len(line) > 0 {
			lines = append(lines, string(line))
		}
		for len(w) > width {
			lines, w = append(lines, string(w[:width])), w[width:]
		}
		line = append(line[:0], w...)
	}
	if len(line) > 0 {
		lines = append(lines, string(line))
	}
	return lines
}

func (t *Table) also(lead *alert.Alert, other *Also) {
	name := other.Strategy
	if other.Strategy == lead.Strategy && other.Variant != "" {
		name = "variant " + other.Variant
	} else if other.Variant != "" {
		name += " (" + other.Variant + ")"
	}
	t.line("    %s", t.paint(dim, fmt.Sprintf("also: %s, %s %d", Clean(name), other.Severity, other.RiskScore)))
}
