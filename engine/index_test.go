package engine

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/strategy"
)

const shared = "../../shared"

// bruteForce is what the index must find: every stage, asked one by one.
func bruteForce(e *Engine, ev *event.Event) []int32 {
	var out []int32
	for i := range e.stages {
		if e.stages[i].match.Match(ev) {
			out = append(out, int32(i))
		}
	}
	return out
}

func indexed(l *lookup, ev *event.Event) (matched []int32, candidates int) {
	found := l.candidates(ev)
	for _, n := range found {
		if l.verify(ev, n) {
			matched = append(matched, n)
		}
	}
	slices.Sort(matched)
	return matched, len(found)
}

// corpus gives documents of a large recording that lies beside the repository.
func corpus(t testing.TB, name string, most int, yield func(doc []byte)) {
	path := filepath.Join(shared, "bench", name)
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no recording at %s", path)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for n := 0; n < most && lines.Scan(); n++ {
		yield(lines.Bytes())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

func elasticRules(t testing.TB) *Engine {
	path := filepath.Join(shared, "rules", "eql_rules.ndjson")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no rules at %s", path)
	}
	list, problems := strategy.Load([]string{path})
	if strategy.HasErrors(problems) {
		t.Fatal(problems)
	}
	e, broken := New(list, Options{})
	if len(broken) > 0 {
		t.Fatal(broken[0])
	}
	return e
}

// TestIndexOnRealEvents: with all of Elastic's rules no match is lost and none
// is invented, on real events of both logs.
func TestIndexOnRealEvents(t *testing.T) {
	e := elasticRules(t)
	ecs.Prepare(e.Schema())
	l := newLookup(e.index)
	d := ecs.NewDecoder(e.Schema(), ecs.Options{Native: true})
	ev := event.New(e.Schema())
	events, matches, candidates := 0, 0, 0
	for _, name := range []string{"otrf-covenant-dcom.ndjson.gz", "otrf-sharpdump.ndjson.gz"} {
		corpus(t, name, 4000, func(doc []byte) {
			if err := d.JSON(doc, ev); errors.Is(err, ecs.ErrNotEvent) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
			got, n := indexed(&l, ev)
			want := bruteForce(e, ev)
			events, matches, candidates = events+1, matches+len(want), candidates+n
			if !slices.Equal(got, want) {
				t.Fatalf("event %s\nindex finds %v\nbrute force %v", doc, got, want)
			}
		})
	}
	t.Logf("%d stages, %d predicates, %d events: %.2f candidates and %.2f matches an event",
		len(e.stages), len(e.index.preds), events, float64(candidates)/float64(events), float64(matches)/float64(events))
}

