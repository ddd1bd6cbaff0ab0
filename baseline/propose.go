package baseline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// What a program must show before an exception for it is proposed (docs/tune.md).
// An attack that is repeated for a week fails all of the first three.
const (
	leastHosts   = 10 // hosts; leastVouched if a trusted signature shows it is of the catalogue
	leastVouched = 3
	leastDays    = 5  // different days on which a source was seen to start it
	leastSpan    = 14 // days from the first of them to the last
	mostSources  = 3
	mostAccounts = 3
)

// Candidate is one program that alerted, with all that is known of it: either
// what would excuse it, or why nothing should.
type Candidate struct {
	Program   string    `json:"program"`
	Product   string    `json:"product"` // by the catalogue; "" if unknown
	Service   string    `json:"service"`
	Signature Signature `json:"signature"`
	Signer    string    `json:"signer"`
	Alerts    int       `json:"alerts"` // incidents
	Benign    int       `json:"benign"` // of them, closed as benign
	Hosts     int       `json:"hosts"`
	Days      int       `json:"days"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Sources   []string  `json:"sources"`
	Accounts  []string  `json:"accounts"`

	Refused  []string `json:"refused"`  // why nothing is proposed; empty: something is
	Warnings []string `json:"warnings"` // what an attacker could do with it
	Drafts   []Draft  `json:"drafts"`

	product *Product
	held    []*Held
}

// Draft is one exception for one strategy.
type Draft struct {
	Strategy string `json:"strategy"`
	Name     string `json:"name"`
	When     string `json:"when"` // EQL condition
	Scope    string `json:"scope"`
	Reason   string `json:"reason"`
}

// Candidates looks at every program that alerted: what may be excused first,
// then what may not, each by the number of alerts. weak says what an attacker
// could do to meet a condition (Weaknesses); it is asked for each program that
// passes all else.
func (b *Baseline) Candidates(c *Catalogue, weak func(condition string) []string) []Candidate {
	groups := b.group(c)
	for i := range groups {
		groups[i].judge()
	}
	tainted := taints(groups)
	for i := range groups {
		g := &groups[i]
		if len(g.Refused) == 0 {
			g.Refused = g.taintedBy(tainted)
		}
	}
	for i := range groups {
		g := &groups[i]
		if len(g.Refused) == 0 {
			g.weigh(weak)
		}
		if len(g.Refused) == 0 {
			g.draft()
		}
	}
	slices.SortStableFunc(groups, func(x, y Candidate) int {
		return cmp.Or(cmp.Compare(min(len(x.Refused), 1), min(len(y.Refused), 1)), cmp.Compare(y.Alerts, x.Alerts), cmp.Compare(x.Program, y.Program))
	})
	return groups
}

// group gathers what alerted by program.
func (b *Baseline) group(c *Catalogue) []Candidate {
	at := map[string]int{}
	var out []Candidate
	for _, h := range b.Held() { // by time
		name := strings.ToLower(h.Program)
		i, ok := at[name]
		if !ok {
			i = len(out)
			at[name] = i
			out = append(out, Candidate{Program: h.Program, First: h.At, Refused: []string{}, Warnings: []string{}, Drafts: []Draft{},
				Sources: []string{}, Accounts: []string{}})
		}
		g := &out[i]
		g.held = append(g.held, h)
		g.Last = h.At
		g.Service = cmp.Or(g.Service, h.Service)
		if g.Signature == Unknown {
			g.Signature, g.Signer = h.Signature, h.Signer
		}
	}
	for i := range out {
		g := &out[i]
		if g.product = c.Find(g.Program, g.Signature, g.Signer); g.product != nil {
			g.Product = g.product.Product
		}
		g.count()
	}
	return out
}

func (g *Candidate) count() {
	hosts, days := map[string]bool{}, map[int32]bool{}
	for _, h := range g.held {
		g.Alerts++
		hosts[strings.ToLower(h.Host)], days[dayOf(h.At)] = true, true
		if h.state() == StateBenign {
			g.Benign++
		}
		for _, f := range [...]struct {
			list *[]string
			text string
		}{{&g.Sources, strings.ToLower(h.Source)}, {&g.Accounts, strings.ToLower(h.Account)}} {
			if f.text != "" && !slices.Contains(*f.list, f.text) {
				*f.list = append(*f.list, f.text)
			}
		}
	}
	slices.Sort(g.Sources)
	slices.Sort(g.Accounts)
	g.Hosts, g.Days = len(hosts), len(days)
}

func (g *Candidate) refuse(format string, args ...any) {
	g.Refused = append(g.Refused, fmt.Sprintf(format, args...))
}

// judge says what about a program alone forbids an exception.
func (g *Candidate) judge() {
	for _, h := range g.held {
		if h.state() == StateMalicious {
			g.refuse("closed as malicious by %s: %s", h.Verdict.By, h.Verdict.Reason)
			break
		}
	}
	if isInterpreter(g.Program) {
		g.refuse("%s runs whatever it is told", base(g.Program))
	}
	if !isPath(g.Program) {
		g.refuse("no whole path of the program is known")
	}
	need := leastHosts
	if g.product.vouches(g.Signature, g.Signer) {
		need = leastVouched
	}
	if g.Benign == 0 && g.Hosts < need {
		g.refuse("on %d %s; ordinary takes at least %d", g.Hosts, noun(g.Hosts, "host"), need)
	}
	if len(g.Sources) > mostSources {
		g.refuse("from %d sources; administration comes from at most %d", len(g.Sources), mostSources)
	}
	if len(g.Accounts) > mostAccounts {
		g.refuse("by %d accounts; administration uses at most %d", len(g.Accounts), mostAccounts)
	}
	g.judgeSources()
	g.judgeSignatures()
}

// judgeSources wants of every source that it lasted, or that somebody closed an
// alert of it as benign.
func (g *Candidate) judgeSources() {
	type seen struct {
		days   map[int32]bool
		benign bool
		alerts int
	}
	by := map[string]*seen{}
	for _, h := range g.held {
		name := strings.ToLower(h.Source)
		s := by[name]
		if s == nil {
			s = &seen{days: map[int32]bool{}}
			by[name] = s
		}
		s.days[dayOf(h.At)] = true
		s.benign = s.benign || h.state() == StateBenign
		s.alerts++
	}
	for _, name := range append([]string{""}, g.Sources...) {
		s := by[name]
		switch {
		case s == nil || s.benign:
		case name == "":
			g.refuse("nothing tells who started it in %d of %d alerts", s.alerts, g.Alerts)
		default:
			if days, span := len(s.days), spanOf(s.days); days < leastDays || span < leastSpan {
				g.refuse("from %s on %d %s within %d; ordinary takes %d days within at least %d", name, days, noun(days, "day"), span, leastDays, leastSpan)
			}
		}
	}
}

func spanOf(days map[int32]bool) int {
	first, last := int32(0), int32(0)
	started := false
	for d := range days {
		if !started {
			first, last, started = d, d, true
		}
		first, last = min(first, d), max(last, d)
	}
	return int(last - first + 1)
}

// judgeSignatures wants one signer, trusted, wherever a sensor looked.
func (g *Candidate) judgeSignatures() {
	var signers []string
	bad := map[Signature]int{}
	for _, h := range g.held {
		switch h.Signature {
		case Trusted:
			if !slices.Contains(signers, h.Signer) {
				signers = append(signers, h.Signer)
			}
		case Unsigned, Untrusted:
			if h.state() != StateBenign {
				bad[h.Signature]++
			}
		}
	}
	if len(signers) > 1 {
		g.refuse("signed by %s", strings.Join(signers, " and by "))
	}
	if slices.ContainsFunc(append(slices.Clone(signers), g.Accounts...), func(s string) bool { return !isPlain(s) }) {
		g.refuse("the signer's or the account's name does not print as it is")
	}
	for _, s := range [...]Signature{Unsigned, Untrusted} {
		if bad[s] > 0 {
			g.refuse("%s in %d of %d alerts", s, bad[s], g.Alerts)
		}
	}
}

// taints are sources and accounts that also did what is not proposed, with
// what that was. What somebody closed as benign taints nothing.
func taints(groups []Candidate) map[string]string {
	out := map[string]string{}
	for i := range groups {
		g := &groups[i]
		if len(g.Refused) == 0 {
			continue
		}
		for _, h := range g.held {
			if h.state() == StateBenign {
				continue
			}
			for _, name := range [...]string{strings.ToLower(h.Source), strings.ToLower(h.Account)} {
				if name != "" && out[name] == "" {
					out[name] = base(g.Program)
				}
			}
		}
	}
	return out
}

func (g *Candidate) taintedBy(tainted map[string]string) []string {
	out := []string{}
	for _, name := range append(slices.Clone(g.Sources), g.Accounts...) {
		if other := tainted[name]; other != "" {
			out = append(out, fmt.Sprintf("%s also started %s, which alerted and is not closed", name, other))
		}
	}
	return out
}

// weigh asks what an attacker could do. What he could without being an
// administrator forbids the exception, unless somebody closed alerts as benign.
func (g *Candidate) weigh(weak func(string) []string) {
	for _, why := range weak("process.executable in~ (" + quote(g.Program) + ")") {
		if g.Benign == 0 {
			g.refuse("%s", why)
		} else {
			g.Warnings = append(g.Warnings, why)
		}
	}
}

// isInterpreter reports programs of Windows that run what they are told: an
// exception for one is an exception for everything.
func isInterpreter(program string) bool {
	return slices.Contains([]string{"cmd.exe", "powershell.exe", "powershell_ise.exe", "pwsh.exe", "rundll32.exe", "regsvr32.exe",
		"mshta.exe", "wscript.exe", "cscript.exe", "msiexec.exe", "msbuild.exe", "installutil.exe", "regasm.exe", "regsvcs.exe",
		"wmic.exe", "forfiles.exe", "conhost.exe", "svchost.exe", "dllhost.exe", "bash.exe", "wsl.exe", "python.exe", "pythonw.exe",
		"perl.exe", "ruby.exe", "java.exe", "javaw.exe", "node.exe", "schtasks.exe", "at.exe", "sc.exe", "psexesvc.exe",
		"paexec.exe", "remcomsvc.exe", "csexecsvc.exe"}, base(program))
}

// isPath reports a whole path that can be written into a document.
func isPath(program string) bool {
	_, rest := drive(program)
	return strings.HasPrefix(rest, `\`) && isPlain(program)
}

// isPlain reports text that shows as what it is: no control or format
// characters (which turn text around), nothing that ends a fence.
func isPlain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == '`' || r == unicode.ReplacementChar })
}

func noun(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// AlertsOf counts the candidate's alerts by strategy.
func (g *Candidate) AlertsOf() map[string]int {
	out := map[string]int{}
	for _, h := range g.held {
		for _, a := range h.Alerts {
			out[a.Strategy]++
		}
	}
	return out
}
