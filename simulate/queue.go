package simulate

import (
	"container/heap"
	"math/rand/v2"
)

// item is an act on its way to one sensor's log.
type item struct {
	due int64 // when the sensor logs it
	seq uint64
	act *act

	sensor Source // Defend, Sysmon or Native
}

// queue is a heap of items by due time, then by order of entry. It is written
// out, not taken from container/heap, because that boxes each item.
type queue struct {
	items []item
	seq   uint64
}

func (q *queue) less(i, j int) bool {
	a, b := &q.items[i], &q.items[j]
	return a.due < b.due || a.due == b.due && a.seq < b.seq
}

func (q *queue) push(due int64, sensor Source, a *act) {
	q.seq++
	q.items = append(q.items, item{due, q.seq, a, sensor})
	for i := len(q.items) - 1; i > 0; {
		up := (i - 1) / 2
		if !q.less(i, up) {
			return
		}
		q.items[i], q.items[up] = q.items[up], q.items[i]
		i = up
	}
}

func (q *queue) popBefore(t int64) (item, bool) {
	if len(q.items) == 0 || q.items[0].due >= t {
		return item{}, false
	}
	top := q.items[0]
	n := len(q.items) - 1
	q.items[0] = q.items[n]
	q.items[n] = item{}
	q.items = q.items[:n]
	for i := 0; ; {
		l := 2*i + 1
		if l >= n {
			return top, true
		}
		if r := l + 1; r < n && q.less(r, l) {
			l = r
		}
		if !q.less(l, i) {
			return top, true
		}
		q.items[i], q.items[l] = q.items[l], q.items[i]
		i = l
	}
}

// delivery carries rendered documents to the writer. Without disorder and
// lateness it hands them on at once; else it holds copies until their time. It
// has chance of its own: how documents travel does not change what they tell.
type delivery struct {
	g    *Generator
	rng  *rand.Rand
	emit func(Source, []byte) error
	held parcels
	seq  uint64
	hold bool
}

type parcel struct {
	due int64
	seq uint64
	src Source
	doc []byte
}

type parcels []parcel

func (h parcels) Len() int { return len(h) }
func (h parcels) Less(i, j int) bool {
	return h[i].due < h[j].due || h[i].due == h[j].due && h[i].seq < h[j].seq
}
func (h parcels) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is called by container/heap.
func (h *parcels) Push(x any) { *h = append(*h, x.(parcel)) }

// Pop is called by container/heap.
func (h *parcels) Pop() any {
	old := *h
	p := old[len(old)-1]
	*h = old[:len(old)-1]
	return p
}

func newDelivery(g *Generator, emit func(Source, []byte) error) *delivery {
	return &delivery{g: g, rng: rand.New(rand.NewPCG(g.cfg.Seed, 0xde11)), emit: emit, hold: g.cfg.Disorder > 0 || g.cfg.Late > 0}
}

func (d *delivery) put(at int64, src Source, doc []byte) error {
	if !d.hold {
		return d.send(src, doc)
	}
	rng := d.rng
	due := at
	if n := int64(d.g.cfg.Disorder); n > 0 {
		due += rng.Int64N(n)
	}
	if d.g.cfg.Late > 0 && rng.Float64() < d.g.cfg.Late {
		due += rng.Int64N(int64(d.g.cfg.LateBy))
	}
	d.seq++
	heap.Push(&d.held, parcel{due, d.seq, src, append([]byte(nil), doc...)})
	for len(d.held) > 0 && d.held[0].due <= at {
		p := heap.Pop(&d.held).(parcel)
		if err := d.send(p.src, p.doc); err != nil {
			return err
		}
	}
	return nil
}

func (d *delivery) drain() error {
	for len(d.held) > 0 {
		p := heap.Pop(&d.held).(parcel)
		if err := d.send(p.src, p.doc); err != nil {
			return err
		}
	}
	return nil
}

func (d *delivery) send(src Source, doc []byte) error {
	if d.g.cfg.Limit > 0 && d.g.written >= d.g.cfg.Limit {
		return errLimit
	}
	d.g.written++
	return d.emit(src, doc)
}
