package report

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"github.com/tocsin-project/tocsin/terminal"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/census"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/strategy"
)

// HTML writes what a scan found as one self-contained page. Nothing is loaded
// from anywhere: style, script and data are in the file, and its content
// security policy allows nothing else.
//
// The page is written as it is made, one incident after another. The details of
// the first incidents, the riskiest, stand in the page; those of the others are
// packed (htmlpack.go) and unpacked when a reader opens them, so that a page of
// 10,000 alerts opens at once.
type HTML struct {
	Lang    string // "en", "vi"
	Zone    *time.Location
	Version string // of the program, for the foot of the page

	Coverage *Coverage // nil: not looked into

	docs   map[string]string // anchor of each strategy's document
	inline int               // bytes of details that are not packed
}

//go:embed html
var htmlFiles embed.FS

// How much of the page stands open to readers without JavaScript, and how many
// incidents it lists.
const (
	maxInline    = 2 << 20  // bytes of details that are not packed
	maxPacked    = 32 << 20 // bytes of packed details; what comes after is outlined
	maxIncidents = 20_000
)

// page is what goes in: a scan's result, or a test's.
type page struct {
	summary    Summary
	incidents  []pageIncident
	strategies []*strategy.Strategy
	census     *census.Census
}

// pageIncident is what the page has to know of an incident before its alerts
// are made.
type pageIncident struct {
	host, strategy, severity string
	risk, alerts             int
	at                       time.Time
	entry                    func(outline bool) (*Entry, error) // an outline has no context and no answers
}

// Write writes the page.
func (h *HTML) Write(w io.Writer, r *pipeline.Result) error {
	p := &page{summary: NewSummary(r), census: r.Census}
	seen := map[string]bool{}
	for _, in := range r.Incidents() {
		f := in.Lead
		host := f.HostName
		if host == "" {
			host = f.HostID
		}
		for _, o := range append([]*pipeline.Finding{f}, in.Others...) {
			if s := o.Rule.Strategy; !seen[s.ID] {
				seen[s.ID] = true
				p.strategies = append(p.strategies, s)
			}
		}
		p.incidents = append(p.incidents, pageIncident{host: host, strategy: f.Rule.Strategy.ID, severity: f.Severity(),
			risk: f.Risk, alerts: 1 + len(in.Others), at: time.Unix(0, f.Time).UTC(),
			entry: func(outline bool) (*Entry, error) { return entryOf(r, in, outline) }})
	}
	return h.write(w, p)
}

// entryOf makes the alerts of an incident. Context and answers are the lead's.
func entryOf(r *pipeline.Result, in pipeline.Incident, outline bool) (*Entry, error) {
	write := r.Alert
	if outline {
		write = r.Outline
	}
	lead, err := write(in.Lead)
	if err != nil {
		return nil, err
	}
	e := &Entry{Lead: lead}
	for _, f := range in.Others[:min(len(in.Others), maxOtherAlerts)] {
		a, err := r.Outline(f)
		if err != nil {
			return nil, err
		}
		e.Others = append(e.Others, a)
	}
	return e, nil
}

// htmlWriter is one page on its way out.
type htmlWriter struct {
	*HTML
	out  *bufio.Writer
	tmpl *template.Template
	w    *words
	page *page
	pack *packer

	written int // bytes of details that are not packed
}

