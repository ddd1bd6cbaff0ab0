package strategy

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/tocsin-project/tocsin/strategy/attack"
)

// SectionKind is one of the sections of an ADS document.
type SectionKind uint8

// The nine sections, in the order of the ADS form, and what else a document has.
const (
	Other SectionKind = iota
	Goal
	Categorization
	Abstract
	TechnicalContext
	BlindSpots
	FalsePositives
	Validation
	Priority
	Response
	Resources // Additional Resources; not one of the nine
)

// sectionCount is the number of kinds.
const sectionCount = int(Resources) + 1

// String is the section's English heading.
func (k SectionKind) String() string { return k.name("en") }

// name is the heading in a language; English where there is none.
func (k SectionKind) name(lang string) string {
	if int(k) >= sectionCount {
		return ""
	}
	if lang == "vi" {
		return [sectionCount]string{"", "Mục tiêu", "Phân loại", "Tóm tắt chiến lược", "Bối cảnh kỹ thuật",
			"Điểm mù và giả định", "Dương tính giả", "Kiểm chứng", "Mức ưu tiên", "Ứng phó", "Tài liệu tham khảo"}[k]
	}
	return [sectionCount]string{"", "Goal", "Categorization", "Strategy Abstract", "Technical Context",
		"Blind Spots and Assumptions", "False Positives", "Validation", "Priority", "Response", "Additional Resources"}[k]
}

// required lists the nine.
func requiredSections() []SectionKind {
	return []SectionKind{Goal, Categorization, Abstract, TechnicalContext, BlindSpots, FalsePositives, Validation, Priority, Response}
}

// synonyms returns the names under which each section is known, folded by fold.
func synonyms() map[string]SectionKind {
	return map[string]SectionKind{
		"goal": Goal, "goals": Goal, "objective": Goal, "objectives": Goal, "purpose": Goal,
		"muc tieu": Goal, "muc dich": Goal, "description": Goal,

		"categorization": Categorization, "categorisation": Categorization, "category": Categorization,
		"classification": Categorization, "mitre att&ck": Categorization, "att&ck": Categorization,
		"mitre attack": Categorization, "phan loai": Categorization, "anh xa mitre att&ck": Categorization,

		"strategy abstract": Abstract, "abstract": Abstract, "detection strategy": Abstract, "summary": Abstract,
		"tom tat chien luoc": Abstract, "tom tat": Abstract, "chien luoc phat hien": Abstract, "tong quan chien luoc": Abstract,

		"technical context": TechnicalContext, "technical details": TechnicalContext, "technical background": TechnicalContext,
		"technical detail": TechnicalContext, "context": TechnicalContext,
		"boi canh ky thuat": TechnicalContext, "ngu canh ky thuat": TechnicalContext, "chi tiet ky thuat": TechnicalContext,

		"blind spots and assumptions": BlindSpots, "blind spots": BlindSpots, "blindspots": BlindSpots,
		"assumptions": BlindSpots, "limitations": BlindSpots, "blindspots and assumptions": BlindSpots,
		"assumptions and blind spots": BlindSpots, "diem mu va gia dinh": BlindSpots, "diem mu": BlindSpots,
		"gia dinh": BlindSpots, "han che": BlindSpots, "han che va gia dinh": BlindSpots,

		"false positives": FalsePositives, "false positive": FalsePositives, "known false positives": FalsePositives,
		"duong tinh gia": FalsePositives, "canh bao gia": FalsePositives, "bao dong gia": FalsePositives,
		"canh bao sai": FalsePositives, "duong tinh gia (false positives)": FalsePositives,

		"validation": Validation, "testing": Validation, "test": Validation, "tests": Validation, "verification": Validation,
		"kiem chung": Validation, "kiem thu": Validation, "xac minh": Validation, "kiem tra": Validation, "xac thuc": Validation,

		"priority": Priority, "severity": Priority, "muc do uu tien": Priority, "muc uu tien": Priority,
		"do uu tien": Priority, "uu tien": Priority, "muc do nghiem trong": Priority,

		"response": Response, "response procedure": Response, "response procedures": Response, "triage": Response,
		"triage and response": Response, "incident response": Response, "investigation": Response,
		"ung pho": Response, "phan hoi": Response, "phan ung": Response, "xu ly": Response,
		"quy trinh ung pho": Response, "quy trinh xu ly": Response, "ung pho su co": Response, "xu ly su co": Response,

		"additional resources": Resources, "resources": Resources, "references": Resources, "additional reading": Resources,
		"links": Resources, "further reading": Resources, "tai lieu tham khao": Resources, "tham khao": Resources,
		"nguon tham khao": Resources, "tai nguyen bo sung": Resources, "tai lieu bo sung": Resources,
	}
}

// kindOf tells which section a heading names. Numbers, markup and a second
// name after a slash, dash or in brackets do not matter: "3. Mục tiêu (Goal)".
func kindOf(known map[string]SectionKind, heading string) SectionKind {
	name := fold(heading)
	if k, ok := known[name]; ok {
		return k
	}
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("/()|:–—-[]", r) }) {
		if k, ok := known[strings.TrimSpace(part)]; ok {
			return k
		}
	}
	return Other
}

