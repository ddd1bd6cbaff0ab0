package eql

import (
	"math"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"github.com/tocsin-project/tocsin/event"
)

// numberFunctions are arithmetic in words, conversions, and the test of
// addresses.
var numberFunctions = []function{
	arithmetic("add", OpAdd),
	arithmetic("subtract", OpSub),
	arithmetic("multiply", OpMul),
	arithmetic("divide", OpDiv),
	arithmetic("modulo", OpMod),
	{
		name: "cidrMatch", arity: "at least two",
		params: []param{{accept: tIP | tNull | tDynamic}, {accept: tText, constant: true}}, min: 2, more: true,
		result: tBool, nulls: true,
		body: func(_ call, a []event.Value) event.Value {
			ip, ok := addrOf(a[0])
			if !ok {
				return event.Bool(false)
			}
			for _, block := range a[1:] {
				if r, ok := parseBlock(block.S); ok && r.contains(ip) {
					return event.Bool(true)
				}
			}
			return event.Bool(false)
		},
	},
	{
		name: "number", arity: "one or two",
		params: []param{textParam, {accept: tInt | tNull, constant: true}}, min: 1,
		result: tNumber,
		body: func(c call, a []event.Value) event.Value {
			if a[0].Kind == event.KindNull {
				return event.Value{}
			}
			base := 0
			if len(a) > 1 && a[1].Kind != event.KindNull {
				base = clampInt(a[1])
			}
			v, ok := parseNumber(a[0].S, base)
			if !ok {
				c.fault = "cannot convert [" + a[0].S + "] to a number"
			}
			return v
		},
	},
	{
		name: "string", arity: "exactly one",
		params: []param{{accept: tAny}}, min: 1,
		result: tText, nulls: true,
		body: func(c call, a []event.Value) event.Value {
			if a[0].Kind == event.KindText {
				return a[0]
			}
			from := len(c.buf)
			c.buf = a[0].AppendText(c.buf)
			return event.Text(c.textFrom(from))
		},
	},
}

func arithmetic(name string, op Op) function {
	return function{
		name: name, arity: "exactly two",
		params: []param{numberParam, numberParam}, min: 2,
		result: tNumber, nulls: true,
		body: func(c call, a []event.Value) event.Value { return c.arith(op, a[0], a[1]) },
	}
}

// parseNumber reads a whole number, or in base 10 also one with a fraction.
// Base 0 means 10, or 16 behind 0x.
func parseNumber(s string, base int) (event.Value, bool) {
	if hex, ok := strings.CutPrefix(s, "0x"); ok && (base == 0 || base == 16) {
		s, base = hex, 16
	}
	if base == 0 {
		base = 10
	}
	if base < 2 || base > 36 || s == "" || strings.ContainsRune(s, '_') {
		return event.Value{}, false
	}
	if n, err := strconv.ParseInt(s, base, 64); err == nil {
		return event.Long(n), true
	}
	if base != 10 {
		return event.Value{}, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) || strings.ContainsAny(s, "xXpP") {
		return event.Value{}, false
	}
	return event.Double(f), true
}

// numeric reads a number that still stands as it was written.
func numeric(v event.Value) event.Value {
	if v.Kind != event.KindNumber {
		return v
	}
	if n, err := strconv.ParseInt(v.S, 10, 64); err == nil {
		return event.Long(n)
	}
	if n, err := strconv.ParseUint(v.S, 10, 64); err == nil {
		return event.ULong(n)
	}
	f, err := strconv.ParseFloat(v.S, 64)
	if err != nil && !math.IsInf(f, 0) {
		return event.Value{}
	}
	return event.Double(f)
}

func isNumber(v event.Value) bool {
	return v.Kind == event.KindLong || v.Kind == event.KindULong || v.Kind == event.KindDouble
}

// clampInt reads an int argument; other kinds give 0.
func clampInt(v event.Value) int {
	switch v = numeric(v); v.Kind {
	case event.KindLong:
		return int(min(max(int64(v.N), math.MinInt32), math.MaxInt32))
	case event.KindULong:
		return math.MaxInt32
	case event.KindDouble:
		return int(min(max(math.Float64frombits(v.N), math.MinInt32), math.MaxInt32))
	}
	return 0
}

func toFloat(v event.Value) float64 {
	switch v.Kind {
	case event.KindLong:
		return float64(int64(v.N))
	case event.KindULong:
		return float64(v.N)
	}
	return math.Float64frombits(v.N)
}

