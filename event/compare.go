package event

import (
	"cmp"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// Compare orders two values by what they are worth: text by its bytes, numbers
// by value whatever their kinds, false before true, instants, addresses by
// their sixteen bytes, versions as CompareVersion. ok is false for values of
// unlike families, nulls and NaN, which have no order. Numbers as written
// (KindNumber) are read first.
func Compare(a, b Value) (order int, ok bool) {
	if a.Kind == KindNumber {
		if a, ok = number(a.S); !ok {
			return 0, false
		}
	}
	if b.Kind == KindNumber {
		if b, ok = number(b.S); !ok {
			return 0, false
		}
	}
	if a.Kind != b.Kind {
		if a.numeric() && b.numeric() {
			return compareNumbers(a, b)
		}
		return 0, false
	}
	switch a.Kind {
	case KindText:
		return strings.Compare(a.S, b.S), true
	case KindLong, KindTime:
		return cmp.Compare(int64(a.N), int64(b.N)), true
	case KindULong, KindBool:
		return cmp.Compare(a.N, b.N), true
	case KindDouble:
		return compareNumbers(a, b)
	case KindIP:
		return cmp.Or(cmp.Compare(a.M, b.M), cmp.Compare(a.N, b.N)), true
	case KindVersion:
		return CompareVersion(a.S, b.S), true
	}
	return 0, false
}

// Equal reports whether two values are of one family and worth the same.
func Equal(a, b Value) bool {
	order, ok := Compare(a, b)
	return ok && order == 0
}

func (v Value) numeric() bool {
	return v.Kind == KindLong || v.Kind == KindULong || v.Kind == KindDouble
}

// compareNumbers compares exactly: no integer is rounded to a double.
func compareNumbers(a, b Value) (int, bool) {
	switch {
	case a.Kind == KindDouble && b.Kind == KindDouble:
		x, y := math.Float64frombits(a.N), math.Float64frombits(b.N)
		if x != x || y != y {
			return 0, false
		}
		return cmp.Compare(x, y), true
	case a.Kind == KindDouble:
		order, ok := compareNumbers(b, a)
		return -order, ok
	case b.Kind == KindDouble:
		return compareToDouble(a, math.Float64frombits(b.N))
	case a.Kind == b.Kind && a.Kind == KindULong:
		return cmp.Compare(a.N, b.N), true
	case a.negative() || b.negative():
		return cmp.Compare(a.signed(), b.signed()), true
	}
	return cmp.Compare(a.N, b.N), true
}

func (v Value) negative() bool { return v.Kind == KindLong && int64(v.N) < 0 }

// signed is an integer's value, saturated: enough to compare it with a
// negative one.
func (v Value) signed() int64 {
	if v.Kind == KindULong && v.N > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(v.N)
}

// compareToDouble compares an integer with a double by the double's whole part
// and then its fraction.
func compareToDouble(a Value, x float64) (int, bool) {
	switch {
	case x != x:
		return 0, false
	case x >= 1<<64:
		return -1, true
	case x < -1<<63:
		return 1, true
	}
	whole := math.Floor(x)
	w := Long(int64(whole))
	if whole >= 1<<63 {
		w = ULong(uint64(whole))
	}
	order, _ := compareNumbers(a, w)
	if order == 0 && x > whole {
		order = -1
	}
	return order, true
}

// AppendText appends a value's canonical text: text and versions as they are,
// numbers plainly (a whole double keeps its ".0"), true and false, instants as
// AppendTime, addresses in canonical form with IPv4 in its own. Null gives
// "null". Equal values of one kind have equal texts.
func (v Value) AppendText(dst []byte) []byte {
	switch v.Kind {
	case KindText, KindNumber, KindVersion:
		return append(dst, v.S...)
	case KindBool:
		return strconv.AppendBool(dst, v.N != 0)
	case KindLong:
		return strconv.AppendInt(dst, int64(v.N), 10)
	case KindULong:
		return strconv.AppendUint(dst, v.N, 10)
	case KindDouble:
		return appendDouble(dst, math.Float64frombits(v.N))
	case KindTime:
		return AppendTime(dst, int64(v.N))
	case KindIP:
		return v.Addr().AppendTo(dst)
	}
	return append(dst, "null"...)
}

// String is AppendText as a string, for messages and tests.
func (v Value) String() string { return string(v.AppendText(nil)) }

// Addr returns the address of a KindIP value; IPv4 as such, not v4-mapped.
func (v Value) Addr() netip.Addr {
	var b [16]byte
	for i := range 8 {
		b[i] = byte(v.M >> (56 - 8*i))
		b[8+i] = byte(v.N >> (56 - 8*i))
	}
	return netip.AddrFrom16(b).Unmap()
}

// appendDouble writes a double that reads back as the same: without an exponent
// where that is short enough to read.
func appendDouble(dst []byte, x float64) []byte {
	abs := math.Abs(x)
	if abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return strconv.AppendFloat(dst, x, 'e', -1, 64)
	}
	dst = strconv.AppendFloat(dst, x, 'f', -1, 64)
	if x == math.Trunc(x) {
		dst = append(dst, ".0"...)
	}
	return dst
}
