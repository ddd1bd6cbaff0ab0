package eql

import (
	"strings"
	"unicode/utf8"
)

// formatWidth is the width that formatted lines keep to where they can.
const formatWidth = 100

// Format lays out a statement (or a condition alone) anew and keeps its
// comments, its strings as they are written and its parentheses. What fits on
// a line stands on one. Otherwise each stage of a sequence has its own lines;
// conditions break behind and, or behind or; lists have one element a line.
// Formatting twice changes nothing. The error is an ErrorList.
func Format(text string) (string, error) {
	if _, err := Parse(text); err != nil {
		if _, cond := ParseCondition(text); cond != nil {
			return "", err
		}
	}
	l := lex(text)
	f := &formatter{}
	items := f.items(withComments(l))
	f.statement(items)
	return strings.TrimRight(f.out.String(), " \n") + "\n", nil
}

// item is a token, or a group in brackets.
type item struct {
	tok   ftoken
	group bool
	items []item
	close ftoken
}

// ftoken is a token with the comments around it.
type ftoken struct {
	token
	text  string
	lead  []string // comments before it that stand on lines of their own
	trail []string // comments behind it on its line
	tight bool     // no space before it
}

// withComments gives each comment to a token: the one before it on the same
// line, or the one behind it.
func withComments(l *lexer) []ftoken {
	out := make([]ftoken, len(l.tokens))
	for i, t := range l.tokens {
		out[i] = ftoken{token: t, text: l.text[t.Start:t.End]}
		out[i].tight = i == 0 || tight(l.tokens, i)
	}
	for _, c := range l.comments {
		next := 0
		for out[next].Start < c.Start && next < len(out)-1 {
			next++
		}
		text := strings.TrimRight(c.val, " \t\r")
		if next > 0 && !strings.Contains(l.text[out[next-1].End:c.Start], "\n") && !strings.Contains(text, "\n") {
			out[next-1].trail = append(out[next-1].trail, text)
		} else {
			out[next].lead = append(out[next].lead, text)
		}
	}
	return out
}

// tight reports whether no space stands before token i.
func tight(ts []token, i int) bool {
	t, prev := ts[i], ts[i-1]
	switch {
	case t.is(","), t.is(")"), t.is("]"), t.is("."), t.is("="),
		prev.is("("), prev.is("["), prev.is("."), prev.is("="), prev.is("?"), prev.is("!"):
		return true
	case t.is("("):
		switch prev.val {
		case "in", "like", "regex":
			return false
		}
		return prev.kind == tokTilde || prev.kind == tokIdent && !isKeyword(prev.val)
	case t.kind == tokIdent && prev.kind == tokInt: // maxspan=1s
		return i > 1 && ts[i-2].is("=")
	case prev.is("-"), prev.is("+"):
		return i < 2 || !endsOperand(ts[i-2])
	}
	return false
}

// endsOperand reports whether an operand can end with the token, so that a
// minus behind it is a binary one.
func endsOperand(t token) bool {
	switch t.kind {
	case tokString, tokInt, tokFloat, tokQuoted:
		return true
	case tokIdent:
		return !isKeyword(t.val) || t.val == "true" || t.val == "false" || t.val == "null"
	}
	return t.is(")")
}

// formatter writes tokens; it knows where it stands.
type formatter struct {
	out   strings.Builder
	col   int
	begin bool // a new line begins with the next write
	force bool // a line comment was written: a new line must begin
	rest  []ftoken
}

// items groups tokens by their brackets.
func (f *formatter) items(ts []ftoken) []item {
	f.rest = ts
	return f.until("")
}

func (f *formatter) until(closing string) []item {
	var out []item
	for len(f.rest) > 0 {
		t := f.rest[0]
		if closing != "" && t.is(closing) {
			return out
		}
		f.rest = f.rest[1:]
		it := item{tok: t}
		if pair := map[string]string{"(": ")", "[": "]"}[t.val]; pair != "" && t.kind == tokPunct {
			it.group = true
			it.items = f.until(pair)
			it.close, f.rest = f.rest[0], f.rest[1:]
		}
		out = append(out, it)
	}
	return out
}

// width is the length of items on one line; a huge number if they cannot
// stand on one.
func width(items []item) int {
	n := 0
	for i, it := range items {
		w := it.tok.flat(i == 0)
		if it.group {
			w += width(it.items) + it.close.flat(false)
		}
		if n += w; n > 1<<20 {
			return 1 << 20
		}
	}
	return n
}

func (t *ftoken) flat(first bool) int {
	if len(t.lead) > 0 || len(t.trail) > 0 {
		return 1 << 20
	}
	n := utf8.RuneCountInString(t.text)
	if !t.tight && !first {
		n++
	}
	return n
}

// newline begins a new line with the next write. Several are one.
func (f *formatter) newline(indent int) {
	f.begin = f.out.Len() > 0
	f.col = indent
	f.force = false
}

func (f *formatter) write(s string) {
	if f.begin {
		f.out.WriteString("\n" + strings.Repeat(" ", f.col))
		f.begin = false
	}
	f.out.WriteString(s)
	f.col += utf8.RuneCountInString(s)
}

// token writes one token on the line at hand, or on a new one if it must.
// indent is that of the line.
func (f *formatter) token(t *ftoken, indent int) {
	if f.force {
		f.newline(indent)
	}
	for _, c := range t.lead {
		if !f.begin {
			f.newline(indent)
		}
		at := f.col
		f.write(reindent(c))
		f.newline(at)
	}
	if !f.begin && f.out.Len() > 0 && !t.tight {
		f.write(" ")
	}
	f.write(t.text)
	for _, c := range t.trail {
		f.write(" " + c)
		f.force = f.force || strings.HasPrefix(c, "//")
	}
}

