// Package bench measures how fast events go down the line: decoding alone, one
// strategy, all of them, and copies of the rules with other literals, over the
// same documents in memory.
//
// Phases take turns, round after round, and the best round of each counts: on a
// machine that others use as well, what disturbs one disturbs all. Ratios are of
// processor time, which neighbours move less than the clock on the wall. The
// events go through the same decoder and matcher as in a scan; reading from disk,
// keeping evidence and joining are left out (see `tocsin scan`, whose summary
// has the rate of the whole).
package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
)

// Options say what to measure.
type Options struct {
	Paths    []string       // recordings, as source.Read takes them
	Source   source.Options // how they are read
	Generate int            // without paths: how many events of Elastic Defend to make; 0 is 50,000
	Limit    int64          // bytes of documents held in memory; 0 is 512 MiB

	Load   func() ([]*strategy.Strategy, error) // called again to time the start
	One    string                               // id of the strategy for "one"; "" is the first
	Copies int                                  // also measure so many copies of the rules; 0 is 4
	Rounds int                                  // 0 is 5
	Top    int                                  // costliest stages to list; 0 is 10

	Profile *engine.Profile // guards by it; nil is the default
	Native  bool
}

// Report is what was measured. Its JSON is stable.
type Report struct {
	Schema    int     `json:"schema"`
	Machine   Machine `json:"machine"`
	Documents int     `json:"documents"`
	Events    int     `json:"events"`
	Bytes     int64   `json:"bytes"` // of documents, decompressed
	Start     Start   `json:"start"`
	Phases    []Phase `json:"phases"`
	Costliest []Cost  `json:"costliest"`

	PeakMemory int64 `json:"peak_memory"` // of the process, bytes; the documents are in it

	profile *engine.Profile
}

// Machine is where it was measured.
type Machine struct {
	Go    string `json:"go"`
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	Cores int    `json:"cores"` // that the process may use
}

// Start is what it takes until events can be matched.
type Start struct {
	Strategies int     `json:"strategies"`
	Rules      int     `json:"rules"`
	Stages     int     `json:"stages"`
	Seconds    float64 `json:"seconds"` // to load and compile all and match the first event
	Memory     int64   `json:"memory"`  // that the strategies, their rules and the index hold, bytes
}

// Phase is one way through the documents.
type Phase struct {
	Name            string  `json:"name"`
	Stages          int     `json:"stages,omitempty"`
	Seconds         float64 `json:"seconds"` // of the processor, best round
	EventsPerSecond float64 `json:"events_per_second"`
	MBPerSecond     float64 `json:"mb_per_second"`
	OfDecode        float64 `json:"of_decode"` // speed, of decoding the same fields alone
	AllocsPerEvent  float64 `json:"allocs_per_event"`
	HitsPerEvent    float64 `json:"hits_per_event"`
}

// Cost is what one stage of a rule costs.
type Cost struct {
	Strategy   string  `json:"strategy"`
	Variant    string  `json:"variant"`
	Context    string  `json:"context,omitempty"` // the question, if it is no rule's stage
	Stage      int     `json:"stage"`
	Candidates int     `json:"candidates"`
	Matches    int     `json:"matches"`
	NsPerEvent float64 `json:"ns_per_event"` // over all events
}

func (o *Options) defaults() {
	if o.Generate <= 0 {
		o.Generate = 50_000
	}
	if o.Limit <= 0 {
		o.Limit = 512 << 20
	}
	if o.Copies <= 0 {
		o.Copies = 4
	}
	if o.Rounds <= 0 {
		o.Rounds = 5
	}
	if o.Top <= 0 {
		o.Top = 10
	}
}

// Run measures. It fails if nothing can be read, no rule compiles, or ctx ends.
func Run(ctx context.Context, o Options) (*Report, error) {
	o.defaults()
	docs, err := read(ctx, &o)
	if err != nil {
		return nil, err
	}
	r := &Report{
		Schema:    1,
		Machine:   Machine{runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0)},
		Documents: docs.documents, Bytes: docs.bytes,
	}
	b := bench{opt: &o, docs: docs, report: r}
	if err := b.prepare(); err != nil {
		return nil, err
	}
	if err := b.rounds(ctx); err != nil {
		return nil, err
	}
	b.summarize()
	b.costs()
	r.PeakMemory = peakMemory()
	return r, nil
}

// Profile returns how often the events hold values, to choose guards by.
func (r *Report) Profile() *engine.Profile { return r.profile }

type bench struct {
	opt    *Options
	docs   *documents
	report *Report
	phases []*phase
	all    *engine.Engine
}

// phase is one engine over the documents, or the scanner alone.
type phase struct {
	name    string
	engine  *engine.Engine // nil skips over the documents without decoding
	match   bool
	base    int // index of the phase that it is compared with
	seconds float64
	allocs  float64
	events  int
	hits    int
}

