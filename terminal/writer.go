package terminal

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Styles for Paint.
const (
	Bold   = "\x1b[1m"
	Dim    = "\x1b[2m"
	Red    = "\x1b[31m"
	Green  = "\x1b[32m"
	Yellow = "\x1b[33m"

	reset = "\x1b[0m"
)

// Writer prints lines and keeps the first error, so that callers ask once.
type Writer struct {
	W     io.Writer
	Color bool // only for a terminal, never with NO_COLOR
	Width int  // columns that Wrap fills

	err error
}

// Err is the error of the first write that failed.
func (w *Writer) Err() error { return w.err }

// Paint gives text a style.
func (w *Writer) Paint(style, s string) string {
	if !w.Color || s == "" || style == "" {
		return s
	}
	return style + s + reset
}

// Line prints one line without blanks at its end.
func (w *Writer) Line(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintln(w.W, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
}

// Wrap prints text over as many lines as it takes. The first begins with
// first, whose visible length is that of rest; the others with rest. Words longer than
// a line are broken.
func (w *Writer) Wrap(first, rest, style, s string) {
	lead, line := first, ""
	width := max(w.Width-utf8.RuneCountInString(rest), 20)
	flush := func() {
		w.Line("%s%s", lead, w.Paint(style, line))
		lead, line = rest, ""
	}
	for word := range strings.FieldsSeq(s) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			flush()
		}
		for r := []rune(word); len(r) > width; r = []rune(word) {
			line, word = string(r[:width]), string(r[width:])
			flush()
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	flush()
}

// ShortenLeft cuts the beginning of text: of a path the end tells most.
func ShortenLeft(s string, width int) string {
	n := utf8.RuneCountInString(s)
	if n <= width {
		return s
	}
	r := []rune(s)
	return "…" + string(r[n-max(width, 1)+1:])
}

// Count is a number with its noun.
func Count(n int, one, many string) string {
	switch n {
	case 0:
		return "no " + many
	case 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
