package coverage

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/terminal"
)

// Text prints a report for a person.
type Text struct {
	terminal.Writer
	All bool // every source, every stage and every sentence of Blind Spots

	names map[string]string // hosts by id
}

// Bounds of lists where All is not asked for.
const (
	maxShownHosts   = 20
	maxShownSources = 12
	maxShownFixes   = 15
	maxNamedHosts   = 4
)

// Write prints the report. The error of the first failing write is returned.
func (t *Text) Write(r *Report) error {
	if t.Width == 0 {
		t.Width = 100
	}
	t.names = map[string]string{}
	for _, h := range r.Hosts {
		t.names[h.ID] = nameOf(&h)
	}
	span := ""
	if r.First != nil && r.Last != nil {
		span = ", " + moment(*r.First) + " to " + moment(*r.Last) + " UTC"
	}
	t.Line("%s of %s", t.Paint(terminal.Bold, "COVERAGE"), terminal.Count(len(r.Strategies), "strategy", "strategies"))
	t.Line("%s from %s%s", terminal.Count(r.Events, "event", "events"), terminal.Count(len(r.Hosts), "host", "hosts"), span)
	if r.Partial {
		t.Line("interrupted: this is what arrived until then")
	}
	if len(r.Hosts) == 0 {
		return t.Err() // nothing to judge by
	}
	t.hosts(r)
	t.matrix(r)
	for i := range r.Strategies {
		t.strategy(&r.Strategies[i])
	}
	t.fixes(r)
	return t.Err()
}

func nameOf(h *Host) string {
	switch {
	case h.Name != "":
		return terminal.Clean(h.Name)
	case h.ID != "":
		return terminal.Clean(h.ID)
	}
	return "(no host)"
}

func moment(at time.Time) string { return at.Format("2006-01-02 15:04:05") }

func (t *Text) title(s string) {
	t.Line("")
	t.Line("%s", t.Paint(terminal.Bold, s))
}

func (t *Text) hosts(r *Report) {
	t.title("HOSTS")
	for i := range r.Hosts {
		if i == maxShownHosts && !t.All {
			t.Line("  … and %d more hosts (--all shows them)", len(r.Hosts)-i)
			break
		}
		h := &r.Hosts[i]
		t.Line("  %s  %s", nameOf(h), terminal.Count(h.Events, "event", "events"))
		t.sources(h)
		for _, c := range h.Clocks {
			style, mark := terminal.Yellow, "!"
			if c.Problem == "resolved" {
				style, mark = terminal.Dim, "·"
			}
			where := terminal.Clean(strings.TrimSpace(short(c.Channel) + " " + c.Code))
			t.Wrap("    "+t.Paint(style, mark)+" ", "      ", "", fmt.Sprintf("%s: %s", where, c.Words))
		}
		for _, g := range h.Gaps {
			t.Wrap("    "+t.Paint(terminal.Yellow, "!")+" ", "      ", "", fmt.Sprintf("%s: silent from %s to %s, while other logs had %d events",
				terminal.Clean(short(g.Channel)), moment(g.From), moment(g.To), g.Others))
		}
	}
}

