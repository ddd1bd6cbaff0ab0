package report

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/alert"
)

// deed is what was done, for the verb of a sentence.
type deed uint8

const (
	deedOther deed = iota
	deedStarted
	deedInstalled
	deedConnected
	deedWrote
	deedSet
	deedLoggedOn
)

// story is who did what to whom, as the events of an alert tell it. Its texts
// come from events and are not cleaned.
type story struct {
	who     string // address, or name, of where it came from; "" if no event tells
	account string
	whom    string // the host
	deed    deed
	what    string
}

// tell makes a story of an incident: of the lead's events, and where those are
// silent of what the others saw.
func tell(e *Entry) story {
	s := story{whom: e.Lead.Host.Name}
	if s.whom == "" {
		s.whom = e.Lead.Host.ID
	}
	alerts := append([]*alert.Alert{e.Lead}, e.Others...)
	for _, a := range alerts {
		for i := range a.Events {
			s.origin(alert.NewView(a.Events[i].Event))
		}
	}
	if s.account == "" && s.who != "" {
		s.account = sessionOf(e.Lead)
	}
	s.act(e.Lead)
	return s
}

// sessionOf is the account of the logon that came over the very connection of an
// alert: from the same address and port (a sequence joins no logon to it, the
// context does).
func sessionOf(a *alert.Alert) string {
	ends := map[string]bool{}
	for i := range a.Events {
		v := alert.NewView(a.Events[i].Event)
		ends[v.Endpoint("source")] = v.Text("source.port") != ""
	}
	for i := range a.Context {
		v := alert.NewView(a.Context[i].Event)
		if v.Text("event.code") == "4624" && ends[v.Endpoint("source")] {
			return accountOf(v)
		}
	}
	return ""
}

// origin takes who and with which account from an event, unless they are known.
// A loopback address says nothing about where something came from.
func (s *story) origin(v alert.View) {
	if who := v.First("source.ip", "source.address", "source.domain"); s.who == "" && who != "" && !isLoopback(who) {
		s.who = who
	}
	if s.account == "" && isSession(v) {
		s.account = accountOf(v)
	}
}

// isSession says whether an event's user is who came from elsewhere, not the
// account of the program that reported it.
func isSession(v alert.View) bool {
	switch v.Text("event.code") {
	case "4624", "4697", "5140", "5145":
		return true
	}
	return v.Has("event.category", "authentication")
}

func accountOf(v alert.View) string {
	name, domain := v.Text("user.name"), v.Text("user.domain")
	if name == "" || domain == "" {
		return name
	}
	return domain + `\` + name
}

func isLoopback(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && (ip.IsLoopback() || ip.Unmap().IsLoopback())
}

// act takes what was done from the event that says most: a program that was
// started, else a service that was installed, else the last one.
func (s *story) act(a *alert.Alert) {
	best := deedOther
	for i := range a.Events {
		if a.Events[i].Missing {
			continue
		}
		v := alert.NewView(a.Events[i].Event)
		d, what := deedOf(v)
		if what == "" || best == deedStarted && d != deedStarted || best == deedInstalled && d != deedStarted && d != deedInstalled {
			continue
		}
		best, s.deed, s.what = d, d, what
	}
}

func deedOf(v alert.View) (deed, string) {
	code := v.Text("event.code")
	switch {
	case v.Has("event.category", "process") && v.Has("event.type", "start"):
		return deedStarted, v.First("process.command_line", "process.executable", "process.name")
	case code == "7045" || code == "4697":
		return deedInstalled, strings.TrimSpace(v.First("service.name", "winlog.event_data.ServiceName") + ": " +
			v.First("winlog.event_data.ServiceFileName", "winlog.event_data.ImagePath"))
	case v.Text("registry.path") != "":
		return deedSet, strings.TrimSuffix(v.Text("registry.path")+" = "+v.First("registry.data.strings", "winlog.event_data.Details"), " = ")
	case v.Text("file.name") != "" || v.Text("file.path") != "":
		return deedWrote, v.First("file.path", "file.name")
	case v.Has("event.category", "network"):
		return deedConnected, v.Endpoint("destination")
	case v.Has("event.category", "authentication"):
		return deedLoggedOn, accountOf(v)
	}
	return deedOther, v.Describe()
}

// from is who it was, with the account.
func (s *story) from() string {
	switch {
	case s.who == "":
		return s.account
	case s.account == "":
		return s.who
	}
	return s.who + " (" + s.account + ")"
}

// gap is a duration for people: three digits and a unit.
func gap(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "−", -d
	}
	switch { // rounded first, so that no 1000 ms and no 60 s come out
	case d >= time.Second:
		d = d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		d = d.Round(time.Millisecond)
	}
	switch {
	case d == 0:
		return "0 ms"
	case d < time.Millisecond:
		return fmt.Sprintf("%s%d µs", sign, d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%s%d ms", sign, d.Milliseconds())
	case d < time.Minute:
		return sign + strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", d.Seconds()), "0"), ".") + " s"
	case d < time.Hour:
		return fmt.Sprintf("%s%d min %d s", sign, int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%s%d h %d min", sign, int(d.Hours()), int(d.Minutes())%60)
}
