package report

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"github.com/tocsin-project/tocsin/terminal"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/strategy"
)

// payloads are what an attacker would like to have in a report.
func payloads() []string {
	return []string{
		`</script><script>window.pwned=1</script>`,
		`<img src=x onerror="window.pwned=1">`,
		`"><svg onload=window.pwned=1>`,
		`' onmouseover='window.pwned=1`,
		`</details></div></main><iframe src="https://evil.example/"></iframe>`,
		`<!--`, `]]>`, `--><script src=//evil.example/x.js></script>`,
		`javascript:window.pwned=1`,
		`&lt;b&gt; &#x3c;script&#x3e;`,
		`{{.W}} ${1+1}`,
		"\u202eexe.txt\u2066 \u200f \u200b",
		"\x1b]0;owned\x07\x1b[2J \r\n\t\x00\x01\x7f \u009b31m",
		"\xff\xfe\xc0\xaf",
		`<style>*{display:none}</style><base href="https://evil.example/"><meta http-equiv=refresh content="0;url=https://evil.example/">`,
		"![x](https://evil.example/x.png) <https://evil.example/>",
	}
}

func hostileEvent(p string, stage int, at time.Time) alert.Event {
	long := p
	p = p[:min(len(p), 1000)] // only the command line has the megabyte
	text := func(s string) any { return s + p }
	doc := map[string]any{
		"@timestamp": at.Format(time.RFC3339Nano),
		"event":      map[string]any{"code": text("1"), "category": []any{"process"}, "type": []any{"start"}, "action": text("")},
		"host":       map[string]any{"name": text("h"), "id": text("")},
		"user":       map[string]any{"name": text("u"), "domain": text("d")},
		"source":     map[string]any{"ip": text("10.0.0.1"), "port": 50000 + stage},
		"process": map[string]any{"name": text("p.exe"), "pid": 100 + stage, "executable": text(`C:\`), "command_line": "run " + long,
			"parent": map[string]any{"name": text("services.exe"), "pid": 99 + stage, "command_line": text("")}},
		p: map[string]any{p: p},
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return alert.Event{Stage: stage, ID: fmt.Sprintf("%s-%d", p, stage), Event: raw,
		Origin: &alert.Origin{Path: "/x/" + p, Line: 7, Record: p}}
}

func hostileEntry(p string, i int) *Entry {
	at := time.Date(2026, 3, 2, 9, 0, i, 0, time.UTC)
	a := &alert.Alert{ID: p, Incident: p, Strategy: p, Variant: p, Title: p, Timestamp: at, Severity: p, RiskScore: 47,
		Host: alert.Host{ID: p, Name: p}, Threat: []alert.Threat{{Tactic: p, Technique: p}},
		Risk:      []alert.Factor{{Reason: p, Points: 3}},
		Exception: &alert.Exception{Name: p, Reason: p, Owner: p},
		Events:    []alert.Event{hostileEvent(p, 1, at.Add(-40*time.Millisecond)), {Stage: 2, Missing: true}, hostileEvent(p, 3, at)},
		Context:   []alert.Event{hostileEvent(p+"c", 0, at.Add(-7*time.Minute))},
		Triage:    []alert.Answer{{Question: p, Answer: p + "\n" + p, Evidence: []string{p + "-1", p + "c-0", "gone"}}},
	}
	other := *a
	other.Events = []alert.Event{hostileEvent(p+"o", 1, at)}
	other.Strategy = "other " + p
	return &Entry{Lead: a, Others: []*alert.Alert{&other}}
}

// hostilePage is a page whose every text is a payload, each of them copies times.
func hostilePage(copies int) *page {
	p := &page{summary: Summary{Files: 1, SkippedAll: 3, Partial: true, NotEvents: 1}}
	all := append(payloads(), "A"+strings.Repeat("<b>x</b>", 1<<17)) // a megabyte
	for i := range copies * len(all) {
		text := all[i%len(all)]
		if i >= len(all) {
			text = text[:min(len(text), 1000)] + fmt.Sprint(i)
		}
		p.summary.Skipped = append(p.summary.Skipped, Skipped{text, text})
		p.incidents = append(p.incidents, pageIncident{host: text, strategy: text, severity: text, risk: 47, alerts: 2,
			at: time.Date(2026, 3, 2, 9, 0, i, 0, time.UTC), entry: func(bool) (*Entry, error) { return hostileEntry(text, i), nil }})
		if i < len(all) {
			p.strategies = append(p.strategies, &strategy.Strategy{ID: text, Title: text, Severity: strategy.Severity(text),
				Sections: []strategy.Section{{Heading: text, Markdown: "# " + text + "\n\n" + text + "\n\n[a](" + text + ") [b](javascript:alert(1)) ![c](https://evil.example/i.png)\n\n```eql\n" + text + "\n```\n"}}})
		}
	}
	return p
}

func writePage(t *testing.T, lang string, p *page) []byte {
	t.Helper()
	var b bytes.Buffer
	h := &HTML{Lang: lang, Version: "<v>", inline: 200_000}
	if err := h.write(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// allowed are the elements that the page consists of.
var allowed = regexp.MustCompile(`^(html|head|meta|title|link|style|body|header|main|footer|nav|section|article|h[1-6]|p|a|b|bdi|br|hr|ul|ol|li|dl|dt|dd|div|span|` +
	`table|thead|tbody|tr|th|td|details|summary|pre|code|em|strong|del|blockquote|time|button|form|label|input|select|option|output|noscript|script|svg|rect|line|text|circle)$`)

var void = regexp.MustCompile(`^(meta|link|br|hr|input|rect|line|circle)$`)

// checkMarkup reads HTML token by token: what is not ours, or not closed, fails.
func checkMarkup(t *testing.T, src []byte) (text string, blocks []string) {
	t.Helper()
	z := html.NewTokenizer(bytes.NewReader(src))
	var stack []string
	var out strings.Builder
	scripts := 0
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if z.Err() != io.EOF {
				t.Fatal(z.Err())
			}
			if len(stack) > 0 {
				t.Errorf("not closed: %v", stack)
			}
			if scripts > 1 {
				t.Errorf("%d scripts run, want at most ours", scripts)
			}
			return out.String(), blocks
		case html.TextToken:
			if len(stack) > 0 && stack[len(stack)-1] == "block" {
				blocks = append(blocks, string(z.Raw()))
				continue
			}
			if n := len(stack); n > 0 && (stack[n-1] == "script" || stack[n-1] == "style") {
				continue
			}
			out.WriteString(z.Token().Data)
		case html.CommentToken:
			t.Errorf("a comment: %.80s", z.Raw())
		case html.StartTagToken, html.SelfClosingTagToken:
			tok := z.Token()
			if !allowed.MatchString(tok.Data) {
				t.Errorf("element %s is not ours", tok)
			}
			name := tok.Data
			for _, a := range tok.Attr {
				checkAttr(t, tok.Data, a.Key, a.Val)
				if a.Key == "type" && a.Val == "application/octet-stream" {
					name = "block"
				}
			}
			if name == "script" {
				scripts++
			}
			if kind == html.StartTagToken && !void.MatchString(tok.Data) {
				stack = append(stack, name)
			}
		case html.EndTagToken:
			name := z.Token().Data
			if len(stack) == 0 || stack[len(stack)-1] != name && !(name == "script" && stack[len(stack)-1] == "block") {
				t.Fatalf("</%s> closes %v", name, stack)
			}
			stack = stack[:len(stack)-1]
		}
	}
}

func checkAttr(t *testing.T, element, key, value string) {
	t.Helper()
	switch {
	case strings.HasPrefix(key, "on"), key == "style", key == "src", key == "srcset", key == "srcdoc", key == "action", key == "formaction":
		t.Errorf("<%s %s=%.60q>", element, key, value)
	case key == "href" && element == "link":
		if value != "data:," {
			t.Errorf("<link href=%q> loads", value)
		}
	case key == "href":
		if !strings.HasPrefix(value, "#") && !regexp.MustCompile(`^(https?://|mailto:)`).MatchString(value) {
			t.Errorf("link to %.80q", value)
		}
	}
	for _, r := range value {
		if !unicode.IsPrint(r) {
			t.Errorf("<%s %s> holds %U", element, key, r)
			return
		}
	}
}

// unpackBlock does what the page's script does.
func unpackBlock(t *testing.T, s string) (pieces, events []string) {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	a, b, ok := strings.Cut(string(text), packParts)
	if !ok || strings.Contains(b, packParts) {
		t.Fatal("a block is not two lists")
	}
	return strings.Split(a, packSep), strings.Split(b, packSep)
}

func TestHTMLShowsHostileContentAsText(t *testing.T) {
	for _, lang := range []string{"en", "vi"} {
		out := writePage(t, lang, hostilePage(2))
		text, blocks := checkMarkup(t, out)
		if len(blocks) == 0 {
			t.Error("nothing is packed: the test does not see packed details")
		}
		for _, b := range blocks {
			pieces, events := unpackBlock(t, b)
			for _, p := range pieces {
				more, _ := checkMarkup(t, []byte(p))
				text += more
			}
			text += strings.Join(events, "\n")
		}
		for _, p := range payloads() {
			if want := terminal.Clean(p); !strings.Contains(text, want) {
				t.Errorf("%s: %q is not shown", lang, want)
			}
		}
		for i, r := range text {
			if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
				t.Fatalf("%U is in the text: %q", r, text[max(i-40, 0):min(i+40, len(text))])
			}
		}
	}
}

// A page whose data would fill gigabytes stays a page: texts are cut and say so.
func TestHTMLCutsLongText(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	p := &page{incidents: []pageIncident{{host: "h", strategy: "s", at: time.Unix(0, 0).UTC(),
		entry: func(bool) (*Entry, error) { return hostileEntry(long, 1), nil }}}}
	out := writePage(t, "en", p)
	if len(out) > 1<<20 {
		t.Errorf("a page of one alert has %d bytes", len(out))
	}
	if !bytes.Contains(out, []byte("more characters)")) {
		t.Error("nothing says that text was cut")
	}
}

// The page's policy names the hashes of its own style and script: a change of
// either without the other would leave a page that does nothing.
func TestHTMLPolicy(t *testing.T) {
	out := string(writePage(t, "en", hostilePage(1)))
	for _, element := range []string{"style", "script"} {
		_, rest, _ := strings.Cut(out, "<"+element+">")
		body, _, ok := strings.Cut(rest, "</"+element+">")
		if !ok || !strings.Contains(html.UnescapeString(out), element+"-src "+hashSource(body)) {
			t.Errorf("policy does not name the hash of the page's %s", element)
		}
	}
	for _, want := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'none'"} {
		if !strings.Contains(html.UnescapeString(out), want) {
			t.Errorf("policy lacks %s", want)
		}
	}
}

