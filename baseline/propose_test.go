package baseline

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/strategy"
)

// candidate returns what is said of one program.
func candidate(t *testing.T, b *Baseline, program string) *Candidate {
	t.Helper()
	c, err := NewCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	list := b.Candidates(c, Weaknesses)
	i := slices.IndexFunc(list, func(g Candidate) bool { return strings.EqualFold(g.Program, program) })
	if i < 0 {
		t.Fatalf("no candidate %s in %+v", program, list)
	}
	return &list[i]
}

// tools are the alerts of a tool that is administration: 60 alerts in a month.
func tools(change func(i int, s *Sighting)) []Sighting {
	list := spread(alerted, tool, "10.0.0.1", `CORP\svc`, 60, 0, 1)
	for i := range list {
		if change != nil {
			change(i, &list[i])
		}
	}
	return list
}

func TestCandidates(t *testing.T) {
	for _, c := range []struct {
		name string
		list []Sighting
		want string // the refusal; "" proposes
	}{
		{"administration", tools(nil), ""},
		{"nine hosts", spread(alerted, tool, "10.0.0.1", `CORP\svc`, 9, 0, 2), "on 9 hosts; ordinary takes at least 10"},
		{"a week", spread(alerted, tool, "10.0.0.1", `CORP\svc`, 60, 0, 4), ""},
		{"one day", tools(func(_ int, s *Sighting) { s.At = day(3) }), "on 1 day within 1; ordinary takes 5 days within at least 14"},
		{"many sources", tools(func(i int, s *Sighting) { s.Source = "10.0.1." + string(rune('0'+i%4)) }), "from 4 sources"},
		{"a second source, once", tools(func(i int, s *Sighting) {
			if i == 7 {
				s.Source = "10.0.0.66"
			}
		}), "from 10.0.0.66 on 1 day within 1"},
		{"no source, once", tools(func(i int, s *Sighting) {
			if i == 7 {
				s.Source = ""
			}
		}), "nothing tells who started it in 1 of 60 alerts"},
		{"many accounts", tools(func(i int, s *Sighting) { s.Account = `CORP\u` + string(rune('0'+i%5)) }), "by 5 accounts"},
		{"unsigned", tools(func(_ int, s *Sighting) { s.Signature, s.Signer = Unsigned, "" }), "unsigned in 60 of 60 alerts"},
		{"unsigned once", tools(func(i int, s *Sighting) {
			if i == 7 {
				s.Signature, s.Signer = Unsigned, ""
			}
		}), "unsigned in 1 of 60 alerts"},
		{"two signers", tools(func(i int, s *Sighting) { s.Signer = "Acme " + string(rune('A'+i%2)) }), "signed by Acme A and by Acme B"},
		{"a signer that turns text around", tools(func(_ int, s *Sighting) { s.Signer = "Acme\u202e" }), "does not print as it is"},
		{"not known to sensors", tools(func(_ int, s *Sighting) { s.Signature, s.Signer = Unknown, "" }), ""},
		{"a shell", tools(func(_ int, s *Sighting) { s.Program = `C:\Windows\System32\cmd.exe` }), "cmd.exe runs whatever it is told"},
		{"a user's folder", tools(func(_ int, s *Sighting) {
			s.Program, s.Signature, s.Signer = `C:\ProgramData\Acme\tool.exe`, Unknown, ""
		}), "users may write to"},
		{"the root of a drive", tools(func(_ int, s *Sighting) { s.Program, s.Signature, s.Signer = `C:\Acme\tool.exe`, Unknown, "" }), "users may create folders"},
		{"no path", tools(func(_ int, s *Sighting) { s.Program = "tool.exe" }), "no whole path"},
		{"a path with an escape", tools(func(_ int, s *Sighting) { s.Program = "C:\\Windows\\\x1b[2Jtool.exe" }), "no whole path"},
		{"alerts that do not name it", tools(func(_ int, s *Sighting) { s.Alerts[0].Fields = nil }), "no alert names the program"},
		{"its source did more", append(tools(nil), alerted(evil, "10.0.0.1", `CORP\x`, 70, 5)), "10.0.0.1 also started evil.exe"},
		{"its account did more", append(tools(nil), alerted(evil, "10.0.0.66", `CORP\SVC`, 70, 5)), `corp\svc also started evil.exe`},
	} {
		b := month(t, c.list...)
		g := candidate(t, b, c.list[0].Program)
		refused := strings.Join(g.Refused, "; ")
		if c.want == "" && (refused != "" || len(g.Drafts) == 0) || c.want != "" && (!strings.Contains(refused, c.want) || len(g.Drafts) > 0) {
			t.Errorf("%s: refused %q with %d drafts, want %q", c.name, refused, len(g.Drafts), c.want)
		}
	}
}

