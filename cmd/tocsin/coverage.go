package main

import (
	"bufio"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-project/tocsin/coverage"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
	"github.com/tocsin-project/tocsin/terminal"
)

// coverageCmd says which strategies can fire on data, and why not.
type coverageCmd struct {
	strategyFlags
	inputFlags

	Paths  []string `arg:"" optional:"" name:"path" help:"Files, folders, globs or archives; - or nothing reads standard input."`
	Output string   `short:"o" default:"table" enum:"table,json,navigator" help:"Form of the report: ${enum}."`
	Host   []string `help:"Only events of these hosts (name, short name or id)." placeholder:"NAME"`
	All    bool     `help:"Show every host, source, stage and sentence."`
	Native bool     `default:"true" negatable:"" help:"Make up process identities for Security 5156 and 4688 that lack them."`
	Jobs   int      `help:"Workers; one a core if not given." placeholder:"N"`
}

// Run looks at every event and prints what strategies can do with them.
func (c *coverageCmd) Run(app *App) error {
	paths := inputPaths(app, c.Paths)
	if len(paths) == 0 {
		return exit(exitUsage, errors.New("read input: no path given and nothing piped in"))
	}
	list, broken, err := c.selected(app)
	if err != nil {
		return err
	}
	eng, problems := engine.New(list, engine.Options{Now: time.Now()})
	for _, p := range problems {
		broken++
		fmt.Fprintln(app.Stderr, p.Error())
	}
	progress := newProgress(app)
	run := coverage.Coverage{
		Engine: eng, Strategies: list, Paths: paths, Native: c.Native, Jobs: c.Jobs,
		Source: source.Options{
			Carve: c.Carve, Stdin: app.Stdin, Progress: progress.update,
			Report: func(p source.Problem) { progress.problem(p) },
		},
		Report: progress.problem,
	}
	if len(c.Host) > 0 {
		run.Host = func(name string) bool { return isHost(name, c.Host) }
	}
	r, err := run.Run(app.Ctx)
	progress.done()
	if err != nil {
		return exit(exitUsage, err)
	}
	switch c.Output {
	case "json":
		err = writeJSON(app.Stdout, r)
	case "navigator":
		err = writeJSON(app.Stdout, r.Navigator())
	default:
		err = c.table(app, r)
	}
	if err != nil {
		return exit(exitUsage, fmt.Errorf("write report: %w", err))
	}
	visitRemarks(app.Stderr, r.Summary)
	return visitStatus(r.Summary, broken, c.Strict)
}

func (c *coverageCmd) table(app *App, r *coverage.Report) error {
	w := bufio.NewWriter(app.Stdout)
	t := coverage.Text{Writer: terminal.Writer{W: w, Color: app.colours(app.Stdout), Width: paper(app)}, All: c.All}
	if err := t.Write(r); err != nil {
		return err
	}
	return w.Flush()
}

// selected loads the strategies; what is broken is printed and counted.
func (c *coverageCmd) selected(app *App) ([]*strategy.Strategy, int, error) {
	list, problems := c.load()
	broken := 0
	for _, p := range problems {
		if p.Level == strategy.Error {
			broken++
			fmt.Fprintln(app.Stderr, p.Render())
		}
	}
	list, err := c.only(list)
	if err != nil {
		return nil, broken, exit(exitUsage, err)
	}
	if len(list) == 0 {
		return nil, broken, exit(exitUsage, errors.New("load strategies: none found"))
	}
	return list, broken, nil
}
