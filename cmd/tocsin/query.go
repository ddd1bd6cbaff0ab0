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

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/query"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/terminal"
)

// queryCmd runs one EQL statement over recordings.
type queryCmd struct {
	EQL   string   `arg:"" name:"eql" help:"The query, or @FILE to read it from a file."`
	Paths []string `arg:"" optional:"" name:"path" help:"Files, folders, globs or archives; - or nothing reads standard input."`

	Output             string `short:"o" default:"table" enum:"table,json,ndjson" help:"Form of the results: ${enum}; json is that of Elasticsearch's _eql/search."`
	Mapping            string `help:"Types of fields, as an Elasticsearch mapping; documents are then read as they stand." placeholder:"FILE"`
	TimestampField     string `name:"timestamp-field" default:"@timestamp" help:"Field that orders events."`
	EventCategoryField string `name:"event-category-field" default:"event.category" help:"Field of the event category."`
	TiebreakerField    string `name:"tiebreaker-field" help:"Field that orders events of one time; else the order of the input." placeholder:"FIELD"`
	Size               int    `default:"10" help:"Most results."`
	ResultPosition     string `name:"result-position" default:"tail" enum:"tail,head" help:"Which results to keep, the last or the first: ${enum}."`
	MaxSamplesPerKey   int    `name:"max-samples-per-key" default:"1" help:"Most samples of one join key."`
	Native             bool   `help:"Make up process identities for Security 5156 and 4688 that lack them, as scan does."`
	Strict             bool   `help:"Exit with status 2 if any input was skipped."`
	Timezone           string `default:"UTC" help:"Print the table's times in this zone." placeholder:"ZONE"`
}

// Run searches and prints.
func (c *queryCmd) Run(app *App) error {
	start := time.Now()
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return exit(exitUsage, fmt.Errorf("read --timezone: %w", err))
	}
	if c.Size < 0 || c.MaxSamplesPerKey < 1 {
		return exit(exitUsage, errors.New("read flags: --size must be at least 0 and --max-samples-per-key at least 1"))
	}
	paths := inputPaths(app, c.Paths)
	if len(paths) == 0 {
		return exit(exitUsage, errors.New("read input: no path is given and nothing is piped in"))
	}
	progress := newProgress(app)
	input := source.Options{Stdin: pipeline.Interruptible(app.Ctx, app.Stdin), Progress: progress.update}
	options, release, err := c.options(app.Ctx, paths, &input)
	defer release()
	if errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		return exit(exitUsage, err)
	}
	q, err := c.compile(app, options)
	if err != nil {
		return err
	}
	result, err := q.Run(app.Ctx, paths, query.Input{Options: input, Problem: progress.problem})
	progress.done()
	if err != nil {
		return exit(exitUsage, err)
	}
	for _, s := range result.Source.Skipped {
		if s.Expected {
			fmt.Fprintf(app.Stderr, "tocsin: %s: %s\n", terminal.Clean(s.Path), terminal.Clean(s.Reason))
		}
	}
	if err := c.print(app, result, zone, time.Since(start)); err != nil {
		return exit(exitUsage, err)
	}
	return c.status(result)
}

// options reads the mapping, if one is given, and lets it learn the fields that
// it does not list from the documents, as Elasticsearch would have. Standard
// input is copied on the way, for the search to read it again. release gives the
// copy up.
func (c *queryCmd) options(ctx context.Context, paths []string, input *source.Options) (o query.Options, release func(), err error) {
	release = func() {}
	o = query.Options{
		TimestampField: c.TimestampField, EventCategoryField: c.EventCategoryField, TiebreakerField: c.TiebreakerField,
		Size: c.Size, Head: c.ResultPosition == "head", MaxSamplesPerKey: c.MaxSamplesPerKey, Native: c.Native,
	}
	if c.Mapping == "" {
		return o, release, nil
	}
	text, err := os.ReadFile(c.Mapping)
	if err != nil {
		return o, release, fmt.Errorf("read mapping: %w", err)
	}
	if o.Mapping, err = event.MappingTypes(text); err != nil {
		return o, release, fmt.Errorf("%s: %w", c.Mapping, err)
	}
	first := *input
	stdin, err := os.CreateTemp("", "tocsin-stdin-*")
	if err != nil {
		return o, release, fmt.Errorf("copy standard input: %w", err)
	}
	release = func() {
		stdin.Close()
		os.Remove(stdin.Name())
	}
	first.Stdin, input.Stdin = io.TeeReader(first.Stdin, stdin), stdin
	if err := query.Learn(ctx, o.Mapping, paths, first); err != nil {
		return o, release, err
	}
	if _, err := stdin.Seek(0, io.SeekStart); err != nil {
		return o, release, fmt.Errorf("copy standard input: %w", err)
	}
	return o, release, nil
}

