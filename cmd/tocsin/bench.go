package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/tocsin-project/tocsin/bench"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
)

// benchCmd measures throughput.
type benchCmd struct {
	strategyFlags

	Paths       []string `arg:"" optional:"" name:"path" help:"Recordings to measure with. Nothing: made-up events of Elastic Defend."`
	Generate    int      `default:"50000" help:"How many events to make up." placeholder:"N"`
	Copies      int      `default:"4" help:"Also measure that many copies of the rules, with other literals." placeholder:"N"`
	One         string   `help:"The strategy that is measured alone; the first if not given." placeholder:"ID"`
	Rounds      int      `default:"5" help:"Rounds; the best counts." placeholder:"N"`
	Limit       int64    `default:"512" help:"Documents to hold in memory, in MB." placeholder:"MB"`
	Profile     string   `help:"Choose guards by this profile." placeholder:"FILE"`
	SaveProfile string   `name:"save-profile" help:"Write how often the events hold which values, for --profile." placeholder:"FILE"`
	Output      string   `short:"o" default:"table" enum:"table,json" help:"Form of the report: ${enum}."`
}

// Run measures and prints.
func (c *benchCmd) Run(app *App) error {
	if c.Generate < 1 || c.Rounds < 1 || c.Copies < 1 || c.Limit < 1 {
		return exit(exitUsage, errors.New("read flags: --generate, --rounds, --copies and --limit must be at least 1"))
	}
	if c.One != "" {
		list, _ := c.load()
		if _, err := (&strategyFlags{Only: []string{c.One}}).only(list); err != nil {
			return exit(exitUsage, err)
		}
	}
	profile, err := c.readProfile()
	if err != nil {
		return exit(exitUsage, err)
	}
	r, err := bench.Run(app.Ctx, bench.Options{
		Paths: c.Paths, Source: source.Options{Stdin: app.Stdin}, Generate: c.Generate, Limit: c.Limit << 20,
		Load: c.list, One: c.One, Copies: c.Copies, Rounds: c.Rounds, Profile: profile, Native: true,
	})
	if err != nil {
		return exit(exitUsage, err)
	}
	if c.SaveProfile != "" {
		if err := saveProfile(c.SaveProfile, r.Profile()); err != nil {
			return exit(exitUsage, err)
		}
	}
	if c.Output == "json" {
		e := json.NewEncoder(app.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return printBench(app.Stdout, r)
}

// list loads the strategies; what is broken is left to `strategy lint`.
func (c *benchCmd) list() ([]*strategy.Strategy, error) {
	list, _ := c.load()
	list, err := c.only(list)
	if err == nil && len(list) == 0 {
		err = errors.New("load strategies: none found")
	}
	return list, err
}

func (c *benchCmd) readProfile() (*engine.Profile, error) {
	if c.Profile == "" {
		return nil, nil
	}
	f, err := os.Open(c.Profile)
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	defer f.Close()
	return engine.ReadProfile(f)
}

func saveProfile(path string, p *engine.Profile) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("save profile: %w", err)
	}
	return errors.Join(p.Write(f), f.Close())
}

func printBench(w io.Writer, r *bench.Report) error {
	fmt.Fprintf(w, "%d events, %.1f MB of documents, %s %s/%s, %d cores\n",
		r.Events, float64(r.Bytes)/1e6, r.Machine.Go, r.Machine.OS, r.Machine.Arch, r.Machine.Cores)
	fmt.Fprintf(w, "%d strategies, %d rules, %d stages: first event after %.3f s, %.1f MB; peak of the process %.1f MB\n\n",
		r.Start.Strategies, r.Start.Rules, r.Start.Stages, r.Start.Seconds, float64(r.Start.Memory)/1e6, float64(r.PeakMemory)/1e6)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "one core\tevents/s\tMB/s\tof decoding alone\tallocations/event\thits/event\t")
	for _, p := range r.Phases {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.0f %%\t%.4f\t%.3f\t\n", p.Name, p.EventsPerSecond, p.MBPerSecond, 100*p.OfDecode, p.AllocsPerEvent, p.HitsPerEvent)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	if len(r.Costliest) > 0 {
		fmt.Fprintln(w, "\ncostliest stages to verify")
	}
	t = tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, c := range r.Costliest {
		name := c.Strategy
		if c.Variant != "" {
			name += " (" + c.Variant + ")"
		}
		if c.Context != "" {
			name += ": " + c.Context
		}
		fmt.Fprintf(t, "%.1f ns/event\t%d candidates\t%d matches\tstage %d of %s\n", c.NsPerEvent, c.Candidates, c.Matches, c.Stage, name)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}
