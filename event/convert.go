package event

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Convert turns a value as written into the kind of the field's type, as
// Elasticsearch would when it indexes the document. ok is false if it cannot be
// read as that type; the field is then missing. Converting twice is converting
// once. Numbers that the type cannot hold keep their value in a wider kind, so
// that comparisons stay right.
func (f *Field) Convert(v Value) (_ Value, ok bool) { return f.convert(v, nil) }

// convert is Convert with room for new text: ev's arena, or the heap.
func (f *Field) convert(v Value, ev *Event) (Value, bool) {
	if v.Kind == KindNull {
		return v, false
	}
	switch f.Type {
	case Dynamic:
		return toDynamic(v)
	case Keyword:
		return f.toKeyword(v, ev)
	case Integer, UnsignedLong:
		return toInteger(v)
	case Float:
		return toFloat(v)
	case Boolean:
		return toBoolean(v)
	case Date, DateNanos:
		return f.toTime(v)
	case IP:
		return toAddr(v)
	case Version:
		return toVersion(v, ev)
	}
	return v, true
}

// toDynamic gives a value the kind of its JSON type.
func toDynamic(v Value) (Value, bool) {
	if v.Kind == KindNumber {
		return number(v.S)
	}
	return v, true
}

// number reads a JSON number as a long, else an unsigned long, else a double. A
// number too great for a double is none: it has no value to compare.
func number(s string) (Value, bool) {
	if n, negative, ok := parseInteger(s); ok {
		switch {
		case negative && n <= 1<<63:
			return Long(-int64(n)), true
		case !negative && n <= math.MaxInt64:
			return Long(int64(n)), true
		case !negative:
			return ULong(n), true
		}
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return Value{}, false
	}
	return Double(x), true
}

// Double returns a floating-point value.
func Double(x float64) Value { return Value{Kind: KindDouble, N: math.Float64bits(x)} }

// parseInteger reads digits after an optional minus as up to 64 bits. strconv
// would make an error of every text that is none.
func parseInteger(s string) (n uint64, negative, ok bool) {
	if s != "" && s[0] == '-' {
		s, negative = s[1:], true
	}
	if s == "" {
		return 0, false, false
	}
	for i := range len(s) {
		c := uint64(s[i] - '0')
		if c > 9 || i >= 19 && (n > math.MaxUint64/10 || n*10 > math.MaxUint64-c) {
			return 0, false, false
		}
		n = n*10 + c
	}
	return n, negative, true
}

func (f *Field) toKeyword(v Value, ev *Event) (Value, bool) {
	switch v.Kind {
	case KindText:
	case KindNumber, KindVersion:
		v = Text(v.S) // as written, as Elasticsearch takes a number's text
	default:
		v = Text(textOf(v, ev))
	}
	if f.IgnoreAbove > 0 && len(v.S) > f.IgnoreAbove && utf8.RuneCountInString(v.S) > f.IgnoreAbove {
		return Value{}, false
	}
	return v, true
}

// textOf is a value's canonical text, in ev's arena if there is one.
func textOf(v Value, ev *Event) string {
	if v.Kind == KindBool {
		return strconv.FormatBool(v.N != 0)
	}
	if ev == nil {
		return string(v.AppendText(nil))
	}
	n := len(ev.arena)
	ev.arena = v.AppendText(ev.arena)
	return view(ev.arena[n:])
}

// toInteger reads a number; a fraction is cut off as Elasticsearch's coercion
// does.
func toInteger(v Value) (Value, bool) {
	switch v.Kind {
	case KindText, KindNumber:
		if v.Kind == KindText && !startsNumber(v.S) {
			return Value{}, false
		}
		n, ok := number(v.S)
		if !ok {
			return n, false
		}
		v = n
	case KindLong, KindULong, KindDouble:
	default:
		return Value{}, false
	}
	if v.Kind != KindDouble {
		return v, true
	}
	x := math.Trunc(math.Float64frombits(v.N))
	switch {
	case x >= -1<<63 && x < 1<<63:
		return Long(int64(x)), true
	case x >= 1<<63 && x < 1<<64:
		return ULong(uint64(x)), true
	}
	return Double(x), true
}

// startsNumber keeps what ParseFloat would take but Elasticsearch does not (Inf,
// NaN, 0x1p-2, 1_000) and what is plainly no number from it.
func startsNumber(s string) bool {
	t := strings.TrimLeft(s, "+-")
	return t != "" && (t[0]-'0' < 10 || t[0] == '.') && !strings.ContainsAny(t, "xXpP_nN")
}

func toFloat(v Value) (Value, bool) {
	switch v.Kind {
	case KindText, KindNumber:
		if v.Kind == KindText && !startsNumber(v.S) {
			return Value{}, false
		}
		x, err := strconv.ParseFloat(v.S, 64)
		return Double(x), err == nil
	case KindLong:
		return Double(float64(int64(v.N))), true
	case KindULong:
		return Double(float64(v.N)), true
	case KindDouble:
		return v, true
	}
	return Value{}, false
}

// toBoolean takes the words that Elasticsearch takes; empty text is false.
func toBoolean(v Value) (Value, bool) {
	switch {
	case v.Kind == KindBool:
		return v, true
	case v.Kind == KindText && v.S == "true":
		return Bool(true), true
	case v.Kind == KindText && (v.S == "false" || v.S == ""):
		return Bool(false), true
	}
	return Value{}, false
}

func (f *Field) toTime(v Value) (Value, bool) {
	switch v.Kind {
	case KindTime:
		return v, true
	case KindText, KindNumber:
		ns, ok := parseDate(v.S, f.Format, v.Kind == KindNumber)
		return Time(ns), ok
	case KindLong:
		return Time(epochMillis(int64(v.N), 0)), true
	case KindULong:
		return Time(math.MaxInt64), true
	case KindDouble:
		ms := math.Float64frombits(v.N)
		whole := math.Floor(min(max(ms, -1<<62), 1<<62))
		return Time(epochMillis(int64(whole), int64((ms-whole)*1e6))), ms == ms
	}
	return Value{}, false
}

// toAddr reads an address. Text that cannot be one ("-", "LOCAL", host names)
// is turned away before netip would make an error of it.
func toAddr(v Value) (Value, bool) {
	switch v.Kind {
	case KindIP:
		return v, true
	case KindText:
		return parseAddr(v.S)
	}
	return Value{}, false
}

func parseAddr(s string) (Value, bool) {
	if len(s) < 2 || len(s) > 45 || strings.IndexByte(s, '.') < 0 && strings.IndexByte(s, ':') < 0 {
		return Value{}, false
	}
	for i := range len(s) {
		if c := s[i]; hexValue(c) > 15 && c != '.' && c != ':' {
			return Value{}, false
		}
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return Value{}, false
	}
	return Addr(a), true
}

func toVersion(v Value, ev *Event) (Value, bool) {
	switch v.Kind {
	case KindVersion:
		return v, true
	case KindText, KindNumber:
		return Value{Kind: KindVersion, S: v.S}, true
	}
	return Value{Kind: KindVersion, S: textOf(v, ev)}, true
}
