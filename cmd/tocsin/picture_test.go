package main

import (
	"bytes"
	"flag"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewritePicture = flag.Bool("rewrite-picture", false, "draw docs/terminal.svg from what scan prints now")

// TestPicture draws the README's picture of the terminal report: an attack that
// we simulate, scanned, as a terminal of 100 columns shows it.
func TestPicture(t *testing.T) {
	if !*rewritePicture {
		t.Skip("-rewrite-picture is not given: the picture stays as it is")
	}
	picture, err := filepath.Abs("../../docs/terminal.svg")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if status, _, stderr := simulated("rpc-service-create", "--seed", "7", "-o", "demo"); status != exitOK {
		t.Fatal(stderr)
	}
	var out bytes.Buffer
	app := &App{Ctx: t.Context(), Stdin: strings.NewReader(""), Stdout: &out, Stderr: io.Discard, Getenv: func(string) string { return "" }, Columns: 100}
	if status := run(app, []string{"scan", "demo", "--only", "remotely-started-services-via-rpc"}); status != exitOK {
		t.Fatalf("status %d", status)
	}
	svg := drawTerminal("tocsin scan demo --only remotely-started-services-via-rpc", out.String(), 100, 40)
	if err := os.WriteFile(picture, []byte(svg), 0o644); err != nil {
		t.Fatal(err)
	}
}

// drawTerminal draws text with SGR sequences as a terminal would show it, at
// most rows lines of it.
func drawTerminal(command, text string, columns, rows int) string {
	const charWidth, lineHeight, pad = 8.4, 19, 16
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > rows { // the end of the report is its summary
		lines = append(append(lines[:rows-5:rows-5], "      …", ""), lines[len(lines)-3:]...)
	}
	lines = append([]string{"\x1b[32m$\x1b[0m " + command, ""}, lines...)
	width, height := int(charWidth*float64(columns))+2*pad, lineHeight*len(lines)+2*pad+8
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Terminal report of tocsin scan">`+"\n", width, height, width, height)
	b.WriteString(`<style>text{font:14px ui-monospace,"Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d8dee6;white-space:pre}` +
		`.b{font-weight:700}.d{fill:#8b97a5}.r{fill:#ff8a75}.y{fill:#f0c35e}.g{fill:#7fd18b}</style>` + "\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="#161a20"/>`+"\n", width, height)
	for i, l := range lines {
		fmt.Fprintf(&b, `<text x="%d" y="%d" xml:space="preserve">%s</text>`+"\n", pad, pad+lineHeight*(i+1)-4, spans(l))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// spans turns the styles of one line into elements.
func spans(line string) string {
	classes := map[string]string{"1": "b", "2": "d", "31": "r", "33": "y", "32": "g"}
	var b strings.Builder
	var class []string
	for len(line) > 0 {
		text, rest, found := strings.Cut(line, "\x1b[")
		if text != "" {
			if len(class) > 0 {
				fmt.Fprintf(&b, `<tspan class="%s">%s</tspan>`, strings.Join(class, " "), html.EscapeString(text))
			} else {
				b.WriteString(html.EscapeString(text))
			}
		}
		if !found {
			break
		}
		code, after, _ := strings.Cut(rest, "m")
		if code == "0" {
			class = nil
		} else {
			class = append(class, classes[code])
		}
		line = after
	}
	return b.String()
}
