package strategy

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	gmtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// block is one heading, fence or line of prose of a document, in order, with
// what the extractors need to know about where it stands.
type block struct {
	kind    blockKind
	level   int    // of a heading
	depth   int    // of list nesting; 0 is outside any list
	ordered bool   // the innermost list is numbered
	first   bool   // the first line of its list item
	para    int    // which paragraph a line of prose is in, counted likewise
	item    int    // which list item it is in, counted through the document; 0 none
	info    string // of a fence
	infoAt  int    // offset of the info string
	line    string // raw text of a heading or line of prose
	offset  int    // of the line, or of the fence's first line of content
	lines   []int  // offset of each content line of a fence
	body    string // content of a fence
	section int    // index into Strategy.Sections, -1 before the first
}

type blockKind uint8

const (
	headingBlock blockKind = iota
	fenceBlock
	proseBlock
)

// maxDepth bounds how deeply blocks of a document may nest; deeper ones are
// not looked into.
const maxDepth = 64

// parseBlocks splits Markdown into blocks. Inline markup is not parsed: it is
// only ever needed line by line, and parsing it can take quadratic time on
// hostile text.
func parseBlocks(src []byte) []block {
	p := parser.NewParser(parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers([]util.PrioritizedValue{}...))
	src = flatten(src)
	w := &blockWalk{src: src}
	w.children(p.Parse(gmtext.NewReader(src)), block{}, 0)
	return w.out
}

// flatten blanks the marks at the start of lines that open more than maxDepth
// quotes or lists at once, over which the parser takes quadratic time.
func flatten(src []byte) []byte {
	out, start := src, 0
	for line := range bytes.Lines(src) {
		marks, i := 0, 0
		for i < len(line) && bytes.IndexByte([]byte(" \t>-*+.)0123456789"), line[i]) >= 0 {
			if line[i] > ' ' && (line[i] < '0' || line[i] > '9') {
				marks++
			}
			i++
		}
		if marks > maxDepth {
			if &out[0] == &src[0] {
				out = bytes.Clone(src)
			}
			for j := range i {
				out[start+j] = ' '
			}
		}
		start += len(line)
	}
	return out
}

type blockWalk struct {
	src   []byte
	out   []block
	items int
	paras int
}

func (w *blockWalk) children(n ast.Node, at block, depth int) {
	if depth > maxDepth {
		return
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if c.Type() != ast.TypeInline {
			w.node(c, at, depth)
		}
	}
}

func (w *blockWalk) node(n ast.Node, at block, depth int) {
	switch n := n.(type) {
	case *ast.Heading:
		w.heading(n, at)
	case *ast.FencedCodeBlock:
		w.fence(n, at)
	case *ast.List:
		at.depth++
		at.ordered = n.IsOrdered()
		w.children(n, at, depth+1)
	case *ast.ListItem:
		w.items++
		at.item = w.items
		at.first = true
		w.children(n, at, depth+1)
	case *ast.Paragraph, *ast.TextBlock:
		w.prose(n, at)
	case *ast.CodeBlock, *ast.HTMLBlock:
	default:
		w.children(n, at, depth+1)
	}
}

func (w *blockWalk) heading(n *ast.Heading, at block) {
	at.kind, at.level = headingBlock, n.Level
	if n.Lines().Len() == 0 {
		return // "##" alone
	}
	seg := n.Lines().At(0)
	at.offset = seg.Start
	at.line = strings.TrimSpace(string(seg.Value(w.src)))
	w.out = append(w.out, at)
}

func (w *blockWalk) prose(n ast.Node, at block) {
	at.kind = proseBlock
	w.paras++
	at.para = w.paras
	for i := range n.Lines().Len() {
		seg := n.Lines().At(i)
		at.line = strings.TrimRight(string(seg.Value(w.src)), " \t\r\n")
		at.offset = seg.Start
		at.first = at.item > 0 && i == 0 && !w.seen(at.item)
		w.out = append(w.out, at)
	}
}

// seen says whether a list item already has a block of its own.
func (w *blockWalk) seen(item int) bool {
	return len(w.out) > 0 && w.out[len(w.out)-1].item >= item
}

