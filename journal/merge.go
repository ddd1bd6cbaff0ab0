package journal

import (
	"bufio"
	"container/heap"
	"context"
	"io"
	"iter"

	"github.com/tocsin-project/tocsin/sequence"
)

// Entry is a hit with the evidence that was appended with it.
type Entry struct {
	sequence.Hit
	// Evidence is nil if there was none. It lives until the next entry.
	Evidence []byte
}

// Hits gives every hit in the order of rule, key (bytewise), time, tie and
// stage. The entry is overwritten by the next one, but its texts are not: the
// hit may be copied and kept. The walk ends after the first error: a file that
// cannot be read, or ctx. It holds one buffer a run in memory, together no more
// than the budget or 4 KiB each.
func (j *Journal) Hits(ctx context.Context) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		m, err := j.open()
		if err != nil {
			yield(nil, err)
			return
		}
		var e Entry
		first := true
		for n := 0; len(m) > 0; n++ {
			if n&1023 == 0 && ctx.Err() != nil {
				yield(nil, ctx.Err())
				return
			}
			r := m[0].at()
			if j.dead != nil && j.dead(r.rule) { // of a run that was written before
				if err := m.advance(); err != nil {
					yield(nil, err)
					return
				}
				continue
			}
			if first || e.Rule != r.rule || e.Key != string(r.key) {
				e.Key = string(r.key)
			}
			first = false
			e.Rule, e.Stage, e.Time, e.Ref = r.rule, r.stage, r.time, r.ref
			e.Tie = string(r.tie)
			e.Evidence = nil
			if len(r.evidence) > 0 {
				e.Evidence = r.evidence
			}
			if !yield(&e, nil) {
				return
			}
			if err := m.advance(); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// Group is the hits of one rule and one key.
type Group struct {
	Rule int32
	Key  string
	// Hits gives them by time, tie and stage, under the rules of Journal.Hits.
	// It can be walked once, before the next group is asked for; what is left
	// unwalked is skipped. A failed read ends it; Groups then gives the error.
	Hits iter.Seq[*Entry]
}

// Groups gives the hits of the journal group by group, in the order of rule and
// key. No group has to fit in memory: see sequence.Stream.
func (j *Journal) Groups(ctx context.Context) iter.Seq2[Group, error] {
	return func(yield func(Group, error) bool) {
		next, stop := iter.Pull2(j.Hits(ctx))
		defer stop()
		e, err, ok := next()
		for ok && err == nil {
			g := Group{Rule: e.Rule, Key: e.Key}
			inGroup := func() bool { return ok && err == nil && e.Rule == g.Rule && e.Key == g.Key }
			g.Hits = func(yield func(*Entry) bool) {
				for inGroup() {
					if !yield(e) {
						return
					}
					e, err, ok = next()
				}
			}
			if !yield(g, nil) {
				return
			}
			for inGroup() {
				e, err, ok = next()
			}
		}
		if err != nil {
			yield(Group{}, err)
		}
	}
}

// merge is the heap of the sorted lists by their next hit.
type merge []cursor

func (j *Journal) open() (merge, error) {
	runs := 0
	for _, w := range j.writers {
		runs += len(w.runs)
	}
	size := 4 << 10
	if runs > 0 {
		size = min(max(size, j.opts.Budget/runs), 256<<10)
	}
	var m merge
	add := func(c cursor) error {
		ok, err := c.next()
		if ok {
			m = append(m, c)
		}
		return err
	}
	for _, w := range j.writers {
		for _, r := range w.runs {
			in := bufio.NewReaderSize(io.NewSectionReader(w.file, r.off, r.len), size)
			if err := add(&fileRun{r: in, left: r.len}); err != nil {
				return nil, err
			}
		}
		w.sort()
		if err := add(&memory{w: w}); err != nil {
			return nil, err
		}
	}
	heap.Init(&m)
	return m, nil
}

// advance moves on from the first hit.
func (m *merge) advance() error {
	ok, err := (*m)[0].next()
	if err != nil {
		return err
	}
	if !ok {
		heap.Pop(m)
		return nil
	}
	heap.Fix(m, 0)
	return nil
}

func (m merge) Len() int           { return len(m) }
func (m merge) Less(a, b int) bool { return m[a].at().compare(m[b].at()) < 0 }
func (m merge) Swap(a, b int)      { m[a], m[b] = m[b], m[a] }
func (m *merge) Push(x any)        { *m = append(*m, x.(cursor)) }
func (m *merge) Pop() any {
	n := len(*m) - 1
	x := (*m)[n]
	*m = (*m)[:n]
	return x
}
