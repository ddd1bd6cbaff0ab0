package event

import (
	"encoding/json"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

func TestRender(t *testing.T) {
	fields := []string{"host.name", "host", "host.os.type", "@timestamp", "process.pid", "process.args", "event.category", "event.code", "source.ip", "process.parent.pid", "x.y.z", "x.y", "x.a",
		"destination.port", "event.duration", "process.interactive", "x-1", "host.ip"}
	f := func(doc, want string) {
		t.Helper()
		s := NewSchema(ECSTypes())
		r := NewRenderer(s)
		for _, name := range fields {
			s.Slot(name)
		}
		ev := New(s)
		if err := NewDecoder(s).Decode([]byte(doc), ev); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got := string(r.AppendJSON(nil, ev))
			if got != want {
				t.Errorf("%s\n got %s\nwant %s", doc, got, want)
			}
			if !json.Valid([]byte(got)) {
				t.Errorf("not JSON: %s", got)
			}
		}
	}
	f(`{}`, `{}`)
	f(`{"host.name":"h","@timestamp":"2020-01-01 00:00:00","process":{"pid":"4","args":"a"}}`,
		`{"@timestamp":"2020-01-01T00:00:00.000Z","host":{"name":"h"},"process":{"args":["a"],"pid":4}}`)
	f(`{"event":{"category":["a","b"],"code":1},"process.parent.pid":[1,2],"process.pid":"x"}`,
		`{"event":{"category":["a","b"],"code":"1"},"process":{"parent":{"pid":[1,2]},"pid":"x"}}`)
	f(`{"host":"h","host.name":"n","host.os.type":"o","source.ip":["::FFFF:1.2.3.4","LOCAL"]}`,
		`{"host":"h","host.name":"n","host.os.type":"o","source":{"ip":["1.2.3.4","LOCAL"]}}`)
	f(`{"x":{"a":1.50,"y":"\u0001\"\\\u2028","y.z":true},"x-1":12345678901234567890}`,
		`{"x":{"a":1.5,"y":"\u0001\"\\`+"\u2028"+`","y.z":true},"x-1":12345678901234567890}`)
	f(`{"x-1":1e999,"process.interactive":"true","event.duration":99999999999999999999}`,
		`{"event":{"duration":100000000000000000000.0},"process":{"interactive":true},"x-1":1e999}`)
}

func FuzzAppendJSONString(f *testing.F) {
	for _, s := range []string{"", "a", "12345678\"12345678\\", "\x00\x1f\x7f\u0080\u2028é😀", "\xff\xc3(", "abcdefg\nabcdefgh"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := AppendJSONString(nil, s)
		var got, want string
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		b, _ := json.Marshal(s)
		if _ = json.Unmarshal(b, &want); got != want {
			t.Fatalf("%q reads back as %q", s, got)
		}
		if text := (Token{out}).Text(nil); text != want {
			t.Fatalf("%q: token reads %q", s, text)
		}
	})
}

// Rendered events read back as the same values, whatever fields lie in each
// other and whatever is a list.
func TestRenderReadsBack(t *testing.T) {
	r := rand.New(rand.NewSource(11))
	names := []string{"a", "a.b", "a.b.c", "a.c", "b", "process.pid", "process.args", "source.ip", "@timestamp", "a-b", "é.\"q", "x.y.z", "x.y"}
	values := []Value{Text("x"), Text("1"), Text("::1"), Text("2020-01-01"), Text("\n\"é"), Number("7"), Number("1.5"), Number("18446744073709551615"), Bool(true), Long(-3), Double(2.5), Double(1e30), Time(1e18)}
	for range 3000 {
		s := NewSchema(ECSTypes())
		for _, i := range r.Perm(len(names)) {
			s.Slot(names[i])
		}
		ev, back := New(s), New(s)
		for range r.Intn(12) {
			ev.Add(r.Intn(s.Len()), values[r.Intn(len(values))])
		}
		text := NewRenderer(s).AppendJSON(nil, ev)
		if err := NewDecoder(s).Decode(text, back); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		uniqueKeys(t, Token{text})
		for slot := range s.Len() {
			got, want := back.Values(slot), ev.Values(slot)
			same := len(got) == len(want)
			for i := 0; same && i < len(got); i++ {
				same = got[i].String() == want[i].String()
			}
			if !same {
				t.Fatalf("%s: field %s: %v, want %v", text, s.Field(slot).Name, got, want)
			}
		}
	}
}

// uniqueKeys fails if an object has a key twice or out of order.
func uniqueKeys(t *testing.T, v Token) {
	var last []string
	for it := v.Members(); it.Next(); {
		if v.Form() == ObjectForm {
			key := strings.Split(it.Key.Text(nil), ".")
			if slices.Compare(key, last) <= 0 {
				t.Fatalf("%s: key %q after %q", v.Raw, key, last)
			}
			last = key
		}
		if f := it.Value.Form(); f == ObjectForm || f == ArrayForm {
			uniqueKeys(t, it.Value)
		}
	}
}
