package strategy

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/eql"
)

// What New makes loads, and lint has nothing against it.
func TestNew(t *testing.T) {
	f := func(name, id, title string) {
		t.Helper()
		b, err := New(name)
		if err != nil {
			t.Fatal(err)
		}
		list, problems := Parse("x.md", b)
		if len(list) != 1 || len(problems) > 0 {
			t.Fatal(problems)
		}
		s := list[0]
		if s.ID != id || s.Title != title {
			t.Errorf("%q: %q %q", name, s.ID, s.Title)
		}
		for _, p := range Lint(s, LintOptions{Now: lintNow()}) {
			t.Error(p.Render())
		}
		if len(s.Cases) != 2 || len(s.Context) != 1 || len(s.Questions) != 1 || s.Risk != 47 {
			t.Errorf("%+v", s)
		}
	}
	f("remote-thing", "remote-thing", "Remote thing")
	f("Remote Thing (test)", "remote-thing-test", "Remote Thing (test)")
	f("Dịch vụ lạ", "dich-vu-la", "Dịch vụ lạ")
	if _, err := New(" ./* "); err == nil {
		t.Error("a name of nothing was taken")
	}
}

// Fmt changes rules only, keeps their comments, and has nothing to do the
// second time.
func TestFmt(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		got, problems := Fmt("x.md", []byte(in))
		if len(problems) > 0 {
			t.Error(problems)
		}
		if string(got) != want {
			t.Errorf("%q:\n%q\nwant\n%q", in, got, want)
		}
		again, _ := Fmt("x.md", got)
		if !bytes.Equal(again, got) {
			t.Errorf("%q: a second time gives %q", in, again)
		}
	}
	f("no rule   \n\n\n* x", "no rule   \n\n\n* x")
	commented, err := eql.Format("process   where a==1 // why\n")
	if err != nil || !strings.Contains(commented, "// why") {
		t.Fatal(commented, err)
	}
	f("a  \n```eql\nprocess   where a==1 // why\n```\nb  ", "a  \n```eql\n"+commented+"```\nb  ")
	f("* x\n\n  ```eql variant=a\n  process   where a==1\n  ```\n* y\n", "* x\n\n  ```eql variant=a\n  process where a == 1\n  ```\n* y\n")
	f("```eql\r\nprocess   where a==1\r\n```\r\n", "```eql\r\nprocess where a == 1\r\n```\r\n")
	f("---\nx:   1\n---\n```eql\nprocess  where true\n```", "---\nx:   1\n---\n```eql\nprocess where true\n```")
	f("```sql\nselect   1\n```\n", "```sql\nselect   1\n```\n")
	f("```eql\nprocess  where true", "```eql\nprocess where true\n")
	f("> ```eql\n> process  where true\n> ```\n", "> ```eql\n> process where true\n> ```\n")
	f("```eql\n```\n", "```eql\n```\n")
	long := "```eql\nsequence by host.id with maxspan=1s\n  [network where aaaaaaaaaaaaaaaaaaaaaaaaaaaa == 1 and bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb == 2 and ccccccccccccccccccc == 3]\n  [process where true]\n```\n"
	got, _ := Fmt("x.md", []byte(long))
	again, problems := Fmt("x.md", got)
	if !bytes.Equal(got, again) || len(problems) > 0 {
		t.Errorf("%s%s%v", got, again, problems)
	}

	out, bad := Fmt("x.md", []byte("a\n\n```eql\nprocess where (\n```\n\n```eql\nprocess   where true\n```\n"))
	if len(bad) == 0 || bad[0].Pos.Line < 4 || bad[0].Pos.Line > 5 || !strings.Contains(string(out), "process where (\n") || !strings.Contains(string(out), "process where true") {
		t.Errorf("%v\n%s", bad, out)
	}
}

// The same strategy comes out of a formatted document.
func TestFmtKeeps(t *testing.T) {
	for _, name := range []string{"door.md", "cua.md", "plain.md"} {
		src, err := os.ReadFile("testdata/ads/" + name)
		if err != nil {
			t.Fatal(err)
		}
		out, problems := Fmt(name, src)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		a, _ := Parse(name, src)
		b, _ := Parse(name, out)
		if len(a[0].Rules) != len(b[0].Rules) || len(a[0].Sections) != len(b[0].Sections) {
			t.Errorf("%s changed:\n%s", name, out)
		}
	}
}

func TestShow(t *testing.T) {
	for _, name := range []string{"door", "cua"} {
		list, _ := Load([]string{"testdata/ads/" + name + ".md"})
		golden(t, "ads/"+name+".show", []byte(Show(list[0], "", 60)))
	}
	list, _ := Parse("export.ndjson", []byte(export))
	golden(t, "elastic/export.show", []byte(Show(list[0], "vi", 0)))
}

// A document cannot write to the terminal that shows it.
func TestShowControls(t *testing.T) {
	list, _ := Parse("x.md", []byte("# T\x1b[2J\n\n## Goal\n\n\x1b]0;x\x07 \u009b31m\n"))
	if got := Show(list[0], "", 80); strings.ContainsAny(got, "\x1b\x07\u009b") {
		t.Errorf("%q", got)
	}
}
