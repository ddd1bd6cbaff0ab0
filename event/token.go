package event

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Form is the JSON form of a token.
type Form uint8

// The forms of JSON values. NoForm is the zero token's.
const (
	NoForm Form = iota
	NullForm
	BoolForm
	NumberForm
	StringForm
	ArrayForm
	ObjectForm
)

// Token is a JSON value or key as it stands in a document, already checked. It
// is a view of the document's bytes and lives as long as they.
type Token struct {
	Raw []byte // the value's bytes: quotes, brackets, braces included
}

// Form tells what kind of value it is.
func (t Token) Form() Form {
	if len(t.Raw) == 0 {
		return NoForm
	}
	switch t.Raw[0] {
	case '"':
		return StringForm
	case '{':
		return ObjectForm
	case '[':
		return ArrayForm
	case 't', 'f':
		return BoolForm
	case 'n':
		return NullForm
	}
	return NumberForm
}

// Text returns a string's characters, or any other value's bytes as written.
// It points into the document; a string with escapes (or broken UTF-8) is put
// into ev's arena. ev may be nil: such a string is then allocated.
func (t Token) Text(ev *Event) string {
	if len(t.Raw) == 0 || t.Raw[0] != '"' {
		return view(t.Raw)
	}
	s := t.Raw[1 : len(t.Raw)-1]
	if plain(s) {
		return view(s)
	}
	return unquote(s, ev)
}

// Value returns the token as a value that Event.Add takes, of the kind it has
// as written; nulls, arrays and objects give KindNull.
func (t Token) Value(ev *Event) Value {
	switch t.Form() {
	case StringForm:
		return Text(t.Text(ev))
	case NumberForm:
		return Number(view(t.Raw))
	case BoolForm:
		return Bool(t.Raw[0] == 't')
	}
	return Value{}
}

// Iter goes over the members of an object or the elements of an array, in
// order, without allocating:
//
//	for it := event.Members(doc); it.Next(); {
//		name, v := it.Key.Text(ev), it.Value
//	}
//	if err := it.Err(); err != nil { … }
//
// (With it declared before the loop.) Everything it passes is checked as
// strictly as by Decode. Duplicate keys come as they stand.
type Iter struct {
	Key   Token // a member's key; the zero Token in an array
	Value Token

	doc    []byte
	off    int // where the next member is, or after the end
	object bool
	state  iterState
	fail   int
}

type iterState uint8

const (
	iterFresh iterState = iota
	iterMore
	iterDone
)

// Members iterates over the object or array at the start of doc (white space
// before it allowed). Any other value is an error of the first Next.
func Members(doc []byte) Iter { return MembersAt(doc, 0) }

// MembersAt is Members for the value at doc[off]; errors give offsets in doc.
func MembersAt(doc []byte, off int) Iter {
	return Iter{doc: doc, off: skipSpace(doc, off)}
}

// Members iterates over the members of an object or the elements of an array.
// Offsets of errors then count from the token; there are none if the token
// came from an iterator or decoder of this package.
func (t Token) Members() Iter { return Members(t.Raw) }

// Next reads the next member; false at the end or at an error.
func (it *Iter) Next() bool {
	b, i := it.doc, it.off
	switch it.state {
	case iterDone:
		return false
	case iterFresh:
		if i >= len(b) || b[i] != '{' && b[i] != '[' {
			return it.failed(^i)
		}
		it.object = b[i] == '{'
		it.state = iterMore
		if i = skipSpace(b, i+1); i < len(b) && it.closes(b[i]) {
			return it.end(i + 1)
		}
	case iterMore:
		i = skipSpace(b, i)
		if i >= len(b) {
			return it.failed(^i)
		}
		if it.closes(b[i]) {
			return it.end(i + 1)
		}
		if b[i] != ',' {
			return it.failed(^i)
		}
		i = skipSpace(b, i+1)
	}
	return it.member(i)
}

func (it *Iter) member(i int) bool {
	b := it.doc
	if it.object {
		v := skipKey(b, i)
		if v < 0 {
			return it.failed(v)
		}
		// From the colon back to the key's closing quote.
		it.Key.Raw = b[i : bytes.LastIndexByte(b[i:v], '"')+i+1]
		i = v
	}
	end := skipValue(b, i, 1)
	if end < 0 {
		return it.failed(end)
	}
	it.Value.Raw = b[i:end]
	it.off = end
	return true
}

func (it *Iter) closes(c byte) bool { return it.object && c == '}' || !it.object && c == ']' }

func (it *Iter) end(off int) bool {
	it.off, it.state = off, iterDone
	it.Key, it.Value = Token{}, Token{}
	return false
}

func (it *Iter) failed(fail int) bool {
	it.fail = fail
	return it.end(it.off)
}

// Err is what stopped the iteration, if not the end: a *SyntaxError.
func (it *Iter) Err() error {
	if it.fail == 0 {
		return nil
	}
	return scanError(it.doc, it.fail)
}

// Offset is where reading goes on: after the object or array once Next has
// returned false without an error.
func (it *Iter) Offset() int { return it.off }

// view returns b's bytes as text without copying.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// plain reports whether the text between two quotes can be used as it stands.
func plain(s []byte) bool {
	return bytes.IndexByte(s, '\\') < 0 && utf8.Valid(s)
}

// unquote undoes the escapes of s, which is checked and stands between quotes.
func unquote(s []byte, ev *Event) string {
	if ev == nil {
		return string(appendUnquoted(nil, s))
	}
	n := len(ev.arena)
	ev.arena = appendUnquoted(ev.arena, s)
	return view(ev.arena[n:])
}

// appendUnquoted undoes escapes as encoding/json does: an escaped surrogate
// without its other half and each byte of broken UTF-8 become U+FFFD.
func appendUnquoted(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\\' && s[i+1] == 'u':
			r := hex4(s[i+2:])
			i += 6
			if utf16.IsSurrogate(r) {
				low := rune(utf8.RuneError)
				if i+6 <= len(s) && s[i] == '\\' && s[i+1] == 'u' {
					low = hex4(s[i+2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
		case c == '\\':
			dst = append(dst, unescaped(s[i+1]))
			i += 2
		case c < utf8.RuneSelf:
			j := i + 1
			for j < len(s) && s[j] != '\\' && s[j] < utf8.RuneSelf {
				j++
			}
			dst = append(dst, s[i:j]...)
			i = j
		default:
			r, n := utf8.DecodeRune(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
		}
	}
	return dst
}

// unescaped is what stands for the character after a backslash.
func unescaped(c byte) byte {
	switch c {
	case '\\':
		return c
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c // quote, backslash, slash
}

func hex4(s []byte) rune {
	return rune(hexValue(s[0]))<<12 | rune(hexValue(s[1]))<<8 | rune(hexValue(s[2]))<<4 | rune(hexValue(s[3]))
}
