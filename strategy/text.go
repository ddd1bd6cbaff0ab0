package strategy

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Pos is a place in a file: 1-based line and column, the column in characters.
// The zero Pos is the file as a whole.
type Pos struct {
	Path      string
	Line, Col int
}

// String is "path:line:col", shorter where parts are unknown.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.Path
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.Path, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.Path, p.Line, p.Col)
}

// Level says how bad a problem is.
type Level string

// The levels. An Error means that something written is not run.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
)

// Problem is one thing wrong with a document.
type Problem struct {
	Pos   Pos
	Level Level
	Code  string // stable, kebab-case: "unknown-attack-id"
	Msg   string
	Hint  string // what would be right, "" if nothing is near
	Text  string // the line of the document, or of the query, "" if unknown

	// Of a query inside one line of JSON: line and column in the query, whose
	// line is Text. Zero for anything else.
	QueryLine, QueryCol int
}

// inQuery says where in a query that has no lines of its own the problem is.
func (p *Problem) inQuery(line, col int, text string) {
	p.QueryLine, p.QueryCol, p.Text = line, col, strings.TrimRight(text, "\r")
}

// Error is "path:line:col: message", with the hint.
func (p Problem) Error() string {
	msg := p.Msg
	if p.QueryLine > 0 {
		msg = fmt.Sprintf("query %d:%d: %s", p.QueryLine, p.QueryCol, msg)
	}
	if p.Hint != "" {
		msg += " (" + p.Hint + ")"
	}
	if at := p.Pos.String(); at != "" {
		msg = at + ": " + msg
	}
	return printableText(msg)
}

// Render is the message with its level and code, the line and a caret below.
func (p Problem) Render() string {
	var b strings.Builder
	at, caret := p.Pos.String(), p.Pos.Col
	if p.QueryLine > 0 {
		at, caret = fmt.Sprintf("%s: query %d:%d", p.Pos, p.QueryLine, p.QueryCol), p.QueryCol
	}
	fmt.Fprintf(&b, "%s: %s: %s [%s]\n", printable(at), p.Level, printableText(p.Msg), p.Code)
	if p.Text != "" && p.Pos.Line > 0 {
		line, col := clip(p.Text, caret)
		fmt.Fprintf(&b, "  %s\n", line)
		if caret > 0 {
			fmt.Fprintf(&b, "  %s^\n", caretIndent(line, col))
		}
	}
	if p.Hint != "" {
		fmt.Fprintf(&b, "  %s\n", printable(p.Hint))
	}
	return b.String()
}

// clip cuts a long line to what stands about the column; a line of an NDJSON
// export may be megabytes.
func clip(line string, col int) (string, int) {
	const width = 160
	r := []rune(line)
	if len(r) <= width {
		return printable(line), col
	}
	from := max(0, min(col-width/2, len(r)-width))
	return printable(string(r[from : from+width])), col - from
}

// printable drops control characters, so that a document cannot write to the
// terminal that shows it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) {
			return r
		}
		return '\ufffd'
	}, s)
}

// caretIndent is the white space before a caret at a column: tabs stay tabs.
func caretIndent(line string, col int) string {
	var b strings.Builder
	n := 1
	for _, r := range line {
		if n >= col {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// HasErrors says whether any of the problems is an Error.
func HasErrors(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Level == Error })
}

// sortProblems orders by file, line and column; what was found first stays first.
func sortProblems(ps []Problem) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Pos.Path, b.Pos.Path), a.Pos.Line-b.Pos.Line, a.Pos.Col-b.Pos.Col)
	})
}

// document is the text of one file and where its lines start.
type document struct {
	path  string
	src   []byte
	lines []int // offset of each line
}

func newDocument(path string, src []byte) *document {
	d := &document{path: path, src: src, lines: []int{0}}
	for i, c := range src {
		if c == '\n' && i+1 < len(src) {
			d.lines = append(d.lines, i+1)
		}
	}
	return d
}

// at turns an offset into a position.
func (d *document) at(offset int) Pos {
	offset = max(0, min(offset, len(d.src)))
	line := sort.SearchInts(d.lines, offset+1)
	return Pos{d.path, line, columnOf(d.src[d.lines[line-1]:offset])}
}

// columnOf is the 1-based column behind the start of a line. Far out in lines
// that nobody wrote by hand it counts bytes.
func columnOf(before []byte) int {
	const far = 1 << 14
	if len(before) > far {
		return utf8.RuneCount(before[:far]) + len(before) - far + 1
	}
	return utf8.RuneCount(before) + 1
}

// line is the text of a 1-based line without its end, "" if it is huge.
func (d *document) line(n int) string {
	if n < 1 || n > len(d.lines) {
		return ""
	}
	rest := d.src[d.lines[n-1]:]
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		rest = rest[:end]
	}
	if len(rest) > 1<<16 {
		return "" // nobody looks at it
	}
	return strings.TrimSuffix(string(rest), "\r")
}

