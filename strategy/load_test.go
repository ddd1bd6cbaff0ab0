package strategy

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// doc is a whole small document.
func doc(title, rule string) string {
	return "# " + title + "\n\n## Goal\n\ng\n\n## Technical Context\n\n```eql\n" + rule + "\n```\n\n## Priority\n\nLow (21)\n"
}

func files(kv ...string) fstest.MapFS {
	fs := fstest.MapFS{}
	for i := 0; i < len(kv); i += 2 {
		fs[kv[i]] = &fstest.MapFile{Data: []byte(kv[i+1])}
	}
	return fs
}

// summary is ids and problem codes, sorted as loaded.
func summary(list []*Strategy, problems []Problem) string {
	var b strings.Builder
	for _, s := range list {
		fmt.Fprintf(&b, "%s(%s)", s.ID, s.Source.Form)
		for _, c := range s.Cases {
			fmt.Fprintf(&b, " %s:%s", c.Kind, c.Name)
		}
		for l, t := range s.Translations {
			fmt.Fprintf(&b, " %s=%s", l, t.Title)
		}
		for _, e := range s.Exceptions {
			fmt.Fprintf(&b, " not:%s", e.Name)
		}
		b.WriteString("\n")
	}
	for _, p := range problems {
		fmt.Fprintf(&b, "%s %s %s\n", p.Pos.Path, p.Level, p.Code)
	}
	return b.String()
}

func TestLoadFS(t *testing.T) {
	f := func(name string, fs fstest.MapFS, want string) {
		t.Helper()
		if got := summary(LoadFS(fs)); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
	f("nothing", files(), "")
	f("what a folder loads", files(
		"a.md", doc("A", "any where true"), "sub/b.md", doc("B", "any where true"), "README.md", "# Read me", "c.txt", doc("C", "x"),
		".hidden/d.md", doc("D", "any where true"), ".e.md", doc("E", "any where true"), "testdata/f.md", doc("F", "any where true"),
		"r.toml", "[rule]\nname = \"R\"\nquery = 'any where true'\nlanguage = 'eql'\n",
		"rows.ndjson", `{"rule_id":"1","name":"Row one","query":"any where true","language":"eql","path":"p"}`+"\n",
		"y.yml", "name: Why\nlanguage: eql\nquery: any where true\nrisk_score: 50\n",
	), "a(ads)\nr(toml)\nrow-one(row)\nb(ads)\nwhy(yaml)\n")
	f("translation and cases", files(
		"door.md", doc("The Door", "any where true"), "door.vi.md", doc("Cửa", "any where true"),
		"testdata/the-door/alert-one.ndjson", "{}", "testdata/the-door/quiet-two.evtx", "x", "testdata/door/alert-three.ndjson", "{}",
		"testdata/the-door/notes.txt", "", "testdata/the-door/alert-sub/x", "", "testdata/other/alert-no.ndjson", "{}",
	), "the-door(ads) alert:one quiet:two alert:three vi=Cửa\n")
	f("a translation of nothing", files("door.vi.md", doc("Cửa", "any where true")), "door.vi.md warning orphan-translation\n")
	f("bad ones hide no good ones", files(
		"a.md", doc("A", "any where true"), "b.md", "just text", "c.toml", "[rule\n", "d.ndjson", "{\"name\": \n", "e.yml", "a: [", "f.md", "a\x00b", "g.toml", "x = 1", "h.yml", "a: b", "i.ndjson", "",
		"j.md", strings.Repeat("x", maxDocument+1),
	), `a(ads)
b.md error not-ads
c.toml error bad-rule
d.ndjson error bad-rule
e.yml error bad-yaml
f.md error not-text
g.toml error bad-rule
h.yml warning unknown-yaml
i.ndjson error empty
j.md error unreadable
`)
	f("two of one id", files("a.md", doc("Same", "any where true"), "b.md", doc("Same!", "any where true")), "same(ads)\nb.md error duplicate-id\n")
	f("two of one name", files(
		"a.md", doc("Same", "any where true"),
		"b.ndjson", `{"rule_id":"AB-1","name":"Same","query":"any where true"}`+"\n"+`{"rule_id":"AB-1","name":"Same","query":"any where true"}`,
	), "same(ads)\nsame-ab-1(kibana)\nb.ndjson warning repeated-name\nb.ndjson error duplicate-id\n")
	f("exceptions from elsewhere", files(
		"a.md", doc("A", "any where true"), "x.yml", "strategy: a\nexceptions:\n- name: n\n  when: a == 1\n  owner: o\n  reason: r\n- when:\n  name: bad\n",
		"y.yml", "strategy: b\nexceptions: []\nmore: 1\n",
	), "a(ads) not:n\nx.yml error bad-exception\ny.yml error unknown-strategy\ny.yml warning unknown-field\n")
	f("an id that leads elsewhere", files("a.md", "---\nid: ../../x\n---\n"+doc("A", "any where true"), "testdata/a/alert-1.ndjson", ""),
		"a(ads) alert:1\na.md error bad-id\n")
}

// Named files load whatever their ending; what is not there is named.
func TestLoadPaths(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f := func(want string, paths ...string) {
		t.Helper()
		got := strings.ReplaceAll(summary(Load(paths)), dir+string(filepath.Separator), "")
		if got != want {
			t.Errorf("%v:\n%s\nwant\n%s", paths, got, want)
		}
	}
	a := write("a.txt", doc("A", "any where true"))
	vi := write("b.vi.md", doc("Bê", "any where true"))
	b := write("b.md", doc("B", "any where true"))
	toml := write("rule", "[metadata]\n[rule]\nname = \"R\"\nquery = 'any where true'\n")
	write("testdata/b/alert-1.ndjson", "{\"x\":1}\n")
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	f("a(ads)\n", a)
	f("a(ads)\n", a, a, filepath.Join(dir, ".", "a.txt"))
	f("be(ads)\n", vi) // a translation named alone is what is meant
	f("b(ads) alert:1 vi=Bê\n", vi, b)
	f("r(toml)\n", toml)
	f("a(ads)\nmissing.md error unreadable\n", filepath.Join(dir, "missing.md"), a)
	f("empty error empty-folder\n", empty)
	f("b(ads) alert:1 vi=Bê\n", dir)

	list, _ := Load([]string{b})
	r, err := list[0].Cases[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if data, err := io.ReadAll(r); err != nil || string(data) != "{\"x\":1}\n" {
		t.Errorf("%q %v", data, err)
	}
	if want := filepath.Join(dir, "testdata", "b", "alert-1.ndjson"); list[0].Cases[0].Path != want {
		t.Errorf("%s, want %s", list[0].Cases[0].Path, want)
	}
}

// A link among the cases is not followed out of the folder.
func TestCaseLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.md"), []byte(doc("A", "any where true")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "testdata", "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "testdata", "a", "alert-x.ndjson")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	list, _ := Load([]string{dir})
	if len(list) != 1 || len(list[0].Cases) != 0 {
		t.Errorf("%+v", list)
	}
}

