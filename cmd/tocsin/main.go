// Command tocsin runs detection strategies over Windows telemetry.
//
// One file a subcommand; this one holds what they share: the list of commands,
// the streams they use and the way to an exit status.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	_ "time/tzdata" // --timezone works where the system has no database, as on Windows

	"github.com/alecthomas/kong"
)

// The exit statuses (DESIGN §6).
const (
	exitOK          = 0
	exitFindings    = 1   // alerts with --exit-code; validate red; lint errors
	exitUsage       = 2   // bad use, a rule that does not compile, unusable input
	exitInterrupted = 130 // Ctrl-C: what was found is printed
)

// cli is the command line: one field a subcommand, each in a file of its own.
type cli struct {
	Scan      scanCmd      `cmd:"" help:"Run strategies over recordings and report alerts."`
	Demo      demoCmd      `cmd:"" help:"Make an attack and scan it: the first thing to run."`
	Query     queryCmd     `cmd:"" help:"Run one EQL query over files, as Elasticsearch would."`
	Normalize NormalizeCmd `cmd:"" help:"Print recordings as the ECS events that rules see."`
	Coverage  coverageCmd  `cmd:"" help:"Say which strategies can fire on this data, and why not."`
	Explain   explainCmd   `cmd:"" help:"Say why a strategy matched or did not."`
	Strategy  StrategyCmd  `cmd:"" help:"Read, check and convert strategies."`
	Validate  validateCmd  `cmd:"" help:"Prove strategies by their cases, through the whole line."`
	Baseline  baselineCmd  `cmd:"" help:"Learn what is ordinary, rate rarity, propose exceptions."`
	Simulate  SimulateCmd  `cmd:"" help:"Make telemetry of attacks and everyday activity."`
	Bench     benchCmd     `cmd:"" help:"Measure throughput, beside plain decoding."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
}

// App is what a subcommand needs of the world.
type App struct {
	Ctx    context.Context // ended by Ctrl-C
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string

	// Columns, if not 0, says that Stdout stands for a terminal of that width
	// (the picture in the README is drawn so).
	Columns int
}

// exitError ends the program with a status. Its message, if any, is printed once.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exit returns an error that ends the program with the status; err may be nil.
func exit(status int, err error) error { return &exitError{status, err} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	app := &App{Ctx: ctx, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}
	status := run(app, os.Args[1:])
	stop()
	os.Exit(status)
}

// run is main without the process: it parses the arguments, runs the
// subcommand and returns the exit status.
func run(app *App, args []string) (status int) {
	var c cli
	done := false
	parser, err := kong.New(&c,
		kong.Name("tocsin"),
		kong.Description("Runs detection strategies: Markdown documents whose rules are EQL, over Windows telemetry."),
		kong.Writers(app.Stdout, app.Stderr),
		kong.Exit(func(s int) { done, status = true, s }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(app.Stderr, "tocsin:", err)
		return exitUsage
	}
	kctx, err := parser.Parse(usual(args))
	if done { // --help was printed
		return status
	}
	if err != nil {
		fmt.Fprintf(app.Stderr, "tocsin: %v (see `%s --help`)\n", err, commandOf(parser, args))
		return exitUsage
	}
	return statusOf(app, kctx.Run(app))
}

// usual turns other common ways to ask for help or the version into ours.
func usual(args []string) []string {
	switch {
	case len(args) == 0, len(args) == 1 && args[0] == "strategy", len(args) == 1 && args[0] == "baseline":
		return append(args, "--help")
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case args[0] == "--version":
		return []string{"version"}
	}
	return args
}

// commandOf is the command that the arguments begin with, for the hint where
// to read on.
func commandOf(parser *kong.Kong, args []string) string {
	node, name := parser.Model.Node, "tocsin"
	for _, arg := range args {
		i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == arg })
		if i < 0 {
			break
		}
		node, name = node.Children[i], name+" "+arg
	}
	return name
}

// statusOf prints an error once and returns the status it stands for.
func statusOf(app *App, err error) int {
	if err == nil {
		return exitOK
	}
	switch msg := err.Error(); {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(app.Stderr, "tocsin: interrupted; what was found until then is partial")
	case msg != "":
		fmt.Fprintln(app.Stderr, "tocsin:", msg)
	}
	var e *exitError
	if errors.As(err, &e) {
		return e.status
	}
	if errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	return exitUsage
}
