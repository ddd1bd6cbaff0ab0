package sequence

import (
	"encoding/binary"
	"slices"
)

// maxSampleTries bounds the search for further samples of one key, where filters
// overlap so much that most choices give a set of events that was found before.
const maxSampleTries = 1 << 16

// sampler looks for the samples of one key: one event for each filter, all
// different, no two samples with the same set of events. It tries events by
// backtracking, the first filter outermost, candidates ascending by order.
type sampler struct {
	spec       *Spec
	candidates [][]sampleEvent
	used       map[int32]bool
	chosen     []sampleEvent
	seen       map[string]bool
	tries      int
	found      []Match
}

// sampleEvent is one hit and the number of its event among the key's.
type sampleEvent struct {
	event int32
	hit   *Hit
}

// sampleCandidates is how many events of each filter can matter, the first ones
// in order: with n filters an event can be useless because it is needed
// elsewhere (fewer than n*n events are) or because it repeats one of the
// samples found (which hold n events each).
func (s *Spec) sampleCandidates() int {
	n := len(s.positive)
	return n*n + s.max*n
}

func joinSample(s *Spec, hits []Hit) []Match {
	b := sampler{
		spec: s, candidates: make([][]sampleEvent, len(s.positive)),
		used: map[int32]bool{}, seen: map[string]bool{},
	}
	event, limit := int32(0), s.sampleCandidates()
	var at positions
	for i := range hits {
		h := &hits[i]
		if i > 0 && h.Compare(&hits[i-1]) != 0 {
			event++
		}
		at = at[:0]
		at.add(s, h)
		for _, p := range at {
			list := b.candidates[p.pos]
			if n := len(list); n == limit || n > 0 && list[n-1].event == event {
				continue
			}
			b.candidates[p.pos] = append(list, sampleEvent{event, h})
		}
	}
	b.choose(0)
	return b.found
}

// choose tries every candidate of filter i and reports whether to go on.
func (b *sampler) choose(i int) bool {
	if i == len(b.candidates) {
		return b.take()
	}
	if !b.feasible(i) {
		return true
	}
	for _, c := range b.candidates[i] {
		if b.used[c.event] {
			continue
		}
		b.used[c.event] = true
		b.chosen = append(b.chosen, c)
		more := b.choose(i + 1)
		b.chosen = b.chosen[:i]
		delete(b.used, c.event)
		if !more {
			return false
		}
	}
	return true
}

// take keeps the chosen events unless the same set was found before.
func (b *sampler) take() bool {
	b.tries++
	set := make([]int32, len(b.chosen))
	for i, c := range b.chosen {
		set[i] = c.event
	}
	slices.Sort(set)
	id := make([]byte, 0, 4*len(set))
	for _, e := range set {
		id = binary.BigEndian.AppendUint32(id, uint32(e))
	}
	if !b.seen[string(id)] {
		b.seen[string(id)] = true
		m := Match{Key: b.chosen[0].hit.Key, Hits: make([]Hit, len(b.chosen))}
		for i, c := range b.chosen {
			m.Hits[i] = *c.hit
			m.Hits[i].Stage = b.spec.positive[i]
		}
		b.found = append(b.found, m)
	}
	return len(b.found) < b.spec.max && b.tries < maxSampleTries
}

// feasible reports whether the filters from i on can still be given events of
// their own: a bipartite matching, so that no search runs into a dead end.
func (b *sampler) feasible(i int) bool {
	owner := map[int32]int{}
	for f := i; f < len(b.candidates); f++ {
		if !b.augment(f, owner, map[int32]bool{}) {
			return false
		}
	}
	return true
}

func (b *sampler) augment(f int, owner map[int32]int, tried map[int32]bool) bool {
	for _, c := range b.candidates[f] {
		if b.used[c.event] || tried[c.event] {
			continue
		}
		tried[c.event] = true
		if o, taken := owner[c.event]; !taken || b.augment(o, owner, tried) {
			owner[c.event] = f
			return true
		}
	}
	return false
}
