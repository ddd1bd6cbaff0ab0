package sequence

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"sort"
	"time"
)

// checkpointEvery is how many hits of one key lie between two kept states.
const checkpointEvery = 128

// lane is what a Joiner holds of one key.
type lane struct {
	key   string
	order []*Hit // positive and `until` hits: sorted up to done, the rest new
	done  int
	since int // hits since the last checkpoint
	slots []*node
	rare  *laneRare
	age   int64 // the age bucket of the last hit added
	dirty bool
}

// laneRare is what most keys never need.
type laneRare struct {
	candidates  []candidate // completed, ordered by their last events
	checkpoints []checkpoint
	times       times
	missing     int64 // earliest `![…]` hit since the last flush, milliseconds
	hasMissing  bool
	samples     []Match
}

// candidate is a completed sequence.
type candidate struct {
	*node
	state  candidateState
	queued bool // it is among those that wait
}

type candidateState uint8

const (
	pending  candidateState = iota // waits until it is due
	reported                       // emit has it
	rejected                       // unmade by `![…]`
)

// checkpoint is the state of the slots after the hits up to at. Partials that
// maxspan had ended by then are left out, so that states compare.
type checkpoint struct {
	at    *Hit
	slots []*node
}

func (l *lane) more() *laneRare {
	if l.rare == nil {
		l.rare = &laneRare{}
	}
	return l.rare
}

func (l *lane) empty() bool {
	return len(l.order) == 0 && (l.rare == nil || len(l.rare.candidates) == 0 && !l.rare.times.any())
}

func (t times) any() bool {
	for _, list := range t {
		if len(list) > 0 {
			return true
		}
	}
	return false
}

func (l *lane) addMissing(s *Spec, h *Hit) {
	r := l.more()
	if r.times == nil {
		r.times = make(times, len(s.missing))
	}
	r.times.add(s, h)
	if ms := millis(h.Time); !r.hasMissing || ms < r.missing {
		r.missing, r.hasMissing = ms, true
	}
}

// join lets a lane's new hits act.
func (j *Joiner) join(l *lane, emit func(Change)) {
	if fresh := l.order[l.done:]; len(fresh) > 0 {
		slices.SortStableFunc(fresh, compareHits)
		first, last := fresh[0], fresh[len(fresh)-1]
		inOrder := l.done == 0 || l.order[l.done-1].Compare(first) < 0
		from := l.done
		if !inOrder {
			from = j.mergeFresh(l)
		}
		j.hits -= l.dropDoubles(from)
		l.done = len(l.order)
		switch {
		case j.spec.sample:
			j.joinSamples(l, emit)
		case inOrder:
			j.found = j.found[:0]
			j.walk(l, from, nil, nil)
			n := l.candidates()
			j.merge(l, n, n, emit)
		default:
			j.rejoin(l, first, last, emit)
		}
	}
	if l.rare != nil && l.rare.hasMissing {
		l.rare.hasMissing = false
		l.recheck(j.spec, emit)
	}
}

// mergeFresh moves the new hits, sorted, to their places among the old ones, and
// returns the index of the first. It costs as much as there is behind it.
func (j *Joiner) mergeFresh(l *lane) int {
	j.fresh = append(j.fresh[:0], l.order[l.done:]...)
	i, w := l.done-1, len(l.order)-1
	for k := len(j.fresh) - 1; k >= 0; w-- {
		if i >= 0 && compareHits(l.order[i], j.fresh[k]) > 0 {
			l.order[w] = l.order[i]
			i--
			continue
		}
		l.order[w] = j.fresh[k]
		k--
	}
	clear(j.fresh)
	return w + 1
}

func compareHits(a, b *Hit) int {
	if c := a.Compare(b); c != 0 {
		return c
	}
	return cmp.Compare(a.Stage, b.Stage)
}

// dropDoubles removes hits that repeat the one before, from an index on.
func (l *lane) dropDoubles(from int) (dropped int) {
	w := max(from, 1)
	for i := w; i < len(l.order); i++ {
		if compareHits(l.order[i], l.order[w-1]) == 0 {
			continue
		}
		l.order[w] = l.order[i]
		w++
	}
	if w >= len(l.order) {
		return 0
	}
	dropped = len(l.order) - w
	clear(l.order[w:])
	l.order = l.order[:w]
	return dropped
}

