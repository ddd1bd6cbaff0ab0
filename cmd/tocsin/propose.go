package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/baseline"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
	"github.com/tocsin-project/tocsin/terminal"
	"github.com/tocsin-project/tocsin/validate"
)

// baselineProposeCmd proposes exceptions.
type baselineProposeCmd struct {
	baselineFlag
	inputFlags
	Strategies []string `help:"A strategy file or folder; may come again. Without it, the strategies shipped in the binary." placeholder:"PATH"`
	Paths      []string `arg:"" optional:"" name:"path" help:"Recordings to count the alerts in, before and after. Without them, those of the baseline are counted."`
	Owner      string   `required:"" help:"Who answers for the exceptions." placeholder:"NAME"`
	Expires    string   `help:"The last day on which they hold (YYYY-MM-DD); without it, half a year from now." placeholder:"DATE"`
	Output     string   `short:"o" default:"yaml" enum:"yaml,json" help:"Form of the proposal: ${enum}."`
	Native     bool     `default:"true" negatable:"" help:"Make up process identities for Security 5156 and 4688 that lack them."`
	Jobs       int      `help:"Workers; one a core if not given." placeholder:"N"`
}

// proposal is what is printed.
type proposal struct {
	Hosts      int                  `json:"hosts"`
	Days       int                  `json:"days"`
	Candidates []baseline.Candidate `json:"candidates"`
	Exceptions []proposedList       `json:"exceptions"`
	Alerts     []beforeAfter        `json:"alerts"`
	Counted    string               `json:"counted"` // in what Alerts were counted: recordings or baseline
}

// proposedList is what goes into one strategy's document.
type proposedList struct {
	Strategy string   `json:"strategy"`
	Path     string   `json:"path"`
	YAML     string   `json:"yaml"`
	Warnings []string `json:"warnings"`

	with *strategy.Strategy // the strategy as it would be
}

// beforeAfter counts the alerts of one strategy.
type beforeAfter struct {
	Strategy string `json:"strategy"`
	Before   int    `json:"before"`
	After    int    `json:"after"`
}

// Run finds candidates, proves that no validation case is hidden, counts, prints.
func (c *baselineProposeCmd) Run(app *App) error {
	expires, err := c.lastDay()
	if err != nil {
		return exit(exitUsage, err)
	}
	if strings.TrimSpace(c.Owner) == "" {
		return exit(exitUsage, errors.New("read --owner: an exception needs somebody who answers for it"))
	}
	b, err := baseline.Read(c.Baseline)
	if err != nil {
		return exit(exitUsage, err)
	}
	catalogue, err := baseline.NewCatalogue()
	if err != nil {
		return err
	}
	flags := strategyFlags{Strategies: c.Strategies}
	list, broken, err := flags.whole(app)
	if err != nil {
		return err
	}
	if broken > 0 {
		return exit(exitUsage, fmt.Errorf("load strategies: %d could be read; nothing was proposed", len(list)))
	}
	p := &proposal{Hosts: b.Hosts(), Days: b.Days(), Candidates: b.Candidates(catalogue, baseline.Weaknesses), Exceptions: []proposedList{}}
	pr := prover{app: app, owner: c.Owner, expires: expires, candidates: p.Candidates}
	pr.only(list)
	for _, s := range list {
		one, err := pr.prove(s)
		if err != nil {
			return err
		}
		if one != nil {
			p.Exceptions = append(p.Exceptions, *one)
		}
	}
	if err := c.count(app, p, list); err != nil {
		return err
	}
	w := bufio.NewWriter(app.Stdout)
	if c.Output == "json" {
		err = printIndented(w, p)
	} else {
		p.write(w)
	}
	return errors.Join(err, w.Flush())
}

