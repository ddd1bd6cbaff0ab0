package sequence

import (
	"bytes"
	"cmp"
	"container/heap"
	"math"
	"slices"
	"sort"
	"time"
)

// lane is what a Joiner holds of one key, beside its records, which are chained
// from the latest back.
type lane struct {
	key       string
	hash      uint64
	tail      ref   // the latest record
	tailTime  int64 // its time
	bucket    int64 // the latest segment that lists the lane
	since     int32 // records since the last checkpoint
	freshHead int32 // fresh hits, -1 if none
	freshTail int32
	used      bool // the lane has a key
}

// slot is one open partial: its newest event.
type slot struct {
	node  ref
	first int64 // time of its first event
}

// laneRare is what most keys never need.
type laneRare struct {
	checkpoints []checkpoint
	times       times
	missing     int64 // earliest `![…]` hit since the last flush, milliseconds
	hasMissing  bool
}

// checkpoint is the state of the slots after a record. Partials that maxspan
// had ended by then are left out, so that states compare.
type checkpoint struct {
	at    ref
	slots []slot
	chain []uint64 // for each slot a hash of the partial's events
}

// arrival is a fresh hit at one position.
type arrival struct {
	hit *Hit
	pos int16
}

// oldCandidate is a candidate before its lane is joined again.
type oldCandidate struct {
	last  ref
	part  ref
	first int64
	state state
	chain []ref
}

// scratch is what a Joiner needs for a moment and keeps for the next one.
type scratch struct {
	dirty    []uint32
	touched  uint64
	arrivals []arrival
	list     []ref
	merged   []ref
	chains   []ref
	old      []oldCandidate
	found    []ref
	at       []int64
}

func (j *Joiner) slotsOf(n uint32) []slot {
	return j.slots[int(n)*j.width : (int(n)+1)*j.width]
}

func (j *Joiner) rareOf(n uint32) *laneRare {
	r := j.rare[n]
	if r == nil {
		r = &laneRare{}
		j.rare[n] = r
	}
	return r
}

// join lets a lane's fresh hits act.
func (j *Joiner) join(n uint32, emit func(Change)) {
	j.arrive(n)
	if len(j.arrivals) > 0 {
		l := &j.lanes[n]
		if first := &j.arrivals[0]; l.tail == 0 || first.hit.Time > l.tailTime || j.compare(l.tail, first) < 0 {
			j.follow(n, emit)
		} else {
			j.rejoin(n, emit)
		}
	}
	if r := j.rare[n]; r != nil && r.hasMissing {
		r.hasMissing = false
		j.recheck(n, r, emit)
	}
	if j.lanes[n].tail == 0 { // nothing but hits of `![…]`, or of no stage at all
		j.dropIfEmpty(n)
	}
}

// arrive lists a lane's fresh hits by position, in order, each once. Those of
// `![…]` are only noted.
func (j *Joiner) arrive(n uint32) {
	l, s := &j.lanes[n], j.spec
	j.arrivals = j.arrivals[:0]
	for i := l.freshHead; i >= 0; i = j.fresh[i].next {
		h := &j.fresh[i].Hit
		switch {
		case s.isUntil(h):
			j.arrivals = append(j.arrivals, arrival{h, -1})
		case s.isMissing(h.Stage):
			j.rareOf(n).note(s, h)
			j.listed(n, h.Time)
		case h.Stage >= 0 && int(h.Stage) < len(s.stages):
			for _, pos := range s.expand[h.Stage] {
				j.arrivals = append(j.arrivals, arrival{h, int16(pos)})
			}
		}
	}
	l.freshHead = -1
	if len(j.arrivals) > 1 {
		slices.SortStableFunc(j.arrivals, compareArrivals)
		j.arrivals = slices.CompactFunc(j.arrivals, func(a, b arrival) bool { return compareArrivals(a, b) == 0 })
	}
}

// compareArrivals orders by event; within an event the positions go from the
// last to the first, and `until` is the end.
func compareArrivals(a, b arrival) int {
	if c := a.hit.Compare(b.hit); c != 0 {
		return c
	}
	return cmp.Compare(b.pos, a.pos)
}

