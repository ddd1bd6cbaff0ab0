package explain

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/clause"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/source"
)

// What is kept of each stage: the earliest events, so that the same input gives
// the same answer whoever read it.
const (
	maxHits  = 1 << 15 // that satisfy it
	maxNear  = 1 << 11 // that fail one test, for each test
	maxHosts = 10_000  // whose events are counted by stage
)

// record is one event as one stage of one rule sees it, under one join key.
type record struct {
	stage int32
	key   string
	time  int64
	tie   string

	fault   *clause.Test // the one test that fails; nil if none does
	keyless string       // the key field that the event lacks; "" if it has all

	excuse, excuseMatch int32 // as in engine.Note
	synthesized         bool
	coarse              bool  // its time is known to the second only
	loggedCoarse        bool  // so is the log's own
	absent              bool  // the failing test's fields are missing altogether
	logged              int64 // the log's own time; 0 if unknown
	hostID, hostName    string
	origin              alert.Origin
	code                string
	ref                 journal.Ref

	matched bool // part of a match
}

// whole reports whether the event counts as a hit in a scan.
func (r *record) whole() bool { return r.fault == nil && r.keyless == "" && r.excuse == 0 }

func (r *record) compare(o *record) int {
	if c := cmp.Compare(r.time, o.time); c != 0 {
		return c
	}
	if c := strings.Compare(r.tie, o.tie); c != 0 {
		return c
	}
	return strings.Compare(r.key, o.key)
}

// bucket holds the earliest records of one kind, the latest on top.
type bucket struct {
	limit   int
	records latest
	beyond  int // not kept
}

func (b *bucket) room(time int64) bool {
	return len(b.records) < b.limit || time <= b.records[0].time
}

func (b *bucket) add(r *record) {
	heap.Push(&b.records, r)
	if len(b.records) > b.limit {
		heap.Pop(&b.records)
		b.beyond++
	}
}

type latest []*record

func (l latest) Len() int           { return len(l) }
func (l latest) Less(a, b int) bool { return l[a].compare(l[b]) > 0 }
func (l latest) Swap(a, b int)      { l[a], l[b] = l[b], l[a] }
func (l *latest) Push(x any)        { *l = append(*l, x.(*record)) }
func (l *latest) Pop() any {
	n := len(*l) - 1
	x := (*l)[n]
	*l = (*l)[:n]
	return x
}

// tally is what one stage saw.
type tally struct {
	probe     *probe
	events    int // of its category
	satisfied int
	excused   int
	keyless   int
	timeless  int
	hits      bucket
	faults    map[*clause.Test]*faulty
}

// faulty is what failed one test only.
type faulty struct {
	bucket
	events int
}

// slots are the fields that records are made from.
type slots struct{ hostID, hostName, code int }

func newSlots(s *event.Schema) slots {
	return slots{s.Slot("host.id"), s.Slot("host.name"), s.Slot("event.code")}
}

// collector gathers the records of one worker.
type collector struct {
	run      *Explain
	slots    slots
	matcher  *engine.Matcher
	keys     sequence.KeyMaker
	evidence *journal.EvidenceWriter
	tallies  []*tally
	arrived  map[string][]int // by host: events of each stage's category
	others   int              // events of hosts that Host leaves out

	excuses []excuse // of the event at hand
	fault   []*clause.Test
	put     bool // the event at hand is in the evidence
	ref     journal.Ref
	tie     string
}

// excuse is what exceptions say of the event as a hit of a stage.
type excuse struct {
	rule, stage int32
	hit, match  int32
}

func newCollector(x *Explain, probes []*probe, s slots, w *journal.EvidenceWriter) *collector {
	c := &collector{
		run: x, slots: s, matcher: x.Engine.Matcher(), evidence: w,
		keys: sequence.KeyMaker{FoldGUIDs: true}, arrived: map[string][]int{},
	}
	for _, p := range probes {
		c.tallies = append(c.tallies, &tally{probe: p, hits: bucket{limit: maxHits}, faults: map[*clause.Test]*faulty{}})
	}
	return c
}

// event is the collector's pipeline.Visitor.
func (c *collector) event(doc *source.Document, ev *event.Event, content func() []byte) error {
	if h := c.run.Host; h != nil && !h(text(ev, c.slots.hostID)) && !h(text(ev, c.slots.hostName)) {
		c.others++
		return nil
	}
	c.put, c.excuses = false, c.excuses[:0]
	for _, m := range c.matcher.Match(ev) {
		if int(m.Rule) < len(c.run.Engine.Rules) && (m.Excuse != 0 || m.ExcuseMatch != 0) {
			c.excuses = append(c.excuses, excuse{m.Rule, m.Stage, m.Excuse, m.ExcuseMatch})
		}
	}
	for i, t := range c.tallies {
		if !t.probe.takes(ev) {
			continue
		}
		t.events++
		c.arrive(ev, i)
		if err := c.stage(t, doc, ev, content); err != nil {
			return err
		}
	}
	return nil
}

// takes reports whether the event is of the stage's category.
func (p *probe) takes(ev *event.Event) bool {
	if p.category < 0 {
		return true
	}
	for _, v := range ev.Values(p.category) {
		if v.S == p.match.Category {
			return true
		}
	}
	return false
}

