package eql

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/event"
)

var rewrite = flag.Bool("rewrite", false, "write the results into testdata/*.txt")

// command is one block of a conformance file.
type command struct {
	line   int
	head   []string // the words of its first line
	input  string
	result string
	from   int // lines of the result, for rewriting
	to     int
}

// readCommands reads a conformance file (testdata/README.md).
func readCommands(lines []string) []command {
	var out []command
	for i := 0; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) == "" || strings.HasPrefix(lines[i], "#") {
			continue
		}
		c := command{line: i + 1, head: strings.Fields(lines[i])}
		stop := "----"
		if c.head[0] == "load" || c.head[0] == "mapping" {
			stop = ""
		}
		start := i + 1
		for i++; i < len(lines) && lines[i] != stop; i++ {
		}
		c.input = strings.Join(lines[start:min(i, len(lines))], "\n")
		if stop != "" {
			c.from = i + 1
			for i++; i < len(lines) && lines[i] != ""; i++ {
			}
			c.to = min(i, len(lines))
			c.result = strings.Join(lines[c.from:c.to], "\n")
		}
		out = append(out, c)
	}
	return out
}

// world is what the commands of a file work on.
type world struct {
	mapping *event.Mapping
	docs    [][]byte
}

func (w *world) env() *Env {
	if w.mapping != nil {
		return &Env{Schema: event.NewSchema(w.mapping), Strict: true, Columns: w.mapping.Names}
	}
	return &Env{Schema: event.NewSchema(event.ECSTypes())}
}

func TestConformanceFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no conformance files: ", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runFile(t, file) })
	}
}

func runFile(t *testing.T, file string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := splitLines(string(b))
	w := &world{}
	commands := readCommands(lines)
	got := make([]string, len(commands))
	for i, c := range commands {
		got[i] = w.run(t, c)
		if got[i] != c.result && !*rewrite && c.from > 0 && !sameError(c, got[i]) {
			t.Errorf("%s:%d: %s\n%s\ngot  %s\nwant %s", file, c.line, strings.Join(c.head, " "), c.input, got[i], c.result)
		}
	}
	if !*rewrite {
		return
	}
	for i, c := range slices.Backward(commands) {
		if c.from > 0 && !sameError(c, got[i]) {
			lines = slices.Replace(lines, c.from, c.to, strings.Split(got[i], "\n")...)
		}
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sameError: an expected error gives the place and a part of the message.
func sameError(c command, got string) bool {
	at, part, ok := strings.Cut(c.result, " ")
	return c.head[0] == "error" && ok && strings.HasPrefix(got, at+" ") && strings.Contains(got, part)
}

func (w *world) run(t *testing.T, c command) string {
	t.Helper()
	switch c.head[0] {
	case "mapping":
		w.mapping = nil
		if len(c.head) == 1 {
			m, err := event.MappingTypes([]byte(c.input))
			if err != nil {
				t.Fatalf("line %d: %v", c.line, err)
			}
			w.mapping = m
		}
		return ""
	case "load":
		w.docs = bytes.Split([]byte(c.input), []byte("\n"))
		return ""
	case "eval":
		return w.eval(t, c)
	case "error":
		_, err := Compile(c.input, w.env())
		list, _ := err.(ErrorList)
		if len(list) == 0 {
			return "compiles"
		}
		return fmt.Sprintf("%d:%d %s", list[0].Pos.Line, list[0].Pos.Col, list[0].Msg)
	case "fold":
		return fold(c.input)
	case "explain":
		return w.explain(t, c)
	}
	t.Fatalf("line %d: unknown command %q", c.line, c.head[0])
	return ""
}

func fold(text string) string {
	e, err := ParseCondition(text)
	if err != nil {
		return err.Error()
	}
	c := newCompiler(text, &Env{Schema: event.NewSchema(nil)})
	if c.expr(e); c.err() != nil {
		return c.err().Error()
	}
	folded := c.fold(e)
	if c.err() != nil {
		return c.err().Error()
	}
	if lit, ok := folded.(*Literal); ok {
		return string(lit.Value.AppendJSON(nil))
	}
	return folded.String()
}

func (w *world) eval(t *testing.T, c command) string {
	t.Helper()
	env := w.env()
	p, err := Compile(c.input, env)
	if err != nil {
		return err.Error()
	}
	fixedPoint(t, c.input)
	checkFormat(t, c.input)
	if p.Kind != Event {
		return c.result // joined elsewhere
	}
	var ids []string
	for i, ev := range decodeAll(t, env.Schema, w.docs) {
		match := p.Stages[0].Match(ev)
		checkPredicates(t, &p.Stages[0], ev, match)
		if match {
			ids = append(ids, docID(t, w.docs[i]))
		}
	}
	for _, pipe := range p.Pipes {
		n := min(pipe.N, len(ids))
		if pipe.Tail {
			ids = ids[len(ids)-n:]
		} else {
			ids = ids[:n]
		}
	}
	if len(ids) == 0 {
		return "(none)"
	}
	return strings.Join(ids, " ")
}

func docID(t *testing.T, doc []byte) string {
	var d struct {
		ID string `json:"_id"`
	}
	if err := json.Unmarshal(doc, &d); err != nil || d.ID == "" {
		t.Fatalf("document without _id: %v: %s", err, doc)
	}
	return d.ID
}

func (w *world) explain(t *testing.T, c command) string {
	env := w.env()
	cond, err := CompileCondition(c.input, env)
	if err != nil {
		return err.Error()
	}
	var out []string
	for i, ev := range decodeAll(t, env.Schema, w.docs) {
		if docID(t, w.docs[i]) != c.head[1] {
			continue
		}
		for _, f := range cond.Explain(ev) {
			mark := map[bool]string{true: "+", false: "-"}[f.Holds]
			line := mark + " " + f.Predicate + " |"
			for _, s := range f.Seen {
				line += fmt.Sprintf(" %s=%q", s.Field, s.Values)
			}
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

func splitLines(s string) []string { return strings.Split(strings.TrimRight(s, "\n"), "\n") }
