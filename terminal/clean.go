// Package terminal writes text for people: clean, wrapped, coloured only where
// that is wanted.
package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text from an event safe to print on a terminal: control
// characters (escape sequences among them), marks that turn the direction of
// writing, and other invisible characters are shown as escapes. What an
// attacker writes into a command line never moves the reader's cursor.
func Clean(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case isPrintable(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	return b.String()
}

func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// isPrintable leaves out category C (controls, bidirectional marks, private
// use) and spaces other than the plain one.
func isPrintable(r rune) bool { return unicode.IsPrint(r) }

// Shorten cuts text to at most width characters, the last of them an ellipsis.
func Shorten(s string, width int) string {
	if width < 1 || utf8.RuneCountInString(s) <= width {
		return s
	}
	r := []rune(s)
	return string(r[:width-1]) + "…"
}
