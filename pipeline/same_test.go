package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/evtx"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/simulate"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategies"
	"github.com/tocsin-project/tocsin/strategy"
)

// shippedEngine compiles all shipped strategies.
func shippedEngine(t testing.TB) *engine.Engine {
	t.Helper()
	list, problems := strategy.LoadFS(strategies.FS)
	for _, p := range problems {
		if p.Level == strategy.Error {
			t.Fatal(p.Render())
		}
	}
	return compile(t, list)
}

func compile(t testing.TB, list []*strategy.Strategy) *engine.Engine {
	t.Helper()
	eng, broken := engine.New(list, engine.Options{})
	for _, p := range broken {
		t.Fatal(p)
	}
	return eng
}

// fatal is what *testing.T and *rapid.T share.
type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
}

// written runs a scan and returns its alerts as JSON, one a line, without what
// may differ from one reading to another: where the events stood.
func written(t fatal, s *pipeline.Scan) []string {
	t.Helper()
	r, err := s.Run(context.Background())
	if err != nil {
		t.Fatalf("scan: %v", err)
	}
	defer r.Close()
	var out []string
	for _, f := range r.Findings {
		a, err := r.Alert(f)
		if err != nil {
			t.Fatalf("write alert: %v", err)
		}
		for i := range a.Events {
			a.Events[i].Origin = nil
		}
		for i := range a.Context {
			a.Context[i].Origin = nil
		}
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatalf("write alert: %v", err)
		}
		out = append(out, string(b))
	}
	return out
}

// differ says where two lists of alerts part, "" if they do not.
func differ(got, want []string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return "missing: " + shorten(want[i])
		case i >= len(want):
			return "too many: " + shorten(got[i])
		case got[i] != want[i]:
			n := 0
			for n < min(len(got[i]), len(want[i])) && got[i][n] == want[i][n] {
				n++
			}
			n = max(0, n-100)
			return fmt.Sprintf("alert %d: …%s\nwant …%s", i, shorten(got[i][n:]), shorten(want[i][n:]))
		}
	}
	return ""
}

// uncounted takes out of answers how often kinds of events were read: what is
// read twice is counted twice there, as the summary's events are.
func uncounted(alerts []string) []string {
	held := regexp.MustCompile(`though this data holds [^\\"]*`)
	out := make([]string, len(alerts))
	for i, a := range alerts {
		out[i] = held.ReplaceAllString(a, "though this data holds some")
	}
	return out
}

func shorten(s string) string { return s[:min(len(s), 400)] }

// pieces is a recording taken apart: documents that may stand in any order, and
// event logs, whose chunks may.
type pieces struct {
	docs []string // one document each, on one line
	logs [][]byte // event logs of one chunk each
}

// takeApart reads a folder.
func takeApart(t *testing.T, paths ...string) pieces {
	t.Helper()
	var p pieces
	_, err := source.Read(t.Context(), paths, source.Options{}, func(b *source.Block) error {
		defer b.Release()
		for doc, problem := range b.Documents {
			if problem == nil && doc.Kind != source.EVTX {
				p.docs = append(p.docs, oneLine(doc.Data))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		logs, err := filepath.Glob(filepath.Join(path, "*.evtx"))
		if err != nil {
			t.Fatal(err)
		}
		for _, log := range logs {
			b, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			const header = 4096
			for at := header; at+evtx.ChunkSize <= len(b); at += evtx.ChunkSize {
				p.logs = append(p.logs, slices.Concat(b[:header], b[at:at+evtx.ChunkSize]))
			}
		}
	}
	return p
}

func oneLine(doc []byte) string {
	if doc[0] == '<' {
		return strings.ReplaceAll(string(doc), "\n", " ")
	}
	var b bytes.Buffer
	if err := json.Compact(&b, doc); err != nil {
		return strings.ReplaceAll(string(doc), "\n", " ")
	}
	return b.String()
}

// write lays the pieces out as n files in dir, dealt in the order of deal,
// each piece so many times.
func (p *pieces) write(t fatal, dir string, n, times int, deal func(n int) []int) {
	t.Helper()
	files := make([]strings.Builder, n)
	for range times {
		for i, k := range deal(len(p.docs)) {
			f := &files[i%n]
			f.WriteString(p.docs[k] + "\n")
		}
	}
	for i := range files {
		if files[i].Len() == 0 {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("part%02d.ndjson", i)), []byte(files[i].String()), 0o644); err != nil {
			t.Fatalf("write piece: %v", err)
		}
	}
	for j := range times {
		for i, k := range deal(len(p.logs)) {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("log%03d-%d.evtx", i, j)), p.logs[k], 0o644); err != nil {
				t.Fatalf("write piece: %v", err)
			}
		}
	}
}

