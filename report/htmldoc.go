package report

import (
	"bytes"
	"fmt"
	"github.com/tocsin-project/tocsin/terminal"
	"html/template"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"github.com/tocsin-project/tocsin/strategy"
)

// docView is a strategy document in the report.
type docView struct {
	Anchor, ID, Title, Severity, SeverityName string
	Risk, Alerts, Hosts, Rank                 int
	First, Last                               string
	Sections                                  []sectionView
}

type sectionView struct {
	Heading string
	HTML    template.HTML // rendered from Markdown and sanitised
}

const (
	maxSection   = 64 << 10 // bytes of Markdown; more is shown as it is, cut
	maxCodeLines = 400      // of a code block
	maxCaseLines = 6        // of one that holds recorded events
	headingBase  = 5        // level of the first heading inside a section
)

// documents renders Markdown. Raw HTML in it is left out by goldmark; what it
// makes is sanitised again, without images, so that nothing is ever loaded.
type documents struct {
	md     goldmark.Markdown
	policy *bluemonday.Policy
}

func newDocuments() *documents {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "ul", "ol", "li", "em", "strong", "del", "code", "pre", "blockquote",
		"table", "thead", "tbody", "tr", "th", "td", "h5", "h6")
	p.AllowStandardURLs()
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(false)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return &documents{md: goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough)), policy: p}
}

// sections renders the sections of a document that have anything to say.
func (d *documents) sections(s *strategy.Strategy) []sectionView {
	var out []sectionView
	for i := range s.Sections {
		sec := &s.Sections[i]
		if strings.TrimSpace(sec.Markdown) == "" {
			continue
		}
		out = append(out, sectionView{terminal.Clean(cut(sec.Heading)), d.render(sec.Markdown)})
	}
	return out
}

func (d *documents) render(markdown string) template.HTML {
	src := []byte(cleanLines(markdown))
	if len(src) > maxSection {
		return template.HTML("<pre>" + template.HTMLEscapeString(cutTo(string(src), maxSection)) + "</pre>")
	}
	doc := d.md.Parser().Parse(text.NewReader(src))
	d.shortenBlocks(doc, src)
	var out bytes.Buffer
	if err := d.md.Renderer().Render(&out, src, doc); err != nil {
		return template.HTML("<pre>" + template.HTMLEscapeString(string(src)) + "</pre>")
	}
	return template.HTML(d.policy.SanitizeBytes(out.Bytes()))
}

// shortenBlocks sets headings below those of the page and cuts long code. What
// is cut is followed by an ellipsis.
func (d *documents) shortenBlocks(doc ast.Node, src []byte) {
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function gives no error
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = headingBase
		case *ast.FencedCodeBlock:
			limit := maxCodeLines
			if strings.HasSuffix(string(n.Language(src)), "json") {
				limit = maxCaseLines
			}
			cutCode(n, limit)
		case *ast.CodeBlock:
			cutCode(n, maxCodeLines)
		}
		return ast.WalkContinue, nil
	})
}

func cutCode(n ast.Node, limit int) {
	lines := n.Lines()
	if lines.Len() <= limit {
		return
	}
	kept := text.NewSegments()
	for i := range limit {
		kept.Append(lines.At(i))
	}
	n.SetLines(kept)
	p := ast.NewParagraph()
	p.AppendChild(p, ast.NewString([]byte("…")))
	n.Parent().InsertAfter(n.Parent(), n, p)
}

// cleanLines is Clean for text of several lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		parts := strings.Split(strings.TrimSuffix(l, "\r"), "\t")
		for k := range parts {
			parts[k] = terminal.Clean(parts[k])
		}
		lines[i] = strings.Join(parts, "\t")
	}
	return strings.Join(lines, "\n")
}

// anchorOf is a fragment name for the n-th strategy.
func anchorOf(n int) string { return fmt.Sprintf("s-%d", n+1) }
