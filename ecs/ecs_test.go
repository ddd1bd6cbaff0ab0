package ecs

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/evtx"
)

func TestNotEvent(t *testing.T) {
	f := func(doc string) {
		t.Helper()
		d := NewDecoder(ruleSchema(), Options{Native: true})
		if err := d.JSON([]byte(doc), event.New(d.schema)); !errors.Is(err, ErrNotEvent) {
			t.Errorf("%s: %v", doc, err)
		}
	}
	f(`{}`)
	f(`[1]`)
	f(`{"name":"rpc-psexec","events":622,"services_exe_children":[]}`)
	f(`{"event":{"a":1}}`)
	f(`{"EventID":1}`)
	f(`{"Event":{"System":{}}}`)
	f(`{"Event":{}}`)
	f(`{"_source":{"a":1}}`)
	f(`{"_source":{"_source":{"_source":{"_source":{"_source":{"_source":{"event":{"kind":"event"}}}}}}}}`)
	f(`{"_raw":"plain text of a syslog line"}`)
	f(`{"_raw":"<html></html>"}`)
	f(`{"result":{}}`)
	f(`{"System":"x","EventData":[]}`)
}

func TestBrokenJSON(t *testing.T) {
	d := NewDecoder(ruleSchema(), Options{})
	for _, doc := range []string{``, `{`, `{"EventID":`, `{"event":{"kind":"event"}`, `{"a":1}}`} {
		if err := d.JSON([]byte(doc), event.New(d.schema)); err == nil || errors.Is(err, ErrNotEvent) {
			t.Errorf("%q: %v", doc, err)
		}
	}
}

// decode reads a document over a schema of the fields.
func decode(t *testing.T, doc string, opt Options, fields ...string) *event.Event {
	t.Helper()
	s := event.NewSchema(nil)
	for _, f := range fields {
		s.Slot(f)
	}
	d := NewDecoder(s, opt)
	ev := event.New(s)
	if err := d.JSON([]byte(doc), ev); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return ev
}

func TestHost(t *testing.T) {
	f := func(doc, id, name, os string) {
		t.Helper()
		ev := decode(t, doc, Options{})
		if got := [3]string{texts(ev, "host.id"), texts(ev, "host.name"), texts(ev, "host.os.type")}; got != [3]string{id, name, os} {
			t.Errorf("%s: %q", doc, got)
		}
	}
	f(`{"EventID":1,"Channel":"X","Hostname":"Marsh-01.Example.TEST."}`, "marsh-01.example.test", "Marsh-01.Example.TEST.", "windows")
	f(`{"event":{"kind":"event"},"host":{"id":"given","name":"A","os":{"type":"linux"}},"winlog":{"channel":"c"}}`, "given", "A", "linux")
	f(`{"event":{"category":"process"},"host":{"name":"A"},"winlog":{"channel":"c","computer_name":"B.c"}}`, "b.c", "A", "windows")
	f(`{"event":{"category":"process"},"host":{"hostname":"Only","os":{"family":"windows"}}}`, "only", "Only", "windows")
	f(`{"event":{"category":"process"},"host":{"name":"pond","os":{"family":"debian"}}}`, "pond", "pond", "")
	f(`{"event":{"category":"process","module":"sysmon"},"host":{"name":"pond"}}`, "pond", "pond", "windows")
	f(`{"event":{"category":"process","provider":"Microsoft-Windows-Security-Auditing"},"host":{"name":"pond"}}`, "pond", "pond", "windows")
	f(`{"event":{"category":"process"},"host.name":"dotted","host.os.type":"windows"}`, "dotted", "dotted", "windows")
}

func TestDocID(t *testing.T) {
	ev := decode(t, `{"_index":"logs-1","_id":"abc","_source":{"@timestamp":"2024-01-02T03:04:05Z","event":{"kind":"event","sequence":17}}}`, Options{})
	if ev.DocID != "logs-1/abc" || ev.Sequence != "17" || ev.Logged != "2024-01-02T03:04:05Z" || !ev.HasTime {
		t.Errorf("%+v", ev.Meta)
	}
}

