package validate

import (
	"bytes"
	"context"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-project/tocsin/strategies"
	"github.com/tocsin-project/tocsin/strategy"
)

var rewriteGolden = flag.Bool("rewrite", false, "write golden files again")

func shipped(t *testing.T) []*strategy.Strategy {
	t.Helper()
	list, problems := strategy.LoadFS(strategies.FS)
	for _, p := range problems {
		if p.Level == strategy.Error {
			t.Fatal(p.Render())
		}
	}
	return list
}

func run(t *testing.T, list []*strategy.Strategy, opt Options) *Report {
	t.Helper()
	opt.TmpDir = t.TempDir()
	r, err := Run(t.Context(), list, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestShipped: every shipped strategy is proven, in every form of each sensor.
func TestShipped(t *testing.T) {
	r := run(t, shipped(t), Options{Required: func(*strategy.Strategy) bool { return true }, Shapes: true})
	shapes := map[string]int{}
	for _, s := range r.Strategies {
		for _, e := range s.Errors {
			t.Errorf("%s: %s", s.ID, e)
		}
		for _, w := range s.Warnings {
			t.Errorf("%s: not proven: %s", s.ID, w)
		}
		for i := range s.Proofs {
			shapes[s.Proofs[i].Shape]++
			if !s.Proofs[i].Passed {
				t.Errorf("%s: %s", s.ID, &s.Proofs[i])
			}
		}
	}
	if r.Red != 0 || r.Failed != 0 || r.Proofs < 300 {
		t.Errorf("%d red, %d failed of %d proofs", r.Red, r.Failed, r.Proofs)
	}
	for _, shape := range []string{recorded, "defend", "sysmon", "sysmon-xml", "sysmon-evtx", "native", "native-xml", "native-evtx"} {
		if shapes[shape] < 10 {
			t.Errorf("%d proofs in the shape %s", shapes[shape], shape)
		}
	}
}

// document is a small strategy over a network and a process event. It is
// changed by replacements.
func document(pairs ...string) string {
	const doc = "# Small\n\n## Goal\n\nText.\n\n## Technical Context\n\n```eql\n" + `sequence by host.id with maxspan=1s
  [network where process.name : "services.exe" and destination.port >= 49152] by process.entity_id
  [process where event.type == "start" and process.parent.name : "services.exe"] by process.parent.entity_id` + "\n```\n\n## Validation\n\n```ndjson alert=\"one\"\n" +
		`{"@timestamp":"2026-03-02T09:00:00.000Z","host":{"id":"a","name":"ws1"},"event":{"category":["network"],"type":["start"]},"process":{"name":"services.exe","entity_id":"p1"},"destination":{"port":49664}}
{"@timestamp":"2026-03-02T09:00:00.500Z","host":{"id":"a","name":"ws1"},"event":{"category":["process"],"type":["start"]},"process":{"name":"a.exe","parent":{"name":"services.exe","entity_id":"p1"}}}` + "\n```\n"
	out := doc
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(out, pairs[i]) {
			panic("no " + pairs[i])
		}
		out = strings.Replace(out, pairs[i], pairs[i+1], 1)
	}
	return out
}

func parse(t *testing.T, doc string) []*strategy.Strategy {
	t.Helper()
	list, problems := strategy.Parse("small.md", []byte(doc))
	for _, p := range problems {
		t.Fatal(p.Render())
	}
	return list
}

// TestRed: a strategy broken on purpose is red and says what broke it.
func TestRed(t *testing.T) {
	const exception = "\n## False Positives\n\n```yaml exceptions\n- name: ours\n  when: process.name == \"a.exe\"\n  scope: stage 2\n  reason: x\n  owner: y\n```\n"
	f := func(name, want string, pairs ...string) {
		t.Helper()
		doc := document(pairs...)
		if name == "exception" {
			doc += exception
		}
		s := run(t, parse(t, doc), Options{}).Strategies[0]
		if got := strings.Join(append(reasons(&s), s.Errors...), "\n"); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
	}
	f("as it is", "")
	f("parent", `alert "one" at line 18: no alert: stage 2: process.parent.name : "services.exe" saw "svchost.exe" (line 2 comes nearest)`,
		`"parent":{"name":"services.exe"`, `"parent":{"name":"svchost.exe"`)
	f("wrong field", `alert "one" at line 18: no alert: stage 1: proces.name : "services.exe" saw nothing (line 1 comes nearest)`,
		`process.name : "serv`, `proces.name : "serv`)
	f("two predicates", `alert "one" at line 18: no alert: stage 1: process.name : "x.exe" saw "services.exe"; destination.port >= 50000 saw "49664" (line 1 comes nearest)`,
		`process.name : "services.exe"`, `process.name : "x.exe"`, `>= 49152`, `>= 50000`)
	f("category", `alert "one" at line 18: no alert: stage 2: event.category == "file" saw "process" (line 2 comes nearest)`, `[process where`, `[file where`)
	f("key", `alert "one" at line 18: no alert: stages 1 and 2 share no key: process.entity_id saw "p1", process.parent.entity_id saw "p2" (lines 1 and 2)`,
		`"services.exe","entity_id":"p1"}}}`, `"services.exe","entity_id":"p2"}}}`)
	f("host", `alert "one" at line 18: no alert: stages 1 and 2 share no key: host.id saw "a", host.id saw "b" (lines 1 and 2)`,
		`00.500Z","host":{"id":"a"`, `00.500Z","host":{"id":"b"`)
	f("no key", `alert "one" at line 18: no alert: stage 2: line 2 satisfies it, but a join key has no value (host.id, process.parent.entity_id)`,
		`,"entity_id":"p1"}}}`, `}}}`)
	f("late", `alert "one" at line 18: no alert: stage 2 comes 1.5s after stage 1, maxspan is 1s (lines 2 and 1)`, `00.500Z`, `01.500Z`)
	f("order", `alert "one" at line 18: no alert: stage 2 comes 200ms before stage 1 (lines 2 and 1)`, `09:00:00.500Z`, `08:59:59.800Z`)
	f("exception", `alert "one" at line 18: no alert: stage 2: excused by exception "ours"`)
	f("quiet", `quiet "one" at line 18: must stay quiet, alerts: small at 2026-03-02 09:00:00.500 of ws1, line 1 and 2`, `alert="one"`, `quiet="one"`)
	f("variant", `alert "one" at line 18: no alert of variant "other": only of "": the strategy has no variant "other"`, `alert="one"`, `alert="one" variant=other`)
	f("broken event", `alert "one" at line 18: cannot be read whole: stdin:1: read document: read json: offset 10: unexpected '}'`, `{"@timestamp":"2026-03-02T09:00:00.000Z"`, `{"@timest"}`)
	f("no events", `alert "one" at line 18: holds no event: it proves nothing`, document()[strings.Index(document(), `{"@time`):strings.LastIndex(document(), "\n```")], `{"a":1}`)
}

func reasons(s *Strategy) []string {
	var out []string
	for i := range s.Proofs {
		if !s.Proofs[i].Passed {
			out = append(out, s.Proofs[i].String())
		}
	}
	return out
}

func TestNearestVariant(t *testing.T) {
	doc := document(`network where`, `file where`) + "\n## Abstract\n\n```eql variant=single\nprocess where process.name == \"b.exe\" and event.type == \"start\"\n```\n"
	s := run(t, parse(t, doc), Options{}).Strategies[0]
	want := `alert "one" at line 18: no alert: stage 1: event.category == "file" saw "network" (line 1 comes nearest)`
	if got := strings.Join(reasons(&s), "\n"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	doc = strings.Replace(doc, `[process where event`, `[file where event`, 1)
	s = run(t, parse(t, doc), Options{}).Strategies[0]
	want = `alert "one" at line 18: no alert: nearest is variant "single": stage 1: process.name == "b.exe" saw "a.exe" (line 2 comes nearest)`
	if got := strings.Join(reasons(&s), "\n"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestFiles: cases beside the document, in any form; a damaged one is red.
func TestFiles(t *testing.T) {
	doc := document()
	cut := strings.Index(doc, "```ndjson")
	events := doc[strings.Index(doc, `{"@time`):strings.LastIndex(doc, "```")]
	fsys := fstest.MapFS{
		"small.md":                          {Data: []byte(doc[:cut])},
		"testdata/small/alert-a.ndjson":     {Data: []byte(events)},
		"testdata/small/alert-array.json":   {Data: []byte("[" + strings.Replace(strings.TrimSpace(events), "\n", ",", 1) + "]")},
		"testdata/small/quiet-half.ndjson":  {Data: []byte(events[:strings.Index(events, "\n")+1])},
		"testdata/small/alert-none.ndjson":  {Data: nil},
		"testdata/small/quiet-garbage.evtx": {Data: []byte("no event log")},
	}
	list, problems := strategy.LoadFS(fsys)
	for _, p := range problems {
		t.Fatal(p.Render())
	}
	s := run(t, list, Options{}).Strategies[0]
	got := strings.Join(reasons(&s), "\n")
	for _, want := range []string{"alert-none.ndjson: holds no event", "quiet-garbage.evtx: cannot be read"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	if len(s.Proofs) != 5 || len(reasons(&s)) != 2 {
		t.Errorf("%d proofs, red: %s", len(s.Proofs), got)
	}
}

func TestNoCase(t *testing.T) {
	doc := document()
	list := parse(t, doc[:strings.Index(doc, "```ndjson")])
	r := run(t, list, Options{})
	if s := r.Strategies[0]; s.Red || len(s.Warnings) != 2 || r.Red != 0 {
		t.Errorf("without a case: %+v", s)
	}
	r = run(t, list, Options{Required: func(*strategy.Strategy) bool { return true }})
	if s := r.Strategies[0]; !s.Red || len(s.Errors) != 1 || r.Red != 1 || r.Failed != 1 {
		t.Errorf("required, without a case: %+v", s)
	}
}

// TestBrokenRule: a rule that does not compile is red, whatever its cases do.
func TestBrokenRule(t *testing.T) {
	list, _ := strategy.Parse("small.md", []byte(document(`destination.port >=`, `destination.port >>`)))
	s := run(t, list, Options{}).Strategies[0]
	if !s.Red || len(s.Errors) != 1 || !strings.Contains(s.Errors[0], "small.md:") {
		t.Errorf("%+v", s)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, parse(t, document()), Options{}); err == nil {
		t.Error("an ended context gives a report")
	}
}

func TestJUnit(t *testing.T) {
	list := parse(t, document(`"parent":{"name":"services.exe"`, `"parent":{"name":"svc\u0007host.exe"`))
	r := run(t, list, Options{})
	var b bytes.Buffer
	if err := r.WriteJUnit(&b); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if got.Tests != 2 || got.Failures != 1 || got.Suites[0].Skipped != 1 || got.Suites[0].Name != "small" {
		t.Errorf("%+v", got)
	}
	fail := got.Suites[0].Cases[0].Failure
	if fail == nil || !strings.Contains(fail.Message, `stage 2: process.parent.name : "services.exe" saw`) {
		t.Errorf("%s", b.String())
	}
}

// TestEvasions holds what slips through each shipped strategy to a list, with
// the sentence that admits it: a new hole shows as a difference.
func TestEvasions(t *testing.T) {
	found, err := Evade(t.Context(), shipped(t), Options{TmpDir: t.TempDir(), Now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range found {
		if e.Slips == 0 {
			continue
		}
		text := "NOT ADMITTED"
		if e.Admitted != "" {
			text = "admitted"
		}
		fmt.Fprintf(&b, "%s\t%s\t%d of %d\t%s\n", e.Strategy, e.Name, e.Slips, e.Tried, text)
	}
	golden := filepath.Join("testdata", "evasions.golden")
	if *rewriteGolden {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("what slips through has changed (-rewrite, and look at the difference):\n%s", b.String())
	}
	if n := strings.Count(b.String(), "NOT ADMITTED"); n > 0 {
		t.Errorf("%d evasions slip through that no document admits", n)
	}
}

func TestMutations(t *testing.T) {
	f := func(name, field, text, want string) {
		t.Helper()
		for _, m := range mutations() {
			if m.name == name {
				if got := m.text(field, text); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
				return
			}
		}
		t.Errorf("no mutation %q", name)
	}
	const image = "winlog.event_data.Image"
	f(`8.3 names (C:\PROGRA~1)`, image, `C:\Program Files\Acme Backup\agent.exe`, `C:\PROGRA~1\ACMEBA~1\agent.exe`)
	f(`8.3 names (C:\PROGRA~1)`, image, `C:\Program Files (x86)\a.exe`, `C:\PROGRA~2\a.exe`)
	f(`8.3 names (C:\PROGRA~1)`, image, `C:\Windows\System32\powershell.exe`, `C:\Windows\System32\POWERS~1.EXE`)
	f("another drive letter", image, `C:\Windows\a.exe`, `E:\Windows\a.exe`)
	f("another drive letter", image, `C:\Windows\System32\services.exe`, `C:\Windows\System32\services.exe`)
	f("slashes for backslashes", image, `C:\Windows\a.exe`, `C:/Windows/a.exe`)
	f("double backslashes", image, `C:\Windows\Temp\a.exe`, `C:\Windows\\Temp\\a.exe`)
	f(`prefix \\?\`, image, `C:\Windows\a.exe`, `\\?\C:\Windows\a.exe`)
	f("letters in upper case", image, `C:\Windows\System32\services.exe`, `C:\WINDOWS\SYSTEM32\SERVICES.EXE`)
	f("source address ::1", "winlog.event_data.SourceIp", "10.0.0.1", "::1")
	f("source address ::1", "winlog.event_data.IpAddress", "-", "-")
	f("source address ::1", "source.ip", "10.0.0.1", "::1")
	f("source port 49151", "winlog.event_data.SourcePort", "50123", "49151")
	f("source port 49151", "winlog.event_data.SourcePort", "445", "445")
	f("destination port 49151", "winlog.event_data.DestPort", "50123", "49151")
	f("host named in another case", "winlog.computer_name", "ws1.example", "WS1.EXAMPLE")
	if got := shifted("2026-03-02 09:00:00.250", -time.Second); got != "2026-03-02 08:59:59.250" {
		t.Error(got)
	}
	if got := shifted("2026-03-02T09:00:00.25Z", time.Millisecond); got != "2026-03-02T09:00:00.251Z" {
		t.Error(got)
	}
	if got := shifted("services.exe", time.Second); got != "services.exe" {
		t.Error(got)
	}
}
