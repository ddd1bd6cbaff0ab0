package sequence

import (
	"cmp"
	"slices"
)

// sampleLane is what a Joiner holds of one key of a sample: of each stage only
// the hits that can matter, in order, and the samples found in them.
type sampleLane struct {
	hits    []Hit
	samples []Match
}

// flushSamples chooses the samples of the keys that have fresh hits anew and
// says what changed.
func (j *Joiner) flushSamples(emit func(Change)) {
	var dirty []string
	lengths := map[string]int{} // hits that each dirty lane had
	for i := range j.fresh {
		h := j.fresh[i].Hit
		l := j.samples[h.Key]
		if l == nil {
			l = &sampleLane{}
			j.samples[h.Key] = l
		}
		if _, ok := lengths[h.Key]; !ok {
			lengths[h.Key] = len(l.hits)
			dirty = append(dirty, h.Key)
		}
		l.hits = append(l.hits, h)
	}
	for _, key := range dirty {
		l := j.samples[key]
		l.join(j.spec, emit)
		j.hits += len(l.hits) - lengths[key]
	}
}

func (l *sampleLane) join(s *Spec, emit func(Change)) {
	compare := func(a, b Hit) int {
		if c := a.Compare(&b); c != 0 {
			return c
		}
		return cmp.Compare(a.Stage, b.Stage)
	}
	slices.SortStableFunc(l.hits, compare)
	l.hits = slices.CompactFunc(l.hits, func(a, b Hit) bool { return compare(a, b) == 0 })
	limit, count := s.sampleCandidates(), make([]int, len(s.stages))
	l.hits = slices.DeleteFunc(l.hits, func(h Hit) bool {
		if h.Stage < 0 || int(h.Stage) >= len(count) {
			return true
		}
		count[h.Stage]++
		return count[h.Stage] > limit
	})
	now := joinSample(s, l.hits)
	in := func(list []Match, m Match) bool {
		return slices.ContainsFunc(list, func(o Match) bool { return slices.Equal(o.Hits, m.Hits) })
	}
	for _, m := range l.samples {
		if !in(now, m) {
			emit(Change{Match: m, Withdrawn: true})
		}
	}
	for _, m := range now {
		if !in(l.samples, m) {
			emit(Change{Match: m})
		}
	}
	l.samples = now
}

func (l *sampleLane) evict(before int64) (dropped int) {
	n := len(l.hits)
	l.hits = slices.DeleteFunc(l.hits, func(h Hit) bool { return h.Time < before })
	l.samples = slices.DeleteFunc(l.samples, func(m Match) bool {
		return slices.ContainsFunc(m.Hits, func(h Hit) bool { return h.Time < before })
	})
	return n - len(l.hits)
}
