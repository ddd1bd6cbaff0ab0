package pipeline

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/sequence"
)

// join turns the hits, rule by rule and key by key in order, into findings.
func (r *Result) join(hits *journal.Journal) error {
	// What was read before an interruption is joined to the end: it is little.
	ctx := context.Background()
	j := joiner{result: r, engine: r.scan.Engine, ids: map[string]*Finding{}}
	for entry, err := range hits.Hits(ctx) {
		if err != nil {
			return err
		}
		if err := j.take(entry); err != nil {
			return err
		}
	}
	j.endGroup()
	if j.err != nil {
		return j.err
	}
	r.Summary.Repeats = j.merger.Repeats
	r.Summary.Differing = j.merger.Differing
	slices.SortFunc(r.Findings, func(a, b *Finding) int {
		if c := cmp.Compare(a.Time, b.Time); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return nil
}

// joiner holds the state of the group of hits that is being read: those of one
// rule and one join key.
type joiner struct {
	result *Result
	engine *engine.Engine
	merger engine.Merger
	ids    map[string]*Finding

	rule  int32
	key   string
	open  bool
	plain *sequence.Stream // of the hits that nothing excuses
	all   *sequence.Stream // of all hits, for --all
	err   error
}

func (j *joiner) take(e *journal.Entry) error {
	if int(e.Rule) >= len(j.engine.Rules) {
		return nil // context: gathered when the findings are known
	}
	if !j.open || e.Hit.Rule != j.rule || e.Hit.Key != j.key {
		j.endGroup()
		j.startGroup(e.Hit.Rule, e.Hit.Key)
	}
	if !j.merger.Keep(&e.Hit) {
		return nil
	}
	note, err := engine.DecodeNote(e.Evidence)
	if err != nil {
		return err
	}
	hit := e.Hit
	rule := &j.engine.Rules[j.rule]
	if rule.Spec == nil {
		j.report(rule, []sequence.Hit{hit}, []engine.Note{note})
		return nil
	}
	hit.Note = string(e.Evidence) // lives as long as a partial holds the hit
	j.push(&hit, note.Excuse != 0)
	return nil
}

func (j *joiner) push(hit *sequence.Hit, excused bool) {
	if excused {
		j.result.Summary.ExcusedHits++
	} else {
		j.plain.Push(hit)
	}
	if j.all != nil {
		j.all.Push(hit)
	}
}

func (j *joiner) startGroup(rule int32, key string) {
	j.rule, j.key, j.open = rule, key, true
	j.merger.Reset()
	j.plain, j.all = nil, nil
	spec := j.engine.Rules[rule].Spec
	if spec == nil {
		return
	}
	j.plain = sequence.NewStream(spec, func(m sequence.Match) { j.match(m, false) })
	if j.result.scan.All {
		j.all = sequence.NewStream(spec, func(m sequence.Match) { j.match(m, true) })
	}
}

func (j *joiner) endGroup() {
	if !j.open {
		return
	}
	j.open = false
	if j.plain != nil {
		j.plain.Close()
	}
	if j.all != nil {
		j.all.Close()
	}
}

// match takes a completed sequence or sample. onlyExcused keeps, of the second
// join over all hits, what the first one cannot have found.
func (j *joiner) match(m sequence.Match, onlyExcused bool) {
	notes := make([]engine.Note, len(m.Hits))
	excused := false
	for i := range m.Hits {
		note, err := engine.DecodeNote([]byte(m.Hits[i].Note))
		if err != nil {
			j.err = errors.Join(j.err, err)
			return
		}
		notes[i] = note
		excused = excused || notes[i].Excuse != 0
	}
	if onlyExcused && !excused {
		return
	}
	j.report(&j.engine.Rules[j.rule], m.Hits, notes)
}

// report adds a finding. Two of one id are the same alert: one event can
// complete it under two readings.
func (j *joiner) report(rule *engine.Rule, hits []sequence.Hit, notes []engine.Note) {
	f := newFinding(rule, j.key, hits, notes)
	if j.ids[f.ID] != nil {
		return
	}
	if f.Excused != nil {
		j.result.Summary.Excused++
		if !j.result.scan.All {
			return
		}
	}
	j.ids[f.ID] = f
	j.result.Findings = append(j.result.Findings, f)
}
