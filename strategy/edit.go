package strategy

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/tocsin-project/tocsin/eql"
)

// New returns a document to start from: all sections, a rule that compiles,
// and one case of each kind. The slug becomes the id, and the title in words.
func New(name string) ([]byte, error) {
	id := slug(name)
	if id == "" {
		return nil, fmt.Errorf("make strategy: %q holds no letter or digit", name)
	}
	title := plain(name)
	if title == id {
		title = strings.ToUpper(id[:1]) + strings.ReplaceAll(id[1:], "-", " ")
	}
	r := strings.NewReplacer("{id}", id, "{title}", title, "´", "`")
	return []byte(r.Replace(scaffold)), nil
}

// scaffold is the document that New fills in; ´ stands for a backquote.
const scaffold = `---
id: {id}
version: 0.1.0
authors: []
---

# {title}

## Goal

What behaviour this detects, in one or two sentences.

## Categorization

* MITRE ATT&CK
  * Lateral Movement (TA0008) → [Remote Services (T1021)](https://attack.mitre.org/techniques/T1021/)

## Strategy Abstract

What is looked at, what is compared, and what makes a match suspicious.

## Technical Context

* Data sources:
  * Elastic Defend
  * Sysmon
* Index patterns:
  * ´logs-endpoint.events.process-*´
  * ´winlogbeat-*´

´´´eql
process where host.os.type == "windows" and event.type == "start" and
  process.name : "example.exe"
´´´

## Blind Spots and Assumptions

* What this relies on, and how it can be evaded.

## False Positives

* Who does the same for good reasons.

´´´yaml exceptions
# - name: what it is, in a few words
#   when: process.executable == "C:\\Program Files\\Example\\example.exe"
#   scope: any            # or: stage 1, sequence
#   reason: why it is harmless
#   owner: who answers for it
#   expires: 2027-12-31
´´´

## Validation

How to provoke it by hand, and recordings of it beside this document in testdata/{id}/.

´´´ndjson alert="example.exe starts"
{"@timestamp":"2026-01-01T00:00:00Z","event":{"category":"process","type":"start","code":"1"},"host":{"id":"h1","os":{"type":"windows"}},"process":{"name":"example.exe","pid":4242}}
´´´

´´´ndjson quiet="another program starts"
{"@timestamp":"2026-01-01T00:00:00Z","event":{"category":"process","type":"start","code":"1"},"host":{"id":"h1","os":{"type":"windows"}},"process":{"name":"notepad.exe","pid":4243}}
´´´

## Priority

* Medium (47): why.

## Response

1. Which program was started, and by whom?

´´´eql context="What else it started" window=-1m..+10m by=host.id
process where event.type == "start"
´´´

## Additional Resources

* [Remote Services](https://attack.mitre.org/techniques/T1021/)
`

// Fmt formats the EQL of a Markdown document: each rule and context query,
// comments kept, set in as far as its fence is. All else stays byte for byte.
// A fence that does not parse stays as it is and is a problem.
func Fmt(name string, src []byte) ([]byte, []Problem) {
	d := newDocument(name, src)
	md := blankFrontMatter(src)
	var out bytes.Buffer
	var problems []Problem
	done := 0
	for _, b := range parseBlocks(md) {
		if b.kind != fenceBlock || parseInfo(b.info).lang != "eql" || len(b.lines) == 0 {
			continue
		}
		formatted, err := eql.Format(b.body)
		if err != nil {
			c := &linter{s: &Strategy{doc: d}}
			c.eqlErrors(err, text{doc: d, starts: b.lines})
			problems = append(problems, c.out...)
			continue
		}
		start := d.lines[d.at(b.lines[0]).Line-1]
		end := lineEnd(src, b.lines[len(b.lines)-1])
		indent := src[start:b.lines[0]]
		if len(bytes.TrimLeft(indent, " \t>")) > 0 || start < done {
			continue // the fence's first line is not set in by white space alone
		}
		out.Write(src[done:start])
		eol := "\n"
		if bytes.HasSuffix(src[start:end], []byte("\r\n")) {
			eol = "\r\n"
		}
		for line := range strings.Lines(strings.TrimRight(formatted, "\n") + "\n") {
			if line = strings.TrimRight(line, "\n"); line != "" {
				out.Write(indent)
			}
			out.WriteString(line + eol)
		}
		done = end
	}
	out.Write(src[done:])
	return out.Bytes(), problems
}

// lineEnd is the offset after the line that holds an offset.
func lineEnd(src []byte, offset int) int {
	if i := bytes.IndexByte(src[offset:], '\n'); i >= 0 {
		return offset + i + 1
	}
	return len(src)
}

// blankFrontMatter returns the text with spaces for its front matter, so that
// offsets stay what they are.
func blankFrontMatter(src []byte) []byte {
	_, _, length := cutFrontMatter(src)
	if length == 0 {
		return src
	}
	md := bytes.Clone(src)
	for i := range md[:length] {
		if md[i] != '\n' {
			md[i] = ' '
		}
	}
	return md
}

