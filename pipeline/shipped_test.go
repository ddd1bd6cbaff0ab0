package pipeline_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/strategy"
)

const flagship = "remotely-started-services-via-rpc"

// TestShippedOnRecordings: all shipped strategies together over each recording,
// held to expected.json place by place: the flagship and its variants, each new
// service, hosted services, services over SMB. What else alerts is listed, with
// the reason, in package strategies.
func TestShippedOnRecordings(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(needShared(t, "recordings"), "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	eng := shippedEngine(t)
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			want := readExpectation(t, dir)
			s := &pipeline.Scan{Engine: eng, Paths: []string{dir}, Native: true, Jobs: 2, TmpDir: t.TempDir()}
			r, err := s.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if sum := r.Summary.Source; sum.Unreadable > 0 || r.Summary.Bad+sum.ProblemCount > 0 {
				t.Errorf("problems: %+v", sum)
			}
			check := func(what string, got, want []string) {
				t.Helper()
				sort.Strings(got)
				sort.Strings(want)
				if !slices.Equal(got, want) {
					t.Errorf("%s: alerts at\n%q, want\n%q", what, got, want)
				}
			}
			r0, r2 := want.places(t, "R0"), want.places(t, "R2")
			check("flagship", alertPlaces(t, r, flagship, ""), r0)
			check("flagship, native", alertPlaces(t, r, flagship, "native"), want.places(t, "R3"))
			check("flagship, reversed", unordered(alertPlaces(t, r, flagship, "reversed")), without(unordered(r2), unordered(r0)))
			check("new services", alertPlaces(t, r, "new-service-installed", ""), append(want.places(t, "R5"), want.places(t, "R6")...))
			check("hosted service", alertPlaces(t, r, "hosted-service-started-after-rpc", ""), without(want.places(t, "R1"), r0))
			smb := countOf(r, "services-started-over-smb-pipe") > 0
			if expected := pipeThenChild(t, dir); smb != expected {
				t.Errorf("service over SMB: alert %v, want %v", smb, expected)
			}
			for _, f := range r.Findings {
				complete(t, r, f, filepath.Base(dir))
			}
		})
	}
}

// complete holds an alert to what each must carry: time, host, and where each
// event stood, down to the log's record, but for two recordings that have none.
func complete(t *testing.T, r *pipeline.Result, f *pipeline.Finding, recording string) {
	t.Helper()
	bare := recording == "psexesvc-local-2020" || recording == "service-mod-fax-2020"
	a, err := r.Alert(f)
	if err != nil {
		t.Fatal(err)
	}
	if a.ID == "" || a.Incident == "" || a.Timestamp.Year() < 2019 || a.Host.Name == "" || a.Severity == "" || len(a.Events) == 0 {
		t.Errorf("%s: incomplete: %+v", f.Name(), a)
	}
	for i := range a.Events {
		if o := a.Events[i].Origin; o == nil || o.Path == "" || o.Line == 0 || (o.Record == "") != bare || a.Events[i].ID == "" {
			t.Errorf("%s: event %d without its place: %+v", f.Name(), i, o)
		}
	}
}

// unordered writes the places of each alert in the order of their text.
func unordered(alerts []string) []string {
	var out []string
	for _, a := range alerts {
		parts := strings.Fields(a)
		sort.Strings(parts)
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

func without(list, drop []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(drop, s) })
}

func countOf(r *pipeline.Result, id string) (n int) {
	for _, f := range r.Findings {
		if f.Rule.Strategy.ID == id {
			n++
		}
	}
	return n
}

// pipeThenChild reports whether a child of services.exe that is not excluded
// (R4) follows an access to the svcctl pipe (R7) on its host within 10 s.
func pipeThenChild(t *testing.T, dir string) bool {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Expected map[string]struct {
			Matches []struct{ Host, Logged string }
		}
	}
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		for _, form := range []string{time.RFC3339Nano, "2006-01-02 15:04:05"} {
			if at, err := time.Parse(form, s); err == nil {
				return at
			}
		}
		t.Fatalf("no time: %q", s)
		return time.Time{}
	}
	for name, r := range e.Expected {
		if !strings.HasPrefix(name, "R7 ") {
			continue
		}
		for child, c := range e.Expected {
			if !strings.HasPrefix(child, "R4 ") {
				continue
			}
			for _, pipe := range r.Matches {
				for _, start := range c.Matches {
					gap := at(start.Logged).Sub(at(pipe.Logged))
					if strings.EqualFold(pipe.Host, start.Host) && gap >= -time.Second && gap <= 10*time.Second {
						return true // logged in whole seconds in some
					}
				}
			}
		}
	}
	return false
}

// TestFlagshipIsTheUsersDocument: the shipped flagship and the user's document
// give the same alerts, pair by pair, through the whole line: on every recording,
// and on every case and look-alike that is shipped.
func TestFlagshipIsTheUsersDocument(t *testing.T) {
	seed := needShared(t, "seed/remotely-started-services-via-rpc.md")
	theirs, problems := strategy.Load([]string{seed})
	for _, p := range problems {
		t.Fatal(p.Render())
	}
	user := compile(t, theirs)
	shipped := shippedEngine(t)
	paths, err := filepath.Glob(filepath.Join(needShared(t, "recordings"), "*"))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := filepath.Glob("../strategies/testdata/*/*")
	if err != nil || len(cases) < 50 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	compared := 0
	for _, path := range append(paths, cases...) {
		of := func(s *pipeline.Scan) []string {
			s.Paths, s.Native, s.Jobs, s.TmpDir = []string{path}, true, 1, t.TempDir()
			r, err := s.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			var out []string
			for _, variant := range []string{"", "native"} {
				for _, p := range alertPlaces(t, r, flagship, variant) {
					out = append(out, variant+" "+p)
				}
			}
			return out
		}
		got, want := of(&pipeline.Scan{Engine: shipped}), of(&pipeline.Scan{Engine: user})
		if !slices.Equal(got, want) {
			t.Errorf("%s: flagship %q, the user's %q", path, got, want)
		}
		compared += len(want)
	}
	if compared < 10 {
		t.Errorf("%d alerts compared", compared)
	}
}