// compare compares a record with an arrival in the same order.
func (j *Joiner) compare(r ref, a *arrival) int {
	x := j.segs.get(r)
	if x.time != a.hit.Time {
		return cmp.Compare(x.time, a.hit.Time)
	}
	if c := bytes.Compare(j.segs.tie(r), []byte(a.hit.Tie)); c != 0 {
		return c
	}
	return cmp.Compare(a.pos, x.pos)
}

// compareRecords is the same order of two records.
func (j *Joiner) compareRecords(a, b ref) int {
	x, y := j.segs.get(a), j.segs.get(b)
	if x.time != y.time {
		return cmp.Compare(x.time, y.time)
	}
	if c := bytes.Compare(j.segs.tie(a), j.segs.tie(b)); c != 0 {
		return c
	}
	return cmp.Compare(y.pos, x.pos)
}

func (r *laneRare) note(s *Spec, h *Hit) {
	if r.times == nil {
		r.times = make(times, len(s.missing))
	}
	r.times.add(s, h)
	if ms := millis(h.Time); !r.hasMissing || ms < r.missing {
		r.missing, r.hasMissing = ms, true
	}
}

func (t times) any() bool {
	return slices.ContainsFunc(t, func(list []int64) bool { return len(list) > 0 })
}

// listed makes sure that the lane is looked at when what it has at a time is forgotten.
func (j *Joiner) listed(n uint32, at int64) (uint32, *segment) {
	bucket := floorDiv(at, j.grain)
	number, seg, fresh := j.segs.at(bucket)
	if fresh {
		heap.Push(&j.segs.order, bucket)
	}
	if l := &j.lanes[n]; bucket > l.bucket {
		l.bucket = bucket
		seg.lanes = append(seg.lanes, n)
	}
	return number, seg
}

// record stores an arrival.
func (j *Joiner) record(n uint32, a *arrival, prev ref) ref {
	number, seg := j.listed(n, a.hit.Time)
	j.hits++
	return ref(number)<<32 | ref(seg.add(record{time: a.hit.Time, prev: prev, ref: a.hit.Ref, pos: a.pos}, a.hit.Tie))
}

// follow appends arrivals that are all later than what the lane has.
func (j *Joiner) follow(n uint32, emit func(Change)) {
	l := &j.lanes[n]
	for i := range j.arrivals {
		a := &j.arrivals[i]
		r := j.record(n, a, l.tail)
		l.tail, l.tailTime = r, a.hit.Time
		if j.step(n, r) {
			j.report(n, r, emit)
		}
		j.checkpoint(n, r)
	}
}

// step lets a record act on its lane's slots and reports whether it completes a candidate.
func (j *Joiner) step(n uint32, r ref) bool {
	x, slots := j.segs.get(r), j.slotsOf(n)
	x.part, x.first, x.state = 0, x.time, open
	if x.pos < 0 {
		clear(slots)
		return false
	}
	if x.pos > 0 {
		p := slots[x.pos-1]
		slots[x.pos-1] = slot{} // taken, even if maxspan rejects it
		if p.node == 0 || p.first < j.evicted || !j.spec.within(p.first, x.time) {
			return false
		}
		x.part, x.first = p.node, p.first
	}
	if int(x.pos) == len(slots) {
		return true
	}
	slots[x.pos] = slot{r, x.first}
	return false
}

// checkpoint keeps the state after a record if it is time for one.
func (j *Joiner) checkpoint(n uint32, r ref) {
	l := &j.lanes[n]
	if l.since++; int(l.since) < j.every {
		return
	}
	l.since = 0
	rare := j.rareOf(n)
	rare.checkpoints = append(rare.checkpoints, j.stateAt(n, r))
}

func (j *Joiner) stateAt(n uint32, r ref) checkpoint {
	c := checkpoint{at: r, slots: slices.Clone(j.slotsOf(n)), chain: make([]uint64, j.width)}
	now := j.segs.get(r).time
	for i := range c.slots {
		if s := &c.slots[i]; s.node == 0 || s.first < j.evicted || !j.spec.within(s.first, now) {
			*s = slot{}
			continue
		}
		for p := c.slots[i].node; p != 0; p = j.segs.get(p).part {
			c.chain[i] = (c.chain[i] ^ uint64(p)) * 0x9E3779B97F4A7C15
			c.chain[i] ^= c.chain[i] >> 29
		}
	}
	return c
}

