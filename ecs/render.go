package ecs

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tocsin-project/tocsin/event"
)

// appendValue writes a value as JSON. raw says that texts are JSON already.
func appendValue(dst []byte, v event.Value, raw bool) []byte {
	switch v.Kind {
	case event.KindText, event.KindVersion:
		if raw {
			return append(dst, v.S...)
		}
		return appendString(dst, v.S)
	case event.KindNumber:
		return append(dst, v.S...)
	case event.KindBool:
		return strconv.AppendBool(dst, v.N != 0)
	case event.KindLong:
		return strconv.AppendInt(dst, int64(v.N), 10)
	case event.KindULong:
		return strconv.AppendUint(dst, v.N, 10)
	case event.KindDouble:
		f := math.Float64frombits(v.N)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return append(dst, "null"...)
		}
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	case event.KindTime:
		dst = append(dst, '"')
		dst = appendTime(dst, int64(v.N))
		return append(dst, '"')
	case event.KindIP:
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], v.M)
		binary.BigEndian.PutUint64(b[8:], v.N)
		dst = append(dst, '"')
		dst = netip.AddrFrom16(b).Unmap().AppendTo(dst)
		return append(dst, '"')
	}
	return append(dst, "null"...)
}

// appendTime writes an instant in UTC with as many digits of the second as it
// has, three at least.
func appendTime(dst []byte, ns int64) []byte {
	t := time.Unix(0, ns).UTC()
	dst = t.AppendFormat(dst, "2006-01-02T15:04:05.000000000")
	for range 6 {
		if dst[len(dst)-1] != '0' {
			break
		}
		dst = dst[:len(dst)-1]
	}
	return append(dst, 'Z')
}

// appendString writes a JSON string. What is no UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