// lastDay is the last day on which the exceptions hold.
func (c *baselineProposeCmd) lastDay() (time.Time, error) {
	const halfYear = 182
	if c.Expires == "" {
		return time.Now().UTC().AddDate(0, 0, halfYear), nil
	}
	at, err := time.Parse(time.DateOnly, c.Expires)
	if err != nil {
		return at, fmt.Errorf("read --expires: %q is not a date such as 2027-06-30", c.Expires)
	}
	if at.AddDate(0, 0, 1).Before(time.Now()) {
		return at, fmt.Errorf("read --expires: %s has passed", c.Expires)
	}
	return at, nil
}

// prover proves drafts by the validation cases of their strategies.
type prover struct {
	app        *App
	owner      string
	expires    time.Time
	candidates []baseline.Candidate // a refused draft is taken out of them
}

// prove returns the exceptions of a strategy that hide no validation case; nil
// if there are none.
func (p *prover) prove(s *strategy.Strategy) (*proposedList, error) {
	drafts := p.drafts(s.ID)
	if len(drafts) == 0 {
		return nil, nil
	}
	before, err := p.cases(s)
	if err != nil {
		return nil, err
	}
	hidden, err := p.hides(s, drafts, before)
	if err != nil {
		return nil, err
	}
	if hidden != "" { // which of them does it?
		var kept []baseline.Draft
		for _, d := range drafts {
			hidden, err := p.hides(s, append(slices.Clone(kept), d), before)
			if err != nil {
				return nil, err
			}
			if hidden == "" {
				kept = append(kept, d)
			} else {
				p.refuse(d, hidden)
			}
		}
		drafts = kept
	}
	if len(drafts) == 0 {
		return nil, nil
	}
	yaml := baseline.YAML(drafts, p.owner, p.expires)
	with, problems, err := baseline.Attach(s, yaml)
	if err != nil {
		return nil, err
	}
	out := &proposedList{Strategy: s.ID, Path: s.Source.Path, YAML: string(yaml), Warnings: []string{}, with: with}
	for _, q := range problems {
		out.Warnings = append(out.Warnings, q.Msg)
	}
	return out, nil
}

// only takes out the drafts for strategies that are not loaded: nothing can
// prove them.
func (p *prover) only(list []*strategy.Strategy) {
	for i := range p.candidates {
		g := &p.candidates[i]
		missing := map[string]int{}
		g.Drafts = slices.DeleteFunc(g.Drafts, func(d baseline.Draft) bool {
			loaded := slices.ContainsFunc(list, func(s *strategy.Strategy) bool { return s.ID == d.Strategy })
			if !loaded {
				missing[d.Strategy]++
			}
			return !loaded
		})
		for _, id := range sortedNames(missing) {
			g.Warnings = append(g.Warnings, "the strategy "+id+" is not loaded: its alerts stay")
		}
		if len(missing) > 0 && len(g.Drafts) == 0 {
			g.Refused = append(g.Refused, "no strategy that alerted on it is loaded")
		}
	}
}

// drafts are those of all candidates for one strategy.
func (p *prover) drafts(id string) []baseline.Draft {
	var out []baseline.Draft
	for i := range p.candidates {
		for _, d := range p.candidates[i].Drafts {
			if d.Strategy == id {
				out = append(out, d)
			}
		}
	}
	return out
}

// refuse takes a draft out of its candidate and says why.
func (p *prover) refuse(d baseline.Draft, hidden string) {
	for i := range p.candidates {
		g := &p.candidates[i]
		n := len(g.Drafts)
		g.Drafts = slices.DeleteFunc(g.Drafts, func(x baseline.Draft) bool { return x == d })
		if len(g.Drafts) < n {
			g.Refused = append(g.Refused, fmt.Sprintf("an exception for %s would hide the validation case %s", d.Strategy, hidden))
		}
	}
}

// cases counts the alerts of each case that must alert.
func (p *prover) cases(s *strategy.Strategy) (map[string]int, error) {
	r, err := validate.Run(p.app.Ctx, []*strategy.Strategy{s}, validate.Options{})
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for i := range r.Strategies {
		for _, proof := range r.Strategies[i].Proofs {
			if proof.Kind == string(strategy.Alert) {
				out[proof.Case+" "+proof.Shape] = proof.Alerts
			}
		}
	}
	return out, nil
}

