package query

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/source"
)

const suites = "../../shared/eql/conformance"

// suite is one file of Elasticsearch's test cases.
type suite struct {
	Dataset        string
	TimestampField string `json:"timestamp_field"`
	CategoryField  string `json:"event_category_field"`
	Tiebreaker     string `json:"tiebreaker_field"`
	IDField        string `json:"id_field"`
	DefaultSize    int    `json:"default_size"`
	Cases          []struct {
		Name, Query      string
		Expected         json.RawMessage `json:"expected_event_ids"`
		JoinKeys         []*string       `json:"join_keys"`
		Size             *int
		MaxSamplesPerKey int `json:"max_samples_per_key"`
	}
}

// skipped names the cases that are not run, and why.
var skipped = map[string]string{}

// TestConformance runs every case of every suite that has a dataset, with both
// result positions.
func TestConformance(t *testing.T) {
	if _, err := os.Stat(suites); err != nil {
		t.Skip("the conformance suites are not here:", err)
	}
	for _, name := range []string{
		"test_queries", "additional_test_queries", "test_queries_date", "test_queries_date_nanos",
		"test_extra", "test_missing_events", "test_sample", "test_sample_multi",
	} {
		t.Run(name, func(t *testing.T) { runSuite(t, name) })
	}
}

func runSuite(t *testing.T, name string) {
	var s suite
	data, err := os.ReadFile(filepath.Join(suites, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	dataset := filepath.Join(suites, s.Dataset)
	text, err := os.ReadFile(strings.TrimSuffix(dataset, ".ndjson") + ".mapping.json")
	if err != nil {
		t.Fatal(err)
	}
	mapping, err := event.MappingTypes(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := Learn(context.Background(), mapping, []string{dataset}, source.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Cases {
		for _, head := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/head=%v", c.Name, head), func(t *testing.T) {
				if why := skipped[name+"/"+c.Name]; why != "" {
					t.Skip(why)
				}
				o := Options{
					Mapping: mapping, TimestampField: s.TimestampField, EventCategoryField: s.CategoryField,
					TiebreakerField: s.Tiebreaker, Size: s.DefaultSize, Head: head, MaxSamplesPerKey: c.MaxSamplesPerKey,
				}
				if c.Size != nil {
					o.Size = *c.Size
				}
				r := search(t, c.Query, o, dataset)
				ids, keys := flatten(t, r, s.IDField)
				if !expected(t, c.Expected, ids) {
					t.Errorf("%s\ngot  %v\nwant %s", c.Query, ids, c.Expected)
				}
				if c.JoinKeys != nil && !slices.Equal(keys, texts(c.JoinKeys)) {
					t.Errorf("%s\njoin keys %v, want %v", c.Query, keys, texts(c.JoinKeys))
				}
			})
		}
	}
	t.Logf("%d cases", len(s.Cases))
}

func search(t *testing.T, text string, o Options, paths ...string) *Result {
	t.Helper()
	q, err := Compile(text, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	r, err := q.Run(context.Background(), paths, Input{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// flatten returns the ids of all events and all join keys, as texts.
func flatten(t *testing.T, r *Result, idField string) (ids, keys []string) {
	t.Helper()
	add := func(events []Event) {
		for _, e := range events {
			if e.Missing {
				ids = append(ids, "-1")
				continue
			}
			var doc map[string]json.RawMessage
			if err := json.Unmarshal(e.Source, &doc); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, string(doc[idField]))
		}
	}
	add(r.Events)
	for _, s := range r.Sequences {
		add(s.Events)
		for _, v := range s.JoinKeys {
			keys = append(keys, s.KeyText(v))
		}
	}
	return ids, keys
}

func expected(t *testing.T, raw json.RawMessage, got []string) bool {
	t.Helper()
	var one []json.RawMessage
	var many [][]json.RawMessage
	if err := json.Unmarshal(raw, &one); err != nil {
		t.Fatal(err)
	}
	if len(one) == 0 || one[0][0] != '[' {
		many = [][]json.RawMessage{one}
	} else if err := json.Unmarshal(raw, &many); err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(many, func(want []json.RawMessage) bool {
		return slices.EqualFunc(want, got, func(a json.RawMessage, b string) bool { return string(a) == b })
	})
}

func texts(keys []*string) (out []string) {
	for _, k := range keys {
		if k == nil {
			out = append(out, "null")
			continue
		}
		out = append(out, *k)
	}
	return out
}
