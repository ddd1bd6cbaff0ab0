package engine

import (
	"sort"
	"sync"
	"sync/atomic"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
)

// index finds the few stages that an event could satisfy.
//
// A stage is a conjunction, so any one of its predicates may stand guard for
// it: if that one cannot hold, the stage cannot match. The index takes the
// guard that real events satisfy least often (Profile) and enters its literals
// under their field (field.go). Looking up the event's own values then yields
// the candidates; they are verified in full, so a guard can cost time but never
// a match.
//
// Nearly all stages ask for a category, many for a type and an operating system
// as well. These three split the stages into rooms: an event is held only
// against the guards of the rooms that its own values name. Rooms are built
// when the first event comes for them; traffic knows a few dozen.
//
// Predicates that many stages share (the same operating system, the same list
// of folders) are interned: each is evaluated once an event.
type index struct {
	dims   [3]dimension
	preds  []*eql.Predicate // interned
	stages []compiledStage

	mu    sync.Mutex
	built int
	rooms []atomic.Pointer[room] // by place in the dimensions; nil until asked for
	all   atomic.Pointer[room]   // of all stages
}

// Bounds on what hostile events can cost: the rooms that are ever built, and
// those that one event visits. Beyond them the room of all stages serves.
const (
	maxRooms  = 512
	maxVisits = 12
)

// dimension is a field whose values split the stages.
type dimension struct {
	slot   int
	values map[string]uint8 // folded; 0 is none of them, and no value
}

// maxValues bounds the values that a dimension tells apart, so that a set of
// them is one word. Stages that ask for others are in every room.
const maxValues = 64

// everywhere is the set of all values of a dimension.
const everywhere = ^uint64(0)

// compiledStage is what finding and verifying a candidate takes.
type compiledStage struct {
	ref   *stageRef
	preds []int32 // into index.preds, those that turn most away for their cost first

	category string // which event.category must hold; "" is any
	whole    bool   // its category is in a field of its own: ask the stage itself

	where [3]uint64 // the values of each dimension for which it can match
	guard []eql.Need
	open  bool // nothing guards it
}

// dimensionFields split the stages, beside the category.
var dimensionFields = [...]string{"event.category", "event.type", "host.os.type"}

// newIndex builds the index of all stages.
func newIndex(s *event.Schema, stages []stageRef, profile *Profile) *index {
	ix := &index{}
	for i, name := range dimensionFields {
		ix.dims[i] = dimension{s.Slot(name), map[string]uint8{}}
	}
	b := indexBuilder{ix: ix, interned: map[string]int32{}, rates: profile.rater(s)}
	for i := range stages {
		b.add(&stages[i])
	}
	n := 1
	for i := range ix.dims {
		n *= len(ix.dims[i].values) + 1
	}
	ix.rooms = make([]atomic.Pointer[room], n)
	return ix
}

type indexBuilder struct {
	ix       *index
	interned map[string]int32
	rates    func(*eql.Need) float64
	ranks    []float64 // by predicate: what it costs for each event that it turns away
}

func (b *indexBuilder) add(ref *stageRef) {
	st := compiledStage{ref: ref, where: [3]uint64{everywhere, everywhere, everywhere}}
	slot, hasCategory := ref.match.CategorySlot()
	st.whole = hasCategory && slot != b.ix.dims[0].slot
	if hasCategory && !st.whole {
		st.category = ref.match.Category
		st.where[0] = b.ix.dims[0].set([]eql.Need{{Op: eql.Exact, Text: st.category}})
	}
	conjuncts := ref.match.Conjuncts()
	for _, p := range conjuncts {
		st.preds = append(st.preds, b.intern(p))
	}
	sort.SliceStable(st.preds, func(i, j int) bool { return b.ranks[st.preds[i]] < b.ranks[st.preds[j]] })
	b.guard(&st, conjuncts)
	b.ix.stages = append(b.ix.stages, st)
}

func (b *indexBuilder) intern(p *eql.Predicate) int32 {
	name := p.String()
	if n, ok := b.interned[name]; ok {
		return n
	}
	n := int32(len(b.ix.preds))
	b.ix.preds = append(b.ix.preds, p)
	b.ranks = append(b.ranks, float64(1+p.Cost())/max(1-b.passes(p), 0.02))
	b.interned[name] = n
	return n
}

// passes estimates the share of events that satisfy a predicate. One without a
// guard is a negation, mostly, of something rare.
func (b *indexBuilder) passes(p *eql.Predicate) float64 {
	g, ok := p.GuardBy(b.rates)
	if !ok {
		return 0.9
	}
	return b.sum(g.Needs)
}

// sum is the share of events that satisfy one of the needs, at most.
func (b *indexBuilder) sum(needs []eql.Need) float64 {
	sum := 0.0
	for i := range needs {
		sum += b.rates(&needs[i])
	}
	return min(sum, 1)
}

// guard takes the conjuncts that choose rooms for that, and of the others the
// one that events satisfy least often as the stage's guard.
func (b *indexBuilder) guard(st *compiledStage, conjuncts []*eql.Predicate) {
	st.open = true
	rate := 2.0
	for _, p := range conjuncts {
		g, ok := p.GuardBy(b.rates)
		if !ok || b.splits(st, g.Needs) {
			continue
		}
		if sum := b.sum(g.Needs); sum < rate {
			st.guard, rate, st.open = g.Needs, sum, false
		}
	}
}