// hides names a case that gives fewer alerts with the exceptions, "" if none does.
func (p *prover) hides(s *strategy.Strategy, drafts []baseline.Draft, before map[string]int) (string, error) {
	with, _, err := baseline.Attach(s, baseline.YAML(drafts, p.owner, p.expires))
	if err != nil {
		return "", err
	}
	after, err := p.cases(with)
	if err != nil {
		return "", err
	}
	for _, name := range sortedNames(before) {
		if after[name] < before[name] {
			return name, nil
		}
	}
	return "", nil
}

func sortedNames(m map[string]int) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// count counts the alerts before and after: by scanning the recordings twice,
// or else those that the baseline holds.
func (c *baselineProposeCmd) count(app *App, p *proposal, list []*strategy.Strategy) error {
	if len(c.Paths) == 0 {
		p.Counted = "baseline"
		p.Alerts = p.held()
		return nil
	}
	p.Counted = "recordings"
	with := map[string]*strategy.Strategy{}
	for i := range p.Exceptions {
		with[p.Exceptions[i].Strategy] = p.Exceptions[i].with
	}
	changed := make([]*strategy.Strategy, len(list))
	for i, s := range list {
		if changed[i] = s; with[s.ID] != nil {
			changed[i] = with[s.ID]
		}
	}
	before, err := c.alerts(app, list)
	if err != nil {
		return err
	}
	after, err := c.alerts(app, changed)
	if err != nil {
		return err
	}
	for _, id := range sortedNames(before) {
		p.Alerts = append(p.Alerts, beforeAfter{id, before[id], after[id]})
	}
	return nil
}

// held counts what the baseline holds: a candidate's alerts go if it has a
// draft for their strategy.
func (p *proposal) held() []beforeAfter {
	before, after := map[string]int{}, map[string]int{}
	for i := range p.Candidates {
		g := &p.Candidates[i]
		for id, n := range g.AlertsOf() {
			before[id] += n
			if !slices.ContainsFunc(g.Drafts, func(d baseline.Draft) bool { return d.Strategy == id }) {
				after[id] += n
			}
		}
	}
	out := []beforeAfter{}
	for _, id := range sortedNames(before) {
		out = append(out, beforeAfter{id, before[id], after[id]})
	}
	return out
}

// alerts scans the recordings and counts the alerts of each strategy.
func (c *baselineProposeCmd) alerts(app *App, list []*strategy.Strategy) (map[string]int, error) {
	bare := make([]*strategy.Strategy, len(list))
	for i, s := range list { // answers are not asked for
		x := *s
		x.Context = nil
		bare[i] = &x
	}
	eng, problems := engine.New(bare, engine.Options{Now: time.Now()})
	if len(problems) > 0 {
		return nil, exit(exitUsage, problems[0])
	}
	progress := newProgress(app)
	scan := &pipeline.Scan{
		Engine: eng, Paths: c.Paths, Native: c.Native, Jobs: c.Jobs,
		Source: source.Options{Carve: c.Carve, Stdin: app.Stdin, Progress: progress.update,
			Report: func(p source.Problem) { progress.problem(p) }},
		OnProblem: progress.problem,
	}
	result, err := scan.Run(app.Ctx)
	progress.done()
	if err != nil {
		return nil, exit(exitUsage, err)
	}
	defer result.Close()
	switch {
	case result.Summary.Partial:
		return nil, exit(exitInterrupted, errors.New("count alerts: interrupted"))
	case result.Summary.Source.Unreadable > 0:
		return nil, exit(exitUsage, errors.New("count alerts: some recordings cannot be read"))
	}
	out := map[string]int{}
	for _, f := range result.Findings {
		if f.IsAlert() {
			out[f.Rule.Strategy.ID]++
		}
	}
	return out, nil
}

