package evtx

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"
	"unicode/utf8"
)

// trimNUL16 takes the terminators off the end of UTF-16 text.
func trimNUL16(s []byte) []byte {
	s = s[:len(s)&^1]
	for len(s) >= 2 && s[len(s)-1] == 0 && s[len(s)-2] == 0 {
		s = s[:len(s)-2]
	}
	return s
}

func trimNUL8(s []byte) []byte {
	for len(s) > 0 && s[len(s)-1] == 0 {
		s = s[:len(s)-1]
	}
	return s
}

// index16NUL gives the offset of the first UTF-16 terminator, else the length.
func index16NUL(s []byte) int {
	for i := 0; i+1 < len(s); i += 2 {
		if s[i] == 0 && s[i+1] == 0 {
			return i
		}
	}
	return len(s)
}

func indexNUL(s []byte) int {
	if i := bytes.IndexByte(s, 0); i >= 0 {
		return i
	}
	return len(s)
}

// appendUTF16 appends UTF-16LE text as UTF-8. A surrogate without its other
// half becomes U+FFFD, as does nothing else; a single byte at the end is left
// out.
func appendUTF16(dst, src []byte) []byte {
	for len(src) >= 8 {
		w := binary.LittleEndian.Uint64(src)
		if w&0xff80ff80ff80ff80 != 0 {
			break
		}
		dst = append(dst, byte(w), byte(w>>16), byte(w>>32), byte(w>>48))
		src = src[8:]
	}
	for len(src) >= 2 {
		c := rune(src[0]) | rune(src[1])<<8
		src = src[2:]
		if c < utf8.RuneSelf {
			dst = append(dst, byte(c))
			continue
		}
		if c >= 0xd800 && c < 0xe000 {
			c, src = surrogate(c, src)
		}
		dst = utf8.AppendRune(dst, c)
	}
	return dst
}

// surrogate joins the half hi with the one that src starts with.
func surrogate(hi rune, src []byte) (rune, []byte) {
	if hi < 0xdc00 && len(src) >= 2 {
		lo := rune(src[0]) | rune(src[1])<<8
		if lo >= 0xdc00 && lo < 0xe000 {
			return (hi-0xd800)<<10 | (lo - 0xdc00) + 0x10000, src[2:]
		}
	}
	return utf8.RuneError, src
}

// cp1252 gives the characters 0x80 to 0x9f of Windows-1252.
const cp1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"

// appendANSI appends Windows-1252 text as UTF-8; libevtx uses the same code
// page when none is given.
func appendANSI(dst, src []byte) []byte {
	for _, c := range src {
		switch {
		case c < 0x80:
			dst = append(dst, c)
		case c >= 0xa0:
			dst = utf8.AppendRune(dst, rune(c))
		default:
			k := int(c - 0x80)
			for _, r := range cp1252 {
				if k == 0 {
					dst = utf8.AppendRune(dst, r)
					break
				}
				k--
			}
		}
	}
	return dst
}

const (
	lowerHex = "0123456789abcdef"
	upperHex = "0123456789ABCDEF"
)

func appendHex(dst, src []byte) []byte {
	for _, c := range src {
		dst = append(dst, upperHex[c>>4], upperHex[c&15])
	}
	return dst
}

// guidOrder is the order in which a GUID's bytes are written; -1 is a hyphen.
var guidOrder = [...]int8{3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15}

// appendGUID appends 16 bytes as {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}.
func appendGUID(dst, raw []byte) []byte {
	dst = append(dst, '{')
	for _, i := range guidOrder {
		if i < 0 {
			dst = append(dst, '-')
			continue
		}
		dst = append(dst, lowerHex[raw[i]>>4], lowerHex[raw[i]&15])
	}
	return append(dst, '}')
}

