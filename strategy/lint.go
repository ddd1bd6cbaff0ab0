package strategy

import (
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/strategy/attack"
)

// LintOptions is what lint has to be told.
type LintOptions struct {
	// Now decides which exceptions have expired; zero checks none.
	Now time.Time
	// Translations are the languages in which every document should be.
	Translations []string
}

// Lint finds all that is wrong with a strategy in one pass: what reading it
// found, what is missing, and what its rules and exceptions say. The problems
// are in the order of the document.
func Lint(s *Strategy, opt LintOptions) []Problem {
	c := &linter{s: s, env: eql.Env{Schema: event.NewSchema(event.ECSTypes())}, opt: opt, out: slices.Clone(s.notes)}
	if s.Source.Form == ADS {
		c.sections()
		c.cases()
		c.translations()
	}
	if s.Source.Repaired {
		c.add(s.problem(Note, "repaired", "the text was damaged (UTF-8 read as Mac Roman, or UTF-16) and is read as repaired"))
	}
	c.threats()
	c.priority()
	if len(s.Rules) == 0 {
		c.add(s.problem(Error, "no-rule", "the strategy has no rule: a fenced block ```eql under Technical Context"))
	}
	queries := c.compile()
	c.indexPatterns(queries)
	for i, q := range queries[:len(s.Rules)] {
		if q != nil {
			c.rule(&s.Rules[i], q)
		}
	}
	c.exceptions(queries[:len(s.Rules)])
	c.contextFields()
	sortProblems(c.out)
	return slices.CompactFunc(c.out, func(a, b Problem) bool { return a == b })
}

type linter struct {
	s   *Strategy
	env eql.Env
	opt LintOptions
	out []Problem
}

func (c *linter) add(p Problem) { c.out = append(c.out, p) }

func (c *linter) at(l Level, code string, pos Pos, format string, args ...any) *Problem {
	p := c.s.doc.problemAt(l, code, pos, format, args...)
	if pos.Path != c.s.doc.path {
		p.Text = "" // an exception from another file
	}
	c.add(p)
	return &c.out[len(c.out)-1]
}

// sections reports the missing and the empty, and headings that were meant to
// be one.
func (c *linter) sections() {
	known := synonyms()
	names := make([]string, 0, len(known))
	for n := range known {
		names = append(names, n)
	}
	slices.Sort(names)
	meant := map[SectionKind]bool{}
	for i, s := range c.s.Sections {
		if s.Kind != Other || i > 200 {
			continue
		}
		for _, n := range names {
			if f := fold(s.Heading); len(f) > 3 && editDistance(f, n) <= 1+len(n)/8 && c.s.Section(known[n]) == nil && !meant[known[n]] {
				p := c.at(Error, "unknown-section", s.Pos, "heading %q is no ADS section", s.Heading)
				p.Hint = "did you mean " + known[n].String() + "?"
				meant[known[n]] = true
				break
			}
		}
	}
	for _, k := range requiredSections() {
		switch s := c.s.Section(k); {
		case s == nil && !meant[k]:
			c.add(c.s.problem(Error, "missing-section", "the section %s is missing", k))
		case s != nil && s.Markdown == "":
			c.at(Error, "empty-section", s.Pos, "the section %s is empty", k)
		}
	}
}

func (c *linter) cases() {
	alert, quiet := false, false
	for _, k := range c.s.Cases {
		alert = alert || k.Kind == Alert
		quiet = quiet || k.Kind == Quiet
		if k.Variant != "" && k.Variant != "native" && c.s.Rule(k.Variant) == nil {
			p := c.at(Error, "unknown-variant", k.Pos, "case %q is for variant %q, which is none of this strategy", k.Name, k.Variant)
			p.Hint = didYouMean(k.Variant, c.s.variants())
		}
	}
	pos := Pos{c.s.Source.Path, 1, 1}
	if v := c.s.Section(Validation); v != nil {
		pos = v.Pos
	}
	switch {
	case !alert:
		c.at(Warning, "no-alert-case", pos, "no validation case shows that the strategy fires: ```ndjson alert=\"…\" or testdata/%s/alert-…", c.s.ID)
	case !quiet:
		c.at(Note, "no-quiet-case", pos, "no validation case shows what must not alert: ```ndjson quiet=\"…\" or testdata/%s/quiet-…", c.s.ID)
	}
}

