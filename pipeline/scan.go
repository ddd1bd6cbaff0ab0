// Package pipeline runs the line: documents are read, decoded and matched by
// as many workers as there are cores; their hits are put in order, joined by
// key, excused, grouped into incidents and answered. Every goroutine of a scan
// starts and ends here.
//
//	source.Read ─▶ blocks ─▶ workers: decode, match ─▶ journal (hits), evidence (documents)
//	journal, in order ─▶ join ─▶ findings ─▶ incidents, suppression, answers ─▶ Result
//
// A finding is small: it names its documents by their place in the evidence
// store. The alert, with its whole events, is made when it is printed
// (Result.Alert), so that a scan with a million alerts does not hold them.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/tocsin-project/tocsin/baseline"
	"github.com/tocsin-project/tocsin/census"
	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/triage"
)

// Memory that a scan may hold before it writes to temporary files.
const (
	hitBudget      = 4 << 20 // hits of rules in the journal, all workers
	contextBudget  = 2 << 20 // likewise of context queries
	evidenceBudget = 1 << 20 // documents, each worker
)

// Scan is one run of strategies over recordings.
type Scan struct {
	Engine *engine.Engine
	Paths  []string // as source.Read takes them

	Source source.Options
	Native bool   // synthesise identities where only the native log speaks
	Jobs   int    // workers; 0 is one a core
	Census bool   // count what arrives, with its fields
	All    bool   // also join what exceptions excused
	TmpDir string // for what does not fit into memory; "" is the system's

	Lang   string         // of the answers: "en", "vi"
	Admins *triage.Admins // known administration sources; nil: no list was given

	Sight bool            // Result.Sightings will be asked for
	Rater *baseline.Rater // moves risk scores by what is ordinary; nil: they stay

	Keep func(f *Finding) bool // nil keeps all; a filter such as --since

	// Sink of what could not be read; called from one goroutine at a time.
	OnProblem func(source.Problem)
}

// Run reads everything and returns what was found. When ctx ends first, what
// was read until then is joined and the result says that it is partial.
// The caller closes the result.
func (s *Scan) Run(ctx context.Context) (*Result, error) {
	jobs := s.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	ecs.Prepare(s.Engine.Schema())
	census.Prepare(s.Engine.Schema())
	r := &Result{
		scan: s, evidence: journal.NewEvidence(s.TmpDir, evidenceBudget),
		normalizer: ecs.NewNormalizer(ecs.Options{Native: s.Native}),
	}
	if s.Sight || s.Rater != nil {
		r.sight = newSightSlots(s.Engine.Schema())
	}
	hits := journal.New(journal.Options{Budget: hitBudget, Dir: s.TmpDir})
	defer hits.Close()
	contexts := journal.New(journal.Options{Budget: contextBudget, Dir: s.TmpDir})
	defer contexts.Close()
	start := time.Now()
	if err := s.read(ctx, r, hits, contexts, jobs); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.Summary.Partial = ctx.Err() != nil
	if err := r.join(hits); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if err := r.finish(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if err := r.gather(contexts); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if err := r.rate(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.Summary.Elapsed = time.Since(start)
	return r, nil
}

// feed reads the paths into blocks and closes it at the end of the input, or
// when ctx ends.
func feed(ctx context.Context, paths []string, opt source.Options, blocks chan<- *source.Block) (*source.Summary, error) {
	defer close(blocks)
	ctx, opt = interruptibly(ctx, paths, opt)
	return source.Read(ctx, paths, opt, func(b *source.Block) error {
		select {
		case blocks <- b:
			return nil
		case <-ctx.Done():
			b.Release()
			return ctx.Err()
		}
	})
}

// read runs the reader and the workers until the input ends.
func (s *Scan) read(ctx context.Context, r *Result, hits, contexts *journal.Journal, jobs int) error {
	blocks := make(chan *source.Block, jobs)
	workers := make([]*worker, jobs)
	var wg sync.WaitGroup
	for i := range workers {
		workers[i] = newWorker(s, r, hits, contexts)
		wg.Go(func() { workers[i].run(blocks) })
	}
	summary, readErr := feed(ctx, s.Paths, s.Source, blocks)
	wg.Wait()
	if readErr != nil && ctx.Err() == nil {
		return fmt.Errorf("read input: %w", readErr)
	}
	r.Summary.Source = summary
	var errs []error
	seen := make([]bool, s.Engine.Stages())
	for _, w := range workers {
		errs = append(errs, w.err)
		r.Summary.add(&w.counts)
		r.addCensus(w.census)
		for i, is := range w.seen {
			seen[i] = seen[i] || is
		}
	}
	barren := s.Engine.Barren(seen)
	hits.Drop(func(rule int32) bool { return barren[rule] })
	return errors.Join(errs...)
}
