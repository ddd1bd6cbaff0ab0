package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/simulate"
)

// SimulateCmd writes made-up telemetry.
type SimulateCmd struct {
	Names []string `arg:"" optional:"" name:"what" help:"Scenarios, or strategies whose attacks to play; see --list. Nothing: everyday activity only."`

	Source   []string      `default:"defend,sysmon,native" help:"Telemetry to write: defend, sysmon, sysmon-xml, native, native-xml, evtx (folders only), or all."`
	Seed     uint64        `default:"1" help:"The same seed gives the same bytes."`
	Start    time.Time     `default:"2026-03-02T09:00:00Z" help:"When the story begins (RFC 3339)."`
	Duration time.Duration `default:"10m" help:"How long it lasts."`
	Hosts    int           `default:"1" help:"Size of the fleet."`
	Plays    int           `default:"1" help:"How often each scenario is played."`
	Ordinary float64       `default:"0" help:"Everyday service activity per host and hour."`
	Noise    float64       `default:"0" help:"Processes, connections, logons: acts per host and minute."`
	Skew     time.Duration `default:"0s" help:"Each host's clock is off by up to that much."`
	Jitter   time.Duration `default:"0s" help:"Each event's time is off by up to that much."`
	Disorder time.Duration `default:"0s" help:"Documents change order within that time."`
	Late     float64       `default:"0" help:"Share of documents that arrive late (0 to 1)."`
	LateBy   time.Duration `default:"10m" help:"How late those are at most."`
	Limit    int           `default:"0" help:"Stop after that many documents."`
	Quiet    bool          `help:"With a strategy: play its look-alikes, not its attacks."`
	List     bool          `help:"List the scenarios and their strategies."`
	Output   string        `short:"o" default:"-" help:"A folder, for one file a source; or - for standard output."`
}

// Run writes the telemetry, or the list of scenarios.
func (c *SimulateCmd) Run(app *App) error {
	if c.List {
		return c.list(app.Stdout)
	}
	cfg, err := c.config()
	if err != nil {
		return exit(exitUsage, err)
	}
	g, err := simulate.New(cfg)
	if err != nil {
		return exit(exitUsage, err)
	}
	if c.Output == "-" {
		_, err := g.Write(app.Stdout)
		return err
	}
	return c.files(app, g)
}

func (c *SimulateCmd) config() (simulate.Config, error) {
	cfg := simulate.Config{Seed: c.Seed, Start: c.Start, Duration: c.Duration, Hosts: c.Hosts, Plays: c.Plays,
		Ordinary: c.Ordinary, Noise: c.Noise, Skew: c.Skew, Jitter: c.Jitter, Disorder: c.Disorder,
		Late: c.Late, LateBy: c.LateBy, Limit: c.Limit}
	var err error
	if cfg.Sources, err = c.sources(); err != nil {
		return cfg, err
	}
	for _, name := range c.Names {
		cfg.Scenarios = append(cfg.Scenarios, c.scenarios(name)...)
	}
	if c.Ordinary == 0 && c.Noise == 0 && len(cfg.Scenarios) == 0 {
		return cfg, errors.New("simulate nothing: name a scenario or a strategy (see --list), or give --ordinary or --noise")
	}
	return cfg, nil
}

func (c *SimulateCmd) sources() ([]simulate.Source, error) {
	var out []simulate.Source
	for _, name := range c.Source {
		if name == "all" {
			out = simulate.AllSources()
			if c.Output != "-" {
				out = append(out, simulate.EVTX)
			}
			break
		}
		s, err := simulate.ParseSource(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if c.Output != "-" {
		return out, nil
	}
	if slices.Contains(out, simulate.EVTX) {
		return nil, errors.New("write telemetry: EVTX is files, one a host and channel: name a folder with -o")
	}
	xml := func(s simulate.Source) bool { return s.Ext() == "xml" }
	json := func(s simulate.Source) bool { return !xml(s) }
	if slices.ContainsFunc(out, xml) && slices.ContainsFunc(out, json) {
		return nil, errors.New("write telemetry: XML and JSON do not share a stream: name a folder with -o, or sources of one form")
	}
	return out, nil
}

// scenarios returns the scenarios of a strategy, or the name itself.
func (c *SimulateCmd) scenarios(name string) []string {
	strategy := strings.TrimSuffix(filepath.Base(name), ".md")
	var out []string
	for _, s := range simulate.Scenarios() {
		if slices.Contains(s.Strategies, strategy) && s.Attack != c.Quiet {
			out = append(out, s.Name)
		}
	}
	if out == nil {
		return []string{name}
	}
	return out
}

func (c *SimulateCmd) files(app *App, g *simulate.Generator) error {
	if err := os.MkdirAll(c.Output, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	name := func(s simulate.Source) string { return filepath.Join(c.Output, s.String()+"."+s.Ext()) }
	var open []*os.File
	count, err := g.Split(func(s simulate.Source) (io.Writer, error) {
		f, err := os.Create(name(s))
		if err == nil {
			open = append(open, f)
		}
		return f, err
	})
	for _, f := range open {
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return err
	}
	for _, s := range simulate.AllSources() {
		if n, ok := count[s]; ok {
			fmt.Fprintf(app.Stderr, "%8d documents  %s\n", n, name(s))
		}
	}
	n, err := g.EVTX(func(computer, name string) (io.WriteCloser, error) {
		dir := filepath.Join(c.Output, "evtx", computer)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		return os.Create(filepath.Join(dir, name))
	})
	if n > 0 {
		fmt.Fprintf(app.Stderr, "%8d files      %s\n", n, filepath.Join(c.Output, "evtx"))
	}
	return err
}

func (c *SimulateCmd) list(w io.Writer) error {
	for _, s := range simulate.Scenarios() {
		kind := "quiet"
		if s.Attack {
			kind = "attack"
		}
		strategy := ""
		if len(s.Strategies) > 0 {
			strategy = s.Strategies[0]
		}
		if _, err := fmt.Fprintf(w, "%-6s  %-22s  %-36s  %s\n", kind, s.Name, strategy, s.Title); err != nil {
			return err
		}
	}
	return nil
}
