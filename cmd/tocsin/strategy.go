package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tocsin-project/tocsin/strategy"
)

// StrategyCmd holds what is done with strategies as documents.
type StrategyCmd struct {
	List   strategyListCmd   `cmd:"" help:"List strategies."`
	Show   strategyShowCmd   `cmd:"" help:"Print a strategy as text."`
	Lint   strategyLintCmd   `cmd:"" help:"Report what is wrong with strategies."`
	Fmt    strategyFmtCmd    `cmd:"" help:"Format the rules of Markdown documents."`
	New    strategyNewCmd    `cmd:"" help:"Make a document to start from."`
	Import strategyImportCmd `cmd:"" help:"Make documents of Elastic's rules."`
	Export strategyExportCmd `cmd:"" help:"Write Kibana's NDJSON, a Navigator layer, or Markdown."`
}

// documentFlags name documents by path and narrow them by id.
type documentFlags struct {
	Paths []string `arg:"" optional:"" name:"path" help:"Strategy files or folders; ids of shipped strategies. Nothing: all that are shipped."`
	strategyFlags
}

// read loads what the arguments name. Arguments that are no files are taken
// for ids of the strategies of --strategies, or of the shipped ones.
func (f *documentFlags) read() ([]*strategy.Strategy, []strategy.Problem, error) {
	var files, ids []string
	for _, p := range f.Paths {
		if _, err := os.Stat(p); err != nil && !strings.ContainsAny(p, `/\.`) {
			ids = append(ids, p)
			continue
		}
		files = append(files, p)
	}
	var list []*strategy.Strategy
	var problems []strategy.Problem
	if len(files) > 0 {
		list, problems = strategy.Load(files)
	}
	if len(ids) > 0 || len(f.Paths) == 0 {
		more, p := f.load()
		problems = append(problems, p...)
		if len(ids) > 0 {
			kept, err := (&strategyFlags{Only: ids}).only(more)
			if err != nil {
				return nil, nil, exit(exitUsage, err)
			}
			more = kept
		}
		list = append(list, more...)
	}
	list, err := f.only(list)
	if err != nil {
		return nil, nil, exit(exitUsage, err)
	}
	return list, problems, nil
}

// printProblems writes problems to standard error and says whether one is an error.
func printProblems(app *App, problems []strategy.Problem) bool {
	for _, p := range problems {
		fmt.Fprint(app.Stderr, p.Render())
	}
	return strategy.HasErrors(problems)
}

// broken is the status of a command that did its work although some
// strategies could not be read.
func broken(has bool) error {
	if has {
		return exit(exitUsage, nil)
	}
	return nil
}

type strategyListCmd struct {
	documentFlags
	Output string `short:"o" enum:"table,json" default:"table" help:"table or json."`
	Lang   string `help:"Titles in this language where there is a translation." placeholder:"LANG"`
}

// strategyRow is one strategy of `list -o json`.
type strategyRow struct {
	ID           string            `json:"id"`
	Title        string            `json:"title"`
	Version      string            `json:"version,omitempty"`
	Lang         string            `json:"lang"`
	Severity     strategy.Severity `json:"severity"`
	RiskScore    int               `json:"risk_score"`
	Threat       []threatRow       `json:"threat"`
	Variants     []string          `json:"variants"`
	Exceptions   int               `json:"exceptions"`
	Context      int               `json:"context_queries"`
	AlertCases   int               `json:"alert_cases"`
	QuietCases   int               `json:"quiet_cases"`
	Translations []string          `json:"translations"`
	RuleID       string            `json:"rule_id,omitempty"`
	Form         strategy.Form     `json:"form"`
	Source       string            `json:"source"`
}

type threatRow struct {
	Tactic    string `json:"tactic,omitempty"`
	Technique string `json:"technique,omitempty"`
}

func rowOf(s *strategy.Strategy, lang string) strategyRow {
	r := strategyRow{ID: s.ID, Title: s.In(lang).Title, Version: s.Version, Lang: s.Lang, Severity: s.Severity, RiskScore: s.Risk,
		Threat: []threatRow{}, Variants: []string{}, Exceptions: len(s.Exceptions), Context: len(s.Context), Translations: []string{},
		RuleID: s.RuleID, Form: s.Source.Form, Source: s.Source.String()}
	for _, t := range s.Threat {
		r.Threat = append(r.Threat, threatRow{t.Tactic, t.Technique})
	}
	for _, v := range s.Rules {
		r.Variants = append(r.Variants, v.Variant)
	}
	for _, c := range s.Cases {
		if c.Kind == strategy.Alert {
			r.AlertCases++
		} else {
			r.QuietCases++
		}
	}
	for l := range s.Translations {
		r.Translations = append(r.Translations, l)
	}
	slices.Sort(r.Translations)
	return r
}