// splits uses needs for the choice of rooms, if they are exact values of one
// dimension.
func (b *indexBuilder) splits(st *compiledStage, needs []eql.Need) bool {
	for i := range b.ix.dims {
		if all(needs, func(n *eql.Need) bool { return n.Slot == b.ix.dims[i].slot && n.Op == eql.Exact }) {
			if st.where[i] == everywhere { // a second one may ask for another of the event's values
				st.where[i] = b.ix.dims[i].set(needs)
			}
			return true
		}
	}
	return false
}

func all(needs []eql.Need, is func(*eql.Need) bool) bool {
	for i := range needs {
		if !is(&needs[i]) {
			return false
		}
	}
	return len(needs) > 0
}

// set returns the values that needs name, as bits.
func (d *dimension) set(needs []eql.Need) uint64 {
	out := uint64(0)
	for i := range needs {
		text := event.FoldASCII(needs[i].Text)
		v, ok := d.values[text]
		if !ok {
			if len(d.values)+1 >= maxValues {
				return everywhere
			}
			v = uint8(len(d.values) + 1)
			d.values[text] = v
		}
		out |= 1 << v
	}
	return out
}

// room returns the part of the index at a place of the dimensions, built now if
// it is the first time.
func (ix *index) room(place [3]uint8) *room {
	n := 0
	for i := range place {
		n = n*(len(ix.dims[i].values)+1) + int(place[i])
	}
	return ix.load(&ix.rooms[n], func(st *compiledStage) bool {
		return st.where[0]>>place[0]&1 == 1 && st.where[1]>>place[1]&1 == 1 && st.where[2]>>place[2]&1 == 1
	})
}

// load returns a room, built of the stages that belong in it if need be.
func (ix *index) load(at *atomic.Pointer[room], in func(*compiledStage) bool) *room {
	if r := at.Load(); r != nil {
		return r
	}
	ix.mu.Lock()
	if r := at.Load(); r != nil {
		ix.mu.Unlock()
		return r
	}
	if ix.built >= maxRooms && at != &ix.all {
		ix.mu.Unlock()
		return ix.whole()
	}
	defer ix.mu.Unlock()
	ix.built++
	r := ix.build(in)
	at.Store(r)
	return r
}

// whole returns the room of all stages.
func (ix *index) whole() *room {
	return ix.load(&ix.all, func(*compiledStage) bool { return true })
}

func (ix *index) build(in func(*compiledStage) bool) *room {
	b := roomBuilder{fields: map[int]*fieldBuilder{}}
	for n := range ix.stages {
		switch st := &ix.stages[n]; {
		case !in(st):
		case st.open:
			b.always = append(b.always, int32(n))
		default:
			for i := range st.guard {
				b.enter(int32(n), &st.guard[i])
			}
		}
	}
	return b.build()
}

// lookup is one event's way through the index. It belongs to a Matcher.
type lookup struct {
	ix    *index
	now   uint32   // number of the event; wraps after 2^31 events (next)
	memo  []uint32 // by predicate: now<<1 | result
	seen  []uint32 // by stage: now
	found []int32
	place [3][]uint8
}

func newLookup(ix *index) lookup {
	return lookup{ix: ix, memo: make([]uint32, len(ix.preds)), seen: make([]uint32, len(ix.stages))}
}

// next begins an event.
func (l *lookup) next() {
	l.now++
	if l.now == 1<<31 {
		clear(l.memo)
		clear(l.seen)
		l.now = 1
	}
	l.found = l.found[:0]
}

// candidates returns the stages that the event could satisfy, each once, in no order.
func (l *lookup) candidates(ev *event.Event) []int32 {
	l.next()
	rooms := 1
	for i := range l.place {
		l.place[i] = l.ix.dims[i].places(ev, l.place[i][:0])
		rooms *= len(l.place[i])
	}
	if rooms > maxVisits {
		l.room(ev, l.ix.whole())
		return l.found
	}
	for _, category := range l.place[0] {
		for _, kind := range l.place[1] {
			for _, system := range l.place[2] {
				l.room(ev, l.ix.room([3]uint8{category, kind, system}))
			}
		}
	}
	return l.found
}

// places appends which values of a dimension an event has, each once; 0 if none
// that is known. A stage that asks for one of them is in that value's rooms, and
// one that asks for none in all.
func (d *dimension) places(ev *event.Event, out []uint8) []uint8 {
	values := ev.Values(d.slot)
	for i := range values {
		v := &values[i]
		if v.Kind != event.KindText {
			continue
		}
		if n := d.values[ev.Fold(v)]; n != 0 && !contains(out, n) {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		out = append(out, 0)
	}
	return out
}

func contains(list []uint8, n uint8) bool {
	for _, v := range list {
		if v == n {
			return true
		}
	}
	return false
}

func (l *lookup) room(ev *event.Event, r *room) {
	l.take(r.always)
	for i := range r.fields {
		if f := &r.fields[i]; ev.Has(f.slot) {
			l.field(ev, f)
		}
	}
}

func (l *lookup) take(stages []int32) {
	for _, s := range stages {
		if l.seen[s] != l.now {
			l.seen[s] = l.now
			l.found = append(l.found, s)
		}
	}
}

// verify evaluates a candidate in full.
func (l *lookup) verify(ev *event.Event, n int32) bool {
	st := &l.ix.stages[n]
	if st.whole {
		return st.ref.match.Match(ev)
	}
	if st.category != "" && !has(ev, l.ix.dims[0].slot, st.category) {
		return false
	}
	for _, p := range st.preds {
		m := l.memo[p]
		if m>>1 != l.now {
			m = l.now << 1
			if l.ix.preds[p].Eval(ev) {
				m |= 1
			}
			l.memo[p] = m
		}
		if m&1 == 0 {
			return false
		}
	}
	return true
}
