package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/strategy"
)

const shared = "../../shared"

// needShared skips a test whose data, other people's, lies beside the repository.
func needShared(t *testing.T, path string) string {
	t.Helper()
	full := filepath.Join(shared, path)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("no test data at %s", full)
	}
	return full
}

// expectation is the part of an expected.json that a rule is held against.
type expectation struct {
	Expected map[string]struct {
		Count   int `json:"count"`
		Matches []struct {
			First, Second *place
			place
		}
	}
}

// place is where an event stands: a line of text, or the ordinal in an array or
// EVTX file.
type place struct {
	File   string
	Line   int
	Record int `json:"record_no"`
}

func (p *place) String() string { return fmt.Sprintf("%s:%d", p.File, max(p.Line, p.Record)) }

// places returns `file:line file:line` of each expected match of a rule.
func (e *expectation) places(t *testing.T, rule string) []string {
	t.Helper()
	var out []string
	for name, r := range e.Expected {
		if !strings.HasPrefix(name, rule+" ") {
			continue
		}
		if r.Count != len(r.Matches) {
			t.Fatalf("%s: %d matches listed of %d", name, len(r.Matches), r.Count)
		}
		for _, m := range r.Matches {
			if m.First != nil {
				out = append(out, m.First.String()+" "+m.Second.String())
			} else {
				out = append(out, m.String())
			}
		}
	}
	sort.Strings(out)
	return out
}

func readExpectation(t *testing.T, dir string) *expectation {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e expectation
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	return &e
}

// scan runs strategies over paths and returns the result, closed at the end of the test.
func scan(t *testing.T, strategies []string, configure func(*pipeline.Scan), paths ...string) *pipeline.Result {
	t.Helper()
	list, problems := strategy.Load(strategies)
	for _, p := range problems {
		if p.Level == strategy.Error {
			t.Fatal(p.Render())
		}
	}
	eng, broken := engine.New(list, engine.Options{})
	for _, p := range broken {
		t.Fatal(p)
	}
	s := &pipeline.Scan{Engine: eng, Paths: paths, Native: true, Jobs: 2, TmpDir: t.TempDir()}
	if configure != nil {
		configure(s)
	}
	r, err := s.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// alertPlaces returns `file:line file:line` of each alert of a variant.
func alertPlaces(t *testing.T, r *pipeline.Result, id, variant string) []string {
	t.Helper()
	var out []string
	for _, f := range r.Findings {
		if f.Rule.Strategy.ID != id || f.Variant != variant {
			continue
		}
		a, err := r.Alert(f)
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, e := range a.Events {
			parts = append(parts, fmt.Sprintf("%s:%d", filepath.Base(e.Origin.Path), e.Origin.Line))
		}
		out = append(out, strings.Join(parts, " "))
	}
	sort.Strings(out)
	return out
}

// TestUsersDocumentOnRecordings: the user's document, as received and repaired,
// alerts where expected.json says and nowhere else: by the clock of the sensor
// (R0), and on the native log as variant native (R3).
func TestUsersDocumentOnRecordings(t *testing.T) {
	recordings := needShared(t, "recordings")
	dirs, err := filepath.Glob(filepath.Join(recordings, "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no recordings below %s: %v", recordings, err)
	}
	for _, doc := range []string{"remotely-started-services-via-rpc.as-received.txt", "remotely-started-services-via-rpc.md"} {
		for _, dir := range dirs {
			t.Run(filepath.Ext(doc)+"/"+filepath.Base(dir), func(t *testing.T) {
				want := readExpectation(t, dir)
				r := scan(t, []string{filepath.Join(shared, "seed", doc)}, nil, dir)
				const id = "remotely-started-services-via-rpc"
				if got, want := alertPlaces(t, r, id, ""), want.places(t, "R0"); !slices.Equal(got, want) {
					t.Errorf("alerts at\n%q, want\n%q", got, want)
				}
				if got, want := alertPlaces(t, r, id, "native"), want.places(t, "R3"); !slices.Equal(got, want) {
					t.Errorf("native alerts at\n%q, want\n%q", got, want)
				}
			})
		}
	}
}
