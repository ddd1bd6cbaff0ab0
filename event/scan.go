package event

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

// MaxDepth is how deep objects and arrays may nest. A document that nests
// deeper is an error: the scanner's memory is bounded by it.
const MaxDepth = 512

// SyntaxError says where a document stops being JSON.
type SyntaxError struct {
	Offset int    // of the byte that cannot stand there; the document's length if it ends too early
	Msg    string // what is wrong
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("read json: offset %d: %s", e.Offset, e.Msg)
}

// Truncated reports whether err says that a document ended too early, so that
// a reader of a stream may try again with more bytes.
func Truncated(err error) bool {
	var s *SyntaxError
	return errors.As(err, &s) && s.Msg == msgTruncated
}

// Skip returns the end of the JSON value that begins at doc[off], white space
// before it allowed. The value is checked wholly; what follows it is not looked
// at (a number ends at the first byte that cannot continue it). off may be
// len(doc): the error is then Truncated. Nothing is allocated but errors.
func Skip(doc []byte, off int) (end int, err error) {
	end = skipValue(doc, skipSpace(doc, off), 0)
	if end < 0 {
		return 0, scanError(doc, end)
	}
	return end, nil
}

// Valid checks that doc is one JSON value and white space.
func Valid(doc []byte) error {
	end, err := Skip(doc, 0)
	if err != nil {
		return err
	}
	if end = skipSpace(doc, end); end < len(doc) {
		return scanError(doc, ^end)
	}
	return nil
}

const (
	msgTruncated = "unexpected end"
	msgDepth     = "nested too deep"
)

// The scanning functions return the offset after what they read, or a failure:
// ^offset of the byte that is wrong, below tooDeep if nesting is what is wrong.
// So the hot path carries one integer and errors are made at the end.
const tooDeep = -1 << 62

func scanError(doc []byte, fail int) error {
	if fail < tooDeep/2 {
		return &SyntaxError{^(fail - tooDeep), msgDepth}
	}
	off := ^fail
	if off >= len(doc) {
		return &SyntaxError{len(doc), msgTruncated}
	}
	r, _ := utf8.DecodeRune(doc[off:])
	return &SyntaxError{off, fmt.Sprintf("unexpected %q", r)}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stops marks, with the high bit of each byte, the bytes of eight that end a
// run of plain text: quote, backslash, control characters. The lowest mark is
// exact; marks above it may be false. The control characters and the quote
// share one subtraction: 0x22^0x02 is 0x20, and what is below 0x20 stays there.
func stops(w uint64) uint64 {
	return (((w ^ ones*0x02) - ones*0x21) | ((w ^ ones*'\\') - ones)) &^ w & highs
}

// word returns the eight bytes at i, which the caller knows to be there: it
// saves the check that the compiler cannot see to be needless.
func word(b []byte, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i))[:])
}

// skipString returns the offset after the closing quote of a string whose text
// begins at i.
func skipString(b []byte, i int) int {
	for i+8 <= len(b) {
		m := stops(word(b, i))
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		if b[i] == '"' {
			return i + 1
		}
		if i+1 < len(b) && b[i] == '\\' && b[i+1] == '\\' { // most escapes of Windows
			i += 2
		} else if i = skipEscape(b, i); i < 0 {
			return i
		}
	}
	return skipStringTail(b, i)
}

func skipStringTail(b []byte, i int) int {
	for i < len(b) {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\' || c < ' ':
			if i = skipEscape(b, i); i < 0 {
				return i
			}
		default:
			i++
		}
	}
	return ^i
}

// skipEscape reads an escape at i; anything else there is wrong.
func skipEscape(b []byte, i int) int {
	if b[i] != '\\' {
		return ^i
	}
	if i+1 >= len(b) {
		return ^(i + 1)
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for j := i + 2; j < i+6; j++ {
			if j >= len(b) || hexValue(b[j]) > 15 {
				return ^j
			}
		}
		return i + 6
	}
	return ^(i + 1)
}

