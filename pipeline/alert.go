package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/strategy"
)

// approximateSpan is the maxspan above which joining over synthesised
// identities is marked: process numbers are used again (ecs/MAPPING §7).
const approximateSpan = time.Minute

// Alert writes a finding out: its events are made anew from the documents in
// the evidence store.
func (r *Result) Alert(f *Finding) (*alert.Alert, error) {
	a, err := r.Outline(f)
	if err != nil {
		return nil, err
	}
	if err := r.addContext(a, f); err != nil {
		return nil, fmt.Errorf("write context of alert %s: %w", f.ID, err)
	}
	r.answer(a, f)
	return a, nil
}

// Outline is Alert without context and answers, which take most of the time:
// for reports that show them once an incident.
func (r *Result) Outline(f *Finding) (*alert.Alert, error) {
	s := f.Rule.Strategy
	a := &alert.Alert{
		Schema: alert.SchemaVersion, ID: f.ID, Incident: f.Incident, State: alert.StateOpen,
		Strategy: s.ID, Variant: f.Variant, Title: s.In(r.scan.Lang).Title,
		Timestamp: f.time(), Severity: f.Severity(), RiskScore: f.Risk, Risk: f.Factors,
		Host:   alert.Host{ID: f.HostID, Name: f.HostName},
		Threat: threats(s), JoinKeys: joinKeys(f.Key), Exception: exceptionOf(f.Excused),
		Triage: append([]alert.Answer{}, f.Answers...), Context: []alert.Event{},
		Suppressed: f.Suppressed, SuppressedBy: f.SuppressedBy,
	}
	if spec := f.Rule.Spec; spec != nil && f.Variant == engine.NativeVariant {
		a.Approximate = spec.MaxSpan() == 0 || spec.MaxSpan() > approximateSpan
	}
	var err error
	if a.Events, err = r.events(f); err != nil {
		return nil, fmt.Errorf("write alert %s: %w", f.ID, err)
	}
	return a, nil
}

// events writes the evidence in the order of the stages, `![…]` included.
func (r *Result) events(f *Finding) ([]alert.Event, error) {
	stages := len(f.steps)
	if f.Rule.Spec != nil {
		stages = f.Rule.Spec.Len()
	}
	out := make([]alert.Event, stages)
	for i := range out {
		out[i] = alert.Event{Stage: i + 1, Missing: true}
	}
	for _, st := range f.steps {
		ev, err := r.event(st)
		if err != nil {
			return nil, err
		}
		ev.Stage = int(st.stage) + 1
		out[st.stage] = *ev
	}
	return out, nil
}

// addContext writes the events that were gathered for the answers, each once,
// by time.
func (r *Result) addContext(a *alert.Alert, f *Finding) error {
	var steps []step
	for i := range f.context {
		steps = append(steps, f.context[i].steps...)
	}
	slices.SortFunc(steps, func(x, y step) int { return cmp.Or(cmp.Compare(x.time, y.time), cmp.Compare(x.id, y.id)) })
	steps = slices.CompactFunc(steps, func(x, y step) bool { return x.id == y.id })
	for _, st := range steps {
		ev, err := r.event(st)
		if err != nil {
			return err
		}
		a.Context = append(a.Context, *ev)
	}
	return nil
}

// event makes one event anew.
func (r *Result) event(st step) (*alert.Event, error) {
	blob, err := r.evidence.Get(st.ref)
	if err != nil {
		return nil, err
	}
	doc, err := decodeDocument(blob)
	if err != nil {
		return nil, err
	}
	whole, err := r.normalizer.Append(nil, doc.data)
	if err != nil {
		return nil, fmt.Errorf("make event anew: %w", err)
	}
	return &alert.Event{ID: st.id, Origin: &doc.origin, Event: whole}, nil
}

func threats(s *strategy.Strategy) []alert.Threat {
	out := make([]alert.Threat, 0, len(s.Threat))
	for _, t := range s.Threat {
		out = append(out, alert.Threat{Tactic: t.Tactic, Technique: t.Technique})
	}
	return out
}

func joinKeys(key string) []*string {
	out := []*string{}
	for _, v := range sequence.KeyValues(key) {
		if v.Kind == event.KindNull {
			out = append(out, nil)
			continue
		}
		text := sequence.KeyText(v)
		out = append(out, &text)
	}
	return out
}

func exceptionOf(x *strategy.Exception) *alert.Exception {
	if x == nil {
		return nil
	}
	return &alert.Exception{Name: x.Name, Scope: x.Scope.String(), Reason: x.Reason, Owner: x.Owner}
}

// refOf is where a note's document is kept.
func refOf(n *engine.Note) journal.Ref { return journal.Ref(n.Ref) }
