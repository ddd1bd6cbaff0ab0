package ecs

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/event"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is an invented event.
type sample struct {
	channel, provider, guid string
	id, version             string
	record                  int
	data                    [][2]string
}

const (
	sampleHost   = "MARSH-01.example.test"
	sampleLogged = "2024-03-05T10:12:00Z" // a whole second: some exporters write no more
	sampleSID    = "S-1-5-18"
	samplePID    = 2888
	sampleTID    = 3999
)

func samples(t testing.TB) []sample { return samplesOf(t, "testdata/samples.txt") }

func samplesOf(t testing.TB, path string) []sample {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []sample
	for _, line := range strings.Split(string(data), "\n") {
		switch {
		case strings.HasPrefix(line, "#") || line == "":
		case strings.Contains(strings.Fields(line)[0], "="):
			name, val, _ := strings.Cut(line, "=")
			s := &out[len(out)-1]
			s.data = append(s.data, [2]string{name, val})
		default:
			f := strings.Split(line, " ")
			n := len(f)
			s := sample{channel: strings.Join(f[:n-2], " "), id: f[n-2], version: f[n-1], record: 7000 + len(out)}
			s.provider, s.guid = sampleProvider(s.channel)
			out = append(out, s)
		}
	}
	return out
}

func sampleProvider(channel string) (name, guid string) {
	switch {
	case strings.Contains(channel, "Sysmon"):
		return "Microsoft-Windows-Sysmon", "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}"
	case channel == "Security":
		return "Microsoft-Windows-Security-Auditing", "{54849625-5478-4994-a5ba-3e3b0328c30d}"
	case channel == "System":
		return "Service Control Manager", "{555908d1-a6d7-4695-8e1e-26931d2012f4}"
	}
	return "Microsoft-Windows-PowerShell", "{a0c1853b-5c40-4b15-8766-3cf1c58f985a}"
}

func (s *sample) name() string { return s.channel + "/" + s.id }

// unnamed reports whether the log has no names for the values.
func (s *sample) unnamed() bool { return s.data[0][0] == "param1" }

// object is a JSON object in the order of its members.
type object []any // name, value, name, value …

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := 0; i < len(o); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		k, _ := json.Marshal(o[i])
		v, err := json.Marshal(o[i+1])
		if err != nil {
			return nil, err
		}
		b.Write(k)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (s *sample) object() object {
	var o object
	for _, d := range s.data {
		o = append(o, d[0], d[1])
	}
	return o
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

var xmlEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func (s *sample) dataXML() string {
	var b strings.Builder
	b.WriteString("<EventData>")
	for _, d := range s.data {
		if s.unnamed() {
			fmt.Fprintf(&b, "<Data>%s</Data>", xmlEscape.Replace(d[1]))
			continue
		}
		fmt.Fprintf(&b, `<Data Name="%s">%s</Data>`, d[0], xmlEscape.Replace(d[1]))
	}
	return b.String() + "</EventData>"
}

func (s *sample) xml() []byte {
	return fmt.Appendf(nil, `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>`+
		`<Provider Name="%s" Guid="%s"/><EventID>%s</EventID><Version>%s</Version><Level>4</Level><Task>1</Task><Opcode>0</Opcode>`+
		`<Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime="%s"/><EventRecordID>%d</EventRecordID><Correlation/>`+
		`<Execution ProcessID="%d" ThreadID="%d"/><Channel>%s</Channel><Computer>%s</Computer><Security UserID="%s"/></System>%s</Event>`,
		s.provider, s.guid, s.id, s.version, sampleLogged, s.record, samplePID, sampleTID, s.channel, sampleHost, sampleSID, s.dataXML())
}

// TestSamples keeps what every invented event becomes, with and without the
// native profile.
func TestSamples(t *testing.T) {
	for _, native := range []bool{false, true} {
		n := NewNormalizer(Options{Native: native})
		var got bytes.Buffer
		for _, s := range samples(t) {
			out, err := n.Append(nil, s.xml())
			if err != nil {
				t.Fatalf("%s: %v", s.name(), err)
			}
			if native && !n.Event().Synthesized {
				continue
			}
			if err := json.Indent(&got, out, "", "  "); err != nil {
				t.Fatalf("%s: %v\n%s", s.name(), err, out)
			}
			got.WriteByte('\n')
		}
		golden(t, map[bool]string{false: "testdata/samples.golden", true: "testdata/native.golden"}[native], got.Bytes())
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			t.Fatalf("%s:%d: got %s\n(go test ./ecs -update writes it anew)", path, i+1, g[i])
		}
	}
	t.Fatalf("%s: it holds %d lines more than came out", path, len(w)-len(g))
}

