package query

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/source"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestResponse holds the shape of Elasticsearch's response.
func TestResponse(t *testing.T) {
	path := write(t, "docs.ndjson", `{"_id":"a","@timestamp":1,"event":{"category":"a"},"k":[7],"f":1.5,"b":true,"d":"<&>"}
{"_index":"i","_id":"b","_source":{"@timestamp":2,"event":{"category":"b"},"k":7.0,"f":1.5,"b":true}}
`)
	text := "sequence by k, f, b, ?user.name with maxspan=1m [a where true] ![any where process.pid == 1] [b where true]"
	r := search(t, text, Options{Size: DefaultSize}, path)
	var out bytes.Buffer
	if err := r.WriteJSON(&out, 1500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, out.Bytes()); err != nil {
		t.Fatal(err)
	}
	sequence := `{"join_keys":[7,1.5,true,null],"events":[` +
		`{"_index":"","_id":"a","_source":{"_id":"a","@timestamp":1,"event":{"category":"a"},"k":[7],"f":1.5,"b":true,"d":"<&>"}},` +
		`{"_index":"","_id":"","_source":{},"missing":true},` +
		`{"_index":"i","_id":"b","_source":{"@timestamp":2,"event":{"category":"b"},"k":7.0,"f":1.5,"b":true}}]}`
	want := `{"is_partial":false,"is_running":false,"took":1500,"timed_out":false,"hits":{"total":{"value":1,"relation":"eq"},"sequences":[` + sequence + `]}}`
	if compact.String() != want {
		t.Errorf("got  %s\nwant %s", compact.String(), want)
	}
	out.Reset()
	if err := r.WriteNDJSON(&out); err != nil || out.String() != sequence+"\n" {
		t.Errorf("got  %s\nwant %s %v", out.String(), sequence, err)
	}

	r = search(t, "any where true", Options{Size: 1, Head: true}, path)
	out.Reset()
	if err := r.WriteNDJSON(&out); err != nil || !strings.HasPrefix(out.String(), `{"_index":"","_id":"a","_source":{`) || r.Total != 2 {
		t.Errorf("%d of %s %v", r.Total, out.String(), err)
	}
	for text, list := range map[string]string{"any where false": `"events": []`, "sample by k [a where false] [b where true]": `"sequences": []`} {
		out.Reset()
		if err := search(t, text, Options{}, path).WriteJSON(&out, 0); err != nil || !strings.Contains(out.String(), list) {
			t.Errorf("%s: %v lacks %s", out.String(), err, list)
		}
	}
}

// TestShapes: what is no ECS is made ECS, what is ECS or unknown stays as it is.
func TestShapes(t *testing.T) {
	xml := `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="Microsoft-Windows-Sysmon" Guid="{5770385F-C22A-43E0-BF4C-06F5698FFBD9}"/><EventID>3</EventID><TimeCreated SystemTime="2024-01-01T00:00:05.000Z"/><EventRecordID>77</EventRecordID><Channel>Microsoft-Windows-Sysmon/Operational</Channel><Computer>H</Computer></System><EventData><Data Name="UtcTime">2024-01-01 00:00:04.000</Data><Data Name="ProcessId">7</Data><Data Name="Image">C:\a\b.exe</Data><Data Name="DestinationPort">445</Data></EventData></Event>`
	flat := `{"EventID":3,"Channel":"Microsoft-Windows-Sysmon/Operational","ProviderName":"Microsoft-Windows-Sysmon","UtcTime":"2024-01-01 00:00:06.000","ProcessId":"7","Image":"C:\\a\\c.exe","DestinationPort":"445"}`
	ecs := `{"@timestamp":"2024-01-01T00:00:07Z","event":{"category":"network","kind":"event"},"process":{"name":"d.exe"},"destination.port":445,"winlog":{"channel":"X"}}`
	unknown := `{"@timestamp":"2024-01-01T00:00:08Z","event":{"category":"network"},"destination":{"port":445},"process":{"name":"e.exe"},"x":[1]}`
	paths := []string{write(t, "a.xml", xml), write(t, "b.json", flat+"\n"+ecs+"\n[5,"+unknown+"]")}
	text := `network where destination.port == 445 and process.name : "?.exe"`
	for _, wrap := range []string{text, "sequence [" + text + "] with runs=4"} {
		r := search(t, wrap, Options{Size: DefaultSize}, paths...)
		events := r.Events
		if len(r.Sequences) == 1 {
			events = r.Sequences[0].Events
		}
		if len(events) != 4 || r.NotEvents != 1 || r.Documents != 4 || r.Bad != 0 {
			t.Fatalf("%d events of %d documents, %d no events, %d bad", len(events), r.Documents, r.NotEvents, r.Bad)
		}
		for i, want := range []string{`"@timestamp":"2024-01-01T00:00:04.000Z"`, `"name":"c.exe"`, ecs, unknown} {
			if got := string(events[i].Source); !strings.Contains(got, want) || i > 1 && got != want {
				t.Errorf("event %d: %s\nwant %s", i+1, got, want)
			}
		}
	}
}

