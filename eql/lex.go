package eql

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tokenKind says what a token is.
type tokenKind uint8

const (
	tokEOF tokenKind = iota
	tokIdent
	tokTilde  // an identifier with ~ directly behind it: in~, startsWith~; val without ~
	tokQuoted // `name`
	tokString // "…" or """…""", val with escapes undone
	tokInt
	tokFloat
	tokPunct   // an operator or bracket; val is its text
	tokComment // only kept for Format
	tokBad     // a fault that was reported
)

type token struct {
	Range
	kind tokenKind
	raw  bool // tokString: """…"""
	val  string
}

// is reports whether the token is this operator or bracket.
func (t token) is(p string) bool { return t.kind == tokPunct && t.val == p }

// word reports whether the token is this word, lower-case as keywords are.
func (t token) word(w string) bool { return t.kind == tokIdent && t.val == w }

// lexer turns a text into tokens, all at once: queries are short and the
// parser looks ahead.
type lexer struct {
	errs
	pos      int
	tokens   []token
	comments []token
}

func lex(text string) *lexer {
	l := &lexer{errs: errs{text: text}}
	for l.next() {
	}
	l.tokens = append(l.tokens, token{Range: Range{len(text), len(text)}, kind: tokEOF})
	return l
}

// operators, longest first.
var operators = [...]string{"==", "!=", "<=", ">=", "!", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ".", ":", "|", "+", "-", "*", "/", "%", "?", "~", "&", ";", "$", "#", "^", "\\"}

func (l *lexer) next() bool {
	l.space()
	if l.pos >= len(l.text) {
		return false
	}
	rest := l.text[l.pos:]
	c := rest[0]
	switch {
	case isLetter(c):
		l.ident()
	case c >= '0' && c <= '9', c == '.' && len(rest) > 1 && isDigit(rest[1]) && !l.afterName():
		l.number()
	case strings.HasPrefix(rest, `"""`):
		l.rawString()
	case c == '"':
		l.quoted('"')
	case c == '\'', c == '?' && len(rest) > 1 && (rest[1] == '"' || rest[1] == '\''):
		l.foreignString()
	case c == '`':
		l.backquoted()
	default:
		l.operator(rest)
	}
	return true
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '@' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func (l *lexer) emit(kind tokenKind, end int, val string) *token {
	l.tokens = append(l.tokens, token{Range: Range{l.pos, end}, kind: kind, val: val})
	l.pos = end
	return &l.tokens[len(l.tokens)-1]
}

// afterName reports whether a name ends right here, so that a dot joins it.
func (l *lexer) afterName() bool {
	if len(l.tokens) == 0 {
		return false
	}
	t := l.tokens[len(l.tokens)-1]
	return t.End == l.pos && (t.kind == tokIdent || t.kind == tokQuoted || t.is("]"))
}

// space skips blanks and comments.
func (l *lexer) space() {
	for l.pos < len(l.text) {
		rest := l.text[l.pos:]
		switch {
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n' || rest[0] == '\r' || rest[0] == '\f':
			l.pos++
		case strings.HasPrefix(rest, "\u00a0"): // pasted from a web page
			l.pos += 2
		case strings.HasPrefix(rest, "\ufeff"):
			l.pos += 3
		case strings.HasPrefix(rest, "//"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			l.comment(l.pos + n)
		case strings.HasPrefix(rest, "/*"):
			l.comment(l.pos + l.blockComment(rest))
		default:
			return
		}
	}
}

func (l *lexer) comment(end int) {
	l.comments = append(l.comments, token{Range: Range{l.pos, end}, kind: tokComment, val: l.text[l.pos:end]})
	l.pos = end
}

// blockComment returns the length of a /* … */, which may hold others.
func (l *lexer) blockComment(s string) int {
	depth := 0
	for i := 0; i < len(s)-1; i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	l.add(Range{l.pos, l.pos + 2}, "comment is not closed, expected [*/]")
	return len(s)
}

func (l *lexer) ident() {
	end := l.pos + 1
	for end < len(l.text) && (isLetter(l.text[end]) && l.text[end] != '@' || isDigit(l.text[end])) {
		end++
	}
	val := l.text[l.pos:end]
	if end < len(l.text) && l.text[end] == '~' {
		l.emit(tokTilde, end+1, val)
		return
	}
	l.emit(tokIdent, end, val)
}

func (l *lexer) number() {
	end, kind := l.pos, tokInt
	digits := func() {
		for end < len(l.text) && isDigit(l.text[end]) {
			end++
		}
	}
	digits()
	if end < len(l.text) && l.text[end] == '.' {
		kind = tokFloat
		end++
		digits()
	}
	if n := exponent(l.text[end:]); n > 0 {
		kind = tokFloat
		end += n
	}
	l.emit(kind, end, l.text[l.pos:end])
}

// exponent returns the length of an exponent that s begins with, or 0.
func exponent(s string) int {
	if s == "" || s[0]|0x20 != 'e' {
		return 0
	}
	n := 1
	if n < len(s) && (s[n] == '+' || s[n] == '-') {
		n++
	}
	from := n
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if n == from {
		return 0
	}
	return n
}

// rawString reads """…""": no escapes, and up to two quotes directly before
// the closing three belong to the text.
func (l *lexer) rawString() {
	body := l.text[l.pos+3:]
	if i := strings.IndexAny(body, "\r\n"); i >= 0 {
		body = body[:i]
	}
	n := strings.Index(body, `"""`)
	if n < 0 {
		l.add(Range{l.pos, l.pos + 3}, `string is not closed, expected ["""] on the same line`)
		l.emit(tokBad, l.pos+3+len(body), "")
		return
	}
	for extra := 0; extra < 2 && strings.HasPrefix(body[n+3:], `"`); extra++ {
		n++
	}
	l.emit(tokString, l.pos+3+n+3, body[:n]).raw = true
}

// closing returns the offset of the quote that ends the string starting at
// start, or -1 if the line ends first.
func (l *lexer) closing(start int, quote byte) int {
	for i := start; i < len(l.text); i++ {
		switch l.text[i] {
		case '\\':
			if i+1 < len(l.text) && l.text[i+1] != '\n' && l.text[i+1] != '\r' {
				i++
			}
		case '\n', '\r':
			return -1
		case quote:
			return i
		}
	}
	return -1
}

// foreignString refuses the strings of older dialects with what to write instead.
func (l *lexer) foreignString() {
	start, open := l.pos+1, l.text[l.pos:l.pos+1]
	msg := `use double quotes ["] to define string literals, not single quotes [']`
	if open == "?" {
		open = l.text[l.pos : l.pos+2]
		start++
		msg = `use triple double quotes ["""] to define unescaped string literals, not [` + open + `]`
	}
	end := l.closing(start, open[len(open)-1])
	if end < 0 {
		end = start - 1
	}
	l.add(Range{l.pos, end + 1}, "%s", msg)
	l.emit(tokString, end+1, "") // a string is meant: the parser goes on
}

func (l *lexer) backquoted() {
	var b strings.Builder
	for i := l.pos + 1; i < len(l.text); i++ {
		c := l.text[i]
		if c == '\n' || c == '\r' {
			break
		}
		if c == '`' {
			if i+1 >= len(l.text) || l.text[i+1] != '`' {
				l.emit(tokQuoted, i+1, b.String())
				return
			}
			i++
		}
		b.WriteByte(c)
	}
	l.add(Range{l.pos, l.pos + 1}, "name is not closed, expected [`] on the same line")
	l.emit(tokBad, len(lineOf(l.text[l.pos:], 0))+l.pos, "")
}

func (l *lexer) operator(rest string) {
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			l.emit(tokPunct, l.pos+len(op), op)
			return
		}
	}
	r, n := utf8.DecodeRuneInString(rest)
	msg := fmt.Sprintf("token recognition error at: '%c'", r)
	if r == '“' || r == '”' || r == '‘' || r == '’' {
		msg += `, use straight double quotes ["] to define string literals`
	}
	l.add(Range{l.pos, l.pos + n}, "%s", msg)
	l.emit(tokBad, l.pos+n, "")
}

