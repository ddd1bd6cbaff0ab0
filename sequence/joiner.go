package sequence

import (
	"container/heap"
	"math"
	"slices"
	"time"
)

// checkpointEvery is how many records of one key lie between two kept states.
const checkpointEvery = 128

// Joiner joins the hits of one rule, of any keys, in any order of arrival, and
// says how its matches change. Hits are added one by one and act at the next
// Flush. What it has reported and not withdrawn after any Flush is what Join
// would find in the hits added so far (less, for rules with `until` or `![…]`,
// the matches that still wait).
//
// Cost: a hit that is the latest of its key costs the same whatever the number
// of keys, partials and hits (but for the caches of the machine, which is why a
// Flush of some hundred hits is cheaper than many of one: their look-ups
// overlap). A hit that comes late finds its place by going back over what
// follows it in its key; joined again are at most checkpointEvery hits before it
// and those after it until the slots are again as they were.
//
// Memory: hits are kept until Evict, since a late hit may need them. They lie in
// segments, one for each stretch of time, without pointers, which are forgotten
// as a whole. A partial that is open with one hit under a key of its own takes
// at most 300 bytes plus its texts, each further hit at most 150, for each
// stage of a run that it stands for (TestMemoryPerPartial). A sample keeps no
// more than a few hits of each stage for a key (sample.go).
//
// After a restart: add the hits that were flushed before it and Flush with the
// same settled time, which reports their matches again; then go on. A Joiner is
// not safe for concurrent use.
type Joiner struct {
	spec  *Spec
	rule  int32
	table table
	lanes []lane
	free  []uint32
	slots []slot // Spec-many for each lane
	width int    // slots of a lane
	rare  map[uint32]*laneRare
	segs  segments
	hits  int

	fresh   []freshHit // added since the last flush
	waiting waitHeap
	settled int64
	every   int   // checkpointEvery; tests make it small
	evicted int64 // hits before this are gone
	grain   int64 // the stretch of time of a segment
	samples map[string]*sampleLane

	scratch
}

// Change is one step in a rule's matches.
type Change struct {
	Match
	Withdrawn bool // the match was reported before and holds no more
}

// freshHit is a hit that has not acted yet.
type freshHit struct {
	Hit
	hash uint64
	next int32 // the next one of its lane, -1 at the end
}

// NewJoiner returns a joiner without hits.
func NewJoiner(s *Spec) *Joiner {
	return &Joiner{
		spec: s, table: newTable(), width: len(s.positive) - 1,
		rare: map[uint32]*laneRare{}, segs: newSegments(),
		every: checkpointEvery, settled: math.MinInt64, evicted: math.MinInt64,
		grain:   min(max(s.maxSpan/8, int64(time.Second)), int64(time.Hour)),
		samples: map[string]*sampleLane{},
	}
}

// Keys is the number of keys that have hits.
func (j *Joiner) Keys() int { return len(j.lanes) - len(j.free) + len(j.samples) }

// Hits is the number of hits kept, once for each stage of a run; those of
// `![…]` are not counted, of which only the times are kept.
func (j *Joiner) Hits() int { return j.hits }

// Add takes a hit. It returns false, and leaves the hit out, if it is older than
// what was evicted. The same hit added twice counts once. h's texts are kept
// until Flush, its key for as long as the key has hits.
func (j *Joiner) Add(h Hit) bool {
	if h.Time < j.evicted {
		return false
	}
	j.fresh = append(j.fresh, freshHit{Hit: h})
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
	if len(j.fresh) > 0 {
		j.rule = j.fresh[0].Rule
		if j.spec.sample {
			j.flushSamples(emit)
		} else {
			j.sortOut()
			for _, n := range j.dirty {
				j.join(n, emit)
			}
			j.dirty = j.dirty[:0]
		}
		clear(j.fresh)
		j.fresh = j.fresh[:0]
	}
	for len(j.waiting) > 0 && j.waiting[0].due <= j.settled {
		w := heap.Pop(&j.waiting).(waiting)
		if x := j.segs.get(w.last); x != nil && x.state == queued && j.spec.due(x) <= j.settled {
			j.judge(w.lane, w.last, emit)
		}
	}
}

// sortOut hands the fresh hits to their lanes. It looks at all cells of the
// table first, then at all lanes, so that the machine waits for memory once for
// many of them, not once for each.
func (j *Joiner) sortOut() {
	for from := 0; from < len(j.fresh); from += lookupBatch {
		part := j.fresh[from:min(from+lookupBatch, len(j.fresh))]
		j.touch(part)
		for i := range part {
			f := &part[i]
			n, ok := j.table.find(j.lanes, f.Key, f.hash)
			if !ok {
				n = j.newLane(f.Key, f.hash)
			}
			l := &j.lanes[n]
			f.next = -1
			if l.freshHead < 0 {
				l.freshHead = int32(from + i)
				j.dirty = append(j.dirty, n)
			} else {
				j.fresh[l.freshTail].next = int32(from + i)
			}
			l.freshTail = int32(from + i)
		}
	}
}