// reindent keeps the lines of a block comment as they are, without blanks at
// their ends.
func reindent(c string) string {
	lines := strings.Split(c, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t\r")
	}
	return strings.Join(lines, "\n")
}

// flat writes items on the line at hand.
func (f *formatter) flat(items []item, indent int) {
	for i := range items {
		f.token(&items[i].tok, indent)
		if items[i].group {
			f.flat(items[i].items, indent)
			f.token(&items[i].close, indent)
		}
	}
}

// fits reports whether items can stand on the line at hand. Comments before
// the first and behind the last do not matter.
func (f *formatter) fits(items []item, extra int) bool {
	if len(items) == 0 {
		return true
	}
	inner := append([]item(nil), items...)
	inner[0].tok.lead = nil
	if last := &inner[len(inner)-1]; last.group {
		last.close.trail = nil
	} else {
		last.tok.trail = nil
	}
	return f.col+1+width(inner)+extra <= formatWidth
}

// statement lays out a whole text.
func (f *formatter) statement(items []item) {
	eof := items[len(items)-1]
	items = items[:len(items)-1]
	switch {
	case f.fits(items, 0):
		f.flat(items, 0)
	case items[0].tok.word("sequence") || items[0].tok.word("sample"):
		f.stages(items)
	default:
		f.event(items, 0)
	}
	for _, c := range eof.tok.lead {
		f.newline(0)
		f.write(reindent(c))
	}
}

// stages lays out a sequence or a sample: its head, then each stage with its
// keys on lines of its own, then the pipes.
func (f *formatter) stages(items []item) {
	for len(items) > 0 {
		n := nextStage(items)
		if first := items[0]; first.tok.is("[") || first.tok.is("!") {
			f.newline(2)
			f.stage(items[:n], 2)
		} else {
			f.newline(0)
			f.stage(items[:n], 0)
		}
		items = items[n:]
	}
}

// nextStage is where the part that items begin with ends: before a stage, until
// or a pipe.
func nextStage(items []item) int {
	for i := 1; i < len(items); i++ {
		t := items[i].tok
		switch {
		case t.is("["):
			if prev := items[i-1].tok; prev.is("!") || prev.word("until") {
				continue
			}
			return i
		case t.is("!"), t.word("until"), t.is("|"):
			return i
		}
	}
	return len(items)
}

// stage lays out ![…] by … with runs=…, until […], or a part without brackets.
func (f *formatter) stage(items []item, indent int) {
	if f.fits(items, 0) {
		f.flat(items, indent)
		return
	}
	for i := range items {
		it := &items[i]
		f.token(&it.tok, indent)
		if !it.group {
			continue
		}
		f.event(it.items, indent)
		f.newline(indent)
		f.token(&it.close, indent)
	}
}

// event lays out category where condition, or a condition, and pipes.
func (f *formatter) event(items []item, indent int) {
	head := 0
	if len(items) > 1 && items[1].tok.word("where") {
		head = 2
	}
	f.flat(items[:head], indent)
	end := len(items)
	for i, it := range items {
		if it.tok.is("|") {
			end = i
			break
		}
	}
	inner := indent
	if head > 0 {
		inner += 2
		f.newline(inner)
	}
	f.condition(items[head:end], inner)
	for end < len(items) {
		n := end + nextStage(items[end:])
		f.newline(indent)
		f.flat(items[end:n], indent)
		end = n
	}
}

// condition lays out operands, each on its line, if they do not fit on one.
func (f *formatter) condition(items []item, indent int) {
	parts := split(items, "or")
	or := len(parts) > 1
	if !or {
		parts = split(items, "and")
	}
	if len(parts) == 1 || f.fits(items, 0) {
		f.operand(items, indent)
		return
	}
	for i, part := range parts {
		if i > 0 {
			f.newline(indent)
		}
		if ands := split(part, "and"); or && len(ands) > 1 && !f.fits(part, 0) {
			for k, a := range ands {
				if k > 0 {
					f.newline(indent + 2)
				}
				f.operand(a, indent+2)
			}
			continue
		}
		f.operand(part, indent)
	}
}

// split cuts items behind each of the words.
func split(items []item, word string) [][]item {
	var out [][]item
	from := 0
	for i, it := range items {
		if it.tok.word(word) {
			out = append(out, items[from:i+1])
			from = i + 1
		}
	}
	if from < len(items) {
		out = append(out, items[from:])
	}
	return out
}

// operand lays out one comparison; a group in it that does not fit is opened.
func (f *formatter) operand(items []item, indent int) {
	for i := range items {
		it := &items[i]
		if !it.group || f.fits(items[i:], 0) {
			f.flat(items[i:i+1], indent)
			continue
		}
		f.token(&it.tok, indent)
		f.newline(indent + 2)
		if !hasComma(it.items) {
			f.condition(it.items, indent+2)
		} else {
			f.list(it.items, indent+2)
		}
		f.newline(indent)
		f.token(&it.close, indent)
	}
}

func hasComma(items []item) bool {
	for _, it := range items {
		if it.tok.is(",") {
			return true
		}
	}
	return false
}

// list lays out elements one a line; numbers fill their lines.
func (f *formatter) list(items []item, indent int) {
	for i := range items {
		it := &items[i]
		newElement := i > 0 && items[i-1].tok.is(",")
		number := it.tok.kind == tokInt && f.fits(items[i:i+1], 1)
		if newElement && (!number || items[i-2].tok.kind != tokInt) {
			f.newline(indent)
		}
		f.operand(items[i:i+1], indent)
	}
}
