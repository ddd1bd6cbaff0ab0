package strategy

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"
)

// frontMatterKeys are the fields that front matter may have.
func frontMatterKeys() []string {
	return []string{"id", "title", "version", "lang", "authors", "author", "references", "licence", "license", "rule_id",
		"severity", "risk", "risk_score", "tags", "data_sources", "index", "index_patterns", "suppress",
		"event_category_override", "created", "updated", "status"}
}

// cutFrontMatter finds front matter: only if "---" are the file's first bytes
// and a line "---" (or "...") closes it. body is the YAML between.
func cutFrontMatter(src []byte) (body []byte, start, length int) {
	line, rest, ok := bytes.Cut(src, []byte("\n"))
	if !ok || string(bytes.TrimRight(line, " \t\r")) != "---" {
		return nil, 0, 0
	}
	start = len(line) + 1
	for at := start; len(rest) > 0; {
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		end := at + len(line) + 1
		if t := string(bytes.TrimRight(line, " \t\r")); t == "---" || t == "..." {
			return src[start:at], start, min(end, len(src))
		}
		at = end
	}
	return nil, 0, 0
}

// readFrontMatter applies front matter to the strategy.
func (x *extractor) readFrontMatter(body []byte, start int) {
	d, s := x.d, x.s
	t := text{doc: d, starts: lineStarts(start, body)}
	y, bad := parseYAML(d, t, string(body))
	if bad != nil {
		s.notes = append(s.notes, *bad)
		return
	}
	if y == nil {
		return
	}
	fields, ok := y.fields()
	if !ok {
		s.notes = append(s.notes, d.problem(Error, "bad-front-matter", start, "read front matter: it is %s, expected fields", y.kind()))
		return
	}
	for _, f := range fields {
		line, col := f.val.at()
		x.frontMatterField(f, t.at(f.keyAt.Line, f.keyAt.Column), t.at(line, col))
	}
}

func lineStarts(start int, body []byte) []int {
	starts := []int{start}
	for i, c := range body {
		if c == '\n' {
			starts = append(starts, start+i+1)
		}
	}
	return starts
}

func (x *extractor) frontMatterField(f yfield, keyAt, valAt Pos) {
	s := x.s
	v, _ := f.val.scalar()
	switch f.key {
	case "id":
		x.setID(v, valAt)
	case "title":
		s.Title = v
	case "version":
		s.Version = v
	case "lang":
		s.Lang = v
	case "authors", "author":
		s.Authors = append(s.Authors, f.val.strings()...)
	case "references":
		s.References = append(s.References, f.val.strings()...)
	case "licence", "license":
		s.Licence = v
	case "rule_id":
		s.RuleID = v
	case "tags":
		s.Tags = append(s.Tags, f.val.strings()...)
	case "data_sources":
		s.DataSources = append(s.DataSources, f.val.strings()...)
	case "index", "index_patterns":
		for _, p := range f.val.strings() {
			s.IndexPatterns = append(s.IndexPatterns, p)
			s.pos.index = append(s.pos.index, valAt)
		}
	case "severity":
		s.pos.fmSeverity = valAt
		s.pos.fmSeverityValue = severityIn(v)
		if s.pos.fmSeverityValue == "" {
			x.note(Error, "bad-severity", valAt, "read front matter: severity %q is none of low, medium, high, critical", v)
		}
	case "risk", "risk_score":
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > 100 {
			x.note(Error, "bad-risk", valAt, "read front matter: risk %q is no number from 0 to 100", v)
			return
		}
		s.pos.fmRisk, s.pos.fmRiskValue = valAt, n
	case "suppress":
		s.Suppression = x.suppression(f.val, valAt)
	case "event_category_override":
		x.categoryOverride = v
	case "created", "updated", "status":
	default:
		p := x.d.problemAt(Warning, "unknown-field", keyAt, "front matter has no field %q", f.key)
		p.Hint = didYouMean(f.key, frontMatterKeys())
		s.notes = append(s.notes, p)
	}
}

func (x *extractor) setID(v string, at Pos) {
	if v == "" || slug(v) == "" || strings.ContainsAny(v, " /\\\t\n") || len(v) > 200 {
		x.note(Error, "bad-id", at, "read front matter: id %q is not a slug of letters, digits and dashes", v)
		return
	}
	x.s.ID = v
}

func (x *extractor) note(l Level, code string, at Pos, format string, args ...any) {
	x.s.notes = append(x.s.notes, x.d.problemAt(l, code, at, format, args...))
}

// suppression reads "suppress: {by: [host.id, "process.executable@2"], for: 5m}";
// name@2 is the field of stage 2's event.
func (x *extractor) suppression(y *ynode, at Pos) *Suppression {
	fields, ok := y.fields()
	if !ok {
		x.note(Error, "bad-suppress", at, "read suppress: it is %s, expected by and for", y.kind())
		return nil
	}
	sup := &Suppression{}
	for _, f := range fields {
		v, _ := f.val.scalar()
		switch f.key {
		case "by":
			for _, name := range f.val.strings() {
				sup.Fields = append(sup.Fields, suppressionField(name))
			}
		case "for":
			d, err := parseDuration(v)
			if err != nil {
				x.note(Error, "bad-duration", at, "read suppress: %v", err)
			}
			sup.Duration = d
		case "missing":
			sup.KeepMissing = v == "report"
		default:
			p := x.d.problemAt(Warning, "unknown-field", at, "suppress has no field %q", f.key)
			p.Hint = didYouMean(f.key, []string{"by", "for", "missing"})
			x.s.notes = append(x.s.notes, p)
		}
	}
	if len(sup.Fields) == 0 {
		x.note(Error, "bad-suppress", at, "read suppress: by names no field")
		return nil
	}
	return sup
}

func suppressionField(s string) SuppressionField {
	if name, n, ok := strings.Cut(s, "@"); ok {
		if stage, err := strconv.Atoi(n); err == nil && stage > 0 {
			return SuppressionField{stage, name}
		}
	}
	return SuppressionField{0, s}
}

// parseDuration reads a time such as "90s", "10m", "1h30m" or "7d".
func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || n > 100_000 || n < -100_000 {
			return 0, durationError(s)
		}
		return time.Duration(n * float64(24*time.Hour)), nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, durationError(s)
	}
	return d, nil
}

type durationError string

func (e durationError) Error() string {
	return strconv.Quote(string(e)) + " is no duration such as 90s, 10m, 24h or 7d"
}

// didYouMean is the hint for a name that is not among the known ones.
func didYouMean(name string, known []string) string {
	best, at := 1+len(name)/2, ""
	for _, k := range known {
		if d := editDistance(strings.ToLower(name), k); d < best {
			best, at = d, k
		}
	}
	if at == "" {
		known = slices.Clone(known)
		slices.Sort(known)
		if len(known) > 8 {
			return ""
		}
		return "one of " + strings.Join(known, ", ")
	}
	return "did you mean " + at + "?"
}

// editDistance is Levenshtein's, over bytes; long names are not worth it.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return len(a) + len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			prev, row[j] = row[j], min(row[j]+1, row[j-1]+1, prev+cost)
		}
	}
	return row[len(b)]
}
