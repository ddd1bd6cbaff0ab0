package strategy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/pelletier/go-toml/v2"
)

// elasticRule is a rule of Elastic's detection engine: the keys of its API,
// which the TOML of elastic/detection-rules and the rows of a corpus share.
// Keys that change nothing here (timestamp_override, output_index, …) are not
// read.
type elasticRule struct {
	RuleID      string     `json:"rule_id"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Path        string     `json:"path"`
	Query       string     `json:"query"`
	Language    string     `json:"language"`
	Type        string     `json:"type"`
	Index       stringList `json:"index"`
	RiskScore   *float64   `json:"risk_score"`
	Severity    string     `json:"severity"`
	Threat      []struct {
		Tactic    elasticID `json:"tactic"`
		Technique []struct {
			elasticID
			Subtechnique []elasticID `json:"subtechnique"`
		} `json:"technique"`
	} `json:"threat"`
	Tags           stringList         `json:"tags"`
	Author         stringList         `json:"author"`
	License        string             `json:"license"`
	References     stringList         `json:"references"`
	FalsePositives stringList         `json:"false_positives"`
	Note           string             `json:"note"`
	Setup          string             `json:"setup"`
	Version        json.Number        `json:"version"`
	Suppression    *elasticSuppress   `json:"alert_suppression"`
	ExceptionsList []exceptionListRef `json:"exceptions_list"`
	Integration    stringList         `json:"integration"`
	BuildingBlock  string             `json:"building_block_type"`
	CategoryField  string             `json:"event_category_override"`
	Interval       string             `json:"interval"`
	From           string             `json:"from"`
	MaxSignals     int                `json:"max_signals"`
}

type elasticID struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type elasticSuppress struct {
	GroupBy  stringList `json:"group_by"`
	Duration *struct {
		Value int    `json:"value"`
		Unit  string `json:"unit"`
	} `json:"duration"`
	Missing string `json:"missing_fields_strategy"`
}

// stringList takes a list of strings, one string, or null.
type stringList []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *stringList) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*l = stringList{s}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// elasticMeta is what only Kibana needs of a rule; kept so that an export
// gives it back.
type elasticMeta struct {
	interval, from string
	maxSignals     int
	lists          []exceptionListRef
}

// strategyOf makes a strategy of a rule. at is where the rule starts, text
// where its query stands.
func (r *elasticRule) strategyOf(d *document, src Source, query text, locate func(string) Pos) (*Strategy, error) {
	if r.Language != "" && r.Language != "eql" || r.Language == "" && r.Type != "" && r.Type != "eql" {
		return nil, fmt.Errorf("its language is %s, only eql runs", firstOf(r.Language, r.Type))
	}
	if strings.TrimSpace(r.Query) == "" {
		return nil, errors.New("it has no query")
	}
	s := &Strategy{
		ID: slug(r.Name), Title: printable(r.Name), Version: r.Version.String(), Source: src, Lang: "en", doc: d,
		RuleID: r.RuleID, Tags: r.Tags, Authors: r.Author, Licence: r.License, References: r.References,
		DataSources: r.Integration, IndexPatterns: r.Index, BuildingBlock: r.BuildingBlock != "",
		elastic: &elasticMeta{r.Interval, r.From, r.MaxSignals, r.ExceptionsList},
	}
	if s.ID == "" {
		s.ID = slug(r.RuleID)
	}
	if s.ID == "" {
		return nil, errors.New("it has neither name nor rule_id")
	}
	s.Sections = r.sections(d, src)
	s.Questions = investigationSteps(r.Note)
	s.Threat = r.threats(locate)
	if sev := severityIn(r.Severity); sev != "" {
		s.Severity, s.Declared.Severity = sev, true
	}
	if r.RiskScore != nil && *r.RiskScore >= 0 && *r.RiskScore <= 100 {
		s.Risk, s.Declared.Risk = int(*r.RiskScore), true
	}
	s.Suppression = r.Suppression.suppression()
	s.Rules = []Rule{{Query: r.Query, Line: query.at(1, 1).Line, Risk: -1, Index: r.Index,
		EventCategoryOverride: r.CategoryField, text: query}}
	s.settleRisk()
	return s, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// sections puts the rule's prose where an ADS document would have it.
func (r *elasticRule) sections(d *document, src Source) []Section {
	var out []Section
	add := func(k SectionKind, text string) {
		if text = strings.TrimSpace(text); text != "" {
			out = append(out, Section{Kind: k, Heading: k.String(), Markdown: text, Pos: Pos{d.path, src.Line, 1}})
		}
	}
	add(Goal, r.Description)
	add(TechnicalContext, r.Setup)
	var items []string
	for _, f := range r.FalsePositives { // plain text in Kibana
		items = append(items, "* "+markdownEscape(f))
	}
	add(FalsePositives, strings.Join(items, "\n"))
	add(Response, r.Note)
	return out
}

// investigationSteps are the list items under "Possible investigation steps"
// of an investigation guide, and all of one without headings.
func investigationSteps(note string) []string {
	if note == "" || len(note) > maxDocument {
		return nil
	}
	blocks := parseBlocks([]byte(note))
	in := !hasHeading(blocks)
	for i := range blocks {
		if blocks[i].kind == headingBlock {
			in = strings.Contains(strings.ToLower(blocks[i].line), "investigation steps")
		}
		blocks[i].section = -1
		if in {
			blocks[i].section = 0
		}
	}
	return steps(blocks, func(b *block) bool { return b.section == 0 })
}

func hasHeading(blocks []block) bool {
	return slices.ContainsFunc(blocks, func(b block) bool { return b.kind == headingBlock })
}

func (r *elasticRule) threats(locate func(string) Pos) []Threat {
	var out []Threat
	for _, t := range r.Threat[:min(len(r.Threat), maxThreats)] {
		if len(t.Technique) == 0 && t.Tactic.ID != "" {
			out = addThreat(out, Threat{Tactic: t.Tactic.ID, Pos: locate(t.Tactic.ID)})
		}
		for _, q := range t.Technique[:min(len(t.Technique), maxThreats)] {
			if len(q.Subtechnique) == 0 {
				out = addThreat(out, Threat{t.Tactic.ID, q.ID, locate(q.ID)})
			}
			for _, sub := range q.Subtechnique {
				out = addThreat(out, Threat{t.Tactic.ID, sub.ID, locate(sub.ID)})
			}
		}
	}
	return out
}

func (e *elasticSuppress) suppression() *Suppression {
	if e == nil || len(e.GroupBy) == 0 {
		return nil
	}
	s := &Suppression{KeepMissing: e.Missing == "doNotSuppress"}
	for _, f := range e.GroupBy {
		s.Fields = append(s.Fields, SuppressionField{0, f})
	}
	if e.Duration != nil {
		unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[e.Duration.Unit]
		s.Duration = time.Duration(min(max(e.Duration.Value, 0), 100_000)) * unit
	}
	return s
}

// maxBad is how many of a file's bad values are reported one by one.
const maxBad = 100

// ndjson reads rows, Kibana exports, and arrays of rules.
func (l *loader) ndjson(name string, src []byte) {
	d := newDocument(name, src)
	n, bad := 0, 0
	for offset, raw := range jsonValues(src) {
		line := d.at(offset).Line
		err := l.jsonValue(d, offset, line, raw)
		n++
		if err != nil {
			if bad++; bad > maxBad {
				continue
			}
			l.problems = append(l.problems, d.problem(levelOf(err), "bad-rule", offset+jsonErrorOffset(err), "read rule: %v", plainJSONError(err)))
		}
	}
	switch {
	case n == 0:
		l.fail("empty", name, "read rules: the file holds none")
	case bad > maxBad:
		l.fail("bad-rule", name, "read rules: %d more of the file's %d values are no rules", bad-maxBad, n)
	}
}

// notRunError is of a rule that is whole but not ours to run.
type notRunError struct{ error }

func levelOf(err error) Level {
	if nr := (notRunError{}); errors.As(err, &nr) {
		return Warning
	}
	return Error
}

func jsonErrorOffset(err error) int {
	if se := (*json.SyntaxError)(nil); errors.As(err, &se) {
		return max(0, int(se.Offset)-1)
	}
	return 0
}

func plainJSONError(err error) string {
	return strings.TrimPrefix(err.Error(), "json: ")
}

// jsonValues yields the values of a file with their offsets: one a line, or,
// if the first line is no whole value, whatever follows one another; the
// elements of an array count each.
func jsonValues(src []byte) func(yield func(int, []byte) bool) {
	head, _, _ := bytes.Cut(bytes.TrimLeft(src, " \t\r\n"), []byte("\n"))
	if len(head) > 0 && (head[0] == '[' || !json.Valid(head) && !bytes.HasSuffix(bytes.TrimSpace(head), []byte("}"))) {
		return func(yield func(int, []byte) bool) { streamValues(src, yield) }
	}
	return func(yield func(int, []byte) bool) {
		offset := 0
		for line := range bytes.Lines(src) {
			if t := bytes.TrimSpace(line); len(t) > 0 && !yield(offset+bytes.IndexByte(line, t[0]), t) {
				return
			}
			offset += len(line)
		}
	}
}

func streamValues(src []byte, yield func(int, []byte) bool) {
	dec := json.NewDecoder(bytes.NewReader(src))
	array := false
	if head := bytes.TrimLeft(src, " \t\r\n"); len(head) > 0 && head[0] == '[' {
		_, _ = dec.Token()
		array = true
	}
	for dec.More() {
		from := int(dec.InputOffset())
		var raw json.RawMessage
		if dec.Decode(&raw) != nil {
			from += len(src[from:]) - len(bytes.TrimLeft(src[from:], " \t\r\n,"))
			yield(from, src[from:]) // decoding it again gives the error
			return
		}
		if !yield(int(dec.InputOffset())-len(raw), raw) {
			return
		}
		if array && !dec.More() {
			return
		}
	}
}

// jsonValue reads one value: a rule, or what an export holds beside rules.
func (l *loader) jsonValue(d *document, offset, line int, raw []byte) error {
	// Rules are nearly all there is, so a value is first taken for one.
	var r struct {
		elasticRule
		kibanaKeys
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	switch {
	case r.Entries != nil:
		return l.lists.item(d, offset, raw)
	case r.ListID != "" && r.Query == "":
		l.lists.add(r.ListID)
		return nil // its items say what matters
	case r.ExportedCount != nil || r.ExportedRules != nil || r.ActionType != "":
		return nil
	case r.RuleID == "" && r.Query == "" && r.Type == "":
		return errors.New("it is neither a rule nor an exception list")
	}
	form := Row
	if r.Path == "" {
		form = Kibana
	}
	at := offset
	if i := bytes.Index(raw, []byte(`"query"`)); i >= 0 {
		at += i
	}
	s, err := r.strategyOf(d, Source{Path: d.path, Form: form, Line: line}, text{doc: d, starts: []int{at}, flat: true}, locator(d, offset, raw))
	if err != nil {
		return notRunError{fmt.Errorf("%q is not run: %w", firstOf(r.Name, r.RuleID), err)}
	}
	l.out = append(l.out, s)
	return nil
}

// locator finds where a rule names an ATT&CK id in quotes.
func locator(d *document, offset int, raw []byte) func(string) Pos {
	return func(id string) Pos {
		i := bytes.Index(raw, []byte(`"`+id+`"`))
		return d.at(offset + max(0, i))
	}
}

// toml reads a rule file of elastic/detection-rules, or one of its exception
// lists.
func (l *loader) toml(name string, src []byte) {
	d := newDocument(name, src)
	fail := func(at Pos, err error) {
		l.problems = append(l.problems, d.problemAt(levelOf(err), "bad-rule", at, "read rule: %v", err))
	}
	if tooDeep(src) {
		fail(Pos{name, 1, 1}, fmt.Errorf("it nests deeper than %d", maxNesting))
		return
	}
	var file struct {
		Metadata map[string]any `toml:"metadata"`
		Rule     map[string]any `toml:"rule"`
		Lists    []tomlList     `toml:"exceptions"`
	}
	if err := toml.Unmarshal(src, &file); err != nil {
		at := Pos{name, 1, 1}
		if de := (*toml.DecodeError)(nil); errors.As(err, &de) {
			at.Line, at.Col = de.Position()
			err = errors.New(strings.TrimPrefix(de.Error(), "toml: "))
		}
		fail(at, err)
		return
	}
	l.tomlLists(d, file.Lists, fail)
	if file.Rule == nil {
		if file.Lists == nil {
			fail(Pos{name, 1, 1}, errors.New("it has no [rule] table and no [[exceptions]]"))
		}
		return
	}
	if v, ok := file.Metadata["integration"]; ok {
		file.Rule["integration"] = v
	}
	// the query's own place, so that messages point into it
	m := regexp.MustCompile(`(?m)^\s*query\s*=\s*(?:'''\r?\n?|"""\r?\n?|'|")`).FindIndex(src)
	q := text{doc: d, starts: []int{0}, flat: true}
	if m != nil {
		q = text{doc: d, starts: lineStarts(m[1], src[m[1]:])}
	}
	if err := l.generic(d, TOML, file.Rule, q); err != nil {
		fail(Pos{name, 1, 1}, err)
	}
}

// generic reads a rule out of decoded TOML or YAML.
func (l *loader) generic(d *document, form Form, rule map[string]any, q text) error {
	raw, err := json.Marshal(rule)
	if err != nil {
		return fmt.Errorf("convert rule: %w", err)
	}
	var r elasticRule
	if err := json.Unmarshal(raw, &r); err != nil {
		return errors.New(plainJSONError(err))
	}
	s, err := r.strategyOf(d, Source{Path: d.path, Form: form, Line: 1}, q, locator(d, 0, d.src))
	if err != nil {
		return notRunError{fmt.Errorf("%q is not run: %w", firstOf(r.Name, r.RuleID), err)}
	}
	l.out = append(l.out, s)
	return nil
}

// overlay is a YAML file that adds exceptions to a strategy that stands
// elsewhere: {strategy: ID, exceptions: […]}.
type overlay struct {
	id         string
	pos        Pos
	doc        *document
	exceptions []Exception
}

// yaml reads exceptions for another strategy, or a rule with the API's keys.
func (l *loader) yaml(name string, src []byte) {
	d := newDocument(name, src)
	t := text{doc: d, starts: lineStarts(0, src)}
	y, bad := parseYAML(d, t, string(src))
	if bad != nil {
		l.problems = append(l.problems, *bad)
		return
	}
	var fields []yfield
	if y != nil {
		fields, _ = y.fields()
	}
	has := func(key string) bool {
		return slices.ContainsFunc(fields, func(f yfield) bool { return f.key == key })
	}
	switch {
	case has("strategy"):
		l.overlay(d, t, fields)
	case has("query"):
		l.yamlRule(d, y, src, fields, t)
	default:
		l.problems = append(l.problems, d.problemAt(Warning, "unknown-yaml", Pos{name, 1, 1},
			"the file is neither a rule (query: …) nor exceptions for a strategy (strategy: …)"))
	}
}

func (l *loader) yamlRule(d *document, y *ynode, src []byte, fields []yfield, t text) {
	fail := func(err error) {
		l.problems = append(l.problems, d.problemAt(levelOf(err), "bad-rule", Pos{d.path, 1, 1}, "read rule: %v", err))
	}
	if hasAlias(y.n) {
		fail(errors.New("aliases are not read"))
		return
	}
	var rule map[string]any
	if err := yaml.Unmarshal(src, &rule); err != nil {
		fail(errors.New(firstLine(err.Error())))
		return
	}
	q := t
	for _, f := range fields {
		if f.key == "query" {
			q = t.from(f.val.at())
		}
	}
	if err := l.generic(d, YAML, rule, q); err != nil {
		fail(err)
	}
}

func hasAlias(n ast.Node) bool {
	found := false
	ast.Walk(visitFunc(func(n ast.Node) bool {
		_, is := n.(*ast.AliasNode)
		found = found || is
		return !found
	}), n)
	return found
}

type visitFunc func(ast.Node) bool

// Visit implements ast.Visitor.
func (f visitFunc) Visit(n ast.Node) ast.Visitor {
	if f(n) {
		return f
	}
	return nil
}

func (l *loader) overlay(d *document, t text, fields []yfield) {
	x := &extractor{d: d, s: &Strategy{doc: d}}
	o := overlay{doc: d}
	for _, f := range fields {
		line, col := f.val.at()
		switch f.key {
		case "strategy":
			o.id, _ = f.val.scalar()
			o.pos = t.at(line, col)
		case "exceptions":
			for _, item := range f.val.items() {
				x.exception(item, t)
			}
		default:
			p := d.problemAt(Warning, "unknown-field", t.at(f.keyAt.Line, f.keyAt.Column), "exceptions for a strategy have no field %q", f.key)
			p.Hint = didYouMean(f.key, []string{"strategy", "exceptions"})
			x.s.notes = append(x.s.notes, p)
		}
	}
	o.exceptions = x.s.Exceptions
	l.problems = append(l.problems, x.s.notes...)
	l.overlays = append(l.overlays, o)
}

// applyOverlays gives strategies the exceptions that other files hold for them.
func (l *loader) applyOverlays(byID map[string]*Strategy) {
	for _, o := range l.overlays {
		s := byID[o.id]
		if s == nil {
			p := o.doc.problemAt(Error, "unknown-strategy", o.pos, "exceptions for %q, which is not loaded", o.id)
			ids := make([]string, 0, len(byID))
			for id := range byID {
				ids = append(ids, id)
			}
			slices.Sort(ids)
			p.Hint = didYouMean(o.id, ids)
			l.problems = append(l.problems, p)
			continue
		}
		s.Exceptions = append(s.Exceptions, o.exceptions...)
	}
}