// Hostile documents take neither the stack nor the day.
func TestHostile(t *testing.T) {
	const n = maxDocument / 8
	rep := func(s string) string { return strings.Repeat(s, n/len(s)) }
	head := "# T\n\n## Goal\n\ng\n\n## Categorization\n\n"
	var ids strings.Builder
	for i := 0; ids.Len() < n; i++ {
		fmt.Fprintf(&ids, "T%d ", 1000+i)
	}
	for name, src := range map[string]string{
		"a.md": head + rep(">"), "b.md": head + rep("- "), "c.md": head + rep("* a\n"), "d.md": head + rep("[a]("), "e.md": head + rep("# a\n"),
		"f.md": head + rep("T1021 "), "g.md": head + ids.String(), "h.md": "---\n" + rep("[") + "\n---\n" + head, "i.md": head + rep("```eql variant=a\n```\n"),
		"j.md": head + "```yaml exceptions\n" + rep("- ") + "\n```\n", "k.md": head + "```yaml exceptions\n" + rep("{a: ") + "\n```\n",
		"l.md": head + "```yaml exceptions\n" + strings.Repeat("- a: &x [*x, *x]\n", 5000) + "```\n", "m.md": head + rep("*_`"), "n.md": rep("| a "), "o.md": head + rep("\n    a"),
		"p.md": head + rep("\n- \n  "), "q.md": "\n" + strings.Repeat(" >", 30_000) + "\n" + rep("x\n"), "r.md": head + rep("<a "), "s.md": "---\n" + rep("a:\n ") + "\n---\n" + head,
		"a.toml": "x = " + rep("["), "b.toml": rep("[a."), "c.toml": rep("a.") + "b = 1", "a.yml": rep("? "), "b.yml": "query: " + rep("!!a "), "a.ndjson": rep("["), "b.ndjson": rep(`{"a":`), "c.ndjson": rep("{}\n"),
	} {
		start := time.Now()
		list, problems := Parse(name, []byte(src))
		for _, s := range list {
			problems = append(problems, Lint(s, LintOptions{})...)
			_ = Show(s, "", 80)
		}
		for _, p := range problems[:min(len(problems), 1000)] {
			_ = p.Render()
		}
		t.Log(name, len(list), len(problems), time.Since(start).Round(time.Millisecond))
	}
}

// FuzzParse: no text of any form crashes or hangs, and every position that is
// reported lies in the text.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/ads/door.md", "testdata/ads/cua.md", "testdata/ads/plain.md"} {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(uint8(0), b)
			f.Add(uint8(1), damage(b))
		}
	}
	f.Add(uint8(2), []byte("[rule]\nname = \"R\"\nquery = '''\nany where true'''\n"))
	f.Add(uint8(3), []byte(`{"rule_id":"1","name":"n","query":"any where true","exceptions_list":[{"list_id":"l"}]}`+"\n"+`{"list_id":"l","entries":[{"type":"match","field":"a","value":"b"}]}`))
	f.Add(uint8(4), []byte("name: n\nquery: |\n  any where true\n"))
	f.Add(uint8(4), []byte("strategy: n\nexceptions:\n- {name: a, when: b == 1}\n"))
	f.Fuzz(func(t *testing.T, form uint8, src []byte) {
		ext := [...]string{".md", ".txt", ".toml", ".ndjson", ".yml"}[form%5]
		list, problems := Parse("x"+ext, src)
		for _, s := range list {
			problems = append(problems, Lint(s, LintOptions{})...)
			_ = Show(s, "vi", 60)
			_ = ExportMarkdown(s)
			if _, err := ExportKibana(io.Discard, list); err != nil {
				t.Fatal(err)
			}
		}
		out, more := Fmt("x.md", src)
		_ = out
		lines := strings.Count(string(src), "\n") + strings.Count(string(src), "\r") + len(src)/2 + 1
		for _, p := range append(problems, more...) {
			_ = p.Render()
			if p.Pos.Line > lines+1 || p.Pos.Col > len(src)*4+2 {
				t.Errorf("%v lies outside", p.Pos)
			}
		}
	})
}
