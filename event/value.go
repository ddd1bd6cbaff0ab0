package event

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"unsafe"
)

// Kind says what a Value holds.
type Kind uint8

// The kinds of values. A value enters a record as it was written (Text,
// Number, Bool, Long, ULong, Double, Time, Addr) and is turned into the kind of
// its field's type when it is first asked for (Event.Values).
const (
	KindNull    Kind = iota // no value; only constants of the language hold it
	KindText                // S: the characters, escapes undone
	KindNumber              // S: a JSON number as written, not yet read
	KindBool                // N: 0 or 1
	KindLong                // N: an int64's bits
	KindULong               // N: a uint64
	KindDouble              // N: math.Float64bits
	KindTime                // N: int64 nanoseconds since 1970 UTC
	KindIP                  // M, N: the 16 bytes of the address, big endian; IPv4 as v4-mapped
	KindVersion             // S: the text; order is semantic-version order
)

// Value is one typed value of a field. It is a plain struct so that records
// hold their values side by side without pointers to chase.
//
// S points into the document's bytes or the record's arena: it lives until the
// record is reset. Whoever keeps it longer clones it (strings.Clone).
type Value struct {
	S    string
	fold *byte // as many bytes as S, with ASCII letters in lower case, once Fold asked for it
	N, M uint64
	Kind Kind
}

// Text returns a text value.
func Text(s string) Value { return Value{Kind: KindText, S: s} }

// Number returns a JSON number as written.
func Number(s string) Value { return Value{Kind: KindNumber, S: s} }

// Long returns an integer value.
func Long(n int64) Value { return Value{Kind: KindLong, N: uint64(n)} }

// ULong returns an unsigned integer value.
func ULong(n uint64) Value { return Value{Kind: KindULong, N: n} }

// Bool returns a boolean value.
func Bool(b bool) Value {
	if b {
		return Value{Kind: KindBool, N: 1}
	}
	return Value{Kind: KindBool}
}

// Time returns an instant, in nanoseconds since 1970 UTC.
func Time(ns int64) Value { return Value{Kind: KindTime, N: uint64(ns)} }

// Addr returns an address; an IPv4 address and its v4-mapped form are equal.
func Addr(a netip.Addr) Value {
	b := a.As16()
	v := Value{Kind: KindIP}
	for i := range 8 {
		v.M = v.M<<8 | uint64(b[i])
		v.N = v.N<<8 | uint64(b[8+i])
	}
	return v
}

// Fold returns S with its ASCII letters in lower case. The answer is kept with
// the value, so that a thousand rules fold a command line once. For a value of
// a record Event.Fold does it without allocating.
func (v *Value) Fold() string {
	if v.fold == nil {
		if i := upper(v.S); i < len(v.S) {
			v.keepFold([]byte(v.S), i)
		} else {
			v.fold = unsafe.StringData(v.S)
		}
	}
	return unsafe.String(v.fold, len(v.S))
}

// keepFold folds b, a copy of S that has no capital before from, and keeps it.
func (v *Value) keepFold(b []byte, from int) {
	foldBytes(b[from:])
	v.fold = unsafe.SliceData(b)
}

// FoldASCII returns s with A–Z in lower case, and s itself if it has none: the
// case folding of Lucene's queries (eql/SEMANTICS: other letters stay).
func FoldASCII(s string) string {
	i := upper(s)
	if i == len(s) {
		return s
	}
	b := []byte(s)
	foldBytes(b[i:])
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// capitals marks, with the high bit of each byte, the letters A–Z of eight.
func capitals(w uint64) uint64 {
	low := w &^ highs
	return (low + ones*(0x80-'A')) &^ (low + ones*(0x7f-'Z')) &^ w & highs
}

// upper returns the place of the first letter A–Z, or the length.
func upper(s string) int {
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if m := capitals(word(b, i)); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(b); i++ {
		if b[i]-'A' < 26 {
			return i
		}
	}
	return i
}

func foldBytes(b []byte) {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := word(b, i)
		binary.LittleEndian.PutUint64(b[i:], w|capitals(w)>>2)
	}
	for ; i < len(b); i++ {
		if b[i]-'A' < 26 {
			b[i] += 'a' - 'A'
		}
	}
}