// problem makes a Problem at an offset.
func (d *document) problem(level Level, code string, offset int, format string, args ...any) Problem {
	return d.problemAt(level, code, d.at(offset), format, args...)
}

// problemAt makes a Problem at a position of this document.
func (d *document) problemAt(level Level, code string, pos Pos, format string, args ...any) Problem {
	return Problem{Pos: pos, Level: level, Code: code, Msg: fmt.Sprintf(format, args...), Text: d.line(pos.Line)}
}

// text is a piece of a document that is a text of its own (the inside of a
// fence): where each of its lines stands. Lines of an indented fence start
// further right, and not all by the same.
type text struct {
	doc *document
	// starts has the offset of each line in the document. If it is shorter
	// than the text (a query inside a JSON string), all of it stands at the last.
	starts []int
	flat   bool // columns mean nothing
}

// at turns a 1-based line and column of the text into a position of the file.
func (t text) at(line, col int) Pos {
	if t.doc == nil || len(t.starts) == 0 {
		return Pos{}
	}
	i := max(0, min(line-1, len(t.starts)-1))
	p := t.doc.at(t.starts[i])
	if !t.flat {
		p.Col += max(col, 1) - 1
	}
	return p
}

// from is the rest of the text from a line and column on; lines after the
// first start at that column too, as those of a YAML block scalar do.
func (t text) from(line, col int) text {
	out := text{doc: t.doc}
	for i := max(0, line-1); i < len(t.starts); i++ {
		out.starts = append(out.starts, min(t.starts[i]+col-1, len(t.doc.src)))
	}
	return out
}

// offset turns a byte offset in the text's content into a position of the file.
func (t text) offset(content string, offset int) Pos {
	line, col, _ := lineOf(content, offset)
	return t.at(line, col)
}

// lineOf gives the 1-based line and column (in characters) of an offset, and
// the line.
func lineOf(content string, offset int) (line, col int, text string) {
	offset = max(0, min(offset, len(content)))
	start := strings.LastIndexByte(content[:offset], '\n') + 1
	text, _, _ = strings.Cut(content[start:], "\n")
	return 1 + strings.Count(content[:offset], "\n"), 1 + utf8.RuneCountInString(content[start:offset]), text
}

// macRoman holds the upper half of the Mac OS Roman character set: the
// character of each byte from 0x80 on. Source: Apple's ROMAN.TXT, table
// version c02, as published by Unicode.
const macRoman = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø" +
	"¿¡¬√ƒ≈∆«»…\u00a0ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uf8ffÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ"

// decodeText gives the UTF-8 text of a file. It undoes three kinds of damage:
// a byte order mark, UTF-16, and UTF-8 that was read as Mac Roman and written
// as UTF-8 again ("√°" for "á"). repaired is true for the last two.
func decodeText(b []byte) (out []byte, repaired bool) {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		b = b[3:]
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		return decodeUTF16(b[2:], 1), true
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		return decodeUTF16(b[2:], 0), true
	}
	table := make(map[rune]byte, 128)
	next := byte(0x80)
	for _, r := range macRoman {
		table[r] = next
		next++
	}
	r, ok := undoMacRoman(b, table)
	if !ok {
		r, ok = undoLines(b, table)
	}
	if !ok || utf8.RuneCount(b)-utf8.RuneCount(r) < minRepaired {
		return b, false
	}
	return r, true
}

// minRepaired is how many characters a repair must save. Fewer can be chance:
// a dash before a letter with an accent spells one character of UTF-8.
const minRepaired = 4

// undoLines repairs a damaged text that was edited since: line by line, if
// most lines that are not ASCII can be.
func undoLines(b []byte, table map[rune]byte) ([]byte, bool) {
	var out []byte
	good, bad := 0, 0
	for line := range bytes.Lines(b) {
		r, ok := undoMacRoman(line, table)
		switch {
		case ok:
			good++
			line = r
		case !isASCII(line):
			bad++
		}
		out = append(out, line...)
	}
	if good <= bad {
		return b, false
	}
	return out, true
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// decodeUTF16 reads pairs of bytes, of which the one at hi is the high one.
func decodeUTF16(b []byte, hi int) []byte {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = uint16(b[2*i+hi])<<8 | uint16(b[2*i+1-hi])
	}
	return []byte(string(utf16.Decode(u)))
}

// undoMacRoman maps each character back to its Mac Roman byte. That the result
// is valid UTF-8 is the proof: the letters of a text that was not damaged would
// all have to spell UTF-8 sequences.
func undoMacRoman(b []byte, table map[rune]byte) ([]byte, bool) {
	if isASCII(b) || !utf8.Valid(b) {
		return nil, false
	}
	out := make([]byte, 0, len(b))
	for _, r := range string(b) {
		if r < 0x80 {
			out = append(out, byte(r))
			continue
		}
		c, ok := table[r]
		if !ok {
			return nil, false
		}
		out = append(out, c)
	}
	if len(out) == len(b) || !utf8.Valid(out) {
		return nil, false
	}
	return out, true
}
