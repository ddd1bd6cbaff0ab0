package baseline

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const (
	tool  = `C:\Windows\Acme\tool.exe`
	rare  = `C:\Windows\Acme\rare.exe`
	young = `C:\Windows\Acme\young.exe`
	evil  = `C:\ProgramData\evil.exe`
)

// rater knows a tool on 380 hosts, a rare one on 3, one that has been there for
// a week, and an attack that repeats.
func rater(t *testing.T) *Baseline {
	t.Helper()
	var list []Sighting
	list = append(list, spread(seen, tool, "10.0.0.1", `CORP\svc`, 380, 0, 1)...)
	for d := range 20 {
		list = append(list, seen(rare, "10.0.0.2", `CORP\rare`, 395+d%3, d))
	}
	list = append(list, spread(seen, young, "10.0.0.1", `CORP\svc`, 7, 1, 1)...)
	for d := range 7 {
		list = append(list, alerted(evil, "10.0.0.66", `CORP\eve`, 399, 20+d))
	}
	return month(t, list...)
}

func TestRate(t *testing.T) {
	r := rater(t).Rater()
	for _, c := range []struct {
		program, source, account string
		want                     string // reasons with points
	}{
		{tool, "10.0.0.1", `CORP\svc`, "-15 program ordinary here: 380 of 400 hosts in 30 days"},
		{strings.ToUpper(tool), "10.0.0.1", `corp\SVC`, "-15 program ordinary here: 380 of 400 hosts in 30 days"},
		{tool, "10.0.0.1", "", "-15 program ordinary here: 380 of 400 hosts in 30 days"},
		{tool, "10.0.0.66", `CORP\svc`, "+0 program ordinary here, but not so started: 380 of 400 hosts in 30 days | +10 source 10.0.0.66 starts nothing here that is ordinary"},
		{tool, "10.0.0.2", `CORP\svc`, "+0 program ordinary here, but not so started: 380 of 400 hosts in 30 days | +10 source 10.0.0.2 is not where this program is started from"},
		{tool, "10.0.0.1", `CORP\eve`, `+0 program ordinary here, but not so started: 380 of 400 hosts in 30 days | +5 account CORP\eve starts nothing here that is ordinary`},
		{rare, "10.0.0.2", `CORP\rare`, "+8 program rare here: 3 of 400 hosts in 30 days"},
		{young, "10.0.0.1", `CORP\svc`, "+15 program not ordinary here: 0 of 400 hosts in 30 days; on 7 hosts for a short time only | +10 source 10.0.0.1 is not where this program is started from"},
		{evil, "10.0.0.66", `CORP\eve`, "+15 program not ordinary here: 0 of 400 hosts in 30 days; it alerted 7 times on 1 host, and nobody closed that | +10 source 10.0.0.66 starts nothing here that is ordinary | +5 account CORP\\eve starts nothing here that is ordinary"},
		{`C:\new.exe`, "", "", "+15 program never seen here: 0 of 400 hosts in 30 days"},
	} {
		s := Sighting{Program: c.program, Source: c.source, Account: c.account, ByService: true, Incident: "new"}
		if got := told(r, &s); got != c.want {
			t.Errorf("%s from %q by %q:\n got %s\nwant %s", c.program, c.source, c.account, got, c.want)
		}
	}
	if got := r.Rate(&Sighting{Program: tool}); got != nil {
		t.Errorf("what is no service was not learnt: %v", got)
	}
	if got := New().Rater().Rate(&Sighting{Program: tool, ByService: true}); got != nil {
		t.Errorf("an empty baseline says %v", got)
	}
}

func told(r *Rater, s *Sighting) string {
	var out []string
	for _, f := range r.Rate(s) {
		out = append(out, fmt.Sprintf("%+d %s", f.Points, f.Reason))
	}
	return strings.Join(out, " | ")
}

// TestRateOwn: an alert that the baseline holds is not a second one.
func TestRateOwn(t *testing.T) {
	b := month(t, alerted(evil, "10.0.0.66", "", 1, 1))
	if got := told(b.Rater(), &b.Held()[0].Sighting); got != "+15 program never seen here: 0 of 400 hosts in 30 days" {
		t.Error(got)
	}
}

func TestRateClosed(t *testing.T) {
	b := rater(t)
	held := b.Held()
	s := held[0].Sighting
	s.Incident = "new"
	if _, err := b.Close(held[0].Incident, Verdict{Benign: true, By: "lan", Reason: "a test"}); err != nil {
		t.Fatal(err)
	}
	if got := told(b.Rater(), &s); !strings.Contains(got, "+12 program rare here: 1 of 400 hosts") || !strings.Contains(got, "alerted 6 times") || strings.Contains(got, "source") {
		t.Errorf("closed as benign it counts at once: %s", got)
	}
	if _, err := b.Close(held[1].Incident, Verdict{By: "lan", Reason: "the attack of March"}); err != nil {
		t.Fatal(err)
	}
	if got := told(b.Rater(), &s); !strings.Contains(got, "+20 "+strings.ToLower(evil)+" was closed as malicious by lan") {
		t.Error(got)
	}
	other := Sighting{Program: tool, Source: "10.0.0.66", ByService: true}
	if got := told(b.Rater(), &other); !strings.Contains(got, "+20 10.0.0.66 was closed as malicious") {
		t.Error(got)
	}
}

// TestShortHistory: what was learnt in a day moves little.
func TestShortHistory(t *testing.T) {
	b := New()
	if _, err := b.Learn(&History{From: day(0), To: day(1), Hosts: []string{"a", "b"}, Sightings: []Sighting{seen(tool, "10.0.0.1", "", 1, 0)}}); err != nil {
		t.Fatal(err)
	}
	if got := told(b.Rater(), &Sighting{Program: `C:\new.exe`, ByService: true}); got != "+1 program never seen here: 0 of 3 hosts in 1 day" {
		t.Error(got)
	}
}

// TestRateBounds: scores stay within 0 to 100 and points within their limits,
// and being seen on more hosts never raises them.
func TestRateBounds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 399).Draw(rt, "hosts")
		score := rapid.IntRange(0, 100).Draw(rt, "score")
		s := Sighting{Program: tool, Source: rapid.SampledFrom([]string{"", "10.0.0.1", "10.0.0.2"}).Draw(rt, "source"), ByService: true}
		sum := func(n int) int {
			var list []Sighting
			for i := range n {
				for _, d := range []int{0, 5, 10, 15, 20} {
					list = append(list, seen(tool, "10.0.0.1", "", i, d))
				}
			}
			factors := month(t, list...).Rater().Rate(&s)
			total := Move(50, factors) - 50
			if got := Move(score, factors); got < 0 || got > 100 || total > maxRaise || total < -maxLower {
				rt.Fatalf("score %d → %d, points %d", score, got, total)
			}
			return total
		}
		if few, many := sum(n), sum(n+1); n > 0 && many > few {
			rt.Fatalf("%d hosts %d, %d hosts %d", n, few, n+1, many)
		}
	})
}