func inOrder(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func backwards(n int) []int {
	out := inOrder(n)
	slices.Reverse(out)
	return out
}

// TestSameAlertsOnRecordings: a recording read twice, in another order, doubled,
// split and by other numbers of workers gives the same alerts, answers and all.
func TestSameAlertsOnRecordings(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(needShared(t, "recordings"), "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	eng := shippedEngine(t)
	total := 0
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			scanOf := func(jobs int, paths ...string) *pipeline.Scan {
				return &pipeline.Scan{Engine: eng, Paths: paths, Native: true, Jobs: jobs, TmpDir: t.TempDir()}
			}
			want := written(t, scanOf(1, dir))
			total += len(want)
			check := func(how string, s *pipeline.Scan) {
				t.Helper()
				got, want := written(t, s), want
				if strings.Contains(how, "twice") || strings.Contains(how, "thrice") || strings.Contains(how, "doubled") {
					got, want = uncounted(got), uncounted(want)
				}
				if d := differ(got, want); d != "" {
					t.Errorf("%s: %s", how, d)
				}
			}
			check("a second time", scanOf(1, dir))
			check("with seven workers", scanOf(7, dir))
			check("its files twice", scanOf(2, dir, dir))
			p := takeApart(t, dir)
			rng := rand.New(rand.NewPCG(7, 11))
			shuffled := func(n int) []int { return rng.Perm(n) }
			for how, f := range map[string]func(string){
				"backwards":          func(d string) { p.write(t, d, 1, 1, backwards) },
				"shuffled":           func(d string) { p.write(t, d, 1, 1, shuffled) },
				"in five pieces":     func(d string) { p.write(t, d, 5, 1, inOrder) },
				"thrice, in a mess":  func(d string) { p.write(t, d, 9, 3, shuffled) },
				"doubled, backwards": func(d string) { p.write(t, d, 2, 2, backwards) },
			} {
				d := t.TempDir()
				f(d)
				check(how, scanOf(2, d))
			}
		})
	}
	if total < 250 {
		t.Errorf("%d alerts in all: too few to compare", total)
	}
}

