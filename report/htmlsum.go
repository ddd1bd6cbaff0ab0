package report

import (
	"cmp"
	"fmt"
	"github.com/tocsin-project/tocsin/terminal"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/census"
)

// tables are the counts by host and by strategy.
type tables struct {
	hosts, strategies  []*tally
	hostAt, strategyAt map[string]int // their numbers, from 1
}

// tally counts incidents under one name.
type tally struct {
	N                      int // number of the filter
	Name, Doc              string
	Incidents, Alerts      int
	Severity, SeverityName string
	Risk                   int
	First, Last            string
	With                   []pair // the strategies of a host, the hosts of a strategy
	More                   string

	first, last time.Time
	with        map[string]int
}

type pair struct {
	Name  string
	Count int
}

// maxPairs bounds the names in a cell, maxTally the lines of a table.
const (
	maxPairs = 12
	maxTally = 2000
)

func (hw *htmlWriter) tables() *tables {
	hosts, strategies := map[string]*tally{}, map[string]*tally{}
	for i := range hw.page.incidents {
		in := &hw.page.incidents[i]
		hw.count(hosts, in.host, in.strategy, in)
		hw.count(strategies, in.strategy, in.host, in)
	}
	t := &tables{}
	t.hosts, t.hostAt = hw.order(hosts)
	t.strategies, t.strategyAt = hw.order(strategies)
	for _, s := range hw.page.strategies {
		if i := t.strategyAt[s.ID]; i > 0 {
			t.strategies[i-1].Doc = hw.docs[s.ID]
			t.strategies[i-1].Name = terminal.Clean(cut(s.In(hw.w.Lang).Title))
		}
	}
	return t
}

func (hw *htmlWriter) count(all map[string]*tally, name, other string, in *pageIncident) {
	t := all[name]
	if t == nil {
		t = &tally{Name: name, first: in.at, with: map[string]int{}}
		all[name] = t
	}
	t.Incidents++
	t.Alerts += in.alerts
	t.Risk = max(t.Risk, in.risk)
	if alert.SeverityRank(in.severity) > alert.SeverityRank(t.Severity) || t.Severity == "" {
		t.Severity, t.SeverityName = severityClass(in.severity), hw.w.severity(in.severity)
	}
	if in.at.Before(t.first) {
		t.first = in.at
	}
	if in.at.After(t.last) {
		t.last = in.at
	}
	t.with[other]++
}

// order puts the riskiest and most frequent first and numbers them from 1.
func (hw *htmlWriter) order(all map[string]*tally) ([]*tally, map[string]int) {
	var list []*tally
	for _, t := range all {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *tally) int {
		return cmp.Or(cmp.Compare(b.Risk, a.Risk), cmp.Compare(b.Incidents, a.Incidents), cmp.Compare(a.Name, b.Name))
	})
	at := map[string]int{}
	for i, t := range list {
		t.N = i + 1
		at[t.Name] = t.N
		t.Name = terminal.Clean(cut(t.Name))
		t.First, t.Last = hw.clock(t.first), hw.clock(t.last)
		for name, n := range t.with {
			t.With = append(t.With, pair{terminal.Clean(cut(name)), n})
		}
		slices.SortFunc(t.With, func(a, b pair) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name)) })
		if n := len(t.With) - maxPairs; n > 0 {
			t.With, t.More = t.With[:maxPairs], fmt.Sprintf(hw.w.More, n)
		}
	}
	return list, at
}

type figure struct{ Value, Name string }

// summary writes the head of the page: counts, what was skipped, and the
// tables by host and by strategy.
func (hw *htmlWriter) summary() error {
	s := &hw.page.summary
	t := hw.tables()
	left := func(list []*tally) ([]*tally, string) {
		if n := len(list) - maxTally; n > 0 {
			return list[:maxTally], fmt.Sprintf(hw.w.More, n)
		}
		return list, ""
	}
	hosts, hostsMore := left(t.hosts)
	strategies, strategiesMore := left(t.strategies)
	levels := hw.levels()
	return hw.run("summary", map[string]any{"W": hw.w, "Partial": s.Partial, "Levels": levels,
		"Figures": []figure{
			{number(s.Incidents, hw.w.Lang), hw.w.Incidents}, {number(s.Alerts, hw.w.Lang), hw.w.Alerts},
			{number(s.Events, hw.w.Lang), hw.w.Events}, {number(s.Files, hw.w.Lang), hw.w.Files},
			{volume(s.Bytes), hw.w.Volume}, {gap(time.Duration(s.Seconds * float64(time.Second)).Round(10 * time.Millisecond)), hw.w.Duration},
		},
		"Remarks": s.remarks(hw.w.Lang), "Skipped": skippedOf(s), "SkippedMore": moreSkipped(s, hw.w), "SkippedN": s.SkippedAll,
		"Hosts": hosts, "HostsMore": hostsMore, "Strategies": strategies, "StrategiesMore": strategiesMore})
}