// appendSID appends a security identifier as S-1-5-…; ok is false if the bytes
// are none (MS-DTYP 2.4.2.2).
func appendSID(dst, raw []byte) (out []byte, ok bool) {
	if len(raw) < 8 || len(raw) < 8+4*int(raw[1]) {
		return dst, false
	}
	dst = append(dst, "S-"...)
	dst = strconv.AppendUint(dst, uint64(raw[0]), 10)
	authority := uint64(binary.BigEndian.Uint16(raw[2:]))<<32 | uint64(binary.BigEndian.Uint32(raw[4:]))
	dst = append(dst, '-')
	if authority >= 1<<32 {
		dst = append(dst, "0x"...)
		dst = strconv.AppendUint(dst, authority, 16)
	} else {
		dst = strconv.AppendUint(dst, authority, 10)
	}
	for i := range int(raw[1]) {
		dst = append(dst, '-')
		dst = strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(raw[8+4*i:])), 10)
	}
	return dst, true
}

const (
	// filetimeUnix is 1970-01-01 as a FILETIME.
	filetimeUnix = 116444736000000000
	// maxFiletime is the end of the year 9999.
	maxFiletime = 2650467743999999999
)

// FiletimeTime turns a FILETIME (100 ns since 1601-01-01 UTC) into a time.
func FiletimeTime(n uint64) time.Time {
	d := int64(n) - filetimeUnix
	sec, rem := d/1e7, d%1e7
	return time.Unix(sec, rem*100).UTC()
}

// appendISO appends t as 2006-01-02T15:04:05.0000000Z with the given number of
// digits behind the point.
func appendISO(dst []byte, t time.Time, digits int) []byte {
	year, month, day := t.Date()
	hour, minute, sec := t.Clock()
	dst = appendPadded(dst, year, 4)
	dst = appendPadded(append(dst, '-'), int(month), 2)
	dst = appendPadded(append(dst, '-'), day, 2)
	dst = appendPadded(append(dst, 'T'), hour, 2)
	dst = appendPadded(append(dst, ':'), minute, 2)
	dst = appendPadded(append(dst, ':'), sec, 2)
	frac := t.Nanosecond()
	for range 9 - digits {
		frac /= 10
	}
	return append(appendPadded(append(dst, '.'), frac, digits), 'Z')
}

func appendPadded(dst []byte, n, width int) []byte {
	at := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for i := at + width - 1; i >= at; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

// parseISO reads 2006-01-02T15:04:05[.fraction][Z|±hh:mm]; a blank may stand
// for the T.
func parseISO(s []byte) (time.Time, bool) {
	num := func(at, n int) int {
		v := 0
		for _, c := range s[at : at+n] {
			if c < '0' || c > '9' {
				return -1
			}
			v = v*10 + int(c-'0')
		}
		return v
	}
	if len(s) < 19 || s[4] != '-' || s[7] != '-' || s[10] != 'T' && s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	y, mo, d, h, mi, sec := num(0, 4), num(5, 2), num(8, 2), num(11, 2), num(14, 2), num(17, 2)
	if y < 1 || mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 || sec > 60 {
		return time.Time{}, false
	}
	s = s[19:]
	ns := 0
	if len(s) > 0 && s[0] == '.' {
		scale := 100000000
		for s = s[1:]; len(s) > 0 && s[0] >= '0' && s[0] <= '9'; s = s[1:] {
			ns += int(s[0]-'0') * scale
			scale /= 10
		}
	}
	t := time.Date(y, time.Month(mo), d, h, mi, sec, ns, time.UTC)
	return zone(t, s)
}

// zone takes the offset that s gives off t.
func zone(t time.Time, s []byte) (time.Time, bool) {
	if len(s) == 0 || len(s) == 1 && s[0] == 'Z' {
		return t, true
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return time.Time{}, false
	}
	h, ok1 := parseUint(s[1:3])
	m, ok2 := parseUint(s[4:6])
	off := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if s[0] == '+' {
		off = -off
	}
	return t.Add(off), ok1 && ok2
}
