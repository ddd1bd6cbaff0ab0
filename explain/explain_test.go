package explain_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/explain"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
)

// document is a strategy with one rule, and exceptions if any.
func document(rule, exceptions string) string {
	if exceptions != "" {
		exceptions = "\n```yaml exceptions\n" + exceptions + "```\n"
	}
	return "---\nid: t\n---\n\n# T\n\n## Goal\n\nx\n\n## Technical Context\n\n```eql\n" + rule + "\n```\n\n## False Positives\n\nnone\n" + exceptions
}

// run explains a document over events.
func run(t *testing.T, doc, events string, set func(*explain.Explain)) *explain.Report {
	t.Helper()
	list, problems := strategy.Parse("t.md", []byte(doc))
	for _, p := range problems {
		if p.Level == strategy.Error {
			t.Fatal(p.Render())
		}
	}
	eng, broken := engine.New(list, engine.Options{})
	for _, p := range broken {
		t.Fatal(p)
	}
	x := explain.Explain{Engine: eng, Paths: []string{"-"}, Native: true, Jobs: 2, Source: source.Options{Stdin: strings.NewReader(events), BlockSize: 512}}
	if set != nil {
		set(&x)
	}
	r, err := x.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ev is an ECS event at a millisecond of one minute.
func ev(category string, ms int, rest string) string {
	return fmt.Sprintf(`{"@timestamp":"2024-05-01T10:00:%02d.%03dZ","event":{"category":[%q],"kind":"event","type":["start"]},"host":{"id":"h1","name":"H1","os":{"type":"windows"}},%s}`+"\n",
		ms/1000, ms%1000, category, rest)
}

func net(ms int, entity string) string {
	return ev("network", ms, fmt.Sprintf(`"process":{"entity_id":%q,"name":"services.exe"},"source":{"ip":"10.0.0.9","port":50000},"destination":{"port":50001}`, entity))
}

func child(ms int, parent, exe string) string {
	return ev("process", ms, fmt.Sprintf(`"process":{"entity_id":"c","executable":%q,"parent":{"entity_id":%q,"name":"services.exe"}}`, exe, parent))
}

const pair = `sequence with maxspan=1s
  [network where process.name : "services.exe" and source.port >= 49152 and not source.ip == "127.0.0.1"] by host.id, process.entity_id
  [process where process.parent.name : "services.exe" and not process.executable : ("?:\\Windows\\svchost.exe", "?:\\Good\\*")] by host.id, process.parent.entity_id`

// TestNearMisses: each flaw by itself, with the milliseconds and the value.
func TestNearMisses(t *testing.T) {
	evil := `C:\evil.exe`
	for _, c := range []struct {
		name, rule, exceptions, events string
		verdict, kind                  string // of the nearest; "" for none
		ms                             int64
		matches                        int
	}{
		{"match", pair, "", net(0, "p") + child(500, "p", evil), "", "", 0, 1},
		{"order", pair, "", net(2409, "p") + child(0, "p", evil), "stage 2 was 2409 ms before stage 1", "order", -2409, 0},
		{"order by 15 ms", pair, "", net(15, "p") + child(0, "p", evil), "stage 2 was 15 ms before stage 1", "order", -15, 0},
		{"span", pair, "", net(0, "p") + child(1001, "p", evil), "stage 2 was 1001 ms after stage 1, maxspan 1 s: 1 ms too far", "span", 1001, 0},
		{"excluded", pair, "", net(0, "p") + child(897, "p", `c:\windows\SVCHOST.exe`), `excluded by ?:\Windows\svchost.exe; all else is right: stage 2 came 897 ms after stage 1`, "predicate", 0, 0},
		{"loopback", pair, "", strings.Replace(net(0, "p"), "10.0.0.9", "127.0.0.1", 1) + child(10, "p", evil), "stage 1: loopback: 127.0.0.1", "predicate", 0, 0},
		{"port", pair, "", strings.Replace(net(0, "p"), "50000", "49151", 1) + child(10, "p", evil), "source.port is 49151, which fails source.port >= 49152", "predicate", 0, 0},
		{"keys", pair, "", net(0, "p") + child(10, "q", evil), "keys differ: process.entity_id p of stage 1, process.parent.entity_id q of stage 2", "key-differs", 0, 0},
		{"no key", pair, "", ev("network", 0, `"process":{"name":"services.exe"},"source":{"ip":"10.0.0.9","port":50000}`), "the event has no process.entity_id", "no-key", 0, 0},
		{"missing", pair, "", net(0, "p"), "no event satisfies stage 2 under this key within 1m: this host gave no process event at all", "missing", 0, 0},
		{"far", pair, "", net(0, "p") + child(300, "x", `C:\Good\a.exe`), "the host gave 1 of category process", "missing", 0, 0},
		{"used up", pair, "", net(0, "p") + child(100, "p", evil) + child(200, "p", `C:\b.exe`), "the event of stage 1 was used up by another match", "used-up", 0, 1},
		{"replaced", pair, "", net(0, "p") + net(50, "p") + child(100, "p", evil), "a later event of stage 1 took its place", "replaced", 0, 1},
		{"excused", pair, "- name: backup\n  when: source.ip == \"10.0.0.9\"\n  scope: stage 1\n  reason: ticket 7\n  owner: o\n  expires: 2999-01-01\n",
			net(0, "p") + child(100, "p", evil), `excused by "backup" (scope stage 1): ticket 7`, "excused", 0, 0},
		{"excused match", pair, "- name: all\n  when: process.executable : \"C:\\\\evil.exe\"\n  scope: sequence\n  reason: r\n  owner: o\n  expires: 2999-01-01\n",
			net(0, "p") + child(100, "p", evil), `excused by "all" (scope sequence): r`, "excused", 0, 0},
		{"until", `sequence by host.id with maxspan=5s [network where true] [process where process.executable : "C:\\evil.exe"] until [process where process.executable : "C:\\stop.exe"]`, "",
			net(0, "p") + child(100, "p", `C:\stop.exe`) + child(200, "p", evil), "ended by until at 10:00:00.100", "until", 0, 0},
		{"present", `sequence by host.id with maxspan=5s [network where true] ![file where true] [process where process.executable : "C:\\evil.exe"]`, "",
			net(0, "p") + ev("file", 100, `"file":{"name":"x"}`) + child(200, "p", evil), "stage 2 must be missing", "present", 0, 0},
		{"single", `process where process.name : "a.exe" and not process.args : "/V"`, "",
			ev("process", 0, `"process":{"name":"a.exe","args":["/v","/q"]}`), `process.args is /v, /q, excluded by not process.args : "/V"`, "predicate", 0, 0},
		{"of another kind", `process where event.type == "end"`, "", child(0, "p", evil), "", "", 0, 0},
		{"three stages", `sequence by host.id with maxspan=5s [network where true] [file where true] [process where true]`, "",
			net(0, "p") + child(200, "p", evil), "no event satisfies stage 2", "missing", 0, 0},
		{"runs", `sequence by host.id with maxspan=1s [network where true] with runs=2 [process where true]`, "",
			net(0, "p") + net(10, "p") + child(3000, "p", evil), "ms too far", "span", 3000, 0},
		{"whole seconds", pair, "",
			strings.Replace(net(0, "p"), "00.000Z", "00Z", 1) + strings.Replace(child(1000, "p", evil), "01.000Z", "01Z", 1),
			"matches by whole seconds alone: 1000 ms as written, in truth anything from 0 to 2000 ms, maxspan 1 s", "border", 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, document(c.rule, c.exceptions), c.events, nil)
			v := r.Variants[0]
			if v.MatchCount != c.matches {
				t.Errorf("%d matches, want %d", v.MatchCount, c.matches)
			}
			if c.kind == "" {
				for _, n := range v.NearMisses {
					t.Errorf("near miss: %s", n.Verdict)
				}
				return
			}
			if len(v.NearMisses) == 0 {
				t.Fatal("no near miss")
			}
			n := v.NearMisses[0]
			if n.Kind != c.kind || !strings.Contains(n.Verdict, c.verdict) {
				t.Errorf("%s: %s\nwant %s: %s", n.Kind, n.Verdict, c.kind, c.verdict)
			}
			if c.ms != 0 && (n.MS == nil || *n.MS != c.ms) {
				t.Errorf("ms %v, want %d", n.MS, c.ms)
			}
		})
	}
}

