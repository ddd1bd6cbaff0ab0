package pipeline_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
)

// TestElasticRulesOnLargeRecordings: all of Elastic's rules load, compile and
// run over two large recordings without an error. What each alert rests on is
// held against the rule again, stage by stage, without the engine's index. The
// table of hits is in the log (-v).
func TestElasticRulesOnLargeRecordings(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	rules, bench := needShared(t, "rules/eql_rules.ndjson"), needShared(t, "bench")
	list, problems := strategy.Load([]string{rules})
	for _, p := range problems {
		if p.Level == strategy.Error {
			t.Error(p.Render())
		}
	}
	eng := compile(t, list)
	if len(list) != 1024 || len(eng.Rules) != 1024 {
		t.Errorf("%d strategies with %d rules, want 1024", len(list), len(eng.Rules))
	}
	var problem []string
	s := &pipeline.Scan{Engine: eng, Paths: []string{bench}, Native: true, TmpDir: t.TempDir(),
		OnProblem: func(p source.Problem) { problem = append(problem, p.Error()) }}
	r, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Summary.Events != 97_521 || r.Summary.Bad != 0 || len(problem) > 0 {
		t.Errorf("%d events, %d bad: %q", r.Summary.Events, r.Summary.Bad, problem)
	}
	dec, ev := ecs.NewDecoder(eng.Schema(), ecs.Options{Native: true}), event.New(eng.Schema())
	hits := map[string]int{}
	for _, f := range r.Findings {
		hits[f.Name()]++
		a, err := r.Alert(f)
		if err != nil {
			t.Fatal(err)
		}
		for i := range a.Events {
			if a.Events[i].Missing {
				continue
			}
			if err := dec.JSON(a.Events[i].Event, ev); err != nil {
				t.Fatal(err)
			}
			if stage := &f.Rule.Program.Stages[i]; !stage.Match(ev) {
				t.Errorf("%s: event %s does not satisfy stage %d: %+v", f.Name(), a.Events[i].ID, i+1, stage.Explain(ev))
			}
		}
	}
	if len(hits) == 0 {
		t.Error("no rule alerts")
	}
	names := slices.Sorted(maps.Keys(hits))
	slices.SortStableFunc(names, func(a, b string) int { return hits[b] - hits[a] })
	var table strings.Builder
	for _, name := range names {
		fmt.Fprintf(&table, "%6d  %s\n", hits[name], name)
	}
	t.Logf("%d alerts of %d rules\n%s", len(r.Findings), len(hits), table.String())
}
