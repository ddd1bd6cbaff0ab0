package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func schemaOf(fields ...string) *Schema {
	s := NewSchema(nil)
	for _, f := range fields {
		s.Slot(f)
	}
	return s
}

// asWritten prints the values of a slot before typing.
func asWritten(ev *Event, slot int) []string {
	var out []string
	sp := ev.slots[slot]
	for _, v := range ev.vals[sp.off : sp.off+sp.n] {
		switch v.Kind {
		case KindBool:
			out = append(out, fmt.Sprint(v.N == 1))
		case KindNumber:
			out = append(out, v.S)
		case KindText:
			out = append(out, fmt.Sprintf("%q", v.S))
		default:
			out = append(out, fmt.Sprintf("kind %d", v.Kind))
		}
	}
	return out
}

func TestDecode(t *testing.T) {
	fields := []string{"a", "a.b", "a.b.c", "user.name", "process.parent.executable", "process.parent", "@timestamp", "ünï.cödé", "q\"k"}
	f := func(doc, want string) {
		t.Helper()
		s := schemaOf(fields...)
		ev := New(s)
		ev.Reset(nil)
		if err := NewDecoder(s).Decode([]byte(doc), ev); err != nil {
			t.Errorf("%s: %v", doc, err)
			return
		}
		var got []string
		for i, name := range fields {
			if v := asWritten(ev, i); len(v) > 0 {
				got = append(got, name+"="+strings.Join(v, ","))
			}
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s\n got %s\nwant %s", doc, g, want)
		}
	}
	f(`{}`, ``)
	f(`{"a":1}`, `a=1`)
	f(`{"a":"x","a":true}`, `a="x",true`)
	f(`{"a":{"b":1}}`, `a.b=1`)
	f(`{"a.b":1}`, `a.b=1`)
	f(`{"a.b.c":1,"a":{"b.c":2},"a.b":{"c":3},"a":{"b":{"c":4}}}`, `a.b.c=1,2,3,4`)
	f(`{"a":[1,{"b":[2,3,{"c":4}]},[5,[6]],null,{"b":7}]}`, `a=1,5,6 a.b=2,3,7 a.b.c=4`)
	f(`{"a":null,"a.b":[],"user":{"name":[null]}}`, ``)
	f(`{"a":{},"a":[{}]}`, ``)
	f(`{"a":"x","b":1,"a.b":"y","c":2,"a":"z","a.b":"w","a":"v","a":"u"}`, `a="x","z","v","u" a.b="y","w"`)
	f(`{"process":{"parent":{"executable":"C:\\x"},"parent.executable":"/y"},"process.parent.executable":"z"}`,
		`process.parent.executable="C:\\x","/y","z"`)
	f(`{"process":{"parent":"p","paren":1,"parents":2,"parent.":3,"parent.executabl":4,"parent.executables":5}}`, `process.parent="p"`)
	f(`{"\u0061":1,"us\u0065r.name":"x","user":{"n\u0061me":"y"}}`, `a=1 user.name="x","y"`)
	f(`{"ünï":{"cödé":"é"},"ünï.cödé":"\u00e9"}`, `ünï.cödé="é","é"`)
	f(`{"q\"k":1}`, `q"k=1`)
	f(`{"a":"\ud83d\ude00 \ud83d x \ude00 \u0000\n"}`, `a="😀 � x � \x00\n"`)
	f("{\"a\":\"\xff12345678\xc3(\"}", `a="�12345678�("`)
	f(` { "a" : [ 1 , 2 ] , "user" : { "name" : "long enough to span words" } } `, `a=1,2 user.name="long enough to span words"`)
	f(`{"a":123456789012345678901234567890,"a":-0,"a":1e999,"a":1.50}`, `a=123456789012345678901234567890,-0,1e999,1.50`)
	f(`{"zzz":{"a":1,"deep":[[[{"a":2}]]]},"@timestamp":"2020-01-01T00:00:00Z"}`, `@timestamp="2020-01-01T00:00:00Z"`)
	f(`{"process":{"name":"x"},"process.name":{"parent":1}}`, ``)
}

func TestDecodeErrors(t *testing.T) {
	s := schemaOf("a", "a.b", "b")
	d, ev := NewDecoder(s), New(s)
	f := func(doc string, off int) {
		t.Helper()
		ev.Reset(nil)
		var e *SyntaxError
		if err := d.Decode([]byte(doc), ev); !errors.As(err, &e) || e.Offset != off {
			t.Errorf("%q: %v, want a syntax error at %d", doc, err, off)
		}
	}
	f(``, 0)
	f(`{`, 1)
	f(`{"a`, 3)
	f(`{"a"`, 4)
	f(`{"a":`, 5)
	f(`{"a":1`, 6)
	f(`{"a":"x`, 7)
	f(`{"a":[1`, 7)
	f(`{"a":[1,]}`, 8)
	f(`{"a":{"b":}}`, 10)
	f(`{"a":1,}`, 7)
	f(`{"a":1}}`, 7)
	f(`{"a":1} x`, 8)
	f(`{"a":tru}`, 8)
	f("{\"a\":\"12345678\n\"}", 14)
	f(`{"a":"12345678\x"}`, 15)
	f(`{"a" 1}`, 5)
	f(`{"z":[}]}`, 6)
	f(`[1,2`, 4)
	f(`nul`, 3)
	f(`{"a":`+strings.Repeat("[", 600), 5+511)
	f(strings.Repeat(`{"a":`, 600), 512*5)
	f(strings.Repeat(`{"z":`, 600), 512*5)
	for _, doc := range []string{`[]`, `1`, ` "x" `, `null`, `[{"a":1}]`} {
		if err := d.Decode([]byte(doc), ev); err != ErrNotObject {
			t.Errorf("%s: %v, want ErrNotObject", doc, err)
		}
	}
}

