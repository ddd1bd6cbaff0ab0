package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tocsin runs a command line and returns what it printed and its exit status.
func tocsin(stdin string, args ...string) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	app := &App{
		Ctx: context.Background(), Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs,
		Getenv: func(string) string { return "" },
	}
	status = run(app, args)
	return out.String(), errs.String(), status
}

const queryDocs = `{"_id":"a","@timestamp":"2024-01-01T00:00:00Z","event":{"category":"process"},"host":{"name":"h"},"process":{"name":"a.exe","pid":7,"args":["a","b"]}}
{"@timestamp":"2024-01-01T00:00:01Z","event":{"category":"network"},"process":{"name":"a.exe","pid":7},"source":{"ip":"10.0.0.1"}}
{"_index":"logs","_id":"c","_source":{"@timestamp":"2024-01-01T00:00:02Z","event":{"category":"file"},"process":{"pid":8}}}
`

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestQueryTable(t *testing.T) {
	out, errs, status := tocsin(queryDocs, "query",
		"sequence by process.pid with maxspan=5s [process where true] [network where true] ![file where true]")
	want := `sequence 1  by 7
  1  2024-01-01T00:00:00.000Z  a  h  a.exe
  2  2024-01-01T00:00:01.000Z  stdin:2  10.0.0.1 →   a.exe
  3  (missing, as the query asks)
1 sequence from 3 documents in 1 file
`
	if out != want || errs != "" || status != 0 {
		t.Errorf("status %d\n%s%s\nwant\n%s", status, out, errs, want)
	}
}

// TestQueryJSON holds the shape of Elasticsearch's response.
func TestQueryJSON(t *testing.T) {
	path := write(t, "docs.ndjson", queryDocs)
	out, _, status := tocsin("", "query", "-o", "json", "any where process.pid == 8", path)
	var got struct {
		IsPartial, IsRunning, TimedOut *bool
		Took                           *int
		Hits                           struct {
			Total  struct{ Value int }
			Events []struct {
				Index  string `json:"_index"`
				ID     string `json:"_id"`
				Source struct{ Process struct{ PID int } }
			}
		}
	}
	out = strings.NewReplacer("is_partial", "IsPartial", "is_running", "IsRunning", "timed_out", "TimedOut", "_source", "Source").Replace(out)
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if e := got.Hits.Events; status != 0 || got.IsPartial == nil || got.IsRunning == nil || got.TimedOut == nil || got.Took == nil ||
		got.Hits.Total.Value != 1 || len(e) != 1 || e[0].Index != "logs" || e[0].ID != "c" || e[0].Source.Process.PID != 8 {
		t.Errorf("status %d\n%s", status, out)
	}

	out, _, _ = tocsin("", "query", "-o", "json", "any where false", path)
	if !strings.Contains(out, `"events": []`) {
		t.Errorf("no empty list:\n%s", out)
	}
	out, _, _ = tocsin("", "query", "-o", "ndjson", "sequence by ?user.name with maxspan=1m [process where true] ![file where process.pid == 1] [network where true]", path)
	if want := `{"join_keys":[null],"events":[{"_index":"","_id":"a",`; !strings.HasPrefix(out, want) || !strings.Contains(out, `{"_index":"","_id":"","_source":{},"missing":true}`) ||
		!strings.Contains(out, `"_id":"`+path+`:2"`) || strings.Count(out, "\n") != 1 {
		t.Errorf("got %s", out)
	}
}