func TestPeer(t *testing.T) {
	f := func(doc, want string) {
		t.Helper()
		ev := decode(t, doc, Options{Native: true}, "tocsin.peer.ip", "tocsin.peer.port")
		if got := texts(ev, "tocsin.peer.ip") + ":" + texts(ev, "tocsin.peer.port"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", doc, got, want)
		}
	}
	sysmon := func(initiated, sourceName, destinationName string) string {
		return fmt.Sprintf(`{"EventID":3,"Channel":"Microsoft-Windows-Sysmon/Operational","Hostname":"HERE.example.test","Initiated":"%s",`+
			`"SourceIp":"192.0.2.1","SourcePort":"1001","SourceHostname":"%s","DestinationIp":"192.0.2.2","DestinationPort":"1002","DestinationHostname":"%s"}`,
			initiated, sourceName, destinationName)
	}
	f(sysmon("true", "-", "-"), "192.0.2.2:1002")
	f(sysmon("false", "-", "-"), "192.0.2.1:1001")
	f(sysmon("false", "here", "there"), "192.0.2.2:1002") // Sysmon 10 and before
	f(sysmon("false", "there", "HERE.example.test"), "192.0.2.1:1001")
	native := `{"EventID":5156,"Channel":"Security","SourceName":"Microsoft-Windows-Security-Auditing","Hostname":"HERE","ProcessID":"704","Direction":"%s",` +
		`"SourceAddress":"192.0.2.1","SourcePort":"1001","DestAddress":"192.0.2.2","DestPort":"1002","Protocol":"6"}`
	f(fmt.Sprintf(native, "%%14592"), "192.0.2.1:1001")
	f(fmt.Sprintf(native, "%%14593"), "192.0.2.2:1002")
	defend := `{"event":{"category":["network"],"type":["start"]},"host":{"id":"h","ip":[%s]},"network":{"direction":"%s"},` +
		`"source":{"ip":"192.0.2.1","port":1001},"destination":{"ip":"192.0.2.2","port":1002}}`
	f(fmt.Sprintf(defend, ``, "ingress"), "192.0.2.1:1001")
	f(fmt.Sprintf(defend, ``, "egress"), "192.0.2.2:1002")
	f(fmt.Sprintf(defend, `"192.0.2.1","fe80::1"`, "ingress"), "192.0.2.2:1002")
	f(fmt.Sprintf(defend, `"192.0.2.2"`, "egress"), "192.0.2.1:1001")
}

// TestNativeNXLog: where both names are, ProcessID is the process that logged.
func TestNativeNXLog(t *testing.T) {
	ev := decode(t, `{"EventID":5156,"Channel":"Security","SourceName":"Microsoft-Windows-Security-Auditing","Hostname":"here",`+
		`"ProcessID":4,"ProcessId":"704","Direction":"%%14592"}`, Options{Native: true}, "process.pid", "process.entity_id")
	if pid, id := texts(ev, "process.pid"), texts(ev, "process.entity_id"); pid != "704" || id != "n:here:704" {
		t.Errorf("pid %s, entity_id %s", pid, id)
	}
}

