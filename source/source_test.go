package source

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// got is what a reading gave, as text lines that tests compare.
type got struct {
	docs     []string // line: data
	problems []string
	sum      *Summary
	err      error
}

func read(t testing.TB, opt Options, paths ...string) got {
	t.Helper()
	var g got
	g.sum, g.err = Read(context.Background(), paths, opt, func(b *Block) error {
		defer b.Release()
		for d, p := range b.Documents {
			if p != nil {
				g.problems = append(g.problems, fmt.Sprintf("%d: %s", p.Line, p.Reason))
				continue
			}
			s := fmt.Sprintf("%d: %s", d.Line, d.Data)
			if d.Index != nil || d.ID != nil {
				s += fmt.Sprintf(" (%s/%s)", d.Index, d.ID)
			}
			g.docs = append(g.docs, s)
		}
		return nil
	})
	for _, p := range g.sum.Problems {
		g.problems = append(g.problems, fmt.Sprintf("%d: %s", p.Line, p.Reason))
	}
	return g
}

func text(t testing.TB, opt Options, s string) got {
	opt.Stdin = strings.NewReader(s)
	return read(t, opt, "-")
}

func file(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sizes are block sizes from absurd to larger than every test.
var sizes = []int{1, 2, 7, 16, 33, 64, 100, 1000, 1 << 16}

func TestJSON(t *testing.T) {
	f := func(name, in string, want ...string) {
		t.Helper()
		for _, n := range sizes {
			opt := Options{BlockSize: n}
			opt.Stdin = strings.NewReader(in)
			g := got{}
			g = read(t, opt, "-")
			all := append(g.docs, g.problems...)
			if g.err != nil || strings.Join(all, "\n") != strings.Join(want, "\n") {
				t.Errorf("%s, blocks of %d: %v\ngot:\n%s\nwant:\n%s", name, n, g.err, strings.Join(all, "\n"), strings.Join(want, "\n"))
			}
		}
	}
	f("lines", "{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}", `1: {"a":1}`, `2: {"a":2}`, `4: {"a":3}`)
	f("byte order mark", "\xEF\xBB\xBF{\"a\":1}\n", `1: {"a":1}`)
	f("on one line", `{"a":1}{"a":2} {"a":3}`, `1: {"a":1}`, `1: {"a":2}`, `1: {"a":3}`)
	f("pretty", "{\n  \"a\": {\n \"b\":[\n1,\n2]\n}\n}\n{\n}\n", "1: {\n  \"a\": {\n \"b\":[\n1,\n2]\n}\n}", "8: {\n}")
	f("array", `[{"a":1},{"a":2}]`, `1: {"a":1}`, `2: {"a":2}`)
	f("array by lines", "[\n{\"a\":1},\n{\"a\":2}\n]\n", `1: {"a":1}`, `2: {"a":2}`)
	f("empty array", " [ ] \n", nil...)
	f("mixed", "{\"a\":1}\n[{\"a\":2},\n{\"a\":3}]\n{\"a\":4}[{\"a\":5}]", `1: {"a":1}`, `1: {"a":2}`, `2: {"a":3}`, `4: {"a":4}`, `1: {"a":5}`)
	f("array of arrays", `[[{"a":1}],[{"a":2},{"a":3}],{"a":4}]`, `1: {"a":1}`, `2: {"a":2}`, `3: {"a":3}`, `4: {"a":4}`)
	f("scalars", "{\"a\":1}\nnull\n[1, \"a,]\", true]\n", `1: {"a":1}`, `2: null`, `1: 1`, `2: "a,]"`, `3: true`)
	f("lost brackets", "{\"a\":1},\n{\"a\":2},\n", `1: {"a":1}`, `2: {"a":2}`)
	f("record separators", "\x1e{\"a\":1}\n\x1e{\"a\":2}\n", `1: {"a":1}`, `2: {"a":2}`)
	f("braces in strings", "{\"a\":\"}{\"}\n{\"a\":\"}\\n{\\\"\"}\n", `1: {"a":"}{"}`, `2: {"a":"}\n{\""}`)
	f("search result", `{"took":3,"_shards":{"total":1},"hits":{"total":{"value":2},"max_score":null,"hits":[{"_id":"x","_source":{"a":1}},{"_id":"y"}]},"aggregations":{"z":[1]}}`,
		`1: {"_id":"x","_source":{"a":1}}`, `2: {"_id":"y"}`)
	f("two search results", "{\"took\":3,\"hits\":{\"hits\":[{\"_id\":\"x\"}]}}\n{\"took\":3,\"hits\":{\"hits\":[{\"_id\":\"y\"}]}}\n{\"took\":1,\"hits\":{\"hits\":[]}}\n",
		`1: {"_id":"x"}`, `1: {"_id":"y"}`)
	f("multi search", `{"took":1,"responses":[{"took":3,"hits":{"hits":[{"_id":"x"}]}},{"took":3,"hits":{"hits":[{"_id":"y"}]}}]}`,
		`1: {"_id":"x"}`, `1: {"_id":"y"}`)
	f("sequences", `{"hits":{"sequences":[{"join_keys":["a"],"events":[{"_id":"x"},{"_id":"y"}]}]}}`, `1: {"_id":"x"}`, `2: {"_id":"y"}`)
	f("records", `{"Records":[{"a":1},{"a":2}]}`, `1: {"a":1}`, `2: {"a":2}`)
	f("value", `{"@odata.context":"x","value":[{"a":1},{"a":2}]}`, `1: {"a":1}`, `2: {"a":2}`)
	f("evtx_dump", "Record 1\n{\n \"a\":1\n}\nRecord 20\r\n{\"a\":2}\nRecord of what\n{\"a\":3}\n", "2: {\n \"a\":1\n}", `6: {"a":2}`, `7: Record of what`, `8: {"a":3}`)
	f("no wrapper", `{"took":3,"hits":5}`, `1: {"took":3,"hits":5}`)
	f("bulk", "{\"index\":{\"_index\":\"i\",\"_id\":\"1\"}}\n{\"a\":1}\n{\"create\":{}}\n{\"a\":2}\n{\"delete\":{\"_id\":\"4\"}}\n{\"index\":{\"_id\":\"3\"}}\n{\"a\":3}\n{\"a\":4}\n",
		`2: {"a":1} (i/1)`, `4: {"a":2}`, `7: {"a":3} (/3)`, `8: {"a":4}`)
	f("no action", "{\"index\":{\"name\":\"i\"}}\n{\"a\":1}\n", `1: {"index":{"name":"i"}}`, `2: {"a":1}`)
}

func TestLongDocument(t *testing.T) {
	for _, in := range []string{
		"{\"a\":1}\n{\"b\":\"" + strings.Repeat("x", 5000) + "\"}\n{\"a\":2}\n",
		"{\"a\":1}\n" + strings.Repeat("x", 5000) + "\n{\"a\":2}\n",
		"{\"a\":1}\n{\"b\":[" + strings.Repeat("[[],{\"x\":\"\\\"\"}],", 500) + "1]}\n{\"a\":2}\n",
		"{\"a\":1}\n{\"b\":\"" + strings.Repeat("x", 5000) + "\n{\"a\":2}\n",
	} {
		for _, n := range sizes {
			g := text(t, Options{BlockSize: n, MaxDocument: 1000}, in)
			if len(g.docs) < 2 || g.docs[0] != `1: {"a":1}` || g.docs[len(g.docs)-1] != `3: {"a":2}` || len(g.docs)+len(g.problems) < 3 {
				t.Errorf("%.20s, blocks of %d: %.300q %q", in[8:], n, g.docs, g.problems)
			}
		}
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "b.json"), []byte(`{"b":1}`), 0o600)
	os.WriteFile(filepath.Join(dir, "a.txt"), []byte(`{"a":1}`), 0o600)
	os.WriteFile(filepath.Join(dir, "c.md"), []byte("# read me\n"), 0o600)
	os.WriteFile(filepath.Join(dir, "d.json"), []byte("rubbish\n"), 0o600)
	os.WriteFile(filepath.Join(dir, "e.json"), nil, 0o600)
	g := read(t, Options{}, dir)
	if want := "1: {\"a\":1} 1: {\"b\":1}"; strings.Join(g.docs, " ") != want {
		t.Error(g.docs)
	}
	if g.sum.SkippedCount != 2 || g.sum.Unreadable != 1 || g.sum.ProblemCount != 0 {
		t.Errorf("%+v", g.sum)
	}
	if g = read(t, Options{}, filepath.Join(dir, "*.json")); len(g.docs) != 1 || g.sum.Unreadable != 1 {
		t.Errorf("%+v", g)
	}
	if g = read(t, Options{}, filepath.Join(dir, "nope"), dir, "nö*"); g.err == nil || !strings.Contains(g.err.Error(), "nope") || !strings.Contains(g.err.Error(), "nö*") {
		t.Error(g.err)
	}
}
