package baseline

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// day returns noon of a day of the made-up month.
func day(n int) time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, n)
}

// seen is a quiet start of a program on a host and a day.
func seen(program, source, account string, host, at int) Sighting {
	return Sighting{Incident: fmt.Sprintf("quiet-%s-%s-%s-%d-%d", program, source, account, host, at), At: day(at), Host: fmt.Sprintf("ws-%03d", host),
		Program: program, ByService: true, Signature: Trusted, Signer: "Acme", Source: source, Account: account}
}

// alerted is the same with an alert of the flagship.
func alerted(program, source, account string, host, at int) Sighting {
	s := seen(program, source, account, host, at)
	s.Incident = "alert-" + s.Incident
	s.Alerts = []AlertRef{{ID: "id-" + s.Incident, Strategy: flagship, Severity: "medium", Fields: []string{"process.executable"}}}
	return s
}

const flagship = "remotely-started-services-via-rpc"

// month learns sightings in a month of 400 hosts.
func month(t *testing.T, sightings ...Sighting) *Baseline {
	t.Helper()
	b := New()
	if _, err := b.Learn(history(sightings...)); err != nil {
		t.Fatal(err)
	}
	return b
}

func history(sightings ...Sighting) *History {
	h := &History{From: day(0), To: day(30), Strategies: []string{flagship}, Sightings: sightings}
	for i := range 400 {
		h.Hosts = append(h.Hosts, fmt.Sprintf("ws-%03d", i))
	}
	return h
}

// spread makes n sightings on as many hosts, on days from first on, step apart.
func spread(f func(program, source, account string, host, at int) Sighting, program, source, account string, n, first, step int) []Sighting {
	var out []Sighting
	for i := range n {
		out = append(out, f(program, source, account, i, first+i*step%28))
	}
	return out
}

func rowOf(t *testing.T, b *Baseline, program string) []Row {
	t.Helper()
	var out []Row
	for _, r := range b.Rows(nil) {
		if r.Program == strings.ToLower(program) {
			out = append(out, r)
		}
	}
	return out
}

func TestLearn(t *testing.T) {
	const tool, evil = `C:\Windows\Acme\tool.exe`, `C:\Windows\Acme\evil.exe`
	sightings := append(spread(seen, tool, "10.0.0.1", `CORP\svc`, 20, 0, 1), spread(alerted, evil, "10.0.0.9", `CORP\eve`, 5, 0, 1)...)
	b := New()
	n, err := b.Learn(history(sightings...))
	if err != nil || n.Held != 5 || n.Quiet != 15 || n.Beside != 5 {
		t.Errorf("%+v %v: five of the twenty stand beside an alert on their host", n, err)
	}
	if r := rowOf(t, b, tool); len(r) != 1 || r[0].Hosts != 15 || r[0].Days != 15 || r[0].State != StateOrdinary || r[0].Signer != "Acme" {
		t.Errorf("tool: %+v", r)
	}
	if r := rowOf(t, b, evil); len(r) != 1 || r[0].Hosts != 5 || r[0].State != StateHeld || len(r[0].Alerts) != 5 {
		t.Errorf("evil: %+v", r)
	}
	if b.Hosts() != 400 || b.Days() != 30 {
		t.Errorf("%d hosts, %d days", b.Hosts(), b.Days())
	}
	before := encode(t, b)
	if _, err := b.Learn(history(sightings...)); err != nil || encode(t, b) != before {
		t.Errorf("learning the same again changes the baseline: %v", err)
	}
}

// TestQuietAfterAlert: what one set of strategies alerted on is not learnt when
// another set keeps quiet about it.
func TestQuietAfterAlert(t *testing.T) {
	a := alerted(`C:\x\evil.exe`, "10.0.0.9", "", 1, 1)
	b := month(t, a)
	a.Alerts = nil
	if n, err := b.Learn(history(a)); err != nil || n.Quiet != 0 {
		t.Errorf("%+v %v", n, err)
	}
	if r := rowOf(t, b, `C:\x\evil.exe`); len(r) != 1 || r[0].State != StateHeld {
		t.Errorf("%+v", r)
	}
}

func TestAlertWithoutProgram(t *testing.T) {
	a := alerted("", "10.0.0.9", "", 1, 1)
	quiet := seen(`C:\x\other.exe`, "10.0.0.9", "", 1, 1)
	b := month(t, a, quiet)
	if r := b.Rows(nil); len(r) != 1 || r[0].Program != NoProgram {
		t.Errorf("%+v", r)
	}
}

