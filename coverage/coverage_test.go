package coverage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/coverage"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/simulate"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

// run covers strategies over events or paths.
func run(t *testing.T, list []*strategy.Strategy, events string, set func(*coverage.Coverage)) *coverage.Report {
	t.Helper()
	eng, broken := engine.New(list, engine.Options{})
	for _, p := range broken {
		t.Fatal(p)
	}
	c := coverage.Coverage{Engine: eng, Strategies: list, Paths: []string{"-"}, Native: true, Jobs: 2,
		Source: source.Options{Stdin: strings.NewReader(events), BlockSize: 4096}}
	if set != nil {
		set(&c)
	}
	r, err := c.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func load(t *testing.T, ids ...string) []*strategy.Strategy {
	t.Helper()
	list, problems := strategy.Load([]string{"../strategies"})
	if strategy.HasErrors(problems) {
		t.Fatal(problems)
	}
	if len(ids) == 0 {
		return list
	}
	return slices.DeleteFunc(list, func(s *strategy.Strategy) bool { return !slices.Contains(ids, s.ID) })
}

// simulated is telemetry of our own, one event a line.
func simulated(t *testing.T, set func(*simulate.Config)) []string {
	t.Helper()
	cfg := simulate.Config{Seed: 7, Start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Duration: time.Hour, Hosts: 3,
		Sources: []simulate.Source{simulate.Sysmon, simulate.Native}, Scenarios: []string{"rpc-service-create"}, Noise: 2, Ordinary: 4}
	if set != nil {
		set(&cfg)
	}
	g, err := simulate.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := g.Write(&b); err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSpace(b.String()), "\n")
}

// without leaves out the events that a function names, by host, channel and code.
func without(t *testing.T, lines []string, drop func(host, channel, code string, at time.Time) bool) string {
	t.Helper()
	var out strings.Builder
	for _, l := range lines {
		var d struct {
			Timestamp time.Time `json:"@timestamp"`
			Winlog    struct {
				Computer string `json:"computer_name"`
				Channel  string
				EventID  any `json:"event_id"`
			}
		}
		if err := json.Unmarshal([]byte(l), &d); err != nil {
			t.Fatal(err)
		}
		if !drop(strings.ToLower(d.Winlog.Computer), d.Winlog.Channel, fmt.Sprint(d.Winlog.EventID), d.Timestamp) {
			out.WriteString(l)
		}
	}
	return out.String()
}

func find(t *testing.T, r *coverage.Report, id, variant string, native bool, host string) coverage.Verdict {
	t.Helper()
	for _, s := range r.Strategies {
		for _, v := range s.Variants {
			if s.ID != id || v.Variant != variant || v.Native != native {
				continue
			}
			for _, h := range v.Hosts {
				if strings.HasPrefix(h.Host, host) {
					return h
				}
			}
		}
	}
	t.Fatalf("no verdict of %s %q on %s", id, variant, host)
	return coverage.Verdict{}
}

const flagship = "remotely-started-services-via-rpc"

// TestGaps: what one host lacks is said of that host, with what would mend it.
func TestGaps(t *testing.T) {
	lines := simulated(t, nil)
	const sysmonLog = "Microsoft-Windows-Sysmon/Operational"
	events := without(t, lines, func(host, channel, code string, at time.Time) bool {
		switch {
		case strings.HasPrefix(host, "adm-01"):
			return channel == "Security" && code == "5156"
		case strings.HasPrefix(host, "ws-0002"):
			return channel == sysmonLog
		}
		return channel == sysmonLog && code == "3" || channel == "Security" && code == "4688"
	})
	r := run(t, load(t, flagship), events, nil)
	if len(r.Hosts) != 3 {
		t.Fatalf("%d hosts", len(r.Hosts))
	}
	for _, c := range []struct {
		host   string
		native bool
		status coverage.Status
		reason string
	}{
		{"adm-01", true, coverage.Blind, "stage 1: no 5156 among"},
		{"ws-0002", false, coverage.Blind, "no Sysmon; no Elastic Defend"},
		{"ws-0002", true, coverage.Covered, ""},
		{"ws-0003", false, coverage.Blind, "stage 1: no Sysmon 3 among"},
		{"ws-0003", true, coverage.Blind, "stage 2: no 4688 among"},
	} {
		v := find(t, r, flagship, "", c.native, c.host)
		if v.Status != c.status || !strings.Contains(strings.Join(v.Reasons, "; "), c.reason) {
			t.Errorf("%s native %v: %s %q, want %s %q", c.host, c.native, v.Status, v.Reasons, c.status, c.reason)
		}
	}
	for _, want := range []string{
		`auditpol /set /subcategory:"Process Creation" /success:enable`,
		`<NetworkConnect onmatch="include"><Image condition="image">services.exe</Image></NetworkConnect>`,
	} {
		if !slices.ContainsFunc(r.Fixes, func(f coverage.Fix) bool { return f.Do == want && len(f.Hosts) > 0 }) {
			t.Errorf("no fix %s in %+v", want, r.Fixes)
		}
	}
}