func (c *collector) arrive(ev *event.Event, stage int) {
	id := text(ev, c.slots.hostID)
	list := c.arrived[id]
	if list == nil {
		if len(c.arrived) >= maxHosts {
			return
		}
		list = make([]int, len(c.tallies))
		c.arrived[strings.Clone(id)] = list
	}
	list[stage]++
}

// stage holds the event against one stage.
func (c *collector) stage(t *tally, doc *source.Document, ev *event.Event, content func() []byte) error {
	var ok bool
	c.fault, ok = t.probe.tree.Faults(ev, 1, c.fault[:0])
	if !ok {
		return nil
	}
	if !ev.HasTime {
		t.timeless++
		return nil
	}
	r := record{stage: t.probe.stage, time: ev.Time, keyless: lacking(t.probe, ev)}
	b := &t.hits
	switch {
	case len(c.fault) == 0:
		t.satisfied++
		if r.keyless != "" {
			t.keyless++
		}
		for _, x := range c.excuses {
			if x.rule == t.probe.rule && x.stage == t.probe.stage {
				r.excuse, r.excuseMatch = x.hit, x.match
			}
		}
		if r.excuse != 0 {
			t.excused++
		}
	case r.keyless != "":
		return nil // two flaws
	default:
		r.fault = c.fault[0]
		r.absent = !slices.ContainsFunc(r.fault.Slots, ev.Has)
		f := t.faults[r.fault]
		if f == nil {
			f = &faulty{bucket: bucket{limit: maxNear}}
			t.faults[r.fault] = f
		}
		f.events++
		if selects(r.fault) {
			return nil // an event of another kind, not a near miss
		}
		b = &f.bucket
	}
	if !b.room(r.time) {
		b.beyond++
		return nil
	}
	if err := c.keep(&r, doc, ev, content); err != nil {
		return err
	}
	if r.keyless != "" {
		b.add(&r)
		return nil
	}
	c.keys.Keys(ev, t.probe.match.Keys, func(key []byte) bool {
		one := r
		one.key = string(key)
		b.add(&one)
		return true
	})
	return nil
}

// selects reports whether a test says what kind of event is meant, rather than
// what must be true of it.
func selects(t *clause.Test) bool {
	return !t.Negated && len(t.Fields) > 0 && !slices.ContainsFunc(t.Fields, func(name string) bool {
		switch name {
		case "event.code", "event.provider", "event.dataset", "event.module", "event.category", "event.type",
			"event.action", "event.kind", "host.os.type", "host.os.family", "data_stream.dataset", "winlog.channel":
			return false
		}
		return true
	})
}

// lacking is the first key field without a value, which keeps an event from
// joining anything.
func lacking(p *probe, ev *event.Event) string {
	for _, k := range p.match.Keys {
		if !k.Optional && len(ev.Values(k.Slot)) == 0 {
			return k.Name
		}
	}
	return ""
}

// keep fills a record in, and puts its document into the evidence once.
func (c *collector) keep(r *record, doc *source.Document, ev *event.Event, content func() []byte) error {
	if !c.put {
		body := content()
		ref, err := c.evidence.Put(body)
		if err != nil {
			return err
		}
		c.put, c.ref = true, ref
		c.tie = string(engine.AppendTie(nil, &ev.Meta, body))
	}
	r.ref, r.tie = c.ref, c.tie
	r.synthesized = ev.Synthesized
	r.hostID, r.hostName = strings.Clone(text(ev, c.slots.hostID)), strings.Clone(text(ev, c.slots.hostName))
	r.code = strings.Clone(text(ev, c.slots.code))
	r.origin = alert.Origin{Path: doc.Path, Line: doc.Line, Record: strings.Clone(ev.Record)}
	r.logged, _ = event.ParseTime(ev.Logged)
	r.loggedCoarse = !strings.ContainsAny(ev.Logged, ".,")
	r.coarse = ev.Time%1e9 == 0 && r.loggedCoarse
	return nil
}

// merge adds what another worker gathered.
func (c *collector) merge(o *collector) {
	c.others += o.others
	for i, t := range c.tallies {
		from := o.tallies[i]
		t.events += from.events
		t.satisfied += from.satisfied
		t.excused += from.excused
		t.keyless += from.keyless
		t.timeless += from.timeless
		t.hits.merge(&from.hits)
		for test, f := range from.faults {
			if t.faults[test] == nil {
				t.faults[test] = f
				continue
			}
			t.faults[test].events += f.events
			t.faults[test].merge(&f.bucket)
		}
	}
	for id, list := range o.arrived {
		if c.arrived[id] == nil {
			c.arrived[id] = list
			continue
		}
		for i, n := range list {
			c.arrived[id][i] += n
		}
	}
}

func (b *bucket) merge(o *bucket) {
	b.beyond += o.beyond
	for _, r := range o.records {
		b.add(r)
	}
}

// sorted gives the records in order, each event once a key.
func (b *bucket) sorted() []*record {
	out := slices.Clone(b.records)
	slices.SortFunc(out, (*record).compare)
	return slices.CompactFunc(out, func(x, y *record) bool {
		return x.time == y.time && x.key == y.key && engine.Identity(x.tie) == engine.Identity(y.tie)
	})
}

func text(ev *event.Event, slot int) string {
	if v := ev.Values(slot); len(v) > 0 {
		return v[0].S
	}
	return ""
}
