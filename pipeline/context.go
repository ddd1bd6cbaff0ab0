package pipeline

import (
	"cmp"
	"context"
	"slices"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/triage"
)

// maxContext bounds the events that one context query gives to one alert: the
// nearest in time are kept, all are counted.
const maxContext = 50

// With more than so many findings, each keeps fewer.
const (
	manyFindings = 10_000
	fewContext   = 8
)

// maxSecond bounds the events of one context query whose fields may ask a
// further query: the nearest of those that were kept.
const maxSecond = 10

// gathered is what one context query found for one finding.
type gathered struct {
	asked bool // the finding has the fields that the query is joined by
	total int  // events in the window
	steps []step
	seen  *triage.Seen // under the query's key, in all of the data; nil if not asked
	rank  int          // of the event that seen's key is of
}

// question is one context query of one finding.
type question struct {
	finding *Finding
	number  int32 // index into Engine.Contexts
	place   int32 // index into Finding.context
}

// asking is who asks for the hits of one query under one key. Hits and
// questions both come in order of time, so that each hit meets only those
// within reach of it.
type asking struct {
	questions     []question // by placed
	before, after int64      // the widest windows
	low           int        // questions before it are out of reach
	seen          triage.Seen
}

// asker finds, for a hit of a context query, the findings that ask for it. A
// query whose fields the alert's own events do not have (the account that
// logged on, say) is asked in a second round with those of the context that
// the first round gathered.
type asker struct {
	result   *Result
	contexts []engine.Context
	decoder  *ecs.Decoder
	event    *event.Event
	keys     sequence.KeyMaker
	index    []map[string]*asking // by Context.Hits: key → who asks
	limit    int                  // events that a query keeps
	shifts   map[string]int64     // by host: what to add to the log's clock
	far      int64                // the greatest of them, without its sign
}