// arith applies an operator to two values. Integer overflow and division by
// an integer zero are run-time errors in Elasticsearch; here they give null.
func (s *scope) arith(op Op, a, b event.Value) event.Value {
	a, b = numeric(a), numeric(b)
	if !isNumber(a) || !isNumber(b) {
		return event.Value{}
	}
	if a.Kind == event.KindDouble || b.Kind == event.KindDouble {
		return event.Double(floatArith(op, toFloat(a), toFloat(b)))
	}
	v, fault := intArith(op, a, b)
	if fault != "" {
		s.fault = fault
	}
	return v
}

func floatArith(op Op, x, y float64) float64 {
	switch op {
	case OpAdd:
		return x + y
	case OpSub:
		return x - y
	case OpMul:
		return x * y
	case OpDiv:
		return x / y
	}
	return math.Mod(x, y)
}

// intArith works on sign and magnitude in 128 bits, so that longs and unsigned
// longs mix without overflow on the way.
func intArith(op Op, a, b event.Value) (event.Value, string) {
	x, nx := magnitude(a)
	y, ny := magnitude(b)
	switch op {
	case OpSub:
		ny = !ny
		fallthrough
	case OpAdd:
		if nx == ny {
			sum, carry := bits.Add64(x, y, 0)
			return signed(sum, carry, nx)
		}
		if x >= y {
			return signed(x-y, 0, nx)
		}
		return signed(y-x, 0, ny)
	case OpMul:
		hi, lo := bits.Mul64(x, y)
		return signed(lo, hi, nx != ny)
	}
	if y == 0 {
		return event.Value{}, "division by zero"
	}
	if op == OpDiv {
		return signed(x/y, 0, nx != ny)
	}
	return signed(x%y, 0, nx)
}

func magnitude(v event.Value) (n uint64, negative bool) {
	if v.Kind == event.KindLong && int64(v.N) < 0 {
		return -v.N, true
	}
	return v.N, false
}

func signed(lo, hi uint64, negative bool) (event.Value, string) {
	switch {
	case hi != 0, negative && lo > 1<<63:
		return event.Value{}, "integer overflow"
	case negative:
		return event.Long(int64(-lo)), ""
	case lo > math.MaxInt64:
		return event.ULong(lo), ""
	}
	return event.Long(int64(lo)), ""
}

// addrRange is a block of addresses in their 16-byte form. A block of IPv6 that
// holds all v4-mapped addresses holds no IPv4 address: families do not mix.
type addrRange struct {
	loM, loN, hiM, hiN uint64
	no4                bool
}

func (r addrRange) contains(v event.Value) bool {
	if r.no4 && v.M == 0 && v.N>>32 == 0xffff {
		return false
	}
	return !less128(v.M, v.N, r.loM, r.loN) && !less128(r.hiM, r.hiN, v.M, v.N)
}

func less128(m1, n1, m2, n2 uint64) bool { return m1 < m2 || m1 == m2 && n1 < n2 }

// parseBlock reads an address or a CIDR block; host bits are ignored.
func parseBlock(s string) (addrRange, bool) {
	text, mask, isBlock := strings.Cut(s, "/")
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return addrRange{}, false
	}
	v4 := a.Is4()
	v := event.Addr(a)
	if !isBlock {
		return addrRange{loM: v.M, loN: v.N, hiM: v.M, hiN: v.N}, true
	}
	n, err := strconv.Atoi(mask)
	if err != nil || n < 0 || n > a.BitLen() || len(mask) > 3 || mask[0] == '+' {
		return addrRange{}, false
	}
	if v4 {
		n += 96
	}
	r := addrRange{no4: n < 96}
	r.loM, r.hiM = maskHalf(v.M, min(n, 64))
	r.loN, r.hiN = maskHalf(v.N, max(n-64, 0))
	return r, true
}

// maskHalf gives the least and greatest number with the first n bits of v.
func maskHalf(v uint64, n int) (lo, hi uint64) {
	if n == 0 {
		return 0, math.MaxUint64
	}
	host := uint64(math.MaxUint64)
	if n < 64 {
		host >>= n
	} else {
		host = 0
	}
	return v &^ host, v | host
}

// addrOf reads an address, also from text: fields without a declared type hold
// addresses as they were written.
func addrOf(v event.Value) (event.Value, bool) {
	switch v.Kind {
	case event.KindIP:
		return v, true
	case event.KindText:
		if len(v.S) > 64 || v.S == "" || !isHexOrColon(v.S[0]) {
			return v, false
		}
		a, err := netip.ParseAddr(v.S)
		if err != nil {
			return v, false
		}
		return event.Addr(a), true
	}
	return v, false
}

func isHexOrColon(c byte) bool {
	return isDigit(c) || c == ':' || c|0x20 >= 'a' && c|0x20 <= 'f'
}
