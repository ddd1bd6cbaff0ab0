// Package report prints what a scan found: for people as a table on the
// terminal and as one HTML file, for programs as JSON, NDJSON and CSV.
package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/terminal"
)

// Table prints alerts for a person at a terminal, one entry an incident: who did
// what to whom, the stages with the time between them, and what answers the
// questions of the strategy. No text of an event reaches the terminal unclean.
type Table struct {
	W     io.Writer
	Color bool // only for a terminal, never with NO_COLOR
	Width int  // columns; 0 is unlimited
	Zone  *time.Location
	Lang  string // "en", "vi"

	out *terminal.Writer
	w   *words
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

// Where the parts of an entry stand.
const (
	entryIndent  = "  "
	eventIndent  = "                             " // below an event's sentence
	answerIndent = "      "
)

func severityStyle(severity string) string {
	switch severity {
	case "critical", "high":
		return terminal.Bold + terminal.Red
	case "medium":
		return terminal.Bold + terminal.Yellow
	}
	return terminal.Bold
}

// Write prints one entry. The error of the first failing write is kept.
func (t *Table) Write(e *Entry) error {
	if t.out == nil {
		t.out = &terminal.Writer{W: t.W, Color: t.Color, Width: t.Width}
		t.w = wordsIn(t.Lang)
	}
	a := e.Lead
	t.head(e)
	var last time.Time
	for i := range a.Events {
		last = t.event(&a.Events[i], last)
	}
	for i := range a.Risk {
		t.note(fmt.Sprintf("%s %+d: %s", t.w.RiskMoved, a.Risk[i].Points, a.Risk[i].Reason))
	}
	for i := range a.Triage {
		t.answer(&a.Triage[i])
	}
	if len(e.Also) > 0 {
		names := make([]string, len(e.Also))
		for i := range e.Also {
			names[i] = alsoName(a, &e.Also[i])
		}
		t.note(t.w.AlsoReported + ": " + strings.Join(names, "; "))
	}
	t.out.Line("")
	return t.out.Err()
}

func (t *Table) head(e *Entry) {
	a := e.Lead
	title := terminal.Clean(a.Title)
	if a.Variant != "" {
		title += " (" + terminal.Clean(a.Variant) + ")"
	}
	mark := fmt.Sprintf("%s %d", strings.ToUpper(t.w.severity(a.Severity)), a.RiskScore)
	t.out.Line("%s  %s", t.out.Paint(severityStyle(a.Severity), mark), t.out.Paint(terminal.Bold, title))
	s := tell(e)
	line := s.whom
	if from := s.from(); from != "" {
		line = from + " → " + s.whom
	}
	if verb := t.w.verb(s.deed); verb != "" {
		line += ": " + verb
	}
	t.out.Wrap(entryIndent, entryIndent+"  ", "", terminal.Clean(cutTo(line+" "+s.what, tableText)))
	t.out.Line("%s%s%s", entryIndent, t.at(a.Timestamp), t.out.Paint(terminal.Dim, t.span(a)))
	if x := a.Exception; x != nil {
		t.note(fmt.Sprintf("%s %q: %s", t.w.ExcusedBy, x.Name, x.Reason))
	}
}

// tableText bounds a text of an event, in bytes: the whole of it is what -o json
// is for.
const tableText = 2000

func (t *Table) note(s string) {
	t.out.Wrap(entryIndent, entryIndent+"  ", terminal.Dim, terminal.Clean(cutTo(s, tableText)))
}

// span says how long the stages took.
func (t *Table) span(a *alert.Alert) string {
	d, ok := stretch(a)
	if !ok {
		return ""
	}
	return "  " + fmt.Sprintf(t.w.StagesWithin, len(a.Events), gap(d))
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

func (t *Table) zone() *time.Location {
	if t.Zone == nil {
		return time.UTC
	}
	return t.Zone
}

func (t *Table) at(at time.Time) string {
	return at.In(t.zone()).Format("2006-01-02 15:04:05.000 MST")
}

// event prints a stage and returns its time: the time since the stage before,
// last, stands beside it.
func (t *Table) event(e *alert.Event, last time.Time) time.Time {
	if e.Missing {
		t.out.Line("%s%d  %s", entryIndent, e.Stage, t.w.NoSuchEvent)
		return last
	}
	v := alert.NewView(e.Event)
	when, since := "", ""
	at := eventTime(e)
	if !at.IsZero() {
		when = at.In(t.zone()).Format("15:04:05.000")
		if !last.IsZero() {
			since = offset(at.Sub(last))
		}
		last = at
	}
	what := terminal.Clean(cutTo(v.Describe(), tableText))
	if t.Width > 0 {
		what = terminal.Shorten(what, max(t.Width-len(eventIndent), 20))
	}
	t.out.Line("%s%d  %-12s %s %s", entryIndent, e.Stage, when, t.out.Paint(terminal.Dim, fmt.Sprintf("%10s", since)), what)
	if o := e.Origin; o != nil {
		place := fmt.Sprintf("%s:%d", terminal.Clean(o.Path), o.Line)
		if o.Record != "" {
			place += " " + t.w.Record + " " + terminal.Clean(o.Record)
		}
		if code := v.Text("event.code"); code != "" {
			place += " " + t.w.Event + " " + terminal.Clean(code)
		}
		if t.Width > 0 {
			place = terminal.ShortenLeft(place, max(t.Width-len(eventIndent), 20))
		}
		t.out.Line("%s%s", eventIndent, t.out.Paint(terminal.Dim, place))
	}
	return last
}

func (t *Table) answer(a *alert.Answer) {
	t.out.Wrap("  ? ", "    ", terminal.Dim, terminal.Clean(a.Question))
	for sentence := range strings.SplitSeq(a.Answer, "\n") {
		t.out.Wrap(answerIndent, answerIndent+"  ", "", terminal.Clean(sentence))
	}
}

func alsoName(lead *alert.Alert, other *Also) string {
	name := other.Strategy
	if other.Strategy == lead.Strategy && other.Variant != "" {
		name = "variant " + other.Variant
	} else if other.Variant != "" {
		name += " (" + other.Variant + ")"
	}
	return fmt.Sprintf("%s, %s %d", name, other.Severity, other.RiskScore)
}
