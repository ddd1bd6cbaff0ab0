package ecs

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/event"
)

// The goldens are Elastic's raw → ECS test pairs. They lie outside the
// repository and are compared field by field under the rules of MAPPING §8.
//
//	go test ./ecs -run Goldens -v                      identical/total per set
//	go test ./ecs -run Goldens/sysmon -v -diffs 20     what differs, too
//	go test ./ecs -run Goldens -v -diffs 9 -code 4688  of one event id

var (
	showDiffs = flag.Int("diffs", 0, "how many differing events of each set of goldens to print")
	onlyCode  = flag.String("code", "", "print differences of this event id only")
)

type goldenSet struct {
	name   string
	dir    string
	want   int      // identical events; the test fails below it
	ignore []string // fields that are not compared, with what lies below them
	newer  []string // fields that its pipeline did not have yet, but that newer ones do
}

var winlogbeatSysmon = []string{"event.action", "message", "winlog.opcode", "winlog.task", "winlog.user.name", "winlog.user.domain", "winlog.user.type"}

// oldSecurity are what the integration of 2023 took for LDAP's account flags,
// which they are not, and a list that it left as text: winlogbeat of 2024 has
// both right.
var oldSecurity = []string{"winlog.event_data.NewUACList", "winlog.event_data.AccessMask"}

var goldenSets = []goldenSet{
	{"winlogbeat/sysmon", "winlogbeat/sysmon", 202, winlogbeatSysmon, nil},
	{"winlogbeat/security", "winlogbeat/security", 152, nil, nil},
	{"winlogbeat/powershell", "winlogbeat/powershell", 21, nil, nil},
	{"integrations/sysmon", "integrations/windows.sysmon_operational", 220, []string{"winlog.event_data.Details"}, nil},
	{"integrations/security", "integrations/system.security", 140, oldSecurity, nil},
	{"integrations/powershell", "integrations/windows.powershell", 6, nil, nil},
	{"integrations/powershell_operational", "integrations/windows.powershell_operational", 5, nil, nil},
	{"integrations/forwarded", "integrations/windows.forwarded", 319, append([]string{"winlog.event_data.Details"}, oldSecurity...),
		[]string{"user.target", "user.changes", "user.effective", "user.id"}},
	// winlog.user.name was renamed to user.name there; here it is a copy.
	{"integrations/applocker", "integrations/windows.applocker_exe_and_dll", 1, []string{"winlog.user.name"}, nil},
}

// always are the fields that are compared in no set: made anew by each run, or
// of databases that we have not.
var always = []string{"event.ingested", "ecs.version", "source.geo", "source.as", "destination.geo", "destination.as"}

// ours are the fields that we add and Elastic does not.
var ours = []string{"host.id", "host.name", "host.os.type", "host.os.family", "event.dataset", "event.module", "event.created", "tocsin", "winlog.scheduled_task"}

// sets are the fields whose order says nothing.
var unordered = []string{
	"related.hash", "related.hosts", "related.ip", "related.user", "winlog.keywords",
	"winlog.event_data.AccessMaskDescription", "winlog.event_data.AccessListDescription", "winlog.event_data.TicketOptionsDescription",
}

func TestGoldens(t *testing.T) {
	if _, err := os.Stat(shared + "/ecs/goldens"); err != nil {
		t.Skip("no ../shared/ecs/goldens: Elastic's test data is not part of the repository")
	}
	for _, s := range goldenSets {
		t.Run(s.name, func(t *testing.T) { checkGoldens(t, s) })
	}
}

type goldenPair struct {
	file     string
	raw      []byte
	expected map[string]any
}