// Run lists.
func (c *strategyListCmd) Run(app *App) error {
	list, problems, err := c.read()
	if err != nil {
		return err
	}
	bad := printProblems(app, problems)
	rows := make([]strategyRow, 0, len(list))
	for _, s := range list {
		rows = append(rows, rowOf(s, c.Lang))
	}
	if c.Output == "json" {
		err = writeJSON(app.Stdout, rows)
	} else {
		err = listTable(app.Stdout, rows)
	}
	if err != nil {
		return exit(exitUsage, err)
	}
	return broken(bad)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	return nil
}

func listTable(w io.Writer, rows []strategyRow) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tSEVERITY\tATT&CK\tRULES\tCASES\tTITLE")
	for _, r := range rows {
		var ids []string
		for _, th := range r.Threat {
			ids = append(ids, cmp.Or(th.Technique, th.Tactic))
		}
		slices.Sort(ids)
		fmt.Fprintf(t, "%s\t%s %d\t%s\t%d\t%d/%d\t%s\n", r.ID, r.Severity, r.RiskScore, strings.Join(slices.Compact(ids), ","), len(r.Variants), r.AlertCases, r.QuietCases, r.Title)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

type strategyShowCmd struct {
	documentFlags
	Lang   string `help:"The translation in this language, if there is one." placeholder:"LANG"`
	Output string `short:"o" enum:"text,json,markdown" default:"text" help:"text, json or markdown."`
}

// Run shows.
func (c *strategyShowCmd) Run(app *App) error {
	list, problems, err := c.read()
	if err != nil {
		return err
	}
	bad := printProblems(app, problems)
	switch c.Output {
	case "json":
		rows := make([]any, 0, len(list))
		for _, s := range list {
			rows = append(rows, detailsOf(s, c.Lang))
		}
		if err := writeJSON(app.Stdout, rows); err != nil {
			return exit(exitUsage, err)
		}
		return broken(bad)
	}
	for i, s := range list {
		if i > 0 {
			fmt.Fprintln(app.Stdout)
		}
		if c.Output == "markdown" {
			_, err = app.Stdout.Write(strategy.ExportMarkdown(s.In(c.Lang)))
		} else {
			_, err = io.WriteString(app.Stdout, strategy.Show(s, c.Lang, min(columns(app.Stdout), 100)))
		}
		if err != nil {
			return exit(exitUsage, fmt.Errorf("write strategy: %w", err))
		}
	}
	return broken(bad)
}

// strategyDetails is one strategy of `show -o json`.
type strategyDetails struct {
	strategyRow
	Sections      []sectionRow   `json:"sections"`
	Rules         []ruleRow      `json:"rules"`
	ContextRules  []contextRow   `json:"context"`
	ExceptionList []exceptionRow `json:"exception_list"`
	DataSources   []string       `json:"data_sources"`
	Index         []string       `json:"index"`
	Questions     []string       `json:"questions"`
	References    []string       `json:"references"`
}

type sectionRow struct {
	Section  string `json:"section"` // the English name, "" for a heading that is none
	Heading  string `json:"heading"`
	Markdown string `json:"markdown"`
}

type ruleRow struct {
	Variant   string            `json:"variant"`
	Line      int               `json:"line"`
	Severity  strategy.Severity `json:"severity"`
	RiskScore int               `json:"risk_score"`
	Query     string            `json:"query"`
}

type contextRow struct {
	Name     string   `json:"name"`
	Question string   `json:"question"`
	Before   string   `json:"before"`
	After    string   `json:"after"`
	By       []string `json:"by"`
	Query    string   `json:"query"`
}

type exceptionRow struct {
	Name    string `json:"name"`
	When    string `json:"when"`
	Scope   string `json:"scope"`
	Reason  string `json:"reason,omitempty"`
	Owner   string `json:"owner,omitempty"`
	Expires string `json:"expires,omitempty"`
}

func detailsOf(s *strategy.Strategy, lang string) strategyDetails {
	doc := s.In(lang)
	d := strategyDetails{strategyRow: rowOf(s, lang), DataSources: s.DataSources, Index: s.IndexPatterns, Questions: doc.Questions, References: s.References}
	for _, x := range doc.Sections {
		d.Sections = append(d.Sections, sectionRow{x.Kind.String(), x.Heading, x.Markdown})
	}
	for _, r := range s.Rules {
		d.Rules = append(d.Rules, ruleRow{r.Variant, r.Line, r.Severity, r.Risk, r.Query})
	}
	for _, q := range s.Context {
		d.ContextRules = append(d.ContextRules, contextRow{q.Name, q.Question, q.Window.Before.String(), q.Window.After.String(), q.By, q.Query})
	}
	for _, e := range s.Exceptions {
		row := exceptionRow{Name: e.Name, When: e.When, Scope: e.Scope.String(), Reason: e.Reason, Owner: e.Owner}
		if !e.Expires.IsZero() {
			row.Expires = e.Expires.Format(time.RFC3339)
		}
		d.ExceptionList = append(d.ExceptionList, row)
	}
	return d
}

type strategyLintCmd struct {
	documentFlags
	Output string `short:"o" enum:"text,json" default:"text" help:"text or json."`
	Lang   string `help:"Also ask for a translation into this language." placeholder:"LANG"`
	Quiet  bool   `short:"q" help:"Errors only."`
}

// problemRow is one finding of `lint -o json`.
type problemRow struct {
	Path    string         `json:"path"`
	Line    int            `json:"line,omitempty"`
	Col     int            `json:"column,omitempty"`
	Level   strategy.Level `json:"level"`
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Hint    string         `json:"hint,omitempty"`
}

// Run lints. Languages into which some of the documents are translated are
// asked of all of them.
func (c *strategyLintCmd) Run(app *App) error {
	list, problems, err := c.read()
	if err != nil {
		return err
	}
	opt := strategy.LintOptions{Now: time.Now()}
	if c.Lang != "" {
		opt.Translations = append(opt.Translations, c.Lang)
	}
	for _, s := range list {
		for lang := range s.Translations {
			if !slices.Contains(opt.Translations, lang) {
				opt.Translations = append(opt.Translations, lang)
			}
		}
	}
	seen := map[strategy.Problem]bool{}
	var all []strategy.Problem
	add := func(ps []strategy.Problem) {
		for _, p := range ps {
			if !seen[p] && (!c.Quiet || p.Level == strategy.Error) {
				seen[p] = true
				all = append(all, p)
			}
		}
	}
	add(problems)
	for _, s := range list {
		add(strategy.Lint(s, opt))
	}
	if err := c.print(app, all, len(list)); err != nil {
		return exit(exitUsage, err)
	}
	switch {
	case slices.ContainsFunc(problems, func(p strategy.Problem) bool { return p.Code == "unreadable" }):
		return exit(exitUsage, nil)
	case strategy.HasErrors(all):
		return exit(exitFindings, nil)
	}
	return nil
}

func (c *strategyLintCmd) print(app *App, all []strategy.Problem, n int) error {
	if c.Output == "json" {
		rows := make([]problemRow, 0, len(all))
		for _, p := range all {
			rows = append(rows, problemRow{p.Pos.Path, p.Pos.Line, p.Pos.Col, p.Level, p.Code, p.Msg, p.Hint})
		}
		return writeJSON(app.Stdout, rows)
	}
	levels := map[strategy.Level]int{}
	for _, p := range all {
		levels[p.Level]++
		if _, err := fmt.Fprintln(app.Stdout, p.Render()); err != nil {
			return fmt.Errorf("write problems: %w", err)
		}
	}
	strategies := "strategies"
	if n == 1 {
		strategies = "strategy"
	}
	fmt.Fprintf(app.Stderr, "%d %s: %s, %s, %s\n", n, strategies, count(levels[strategy.Error], "error"),
		count(levels[strategy.Warning], "warning"), count(levels[strategy.Note], "note"))
	return nil
}

type strategyFmtCmd struct {
	Paths []string `arg:"" name:"path" help:"Markdown documents, or folders of them; - is standard input."`
	Check bool     `help:"Change nothing; name what would change, with status 1."`
}

// Run formats in place, as gofmt -w does.
func (c *strategyFmtCmd) Run(app *App) error {
	changed, bad := false, false
	for _, p := range c.Paths {
		files, err := markdownFiles(p)
		if err != nil {
			return exit(exitUsage, fmt.Errorf("format strategies: %w", err))
		}
		for _, f := range files {
			was, problems, err := c.file(app, f)
			if err != nil {
				return exit(exitUsage, err)
			}
			changed = changed || was
			bad = printProblems(app, problems) || bad
		}
	}
	switch {
	case bad:
		return exit(exitUsage, nil)
	case changed && c.Check:
		return exit(exitFindings, nil)
	}
	return nil
}

func (c *strategyFmtCmd) file(app *App, name string) (changed bool, problems []strategy.Problem, err error) {
	src, err := readDocument(app, name)
	if err != nil {
		return false, nil, fmt.Errorf("format strategy: %w", err)
	}
	out, problems := strategy.Fmt(name, src)
	changed = !bytes.Equal(src, out)
	switch {
	case name == "-" && !c.Check:
		_, err = app.Stdout.Write(out)
	case changed:
		fmt.Fprintln(app.Stdout, name)
		if !c.Check {
			err = replaceFile(name, out)
		}
	}
	if err != nil {
		err = fmt.Errorf("format strategy: %w", err)
	}
	return changed, problems, err
}

func readDocument(app *App, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(app.Stdin, 1<<20))
	}
	return os.ReadFile(name)
}

