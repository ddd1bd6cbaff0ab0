package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/tocsin-project/tocsin/strategy"
	"github.com/tocsin-project/tocsin/terminal"
	"github.com/tocsin-project/tocsin/validate"
)

// validateCmd proves strategies by their cases.
type validateCmd struct {
	documentFlags
	Output   string `short:"o" default:"table" enum:"table,json,junit" help:"Form of the report: ${enum}."`
	Evasions bool   `help:"Also change the alert cases as an attacker could, and report what slips through."`
	Shapes   bool   `default:"true" negatable:"" help:"Also play the cases' scenarios again in every form of their sensor."`
	Verbose  bool   `short:"v" help:"Print every proof, not only the red ones."`
}

// Run proves and prints. Documents that do not load end it: what they say
// cannot be proven.
func (c *validateCmd) Run(app *App) error {
	list, problems, err := c.read()
	if err != nil {
		return err
	}
	if printProblems(app, problems) {
		return exit(exitUsage, fmt.Errorf("load strategies: %d could be read; nothing was proven", len(list)))
	}
	if len(list) == 0 {
		return exit(exitUsage, fmt.Errorf("load strategies: none found"))
	}
	opt := validate.Options{Required: isShipped, Shapes: c.Shapes, Now: time.Now()}
	r, err := validate.Run(app.Ctx, list, opt)
	if err != nil {
		return err
	}
	var tried []validate.Evasion
	if c.Evasions {
		if tried, err = validate.Evade(app.Ctx, list, opt); err != nil {
			return err
		}
	}
	if err := c.print(app, r, tried); err != nil {
		return exit(exitUsage, err)
	}
	if r.Red > 0 {
		return exit(exitFindings, nil)
	}
	return nil
}

// isShipped reports a strategy of the binary: what we ship is proven.
func isShipped(s *strategy.Strategy) bool {
	_, err := fs.Stat(shipped(), s.Source.Path)
	return err == nil
}

func (c *validateCmd) print(app *App, r *validate.Report, tried []validate.Evasion) error {
	w := bufio.NewWriter(app.Stdout)
	switch c.Output {
	case "junit":
		if err := r.WriteJUnit(w); err != nil {
			return err
		}
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		whole := struct {
			*validate.Report
			Evasions []validate.Evasion `json:"evasions,omitempty"`
		}{r, tried}
		if err := enc.Encode(whole); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	default:
		p := validatePrinter{w: w, verbose: c.Verbose}
		if app.colours(app.Stdout) {
			p.green, p.red, p.yellow, p.plain = "\x1b[32m", "\x1b[1;31m", "\x1b[33m", "\x1b[0m"
		}
		p.report(r)
		p.evasions(tried)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// validatePrinter writes the report for people.
type validatePrinter struct {
	w                         io.Writer
	verbose                   bool
	green, red, yellow, plain string
}

func (p *validatePrinter) line(colour, mark, format string, args ...any) {
	end := p.plain
	if colour == "" {
		end = ""
	}
	fmt.Fprintf(p.w, "%s%-5s%s %s\n", colour, mark, end, terminal.Clean(fmt.Sprintf(format, args...)))
}

func (p *validatePrinter) report(r *validate.Report) {
	for i := range r.Strategies {
		p.strategy(&r.Strategies[i])
	}
	colour := p.green
	if r.Red > 0 {
		colour = p.red
	}
	fmt.Fprintf(p.w, "%s%s, %d red; %s, %d failed%s\n", colour, many(len(r.Strategies), "strategy", "strategies"), r.Red, count(r.Proofs, "proof"), r.Failed, p.plain)
}

func (p *validatePrinter) strategy(s *validate.Strategy) {
	alert, quiet := 0, 0
	for i := range s.Proofs {
		if s.Proofs[i].Kind == string(strategy.Alert) {
			alert++
		} else {
			quiet++
		}
	}
	what := fmt.Sprintf("%s: %d of alert, %d of quiet", count(len(s.Proofs), "proof"), alert, quiet)
	if s.Red {
		p.line(p.red, "RED", "%-40s %s", s.ID, what)
	} else {
		p.line(p.green, "ok", "%-40s %s", s.ID, what)
	}
	for _, e := range s.Errors {
		p.line(p.red, "", "  %s", e)
	}
	for _, e := range s.Warnings {
		p.line(p.yellow, "", "  not proven: %s", e)
	}
	for i := range s.Proofs {
		proof := &s.Proofs[i]
		switch {
		case !proof.Passed:
			p.line(p.red, "", "  %s", proof)
		case p.verbose:
			p.line("", "", "  %s: %s, %s", proof, proof.Kind, count(proof.Alerts, "alert"))
		}
	}
}

// evasions prints what slips through, with where the document says so.
func (p *validatePrinter) evasions(tried []validate.Evasion) {
	last, slipped := "", 0
	for i := range tried {
		e := &tried[i]
		if e.Strategy != last {
			last = e.Strategy
			fmt.Fprintf(p.w, "\nevasions of %s\n", terminal.Clean(last))
		}
		switch {
		case e.Slips == 0:
			if p.verbose {
				p.line(p.green, "held", "%-44s %d of %d cases still alert", e.Name, e.Tried, e.Tried)
			}
		case e.Admitted != "":
			slipped++
			p.line(p.yellow, "slips", "%-44s %d of %d cases; admitted: %s", e.Name, e.Slips, e.Tried, terminal.Shorten(e.Admitted, 160))
		default:
			slipped++
			p.line(p.red, "slips", "%-44s %d of %d cases; not admitted in %s", e.Name, e.Slips, e.Tried, e.Section)
		}
		if e.Slips > 0 && p.verbose {
			p.line("", "", "  %s: %s", e.Cases[0], e.Why)
		}
	}
	if len(tried) > 0 {
		fmt.Fprintf(p.w, "\n%s tried, %d slip through\n", many(len(tried), "evasion", "evasions"), slipped)
	}
}

func many(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