func TestClose(t *testing.T) {
	const tool = `C:\Windows\Acme\tool.exe`
	b := month(t, alerted(tool, "10.0.0.1", "", 1, 1), alerted(tool, "10.0.0.1", "", 2, 2))
	ok := Verdict{Benign: true, By: "lan", Reason: "inventory", At: day(31)}
	id := b.Held()[0].Alerts[0].ID
	for _, c := range []struct {
		id   string
		v    Verdict
		want string
	}{
		{id, Verdict{Benign: true, Reason: "x"}, "who says so"},
		{id, Verdict{Benign: true, By: "lan"}, "and why"},
		{"short", ok, "at least 8"},
		{"no-such-alert", ok, "no such alert"},
		{"id-alert-quiet", ok, "2 incidents begin so"},
		{id, ok, ""},
	} {
		_, err := b.Close(c.id, c.v)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("close %q: %v, want %q", c.id, err, c.want)
		}
	}
	states := map[string]int{}
	for _, r := range b.Rows(nil) {
		states[r.State] += r.Starts
	}
	if states[StateBenign] != 1 || states[StateHeld] != 1 {
		t.Errorf("%v", states)
	}
	again := decode(t, encode(t, b))
	if v := again.Held()[0].Verdict; v == nil || *v != ok {
		t.Errorf("after a round trip: %+v", v)
	}
}

func TestForget(t *testing.T) {
	const tool, evil = `C:\Windows\Acme\tool.exe`, `C:\Windows\Acme\evil.exe`
	b := month(t, append(spread(seen, tool, "10.0.0.1", "", 20, 0, 1),
		alerted(evil, "10.0.0.9", "", 300, 1), alerted(evil, "10.0.0.9", "", 301, 2), alerted(evil, "10.0.0.9", "", 302, 20))...)
	if _, err := b.Close(b.Held()[0].Incident, Verdict{By: "lan", Reason: "attack"}); err != nil {
		t.Fatal(err)
	}
	if starts, alerts := b.Forget(day(10)); starts != 10 || alerts != 1 {
		t.Errorf("%d starts and %d alerts are forgotten", starts, alerts)
	}
	if r := rowOf(t, b, tool); len(r) != 1 || r[0].Hosts != 10 {
		t.Errorf("tool: %+v", r)
	}
	if h := b.Held(); len(h) != 2 || h[0].state() != StateMalicious || !h[1].At.Equal(day(20)) {
		t.Errorf("what was malicious stays, what is open goes by age: %+v", h)
	}
	if !b.From.Equal(day(10)) || b.Days() != 20 {
		t.Errorf("from %v, %d days", b.From, b.Days())
	}
}

func encode(t interface{ Fatal(...any) }, b *Baseline) string {
	var w bytes.Buffer
	if err := b.Encode(&w); err != nil {
		t.Fatal(err)
	}
	return w.String()
}

func decode(t interface{ Fatal(...any) }, text string) *Baseline {
	b, err := Decode(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRoundTrip: a file says all that a baseline holds, and the order in which
// it was learnt does not show.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.Custom(func(t *rapid.T) Sighting {
			make := seen
			if rapid.Bool().Draw(t, "alerts") {
				make = alerted
			}
			return make(rapid.SampledFrom([]string{`C:\a.exe`, `C:\B.exe`, "c:\\\x1b[31m<é>.exe"}).Draw(t, "program"),
				rapid.SampledFrom([]string{"", "10.0.0.1", "fd00::1"}).Draw(t, "source"), rapid.SampledFrom([]string{"", `CORP\x`}).Draw(t, "account"),
				rapid.IntRange(0, 5).Draw(t, "host"), rapid.IntRange(0, 20).Draw(t, "day"))
		})
		list := rapid.SliceOf(one).Draw(t, "sightings")
		b := New()
		if _, err := b.Learn(history(list...)); err != nil {
			t.Fatal(err)
		}
		text := encode(t, b)
		again := decode(t, text)
		if encode(t, again) != text {
			t.Fatalf("round trip changes\n%s", text)
		}
		if got, want := again.Rows(nil), b.Rows(nil); !reflect.DeepEqual(got, want) {
			t.Fatalf("rows %+v, want %+v", got, want)
		}
	})
}

