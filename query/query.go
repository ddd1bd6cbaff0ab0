// Package query runs one EQL statement over files, as Elasticsearch's EQL search
// API would over an index.
//
//	q, err := query.Compile(text, options)   // eql.ErrorList
//	result, err := q.Run(ctx, paths, input)
//	result.WriteJSON(w, took)
//
// Documents are read one after another; those that satisfy a stage become hits,
// ordered by timestamp, tiebreaker and place in the input. Event queries keep the
// best so far in memory, no more than twice Options.Size. For sequences and
// samples hits and documents go to a journal, which spills to temporary files,
// and are joined key by key at the end.
//
// Without a mapping, documents of known shapes (NXLog, evtx_dump, winlogbeat,
// EVTX files, …) are normalised to ECS; what is ECS already or of no known shape
// is read as it stands. With a mapping nothing is normalised, and a field that
// neither the mapping nor any document holds is unknown.
package query

import (
	"context"
	"errors"
	"fmt"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/source"
)

// Options are the parameters of a search. Names and defaults are those of
// Elasticsearch's API.
type Options struct {
	Mapping *event.Mapping // types of fields; nil: ECS's, and each value's own

	TimestampField     string // "" is @timestamp
	EventCategoryField string // "" is event.category
	TiebreakerField    string // "" is none: the order of the input

	Size             int  // most results; 0 gives none
	Head             bool // keep the first results, not the last ones
	MaxSamplesPerKey int  // 0 is 1

	// Native derives process identities for Security 5156, 4688 and 4689 that lack
	// them, as ecs.Options.Native. It means nothing with a mapping.
	Native bool

	TempDir string // of what does not fit in memory; "" is the system's
}

// DefaultSize is how many results the API gives without being told.
const DefaultSize = 10

// Query is a compiled statement. It is used for one Run.
type Query struct {
	opts    Options
	program *eql.Program
	spec    *sequence.Spec
	schema  *event.Schema

	timestamp, tiebreaker int // slots; tiebreaker -1 without one
	limits                []limit
}

// limit keeps the first or the last n results.
type limit struct {
	tail bool
	n    int
}

// Compile reads and checks a statement. The error is an eql.ErrorList.
func Compile(text string, o Options) (*Query, error) {
	if o.TimestampField == "" {
		o.TimestampField = "@timestamp"
	}
	if o.EventCategoryField == "" {
		o.EventCategoryField = "event.category"
	}
	env := &eql.Env{CategoryField: o.EventCategoryField, TimestampField: o.TimestampField}
	types := event.ECSTypes()
	if o.Mapping != nil {
		types, env.Strict, env.Columns = o.Mapping, true, o.Mapping.Names
	}
	env.Schema = event.NewSchema(dated{types, o.TimestampField})
	program, err := eql.Compile(text, env)
	if err != nil {
		return nil, err
	}
	q := &Query{
		opts: o, program: program, schema: env.Schema,
		spec:       sequence.SpecOf(program, o.MaxSamplesPerKey),
		timestamp:  env.Schema.Slot(o.TimestampField),
		tiebreaker: -1,
	}
	if o.TiebreakerField != "" {
		q.tiebreaker = env.Schema.Slot(o.TiebreakerField)
	}
	if o.Mapping == nil {
		ecs.Prepare(env.Schema)
	}
	q.limits = limitsOf(program, o)
	return q, nil
}

// Kind is the kind of statement: an event query, a sequence or a sample.
func (q *Query) Kind() eql.Kind { return q.program.Kind }

// limitsOf orders what cuts the results down. The first pipe sets the end from
// which results are taken and is itself bound by the size; later pipes work
// inside it. A sample is taken from the start.
func limitsOf(p *eql.Program, o Options) []limit {
	size := max(o.Size, 0)
	switch {
	case p.Kind == eql.Sample:
		return []limit{{false, size}}
	case len(p.Pipes) == 0:
		return []limit{{!o.Head, size}}
	}
	out := []limit{{p.Pipes[0].Tail, min(p.Pipes[0].N, size)}}
	for _, pipe := range p.Pipes[1:] {
		out = append(out, limit{pipe.Tail, pipe.N})
	}
	return out
}

// dated makes the timestamp field a date where nothing says what it is.
type dated struct {
	event.Types
	field string
}

func (d dated) Field(name string) (event.Field, bool) {
	f, ok := d.Types.Field(name)
	if name == d.field && (!ok || f.Type == event.Dynamic) {
		f.Name, f.Type, f.Unmapped = name, event.Date, false
		return f, true
	}
	return f, ok
}

// Learn reads the documents of the input for a mapping, before Compile: fields
// that it does not list get the types that Elasticsearch's dynamic mapping gives
// them. Documents that cannot be read are left to Run to report.
func Learn(ctx context.Context, m *event.Mapping, paths []string, input source.Options) error {
	input.Report = nil
	_, err := source.Read(ctx, paths, input, func(b *source.Block) error {
		defer b.Release()
		for doc, problem := range b.Documents {
			if problem != nil || doc.Kind != source.JSON {
				continue
			}
			if body, _, _, err := ecs.Unwrap(doc.Data); err == nil {
				_ = m.Learn(body) // a broken document: Run says so
			}
		}
		return ctx.Err()
	})
	if err != nil && !errors.Is(err, ctx.Err()) {
		return fmt.Errorf("read input: %w", err)
	}
	return err
}
