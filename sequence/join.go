package sequence

import "slices"

// Join returns the matches among the hits of one key. hits must be sorted by
// Hit.Compare and hold every hit of the key; several hits of one event may stand
// in any order. The matches come in the order of their last events; those of a
// sample in the order in which they are found. Join keeps no state and changes
// nothing: the same hits give the same matches.
func Join(s *Spec, hits []Hit) []Match {
	if len(hits) == 0 {
		return nil
	}
	var out []Match
	st := NewStream(s, func(m Match) { out = append(out, m) })
	for i := range hits {
		st.Push(&hits[i])
	}
	st.Close()
	return out
}

// Stream joins the sorted hits of one key as they come. It holds the open
// partials (one a slot), for `![…]` the times of their events within one maxspan,
// and candidates until maxspan has passed since their first event; never more.
// Of a sample it holds the first few hits of each stage (sample.go) until Close,
// which finds the matches.
type Stream struct {
	spec  *Spec
	emit  func(Match)
	slots []*node
	times times
	wait  []*node // candidates that a later `![…]` event may unmake, oldest first

	now   *Hit // the event whose hits are being collected
	event positions
	until bool
	at    []int64 // scratch: the times of a candidate

	sample  []Hit
	counted []int // hits in sample by stage
}

// NewStream returns a stream that gives each match to emit, in the order of
// their last events.
func NewStream(s *Spec, emit func(Match)) *Stream {
	return &Stream{
		spec: s, emit: emit,
		slots: make([]*node, len(s.positive)), times: make(times, len(s.missing)),
	}
}

// Push takes the next hit. The stream keeps h until its partial ends.
func (st *Stream) Push(h *Hit) {
	if st.spec.sample {
		st.hold(h)
		return
	}
	if st.now != nil && st.now.Compare(h) != 0 {
		st.flush()
	}
	st.now = h
	if st.spec.isUntil(h) {
		st.until = true
		return
	}
	st.times.add(st.spec, h)
	st.event.add(st.spec, h)
}

// hold keeps a hit of a sample if it can matter.
func (st *Stream) hold(h *Hit) {
	if st.counted == nil {
		st.counted = make([]int, len(st.spec.stages))
	}
	if h.Stage < 0 || int(h.Stage) >= len(st.counted) || st.counted[h.Stage] == st.spec.sampleCandidates() {
		return
	}
	for i := len(st.sample) - 1; i >= 0 && st.sample[i].Compare(h) == 0; i-- {
		if st.sample[i].Stage == h.Stage {
			return // the same hit again
		}
	}
	st.counted[h.Stage]++
	st.sample = append(st.sample, *h)
}

// Close says that no more hits come, and empties the stream for another key.
func (st *Stream) Close() {
	if st.spec.sample {
		for _, m := range joinSample(st.spec, st.sample) {
			st.emit(m)
		}
		st.sample = st.sample[:0]
		clear(st.counted)
		return
	}
	st.flush()
	for _, n := range st.wait {
		st.settle(n)
	}
	clear(st.slots)
	for i := range st.times {
		st.times[i] = st.times[i][:0]
	}
	st.wait, st.now = nil, nil
}

// flush lets the collected event act.
func (st *Stream) flush() {
	if st.now == nil {
		return
	}
	s := st.spec
	if len(st.wait) > 0 {
		st.release(st.now.Time)
	}
	if n := s.step(st.slots, st.event); n != nil {
		if s.trailing > 0 {
			st.wait = append(st.wait, n)
		} else {
			st.settle(n)
		}
	}
	if st.until {
		clear(st.slots)
	}
	st.event, st.until = st.event[:0], false
	if len(s.missing) > 0 {
		from := st.now.Time
		if len(st.wait) > 0 {
			from = min(from, st.wait[0].hit.Time)
		}
		st.times.forget(millis(from) - millis(s.maxSpan) - 1)
	}
}

// release settles the candidates whose window has passed. First events of
// candidates never go back, so they leave in the order in which they came.
func (st *Stream) release(now int64) {
	span := millis(st.spec.maxSpan)
	for len(st.wait) > 0 && millis(now)-millis(st.wait[0].first) > span {
		st.settle(st.wait[0])
		st.wait = st.wait[1:]
	}
}

func (st *Stream) settle(n *node) {
	st.at = st.at[:0]
	for p := n; p != nil; p = p.prev {
		st.at = append(st.at, p.hit.Time)
	}
	slices.Reverse(st.at)
	if st.spec.accepts(st.at, st.times) {
		st.emit(st.spec.match(n))
	}
}