// replaceFile writes beside the file and moves over it, so that no half a
// document is left behind.
func replaceFile(name string, data []byte) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".tocsin-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(info.Mode().Perm()), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

// markdownFiles are the Markdown files of a folder and those below it, or the file.
func markdownFiles(p string) ([]string, error) {
	if p == "-" {
		return []string{p}, nil
	}
	var out []string
	err := filepath.WalkDir(p, func(name string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != p && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case !d.IsDir() && (name == p || strings.EqualFold(filepath.Ext(name), ".md")):
			out = append(out, name)
		}
		return nil
	})
	return out, err
}

type strategyNewCmd struct {
	Name string `arg:"" help:"Its title, or its id."`
	Dir  string `default:"." help:"The folder to write to; - is standard output." placeholder:"DIR"`
}

// Run writes <id>.md and says where. It overwrites nothing.
func (c *strategyNewCmd) Run(app *App) error {
	doc, err := strategy.New(c.Name)
	if err != nil {
		return exit(exitUsage, err)
	}
	if c.Dir == "-" {
		_, err = app.Stdout.Write(doc)
		return err
	}
	list, _ := strategy.Parse("new.md", doc)
	name, err := writeNew(c.Dir, list[0].ID+".md", doc)
	if err != nil {
		return exit(exitUsage, fmt.Errorf("make strategy: %w", err))
	}
	fmt.Fprintln(app.Stdout, name)
	return nil
}

