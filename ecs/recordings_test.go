package ecs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/evtx"
)

const shared = "../../shared"

// ruleFields are what the user's rule reads.
var ruleFields = []string{
	"@timestamp", "event.category", "event.type", "host.os.type", "host.id", "process.name", "process.entity_id",
	"process.parent.entity_id", "process.parent.name", "process.executable", "process.args", "network.direction",
	"network.transport", "source.port", "destination.port", "source.ip", "destination.ip",
}

func ruleSchema() *event.Schema {
	s := event.NewSchema(nil)
	for _, f := range ruleFields {
		s.Slot(f)
	}
	return s
}

// documents splits a file of JSON objects, one a line or in one array.
func documents(t testing.TB, path string) [][]byte {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var docs [][]byte
	if data = bytes.TrimSpace(data); len(data) > 0 && data[0] == '[' {
		var all []json.RawMessage
		if err := json.Unmarshal(data, &all); err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			docs = append(docs, d)
		}
		return docs
	}
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		if line := bytes.TrimSpace(sc.Bytes()); len(line) > 0 {
			docs = append(docs, bytes.Clone(line))
		}
	}
	return docs
}

func texts(ev *event.Event, field string) string {
	slot, ok := ev.Schema().Lookup(field)
	if !ok {
		return "no such field"
	}
	var out []string
	for _, v := range ev.Values(slot) {
		switch v.Kind {
		case event.KindLong:
			out = append(out, (json.Number)(string(appendInt(nil, int64(v.N)))).String())
		default:
			out = append(out, v.S)
		}
	}
	return strings.Clone(strings.Join(out, "|")) // Join gives a lone text back as it is
}

func appendInt(b []byte, n int64) []byte {
	j, _ := json.Marshal(n)
	return append(b, j...)
}

type expectedNetwork struct {
	RecordID    string `json:"record_id"`
	Host        string
	UTC         string
	Initiated   string
	Source      string
	Destination string
	Image       string
}

// TestRecordings finds in each recording exactly the network events and the
// children of services.exe that its expected.json lists.
func TestRecordings(t *testing.T) {
	dirs, _ := filepath.Glob(shared + "/recordings/*")
	if len(dirs) == 0 {
		t.Skip("no ../shared/recordings: the public recordings are not part of the repository")
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) { checkRecording(t, dir) })
	}
}

func checkRecording(t *testing.T, dir string) {
	var want struct {
		Counts   map[string]int    `json:"events_by_channel_id"`
		Network  []expectedNetwork `json:"services_exe_network_events"`
		Children []expectedNetwork `json:"services_exe_children"`
	}
	data, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	d := NewDecoder(ruleSchema(), Options{})
	ev := event.New(d.schema)
	var network, children []expectedNetwork
	counts := map[string]int{}
	files, _ := filepath.Glob(dir + "/*.json")
	for _, f := range files {
		if filepath.Base(f) == "expected.json" {
			continue
		}
		for i, doc := range documents(t, f) {
			if err := d.JSON(doc, ev); err != nil {
				t.Fatalf("%s: document %d: %v", f, i+1, err)
			}
			counts[ev.Channel+"/"+texts(ev, "event.code")]++
			if !strings.Contains(strings.ToLower(ev.Channel), "sysmon") {
				continue
			}
			got := expectedNetwork{RecordID: strings.Clone(ev.Record), Host: strings.Clone(ev.Computer), UTC: time.Unix(0, ev.Time).UTC().Format("2006-01-02 15:04:05.000")}
			switch {
			case texts(ev, "event.category") == "network" && strings.EqualFold(texts(ev, "process.name"), "services.exe"):
				got.Initiated = map[string]string{"ingress": "false", "egress": "true"}[texts(ev, "network.direction")]
				got.Source = texts(ev, "source.ip") + ":" + texts(ev, "source.port")
				got.Destination = texts(ev, "destination.ip") + ":" + texts(ev, "destination.port")
				network = append(network, got)
			case texts(ev, "event.type") == "start" && strings.EqualFold(texts(ev, "process.parent.name"), "services.exe"):
				got.Image = texts(ev, "process.executable")
				children = append(children, got)
			}
		}
	}
	countEVTX(t, d, ev, dir, counts)
	for name, n := range want.Counts {
		if counts[name] != n {
			t.Errorf("%d events %s, expected %d", counts[name], name, n)
		}
	}
	compareExpected(t, "network", network, want.Network)
	compareExpected(t, "children", children, want.Children)
}

