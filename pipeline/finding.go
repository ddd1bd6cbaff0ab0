package pipeline

import (
	"time"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/strategy"
)

// Finding is one match of one rule: the alert before its events are written out.
type Finding struct {
	ID       string
	Incident string
	Rule     *engine.Rule
	Variant  string // the rule's, or native
	Key      string // encoded join key (sequence.KeyValues)
	Time     int64  // of the last event, nanoseconds since 1970 UTC

	HostID, HostName string
	Executable       string // of the process that was started, or that the last event is about

	Excused    *strategy.Exception // nil: an alert
	Suppressed int                 // further findings folded into this one
	// SuppressedBy is the id of the finding that this one is folded into; only
	// Scan.All keeps such ones.
	SuppressedBy string
	Risk         int // the score, as moved by what is known
	Factors      []alert.Factor
	Answers      []alert.Answer

	steps   []step
	context []gathered // by Rule.Contexts
	placed  int64      // Time on the sensors' clock, where that is known to differ
	clock   bool       // Time is of the log's clock
	started bool       // an event is the start of Executable
}

// step is one event of a finding.
type step struct {
	stage int32
	time  int64
	id    string // identity
	ref   journal.Ref
}

func (f *Finding) time() time.Time { return time.Unix(0, f.Time).UTC() }

// IsAlert reports a finding that nothing excuses and that is not folded into
// another: one that counts.
func (f *Finding) IsAlert() bool { return f.Excused == nil && f.SuppressedBy == "" }

// Name is the strategy's id, with the variant if there is one.
func (f *Finding) Name() string {
	if f.Variant == "" {
		return f.Rule.Strategy.ID
	}
	return f.Rule.Strategy.ID + " (" + f.Variant + ")"
}

// Severity is the severity of the rule; the risk score may have moved away from it.
func (f *Finding) Severity() string { return string(f.Rule.Source.Severity) }

// Steps is the number of events of the evidence.
func (f *Finding) Steps() int { return len(f.steps) }

// Span is the time from the first event to the last.
func (f *Finding) Span() time.Duration {
	return time.Duration(f.steps[len(f.steps)-1].time - f.steps[0].time)
}

// newFinding turns a match and the notes of its hits into a finding.
func newFinding(rule *engine.Rule, key string, hits []sequence.Hit, notes []engine.Note) *Finding {
	last := len(hits) - 1
	f := &Finding{
		Rule: rule, Variant: rule.Source.Variant, Key: key, Time: hits[last].Time,
		HostID: notes[last].HostID, HostName: notes[last].HostName,
		Executable: notes[last].Executable, Risk: rule.Source.Risk,
	}
	for i := range hits {
		h, n := &hits[i], &notes[i]
		f.steps = append(f.steps, step{h.Stage, h.Time, engine.Identity(h.Tie), refOf(n)})
		f.Time = max(f.Time, h.Time)
		if n.Synthesized {
			f.Variant = engine.NativeVariant
		}
		if n.Started {
			f.Executable, f.started = n.Executable, true
		}
		if x := rule.Exception(n.Excuse); x != nil && f.Excused == nil {
			f.Excused = x
		}
		if x := rule.MatchException(n.ExcuseMatch); x != nil && f.Excused == nil {
			f.Excused = x
		}
	}
	f.placed, f.clock = f.Time, notes[last].LogClock
	f.ID = f.identity()
	return f
}

// identity is the alert's id (DESIGN §3).
func (f *Finding) identity() string {
	slug := f.Rule.Strategy.ID
	if f.Rule.Spec != nil && f.Rule.Spec.IsSample() {
		ids := make([]string, len(f.steps))
		for i, s := range f.steps {
			ids[i] = s.id
		}
		return alert.SampleID(slug, f.Variant, f.Key, ids)
	}
	return alert.ID(slug, f.Variant, f.Key, f.steps[len(f.steps)-1].id)
}