// writeNew writes a file that is not there yet, and makes its folder.
func writeNew(dir, base string, data []byte) (string, error) {
	name := filepath.Join(dir, base)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return name, err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return name, err
	}
	_, err = f.Write(data)
	return name, errors.Join(err, f.Close())
}

type strategyImportCmd struct {
	Paths []string `arg:"" name:"path" help:"Elastic's rules: TOML files, Kibana exports, folders of them."`
	Dir   string   `default:"." help:"The folder to write to." placeholder:"DIR"`
}

// Run writes one document a rule. It overwrites nothing.
func (c *strategyImportCmd) Run(app *App) error {
	list, problems := strategy.Load(c.Paths)
	bad := printProblems(app, problems)
	for _, s := range list {
		if s.Source.Form == strategy.ADS {
			continue
		}
		name, err := writeNew(c.Dir, s.ID+".md", strategy.ExportMarkdown(s))
		if err != nil {
			fmt.Fprintln(app.Stderr, "tocsin: import rule:", err)
			bad = true
			continue
		}
		fmt.Fprintln(app.Stdout, name)
	}
	return broken(bad)
}

type strategyExportCmd struct {
	documentFlags
	Output string `short:"o" enum:"kibana,navigator,markdown" default:"kibana" help:"kibana, navigator or markdown."`
}

// Run exports to standard output.
func (c *strategyExportCmd) Run(app *App) error {
	list, problems, err := c.read()
	if err != nil {
		return err
	}
	bad := printProblems(app, problems)
	switch c.Output {
	case "navigator":
		err = writeJSON(app.Stdout, strategy.Navigator(list))
	case "markdown":
		for _, s := range list {
			if err == nil {
				_, err = app.Stdout.Write(strategy.ExportMarkdown(s))
			}
		}
	default:
		problems, err = strategy.ExportKibana(app.Stdout, list)
		printProblems(app, problems)
	}
	if err != nil {
		return exit(exitUsage, err)
	}
	return broken(bad)
}