func (s *Strategy) variants() []string {
	out := make([]string, len(s.Rules))
	for i := range s.Rules {
		out[i] = s.Rules[i].Variant
	}
	return out
}

// translations holds each translation against the document.
func (c *linter) translations() {
	for _, lang := range c.opt.Translations {
		if lang != c.s.Lang && c.s.Translations[lang] == nil {
			stem := strings.TrimSuffix(path.Base(c.s.Source.Path), ".md")
			c.add(c.s.problem(Warning, "missing-translation", "there is no translation %s.%s.md", stem, lang))
		}
	}
	for _, t := range c.s.Translations {
		c.out = append(c.out, t.notes...)
		for _, k := range requiredSections() {
			if own, its := c.s.Section(k), t.Section(k); own != nil && own.Markdown != "" && (its == nil || its.Markdown == "") {
				c.add(t.problem(Warning, "missing-section", "the translation has nothing for the section %s", k))
			}
		}
		if len(t.Questions) != len(c.s.Questions) {
			c.add(t.problem(Warning, "translation-differs", "the translation has %d Response steps, the document %d", len(t.Questions), len(c.s.Questions)))
		}
		for i := range t.Rules {
			r := &t.Rules[i]
			own := c.s.Rule(r.Variant)
			if own == nil || strings.TrimSpace(own.Query) != strings.TrimSpace(r.Query) {
				c.add(t.doc.problemAt(Warning, "translation-differs", r.At(1, 1), "the rule (variant %q) is not the document's; only the document's runs", r.Variant))
			}
		}
	}
}

func (c *linter) threats() {
	if len(c.s.Threat) == 0 {
		pos := Pos{c.s.Source.Path, c.s.Source.Line, 1}
		if k := c.s.Section(Categorization); k != nil {
			pos = k.Pos
		}
		c.at(Warning, "no-attack-id", pos, "no ATT&CK id (such as TA0008 or T1021) under Categorization")
	}
	seen := map[string]bool{}
	for _, t := range c.s.Threat {
		pos := t.Pos
		if p, ok := c.s.pos.tactics[t.Tactic]; ok {
			pos = p
		}
		tac, tacOK := c.attackID(t.Tactic, pos, seen)
		tech, techOK := c.attackID(t.Technique, t.Pos, seen)
		if tacOK && techOK && !slices.Contains(tech.Tactics, tac.ID) {
			p := c.at(Warning, "wrong-tactic", t.Pos, "%s (%s) is no technique of %s (%s)", tech.ID, tech.Name, tac.ID, tac.Name)
			p.Hint = "its tactics are " + strings.Join(tech.Tactics, ", ")
		}
	}
}

// attackID reports an id that is unknown or no longer active, once.
func (c *linter) attackID(id string, pos Pos, seen map[string]bool) (attack.Object, bool) {
	if id == "" {
		return attack.Object{}, false
	}
	o, ok := attack.Lookup(id)
	if ok && o.Status == attack.Active {
		return o, true
	}
	if seen[id] {
		return o, false
	}
	seen[id] = true
	var p *Problem
	if ok {
		p = c.at(Error, "revoked-attack-id", pos, "%s (%s) is %s in ATT&CK %s", id, o.Name, o.Status, attack.Version)
	} else {
		p = c.at(Error, "unknown-attack-id", pos, "%s is no id of ATT&CK %s", id, attack.Version)
	}
	if near, ok := attack.Nearest(id); ok {
		p.Hint = "did you mean " + near.ID + " (" + near.Name + ")?"
	}
	return o, false
}

