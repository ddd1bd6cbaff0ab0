package query

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
)

// The shape of Elasticsearch's EQL search response (docs/reference/eql,
// "EQL search API", Response body).
type response struct {
	IsPartial bool  `json:"is_partial"`
	IsRunning bool  `json:"is_running"`
	Took      int64 `json:"took"` // milliseconds
	TimedOut  bool  `json:"timed_out"`
	Hits      hits  `json:"hits"`
}

type hits struct {
	Total struct {
		Value    int    `json:"value"`
		Relation string `json:"relation"`
	} `json:"total"`
	Events    *[]eventJSON    `json:"events,omitempty"`
	Sequences *[]sequenceJSON `json:"sequences,omitempty"`
}

type eventJSON struct {
	Index   string          `json:"_index"`
	ID      string          `json:"_id"`
	Source  json.RawMessage `json:"_source"`
	Missing bool            `json:"missing,omitempty"`
}

type sequenceJSON struct {
	JoinKeys []json.RawMessage `json:"join_keys,omitempty"`
	Events   []eventJSON       `json:"events"`
}

// WriteJSON writes the results in the shape of Elasticsearch's _eql/search
// response: hits.events, or hits.sequences (samples too) with join_keys and
// events; a missing event is {"_index":"","_id":"","_source":{},"missing":true}.
// hits.total counts all matches, before the size and pipes cut them down.
func (r *Result) WriteJSON(w io.Writer, took time.Duration) error {
	out := response{IsPartial: r.Partial, Took: took.Milliseconds()}
	out.Hits.Total.Value, out.Hits.Total.Relation = r.Total, "eq"
	if r.Kind == eql.Event {
		list := eventsJSON(r.Events)
		out.Hits.Events = &list
	} else {
		list := make([]sequenceJSON, len(r.Sequences))
		for i := range list {
			list[i] = r.Sequences[i].json()
		}
		out.Hits.Sequences = &list
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// WriteNDJSON writes each event, sequence or sample as one line: an element of
// hits.events or hits.sequences of WriteJSON.
func (r *Result) WriteNDJSON(w io.Writer) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	for i := range r.Events {
		if err := e.Encode(r.Events[i].json()); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	for i := range r.Sequences {
		if err := e.Encode(r.Sequences[i].json()); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

func (e *Event) json() eventJSON {
	if e.Missing {
		return eventJSON{Source: json.RawMessage("{}"), Missing: true}
	}
	return eventJSON{Index: e.Index, ID: e.ID, Source: e.Source}
}

func eventsJSON(events []Event) []eventJSON {
	out := make([]eventJSON, len(events))
	for i := range events {
		out[i] = events[i].json()
	}
	return out
}

func (s *Sequence) json() sequenceJSON {
	out := sequenceJSON{Events: eventsJSON(s.Events)}
	for _, v := range s.JoinKeys {
		out.JoinKeys = append(out.JoinKeys, s.keyJSON(v))
	}
	return out
}

// keyJSON writes a join key: numbers and booleans as such, null as null, all
// else as text; the dates of samples are numbers.
func (s *Sequence) keyJSON(v event.Value) json.RawMessage {
	switch v.Kind {
	case event.KindDouble:
		if f := math.Float64frombits(v.N); !math.IsInf(f, 0) && !math.IsNaN(f) {
			return json.RawMessage(s.KeyText(v))
		}
	case event.KindNull, event.KindLong, event.KindULong, event.KindBool:
		return json.RawMessage(s.KeyText(v))
	case event.KindTime:
		if s.Sample {
			return json.RawMessage(s.KeyText(v))
		}
	}
	return event.AppendJSONString(nil, s.KeyText(v))
}