// TestSameAlertsOnStories: the same over telemetry of random stories: any
// attacks, any sensors, clocks that are off and documents that come late.
func TestSameAlertsOnStories(t *testing.T) {
	eng := shippedEngine(t)
	var attacks []string
	for _, s := range simulate.Scenarios() {
		attacks = append(attacks, s.Name)
	}
	dir := t.TempDir()
	alerts := 0
	rapid.Check(t, func(rt *rapid.T) {
		sources := rapid.SampledFrom([][]simulate.Source{{simulate.Defend, simulate.Sysmon, simulate.Native}, {simulate.SysmonXML, simulate.NativeXML}, {simulate.Native}}).Draw(rt, "sources")
		cfg := simulate.Config{
			Seed: rapid.Uint64().Draw(rt, "seed"), Start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
			Hosts: rapid.IntRange(1, 4).Draw(rt, "hosts"), Sources: sources,
			Scenarios: rapid.SliceOfN(rapid.SampledFrom(attacks), 1, 5).Draw(rt, "scenarios"),
			Jitter:    time.Duration(rapid.IntRange(0, 300).Draw(rt, "jitter")) * time.Millisecond,
			Noise:     float64(rapid.IntRange(0, 3).Draw(rt, "noise")),
		}
		g, err := simulate.New(cfg)
		if err != nil {
			rt.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := g.Write(&b); err != nil {
			rt.Fatal(err)
		}
		p := pieces{docs: strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")}
		scanOf := func(jobs int, text string) *pipeline.Scan {
			return &pipeline.Scan{Engine: eng, Paths: []string{"-"}, Native: true, Jobs: jobs, TmpDir: dir,
				Source: source.Options{Stdin: strings.NewReader(text), BlockSize: 1 << rapid.IntRange(8, 18).Draw(rt, "block")}}
		}
		want := written(rt, scanOf(1, b.String()))
		alerts += len(want)
		order := rapid.Permutation(inOrder(len(p.docs))).Draw(rt, "order")
		twice := rapid.IntRange(1, 2).Draw(rt, "times")
		var mixed strings.Builder
		for range twice {
			for _, i := range order {
				mixed.WriteString(p.docs[i] + "\n")
			}
		}
		got := written(rt, scanOf(3, mixed.String()))
		if twice > 1 {
			got, want = uncounted(got), uncounted(want)
		}
		if d := differ(got, want); d != "" {
			rt.Fatal(d)
		}
	})
	if alerts == 0 {
		t.Error("no alert in any story")
	}
	t.Logf("%d alerts", alerts)
}

// historyRules are rules of every kind, for events of two hosts, three kinds
// and few values.
const historyRules = "# Histories\n\n## Technical Context\n\n```eql\nsequence by host.id with maxspan=2s [process where true] by user.id [network where true] by user.id\n```\n\n" +
	"```eql variant=three\nsequence with maxspan=3s [process where x == \"a\"] [network where true] [file where x == \"a\"]\n```\n\n" +
	"```eql variant=until\nsequence by host.id with maxspan=5s [process where true] [file where true] until [network where x == \"b\"]\n```\n\n" +
	"```eql variant=missing\nsequence by host.id with maxspan=2s [process where x == \"a\"] ![network where true] [file where true]\n```\n\n" +
	"```eql variant=runs\nsequence by user.id with maxspan=4s [process where true] with runs=2 [file where true]\n```\n\n" +
	"```eql variant=sample\nsample by host.id [process where x == \"a\"] [file where x == \"b\"]\n```\n\n" +
	"```eql variant=single\nfile where x == \"b\"\n```\n"

// TestSameAlertsOnHistories: random events with equal times, without record
// numbers, with repeated content and several values of a key.
func TestSameAlertsOnHistories(t *testing.T) {
	list, problems := strategy.Parse("h.md", []byte(historyRules))
	for _, p := range problems {
		t.Fatal(p.Render())
	}
	eng := compile(t, list)
	dir := t.TempDir()
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		doc := rapid.Custom(func(rt *rapid.T) string {
			record := rapid.SampledFrom([]string{"", "", `"winlog":{"record_id":"1","channel":"c","computer_name":"H"},`, `"winlog":{"record_id":"22","channel":"c","computer_name":"h"},`}).Draw(rt, "record")
			return fmt.Sprintf(`{"@timestamp":"2026-03-02T09:00:%02d.%03dZ",%s"event":{"category":%q},"host":{"id":%q},"user":{"id":%s},"x":%q}`,
				rapid.IntRange(0, 5).Draw(rt, "s"), rapid.SampledFrom([]int{0, 0, 1, 999}).Draw(rt, "ms"), record,
				rapid.SampledFrom([]string{"process", "network", "file"}).Draw(rt, "category"), rapid.SampledFrom([]string{"h", "g"}).Draw(rt, "host"),
				rapid.SampledFrom([]string{`"u"`, `"v"`, `["u","v"]`, `null`}).Draw(rt, "user"), rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "x"))
		})
		docs := rapid.SliceOfN(doc, 1, 25).Draw(rt, "docs")
		scanOf := func(jobs, block int, docs []string) *pipeline.Scan {
			return &pipeline.Scan{Engine: eng, Paths: []string{"-"}, Jobs: jobs, TmpDir: dir,
				Source: source.Options{Stdin: strings.NewReader(strings.Join(docs, "\n")), BlockSize: block}}
		}
		want := written(rt, scanOf(1, 0, docs))
		for _, a := range want {
			var v struct{ Variant string }
			if err := json.Unmarshal([]byte(a), &v); err != nil {
				rt.Fatal(err)
			}
			seen[v.Variant]++
		}
		mixed := rapid.Permutation(docs).Draw(rt, "order")
		again := append(slices.Clone(mixed), rapid.SliceOf(rapid.SampledFrom(docs)).Draw(rt, "again")...)
		if d := differ(written(rt, scanOf(3, 300, again)), want); d != "" {
			rt.Fatalf("%s\nof %s", d, strings.Join(docs, "\n"))
		}
	})
	for _, variant := range []string{"", "three", "until", "missing", "runs", "sample", "single"} {
		if seen[variant] == 0 {
			t.Errorf("no alert of variant %q in any history", variant)
		}
	}
}
