package strategy

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// macRoman holds the upper half of the Mac OS Roman character set: the
// character of each byte from 0x80 on. Source: Apple's ROMAN.TXT, table
// version c02, as published by Unicode.
const macRoman = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø" +
	"¿¡¬√ƒ≈∆«»…\u00a0ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uf8ffÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ"

// decodeText gives the UTF-8 text of a file. It undoes three kinds of damage:
// a byte order mark, UTF-16, and UTF-8 that was read as Mac Roman and written
// as UTF-8 again ("√°" for "á"). repaired is true for the last two.
func decodeText(b []byte) (out []byte, repaired bool) {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		b = b[3:]
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		return decodeUTF16(b[2:], 0), true
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		return decodeUTF16(b[2:], 1), true
	}
	if r, ok := undoMacRoman(b); ok {
		return r, true
	}
	return b, false
}

func decodeUTF16(b []byte, hi int) []byte {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = uint16(b[2*i+hi])<<8 | uint16(b[2*i+1-hi])
	}
	return []byte(string(utf16.Decode(u)))
}

// undoMacRoman maps each character back to its Mac Roman byte. That the result
// is valid UTF-8 of more than ASCII is the proof: text that was not damaged
// cannot pass, since its own letters would have to spell UTF-8 sequences.
func undoMacRoman(b []byte) ([]byte, bool) {
	if !utf8.Valid(b) {
		return nil, false
	}
	table := make(map[rune]byte, 128)
	next := byte(0x80)
	for _, r := range macRoman {
		table[r] = next
		next++
	}
	out := make([]byte, 0, len(b))
	for _, r := range string(b) {
		if r < 0x80 {
			out = append(out, byte(r))
			continue
		}
		c, ok := table[r]
		if !ok {
			return nil, false
		}
		out = append(out, c)
	}
	if len(out) == len(b) || !utf8.Valid(out) {
		return nil, false
	}
	return out, true
}
