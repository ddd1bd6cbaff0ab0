package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/baseline"
)

// mustRun runs a command that must end well and returns what it prints.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, status := tocsin("", args...)
	if status != exitOK {
		t.Fatalf("tocsin %v: status %d\n%s%s", args, status, out, errs)
	}
	return out
}

func tools() []string {
	return []string{"tool-inventory", "tool-scanner", "tool-helpdesk", "tool-monitor", "tool-deploy"}
}

// fleetMonth is a simulated month: five administration tools that alert, what
// else is ordinary, and three attacks. It returns the folder, in which the two
// stand apart.
func fleetMonth(t *testing.T) (dir string, fleet int) {
	t.Helper()
	hosts, plays, ordinary := 400, "200", "0.01"
	if testing.Short() {
		hosts, plays, ordinary = 80, "60", "0.08"
	}
	dir = t.TempDir()
	common := []string{"--hosts", fmt.Sprint(hosts), "--duration", "720h", "--seed", "7", "--source", "defend,sysmon,native"}
	month := append([]string{"simulate"}, tools()...)
	month = append(append(month, common...), "--plays", plays, "--ordinary", ordinary, "-o", filepath.Join(dir, "month"))
	mustRun(t, month...)
	attacks := append([]string{"simulate", "rpc-service-create", "rpc-service-start", "service-changed"}, common...)
	mustRun(t, append(attacks, "-o", filepath.Join(dir, "attacks"))...)
	return dir, hosts
}