func TestQueryFlags(t *testing.T) {
	docs := write(t, "docs.ndjson", `{"_id":"1","when":3,"kind":"a","seq":2,"s":"x"}
{"_id":"2","when":3,"kind":"b","seq":1,"s":"x"}
{"_id":"3","when":1,"kind":"a","s":"x"}
`)
	mapping := write(t, "types.json", `{"properties":{"when":{"type":"date"},"kind":{"type":"keyword"},"seq":{"type":"long"}}}`)
	f := func(want string, args ...string) {
		t.Helper()
		out, errs, status := tocsin("", append([]string{"query", "-o", "ndjson", "--timestamp-field", "when", "--event-category-field", "kind"}, args...)...)
		ids := ""
		for line := range strings.Lines(out) {
			for _, part := range strings.Split(line, `"_id":"`)[1:] {
				if ids += part[:1]; strings.Contains(part, "_source\":{\"_id") {
					continue
				}
			}
			ids += ";"
		}
		if ids != want || status != 0 {
			t.Errorf("%v: got %s, want %s, status %d: %s", args, ids, want, status, errs)
		}
	}
	f("33;11;22;", "any where true", docs)
	f("33;22;11;", "any where true", docs, "--tiebreaker-field", "seq")
	f("22;", "any where true", docs, "--size", "1")
	f("33;", "any where true", docs, "--size", "1", "--result-position", "head")
	f("33;11;", "a where true", docs)
	f("33;11;", "a where s == \"x\"", docs, "--mapping", mapping)
	f("3322;1122;", "sample by s [a where true] [b where true]", docs, "--max-samples-per-key", "5")
	f("3322;", "@"+write(t, "q.eql", "sample by s\n [a where true]\n [b where true]"), docs)
}

// TestQueryMappingFromStdin reads standard input twice: for types, then for matches.
func TestQueryMappingFromStdin(t *testing.T) {
	mapping := write(t, "types.json", `{"properties":{"@timestamp":{"type":"date"},"event":{"properties":{"category":{"type":"keyword"}}}}}`)
	out, errs, status := tocsin(queryDocs, "query", "--mapping", mapping, "any where process.pid == 7", "-o", "ndjson")
	if strings.Count(out, "\n") != 2 || status != 0 {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
	_, errs, status = tocsin(queryDocs, "query", "--mapping", mapping, "any where proces.pid == 7")
	if !strings.Contains(errs, "Unknown column [proces.pid]") || !strings.Contains(errs, "process.pid") || status != 2 {
		t.Errorf("status %d: %s", status, errs)
	}
}

func TestQueryBadInput(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(strings.Repeat(queryDocs, 2000)))
	z.Close()
	long := `{"@timestamp":1,"event":{"category":"process"},"x":"` + strings.Repeat("x", 100<<20) + `"}` + "\n"
	for _, c := range []struct {
		name, file, text, says string
		found, status, strict  int
	}{
		{"broken line", "a.ndjson", queryDocs + "{\"x\": \n" + queryDocs, "a.ndjson:4: ", 2, 0, 2},
		{"long line", "b.ndjson", queryDocs + long + queryDocs, "b.ndjson:4: ", 2, 0, 2},
		{"truncated gzip", "c.ndjson.gz", packed.String()[:packed.Len()-40], "c.ndjson.gz", 1, 0, 2},
		{"not an object", "d.ndjson", "[1,\"x\",null]\n" + queryDocs, "", 1, 0, 0},
		{"empty", "e.ndjson", "", "", 0, 0, 0},
		{"no recording", "f.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", "f.png", 0, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.file, c.text)
			out, errs, status := tocsin("", "query", "-o", "ndjson", "process where process.pid == 7", path, "--size", "1000000")
			if n := strings.Count(out, "\n"); status != c.status || !strings.Contains(errs, c.says) || n < c.found {
				t.Errorf("status %d, %d found: %s", status, n, errs)
			}
			if _, errs, status := tocsin("", "query", "--strict", "process where true", path); status != c.strict {
				t.Errorf("--strict: status %d: %s", status, errs)
			}
		})
	}
	for _, args := range [][]string{
		{"query"}, {"query", "process where", "x"}, {"query", "any where true", "/does/not/exist"},
		{"query", "any where true", "--mapping", "/does/not/exist"}, {"query", "any where true", "--size", "-1"},
		{"query", "any where true", "-o", "csv"}, {"query", "any where true", "--timezone", "Nowhere/Land"}, {"query", "@/does/not/exist"},
		{"query", "any where true", "--mapping", write(t, "bad.json", `{"properties":{"x":{"type":"strange"}}}`)},
	} {
		if _, errs, status := tocsin(queryDocs, args...); status != 2 || errs == "" {
			t.Errorf("%v: status %d: %s", args, status, errs)
		}
	}
}

