package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/baseline"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
	"github.com/tocsin-project/tocsin/terminal"
)

// baselineCmd learns what is ordinary and makes use of it.
type baselineCmd struct {
	Learn     baselineLearnCmd     `cmd:"" help:"Learn from recordings what is ordinary."`
	Show      baselineShowCmd      `cmd:"" help:"Show what was learnt."`
	Close     baselineCloseCmd     `cmd:"" help:"Record that an alert was benign or malicious."`
	Propose   baselineProposeCmd   `cmd:"" help:"Propose exceptions for ordinary administration."`
	Catalogue baselineCatalogueCmd `cmd:"" help:"List the administration software that is known."`
}

// baselineFlag names the file.
type baselineFlag struct {
	Baseline string `short:"b" required:"" help:"The baseline's file." placeholder:"FILE"`
}

// baselineLearnCmd learns.
type baselineLearnCmd struct {
	baselineFlag
	inputFlags
	Strategies []string `help:"A strategy file or folder whose alerts are held too, beside those of the strategies shipped in the binary; may come again." placeholder:"PATH"`
	Paths      []string `arg:"" optional:"" name:"path" help:"Files, folders, globs or archives; - or nothing reads standard input."`
	Keep       int      `default:"90" help:"Forget what is older than so many days before the newest event." placeholder:"DAYS"`
	Jobs       int      `help:"Workers; one a core if not given." placeholder:"N"`
	Native     bool     `default:"true" negatable:"" help:"Make up process identities for Security 5156 and 4688 that lack them."`
}

// Run scans with all strategies, so that what alerts is known, and with the
// flagship's rule without its list of known programs.
func (c *baselineLearnCmd) Run(app *App) error {
	if c.Keep < 1 {
		return exit(exitUsage, fmt.Errorf("read --keep: %d days, want at least 1", c.Keep))
	}
	if len(inputPaths(app, c.Paths)) == 0 {
		return exit(exitUsage, errors.New("read input: no path is given and nothing is piped in"))
	}
	b, err := openBaseline(c.Baseline)
	if err != nil {
		return exit(exitUsage, err)
	}
	flags := strategyFlags{Strategies: c.Strategies}
	list, broken, err := flags.whole(app)
	if err != nil {
		return err
	}
	if len(c.Strategies) > 0 {
		list = withShipped(list)
	}
	if broken > 0 { // what it would have alerted on would be learnt as ordinary
		return exit(exitUsage, fmt.Errorf("learn baseline: %d strategies do not load, and what they would alert on would be learnt as ordinary", broken))
	}
	h, sum, err := c.history(app, list)
	if err != nil {
		return err
	}
	n, err := b.Learn(h)
	if err != nil {
		return exit(exitUsage, err)
	}
	oldStarts, oldAlerts := b.Forget(b.To.AddDate(0, 0, -c.Keep))
	if err := b.Write(c.Baseline); err != nil {
		return exit(exitUsage, err)
	}
	fmt.Fprintf(app.Stdout, "%s from %s in %s\n", count(sum.Events, "event"), count(len(h.Hosts), "host"), count(sum.Source.Files, "file"))
	fmt.Fprintf(app.Stdout, "  %6d starts learnt\n  %6d alerted and are held until closed (tocsin baseline close)\n", n.Quiet, n.Held)
	if n.Beside > 0 {
		fmt.Fprintf(app.Stdout, "  %6d starts left out: their host alerted within ten minutes of them\n", n.Beside)
	}
	if oldStarts+oldAlerts > 0 {
		fmt.Fprintf(app.Stdout, "  %6d starts and alerts forgotten: older than %s before the newest event (--keep)\n", oldStarts+oldAlerts, count(c.Keep, "day"))
	}
	fmt.Fprintf(app.Stdout, "%s: %s, %s, %s to %s\n", terminal.Clean(c.Baseline), count(b.Hosts(), "host"), count(b.Days(), "day"),
		b.From.Format(time.DateOnly), b.To.Format(time.DateOnly))
	if c.Strict && (sum.Source.SkippedCount > 0 || sum.Source.ProblemCount > 0 || sum.Bad > 0) {
		return exit(exitUsage, errors.New("some input was skipped (--strict)"))
	}
	return nil
}

