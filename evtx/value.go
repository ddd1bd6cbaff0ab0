package evtx

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"
)

// Type is the type of a value, numbered as in binary XML (MS-EVEN6 2.2.12.2,
// BinXmlValueType). ArrayFlag is added for an array.
type Type uint8

// The value types of binary XML.
const (
	TypeNull       Type = 0x00
	TypeString     Type = 0x01 // UTF-16LE
	TypeAnsi       Type = 0x02 // one byte a character, read as Windows-1252
	TypeInt8       Type = 0x03
	TypeUint8      Type = 0x04
	TypeInt16      Type = 0x05
	TypeUint16     Type = 0x06
	TypeInt32      Type = 0x07
	TypeUint32     Type = 0x08
	TypeInt64      Type = 0x09
	TypeUint64     Type = 0x0a
	TypeFloat32    Type = 0x0b
	TypeFloat64    Type = 0x0c
	TypeBool       Type = 0x0d // four bytes; now and then one
	TypeBinary     Type = 0x0e
	TypeGUID       Type = 0x0f
	TypeSize       Type = 0x10 // four or eight bytes, shown in hexadecimal
	TypeFiletime   Type = 0x11 // 100 ns since 1601-01-01 UTC
	TypeSystemtime Type = 0x12 // eight uint16
	TypeSID        Type = 0x13
	TypeHex32      Type = 0x14
	TypeHex64      Type = 0x15
	TypeHandle     Type = 0x20
	TypeBinXML     Type = 0x21 // a fragment of binary XML
	TypeXML        Type = 0x23 // UTF-16LE XML text

	// TypeText is not of the format: text in UTF-8, from a template, from an
	// XML document, or put together from several pieces.
	TypeText Type = 0x40

	// ArrayFlag marks an array of values of one type.
	ArrayFlag Type = 0x80
)

// Value is one value: a type and its bytes as they stand in the log. Text is
// made only when asked for. The zero Value is null.
type Value struct {
	raw []byte
	typ Type
}

// TextValue gives a value of type TypeText over s, which is not copied.
func TextValue(s []byte) Value { return Value{raw: s, typ: TypeText} }

// RawValue gives a value of type t over its bytes in the form of the log. They
// are not copied.
func RawValue(t Type, raw []byte) Value { return Value{raw: raw, typ: t} }

// Type tells the value's type.
func (v Value) Type() Type { return v.typ }

// Raw gives the value's bytes as they stand in the log (UTF-8 for TypeText).
func (v Value) Raw() []byte { return v.raw }

// IsNull reports that there is no value: an attribute or element that is not
// there, or a substitution of type null.
func (v Value) IsNull() bool { return v.typ == TypeNull }

// IsEmpty reports that the value has no text: null, or an empty string. A
// string that holds nothing but terminators is empty.
func (v Value) IsEmpty() bool {
	switch v.typ {
	case TypeNull:
		return true
	case TypeString, TypeXML:
		return len(trimNUL16(v.raw)) == 0
	case TypeAnsi:
		return len(trimNUL8(v.raw)) == 0
	}
	return len(v.raw) == 0
}

// String gives the value's text; it allocates.
func (v Value) String() string { return string(v.AppendText(nil)) }

// fixedSize tells how many bytes a value of the type has, 0 if it varies.
func fixedSize(t Type) int {
	switch t {
	case TypeInt8, TypeUint8:
		return 1
	case TypeInt16, TypeUint16:
		return 2
	case TypeInt32, TypeUint32, TypeFloat32, TypeBool, TypeHex32:
		return 4
	case TypeInt64, TypeUint64, TypeFloat64, TypeFiletime, TypeHex64:
		return 8
	case TypeGUID, TypeSystemtime:
		return 16
	}
	return 0
}

// number gives the little-endian integer that the bytes hold, whatever their
// number up to eight: writers do not always keep to the type's own size.
func number(raw []byte) (uint64, bool) {
	switch len(raw) {
	case 1:
		return uint64(raw[0]), true
	case 2:
		return uint64(binary.LittleEndian.Uint16(raw)), true
	case 4:
		return uint64(binary.LittleEndian.Uint32(raw)), true
	case 8:
		return binary.LittleEndian.Uint64(raw), true
	}
	if len(raw) == 0 || len(raw) > 8 {
		return 0, false
	}
	var b [8]byte
	copy(b[:], raw)
	return binary.LittleEndian.Uint64(b[:]), true
}

