package event

import "net/netip"

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
	fold string // S with ASCII letters in lower case, once Fold asked for it
	N, M uint64
	Kind Kind

	folded bool
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
// the value, so that a thousand rules fold a command line once.
func (v *Value) Fold() string {
	if !v.folded {
		v.fold, v.folded = FoldASCII(v.S), true
	}
	return v.fold
}

// FoldASCII returns s with A–Z in lower case, and s itself if it has none: the
// case folding of Lucene's queries (eql/SEMANTICS: other letters stay).
func FoldASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if c := b[i]; c >= 'A' && c <= 'Z' {
					b[i] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
