package coverage

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tocsin-project/tocsin/strategy"
)

// The statuses of an assumption.
const (
	holds  = "holds"
	fails  = "fails"
	partly = "partly" // on some hosts
	hidden = "unseen" // this data, or no data, can tell
)

// assumptions holds each sentence of Blind Spots that facts can speak to
// against them, and then what every rule assumes.
func (j *judge) assumptions(s *Strategy) []Assumption {
	out := []Assumption{}
	for _, sec := range s.source.Sections {
		if sec.Kind != strategy.BlindSpots {
			continue
		}
		for _, b := range bullets(sec.Markdown) {
			a := j.assumption(b.text)
			a.Text, a.Line = b.text, sec.Pos.Line+b.line
			out = append(out, a)
		}
	}
	return append(out, j.clockAssumption(), j.silence(), j.fieldAssumption(s))
}

type bullet struct {
	text string
	line int // below the heading, 1-based
}

// bullets lists the items of the section's lists, and its paragraphs.
func bullets(markdown string) (out []bullet) {
	open := false
	fence := false
	defer func() { // a line that only announces a list says nothing itself
		out = slices.DeleteFunc(out, func(b bullet) bool { return strings.HasSuffix(b.text, ":") })
	}()
	for i, l := range strings.Split(markdown, "\n") {
		t := strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(t, "```"):
			fence, open = !fence, false
		case fence:
		case t == "" || strings.HasPrefix(t, "#"):
			open = false
		case strings.HasPrefix(t, "- ") || strings.HasPrefix(t, "* "):
			out = append(out, bullet{strings.TrimSpace(t[2:]), i + 1})
			open = true
		case open:
			out[len(out)-1].text += " " + t
		default:
			out = append(out, bullet{t, i + 1})
			open = true
		}
	}
	return out
}

// The places where prose names what can be measured. Compiled where used: this
// runs once for each strategy.
const (
	subcategoryPattern = `"([A-Z][A-Za-z ]+)"`
	elementPattern     = `\b(ProcessCreate|NetworkConnect|ImageLoad|FileCreate|RegistryEvent|PipeEvent|DnsQuery|ProcessAccess|CreateRemoteThread)\b`
	sysmonPattern      = `Sysmon(?:[^.;]{0,24}?)\b(\d{1,2})\b`
	codePattern        = `\b([4-7]\d{3})\b`
	fieldPattern       = "`([a-z_]+(?:\\.[A-Za-z_]+)+)`"
	clockPattern       = `(?i)\b(clocks?|sub-second|whole seconds)\b|đồng hồ`
	loopbackPattern    = `(?i)report[^.]*loopback|loopback[^.]*\b(reported|arrive)`
)

// assumption judges one sentence.
func (j *judge) assumption(text string) Assumption {
	named := j.named(text)
	var facts []Assumption
	if len(named) > 0 {
		facts = append(facts, j.arrive(named))
	}
	if regexp.MustCompile(clockPattern).MatchString(text) {
		facts = append(facts, j.clockAssumption())
	}
	if regexp.MustCompile(loopbackPattern).MatchString(text) {
		facts = append(facts, j.loopback())
	}
	for _, m := range regexp.MustCompile(fieldPattern).FindAllStringSubmatch(text, -1) {
		if slot, ok := j.schema.Lookup(m[1]); ok {
			facts = append(facts, j.fieldSeen(m[1], slot))
		}
	}
	if len(facts) == 0 {
		return Assumption{Status: hidden, Why: "no event tells"}
	}
	out := facts[0]
	for _, f := range facts[1:] {
		out.Status = worse(out.Status, f.Status)
		out.Why += "; " + f.Why
	}
	return out
}

// worse is the status of two things that must both hold.
func worse(a, b string) string {
	order := []string{fails, partly, hidden, holds}
	if slices.Index(order, a) < slices.Index(order, b) {
		return a
	}
	return b
}

