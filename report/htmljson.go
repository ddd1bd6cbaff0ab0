package report

import (
	"encoding/json"
	"fmt"
	"github.com/tocsin-project/tocsin/terminal"
	"strings"
	"unicode"
	"unicode/utf8"
)

// prettyJSON sets out an event's JSON over lines. Long texts are cut, with the
// number of characters that are left out, and characters that a reader would
// not see (controls, marks that turn the direction of writing) are written as
// JSON escapes. What is no JSON is shown as it is.
func prettyJSON(raw []byte, w *words) string {
	if !json.Valid(raw) {
		return terminal.Clean(cutTo(string(raw), maxJSONString))
	}
	p := jsonPrinter{cutText: w.Cut}
	p.print(raw)
	return p.out.String()
}

type jsonPrinter struct {
	out     strings.Builder
	depth   int
	cutText string
}

func (p *jsonPrinter) print(raw []byte) {
	for i := 0; i < len(raw); i++ {
		if p.out.Len() > maxJSON {
			fmt.Fprintf(&p.out, p.cutText, len(raw)-i)
			return
		}
		switch c := raw[i]; c {
		case ' ', '\t', '\n', '\r':
		case '{', '[':
			if end := closing(raw, i+1); end > 0 {
				p.out.WriteByte(c)
				p.out.WriteByte(raw[end])
				i = end
				continue
			}
			p.depth++
			p.out.WriteByte(c)
			p.line()
		case '}', ']':
			p.depth--
			p.line()
			p.out.WriteByte(c)
		case ',':
			p.out.WriteByte(c)
			p.line()
		case ':':
			p.out.WriteString(": ")
		case '"':
			end := stringEnd(raw, i)
			p.text(raw[i+1 : end])
			i = end
		default:
			p.out.WriteByte(c)
		}
	}
}

// closing is where an empty object or list ends, 0 if it is not empty.
func closing(raw []byte, i int) int {
	for ; i < len(raw); i++ {
		switch raw[i] {
		case ' ', '\t', '\n', '\r':
		case '}', ']':
			return i
		default:
			return 0
		}
	}
	return 0
}

func (p *jsonPrinter) line() {
	p.out.WriteByte('\n')
	for range min(p.depth, 40) {
		p.out.WriteString("  ")
	}
}

// stringEnd is the index of the quote that ends the string begun at i.
func stringEnd(raw []byte, i int) int {
	for i++; i < len(raw) && raw[i] != '"'; i++ {
		if raw[i] == '\\' {
			i++
		}
	}
	return min(i, len(raw)-1)
}

// text writes the inside of a string.
func (p *jsonPrinter) text(s []byte) {
	left := 0
	if len(s) > maxJSONString {
		n := 0
		for next := 0; next <= maxJSONString; { // escapes are not cut in two
			n = next
			if s[n] == '\\' {
				next++
			}
			_, size := utf8.DecodeRune(s[next:])
			next += size
		}
		left, s = utf8.RuneCount(s[n:]), s[:n]
	}
	p.out.WriteByte('"')
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		switch {
		case r < utf8.RuneSelf && r >= ' ' && r != 0x7f, n > 1 && unicode.IsPrint(r):
			p.out.Write(s[:n])
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&p.out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&p.out, `\u%04x`, r)
		}
		s = s[n:]
	}
	if left > 0 {
		fmt.Fprintf(&p.out, p.cutText, left)
	}
	p.out.WriteByte('"')
}
