package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/baseline"
	"github.com/tocsin-project/tocsin/bench"
	"github.com/tocsin-project/tocsin/coverage"
	"github.com/tocsin-project/tocsin/explain"
	"github.com/tocsin-project/tocsin/report"
	"github.com/tocsin-project/tocsin/strategy/attack"
	"github.com/tocsin-project/tocsin/validate"
)

// TestJSONDocumented holds docs/json.md to the types: in each section the
// fields of the table are those that the type can give, no more and no less.
func TestJSONDocumented(t *testing.T) {
	page := fieldTables(t, "../../docs/json.md")
	f := func(section string, v any) {
		t.Helper()
		fields := map[string]bool{}
		jsonFields(fields, "", reflect.TypeOf(v))
		compareFields(t, section, page[section], fields)
	}
	f("Alert", alert.Alert{})
	f("Summary", report.Summary{})
	f("Validation", struct {
		*validate.Report
		Evasions []validate.Evasion `json:"evasions"`
	}{})
	f("Coverage", coverage.Report{})
	f("Explanation", explain.Report{})
	f("Proposal", proposal{})
	f("Known software", baseline.Product{})
	f("Measurement", bench.Report{})
	f("Strategy", strategyRow{})
	f("Lint finding", problemRow{})
	f("Navigator layer", attack.Layer{})

	all, row := map[string]bool{}, map[string]bool{}
	jsonFields(all, "", reflect.TypeOf(strategyDetails{}))
	jsonFields(row, "", reflect.TypeOf(strategyRow{}))
	maps.DeleteFunc(all, func(name string, _ bool) bool { return row[name] })
	compareFields(t, "Strategy in detail", page["Strategy in detail"], all)

	// The response's types are the query package's own, so it is asked.
	given := map[string]bool{}
	for _, q := range []string{"any where true", "sequence by host.id [any where true] ![any where false]"} {
		var out, errs bytes.Buffer
		in := strings.NewReader(`{"@timestamp":"2026-03-02T09:00:00Z","event":{"category":"file"},"host":{"id":"a"}}` + "\n")
		app := &App{Ctx: context.Background(), Stdin: in, Stdout: &out, Stderr: &errs, Getenv: os.Getenv}
		q = strings.Replace(q, "by host.id", "by host.id with maxspan=1s", 1)
		if status := run(app, []string{"query", "-o", "json", q}); status != 0 {
			t.Fatalf("%s: status %d: %s", q, status, errs.String())
		}
		var v any
		if err := json.Unmarshal(out.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		givenFields(given, "", v)
	}
	compareFields(t, "Query response", page["Query response"], given)
}

// TestBaselineDocumented does the same for what a baseline gives, whose types
// are its package's own. What the demonstration's recording gives is less than
// all there can be, so fields that it lacks are not missed.
func TestBaselineDocumented(t *testing.T) {
	page := fieldTables(t, "../../docs/json.md")
	t.Chdir(t.TempDir())
	runShell(t, "learn", "tocsin simulate psexec tool-monitor > recording.ndjson")
	runShell(t, "learn", "tocsin baseline learn -b learnt.jsonl recording.ndjson")
	id := ""
	file, err := os.ReadFile("learnt.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`"id":"([0-9a-f]+)"`).FindSubmatch(file); m != nil {
		id = string(m[1])
	}
	runShell(t, "close", "tocsin baseline close -b learnt.jsonl --benign --by me --reason ticket "+id)
	f := func(section, text string) {
		t.Helper()
		fields := map[string]bool{}
		for line := range strings.SplitSeq(strings.TrimSpace(text), "\x00") {
			var v any
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			givenFields(fields, "", v)
		}
		if len(fields) < 7 {
			t.Errorf("%s: only %v", section, fields)
		}
		for name := range fields {
			if !slices.Contains(page[section], name) && !slices.ContainsFunc(page[section], func(d string) bool {
				return strings.HasPrefix(d, name+".") || strings.HasPrefix(d, name+"[].")
			}) {
				t.Errorf("docs/json.md, %s: %q is not documented", section, name)
			}
		}
	}
	if file, err = os.ReadFile("learnt.jsonl"); err != nil {
		t.Fatal(err)
	}
	f("Baseline file", strings.ReplaceAll(strings.TrimSpace(string(file)), "\n", "\x00"))
	f("What was learnt", strings.Join(runShell(t, "show", "tocsin baseline show -b learnt.jsonl -o json"), "\n"))
}

func compareFields(t *testing.T, section string, documented []string, fields map[string]bool) {
	t.Helper()
	if len(documented) == 0 {
		t.Errorf("docs/json.md has no table under %q", section)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(documented, name) && !slices.ContainsFunc(documented, func(d string) bool {
			return strings.HasPrefix(d, name+".") || strings.HasPrefix(d, name+"[].")
		}) {
			t.Errorf("docs/json.md, %s: %q is not documented", section, name)
		}
	}
	for _, name := range documented {
		if !fields[name] {
			t.Errorf("docs/json.md, %s: there is no %q", section, name)
		}
	}
}

// fieldTables returns the first cells of the tables under each heading of a
// page, where they are code.
func fieldTables(t *testing.T, path string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("^\\| `([^`]+)` \\|")
	out, section := map[string][]string{}, ""
	for line := range strings.SplitSeq(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			section = name
		}
		if m := row.FindStringSubmatch(line); m != nil {
			out[section] = append(out[section], m[1])
		}
	}
	return out
}

// jsonFields collects the names that values of a type have in JSON: those of
// objects and lists, and of what is in them.
func jsonFields(out map[string]bool, prefix string, typ reflect.Type) {
	marshaler := reflect.TypeFor[json.Marshaler]()
	switch {
	case typ.Implements(marshaler) || reflect.PointerTo(typ).Implements(marshaler):
		return // a time, a raw message: one value
	case typ.Kind() == reflect.Pointer:
		jsonFields(out, prefix, typ.Elem())
	case typ.Kind() == reflect.Slice || typ.Kind() == reflect.Array:
		jsonFields(out, prefix+"[]", typ.Elem())
	case typ.Kind() == reflect.Struct:
		for i := range typ.NumField() {
			field := typ.Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch {
			case name == "-" || !field.IsExported() && !field.Anonymous:
				continue
			case name == "" && field.Anonymous:
				jsonFields(out, prefix, field.Type)
				continue
			case name == "":
				name = field.Name
			}
			if prefix != "" {
				name = prefix + "." + name
			}
			out[name] = true
			jsonFields(out, name, field.Type)
		}
	}
}

// givenFields collects the names in a JSON value, but what is in events.
func givenFields(out map[string]bool, prefix string, v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			givenFields(out, prefix+"[]", x)
		}
	case map[string]any:
		for name, x := range v {
			if prefix != "" {
				name = prefix + "." + name
			}
			out[name] = true
			if !strings.HasSuffix(name, "._source") {
				givenFields(out, name, x)
			}
		}
	}
}