// lookupBatch is for how many keys memory is waited for at once: their cells,
// lanes and slots fit in a core's cache.
const lookupBatch = 256

// touchLanes loads what dropping some lanes will need.
func (j *Joiner) touchLanes(part []uint32) {
	mask := uint64(len(j.table.cells) - 1)
	var sum uint64
	for _, n := range part {
		sum += j.lanes[n].hash
	}
	for _, n := range part {
		sum += j.table.cells[j.lanes[n].hash&mask]
		if j.width > 0 {
			sum += uint64(j.slots[int(n)*j.width].node)
		}
	}
	j.touched = sum
}

// touch loads what finding the lanes of some hits will need.
func (j *Joiner) touch(part []freshHit) {
	mask := uint64(len(j.table.cells) - 1)
	var sum uint64
	for i := range part {
		part[i].hash = j.table.hash(part[i].Key)
		sum += j.table.cells[part[i].hash&mask]
	}
	for i := range part {
		if c := j.table.cells[part[i].hash&mask]; c != 0 {
			n := int(uint32(c) - 1)
			sum += j.lanes[n].hash
			if j.width > 0 {
				sum += uint64(j.slots[n*j.width].node)
			}
		}
	}
	for i := range part {
		if c := j.table.cells[part[i].hash&mask]; c != 0 {
			if key := j.lanes[uint32(c)-1].key; key != "" {
				sum += uint64(key[0])
			}
		}
	}
	j.touched = sum
}

// newLane returns the number of a lane for a new key.
func (j *Joiner) newLane(key string, hash uint64) uint32 {
	var n uint32
	if k := len(j.free); k > 0 {
		n, j.free = j.free[k-1], j.free[:k-1]
	} else {
		n = uint32(len(j.lanes))
		j.lanes = append(j.lanes, lane{})
		for range j.width {
			j.slots = append(j.slots, slot{})
		}
	}
	j.lanes[n] = lane{key: key, hash: hash, freshHead: -1, bucket: math.MinInt64, used: true}
	j.table.put(j.lanes, hash, n)
	return n
}

func (j *Joiner) dropLane(n uint32) {
	j.table.remove(j.lanes, n)
	clear(j.slotsOf(n))
	j.lanes[n] = lane{freshHead: -1}
	delete(j.rare, n)
	j.free = append(j.free, n)
}

// Evict forgets the hits before a time, rounded down to a fraction of maxspan,
// and partials that began before it. Matches that were reported stay reported;
// hits that a waiting match needs stay. Results are those of a joiner that never
// forgets as long as no hit comes that is older than the time plus maxspan. It
// costs as much as it forgets.
func (j *Joiner) Evict(before int64) {
	for i := range j.fresh {
		before = min(before, j.fresh[i].Time)
	}
	if j.spec.Waits() && j.spec.maxSpan > 0 {
		before = min(before, addTime(j.settled, -j.spec.maxSpan-2*int64(time.Millisecond)))
	}
	bound := floorDiv(before, j.grain)
	if bound < math.MinInt64/j.grain || bound*j.grain <= j.evicted {
		return
	}
	j.evicted = bound * j.grain
	for len(j.segs.order) > 0 && j.segs.order[0] < bound {
		gone := j.segs.forget(heap.Pop(&j.segs.order).(int64))
		j.hits -= gone.count
		for part := range slices.Chunk(gone.lanes, lookupBatch) {
			j.touchLanes(part)
			for _, n := range part {
				j.dropIfEmpty(n)
			}
		}
	}
	for n, r := range j.rare {
		r.evict(j)
		j.dropIfEmpty(n)
	}
	for key, l := range j.samples {
		j.hits -= l.evict(j.evicted)
		if len(l.hits) == 0 {
			delete(j.samples, key)
		}
	}
}

// dropIfEmpty gives a lane up if nothing is left of its hits.
func (j *Joiner) dropIfEmpty(n uint32) {
	l := &j.lanes[n]
	if !l.used || l.freshHead >= 0 || j.segs.get(l.tail) != nil {
		return
	}
	if r := j.rare[n]; r != nil && r.times.any() {
		return
	}
	j.dropLane(n)
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

// addTime adds without overflow.
func addTime(t, d int64) int64 {
	if sum := t + d; (sum < t) == (d < 0) {
		return sum
	}
	if d < 0 {
		return math.MinInt64
	}
	return math.MaxInt64
}

// waiting is a candidate that is reported at a time.
type waiting struct {
	due  int64
	lane uint32
	last ref
}

type waitHeap []waiting

func (h waitHeap) Len() int           { return len(h) }
func (h waitHeap) Less(a, b int) bool { return h[a].due < h[b].due }
func (h waitHeap) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *waitHeap) Push(x any)        { *h = append(*h, x.(waiting)) }
func (h *waitHeap) Pop() any {
	n := len(*h) - 1
	x := (*h)[n]
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