// priority holds severity and risk against each other, and against the front
// matter.
func (c *linter) priority() {
	s := c.s
	pos := s.pos.severity
	if pos == (Pos{}) {
		pos = Pos{s.Source.Path, s.Source.Line, 1}
	}
	if s.Declared.Severity && s.Declared.Risk && SeverityOfRisk(s.Risk) != s.Severity {
		p := c.at(Warning, "severity-risk", pos, "severity %s and risk %d disagree", s.Severity, s.Risk)
		p.Hint = "a risk of " + riskBand(s.Severity) + " is " + string(s.Severity)
	}
	if !s.Declared.Severity && s.Source.Form == ADS {
		if k := s.Section(Priority); k != nil {
			pos = k.Pos
		}
		c.at(Warning, "no-severity", pos, "no severity (low, medium, high, critical) under Priority; it counts as %s (%d)", s.Severity, s.Risk)
	}
	if v := s.pos.fmSeverityValue; v != "" && v != s.Severity {
		c.at(Error, "severity-risk", s.pos.fmSeverity, "front matter says severity %s, the section Priority %s, which counts", v, s.Severity)
	}
	if s.pos.fmRisk != (Pos{}) && s.pos.fmRiskValue != s.Risk {
		c.at(Error, "severity-risk", s.pos.fmRisk, "front matter says risk %d, the section Priority %d, which counts", s.pos.fmRiskValue, s.Risk)
	}
	for i := range s.Rules {
		if r := &s.Rules[i]; (r.Severity != s.Severity || r.Risk != s.Risk) && SeverityOfRisk(r.Risk) != r.Severity {
			c.at(Warning, "severity-risk", r.At(1, 1), "variant %q: severity %s and risk %d disagree", r.Variant, r.Severity, r.Risk)
		}
	}
}

func riskBand(s Severity) string {
	return [...]string{"", "0 to 21", "22 to 47", "48 to 73", "74 to 100"}[s.Rank()]
}

// compile parses and compiles every query; what does not compile is reported.
// The trees of the rules come first, then those of the context queries; one
// that does not parse is nil.
func (c *linter) compile() []*eql.Query {
	out := make([]*eql.Query, 0, len(c.s.Rules)+len(c.s.Context))
	for i := range c.s.Rules {
		r := &c.s.Rules[i]
		out = append(out, c.query(r.Query, r.text))
	}
	for i := range c.s.Context {
		q := &c.s.Context[i]
		out = append(out, c.query(q.Query, q.text))
	}
	return out
}

func (c *linter) query(src string, t text) *eql.Query {
	p, err := eql.Compile(src, &c.env)
	if err != nil {
		c.eqlErrors(err, t)
		return nil
	}
	return p.Query
}

// eqlErrors turns the language's errors into problems of the document.
func (c *linter) eqlErrors(err error, t text) {
	var list eql.ErrorList
	if !errors.As(err, &list) {
		c.at(Error, "rule-error", t.at(1, 1), "compile rule: %v", err)
		return
	}
	for _, e := range list {
		p := c.at(Error, "rule-error", t.at(e.Pos.Line, e.Pos.Col), "%s", e.Msg)
		if t.flat {
			p.inQuery(e.Pos.Line, e.Pos.Col, e.Line)
		}
	}
}

// contextFields checks what context queries are joined by.
func (c *linter) contextFields() {
	types := fieldTypes()
	for i := range c.s.Context {
		q := &c.s.Context[i]
		for _, f := range append(slices.Clone(q.By), q.Of...) {
			if _, ok := types.Field(f); !ok && !strings.HasPrefix(f, "winlog.event_data.") {
				p := c.at(Warning, "unknown-field", q.At(1, 1), "context %q: ECS has no field %q", q.Name, f)
				p.Hint = nearestField(f)
			}
		}
	}
}
