package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
	"github.com/tocsin-project/tocsin/triage"
)

// scanCmd runs strategies over recordings.
type scanCmd struct {
	strategyFlags
	inputFlags

	Paths       []string `arg:"" optional:"" name:"path" help:"Files, folders, globs or archives; - or nothing reads standard input."`
	Output      string   `short:"o" default:"table" enum:"table,json,ndjson,csv,html" help:"Form of the report: ${enum}."`
	Since       string   `help:"Only alerts at or after this time (RFC 3339 or YYYY-MM-DD, UTC)." placeholder:"TIME"`
	Until       string   `help:"Only alerts before this time." placeholder:"TIME"`
	Host        []string `help:"Only alerts of these hosts (name, short name or id)." placeholder:"NAME"`
	MinSeverity string   `name:"min-severity" default:"low" enum:"low,medium,high,critical" help:"Only alerts at least this severe: ${enum}."`
	Jobs        int      `help:"Workers; one a core if not given." placeholder:"N"`
	All         bool     `help:"Also show what exceptions excused and suppression folded."`
	Native      bool     `default:"true" negatable:"" help:"Make up process identities for Security 5156 and 4688 that lack them."`
	ExitCode    bool     `name:"exit-code" help:"Exit with status 1 if there are alerts."`
	Timezone    string   `default:"UTC" help:"Print times in this zone." placeholder:"ZONE"`
	Admins      string   `help:"A list of known administration servers (YAML), for the answers." placeholder:"FILE"`
	Baseline    string   `help:"A baseline (tocsin baseline learn) by whose rarity risk scores move." placeholder:"FILE"`
	Lang        string   `default:"en" enum:"en,vi" help:"Language of titles and answers: ${enum}."`
}

// strategyFlags name the strategies to run.
type strategyFlags struct {
	Strategies []string `help:"A strategy file or folder; may come again. Without it, the strategies shipped in the binary." placeholder:"PATH"`
	Only       []string `help:"Only the strategies with these ids." placeholder:"ID"`
}

// inputFlags say how input is read.
type inputFlags struct {
	Carve  bool `help:"Also read EVTX records from slack space."`
	Strict bool `help:"Exit with status 2 if any input was skipped."`
}

// Run scans and prints.
func (c *scanCmd) Run(app *App) error {
	filter, err := c.filter()
	if err != nil {
		return exit(exitUsage, err)
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return exit(exitUsage, fmt.Errorf("read --timezone: %w", err))
	}
	admins, err := readAdmins(c.Admins)
	if err != nil {
		return exit(exitUsage, err)
	}
	rater, err := readRater(c.Baseline)
	if err != nil {
		return exit(exitUsage, err)
	}
	paths := inputPaths(app, c.Paths)
	if len(paths) == 0 {
		return exit(exitUsage, errors.New("read input: no path is given and nothing is piped in (try `tocsin scan FOLDER`, or `tocsin demo`)"))
	}
	eng, broken, err := c.compile(app)
	if err != nil {
		return err
	}
	progress := newProgress(app)
	scan := &pipeline.Scan{
		Engine: eng, Paths: paths, Native: c.Native, Jobs: c.Jobs, All: c.All, Keep: filter,
		Lang: c.Lang, Admins: admins, Rater: rater, Census: c.Output == "html",
		Source: source.Options{
			Carve: c.Carve, Stdin: app.Stdin, Progress: progress.update,
			Report: func(p source.Problem) { progress.problem(p) },
		},
		OnProblem: progress.problem,
	}
	result, err := scan.Run(app.Ctx)
	progress.done()
	if err != nil {
		return exit(exitUsage, err)
	}
	defer result.Close()
	if err := c.print(app, result, zone); err != nil {
		return exit(exitUsage, err)
	}
	return c.status(result, broken)
}

// readAdmins reads the list of --admins; nil if none is given.
func readAdmins(path string) (*triage.Admins, error) {
	if path == "" {
		return nil, nil
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read administration sources: %w", err)
	}
	return triage.ParseAdmins(path, src)
}

