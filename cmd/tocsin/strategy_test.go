package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const smallDoc = `# Small Thing

## Goal

Text.

## Technical Context

` + "```eql\nprocess where   process.name == \"a.exe\"\n```" + `

## Priority

Low (21)
`

// strategyDir is a folder of documents: one good, its translation, one whose
// rule does not parse, one that is none.
func strategyDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"small.md":    smallDoc,
		"small.vi.md": "# Việc nhỏ\n\n## Mục tiêu\n\nChữ.\n",
		"broken.md":   strings.NewReplacer("Small Thing", "Broken Thing", "where", "were").Replace(smallDoc),
		"none.md":     "nothing here\n",
		"rule.toml":   "[rule]\nname = \"From Elastic\"\nrule_id = \"r-1\"\nlanguage = \"eql\"\nquery = 'process where true'\nrisk_score = 73\nseverity = \"high\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runStrategy runs `tocsin strategy …` and returns status, output and errors.
func runStrategy(stdin string, args ...string) (int, string, string) {
	var out, errs bytes.Buffer
	app := &App{Ctx: context.Background(), Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }}
	status := run(app, append([]string{"strategy"}, args...))
	return status, out.String(), errs.String()
}

func TestStrategyCommands(t *testing.T) {
	dir := strategyDir(t)
	small := filepath.Join(dir, "small.md")
	f := func(status int, stdout, stderr []string, args ...string) {
		t.Helper()
		got, out, errs := runStrategy("", args...)
		if got != status {
			t.Errorf("%v: status %d, want %d\n%s%s", args, got, status, out, errs)
		}
		for _, want := range stdout {
			if !strings.Contains(out, want) {
				t.Errorf("%v: output has no %q:\n%s", args, want, out)
			}
		}
		for _, want := range stderr {
			if !strings.Contains(errs, want) {
				t.Errorf("%v: errors have no %q:\n%s", args, want, errs)
			}
		}
	}
	f(0, []string{"small-thing", "low 21", "Small Thing"}, nil, "list", small)
	f(0, []string{"Việc nhỏ"}, nil, "list", "--lang", "vi", small, filepath.Join(dir, "small.vi.md"))
	f(2, []string{"small-thing", "broken-thing", "from-elastic"}, []string{"none.md:1:1", "no ADS heading"}, "list", dir)
	f(2, nil, []string{"missing.md", "no such file"}, "list", filepath.Join(dir, "missing.md"))
	f(2, nil, []string{"no strategy \"nosuch\""}, "list", "nosuch")
	f(0, []string{"remotely-started-services-via-rpc"}, nil, "list")
	f(0, []string{"Remotely Started Services via RPC\n====", "id        remotely"}, nil, "show", "remotely-started-services-via-rpc")
	f(0, []string{"Small Thing\n===========", "process where   process.name"}, nil, "show", small)
	f(0, []string{"# Small Thing\n"}, nil, "show", "-o", "markdown", small)
	f(0, []string{`"query": "process where   process.name == \"a.exe\"\n"`}, nil, "show", "-o", "json", small)
	f(1, []string{"small.md:1:3: error: the section Categorization is missing", "no-alert-case"}, []string{"1 strategy:"}, "lint", small)
	f(1, []string{"broken.md:10:", "rule-error", "none.md:1:1"}, nil, "lint", "-q", dir)
	f(2, nil, nil, "lint", filepath.Join(dir, "missing.md"))
	f(0, []string{`"rule_id":"r-1"`, `"risk_score":73`, `"exported_rules_count":1`}, nil, "export", filepath.Join(dir, "rule.toml"))
	f(0, []string{`"domain": "enterprise-attack"`}, nil, "export", "-o", "navigator")
	f(2, nil, nil, "nosuch")
	f(2, nil, nil, "fmt")
}

func TestStrategyListJSON(t *testing.T) {
	dir := strategyDir(t)
	_, out, _ := runStrategy("", "list", "-o", "json", dir)
	var rows []strategyRow
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || rows[2].ID != "small-thing" || len(rows[2].Translations) != 1 || rows[2].Translations[0] != "vi" {
		t.Errorf("%+v", rows)
	}
}

func TestStrategyFmt(t *testing.T) {
	dir := strategyDir(t)
	small := filepath.Join(dir, "small.md")
	if status, out, _ := runStrategy("", "fmt", "--check", small); status != 1 || out != small+"\n" {
		t.Errorf("check: %d %q", status, out)
	}
	want := strings.Replace(smallDoc, "where   process", "where process", 1)
	if status, out, _ := runStrategy(smallDoc, "fmt", "-"); status != 0 || out != want {
		t.Errorf("standard input: %d %q", status, out)
	}
	if status, _, errs := runStrategy("", "fmt", dir); status != 2 || !strings.Contains(errs, "broken.md:10:") {
		t.Errorf("folder: %d %q", status, errs)
	}
	if got, err := os.ReadFile(small); err != nil || string(got) != want {
		t.Errorf("%q %v", got, err)
	}
	if status, out, _ := runStrategy("", "fmt", "--check", small); status != 0 || out != "" {
		t.Errorf("a second time: %d %q", status, out)
	}
}

func TestStrategyNewAndImport(t *testing.T) {
	dir := strategyDir(t)
	out := t.TempDir()
	status, name, _ := runStrategy("", "new", "Some Title", "--dir", out)
	if status != 0 || name != filepath.Join(out, "some-title.md")+"\n" {
		t.Errorf("new: %d %q", status, name)
	}
	if status, text, errs := runStrategy("", "lint", out); status != 0 || text != "" {
		t.Errorf("lint of a new one: %d %s%s", status, text, errs)
	}
	if status, _, errs := runStrategy("", "new", "Some Title", "--dir", out); status != 2 || !strings.Contains(errs, "exists") {
		t.Errorf("over an old one: %d %q", status, errs)
	}
	status, name, _ = runStrategy("", "import", filepath.Join(dir, "rule.toml"), "--dir", out)
	if status != 0 || name != filepath.Join(out, "from-elastic.md")+"\n" {
		t.Errorf("import: %d %q", status, name)
	}
	if status, text, _ := runStrategy("", "list", out); status != 0 || !strings.Contains(text, "from-elastic  high 73") {
		t.Errorf("list: %d %s", status, text)
	}
}