// hexValue returns 16 for what is no hexadecimal digit.
func hexValue(c byte) byte {
	switch {
	case c-'0' < 10:
		return c - '0'
	case c|0x20-'a' < 6:
		return c | 0x20 - 'a' + 10
	}
	return 16
}

// skipNumber reads a number by JSON's grammar.
func skipNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	switch {
	case i >= len(b):
		return ^i
	case b[i] == '0':
		i++
	case b[i]-'1' < 9:
		i = skipDigits(b, i)
	default:
		return ^i
	}
	if i < len(b) && b[i] == '.' {
		i++
		if i >= len(b) || b[i]-'0' > 9 {
			return ^i
		}
		i = skipDigits(b, i)
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i >= len(b) || b[i]-'0' > 9 {
			return ^i
		}
		i = skipDigits(b, i)
	}
	return i
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	return i
}

func skipLiteral(b []byte, i int, word string) int {
	for j := range len(word) {
		if i+j >= len(b) || b[i+j] != word[j] {
			return ^(i + j)
		}
	}
	return i + len(word)
}

// skipScalar reads what is neither a string, an object nor an array.
func skipScalar(b []byte, i int) int {
	if i >= len(b) {
		return ^i
	}
	switch c := b[i]; {
	case c-'0' < 10 || c == '-':
		return skipNumber(b, i)
	case c == 't':
		return skipLiteral(b, i, "true")
	case c == 'f':
		return skipLiteral(b, i, "false")
	case c == 'n':
		return skipLiteral(b, i, "null")
	}
	return ^i
}

// skipValue returns the offset after the value at i, which lies at the given
// depth (the number of objects and arrays around it).
func skipValue(b []byte, i, depth int) int {
	if i >= len(b) {
		return ^i
	}
	switch b[i] {
	case '"':
		return skipString(b, i+1)
	case '{', '[':
		return skipNested(b, i, depth)
	}
	return skipScalar(b, i)
}

// skipNested skips an object or array without recursion: one bit for each open
// one says which it is.
func skipNested(b []byte, i, depth int) int {
	var objects [MaxDepth/64 + 1]uint64
	base := depth
	for {
		// A value begins at i.
		if i >= len(b) {
			return ^i
		}
		switch b[i] {
		case '"':
			i = skipString(b, i+1)
		case '{':
			if depth == MaxDepth {
				return ^i + tooDeep
			}
			depth++
			objects[depth>>6] |= 1 << (depth & 63)
			if i = skipSpace(b, i+1); i < len(b) && b[i] != '}' {
				if i = skipKey(b, i); i < 0 {
					return i
				}
				continue
			}
		case '[':
			if depth == MaxDepth {
				return ^i + tooDeep
			}
			depth++
			objects[depth>>6] &^= 1 << (depth & 63)
			if i = skipSpace(b, i+1); i < len(b) && b[i] != ']' {
				continue
			}
		default:
			i = skipScalar(b, i)
		}
		if i < 0 {
			return i
		}
		// A value ended, or an empty object or array is open at its end.
		for {
			i = skipSpace(b, i)
			if i >= len(b) {
				return ^i
			}
			object := objects[depth>>6]>>(depth&63)&1 != 0
			c := b[i]
			if c == ',' {
				i = skipSpace(b, i+1)
				if object {
					if i = skipKey(b, i); i < 0 {
						return i
					}
				}
				break
			}
			if c != '}' && c != ']' || (c == '}') != object {
				return ^i
			}
			i++
			depth--
			if depth == base {
				return i
			}
		}
	}
}

// skipKey reads a key, the colon and the white space around them.
func skipKey(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return ^i
	}
	i = skipString(b, i+1)
	if i < 0 {
		return i
	}
	if i < len(b) && b[i] != ':' {
		i = skipSpace(b, i)
	}
	if i >= len(b) || b[i] != ':' {
		return ^i
	}
	i++
	if i < len(b) && b[i] <= ' ' {
		i = skipSpace(b, i)
	}
	return i
}