// signed gives the number with the sign of its size.
func signed(raw []byte) (int64, bool) {
	n, ok := number(raw)
	if !ok {
		return 0, false
	}
	shift := 64 - 8*uint(len(raw))
	return int64(n<<shift) >> shift, true
}

// Int gives the value as a signed integer: numbers as they are, booleans as 0
// and 1, text if it is a decimal or a 0x number. ok is false for all else and
// for unsigned numbers above the range.
func (v Value) Int() (n int64, ok bool) {
	switch v.typ {
	case TypeInt8, TypeInt16, TypeInt32, TypeInt64:
		return signed(v.raw)
	case TypeString, TypeAnsi, TypeText:
		var buf [32]byte
		if len(v.raw) > 64 {
			return 0, false
		}
		return parseInt(v.AppendText(buf[:0]))
	}
	u, ok := v.Uint()
	return int64(u), ok && u <= math.MaxInt64
}

// Uint gives the value as an unsigned integer, like Int; negative numbers have
// none. A FILETIME is its count of 100 ns.
func (v Value) Uint() (n uint64, ok bool) {
	switch v.typ {
	case TypeUint8, TypeUint16, TypeUint32, TypeUint64, TypeSize,
		TypeHex32, TypeHex64, TypeHandle, TypeFiletime:
		return number(v.raw)
	case TypeBool:
		n, ok = number(v.raw)
		return min(n, 1), ok
	case TypeInt8, TypeInt16, TypeInt32, TypeInt64:
		s, ok := signed(v.raw)
		return uint64(s), ok && s >= 0
	case TypeString, TypeAnsi, TypeText:
		var buf [32]byte
		if len(v.raw) > 64 {
			return 0, false
		}
		return parseUint(v.AppendText(buf[:0]))
	}
	return 0, false
}

func parseUint(s []byte) (uint64, bool) {
	base := uint64(10)
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		base, s = 16, s[2:]
	}
	if len(s) == 0 || len(s) > 20 {
		return 0, false
	}
	var n uint64
	for _, c := range s {
		var d uint64
		switch {
		case c >= '0' && c <= '9':
			d = uint64(c - '0')
		case base == 16 && c|0x20 >= 'a' && c|0x20 <= 'f':
			d = uint64(c|0x20-'a') + 10
		default:
			return 0, false
		}
		if n > (math.MaxUint64-d)/base {
			return 0, false
		}
		n = n*base + d
	}
	return n, true
}

func parseInt(s []byte) (int64, bool) {
	neg := len(s) > 0 && s[0] == '-'
	if neg {
		s = s[1:]
	}
	n, ok := parseUint(s)
	if neg {
		return -int64(n), ok && n <= 1<<63
	}
	return int64(n), ok && n <= math.MaxInt64
}

// Time gives a FILETIME, a SYSTEMTIME or text in the form of ISO 8601 as a
// point in time. ok is false for all else and for times outside the years 1 to
// 9999. Text without a zone is UTC.
func (v Value) Time() (t time.Time, ok bool) {
	switch v.typ {
	case TypeFiletime:
		n, ok := number(v.raw)
		if !ok || n > maxFiletime {
			return time.Time{}, false
		}
		return FiletimeTime(n), true
	case TypeSystemtime:
		if len(v.raw) < 16 {
			return time.Time{}, false
		}
		f := func(i int) int { return int(binary.LittleEndian.Uint16(v.raw[2*i:])) }
		if f(1) < 1 || f(1) > 12 || f(3) < 1 || f(3) > 31 {
			return time.Time{}, false
		}
		return time.Date(f(0), time.Month(f(1)), f(3), f(4), f(5), f(6), f(7)*1e6, time.UTC), true
	case TypeString, TypeText, TypeAnsi:
		var buf [48]byte
		if len(v.raw) > 96 {
			return time.Time{}, false
		}
		return parseISO(v.AppendText(buf[:0]))
	}
	return time.Time{}, false
}