// history is what one scan of the paths gives to learn from.
func (c *baselineLearnCmd) history(app *App, list []*strategy.Strategy) (*baseline.History, *pipeline.Summary, error) {
	learners, err := baseline.Learners(list)
	if err != nil {
		return nil, nil, exit(exitUsage, err)
	}
	eng, problems := engine.New(learners, engine.Options{Now: time.Now()})
	for _, p := range problems {
		fmt.Fprintln(app.Stderr, p.Error())
	}
	if len(problems) > 0 {
		return nil, nil, exit(exitUsage, fmt.Errorf("learn baseline: %d rules do not compile, and what they would alert on would be learnt as ordinary", len(problems)))
	}
	progress := newProgress(app)
	scan := &pipeline.Scan{
		Engine: eng, Paths: inputPaths(app, c.Paths), Native: c.Native, Jobs: c.Jobs, Sight: true,
		Source: source.Options{Carve: c.Carve, Stdin: app.Stdin, Progress: progress.update,
			Report: func(p source.Problem) { progress.problem(p) }},
		OnProblem: progress.problem,
	}
	result, err := scan.Run(app.Ctx)
	progress.done()
	if err != nil {
		return nil, nil, exit(exitUsage, err)
	}
	defer result.Close()
	switch {
	case result.Summary.Partial:
		return nil, nil, exit(exitInterrupted, errors.New("learn baseline: interrupted; nothing was written"))
	case result.Summary.Source.Unreadable > 0:
		return nil, nil, exit(exitUsage, errors.New("learn baseline: some input cannot be read; nothing was written"))
	case result.Summary.Events == 0:
		return nil, nil, exit(exitUsage, errors.New("learn baseline: there are no events; nothing was written"))
	}
	h := &baseline.History{}
	if h.Sightings, err = result.Sightings(); err != nil {
		return nil, nil, err
	}
	h.From, h.To, h.Hosts = result.Arrived()
	for _, s := range list {
		h.Strategies = append(h.Strategies, s.ID)
	}
	return h, &result.Summary, nil
}

// withShipped adds the shipped strategies to others: what only they would alert
// on must not be learnt as ordinary either.
func withShipped(list []*strategy.Strategy) []*strategy.Strategy {
	own, _ := strategy.LoadFS(shipped())
	for _, s := range own {
		if !slices.ContainsFunc(list, func(x *strategy.Strategy) bool { return x.ID == s.ID }) {
			list = append(list, s)
		}
	}
	return list
}

// openBaseline reads the file, or starts anew where there is none.
func openBaseline(path string) (*baseline.Baseline, error) {
	b, err := baseline.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return baseline.New(), nil
	}
	return b, err
}

// whole loads the strategies and prints what is wrong with them.
func (f *strategyFlags) whole(app *App) (list []*strategy.Strategy, broken int, err error) {
	list, problems := f.load()
	for _, p := range problems {
		if p.Level == strategy.Error {
			broken++
			fmt.Fprintln(app.Stderr, p.Render())
		}
	}
	if len(list) == 0 {
		return nil, broken, exit(exitUsage, errors.New("load strategies: none found in "+strings.Join(f.Strategies, ", ")))
	}
	return list, broken, nil
}

// baselineShowCmd lists what was learnt.
type baselineShowCmd struct {
	baselineFlag
	Output string `short:"o" default:"table" enum:"table,json" help:"Form of the list: ${enum}."`
	State  string `default:"all" enum:"all,ordinary,young,held,benign,malicious" help:"Only what is: ${enum}."`
}

// Run prints.
func (c *baselineShowCmd) Run(app *App) error {
	b, err := baseline.Read(c.Baseline)
	if err != nil {
		return exit(exitUsage, err)
	}
	catalogue, err := baseline.NewCatalogue()
	if err != nil {
		return err
	}
	rows := []baseline.Row{}
	for _, r := range b.Rows(catalogue) {
		if c.State == "all" || r.State == c.State {
			rows = append(rows, r)
		}
	}
	w := bufio.NewWriter(app.Stdout)
	if c.Output == "json" {
		err = printIndented(w, map[string]any{"hosts": b.Hosts(), "days": b.Days(), "from": b.From, "to": b.To, "strategies": b.Strategies, "rows": rows})
	} else {
		showBaseline(w, b, rows, columns(app.Stdout))
	}
	return errors.Join(err, w.Flush())
}

func printIndented(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	return nil
}

