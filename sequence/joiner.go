package sequence

import (
	"container/heap"
	"math"
	"time"
)

// Joiner joins the hits of one rule, of any keys, in any order of arrival, and
// says how its matches change. Hits are added one by one and act at the next
// Flush. What it has reported and not withdrawn after any Flush is what Join
// would find in the hits added so far (less, for rules with `until` or `![…]`,
// the matches that still wait).
//
// Cost: a hit that is the latest of its key costs the same whatever the number
// of keys, partials and hits. A hit that comes late joins again what follows it
// in its key, until the slots are again as they were, and at most checkpointEvery
// hits before it.
//
// Memory: hits are kept until Evict, since a late hit may need them; a partial
// that is open with one hit under a key of its own takes about 400 bytes plus
// its key and tie, and each further hit about 100 (TestMemoryPerPartial). A
// sample keeps no more than a few hits of each stage for a key (sample.go).
//
// After a restart: add the hits that were flushed before it and Flush with the
// same settled time, which reports their matches again; then go on. A Joiner is not safe for concurrent use.
type Joiner struct {
	spec  *Spec
	lanes map[string]*lane
	dirty []*lane
	hits  int

	waiting waitHeap
	settled int64

	every    int   // checkpointEvery; tests make it small
	evicted  int64 // hits before this are gone
	grain    int64 // width of an age bucket
	ages     map[int64][]*lane
	ageOrder int64Heap

	event positions // scratch
	found []candidate
	fresh []*Hit
}

// Change is one step in a rule's matches.
type Change struct {
	Match
	Withdrawn bool // the match was reported before and holds no more
}

// NewJoiner returns a joiner without hits.
func NewJoiner(s *Spec) *Joiner {
	return &Joiner{
		spec: s, lanes: map[string]*lane{},
		every: checkpointEvery, settled: math.MinInt64, evicted: math.MinInt64,
		grain: min(max(s.maxSpan/8, int64(time.Second)), int64(time.Hour)),
		ages:  map[int64][]*lane{},
	}
}

// Keys is the number of keys that have hits.
func (j *Joiner) Keys() int { return len(j.lanes) }

// Hits is the number of hits kept.
func (j *Joiner) Hits() int { return j.hits }

// Add takes a hit. It returns false, and leaves the hit out, if it is older than
// what was evicted. The same hit added twice counts once. h's texts are kept.
func (j *Joiner) Add(h Hit) bool {
	if h.Time < j.evicted {
		return false
	}
	l := j.lanes[h.Key]
	if l == nil {
		l = &lane{key: h.Key, age: math.MinInt64}
		j.lanes[h.Key] = l
	}
	if b := floorDiv(h.Time, j.grain); b != l.age {
		l.age = b
		if len(j.ages[b]) == 0 {
			heap.Push(&j.ageOrder, b)
		}
		j.ages[b] = append(j.ages[b], l)
	}
	if !l.dirty {
		l.dirty = true
		j.dirty = append(j.dirty, l)
	}
	if j.spec.isMissing(h.Stage) {
		l.addMissing(j.spec, &h)
		return true
	}
	h.Key = l.key
	l.order = append(l.order, &h)
	j.hits++
	return true
}

// Flush lets the hits added since the last Flush act and gives every change to
// emit: for each key the withdrawn matches first, then the new ones in the order
// of their last events. settled is the time up to which all hits are taken to
// have arrived: rules with `until` or `![…]` report a match once nothing at or
// before settled can unmake it; other rules report at once and ignore it. It
// never goes back. math.MaxInt64 reports all that waits.
func (j *Joiner) Flush(settled int64, emit func(Change)) {
	j.settled = max(j.settled, settled)
	for _, l := range j.dirty {
		l.dirty = false
		j.join(l, emit)
	}
	clear(j.dirty)
	j.dirty = j.dirty[:0]
	for len(j.waiting) > 0 && j.waiting[0].due <= j.settled {
		w := heap.Pop(&j.waiting).(waiting)
		w.lane.settle(j.spec, w.node, emit)
		if len(w.lane.order) == 0 {
			j.evict(w.lane, j.evicted) // only the candidate kept it
		}
	}
}

// Evict forgets the hits before a time, rounded down to a fraction of maxspan,
// and partials that began before it. Matches that were reported stay reported.
// Results are those of a joiner that never forgets as long as no hit comes that
// is older than the time plus maxspan. It costs as much as it forgets.
func (j *Joiner) Evict(before int64) {
	bound := floorDiv(before, j.grain)
	for len(j.ageOrder) > 0 && j.ageOrder[0] < bound {
		b := heap.Pop(&j.ageOrder).(int64)
		lanes := j.ages[b]
		delete(j.ages, b)
		j.evicted = max(j.evicted, (b+1)*j.grain)
		for _, l := range lanes {
			j.evict(l, j.evicted)
		}
	}
	if bound >= math.MinInt64/j.grain {
		j.evicted = max(j.evicted, bound*j.grain)
	}
}

func (j *Joiner) evict(l *lane, before int64) {
	j.hits -= l.evict(j.spec, before)
	if l.empty() && j.lanes[l.key] == l {
		delete(j.lanes, l.key)
	}
}

// isMissing reports whether hits of the stage belong to `![…]`.
func (s *Spec) isMissing(stage int32) bool {
	return stage >= 0 && int(stage) < len(s.stages) && s.stages[stage].Missing
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// waiting is a candidate that is reported at a time.
type waiting struct {
	due  int64
	lane *lane
	node *node
}

type waitHeap []waiting

func (h waitHeap) Len() int           { return len(h) }
func (h waitHeap) Less(a, b int) bool { return h[a].due < h[b].due }
func (h waitHeap) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *waitHeap) Push(x any)        { *h = append(*h, x.(waiting)) }
func (h *waitHeap) Pop() any {
	n := len(*h) - 1
	x := (*h)[n]
	(*h)[n] = waiting{}
	*h = (*h)[:n]
	return x
}

type int64Heap []int64

func (h int64Heap) Len() int           { return len(h) }
func (h int64Heap) Less(a, b int) bool { return h[a] < h[b] }
func (h int64Heap) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *int64Heap) Push(x any)        { *h = append(*h, x.(int64)) }
func (h *int64Heap) Pop() any {
	n := len(*h) - 1
	x := (*h)[n]
	*h = (*h)[:n]
	return x
}