func TestFileErrors(t *testing.T) {
	good := encode(t, month(t, seen(`C:\a.exe`, "10.0.0.1", "", 1, 1), alerted(`C:\b.exe`, "10.0.0.2", "", 2, 2)))
	first, rest, _ := strings.Cut(good, "\n")
	sealed := func(body string) string { return seal(t, body) }
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "this is no baseline"},
		{"another file", "{\"alerts\":[]}\n", "this is no baseline"},
		{"text", "hello\n", "this is no baseline"},
		{"another version", strings.Replace(good, `"version":1`, `"version":2`, 1), "version 2; this program reads version 1"},
		{"cut", good[:len(good)-40], "damaged"},
		{"a line lost", first + "\n" + rest[strings.IndexByte(rest, '\n')+1:], "damaged: 401 lines follow the head, which says 402"},
		{"a byte changed", strings.Replace(good, "10.0.0.2", "10.0.0.3", 1), "checksum"},
		{"sealed, no JSON", sealed("{\n"), "line 2"},
		{"sealed, unknown field", sealed(`{"hosts":"a"}` + "\n"), "line 2"},
		{"sealed, empty line", sealed("{}\n"), "neither host, start nor alert"},
		{"sealed, host twice", sealed("{\"host\":\"a\"}\n{\"host\":\"a\"}\n"), "line 3: host \"a\" comes twice"},
		{"sealed, host of no number", sealed(`{"start":{"program":"a","source":"","account":"","first":"2026-01-01T00:00:00Z","last":"2026-01-01T00:00:00Z","seen":[[3,1]]}}` + "\n"), "no such host"},
		{"sealed, days out of order", sealed("{\"host\":\"a\"}\n" + `{"start":{"program":"a","source":"","account":"","first":"2026-01-01T00:00:00Z","last":"2026-01-01T00:00:00Z","seen":[[0,5,4]]}}` + "\n"), "out of order"},
		{"sealed, seen nowhere", sealed(`{"start":{"program":"a","source":"","account":"","first":"2026-01-01T00:00:00Z","last":"2026-01-01T00:00:00Z","seen":[]}}` + "\n"), "seen nowhere"},
		{"sealed, alert without id", sealed(`{"alert":{"incident":"","at":"2026-01-01T00:00:00Z","host":"a","program":"b","alerts":[]}}` + "\n"), "an alert without id"},
	} {
		_, err := Decode(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "site.baseline")
	b := month(t, seen(`C:\a.exe`, "10.0.0.1", "", 1, 1))
	for range 2 { // anew, and over an old one
		if err := b.Write(name); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(name)
	if err != nil || encode(t, got) != encode(t, b) {
		t.Errorf("%v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("something was left behind: %v", files)
	}
	if err := b.Write(filepath.Join(dir, "none", "x")); err == nil || !strings.Contains(err.Error(), "write baseline") {
		t.Errorf("into no folder: %v", err)
	}
	if err := b.Write(dir); err == nil {
		t.Error("over a folder: no error")
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("a failed write left something behind: %v", files)
	}
	if _, err := Read(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "read baseline") {
		t.Errorf("a missing file: %v", err)
	}
}

// seal gives a body the head that fits it.
func seal(t interface{ Fatal(...any) }, body string) string {
	var w bytes.Buffer
	if err := writeSealed(&w, New(), []byte(body), strings.Count(body, "\n")); err != nil {
		t.Fatal(err)
	}
	return w.String()
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("{\"host\":\"a\"}\n" + `{"start":{"program":"a","source":"","account":"","first":"2026-01-01T00:00:00Z","last":"2026-01-01T00:00:00Z","seen":[[0,4]]}}` + "\n"))
	f.Add([]byte(`{"alert":{"incident":"12345678","at":"2026-01-01T00:00:00Z","host":"a","program":"b","alerts":[{"id":"x","strategy":"s","severity":"low"}]}}` + "\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := Decode(strings.NewReader(seal(t, string(body))))
		if err != nil {
			return
		}
		text := encode(t, b)
		if again := encode(t, decode(t, text)); again != text {
			t.Errorf("not stable:\n%s\n%s", text, again)
		}
		b.Rater().Rate(&Sighting{Program: "a", ByService: true})
		b.Candidates(nil, func(string) []string { return nil })
	})
}
