package query

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
)

var rewrite = flag.Bool("rewrite", false, "write the results of sequences and samples into the conformance files")

// TestConformanceFiles runs what `eval` gives in the project's own conformance
// files (eql/testdata/README.md), sequences and samples included.
func TestConformanceFiles(t *testing.T) {
	files, err := filepath.Glob("../eql/testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no conformance files: ", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runFile(t, file) })
	}
}

func runFile(t *testing.T, file string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	var mapping *event.Mapping
	docs := filepath.Join(t.TempDir(), "docs.ndjson")
	changed := false
	for i := 0; i < len(lines); i++ {
		if lines[i] == "" || lines[i][0] == '#' {
			continue
		}
		head, from := strings.Fields(lines[i]), i+1
		end := func(stop string) int {
			for i++; i < len(lines) && lines[i] != stop; i++ {
			}
			return min(i, len(lines))
		}
		switch head[0] {
		case "load":
			text := strings.Join(lines[from:end("")], "\n")
			if err := os.WriteFile(docs, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		case "mapping":
			text := strings.Join(lines[from:end("")], "\n")
			if mapping = nil; len(head) > 1 {
				continue
			}
			if mapping, err = event.MappingTypes([]byte(text)); err != nil {
				t.Fatalf("%s:%d: %v", file, from, err)
			}
		default:
			text := strings.Join(lines[from:end("----")], "\n")
			at := i + 1
			want := lines[at:end("")]
			if head[0] != "eval" {
				continue
			}
			got := eval(t, text, head[1:], mapping, docs)
			if slices.Equal(got, want) {
				continue
			}
			if *rewrite {
				lines = slices.Replace(lines, at, at+len(want), got...)
				i, changed = at+len(got), true
				continue
			}
			t.Errorf("%s:%d: %s\ngot\n%s\nwant\n%s", file, from, text, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if changed {
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func eval(t *testing.T, text string, args []string, mapping *event.Mapping, docs string) []string {
	t.Helper()
	o := Options{Mapping: mapping, Size: 1 << 30}
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		n, _ := strconv.Atoi(value)
		switch name {
		case "size":
			o.Size = n
		case "result_position":
			o.Head = value == "head"
		case "max_samples_per_key":
			o.MaxSamplesPerKey = n
		case "tiebreaker":
			o.TiebreakerField = value
		default:
			t.Fatalf("unknown option %s", a)
		}
	}
	q, err := Compile(text, o)
	if err != nil {
		return []string{err.Error()}
	}
	r, err := q.Run(t.Context(), []string{docs}, Input{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Kind == eql.Event {
		return []string{orNone(idsOf(r.Events))}
	}
	var out []string
	for _, s := range r.Sequences {
		var keys []string
		for _, v := range s.JoinKeys {
			keys = append(keys, s.KeyText(v))
		}
		out = append(out, fmt.Sprintf("[%s] %s", strings.Join(keys, ", "), idsOf(s.Events)))
	}
	if len(out) == 0 {
		return []string{"(none)"}
	}
	return out
}

func idsOf(events []Event) string {
	var ids []string
	for _, e := range events {
		if e.Missing {
			e.ID = "-"
		}
		ids = append(ids, e.ID)
	}
	return strings.Join(ids, " ")
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
