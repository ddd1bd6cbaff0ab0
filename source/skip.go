package source

import (
	"encoding/binary"
	"math/bits"
)

// maxNest bounds how deep the objects and arrays of one document may nest.
const maxNest = 1024

// verdict is how far a scan came.
type verdict uint8

const (
	done verdict = iota // the thing ends where the scan stopped
	more                // it goes on behind the bytes at hand
	bad                 // it is broken where the scan stopped
)

// skipper finds the end of one JSON object or array. It can be fed in pieces
// and remembers only the open brackets, so that a document of any length is
// skipped in constant memory.
//
// It checks as much grammar as it takes to notice soon that a document was
// cut off and another one begins: brackets pair up, no control byte in a
// string, an opening bracket only where a value may stand, no stray bytes
// between values. Everything else is left to the decoder, which is strict.
type skipper struct {
	depth  int
	object [maxNest / 64]uint64 // one bit a level: an object, not an array
	prev   byte                 // the token before: one of "{[,:v", v is a value
	str    uint8                // 1 inside a string, 2 behind a backslash in it
}

func (s *skipper) reset() { s.depth, s.prev, s.str = 0, ':', 0 }

// inside makes s stand behind a value within n nested objects.
func (s *skipper) inside(n int) {
	s.reset()
	for range n {
		s.push(true)
	}
	s.prev = 'v'
}

func (s *skipper) push(object bool) {
	bit := uint64(1) << (s.depth & 63)
	if object {
		s.object[s.depth>>6] |= bit
	} else {
		s.object[s.depth>>6] &^= bit
	}
	s.depth++
}

func (s *skipper) inObject() bool {
	d := s.depth - 1
	return d >= 0 && s.object[d>>6]&(1<<(d&63)) != 0
}

// scan goes on through b and returns how much of it was used.
func (s *skipper) scan(b []byte) (int, verdict) {
	i := 0
	if s.str != 0 {
		n, v := s.text(b)
		if v != done {
			return n, v
		}
		i = n
	}
	for i < len(b) {
		c := b[i]
		switch class[c] {
		case clSpace:
			i++
		case clScalar:
			if s.prev == 'v' {
				// the rest of a number or word, or two values in a row: the decoder tells
				i++
				continue
			}
			s.prev = 'v'
			i++
		case clQuote:
			if s.prev == 'v' {
				return i, bad
			}
			s.str = 1
			n, v := s.text(b[i+1:])
			i += 1 + n
			if v != done {
				return i, v
			}
		case clComma:
			s.prev = c
			i++
		case clOpen:
			if !s.mayOpen() || s.depth == maxNest {
				return i, bad
			}
			s.push(c == '{')
			s.prev = c
			i++
		case clClose:
			if s.depth == 0 || s.inObject() != (c == '}') {
				return i, bad
			}
			s.depth--
			s.prev = 'v'
			i++
			if s.depth == 0 {
				return i, done
			}
		default:
			return i, bad
		}
	}
	return i, more
}

// mayOpen says whether an object or array may begin here.
func (s *skipper) mayOpen() bool {
	if s.inObject() {
		return s.prev == ':'
	}
	return s.prev != 'v'
}

// text goes to behind the closing quote of a string.
func (s *skipper) text(b []byte) (int, verdict) {
	i := 0
	if s.str == 2 && len(b) > 0 {
		s.str, i = 1, 1
	}
	for {
		i += plain(b[i:])
		if i >= len(b) {
			return len(b), more
		}
		switch c := b[i]; {
		case c == '"':
			s.str, s.prev = 0, 'v'
			return i + 1, done
		case c == '\\':
			if i+1 >= len(b) {
				s.str = 2
				return i + 1, more
			}
			if b[i+1] < ' ' {
				return i + 1, bad
			}
			i += 2
		default:
			return i, bad
		}
	}
}

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plain returns how many bytes of b are neither quote, backslash nor control
// byte. It looks at eight at a time.
func plain(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		q := w ^ (lows * '"')
		s := w ^ (lows * '\\')
		hit := (q-lows)&^q | (s-lows)&^s | (w-lows*' ')&^w
		if hit &= highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3 // the lowest is exact
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < ' ' {
			break
		}
	}
	return i
}

const (
	clBad = iota
	clSpace
	clScalar
	clQuote
	clComma // and the colon
	clOpen
	clClose
)

// class sorts the bytes that may stand outside of strings.
var class = [256]uint8{
	' ': clSpace, '\t': clSpace, '\n': clSpace, '\r': clSpace,
	'"': clQuote, ',': clComma, ':': clComma,
	'{': clOpen, '[': clOpen, '}': clClose, ']': clClose,
	'0': clScalar, '1': clScalar, '2': clScalar, '3': clScalar, '4': clScalar,
	'5': clScalar, '6': clScalar, '7': clScalar, '8': clScalar, '9': clScalar,
	'-': clScalar, '+': clScalar, '.': clScalar, 'E': clScalar,
	't': clScalar, 'r': clScalar, 'u': clScalar, 'e': clScalar, 'f': clScalar,
	'a': clScalar, 'l': clScalar, 's': clScalar, 'n': clScalar,
}
