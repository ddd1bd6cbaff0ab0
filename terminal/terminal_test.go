package terminal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/terminal"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":            "plain",
		"a\x1b[31mb":       `a\u{1b}[31mb`,
		"\u202egnp.exe":    `\u{202e}gnp.exe`,
		"tab\tline\nr\rx":  `tab\tline\nr\rx`,
		"bad \xff byte":    `bad \xff byte`,
		"Việt → 日本":        "Việt → 日本",
		"\u00a0no-break":   `\u{a0}no-break`,
		"\u200bzero\u0085": `\u{200b}zero\u{85}`,
	} {
		if got := terminal.Clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
		left  string
	}{
		{"abcdef", 6, "abcdef", "abcdef"}, {"abcdef", 4, "abc…", "…def"}, {"äöüß", 3, "äö…", "…üß"}, {"abc", 1, "…", "…"}, {"", 3, "", ""},
	} {
		if got := terminal.Shorten(c.in, c.width); got != c.want {
			t.Errorf("%q to %d: %q", c.in, c.width, got)
		}
		if got := terminal.ShortenLeft(c.in, c.width); got != c.left {
			t.Errorf("%q to %d from the left: %q", c.in, c.width, got)
		}
	}
}

func TestWrap(t *testing.T) {
	var b bytes.Buffer
	w := terminal.Writer{W: &b, Width: 24}
	w.Wrap("- ", "  ", "", "one two three four five six "+strings.Repeat("x", 50))
	want := "- one two three four\n  five six\n  " + strings.Repeat("x", 22) + "\n  " + strings.Repeat("x", 22) + "\n  xxxxxx\n"
	if b.String() != want || w.Err() != nil {
		t.Errorf("%q", b.String())
	}
	b.Reset()
	w.Wrap("> ", "  ", "", "")
	if b.String() != ">\n" {
		t.Errorf("%q", b.String())
	}
}

func TestPaint(t *testing.T) {
	plain, coloured := terminal.Writer{}, terminal.Writer{Color: true}
	if plain.Paint(terminal.Red, "x") != "x" || coloured.Paint(terminal.Red, "x") != "\x1b[31mx\x1b[0m" || coloured.Paint(terminal.Red, "") != "" {
		t.Error("colour where none is wanted, or none where it is")
	}
}

type broken struct{ n int }

func (b *broken) Write([]byte) (int, error) { b.n++; return 0, errors.New("full") }

func TestFirstError(t *testing.T) {
	b := &broken{}
	w := terminal.Writer{W: b}
	w.Line("a")
	w.Line("b")
	if w.Err() == nil || b.n != 1 {
		t.Errorf("%v after %d writes", w.Err(), b.n)
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "no matches", 1: "1 match", 2: "2 matches"} {
		if got := terminal.Count(n, "match", "matches"); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
