package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/sequence"
)

// maxContext bounds the events that one context query gives to one alert: the
// nearest in time are kept, all are counted.
const maxContext = 50

// gathered is what one context query found for one finding.
type gathered struct {
	asked bool // the finding has the fields that the query is joined by
	total int
	steps []step
}

// asker finds, for a hit of a context query, the findings that ask for it. A
// query whose fields the alert's own events do not have (the account that
// logged on, say) is asked in a second round with those of the context that
// the first round gathered.
type asker struct {
	result  *Result
	decoder *ecs.Decoder
	event   *event.Event
	keys    sequence.KeyMaker
	index   []map[string][]*Finding // by context query: key → findings
	shifts  map[string]int64        // by host: what to add to the log's clock
}

// gather finds the context of every finding from the journal.
func (r *Result) gather(hits *journal.Journal) error {
	eng := r.scan.Engine
	if len(eng.Contexts) == 0 || len(r.Findings) == 0 {
		return nil
	}
	a := &asker{
		result: r, decoder: ecs.NewDecoder(eng.Schema(), ecs.Options{Native: r.scan.Native}),
		event: event.New(eng.Schema()), keys: sequence.KeyMaker{FoldGUIDs: true},
		shifts: r.clockShifts(),
	}
	for round := range 2 {
		asked, err := a.ask(round)
		if err != nil {
			return err
		}
		if asked == 0 {
			continue
		}
		if err := a.read(hits); err != nil {
			return err
		}
	}
	return nil
}

// ask fills the index with the keys of the queries that have none yet, and
// returns how many it found.
func (a *asker) ask(round int) (asked int, err error) {
	contexts := a.result.scan.Engine.Contexts
	a.index = make([]map[string][]*Finding, len(contexts))
	for _, f := range a.result.Findings {
		steps := f.steps
		if round == 0 {
			f.context = make([]gathered, len(f.Rule.Contexts))
		} else {
			steps = contextSteps(f)
		}
		for i, number := range f.Rule.Contexts {
			if f.context[i].asked {
				continue
			}
			n, err := a.askFor(f, int(number), &contexts[number], steps)
			if err != nil {
				return 0, err
			}
			f.context[i].asked = n > 0
			asked += n
		}
	}
	return asked, nil
}

func contextSteps(f *Finding) []step {
	var out []step
	for i := range f.context {
		out = append(out, f.context[i].steps...)
	}
	return out
}

// askFor enters a finding under each key that its events give for a query.
func (a *asker) askFor(f *Finding, number int, query *engine.Context, steps []step) (n int, err error) {
	if a.index[number] == nil {
		a.index[number] = map[string][]*Finding{}
	}
	index := a.index[number]
	for _, st := range steps {
		if err := a.decode(st); err != nil {
			return n, err
		}
		a.keys.Keys(a.event, query.Of, func(key []byte) bool {
			if list := index[string(key)]; len(list) == 0 || list[len(list)-1] != f {
				index[string(key)] = append(list, f)
			}
			n++
			return true
		})
	}
	return n, nil
}

// decode reads a step's document again, as the engine's schema has it.
func (a *asker) decode(st step) error {
	blob, err := a.result.evidence.Get(st.ref)
	if err != nil {
		return err
	}
	doc, err := decodeDocument(blob)
	if err != nil {
		return err
	}
	read := a.decoder.JSON
	if len(doc.data) > 0 && doc.data[0] == '<' {
		read = a.decoder.XML
	}
	if err := read(doc.data, a.event); err != nil {
		return fmt.Errorf("read evidence again: %w", err)
	}
	return nil
}

// read gives every context hit to the findings that ask for it.
func (a *asker) read(hits *journal.Journal) error {
	rules := len(a.result.scan.Engine.Rules)
	var merger engine.Merger
	last, key := int32(-1), ""
	for e, err := range hits.Hits(context.Background()) {
		if err != nil {
			return err
		}
		number := int(e.Rule) - rules
		if number < 0 || a.index[number] == nil {
			continue
		}
		if e.Rule != last || e.Key != key {
			merger.Reset()
			last, key = e.Rule, e.Key
		}
		findings := a.index[number][e.Key]
		if len(findings) == 0 || !merger.Keep(&e.Hit) {
			continue
		}
		note, err := engine.DecodeNote(e.Evidence)
		if err != nil {
			return err
		}
		for _, f := range findings {
			a.offer(f, number, &e.Hit, &note)
		}
	}
	return nil
}

// offer adds a hit to a finding's context if it lies in the query's window.
// The window is about the alert's last event; both are placed by one clock.
func (a *asker) offer(f *Finding, number int, h *sequence.Hit, note *engine.Note) {
	i := slices.Index(f.Rule.Contexts, int32(number))
	w := a.result.scan.Engine.Contexts[number].Source.Window
	at := h.Time
	if note.LogClock {
		at += a.shifts[hostOf(note.HostName, note.HostID)]
	}
	from := f.placed
	if at < from-int64(w.Before) || at > from+int64(w.After) {
		return
	}
	f.context[i].add(step{time: at, id: engine.Identity(h.Tie), ref: refOf(note)}, from)
}

// add keeps the nearest steps in time; of two equally near the earlier.
func (g *gathered) add(st step, from int64) {
	for i := range g.steps {
		if g.steps[i].id == st.id {
			return
		}
	}
	g.total++
	if len(g.steps) < maxContext {
		g.steps = append(g.steps, st)
		return
	}
	far := 0
	for i := range g.steps {
		if distance(g.steps[i].time, from) > distance(g.steps[far].time, from) {
			far = i
		}
	}
	if distance(st.time, from) < distance(g.steps[far].time, from) {
		g.steps[far] = st
	}
}

func distance(a, b int64) int64 {
	if a > b {
		return a - b
	}
	return b - a
}

// quarterHour is the step in which exports get time zones wrong.
const quarterHour = 15 * 60

// clockShifts returns, by host, what to add to times taken from the log's own
// clock so that they stand beside a sensor's: the whole quarter hours by which
// the export wrote another zone (ecs/MAPPING §6). Times that alerts are joined
// by are never touched.
func (r *Result) clockShifts() map[string]int64 {
	out := map[string]int64{}
	if r.Census == nil {
		return out
	}
	for _, h := range r.Census.Hosts {
		skew, _ := h.Skew()
		if quarters := roundDiv(skew, quarterHour); quarters != 0 {
			out[hostOf(h.Name, h.ID)] = -quarters * quarterHour * 1e9
		}
	}
	return out
}

func roundDiv(a, b int64) int64 {
	if a < 0 {
		return -roundDiv(-a, b)
	}
	return (a + b/2) / b
}
