package event

import (
	"encoding/json"
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