// TestPoisoning: an attack that is repeated for a week, as cleverly as can be
// (many hosts, one source, one account, one signed program in a folder of
// Windows), is neither proposed nor less rare, however often it is learnt; and
// it does not ride on a tool that is.
func TestPoisoning(t *testing.T) {
	const implant = `C:\Windows\Acme\implant.exe`
	list := tools(nil)
	for d := range 7 {
		for h := range 200 {
			list = append(list, alerted(implant, "10.0.0.66", `CORP\eve`, h, 20+d))
		}
	}
	b := month(t, list...)
	for range 3 {
		if _, err := b.Learn(history(list...)); err != nil {
			t.Fatal(err)
		}
	}
	g := candidate(t, b, implant)
	if len(g.Drafts) > 0 || !strings.Contains(strings.Join(g.Refused, ";"), "on 7 days within 7; ordinary takes 5 days within at least 14") {
		t.Errorf("a week of an attack: %q, drafts %+v", g.Refused, g.Drafts)
	}
	again := alerted(implant, "10.0.0.66", `CORP\eve`, 300, 29)
	if got := told(b.Rater(), &again); !strings.HasPrefix(got, "+15 program not ordinary here: 0 of 400 hosts in 30 days; it alerted 1400 times") {
		t.Errorf("it is no less rare: %s", got)
	}
	if g := candidate(t, b, tool); len(g.Drafts) == 0 {
		t.Errorf("the tool beside it: %q", g.Refused)
	}
	// With the tool's own source and account the attack costs the tool its exception.
	for i := range list {
		if list[i].Program == implant {
			list[i].Source, list[i].Account = "10.0.0.1", `CORP\svc`
		}
	}
	if g := candidate(t, month(t, list...), tool); len(g.Drafts) > 0 {
		t.Errorf("a tool whose server attacks: %+v", g.Drafts)
	}
}

// TestQuietPoisoning: what no rule alerts on is not ordinary either until it has
// lasted, and then only on the hosts where it was.
func TestQuietPoisoning(t *testing.T) {
	const implant = `C:\Program Files\Acme\implant.exe`
	var list []Sighting
	for d := range 7 {
		for h := range 200 {
			list = append(list, seen(implant, "10.0.0.66", `CORP\eve`, h, 20+d))
		}
	}
	b := month(t, list...)
	s := seen(implant, "10.0.0.66", `CORP\eve`, 300, 29)
	if got := told(b.Rater(), &s); !strings.HasPrefix(got, "+15 program not ordinary here: 0 of 400 hosts in 30 days; on 200 hosts for a short time only") {
		t.Error(got)
	}
}

func TestClosedIsProposed(t *testing.T) {
	const odd = `C:\ProgramData\Acme\tool.exe`
	b := month(t, alerted(odd, "10.0.0.1", "", 1, 1), alerted(odd, "10.0.0.1", "", 1, 2))
	if g := candidate(t, b, odd); len(g.Drafts) > 0 {
		t.Fatalf("%+v", g.Drafts)
	}
	if _, err := b.Close(b.Held()[0].Incident, Verdict{Benign: true, By: "lan", Reason: "ours"}); err != nil {
		t.Fatal(err)
	}
	g := candidate(t, b, odd)
	if len(g.Drafts) != 1 || g.Benign != 1 || len(g.Warnings) == 0 || !strings.Contains(g.Warnings[0], "users may write") {
		t.Errorf("%+v", g)
	}
	if _, err := b.Close(b.Held()[1].Incident, Verdict{By: "minh", Reason: "not ours"}); err != nil {
		t.Fatal(err)
	}
	if g := candidate(t, b, odd); len(g.Drafts) > 0 || !strings.Contains(g.Refused[0], "closed as malicious by minh: not ours") {
		t.Errorf("%+v", g)
	}
}

// TestVouched: a trusted signature of the catalogue's maker takes fewer hosts,
// and nothing else.
func TestVouched(t *testing.T) {
	const path = `C:\Windows\Action1\action1_agent.exe`
	list := func(signer string, sig Signature) []Sighting {
		var out []Sighting
		for d := range 20 {
			s := alerted(path, "10.0.0.1", "", d%4, d)
			s.Signature, s.Signer = sig, signer
			out = append(out, s)
		}
		return out
	}
	if g := candidate(t, month(t, list("Action1 Corporation", Trusted)...), path); len(g.Drafts) == 0 || g.Product != "Action1 agent" {
		t.Errorf("%+v", g)
	}
	for _, c := range []struct {
		signer string
		sig    Signature
	}{{"Acme", Trusted}, {"Action1 Corporation", Untrusted}, {"", Unknown}} {
		if g := candidate(t, month(t, list(c.signer, c.sig)...), path); len(g.Drafts) > 0 {
			t.Errorf("signed by %q (%s): %+v", c.signer, c.sig, g.Drafts)
		}
	}
}

