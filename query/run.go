package query

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/source"
)

// Input says how the input is read.
type Input struct {
	source.Options
	// Problem, if set, is told of each document that could not be used, in the
	// order of the input.
	Problem func(source.Problem)
}

// runner is one run of a query.
type runner struct {
	q      *Query
	in     Input
	ev     *event.Event
	ecs    *ecs.Decoder // without a mapping
	norm   *ecs.Normalizer
	plain  *event.Decoder // with one
	keys   sequence.KeyMaker
	stages []*eql.Stage // one for each class of hits
	class  []int32      // their Stage in hits

	hits     *journal.Journal
	writer   *journal.Writer
	evidence *journal.Evidence
	docs     *journal.EvidenceWriter

	found  []found // of event queries
	total  int
	result *Result

	ordinal   uint64
	blob, tie []byte
}

// found is a match before its documents are read back.
type found struct {
	sequence.Match
	doc []byte // of an event query: its record
}

// Run reads paths and returns the results. The error is of the input as a whole
// (a path that does not exist) or of temporary files; what is wrong with single
// documents goes to Input.Problem and is counted. If ctx ends while it reads, the
// results are of what was read, and Result.Partial says so.
func (q *Query) Run(ctx context.Context, paths []string, in Input) (*Result, error) {
	r := &runner{
		q: q, in: in, ev: event.New(q.schema),
		hits:     journal.New(journal.Options{Dir: q.opts.TempDir}),
		evidence: journal.NewEvidence(q.opts.TempDir, journal.DefaultBudget),
		result:   &Result{Kind: q.program.Kind},
	}
	defer r.evidence.Close()
	defer r.hits.Close()
	r.writer, r.docs = r.hits.Writer(), r.evidence.Writer()
	if q.opts.Mapping == nil {
		r.ecs = ecs.NewDecoder(q.schema, ecs.Options{Native: q.opts.Native})
	} else {
		r.plain = event.NewDecoder(q.schema)
	}
	for i := range q.program.Stages {
		if q.spec.Stage(i).Like == int32(i) {
			r.stages, r.class = append(r.stages, &q.program.Stages[i]), append(r.class, int32(i))
		}
	}
	if q.program.Until != nil {
		r.stages, r.class = append(r.stages, q.program.Until), append(r.class, q.spec.UntilStage())
	}
	opts := in.Options
	opts.Report = in.Problem
	readCtx := ctx
	if len(paths) == 1 && paths[0] == "-" {
		readCtx = context.WithoutCancel(ctx) // its reader ends with ctx: what came in until then counts
	}
	summary, err := source.Read(readCtx, paths, opts, func(b *source.Block) error {
		defer b.Release()
		return r.block(readCtx, b)
	})
	r.result.Source = summary
	if r.result.Partial = ctx.Err() != nil; err != nil && !r.result.Partial {
		return r.result, fmt.Errorf("read input: %w", err)
	}
	if err := r.join(context.WithoutCancel(ctx)); err != nil {
		return r.result, err
	}
	return r.result, r.finish()
}

