package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var rewriteDocs = flag.Bool("rewrite-docs", false, "put what the commands print now into the documents")

// documents are those whose commands are run: everything for users.
func documents(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("find docs: %v %v", paths, err)
	}
	return append(paths, "../../README.md", "../../CONTRIBUTING.md")
}

// TestDocuments runs every command of the documents' console blocks, those of
// one document one after another in one empty folder. What a block shows after
// a command must be what it prints; a line of … alone stands for any lines.
// Run with -rewrite-docs to put what is printed now into the documents.
func TestDocuments(t *testing.T) {
	if testing.Short() {
		t.Skip("runs every command of the documents; left out by -short")
	}
	for _, path := range documents(t) {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Chdir(t.TempDir())
			now := runDocument(t, path, string(text))
			if *rewriteDocs && now != string(text) {
				if err := os.WriteFile(path, []byte(now), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// namedFence begins a block that is a file: its name follows the language.
var namedFence = regexp.MustCompile("^(`{4,})[a-z]+ (\\S+)$")

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// runDocument runs the document's commands and returns it with what they print.
func runDocument(t *testing.T, path, text string) string {
	lines := strings.Split(text, "\n")
	var out []string
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		if m := namedFence.FindStringSubmatch(lines[i]); m != nil {
			from := i + 1
			for i++; lines[i] != m[1]; i++ {
				out = append(out, lines[i])
			}
			out = append(out, lines[i])
			writeFile(t, m[2], strings.Join(lines[from:i], "\n")+"\n")
			continue
		}
		if lines[i] != "```console" {
			continue
		}
		for i++; i < len(lines) && lines[i] != "```"; {
			command, ok := strings.CutPrefix(lines[i], "$ ")
			if !ok {
				t.Fatalf("%s:%d: a console block begins with a command: %q", path, i+1, lines[i])
			}
			from := i + 1
			for i++; i < len(lines) && lines[i] != "```" && !strings.HasPrefix(lines[i], "$ "); {
				i++
			}
			shown := lines[from:i]
			printed := runShell(t, fmt.Sprintf("%s:%d", filepath.Base(path), from), command)
			if len(shown) > 0 && !slices.Equal(elide(shown, printed), steady(shown)) {
				if !*rewriteDocs {
					t.Errorf("%s:%d: %s: printed\n%s\nbut the document shows\n%s", path, from, command, strings.Join(printed, "\n"), strings.Join(shown, "\n"))
				}
				shown = elide(shown, printed)
			}
			out = append(append(out, "$ "+command), shown...)
		}
		if i < len(lines) {
			out = append(out, lines[i])
		}
	}
	return strings.Join(out, "\n")
}

// elide cuts what was printed where the document cuts it: as many lines before
// and after the … as the document has there.
func elide(shown, printed []string) []string {
	at := slices.Index(shown, "…")
	if at < 0 || len(printed) < len(shown)-1 {
		return printed
	}
	out := append(slices.Clone(printed[:at]), "…")
	return append(out, printed[len(printed)-(len(shown)-at-1):]...)
}

// pace is what differs from run to run: how long it took.
var pace = regexp.MustCompile(`in \d+\.\d s, \d+ events/s`)

func steady(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = pace.ReplaceAllString(strings.TrimRight(l, " "), "in 0.0 s, 20000 events/s")
	}
	return out
}

// status is how a document says that a command is meant to fail.
var status = regexp.MustCompile(`\s+# status (\d+)$`)

// runShell runs one line: commands of tocsin, joined by |, the last of them
// into a file after >. It returns the lines printed.
func runShell(t *testing.T, at, line string) []string {
	t.Helper()
	want := "0"
	if m := status.FindStringSubmatch(line); m != nil {
		want, line = m[1], strings.TrimSuffix(line, m[0])
	}
	words, err := shellWords(line)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	target := ""
	if n := len(words); n > 2 && words[n-2] == ">" {
		target, words = words[n-1], words[:n-2]
	}
	var in, out, both bytes.Buffer
	stages := split(words, "|")
	for i, command := range stages {
		name := strings.Join(command[:min(2, len(command))], " ")
		args := command[1:]
		if name == "go run" && len(command) > 2 && command[2] == "./cmd/tocsin" {
			args = command[3:]
		} else if command[0] != "tocsin" {
			t.Fatalf("%s: the documents' test runs tocsin only, not %q", at, name)
		}
		if i > 0 {
			in, out = out, bytes.Buffer{}
		}
		app := &App{Ctx: context.Background(), Stdin: &in, Stdout: io.MultiWriter(&out, &both), Stderr: &both, Getenv: func(string) string { return "" }}
		if i < len(stages)-1 || target != "" {
			app.Stdout = &out
		}
		if got := fmt.Sprint(run(app, args)); got != want {
			t.Errorf("%s: %s: status %s, want %s\n%s", at, line, got, want, both.String())
		}
	}
	if target != "" {
		writeFile(t, target, out.String())
	}
	if both.Len() == 0 {
		return nil
	}
	return steady(strings.Split(strings.TrimSuffix(both.String(), "\n"), "\n"))
}

// shellWords splits a line as a shell does, with quotes and a remark at the end.
func shellWords(line string) ([]string, error) {
	var words []string
	for rest := strings.TrimLeft(line, " "); rest != "" && rest[0] != '#'; rest = strings.TrimLeft(rest, " ") {
		var b strings.Builder
		for rest != "" && rest[0] != ' ' {
			if q := rest[0]; q == '\'' || q == '"' {
				end := strings.IndexByte(rest[1:], q)
				if end < 0 {
					return nil, fmt.Errorf("a quote is open in %q", line)
				}
				b.WriteString(rest[1 : end+1])
				rest = rest[end+2:]
				continue
			}
			b.WriteByte(rest[0])
			rest = rest[1:]
		}
		words = append(words, b.String())
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("no command in %q", line)
	}
	return words, nil
}

func split(words []string, by string) [][]string {
	var out [][]string
	for {
		i := slices.Index(words, by)
		if i < 0 {
			return append(out, words)
		}
		out, words = append(out, words[:i]), words[i+1:]
	}
}

// TestHelpExamples parses every example that a --help shows.
func TestHelpExamples(t *testing.T) {
	var c cli
	parser, err := kong.New(&c, kong.Name("tocsin"), kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	remark := regexp.MustCompile(`\s{2,}.*$`)
	for _, leaf := range parser.Model.Leaves(true) {
		n := 0
		for line := range strings.SplitSeq(leaf.Detail, "\n") {
			if !strings.HasPrefix(line, "    ") {
				continue
			}
			words, err := shellWords(remark.ReplaceAllString(strings.TrimSpace(line), ""))
			if err != nil {
				t.Errorf("%s: %v", leaf.FullPath(), err)
				continue
			}
			for _, command := range split(words, "|") {
				if i := slices.Index(command, ">"); i > 0 {
					command = command[:i]
				}
				if command[0] != "tocsin" {
					continue // zcat and the like
				}
				n++
				if _, err := parser.Parse(command[1:]); err != nil {
					t.Errorf("%s: %q: %v", leaf.FullPath(), line, err)
				}
			}
		}
		if n == 0 && leaf.Name != "version" {
			t.Errorf("%s --help shows no example", leaf.FullPath())
		}
	}
}

// TestLinks follows every relative link of the documents: the file is there,
// and the heading, where one is named.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s]*)(#[^)\s]*)?\)`)
	for _, path := range append(documents(t), "../../ARCHITECTURE.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			target := path
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(path), filepath.FromSlash(m[1]))
			}
			there, err := os.ReadFile(target)
			if err != nil {
				t.Errorf("%s: link %s: %v", path, m[0], err)
				continue
			}
			if m[2] != "" && !anchors(string(there))[m[2][1:]] {
				t.Errorf("%s: link %s: there is no such heading", path, m[0])
			}
		}
	}
}

// anchors are the names that headings get where Markdown is shown.
func anchors(text string) map[string]bool {
	out := map[string]bool{}
	drop := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for line := range strings.SplitSeq(text, "\n") {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			out[strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")] = true
		}
	}
	return out
}