// proposed is what propose says of recordings, as JSON.
func proposed(t *testing.T, file string, paths ...string) *proposal {
	t.Helper()
	args := append([]string{"baseline", "propose", "-b", file, "--owner", "x", "--expires", "2099-12-31", "-o", "json"}, paths...)
	var p proposal
	if err := json.Unmarshal([]byte(mustRun(t, args...)), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

func (p *proposal) totals() (before, after int) {
	for _, a := range p.Alerts {
		before, after = before+a.Before, after+a.After
	}
	return before, after
}

// TestBaselineMonth: proposals remove at least 95 % of the ordinary alerts and
// none of the attacks', with each sensor. The figures stand in docs/tune.md.
func TestBaselineMonth(t *testing.T) {
	dir, _ := fleetMonth(t)
	for _, sensor := range []string{"defend", "sysmon", "native"} {
		month, attacks := filepath.Join(dir, "month", sensor+".ndjson"), filepath.Join(dir, "attacks", sensor+".ndjson")
		file := filepath.Join(dir, sensor+".baseline")
		mustRun(t, "baseline", "learn", "-b", file, month, attacks)
		p := proposed(t, file, month)
		before, after := p.totals()
		removed := 1 - float64(after)/float64(before)
		all, left := proposed(t, file, attacks).totals()
		t.Logf("%-6s  ordinary alerts %5d → %3d (%.1f %% removed), of attacks %2d → %2d, %d exceptions", sensor, before, after, 100*removed, all, left, exceptions(p))
		if removed < 0.95 || before < 100 {
			t.Errorf("%s: %d ordinary alerts of %d remain", sensor, after, before)
		}
		if all < 3 || left != all {
			t.Errorf("%s: %d alerts of attacks of %d remain", sensor, left, all)
		}
		for i := range p.Candidates {
			g := &p.Candidates[i]
			if attack := strings.Contains(g.Program, "cmd.exe") || strings.Contains(g.Program, "Updater") || strings.Contains(g.Program, "fax.exe"); attack && len(g.Drafts) > 0 {
				t.Errorf("%s: %s is proposed: %+v", sensor, g.Program, g.Drafts)
			}
		}
	}
	t.Run("document", func(t *testing.T) { inDocument(t, dir) })
}

func exceptions(p *proposal) (n int) {
	for i := range p.Exceptions {
		n += strings.Count(p.Exceptions[i].YAML, "- name:")
	}
	return n
}

// inDocument puts what is proposed into the flagship's document, as a person
// would, and scans with that. A program at a tool's path that is not signed by
// its maker alerts all the same.
func inDocument(t *testing.T, dir string) {
	month := filepath.Join(dir, "month", "defend.ndjson")
	p := proposed(t, filepath.Join(dir, "defend.baseline"))
	if len(p.Exceptions) != 1 || p.Exceptions[0].Strategy != "remotely-started-services-via-rpc" {
		t.Fatalf("%+v", p.Exceptions)
	}
	doc, err := fs.ReadFile(shipped(), p.Exceptions[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	fence := "```yaml exceptions\n" + p.Exceptions[0].YAML + "```\n\n## Validation\n"
	with := filepath.Join(dir, "with.md")
	if err := os.WriteFile(with, []byte(strings.Replace(string(doc), "## Validation\n", fence, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, "scan", "--strategies", with, month); !strings.Contains(out, "0 alerts (0 incidents)") {
		t.Errorf("with the exceptions in the document:\n%.500s", out)
	}
	text, err := os.ReadFile(month)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.ReplaceAll(text, []byte(`"subject_name":"Acme Software"`), []byte(`"subject_name":"Acme Malware"`))
	if bytes.Equal(forged, text) {
		t.Fatal("nothing was forged")
	}
	other := filepath.Join(dir, "forged.ndjson")
	if err := os.WriteFile(other, forged, 0o644); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, "scan", "--strategies", with, other); strings.Contains(out, "0 alerts (0 incidents)") {
		t.Error("another signer's program at a tool's path is excused")
	}
}

// TestBaselineHostile: what an attacker wrote into events neither reaches the
// terminal nor leaves the comments and conditions it stands in.
func TestBaselineHostile(t *testing.T) {
	const nasty = "\x1b[2J\u202egnp\"\n- name: all\n  when: 'true'\n```\r"
	b := baseline.New()
	h := &baseline.History{From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)}
	for i := range 60 {
		s := baseline.Sighting{Incident: fmt.Sprint("incident-", i), At: h.From.AddDate(0, 0, i%28), Host: fmt.Sprint("ws-", i, nasty),
			Program: `C:\Windows\Acme\tool.exe`, ByService: true, Source: "10.0.0.1" + nasty, Service: nasty, Image: nasty, Original: nasty, SHA256: nasty,
			Alerts: []baseline.AlertRef{{ID: fmt.Sprint("alert-id-", i), Strategy: "remotely-started-services-via-rpc", Fields: []string{"process.executable"}}}}
		if i%2 == 0 {
			s.Program, s.Source, s.Account, s.Signature, s.Signer = `C:\Windows\`+nasty+`.exe`, "10.0.0.2", nasty, baseline.Trusted, nasty
		}
		h.Sightings = append(h.Sightings, s)
	}
	if _, err := b.Learn(h); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "b")
	if err := b.Write(file); err != nil {
		t.Fatal(err)
	}
	show := mustRun(t, "baseline", "show", "-b", file)
	yaml := mustRun(t, "baseline", "propose", "-b", file, "--owner", nasty)
	for _, out := range []string{show, yaml} {
		if strings.ContainsAny(out, "\x1b\u202e\r") || !strings.Contains(out, "tool.exe") {
			t.Errorf("%q", out)
		}
	}
	for _, line := range strings.Split(yaml, "\n") {
		if strings.HasPrefix(line, "- name: all") || strings.HasPrefix(line, "  when: 'true'") {
			t.Errorf("an exception of the attacker's: %q", line)
		}
	}
	if n := strings.Count(yaml, "\n- name:"); n != 1 {
		t.Errorf("%d exceptions:\n%s", n, yaml)
	}
}

// TestBaselinePoisoning: an attack that is repeated every hour for a week, from
// one source onto one host, and from many onto many, stays an attack.
func TestBaselinePoisoning(t *testing.T) {
	dir, hosts := fleetMonth(t)
	for _, fleet := range []int{2, hosts} {
		poison := filepath.Join(dir, fmt.Sprint("poison", fleet))
		mustRun(t, "simulate", "rpc-service-start", "rpc-service-create", "--plays", "84", "--duration", "168h", "--hosts", fmt.Sprint(fleet),
			"--seed", "7", "--start", "2026-03-10T09:00:00Z", "--source", "defend", "-o", poison)
		file := filepath.Join(dir, fmt.Sprintf("poisoned%d.baseline", fleet))
		for range 2 {
			mustRun(t, "baseline", "learn", "-b", file, filepath.Join(dir, "month", "defend.ndjson"), poison)
		}
		b, err := baseline.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		held := 0
		for _, r := range b.Rows(nil) {
			if attack := strings.HasSuffix(r.Program, "cmd.exe") || strings.HasSuffix(r.Program, "updater.exe"); attack {
				held += r.Starts
				if r.State != baseline.StateHeld {
					t.Errorf("%d hosts: %s is %s", fleet, r.Program, r.State)
				}
			}
		}
		if held != 168 {
			t.Errorf("%d hosts: %d attacks are held, want all 168", fleet, held)
		}
		p := proposed(t, file, poison)
		before, after := p.totals()
		t.Logf("%d hosts: %d alerts of the repeated attack, %d with what is proposed (%d exceptions)", fleet, before, after, exceptions(p))
		if before < 168 || after != before || exceptions(p) != len(tools()) {
			t.Errorf("%d hosts: %d alerts → %d with %d exceptions", fleet, before, after, exceptions(p))
		}
		for _, line := range strings.Split(mustRun(t, "scan", "--baseline", file, "-o", "ndjson", poison), "\n") {
			if line != "" && !strings.Contains(line, `"reason":"program not ordinary here: 0 of `) {
				t.Fatalf("%d hosts: an alert that is not rare: %.600s", fleet, line)
			}
		}
	}
}
