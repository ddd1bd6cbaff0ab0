package main

import (
	"io"
	"slices"
	"time"

	"github.com/tocsin-project/tocsin/coverage"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/report"
	"github.com/tocsin-project/tocsin/source"
)

// html writes the page. What strategies can see in the data is found out in a
// second pass over it.
func (c *scanCmd) html(app *App, w io.Writer, r *pipeline.Result, zone *time.Location) error {
	page := report.HTML{Lang: c.Lang, Zone: zone, Version: buildVersion()}
	if !r.Summary.Partial {
		var err error
		if page.Coverage, err = c.coverage(app); err != nil {
			return err
		}
	}
	return page.Write(w, r)
}

// coverage reads the input again; standard input cannot be, and gives nil. What
// is wrong with strategies and input has been said in the first pass.
func (c *scanCmd) coverage(app *App) (*report.Coverage, error) {
	paths := inputPaths(app, c.Paths)
	if slices.Contains(paths, "-") {
		return nil, nil
	}
	list, _ := c.load()
	list, err := c.only(list)
	if err != nil {
		return nil, err
	}
	eng, _ := engine.New(list, engine.Options{Now: time.Now()})
	progress := newProgress(app)
	defer progress.done()
	run := coverage.Coverage{Engine: eng, Strategies: list, Paths: paths, Native: c.Native, Jobs: c.Jobs,
		Source: source.Options{Carve: c.Carve, Stdin: app.Stdin, Progress: progress.update, Report: func(source.Problem) {}},
		Report: func(source.Problem) {},
	}
	found, err := run.Run(app.Ctx)
	if err != nil {
		return nil, err
	}
	titles := map[string]string{}
	for _, s := range list {
		titles[s.ID] = s.In(c.Lang).Title
	}
	return coverageOf(found, titles), nil
}

// coverageOf is what the page shows of a coverage report.
func coverageOf(found *coverage.Report, titles map[string]string) *report.Coverage {
	out := &report.Coverage{}
	for i := range found.Strategies {
		s := &found.Strategies[i]
		row := report.CoveredStrategy{ID: s.ID, Title: titles[s.ID], Covered: s.Covered, Unproven: s.Unproven, Blind: s.Blind}
		for _, v := range s.Variants {
			for _, h := range v.Hosts {
				for _, why := range h.Reasons {
					if !slices.Contains(row.Why, why) && h.Status != coverage.Covered {
						row.Why = append(row.Why, why)
					}
				}
			}
		}
		for _, a := range s.Assumptions {
			row.Assumptions = append(row.Assumptions, report.Assumption{Text: a.Text, Status: a.Status, Why: a.Why})
		}
		out.Strategies = append(out.Strategies, row)
	}
	for _, f := range found.Fixes {
		out.Fixes = append(out.Fixes, report.Fix{Do: f.Do, Why: f.Why, Hosts: len(f.Hosts), Strategies: len(f.Strategies)})
	}
	for _, h := range found.Hosts {
		for _, k := range h.Clocks {
			name := h.Name
			if name == "" {
				name = h.ID
			}
			out.Clocks = append(out.Clocks, report.Clock{Host: name, Words: k.Words})
		}
	}
	return out
}