// rejoin walks again from the last state before the first new hit until the
// slots are as they were after the last new one.
func (j *Joiner) rejoin(l *lane, first, last *Hit, emit func(Change)) {
	r := l.more()
	old, saved := r.checkpoints, l.slots
	after := func(h *Hit) int { // checkpoints up to and including h
		return sort.Search(len(old), func(i int) bool { return old[i].at.Compare(h) > 0 })
	}
	k := sort.Search(len(old), func(i int) bool { return old[i].at.Compare(first) >= 0 })
	tail := slices.Clone(old[after(last):])
	l.slots = make([]*node, len(saved))
	from, lo := 0, 0
	if k > 0 {
		start := old[k-1]
		from = sort.Search(len(l.order), func(i int) bool { return l.order[i].Compare(start.at) > 0 })
		lo = l.candidatesTo(start.at)
		for i, n := range start.slots {
			if n != nil && n.first >= j.evicted {
				l.slots[i] = n
			}
		}
	}
	r.checkpoints, l.since = slices.Clone(old[:k]), 0
	hi := l.candidates()
	j.found = j.found[:0]
	if stop := j.walk(l, from, tail, saved); stop != nil {
		hi = l.candidatesTo(stop)
	}
	for lo < hi && r.candidates[lo].first < j.evicted {
		lo++ // these could not be found again
	}
	j.merge(l, lo, hi, emit)
}

// candidates is how many candidates there are.
func (l *lane) candidates() int {
	if l.rare == nil {
		return 0
	}
	return len(l.rare.candidates)
}

// candidatesTo is how many candidates are complete with h or before it.
func (l *lane) candidatesTo(h *Hit) int {
	return sort.Search(l.candidates(), func(i int) bool { return l.rare.candidates[i].hit.Compare(h) > 0 })
}

// walk steps through the hits of a lane from an index on, noting candidates and
// checkpoints. If it meets one of the old checkpoints of tail in the same state,
// the rest is as it was: it puts the saved slots back and returns the hit that
// it stopped at, else nil.
func (j *Joiner) walk(l *lane, from int, tail []checkpoint, saved []*node) (stop *Hit) {
	s := j.spec
	if l.slots == nil {
		l.slots = make([]*node, len(s.positive))
	}
	for i := from; i < len(l.order); {
		h, start := l.order[i], i
		i = j.stepEvent(l, i)
		for len(tail) > 0 && tail[0].at.Compare(h) < 0 {
			tail = tail[1:] // its hit is gone
		}
		if len(tail) > 0 && tail[0].at.Compare(h) == 0 {
			if sameState(s.live(l.slots, h.Time), tail[0].slots, j.evicted) {
				l.rare.checkpoints = append(l.rare.checkpoints, tail...)
				l.slots = saved
				at := tail[len(tail)-1].at
				l.since = len(l.order) - sort.Search(len(l.order), func(i int) bool { return l.order[i].Compare(at) > 0 })
				return h
			}
			tail = tail[1:]
		}
		if l.since += i - start; l.since >= j.every {
			l.since = 0
			r := l.more()
			r.checkpoints = append(r.checkpoints, checkpoint{h, s.live(l.slots, h.Time)})
		}
	}
	return nil
}

// stepEvent lets the event at index i act and returns the index behind it.
func (j *Joiner) stepEvent(l *lane, i int) int {
	h, until := l.order[i], false
	j.event = j.event[:0]
	for ; i < len(l.order) && l.order[i].Compare(h) == 0; i++ {
		if j.spec.isUntil(l.order[i]) {
			until = true
			continue
		}
		j.event.add(j.spec, l.order[i])
	}
	if n := j.spec.step(l.slots, j.event); n != nil {
		j.found = append(j.found, candidate{node: n})
	}
	if until {
		clear(l.slots)
	}
	return i
}

// live copies the slots without the partials that maxspan has ended.
func (s *Spec) live(slots []*node, now int64) []*node {
	out := make([]*node, len(slots))
	for i, n := range slots {
		if n != nil && s.within(n.first, now) {
			out[i] = n
		}
	}
	return out
}

// sameState compares slots; partials that began before what was evicted do not count.
func sameState(a, b []*node, evicted int64) bool {
	for i := range a {
		x, y := a[i], b[i]
		if x != nil && x.first < evicted {
			x = nil
		}
		if y != nil && y.first < evicted {
			y = nil
		}
		if !same(x, y) {
			return false
		}
	}
	return true
}

// same reports whether two partials hold the same events.
func same(a, b *node) bool {
	for ; a != b; a, b = a.prev, b.prev {
		if a == nil || b == nil || a.hit.Compare(b.hit) != 0 {
			return false
		}
	}
	return true
}

// merge puts the candidates found (j.found) in the place of those from lo to hi,
// and says what changed.
func (j *Joiner) merge(l *lane, lo, hi int, emit func(Change)) {
	if len(j.found) == 0 && lo == hi {
		return
	}
	r := l.more()
	k := 0
	for _, o := range r.candidates[lo:hi] {
		for k < len(j.found) && j.found[k].hit.Compare(o.hit) < 0 {
			k++
		}
		if k < len(j.found) && same(j.found[k].node, o.node) {
			j.found[k] = o
			continue
		}
		if o.state == reported {
			emit(Change{Match: j.spec.match(o.node), Withdrawn: true})
		}
	}
	for i := range j.found {
		if c := &j.found[i]; c.state == pending && !c.queued {
			j.report(l, c, emit)
		}
	}
	r.candidates = slices.Replace(r.candidates, lo, hi, j.found...)
	clear(j.found)
}

