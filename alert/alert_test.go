package alert

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestID: what an alert's identity hangs on, and that no two lists of parts look
// alike.
func TestID(t *testing.T) {
	base := ID("s", "", "key", "last")
	if base != ID("s", "", "key", "last") {
		t.Error("the same match has two ids")
	}
	if len(base) != 32 || strings.Trim(base, "0123456789abcdef") != "" {
		t.Errorf("id %q is not 32 hexadecimal digits", base)
	}
	others := map[string]string{
		"strategy": ID("t", "", "key", "last"), "variant": ID("s", "native", "key", "last"),
		"key": ID("s", "", "other", "last"), "event": ID("s", "", "key", "other"),
		"shifted": ID("s", "k", "ey", "last"), "sample": SampleID("s", "", "key", []string{"last"}),
	}
	seen := map[string]string{base: "base"}
	for name, id := range others {
		if before, taken := seen[id]; taken {
			t.Errorf("%s and %s have one id", name, before)
		}
		seen[id] = name
	}
}

// TestSampleID: a sample is the set of its events.
func TestSampleID(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events := rapid.SliceOfNDistinct(rapid.String(), 1, 5, rapid.ID[string]).Draw(rt, "events")
		shuffled := rapid.Permutation(events).Draw(rt, "shuffled")
		if SampleID("s", "", "k", events) != SampleID("s", "", "k", shuffled) {
			rt.Fatal("the order of a sample's events changed its id")
		}
		if len(events) > 1 && SampleID("s", "", "k", events) == SampleID("s", "", "k", events[1:]) {
			rt.Fatal("a sample and a part of it have one id")
		}
	})
}

// TestJSONForm: the fields that others rely on are there, in every alert, under
// their names (DESIGN §6).
func TestJSONForm(t *testing.T) {
	a := Alert{Schema: SchemaVersion, State: StateOpen, Timestamp: time.Unix(0, 0).UTC()}
	b, err := json.Marshal(&a)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"schema", "id", "incident", "state", "superseded_by", "strategy", "variant", "title", "@timestamp",
		"severity", "risk_score", "host", "threat", "join_keys", "events", "triage", "context", "exception",
	} {
		if _, ok := got[name]; !ok {
			t.Errorf("an empty alert has no %q: %s", name, b)
		}
	}
	if string(got["superseded_by"]) != "null" || string(got["exception"]) != "null" {
		t.Errorf("absent values are not null: %s", b)
	}
}

func TestSeverityRank(t *testing.T) {
	last := 0
	for _, s := range Severities() {
		if r := SeverityRank(strings.ToUpper(s)); r <= last {
			t.Errorf("%s ranks %d, not above %d", s, r, last)
		} else {
			last = r
		}
	}
	if SeverityRank("none") != 0 {
		t.Error("an unknown severity has a rank")
	}
}

func TestView(t *testing.T) {
	v := NewView(json.RawMessage(`{"a":{"b":"nested","c":[1,"x"]},"d.e":"dotted","f":{"g.h":{"i":true}},"n":null,"big":4294967296,"half":0.5}`))
	f := func(field, want string) {
		t.Helper()
		if got := v.Text(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	f("a.b", "nested")
	f("d.e", "dotted")
	f("f.g.h.i", "true")
	f("a.c", "1")
	f("n", "")
	f("none", "")
	f("big", "4294967296")
	if !v.Has("a.c", "x") || v.Has("a.c", "y") || !v.Has("a.b", "nested") {
		t.Error("Has does not look at every value")
	}
	if got := NewView(json.RawMessage(`[`)).Text("a"); got != "" {
		t.Errorf("damaged JSON gave %q", got)
	}
}

// TestDescribe: each kind of event in one line.
func TestDescribe(t *testing.T) {
	for _, tc := range []struct{ name, event, want string }{
		{
			"connection",
			`{"event":{"category":["network"]},"source":{"ip":"192.0.2.1","port":50000},"destination":{"ip":"2001:db8::1","port":49700},"process":{"name":"services.exe"}}`,
			"192.0.2.1:50000 → [2001:db8::1]:49700  services.exe",
		},
		{
			"process",
			`{"event":{"category":["process"],"type":["start"]},"process":{"name":"tool.exe","command_line":"tool.exe /x","parent":{"name":"services.exe"}}}`,
			"services.exe → tool.exe  tool.exe /x",
		},
		{
			"service",
			`{"event":{"code":"7045"},"winlog":{"event_data":{"ServiceName":"Tool","ImagePath":"C:\\tool.exe"}}}`,
			`service "Tool" installed: C:\tool.exe`,
		},
		{"nothing known", `{"event":{"provider":"P"}}`, "P"},
	} {
		if got := NewView(json.RawMessage(tc.event)).Describe(); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}
