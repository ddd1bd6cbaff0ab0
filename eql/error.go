package eql

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxErrors is how many errors of one text are kept.
const maxErrors = 100

// Pos is a place in a text. Line and Col count from 1; Col counts characters.
type Pos struct{ Offset, Line, Col int }

// Range is a piece of a text, in bytes: [Start, End).
type Range struct{ Start, End int }

// Error is one fault of a query.
type Error struct {
	Pos  Pos
	Len  int    // characters that are wrong, at least 1
	Msg  string // what is wrong, what was expected, and the nearest right name
	Line string // the source line that Pos is in
}

func (e *Error) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.Pos.Line, e.Pos.Col, e.Msg)
}

// ErrorList holds the faults of a query in the order of the text, at most 100.
type ErrorList []*Error

func (l ErrorList) Error() string {
	switch len(l) {
	case 0:
		return "no errors"
	case 1:
		return l[0].Error()
	}
	return fmt.Sprintf("%s (and %d more)", l[0].Error(), len(l)-1)
}

// Render prints each error as file:line:column, message, source line and a
// caret. lineOffset is added to the line numbers: the lines that stand before
// the query in its file. Without a file name only line:column is printed.
func (l ErrorList) Render(file string, lineOffset int) string {
	var b strings.Builder
	for _, e := range l {
		if file != "" {
			b.WriteString(file + ":")
		}
		fmt.Fprintf(&b, "%d:%d: %s\n", e.Pos.Line+lineOffset, e.Pos.Col, e.Msg)
		e.renderLine(&b)
	}
	return b.String()
}

// renderLine prints the source line with carets below the fault. Long lines
// are cut around it; tabs and wide characters keep the caret in its place.
func (e *Error) renderLine(b *strings.Builder) {
	const before, after = 60, 60
	line := []rune(e.Line)
	col := min(e.Pos.Col-1, len(line))
	from, to := 0, len(line)
	if to > before+after {
		from = max(0, col-before)
		to = min(len(line), col+after)
	}
	pad := make([]rune, 0, col)
	for _, r := range line[from:col] {
		if r != '\t' {
			r = ' '
		}
		pad = append(pad, r)
	}
	n := max(1, min(e.Len, to-col))
	fmt.Fprintf(b, "  %s\n  %s%s\n", string(line[from:to]), string(pad), strings.Repeat("^", n))
}

// errs collects the faults of one text.
type errs struct {
	text string
	list ErrorList
	last Pos // the last place asked for: the next one is mostly behind it
}

// pos is posOf in a time that does not grow with the text, for places in order.
func (s *errs) pos(off int) Pos {
	if off < s.last.Offset || s.last.Line == 0 {
		s.last = posOf(s.text, off)
		return s.last
	}
	p := posOf(s.text[s.last.Offset:], off-s.last.Offset)
	if p.Line == 1 {
		p.Col += s.last.Col - 1
	}
	p.Line += s.last.Line - 1
	p.Offset += s.last.Offset
	s.last = p
	return p
}

func (s *errs) add(r Range, format string, args ...any) {
	if len(s.list) >= 10*maxErrors {
		return
	}
	end := min(max(r.End, r.Start), len(s.text), r.Start+4000)
	n := utf8.RuneCountInString(s.text[r.Start:end])
	s.list = append(s.list, &Error{Pos: s.pos(r.Start), Len: max(1, n), Msg: fmt.Sprintf(format, args...), Line: lineOf(s.text, r.Start)})
}

// err returns the collected faults sorted, without repeats, or nil.
func (s *errs) err() error {
	if len(s.list) == 0 {
		return nil
	}
	slices.SortStableFunc(s.list, func(a, b *Error) int { return a.Pos.Offset - b.Pos.Offset })
	s.list = slices.CompactFunc(s.list, func(a, b *Error) bool { return a.Pos == b.Pos && a.Msg == b.Msg })
	return s.list[:min(len(s.list), maxErrors)]
}

func posOf(text string, off int) Pos {
	off = min(off, len(text))
	start := strings.LastIndexByte(text[:off], '\n') + 1
	return Pos{
		Offset: off,
		Line:   strings.Count(text[:off], "\n") + 1,
		Col:    utf8.RuneCountInString(text[start:off]) + 1,
	}
}

func lineOf(text string, off int) string {
	off = min(off, len(text))
	start := strings.LastIndexByte(text[:off], '\n') + 1
	line := text[start:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	return strings.TrimRight(line, "\r")
}

// didYouMean names the nearest of the right names, as " did you mean …?" or
// nothing when none is near.
func didYouMean(name string, names []string) string {
	near := nearest(name, names)
	switch len(near) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(", did you mean [%s]?", near[0])
	}
	return fmt.Sprintf(", did you mean any of [%s]?", strings.Join(near, ", "))
}

// nearest returns the names that are like name, best first, at most five.
func nearest(name string, names []string) []string {
	type scored struct {
		name  string
		score float64
	}
	var found []scored
	folded := []rune(strings.ToLower(name))
	for _, n := range names {
		if s := likeness(folded, []rune(strings.ToLower(n))); s >= 0.5 {
			found = append(found, scored{n, s})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
	var out []string
	for _, f := range found {
		if len(out) < 5 && f.score > found[0].score-0.2 {
			out = append(out, f.name)
		}
	}
	return out
}

// likeness is 1 minus the edit distance over the length of the longer name,
// the measure of Lucene's LevenshteinDistance.
func likeness(a, b []rune) float64 {
	longest := max(len(a), len(b))
	if longest == 0 || longest > 256 {
		return 0
	}
	prev, cur := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i, ra := range a {
		cur[0] = i + 1
		for j, rb := range b {
			cost := 1
			if ra == rb {
				cost = 0
			}
			cur[j+1] = min(prev[j]+cost, prev[j+1]+1, cur[j]+1)
		}
		prev, cur = cur, prev
	}
	return 1 - float64(prev[len(b)])/float64(longest)
}
