package report

import (
	"fmt"
	"github.com/tocsin-project/tocsin/terminal"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsin-project/tocsin/alert"
)

// What the page shows of an incident is bounded, whatever its events hold.
const (
	maxText        = 600      // characters of a value in a line
	maxAnswerText  = 4_000    // of an answer
	maxJSONString  = 4_000    // bytes of a text inside a raw event
	maxJSON        = 64 << 10 // bytes of a raw event
	maxEvents      = 120      // of an incident
	maxOtherAlerts = 20
)

// incidentView is an incident, ready for the template: every text is cleaned
// and bounded, and escaping is left to the template.
type incidentView struct {
	*row
	W *words

	Approximate bool
	Suppressed  int
	Threat      []alert.Threat
	Factors     []alert.Factor
	Excused     string
	Others      []otherView
	Timeline    *timeline
	Tree        []*branch
	Answers     []answerView
	Events      []*eventView
	EventsMore  int
}

// row is the line of an incident in the list.
type row struct {
	N                        int // from 1, in the page's order
	Anchor                   string
	Severity, SeverityName   string
	Risk                     int
	When, ISO                string
	Host, Strategy           string
	HostAt, StrategyAt       int // their numbers in the tables, for the filters
	Title, From, Whom, Verb  string
	What, Span               string
	Doc, AlertID, IncidentID string
	Also                     int
	Unix                     int64
	Block, Part              int // where the details stand if they are packed
	Packed, Outline          bool
}

type otherView struct {
	Title, Name, Severity, SeverityName, Doc string
	Risk                                     int
	Refs                                     []ref
}

type answerView struct {
	Question string
	Lines    []string
	Refs     []ref
}

// ref is a link to an event of the same incident.
type ref struct {
	Number int
	Href   string
}

// eventView is one event of an incident.
type eventView struct {
	Number                     int // 0: missing
	Anchor, Role, Time, Offset string
	Code, What, Origin, JSON   string
	Evidence, Missing          bool
	Pooled                     int // number of its JSON in the block's pool, from 1; 0: it is in JSON

	view    alert.View
	id      string
	raw     []byte
	at      time.Time
	stage   int
	ofOther bool
}

func (e *eventView) ref() ref { return ref{e.Number, "#" + e.Anchor} }

func (e *eventView) clean(s string) string { return terminal.Clean(cut(s)) }

// cut bounds a value that stands in a line.
func cut(s string) string { return cutTo(s, maxText) }

func cutTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return fmt.Sprintf("%s… (+%d)", s[:n], utf8.RuneCountInString(s[n:]))
}

// incident makes the view of an entry. r is its line, which is filled as well;
// p, if not nil, takes the raw events.
func (h *HTML) incident(e *Entry, r *row, w *words, p *pool) *incidentView {
	a := e.Lead
	v := &incidentView{row: r, W: w, Approximate: a.Approximate, Suppressed: a.Suppressed}
	h.tellRow(e, r, w)
	for _, t := range a.Threat {
		v.Threat = append(v.Threat, alert.Threat{Tactic: terminal.Clean(cut(t.Tactic)), Technique: terminal.Clean(cut(t.Technique))})
	}
	for _, f := range a.Risk {
		v.Factors = append(v.Factors, alert.Factor{Reason: terminal.Clean(cutTo(f.Reason, maxAnswerText)), Points: f.Points})
	}
	if x := a.Exception; x != nil {
		v.Excused = terminal.Clean(cutTo(strings.TrimSuffix(x.Name+": "+x.Reason, ": "), maxAnswerText))
	}
	byID := map[string]*eventView{}
	v.Events, v.EventsMore = h.events(e, byID, r.Anchor, w)
	v.Others = h.others(e, byID, w)
	for i := range a.Triage {
		v.Answers = append(v.Answers, answerOf(&a.Triage[i], byID))
	}
	v.Timeline = timelineOf(v.Events, a.Timestamp, w)
	v.Tree = forest(v.Events)
	if p != nil {
		for _, ev := range v.Events {
			ev.Pooled, ev.JSON = p.add(ev.JSON), ""
		}
	}
	return v
}

// tellRow fills the line of the list.
func (h *HTML) tellRow(e *Entry, r *row, w *words) {
	s := tell(e)
	r.From, r.Whom = terminal.Clean(cut(s.from())), terminal.Clean(cut(s.whom))
	r.Verb, r.What = w.verb(s.deed), terminal.Clean(cut(s.what))
	r.Title = terminal.Clean(cut(e.Lead.Title))
	if e.Lead.Variant != "" {
		r.Title += " (" + terminal.Clean(cut(e.Lead.Variant)) + ")"
	}
	r.AlertID, r.IncidentID = terminal.Clean(cut(e.Lead.ID)), terminal.Clean(cut(e.Lead.Incident))
	if d, ok := stretch(e.Lead); ok {
		r.Span = gap(d)
	}
}

