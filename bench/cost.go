package bench

import (
	"cmp"
	"slices"
	"time"

	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/source"
)

// costs traces all strategies over the documents once, for the costliest stages
// and the profile. It is slower than the phases: each stage is timed alone.
func (b *bench) costs() {
	w := b.worker(b.all)
	costs := b.all.Costs()
	profiler := engine.NewProfiler(b.all.Schema())
	begin := time.Now()
	now := func() int64 { return int64(time.Since(begin)) }
	b.docs.each(func(doc *source.Document) bool {
		if w.decode(doc) == nil {
			w.matcher.Trace(w.event, now, costs)
			profiler.Add(w.event)
		}
		return true
	})
	b.report.profile = profiler.Profile()
	slices.SortFunc(costs, func(x, y engine.Cost) int {
		return cmp.Or(cmp.Compare(y.Time, x.Time), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Stage, y.Stage))
	})
	for _, c := range costs[:min(len(costs), b.opt.Top)] {
		if c.Candidates > 0 {
			b.report.Costliest = append(b.report.Costliest, b.cost(c))
		}
	}
}

func (b *bench) cost(c engine.Cost) Cost {
	out := Cost{
		Stage: int(c.Stage) + 1, Candidates: c.Candidates, Matches: c.Matches,
		NsPerEvent: float64(c.Time) / float64(max(b.report.Events, 1)),
	}
	if n := int(c.Rule); n < len(b.all.Rules) {
		out.Strategy, out.Variant = b.all.Rules[n].Strategy.ID, b.all.Rules[n].Source.Variant
	} else {
		x := &b.all.Contexts[n-len(b.all.Rules)]
		out.Strategy, out.Context = x.Strategy.ID, x.Source.Name
	}
	return out
}
