// Package strategy reads detection strategies: Markdown documents in the
// Alerting and Detection Strategy (ADS) form, and Elastic's rule files.
//
// A document is split at its headings into the nine ADS sections, by name and
// in any of the languages that sections.go knows; what stands below a heading
// may be in any language. Each section then gives what can be run: ATT&CK ids,
// rules, exceptions, validation cases, severity, questions. Nothing here
// compiles a rule but Lint, and nothing reads the clock: whoever asks whether
// an exception has expired says what time it is.
//
// A strategy knows where each of its parts stands, so that every message can
// name file, line and column. A problem in one document, or in one part of it,
// never hides the others: Load returns what could be read and a list of what
// could not.
package strategy

import "time"

// Strategy is one detection strategy as it was written.
type Strategy struct {
	ID      string // slug: [a-z0-9-]+, or as the front matter has it
	Title   string
	Version string // as written, "" if the document has none
	Source  Source
	Lang    string // BCP 47 primary language of the prose: "en", "vi"

	Sections []Section // in the document's order
	Threat   []Threat
	Severity Severity
	Risk     int // 0 to 100
	// Declared says whether the document itself gives severity and risk; if
	// not they are the defaults of the other, and medium (47) without either.
	Declared struct{ Severity, Risk bool }

	Rules      []Rule // the first is variant ""
	Context    []ContextQuery
	Exceptions []Exception
	Cases      []Case

	DataSources   []string
	IndexPatterns []string
	Suppression   *Suppression // nil: every alert is reported
	Questions     []string     // the steps of the Response section, in plain text
	References    []string     // addresses and titles
	Authors       []string
	Tags          []string
	Licence       string
	RuleID        string // Elastic's rule_id, "" if there is none
	BuildingBlock bool   // Elastic's mark of a rule that only feeds others

	// Translations holds the documents <slug>.<lang>.md by language. They say
	// the same in other words; their rules are not run.
	Translations map[string]*Strategy

	elastic *elasticMeta // what only Kibana needs, kept for export
	doc     *document    // the text it was read from
	notes   []Problem    // what reading found and lint reports
	pos     positions
}

// Form is the kind of file that a strategy was read from.
type Form string

// The forms.
const (
	ADS    Form = "ads"    // Markdown
	TOML   Form = "toml"   // elastic/detection-rules
	Kibana Form = "kibana" // an NDJSON export of Kibana's detection engine
	Row    Form = "row"    // one rule a line, the API's own keys
	YAML   Form = "yaml"   // the API's keys as YAML
)

// Source says where a strategy was read.
type Source struct {
	Path string // as it was given; inside the fs.FS for LoadFS
	Form Form
	Line int // the line it starts on; 1 but for NDJSON
	// Repaired is true if the text was UTF-8 that had been read as Mac Roman
	// (or UTF-16) and was put right; positions are those of the repaired text.
	Repaired bool
}

// Section is one part of an ADS document.
type Section struct {
	Kind     SectionKind // Other for a heading that is no ADS heading
	Heading  string      // as written, markup removed
	Markdown string      // raw text below the heading, sub-headings included
	Pos      Pos         // of the heading
}

// Threat is one ATT&CK reference. Either id may be empty, never both.
type Threat struct {
	Tactic    string // TA0008
	Technique string // T1021 or T1021.002
	Pos       Pos
}

// Severity is one of the four of Elastic's detection engine, "" if unknown.
type Severity string