// TestCommandLines: a field that is never seen, and the registry value that
// makes Windows write it.
func TestCommandLines(t *testing.T) {
	lines := simulated(t, func(c *simulate.Config) { c.Sources = []simulate.Source{simulate.Native} })
	var b strings.Builder
	for _, l := range lines {
		var d map[string]any
		if err := json.Unmarshal([]byte(l), &d); err != nil {
			t.Fatal(err)
		}
		if data, ok := d["winlog"].(map[string]any)["event_data"].(map[string]any); ok {
			delete(data, "CommandLine")
		}
		out, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(out, '\n'))
	}
	r := run(t, load(t, "hosted-service-started-after-rpc"), b.String(), nil)
	v := find(t, r, "hosted-service-started-after-rpc", "", true, "ws-0002")
	if v.Status == coverage.Covered || !strings.Contains(strings.Join(v.Reasons, ";"), "process.command_line") {
		t.Errorf("%+v", v)
	}
	if !slices.ContainsFunc(r.Fixes, func(f coverage.Fix) bool {
		return f.Kind == "registry" && strings.Contains(f.Do, "ProcessCreationIncludeCmdLine_Enabled")
	}) {
		t.Errorf("%+v", r.Fixes)
	}
}

// TestSilence: a sensor that stops is a gap, one that has little to say is not.
func TestSilence(t *testing.T) {
	lines := simulated(t, func(c *simulate.Config) { c.Duration, c.Hosts, c.Noise = 6*time.Hour, 1, 4 })
	from := time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC)
	events := without(t, lines, func(_, channel, _ string, at time.Time) bool {
		return channel == "Microsoft-Windows-Sysmon/Operational" && at.After(from) && at.Before(from.Add(2*time.Hour))
	})
	r := run(t, load(t, flagship), events, nil)
	gaps := r.Hosts[0].Gaps
	if len(gaps) != 1 || gaps[0].Channel != "Microsoft-Windows-Sysmon/Operational" ||
		gaps[0].To.Sub(gaps[0].From).Round(10*time.Minute) != 2*time.Hour || gaps[0].Others == 0 {
		t.Fatalf("gaps %+v", gaps)
	}
	if v := find(t, r, flagship, "", false, "ws-0001"); v.Status != coverage.Unproven {
		t.Errorf("%+v", v)
	}
	if r := run(t, load(t, flagship), strings.Join(lines, ""), nil); len(r.Hosts[0].Gaps) != 0 {
		t.Errorf("without a gap: %+v", r.Hosts[0].Gaps)
	}
}

// sysmonEvent is a network event in NXLog's shape whose logged time is off.
func sysmonEvent(i int, off time.Duration, zone string) string {
	at := time.Date(2026, 3, 2, 9, 0, i, 250e6, time.UTC)
	layout := "2006-01-02T15:04:05.000"
	return fmt.Sprintf(`{"EventID":3,"Channel":"Microsoft-Windows-Sysmon/Operational","ProviderName":"Microsoft-Windows-Sysmon","Hostname":"H","RecordNumber":%d,"@timestamp":%q,"TimeCreated":%[2]q,"UtcTime":%q,"ProcessGuid":"{1}","Image":"C:\\Windows\\System32\\services.exe"}`+"\n",
		i, at.Add(off).Format(layout)+zone, at.Format("2006-01-02 15:04:05.000"))
}