// AppendText appends the value's text in UTF-8, as Windows' own rendering
// (wevtutil, ToXml) writes it: GUIDs and numbers in lower case, 0x numbers
// without leading zeros, binary as upper-case hexadecimal, times in ISO 8601
// with seven digits. Array items are joined by ", ". A value whose bytes do
// not fit its type is written as binary.
func (v Value) AppendText(dst []byte) []byte {
	if v.typ&ArrayFlag != 0 {
		first := true
		v.Items(func(item Value) bool {
			if !first {
				dst = append(dst, ", "...)
			}
			first = false
			dst = item.AppendText(dst)
			return true
		})
		return dst
	}
	switch v.typ {
	case TypeNull:
		return dst
	case TypeText:
		return append(dst, v.raw...)
	case TypeString, TypeXML:
		return appendUTF16(dst, trimNUL16(v.raw))
	case TypeAnsi:
		return appendANSI(dst, trimNUL8(v.raw))
	case TypeGUID:
		if len(v.raw) == 16 {
			return appendGUID(dst, v.raw)
		}
	case TypeSID:
		if out, ok := appendSID(dst, v.raw); ok {
			return out
		}
	case TypeFiletime, TypeSystemtime:
		return v.appendTime(dst)
	case TypeBinary, TypeBinXML:
	default:
		if out, ok := v.appendNumber(dst); ok {
			return out
		}
	}
	return appendHex(dst, v.raw)
}

func (v Value) appendNumber(dst []byte) ([]byte, bool) {
	n, ok := number(v.raw)
	if !ok {
		return dst, false
	}
	switch v.typ {
	case TypeInt8, TypeInt16, TypeInt32, TypeInt64:
		s, _ := signed(v.raw)
		return strconv.AppendInt(dst, s, 10), true
	case TypeUint8, TypeUint16, TypeUint32, TypeUint64:
		return strconv.AppendUint(dst, n, 10), true
	case TypeHex32, TypeHex64, TypeSize, TypeHandle:
		return strconv.AppendUint(append(dst, "0x"...), n, 16), true
	case TypeBool:
		return strconv.AppendBool(dst, n != 0), true
	case TypeFloat32:
		if len(v.raw) == 4 {
			return strconv.AppendFloat(dst, float64(math.Float32frombits(uint32(n))), 'g', -1, 32), true
		}
	case TypeFloat64:
		if len(v.raw) == 8 {
			return strconv.AppendFloat(dst, math.Float64frombits(n), 'g', -1, 64), true
		}
	}
	return dst, false
}

func (v Value) appendTime(dst []byte) []byte {
	t, ok := v.Time()
	if !ok {
		return appendHex(dst, v.raw)
	}
	if v.typ == TypeSystemtime {
		return appendISO(dst, t, 3)
	}
	return appendISO(dst, t, 7)
}

// Items calls yield for each item of an array, in order, until it gives false.
// For a value that is no array, that value is the one item.
func (v Value) Items(yield func(Value) bool) {
	if v.typ&ArrayFlag == 0 {
		yield(v)
		return
	}
	for it := (items{rest: v.raw, typ: v.typ &^ ArrayFlag}); it.next(); {
		if !yield(it.item) {
			return
		}
	}
}

// items goes through an array.
type items struct {
	rest []byte
	typ  Type
	item Value
}

// next moves to the next item. Strings end with a terminator each; SIDs tell
// their own length; bytes at the end that make no whole item are one of type
// binary.
func (it *items) next() bool {
	if len(it.rest) == 0 {
		return false
	}
	n, skip := len(it.rest), 0
	switch it.typ {
	case TypeString, TypeXML:
		n, skip = index16NUL(it.rest), 2
	case TypeAnsi:
		n, skip = indexNUL(it.rest), 1
	case TypeSID:
		if len(it.rest) >= 8 {
			n = min(n, 8+4*int(it.rest[1]))
		}
	default:
		if size := fixedSize(it.typ); size > 0 {
			n = min(n, size)
		}
	}
	it.item = Value{raw: it.rest[:n:n], typ: it.typ}
	if size := fixedSize(it.typ); n < size {
		it.item.typ = TypeBinary
	}
	it.rest = it.rest[min(n+skip, len(it.rest)):]
	return true
}