// TestDrafts: what the exceptions pin, by what the sensors told.
func TestDrafts(t *testing.T) {
	install := []string{"winlog.event_data.ServiceFileName"}
	for _, c := range []struct {
		name   string
		change func(i int, s *Sighting)
		want   []string // conditions, with folded white space
	}{
		{"signed", nil, []string{
			`process.executable in~ ("C:\\Windows\\Acme\\tool.exe") and process.code_signature.subject_name == "Acme" and process.code_signature.trusted == true`}},
		{"hashed", func(i int, s *Sighting) { s.Signature, s.Signer, s.SHA256 = Unknown, "", hash(i%2) }, []string{
			`process.executable in~ ("C:\\Windows\\Acme\\tool.exe") and process.code_signature.exists == null and process.hash.sha256 in~ ("` + hash(0) + `", "` + hash(1) + `")`}},
		{"no hash", func(i int, s *Sighting) { s.Signature, s.Signer, s.SHA256 = Unknown, "", "\x1b]0;\") or true" }, []string{
			`process.executable in~ ("C:\\Windows\\Acme\\tool.exe") and process.code_signature.exists == null`}},
		{"many hashes", func(i int, s *Sighting) { s.Signature, s.Signer, s.SHA256 = Unknown, "", hash(i%9) }, []string{
			`process.executable in~ ("C:\\Windows\\Acme\\tool.exe") and process.code_signature.exists == null`}},
		{"two sensors", func(i int, s *Sighting) {
			if i%2 == 0 {
				s.Signature, s.Signer = Unknown, ""
			}
		}, []string{
			`process.executable in~ ("C:\\Windows\\Acme\\tool.exe") and process.code_signature.subject_name == "Acme" and process.code_signature.trusted == true`,
			`process.executable in~ ("C:\\Windows\\Acme\\tool.exe") and process.code_signature.exists == null`}},
		{"installed", func(_ int, s *Sighting) { s.Alerts[0].Fields, s.Image = install, `"C:\Windows\Acme\tool.exe" -s *` }, []string{
			`winlog.event_data.ServiceFileName in~ ("\"C:\\Windows\\Acme\\tool.exe\" -s *") and user.name in~ ("svc")`}},
		{"a hostile signer", func(_ int, s *Sighting) { s.Signer = `A" or true or "\` }, []string{
			`process.executable in~ ("C:\\Windows\\Acme\\tool.exe") and process.code_signature.subject_name == "A\" or true or \"\\" and process.code_signature.trusted == true`}},
	} {
		g := candidate(t, month(t, tools(c.change)...), tool)
		var got []string
		for _, d := range g.Drafts {
			got = append(got, strings.Join(strings.Fields(d.When), " "))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q\nrefused %q", c.name, got, c.want, g.Refused)
		}
		attach(t, g.Drafts)
	}
}

func hash(i int) string { return strings.Repeat("0", 63) + string(rune('0'+i)) }

// attach holds that drafts are read back as they were meant.
func attach(t *testing.T, drafts []Draft) {
	t.Helper()
	s := &strategy.Strategy{ID: flagship, Rules: []strategy.Rule{{Query: "process where true"}}, Exceptions: []strategy.Exception{{Name: "old"}}}
	expires := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	with, problems, err := Attach(s, YAML(drafts, "a: \"b\" #", expires))
	if err != nil {
		t.Error(err)
		return
	}
	for _, p := range problems {
		if p.Level == strategy.Error {
			t.Errorf("%s", p.Msg)
		}
	}
	if len(s.Exceptions) != 1 || len(with.Exceptions) != 1+len(drafts) {
		t.Errorf("%d exceptions, %d before", len(with.Exceptions), len(s.Exceptions))
		return
	}
	for i, d := range drafts {
		x := with.Exceptions[i+1]
		if x.Name != d.Name || strings.Join(strings.Fields(x.When), " ") != strings.Join(strings.Fields(d.When), " ") || x.Scope.Kind != strategy.ScopeAny ||
			x.Reason != d.Reason || x.Owner != "a: \"b\" #" || x.Expires.Format(time.DateOnly) != "2027-01-31" {
			t.Errorf("draft %+v\nis read as %+v", d, x)
		}
	}
}

func TestAttachErrors(t *testing.T) {
	s := &strategy.Strategy{ID: "x", Rules: []strategy.Rule{{Query: "process where true"}}}
	if _, _, err := Attach(s, []byte("- name: [\n")); err == nil || !strings.Contains(err.Error(), "read proposed exceptions") {
		t.Errorf("%v", err)
	}
}
