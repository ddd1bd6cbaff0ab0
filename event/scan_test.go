package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// jsonTexts are documents good and bad that the tests of the scanner, the
// decoder and the fuzz targets share.
var jsonTexts = []string{
	`{}`, `[]`, `""`, `0`, `-0`, `-`, `01`, `1.`, `.5`, `1.5e`, `1e+`, `1E-7`, `1e400`, `-1.25e+10`, `+1`, `0x1`, `1.5.2`,
	`true`, `false`, `null`, `tru`, `truex`, `nulL`, `True`, `NaN`, `Infinity`,
	``, ` `, "\t\r\n{ }\n", "\f{}", "\v1", "\u00a0{}", "\ufeff{}",
	`{"a":1}`, `{"a" : 1 , "b":[ 1 ,2, {"c":null} ] }`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1 "b":2}`, `{a:1}`, `{'a':1}`,
	`[1,]`, `[,1]`, `[1 2]`, `[1}`, `{"a":1]`, `[[]`, `[]]`, `{}{}`, `{"a":{}`, `[{}, {}]`, `{"a":[]}`, `{"a":{}}`, `{1:2}`, `{"a":1,"a":2}`,
	`"abc`, `"a\"b"`, `"a\\"`, `"a\\\"`, `"\u00e9"`, `"\u00E9"`, `"\u00g9"`, `"\u12"`, `"\x"`, `"\`, `"\u`, `"\'"`, `"\/\b\f\n\r\t"`,
	`"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\ud83d\ude00"`, `"\u0000"`,
	"\"\xff\"", "\"ab\xc3(\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"é漢😀\"", "\"a\nb\"", "\"a\x00\"", "\"\x1f\"", "\"\x7f\"", "\"1234567\n\"",
	`"12345678"`, `"1234567\""`, `"1234567\\"`, `"123456789012345\u00e9123456789"`, `{"12345678901234567890":"12345678901234567890"}`,
	`{"a":tru}`, `[nul]`, `[-]`, `[1.5e+07,-0.0]`, `{"a":"b"`, `{"a":"b`, `{"a":"b\`, `{"a`, `{"a":[1`, `{"a":[1,`, `{"a":-`, `{"a":1.`,
	"{\"\\u0061\":1}", "{\"a\\\\\":1}", "{\"a\":\"\u2028\"}", `{"":1}`, `{".":1,"..":2}`, `{"a.b":1,"a":{"b":2}}`, `/* c */{}`, `{"a":1}//`,
	strings.Repeat("[", 66) + "1" + strings.Repeat("]", 66), strings.Repeat(`{"a":`, 66) + "1" + strings.Repeat("}", 66),
}

func TestValid(t *testing.T) {
	for _, s := range jsonTexts {
		err := Valid([]byte(s))
		if want := json.Valid([]byte(s)); (err == nil) != want {
			t.Errorf("Valid(%q) = %v, encoding/json says %v", s, err, want)
		}
	}
}

func TestSkipOffsets(t *testing.T) {
	f := func(doc string, off int, msg string) {
		t.Helper()
		_, err := Skip([]byte(doc), 0)
		var s *SyntaxError
		if !errors.As(err, &s) {
			t.Errorf("Skip(%q) = %v, want a SyntaxError", doc, err)
		} else if s.Offset != off || s.Msg != msg {
			t.Errorf("Skip(%q): offset %d %q, want %d %q", doc, s.Offset, s.Msg, off, msg)
		}
	}
	f(``, 0, "unexpected end")
	f(`  `, 2, "unexpected end")
	f(`{"a":1`, 6, "unexpected end")
	f(`{"abcdefghij`, 12, "unexpected end")
	f(`{"a":"\`, 7, "unexpected end")
	f(`{"a":"\u00`, 10, "unexpected end")
	f(`{"a":tr`, 7, "unexpected end")
	f(`{"a":1,}`, 7, `unexpected '}'`)
	f(`{"a":01}`, 6, `unexpected '1'`)
	f(`{"a":"\q"}`, 7, `unexpected 'q'`)
	f("{\"a\":\"x\ny\"}", 7, `unexpected '\n'`)
	f(`[1,é]`, 3, `unexpected 'é'`)
	f(`[1}`, 2, `unexpected '}'`)
	f(strings.Repeat("[", 513), 512, "nested too deep")
	f(strings.Repeat(`{"a":`, 513), 512*5, "nested too deep")
}

func TestSkipConcatenated(t *testing.T) {
	doc := []byte(" {\"a\":1}{\"b\":[2]}\n7 \"x\" ")
	var got []string
	off := 0
	for {
		end, err := Skip(doc, off)
		if Truncated(err) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimSpace(string(doc[off:end])))
		off = end
	}
	if s := strings.Join(got, "|"); s != `{"a":1}|{"b":[2]}|7|"x"` {
		t.Errorf("got %s", s)
	}
}

// The scanner must see the same text boundaries wherever the eight-byte words
// fall.
func TestSkipStringAlignment(t *testing.T) {
	for _, s := range jsonTexts {
		for n := range 17 {
			doc := []byte(`{"` + strings.Repeat("k", n) + `":` + s + `,"z":""}`)
			if err, want := Valid(doc), json.Valid(doc); (err == nil) != want {
				t.Errorf("Valid(%q) = %v, encoding/json says %v", doc, err, want)
			}
		}
	}
}

func TestIter(t *testing.T) {
	ev := New(NewSchema(nil))
	doc := []byte(` { "a" : 1 , "b\"":"x\ty","c":[1,{"d":true}],"e":null,"a":false,"f":{}} tail`)
	var got []string
	it := Members(doc)
	for it.Next() {
		got = append(got, it.Key.Text(ev)+"="+it.Value.Text(ev))
	}
	if it.Err() != nil || string(doc[it.Offset():]) != " tail" {
		t.Errorf("stopped at %d: %v", it.Offset(), it.Err())
	}
	want := "a=1|b\"=x\ty|c=[1,{\"d\":true}]|e=null|a=false|f={}"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got %s\nwant %s", s, want)
	}
	got = got[:0]
	for it := Members([]byte(`[1,"a",[],{}]`)); it.Next(); {
		got = append(got, string(it.Value.Raw))
	}
	if s := strings.Join(got, "|"); s != `1|"a"|[]|{}` {
		t.Errorf("elements: %s", s)
	}
	for _, bad := range []string{`1`, `"a"`, ``, `{"a":1`, `{"a":1,}`, `[1,]`, `{"a":1]`, `{"a":[1}}`, `{"a"`} {
		it := Members([]byte(bad))
		for it.Next() {
		}
		if it.Err() == nil {
			t.Errorf("Members(%q): no error", bad)
		}
	}
}

// walk rebuilds a document with the iterator, decoding every string.
func walk(t *testing.T, tok Token, out *bytes.Buffer) {
	switch tok.Form() {
	case ObjectForm, ArrayForm:
		it, n := tok.Members(), 0
		out.WriteByte(tok.Raw[0])
		for it.Next() {
			if n++; n > 1 {
				out.WriteByte(',')
			}
			if tok.Form() == ObjectForm {
				k, _ := json.Marshal(it.Key.Text(nil))
				out.Write(append(k, ':'))
			}
			walk(t, it.Value, out)
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
		out.WriteByte(tok.Raw[0] + 2)
	case StringForm:
		s, _ := json.Marshal(tok.Text(nil))
		out.Write(s)
	default:
		out.Write(tok.Raw)
	}
}

func FuzzIter(f *testing.F) {
	for _, s := range jsonTexts {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		err := Valid(doc)
		if errors.As(err, new(*SyntaxError)) && strings.Contains(err.Error(), msgDepth) {
			return // encoding/json goes deeper
		}
		if (err == nil) != json.Valid(doc) {
			t.Fatalf("Valid(%q) = %v, encoding/json disagrees", doc, err)
		}
		if err != nil {
			return
		}
		end, err := Skip(doc, 0)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		walk(t, Token{Raw: doc[skipSpace(doc, 0):end]}, &out)
		if a, b := decodeAny(t, doc), decodeAny(t, out.Bytes()); a != b {
			t.Fatalf("%q read back as %q", doc, out.Bytes())
		}
	})
}

// decodeAny is encoding/json's reading of a document, printed again.
func decodeAny(t *testing.T, doc []byte) string {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	s, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(s)
}

func TestDepth(t *testing.T) {
	for _, n := range []int{1, 63, 64, 65, MaxDepth - 1, MaxDepth, MaxDepth + 1, 10000} {
		arrays := strings.Repeat("[", n) + "1" + strings.Repeat("]", n)
		objects := strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
		for _, doc := range []string{arrays, objects} {
			if err := Valid([]byte(doc)); (err == nil) != (n <= MaxDepth) {
				t.Errorf("%d deep: %v", n, err)
			}
		}
	}
}
