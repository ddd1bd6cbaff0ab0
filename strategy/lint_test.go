package strategy

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-project/tocsin/eql"
)

func lintNow() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) }

// Lint finds everything in one pass, each thing with its place.
func TestLint(t *testing.T) {
	files, err := filepath.Glob("testdata/lint/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			list, _ := Load([]string{f})
			if len(list) != 1 {
				t.Fatal("not loaded")
			}
			var b strings.Builder
			for _, p := range Lint(list[0], LintOptions{Now: lintNow()}) {
				if p.Code == "rule-error" {
					p.Msg = "(package eql's words)"
				}
				b.WriteString(p.Render())
			}
			golden(t, filepath.Join("lint", strings.TrimSuffix(filepath.Base(f), ".md")+".golden"), []byte(b.String()))
		})
	}
}

func TestLintTranslation(t *testing.T) {
	f := func(translation, want string) {
		t.Helper()
		good := "# T\n\n## Goal\n\ng\n\n## Technical Context\n\n```eql\nany where true\n```\n\n## Response\n\n1. a\n2. b\n"
		fs := fstest.MapFS{"t.md": {Data: []byte(good)}}
		if translation != "" {
			fs["t.vi.md"] = &fstest.MapFile{Data: []byte(translation)}
		}
		list, problems := LoadFS(fs)
		if len(list) != 1 {
			t.Fatal(problems)
		}
		c := &linter{s: list[0], opt: LintOptions{Translations: []string{"vi", "en"}}}
		c.translations()
		var got []string
		for _, p := range c.out {
			got = append(got, p.Code)
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%q: %s, want %s", translation, g, want)
		}
	}
	f("", "missing-translation")
	f("# D\n\n## Mục tiêu\n\ng\n\n## Bối cảnh kỹ thuật\n\nx\n\n## Ứng phó\n\n1. a\n2. b\n", "")
	f("# D\n\n## Mục tiêu\n\n## Bối cảnh kỹ thuật\n\n```eql\nany where false\n```\n\n## Ứng phó\n\n1. a\n", "missing-section translation-differs translation-differs")
}

func TestWeakness(t *testing.T) {
	f := func(condition, want string) {
		t.Helper()
		q, err := eql.Parse("process where " + condition)
		if err != nil {
			t.Fatal(err)
		}
		d := newDocument("x", []byte("process where "+condition))
		c := &linter{s: &Strategy{doc: d}}
		for _, e := range excluded(q.Steps[0].Cond) {
			c.evadable(e, text{doc: d, starts: []int{0}}, string(d.src), "left out")
		}
		var got []string
		for _, p := range c.out {
			_, why, _ := strings.Cut(p.Msg, ": ")
			got = append(got, strings.Fields(why)[0]+" "+strings.Fields(why)[1])
		}
		if g := strings.Join(got, ", "); g != want {
			t.Errorf("%s: %q, want %q", condition, g, want)
		}
	}
	f(`not process.executable : "C:\\Windows\\System32\\a.exe"`, "")
	f(`not process.executable : "?:\\Program Files*\\a\\*.exe"`, "a wildcard") // C:\Program FilesX
	f(`not process.executable : "*\\a.exe"`, "it starts")
	f(`not process.executable : "?:\\*\\a.exe"`, "a wildcard")
	f(`not process.executable : "C:\\Users\\*\\a.exe"`, "users may")
	f(`not process.executable : "C:\\ProgramData\\a\\a.exe"`, "users may")
	f(`not process.executable : "?:\\Windows\\Temp\\*"`, "users may")
	f(`not process.executable : "C:\\Vendor\\a.exe"`, "users may")
	f(`not process.executable : "/tmp/*"`, "users may")
	f(`not process.executable : "/usr/bin/*"`, "")
	f(`not process.name : "a.exe"`, "a name")
	f(`process.name != "a.exe"`, "a name")
	f(`not process.name in ("a.exe", "b.exe")`, "a name, a name")
	f(`process.name not in ("a.exe")`, "a name")
	f(`not (process.name : "a.exe" and process.executable : "C:\\Windows\\*")`, "")
	f(`not (process.name : "a.exe" and process.code_signature.subject_name : "A")`, "")
	f(`not (process.name : "a.exe" or process.name : "b.exe")`, "a name, a name")
	f(`not process.args : "/V"`, "an attacker")
	f(`not (process.args : "/V" and process.executable : "C:\\Windows\\m.exe")`, "")
	f(`process.executable : "*\\a.exe"`, "") // not left out
	f(`not not process.executable : "*\\a.exe"`, "")
	f(`not user.name : "*"`, "")
}