// compile reads the query; its faults are printed with their places.
func (c *queryCmd) compile(app *App, o query.Options) (*query.Query, error) {
	text, file := c.EQL, ""
	if name, ok := strings.CutPrefix(text, "@"); ok {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, exit(exitUsage, fmt.Errorf("read query: %w", err))
		}
		text, file = string(b), name
	}
	q, err := query.Compile(text, o)
	var faults eql.ErrorList
	if errors.As(err, &faults) {
		fmt.Fprint(app.Stderr, faults.Render(file, 0))
		return nil, exit(exitUsage, nil)
	}
	if err != nil {
		return nil, exit(exitUsage, err)
	}
	return q, nil
}

func (c *queryCmd) print(app *App, r *query.Result, zone *time.Location, took time.Duration) error {
	switch c.Output {
	case "json":
		return r.WriteJSON(app.Stdout, took)
	case "ndjson":
		if err := r.WriteNDJSON(app.Stdout); err != nil {
			return err
		}
		return c.summary(app.Stderr, r)
	}
	w := bufio.NewWriter(app.Stdout)
	t := resultTable{w: w, color: app.colours(app.Stdout), width: columns(app.Stdout), zone: zone}
	t.write(r)
	if err := c.summary(w, r); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// summary says in a line what went in and what came out.
func (c *queryCmd) summary(w io.Writer, r *query.Result) error {
	noun, shown := "event", len(r.Events)
	if r.Kind != eql.Event {
		noun, shown = r.Kind.String(), len(r.Sequences)
	}
	line := fmt.Sprintf("%s from %s in %s", count(r.Total, noun), count(r.Documents, "document"), count(r.Source.Files, "file"))
	if shown < r.Total {
		line = fmt.Sprintf("%d of %s", shown, line)
	}
	if r.NotEvents > 0 {
		line += fmt.Sprintf(", %d not an event", r.NotEvents)
	}
	if n := r.Bad + r.Source.ProblemCount + r.Source.SkippedCount; n > 0 {
		line += fmt.Sprintf(", %d skipped", n)
	}
	if r.Partial {
		line += "; interrupted, so only a part"
	}
	if _, err := fmt.Fprintln(w, line); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// status is the exit status of a search that ran to its end (DESIGN §6).
func (c *queryCmd) status(r *query.Result) error {
	s := r.Source
	switch {
	case r.Partial:
		return exit(exitInterrupted, context.Canceled)
	case s.Unreadable > 0:
		return exit(exitUsage, nil)
	case c.Strict && (s.SkippedCount > 0 || s.ProblemCount > 0 || r.Bad > 0):
		return exit(exitUsage, errors.New("some input was skipped (--strict)"))
	}
	return nil
}

// resultTable prints results for people: one line an event, sequences with a
// line of their join keys above.
type resultTable struct {
	w     io.Writer
	color bool
	width int // 0 is unlimited
	zone  *time.Location
}

func (t *resultTable) write(r *query.Result) {
	for i := range r.Events {
		t.event("", &r.Events[i])
	}
	for i := range r.Sequences {
		s := &r.Sequences[i]
		keys := make([]string, len(s.JoinKeys))
		for k, v := range s.JoinKeys {
			keys[k] = terminal.Clean(s.KeyText(v))
		}
		head := fmt.Sprintf("%s %d", r.Kind, i+1)
		if t.color {
			head = "\x1b[1m" + head + "\x1b[0m"
		}
		if len(keys) > 0 {
			head += "  by " + strings.Join(keys, ", ")
		}
		fmt.Fprintln(t.w, head)
		for k := range s.Events {
			t.event(fmt.Sprintf("  %d  ", k+1), &s.Events[k])
		}
	}
}

// event prints when, what happened, and the document's id.
func (t *resultTable) event(indent string, e *query.Event) {
	if e.Missing {
		fmt.Fprintf(t.w, "%s(missing, as the query asks)\n", indent)
		return
	}
	at := "(no time)"
	if e.HasTime {
		at = time.Unix(0, e.Time).In(t.zone).Format("2006-01-02T15:04:05.000Z07:00")
	}
	view := alert.NewView(e.Source)
	text := view.Describe()
	if text == "" {
		text = string(e.Source)
	} else if host := view.First("host.name", "host.hostname", "host.id"); host != "" {
		text = host + "  " + text
	}
	line := indent + at + "  " + terminal.Clean(e.ID) + "  " + terminal.Clean(text)
	if t.width > 0 {
		line = terminal.Shorten(line, t.width)
	}
	fmt.Fprintln(t.w, line)
}
