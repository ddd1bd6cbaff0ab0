package source

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zip"
	"pgregory.net/rapid"
)

// value draws a JSON value as text, with blanks wherever they are allowed if
// pretty.
func value(t *rapid.T, depth int, pretty bool) string {
	gap := ""
	if pretty {
		gap = rapid.SampledFrom([]string{"", " ", "\n", "\r\n  ", "\t"}).Draw(t, "gap")
	}
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	if depth <= 0 && kind < 3 {
		kind = 3
	}
	switch kind {
	case 0, 1:
		return object(t, depth, pretty)
	case 2:
		var b strings.Builder
		b.WriteString("[" + gap)
		for i := range rapid.IntRange(0, 3).Draw(t, "n") {
			if i > 0 {
				b.WriteString("," + gap)
			}
			b.WriteString(value(t, depth-1, pretty))
		}
		return b.String() + gap + "]"
	case 3:
		return rapid.SampledFrom([]string{"null", "true", "false", "0", "-1.5E+7", "12345678901234567890"}).Draw(t, "scalar")
	default:
		return text1(t)
	}
}

// text1 draws a string, often one that looks like structure.
func text1(t *rapid.T) string {
	s := rapid.SampledFrom([]string{"", "a", "}{", "} {", "\n{", "}\n{", `\`, `"`, `\"`, "],[", "index", "ä", "</Event>", "took"}).Draw(t, "text")
	b, _ := json.Marshal(s + rapid.StringMatching(`[a-z{}\[\],:"\\]{0,12}`).Draw(t, "more"))
	return string(b)
}

func object(t *rapid.T, depth int, pretty bool) string {
	gap := ""
	if pretty {
		gap = rapid.SampledFrom([]string{"", " ", "\n", "\r\n  "}).Draw(t, "gap")
	}
	var b strings.Builder
	b.WriteString("{" + gap)
	for i := range rapid.IntRange(0, 4).Draw(t, "n") {
		if i > 0 {
			b.WriteString("," + gap)
		}
		key := `"k` + text1(t)[1:] // never the first key of a wrapper
		b.WriteString(key + gap + ":" + gap + value(t, depth-1, pretty))
	}
	return b.String() + gap + "}"
}

// textOf draws a text and the documents in it.
func textOf(t *rapid.T) (in string, want []string) {
	var b strings.Builder
	for range rapid.IntRange(0, 8).Draw(t, "documents") {
		pretty := rapid.Bool().Draw(t, "pretty")
		sep := rapid.SampledFrom([]string{"\n", "\n", "", " ", "\r\n", "\n\n", "\x1e"}).Draw(t, "separator")
		line := 1 + strings.Count(b.String(), "\n")
		var docs []string
		for range rapid.IntRange(0, 4).Draw(t, "elements") {
			docs = append(docs, object(t, 3, pretty))
		}
		ordinals := true
		switch rapid.IntRange(0, 5).Draw(t, "container") {
		case 0:
			b.WriteString("[" + strings.Join(docs, ",\n") + "]")
		case 1:
			b.WriteString(`{"took":1,"_shards":{"x":[{}]},"hits":{"total":{"value":1},"hits":[` + strings.Join(docs, ",") + `],"x":{}},"y":[{"z":1}]}`)
		case 2:
			b.WriteString(`{"Records": [` + strings.Join(docs, " ,") + "\n]}")
		case 3:
			b.WriteString("[[" + strings.Join(docs, "],[") + "]]")
		default:
			ordinals = false
			docs = []string{object(t, 3, pretty)}
			b.WriteString(docs[0])
		}
		for i, d := range docs {
			if ordinals {
				line = i + 1
			}
			want = append(want, fmt.Sprintf("%d: %s", line, d))
		}
		b.WriteString(sep)
	}
	return b.String(), want
}

// dribble gives its bytes in pieces of odd sizes.
type dribble struct {
	src  io.Reader
	size int
}

func (d *dribble) Read(p []byte) (int, error) {
	return d.src.Read(p[:min(len(p), d.size)])
}

func TestAnySplitGivesTheSameDocuments(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in, want := textOf(rt)
		size := rapid.SampledFrom([]int{1, 5, 13, 50, 200, 1000, 100000}).Draw(rt, "block")
		piece := rapid.SampledFrom([]int{1, 3, 1000}).Draw(rt, "piece")
		g := read(t, Options{BlockSize: size, Stdin: &dribble{strings.NewReader(in), piece}}, "-")
		if g.err != nil || len(g.problems) > 0 || !slices.Equal(g.docs, want) {
			rt.Fatalf("blocks of %d, %v\n%s\ngot  %q\nwant %q\nproblems %q", size, g.err, in, g.docs, want, g.problems)
		}
	})
}