// countEVTX counts the events of a recording's EVTX files.
func countEVTX(t *testing.T, d *Decoder, ev *event.Event, dir string, counts map[string]int) {
	files, _ := filepath.Glob(dir + "/*.evtx")
	for _, path := range files {
		f, err := evtx.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for rec, err := range f.Records(evtx.Options{}) {
			if err != nil {
				continue // the reader's own tests look at damage
			}
			if err := d.EVTX(rec, ev); err != nil {
				t.Fatalf("%s: record %d: %v", path, rec.ID, err)
			}
			if texts(ev, "host.id") == "" || texts(ev, "host.os.type") != "windows" || !ev.HasTime {
				t.Errorf("%s: record %d: %+v", path, rec.ID, ev.Meta)
			}
			counts[ev.Channel+"/"+texts(ev, "event.code")]++
		}
		f.Close()
	}
}

func compareExpected(t *testing.T, what string, got, want []expectedNetwork) {
	if len(got) != len(want) {
		t.Errorf("%s: got %d %+v\nwant %d %+v", what, len(got), got, len(want), want)
		return
	}
	for i := range got {
		if want[i].RecordID == "" || want[i].RecordID == "None" {
			want[i].RecordID = got[i].RecordID
		}
		if got[i] != want[i] {
			t.Errorf("%s %d:\n got %+v\nwant %+v", what, i, got[i], want[i])
		}
	}
}

func compact(dst *bytes.Buffer, doc []byte) error { return json.Compact(dst, doc) }

// TestMessages reads the events of recordings by their messages alone, as a
// forwarder that drops the data would have them.
func TestMessages(t *testing.T) {
	files, _ := filepath.Glob(shared + "/recordings/*/*.json")
	if len(files) == 0 {
		t.Skip("no ../shared/recordings: the public recordings are not part of the repository")
	}
	ids := map[string]bool{"4688": true, "4689": true, "4624": true, "5156": true, "4697": true, "7045": true, "5145": true, "1": true, "3": true, "11": true}
	fields := append([]string{"user.name", "service.name", "process.pid", "process.command_line", "process.parent.pid", "file.path"}, ruleFields...)
	seen := map[string]int{}
	for _, f := range files {
		if filepath.Base(f) == "expected.json" {
			continue
		}
		for i, doc := range documents(t, f) {
			var whole, short map[string]any
			if err := json.Unmarshal(doc, &whole); err != nil {
				t.Fatal(err)
			}
			id := strings.Trim(string(encode(whole["EventID"])), `"`)
			if !ids[id] || whole["Message"] == nil || id == "4697" && whole["SubjectUserName"] == nil {
				continue
			}
			short = map[string]any{}
			for _, k := range []string{"EventID", "Channel", "SourceName", "Provider", "Hostname", "Computer", "EventTime", "EventReceivedTime", "@timestamp", "TimeCreated", "Message", "UserID", "AccountType"} {
				if v, ok := whole[k]; ok {
					short[k] = v
				}
			}
			if whole["AccountType"] != nil { // then they are of <System>, not of the data
				short["AccountName"], short["Domain"] = whole["AccountName"], whole["Domain"]
			}
			want := decodeFields(t, doc, fields)
			got := decodeFields(t, encode(short), fields)
			for k, w := range want {
				if g := got[k]; strings.TrimSpace(g) != strings.TrimSpace(w) {
					t.Errorf("%s:%d event %s: %s by the message %q, by the data %q", filepath.Base(f), i+1, id, k, g, w)
				}
			}
			seen[id]++
		}
	}
	t.Log(seen)
}

func decodeFields(t *testing.T, doc []byte, fields []string) map[string]string {
	t.Helper()
	ev := decode(t, string(doc), Options{Native: true}, fields...)
	out := map[string]string{}
	for _, f := range fields {
		out[f] = texts(ev, f)
	}
	return out
}