// TestClocks: whole quarter hours are the export's fault, the rest the sensor's;
// a delay is nobody's.
func TestClocks(t *testing.T) {
	for _, c := range []struct {
		off      time.Duration
		problems string
		zone     int64
		rest     int64
	}{
		{1500 * time.Millisecond, "", 0, 0},
		{-1296 * time.Millisecond, "ahead", 0, -1296},
		{-16*time.Hour - 1296*time.Millisecond, "ahead zone", -16 * 3600_000, -1296},
		{-16*time.Hour + 19*time.Millisecond, "zone", -16 * 3600_000, 19},
		{5*time.Hour + 45*time.Minute + time.Second, "zone", (5*60 + 45) * 60_000, 1000},
		{300 * time.Hour, "late", 0, 300 * 3600_000},
	} {
		var b strings.Builder
		for i := range 30 {
			b.WriteString(sysmonEvent(i, c.off, "Z"))
		}
		r := run(t, load(t, flagship), b.String(), nil)
		if len(r.Hosts) != 1 {
			t.Fatalf("%d hosts", len(r.Hosts))
		}
		var problems []string
		for _, x := range r.Hosts[0].Clocks {
			problems = append(problems, x.Problem)
			if x.ZoneMS != c.zone || x.SensorMS != c.rest {
				t.Errorf("%s: %s: zone %d, sensor %d; want %d, %d", c.off, x.Problem, x.ZoneMS, x.SensorMS, c.zone, c.rest)
			}
		}
		if got := strings.Join(problems, " "); got != c.problems {
			t.Errorf("%s: %q, want %q", c.off, got, c.problems)
		}
	}
}

// TestNavigator: the layer tells covered, blind and unproven apart.
func TestNavigator(t *testing.T) {
	r := run(t, load(t), strings.Join(simulated(t, nil), ""), nil)
	l := r.Navigator()
	if l.Versions["layer"] != "4.5" || len(l.LegendItems) != 4 || len(l.Techniques) == 0 {
		t.Fatalf("%+v", l)
	}
	for _, x := range l.Techniques {
		if x.Color == "" || x.Score < 0 || x.Score > 100 || !strings.Contains(x.Comment, "covered on") {
			t.Errorf("%+v", x)
		}
	}
	none := run(t, load(t), `{"EventID":3,"Channel":"Other","ProviderName":"X","Hostname":"H","EventTime":"2026-03-02T09:00:00Z"}`, nil).Navigator()
	blind := l.LegendItems[3].Color
	if none.Techniques[0].Color != blind || none.Techniques[0].Score != 0 {
		t.Errorf("%+v, blind is %s", none.Techniques[0], blind)
	}
}

// TestGolden holds the table and the JSON of a small fleet.
func TestGolden(t *testing.T) {
	lines := simulated(t, func(c *simulate.Config) { c.Hosts, c.Noise, c.Duration = 2, 1, 20*time.Minute })
	events := without(t, lines, func(host, channel, code string, _ time.Time) bool {
		return strings.HasPrefix(host, "ws-0002") && strings.Contains(channel, "Sysmon") && code == "3"
	})
	list, problems := strategy.Load([]string{"testdata/document.md"})
	if len(list) != 1 || strategy.HasErrors(problems) {
		t.Fatal(problems)
	}
	r := run(t, list, events, nil)
	var table, all bytes.Buffer
	text := coverage.Text{}
	text.W = &table
	if err := text.Write(r); err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(table.String(), "\n") {
		if n := len([]rune(l)); n > 100 {
			t.Errorf("%d columns: %s", n, l)
		}
	}
	text = coverage.Text{All: true}
	text.W, text.Width = &all, 80
	if err := text.Write(r); err != nil {
		t.Fatal(err)
	}
	js, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "fleet.txt", table.Bytes())
	golden(t, "fleet-all.txt", all.Bytes())
	golden(t, "fleet.json", append(js, '\n'))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (rewrite with -rewrite):\n%s", name, got)
	}
}

