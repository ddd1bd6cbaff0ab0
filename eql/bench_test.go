package eql

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/event"
)

// stage2 is a stage like the second one of the rule that this project began
// with: a parent, a type, and 25 paths that do not count.
func stage2() string {
	var paths []string
	for i := range 25 {
		switch i % 5 {
		case 0:
			paths = append(paths, fmt.Sprintf(`"?:\\Program Files %d\\*.exe"`, i))
		case 1:
			paths = append(paths, fmt.Sprintf(`"?:\\Agents\\Tool%d\\*\\*.exe"`, i))
		case 2:
			paths = append(paths, fmt.Sprintf(`"?:\\Windows\\Admin%d\\PDQ*.exe"`, i))
		default:
			paths = append(paths, fmt.Sprintf(`"?:\\Windows\\System32\\service%d.exe"`, i))
		}
	}
	return `process where host.os.type == "windows" and event.type == "start" and process.parent.name : "services.exe" and
		not (process.executable : "?:\\Windows\\System32\\msiexec.exe" and process.args : "/V") and
		not process.executable : (` + strings.Join(paths, ", ") + `)`
}

func benchEvent(b testing.TB, s *event.Schema, exe, parent string) *event.Event {
	doc := fmt.Sprintf(`{"event":{"category":["process"],"type":["start"]},"host":{"os":{"type":"windows"}},"process":{"executable":%q,"args":["x","/S"],"parent":{"name":%q}}}`, exe, parent)
	return decodeAll(b, s, [][]byte{[]byte(doc)})[0]
}

func BenchmarkStage(b *testing.B) {
	schema := event.NewSchema(event.ECSTypes())
	p, err := Compile(stage2(), &Env{Schema: schema})
	if err != nil {
		b.Fatal(err)
	}
	stage := &p.Stages[0]
	run := func(name, exe, parent string, want bool) {
		ev := benchEvent(b, schema, exe, parent)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if stage.Match(ev) != want {
					b.Fatal("wrong answer")
				}
			}
		})
	}
	run("otherParent", `C:\Windows\System32\cmd.exe`, "explorer.exe", false)
	run("allPathsTested", `C:\Windows\Temp\evil.exe`, "services.exe", true)
	run("excluded", `C:\Windows\System32\service24.exe`, "services.exe", false)
}

// BenchmarkPaths is the list of 25 patterns alone.
func BenchmarkPaths(b *testing.B) {
	schema := event.NewSchema(event.ECSTypes())
	_, list, _ := strings.Cut(stage2(), "not process.executable")
	c, err := CompileCondition("process.executable"+list, &Env{Schema: schema})
	if err != nil {
		b.Fatal(err)
	}
	ev := benchEvent(b, schema, `C:\Windows\System32\svchost-of-another-kind.exe`, "x")
	b.ReportAllocs()
	for b.Loop() {
		if c.Match(ev) {
			b.Fatal("wrong answer")
		}
	}
}

func BenchmarkScript(b *testing.B) {
	schema := event.NewSchema(event.ECSTypes())
	c, err := CompileCondition(`length(between(concat(process.parent.name, "|", process.executable), "|", ".")) > 10 and substring(process.executable, 0) : "*evil*"`, &Env{Schema: schema})
	if err != nil {
		b.Fatal(err)
	}
	ev := benchEvent(b, schema, `C:\Windows\Temp\evil.exe`, "services.exe")
	b.ReportAllocs()
	for b.Loop() {
		if !c.Match(ev) {
			b.Fatal("wrong answer")
		}
	}
}

func BenchmarkRegex(b *testing.B) {
	schema := event.NewSchema(event.ECSTypes())
	c, err := CompileCondition(`process.executable regex~ """.*[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}.*"""`, &Env{Schema: schema})
	if err != nil {
		b.Fatal(err)
	}
	ev := benchEvent(b, schema, strings.Repeat("curl http://10.20.30/x ", 20), "services.exe")
	b.SetBytes(int64(20 * 23))
	b.ReportAllocs()
	for b.Loop() {
		if c.Match(ev) {
			b.Fatal("wrong answer")
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	text := stage2()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(text, &Env{Schema: event.NewSchema(nil)}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileElasticRules(b *testing.B) {
	rules := elasticRules(b)
	b.ReportAllocs()
	for b.Loop() {
		schema := event.NewSchema(event.ECSTypes())
		for _, r := range rules {
			if _, err := Compile(r.Query, &Env{Schema: schema}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// Matching allocates nothing, whatever a stage does with its fields.
func TestMatchAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget at random")
	}
	schema := event.NewSchema(event.ECSTypes())
	var conds []*Condition
	for _, text := range []string{
		`process.executable : ("?:\\Windows\\*", "*evil*") and process.args : ("/s", "-*")`,
		`process.executable regex~ ".*[a-z]+\\.exe"`,
		`concat(process.parent.name, process.executable, process.args) : "*evil*"`,
		`length(substring(process.executable, 3)) > 5 and indexOf~(process.executable, "TEMP") > 0`,
		`cidrMatch(source.ip, "10.0.0.0/8", "fe80::/10") or process.pid in (1, 2, 3)`,
		`string(process.pid) == "1" or startsWith~(process.executable, "c:")`,
	} {
		c, err := CompileCondition(text, &Env{Schema: schema})
		if err != nil {
			t.Fatal(err)
		}
		conds = append(conds, c)
	}
	ev := decodeAll(t, schema, [][]byte{[]byte(`{"process":{"executable":"C:\\Windows\\Temp\\evil.exe","args":["x","/S"],"pid":12,"parent":{"name":"services.exe"}},"source":{"ip":"fe80::1"}}`)})[0]
	for i, c := range conds {
		c.Match(ev) // folds, makes states
		if n := testing.AllocsPerRun(100, func() { c.Match(ev) }); n > 0 {
			t.Errorf("condition %d: %v allocations", i, n)
		}
	}
}

// Programs are shared between goroutines, each with its own events.
func TestMatchConcurrently(t *testing.T) {
	schema := event.NewSchema(event.ECSTypes())
	c, err := CompileCondition(`process.executable regex "(.*a.{6})|@evil@" or concat(process.executable, "x") : "*EVIL*x"`, &Env{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan int)
	for g := range 4 {
		go func() {
			rng := rand.New(rand.NewSource(int64(g)))
			wrong := 0
			for range 300 {
				var text strings.Builder
				for range 20 {
					text.WriteByte("ab"[rng.Intn(2)])
				}
				s := text.String()
				ev := event.New(schema)
				slot, _ := schema.Lookup("process.executable")
				ev.Add(slot, event.Text(s))
				if c.Match(ev) != (s[len(s)-7] == 'a') {
					wrong++
				}
			}
			done <- wrong
		}()
	}
	for range 4 {
		if wrong := <-done; wrong > 0 {
			t.Errorf("%d wrong answers", wrong)
		}
	}
}
