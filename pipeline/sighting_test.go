package pipeline_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/baseline"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/simulate"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategies"
	"github.com/tocsin-project/tocsin/strategy"
)

// simulated plays scenarios as one source tells them.
func simulated(t *testing.T, src simulate.Source, scenarios ...string) []byte {
	t.Helper()
	g, err := simulate.New(simulate.Config{Seed: 3, Start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Hosts: 20,
		Duration: time.Hour, Sources: []simulate.Source{src}, Scenarios: scenarios})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := g.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// learners is what learning runs: the shipped strategies and the wide rule.
func learners(t *testing.T) *engine.Engine {
	t.Helper()
	list, _ := strategy.LoadFS(strategies.FS)
	list, err := baseline.Learners(list)
	if err != nil {
		t.Fatal(err)
	}
	e, problems := engine.New(list, engine.Options{})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	return e
}

func scanned(t *testing.T, s *pipeline.Scan, data []byte) *pipeline.Result {
	t.Helper()
	s.Paths, s.Native, s.Jobs = []string{"-"}, true, 1
	s.Source = source.Options{Stdin: bytes.NewReader(data)}
	r, err := s.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// TestSightings: what each sensor tells of a tool that alerts, of one that the
// flagship knows, and of an attack.
func TestSightings(t *testing.T) {
	const tool, known, evil = `C:\Windows\AcmeInventory\acmeinv.exe`, `C:\Windows\VeeamVssSupport\VeeamGuestHelper.exe`, `C:\ProgramData\Updater\updater.exe`
	for _, c := range []struct {
		src     simulate.Source
		tool    baseline.Sighting // the facts that are told
		quiet   bool              // nothing alerts on the known tool
		alerted []string
	}{
		{simulate.Defend, baseline.Sighting{Signature: baseline.Trusted, Signer: "Acme Software", Original: "acmeinv.exe", Account: `CORP\svc-inventory`}, true,
			[]string{"remotely-started-services-via-rpc"}},
		{simulate.Sysmon, baseline.Sighting{Original: "acmeinv.exe"}, true, []string{"remotely-started-services-via-rpc"}},
		{simulate.SysmonXML, baseline.Sighting{Original: "acmeinv.exe"}, true, []string{"remotely-started-services-via-rpc"}},
		{simulate.Native, baseline.Sighting{Account: `CORP\svc-inventory`, Service: "AcmeInventory", Image: tool}, false,
			[]string{"new-service-by-network-logon", "new-service-installed", "remotely-started-services-via-rpc"}},
	} {
		r := scanned(t, &pipeline.Scan{Engine: learners(t), Sight: true}, simulated(t, c.src, "tool-inventory", "admin-veeam", "rpc-service-start"))
		list, err := r.Sightings()
		if err != nil {
			t.Fatal(err)
		}
		find := func(program string) *baseline.Sighting {
			i := slices.IndexFunc(list, func(s baseline.Sighting) bool { return strings.EqualFold(s.Program, program) })
			if i < 0 {
				t.Fatalf("%s: no sighting of %s in %+v", c.src, program, list)
			}
			return &list[i]
		}
		got := find(tool)
		if got.Source != "10.20.9.31" || !got.ByService || got.Host == "" || got.Account != c.tool.Account || got.Signature != c.tool.Signature ||
			got.Signer != c.tool.Signer || got.Original != c.tool.Original || got.Service != c.tool.Service || got.Image != c.tool.Image {
			t.Errorf("%s: %+v, want %+v", c.src, got, c.tool)
		}
		var ids []string
		for _, a := range got.Alerts {
			if !slices.Contains(ids, a.Strategy) {
				ids = append(ids, a.Strategy)
			}
			if len(a.Fields) == 0 {
				t.Errorf("%s: alert of %s names no program", c.src, a.Strategy)
			}
		}
		if slices.Sort(ids); !slices.Equal(ids, c.alerted) {
			t.Errorf("%s: alerts of %v, want %v", c.src, ids, c.alerted)
		}
		if s := find(known); (len(s.Alerts) == 0) != c.quiet || s.Source == "" {
			t.Errorf("%s: the known tool: %+v", c.src, s)
		}
		if s := find(evil); len(s.Alerts) == 0 || c.src == simulate.Defend && s.Signature != baseline.Unsigned {
			t.Errorf("%s: the attack: %+v", c.src, s)
		}
		if from, to, hosts := r.Arrived(); from.IsZero() || !to.After(from) || len(hosts) < 3 {
			t.Errorf("%s: arrived %v to %v from %v", c.src, from, to, hosts)
		}
	}
}

func TestSightingsUnasked(t *testing.T) {
	r := scanned(t, &pipeline.Scan{Engine: learners(t)}, simulated(t, simulate.Defend, "tool-inventory"))
	if _, err := r.Sightings(); err == nil {
		t.Error("no error")
	}
}

// TestRater: the score of an alert moves, the factors say why, the severity stays.
func TestRater(t *testing.T) {
	b := baseline.New()
	h := &baseline.History{From: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Hosts: []string{"a", "b", "c"}}
	if _, err := b.Learn(h); err != nil {
		t.Fatal(err)
	}
	list, _ := strategy.LoadFS(strategies.FS)
	e, _ := engine.New(list, engine.Options{})
	r := scanned(t, &pipeline.Scan{Engine: e, Rater: b.Rater()}, simulated(t, simulate.Defend, "rpc-service-start"))
	if len(r.Findings) != 1 {
		t.Fatalf("%d findings", len(r.Findings))
	}
	a, err := r.Alert(r.Findings[0])
	if err != nil {
		t.Fatal(err)
	}
	if a.RiskScore != 62 || a.Severity != "medium" || len(a.Risk) != 1 || a.Risk[0].Points != 15 || a.Risk[0].Reason != "program never seen here: 0 of 3 hosts in 28 days" {
		t.Errorf("score %d, severity %s, %+v", a.RiskScore, a.Severity, a.Risk)
	}
	said := false
	for _, q := range a.Triage {
		said = said || strings.Contains(q.Answer, "The baseline knows nothing that ")
	}
	if !said {
		t.Errorf("no answer tells what the baseline knows of the source: %+v", a.Triage)
	}
}