func showBaseline(w io.Writer, b *baseline.Baseline, rows []baseline.Row, width int) {
	fmt.Fprintf(w, "%s in %s, %s to %s\n", count(b.Hosts(), "host"), count(b.Days(), "day"), b.From.Format(time.DateOnly), b.To.Format(time.DateOnly))
	if len(rows) == 0 {
		fmt.Fprintln(w, "nothing to show")
		return
	}
	fmt.Fprintf(w, "%-9s  %5s  %4s  %6s  %-10s  %-10s  %-15s  %-22s  %s\n", "STATE", "HOSTS", "DAYS", "STARTS", "FIRST", "LAST", "SOURCE", "ACCOUNT", "PROGRAM")
	for i := range rows {
		r := &rows[i]
		name := r.Program
		switch {
		case r.Product != "":
			name += "  (" + r.Product + ")"
		case r.Signer != "":
			name += "  (signed by " + r.Signer + ")"
		}
		line := fmt.Sprintf("%-9s  %5d  %4d  %6d  %-10s  %-10s  %-15s  %-22s  %s", r.State, r.Hosts, r.Days, r.Starts,
			r.First.Format(time.DateOnly), r.Last.Format(time.DateOnly), orDash(terminal.Clean(r.Source)), orDash(terminal.Clean(r.Account)), terminal.Clean(name))
		if width > 0 {
			line = terminal.Shorten(line, width)
		}
		fmt.Fprintln(w, line)
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// baselineCloseCmd records a verdict.
type baselineCloseCmd struct {
	baselineFlag
	IDs       []string `arg:"" name:"id" help:"Ids of alerts or incidents, or their beginnings (8 characters or more); - reads them from standard input, one a line."`
	Benign    bool     `xor:"verdict" required:"" help:"It was ordinary; it counts as such from now on."`
	Malicious bool     `xor:"verdict" required:"" help:"It was an attack: its program and source are never ordinary."`
	By        string   `required:"" help:"Who says so." placeholder:"NAME"`
	Reason    string   `required:"" help:"Why." placeholder:"TEXT"`
}

// Run closes all of the alerts or none.
func (c *baselineCloseCmd) Run(app *App) error {
	b, err := baseline.Read(c.Baseline)
	if err != nil {
		return exit(exitUsage, err)
	}
	ids, err := readIDs(app.Stdin, c.IDs)
	if err != nil {
		return exit(exitUsage, err)
	}
	v := baseline.Verdict{Benign: c.Benign, By: c.By, Reason: c.Reason, At: time.Now()}
	for _, id := range ids {
		h, err := b.Close(id, v)
		if err != nil {
			return exit(exitUsage, err)
		}
		word := "benign"
		if !c.Benign {
			word = "malicious"
		}
		fmt.Fprintf(app.Stdout, "%s %s: %s on %s, %s\n", h.Incident, word, terminal.Clean(h.Program), terminal.Clean(h.Host), h.At.Format(time.DateTime))
	}
	if err := b.Write(c.Baseline); err != nil {
		return exit(exitUsage, err)
	}
	return nil
}

// readIDs puts the lines of standard input in the place of "-".
func readIDs(stdin io.Reader, list []string) ([]string, error) {
	var out []string
	for _, id := range list {
		if id != "-" {
			out = append(out, id)
			continue
		}
		lines := bufio.NewScanner(stdin)
		for lines.Scan() {
			if line := strings.TrimSpace(lines.Text()); line != "" {
				out = append(out, line)
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("read ids: %w", err)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("read ids: there are none")
	}
	return out, nil
}

// baselineCatalogueCmd lists the catalogue.
type baselineCatalogueCmd struct {
	Output string `short:"o" default:"table" enum:"table,json" help:"Form of the list: ${enum}."`
}

// Run prints.
func (c *baselineCatalogueCmd) Run(app *App) error {
	catalogue, err := baseline.NewCatalogue()
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return printIndented(app.Stdout, catalogue.Products)
	}
	w := bufio.NewWriter(app.Stdout)
	for _, p := range catalogue.Products {
		mark := " "
		if !p.Confirmed {
			mark = "?"
		}
		fmt.Fprintf(w, "%s %-46s  %-20s  %-36s  %s\n", mark, p.Product, p.Vendor, orDash(p.Service), strings.Join(p.Paths, ", "))
	}
	fmt.Fprintf(w, "%s; ? marks those whose path and service are not confirmed by the source (-o json shows it)\n", count(len(catalogue.Products), "program"))
	return w.Flush()
}

// readRater reads the baseline of scan --baseline; nil if none is given.
func readRater(path string) (*baseline.Rater, error) {
	if path == "" {
		return nil, nil
	}
	b, err := baseline.Read(path)
	if err != nil {
		return nil, err
	}
	return b.Rater(), nil
}
