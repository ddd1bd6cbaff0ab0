package validate

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/tocsin-project/tocsin/event"
)

// attack is an alert case, taken apart.
type attack struct {
	name  string
	docs  []map[string]any
	lines []int // of the evidence of its first alert, indices into docs
	times []int64
	span  time.Duration // maxspan of the rule that alerted, 0 if it has none
}

// mutation is one way to change an attack.
type mutation struct {
	name   string
	topics []string // what the blind spots may say of it: expressions over whole words, best first
	// text changes a text; field is the name of its leaf. Nil: none is changed.
	text func(field, text string) string
	// second changes only the documents behind the first of the evidence.
	second bool
	// gap puts the last event of the evidence so long after the first.
	gap func(span time.Duration) time.Duration
}

// mutations is the table of evasions. A new one is a row.
func mutations() []mutation {
	const spelling = `path spelling`
	rows := []mutation{
		{name: "letters in upper case", topics: []string{`letter case`, `case does not matter`, `upper case`}, text: paths(strings.ToUpper, true)},
		{name: "letters in mixed case", topics: []string{`letter case`, `case does not matter`}, text: paths(mixCase, true)},
		{name: `8.3 names (C:\PROGRA~1)`, topics: []string{`8\.3`, `short names?`}, text: paths(shortNames, false)},
		{name: "another drive letter", topics: []string{`drive letters?`, `drives?`}, text: paths(func(s string) string { return "E" + s[1:] }, false)},
		{name: "slashes for backslashes", topics: []string{`slash(es)?`, spelling}, text: paths(func(s string) string { return strings.ReplaceAll(s, `\`, "/") }, false)},
		{name: "double backslashes", topics: []string{`double backslash(es)?`, spelling}, text: paths(func(s string) string { return s[:3] + strings.ReplaceAll(s[3:], `\`, `\\`) }, false)},
		{name: `prefix \\?\`, topics: []string{`\\\\\?\\`, `prefix`, spelling}, text: paths(func(s string) string { return `\\?\` + s }, false)},
		{name: "host named in another case", topics: []string{`host names?`, `host\.id`}, text: hosts(flipCase), second: true},
	}
	for _, ip := range []string{"127.0.0.1", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "127.0.0.2"} {
		rows = append(rows, mutation{name: "source address " + ip, topics: []string{`loopback`, `127\.0\.0\.`}, text: addresses(ip)})
	}
	for _, port := range []string{"49151", "49152"} {
		rows = append(rows,
			mutation{name: "source port " + port, topics: []string{port, `ports`, `dynamic (range|port)`}, text: ports("source", port)},
			mutation{name: "destination port " + port, topics: []string{port, `ports`, `dynamic (range|port)`}, text: ports("destination", port)})
	}
	for _, over := range []time.Duration{0, time.Millisecond} {
		name := "last event exactly maxspan after the first"
		if over > 0 {
			name = "last event 1 ms beyond maxspan"
		}
		rows = append(rows, mutation{name: name, topics: []string{`timing`, `maxspan`, `seconds? (later|after)`, `(second|minute)s? after`},
			gap: func(span time.Duration) time.Duration { return span + over }})
	}
	return append(rows, mutation{name: "last event 1 ms before the first", topics: []string{`order`, `the other way round`, `stamped (later|after|first|before)`},
		gap: func(time.Duration) time.Duration { return -time.Millisecond }})
}

// parseLines reads JSON objects, one a line; ok is false for anything else.
func parseLines(data []byte) (docs []map[string]any, ok bool) {
	for row := range bytes.Lines(data) {
		if len(bytes.TrimSpace(row)) == 0 {
			return nil, false // lines are counted
		}
		dec := json.NewDecoder(bytes.NewReader(row))
		dec.UseNumber()
		var doc map[string]any
		if dec.Decode(&doc) != nil {
			return nil, false
		}
		docs = append(docs, doc)
	}
	return docs, len(docs) > 0
}

// mutate gives the case with a change; touched is false if nothing changed.
func (a *attack) mutate(m mutation) (data []byte, touched bool) {
	var shift time.Duration
	last := -1
	if m.gap != nil {
		if len(a.lines) < 2 || a.span == 0 {
			return nil, false
		}
		last = a.lines[len(a.lines)-1]
		shift = m.gap(a.span) - time.Duration(a.times[len(a.times)-1]-a.times[0])
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i, doc := range a.docs {
		change := m.text
		switch {
		case m.gap != nil && i == last:
			change = func(_, text string) string { return shifted(text, shift) }
		case m.gap != nil, m.second && (len(a.lines) < 2 || i <= a.lines[0]):
			change = nil
		}
		out := any(doc)
		if change != nil {
			var changed bool
			out, changed = rewrite("", doc, change)
			touched = touched || changed
		}
		if err := enc.Encode(out); err != nil {
			return nil, false
		}
	}
	return b.Bytes(), touched
}

// rewrite copies a value with its texts and numbers changed; field is the
// dotted name.
func rewrite(field string, v any, change func(field, text string) string) (out any, changed bool) {
	switch v := v.(type) {
	case string:
		s := change(field, v)
		return s, s != v
	case json.Number:
		s := change(field, v.String())
		return json.Number(s), s != v.String()
	case []any:
		list := make([]any, len(v))
		for i := range v {
			var c bool
			list[i], c = rewrite(field, v[i], change)
			changed = changed || c
		}
		return list, changed
	case map[string]any:
		m := make(map[string]any, len(v))
		for k := range v {
			name := k
			if field != "" {
				name = field + "." + k
			}
			var c bool
			m[k], c = rewrite(name, v[k], change)
			changed = changed || c
		}
		return m, changed
	}
	return v, false
}

var (
	pathForm = regexp.MustCompile(`^[A-Za-z]:\\[^"]*$`)
	// windowsPrograms start what an attacker asks for; he does not choose how
	// their own paths are spelled.
	windowsPrograms = regexp.MustCompile(`(?i)\\(services|svchost|lsass|wininit|csrss|smss|winlogon|wmiprvse|wsmprovhost|winrshost|dllhost|mmc|taskeng|taskhostw|explorer)\.exe$`)
	program         = regexp.MustCompile(`(?i)^.*?\.exe`)
)

// paths changes values that begin with a path, command lines among them: the
// paths of Windows' own programs only if all is set. The name of a program goes
// with its path.
func paths(change func(string) string, all bool) func(string, string) string {
	return func(field, text string) string {
		if all && strings.HasSuffix(field, "process.name") || all && strings.HasSuffix(field, "parent.name") {
			return change(text)
		}
		path, arguments := text, ""
		if p := program.FindString(text); p != "" {
			path, arguments = p, text[len(p):]
		}
		if !pathForm.MatchString(path) || !all && windowsPrograms.MatchString(path) {
			return text
		}
		return change(path) + arguments
	}
}

func mixCase(s string) string {
	up := false
	return strings.Map(func(r rune) rune {
		up = !up
		if up {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func flipCase(s string) string {
	if up := strings.ToUpper(s); up != s {
		return up
	}
	return strings.ToLower(s)
}

// shortNames writes each part of a path that is longer than 8.3 as Windows
// shortens it.
func shortNames(s string) string {
	parts := strings.Split(s, `\`)
	for i, p := range parts {
		stem, ext, dot := strings.Cut(p, ".")
		if i == 0 || len(stem) <= 8 && len(ext) <= 3 && !strings.Contains(p, " ") {
			continue
		}
		stem = strings.ToUpper(strings.NewReplacer(" ", "", "(", "", ")", "").Replace(stem))
		number := "~1"
		if strings.Contains(p, "(x86)") {
			number = "~2"
		}
		short := stem[:min(6, len(stem))] + number
		if dot {
			short += "." + strings.ToUpper(ext[:min(3, len(ext))])
		}
		parts[i] = short
	}
	return strings.Join(parts, `\`)
}

// hosts changes what a host is called and known by.
func hosts(change func(string) string) func(string, string) string {
	return func(field, text string) string {
		switch field {
		case "host.id", "host.name", "host.hostname", "winlog.computer_name", "Hostname", "Computer", "agent.id":
			return change(text)
		}
		return text
	}
}

// addresses puts another address in the place of where connections and logons
// come from.
func addresses(ip string) func(string, string) string {
	return func(field, text string) string {
		switch leaf(field) {
		case "SourceIp", "SourceAddress", "IpAddress":
			return address(ip, text)
		}
		if strings.HasSuffix(field, "source.ip") || strings.HasSuffix(field, "source.address") {
			return address(ip, text)
		}
		return text
	}
}

// address keeps what is no address ("-").
func address(ip, text string) string {
	if strings.ContainsAny(text, ".:") {
		return ip
	}
	return text
}

// ports puts another port in the place of a dynamic one.
func ports(side, port string) func(string, string) string {
	flat := map[string]string{"source": "SourcePort", "destination": "DestinationPort"}[side]
	alias := map[string]string{"source": "SourcePort", "destination": "DestPort"}[side]
	return func(field, text string) string {
		if l := leaf(field); l != flat && l != alias && !strings.HasSuffix(field, side+".port") {
			return text
		}
		if len(text) != 5 || text < "49152" {
			return text
		}
		return port
	}
}

func leaf(field string) string { return field[strings.LastIndexByte(field, '.')+1:] }

// shifted moves a time by d, in the form in which it is written; what is no
// time stays.
func shifted(text string, d time.Duration) string {
	for _, form := range []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02 15:04:05.000", "2006-01-02 15:04:05"} {
		if at, err := time.Parse(form, text); err == nil {
			return at.Add(d).Format(form)
		}
	}
	return text
}

// eventTime is a document's own time: Sysmon's clock where it has one.
func eventTime(docs []map[string]any, i int) int64 {
	if i < 0 || i >= len(docs) {
		return 0
	}
	for _, field := range []string{"winlog.event_data.UtcTime", "UtcTime", "@timestamp"} {
		var v any = docs[i]
		if flat, ok := docs[i][field]; ok {
			v = flat
		} else {
			for _, part := range strings.Split(field, ".") {
				m, _ := v.(map[string]any)
				v = m[part]
			}
		}
		if s, ok := v.(string); ok {
			if ns, ok := event.ParseTime(s); ok {
				return ns
			}
		}
	}
	return 0
}
