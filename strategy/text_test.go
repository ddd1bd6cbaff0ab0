package strategy

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// damage reads UTF-8 as Mac Roman and writes what that looks like as UTF-8.
func damage(b []byte) []byte {
	table := []rune(macRoman)
	var out []byte
	for _, c := range b {
		if c < 0x80 {
			out = append(out, c)
			continue
		}
		out = utf8.AppendRune(out, table[c-0x80])
	}
	return out
}

// utf16Bytes writes UTF-16 with its mark, little endian or (1) big endian.
func utf16Bytes(b []byte, big int) []byte {
	var order binary.AppendByteOrder = binary.LittleEndian
	if big == 1 {
		order = binary.BigEndian
	}
	out := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(string(b))) {
		out = order.AppendUint16(out, u)
	}
	return out
}

func TestMacRomanTable(t *testing.T) {
	r := []rune(macRoman)
	if len(r) != 128 {
		t.Fatalf("%d characters", len(r))
	}
	seen := map[rune]bool{}
	for _, c := range r {
		if seen[c] || c < 0x80 {
			t.Errorf("%q stands twice, or is ASCII", c)
		}
		seen[c] = true
	}
}

func TestDecodeText(t *testing.T) {
	f := func(in, want string, repaired bool) {
		t.Helper()
		got, r := decodeText([]byte(in))
		if string(got) != want || r != repaired {
			t.Errorf("%q: %q %v, want %q %v", in, got, r, want, repaired)
		}
	}
	f("plain", "plain", false)
	f("Tiếng Việt đã đúng", "Tiếng Việt đã đúng", false)
	f("déjà vu, naïve, Größe", "déjà vu, naïve, Größe", false)
	f("√ 2 ≈ 1,4", "√ 2 ≈ 1,4", false)
	f("mot –âgé", "mot –âgé", false)
	f("–â", "–â", false)
	f(string(damage([]byte("dịch vụ → 👉"))), "dịch vụ → 👉", true)
	f("\xef\xbb\xbfx", "x", false)
	// a damaged text to which somebody added a line
	f(string(damage([]byte("dịch vụ\nmột\nhai\n")))+"thêm đúng ở đây\n", "dịch vụ\nmột\nhai\nthêm đúng ở đây\n", true)
	f("\xff\xfeh\x00i\x00", "hi", true)
	f("\xfe\xff\x00h\x00i", "hi", true)
	f("\xff\xfe\x00", "", true)
	f("", "", false)
	f("bad \xff byte", "bad \xff byte", false)
}

// Whatever was damaged is repaired, and what was not is left alone.
func TestRepairProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("abc \nđăâêôơưàảãáạ→≥👉éü日本"))).Draw(t, "text")
		got, repaired := decodeText(damage([]byte("tiếng Việt " + s)))
		if string(got) != "tiếng Việt "+s || !repaired {
			t.Fatalf("%q became %q (%v)", s, got, repaired)
		}
		if got, repaired := decodeText([]byte(s)); string(got) != s || repaired {
			t.Fatalf("%q was repaired to %q", s, got)
		}
	})
}

// Positions count lines from 1 and columns in characters, whatever the offset.
func TestPositions(t *testing.T) {
	d := newDocument("x", []byte("ab\nđẽf\n\nlast"))
	f := func(offset, line, col int) {
		t.Helper()
		if got := d.at(offset); got != (Pos{"x", line, col}) {
			t.Errorf("%d is %v, want %d:%d", offset, got, line, col)
		}
	}
	f(0, 1, 1)
	f(2, 1, 3)
	f(3, 2, 1)
	f(5, 2, 2)
	f(8, 2, 3)
	f(10, 3, 1)
	f(11, 4, 1)
	f(-5, 1, 1)
	f(1000, 4, 5)
	if d.line(2) != "đẽf" || d.line(3) != "" || d.line(0) != "" || d.line(9) != "" {
		t.Error("lines")
	}
	empty := newDocument("e", nil)
	if empty.at(0) != (Pos{"e", 1, 1}) {
		t.Error(empty.at(0))
	}
}

func TestRender(t *testing.T) {
	p := Problem{Pos: Pos{"a.md", 3, 5}, Level: Warning, Code: "x-y", Msg: "is wrong", Hint: "did you mean z?", Text: "\tab\x1b[31mcd"}
	want := "a.md:3:5: warning: is wrong [x-y]\n  \tab\ufffd[31mcd\n  \t   ^\n  did you mean z?\n"
	if got := p.Render(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	long := Problem{Pos: Pos{"a", 1, 5000}, Level: Error, Code: "c", Msg: "m", Text: strings.Repeat("x", 4999) + "Y" + strings.Repeat("x", 5000)}
	lines := strings.Split(long.Render(), "\n")
	if len(lines[1]) > 170 || lines[1][strings.IndexByte(lines[2], '^')] != 'Y' {
		t.Errorf("%q", lines)
	}
}