// TestQueryNormalises: what is no ECS is made ECS, what is ECS stays as it is.
func TestQueryNormalises(t *testing.T) {
	xml := `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="Microsoft-Windows-Sysmon" Guid="{5770385F-C22A-43E0-BF4C-06F5698FFBD9}"/><EventID>3</EventID><TimeCreated SystemTime="2024-01-01T00:00:05.000Z"/><EventRecordID>77</EventRecordID><Channel>Microsoft-Windows-Sysmon/Operational</Channel><Computer>H</Computer></System><EventData><Data Name="UtcTime">2024-01-01 00:00:04.000</Data><Data Name="ProcessGuid">{CAFEBABE-0000-1111-2222-00000000000A}</Data><Data Name="ProcessId">7</Data><Data Name="Image">C:\a\b.exe</Data><Data Name="SourceIp">10.0.0.1</Data><Data Name="DestinationPort">445</Data></EventData></Event>`
	flat := `{"EventID":3,"Channel":"Microsoft-Windows-Sysmon/Operational","ProviderName":"Microsoft-Windows-Sysmon","UtcTime":"2024-01-01 00:00:06.000","ProcessId":"7","Image":"C:\\a\\c.exe","DestinationPort":"445"}`
	own := `{"@timestamp":"2024-01-01T00:00:07Z","event":{"category":"network","kind":"event"},"process":{"name":"d.exe"},"destination.port":445,"winlog":{"channel":"X"}}`
	paths := []string{write(t, "a.xml", xml), write(t, "b.json", flat+"\n"+own)}
	out, errs, status := tocsin("", append([]string{"query", "-o", "ndjson", `network where destination.port == 445 and process.name : "?.exe"`}, paths...)...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 3 || status != 0 {
		t.Fatalf("status %d\n%s%s", status, out, errs)
	}
	for i, want := range []string{`"@timestamp":"2024-01-01T00:00:04.000Z"`, `"name":"c.exe"`, `"_source":` + own + `}`} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d: %s\nlacks %s", i+1, lines[i], want)
		}
	}
}

// TestQueryNative joins two events of the Security log by process identities,
// which these events have only with --native.
func TestQueryNative(t *testing.T) {
	system := `<System><Provider Name="Microsoft-Windows-Security-Auditing"/><EventID>%s</EventID>` +
		`<TimeCreated SystemTime="2024-03-05T10:12:00.%sZ"/><EventRecordID>%s</EventRecordID><Channel>Security</Channel><Computer>ws1</Computer></System>`
	docs := write(t, "security.xml", `<Events><Event>`+fmt.Sprintf(system, "5156", "1", "1")+
		`<EventData><Data Name="ProcessID">704</Data><Data Name="Application">\device\harddiskvolume2\windows\system32\services.exe</Data>`+
		`<Data Name="Direction">%%14592</Data><Data Name="SourceAddress">10.0.0.9</Data><Data Name="SourcePort">50123</Data>`+
		`<Data Name="DestAddress">10.0.0.5</Data><Data Name="DestPort">49700</Data><Data Name="Protocol">6</Data></EventData></Event>`+
		`<Event>`+fmt.Sprintf(system, "4688", "6", "2")+`<EventData><Data Name="NewProcessId">0x1a2</Data>`+
		`<Data Name="NewProcessName">C:\Windows\System32\cmd.exe</Data><Data Name="ProcessId">0x2c0</Data></EventData></Event></Events>`)
	rule := `sequence by host.id with maxspan=1s [network where network.direction == "ingress"] by process.entity_id ` +
		`[process where event.type == "start"] by process.parent.entity_id`
	out, errs, status := tocsin("", "query", "-o", "ndjson", rule, docs)
	if out != "" || status != 0 {
		t.Errorf("without --native: status %d\n%s%s", status, out, errs)
	}
	out, errs, status = tocsin("", "query", "-o", "ndjson", "--native", rule, docs)
	if !strings.HasPrefix(out, `{"join_keys":["ws1","n:ws1:704"]`) || !strings.Contains(out, `"entity_id":"n:ws1:418"`) || status != 0 {
		t.Errorf("with --native: status %d\n%s%s", status, out, errs)
	}
}
