package sequence

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/event"
)

// A join key is its parts one after another, each a tag and a body. Two keys are
// equal as bytes exactly if all parts are equal as typed values, and compare as
// bytes as their parts do one by one: null first, numbers by value whatever
// their kind, text by its bytes, addresses as 16 bytes.
//
// The tags are part of what alert ids and journals are made of: never renumber.
const (
	tagNull    = 0x01
	tagBool    = 0x02 // 1 byte
	tagNumber  = 0x03 // 8 bytes: the nearest double, 2 bytes: the integer's distance from it
	tagTime    = 0x04 // 8 bytes: nanoseconds, sign flipped
	tagIP      = 0x05 // 16 bytes
	tagText    = 0x06 // bytes, 0x00 as 00 FF, ended by 00
	tagVersion = 0x07 // its order (version.go), then its text as for tagText
)

// AppendKey appends one part of a join key. A value of kind null is the part of
// an optional key field that is missing.
func AppendKey(dst []byte, v event.Value) []byte {
	switch v.Kind {
	case event.KindBool:
		return append(dst, tagBool, byte(v.N))
	case event.KindLong:
		return appendLong(dst, int64(v.N))
	case event.KindULong:
		return appendULong(dst, v.N)
	case event.KindDouble:
		return appendNumber(dst, math.Float64frombits(v.N), 0)
	case event.KindTime:
		return binary.BigEndian.AppendUint64(append(dst, tagTime), v.N^1<<63)
	case event.KindIP:
		dst = binary.BigEndian.AppendUint64(append(dst, tagIP), v.M)
		return binary.BigEndian.AppendUint64(dst, v.N)
	case event.KindText, event.KindNumber:
		return appendText(append(dst, tagText), v.S)
	case event.KindVersion:
		return appendText(appendVersion(append(dst, tagVersion), v.S), v.S)
	}
	return append(dst, tagNull)
}

func appendText(dst []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, 0)
		if i < 0 {
			return append(append(dst, s...), 0)
		}
		dst = append(append(dst, s[:i]...), 0, 0xFF)
		s = s[i+1:]
	}
}

func appendLong(dst []byte, n int64) []byte {
	if n >= 0 {
		return appendULong(dst, uint64(n))
	}
	f := float64(n)
	return appendNumber(dst, f, n-int64(f))
}

func appendULong(dst []byte, n uint64) []byte {
	f := float64(n)
	if f >= 1<<64 {
		return appendNumber(dst, f, int64(n)) // n - 2^64, which is what n is as a signed number
	}
	return appendNumber(dst, f, int64(n-uint64(f)))
}

// appendNumber writes a number as the nearest double, in an order-preserving
// form, and how far an integer lies from it: at most 1024, since doubles below
// 2^64 stand at most 2048 apart. Integers and doubles of one value are equal.
func appendNumber(dst []byte, f float64, off int64) []byte {
	if f == 0 {
		f = 0 // -0 is 0
	}
	bits := math.Float64bits(f)
	if bits>>63 != 0 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	dst = binary.BigEndian.AppendUint64(append(dst, tagNumber), bits)
	return binary.BigEndian.AppendUint16(dst, uint16(off+1<<15))
}

// KeyValues returns the parts of a key, null parts as values of kind null. Whole
// numbers come back as long or unsigned long. A damaged key gives the parts
// before the damage.
func KeyValues(key string) []event.Value {
	var out []event.Value
	for key != "" {
		v, rest, ok := cutPart(key)
		if !ok {
			return out
		}
		out = append(out, v)
		key = rest
	}
	return out
}

func cutPart(key string) (v event.Value, rest string, ok bool) {
	tag, body := key[0], key[1:]
	size := map[byte]int{tagNull: 0, tagBool: 1, tagNumber: 10, tagTime: 8, tagIP: 16}
	switch tag {
	case tagText:
		s, rest, ok := cutText(body)
		return event.Text(s), rest, ok
	case tagVersion:
		n, ok := versionLen(body)
		if !ok {
			return v, "", false
		}
		s, rest, ok := cutText(body[n:])
		return event.Value{Kind: event.KindVersion, S: s}, rest, ok
	}
	n, known := size[tag]
	if !known || len(body) < n {
		return v, "", false
	}
	b, rest := []byte(body[:n]), body[n:]
	switch tag {
	case tagBool:
		v = event.Bool(b[0] != 0)
	case tagNumber:
		v = decodeNumber(binary.BigEndian.Uint64(b), int64(binary.BigEndian.Uint16(b[8:]))-1<<15)
	case tagTime:
		v = event.Time(int64(binary.BigEndian.Uint64(b) ^ 1<<63))
	case tagIP:
		v = event.Value{Kind: event.KindIP, M: binary.BigEndian.Uint64(b), N: binary.BigEndian.Uint64(b[8:])}
	}
	return v, rest, true
}

func cutText(s string) (text, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		if s[i] != 0 {
			continue
		}
		if i+1 < len(s) && s[i+1] == 0xFF {
			i++
			continue
		}
		return strings.ReplaceAll(s[:i], "\x00\xFF", "\x00"), s[i+1:], true
	}
	return "", "", false
}

func decodeNumber(bits uint64, off int64) event.Value {
	if bits>>63 != 0 {
		bits &^= 1 << 63
	} else {
		bits = ^bits
	}
	f := math.Float64frombits(bits)
	switch {
	case f != math.Trunc(f) || f < -1<<63 || f > 1<<64 || f == 1<<64 && off >= 0:
		return event.Value{Kind: event.KindDouble, N: bits}
	case f < 0:
		return event.Long(int64(f) + off)
	case f == 1<<64:
		return event.ULong(uint64(off))
	}
	u := uint64(f) + uint64(off)
	if u <= math.MaxInt64 {
		return event.Long(int64(u))
	}
	return event.ULong(u)
}

// KeyText is how a part of a key is shown in join_keys: text as it is, addresses
// in canonical form, true and false, dates in UTC with milliseconds (nanoseconds
// where they have any). A null part is "null"; callers that write JSON look at
// its kind first.
func KeyText(v event.Value) string {
	switch v.Kind {
	case event.KindNull:
		return "null"
	case event.KindBool:
		return strconv.FormatBool(v.N != 0)
	case event.KindLong:
		return strconv.FormatInt(int64(v.N), 10)
	case event.KindULong:
		return strconv.FormatUint(v.N, 10)
	case event.KindDouble:
		return strconv.FormatFloat(math.Float64frombits(v.N), 'g', -1, 64)
	case event.KindTime:
		return timeText(int64(v.N))
	case event.KindIP:
		return v.Addr().String()
	}
	return v.S
}

func timeText(ns int64) string {
	t := time.Unix(0, ns).UTC()
	if ns%int64(time.Millisecond) != 0 {
		return t.Format("2006-01-02T15:04:05.000000000Z")
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}

// SampleKeyText is KeyText as Elasticsearch shows the keys of samples, where
// dates are epoch milliseconds.
func SampleKeyText(v event.Value) string {
	if v.Kind == event.KindTime {
		return strconv.FormatInt(millis(int64(v.N)), 10)
	}
	return KeyText(v)
}