func (h *HTML) write(out io.Writer, p *page) error {
	files, err := readFiles()
	if err != nil {
		return err
	}
	hw := &htmlWriter{HTML: h, out: bufio.NewWriterSize(out, 1<<16), w: wordsIn(h.Lang), page: p, pack: newPacker()}
	if hw.tmpl, err = template.New("page").Funcs(template.FuncMap{"tallyOf": tallyOf}).ParseFS(htmlFiles, "html/*.tmpl"); err != nil {
		return fmt.Errorf("read report template: %w", err)
	}
	if h.inline == 0 {
		h.inline = maxInline
	}
	h.number(p)
	steps := [...]func() error{
		func() error { return hw.head(files) }, hw.summary, hw.list, hw.strategies, hw.coverage,
		func() error { return hw.foot(files) }, hw.out.Flush,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	return nil
}

// number orders the incidents, the riskiest first, and gives strategies their
// anchors.
func (h *HTML) number(p *page) {
	slices.SortStableFunc(p.incidents, func(a, b pageIncident) int {
		return cmp.Or(cmp.Compare(b.risk, a.risk), cmp.Compare(alert.SeverityRank(b.severity), alert.SeverityRank(a.severity)), a.at.Compare(b.at))
	})
	slices.SortFunc(p.strategies, func(a, b *strategy.Strategy) int { return cmp.Compare(a.ID, b.ID) })
	h.docs = map[string]string{}
	for i, s := range p.strategies {
		h.docs[s.ID] = anchorOf(i)
	}
}

// htmlFileSet is style and script, whose hashes the page's policy names.
type htmlFileSet struct{ style, script string }

func readFiles() (*htmlFileSet, error) {
	style, err := htmlFiles.ReadFile("html/style.css")
	if err != nil {
		return nil, fmt.Errorf("read report style: %w", err)
	}
	script, err := htmlFiles.ReadFile("html/script.js")
	if err != nil {
		return nil, fmt.Errorf("read report script: %w", err)
	}
	return &htmlFileSet{string(style), string(script)}, nil
}

func hashSource(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// head writes what stands before the body. It is written by hand since style
// and policy must agree to the byte; nothing in it comes from the input.
func (hw *htmlWriter) head(files *htmlFileSet) error {
	policy := "default-src 'none'; style-src " + hashSource(files.style) + "; script-src " + hashSource(files.script) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
	_, err := fmt.Fprintf(hw.out, "<!doctype html>\n<html lang=%q>\n<head>\n<meta charset=\"utf-8\">\n"+
		"<meta http-equiv=\"Content-Security-Policy\" content=%q>\n"+
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"+
		"<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n<title>%s</title>\n<style>%s</style>\n</head>\n",
		hw.w.Lang, policy, template.HTMLEscapeString(hw.w.Title), files.style)
	return err
}

func (hw *htmlWriter) foot(files *htmlFileSet) error {
	if err := hw.run("foot", map[string]any{"W": hw.w, "Version": terminal.Clean(hw.Version)}); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(hw.out, "<script>%s</script>\n", files.script); err != nil {
		return err
	}
	if err := hw.pack.write(hw.out); err != nil {
		return err
	}
	_, err := io.WriteString(hw.out, "</body>\n</html>\n")
	return err
}

func (hw *htmlWriter) run(name string, data any) error {
	return hw.tmpl.ExecuteTemplate(hw.out, name, data)
}

// list writes the incidents, riskiest first. Details are written into the page
// until they fill maxInline, and packed from there on.
func (hw *htmlWriter) list() error {
	tables := hw.tables()
	if err := hw.run("list", map[string]any{"W": hw.w, "Hosts": tables.hosts, "Strategies": tables.strategies, "N": len(hw.page.incidents)}); err != nil {
		return err
	}
	shown := hw.page.incidents[:min(len(hw.page.incidents), maxIncidents)]
	outlined := 0
	for i := range shown {
		in := &shown[i]
		outline := hw.pack.size() > maxPacked
		if outline {
			outlined++
		}
		e, err := in.entry(outline)
		if err != nil {
			return err
		}
		if err := hw.entry(e, hw.row(i, in, tables), outline); err != nil {
			return err
		}
	}
	var left []string
	if outlined > 0 {
		left = append(left, fmt.Sprintf(hw.w.Outlined, number(outlined, hw.w.Lang)))
	}
	if n := len(hw.page.incidents) - len(shown); n > 0 {
		left = append(left, fmt.Sprintf(hw.w.LeftOut, number(n, hw.w.Lang)))
	}
	return hw.run("listend", map[string]any{"W": hw.w, "Left": left, "Empty": len(shown) == 0})
}

// entry writes one incident, or its line only and packs the rest.
func (hw *htmlWriter) entry(e *Entry, r *row, outline bool) error {
	r.Packed, r.Outline = hw.written > hw.inline, outline
	var pool *pool
	if r.Packed {
		pool = hw.pack.pool()
	}
	v := hw.incident(e, r, hw.w, pool)
	var body strings.Builder
	if err := hw.tmpl.ExecuteTemplate(&body, "details", v); err != nil {
		return err
	}
	html := body.String()
	if r.Packed {
		var err error
		if r.Block, r.Part, err = hw.pack.add(html); err != nil {
			return err
		}
		html = ""
	}
	hw.written += len(html)
	return hw.run("row", map[string]any{"W": hw.w, "R": r, "Body": template.HTML(html)}) // made by a template
}

// row is the line of the i-th incident, as far as it is known without its alerts.
func (hw *htmlWriter) row(i int, in *pageIncident, t *tables) *row {
	return &row{N: i + 1, Anchor: fmt.Sprintf("i%d", i+1), Severity: severityClass(in.severity), SeverityName: hw.w.severity(in.severity),
		Risk: in.risk, When: hw.clock(in.at), ISO: in.at.Format(time.RFC3339Nano), Unix: in.at.UnixMicro(),
		Host: terminal.Clean(cut(in.host)), HostAt: t.hostAt[in.host], Strategy: in.strategy, StrategyAt: t.strategyAt[in.strategy],
		Doc: hw.docs[in.strategy], Also: in.alerts - 1}
}

// strategies writes each document once.
func (hw *htmlWriter) strategies() error {
	docs := newDocuments()
	var views []docView
	for _, s := range hw.page.strategies {
		doc := s.In(hw.w.Lang)
		views = append(views, docView{Anchor: hw.docs[s.ID], ID: terminal.Clean(cut(s.ID)), Title: terminal.Clean(cut(doc.Title)),
			Severity: severityClass(string(s.Severity)), SeverityName: hw.w.severity(string(s.Severity)), Risk: s.Risk, Sections: docs.sections(doc)})
	}
	return hw.run("strategies", map[string]any{"W": hw.w, "Docs": views})
}
