// Package triage answers the questions of a strategy's Response section on an
// alert, from the events around it.
//
// Everything here is a pure function of its Input: the alert, what each context
// query found (pipeline asks them), what arrives from the host at all, and the
// list of administration sources. Nothing is read, nothing is run; a command
// such as isolating the host is text in an answer.
//
//	subject.go    what the alert is about: its process, connection, service, session
//	service.go    sentences on services and programs; source.go on who did it; around.go on the rest
//	absent.go     what was not found, and why: "no 7040 in this data" is not "no such event"
//	topics.go     which step of a document asks for what
//	phrases.go    the wording, in English and Vietnamese
//	questions.md  what is asked for documents that have no context queries of their own
//
// Texts come from events and are not cleaned: that is done where they are
// printed. They are shortened, so that no answer grows with its evidence.
package triage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/strategy"
)

// Input is all that answers are made from.
type Input struct {
	Alert    *alert.Alert       // its Events written out; Context holds all that was gathered
	Strategy *strategy.Strategy // whose Response section asks
	Lang     string             // "en", "vi"; others are answered in English
	Placed   time.Time          // the alert's time by the clock that Found.At uses

	Asked  []Asked
	Host   []Arrival // what arrives from the alert's host
	All    []Arrival // what arrives from any host
	Admins *Admins   // nil: no list was given
	// Ordinary returns what a baseline knows of a source's address; nil: no
	// baseline was given.
	Ordinary func(address string) Ordinary
}

// Ordinary is what a source starts on other machines that a baseline holds to
// be ordinary, and how much of it alerted.
type Ordinary struct {
	Programs, Hosts int // 0: nothing of it is ordinary
	First, Last     time.Time
	Held            int // alerts that nobody closed
}

// Asked is one context query with what it found.
type Asked struct {
	Query     *strategy.ContextQuery
	Shipped   bool     // not the document's own: one of Questions
	Category  string   // of the events it looks for; "" is any
	Codes     []string // event codes it names
	CodesOnly bool     // it finds no event of another code
	Asked     bool     // the alert, or what was found, has the fields it is joined by
	Total     int      // events in its window
	Found     []Found  // the nearest of them
	Seen      *Seen    // under its key in all of the data; nil if not asked
}

// Found is an event of Alert.Context that a query found.
type Found struct {
	ID string
	At time.Time // by the sensors' clock, where the log's is known to differ
}

// Arrival counts the events of one code in one log.
type Arrival struct {
	Channel, Code string
	Events, Hosts int
}

// maxSeenHosts bounds the hosts that Seen names; beyond them it only counts.
const maxSeenHosts = 256

// Seen is what the data holds under one key, whatever the window.
type Seen struct {
	Events      int
	First, Last int64           // nanoseconds since 1970 UTC
	Hosts       map[string]bool // short names in lower case
}

// Add counts an event. host may be empty.
func (s *Seen) Add(at int64, host string) {
	if s.Events == 0 || at < s.First {
		s.First = at
	}
	if s.Events == 0 || at > s.Last {
		s.Last = at
	}
	s.Events++
	if host == "" || s.Hosts[host] || len(s.Hosts) >= maxSeenHosts {
		return
	}
	if s.Hosts == nil {
		s.Hosts = map[string]bool{}
	}
	s.Hosts[host] = true
}

// Answer answers every question of the strategy's Response section, in its
// order. The evidence of an answer names events of the alert or its context.
func Answer(in *Input) []alert.Answer {
	c := newCase(in)
	questions := c.questions()
	out := make([]alert.Answer, 0, len(questions))
	for i := range questions {
		out = append(out, c.answer(&questions[i]))
	}
	if moved := in.Alert.Timestamp.Sub(in.Placed); moved != 0 && len(out) > 0 {
		format := c.p.ahead
		if moved < 0 {
			format = c.p.behind
		}
		out[0].Answer += "\n" + fmt.Sprintf(c.p.clockMoved, fmt.Sprintf(format, c.length(moved.Abs())))
	}
	return out
}

