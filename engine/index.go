package engine

import (
	"sort"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
)

// index finds the few stages that an event could satisfy.
//
// A stage is a conjunction, so any one of its predicates may stand guard for
// it: if that one cannot hold, the stage cannot match. The index takes the
// guard that real events satisfy least often and enters its literals under
// their field: whole values in a hash table, pieces of values in one
// Aho-Corasick automaton a field. Looking up the event's own values then yields
// the candidates; they are verified in full, so a guard can cost time but never
// a match. Stages are kept apart by category, as most events have just one.
//
// Predicates that many stages share (the same operating system, the same list
// of folders) are interned: each is evaluated once an event.
type index struct {
	category   int // slot of event.category
	byCategory map[string]*room
	always     *room // of `any`, and of categories in other fields

	preds  []*eql.Predicate // interned
	stages []compiledStage
}

// compiledStage is what verifying a candidate takes.
type compiledStage struct {
	ref   *stageRef
	preds []int32 // into index.preds, cheap ones first
	whole bool    // its category is in a field of its own: ask the stage itself
}

// room is the part of the index for one category.
type room struct {
	always []int32 // stages that nothing guards
	fields []field // by slot, ascending
}

// field holds the guards on one slot.
type field struct {
	slot   int
	exists []int32
	texts  map[string][]int32      // folded whole values
	values map[event.Value][]int32 // numbers, booleans and addresses, as eql.EqualKey has them
	parts  *automaton              // prefixes, suffixes and fragments; nil if there are none
}

// newIndex builds the index of all stages.
func newIndex(s *event.Schema, stages []stageRef, profile *Profile) *index {
	b := indexBuilder{
		ix:       &index{category: s.Slot("event.category"), byCategory: map[string]*room{}},
		interned: map[string]int32{},
		rooms:    map[string]*roomBuilder{},
		schema:   s,
		profile:  profile,
	}
	for i := range stages {
		b.add(int32(i), &stages[i])
	}
	for name, r := range b.rooms {
		if name == "" {
			b.ix.always = r.build()
		} else {
			b.ix.byCategory[name] = r.build()
		}
	}
	return b.ix
}

type indexBuilder struct {
	ix       *index
	interned map[string]int32
	rooms    map[string]*roomBuilder
	schema   *event.Schema
	profile  *Profile
}

func (b *indexBuilder) add(n int32, ref *stageRef) {
	st := compiledStage{ref: ref}
	slot, hasCategory := ref.match.CategorySlot()
	st.whole = hasCategory && slot != b.ix.category
	conjuncts := ref.match.Conjuncts()
	for _, p := range conjuncts {
		st.preds = append(st.preds, b.intern(p))
	}
	sort.SliceStable(st.preds, func(i, j int) bool {
		return b.ix.preds[st.preds[i]].Cost() < b.ix.preds[st.preds[j]].Cost()
	})
	b.ix.stages = append(b.ix.stages, st)
	category := ""
	if hasCategory && !st.whole {
		category = ref.match.Category
	}
	r := b.rooms[category]
	if r == nil {
		r = &roomBuilder{fields: map[int]*fieldBuilder{}}
		b.rooms[category] = r
	}
	needs, ok := b.guard(conjuncts)
	if !ok {
		r.always = append(r.always, n)
		return
	}
	for _, need := range needs {
		r.enter(n, need)
	}
}

func (b *indexBuilder) intern(p *eql.Predicate) int32 {
	name := p.String()
	if n, ok := b.interned[name]; ok {
		return n
	}
	n := int32(len(b.ix.preds))
	b.ix.preds = append(b.ix.preds, p)
	b.interned[name] = n
	return n
}

// guard returns the needs of the conjunct that events satisfy least often.
func (b *indexBuilder) guard(conjuncts []*eql.Predicate) (best []eql.Need, ok bool) {
	rate := 2.0
	for _, p := range conjuncts {
		g, has := p.Guard()
		if !has {
			continue
		}
		if r := b.rate(g.Needs); r < rate {
			best, rate, ok = g.Needs, r, true
		}
	}
	return best, ok
}

// rate estimates the share of events that satisfy at least one of the needs.
func (b *indexBuilder) rate(needs []eql.Need) float64 {
	sum := 0.0
	for i := range needs {
		sum += b.profile.rate(b.schema.Field(needs[i].Slot).Name, &needs[i])
	}
	return min(sum, 1)
}

type roomBuilder struct {
	always []int32
	fields map[int]*fieldBuilder
}

type fieldBuilder struct {
	field
	parts automatonBuilder
}

// enter adds a stage under one of its guard's needs.
func (r *roomBuilder) enter(stage int32, need eql.Need) {
	f := r.fields[need.Slot]
	if f == nil {
		f = &fieldBuilder{field: field{slot: need.Slot, texts: map[string][]int32{}, values: map[event.Value][]int32{}}}
		r.fields[need.Slot] = f
	}
	switch need.Op {
	case eql.Exists:
		f.exists = append(f.exists, stage)
	case eql.Exact:
		text := event.FoldASCII(need.Text)
		f.texts[text] = append(f.texts[text], stage)
	case eql.Equal:
		f.values[need.Value] = append(f.values[need.Value], stage)
	default:
		f.parts.add(event.FoldASCII(need.Text), partOp(need.Op), stage)
	}
}

func partOp(op eql.GuardOp) part {
	switch op {
	case eql.Prefix:
		return atStart
	case eql.Suffix:
		return atEnd
	}
	return anywhere
}

func (r *roomBuilder) build() *room {
	out := &room{always: r.always}
	for _, f := range r.fields {
		f.field.parts = f.parts.build()
		out.fields = append(out.fields, f.field)
	}
	sort.Slice(out.fields, func(i, j int) bool { return out.fields[i].slot < out.fields[j].slot })
	return out
}

// lookup is one event's way through the index. It belongs to a Matcher.
type lookup struct {
	ix    *index
	now   uint32   // number of the event; wraps after 2^31 events (next)
	memo  []uint32 // by predicate: now<<1 | result
	seen  []uint32 // by stage: now
	found []int32
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
	for _, v := range ev.Values(l.ix.category) {
		if r := l.ix.byCategory[v.S]; r != nil {
			l.room(ev, r)
		}
	}
	if l.ix.always != nil {
		l.room(ev, l.ix.always)
	}
	return l.found
}

func (l *lookup) room(ev *event.Event, r *room) {
	l.take(r.always)
	for i := range r.fields {
		if f := &r.fields[i]; ev.Has(f.slot) {
			l.field(ev, f)
		}
	}
}

func (l *lookup) field(ev *event.Event, f *field) {
	values := ev.Values(f.slot)
	if len(values) > 0 {
		l.take(f.exists)
	}
	for i := range values {
		v := &values[i]
		switch v.Kind {
		case event.KindText, event.KindVersion:
			if len(f.texts) == 0 && f.parts == nil {
				continue
			}
			text := ev.Fold(v)
			l.take(f.texts[text])
			if f.parts != nil {
				f.parts.scan(text, l)
			}
		default:
			if len(f.values) > 0 {
				if key, ok := eql.EqualKey(*v); ok {
					l.take(f.values[key])
				}
			}
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

// verify evaluates a candidate in full. Its category is known to hold unless
// it is in a field of its own.
func (l *lookup) verify(ev *event.Event, n int32) bool {
	st := &l.ix.stages[n]
	if st.whole {
		return st.ref.match.Match(ev)
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
