package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/evtx"
	"github.com/tocsin-project/tocsin/source"
)

// Normalize writes recordings as ECS events.
//
//	source.Read ─▶ blocks ─▶ workers: normalise ─▶ writer, in the blocks' order
//
// Each block takes its place in the queue of the writer before a worker gets
// it, so that the output has the order of the input however long each takes.
type Normalize struct {
	Paths  []string       // as source.Read takes them
	Source source.Options // Report is called in the reader's goroutine
	Native bool           // as ecs.Options has it
	Jobs   int            // workers; one a core if 0
	// OnProblem, if set, is told what is wrong with documents, in their order.
	OnProblem func(source.Problem)
}

// NormalizeSummary is what was read and written.
type NormalizeSummary struct {
	Source    *source.Summary
	Events    int  // documents that were written
	NotEvents int  // valid JSON or XML that is no event
	Bad       int  // documents and parts of files that could not be read
	Partial   bool // ctx ended before the input
}

// stretch is one block on its way: its bytes in, its lines out.
type stretch struct {
	block    *source.Block
	out      []byte
	problems []source.Problem
	counts   counts
	done     chan struct{} // holds one token when a worker is through
}

// Run writes one event a line to w. It fails where a path does not exist or w
// does; what is wrong with the input is counted and told to OnProblem.
func (n *Normalize) Run(ctx context.Context, w io.Writer) (*NormalizeSummary, error) {
	jobs := n.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		sum   NormalizeSummary
		queue = make(chan *stretch, 2*jobs) // in the order of the input
		work  = make(chan *stretch, 2*jobs)
		free  = make(chan *stretch, 4*jobs)
		wg    sync.WaitGroup
	)
	for range jobs {
		wg.Go(func() { n.work(work) })
	}
	wg.Go(func() {
		if err := n.write(w, queue, free, &sum); err != nil {
			cancel(err)
			for s := range queue { // the workers must not wait for nobody
				<-s.done
			}
		}
	})
	readCtx, opt := interruptibly(ctx, n.Paths, n.Source)
	summary, err := source.Read(readCtx, n.Paths, opt, func(b *source.Block) error {
		s := idle(free)
		s.block = b
		queue <- s
		work <- s
		return nil
	})
	close(work)
	close(queue)
	wg.Wait()
	sum.Source = summary
	switch cause := context.Cause(ctx); {
	case err == nil && cause == nil:
	case cause == nil:
		return &sum, fmt.Errorf("read input: %w", err)
	case errors.Is(cause, context.Canceled):
		sum.Partial = true
	default:
		return &sum, cause
	}
	return &sum, nil
}

// idle gives a stretch that was written, or a new one.
func idle(free <-chan *stretch) *stretch {
	select {
	case s := <-free:
		return s
	default:
		return &stretch{done: make(chan struct{}, 1)}
	}
}

// work normalises blocks until there are no more.
func (n *Normalize) work(stretches <-chan *stretch) {
	norm := ecs.NewNormalizer(ecs.Options{Native: n.Native})
	records := evtx.NewDecoder(evtx.Options{Carve: n.Source.Carve})
	for s := range stretches {
		s.block.Use(records)
		s.fill(norm)
		s.block.Release()
		s.block = nil
		s.done <- struct{}{}
	}
}

// fill makes lines of a block's documents.
func (s *stretch) fill(norm *ecs.Normalizer) {
	s.out, s.problems, s.counts = s.out[:0], s.problems[:0], counts{}
	for doc, problem := range s.block.Documents {
		if problem != nil {
			if !problem.Remark {
				s.counts.Bad++
			}
			s.problems = append(s.problems, *problem)
			continue
		}
		var err error
		if doc.Kind == source.EVTX {
			s.out, err = norm.AppendEVTX(s.out, doc.Record)
		} else {
			s.out, err = norm.Append(s.out, doc.Data)
		}
		switch {
		case err == nil:
			s.out = append(s.out, '\n')
			s.counts.Events++
		case errors.Is(err, ecs.ErrNotEvent):
			s.counts.NotEvents++
		default:
			s.counts.Bad++
			s.problems = append(s.problems, doc.Problem(err.Error()))
		}
	}
}

// write writes what the workers made, in the order of the queue.
func (n *Normalize) write(w io.Writer, queue <-chan *stretch, free chan<- *stretch, sum *NormalizeSummary) error {
	for s := range queue {
		<-s.done
		sum.Events += s.counts.Events
		sum.NotEvents += s.counts.NotEvents
		sum.Bad += s.counts.Bad
		if n.OnProblem != nil {
			for _, p := range s.problems {
				n.OnProblem(p)
			}
		}
		if _, err := w.Write(s.out); err != nil {
			return fmt.Errorf("write events: %w", err)
		}
		select {
		case free <- s:
		default:
		}
	}
	return nil
}
