package triage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sources are the event codes that tell of a category on Windows: Sysmon's and
// the security log's, and the data set of Elastic Defend.
type sources struct {
	codes   []string
	dataset string
}

func sourcesOf(category string) sources {
	switch category {
	case "process":
		return sources{[]string{"1", "4688"}, "endpoint.events.process"}
	case "network":
		return sources{[]string{"3", "5156"}, "endpoint.events.network"}
	case "registry":
		return sources{[]string{"13", "4657"}, "endpoint.events.registry"}
	case "file":
		return sources{[]string{"11"}, "endpoint.events.file"}
	case "authentication":
		return sources{[]string{"4624"}, "endpoint.events.security"}
	case "library":
		return sources{[]string{"7"}, "endpoint.events.library"}
	}
	return sources{}
}

// expected are the codes that a query could have found, and the data set that
// could stand for them.
func (a *Asked) expected() sources {
	if a.CodesOnly {
		return sources{codes: a.Codes}
	}
	s := sourcesOf(a.Category)
	for _, code := range a.Codes {
		if !slices.Contains(s.codes, code) {
			s.codes = append(slices.Clone(s.codes), code)
		}
	}
	if s.dataset == "" && slices.Contains(a.Codes, "7") {
		s.dataset = sourcesOf("library").dataset
	}
	return s
}

// arrived counts the events of a code, in the log that it is known from:
// numbers below 256 are Sysmon's, which other logs use as well.
func arrived(list []Arrival, code string) (events, hosts int) {
	sysmon := ofSysmon(code)
	for i := range list {
		a := &list[i]
		if a.Code == code && sysmon == strings.Contains(strings.ToLower(a.Channel), "sysmon") {
			events += a.Events
			hosts = max(hosts, a.Hosts)
		}
	}
	return events, hosts
}

func ofSysmon(code string) bool {
	n, err := strconv.Atoi(code)
	return err == nil && n < 256
}

func fromDataset(list []Arrival, dataset string) (events, hosts int) {
	for i := range list {
		if dataset != "" && list[i].Channel == dataset {
			events += list[i].Events
			hosts = max(hosts, list[i].Hosts)
		}
	}
	return events, hosts
}

// byHost reports whether a query is asked of the alert's host alone.
func (a *Asked) byHost() bool { return slices.Contains(a.Query.By, "host.id") }

// absent says what the queries of a question did not find, and why.
func (r *reply) absent(q *query) {
	for _, a := range q.asked {
		r.absentFrom(a)
	}
	if len(r.missing) > 0 {
		for i, code := range r.missing {
			format := r.c.p.noCode
			if ofSysmon(code) {
				format = r.c.p.sysmon
			}
			r.missing[i] = fmt.Sprintf(format, code)
		}
		line := fmt.Sprintf(r.c.p.notInData, strings.Join(r.missing, ", "), r.c.hostName())
		r.lines = append(r.lines, sentence(capital(line)))
	}
}

func (r *reply) absentFrom(a *Asked) {
	list := r.c.in.Host
	if !a.byHost() {
		list = r.c.in.All
	}
	want := a.expected()
	var have []string
	found := map[string]bool{}
	for _, f := range a.Found {
		if x := r.c.facts[f.ID]; x != nil {
			found[x.code] = true
		}
	}
	for _, code := range want.codes {
		switch n, _ := arrived(list, code); {
		case n > 0:
			have = append(have, fmt.Sprintf("%s (%d)", code, n))
		case !found[code] && !slices.Contains(r.missing, code):
			r.missing = append(r.missing, code)
		}
	}
	if n, _ := fromDataset(list, want.dataset); n > 0 {
		have = append(have, fmt.Sprintf("%s (%d)", want.dataset, n))
		r.missing = slices.DeleteFunc(r.missing, func(code string) bool { return slices.Contains(want.codes, code) })
	}
	if a.Total > 0 || len(want.codes) > 0 && len(have) == 0 {
		return
	}
	switch name := a.Query.Name; {
	case !a.Asked:
		r.say(fmt.Sprintf(r.c.p.cannotAsk, name, strings.Join(r.c.lacking(a), ", ")))
	case len(have) == 0:
		r.say(fmt.Sprintf(r.c.p.noSuch, name, r.c.window(a)))
	default:
		r.say(fmt.Sprintf(r.c.p.noSuchThough, name, r.c.window(a), strings.Join(have, ", ")))
	}
}