// inquiry is one alert being answered.
type inquiry struct {
	in      *Input
	p       *phrases
	facts   map[string]*fact // by identity
	own     []*fact          // of the alert, by stage
	around  []*fact          // of the context, by time
	subject subject
	told    map[string]bool // sentences and events that an earlier answer gave
	adminAt int             // the question that asks whether the source is known; -1
}

// fact is one event with what is asked of it often.
type fact struct {
	alert.View
	id    string
	code  string
	at    time.Time
	whole bool // its time has no fraction of a second
	own   bool // it is of the alert itself
}

func newCase(in *Input) *inquiry {
	c := &inquiry{in: in, p: phrasesOf(in.Lang), facts: map[string]*fact{}, told: map[string]bool{}, adminAt: -1}
	for i := range in.Alert.Events {
		if e := &in.Alert.Events[i]; !e.Missing {
			f := newFact(e, in.Placed)
			f.own = true
			if at, err := time.Parse(time.RFC3339Nano, f.Text("@timestamp")); err == nil {
				f.at = in.Placed.Add(at.Sub(in.Alert.Timestamp))
				f.whole = at.Nanosecond() == 0
			}
			c.facts[e.ID] = f
			c.own = append(c.own, f)
		}
	}
	events := map[string]*alert.Event{}
	for i := range in.Alert.Context {
		events[in.Alert.Context[i].ID] = &in.Alert.Context[i]
	}
	for i := range in.Asked {
		for _, found := range in.Asked[i].Found {
			if e := events[found.ID]; e != nil && c.facts[found.ID] == nil {
				f := newFact(e, found.At)
				c.facts[found.ID] = f
				c.around = append(c.around, f)
			}
		}
	}
	slices.SortStableFunc(c.around, func(a, b *fact) int { return a.at.Compare(b.at) })
	c.subject = c.findSubject()
	return c
}

func newFact(e *alert.Event, at time.Time) *fact {
	v := alert.NewView(e.Event)
	return &fact{View: v, id: e.ID, code: v.Text("event.code"), at: at, whole: at.Nanosecond() == 0}
}

// found returns the facts of a query, by time; the alert's own are left out.
func (c *inquiry) found(a *Asked) []*fact {
	var out []*fact
	for _, f := range a.Found {
		if x := c.facts[f.ID]; x != nil && !x.own {
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b *fact) int { return a.at.Compare(b.at) })
	return out
}

// reply is one answer being written.
type reply struct {
	c        *inquiry
	lines    []string
	evidence []string
	missing  []string // event codes that do not arrive
}

// maxEvidence bounds the events that one answer names.
const maxEvidence = 40

func (r *reply) rest(facts ...*fact) {
	for _, f := range facts {
		if f != nil && len(r.evidence) < maxEvidence && !slices.Contains(r.evidence, f.id) {
			r.evidence = append(r.evidence, f.id)
		}
	}
}

// maxSentence bounds a sentence, whatever its values are.
const maxSentence = 1000

// sentence makes one line of a text: no value from an event may begin another.
func sentence(s string) string {
	return clip(strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(clip(s, maxSentence)), maxSentence)
}

// say adds a sentence, unless an earlier answer has it.
func (r *reply) say(line string) {
	if line = sentence(line); line != "" && !r.c.told[line] {
		r.c.told[line] = true
		r.lines = append(r.lines, line)
	}
}

func (c *inquiry) answer(q *query) alert.Answer {
	r := &reply{c: c}
	if q.topics.has(topicService) {
		r.service()
	}
	if q.topics.has(topicSource) {
		r.source(q)
	}
	for _, a := range q.asked {
		r.asked(a)
	}
	if q.topics.has(topicAdmin) {
		r.admin()
	}
	if q.topics.has(topicAction) {
		r.action()
	}
	r.absent(q)
	if len(r.lines) == 0 {
		r.lines = append(r.lines, c.p.byHand)
	}
	evidence := r.evidence
	if evidence == nil {
		evidence = []string{}
	}
	return alert.Answer{Question: q.text, Answer: strings.Join(r.lines, "\n"), Evidence: evidence}
}