// gather finds the context of every finding from the journal.
func (r *Result) gather(hits *journal.Journal) error {
	eng := r.scan.Engine
	if len(eng.Contexts) == 0 || len(r.Findings) == 0 {
		return nil
	}
	a := &asker{
		result: r, contexts: eng.Contexts,
		decoder: ecs.NewDecoder(eng.Schema(), ecs.Options{Native: r.scan.Native}),
		event:   event.New(eng.Schema()), keys: sequence.KeyMaker{FoldGUIDs: true},
		limit: maxContext, shifts: r.clockShifts(),
	}
	if len(r.Findings) > manyFindings {
		a.limit = fewContext
	}
	for _, shift := range a.shifts {
		a.far = max(a.far, distance(shift, 0))
	}
	for _, f := range r.Findings {
		f.context = make([]gathered, len(f.Rule.Contexts))
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

// asks is a finding that asks with the fields of a document.
type asks struct {
	ref     journal.Ref
	finding *Finding
	rank    int // of the event among those that the finding asks with
}

// ask fills the index with the keys of the queries that have not been asked,
// and returns how many keys it found. Each document is decoded once, whoever
// asks with it.
func (a *asker) ask(round int) (asked int, err error) {
	var list []asks
	open := map[*Finding][]bool{}
	for _, f := range a.result.Findings {
		steps := f.steps
		if round > 0 {
			steps = secondSteps(f)
		}
		if len(steps) == 0 {
			continue
		}
		open[f] = make([]bool, len(f.context))
		for i := range f.context {
			open[f][i] = !f.context[i].asked
		}
		for rank, st := range steps {
			list = append(list, asks{st.ref, f, rank})
		}
	}
	slices.SortStableFunc(list, func(x, y asks) int { return cmp.Compare(x.ref, y.ref) })
	a.index = make([]map[string]*asking, len(a.contexts))
	for i, x := range list {
		if i == 0 || x.ref != list[i-1].ref {
			if err := a.result.decode(a.decoder, a.event, x.ref); err != nil {
				return 0, err
			}
		}
		asked += a.askFor(x, open[x.finding])
	}
	a.order()
	return asked, nil
}

// secondSteps are the events of the first round that a query which could not
// be asked may take its fields from; none if every query was asked.
func secondSteps(f *Finding) []step {
	var out []step
	all := true
	for i := range f.context {
		g := &f.context[i]
		all = all && g.asked
		near := slices.Clone(g.steps)
		slices.SortStableFunc(near, func(x, y step) int {
			return cmp.Compare(distance(x.time, f.placed), distance(y.time, f.placed))
		})
		out = append(out, near[:min(len(near), maxSecond)]...)
	}
	if all {
		return nil
	}
	return out
}

// askFor enters a finding under each key that the decoded event gives for its
// open queries.
func (a *asker) askFor(x asks, open []bool) (n int) {
	for i, number := range x.finding.Rule.Contexts {
		if !open[i] || saysNothing(a.event, a.contexts[number].Of) {
			continue
		}
		a.keys.Keys(a.event, a.contexts[number].Of, func(key []byte) bool {
			a.enter(question{x.finding, number, int32(i)}, x.rank, key)
			n++
			return true
		})
	}
	return n
}

// saysNothing reports whether one of the fields holds what Windows writes where
// it has nothing to say: every 4688 has a TargetLogonId, most of them 0x0. With
// such a value nothing is asked.
func saysNothing(ev *event.Event, keys []eql.Key) bool {
	for _, k := range keys {
		if v := ev.Values(k.Slot); len(v) == 1 {
			switch v[0].S {
			case "-", "0x0", "S-1-0-0", "{00000000-0000-0000-0000-000000000000}":
				return true
			}
		}
	}
	return false
}

// enter adds a question to those who ask for a key. Of a query that is asked
// with several keys, what was seen under that of the finding's first event
// counts: the order in which documents came in must not.
func (a *asker) enter(q question, rank int, key []byte) {
	hits := a.contexts[q.number].Hits
	if a.index[hits] == nil {
		a.index[hits] = map[string]*asking{}
	}
	k := a.index[hits][string(key)]
	if k == nil {
		k = &asking{}
		a.index[hits][string(key)] = k
	}
	w := a.contexts[q.number].Source.Window
	k.before, k.after = max(k.before, int64(w.Before)), max(k.after, int64(w.After))
	k.questions = append(k.questions, q)
	g := &q.finding.context[q.place]
	g.asked = true
	if g.seen == nil || rank < g.rank {
		g.seen, g.rank = &k.seen, rank
	}
}

// order sorts who asks by time; what came twice, from two events of one
// finding, stays once.
func (a *asker) order() {
	for _, keys := range a.index {
		for _, k := range keys {
			slices.SortStableFunc(k.questions, func(x, y question) int {
				return cmp.Or(cmp.Compare(x.finding.placed, y.finding.placed),
					cmp.Compare(x.finding.ID, y.finding.ID), cmp.Compare(x.place, y.place))
			})
			k.questions = slices.Compact(k.questions)
		}
	}
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
		k := a.index[number][e.Key]
		if k == nil || !merger.Keep(&e.Hit) {
			continue
		}
		if err := a.offer(k, e); err != nil {
			return err
		}
	}
	return nil
}

// offer gives a hit to all who ask for it. Its note is read only if somebody
// may want it: one within reach, or whoever asks which hosts there are.
func (a *asker) offer(k *asking, e *journal.Entry) error {
	for k.low < len(k.questions) && k.questions[k.low].finding.placed < e.Time-k.after-2*a.far {
		k.low++
	}
	near := k.low < len(k.questions) && k.questions[k.low].finding.placed <= e.Time+k.before+a.far
	wide := !slices.Contains(a.contexts[k.questions[0].number].Source.By, "host.id")
	if !near && !wide && a.far == 0 {
		k.seen.Add(e.Time, "")
		return nil
	}
	note, err := engine.DecodeNote(e.Evidence)
	if err != nil {
		return err
	}
	st := step{time: e.Time, ref: refOf(&note)}
	if note.LogClock {
		st.time += a.shifts[hostOf(note.HostName, note.HostID)]
	}
	k.seen.Add(st.time, hostOf(note.HostName, note.HostID))
	for _, q := range k.questions[k.low:] {
		placed := q.finding.placed
		if placed > st.time+k.before {
			break
		}
		w := a.contexts[q.number].Source.Window
		if st.time < placed-int64(w.Before) || st.time > placed+int64(w.After) {
			continue
		}
		if st.id == "" {
			st.id = engine.Identity(e.Tie)
		}
		q.finding.context[q.place].add(st, placed, a.limit)
	}
	return nil
}

// add keeps the nearest steps in time; of two equally near the earlier.
func (g *gathered) add(st step, from int64, limit int) {
	for i := range g.steps {
		if g.steps[i].id == st.id {
			return
		}
	}
	g.total++
	if len(g.steps) < limit {
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
