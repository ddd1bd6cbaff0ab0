package eql

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tocsin-project/tocsin/event"
)

// seedQueries are the queries of the conformance files.
func seedQueries(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range readCommands(splitLines(string(b))) {
			if c.from > 0 {
				out = append(out, c.input)
			}
		}
	}
	return out
}

// FuzzCompile: no text panics; what compiles prints as a fixed point, formats,
// and matches an event the same way twice.
func FuzzCompile(f *testing.F) {
	for _, q := range seedQueries(f) {
		f.Add(q)
	}
	doc := []byte(`{"event":{"category":"process"},"x":["a","b"],"n":[1,-2.5],"b":true,"process":{"pid":1,"name":"cmd.exe"},"source":{"ip":"::1"},"@timestamp":"2024-01-01T00:00:00Z"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return
		}
		schema := event.NewSchema(event.ECSTypes())
		p, err := Compile(text, &Env{Schema: schema})
		if err != nil {
			list, ok := err.(ErrorList)
			if !ok || len(list) == 0 || len(list) > maxErrors {
				t.Fatalf("odd error %#v", err)
			}
			_ = list.Render("f.md", 3)
			_, _ = CompileCondition(text, &Env{Schema: schema})
			return
		}
		fixedPoint(t, text)
		checkFormat(t, text)
		ev := decodeAll(t, schema, [][]byte{doc})[0]
		for i := range p.Stages {
			s := &p.Stages[i]
			checkPredicates(t, s, ev, s.Match(ev))
		}
	})
}