// TestNativeMapped applies the native profile to what Elastic's own pipeline
// has made of the Security log.
func TestNativeMapped(t *testing.T) {
	doc := `{"@timestamp":"2024-03-05T10:12:00.000Z","event":{"category":["network"],"type":["info","allowed","connection"],"code":"5156","provider":"Microsoft-Windows-Security-Auditing"},
		"host":{"name":"HERE"},"network":{"direction":"inbound","transport":"tcp"},"process":{"executable":"\\device\\harddiskvolume3\\windows\\system32\\services.exe","name":"services.exe"},
		"source":{"ip":"192.0.2.1","port":51000},"destination":{"ip":"192.0.2.2","port":49667},
		"winlog":{"channel":"Security","computer_name":"HERE.example.test","provider_name":"Microsoft-Windows-Security-Auditing","event_data":{"ProcessID":"704","Direction":"%%14592"}}}`
	fields := append([]string{"labels.synthesized"}, ruleFields...)
	ev := decode(t, doc, Options{Native: true}, fields...)
	for field, want := range map[string]string{
		"process.entity_id": "n:here.example.test:704", "process.executable": `C:\windows\system32\services.exe`, "process.name": "services.exe",
		"network.direction": "ingress", "event.type": "start|connection|allowed", "labels.synthesized": "process.entity_id", "source.port": "51000",
	} {
		if got := texts(ev, field); got != want {
			t.Errorf("%s: got %q want %q", field, got, want)
		}
	}
	if !ev.Synthesized {
		t.Error("the event is not marked")
	}
	if ev = decode(t, doc, Options{}, fields...); ev.Synthesized || texts(ev, "network.direction") != "inbound" || texts(ev, "process.entity_id") != "" {
		t.Error("the profile was applied without being asked for")
	}
	given := strings.Replace(doc, `"process":{`, `"process":{"entity_id":"given",`, 1)
	if ev = decode(t, given, Options{Native: true}, fields...); ev.Synthesized || texts(ev, "process.entity_id") != "given" {
		t.Error("the profile was applied to an event with an entity id")
	}
}

func TestParseInstant(t *testing.T) {
	f := func(s, want string, zoned bool) {
		t.Helper()
		got, ok := parseInstant(s)
		if want == "" {
			if ok {
				t.Errorf("%q: %v", s, time.Unix(0, got.ns).UTC())
			}
			return
		}
		if text := time.Unix(0, got.ns).UTC().Format(time.RFC3339Nano); !ok || text != want || got.zoned != zoned {
			t.Errorf("%q: %s zoned %v, ok %v; want %s", s, text, got.zoned, ok, want)
		}
	}
	f("2020-09-20 16:16:56.019", "2020-09-20T16:16:56.019Z", false)
	f("2020-09-20T16:16:56.0190000Z", "2020-09-20T16:16:56.019Z", true)
	f("2020-09-20T12:16:56-04:00", "2020-09-20T16:16:56Z", true)
	f("2020-09-20T12:16:56.5+0530", "2020-09-20T06:46:56.5Z", true)
	f("2020-02-29 00:00:00", "2020-02-29T00:00:00Z", false)
	f("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z", true)
	f("2024-12-31T23:59:60Z", "2025-01-01T00:00:00Z", true)
	f("/Date(1600618616019)/", "2020-09-20T16:16:56.019Z", true)
	f("1600618616", "2020-09-20T16:16:56Z", true)
	f("1600618616.25", "2020-09-20T16:16:56.25Z", true)
	f("1600618616019", "2020-09-20T16:16:56.019Z", true)
	f("", "", false)
	f("yesterday", "", false)
	f("2020-13-01 00:00:00", "", false)
	f("2020-09-20 16:16:56 PDT", "", false)
	f("9999-01-01T00:00:00Z", "", false)
	f("2020-09-20X16:16:56", "", false)
}

