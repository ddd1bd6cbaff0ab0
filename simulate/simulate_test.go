package simulate

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// make runs a configuration and returns its lines.
func run(t testing.TB, cfg Config) []string {
	t.Helper()
	if cfg.Start.IsZero() {
		cfg.Start = start
	}
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	n, err := g.Write(&b)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(b.String(), "\n")
	lines = lines[:len(lines)-1]
	if len(lines) != n {
		t.Fatalf("%d documents announced, %d lines written", n, len(lines))
	}
	return lines
}

// doc is what the tests look at in a JSON document.
type doc struct {
	Timestamp time.Time `json:"@timestamp"`
	Event     struct {
		Action   string `json:"action"`
		Code     string `json:"code"`
		Sequence uint64 `json:"sequence"`
	} `json:"event"`
	Host struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"host"`
	Source  struct{ IP string } `json:"source"`
	Process struct {
		EntityID string `json:"entity_id"`
		PID      int    `json:"pid"`
		Name     string `json:"name"`
		Parent   struct {
			EntityID string `json:"entity_id"`
			Name     string `json:"name"`
			PID      int    `json:"pid"`
		} `json:"parent"`
	} `json:"process"`
	Winlog struct {
		Channel   string            `json:"channel"`
		Computer  string            `json:"computer_name"`
		RecordID  uint64            `json:"record_id"`
		EventData map[string]string `json:"event_data"`
	} `json:"winlog"`
}

func parse(t testing.TB, line string) doc {
	t.Helper()
	var d doc
	if err := json.Unmarshal([]byte(line), &d); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return d
}

// TestForms plays every scenario in every source: each line is one well-formed
// document, and every source tells something of every attack.
func TestForms(t *testing.T) {
	for _, s := range Scenarios() {
		for _, src := range AllSources() {
			lines := run(t, Config{Seed: 3, Sources: []Source{src}, Scenarios: []string{s.Name}})
			if len(lines) == 0 && s.Attack {
				t.Errorf("%s: %s tells nothing", s.Name, src)
			}
			for _, l := range lines {
				if src.Ext() == "xml" {
					wellFormed(t, l)
				} else if d := parse(t, l); d.Timestamp.IsZero() || d.Host.Name == "" {
					t.Errorf("%s: %s: no time or host in %s", s.Name, src, l)
				}
			}
		}
	}
}

func wellFormed(t *testing.T, l string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(l))
	for {
		_, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%v in %s", err, l)
		}
	}
}

func TestDeterminism(t *testing.T) {
	cfg := Config{Seed: 9, Hosts: 7, Scenarios: names(), Plays: 2, Duration: time.Hour, Ordinary: 6, Noise: 2,
		Skew: time.Second, Jitter: time.Millisecond, Disorder: 2 * time.Second, Late: 0.1}
	a, b := run(t, cfg), run(t, cfg)
	if !slices.Equal(a, b) {
		t.Error("two runs of one seed differ")
	}
	cfg.Seed++
	if c := run(t, cfg); slices.Equal(a, c) {
		t.Error("two seeds give the same")
	}
}

// TestOneStory holds Sysmon's two forms, and the native ones, to the same
// records, and the process starts of all sources to the same processes.
func TestOneStory(t *testing.T) {
	g, err := New(Config{Seed: 5, Start: start, Scenarios: []string{"rpc-service-create", "psexec"}})
	if err != nil {
		t.Fatal(err)
	}
	var out [sources]bytes.Buffer
	if _, err := g.Split(func(s Source) (io.Writer, error) { return &out[s], nil }); err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]Source{{Sysmon, SysmonXML}, {Native, NativeXML}} {
		var a, b []string
		for _, l := range strings.SplitAfter(strings.TrimSuffix(out[pair[0]].String(), "\n"), "\n") {
			d := parse(t, l)
			a = append(a, fmt.Sprintf("%s %d %d", d.Winlog.Channel, d.Winlog.RecordID, d.Timestamp.UnixNano()))
		}
		for _, l := range strings.SplitAfter(strings.TrimSuffix(out[pair[1]].String(), "\n"), "\n") {
			at, err := time.Parse(time.RFC3339Nano, between(l, "SystemTime='", "'"))
			if err != nil {
				t.Fatal(err)
			}
			b = append(b, fmt.Sprintf("%s %s %d", between(l, "<Channel>", "<"), between(l, "<EventRecordID>", "<"), at.UnixNano()))
		}
		if !slices.Equal(a, b) {
			t.Errorf("%s and %s are not the same records:\n%q\n%q", pair[0], pair[1], a, b)
		}
	}
	var defend, sysmon []int
	for l := range strings.Lines(out[Defend].String()) {
		if d := parse(t, l); d.Event.Action == "start" {
			defend = append(defend, d.Process.PID)
		}
	}
	for l := range strings.Lines(out[Sysmon].String()) {
		if d := parse(t, l); d.Event.Code == "1" {
			var pid int
			if _, err := fmt.Sscan(d.Winlog.EventData["ProcessId"], &pid); err != nil {
				t.Fatal(err)
			}
			sysmon = append(sysmon, pid)
		}
	}
	if !slices.Equal(defend, sysmon) || len(defend) == 0 {
		t.Errorf("process ids: defend %v, sysmon %v", defend, sysmon)
	}
}

func between(s, a, b string) string {
	_, s, _ = strings.Cut(s, a)
	s, _, _ = strings.Cut(s, b)
	return s
}

// TestEntityIDs decodes Defend's process identity and follows it from child to parent.
func TestEntityIDs(t *testing.T) {
	lines := run(t, Config{Seed: 2, Sources: []Source{Defend}, Scenarios: []string{"rpc-service-create"}})
	var services string
	for _, l := range lines {
		d := parse(t, l)
		raw, err := base64.StdEncoding.DecodeString(d.Process.EntityID)
		if err != nil {
			t.Fatal(err)
		}
		part := strings.Split(string(raw), "-")
		if len(part) != 7 || part[5] != fmt.Sprint(d.Process.PID) || len(part[6]) != len("13416904869.468222000") {
			t.Errorf("entity id %q of process %d", raw, d.Process.PID)
		}
		if d.Event.Action == "connection_accepted" && d.Process.Name == "services.exe" {
			services = d.Process.EntityID
		}
		if d.Event.Action == "start" && d.Process.Parent.Name == "services.exe" && d.Process.Parent.EntityID != services {
			t.Errorf("the child's parent is %q, the connection is of %q", d.Process.Parent.EntityID, services)
		}
	}
	if services == "" {
		t.Error("no connection of services.exe")
	}
}

// TestSysmonGUID checks the shape and that it holds the start in seconds.
func TestSysmonGUID(t *testing.T) {
	for _, l := range run(t, Config{Seed: 2, Sources: []Source{Sysmon}, Scenarios: []string{"psexec"}}) {
		d := parse(t, l)
		if d.Event.Code != "1" {
			continue
		}
		guid := d.Winlog.EventData["ProcessGuid"]
		var machine, tail uint64
		var lo, hi, n uint16
		if _, err := fmt.Sscanf(guid, "{%08x-%04x-%04x-%04x-%012x}", &machine, &lo, &hi, &n, &tail); err != nil {
			t.Fatalf("%s: %v", guid, err)
		}
		at, err := time.Parse("2006-01-02 15:04:05.000", d.Winlog.EventData["UtcTime"])
		if err != nil {
			t.Fatal(err)
		}
		if got := int64(hi)<<16 | int64(lo); got != at.Unix() {
			t.Errorf("%s says %d, started %d", guid, got, at.Unix())
		}
	}
}

// TestNumbers: record numbers of one host and channel grow by one in the order
// in which a sensor logs, whatever arrives when.
func TestNumbers(t *testing.T) {
	lines := run(t, Config{Seed: 4, Hosts: 3, Sources: []Source{Sysmon, Native}, Duration: 20 * time.Minute, Noise: 20, Ordinary: 10})
	last := map[string]doc{}
	for _, l := range lines {
		d := parse(t, l)
		key := d.Winlog.Computer + d.Winlog.Channel
		if p, ok := last[key]; ok {
			if d.Winlog.RecordID != p.Winlog.RecordID+1 {
				t.Fatalf("%s: record %d after %d", key, d.Winlog.RecordID, p.Winlog.RecordID)
			}
			if d.Timestamp.Before(p.Timestamp) {
				t.Fatalf("%s: logged %v after %v", key, d.Timestamp, p.Timestamp)
			}
		}
		last[key] = d
	}
	if len(last) < 6 {
		t.Errorf("%d logs, want three hosts with Sysmon and Security at least", len(last))
	}
}

// TestReversed: Defend and Sysmon stamp the connection after the child, the
// native log does not.
func TestReversed(t *testing.T) {
	for src, late := range map[Source]bool{Defend: true, Sysmon: true, Native: false} {
		var conn, child time.Time
		for _, l := range run(t, Config{Seed: 8, Sources: []Source{src}, Scenarios: []string{"rpc-service-reversed"}}) {
			d := parse(t, l)
			at := d.Timestamp
			if u := d.Winlog.EventData["UtcTime"]; u != "" {
				var err error
				if at, err = time.Parse("2006-01-02 15:04:05.000", u); err != nil {
					t.Fatal(err)
				}
			}
			data := d.Winlog.EventData
			switch {
			case d.Event.Action == "connection_accepted" && d.Process.Name == "services.exe",
				d.Event.Code == "3" && strings.HasSuffix(data["Image"], "services.exe"),
				d.Event.Code == "5156" && strings.HasSuffix(data["Application"], "services.exe"):
				conn = at
			case d.Event.Action == "start" && d.Process.Parent.Name == "services.exe",
				d.Event.Code == "1" && strings.HasSuffix(data["ParentImage"], "services.exe"),
				d.Event.Code == "4688" && strings.HasSuffix(data["ParentProcessName"], "services.exe"):
				child = at
			}
		}
		if conn.IsZero() || child.IsZero() || conn.After(child) != late {
			t.Errorf("%s: connection %v, child %v", src, conn, child)
		}
		if d := conn.Sub(child); d > 5*time.Second {
			t.Errorf("%s: %v apart, more than the variant's window", src, d)
		}
	}
}

// TestArrival: lateness and disorder move documents, and change and lose none.
func TestArrival(t *testing.T) {
	cfg := Config{Seed: 6, Hosts: 4, Sources: []Source{Defend, Sysmon, Native}, Noise: 30, Duration: 30 * time.Minute}
	calm := run(t, cfg)
	cfg.Disorder, cfg.Late, cfg.LateBy = 3*time.Second, 0.05, 5*time.Minute
	wild := run(t, cfg)
	moved := 0
	for i := range wild {
		if wild[i] != calm[i] {
			moved++
		}
	}
	if moved < len(wild)/2 {
		t.Errorf("%d of %d documents stand in another place", moved, len(wild))
	}
	slices.Sort(calm)
	slices.Sort(wild)
	if !slices.Equal(calm, wild) {
		t.Error("the documents that arrived are not those that were sent")
	}
}

// TestSkew: a host's clock is off by one amount for all its events.
func TestSkew(t *testing.T) {
	cfg := Config{Seed: 1, Sources: []Source{Defend}, Scenarios: []string{"rpc-service-start"}}
	a := run(t, cfg)
	cfg.Skew = time.Hour
	b := run(t, cfg)
	off := parse(t, b[0]).Timestamp.Sub(parse(t, a[0]).Timestamp)
	if off == 0 || off.Abs() > time.Hour {
		t.Fatalf("off by %v", off)
	}
	for i := range a {
		if d := parse(t, b[i]).Timestamp.Sub(parse(t, a[i]).Timestamp); d != off {
			t.Errorf("event %d is off by %v, the first by %v", i, d, off)
		}
	}
}

// TestAttackStays: an attack's peers and gaps do not depend on the noise around it.
func TestAttackStays(t *testing.T) {
	conns := func(noise float64) (out []time.Time) {
		for _, l := range run(t, Config{Seed: 12, Sources: []Source{Defend}, Scenarios: []string{"rpc-service-create"}, Noise: noise}) {
			if d := parse(t, l); d.Source.IP == "10.66.6.13" && d.Event.Action == "connection_accepted" {
				out = append(out, d.Timestamp)
			}
		}
		return out
	}
	if a, b := conns(0), conns(50); !slices.EqualFunc(a, b, time.Time.Equal) || len(a) != 2 {
		t.Errorf("connections at %v, with noise at %v", a, b)
	}
}

func TestLimit(t *testing.T) {
	if n := len(run(t, Config{Noise: 100, Hosts: 3, Limit: 77})); n != 77 {
		t.Errorf("%d documents, want 77", n)
	}
	if n := len(run(t, Config{Noise: 100, Hosts: 3, Limit: 77, Disorder: time.Minute})); n != 77 {
		t.Errorf("%d documents, want 77", n)
	}
}

func TestBadConfig(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, "no start time"},
		{Config{Start: start, Hosts: -1}, "hosts"},
		{Config{Start: start, Hosts: 2_000_000}, "hosts"},
		{Config{Start: start, Late: 1.5}, "late share"},
		{Config{Start: start, Noise: -1}, "rate"},
		{Config{Start: start, Jitter: -1}, "negative duration"},
		{Config{Start: start, Limit: -1}, "count"},
		{Config{Start: start, Scenarios: []string{"nope"}}, "rpc-service-start"},
	} {
		if _, err := New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
		}
	}
	if _, err := ParseSource("etl"); err == nil || !strings.Contains(err.Error(), "sysmon-xml") {
		t.Errorf("ParseSource: %v", err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteError(t *testing.T) {
	g, err := New(Config{Start: start, Noise: 1000, Hosts: 5})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Write(failing{}); err == nil || !strings.Contains(err.Error(), "write telemetry") {
		t.Errorf("Write: %v", err)
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, src := range AllSources() {
		b.Run(src.String(), func(b *testing.B) {
			var n int
			w := bufio.NewWriter(io.Discard)
			for b.Loop() {
				g, err := New(Config{Start: start, Hosts: 50, Noise: 600, Sources: []Source{src}, Duration: time.Hour, Limit: 20_000})
				if err != nil {
					b.Fatal(err)
				}
				m, err := g.Write(w)
				if err != nil {
					b.Fatal(err)
				}
				n += m
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
