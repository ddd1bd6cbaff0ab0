package strategy

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// frontMatterKeys are the fields that front matter may have.
func frontMatterKeys() []string {
	return []string{"id", "title", "version", "lang", "authors", "author", "references", "licence", "license", "rule_id",
		"severity", "risk", "risk_score", "tags", "data_sources", "index", "index_patterns", "suppress",
		"event_category_override", "building_block", "created", "updated", "status"}
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
		s.Title = printable(v)
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
	case "building_block":
		s.BuildingBlock = v == "true"
	case "created", "updated", "status":
	default:
		p := x.d.problemAt(Warning, "unknown-field", keyAt, "front matter has no field %q", f.key)
		p.Hint = didYouMean(f.key, frontMatterKeys())
		s.notes = append(s.notes, p)
	}
}

func (x *extractor) setID(v string, at Pos) {
	if !regexp.MustCompile(`^[\pL\pN][\pL\pN._-]{0,199}$`).MatchString(v) {
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

// maxYAML bounds a piece of YAML and maxNesting how deep it (and TOML) may
// nest: both parsers are recursive.
const (
	maxYAML    = 1 << 18
	maxNesting = 200
)

// ynode is a YAML value with its place. Aliases are not followed: nothing here
// needs them, and they are how a small file becomes a huge one.
type ynode struct{ n ast.Node }

// parseYAML parses a piece of a document; t says where its lines stand. It
// returns nil for nothing at all.
func parseYAML(d *document, t text, src string) (*ynode, *Problem) {
	fail := func(line, col int, format string, args ...any) *Problem {
		p := d.problemAt(Error, "bad-yaml", t.at(line, col), format, args...)
		return &p
	}
	if len(src) > maxYAML {
		return nil, fail(1, 1, "YAML is longer than %d bytes", maxYAML)
	}
	if tooDeep([]byte(src)) {
		return nil, fail(1, 1, "YAML nests deeper than %d", maxNesting)
	}
	f, err := parser.ParseBytes([]byte(src), 0)
	if err != nil {
		line, col := 1, 1
		msg := err.Error()
		if ye := yaml.Error(nil); errors.As(err, &ye) {
			msg = ye.GetMessage()
			if p := ye.GetToken(); p != nil {
				line, col = p.Position.Line, p.Position.Column
			}
		}
		bad := fail(line, col, "parse YAML: %s", firstLine(msg))
		if strings.Contains(src, "when:") {
			bad.Hint = "a condition of several lines stands below \"when: |\", set in"
		}
		return nil, bad
	}
	for _, doc := range f.Docs {
		if doc.Body != nil {
			return &ynode{n: doc.Body}, nil
		}
	}
	return nil, nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// tooDeep counts open brackets and the indentation steps of "- - -", without
// regard to strings: what nests that deep is not meant well.
func tooDeep(src []byte) bool {
	depth, dashes := 0, 0
	for _, c := range src {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		case '-', '?', ':':
			dashes++
		case ' ', '\t':
		default:
			dashes = 0
		}
		if depth > maxNesting || dashes > maxNesting {
			return true
		}
	}
	return false
}

// yfield is one key of a mapping.
type yfield struct {
	key   string
	keyAt *token.Position
	val   *ynode
}

// fields returns the keys of a mapping in order; ok is false for anything else.
func (y *ynode) fields() (out []yfield, ok bool) {
	var values []*ast.MappingValueNode
	switch n := y.n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		return nil, false
	}
	for _, v := range values {
		if v.Key == nil || v.Key.GetToken() == nil {
			continue
		}
		key := v.Key.String()
		if s, ok := v.Key.(*ast.StringNode); ok {
			key = s.Value
		}
		out = append(out, yfield{key, v.Key.GetToken().Position, &ynode{n: v.Value}})
	}
	return out, true
}

// items returns the values of a list; a single value is a list of one.
func (y *ynode) items() []*ynode {
	s, ok := y.n.(*ast.SequenceNode)
	if !ok {
		if _, null := y.n.(*ast.NullNode); null || y.n == nil {
			return nil
		}
		return []*ynode{y}
	}
	out := make([]*ynode, 0, len(s.Values))
	for _, v := range s.Values {
		out = append(out, &ynode{n: v})
	}
	return out
}

// scalar is the text of a single value, as written; ok is false for lists,
// mappings and aliases.
func (y *ynode) scalar() (string, bool) {
	switch n := y.n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.NullNode:
		return "", true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// strings are the single values of a list.
func (y *ynode) strings() []string {
	var out []string
	for _, v := range y.items() {
		if s, ok := v.scalar(); ok && s != "" {
			out = append(out, s)
		}
	}
	return out
}

// at is the 1-based line and column of the value. That of a block scalar is
// its first line of text.
func (y *ynode) at() (line, col int) {
	if y.n == nil || y.n.GetToken() == nil {
		return 1, 1
	}
	if l, ok := y.n.(*ast.LiteralNode); ok {
		p := y.n.GetToken().Position
		return p.Line + 1, 1 + leadingSpaces(l)
	}
	p := y.n.GetToken().Position
	switch y.n.GetToken().Type {
	case token.SingleQuoteType, token.DoubleQuoteType:
		return p.Line, p.Column + 1
	}
	return p.Line, p.Column
}

// quoteConditions puts quotes about conditions that stand bare behind "when:",
// since EQL's : and YAML's are written alike. It returns the 1-based lines it
// did that in: what stands there is one column further right than in the
// document. A bare condition of several lines is left to YAML.
func quoteConditions(src string) (string, map[int]bool) {
	bare := regexp.MustCompile(`^(\s*(?:- +)*)when:[ \t]+([^\s"'|>{\[&*!#].*?)\s*$`)
	var out strings.Builder
	quoted := map[int]bool{}
	lines := strings.SplitAfter(src, "\n")
	for i, line := range lines {
		m := bare.FindStringSubmatchIndex(line)
		if m == nil || i+1 < len(lines) && strings.TrimSpace(lines[i+1]) != "" && indentOf(lines[i+1]) > m[3] {
			out.WriteString(line)
			continue
		}
		quoted[i+1] = true
		out.WriteString(line[:m[4]] + "'" + strings.ReplaceAll(line[m[4]:m[5]], "'", "''") + "'" + line[m[5]:])
	}
	return out.String(), quoted
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

func leadingSpaces(l *ast.LiteralNode) int {
	if l.Value == nil || l.Value.GetToken() == nil {
		return 0
	}
	origin := strings.TrimLeft(l.Value.GetToken().Origin, "\r\n")
	return len(origin) - len(strings.TrimLeft(origin, " "))
}

// kind names what a value is, for messages.
func (y *ynode) kind() string {
	if y.n == nil {
		return "nothing"
	}
	return fmt.Sprintf("a YAML %s", strings.ToLower(y.n.Type().String()))
}