// write prints YAML whose comments hold the evidence.
func (p *proposal) write(w io.Writer) {
	fmt.Fprintf(w, "# Exceptions proposed from %s in %s. Read the evidence; then put each list into its\n# document, under False Positives, as a fence: ```yaml exceptions\n",
		count(p.Hosts, "host"), count(p.Days, "day"))
	for i := range p.Candidates {
		if g := &p.Candidates[i]; len(g.Drafts) > 0 {
			fmt.Fprintln(w, "#")
			writeEvidence(w, g)
		}
	}
	for i := range p.Exceptions {
		x := &p.Exceptions[i]
		fmt.Fprintf(w, "---\n# %s (%s)\n", terminal.Clean(x.Strategy), terminal.Clean(x.Path))
		for _, why := range x.Warnings {
			fmt.Fprintf(w, "# warning: %s\n", terminal.Clean(why))
		}
		fmt.Fprint(w, x.YAML)
	}
	if len(p.Exceptions) == 0 {
		fmt.Fprintln(w, "#\n# Nothing can be proposed.")
	}
	p.writeRest(w)
}

// maxRefused bounds the refusals that are printed; JSON has them all.
const maxRefused = 40

// writeRest prints what is refused, and the alerts before and after.
func (p *proposal) writeRest(w io.Writer) {
	var refused []*baseline.Candidate
	for i := range p.Candidates {
		if g := &p.Candidates[i]; len(g.Refused) > 0 {
			refused = append(refused, g)
		}
	}
	if len(refused) > 0 {
		fmt.Fprintf(w, "\n# Refused: %s\n", count(len(refused), "program"))
	}
	for i, g := range refused {
		if i == maxRefused {
			fmt.Fprintf(w, "#\n# and %d more (-o json has them)\n", len(refused)-i)
			break
		}
		fmt.Fprintln(w, "#")
		writeEvidence(w, g)
	}
	fmt.Fprintf(w, "\n# Alerts in the %s%*s%9s\n", p.Counted, 47-len(p.Counted), "before", "after")
	var before, after int
	for _, a := range p.Alerts {
		fmt.Fprintf(w, "#   %-50s %8d %8d\n", terminal.Clean(a.Strategy), a.Before, a.After)
		before, after = before+a.Before, after+a.After
	}
	fmt.Fprintf(w, "#   %-50s %8d %8d\n", "all", before, after)
}

// writeEvidence prints what is known of a candidate.
func writeEvidence(w io.Writer, g *baseline.Candidate) {
	name := terminal.Clean(g.Program)
	if g.Product != "" {
		name += "  (" + terminal.Clean(g.Product) + ")"
	}
	fmt.Fprintf(w, "# %s\n", name)
	fmt.Fprintf(w, "#   %s on %s on %s, %s to %s", count(g.Alerts, "alert"), count(g.Hosts, "host"), count(g.Days, "day"),
		g.First.Format(time.DateOnly), g.Last.Format(time.DateOnly))
	if g.Benign > 0 {
		fmt.Fprintf(w, "; %d closed as benign", g.Benign)
	}
	fmt.Fprintf(w, "\n#   from %s by %s", terminal.Clean(listed(g.Sources)), terminal.Clean(listed(g.Accounts)))
	switch {
	case g.Signer != "":
		fmt.Fprintf(w, ", %s, signed by %s", g.Signature, terminal.Clean(g.Signer))
	case g.Signature != baseline.Unknown:
		fmt.Fprintf(w, ", %s", g.Signature)
	default:
		fmt.Fprint(w, ", signature unknown")
	}
	fmt.Fprintln(w)
	for _, why := range g.Warnings {
		fmt.Fprintf(w, "#   warning: %s\n", terminal.Clean(why))
	}
	for _, why := range g.Refused {
		fmt.Fprintf(w, "#   refused: %s\n", terminal.Clean(why))
	}
}

func listed(names []string) string {
	const most = 4
	switch {
	case len(names) == 0:
		return "unknown"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
