package sequence

import (
	"cmp"
	"math"
	"time"
)

// Hit is one event that satisfies one stage of one rule, under one join key.
// An event with several key values, or one that satisfies several stages, gives
// several hits. Hits hold no pointers but their two texts, which are immutable.
type Hit struct {
	Rule  int32  // the rule, as the engine counts them
	Stage int32  // index of the stage; Spec.UntilStage for `until`
	Key   string // encoded join key (AppendKey, Keys); "" without keys
	Time  int64  // event time, nanoseconds since 1970 UTC

	// Tie orders events of one time, bytewise. Events with equal Time and Tie
	// are the same event. Whoever makes hits builds it.
	Tie string

	Ref  uint64 // where the evidence is; opaque to this package
	Note string // what else its maker wants back with a match; opaque likewise
}

// Compare orders hits by event: time, then tie. It returns 0 for hits of one event.
func (h *Hit) Compare(o *Hit) int {
	if c := cmp.Compare(h.Time, o.Time); c != 0 {
		return c
	}
	return cmp.Compare(h.Tie, o.Tie)
}

// Match is a completed sequence or sample, or the one event of an event query.
type Match struct {
	Key string

	// Hits are the events of the positive stages, in the order of the stages
	// (Hit.Stage tells which). Stages `![…]` have none: their place in the
	// result is a placeholder.
	Hits []Hit
}

// First is the match's first event.
func (m *Match) First() *Hit { return &m.Hits[0] }

// Last is the event that completes the match.
func (m *Match) Last() *Hit { return &m.Hits[len(m.Hits)-1] }

// Compare orders matches as results are listed: by their last event, then by
// join key ascending.
func (m *Match) Compare(o *Match) int {
	if c := m.Last().Compare(o.Last()); c != 0 {
		return c
	}
	return cmp.Compare(m.Key, o.Key)
}

// Spec is what joining needs to know of a rule. It is made once (NewSpec,
// SpecOf), never changed, and may be shared.
type Spec struct {
	stages   []StageSpec
	until    bool
	maxSpan  int64 // nanoseconds; 0 is none
	sample   bool
	max      int
	positive []int32   // stage of each positive position
	expand   [][]int32 // hit's stage → positions that it stands for, last first
	leading  int       // missing stages before the first positive one
	trailing int       // and after the last
	missing  []missingStage
}

// StageSpec is one stage, runs written out.
type StageSpec struct {
	Missing bool // `![…]`

	// Like is the first stage that the same events satisfy: the stage's own
	// index, or for a run (`with runs=3`) the first of the run. A hit of stage
	// Like counts for every stage that names it, so that a run of a hundred
	// needs one hit an event.
	Like int32
}

// missingStage is one `![…]` stage.
type missingStage struct {
	class  int32 // the stage whose hits it looks at
	before int   // positive stages before it
}

// Options are the rest of a Spec.
type Options struct {
	Until   bool          // the sequence has an `until`
	MaxSpan time.Duration // 0 is none

	Sample           bool // a sample, not a sequence
	MaxSamplesPerKey int  // samples; 0 is 1
}

// NewSpec makes a spec from its stages in order. At least one stage must be
// positive, and `![…]` needs a maxspan; the checker of package eql sees to both.
func NewSpec(stages []StageSpec, o Options) *Spec {
	s := &Spec{
		stages: stages, until: o.Until, maxSpan: int64(o.MaxSpan),
		sample: o.Sample, max: max(o.MaxSamplesPerKey, 1),
		expand: make([][]int32, len(stages)+1),
	}
	if s.maxSpan < 0 {
		s.maxSpan = math.MaxInt64
	}
	for i, st := range stages {
		if st.Missing {
			s.missing = append(s.missing, missingStage{class: st.Like, before: len(s.positive)})
			continue
		}
		s.positive = append(s.positive, int32(i))
	}
	for pos := len(s.positive) - 1; pos >= 0; pos-- {
		stage := s.positive[pos]
		like := stages[stage].Like
		s.expand[like] = append(s.expand[like], int32(pos))
		if stage != like { // hits may also name the stage itself
			s.expand[stage] = append(s.expand[stage], int32(pos))
		}
	}
	for _, m := range s.missing {
		switch m.before {
		case 0:
			s.leading++
		case len(s.positive):
			s.trailing++
		}
	}
	return s
}

// Len is the number of stages, runs written out and `![…]` included.
func (s *Spec) Len() int { return len(s.stages) }

// Stage returns stage i.
func (s *Spec) Stage(i int) StageSpec { return s.stages[i] }

// UntilStage is the Stage of hits of `until`.
func (s *Spec) UntilStage() int32 { return int32(len(s.stages)) }

// MaxSpan is the longest time from a sequence's first event to its last,
// inclusive; 0 if it has no limit.
func (s *Spec) MaxSpan() time.Duration { return time.Duration(s.maxSpan) }

// isUntil reports whether a hit is one of `until`.
func (s *Spec) isUntil(h *Hit) bool { return s.until && h.Stage == s.UntilStage() }

// IsSample reports whether the rule is a sample: order plays no part, and its
// matches of a key are chosen by Join over all hits of the key.
func (s *Spec) IsSample() bool { return s.sample }

// Waits reports whether a match is final only once time has passed: the rule
// has `until` or `![…]`, whose events would unmake it.
func (s *Spec) Waits() bool { return s.until || len(s.missing) > 0 }

// within reports whether maxspan allows an event at time t after a first event
// at or before it.
func (s *Spec) within(first, t int64) bool {
	return s.maxSpan == 0 || uint64(t-first) <= uint64(s.maxSpan)
}
