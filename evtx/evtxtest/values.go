package evtxtest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/tocsin-project/tocsin/evtx"
)

// String gives s as UTF-16 text.
func String(s string) evtx.Value { return evtx.RawValue(evtx.TypeString, utf16le(s)) }

// Strings gives an array of texts, each with its terminator.
func Strings(list ...string) evtx.Value {
	var raw []byte
	for _, s := range list {
		raw = append(append(raw, utf16le(s)...), 0, 0)
	}
	return evtx.RawValue(evtx.TypeString|evtx.ArrayFlag, raw)
}

// Ansi gives text of one byte a character.
func Ansi(s string) evtx.Value { return evtx.RawValue(evtx.TypeAnsi, []byte(s)) }

// Uint8 gives an unsigned integer of 1 byte.
func Uint8(n uint8) evtx.Value { return sized(evtx.TypeUint8, 1, uint64(n)) }

// Uint16 gives an unsigned integer of 2 bytes.
func Uint16(n uint16) evtx.Value { return sized(evtx.TypeUint16, 2, uint64(n)) }

// Uint32 gives an unsigned integer of 4 bytes.
func Uint32(n uint32) evtx.Value { return sized(evtx.TypeUint32, 4, uint64(n)) }

// Uint64 gives an unsigned integer of 8 bytes.
func Uint64(n uint64) evtx.Value { return sized(evtx.TypeUint64, 8, uint64(n)) }

// Int8 gives a signed integer of 1 byte.
func Int8(n int8) evtx.Value { return sized(evtx.TypeInt8, 1, uint64(n)) }

// Int16 gives a signed integer of 2 bytes.
func Int16(n int16) evtx.Value { return sized(evtx.TypeInt16, 2, uint64(n)) }

// Int32 gives a signed integer of 4 bytes.
func Int32(n int32) evtx.Value { return sized(evtx.TypeInt32, 4, uint64(n)) }

// Int64 gives a signed integer of 8 bytes.
func Int64(n int64) evtx.Value { return sized(evtx.TypeInt64, 8, uint64(n)) }

// Hex32 gives a number of 4 bytes that is shown in hexadecimal.
func Hex32(n uint32) evtx.Value { return sized(evtx.TypeHex32, 4, uint64(n)) }

// Hex64 gives a number of 8 bytes that is shown in hexadecimal.
func Hex64(n uint64) evtx.Value { return sized(evtx.TypeHex64, 8, n) }

// Size gives a size of 8 bytes.
func Size(n uint64) evtx.Value { return sized(evtx.TypeSize, 8, n) }

// Float32 gives a real of 4 bytes.
func Float32(n float32) evtx.Value { return sized(evtx.TypeFloat32, 4, uint64(math.Float32bits(n))) }

// Float64 gives a real of 8 bytes.
func Float64(n float64) evtx.Value { return sized(evtx.TypeFloat64, 8, math.Float64bits(n)) }

// Binary gives bytes, which are not copied.
func Binary(n []byte) evtx.Value { return evtx.RawValue(evtx.TypeBinary, n) }

// Filetime gives a time to 100 ns.
func Filetime(n time.Time) evtx.Value { return sized(evtx.TypeFiletime, 8, filetime(n)) }

// Bool gives a boolean of four bytes.
func Bool(b bool) evtx.Value {
	if b {
		return sized(evtx.TypeBool, 4, 1)
	}
	return sized(evtx.TypeBool, 4, 0)
}

// Systemtime gives t to the millisecond.
func Systemtime(t time.Time) evtx.Value {
	t = t.UTC()
	var raw []byte
	for _, n := range []int{t.Year(), int(t.Month()), int(t.Weekday()), t.Day(),
		t.Hour(), t.Minute(), t.Second(), t.Nanosecond() / 1e6} {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(n))
	}
	return evtx.RawValue(evtx.TypeSystemtime, raw)
}

// GUID gives the GUID written as {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}, null
// for an empty text.
func GUID(text string) (evtx.Value, error) {
	if text == "" {
		return evtx.Value{}, nil
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(strings.Trim(text, "{}"), "-", ""))
	if err != nil || len(raw) != 16 {
		return evtx.Value{}, fmt.Errorf("parse GUID %q", text)
	}
	for _, swap := range [][2]int{{0, 3}, {1, 2}, {4, 5}, {6, 7}} {
		raw[swap[0]], raw[swap[1]] = raw[swap[1]], raw[swap[0]]
	}
	return evtx.RawValue(evtx.TypeGUID, raw), nil
}

// SID gives the security identifier written as S-1-5-…, null for an empty
// text.
func SID(text string) (evtx.Value, error) {
	if text == "" {
		return evtx.Value{}, nil
	}
	parts := strings.Split(text, "-")
	if len(parts) < 3 || parts[0] != "S" || len(parts) > 3+255 {
		return evtx.Value{}, fmt.Errorf("parse SID %q", text)
	}
	var n []uint64
	for _, p := range parts[1:] {
		v, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return evtx.Value{}, fmt.Errorf("parse SID %q: %w", text, err)
		}
		n = append(n, v)
	}
	raw := []byte{byte(n[0]), byte(len(n) - 2), 0, 0}
	raw = binary.BigEndian.AppendUint32(raw, uint32(n[1]))
	for _, v := range n[2:] {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(v))
	}
	return evtx.RawValue(evtx.TypeSID, raw), nil
}

func sized(t evtx.Type, size int, n uint64) evtx.Value {
	return evtx.RawValue(t, binary.LittleEndian.AppendUint64(nil, n)[:size])
}

func utf16le(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

// filetime gives t as 100 ns since 1601-01-01 UTC, 0 for the zero time.
func filetime(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	const unixEpoch = 116444736000000000
	return uint64(t.Unix()*1e7+int64(t.Nanosecond()/100)) + unixEpoch
}