// TestDamageStaysWhereItIs breaks one line of many: all others must come out,
// whatever the break and the size of blocks.
func TestDamageStaysWhereItIs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var lines []string
		for i := range 10 {
			lines = append(lines, fmt.Sprintf(`{"n":%d,"v":%s}`, i, object(rt, 2, false)))
		}
		bad := rapid.IntRange(0, 9).Draw(rt, "bad")
		cut := rapid.IntRange(1, len(lines[bad])-1).Draw(rt, "cut")
		if rapid.Bool().Draw(rt, "head") {
			lines[bad] = lines[bad][:cut]
		} else {
			lines[bad] = lines[bad][cut:]
		}
		size := rapid.SampledFrom([]int{1, 5, 13, 50, 200, 1000, 100000}).Draw(rt, "block")
		g := text(t, Options{BlockSize: size}, strings.Join(lines, "\n"))
		for i, line := range lines {
			// The rest of a broken line may look like an array's beginning,
			// and the next line like its element: of that number then.
			has := func(d string) bool { return strings.HasSuffix(d, ": "+line) }
			if i != bad && !slices.ContainsFunc(g.docs, has) {
				rt.Fatalf("blocks of %d: line %d is lost\n%s\n%q\n%q", size, i+1, strings.Join(lines, "\n"), g.docs, g.problems)
			}
		}
	})
}

// FuzzText reads any bytes in blocks of several sizes: no panic, and the valid
// documents are the same ones.
func FuzzText(f *testing.F) {
	f.Add([]byte("{\"a\":1}\n[{\"b\":2},\n{\"c\":{\"d\":[1,2]}}]\n{\"took\":1,\"hits\":{\"hits\":[{}]}}"))
	f.Add([]byte("{\"index\":{\"_id\":\"1\"}}\n{\"a\":\"}\\n{\"}\n{\"a\"\n{\"b\":1}\n"))
	f.Add([]byte("<Events><Event a='b'>x</Event>\n<Event >y<Event>z</Event>"))
	f.Add([]byte("\xFF\xFE{\x00}\x00"))
	for _, s := range []string{gzipped(three), zstded(three), zipped(zip.Deflate, entry{"a.json", three}),
		zipped(zip.Store, entry{"a.json", three}, entry{"b/c.gz", gzipped("[{}]")}), tarred(entry{"a.json", three}), string(evtxFile(1, 2)[:evtxHeader+900]), event(1) + event(2)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole := fuzzed(t, in, Options{})
		for _, size := range []int{1, 7, 64} {
			cut := fuzzed(t, in, Options{BlockSize: size})
			if json.Valid(in) && !slices.Equal(cut, whole) {
				t.Errorf("blocks of %d: %q, whole: %q", size, cut, whole)
			}
		}
		fuzzed(t, in, Options{BlockSize: 8, MaxDocument: 16})
	})
}

func fuzzed(t *testing.T, in []byte, opt Options) (docs []string) {
	opt.Stdin = bytes.NewReader(in)
	_, err := Read(context.Background(), []string{"-"}, opt, func(b *Block) error {
		defer b.Release()
		for d := range b.Documents {
			if d != nil && (d.Kind != JSON || json.Valid(d.Data)) {
				docs = append(docs, fmt.Sprint(d.Line, string(d.Data), d.Record))
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return docs
}