func goldenPairs(t *testing.T, dir string) []goldenPair {
	var out []goldenPair
	root := filepath.Join(shared, "ecs/goldens", dir)
	collected, _ := filepath.Glob(root + "/collection/*.golden.json")
	for _, f := range collected {
		var raw []json.RawMessage
		var want []map[string]any
		readJSON(t, f, &raw)
		name := strings.TrimSuffix(filepath.Base(f), ".evtx.golden.json")
		readJSON(t, filepath.Join(root, "ingest", name+".golden.json"), &want)
		for i := range want {
			out = append(out, goldenPair{fmt.Sprintf("%s[%d]", name, i), raw[i], want[i]})
		}
	}
	tests, _ := filepath.Glob(root + "/test-*.json")
	for _, f := range tests {
		if strings.HasSuffix(f, "-expected.json") {
			continue
		}
		var raw struct{ Events []json.RawMessage }
		var want struct{ Expected []map[string]any }
		readJSON(t, f, &raw)
		readJSON(t, f+"-expected.json", &want)
		for i := range want.Expected {
			if want.Expected[i] != nil {
				out = append(out, goldenPair{fmt.Sprintf("%s[%d]", filepath.Base(f), i), raw.Events[i], want.Expected[i]})
			}
		}
	}
	return out
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func checkGoldens(t *testing.T, s goldenSet) {
	n := NewNormalizer(Options{})
	identical, shown := 0, 0
	pairs := goldenPairs(t, s.dir)
	if len(pairs) == 0 {
		t.Fatalf("no goldens in %s", s.dir)
	}
	for _, p := range pairs {
		out, err := n.Append(nil, p.raw)
		var got map[string]any
		if err == nil {
			err = json.Unmarshal(out, &got)
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", p.file, err, out)
			continue
		}
		diffs := goldenDiffs(got, p.expected, s.ignore, s.newer...)
		if len(diffs) == 0 {
			identical++
			continue
		}
		code, _ := p.expected["event"].(map[string]any)
		if shown < *showDiffs && (*onlyCode == "" || code != nil && code["code"] == *onlyCode) {
			shown++
			t.Logf("%s\n\t%s", p.file, strings.Join(diffs, "\n\t"))
		}
	}
	t.Logf("%-36s %d/%d identical", s.name, identical, len(pairs))
	if identical < s.want {
		t.Errorf("%s: %d events identical; there were %d", s.name, identical, s.want)
	}
}

// goldenDiffs lists the fields that differ.
func goldenDiffs(got, want map[string]any, ignore []string, newer ...string) []string {
	g, w := map[string]any{}, map[string]any{}
	flatten(g, "", got)
	flatten(w, "", want)
	var diffs []string
	for name, v := range w {
		if below(name, always) || below(name, ignore) {
			continue
		}
		if gv, ok := g[name]; !ok && saysNothing(v) {
			continue // older pipelines kept such values, the newest drop them
		} else if !ok {
			diffs = append(diffs, fmt.Sprintf("%s: missing %v", name, v))
		} else if !sameValue(name, gv, v) {
			diffs = append(diffs, fmt.Sprintf("%s: got %v want %v", name, gv, v))
		}
	}
	for name, v := range g {
		if _, ok := w[name]; !ok && !below(name, always) && !below(name, ignore) && !below(name, newer) && !below(name, ours) {
			diffs = append(diffs, fmt.Sprintf("%s: too much %v", name, v))
		}
	}
	sort.Strings(diffs)
	return diffs
}

func flatten(into map[string]any, prefix string, v map[string]any) {
	for name, v := range v {
		if sub, ok := v.(map[string]any); ok {
			flatten(into, prefix+name+".", sub)
			continue
		}
		into[prefix+name] = v
	}
}

func below(name string, list []string) bool {
	return slices.ContainsFunc(list, func(l string) bool {
		return name == l || strings.HasPrefix(name, l+".")
	})
}

func sameValue(name string, a, b any) bool {
	if name == "@timestamp" || strings.HasSuffix(name, ".created") {
		x, ok := parseInstant(fmt.Sprint(a))
		y, ok2 := parseInstant(fmt.Sprint(b))
		const ms = 1_000_000 // an ingest pipeline's dates have no more
		return ok && ok2 && x.ns/ms == y.ns/ms
	}
	if slices.Contains(unordered, name) {
		return reflect.DeepEqual(sorted(a), sorted(b))
	}
	return reflect.DeepEqual(one(a), one(b))
}

// one is the member of a list that has one: Elasticsearch makes no difference.
func one(v any) any {
	if list, ok := v.([]any); ok && len(list) == 1 {
		return list[0]
	}
	return v
}

func saysNothing(v any) bool {
	v = one(v)
	s, ok := v.(string)
	return ok && (s == "" || s == "-" || strings.Trim(s, "{}") == zeroGUID)
}

func sorted(v any) []string {
	var out []string
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, e := range list {
		out = append(out, fmt.Sprint(e))
	}
	sort.Strings(out)
	return out
}

// TestSeedPair checks that the two events of the user's rule carry the keys
// that it joins on.
func TestSeedPair(t *testing.T) {
	path := shared + "/ecs/goldens/real-seed-hit/otrf-empire-psexec-dcerpc.nxlog.ndjson"
	if _, err := os.Stat(path); err != nil {
		t.Skip("no ../shared/ecs/goldens: the public recording is not part of the repository")
	}
	for _, native := range []bool{false, true} {
		d := NewDecoder(ruleSchema(), Options{Native: native})
		ev := event.New(d.schema)
		pairs := map[string][]string{}
		for _, doc := range documents(t, path) {
			if err := d.JSON(doc, ev); err != nil {
				t.Fatal(err)
			}
			source := "sysmon"
			if strings.EqualFold(ev.Channel, "security") {
				source = "native"
			}
			if k := texts(ev, "process.entity_id"); texts(ev, "event.category") == "network" && k != "" {
				pairs[source] = append(pairs[source], texts(ev, "host.id")+" "+k+" "+texts(ev, "network.direction"))
			}
			if k := texts(ev, "process.parent.entity_id"); texts(ev, "event.category") == "process" && k != "" {
				pairs[source] = append(pairs[source], texts(ev, "host.id")+" "+k+" "+texts(ev, "process.parent.name"))
			}
		}
		const host = "workstation6.theshire.local "
		want := map[string][]string{"sysmon": {
			host + "{d273d0f0-e865-5f64-0b00-000000000800} services.exe",
			host + "{d273d0f0-e865-5f64-0b00-000000000800} ingress",
		}}
		if native {
			want["native"] = []string{
				host + "n:workstation6.theshire.local:704 ingress",
				host + "n:workstation6.theshire.local:704 services.exe",
			}
		}
		if !reflect.DeepEqual(pairs, want) {
			t.Errorf("native %v:\n got %q\nwant %q", native, pairs, want)
		}
	}
}
