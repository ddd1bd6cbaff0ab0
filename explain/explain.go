// Package explain says why a strategy matched or did not: which stage, which
// key, which predicate with its value, and how many milliseconds.
//
// One pass over the input collects, for each stage of each rule, the events
// that satisfy it and those that satisfy all but one of its tests (a record,
// collect.go). Then the records are put together to chains (chain.go), with
// matches joined exactly as a scan joins them. What is left is a near miss if
// it has one flaw:
//
//   - one test of one stage fails, and all else is right;
//   - the stages are there under one key, but in the wrong order or too far apart;
//   - their keys differ in one part;
//   - `until` or an event of `![…]` stands in the way;
//   - an exception excuses it;
//   - another match used its event up, or a later event took its place;
//   - whole seconds cannot tell whether it is within maxspan;
//   - a stage is satisfied and the other has no event at all.
//
// The nearest come first (flaw.go). What is kept is bounded: the earliest
// records of each stage and test; what is beyond is counted.
package explain

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tocsin-project/tocsin/clause"
	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/source"
)

// evidenceBudget is how many bytes of documents a worker holds in memory.
const evidenceBudget = 16 << 20

// Explain is one run.
type Explain struct {
	Engine *engine.Engine // compiled from the one strategy to explain
	Paths  []string       // as source.Read takes them
	Source source.Options
	Native bool
	Jobs   int
	Limit  int                  // accounts shown in each list; 0 is 10
	Host   func(string) bool    // nil takes all; else which host.id or host.name
	TmpDir string               // for documents that do not fit into memory; "" is the system's
	Report func(source.Problem) // what could not be read; may be nil
}

// Run reads the input and explains every rule of the engine.
func (x *Explain) Run(ctx context.Context) (*Report, error) {
	if x.Limit <= 0 {
		x.Limit = 10
	}
	probes, err := newProbes(x.Engine)
	if err != nil {
		return nil, err
	}
	ecs.Prepare(x.Engine.Schema())
	slots := newSlots(x.Engine.Schema())
	evidence := journal.NewEvidence(x.TmpDir, evidenceBudget)
	var (
		mu         sync.Mutex
		collectors []*collector
	)
	visit := pipeline.Visit{
		Schema: x.Engine.Schema(), Paths: x.Paths, Source: x.Source,
		Native: x.Native, Jobs: x.Jobs, OnProblem: x.Report,
	}
	sum, err := visit.Run(ctx, func() pipeline.Visitor {
		c := newCollector(x, probes, slots, evidence.Writer())
		mu.Lock()
		defer mu.Unlock()
		collectors = append(collectors, c)
		return c.event
	})
	if err != nil {
		return nil, errors.Join(err, evidence.Close())
	}
	for _, c := range collectors[1:] {
		collectors[0].merge(c)
	}
	w := newWriter(x, collectors[0], evidence)
	report, err := w.report(sum)
	return report, errors.Join(err, evidence.Close())
}

// probe is one stage that events are held against.
type probe struct {
	rule, stage int32 // as the engine's matches have them; stage len(Stages) is until
	match       *eql.Stage
	tree        *clause.Tree
	category    int // slot; -1 for any
}

// newProbes takes the stages of all rules apart.
func newProbes(e *engine.Engine) ([]*probe, error) {
	var out []*probe
	for r := range e.Rules {
		rule := &e.Rules[r]
		p := rule.Program
		add := func(stage int, st *eql.Stage, cond eql.Expr) error {
			tree, err := clause.New(cond, &eql.Env{Schema: e.Schema(), CategoryField: rule.Source.EventCategoryOverride})
			if err != nil {
				return fmt.Errorf("explain rule %q: %w", rule.Source.Variant, err)
			}
			slot, ok := st.CategorySlot()
			if !ok {
				slot = -1
			}
			out = append(out, &probe{int32(r), int32(stage), st, tree, slot})
			return nil
		}
		for i := range p.Stages {
			st := &p.Stages[i]
			if i > 0 && p.Stages[i-1].Step == st.Step {
				continue // a run: hits of its first stage count for all of it
			}
			if err := add(i, st, p.Query.Steps[st.Step].Cond); err != nil {
				return nil, err
			}
		}
		if p.Until != nil {
			if err := add(len(p.Stages), p.Until, p.Query.Until.Cond); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