// TestZone reads NXLog's local times where arrival tells the zone.
func TestZone(t *testing.T) {
	f := func(received, ingested, want string) {
		t.Helper()
		doc := fmt.Sprintf(`{"EventID":4634,"Channel":"Security","EventTime":"2020-09-20 12:16:56","EventReceivedTime":"%s","@timestamp":"%s"}`, received, ingested)
		ev := decode(t, doc, Options{})
		if got := time.Unix(0, ev.Time).UTC().Format("15:04:05"); got != want {
			t.Errorf("%s %s: %s, want %s", received, ingested, got, want)
		}
		if ev.Logged != "2020-09-20 12:16:56" {
			t.Errorf("logged %q is not as written", ev.Logged)
		}
	}
	f("2020-09-20 12:16:57", "2020-09-20T16:16:58.211Z", "16:16:56")
	f("2020-09-20 12:16:57", "2020-09-20T06:46:59Z", "06:46:56") // +05:30
	f("2020-09-20 12:16:57", "2020-09-20T12:16:58Z", "12:16:56")
	f("2020-09-20 12:16:57", "2020-09-22T16:16:58Z", "12:16:56") // sent on days after
	f("2020-09-20 12:16:57", "2020-09-20T16:25:58Z", "12:16:56") // nine minutes late: no zone can be told
	f("", "", "12:16:56")
}

// TestAllocations decodes without garbage once everything was seen.
func TestAllocations(t *testing.T) {
	all := samples(t)
	for _, sh := range shapes {
		if sh.name == "dotted" || sh.name == "fields of a search" {
			continue // the keys are put together for each
		}
		d := NewDecoder(ruleSchema(), Options{Native: true})
		ev := event.New(d.schema)
		var docs [][]byte
		for i := range all {
			if doc := sh.write(&all[i]); doc != nil {
				docs = append(docs, doc)
			}
		}
		run := func() {
			for _, doc := range docs {
				if err := d.JSON(doc, ev); err != nil {
					t.Fatal(err)
				}
			}
		}
		run()
		if n := testing.AllocsPerRun(20, run); n > 0 {
			t.Errorf("%s: %.0f allocations for %d events", sh.name, n, len(docs))
		}
	}
}

// TestEVTXGoldens reads EVTX files and the documents that winlogbeat made of
// them: the events must be the same.
func TestEVTXGoldens(t *testing.T) {
	files, _ := filepath.Glob(shared + "/ecs/goldens/winlogbeat/*/collection/*.evtx")
	if len(files) == 0 {
		t.Skip("no ../shared/ecs/goldens: Elastic's test data is not part of the repository")
	}
	rendered := []string{"message", "winlog.task", "winlog.opcode", "winlog.keywords", "event.action", "winlog.api", "log.level",
		"winlog.user.name", "winlog.user.domain", "winlog.user.type", "event.outcome", "event.created"}
	same, total := 0, 0
	for _, path := range files {
		var raw []json.RawMessage
		readJSON(t, path+".golden.json", &raw)
		byEVTX, byJSON := NewNormalizer(Options{}), NewNormalizer(Options{})
		f, err := evtx.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for rec, err := range f.Records(evtx.Options{}) {
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if i >= len(raw) {
				break
			}
			total++
			if diffs := roads(t, byEVTX, byJSON, rec, raw[i], rendered); len(diffs) == 0 {
				same++
			} else if total-same <= max(5, *showDiffs) {
				t.Logf("%s[%d]\n\t%s", filepath.Base(path), i, strings.Join(diffs, "\n\t"))
			}
			i++
		}
		f.Close()
		if i != len(raw) {
			t.Errorf("%s: %d records, winlogbeat read %d", filepath.Base(path), i, len(raw))
		}
	}
	t.Logf("%d/%d events the same by EVTX and by winlogbeat", same, total)
	if same < evtxSame {
		t.Errorf("%d events are the same; there were %d", same, evtxSame)
	}
}

const evtxSame = 340

