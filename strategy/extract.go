package strategy

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-project/tocsin/strategy/attack"
)

// extractor takes what can be run out of the sections' prose.
type extractor struct {
	d      *document
	s      *Strategy
	blocks []block
	// categoryOverride is the front matter's, for all rules of the document.
	categoryOverride string
}

// in yields the blocks of sections of a kind.
func (x *extractor) in(kind SectionKind, f func(b *block)) {
	for i := range x.blocks {
		if b := &x.blocks[i]; b.section >= 0 && x.s.Sections[b.section].Kind == kind {
			f(b)
		}
	}
}

// threats reads ATT&CK ids from Categorization. A technique belongs to the
// tactic on its line, else to the last one named above it, else to the one
// that ATT&CK gives it if there is only one.
func (x *extractor) threats() {
	ids := regexp.MustCompile(`\b(TA\d{4}|T\d{4}(?:[./]\d{3})?)\b`)
	var tactics []Threat // in force: of the last line that named one
	used := map[string]bool{}
	x.in(Categorization, func(b *block) {
		if b.kind == fenceBlock {
			return
		}
		var here, techniques []Threat
		for _, m := range ids.FindAllStringIndex(b.line, -1) {
			id := strings.Replace(b.line[m[0]:m[1]], "/", ".", 1)
			t := Threat{Pos: x.d.at(b.offset + m[0])}
			if strings.HasPrefix(id, "TA") {
				t.Tactic = id
				here = addThreat(here, t)
			} else {
				t.Technique = id
				techniques = addThreat(techniques, t)
			}
		}
		if len(here) == 0 {
			if id := tacticNamed(b.line); id != "" {
				here = []Threat{{Tactic: id, Pos: x.d.at(b.offset)}}
			}
		}
		if len(here) > 0 {
			for _, t := range here {
				x.s.Threat = append(x.s.Threat, t)
			}
			tactics = here
		}
		for _, t := range techniques {
			x.pairThreat(t, tactics, used)
		}
	})
	// A tactic that got techniques need not stand alone.
	x.s.Threat = slices.DeleteFunc(x.s.Threat, func(t Threat) bool { return t.Technique == "" && used[t.Tactic] })
	x.s.Threat = dedupThreats(x.s.Threat)
}

func (x *extractor) pairThreat(t Threat, tactics []Threat, used map[string]bool) {
	known, ok := attack.Lookup(t.Technique)
	paired := false
	for _, tac := range tactics {
		if len(tactics) > 1 && ok && !slices.Contains(known.Tactics, tac.Tactic) {
			continue
		}
		t.Tactic = tac.Tactic
		used[tac.Tactic] = true
		x.s.Threat = append(x.s.Threat, t)
		paired = true
	}
	if paired {
		return
	}
	if ok && len(known.Tactics) == 1 {
		t.Tactic = known.Tactics[0]
	}
	x.s.Threat = append(x.s.Threat, t)
}

// addThreat adds what is not there yet: a link names an id twice, in its text
// and in its address.
func addThreat(list []Threat, t Threat) []Threat {
	if slices.ContainsFunc(list, func(o Threat) bool { return o.Tactic == t.Tactic && o.Technique == t.Technique }) {
		return list
	}
	return append(list, t)
}

func dedupThreats(in []Threat) []Threat {
	var out []Threat
	for _, t := range in {
		out = addThreat(out, t)
	}
	return out
}

// tacticNamed finds a tactic by its English name when no id is given.
func tacticNamed(line string) string {
	f := fold(line)
	for _, t := range attack.Tactics() {
		name := strings.ToLower(t.Name)
		if i := strings.Index(f, name); i >= 0 && (i == 0 || !isWord(f[i-1])) {
			return t.ID
		}
	}
	return ""
}

// priority reads severity and risk score from the Priority section: the first
// line that names a severity, and the number in brackets or after "risk".
func (x *extractor) priority() {
	score := regexp.MustCompile(`\((?:[^()0-9]*?)(\d{1,3})(?:\s*/\s*100)?\)|(?i:risk|score|rủi ro|điểm)[^0-9\n]{0,20}(\d{1,3})\b|\b(\d{1,3})\s*/\s*100`)
	s := x.s
	x.in(Priority, func(b *block) {
		if b.kind == fenceBlock {
			return
		}
		if !s.Declared.Severity {
			if sev := severityIn(b.line); sev != "" {
				s.Severity, s.Declared.Severity = sev, true
				x.s.pos.severity = x.d.at(b.offset)
			}
		}
		if s.Declared.Risk || !s.Declared.Severity {
			return
		}
		m := score.FindStringSubmatch(plain(b.line))
		for _, g := range m[min(1, len(m)):] {
			if n, err := strconv.Atoi(g); err == nil && n <= 100 {
				s.Risk, s.Declared.Risk = n, true
				x.s.pos.risk = x.d.at(b.offset)
				return
			}
		}
	})
}

