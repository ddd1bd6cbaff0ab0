package sequence

import (
	"encoding/binary"
	"strings"
)

// appendVersion writes the order of a version: valid ones by semantic-version
// precedence, then the invalid ones by text. Equal precedence with another text
// (build metadata, "1.0" and "1.0.0") is told apart by the text that follows.
//
//	01 then for each of the up to three numbers: length, digits; then FF for a
//	release, or 00 and the pre-release identifiers, ended by 00
//	02 for an invalid version
func appendVersion(dst []byte, s string) []byte {
	core, pre, ok := splitVersion(s)
	if !ok {
		return append(dst, 2)
	}
	dst = append(dst, 1)
	for _, n := range core {
		dst = appendDigits(dst, n)
	}
	if pre == "" {
		return append(dst, 0xFF)
	}
	dst = append(dst, 0)
	for id := range strings.SplitSeq(pre, ".") {
		if digits(id) {
			dst = appendDigits(append(dst, 1), id) // numbers before words
		} else {
			dst = append(append(append(dst, 2), id...), 0)
		}
	}
	return append(dst, 0) // the shorter list first
}

// appendDigits writes a decimal number so that bytes compare as values.
func appendDigits(dst []byte, n string) []byte {
	n = strings.TrimLeft(n, "0")
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(n)))
	return append(dst, n...)
}

func splitVersion(s string) (core [3]string, pre string, ok bool) {
	s, _, _ = strings.Cut(s, "+")
	s, pre, hasPre := strings.Cut(s, "-")
	parts := strings.Split(s, ".")
	if len(s) > 1<<15 || len(pre) > 1<<15 || len(parts) > 3 || hasPre && pre == "" || strings.IndexByte(pre, 0) >= 0 {
		return core, "", false
	}
	for i, p := range parts {
		if !digits(p) {
			return core, "", false
		}
		core[i] = p
	}
	return core, pre, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// versionLen is the length of what appendVersion wrote at the start of s.
func versionLen(s string) (n int, ok bool) {
	if s == "" {
		return 0, false
	}
	if s[0] == 2 {
		return 1, true
	}
	number := func() {
		if len(s) < n+2 {
			n = len(s) + 1
			return
		}
		n += 2 + int(binary.BigEndian.Uint16([]byte(s[n:n+2])))
	}
	n = 1
	for range 3 {
		number()
	}
	if n >= len(s) {
		return 0, false
	}
	if n++; s[n-1] == 0xFF {
		return n, true
	}
	for n < len(s) {
		n++
		switch s[n-1] {
		case 0:
			return n, true
		case 1:
			number()
		case 2:
			end := strings.IndexByte(s[n:], 0)
			if end < 0 {
				return 0, false
			}
			n += end + 1
		default:
			return 0, false
		}
	}
	return 0, false
}