// TestIndexOnRandomEvents: the same over rules and events made of few words, so
// that every kind of guard is met, missing and repeated values among them.
func TestIndexOnRandomEvents(t *testing.T) {
	conditions := []string{
		`process.name == "a.exe"`, `process.name : "A*"`, `process.name : ("*b", "c?d*")`, `process.name like "*B.exe"`,
		`process.name in ("a.exe", "B.EXE")`, `process.name in~ ("a.exe", "B.EXE")`, `process.name != "a.exe"`,
		`process.name != null`, `process.name == null`, `not process.name : "a*"`, `process.pid == 4`, `process.pid in (4, 5)`,
		`process.pid > 3`, `source.ip == "10.0.0.1"`, `cidrMatch(source.ip, "10.0.0.0/8", "::1/128")`, `startsWith(process.name, "a")`,
		`endsWith~(process.name, ".EXE")`, `stringContains(process.name, "b.")`, `length(process.name) > 3`,
		`process.name regex "[ab]\\.exe"`, `process.name regex~ "(A|c).*"`, `(process.name : "a*" or process.pid == 5)`,
		`(process.name : "a*" or process.name == null)`, `process.name : "*"`, `process.name : ""`, `process.name == ""`,
		`concat(process.name, process.pid) : "a*4"`, `process.args : ("-x", "/y*")`, `true`, `false`,
		`process.name : "?:\\Dir\\*"`, `process.name : "??.exe"`, `process.name : "?*b.exe"`, `process.name : "*\\dir\\*b.e?e"`,
		`process.name : ("*dir*", "*xe.*", "*ab.exe*", "*.exe.b*")`, `process.name like "*Dir\\*"`, `process.args : "?"`,
		`event.type == "start"`, `event.type : "Start"`, `event.type in ("start", "end")`, `event.type != "end"`, `not event.type == "start"`,
		`host.os.type == "windows"`, `host.os.type in~ ("Windows", "linux")`, `event.category == "file"`, `event.type : "st*"`,
		`(event.type == "start" or process.pid == 4)`, `(event.type == "end" or event.type == "start")`,
		`(event.type == "start" and process.name : "*b*" or event.type == "end" and process.args == "-x")`,
	}
	values := []string{"a.exe", "A.EXE", "b.exe", "c.d", "cxd.exe", "", "-x", "/Yes", "ab.exe.b", "é*?", `C:\Dir\ab.exe`, `é:\dir\x`, "éé.exe", `\dir\`, "\xff:\\dir\\"}
	categories := []string{"process", "network", "file", "any"}
	rapid.Check(t, func(rt *rapid.T) {
		var list []*strategy.Strategy
		for i := range rapid.IntRange(1, 12).Draw(rt, "rules") {
			parts := rapid.SliceOfN(rapid.SampledFrom(conditions), 1, 3).Draw(rt, "conjuncts")
			query := rapid.SampledFrom(categories).Draw(rt, "category") + " where " + strings.Join(parts, " and ")
			list = append(list, &strategy.Strategy{ID: fmt.Sprint(i), Rules: []strategy.Rule{{Query: query}}})
		}
		e, broken := New(list, Options{Profile: randomProfile(rt, values)})
		if len(broken) > 0 {
			rt.Fatal(broken[0])
		}
		l := newLookup(e.index)
		ev := event.New(e.Schema())
		for range rapid.IntRange(1, 8).Draw(rt, "events") {
			ev.Reset(nil)
			randomEvent(rt, e.Schema(), ev, values)
			got, _ := indexed(&l, ev)
			if want := bruteForce(e, ev); !slices.Equal(got, want) {
				rt.Fatalf("index finds %v, brute force %v", got, want)
			}
		}
	})
}

func randomEvent(rt *rapid.T, s *event.Schema, ev *event.Event, values []string) {
	texts := func(field string) {
		slot, ok := s.Lookup(field)
		if !ok {
			return
		}
		for range rapid.IntRange(0, 2).Draw(rt, field) {
			ev.Add(slot, event.Text(rapid.SampledFrom(values).Draw(rt, "value")))
		}
	}
	texts("process.name")
	texts("process.args")
	if slot, ok := s.Lookup("process.pid"); ok && rapid.Bool().Draw(rt, "pid?") {
		ev.Add(slot, event.Number(rapid.SampledFrom([]string{"4", "5", "4.0", "99"}).Draw(rt, "pid")))
	}
	if slot, ok := s.Lookup("source.ip"); ok && rapid.Bool().Draw(rt, "ip?") {
		ev.Add(slot, event.Text(rapid.SampledFrom([]string{"10.0.0.1", "::ffff:10.0.0.1", "::1", "192.0.2.1", "no"}).Draw(rt, "ip")))
	}
	for _, d := range []struct {
		field string
		words []string
	}{
		{"event.category", []string{"process", "network", "file", "Process", "odd"}},
		{"event.type", []string{"start", "end", "Start", "odd", "info"}},
		{"host.os.type", []string{"windows", "Windows", "linux", "odd"}},
	} {
		slot, ok := s.Lookup(d.field)
		if !ok {
			continue
		}
		for range rapid.IntRange(0, 4).Draw(rt, d.field) {
			ev.Add(slot, event.Text(rapid.SampledFrom(d.words).Draw(rt, "value")))
		}
	}
}

// randomProfile makes any guard the best: the choice must not change results.
func randomProfile(rt *rapid.T, values []string) *Profile {
	if rapid.Bool().Draw(rt, "no profile") {
		return nil
	}
	p := &Profile{Fields: map[string]*FieldProfile{}}
	for _, name := range []string{"process.name", "process.args", "process.pid", "event.type"} {
		f := &FieldProfile{Present: rapid.Float64Range(0, 1).Draw(rt, "present"), Values: map[string]float64{}}
		for range rapid.IntRange(0, 3).Draw(rt, "values") {
			f.Values[event.FoldASCII(rapid.SampledFrom(values).Draw(rt, "value"))] = rapid.Float64Range(0, 1).Draw(rt, "share")
		}
		p.Fields[name] = f
	}
	return p
}