func (w *blockWalk) fence(n *ast.FencedCodeBlock, at block) {
	at.kind = fenceBlock
	if n.Info != nil {
		at.info = strings.TrimSpace(string(n.Info.Segment.Value(w.src)))
		at.infoAt = n.Info.Segment.Start
	}
	var body bytes.Buffer
	for i := range n.Lines().Len() {
		seg := n.Lines().At(i)
		at.lines = append(at.lines, seg.Start)
		line := seg.Value(w.src)
		if cut, ok := bytes.CutSuffix(line, []byte("\r\n")); ok {
			line = append(bytes.Clone(cut), '\n')
		}
		body.Write(line)
	}
	at.body = body.String()
	switch {
	case len(at.lines) > 0:
		at.offset = at.lines[0]
	default:
		at.offset = at.infoAt
	}
	w.out = append(w.out, at)
}

// steps are the outermost list items among blocks that pass a test, each with
// all lines of its first paragraph, in plain text.
func steps(blocks []block, pass func(b *block) bool) []string {
	var out []string
	para := 0
	for i := range blocks {
		b := &blocks[i]
		switch {
		case b.kind != proseBlock || b.depth != 1 || !pass(b):
		case b.first:
			out = append(out, b.line)
			para = b.para
		case b.para == para:
			out[len(out)-1] += " " + strings.TrimSpace(b.line)
		}
	}
	for i := range out {
		out[i] = plain(out[i])
	}
	return out
}

// splitSections finds the ADS headings among the blocks, gives each block the
// section it belongs to, and returns the title and the sections. Sections
// stand at the level at which most of the nine are; the heading before the
// first of them is the title.
func splitSections(d *document, blocks []block) (title *block, sections []Section) {
	known := synonyms()
	level := sectionLevel(known, blocks)
	current, open := -1, 0
	for i := range blocks {
		b := &blocks[i]
		b.section = current
		if b.kind != headingBlock || b.depth > 0 {
			continue
		}
		k := kindOf(known, b.line)
		switch {
		case current < 0 && (k == Other || b.level != level):
			if title == nil {
				title = b
			}
			continue
		case b.level > level, k == Other && isSetext(d, b.offset):
			// "text" over "---" without a blank line is a heading to Markdown,
			// and to its author a paragraph and a rule
			continue
		}
		start := d.lines[d.at(b.offset).Line-1]
		if current >= 0 {
			sections[current].Markdown = trimSection(d.src[open:start])
		}
		sections = append(sections, Section{Kind: k, Heading: plain(b.line), Pos: d.at(b.offset)})
		current, open = len(sections)-1, afterHeading(d, b.offset)
		b.section = current
	}
	if current >= 0 {
		sections[current].Markdown = trimSection(d.src[open:])
	}
	return title, sections
}

// sectionLevel is the heading level at which most of the sections stand.
func sectionLevel(known map[string]SectionKind, blocks []block) int {
	var kinds [7]map[SectionKind]bool
	best := 0
	for _, b := range blocks {
		k := Other
		if b.kind == headingBlock && b.depth == 0 {
			k = kindOf(known, b.line)
		}
		if k == Other || b.level < 1 || b.level > 6 {
			continue
		}
		if kinds[b.level] == nil {
			kinds[b.level] = map[SectionKind]bool{}
		}
		kinds[b.level][k] = true
		if n := len(kinds[b.level]); best == 0 || n > len(kinds[best]) || n == len(kinds[best]) && b.level < best {
			best = b.level
		}
	}
	return best
}

// afterHeading is the offset of the line after a heading, and after the
// underline of a setext heading.
func afterHeading(d *document, offset int) int {
	line := d.at(offset).Line
	if isSetext(d, offset) {
		line++
	}
	if line >= len(d.lines) {
		return len(d.src)
	}
	return d.lines[line]
}

// isSetext says whether the heading at an offset is one by its underline.
func isSetext(d *document, offset int) bool {
	return !strings.HasPrefix(strings.TrimLeft(d.line(d.at(offset).Line), " >"), "#")
}

// trimSection drops the blank lines and the rule ("---") that set a section off.
func trimSection(b []byte) string {
	s := strings.TrimSpace(string(b))
	if cut, ok := strings.CutSuffix(s, "\n---"); ok {
		s = strings.TrimSpace(cut)
	}
	if s == "---" {
		return ""
	}
	return strings.Trim(s, "\r\n")
}
