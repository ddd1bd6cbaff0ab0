package eql

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tocsin-project/tocsin/event"
)

// textFunctions are the functions over strings. Lengths and offsets count
// UTF-16 units, as Java does. The ~ forms on computed values fold the case of
// all letters; compile.go replaces a ~ form on a field by a pattern, which folds
// ASCII only (SEMANTICS §4).
var textFunctions = []function{
	{
		name: "between", fold: true, arity: "three or four",
		params: []param{textParam, textParam, textParam, boolParam}, min: 3,
		result: tText, nulls: true,
		body: func(c call, a []event.Value) event.Value {
			greedy := len(a) > 3 && a[3].N != 0
			return event.Text(between(a[0].S, a[1].S, a[2].S, greedy, c.fold))
		},
	},
	{
		name: "concat", arity: "at least one",
		params: []param{{accept: tAny}}, min: 1, more: true,
		result: tText, nulls: true,
		body: func(c call, a []event.Value) event.Value {
			from := len(c.buf)
			for _, v := range a {
				c.buf = v.AppendText(c.buf)
			}
			return event.Text(c.textFrom(from))
		},
	},
	{
		name: "endsWith", fold: true, arity: "exactly two",
		params: []param{textParam, textParam}, min: 2,
		result: tBool, nulls: true,
		body: func(c call, a []event.Value) event.Value {
			if c.fold {
				return event.Bool(hasSuffixFold(a[0].S, a[1].S))
			}
			return event.Bool(strings.HasSuffix(a[0].S, a[1].S))
		},
	},
	{
		name: "indexOf", fold: true, arity: "two or three",
		params: []param{textParam, textParam, intParam}, min: 2,
		result: tInt,
		body: func(c call, a []event.Value) event.Value {
			if a[0].Kind == event.KindNull || a[1].Kind == event.KindNull {
				return event.Value{}
			}
			from := 0
			if len(a) > 2 {
				from = clampInt(a[2])
			}
			return indexOf(a[0].S, a[1].S, from, c.fold)
		},
	},
	{
		name: "length", arity: "exactly one",
		params: []param{textParam}, min: 1,
		result: tInt, nulls: true,
		body: func(_ call, a []event.Value) event.Value {
			return event.Long(int64(units(a[0].S)))
		},
	},
	{
		name: "startsWith", fold: true, arity: "exactly two",
		params: []param{textParam, textParam}, min: 2,
		result: tBool, nulls: true,
		body: func(c call, a []event.Value) event.Value {
			if c.fold {
				_, ok := prefixFold(a[0].S, a[1].S)
				return event.Bool(ok)
			}
			return event.Bool(strings.HasPrefix(a[0].S, a[1].S))
		},
	},
	{
		name: "stringContains", fold: true, arity: "exactly two",
		params: []param{textParam, textParam}, min: 2,
		result: tBool, nulls: true,
		body: func(c call, a []event.Value) event.Value {
			if a[0].S == "" || a[1].S == "" {
				return event.Bool(false)
			}
			at, _ := find(a[0].S, a[1].S, c.fold)
			return event.Bool(at >= 0)
		},
	},
	{
		name: "substring", arity: "two or three",
		params: []param{textParam, intParam, intParam}, min: 2,
		result: tText,
		body: func(_ call, a []event.Value) event.Value {
			if a[0].Kind == event.KindNull || a[1].Kind == event.KindNull {
				return a[0]
			}
			n := units(a[0].S)
			end := n
			if len(a) > 2 && a[2].Kind != event.KindNull {
				end = clampInt(a[2])
			}
			return event.Text(slice(a[0].S, clampInt(a[1]), end, n))
		},
	},
}

// between returns the text after the first left up to the first right behind
// it, or with greedy up to the last. Empty arguments give s; what is not found
// gives nothing.
func between(s, left, right string, greedy, fold bool) string {
	if s == "" || left == "" || right == "" {
		return s
	}
	_, start := find(s, left, fold)
	if start < 0 {
		return ""
	}
	rest := s[start:]
	end, next := find(rest, right, fold)
	if end < 0 {
		return ""
	}
	for greedy {
		_, w := utf8.DecodeRuneInString(rest[end:])
		at, _ := find(rest[end+w:], right, fold)
		if at < 0 {
			break
		}
		end += w + at
	}
	_ = next
	return rest[:end]
}

// find returns where the first part begins and ends, or -1.
func find(s, part string, fold bool) (start, end int) {
	if !fold {
		if i := strings.Index(s, part); i >= 0 {
			return i, i + len(part)
		}
		return -1, -1
	}
	for i := 0; ; {
		if n, ok := prefixFold(s[i:], part); ok {
			return i, i + n
		}
		if i >= len(s) {
			return -1, -1
		}
		_, w := utf8.DecodeRuneInString(s[i:])
		i += w
	}
}

// prefixFold reports whether s begins with prefix, whatever their case, and
// how many bytes of s that takes.
func prefixFold(s, prefix string) (n int, ok bool) {
	for prefix != "" {
		if n >= len(s) {
			return 0, false
		}
		a, wa := utf8.DecodeRuneInString(s[n:])
		b, wb := utf8.DecodeRuneInString(prefix)
		if a != b && foldRune(a) != foldRune(b) {
			return 0, false
		}
		n += wa
		prefix = prefix[wb:]
	}
	return n, true
}

func hasSuffixFold(s, suffix string) bool {
	for suffix != "" {
		if s == "" {
			return false
		}
		a, wa := utf8.DecodeLastRuneInString(s)
		b, wb := utf8.DecodeLastRuneInString(suffix)
		if a != b && foldRune(a) != foldRune(b) {
			return false
		}
		s, suffix = s[:len(s)-wa], suffix[:len(suffix)-wb]
	}
	return true
}

// foldRune folds as Java's compareToIgnoreCase: to upper, then to lower.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	return unicode.ToLower(unicode.ToUpper(r))
}

// appendFold appends s with the case of all letters folded.
func appendFold(dst []byte, s string) []byte {
	for _, r := range s {
		dst = utf8.AppendRune(dst, foldRune(r))
	}
	return dst
}

func indexOf(s, part string, from int, fold bool) event.Value {
	n := units(s)
	from = min(max(from, 0), n)
	skip := byteOffset(s, from)
	at, _ := find(s[skip:], part, fold)
	if at < 0 {
		return event.Value{}
	}
	return event.Long(int64(from + units(s[skip:skip+at])))
}

// slice cuts s, of n units, as Python does.
func slice(s string, start, end, n int) string {
	if start < 0 {
		start = max(0, n+start)
	}
	if end < 0 {
		end = max(0, n+end)
	}
	end = min(end, n)
	if start >= end {
		return ""
	}
	from := byteOffset(s, start)
	return s[from : from+byteOffset(s[from:], end-start)]
}

// units is the length of s in UTF-16.
func units(s string) int {
	if isASCII(s) {
		return len(s)
	}
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// byteOffset is where the unit n of s begins. In the middle of a character it
// is that character's begin.
func byteOffset(s string, n int) int {
	if isASCII(s) {
		return min(n, len(s))
	}
	for i, r := range s {
		w := 1
		if r > 0xFFFF {
			w = 2
		}
		if n < w {
			return i
		}
		n -= w
	}
	return len(s)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
