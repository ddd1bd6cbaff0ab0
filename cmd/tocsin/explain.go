package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/explain"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
	"github.com/tocsin-project/tocsin/terminal"
)

// paperWidth is how wide tables for people are where no terminal says it.
const paperWidth = 100

// explainCmd says why a strategy matched or did not.
type explainCmd struct {
	inputFlags

	Strategy   string   `arg:"" help:"A strategy's id, or the path of its document."`
	Paths      []string `arg:"" optional:"" name:"path" help:"Files, folders, globs or archives; - or nothing reads standard input."`
	Strategies []string `help:"Where to look for the id; may come again. Without it, the strategies shipped in the binary." placeholder:"PATH"`
	Output     string   `short:"o" default:"table" enum:"table,json" help:"Form of the answer: ${enum}."`
	Variant    []string `help:"Only these variants of the rule; main is the first." placeholder:"NAME"`
	Host       []string `help:"Only events of these hosts (name, short name or id)." placeholder:"NAME"`
	Limit      int      `default:"5" help:"Matches and near misses shown of each variant."`
	All        bool     `help:"Show every test of every event."`
	Native     bool     `default:"true" negatable:"" help:"Make up process identities for Security 5156 and 4688 that lack them."`
	Jobs       int      `help:"Workers; one a core if not given." placeholder:"N"`
}

// Run explains and prints.
func (c *explainCmd) Run(app *App) error {
	if c.Limit < 1 {
		return exit(exitUsage, fmt.Errorf("read --limit: %d is not a positive number", c.Limit))
	}
	paths := inputPaths(app, c.Paths)
	if len(paths) == 0 {
		return exit(exitUsage, errors.New("read input: no path given and nothing piped in"))
	}
	eng, broken, err := c.compile(app)
	if err != nil {
		return err
	}
	progress := newProgress(app)
	x := explain.Explain{
		Engine: eng, Paths: paths, Native: c.Native, Jobs: c.Jobs, Limit: c.Limit,
		Source: source.Options{
			Carve: c.Carve, Stdin: app.Stdin, Progress: progress.update,
			Report: func(p source.Problem) { progress.problem(p) },
		},
		Report: progress.problem,
	}
	if len(c.Host) > 0 {
		x.Host = func(name string) bool { return isHost(name, c.Host) }
	}
	r, err := x.Run(app.Ctx)
	progress.done()
	if err != nil {
		return exit(exitUsage, err)
	}
	if c.Output == "json" {
		err = writeJSON(app.Stdout, r)
	} else {
		err = c.table(app, r)
	}
	if err != nil {
		return exit(exitUsage, fmt.Errorf("write answer: %w", err))
	}
	visitRemarks(app.Stderr, r.Summary)
	return visitStatus(r.Summary, broken, c.Strict)
}

func (c *explainCmd) table(app *App, r *explain.Report) error {
	w := bufio.NewWriter(app.Stdout)
	t := explain.Text{Writer: terminal.Writer{W: w, Color: app.colours(app.Stdout), Width: paper(app)}, All: c.All}
	if err := t.Write(r); err != nil {
		return err
	}
	return w.Flush()
}

// paper is the width of tables.
func paper(app *App) int {
	if n := columns(app.Stdout); n > 0 {
		return n
	}
	return paperWidth
}

// compile compiles the one strategy, or those of its variants that are named.
func (c *explainCmd) compile(app *App) (*engine.Engine, int, error) {
	s, err := c.find(app)
	if err != nil {
		return nil, 0, exit(exitUsage, err)
	}
	if len(c.Variant) > 0 {
		if s, err = withVariants(s, c.Variant); err != nil {
			return nil, 0, exit(exitUsage, err)
		}
	}
	eng, problems := engine.New([]*strategy.Strategy{s}, engine.Options{Now: time.Now()})
	for _, p := range problems {
		fmt.Fprint(app.Stderr, p.Render())
	}
	if len(eng.Rules) == 0 {
		return nil, 0, exit(exitUsage, fmt.Errorf("explain %s: no rule compiles", s.ID))
	}
	return eng, len(problems), nil
}

// find loads the strategy by its id, or by its path.
func (c *explainCmd) find(app *App) (*strategy.Strategy, error) {
	flags := strategyFlags{Strategies: c.Strategies, Only: []string{c.Strategy}}
	if _, err := os.Stat(c.Strategy); err == nil {
		flags = strategyFlags{Strategies: []string{c.Strategy}}
	}
	list, problems := flags.load()
	for _, p := range problems {
		if p.Level == strategy.Error && (flags.Only == nil || len(list) == 0) {
			fmt.Fprint(app.Stderr, p.Render())
		}
	}
	list, err := flags.only(list)
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, fmt.Errorf("load strategy: none in %s", c.Strategy)
	case len(list) > 1:
		ids := make([]string, len(list))
		for i, s := range list {
			ids[i] = s.ID
		}
		return nil, fmt.Errorf("load strategy: %s holds several: name one of %s, with --strategies", c.Strategy, strings.Join(ids, ", "))
	}
	return list[0], nil
}

// withVariants is the strategy with some of its rules only.
func withVariants(s *strategy.Strategy, names []string) (*strategy.Strategy, error) {
	kept := *s
	kept.Rules = nil
	for _, name := range names {
		n := len(kept.Rules)
		known := []string{}
		for _, r := range s.Rules {
			variant := r.Variant
			if variant == "" {
				variant = "main"
			}
			if variant == name {
				kept.Rules = append(kept.Rules, r)
			}
			known = append(known, variant)
		}
		if len(kept.Rules) == n {
			return nil, fmt.Errorf("select variant: no variant %q in %s, which has %s", name, s.ID, strings.Join(known, ", "))
		}
	}
	return &kept, nil
}

// isHost reports whether a host goes by one of the names.
func isHost(name string, hosts []string) bool {
	short, _, _ := strings.Cut(name, ".")
	for _, h := range hosts {
		if name != "" && (strings.EqualFold(h, name) || strings.EqualFold(h, short)) {
			return true
		}
	}
	return false
}

// visitRemarks says what did not become an event, if anything.
func visitRemarks(w io.Writer, sum *pipeline.Summary) {
	src := sum.Source
	for _, s := range src.Skipped {
		fmt.Fprintf(w, "tocsin: %s: skipped: %s\n", terminal.Clean(s.Path), terminal.Clean(s.Reason))
	}
	if n := src.SkippedCount - len(src.Skipped); n > 0 {
		fmt.Fprintf(w, "tocsin: … and %s more skipped\n", count(n, "file"))
	}
	if bad := sum.Bad + src.ProblemCount; bad > 0 || sum.NotEvents > 0 || sum.Partial {
		fmt.Fprintf(w, "tocsin: %s from %s; %d not events; %d not readable\n",
			count(sum.Events, "event"), count(src.Files, "file"), sum.NotEvents, bad)
	}
}

// visitStatus is the exit status of a command that looked at every event.
func visitStatus(sum *pipeline.Summary, broken int, strict bool) error {
	switch src := sum.Source; {
	case sum.Partial:
		return exit(exitInterrupted, context.Canceled)
	case broken > 0, src.Unreadable > 0:
		return exit(exitUsage, nil)
	case strict && (src.SkippedCount > 0 || src.ProblemCount > 0 || sum.Bad > 0):
		return exit(exitUsage, errors.New("some input was skipped (--strict)"))
	}
	return nil
}