// sameState reports whether two states hold the same partials, but for those
// that began before what was evicted.
func (j *Joiner) sameState(a, b checkpoint) bool {
	for i := range a.slots {
		x, y := a.slots[i], b.slots[i]
		if x.first < j.evicted {
			x = slot{}
		}
		if y.first < j.evicted {
			y = slot{}
		}
		if x != y || x.node != 0 && a.chain[i] != b.chain[i] {
			return false
		}
	}
	return true
}

// rejoin puts arrivals in their places and walks again from the last state
// before the first of them until the slots are as they were after the last.
func (j *Joiner) rejoin(n uint32, emit func(Change)) {
	rare := j.rareOf(n)
	old := rare.checkpoints
	before := sort.Search(len(old), func(i int) bool { return j.compare(old[i].at, &j.arrivals[0]) >= 0 })
	last := &j.arrivals[len(j.arrivals)-1]
	after := sort.Search(len(old), func(i int) bool { return j.compare(old[i].at, last) > 0 })
	tail := slices.Clone(old[after:])

	var start ref
	saved := slices.Clone(j.slotsOf(n))
	clear(j.slotsOf(n))
	if before > 0 {
		start = old[before-1].at
		copy(j.slotsOf(n), old[before-1].slots)
	}
	since := j.lanes[n].since
	rare.checkpoints, j.lanes[n].since = slices.Clone(old[:before]), 0
	j.mergeList(n, start)
	j.keepOld()
	j.found = j.found[:0]
	stop := len(j.merged)
	for i, r := range j.merged {
		if j.step(n, r) {
			j.found = append(j.found, r)
		}
		if len(tail) > 0 && tail[0].at == r {
			if now := j.stateAt(n, r); j.sameState(now, tail[0]) {
				rare.checkpoints = append(rare.checkpoints, tail...)
				copy(j.slotsOf(n), saved)
				j.lanes[n].since = since
				stop = i + 1
				break
			}
			tail = tail[1:]
		}
		j.checkpoint(n, r)
	}
	j.compareFound(n, stop, emit)
}

// mergeList lists the records of a lane after start, and makes those of the
// arrivals among them.
func (j *Joiner) mergeList(n uint32, start ref) {
	l := &j.lanes[n]
	j.list = j.list[:0]
	for r := l.tail; r != 0 && r != start; {
		x := j.segs.get(r)
		if x == nil {
			break
		}
		j.list = append(j.list, r)
		r = x.prev
	}
	slices.Reverse(j.list)
	j.merged = j.merged[:0]
	i, prev := 0, start
	add := func(r ref) {
		j.segs.get(r).prev = prev
		j.merged = append(j.merged, r)
		prev = r
	}
	for k := range j.arrivals {
		a := &j.arrivals[k]
		for i < len(j.list) && j.compare(j.list[i], a) < 0 {
			add(j.list[i])
			i++
		}
		if i < len(j.list) && j.compare(j.list[i], a) == 0 {
			continue // it was here before
		}
		add(j.record(n, a, prev))
	}
	for ; i < len(j.list); i++ {
		add(j.list[i])
	}
	l.tail = prev
	l.tailTime = j.segs.get(prev).time
}

// keepOld notes the candidates among j.list as they are.
func (j *Joiner) keepOld() {
	j.old, j.chains = j.old[:0], j.chains[:0]
	for _, r := range j.list {
		x := j.segs.get(r)
		if x.state == open {
			continue
		}
		from := len(j.chains)
		for p := r; p != 0; {
			j.chains = append(j.chains, p)
			y := j.segs.get(p)
			if y == nil {
				break
			}
			p = y.part
		}
		j.old = append(j.old, oldCandidate{r, x.part, x.first, x.state, j.chains[from:len(j.chains):len(j.chains)]})
	}
}

// compareFound says what changed between j.old and j.found, both in order, among
// the first stop records of j.merged.
func (j *Joiner) compareFound(n uint32, stop int, emit func(Change)) {
	k := 0
	for i := range j.old {
		o := &j.old[i]
		if stop < len(j.merged) && j.compareRecords(o.last, j.merged[stop-1]) > 0 {
			break // not walked again
		}
		for k < len(j.found) && j.found[k] != o.last && j.compareRecords(j.found[k], o.last) < 0 {
			k++
		}
		again := k < len(j.found) && j.found[k] == o.last
		x := j.segs.get(o.last)
		switch {
		case o.first < j.evicted: // it could not be found again
			if !again {
				x.part, x.first, x.state = o.part, o.first, o.state
			}
		case again && j.sameChain(o):
			x.state = o.state
		case o.state == reported:
			emit(Change{Match: j.match(n, o.chain), Withdrawn: true})
		}
	}
	for _, r := range j.found {
		if j.segs.get(r).state == open {
			j.report(n, r, emit)
		}
	}
}