// severityIn finds the severity that stands first in a line, in English or
// Vietnamese.
func severityIn(line string) Severity {
	f := " " + strings.Map(func(r rune) rune {
		if r < 0x80 && !isWord(byte(r)) {
			return ' '
		}
		return r
	}, fold(line)) + " "
	best, at := Severity(""), len(f)
	for _, n := range []struct {
		word string
		sev  Severity
	}{
		{"low", Low}, {"thap", Low}, {"informational", Low},
		{"medium", Medium}, {"moderate", Medium}, {"trung binh", Medium}, {"vua", Medium},
		{"high", High}, {"cao", High},
		{"critical", Critical}, {"nghiem trong", Critical}, {"rat cao", Critical},
	} {
		if i := strings.Index(f, " "+n.word+" "); i >= 0 && i < at {
			best, at = n.sev, i
		}
	}
	return best
}

// label is a name under which Technical Context lists something.
type label uint8

const (
	noLabel label = iota
	dataSourceLabel
	indexLabel
)

// lists reads data sources and index patterns from Technical Context: a list
// below (or beside) a line that is such a label, or what follows its colon.
func (x *extractor) lists() {
	current, depth := noLabel, 0
	x.in(TechnicalContext, func(b *block) {
		if b.kind == fenceBlock {
			current = noLabel
			return
		}
		name, rest := b.line, ""
		if i := strings.Index(b.line, ":"); i >= 0 {
			name, rest = b.line[:i], strings.Trim(b.line[i+1:], " *_")
		}
		if l := labelOf(name); l != noLabel {
			current, depth = l, b.depth
			for _, v := range strings.FieldsFunc(rest, func(r rune) bool { return r == ',' || r == ';' }) {
				x.listValue(l, v, b)
			}
			return
		}
		switch {
		case b.kind == headingBlock, b.depth <= depth && b.item > 0 && depth > 0, b.item == 0:
			current = noLabel // the list is over
		case current != noLabel && b.first:
			x.listValue(current, b.line, b)
		}
	})
}

func labelOf(name string) label {
	switch fold(name) {
	case "data sources", "data source", "data", "log sources", "log source", "required data", "telemetry",
		"nguon du lieu", "nguon log", "nguon nhat ky", "du lieu can co", "data sources (nguon du lieu)":
		return dataSourceLabel
	case "index patterns", "index pattern", "indices", "indexes", "index", "mau index", "mau chi muc", "chi muc":
		return indexLabel
	}
	return noLabel
}

func (x *extractor) listValue(l label, v string, b *block) {
	v = strings.Trim(plain(v), " .")
	if v == "" {
		return
	}
	switch l {
	case dataSourceLabel:
		x.s.DataSources = append(x.s.DataSources, v)
	case indexLabel:
		x.s.IndexPatterns = append(x.s.IndexPatterns, v)
		x.s.pos.index = append(x.s.pos.index, x.d.at(b.offset+max(0, strings.Index(b.line, v))))
	}
}

// questions are the steps of the Response section: its outermost list items.
func (x *extractor) questions() {
	x.s.Questions = steps(x.blocks, func(b *block) bool { return x.kindAt(b) == Response })
}

// references are the list items and links of Additional Resources.
func (x *extractor) references() {
	x.in(Resources, func(b *block) {
		if b.kind != proseBlock || b.depth > 0 && !b.first {
			return
		}
		link := regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)[^)]*\)`)
		text := link.ReplaceAllString(b.line, "$1 <$2>")
		if b.depth > 0 || strings.Contains(text, "://") {
			x.s.References = append(x.s.References, plain(text))
		}
	})
}

// language guesses the language of the prose: Vietnamese if it has the letters
// that only Vietnamese has, else English.
func language(src []byte) string {
	n := 0
	for _, r := range string(src) {
		if strings.ContainsRune("ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ", r) {
			n++
		}
	}
	if n >= 10 && n*100 > len(src)/2 {
		return "vi"
	}
	return "en"
}