// report gives a candidate to emit if it is final, or else lets it wait.
func (j *Joiner) report(l *lane, c *candidate, emit func(Change)) {
	if due := j.spec.due(c.node); j.spec.Waits() && due > j.settled {
		heap.Push(&j.waiting, waiting{due, l, c.node})
		c.queued = true
		return
	}
	c.judge(j.spec, l.rare.times, emit)
}

// due is the time after which nothing unmakes a candidate.
func (s *Spec) due(n *node) int64 {
	if s.trailing == 0 {
		return n.hit.Time
	}
	end := millis(n.first) + millis(s.maxSpan) + 1 // `![…]` compares whole milliseconds
	if end > math.MaxInt64/int64(time.Millisecond) {
		return math.MaxInt64
	}
	return end*int64(time.Millisecond) - 1
}

func (c *candidate) judge(s *Spec, t times, emit func(Change)) {
	if !s.accepts(c.node, t) {
		c.state = rejected
		return
	}
	c.state = reported
	emit(Change{Match: s.match(c.node)})
}

// settle reports a candidate whose time has come, if it still stands.
func (l *lane) settle(s *Spec, n *node, emit func(Change)) {
	i := l.candidatesTo(n.hit) - 1
	if i < 0 {
		return
	}
	if c := &l.rare.candidates[i]; c.node == n && c.state == pending {
		c.judge(s, l.rare.times, emit)
	}
}

// recheck withdraws reported candidates that new `![…]` hits unmake. Those end
// less than maxspan before the earliest of the hits, or later.
func (l *lane) recheck(s *Spec, emit func(Change)) {
	from := l.rare.missing - millis(s.maxSpan) - 1
	list := l.rare.candidates
	i := sort.Search(len(list), func(i int) bool { return millis(list[i].hit.Time) >= from })
	for ; i < len(list); i++ {
		if c := &list[i]; c.state == reported && !s.accepts(c.node, l.rare.times) {
			c.state = rejected
			emit(Change{Match: s.match(c.node), Withdrawn: true})
		}
	}
}

// evict forgets what lies before a time, and returns how many hits that were.
// Candidates that still wait stay, and the `![…]` hits that may unmake them.
func (l *lane) evict(s *Spec, before int64) (dropped int) {
	for dropped < l.done && l.order[dropped].Time < before {
		dropped++
	}
	l.order = slices.Delete(l.order, 0, dropped)
	l.done -= dropped
	for i, n := range l.slots {
		if n != nil && n.first < before {
			l.slots[i] = nil
		}
	}
	r := l.rare
	if r == nil {
		return dropped
	}
	keep := millis(before)
	for i := range r.candidates {
		if c := &r.candidates[i]; c.state == pending {
			keep = min(keep, millis(c.hit.Time)-millis(s.maxSpan)-1)
			break
		}
	}
	r.times.forget(keep)
	r.candidates = slices.DeleteFunc(r.candidates, func(c candidate) bool {
		return c.first < before && c.state != pending
	})
	r.checkpoints = slices.DeleteFunc(r.checkpoints, func(c checkpoint) bool { return c.at.Time < before })
	r.samples = slices.DeleteFunc(r.samples, func(m Match) bool {
		return slices.ContainsFunc(m.Hits, func(h Hit) bool { return h.Time < before })
	})
	return dropped
}

// joinSamples chooses a key's samples anew and says what changed. Of each stage
// only the hits that can matter are kept.
func (j *Joiner) joinSamples(l *lane, emit func(Change)) {
	limit := j.spec.sampleCandidates()
	count := make([]int, len(j.spec.stages)+1)
	n := len(l.order)
	l.order = slices.DeleteFunc(l.order, func(h *Hit) bool {
		if h.Stage < 0 || int(h.Stage) >= len(count) {
			return true
		}
		count[h.Stage]++
		return count[h.Stage] > limit
	})
	l.done = len(l.order)
	j.hits -= n - l.done
	hits := make([]Hit, 0, l.done)
	for _, h := range l.order {
		hits = append(hits, *h)
	}
	r := l.more()
	now := joinSample(j.spec, hits)
	in := func(list []Match, m Match) bool {
		return slices.ContainsFunc(list, func(o Match) bool { return slices.Equal(o.Hits, m.Hits) })
	}
	for _, m := range r.samples {
		if !in(now, m) {
			emit(Change{Match: m, Withdrawn: true})
		}
	}
	for _, m := range now {
		if !in(r.samples, m) {
			emit(Change{Match: m})
		}
	}
	r.samples = now
}
