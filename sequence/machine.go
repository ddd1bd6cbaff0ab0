package sequence

// node is a partial sequence, as a list from its newest event back to its
// first. Nodes are immutable, so that slots, candidates and matches share them.
type node struct {
	hit   *Hit
	prev  *node
	first int64 // time of the first event
	pos   int32 // positive position of hit
}

// positions collects which positive positions the hits of one event stand for,
// last first and without doubles, beside the hit that says so.
type positions []posHit

type posHit struct {
	pos int32
	hit *Hit
}

func (p *positions) add(s *Spec, h *Hit) {
	if int(h.Stage) >= len(s.expand) || h.Stage < 0 {
		return
	}
	for _, pos := range s.expand[h.Stage] {
		p.insert(posHit{pos, h})
	}
}

func (p *positions) insert(x posHit) {
	i := len(*p)
	for i > 0 && (*p)[i-1].pos <= x.pos {
		if (*p)[i-1].pos == x.pos {
			return
		}
		i--
	}
	*p = append(*p, posHit{})
	copy((*p)[i+1:], (*p)[i:])
	(*p)[i] = x
}

// step moves one event through the slots of its key and returns the candidate
// that it completes, if any. event holds the positions it satisfies, last first.
func (s *Spec) step(slots []*node, event positions) (done *node) {
	last := int32(len(s.positive) - 1)
	for _, e := range event {
		n := &node{hit: e.hit, first: e.hit.Time, pos: e.pos}
		if e.pos > 0 {
			p := slots[e.pos-1]
			slots[e.pos-1] = nil // taken, even if maxspan rejects it
			if p == nil || !s.within(p.first, e.hit.Time) {
				continue
			}
			n.prev, n.first = p, p.first
		}
		if e.pos == last {
			done = n
			continue
		}
		slots[e.pos] = n
	}
	return done
}

// match writes a candidate out.
func (s *Spec) match(n *node) Match {
	m := Match{Key: n.hit.Key, Hits: make([]Hit, n.pos+1)}
	for ; n != nil; n = n.prev {
		m.Hits[n.pos] = *n.hit
		m.Hits[n.pos].Stage = s.positive[n.pos]
	}
	return m
}