// With TOCSIN_HOSTILE_PAGE the page of hostile texts is written there, for the
// checks in a browser (webtest).
func TestWriteHostilePage(t *testing.T) {
	path := os.Getenv("TOCSIN_HOSTILE_PAGE")
	if path == "" {
		t.Skip("TOCSIN_HOSTILE_PAGE is not set: no page for the browser is asked for")
	}
	if err := os.WriteFile(path, writePage(t, "en", hostilePage(2)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestHTMLOutlinesWhatComesLate(t *testing.T) {
	p := hostilePage(1)
	asked := map[bool]int{}
	for i := range p.incidents {
		in := &p.incidents[i]
		entry := in.entry
		in.entry = func(outline bool) (*Entry, error) { asked[outline]++; return entry(outline) }
	}
	writePage(t, "en", p)
	if asked[true] != 0 || asked[false] != len(p.incidents) {
		t.Errorf("alerts made: %v, want %d whole", asked, len(p.incidents))
	}
}

func TestHTMLEmpty(t *testing.T) {
	for _, lang := range []string{"en", "vi"} {
		text, _ := checkMarkup(t, writePage(t, lang, &page{}))
		if !strings.Contains(text, wordsIn(lang).None) {
			t.Errorf("%s: an empty report does not say that nothing was found", lang)
		}
	}
}

func TestPrettyJSON(t *testing.T) {
	f := func(raw, want string) {
		t.Helper()
		if got := prettyJSON([]byte(raw), english()); got != want {
			t.Errorf("prettyJSON(%s) = %s, want %s", raw, got, want)
		}
	}
	f(`{}`, `{}`)
	f(`{"a":[],"b":{ },"c":[1,true,null]}`, "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    true,\n    null\n  ]\n}")
	f(`{"a":"x:\"{,}[]\\"}`, "{\n  \"a\": \"x:\\\"{,}[]\\\\\"\n}")
	f("\"a\u202eb\u00a0\U000e0001\"", `"a\u202eb\u00a0\udb40\udc01"`)
	f("not json \x1b", `not json \u{1b}`)
	f(`"`+strings.Repeat(`\\`, 3000)+`"`, `"`+strings.Repeat(`\\`, 2000)+`… (2000 more characters)"`)
}