// lacking lists the fields that a query is joined by and the alert does not
// have; all of them if it has each, but not in one event.
func (c *inquiry) lacking(a *Asked) []string {
	var out []string
	for _, name := range a.Query.Of {
		has := false
		for _, f := range c.own {
			has = has || f.Text(name) != ""
		}
		if !has {
			out = append(out, name)
		}
	}
	if out == nil {
		return a.Query.Of
	}
	return out
}

func (c *inquiry) hostName() string {
	if name := c.in.Alert.Host.Name; name != "" {
		return clip(name, nameWidth)
	}
	return clip(c.in.Alert.Host.ID, nameWidth)
}

// window says a query's window about the alert.
func (c *inquiry) window(a *Asked) string {
	w := a.Query.Window
	return fmt.Sprintf(c.p.window, c.signed(-w.Before), c.signed(w.After))
}

func (c *inquiry) signed(d time.Duration) string {
	if d <= 0 {
		return fmt.Sprintf(c.p.before, c.length(-d))
	}
	return fmt.Sprintf(c.p.after, c.length(d))
}

// when says when an event was, from the alert's time.
func (c *inquiry) when(f *fact) string {
	d := f.at.Sub(c.in.Placed)
	switch {
	case f.own && d == 0:
		return fmt.Sprintf(c.p.itself, c.in.Alert.Timestamp.UTC().Format("15:04:05.000Z"))
	case d == 0, (f.whole || c.in.Placed.Nanosecond() == 0) && d.Abs() < time.Second:
		return c.p.sameSecond
	case d < 0:
		return fmt.Sprintf(c.p.before, c.length(-d))
	}
	return fmt.Sprintf(c.p.after, c.length(d))
}

// length says how long a time is, as exactly as a reader wants.
func (c *inquiry) length(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return strings.TrimSuffix(c.p.decimal(fmt.Sprintf("%.1f", d.Seconds())), c.p.zero) + " s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour && d%time.Hour != 0:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf(c.p.days, int(d.Hours()/24+0.5))
}

func capital(s string) string {
	if s == "" {
		return s
	}
	r := []rune(s)
	return strings.ToUpper(string(r[0])) + string(r[1:])
}

// clip shortens a text from an event.
func clip(s string, width int) string {
	if len(s) <= width { // bytes are never fewer than characters
		return s
	}
	n, last := 0, 0
	for i := range s {
		if n++; n == width {
			last = i
		}
		if n > width {
			return s[:last] + "…"
		}
	}
	return s
}

// How long a word of a command may be before its middle is left out: paths are
// read, encoded programs are not.
const (
	wordWidth = 48
	pathWidth = 120
)

// command shortens a command line: what is encoded first, then the whole.
func command(s string) string {
	s = clip(s, 4*commandWidth)
	words := strings.Fields(s)
	for i, w := range words {
		if strings.ContainsAny(w, `\/:`) {
			words[i] = clip(w, pathWidth)
		} else {
			words[i] = clip(w, wordWidth)
		}
	}
	return clip(strings.Join(words, " "), commandWidth)
}

// codesOf lists the codes of events, each once, in the order of the events.
func codesOf(facts []*fact) string {
	var out []string
	for _, f := range facts {
		code := clip(f.First("event.code", "event.dataset", "event.action"), nameWidth)
		if code != "" && !slices.Contains(out, code) {
			out = append(out, code)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return strings.Join(out, ", ")
}
