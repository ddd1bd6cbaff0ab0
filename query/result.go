package query

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/source"
)

// Result is what a query found, in order, and what it read.
type Result struct {
	Kind      eql.Kind
	Total     int        // matches before the size and pipes cut them down
	Events    []Event    // of an event query
	Sequences []Sequence // of a sequence or a sample

	Source    *source.Summary
	Documents int // documents that were looked at
	NotEvents int // JSON that is no object
	Bad       int // documents that were skipped; each went to Input.Problem

	Partial bool // the run was cancelled: the results are of what had been read
}

// Event is one document of the results.
type Event struct {
	Index, ID string
	Path      string // where it was read
	Line      int
	Time      int64  // nanoseconds since 1970 UTC; valid if HasTime
	HasTime   bool   // events of sequences have one
	Source    []byte // its fields, one line of JSON; nil if Missing
	Missing   bool   // the placeholder of a `![…]` stage
}

// Sequence is one sequence or sample.
type Sequence struct {
	JoinKeys []event.Value // null parts have kind null
	Sample   bool
	Events   []Event // one a stage
}

// KeyText is a join key as results show it.
func (s *Sequence) KeyText(v event.Value) string {
	if s.Sample {
		return sequence.SampleKeyText(v)
	}
	return sequence.KeyText(v)
}

// join finds the matches among the hits, key by key.
func (r *runner) join(ctx context.Context) error {
	if r.q.program.Kind == eql.Event {
		return nil
	}
	stream := sequence.NewStream(r.q.spec, func(m sequence.Match) {
		r.total++
		r.found = append(r.found, found{Match: m})
		r.trim(2*r.q.limits[0].n + 64)
	})
	for g, err := range r.hits.Groups(ctx) {
		if err != nil {
			return err
		}
		for e := range g.Hits {
			h := e.Hit // the stream keeps it
			stream.Push(&h)
		}
		stream.Close()
	}
	return nil
}

// finish cuts the matches down and reads their documents back.
func (r *runner) finish() error {
	r.trim(0)
	list := r.found
	for _, l := range r.q.limits {
		list = l.apply(list)
	}
	r.result.Total = r.total
	for i := range list {
		if list[i].doc != nil {
			e, err := r.event(list[i].First(), list[i].doc)
			if err != nil {
				return err
			}
			r.result.Events = append(r.result.Events, e)
			continue
		}
		s, err := r.sequence(&list[i].Match)
		if err != nil {
			return err
		}
		r.result.Sequences = append(r.result.Sequences, s)
	}
	return nil
}

func (r *runner) sequence(m *sequence.Match) (Sequence, error) {
	s := Sequence{JoinKeys: sequence.KeyValues(m.Key), Sample: r.q.spec.IsSample()}
	hits := m.Hits
	for i := range r.q.spec.Len() {
		if r.q.spec.Stage(i).Missing {
			s.Events = append(s.Events, Event{Missing: true})
			continue
		}
		blob, err := r.evidence.Get(journal.Ref(hits[0].Ref))
		if err != nil {
			return s, err
		}
		e, err := r.event(&hits[0], blob)
		if err != nil {
			return s, err
		}
		s.Events = append(s.Events, e)
		hits = hits[1:]
	}
	return s, nil
}

// event makes a result of a kept document.
func (r *runner) event(h *sequence.Hit, blob []byte) (Event, error) {
	rec := readRecord(blob)
	e := Event{Index: rec.index, ID: rec.id, Path: rec.path, Line: rec.line, Time: h.Time, HasTime: h.Time != noTime}
	if e.ID == "" {
		e.ID = rec.path + ":" + strconv.Itoa(rec.line)
	}
	if !rec.mapped {
		var b bytes.Buffer
		if err := json.Compact(&b, rec.body); err != nil {
			return e, fmt.Errorf("write %s: %w", e.ID, err)
		}
		e.Source = b.Bytes()
		return e, nil
	}
	var err error
	if e.Source, err = r.normalizer().Append(nil, rec.body); err != nil {
		return e, fmt.Errorf("normalise %s: %w", e.ID, err)
	}
	return e, nil
}

func (r *runner) normalizer() *ecs.Normalizer {
	if r.norm == nil {
		r.norm = ecs.NewNormalizer(ecs.Options{Native: r.q.opts.Native})
	}
	return r.norm
}