// The severities.
const (
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Risk is the score that Elastic's rules give to the severity: 21, 47, 73, 99.
func (s Severity) Risk() int {
	switch s {
	case Low:
		return 21
	case Medium:
		return 47
	case High:
		return 73
	case Critical:
		return 99
	}
	return 0
}

// Rank orders severities: 1 for low to 4 for critical, 0 for anything else.
func (s Severity) Rank() int {
	switch s {
	case Low:
		return 1
	case Medium:
		return 2
	case High:
		return 3
	case Critical:
		return 4
	}
	return 0
}

// SeverityOfRisk is the severity whose band holds a risk score; the bands end
// at the scores of Severity.Risk.
func SeverityOfRisk(risk int) Severity {
	switch {
	case risk <= Low.Risk():
		return Low
	case risk <= Medium.Risk():
		return Medium
	case risk <= High.Risk():
		return High
	}
	return Critical
}

// Rule is one EQL query of a strategy.
type Rule struct {
	Variant string // "" for the first
	Query   string // EQL, as written
	Line    int    // line of the file on which the query starts, 1-based
	// Severity and Risk are the strategy's unless the rule has its own.
	Severity Severity
	Risk     int
	// Index holds the index patterns; those of the strategy for a document.
	Index []string
	// EventCategoryOverride names the field that holds the category; "" is
	// event.category.
	EventCategoryOverride string

	text text
}

// At turns a position in the query (1-based line and column) into one of the file.
func (r *Rule) At(line, col int) Pos { return r.text.at(line, col) }

// Window is a span of time about an alert's last event. Both ends are measured
// from it: Before backwards, After forwards; either may be negative.
type Window struct{ Before, After time.Duration }

// ContextQuery is an EQL query that answers a question of the Response section.
type ContextQuery struct {
	Name     string // the fence's context="…"
	Question string // the step it stands under, or Name
	Query    string
	Line     int
	Window   Window
	By       []string // fields of its events
	// Of holds, beside By, the fields of the alert's events that each must
	// equal: the same, unless the document says "its.field=alert.field".
	Of []string

	text text
}

// At turns a position in the query into one of the file.
func (c *ContextQuery) At(line, col int) Pos { return c.text.at(line, col) }

// ScopeKind says what an exception's condition is held against.
type ScopeKind uint8

// The scopes. ScopeStage and ScopeAny act on hits, before the join.
const (
	ScopeSequence ScopeKind = iota // any event of the finished match
	ScopeAny                       // every stage
	ScopeStage                     // the stage of that number
)

// Scope is where an exception applies.
type Scope struct {
	Kind  ScopeKind
	Stage int // 1-based, for ScopeStage
}

// Exception excuses matches that are known to be harmless.
type Exception struct {
	Name    string
	When    string // EQL condition
	Scope   Scope
	Reason  string
	Owner   string
	Expires time.Time // end of the last day it holds, UTC; zero: never
	Pos     Pos

	text text
}

// At turns a position in the condition into one of the file.
func (e *Exception) At(line, col int) Pos { return e.text.at(line, col) }

// Expired says whether the exception has ended at a time.
func (e *Exception) Expired(now time.Time) bool {
	return !e.Expires.IsZero() && now.After(e.Expires)
}

// CaseKind says what a validation case must do.
type CaseKind string

// The kinds.
const (
	Alert CaseKind = "alert"
	Quiet CaseKind = "quiet"
)

// Suppression folds alerts that agree in some fields into one.
type Suppression struct {
	Fields []SuppressionField
	// Duration is how long after the first; 0 is one run of the rule.
	Duration time.Duration
	// KeepMissing is true if alerts that lack one of the fields are all reported.
	KeepMissing bool
}

// SuppressionField is a field of an alert's events.
type SuppressionField struct {
	Stage int // 1-based; 0: the first event that has the field
	Name  string
}

// Section returns the first section of a kind, nil if there is none.
func (s *Strategy) Section(kind SectionKind) *Section {
	for i := range s.Sections {
		if s.Sections[i].Kind == kind {
			return &s.Sections[i]
		}
	}
	return nil
}

// Rule returns the rule of a variant, nil if there is none.
func (s *Strategy) Rule(variant string) *Rule {
	for i := range s.Rules {
		if s.Rules[i].Variant == variant {
			return &s.Rules[i]
		}
	}
	return nil
}

// In returns the document in a language: the translation if there is one,
// else the strategy itself.
func (s *Strategy) In(lang string) *Strategy {
	if t := s.Translations[lang]; t != nil {
		return t
	}
	return s
}