// fold makes headings and labels comparable: plain text in lower case, without
// diacritics, leading numbers, and marks at the ends.
func fold(s string) string {
	var b strings.Builder
	for _, r := range plain(s) {
		if unicode.Is(unicode.Mn, r) { // decomposed letters, as macOS writes them
			continue
		}
		b.WriteRune(foldRune(unicode.ToLower(r)))
	}
	f := strings.Join(strings.Fields(b.String()), " ")
	f = strings.ReplaceAll(f, " & ", " and ")
	f = strings.TrimLeftFunc(f, func(r rune) bool { return !unicode.IsLetter(r) && r != '(' })
	return strings.TrimRight(f, " :.*#-–—")
}

// foldRune takes the diacritics off a Vietnamese letter.
func foldRune(r rune) rune {
	if r < 0x80 {
		return r
	}
	for _, g := range [...]string{"aàáảãạăằắẳẵặâầấẩẫậ", "eèéẻẽẹêềếểễệ", "iìíỉĩị", "oòóỏõọôồốổỗộơờớởỡợ", "uùúủũụưừứửữự", "yỳýỷỹỵ", "dđ"} {
		if strings.ContainsRune(g, r) {
			return rune(g[0])
		}
	}
	return r
}

// maxLink bounds how long an address is looked for.
const maxLink = 4096

// plain takes the inline markup off a line of Markdown: emphasis, code marks,
// backslashes before punctuation; a link becomes its text.
func plain(s string) string {
	var b strings.Builder
	code := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '`':
			code = !code
		case code:
			b.WriteByte(c)
		case c == '\\' && i+1 < len(s) && isPunct(s[i+1]):
			i++
			b.WriteByte(s[i])
		case c == '*' || c == '_' && !insideWord(s, i):
		case c == '[':
		case c == ']' && i+1 < len(s) && s[i+1] == '(':
			end := strings.IndexByte(s[i:min(len(s), i+maxLink)], ')')
			if end < 0 {
				b.WriteByte(c)
				continue
			}
			i += end
		case c == ']':
		default:
			b.WriteByte(c)
		}
	}
	return strings.TrimSpace(b.String())
}

func isPunct(c byte) bool {
	return c >= '!' && c <= '/' || c >= ':' && c <= '@' || c >= '[' && c <= '`' || c >= '{' && c <= '~'
}

func insideWord(s string, i int) bool {
	return i > 0 && i+1 < len(s) && isWord(s[i-1]) && isWord(s[i+1])
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}

// slug makes an id of a title: lower case, without diacritics, dashes between.
func slug(title string) string {
	var b strings.Builder
	dash := false
	for _, r := range plain(title) {
		r = foldRune(unicode.ToLower(r))
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		default:
			dash = true
		}
	}
	return b.String()
}

// extractor takes what can be run out of the sections' prose.
type extractor struct {
	d      *document
	s      *Strategy
	blocks []block
	// categoryOverride is the front matter's, for all rules of the document.
	categoryOverride string
	// quoted are the lines of the YAML being read that quoteConditions changed.
	quoted map[int]bool
}

// in yields the blocks of sections of a kind.
func (x *extractor) in(kind SectionKind, f func(b *block)) {
	for i := range x.blocks {
		if b := &x.blocks[i]; b.section >= 0 && x.s.Sections[b.section].Kind == kind {
			f(b)
		}
	}
}

// maxThreats and maxRules bound how much of one kind a document can hold.
const (
	maxThreats = 500
	maxRules   = 500
)

// threats reads ATT&CK ids from Categorization. A technique belongs to the
// tactic on its line, else to the last one named above it, else to the one
// that ATT&CK gives it if there is only one.
func (x *extractor) threats() {
	ids := regexp.MustCompile(`\b(TA\d{4,}|T\d{4,}(?:[./]\d{3,})?)\b`)
	var tactics []Threat // in force: of the last line that named one
	used := map[string]bool{}
	x.in(Categorization, func(b *block) {
		if b.kind == fenceBlock || len(x.s.Threat) > maxThreats {
			return
		}
		var here, techniques []Threat
		for _, m := range ids.FindAllStringIndex(b.line, maxThreats) {
			id := strings.Replace(b.line[m[0]:m[1]], "/", ".", 1)
			t := Threat{Pos: x.d.at(b.offset + m[0])}
			if strings.HasPrefix(id, "TA") {
				t.Tactic = id
				x.s.pos.tactic(t)
				here = addThreat(here, t)
			} else {
				t.Technique = id
				techniques = addThreat(techniques, t)
			}
		}
		if len(here) == 0 && len(b.line) < maxLink {
			if id := tacticNamed(b.line); id != "" {
				here = []Threat{{Tactic: id, Pos: x.d.at(b.offset)}}
			}
		}
		if len(here) > 0 {
			x.s.Threat = append(x.s.Threat, here...)
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
	v = strings.TrimRight(strings.TrimSpace(plain(v)), " .")
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
	link := regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)[^)]*\)`)
	x.in(Resources, func(b *block) {
		if b.kind != proseBlock || b.depth > 0 && !b.first {
			return
		}
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
