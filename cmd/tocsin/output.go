package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"time"

	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/report"
	"github.com/tocsin-project/tocsin/terminal"
)

// pipeWidth is how wide a line of the table is where no terminal says it: whole
// command lines are what -o json is for.
const pipeWidth = 180

// print writes what a scan found in the form that was asked for. Alerts are
// made one after another, so that their number does not matter.
func (c *scanCmd) print(app *App, r *pipeline.Result, zone *time.Location) error {
	w := bufio.NewWriterSize(app.Stdout, 1<<16)
	var err error
	switch c.Output {
	case "ndjson":
		err = eachAlert(r, json.NewEncoder(w).Encode)
	case "json":
		err = printJSON(w, r)
	case "csv":
		err = printCSV(w, r)
	case "html":
		err = c.html(app, w, r, zone)
	default:
		err = c.table(app, w, r, zone)
	}
	if flushErr := w.Flush(); err == nil {
		err = flushErr
	}
	if err == nil && c.Output != "table" && c.Output != "json" {
		err = printSummary(app.Stderr, r)
	}
	return err
}

// eachAlert gives every alert to write, by time.
func eachAlert(r *pipeline.Result, write func(any) error) error {
	for _, f := range r.Findings {
		a, err := r.Alert(f)
		if err != nil {
			return err
		}
		if err := write(a); err != nil {
			return fmt.Errorf("write alert: %w", err)
		}
	}
	return nil
}

// printJSON writes one object: {"alerts": […], "summary": {…}}.
func printJSON(w io.Writer, r *pipeline.Result) error {
	sep := "{\"alerts\":[\n"
	err := eachAlert(r, func(a any) error {
		b, err := json.Marshal(a)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s%s", sep, b)
		sep = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	if len(r.Findings) == 0 {
		fmt.Fprint(w, sep)
	}
	summary, err := json.Marshal(report.NewSummary(r))
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	_, err = fmt.Fprintf(w, "\n],\"summary\":%s}\n", summary)
	return err
}

func printCSV(w io.Writer, r *pipeline.Result) error {
	table := report.NewCSV(w)
	for _, f := range r.Findings {
		a, err := r.Alert(f)
		if err != nil {
			return err
		}
		if err := table.Write(a); err != nil {
			return err
		}
	}
	return table.Flush()
}

func (c *scanCmd) table(app *App, w io.Writer, r *pipeline.Result, zone *time.Location) error {
	t := report.Table{W: w, Color: app.colours(app.Stdout), Width: cmp.Or(app.Columns, columns(app.Stdout), pipeWidth), Zone: zone, Lang: c.Lang}
	for _, incident := range r.Incidents() {
		lead, err := r.Alert(incident.Lead)
		if err != nil {
			return err
		}
		e := report.Entry{Lead: lead}
		for _, f := range incident.Others {
			e.Also = append(e.Also, report.Also{
				Strategy: f.Rule.Strategy.ID, Variant: f.Variant, Severity: f.Severity(), RiskScore: f.Risk,
			})
		}
		if err := t.Write(&e); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	return printSummary(w, r)
}

// printSummary says in a few lines what went in and what came out.
func printSummary(w io.Writer, r *pipeline.Result) error {
	s := report.NewSummary(r)
	seconds := max(s.Seconds, 0.001)
	_, err := fmt.Fprintf(w, "%s (%s) from %s in %s, %s in %.1f s, %.0f events/s\n",
		count(s.Alerts, "alert"), count(s.Incidents, "incident"), count(s.Events, "event"), count(s.Files, "file"), size(s.Bytes), s.Seconds, float64(s.Events)/seconds)
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	names := make([]string, 0, len(s.ByStrategy))
	for name := range s.ByStrategy {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		if s.ByStrategy[names[i]] != s.ByStrategy[names[j]] {
			return s.ByStrategy[names[i]] > s.ByStrategy[names[j]]
		}
		return names[i] < names[j]
	})
	for _, name := range names {
		fmt.Fprintf(w, "  %6d  %s\n", s.ByStrategy[name], terminal.Clean(name))
	}
	for _, line := range s.Remarks() {
		fmt.Fprintf(w, "  %s\n", line)
	}
	return nil
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
