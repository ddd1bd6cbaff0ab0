package engine

import (
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/strategy"
)

// excuse returns the 1-based index of the first exception of scope `stage N` or
// `any` that excuses an event as a hit of the stage; 0 is none.
func (r *Rule) excuse(ev *event.Event, stage int) int32 {
	for i := range r.exceptions {
		x := &r.exceptions[i]
		if x.source.Scope.Kind == strategy.ScopeStage && x.source.Scope.Stage != stage+1 {
			continue
		}
		if x.cond.Match(ev) {
			return int32(i + 1)
		}
	}
	return 0
}

// excuseMatch returns the 1-based index of the first exception of scope
// `sequence` whose condition the event satisfies: it excuses every match that
// the event is part of. It is asked when the hit is made, so that no document
// has to be read again once the match is complete.
func (r *Rule) excuseMatch(ev *event.Event) int32 {
	for i := range r.sequence {
		if r.sequence[i].cond.Match(ev) {
			return int32(i + 1)
		}
	}
	return 0
}

// Exception returns the exception of scope `stage N` or `any` that a note's
// Excuse names, nil for none.
func (r *Rule) Exception(excuse int32) *strategy.Exception { return named(r.exceptions, excuse) }

// MatchException returns the exception of scope `sequence` that a note's
// ExcuseMatch names, nil for none.
func (r *Rule) MatchException(excuse int32) *strategy.Exception { return named(r.sequence, excuse) }

func named(list []exception, n int32) *strategy.Exception {
	if n < 1 || int(n) > len(list) {
		return nil
	}
	return list[n-1].source
}