// Show renders a strategy as text for a terminal: what it is, its sections in
// the order of the ADS form, links as text and address, rules as they are.
// Control characters are taken out. Width wraps the prose; 0 does not.
func Show(s *Strategy, lang string, width int) string {
	doc := s.In(lang)
	if lang == "" {
		lang = s.Lang
	}
	var b strings.Builder
	b.WriteString(doc.Title + "\n" + strings.Repeat("=", min(len([]rune(doc.Title)), 200)) + "\n\n")
	for _, row := range [...][2]string{
		{"id", s.ID}, {"version", s.Version}, {"severity", fmt.Sprintf("%s (%d)", s.Severity, s.Risk)}, {"attack", threatLine(s.Threat)},
		{"rules", ruleLine(s)}, {"data", strings.Join(s.DataSources, ", ")}, {"index", strings.Join(s.IndexPatterns, " ")},
		{"cases", caseLine(s)}, {"licence", s.Licence}, {"source", sourceLine(doc)},
	} {
		if row[1] != "" && row[1] != "0" {
			fmt.Fprintf(&b, "%-10s%s\n", row[0], row[1])
		}
	}
	for _, sec := range doc.Sections {
		heading := sec.Heading
		if doc.elastic != nil {
			heading = sec.Kind.name(lang)
		}
		b.WriteString("\n" + heading + "\n" + strings.Repeat("-", len([]rune(heading))) + "\n")
		showMarkdown(&b, sec.Markdown, width)
	}
	if s.elastic != nil {
		b.WriteString("\nEQL\n---\n" + strings.TrimSpace(s.Rules[0].Query) + "\n")
	}
	return printableText(b.String())
}

func threatLine(threat []Threat) string {
	parts := make([]string, len(threat))
	for i, t := range threat {
		parts[i] = strings.Trim(t.Tactic+"/"+t.Technique, "/")
	}
	return strings.Join(parts, ", ")
}

func ruleLine(s *Strategy) string {
	names := make([]string, len(s.Rules))
	for i, r := range s.Rules {
		names[i] = r.Variant
		if r.Variant == "" {
			names[i] = "main"
		}
		if r.Severity != s.Severity || r.Risk != s.Risk {
			names[i] += fmt.Sprintf(" (%s, %d)", r.Severity, r.Risk)
		}
	}
	return strings.Join(names, ", ")
}

func caseLine(s *Strategy) string {
	n := map[CaseKind]int{}
	for _, c := range s.Cases {
		n[c.Kind]++
	}
	if len(s.Cases) == 0 {
		return ""
	}
	return fmt.Sprintf("%d alert, %d quiet", n[Alert], n[Quiet])
}

func sourceLine(s *Strategy) string {
	if s.Source.Repaired {
		return s.Source.String() + " (damaged text, shown repaired)"
	}
	return s.Source.String()
}

// showMarkdown writes Markdown as text: fences as they are, set in by four;
// markup and escapes gone elsewhere.
func showMarkdown(b *strings.Builder, md string, width int) {
	links := regexp.MustCompile(`\[([^\[\]]*)\]\(([^()\s]*)[^()]*\)`)
	fence, indent := "", 0
	blank := true
	for line := range strings.Lines(md) {
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimLeft(line, " ")
		mark := fenceMark(trimmed)
		switch {
		case fence != "" && strings.HasPrefix(trimmed, fence) && strings.Trim(trimmed, fence[:1]+" ") == "":
			fence = ""
			continue
		case fence != "":
			cut := min(indent, len(line)-len(trimmed))
			b.WriteString("    " + line[cut:] + "\n")
			blank = false
			continue
		case mark != "":
			fence, indent = mark, len(line)-len(trimmed)
			if info := strings.TrimSpace(strings.Trim(trimmed, mark[:1])); strings.ContainsAny(info, "= ") {
				b.WriteString("    [" + info + "]\n")
			}
			continue
		case trimmed == "":
			if !blank {
				b.WriteString("\n")
			}
			blank = true
			continue
		}
		blank = false
		showLine(b, links, line[:len(line)-len(trimmed)], trimmed, width)
	}
}

func fenceMark(line string) string {
	for _, c := range [...]string{"`", "~"} {
		if n := len(line) - len(strings.TrimLeft(line, c)); n >= 3 {
			return line[:n]
		}
	}
	return ""
}

// showLine writes a line of prose behind its indentation and list mark.
func showLine(b *strings.Builder, links *regexp.Regexp, indent, line string, width int) {
	mark := ""
	if m := listMark(line); m > 0 {
		mark, line = line[:m], line[m:]
		if mark[0] == '*' || mark[0] == '+' || mark[0] == '-' {
			mark = "•" + mark[1:]
		}
	}
	line = strings.TrimLeft(line, "#> ")
	words := strings.Fields(plain(links.ReplaceAllString(line, "$1 <$2>")))
	prefix := indent + mark
	col := 0
	for i, w := range words {
		n := len([]rune(w))
		switch {
		case i == 0:
			b.WriteString(prefix + w)
			col = len([]rune(prefix)) + n
		case width > 0 && col+1+n > width:
			hang := strings.Repeat(" ", len([]rune(prefix)))
			b.WriteString("\n" + hang + w)
			col = len(hang) + n
		default:
			b.WriteString(" " + w)
			col += 1 + n
		}
	}
	b.WriteString("\n")
}

// listMark is the length of a list mark with its space, 0 without one.
func listMark(line string) int {
	i := 0
	for i < len(line) && line[i] >= '0' && line[i] <= '9' {
		i++
	}
	switch {
	case i > 0 && i+1 < len(line) && (line[i] == '.' || line[i] == ')') && line[i+1] == ' ':
		return i + 2
	case i == 0 && len(line) > 1 && strings.IndexByte("*+-", line[0]) >= 0 && line[1] == ' ':
		return 2
	}
	return 0
}

// printableText drops control characters but for line ends and tabs.
func printableText(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}