func TestContradiction(t *testing.T) {
	f := func(exception, rule string, never bool) {
		t.Helper()
		cond, err := eql.ParseCondition(exception)
		if err != nil {
			t.Fatal(err)
		}
		q, err := eql.Parse(rule)
		if err != nil {
			t.Fatal(err)
		}
		if why := contradiction(cond, q.Steps[0]); (why != "") != never {
			t.Errorf("%s with %s: %q", exception, rule, why)
		}
	}
	f(`a.b == "x"`, `process where a.b == "y"`, true)
	f(`a.b == "x"`, `process where a.b == "x"`, false)
	f(`a.b == "X"`, `process where a.b : "x"`, false)
	f(`a.b : "X"`, `process where a.b == "x"`, false)
	f(`a.b : "x*"`, `process where a.b == "y"`, false) // undecided
	f(`a.b : ("x", "z")`, `process where a.b : "y*"`, true)
	f(`a.b : ("x", "y2")`, `process where a.b : "y*"`, false)
	f(`a.b == "x" and c == 1`, `process where not a.b : ("x", "y")`, true)
	f(`a.b == "x" or c == 1`, `process where not a.b : ("x", "y")`, false)
	f(`a.b : "C:\\P\\*.exe"`, `process where not a.b : "?:\\P\\*"`, true)
	f(`a.b : "C:\\*.exe"`, `process where not a.b : "?:\\P\\*"`, false)
	f(`a.b : "x"`, `process where not a.b == "x"`, false) // X is not left out
	f(`a.b == "x"`, `process where a.b != "x"`, true)
	f(`destination.port == 445`, `network where destination.port >= 49152`, true)
	f(`destination.port == 50000`, `network where destination.port >= 49152`, false)
	f(`destination.port == 445`, `network where destination.port in (445, 139)`, false)
	f(`process.args == "x"`, `process where process.args == "y"`, false) // has both
	f(`process.args == "x"`, `process where not process.args == "x"`, true)
	f(`event.category == "file"`, `process where true`, true)
	f(`event.category == "file"`, `any where true`, false)
	f(`not a.b == "x"`, `process where a.b == "x"`, false) // beyond it
	f(`a.b == null`, `process where a.b == "x"`, false)
}

func TestWithin(t *testing.T) {
	f := func(a, b string, want bool) {
		t.Helper()
		if got := within(a, b); got != want {
			t.Errorf("%q within %q: %v", b, a, got)
		}
	}
	f("*", "", true)
	f("*", "a*b?", true)
	f("a?c", "abc", true)
	f("a?c", "a?c", true)
	f("a?c", "a*c", false)
	f("a*", "a", true)
	f("a*b*c", "aXbYc", true)
	f("a*b*c", "aXbY", false)
	f("", "a", false)
	f("*a", "*ba", true)
	f("*ba", "*a", false)
}

// Checks of a rule as a whole: what its document says about indices, keys,
// cases and fields.
func TestLintRule(t *testing.T) {
	f := func(context, rule, want string) {
		t.Helper()
		md := "# T\n\n## Categorization\n\nT1021\n\n## Technical Context\n\n" + context + "\n\n```eql\n" + rule + "\n```\n"
		list, problems := Parse("x.md", []byte(md))
		if len(list) != 1 {
			t.Fatal(problems)
		}
		var got []string
		for _, p := range Lint(list[0], LintOptions{}) {
			switch p.Code {
			case "missing-section", "no-severity", "no-alert-case":
			default:
				got = append(got, p.Code)
			}
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s %s: %s, want %s", context, rule, g, want)
		}
	}
	index := func(names string) string { return "Index patterns: " + names }
	f(index("logs-endpoint.events.process-*, winlogbeat-*"), `process where true`, "")
	f(index("logs-endpoint.events.network-*"), `process where true`, "unneeded-index")
	f(index("remote:logs-endpoint.events.network-*"), `process where true`, "unneeded-index")
	f(index("logs-endpoint.events.network-*"), `any where true`, "")
	f(index("logs-endpoint.events.network-*"), `sequence by host.id [process where true] [process where false] until [network where true]`, "")
	f("", `sequence by host.id [process where true] [file where true]`, "")
	f("", `sequence [process where true] by host.name [file where true] by host.name`, "")
	f("", `sequence by user.name [process where true] [file where true]`, "key-without-host")
	f("", `sequence [process where true] [file where true]`, "key-without-host")
	f("", `sequence by process.entity_id [process where true] [file where true]`, "key-without-host")
	f("", `sequence by user.name [iam where true] [web where true]`, "")
	f("", `process where proces.name == "x"`, "unknown-rule-field")
	f("", `process where winlog.event_data.Anything == "x"`, "")
	f("", `process where vendor.thing == "x"`, "unknown-rule-field")
	f("", `process where a ==`, "rule-error")
	f("", `process where process.name > 5 and `, "rule-error rule-error")
}