// TestProblems: what cannot be used is named with its line, and the rest is found.
func TestProblems(t *testing.T) {
	path := write(t, "x.ndjson", `{"@timestamp":1,"event":{"category":"a"}}
{"@timestamp":2,"event":{"category":"b"}
{"event":{"category":"b"}}
{"@timestamp":[3,4],"event":{"category":"b"}}
{"@timestamp":"not a time","event":{"category":"b"}}
{"@timestamp":5,"event":{"category":"b"}}
{"@timestamp":6,"event":{"category":"c"}}
{"event":{"category":"c"}}
`)
	f := func(text string, found int, lines ...int) {
		t.Helper()
		q, err := Compile(text, Options{Size: DefaultSize})
		if err != nil {
			t.Fatal(err)
		}
		var at []int
		r, err := q.Run(t.Context(), []string{path}, Input{Problem: func(p source.Problem) { at = append(at, p.Line) }})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(at, lines) || r.Bad != len(lines) || r.Total != found {
			t.Errorf("%s: %d found, problems at %v, want %d and %v", text, r.Total, at, found, lines)
		}
	}
	f("sequence [a where true] [b where true]", 1, 2, 3, 4, 5)
	f("b where true", 4, 2)
	f("sequence [a where true] [c where true]", 1, 2, 8)
}

func TestCompileErrors(t *testing.T) {
	_, err := Compile("process where length(", Options{})
	var list eql.ErrorList
	if !errors.As(err, &list) {
		t.Errorf("got %v", err)
	}
	q, err := Compile("any where true", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Run(t.Context(), []string{"/does/not/exist"}, Input{}); err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("got %v", err)
	}
}

// TestCancelled: what was read before is searched, and the result says that it is a part.
func TestCancelled(t *testing.T) {
	one := `{"@timestamp":1,"event":{"category":"a"}}` + "\n"
	path := write(t, "x.ndjson", strings.Repeat(one, 50_000))
	q, err := Compile("a where true", Options{Size: DefaultSize})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	in := Input{Options: source.Options{Progress: func(int64, int64, string) { cancel() }}}
	r, err := q.Run(ctx, []string{path}, in)
	if err != nil || !r.Partial || r.Total == 50_000 {
		t.Errorf("%v, partial %v, %d found", err, r.Partial, r.Total)
	}
}

// TestLargeSequence joins many keys.
func TestLargeSequence(t *testing.T) {
	var b strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&b, `{"@timestamp":%d,"event":{"category":"%c"},"k":"key %d"}`+"\n", i, "ab"[i/20_000], i%20_000)
	}
	r := search(t, "sequence by k [a where true] [b where true] | tail 3", Options{Size: DefaultSize, TempDir: t.TempDir()}, write(t, "x.ndjson", b.String()))
	if r.Total != 20_000 || len(r.Sequences) != 3 || r.Sequences[2].JoinKeys[0].S != "key 19999" {
		t.Errorf("%d sequences, %d shown", r.Total, len(r.Sequences))
	}
}