func answerOf(a *alert.Answer, byID map[string]*eventView) answerView {
	out := answerView{Question: terminal.Clean(cutTo(a.Question, maxAnswerText))}
	for _, l := range strings.Split(cutTo(a.Answer, maxAnswerText), "\n") {
		out.Lines = append(out.Lines, terminal.Clean(l))
	}
	for _, id := range a.Evidence {
		if e := byID[id]; e != nil {
			out.Refs = append(out.Refs, e.ref())
		}
	}
	sort.Slice(out.Refs, func(i, j int) bool { return out.Refs[i].Number < out.Refs[j].Number })
	return out
}

func (h *HTML) others(e *Entry, byID map[string]*eventView, w *words) []otherView {
	var out []otherView
	for _, o := range e.Others[:min(len(e.Others), maxOtherAlerts)] {
		name := o.Strategy
		if o.Variant != "" {
			name += " (" + o.Variant + ")"
		}
		view := otherView{Title: terminal.Clean(cut(o.Title)), Name: terminal.Clean(cut(name)), Severity: severityClass(o.Severity),
			SeverityName: w.severity(o.Severity), Risk: o.RiskScore, Doc: h.docs[o.Strategy]}
		for i := range o.Events {
			if ev := byID[o.Events[i].ID]; ev != nil && !o.Events[i].Missing {
				view.Refs = append(view.Refs, ev.ref())
			}
		}
		out = append(out, view)
	}
	return out
}

// events gathers the events of all alerts of an incident, each once, by time.
func (h *HTML) events(e *Entry, byID map[string]*eventView, anchor string, w *words) (list []*eventView, more int) {
	add := func(ev *alert.Event, role string, evidence, ofOther bool) {
		if ev.ID != "" && byID[ev.ID] != nil {
			return
		}
		if len(list) >= maxEvents && !evidence {
			more++
			return
		}
		x := &eventView{Role: role, Evidence: evidence, ofOther: ofOther, Missing: ev.Missing, stage: ev.Stage, id: ev.ID, raw: ev.Event}
		if ev.ID != "" {
			byID[ev.ID] = x
		}
		h.describe(x, ev, e.Lead.Timestamp, w)
		list = append(list, x)
	}
	for i := range e.Lead.Events {
		ev := &e.Lead.Events[i]
		add(ev, fmt.Sprintf("%s %d", w.Stage, ev.Stage), true, false)
	}
	for _, o := range e.Others[:min(len(e.Others), maxOtherAlerts)] {
		for i := range o.Events {
			if !o.Events[i].Missing {
				add(&o.Events[i], terminal.Clean(cut(o.Strategy)), false, true)
			}
		}
	}
	for i := range e.Lead.Context {
		add(&e.Lead.Context[i], w.Context, false, false)
	}
	sort.SliceStable(list, func(i, j int) bool { return before(list[i], list[j]) })
	n := 0
	for _, x := range list {
		if !x.Missing {
			n++
			x.Number = n
			x.Anchor = fmt.Sprintf("%s-%d", anchor, n)
		}
	}
	return list, more
}

// before orders by time; stages keep their order, and what has no time is last.
func before(a, b *eventView) bool {
	switch {
	case a.at.IsZero() || b.at.IsZero():
		return !a.at.IsZero()
	case a.at.Equal(b.at) && a.Evidence && b.Evidence:
		return a.stage < b.stage
	}
	return a.at.Before(b.at)
}

// describe fills what is shown of an event.
func (h *HTML) describe(x *eventView, ev *alert.Event, zero time.Time, w *words) {
	if ev.Missing {
		x.What = w.NoSuchEvent
		return
	}
	x.view = alert.NewView(ev.Event)
	if at, err := time.Parse(time.RFC3339Nano, x.view.Text("@timestamp")); err == nil {
		x.at = at
		x.Time, x.Offset = h.clock(at), "0 ms"
		if d := at.Sub(zero); d != 0 {
			x.Offset = offset(d)
		}
	}
	x.Code = terminal.Clean(cutTo(x.view.Text("event.code"), 40))
	x.What = x.clean(x.view.Describe())
	x.JSON = prettyJSON(ev.Event, w)
	if o := ev.Origin; o != nil {
		x.Origin = fmt.Sprintf("%s:%d", terminal.Clean(cut(o.Path)), o.Line)
		if o.Record != "" {
			x.Origin += " " + w.Record + " " + terminal.Clean(cut(o.Record))
		}
	}
}

// offset is a distance from the alert, with its sign.
func offset(d time.Duration) string {
	if d > 0 {
		return "+" + gap(d)
	}
	return gap(d)
}

// clock is a time of day with its date, in the report's zone.
func (h *HTML) clock(at time.Time) string {
	return at.In(h.zone()).Format("2006-01-02 15:04:05.000")
}

func (h *HTML) zone() *time.Location {
	if h.Zone == nil {
		return time.UTC
	}
	return h.Zone
}

// severityClass keeps what goes into a class name to the known severities.
func severityClass(s string) string {
	if alert.SeverityRank(s) == 0 {
		return "low"
	}
	return strings.ToLower(s)
}
