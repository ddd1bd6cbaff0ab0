package engine

import (
	"fmt"
	"unsafe"

	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/sequence"
)

// Match is one stage that an event satisfies, with one combination of the
// values of its join key. Key lives until the Matcher's next event.
type Match struct {
	Rule        int32 // index into Engine.Rules; beyond them, into Engine.Contexts
	Stage       int32
	Excuse      int32 // of the hit, as in Note
	ExcuseMatch int32 // of every match it is part of, as in Note
	Key         string

	// Bare says that the hit is never evidence: its stage is `![…]` or until,
	// which an alert does not show. No document need be kept for it.
	Bare bool
	// Loose says that the hit counts by its time alone: its stage is `![…]`. It
	// needs no tie, and repeats of it change nothing.
	Loose bool
	// Number is the stage's among all that events are held against (Stages).
	Number int32
}

// Matcher matches events one at a time for one worker.
type Matcher struct {
	engine  *Engine
	lookup  lookup
	matches []Match
	maker   sequence.KeyMaker
	keys    []byte                // of the event
	ends    []int                 // where each key ends in keys
	made    []madeKeys            // by list of keys
	addKey  func(key []byte) bool // made once
}

// madeKeys is where the keys of one list stand for the event at hand: many
// stages are joined by the same fields.
type madeKeys struct {
	event    uint32 // number of the event that they were made for
	from, to int32  // in Matcher.ends
}

// Matcher returns a matcher for one goroutine.
func (e *Engine) Matcher() *Matcher {
	m := &Matcher{
		engine: e, lookup: newLookup(e.index), maker: sequence.KeyMaker{FoldGUIDs: true},
		made: make([]madeKeys, e.keyLists),
	}
	m.addKey = func(key []byte) bool {
		m.keys = append(m.keys, key...)
		m.ends = append(m.ends, len(m.keys))
		return true
	}
	return m
}

// numberKeys gives each stage the number of its list of keys.
func (e *Engine) numberKeys() {
	numbers := map[string]int32{}
	var name []byte
	for n := range e.stages {
		name = name[:0]
		for _, k := range e.stages[n].keys {
			name = fmt.Appendf(name, "%d %t,", k.Slot, k.Optional)
		}
		number, ok := numbers[string(name)]
		if !ok {
			number = int32(len(numbers))
			numbers[string(name)] = number
		}
		e.stages[n].keyList = number
	}
	e.keyLists = len(numbers)
}

// Match returns the stages that the event satisfies. The slice and its keys
// are reused by the next call.
func (m *Matcher) Match(ev *event.Event) []Match {
	m.matches, m.keys, m.ends = m.matches[:0], m.keys[:0], m.ends[:0]
	found := m.lookup.candidates(ev)
	if m.lookup.now == 1 { // the numbers of events begin anew
		clear(m.made)
	}
	for _, n := range found {
		if m.lookup.verify(ev, n) {
			m.add(ev, n)
		}
	}
	return m.matches
}

// add appends a match for each combination of join-key values.
func (m *Matcher) add(ev *event.Event, n int32) {
	ref := &m.engine.stages[n]
	hit := Match{Rule: ref.rule, Stage: ref.stage, Bare: ref.bare, Loose: ref.loose, Number: n}
	if int(ref.rule) < len(m.engine.Rules) {
		rule := &m.engine.Rules[ref.rule]
		hit.Excuse = rule.excuse(ev, int(ref.stage))
		hit.ExcuseMatch = rule.excuseMatch(ev)
	}
	made := &m.made[ref.keyList]
	if made.event != m.lookup.now {
		made.event, made.from = m.lookup.now, int32(len(m.ends))
		m.maker.Keys(ev, ref.keys, m.addKey)
		made.to = int32(len(m.ends))
	}
	for i := made.from; i < made.to; i++ {
		from := 0
		if i > 0 {
			from = m.ends[i-1]
		}
		key := m.keys[from:m.ends[i]]
		hit.Key = unsafe.String(unsafe.SliceData(key), len(key))
		m.matches = append(m.matches, hit)
	}
}

// Barren returns, by rule, which sequences and samples cannot complete since a
// stage that they need has no hit at all; seen says, by Match.Number, which
// stages have one. Their hits need not be joined.
func (e *Engine) Barren(seen []bool) []bool {
	out := make([]bool, len(e.Rules))
	for n := range e.stages {
		if ref := &e.stages[n]; int(ref.rule) < len(out) && !ref.bare && !seen[n] {
			out[ref.rule] = true
		}
	}
	return out
}

// Cost is what one stage cost over the events that were traced.
type Cost struct {
	Rule, Stage int32 // as in Match
	Candidates  int   // events that its guard let through
	Matches     int   // of those, the ones that satisfy it
	Time        int64 // spent on verifying them, in units of the clock
}

// Costs returns an empty account of every stage, for Trace to fill.
func (e *Engine) Costs() []Cost {
	out := make([]Cost, len(e.stages))
	for n := range e.stages {
		out[n].Rule, out[n].Stage = e.stages[n].rule, e.stages[n].stage
	}
	return out
}

// Trace holds an event against the stages as Match does and adds to costs what
// each candidate took by the given clock. A predicate that several stages share
// counts for the one that asks first.
func (m *Matcher) Trace(ev *event.Event, now func() int64, costs []Cost) {
	for _, n := range m.lookup.candidates(ev) {
		c := &costs[n]
		c.Candidates++
		start := now()
		ok := m.lookup.verify(ev, n)
		c.Time += now() - start
		if ok {
			c.Matches++
		}
	}
}
