package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/source"
)

// Visit decodes recordings and shows every event to a visitor, without
// joining anything: what coverage and explain are made of.
type Visit struct {
	Schema *event.Schema // fields to decode; must not grow any more
	Paths  []string      // as source.Read takes them
	Source source.Options
	Native bool // synthesise identities where only the native log speaks
	Jobs   int  // workers; 0 is one a core

	// OnProblem is told what could not be read; called from one goroutine at
	// a time. It may be nil.
	OnProblem func(source.Problem)
}

// Visitor looks at one event. It belongs to one goroutine. The event, the
// document and content, which returns what the event can be decoded from again
// (JSON or XML), live until it returns. Its error ends the run.
type Visitor func(doc *source.Document, ev *event.Event, content func() []byte) error

// Run reads everything; each worker asks visitor for one of its own first.
// When ctx ends before the input does, the summary says that it is partial.
func (v *Visit) Run(ctx context.Context, visitor func() Visitor) (*Summary, error) {
	jobs := v.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	var (
		blocks = make(chan *source.Block, jobs)
		sum    Summary
		mu     sync.Mutex
		wg     sync.WaitGroup
		errs   []error
	)
	problem := func(p source.Problem) {
		if v.OnProblem != nil {
			mu.Lock()
			defer mu.Unlock()
			v.OnProblem(p)
		}
	}
	for range jobs {
		w := &visiting{
			decoder: ecs.NewDecoder(v.Schema, ecs.Options{Native: v.Native}),
			event:   event.New(v.Schema), visit: visitor(), problem: problem,
		}
		w.content = func() []byte { return w.evidence() }
		wg.Go(func() {
			w.run(blocks)
			mu.Lock()
			defer mu.Unlock()
			sum.add(&w.counts)
			errs = append(errs, w.err)
		})
	}
	summary, err := feed(ctx, v.Paths, v.Source, blocks)
	wg.Wait()
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	sum.Source, sum.Partial = summary, ctx.Err() != nil
	return &sum, errors.Join(errs...)
}

// visiting is one worker of a visit.
type visiting struct {
	decoder *ecs.Decoder
	event   *event.Event
	visit   Visitor
	content func() []byte
	problem func(source.Problem)
	counts  counts
	err     error

	doc *source.Document
	buf []byte
}

func (w *visiting) run(blocks <-chan *source.Block) {
	for b := range blocks {
		if w.err == nil {
			w.block(b)
		}
		b.Release()
	}
}

func (w *visiting) block(b *source.Block) {
	for doc, problem := range b.Documents {
		if problem != nil {
			if !problem.Remark {
				w.counts.Bad++
			}
			w.problem(*problem)
			continue
		}
		w.doc = doc
		err := decode(w.decoder, doc, w.event)
		switch {
		case errors.Is(err, ecs.ErrNotEvent):
			w.counts.NotEvents++
		case err != nil:
			w.counts.Bad++
			w.problem(doc.Problem(err.Error()))
		default:
			w.counts.Events++
			nameStored(doc, w.event)
			if w.err = w.visit(doc, w.event, w.content); w.err != nil {
				return
			}
		}
	}
}

// evidence is what the document at hand can be decoded from again.
func (w *visiting) evidence() []byte {
	if w.doc.Kind == source.EVTX {
		w.buf = w.decoder.AppendEvidence(w.buf[:0])
		return w.buf
	}
	return w.doc.Data
}

// decode reads a document of any kind into an event.
func decode(d *ecs.Decoder, doc *source.Document, ev *event.Event) error {
	switch doc.Kind {
	case source.EVTX:
		return d.EVTX(doc.Record, ev)
	case source.XML:
		return d.XML(doc.Data, ev)
	}
	return d.JSON(doc.Data, ev)
}

// nameStored gives an event the name that a line before it in a _bulk file
// says, if it has none of its own.
func nameStored(doc *source.Document, ev *event.Event) {
	if ev.DocID == "" && len(doc.ID) > 0 {
		ev.DocID = string(doc.Index) + "/" + string(doc.ID)
	}
}