func (j *Joiner) sameChain(o *oldCandidate) bool {
	r := o.last
	for _, p := range o.chain {
		if p != r {
			return false
		}
		r = j.segs.get(r).part
	}
	return r == 0
}

// chainOf lists the events of a candidate, the last one first.
func (j *Joiner) chainOf(r ref) []ref {
	j.chains = j.chains[:0]
	for ; r != 0; r = j.segs.get(r).part {
		j.chains = append(j.chains, r)
	}
	return j.chains
}

// report gives a candidate to emit if it is final, or else lets it wait.
func (j *Joiner) report(n uint32, r ref, emit func(Change)) {
	x := j.segs.get(r)
	if j.spec.Waits() {
		if due := j.spec.due(x); due > j.settled {
			x.state = queued
			heap.Push(&j.waiting, waiting{due, n, r})
			return
		}
	}
	j.judge(n, r, emit)
}

// due is the time after which nothing unmakes a candidate.
func (s *Spec) due(last *record) int64 {
	if s.trailing == 0 {
		return last.time
	}
	end := millis(last.first) + millis(s.maxSpan) + 1 // `![…]` compares whole milliseconds
	if end > math.MaxInt64/int64(time.Millisecond) {
		return math.MaxInt64
	}
	return end*int64(time.Millisecond) - 1
}

// judge decides on a candidate whose time has come.
func (j *Joiner) judge(n uint32, r ref, emit func(Change)) {
	x, chain := j.segs.get(r), j.chainOf(r)
	if !j.accepts(n, chain) {
		x.state = rejected
		return
	}
	x.state = reported
	emit(Change{Match: j.match(n, chain)})
}

func (j *Joiner) accepts(n uint32, chain []ref) bool {
	if len(j.spec.missing) == 0 {
		return true
	}
	r := j.rare[n]
	if r == nil {
		return true
	}
	j.at = j.at[:0]
	for _, p := range slices.Backward(chain) {
		j.at = append(j.at, j.segs.get(p).time)
	}
	return j.spec.accepts(j.at, r.times)
}

// match writes a candidate out. Its texts are its own.
func (j *Joiner) match(n uint32, chain []ref) Match {
	m := Match{Key: j.lanes[n].key, Hits: make([]Hit, len(chain))}
	for i, r := range chain {
		x := j.segs.get(r)
		m.Hits[len(chain)-1-i] = Hit{
			Rule: j.rule, Stage: j.spec.positive[x.pos], Key: m.Key, Time: x.time, Tie: string(j.segs.tie(r)), Ref: x.ref,
		}
	}
	return m
}

// recheck withdraws reported candidates that new `![…]` hits unmake. Those end
// less than maxspan before the earliest of the hits, or later.
func (j *Joiner) recheck(n uint32, rare *laneRare, emit func(Change)) {
	from := rare.missing - millis(j.spec.maxSpan) - 1
	j.found = j.found[:0]
	for r := j.lanes[n].tail; r != 0; {
		x := j.segs.get(r)
		if x == nil || millis(x.time) < from {
			break
		}
		if x.state == reported && x.first >= j.evicted {
			j.found = append(j.found, r)
		}
		r = x.prev
	}
	for _, r := range slices.Backward(j.found) {
		if chain := j.chainOf(r); !j.accepts(n, chain) {
			j.segs.get(r).state = rejected
			emit(Change{Match: j.match(n, chain), Withdrawn: true})
		}
	}
}

// evict forgets what lies before the joiner's bound; the times of `![…]` are
// needed for a maxspan more.
func (r *laneRare) evict(j *Joiner) {
	r.times.forget(millis(addTime(j.evicted, -j.spec.maxSpan)) - 1)
	r.checkpoints = slices.DeleteFunc(r.checkpoints, func(c checkpoint) bool { return j.segs.get(c.at) == nil })
}