func (r *runner) block(ctx context.Context, b *source.Block) error {
	for doc, problem := range b.Documents {
		if problem != nil {
			r.problem(*problem)
			continue
		}
		r.ordinal++
		if err := r.document(doc); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (r *runner) problem(p source.Problem) {
	if !p.Remark {
		r.result.Bad++
	}
	if r.in.Problem != nil {
		r.in.Problem(p)
	}
}

// record is where a document lay and what it holds.
type record struct {
	index, id, path string
	line            int
	body            []byte // its fields, or the whole document if it is to be mapped
	mapped          bool   // body is of another shape than ECS
}

// document takes in one document. What is wrong with it is reported; the error
// ends the run.
func (r *runner) document(doc *source.Document) error {
	rec := record{path: doc.Path, line: doc.Line}
	if err := r.decode(doc, &rec); err != nil {
		if errors.Is(err, ecs.ErrNotEvent) || isScalar(doc) {
			r.result.NotEvents++
			return nil
		}
		r.problem(doc.Problem(err.Error()))
		return nil
	}
	r.result.Documents++
	if rec.id == "" && len(doc.ID) > 0 {
		rec.index, rec.id = string(doc.Index), string(doc.ID)
	}
	return r.match(doc, &rec)
}

// isScalar reports a document that is whole JSON, but no object.
func isScalar(doc *source.Document) bool {
	return doc.Kind == source.JSON && len(doc.Data) > 0 && doc.Data[0] != '{' && event.Valid(doc.Data) == nil
}

func (r *runner) decode(doc *source.Document, rec *record) (err error) {
	switch {
	case doc.Kind == source.JSON && r.ecs == nil:
		rec.body, rec.index, rec.id, err = ecs.Unwrap(doc.Data)
		if err != nil {
			return err
		}
		r.ev.Reset(rec.body)
		return r.plain.Decode(rec.body, r.ev)
	case doc.Kind == source.JSON:
		rec.body, rec.index, rec.id, err = r.ecs.Verbatim(doc.Data, r.ev)
		if rec.body == nil {
			rec.body, rec.mapped = doc.Data, true
		}
		return err
	case r.ecs == nil:
		return fmt.Errorf("%s is not read with a mapping: nothing is normalised", doc.Kind)
	}
	rec.mapped = true
	if doc.Kind == source.EVTX {
		return r.ecs.EVTX(doc.Record, r.ev)
	}
	rec.body = doc.Data
	return r.ecs.XML(doc.Data, r.ev)
}

// match makes hits of the event for the stages that it satisfies.
func (r *runner) match(doc *source.Document, rec *record) error {
	ref, kept, timed := journal.Ref(0), false, false
	var hit sequence.Hit
	var err error
	for i, stage := range r.stages {
		if !stage.Match(r.ev) {
			continue
		}
		if !timed {
			if timed = r.order(doc, &hit); !timed {
				return nil
			}
		}
		if r.q.program.Kind == eql.Event {
			r.keepEvent(doc, rec, hit)
			return nil
		}
		r.keys.Keys(r.ev, stage.Keys, func(key []byte) bool {
			if !kept {
				kept = true
				if ref, err = r.keepDocument(doc, rec); err != nil {
					return false
				}
			}
			hit.Stage, hit.Key, hit.Ref = r.class[i], string(key), uint64(ref)
			err = r.writer.Append(&hit, nil)
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// noTime is the time of an event that has none: behind all others.
const noTime = math.MaxInt64

// order gives a hit its place: timestamp, tiebreaker (absent last), input. It
// reports false, after saying why, for an event of a sequence that has no single
// time. Event queries put what has no time last; samples do not care.
func (r *runner) order(doc *source.Document, hit *sequence.Hit) bool {
	values := r.ev.Values(r.q.timestamp)
	hit.Time = noTime
	if len(values) > 0 && values[0].Kind == event.KindTime {
		hit.Time = int64(values[0].N)
	}
	if r.q.program.Kind == eql.Sequence && (len(values) != 1 || hit.Time == noTime) {
		reason := "no " + r.q.opts.TimestampField + " by which to order the event"
		if len(values) > 1 {
			reason = "several values of " + r.q.opts.TimestampField
		}
		r.problem(doc.Problem(reason))
		return false
	}
	r.tie = r.tie[:0]
	if slot := r.q.tiebreaker; slot >= 0 {
		if values := r.ev.Values(slot); len(values) > 0 {
			r.tie = sequence.AppendKey(r.tie, values[0])
		} else {
			r.tie = append(r.tie, 0xFF)
		}
	}
	r.tie = binary.BigEndian.AppendUint64(r.tie, r.ordinal)
	hit.Tie = string(r.tie)
	return true
}

// keepEvent holds on to an event that may be among the results.
func (r *runner) keepEvent(doc *source.Document, rec *record, hit sequence.Hit) {
	r.total++
	r.appendRecord(doc, rec)
	r.found = append(r.found, found{sequence.Match{Hits: []sequence.Hit{hit}}, slices.Clone(r.blob)})
	r.trim(2*r.q.limits[0].n + 64)
}

// trim cuts what was found down to the first limit once it is longer than n.
func (r *runner) trim(n int) {
	if len(r.found) <= n {
		return
	}
	slices.SortStableFunc(r.found, func(a, b found) int { return r.compare(&a.Match, &b.Match) })
	r.found = r.q.limits[0].apply(r.found)
}

// compare is the order of results.
func (r *runner) compare(a, b *sequence.Match) int {
	if !r.q.spec.IsSample() {
		return a.Compare(b)
	}
	switch { // samples of one key stay in the order in which they were found
	case a.Key < b.Key:
		return -1
	case a.Key > b.Key:
		return 1
	}
	return 0
}

// apply cuts a list down; what is cut is let go of.
func (l limit) apply(list []found) []found {
	if len(list) <= l.n {
		return list
	}
	if l.tail {
		copy(list, list[len(list)-l.n:])
	}
	clear(list[l.n:])
	return list[:l.n]
}

func (r *runner) keepDocument(doc *source.Document, rec *record) (journal.Ref, error) {
	r.appendRecord(doc, rec)
	return r.docs.Put(r.blob)
}

// appendRecord writes a document and where it lay to r.blob.
func (r *runner) appendRecord(doc *source.Document, rec *record) {
	b := r.blob[:0]
	flag := byte(0)
	if rec.mapped {
		flag = 1
	}
	b = append(b, flag)
	b = binary.AppendUvarint(b, uint64(rec.line))
	for _, s := range [...]string{rec.path, rec.index, rec.id} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	if doc.Kind == source.EVTX {
		r.blob = r.ecs.AppendEvidence(b)
	} else {
		r.blob = append(b, rec.body...)
	}
}

// readRecord undoes appendRecord.
func readRecord(b []byte) (rec record) {
	rec.mapped, b = b[0] == 1, b[1:]
	line, n := binary.Uvarint(b)
	rec.line, b = int(line), b[n:]
	for _, s := range [...]*string{&rec.path, &rec.index, &rec.id} {
		length, n := binary.Uvarint(b)
		*s, b = string(b[n:n+int(length)]), b[n+int(length):]
	}
	rec.body = b
	return rec
}