// sources prints a host's events by log, the most first.
func (t *Text) sources(h *Host) {
	byChannel := map[string][]string{}
	total := map[string]int{}
	var channels []string
	for _, s := range h.Sources {
		if total[s.Channel] == 0 {
			channels = append(channels, s.Channel)
		}
		total[s.Channel] += s.Events
		byChannel[s.Channel] = append(byChannel[s.Channel], fmt.Sprintf("%s×%d", terminal.Clean(orDash(s.Code)), s.Events))
	}
	sort.SliceStable(channels, func(a, b int) bool { return total[channels[a]] > total[channels[b]] })
	for _, c := range channels {
		list := byChannel[c]
		if len(list) > maxShownSources && !t.All {
			list = append(list[:maxShownSources:maxShownSources], fmt.Sprintf("… %d more", len(list)-maxShownSources))
		}
		t.Wrap("    ", "      ", terminal.Dim, terminal.Clean(short(orDash(c)))+": "+strings.Join(list, "  "))
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// matrix prints one line a strategy: on how many hosts it is what.
func (t *Text) matrix(r *Report) {
	t.title("STRATEGIES")
	t.Line("  %s covered   %s unproven, or covered on some hosts only   %s blind", t.sign(Covered), t.sign(Unproven), t.sign(Blind))
	t.Line("")
	for i := range r.Strategies {
		s := &r.Strategies[i]
		best := Blind
		switch {
		case s.Covered > 0 && s.Unproven+s.Blind == 0:
			best = Covered
		case s.Covered+s.Unproven > 0:
			best = Unproven
		}
		name := terminal.Shorten(terminal.Clean(s.ID), 44)
		t.Line("  %s %-44s  covered %3d   unproven %3d   blind %3d", t.sign(best), name, s.Covered, s.Unproven, s.Blind)
	}
}

func (t *Text) sign(s Status) string {
	switch s {
	case Covered:
		return t.Paint(terminal.Green, "●")
	case Unproven:
		return t.Paint(terminal.Yellow, "◐")
	}
	return t.Paint(terminal.Red, "○")
}

func (t *Text) strategy(s *Strategy) {
	t.title(terminal.Clean(s.Title))
	var declared []string
	for _, d := range s.Declared {
		declared = append(declared, fmt.Sprintf("%s %s", d.Name, ofHosts(d.Hosts)))
	}
	if t.All && len(declared) > 0 {
		t.Wrap("  names: ", "         ", terminal.Dim, terminal.Clean(strings.Join(declared, ", ")))
	}
	for i := range s.Variants {
		t.variant(&s.Variants[i])
	}
	t.assumptions(s.Assumptions)
}

func ofHosts(n int) string {
	if n == 0 {
		return "(none)"
	}
	return fmt.Sprintf("(%s)", terminal.Count(n, "host", "hosts"))
}

// group is the hosts of a variant of which the same can be said, counts aside.
type group struct {
	status Status
	words  string // with the first host's counts
	hosts  []string
}

// uncounted is what is said of several hosts, whose counts differ.
func uncounted(words string) string {
	for _, p := range [...]struct{ pattern, with string }{
		{` \(\d+\)`, ""}, {`among only \d+ events`, "among the few events"}, {`among \d+ events`, "among the events"}, {` \(satisfied \d+×\)`, " (satisfied)"},
		{`is \d+ ms ahead`, "is ahead"}, {`silent from [-0-9 :]+ to [-0-9 :]+`, "silent for a time"},
	} {
		words = regexp.MustCompile(p.pattern).ReplaceAllString(words, p.with)
	}
	return words
}

func (t *Text) variant(v *Variant) {
	var order []string
	groups := map[string]*group{}
	for i := range v.Hosts {
		h := &v.Hosts[i]
		words := strings.Join(h.Reasons, "; ")
		if sources := fedBy(h); sources != "" {
			if words != "" {
				words += "; "
			}
			words += "fed by " + sources
		}
		id := string(h.Status) + uncounted(words)
		if groups[id] == nil {
			groups[id] = &group{status: h.Status, words: words}
			order = append(order, id)
		}
		groups[id].hosts = append(groups[id].hosts, t.names[h.Host])
	}
	sort.SliceStable(order, func(a, b int) bool {
		x, y := groups[order[a]], groups[order[b]]
		if x.status != y.status {
			return x.status.rank() > y.status.rank()
		}
		return len(x.hosts) > len(y.hosts)
	})
	t.Line("  %s", terminal.Clean(VariantName(v.Variant, v.Native)))
	for i, id := range order {
		if i == maxShownSources && !t.All {
			t.Line("    … and %d more groups of hosts (--all shows them)", len(order)-i)
			break
		}
		t.group(groups[id])
	}
}

func (t *Text) group(g *group) {
	hosts := strings.Join(g.hosts, ", ")
	if len(g.hosts) > maxNamedHosts && !t.All {
		hosts = fmt.Sprintf("%s and %d more hosts", strings.Join(g.hosts[:maxNamedHosts-1], ", "), len(g.hosts)-maxNamedHosts+1)
	}
	words := g.words
	if len(g.hosts) > 1 {
		words = uncounted(words)
	}
	t.Wrap(fmt.Sprintf("    %s ", t.sign(g.status)), "      ", "", hosts)
	t.Wrap("        ", "        ", terminal.Dim, terminal.Clean(words))
}

// fedBy names what feeds the stages, and how often they are satisfied.
func fedBy(h *Verdict) string {
	var parts []string
	for _, s := range h.Stages {
		if len(s.Sources) == 0 || s.Status == Blind {
			continue
		}
		p := strings.Join(s.Sources, "/")
		if s.Satisfied > 0 {
			p += fmt.Sprintf(" (satisfied %d×)", s.Satisfied)
		}
		if len(h.Stages) > 1 {
			p = fmt.Sprintf("%d: %s", s.Stage, p)
		}
		parts = append(parts, p)
	}
	return strings.Join(parts, ", ")
}

func (t *Text) assumptions(list []Assumption) {
	silent := 0
	for _, a := range list {
		if a.Status == hidden && a.Why == "no event tells" && !t.All {
			silent++
			continue
		}
		if a.Line == 0 && !t.All { // clocks and silences stand with the hosts, fields with the variants
			continue
		}
		mark := map[string]string{holds: t.Paint(terminal.Green, "✓"), fails: t.Paint(terminal.Red, "✗"),
			partly: t.Paint(terminal.Yellow, "~"), hidden: "?"}[a.Status]
		text := terminal.Clean(strings.ReplaceAll(strings.ReplaceAll(a.Text, "`", ""), "**", ""))
		t.Line("  %s %s", mark, terminal.Shorten(text, t.Width-4))
		t.Wrap("      ", "      ", terminal.Dim, terminal.Clean(a.Why))
	}
	if silent > 0 {
		t.Line("  %s", t.Paint(terminal.Dim, terminal.Count(silent, "sentence", "sentences")+" of Blind Spots that no event can speak to"))
	}
}

func (t *Text) fixes(r *Report) {
	if len(r.Fixes) == 0 {
		return
	}
	t.title("WHAT WOULD MEND IT")
	for i, f := range r.Fixes {
		if i == maxShownFixes && !t.All {
			t.Line("  … and %d more (--all shows them)", len(r.Fixes)-i)
			break
		}
		t.Wrap("  - ", "    ", "", terminal.Clean(f.Do))
		var hosts []string
		for _, h := range f.Hosts {
			hosts = append(hosts, t.names[h])
		}
		if len(hosts) > maxNamedHosts && !t.All {
			hosts = []string{terminal.Count(len(hosts), "host", "hosts")}
		}
		words := f.Why + "; on " + strings.Join(hosts, ", ")
		if len(f.Strategies) > 0 {
			words += "; for " + strings.Join(f.Strategies, ", ")
		}
		t.Wrap("    ", "    ", terminal.Dim, terminal.Clean(words))
	}
}