// TestOrderOfInput: whoever reads what first, the answer is the same.
func TestOrderOfInput(t *testing.T) {
	var events []string
	for i := range 60 {
		key := string(rune('a' + i%7))
		events = append(events, net(i*997%60000, key), child(i*1409%60000, key, fmt.Sprintf(`C:\x%d.exe`, i)))
	}
	want := ""
	for i, jobs := range []int{1, 2, 4} {
		if i > 0 {
			events = append(events[i*7:], events[:i*7]...)
		}
		r := run(t, document(pair, ""), strings.Join(events, ""), func(x *explain.Explain) { x.Jobs, x.Limit = jobs, 100 })
		for v := range r.Variants {
			for _, list := range [][]explain.Account{r.Variants[v].Matches, r.Variants[v].NearMisses} {
				for k := range list {
					for e := range list[k].Evidence {
						list[k].Evidence[e].Origin.Line = 0
					}
				}
			}
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = string(b)
		} else if string(b) != want {
			t.Errorf("%d jobs, another order: another answer", jobs)
		}
	}
}

// TestBounded: what is too much is counted, not kept.
func TestBounded(t *testing.T) {
	var b bytes.Buffer
	for i := range 3000 {
		b.WriteString(strings.Replace(net(i%60000, fmt.Sprint(i)), "50000", "80", 1))
	}
	b.WriteString(net(5, "p") + child(10, "p", `C:\evil.exe`))
	r := run(t, document(pair, ""), b.String(), func(x *explain.Explain) { x.Limit = 3 })
	v := r.Variants[0]
	if v.MatchCount != 1 || v.Beyond != 3000-2048 {
		t.Errorf("%d matches, %d beyond", v.MatchCount, v.Beyond)
	}
	if len(v.NearMisses) > 3 {
		t.Errorf("%d shown", len(v.NearMisses))
	}
	if s := v.Stages[0]; s.Events != 3001 || s.Satisfied != 1 || s.OnlyFault[0].Events != 3000 {
		t.Errorf("stage 1: %+v", s)
	}
}

