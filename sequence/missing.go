package sequence

import (
	"slices"
	"time"
)

// times are the hits of the `![…]` stages of one key: for each stage of
// Spec.missing the times of its events in milliseconds, ascending. Their order
// against other events is by time alone, strictly; tiebreakers play no part.
// Stages of one class share nothing: a run of `![…]` is rare and short.
type times [][]int64

// millis cuts a time down to its millisecond.
func millis(ns int64) int64 {
	ms := ns / int64(time.Millisecond)
	if ns%int64(time.Millisecond) < 0 {
		ms--
	}
	return ms
}

// add notes a hit if it belongs to a `![…]` stage, and reports whether it does.
func (t times) add(s *Spec, h *Hit) bool {
	found := false
	for i, m := range s.missing {
		if m.class != h.Stage {
			continue
		}
		found = true
		ms := millis(h.Time)
		at, dup := slices.BinarySearch(t[i], ms)
		if !dup {
			t[i] = slices.Insert(t[i], at, ms)
		}
	}
	return found
}

// forget drops what lies before a time.
func (t times) forget(before int64) {
	for i, list := range t {
		if at, _ := slices.BinarySearch(list, before); at > 0 {
			t[i] = append(list[:0], list[at:]...)
		}
	}
}

// accepts reports whether a completed candidate, its positive events at the given
// times, holds against the `![…]` stages.
//
// Between two positive stages no event may stand strictly between them. At the
// start and the end a window of length maxspan must exist that covers the
// positive events and holds neither the latest missing event before them nor
// the earliest after them.
func (s *Spec) accepts(at []int64, t times) bool {
	if len(s.missing) == 0 || len(t) == 0 {
		return true
	}
	first, last := millis(at[0]), millis(at[len(at)-1])
	var before, after int64
	var hasBefore, hasAfter bool
	for i, m := range s.missing {
		switch m.before {
		case 0:
			k, _ := slices.BinarySearch(t[i], first)
			if k > 0 && (!hasBefore || t[i][k-1] > before) {
				before, hasBefore = t[i][k-1], true
			}
		case len(s.positive):
			k, _ := slices.BinarySearch(t[i], last+1)
			if k < len(t[i]) && (!hasAfter || t[i][k] < after) {
				after, hasAfter = t[i][k], true
			}
		default:
			k, _ := slices.BinarySearch(t[i], millis(at[m.before-1])+1)
			if k < len(t[i]) && t[i][k] < millis(at[m.before]) {
				return false
			}
		}
	}
	span := millis(s.maxSpan)
	switch {
	case s.leading > 0 && !hasBefore, s.trailing > 0 && !hasAfter:
		return true
	case s.leading > 0 && s.trailing > 0:
		return after-before > span
	case s.leading > 0:
		return last-before > span
	case s.trailing > 0:
		return after-first > span
	}
	return true
}