// prepare loads and compiles everything.
func (b *bench) prepare() error {
	start := time.Now()
	before := heap()
	list, err := b.opt.Load()
	if err != nil {
		return err
	}
	b.all, err = compile(list, b.opt.Profile)
	if err != nil {
		return err
	}
	b.match(b.all, 1)
	b.report.Start = Start{
		Strategies: len(list), Rules: len(b.all.Rules), Stages: b.all.Stages(),
		Seconds: time.Since(start).Seconds(),
	}
	b.match(b.all, b.docs.documents) // the index is built as events come
	b.report.Start.Memory = heap() - before
	one, err := compile(pick(list, b.opt.One), b.opt.Profile)
	if err != nil {
		return err
	}
	many, err := compile(copies(list, b.opt.Copies), b.opt.Profile)
	if err != nil {
		return err
	}
	b.phases = []*phase{
		{name: "skip over the documents", base: 0},
		{name: "decode for one strategy", engine: one, base: 1},
		{name: "one strategy", engine: one, match: true, base: 1},
		{name: "decode for all", engine: b.all, base: 3},
		{name: "all strategies", engine: b.all, match: true, base: 3},
		{name: fmt.Sprintf("all strategies, %d copies", b.opt.Copies), engine: many, match: true, base: 3},
	}
	return nil
}

func compile(list []*strategy.Strategy, p *engine.Profile) (*engine.Engine, error) {
	e, problems := engine.New(list, engine.Options{Profile: p})
	if len(e.Rules) == 0 {
		errs := []error{errors.New("compile strategies: no rule compiles")}
		for _, p := range problems[:min(len(problems), 5)] {
			errs = append(errs, p)
		}
		return nil, errors.Join(errs...)
	}
	ecs.Prepare(e.Schema())
	return e, nil
}

// pick returns the strategy that "one" measures.
func pick(list []*strategy.Strategy, id string) []*strategy.Strategy {
	for _, s := range list {
		if s.ID == id {
			return []*strategy.Strategy{s}
		}
	}
	return list[:min(len(list), 1)]
}

// match matches the first n documents.
func (b *bench) match(e *engine.Engine, n int) {
	w := b.worker(e)
	b.docs.each(func(doc *source.Document) bool {
		if w.decode(doc) == nil {
			w.matcher.Match(w.event)
		}
		n--
		return n > 0
	})
}

// worker is what one goroutine of a scan has.
type worker struct {
	decoder *ecs.Decoder
	matcher *engine.Matcher
	event   *event.Event
}

func (b *bench) worker(e *engine.Engine) *worker {
	return &worker{ecs.NewDecoder(e.Schema(), ecs.Options{Native: b.opt.Native}), e.Matcher(), event.New(e.Schema())}
}

func (w *worker) decode(doc *source.Document) error {
	switch doc.Kind {
	case source.EVTX:
		return w.decoder.EVTX(doc.Record, w.event)
	case source.XML:
		return w.decoder.XML(doc.Data, w.event)
	}
	return w.decoder.JSON(doc.Data, w.event)
}

// rounds runs all phases in turn; the first round warms up and does not count.
func (b *bench) rounds(ctx context.Context) error {
	workers := make([]*worker, len(b.phases))
	for i, p := range b.phases {
		p.seconds, p.allocs = math.Inf(1), math.Inf(1)
		if p.engine != nil {
			workers[i] = b.worker(p.engine)
		}
	}
	for round := range b.opt.Rounds + 1 {
		for i, p := range b.phases {
			if err := ctx.Err(); err != nil {
				return err
			}
			b.run(p, workers[i], round > 0)
		}
	}
	return nil
}

// run goes through the documents once.
func (b *bench) run(p *phase, w *worker, counts bool) {
	runtime.GC()
	p.events, p.hits = 0, 0
	mallocs := mallocs()
	start := processorTime()
	b.docs.each(func(doc *source.Document) bool {
		switch {
		case w == nil:
			if doc.Kind == source.JSON && event.Valid(doc.Data) != nil {
				return true
			}
			p.events++
		case w.decode(doc) == nil:
			p.events++
			if p.match {
				p.hits += len(w.matcher.Match(w.event))
			}
		}
		return true
	})
	if seconds := processorTime() - start; counts {
		p.seconds = min(p.seconds, seconds)
		p.allocs = min(p.allocs, float64(mallocsSince(mallocs)))
	}
}

func (b *bench) summarize() {
	for _, p := range b.phases {
		base := b.phases[p.base]
		out := Phase{
			Name: p.name, Seconds: p.seconds,
			EventsPerSecond: float64(p.events) / p.seconds,
			MBPerSecond:     float64(b.docs.bytes) / 1e6 / p.seconds,
			OfDecode:        base.seconds / p.seconds,
			AllocsPerEvent:  p.allocs / float64(max(p.events, 1)),
			HitsPerEvent:    float64(p.hits) / float64(max(p.events, 1)),
		}
		if p.match {
			out.Stages = p.engine.Stages()
		}
		b.report.Events = p.events
		b.report.Phases = append(b.report.Phases, out)
	}
}