// quoted reads "…" with its escapes.
func (l *lexer) quoted(quote byte) {
	end := l.closing(l.pos+1, quote)
	if end < 0 {
		line := lineOf(l.text[l.pos:], 0)
		l.add(Range{l.pos, l.pos + len(line)}, `token recognition error: string is not closed, expected ["] on the same line`)
		l.emit(tokBad, l.pos+len(line), "")
		return
	}
	body := l.text[l.pos+1 : end]
	if strings.IndexByte(body, '\\') < 0 {
		l.emit(tokString, end+1, body)
		return
	}
	var b strings.Builder
	for i := 0; i < len(body); {
		if body[i] != '\\' {
			b.WriteByte(body[i])
			i++
			continue
		}
		r, n, fault := unescape(body[i:])
		if fault != "" {
			at := l.pos + 1 + i
			l.add(Range{at, at + n}, "%s", fault)
		} else {
			b.WriteRune(r)
		}
		i += n
	}
	l.emit(tokString, end+1, b.String())
}

// unescape reads the escape that s begins with: its character, its length, or
// what is wrong with it.
func unescape(s string) (r rune, n int, fault string) {
	if len(s) < 2 {
		return 0, len(s), "token recognition error at: '\\'"
	}
	switch s[1] {
	case 'b':
		return '\b', 2, ""
	case 't':
		return '\t', 2, ""
	case 'n':
		return '\n', 2, ""
	case 'f':
		return '\f', 2, ""
	case 'r':
		return '\r', 2, ""
	case '"', '\'', '\\':
		return rune(s[1]), 2, ""
	case 'u':
		return unescapeUnicode(s)
	}
	_, w := utf8.DecodeRuneInString(s[1:])
	return 0, 1 + w, fmt.Sprintf("token recognition error at: '%s', expected one of \\b \\t \\n \\f \\r \\\" \\' \\\\ \\uXXXX \\u{X}; a backslash is written \\\\", s[:1+w])
}

func unescapeUnicode(s string) (r rune, n int, fault string) {
	var hex string
	if len(s) > 2 && s[2] == '{' {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return 0, 3, "unicode sequence is not closed, expected [}]"
		}
		hex, n = s[3:end], end+1
		if len(hex) < 2 || len(hex) > 8 {
			return 0, n, fmt.Sprintf("unicode sequence in curly braces should use [2-8] hex digits, [%s] has [%d]", s[:n], len(hex))
		}
	} else {
		n = min(6, len(s))
		hex = s[2:n]
		if len(hex) < 4 {
			return 0, n, fmt.Sprintf("unicode sequence should use [4] hex digits, [%s] has [%d]", s[:n], len(hex))
		}
	}
	code, err := strconv.ParseUint(hex, 16, 64)
	switch {
	case err != nil:
		return 0, n, fmt.Sprintf("unicode sequence should use hex digits, found [%s]", hex)
	case code == 0:
		return 0, n, fmt.Sprintf("unicode sequence results in null character, found [%s]", s[:n])
	case code > utf8.MaxRune || code >= 0xD800 && code <= 0xDFFF:
		return 0, n, fmt.Sprintf("invalid unicode character code [%s]", hex)
	}
	return rune(code), n, ""
}