func roads(t *testing.T, byEVTX, byJSON *Normalizer, rec *evtx.Record, raw []byte, ignore []string) []string {
	t.Helper()
	a, err := byEVTX.AppendEVTX(nil, rec)
	if err != nil {
		t.Fatal(err)
	}
	b, err := byJSON.Append(nil, raw)
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	if err := json.Unmarshal(a, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	return goldenDiffs(got, want, ignore)
}

// FuzzJSON looks for documents that break the decoder: it may refuse anything,
// must give the same twice, and the event must render as JSON.
func FuzzJSON(f *testing.F) {
	data, err := os.ReadFile("testdata/samples.txt")
	if err != nil || len(data) == 0 {
		f.Fatal(err)
	}
	all := samples(f)
	for i := range all {
		for _, sh := range shapes {
			if doc := sh.write(&all[i]); doc != nil && i%5 == 0 {
				f.Add(doc)
			}
		}
		f.Add(all[i].xml())
	}
	n := NewNormalizer(Options{Native: true})
	again := NewNormalizer(Options{Native: true})
	d := NewDecoder(ruleSchema(), Options{Native: true})
	ev := event.New(d.schema)
	f.Fuzz(func(t *testing.T, doc []byte) {
		out, err := n.Append(nil, doc)
		if errClosed := d.JSON(doc, ev); len(doc) > 0 && doc[0] == '{' && (err == nil) != (errClosed == nil) {
			t.Fatalf("normalizer: %v, decoder: %v", err, errClosed)
		}
		if err != nil {
			return
		}
		if !json.Valid(out) {
			t.Fatalf("no JSON: %s", out)
		}
		second, err := again.Append(nil, doc)
		if err != nil || !reflect.DeepEqual(out, second) {
			t.Fatalf("twice:\n%s\n%s %v", out, second, err)
		}
	})
}

func TestAppendTime(t *testing.T) {
	for _, ns := range []int64{0, 1, -1, 1600618616019000000, 1600618616019000100, -62135596800000000, 951782400000000000, 4107542399999999999, -1e18} {
		want := time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000000")
		for range 6 {
			want = strings.TrimSuffix(want, "0")
		}
		want += strings.Repeat("0", max(0, len("2006-01-02T15:04:05.000")-len(want))) + "Z"
		if got := string(appendTime(nil, ns)); got != want {
			t.Errorf("%d: %s, want %s", ns, got, want)
		}
	}
}

func TestAppendString(t *testing.T) {
	for _, s := range []string{"", "plain and longer than eight", `C:\Windows\x`, "tab\tquote\" \x00\x1f\x7f", "älva und Öl", "bad \xff\xfe end", "\u2028 \U0001F426", strings.Repeat("x", 17) + "\n"} {
		var back string
		if err := json.Unmarshal(appendString(nil, s), &back); err != nil || back != strings.ToValidUTF8(s, "\ufffd") && !strings.Contains(s, "\xff\xfe") {
			t.Errorf("%q: %s %v", s, appendString(nil, s), err)
		}
	}
}

// TestCommandLine splits as Go's runtime splits os.Args on Windows.
func TestCommandLine(t *testing.T) {
	f := func(line string, want ...string) {
		t.Helper()
		doc, _ := json.Marshal(map[string]any{"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "CommandLine": line})
		ev := decode(t, string(doc), Options{}, "process.args", "process.args_count")
		got := texts(ev, "process.args")
		if got != strings.Join(want, "|") || texts(ev, "process.args_count") != fmt.Sprint(len(want)) {
			t.Errorf("%s: %q %s", line, got, texts(ev, "process.args_count"))
		}
	}
	f(`a`, `a`)
	f(`  a   b `, `a`, `b`)
	f(`a\b c\ d`, `a\b`, `c\`, `d`)
	f(`"a b" c`, `a b`, `c`)
	f(`"a\"b" c`, `a"b`, `c`)
	f(`"a\\" b`, `a\`, `b`)
	f(`a\\\"b`, `a\"b`)
	f(`a\\"b c"d`, `a\b cd`)
	f(`"a""b" c`, `a"b c`) // the second quote of a pair ends the quotes
	f(`""`, ``)
	f(`"unfinished arg`, `unfinished arg`)
	f("tab\tb", `tab`, `b`)
}

// TestBounds gives data that grows without end.
func TestBounds(t *testing.T) {
	n := NewNormalizer(Options{})
	var doc []byte
	for i := range 3 * maxFields / 100 {
		doc = append(doc[:0], `{"EventID":1,"Channel":"X"`...)
		for k := range 100 {
			doc = fmt.Appendf(doc, `,"name%d":"v"`, i*100+k)
		}
		doc = append(doc, '}')
		if _, err := n.Append(nil, doc); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.d.schema.Len(); got > 2*maxFields {
		t.Errorf("the schema holds %d fields", got)
	}
	if got := len(n.d.keys); got > maxKeys+100 {
		t.Errorf("the decoder remembers %d names", got)
	}
	d := NewDecoder(ruleSchema(), Options{})
	ev := event.New(d.schema)
	wide := []byte(`{"EventID":5,"Channel":"Microsoft-Windows-Sysmon/Operational"`)
	for i := range 5 * maxKeys {
		wide = fmt.Appendf(wide, `,"wide%d":1`, i)
	}
	wide = append(wide, `,"Image":"C:\\a.exe"}`...)
	for _, doc := range [][]byte{wide, []byte(`{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Image":"C:\\b.exe"}`)} {
		if err := d.JSON(doc, ev); err != nil || ev.Channel == "" {
			t.Fatal(err)
		}
	}
	if got := texts(ev, "process.name"); got != "b.exe" {
		t.Errorf("process.name %q after a document with too many names", got)
	}
	deep := strings.Repeat(`{"_source":`, 400) + `{}` + strings.Repeat(`}`, 400)
	if _, err := n.Append(nil, []byte(deep)); !errors.Is(err, ErrNotEvent) {
		t.Errorf("deep: %v", err)
	}
}

// TestIdempotent normalises what was normalised: it must come back as it is.
func TestIdempotent(t *testing.T) {
	for _, native := range []bool{false, true} {
		n := NewNormalizer(Options{Native: native})
		for _, s := range samples(t) {
			once, err := n.Append(nil, s.xml())
			if err != nil {
				t.Fatal(err)
			}
			twice, err := n.Append(nil, once)
			if err != nil || string(once) != string(twice) {
				t.Errorf("native %v, %s: %v\nonce  %s\ntwice %s", native, s.name(), err, once, twice)
			}
		}
	}
}

// TestPassThrough gives the decoder what Elastic's pipelines and Defend have
// made: it must pass, with gaps filled and nothing else.
func TestPassThrough(t *testing.T) {
	if _, err := os.Stat(shared + "/ecs/goldens"); err != nil {
		t.Skip("no ../shared/ecs/goldens: Elastic's test data is not part of the repository")
	}
	n := NewNormalizer(Options{})
	check := func(file string, want map[string]any) {
		doc := encode(want)
		out, err := n.Append(nil, doc)
		if err != nil {
			t.Errorf("%s: %v\n%.300s", file, err, doc)
			return
		}
		var got map[string]any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		g, w := map[string]any{}, map[string]any{}
		flatten(g, "", got)
		flatten(w, "", want)
		for name, v := range w {
			if v != nil && !reflect.DeepEqual(g[name], v) {
				t.Errorf("%s: %s: got %v want %v", file, name, g[name], v)
			}
		}
		for name, v := range g {
			if _, ok := w[name]; !ok && !below(name, ours) && name != "event.action" {
				t.Errorf("%s: %s: too much %v", file, name, v)
			}
		}
	}
	for _, s := range goldenSets {
		for _, p := range goldenPairs(t, s.dir) {
			event, _ := p.expected["event"].(map[string]any)
			if event["category"] != nil && p.expected["error"] == nil {
				check(p.file, p.expected)
			}
		}
	}
	defend, _ := filepath.Glob(shared + "/ecs/goldens/endpoint/*.sample_event.json")
	for _, f := range defend {
		var want map[string]any
		readJSON(t, f, &want)
		if _, ok := want["event"]; ok {
			check(filepath.Base(f), want)
		}
	}
}
