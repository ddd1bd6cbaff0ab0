package pipeline

import (
	"fmt"
	"strconv"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/strategy"
)

// suppress folds findings of one rule that agree in the fields which their
// strategy names into the first of them, for as long as the strategy says from
// that first one on. A strategy that gives no duration folds them all, as one
// run of an Elastic rule does. What an exception excuses is left alone.
//
// It reads the fields from the evidence again: few strategies suppress, and
// matching need not decode for them.
func (r *Result) suppress() error {
	s := suppressor{result: r, open: map[suppressKey]*Finding{}, rules: map[*engine.Rule]*suppressRule{}}
	kept := r.Findings[:0]
	for _, f := range r.Findings { // by time
		rule := s.rule(f.Rule)
		if rule == nil || f.Excused != nil {
			kept = append(kept, f)
			continue
		}
		key, ok, err := s.key(rule, f)
		if err != nil {
			return fmt.Errorf("suppress alert %s: %w", f.ID, err)
		}
		first := s.open[key]
		if !ok || first == nil || rule.by.Duration > 0 && f.Time-first.Time > int64(rule.by.Duration) {
			if ok {
				s.open[key] = f
			}
			kept = append(kept, f)
			continue
		}
		first.Suppressed++
		f.SuppressedBy = first.ID
		if r.scan.All {
			kept = append(kept, f)
		}
	}
	clear(r.Findings[len(kept):])
	r.Findings = kept
	return nil
}

// suppressKey is what findings are folded by. The variant is the finding's own:
// variants report apart.
type suppressKey struct {
	rule    *engine.Rule
	variant string
	values  string
}

type suppressor struct {
	result *Result
	rules  map[*engine.Rule]*suppressRule
	open   map[suppressKey]*Finding // the first of each fold that may still take more
}

// suppressRule reads the fields that one rule is suppressed by.
type suppressRule struct {
	by      *strategy.Suppression
	slots   []int // beside by.Fields
	decoder *ecs.Decoder
	event   *event.Event
}

// rule returns what a rule is suppressed by, nil for nothing.
func (s *suppressor) rule(r *engine.Rule) *suppressRule {
	if r.Strategy.Suppression == nil {
		return nil
	}
	if known := s.rules[r]; known != nil {
		return known
	}
	out := &suppressRule{by: r.Strategy.Suppression}
	schema := event.NewSchema(event.ECSTypes())
	ecs.Prepare(schema)
	for _, f := range out.by.Fields {
		out.slots = append(out.slots, schema.Slot(f.Name))
	}
	out.decoder = ecs.NewDecoder(schema, ecs.Options{Native: s.result.scan.Native})
	out.event = event.New(schema)
	s.rules[r] = out
	return out
}

// key writes the fields' values; ok is false for a finding that lacks one and
// whose strategy wants such ones kept. Several values of a field count as they
// stand, a missing one as a value of its own.
func (s *suppressor) key(rule *suppressRule, f *Finding) (key suppressKey, ok bool, err error) {
	parts := make([][]byte, len(rule.slots))
	for _, st := range f.steps {
		if err := s.result.decode(rule.decoder, rule.event, st.ref); err != nil {
			return key, false, err
		}
		for i, slot := range rule.slots {
			want := rule.by.Fields[i].Stage
			if parts[i] != nil || want != 0 && want != int(st.stage)+1 {
				continue
			}
			for _, v := range rule.event.Values(slot) {
				parts[i] = strconv.AppendQuote(parts[i], v.String())
			}
		}
	}
	var all []byte
	for _, p := range parts {
		if p == nil && rule.by.KeepMissing {
			return key, false, nil
		}
		all = append(append(all, p...), 0)
	}
	return suppressKey{f.Rule, f.Variant, string(all)}, true, nil
}
