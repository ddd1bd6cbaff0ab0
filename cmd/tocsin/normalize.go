package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/terminal"
)

// NormalizeCmd prints recordings as the ECS events that rules see.
type NormalizeCmd struct {
	inputFlags

	Paths  []string `arg:"" optional:"" name:"path" help:"Files, folders, globs or archives; - or nothing reads standard input."`
	Output string   `short:"o" default:"ndjson" enum:"ndjson" help:"Form of the events: ${enum}."`
	Native bool     `help:"Make up process identities for Security 5156 and 4688 that lack them, as scan does. Without it the events are as Elastic's pipelines make them."`
	Jobs   int      `help:"Workers; one a core if not given." placeholder:"N"`
}

// Run prints the events to standard output, what could not be read to standard
// error.
func (c *NormalizeCmd) Run(app *App) error {
	paths := inputPaths(app, c.Paths)
	if len(paths) == 0 {
		return exit(exitUsage, errors.New("read input: no path given and nothing piped in"))
	}
	progress := newProgress(app)
	if isTerminal(app.Stdout) {
		progress.live = false // the events show how far it is
	}
	n := &pipeline.Normalize{
		Paths: paths, Native: c.Native, Jobs: c.Jobs,
		Source: source.Options{
			Carve: c.Carve, Stdin: app.Stdin, Progress: progress.update,
			Report: func(p source.Problem) { progress.problem(p) },
		},
		OnProblem: progress.problem,
	}
	sum, err := n.Run(app.Ctx, app.Stdout)
	progress.done()
	if err != nil {
		return exit(exitUsage, err)
	}
	remarks(app.Stderr, sum)
	switch src := sum.Source; {
	case sum.Partial:
		return exit(exitInterrupted, context.Canceled)
	case src.Unreadable > 0:
		return exit(exitUsage, nil)
	case c.Strict && (src.SkippedCount > 0 || src.ProblemCount > 0 || sum.Bad > 0):
		return exit(exitUsage, errors.New("some input was skipped (--strict)"))
	}
	return nil
}

// remarks says what did not become an event, if anything.
func remarks(w io.Writer, sum *pipeline.NormalizeSummary) {
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
