package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/sequence"
)

// The order and identity of events (DESIGN §3). Both are one text, the tie of a
// hit, so that hits sort without knowing what they hold:
//
//	folded computer 0 folded channel 0 number(9) identity hash(8) len(identity)(4)
//
// number is the record number, else event.sequence, else none, which sorts
// last. Events of one identity differ at most in hash, so they stand side by
// side where their time is the same.
const tieTail = 8 + 4

// AppendTie appends the tie of an event. content is what the event's evidence
// holds, from which its identity is taken if the document names none.
func AppendTie(dst []byte, m *event.Meta, content []byte) []byte {
	dst = appendPart(dst, m.Computer)
	dst = appendPart(dst, m.Channel)
	dst = appendNumber(dst, m)
	start := len(dst)
	dst, sum := appendIdentity(dst, m, content)
	n := len(dst) - start
	dst = binary.BigEndian.AppendUint64(dst, sum)
	return binary.BigEndian.AppendUint32(dst, uint32(n))
}

// checksum tells contents of one identity apart: not against who forges events,
// but in a tenth of the time that SHA-256 takes for an event. Blocks are
// multiplied to 128 bits and folded, two lanes at once. The results are part of
// how events of one identity are ordered, so it must stay as it is.
func checksum(b []byte) uint64 {
	const k0, k1, k2 = 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb
	word := binary.LittleEndian.Uint64
	x, y := uint64(len(b))^k0, uint64(k1)
	for ; len(b) >= 32; b = b[32:] {
		x = fold128(word(b)^x, word(b[8:])^k1)
		y = fold128(word(b[16:])^y, word(b[24:])^k2)
	}
	var rest [32]byte
	copy(rest[:], b)
	x = fold128(word(rest[:])^x, word(rest[8:])^k1)
	y = fold128(word(rest[16:])^y, word(rest[24:])^k2)
	return fold128(x^k2, y^k0)
}

func fold128(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// appendPart appends folded text and an end mark that sorts before any text.
func appendPart(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c == 0 { // would be read as the end
			c = 1
		}
		dst = append(dst, c)
	}
	return append(dst, 0)
}

func appendNumber(dst []byte, m *event.Meta) []byte {
	for _, s := range [...]string{m.Record, m.Sequence} {
		if n, err := strconv.ParseUint(s, 10, 64); err == nil {
			return binary.BigEndian.AppendUint64(append(dst, 0), n)
		}
	}
	return append(dst, 1, 0, 0, 0, 0, 0, 0, 0, 0)
}

// appendIdentity appends what says that two readings are of the same event, and
// returns a checksum of the content.
func appendIdentity(dst []byte, m *event.Meta, content []byte) (out []byte, sum uint64) {
	switch {
	case m.Computer != "" && m.Channel != "" && m.Record != "" && m.Logged != "":
		dst = appendLower(dst, m.Computer)
		dst = append(dst, '/')
		dst = appendLower(dst, m.Channel)
		dst = append(dst, '/')
		dst = append(dst, m.Record...)
		dst = append(dst, '@')
		return appendLogged(dst, m.Logged), checksum(content)
	case m.DocID != "":
		return append(dst, m.DocID...), checksum(content)
	}
	hash := sha256.Sum256(content)
	return hex.AppendEncode(append(dst, "sha256:"...), hash[:16]), binary.BigEndian.Uint64(hash[:])
}

// appendLogged appends a logged time to the millisecond, without zeros at its
// end: EVTX writes one instant with seven digits, winlogbeat with three, others
// without its last zeros, and it is one event.
func appendLogged(dst []byte, logged string) []byte {
	const whole = len("2006-01-02T15:04:05")
	if len(logged) <= whole || logged[whole] != '.' {
		return append(dst, logged...)
	}
	end := whole + 1
	for end < len(logged) && logged[end] >= '0' && logged[end] <= '9' {
		end++
	}
	fraction := strings.TrimRight(logged[whole+1:min(end, whole+4)], "0")
	dst = append(dst, logged[:whole]...)
	if fraction != "" {
		dst = append(append(dst, '.'), fraction...)
	}
	return append(dst, logged[end:]...)
}

// appendLower appends text in lower case, in any script.
func appendLower(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return append(dst[:len(dst)-i], strings.ToLower(s)...)
		}
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// Identity returns the identity of the event that a tie belongs to.
func Identity(tie string) string {
	if len(tie) < tieTail {
		return ""
	}
	n := int(binary.BigEndian.Uint32([]byte(tie[len(tie)-4:])))
	end := len(tie) - tieTail
	if n > end {
		return ""
	}
	return tie[end-n : end]
}

// contentHash is the part of a tie that tells contents of one identity apart.
func contentHash(tie string) string { return tie[len(tie)-tieTail : len(tie)-4] }

// Merger removes repeats of an event from hits of one rule and key that come in
// order: the same reading twice counts once, and of two contents under one
// identity and time the one with the smaller hash, which comes first, stays.
type Merger struct {
	Repeats   int // readings that were left out
	Differing int // of those, the ones whose content was another

	time     int64
	identity string
	hash     string
	stages   []int32
}

// Reset forgets the last event, for the next key; the counts stay.
func (m *Merger) Reset() { m.identity, m.hash, m.stages = "", "", m.stages[:0] }

// Keep reports whether the hit counts. A hit without a tie (Match.Loose) does,
// as repeats of it change nothing.
func (m *Merger) Keep(h *sequence.Hit) bool {
	if h.Tie == "" {
		return true
	}
	id, hash := Identity(h.Tie), contentHash(h.Tie)
	if m.hash == "" || h.Time != m.time || id != m.identity {
		m.time, m.identity, m.hash = h.Time, id, hash
		m.stages = append(m.stages[:0], h.Stage)
		return true
	}
	if hash != m.hash {
		m.Repeats++
		m.Differing++
		return false
	}
	if slices.Contains(m.stages, h.Stage) {
		m.Repeats++
		return false
	}
	m.stages = append(m.stages, h.Stage)
	return true
}