// TestHostile: what an attacker writes never reaches the terminal as it is.
func TestHostile(t *testing.T) {
	evil := "C:\\Good\\\x1b[31m\u202e\\a.exe"
	events := net(0, "p\x1b[2J") + child(10, "p\x1b[2J", evil)
	r := run(t, document(pair, ""), strings.ReplaceAll(events, `\x1b`, `\u001b`), nil)
	var out bytes.Buffer
	text := explain.Text{All: true}
	text.W = &out
	if err := text.Write(r); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\u202e") || !strings.Contains(out.String(), `\u{1b}`) {
		t.Errorf("%q", out.String())
	}
}

// TestLong: a megabyte in a value stays out of sentences.
func TestLong(t *testing.T) {
	long := `C:\Good\` + strings.Repeat("a b", 350_000)
	r := run(t, document(pair, ""), net(0, "p")+child(10, "p", long)+net(0, strings.Repeat("k", 5000)+"1")+child(10, strings.Repeat("k", 5000)+"2", `C:\evil.exe`), nil)
	for _, a := range r.Variants[0].NearMisses {
		if len(a.Verdict) > 1000 {
			t.Errorf("%d bytes of verdict: %.200s", len(a.Verdict), a.Verdict)
		}
	}
	if n := len(r.Variants[0].NearMisses); n != 2 {
		t.Errorf("%d near misses", n)
	}
	b, err := json.Marshal(r)
	if err != nil || len(b) > 100_000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

func TestNoEvents(t *testing.T) {
	r := run(t, document(pair, ""), "", nil)
	if r.Events != 0 || r.Variants[0].NearCount != 0 {
		t.Errorf("%+v", r)
	}
	r = run(t, document(pair, ""), "{\"a\":1}\n{broken\n", nil)
	if r.Events != 0 || r.Summary.NotEvents != 1 || r.Summary.Bad+r.Summary.Source.ProblemCount == 0 {
		t.Errorf("%+v", r.Summary)
	}
}

const shared = "../../shared"

// TestRecordings: the milliseconds that the recordings' expectations give.
func TestRecordings(t *testing.T) {
	if _, err := os.Stat(filepath.Join(shared, "recordings")); err != nil {
		t.Skip("no recordings beside the repository:", err)
	}
	list, problems := strategy.Load([]string{"../strategies/remotely-started-services-via-rpc.md"})
	if strategy.HasErrors(problems) {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		dir, variant, kind string
		ms                 int64 // of the near miss, or the match's span
		words              string
	}{
		{"rpc-service-2022-dc", "", "order", -2409, "stage 2 was 2409 ms before stage 1"},
		{"rpc-service-2022-dc", "native", "none", 122, "stage 2 came 122 ms after stage 1"},
		{"rpc-service-2022-dc", "reversed", "none", 2409, "2409 ms after"},
		{"rpc-dllhijack-2020", "", "predicate", 897, `excluded by ?:\Windows\System32\svchost.exe; all else is right: stage 2 came 897 ms after`},
		{"rpc-psexec-2020", "", "none", 578, "578 ms after stage 1, maxspan 1 s: 422 ms to spare"},
		{"rpc-psexec-2020", "native", "none", 0, "0 ms after"},
		{"rpc-psexec-2020", "reversed", "order", -578, "stage 2 was 578 ms before stage 1"},
		{"rpc-enum-only-2020", "", "missing", 0, "this host gave no process event at all"},
		{"service-mod-fax-2020", "", "missing", 0, "no event satisfies stage 1"},
	} {
		t.Run(c.dir+"/"+c.variant, func(t *testing.T) {
			eng, broken := engine.New(list, engine.Options{})
			if len(broken) > 0 {
				t.Fatal(broken)
			}
			x := explain.Explain{Engine: eng, Paths: []string{filepath.Join(shared, "recordings", c.dir)}, Native: true}
			r, err := x.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range r.Variants {
				if v.Variant != c.variant {
					continue
				}
				list := v.NearMisses
				if c.kind == "none" {
					list = v.Matches
				}
				if len(list) == 0 {
					t.Fatalf("no account; %d matches, %d near misses", v.MatchCount, v.NearCount)
				}
				a := list[0]
				if a.Kind != c.kind || !strings.Contains(a.Verdict, c.words) {
					t.Errorf("%s: %s", a.Kind, a.Verdict)
				}
				got := a.MS
				if got == nil {
					got = a.SpanMS
				}
				if c.kind != "missing" && (got == nil || *got != c.ms) {
					t.Errorf("milliseconds %v, want %d", got, c.ms)
				}
				return
			}
			t.Fatalf("no variant %q", c.variant)
		})
	}
}