// named lists the kinds of events that a sentence speaks of.
func (j *judge) named(text string) []*kind {
	var out []*kind
	add := func(fit func(k *kind) bool) {
		for _, k := range j.kinds {
			if fit(k) && !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	for _, m := range regexp.MustCompile(subcategoryPattern).FindAllStringSubmatch(text, -1) {
		first := true // the event that rules use stands for its subcategory
		add(func(k *kind) bool {
			ok := first && k.family == native && k.fix == m[1]
			first = first && !ok
			return ok
		})
	}
	for _, m := range regexp.MustCompile(elementPattern).FindAllStringSubmatch(text, -1) {
		first := true
		add(func(k *kind) bool {
			ok := first && k.family == sysmon && k.fix == m[1]
			first = first && !ok
			return ok
		})
	}
	for _, m := range regexp.MustCompile(sysmonPattern).FindAllStringSubmatch(text, -1) {
		add(func(k *kind) bool { return k.family == sysmon && k.code == m[1] })
	}
	for _, m := range regexp.MustCompile(codePattern).FindAllStringSubmatch(text, -1) {
		add(func(k *kind) bool { return k.family == native && k.code == m[1] })
	}
	return out
}

// arrive judges whether named kinds arrive: on a host one sensor's must all.
func (j *judge) arrive(named []*kind) Assumption {
	full, none, rare := 0, 0, 0
	counts := map[*kind]int{}
	for _, v := range j.hosts {
		best := -1
		for _, f := range [...]family{sysmon, defend, native} {
			have, want, maybe := 0, 0, 0
			for _, k := range named {
				if k.family != f {
					continue
				}
				want++
				switch a := v.kinds[k]; {
				case a != nil:
					have++
				case k.rare || k.always:
					maybe++
				}
			}
			switch {
			case want == 0:
			case have == want:
				best = max(best, 3)
			case have+maybe == want:
				best = max(best, 2)
			case have > 0:
				best = max(best, 1)
			default:
				best = max(best, 0)
			}
		}
		switch best {
		case 3:
			full++
		case 2:
			rare++
		case 0:
			none++
		}
		for _, k := range named {
			if v.kinds[k] != nil {
				counts[k]++
			}
		}
	}
	var words []string
	for _, k := range named {
		words = append(words, fmt.Sprintf("%s from %d of %d hosts", k.name(), counts[k], len(j.hosts)))
	}
	a := Assumption{Status: partly, Why: strings.Join(words, ", ")}
	switch n := len(j.hosts); {
	case n == 0:
		a.Status = hidden
	case full == n:
		a.Status = holds
	case none == n:
		a.Status = fails
	case full+rare == n:
		a.Status = hidden
	}
	return a
}

// clockAssumption: every clock agrees with its log, finely enough.
func (j *judge) clockAssumption() Assumption {
	a := Assumption{Text: "(always) clocks agree, to less than a second", Status: holds, Why: "no clock is off"}
	if len(j.hosts) == 0 {
		a.Status, a.Why = hidden, "no event"
	}
	var words []string
	bad := 0
	for _, v := range j.hosts {
		found := false
		for _, c := range v.clocks {
			if c.Problem == "resolved" {
				continue
			}
			found = true
			w := strings.TrimSpace(short(c.Channel)+" "+c.Code) + " " + map[string]string{
				"zone": "in another zone", "ahead": "ahead", "late": "late", "coarse": "in whole seconds"}[c.Problem]
			if !slices.Contains(words, w) {
				words = append(words, w)
			}
		}
		if found {
			bad++
		}
	}
	if bad > 0 {
		a.Status = partly
		if len(words) > 4 {
			words = append(words[:4], "…")
		}
		a.Why = fmt.Sprintf("clocks on %d of %d hosts: %s", bad, len(j.hosts), strings.Join(words, ", "))
		if bad == len(j.hosts) {
			a.Status = fails
		}
	}
	return a
}

func (j *judge) silence() Assumption {
	a := Assumption{Text: "(always) no log falls silent", Status: holds, Why: "no gap that the log's own rate would not explain"}
	if len(j.hosts) == 0 {
		a.Status, a.Why = hidden, "no event"
	}
	var words []string
	for _, v := range j.hosts {
		for _, g := range v.gaps {
			words = append(words, fmt.Sprintf("%s: %s silent from %s to %s, %d other events meanwhile", v.host.ID, short(g.Channel),
				g.From.Format("2006-01-02 15:04"), g.To.Format("2006-01-02 15:04"), g.Others))
		}
	}
	if len(words) > 0 {
		a.Status, a.Why = partly, strings.Join(words[:min(3, len(words))], "; ")
	}
	return a
}

// fieldAssumption: every field that the rules need has been seen.
func (j *judge) fieldAssumption(s *Strategy) Assumption {
	a := Assumption{Text: "(always) the fields that the rules need arrive", Status: holds, Why: "each was seen wherever its event was"}
	var missing []string
	for i := range s.Variants {
		for _, h := range s.Variants[i].Hosts {
			for _, st := range h.Stages {
				for _, f := range st.Missing {
					if !slices.Contains(missing, f) {
						missing = append(missing, f)
					}
				}
			}
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		a.Status, a.Why = partly, "never seen where it is needed: "+strings.Join(missing, ", ")
	}
	return a
}

func (j *judge) loopback() Assumption {
	n, hosts := 0, 0
	for _, count := range j.counter.loop {
		n += count
		hosts++
	}
	if n == 0 {
		return Assumption{Status: hidden, Why: "no connection from a loopback address has been seen"}
	}
	return Assumption{Status: holds, Why: fmt.Sprintf("%d events from loopback addresses, of %d hosts", n, hosts)}
}

func (j *judge) fieldSeen(name string, slot int) Assumption {
	n := 0
	for _, v := range j.hosts {
		for _, a := range v.host.Sources {
			if a.Has(slot) {
				n++
				break
			}
		}
	}
	a := Assumption{Status: partly, Why: fmt.Sprintf("%s seen from %d of %d hosts", name, n, len(j.hosts))}
	switch {
	case len(j.hosts) == 0:
		a.Status = hidden
	case n == len(j.hosts):
		a.Status = holds
	case n == 0:
		a.Status = fails
	}
	return a
}

// short is a channel's name without its maker.
func short(channel string) string {
	return strings.TrimSuffix(strings.TrimPrefix(channel, "Microsoft-Windows-"), "/Operational")
}

// declared says from how many hosts the document's data sources and index
// patterns arrive.
func (j *judge) declared(s *strategy.Strategy) []Declared {
	out := []Declared{}
	for _, name := range s.DataSources {
		out = append(out, Declared{name, j.count(sourceOf(name))})
	}
	for _, name := range s.IndexPatterns {
		out = append(out, Declared{name, j.count(patternOf(name))})
	}
	return out
}

func (j *judge) count(fit func(channel string) bool) (n int) {
	for _, v := range j.hosts {
		for channel := range v.channels {
			if fit(channel) {
				n++
				break
			}
		}
	}
	return n
}

// sourceOf is which channels a data source names, in the words of documents.
func sourceOf(name string) func(string) bool {
	low := strings.ToLower(name)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(low, w) })
	}
	return func(channel string) bool {
		switch {
		case has("defend", "endpoint"):
			return strings.HasPrefix(channel, "endpoint.")
		case has("sysmon"):
			return strings.EqualFold(channel, sysmonLog)
		case has("powershell"):
			return strings.Contains(channel, "powershell")
		case has("windows", "event log", "security"):
			return channel == "security" || channel == "system" || strings.HasPrefix(channel, "microsoft-windows-")
		}
		return strings.Contains(channel, low)
	}
}

// patternOf is which channels an index pattern would hold, by the names that
// Elastic's agents give.
func patternOf(pattern string) func(string) bool {
	p := strings.TrimRight(pattern, "*-")
	return func(channel string) bool {
		agent := strings.HasPrefix(channel, "endpoint.")
		switch strings.TrimPrefix(p, "logs-") {
		case "winlogbeat", "winlogbeat-", "windows", "logs", "windows.forwarded":
			return !agent
		case "windows.sysmon_operational":
			return strings.EqualFold(channel, sysmonLog)
		case "system.security":
			return channel == "security"
		case "system.system":
			return channel == "system"
		case "windows.powershell", "windows.powershell_operational":
			return strings.Contains(channel, "powershell")
		}
		return agent && strings.HasPrefix(channel, strings.TrimPrefix(p, "logs-"))
	}
}
