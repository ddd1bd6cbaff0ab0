package event

import (
	"bytes"
	"strings"
)

// CompareVersion orders two versions as Elasticsearch's version field type
// does: by numeric main parts, of which there may be any number; a pre-release
// before its release, its parts by number or else by byte; then the build. What
// is no such version sorts after all that are, by byte.
// Source: the documentation of the version field type and the behaviour of
// x-pack/plugin/mapper-version.
func CompareVersion(a, b string) int {
	if a == b {
		return 0
	}
	var x, y [96]byte
	return bytes.Compare(appendVersionKey(x[:0], a), appendVersionKey(y[:0], b))
}

// The bytes that order versions in a sort key. A number begins with 1, below
// all that can stand beside it, then its length, then its digits.
const (
	keyNumber     = 1
	keyPreRelease = 2
	keyRelease    = 3
)

func appendVersionKey(dst []byte, s string) []byte {
	start := len(dst)
	main, build, hasBuild := cutAfterFirst(s, '+')
	main, pre, hasPre := cutAfterFirst(main, '-')
	ok := true
	for part := range strings.SplitSeq(main, ".") {
		if ok = isNumberPart(part); !ok {
			break
		}
		if len(dst) > start {
			dst = append(dst, '.')
		}
		dst = appendNumberKey(dst, part)
	}
	if ok && hasPre {
		dst = append(dst, keyPreRelease, '-')
		dst, ok = appendPreRelease(dst, pre)
	} else {
		dst = append(dst, keyRelease)
	}
	if ok && hasBuild {
		for part := range strings.SplitSeq(build, ".") {
			ok = ok && isNamePart(part)
		}
		dst = append(append(dst, '+'), build...)
	}
	if ok {
		return dst
	}
	if s == "" {
		return append(dst[:start], keyRelease)
	}
	return append(dst[:start], s...)
}

// cutAfterFirst is strings.Cut at a byte that is not the first.
func cutAfterFirst(s string, sep byte) (before, after string, found bool) {
	if i := strings.IndexByte(s, sep); i > 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func appendPreRelease(dst []byte, pre string) (_ []byte, ok bool) {
	first := true
	for part := range strings.SplitSeq(pre, ".") {
		if !first {
			dst = append(dst, '.')
		}
		first = false
		switch {
		case isNumberPart(part):
			dst = appendNumberKey(dst, part)
		case isNamePart(part) && !allDigits(part):
			dst = append(dst, part...)
		default:
			return dst, false
		}
	}
	return dst, true
}

func appendNumberKey(dst []byte, digits string) []byte {
	return append(append(dst, keyNumber, byte(len(digits))|0x80), digits...)
}

// isNumberPart: digits without a leading zero, at most 127.
func isNumberPart(s string) bool {
	return s != "" && len(s) < 128 && allDigits(s) && (s[0] != '0' || len(s) == 1)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}

func isNamePart(s string) bool {
	for i := range len(s) {
		if c := s[i]; c-'0' > 9 && c|0x20-'a' > 25 && c != '-' {
			return false
		}
	}
	return s != ""
}
