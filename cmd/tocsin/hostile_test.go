package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// escapes is text that takes over a terminal if it gets there: it clears the
// screen, sets the title, hides what follows, turns the direction of writing.
const escapes = `\u001b[2J\u001b]0;owned\u0007\u001b[8m\u009b31m\u202eexe.txt\u0008\u0000\r\n\u2066\u200f`

// hostileRecording simulates an attack and puts the text into every command
// line, name and path of it.
func hostileRecording(t *testing.T) string {
	t.Helper()
	_, data, _ := simulated("rpc-service-create", "psexec", "--source", "sysmon,native,defend")
	for _, field := range []string{"-enc", "PSEXESVC", "updater", "pgiang", `"computer_name":"`, "corp.example"} {
		data = strings.ReplaceAll(data, field, field+escapes)
	}
	if !strings.Contains(data, escapes) {
		t.Fatal("nothing of the recording is hostile: the test does not see what it is for")
	}
	path := filepath.Join(t.TempDir(), "evil\x1b[2J\u202e.ndjson")
	broken := "{\"\x1b[2Jbroken\u202e\": \n"
	if err := os.WriteFile(path, []byte(data+broken), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// scanned runs scan as on no terminal and returns what it writes.
func scanned(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	app := &App{Ctx: context.Background(), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }}
	status = run(app, append([]string{"scan"}, args...))
	return status, out.String(), errs.String()
}

// unclean finds the first character that a terminal would act on, or that a
// reader would not see.
func unclean(s string) string {
	if !utf8.ValidString(s) {
		return "text that is no UTF-8"
	}
	for i, r := range s {
		if r == '\n' || unicode.IsPrint(r) {
			continue
		}
		return fmt.Sprintf("%U in %q", r, s[max(i-30, 0):min(i+30, len(s))])
	}
	return ""
}

func TestScanKeepsEscapeSequencesFromTheTerminal(t *testing.T) {
	path := hostileRecording(t)
	for _, lang := range []string{"en", "vi"} {
		status, stdout, stderr := scanned(path, "--lang", lang)
		if status != exitOK {
			t.Errorf("%s: status %d\n%s", lang, status, stderr)
		}
		if !strings.Contains(stdout, `\u{1b}[2J`) || !strings.Contains(stdout, `\u{202e}`) {
			t.Errorf("%s: the report does not show the hostile text as text", lang)
		}
		for name, s := range map[string]string{"report": stdout, "standard error": stderr} {
			if what := unclean(s); what != "" {
				t.Errorf("%s: %s: %s", lang, name, what)
			}
		}
	}
}

// The other forms are read by programs; JSON escapes by itself, and the page has
// its own tests. Here only that what goes to the terminal beside them is clean.
func TestScanSummaryBesideOtherForms(t *testing.T) {
	path := hostileRecording(t)
	for _, form := range []string{"json", "ndjson", "csv", "html"} {
		_, stdout, stderr := scanned(path, "-o", form)
		if what := unclean(stderr); what != "" {
			t.Errorf("%s: standard error: %s", form, what)
		}
		if what := unclean(stdout); form == "html" && what != "" {
			t.Errorf("%s: %s", form, what)
		}
	}
}

// A strategy from elsewhere may be hostile as well.
func TestScanOfHostileStrategy(t *testing.T) {
	dir := t.TempDir()
	text := strings.NewReplacer(`\u001b`, "\x1b", `\u0007`, "\a", `\u202e`, "\u202e").Replace(`\u001b[2J\u202e\u0007`)
	doc := "# Evil " + text + "\n\n## Goal\n\n" + text + "\n\n## Technical Context\n\n```eql variant=x" + text + "\nprocess where event.type == \"start\"\n```\n\n" +
		"```eql\nprocess where true\n```\n\n## Response\n\n1. " + text + "?\n\n## Priority\n\nHigh" + text + "\n"
	path := filepath.Join(dir, "evil.md")
	if err := os.WriteFile(path, []byte(doc), 0o644); err != nil {
		t.Fatal(err)
	}
	_, stdout, stderr := scanned("--strategies", path, hostileRecording(t))
	for name, s := range map[string]string{"report": stdout, "standard error": stderr} {
		if what := unclean(s); what != "" {
			t.Errorf("%s: %s", name, what)
		}
	}
}
