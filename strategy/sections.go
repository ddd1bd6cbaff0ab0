package strategy

import (
	"strings"
	"unicode"
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

// sectionNames are the English headings by kind.
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
			end := strings.IndexByte(s[i:], ')')
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