// tallyView is a table of tallies.
type tallyView struct {
	W                  *words
	Rows               []*tally
	More, Kind         string
	Name, Other, Label string
}

func tallyOf(page map[string]any, rows []*tally, more, kind string) tallyView {
	w := page["W"].(*words)
	if kind == "host" {
		return tallyView{w, rows, more, kind, w.Host, w.Strategies, w.ByHost}
	}
	return tallyView{w, rows, more, kind, w.Strategy, w.Hosts, w.ByStrategy}
}

// level is how many incidents have a severity.
type level struct {
	Severity, Name string
	Count          int
}

func (hw *htmlWriter) levels() []level {
	n := map[string]int{}
	for i := range hw.page.incidents {
		n[severityClass(hw.page.incidents[i].severity)]++
	}
	var out []level
	for _, s := range slices.Backward(alert.Severities()) {
		if n[s] > 0 {
			out = append(out, level{s, hw.w.severity(s), n[s]})
		}
	}
	return out
}

// maxSkipped is how many skipped files the page names.
const maxSkipped = 200

func skippedOf(s *Summary) []Skipped {
	var out []Skipped
	for _, k := range s.Skipped[:min(len(s.Skipped), maxSkipped)] {
		out = append(out, Skipped{terminal.Clean(cut(k.Path)), terminal.Clean(cut(k.Reason))})
	}
	return out
}

func moreSkipped(s *Summary, w *words) string {
	if n := s.SkippedAll - min(len(s.Skipped), maxSkipped); n > 0 {
		return fmt.Sprintf(w.More, n)
	}
	return ""
}

// number groups digits by three, as the language does.
func number(n int, lang string) string {
	sep := ","
	if lang == "vi" {
		sep = "."
	}
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + sep + s[i:]
	}
	return s
}

// volume is a number of bytes for people.
func volume(n int64) string {
	f, units := float64(n), []string{"B", "kB", "MB", "GB", "TB"}
	for len(units) > 1 && f >= 1000 {
		f, units = f/1000, units[1:]
	}
	if units[0] == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[0])
}

// hostSources is what arrived from one host.
type hostSources struct {
	Host    string
	Events  string
	Sources []sourceLine
	More    string
}

type sourceLine struct{ Channel, Code, Count, First, Last string }

const (
	maxCoverageHosts   = 200
	maxCoverageSources = 60
)

// coverage writes what arrived from each host, the busiest first.
func (hw *htmlWriter) coverage() error {
	var hosts []hostSources
	more := ""
	if c := hw.page.census; c != nil {
		list := make([]*census.Host, 0, len(c.Hosts))
		for _, h := range c.Hosts {
			list = append(list, h)
		}
		slices.SortFunc(list, func(a, b *census.Host) int {
			return cmp.Or(cmp.Compare(eventsOf(b), eventsOf(a)), strings.Compare(a.Name+a.ID, b.Name+b.ID))
		})
		if n := len(list) - maxCoverageHosts; n > 0 {
			list, more = list[:maxCoverageHosts], fmt.Sprintf(hw.w.More, n)
		}
		for _, h := range list {
			hosts = append(hosts, hw.hostSources(h))
		}
	}
	return hw.run("coverage", map[string]any{"W": hw.w, "Cover": hw.Coverage.cover(hw.HTML, hw.w), "Hosts": hosts, "More": more})
}

func eventsOf(h *census.Host) int {
	n := 0
	for _, a := range h.Sources {
		n += a.Events
	}
	return n
}

func (hw *htmlWriter) hostSources(h *census.Host) hostSources {
	name := h.Name
	switch { // sensors on one machine know it by other ids
	case name == "":
		name = h.ID
	case h.ID != "" && h.ID != name:
		name += " (" + h.ID + ")"
	}
	out := hostSources{Host: terminal.Clean(cut(name)), Events: number(eventsOf(h), hw.w.Lang)}
	keys := make([]census.Source, 0, len(h.Sources))
	for s := range h.Sources {
		keys = append(keys, s)
	}
	slices.SortFunc(keys, func(a, b census.Source) int {
		return cmp.Or(cmp.Compare(h.Sources[b].Events, h.Sources[a].Events), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Code, b.Code))
	})
	if n := len(keys) - maxCoverageSources; n > 0 {
		keys, out.More = keys[:maxCoverageSources], fmt.Sprintf(hw.w.More, n)
	}
	for _, k := range keys {
		a := h.Sources[k]
		line := sourceLine{Channel: terminal.Clean(cut(k.Channel)), Code: terminal.Clean(cut(k.Code)), Count: number(a.Events, hw.w.Lang)}
		if a.First != 0 {
			line.First, line.Last = hw.clock(time.Unix(0, a.First)), hw.clock(time.Unix(0, a.Last))
		}
		out.Sources = append(out.Sources, line)
	}
	return out
}