// shapes are the writers of exports. same says which fields need not agree with
// those made from the XML, with what lies below them: what the export does not
// hold, or holds besides.
var shapes = []struct {
	name  string
	write func(s *sample) []byte
	same  []string
}{
	{"evtx_dump", writeEvtxDump, nil},
	{"evtx_dump --separate-json-attributes", writeEvtxDumpSeparate, nil},
	{"velociraptor", writeVelociraptor, nil},
	{"velociraptor's hunts", writeVelociraptorRow, []string{"winlog.process", "winlog.provider_guid", "winlog.version", "winlog.level", "winlog.keywords", "log.level", "event.outcome"}},
	{"xml as json", writeXMLAsJSON, nil},
	{"winlogbeat 8", writeBeats8, []string{"winlog.api", "agent"}},
	{"winlogbeat 6", writeBeats6, []string{"log.level"}},
	{"elasticsearch hit", writeHit, []string{"winlog.api", "agent"}},
	{"dotted", writeDotted, nil},
	{"fields of a search", writeFields, nil},
	{"nxlog", writeNXLog, []string{"event.outcome"}},
	{"flat", writeFlat, []string{"winlog.process", "winlog.user", "user.id", "service"}},
	{"sentinel", writeSentinel, []string{"winlog.process", "winlog.user", "user.id"}},
	{"azure data item", writeDataItem, []string{"winlog.process", "winlog.user", "user.id", "winlog.provider_guid", "winlog.version"}},
	{"get-winevent", writeWinEvent, []string{"message"}},
	{"get-winevent with a message", writeWinEventMessage, []string{"message"}},
	{"splunk xml", writeSplunkXML, nil},
	{"splunk key values", writeSplunkKV, []string{"message", "winlog.process", "winlog.version", "winlog.provider_guid"}},
	{"splunk hec", writeHEC, nil},
}

// TestShapes checks that an event means the same in whichever shape it comes.
func TestShapes(t *testing.T) {
	all := samples(t)
	for _, sh := range shapes {
		t.Run(sh.name, func(t *testing.T) {
			n := NewNormalizer(Options{Native: true})
			for i := range all {
				s := &all[i]
				doc := sh.write(s)
				if doc == nil {
					continue
				}
				if t.Failed() {
					return // one is enough to see what is wrong
				}
				want, err := n.Append(nil, s.xml())
				if err != nil {
					t.Fatal(err)
				}
				meta := n.Event().Meta
				wantMeta := []any{meta.Time, meta.HasTime, meta.Computer, meta.Channel, meta.Record, meta.Synthesized}
				wantMeta[2] = strings.Clone(meta.Computer)
				wantMeta[3], wantMeta[4] = strings.Clone(meta.Channel), strings.Clone(meta.Record)
				got, err := n.Append(nil, doc)
				if err != nil {
					t.Errorf("%s: %v\n%s", s.name(), err, doc)
					continue
				}
				meta = n.Event().Meta
				if m := []any{meta.Time, meta.HasTime, meta.Computer, meta.Channel, meta.Record, meta.Synthesized}; fmt.Sprint(m) != fmt.Sprint(wantMeta) {
					t.Errorf("%s: meta %v, from xml %v", s.name(), m, wantMeta)
				}
				compareShapes(t, s, doc, got, want, sh.same)
			}
		})
	}
}

func compareShapes(t *testing.T, s *sample, doc, got, want []byte, same []string) {
	t.Helper()
	g, w := map[string]any{}, map[string]any{}
	var gt, wt map[string]any
	if json.Unmarshal(got, &gt) != nil || json.Unmarshal(want, &wt) != nil {
		t.Fatalf("%s: no JSON:\n%s\n%s", s.name(), got, want)
	}
	flatten(g, "", gt)
	flatten(w, "", wt)
	var diffs []string
	for name, v := range w {
		if !below(name, same) && fmt.Sprint(g[name]) != fmt.Sprint(v) {
			diffs = append(diffs, fmt.Sprintf("%s: got %v, from xml %v", name, g[name], v))
		}
	}
	for name, v := range g {
		if _, ok := w[name]; !ok && !below(name, same) {
			diffs = append(diffs, fmt.Sprintf("%s: too much: %v", name, v))
		}
	}
	if len(diffs) > 0 {
		t.Errorf("%s\n\t%.200s…\n\t%s", s.name(), doc, strings.Join(diffs, "\n\t"))
	}
}

// TestEvidence makes events anew from the record that was kept of them.
func TestEvidence(t *testing.T) {
	n := NewNormalizer(Options{Native: true})
	d := NewDecoder(ruleSchema(), Options{})
	ev := event.New(d.schema)
	for _, s := range samples(t) {
		want, err := n.Append(nil, s.xml())
		if err != nil {
			t.Fatal(err)
		}
		if err := d.XML(s.xml(), ev); err != nil {
			t.Fatal(err)
		}
		got, err := n.Append(nil, d.AppendEvidence(nil))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\n got %s\nwant %s", s.name(), err, got, want)
		}
	}
}