// compile loads and compiles the strategies. What is broken is printed, with
// its place, and counted; the rest runs.
func (f *strategyFlags) compile(app *App) (eng *engine.Engine, broken int, err error) {
	list, problems := f.load()
	for _, p := range problems {
		if p.Level == strategy.Error {
			broken++
			fmt.Fprint(app.Stderr, p.Render())
		}
	}
	list, err = f.only(list)
	if err != nil {
		return nil, broken, exit(exitUsage, err)
	}
	if len(list) == 0 {
		return nil, broken, exit(exitUsage, errors.New("load strategies: none found in "+strings.Join(f.Strategies, ", ")))
	}
	for _, s := range list {
		if len(s.Rules) == 0 {
			broken++
			fmt.Fprintf(app.Stderr, "%s: error: strategy %s has no rule that runs (see `tocsin strategy lint`)\n", s.Source, s.ID)
		}
	}
	eng, compileProblems := engine.New(list, engine.Options{Now: time.Now(), Questions: triage.Questions()})
	for _, p := range compileProblems {
		broken++
		fmt.Fprint(app.Stderr, p.Render())
	}
	if len(eng.Rules) == 0 {
		return nil, broken, exit(exitUsage, errors.New("load strategies: no rule compiles"))
	}
	return eng, broken, nil
}

// load reads the named strategies, or the ones that are shipped.
func (f *strategyFlags) load() ([]*strategy.Strategy, []strategy.Problem) {
	if len(f.Strategies) == 0 {
		return strategy.LoadFS(shipped())
	}
	return strategy.Load(f.Strategies)
}

// only keeps the strategies of --only.
func (f *strategyFlags) only(list []*strategy.Strategy) ([]*strategy.Strategy, error) {
	if len(f.Only) == 0 {
		return list, nil
	}
	var kept []*strategy.Strategy
	for _, id := range f.Only {
		n := len(kept)
		for _, s := range list {
			if s.ID == id {
				kept = append(kept, s)
			}
		}
		if len(kept) == n {
			return nil, fmt.Errorf("select strategy: no strategy %q, and no such file (see `tocsin strategy list`)", id)
		}
	}
	return kept, nil
}

// filter makes of --since, --until, --host and --min-severity what decides
// whether a finding is reported. It looks at alerts, not at events, so that a
// sequence that began before --since is not missed.
func (c *scanCmd) filter() (func(*pipeline.Finding) bool, error) {
	since, err := parseTimeFlag("--since", c.Since)
	if err != nil {
		return nil, err
	}
	until, err := parseTimeFlag("--until", c.Until)
	if err != nil {
		return nil, err
	}
	least := alert.SeverityRank(c.MinSeverity)
	return func(f *pipeline.Finding) bool {
		at := time.Unix(0, f.Time)
		return (since.IsZero() || !at.Before(since)) && (until.IsZero() || at.Before(until)) &&
			alert.SeverityRank(f.Severity()) >= least && (len(c.Host) == 0 || matchesHost(f, c.Host))
	}, nil
}

func parseTimeFlag(name, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("read %s: %q is not a time such as 2020-09-20T16:00:00Z or 2020-09-20", name, s)
}

func matchesHost(f *pipeline.Finding, hosts []string) bool {
	for _, h := range hosts {
		for _, name := range [...]string{f.HostID, f.HostName} {
			short, _, _ := strings.Cut(name, ".")
			if strings.EqualFold(h, name) || strings.EqualFold(h, short) {
				return true
			}
		}
	}
	return false
}

// inputPaths is standard input where no path is given and something is piped in.
func inputPaths(app *App, paths []string) []string {
	if len(paths) == 0 && !isTerminal(app.Stdin) {
		return []string{"-"}
	}
	return paths
}

// status is the exit status of a scan that ran to its end (DESIGN §6).
func (c *scanCmd) status(r *pipeline.Result, broken int) error {
	s := r.Summary.Source
	switch {
	case r.Summary.Partial:
		return exit(exitInterrupted, context.Canceled)
	case broken > 0, s.Unreadable > 0:
		return exit(exitUsage, nil)
	case c.Strict && (s.SkippedCount > 0 || s.ProblemCount > 0 || r.Summary.Bad > 0):
		return exit(exitUsage, errors.New("some input was skipped (--strict)"))
	case c.ExitCode && r.Summary.Alerts > 0:
		return exit(exitFindings, nil)
	}
	return nil
}