func TestEach(t *testing.T) {
	s := schemaOf("winlog.event_data.Image", "winlog.channel")
	d, ev := NewDecoder(s), New(s)
	var got []string
	d.Each("winlog.event_data", func(_ *Event, name string, v Token) { got = append(got, name+"="+string(v.Raw)) })
	doc := `{"winlog":{"channel":"c","event_data":{"Image":"i","X\u0041":[1],"N":{"b":null}},"event_data.Y":2},
		"winlog.event_data.Z":3,"winlog.event_data":{"W":4},"winlog.event_dat":{"V":5},"other.event_data.U":6,"winlog.event_data.p.q":7,
		"event_data":{"T":8}}`
	if err := d.Decode([]byte(doc), ev); err != nil {
		t.Fatal(err)
	}
	want := `Image="i" XA=[1] N={"b":null} Y=2 Z=3 W=4 p.q=7`
	if g := strings.Join(got, " "); g != want {
		t.Errorf("got %s, want %s", g, want)
	}
	if v := asWritten(ev, 0); len(v) != 1 || v[0] != `"i"` {
		t.Errorf("slot: %v", v)
	}
}

// flatten is the oracle: every scalar of a document with its path, repeated
// keys included, read by encoding/json.
func flatten(dec *json.Decoder, path string, out map[string][]string) {
	tok, err := dec.Token()
	if err != nil {
		panic(err)
	}
	switch tok {
	case json.Delim('{'):
		for dec.More() {
			key, _ := dec.Token()
			name := key.(string)
			flatten(dec, path+"."+name, out)
		}
		_, _ = dec.Token()
	case json.Delim('['):
		for dec.More() {
			flatten(dec, path, out)
		}
		_, _ = dec.Token()
	case nil:
	default:
		text := fmt.Sprint(tok)
		if s, ok := tok.(string); ok {
			text = fmt.Sprintf("%q", s)
		}
		path = path[min(1, len(path)):] // the dot before the first name
		out[path] = append(out[path], text)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range jsonTexts {
		f.Add([]byte(s))
		f.Add([]byte(`{"a":` + s + `,"a.b":` + s + `}`))
		f.Add([]byte(`{"user":{"name":` + s + `},"z":` + s + `}`))
	}
	fields := []string{"a", "b", "a.b", "a.b.c", "user.name", "process.parent.executable", "a.a", "é", "12345678", "1234567", "z.123456789012345678901234"}
	schema := schemaOf(fields...)
	d := NewDecoder(schema)
	f.Fuzz(func(t *testing.T, doc []byte) {
		ev := New(schema)
		// What an earlier document left must not show.
		if err := d.Decode([]byte(`{"a":["old\n",1,true,"x"],"b":"\u00e9","a.b":[[1],2],"user.name":"y","a":"z"}`), ev); err != nil {
			t.Fatal(err)
		}
		for slot := range schema.Len() {
			for i := range ev.Values(slot) {
				ev.Fold(&ev.Values(slot)[i])
			}
		}
		ev.Reset(doc)
		before := string(doc)
		err := d.Decode(doc, ev)
		if string(doc) != before {
			t.Fatal("document changed")
		}
		if err != nil {
			if err == ErrNotObject == json.Valid(doc) || strings.Contains(err.Error(), msgDepth) {
				return
			}
			t.Fatalf("%q: %v, encoding/json disagrees", doc, err)
		}
		if !json.Valid(doc) {
			t.Fatalf("%q accepted", doc)
		}
		compareWithOracle(t, doc, ev)
	})
}

// compareWithOracle checks every slot of ev against encoding/json's reading.
func compareWithOracle(t *testing.T, doc []byte, ev *Event) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	want := map[string][]string{}
	flatten(dec, "", want)
	for i := range ev.schema.fields {
		name := ev.schema.fields[i].Name
		if got := asWritten(ev, i); !slices.Equal(got, want[name]) {
			t.Fatalf("%q: field %s: got %q, want %q", doc, name, got, want[name])
		}
	}
}

// Real documents: every field that any of a file's documents has is read as
// encoding/json reads it, and rendering them again is JSON with the same values.
func TestDecodeShared(t *testing.T) {
	files, _ := filepath.Glob("../../shared/ecs/goldens/*/*.json")
	more, _ := filepath.Glob("../../shared/*/*/*.ndjson")
	files = append(files, more...)
	recordings, _ := filepath.Glob("../../shared/recordings/*/*.json")
	files = append(files, recordings...)
	if len(files) == 0 {
		t.Skip("no ../shared: no real documents to decode")
	}
	docs := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		schema, objects := NewSchema(nil), [][]byte{}
		for off := 0; len(objects) < 200; {
			end, err := Skip(text, off)
			if Truncated(err) {
				break
			}
			if err != nil {
				t.Errorf("%s: %v", file, err)
				break
			}
			if doc := bytes.TrimSpace(text[off:end]); doc[0] == '{' {
				objects = append(objects, doc)
				dec := json.NewDecoder(bytes.NewReader(doc))
				all := map[string][]string{}
				flatten(dec, "", all)
				for name := range all {
					schema.Slot(name)
				}
			}
			off = end
		}
		d, ev := NewDecoder(schema), New(schema)
		for _, doc := range objects {
			ev.Reset(doc)
			if err := d.Decode(doc, ev); err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			compareWithOracle(t, doc, ev)
			docs++
		}
	}
	t.Logf("%d documents of %d files", docs, len(files))
}