// TestSameWhoeverReads: workers and their number play no part.
func TestSameWhoeverReads(t *testing.T) {
	events := strings.Join(simulated(t, nil), "")
	want := ""
	for _, jobs := range []int{1, 3} {
		r := run(t, load(t), events, func(c *coverage.Coverage) { c.Jobs = jobs })
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = string(b)
		} else if string(b) != want {
			t.Error("another number of workers, another answer")
		}
	}
}

func TestHostile(t *testing.T) {
	events := `{"EventID":3,"Channel":"Mic\u001b[31mrosoft","ProviderName":"X","Hostname":"H\u001b]0;x\u0007\u202e","EventTime":"2026-03-02T09:00:00Z"}` + "\n"
	r := run(t, load(t, flagship), events, nil)
	var b bytes.Buffer
	text := coverage.Text{All: true}
	text.W = &b
	if err := text.Write(r); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\x07\u202e") {
		t.Errorf("%q", b.String())
	}
}

func TestNothing(t *testing.T) {
	for _, in := range []string{"", "{\"a\":1}\n", "{broken\n"} {
		r := run(t, load(t), in, nil)
		if r.Events != 0 || len(r.Hosts) != 0 || len(r.Strategies) != len(load(t)) {
			t.Errorf("%q: %d events, %d hosts, %d strategies", in, r.Events, len(r.Hosts), len(r.Strategies))
		}
		if l := r.Navigator(); len(l.Techniques) == 0 {
			t.Error("no technique")
		}
	}
}

const shared = "../../shared"

// TestRecordings: every source that a recording's expectation lists is found,
// with its number of events, and the clock that is ahead.
func TestRecordings(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(shared, "recordings", "*"))
	if err != nil || len(dirs) == 0 {
		t.Skip("no recordings beside the repository")
	}
	list := load(t)
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Events int
				ByID   map[string]int `json:"events_by_channel_id"`
			}
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			r := run(t, list, "", func(c *coverage.Coverage) { c.Paths = []string{dir} })
			got := map[string]int{}
			sum := 0
			for _, h := range r.Hosts {
				for _, s := range h.Sources {
					got[s.Channel+"/"+s.Code] += s.Events
					sum += s.Events
				}
			}
			for id, n := range want.ByID {
				if got[id] != n {
					t.Errorf("%s: %d events, want %d", id, got[id], n)
				}
			}
			if r.Events != want.Events || sum != r.Events {
				t.Errorf("%d events, %d by source, want %d", r.Events, sum, want.Events)
			}
			if len(want.ByID) < 25 && len(got) != len(want.ByID) {
				t.Errorf("%d sources, want %d: %v", len(got), len(want.ByID), got)
			}
		})
	}
}

func TestRecordingsClock(t *testing.T) {
	dir := filepath.Join(shared, "recordings", "rpc-service-2022-dc")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no recordings beside the repository:", err)
	}
	r := run(t, load(t, flagship, "services-started-over-smb-pipe"), "", func(c *coverage.Coverage) { c.Paths = []string{dir} })
	found := map[string]bool{}
	for _, c := range r.Hosts[0].Clocks {
		switch {
		case c.Problem == "ahead" && c.Code == "3" && c.SensorMS < -1000 && c.SensorMS > -2000:
			found["ahead"] = true
		case c.Problem == "zone" && c.ZoneMS == -16*3600_000:
			found["zone"] = true
		default:
			t.Errorf("%+v", c)
		}
	}
	if !found["ahead"] || !found["zone"] {
		t.Errorf("clocks %+v", r.Hosts[0].Clocks)
	}
	if v := find(t, r, flagship, "", false, "dc01"); v.Status != coverage.Unproven || !strings.Contains(strings.Join(v.Reasons, ""), "ms ahead, maxspan 1s") {
		t.Errorf("%+v", v)
	}
	if v := find(t, r, flagship, "", true, "dc01"); v.Status != coverage.Covered {
		t.Errorf("%+v", v)
	}
}
