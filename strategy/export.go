package strategy

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/strategy/attack"
)

// kibanaRule is a rule as Kibana imports it.
type kibanaRule struct {
	RuleID         string             `json:"rule_id"`
	Name           string             `json:"name"`
	Description    string             `json:"description"`
	Type           string             `json:"type"`
	Language       string             `json:"language"`
	Query          string             `json:"query"`
	Index          []string           `json:"index,omitempty"`
	Severity       Severity           `json:"severity"`
	RiskScore      int                `json:"risk_score"`
	Threat         []kibanaThreat     `json:"threat"`
	Tags           []string           `json:"tags"`
	Author         []string           `json:"author"`
	License        string             `json:"license,omitempty"`
	References     []string           `json:"references"`
	FalsePositives []string           `json:"false_positives"`
	Note           string             `json:"note,omitempty"`
	Setup          string             `json:"setup,omitempty"`
	Version        int                `json:"version"`
	From           string             `json:"from"`
	To             string             `json:"to"`
	Interval       string             `json:"interval"`
	MaxSignals     int                `json:"max_signals"`
	Enabled        bool               `json:"enabled"`
	Immutable      bool               `json:"immutable"`
	BuildingBlock  string             `json:"building_block_type,omitempty"`
	CategoryField  string             `json:"event_category_override,omitempty"`
	Suppression    *kibanaSuppression `json:"alert_suppression,omitempty"`
	ExceptionsList []exceptionListRef `json:"exceptions_list"`
}

type kibanaThreat struct {
	Framework string            `json:"framework"`
	Tactic    kibanaObject      `json:"tactic"`
	Technique []kibanaTechnique `json:"technique,omitempty"`
}

type kibanaObject struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Reference string `json:"reference"`
}

type kibanaTechnique struct {
	kibanaObject
	Subtechnique []kibanaObject `json:"subtechnique,omitempty"`
}

type kibanaSuppression struct {
	GroupBy  []string `json:"group_by"`
	Duration *struct {
		Value int    `json:"value"`
		Unit  string `json:"unit"`
	} `json:"duration,omitempty"`
	Missing string `json:"missing_fields_strategy"`
}

type kibanaList struct {
	ListID      string   `json:"list_id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Type        string   `json:"type"`
	Namespace   string   `json:"namespace_type"`
	OSTypes     []string `json:"os_types"`
	Tags        []string `json:"tags"`
	Version     int      `json:"version"`
}

type kibanaItem struct {
	ListID      string           `json:"list_id"`
	ItemID      string           `json:"item_id"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Type        string           `json:"type"`
	Namespace   string           `json:"namespace_type"`
	Entries     []map[string]any `json:"entries"`
	OSTypes     []string         `json:"os_types"`
	Tags        []string         `json:"tags"`
	Comments    []string         `json:"comments"`
	ExpireTime  string           `json:"expire_time,omitempty"`
}

// ExportKibana writes strategies as Kibana's detection engine imports them:
// one rule a line (each variant is one), then their exception lists, then the
// counts. Exceptions that Kibana's entries can say become entries; others are
// written into the query. What cannot be said at all is a problem and left out.
func ExportKibana(w io.Writer, all []*Strategy) ([]Problem, error) {
	x := &kibanaExport{enc: json.NewEncoder(w)}
	x.enc.SetEscapeHTML(false)
	for _, s := range all {
		for i := range s.Rules {
			x.rule(s, &s.Rules[i])
		}
	}
	for _, l := range x.lists {
		x.write(l)
	}
	for _, it := range x.items {
		x.write(it)
	}
	x.write(map[string]any{
		"exported_count": x.rules + len(x.lists) + len(x.items), "exported_rules_count": x.rules,
		"missing_rules": []string{}, "missing_rules_count": 0,
		"exported_exception_list_count": len(x.lists), "exported_exception_list_item_count": len(x.items),
		"missing_exception_list_item_count": 0, "missing_exception_list_items": []string{},
		"missing_exception_lists": []string{}, "missing_exception_lists_count": 0,
	})
	if x.err != nil {
		return x.problems, fmt.Errorf("export rules: %w", x.err)
	}
	return x.problems, nil
}

type kibanaExport struct {
	enc      *json.Encoder
	rules    int
	lists    []kibanaList
	items    []kibanaItem
	problems []Problem
	err      error
}

func (x *kibanaExport) write(v any) {
	if x.err == nil {
		x.err = x.enc.Encode(v)
	}
}

func (x *kibanaExport) rule(s *Strategy, r *Rule) {
	out := kibanaRule{
		RuleID: ruleID(s, r), Name: s.Title, Description: sectionText(s, Goal), Type: "eql", Language: "eql",
		Index: r.Index, Severity: r.Severity, RiskScore: r.Risk, Threat: kibanaThreats(s.Threat),
		Tags: notNil(s.Tags), Author: notNil(s.Authors), License: s.Licence, References: notNil(addresses(s.References)),
		FalsePositives: notNil(listItems(sectionText(s, FalsePositives))), Note: sectionText(s, Response), Setup: setupText(s),
		Version: max(1, leadingInt(s.Version)), From: "now-9m", To: "now", Interval: "5m", MaxSignals: 100,
		CategoryField: r.EventCategoryOverride, ExceptionsList: []exceptionListRef{},
	}
	if r.Variant != "" {
		out.Name += " (" + r.Variant + ")"
	}
	if out.Description == "" {
		out.Description = s.Title
	}
	if s.BuildingBlock {
		out.BuildingBlock = "default"
	}
	if m := s.elastic; m != nil {
		out.From, out.Interval = firstOf(m.from, out.From), firstOf(m.interval, out.Interval)
		if m.maxSignals > 0 {
			out.MaxSignals = m.maxSignals
		}
	}
	out.Suppression = x.suppression(s)
	var ref *exceptionListRef
	out.Query, ref = x.exceptions(s, r)
	if out.Query = strings.TrimSpace(out.Query); ref != nil {
		out.ExceptionsList = append(out.ExceptionsList, *ref)
	}
	x.rules++
	x.write(out)
}

// ruleID is Elastic's own for the first rule, else a UUID made of the
// strategy's id and the variant, so that exporting twice updates one rule.
func ruleID(s *Strategy, r *Rule) string {
	if s.RuleID != "" && r.Variant == "" {
		return s.RuleID
	}
	h := sha256.Sum256([]byte("tocsin\x00" + s.ID + "\x00" + r.Variant))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // version 8, variant 1 (RFC 9562)
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func notNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func leadingInt(s string) int {
	n, _ := strconv.Atoi(regexp.MustCompile(`^\d{0,9}`).FindString(s))
	return n
}

func sectionText(s *Strategy, k SectionKind) string {
	if sec := s.Section(k); sec != nil {
		return sec.Markdown
	}
	return ""
}

// setupText is Technical Context of a rule that came from Elastic; that of a
// document holds the rule itself, which Kibana shows anyway.
func setupText(s *Strategy) string {
	if s.elastic == nil {
		return ""
	}
	return sectionText(s, TechnicalContext)
}

// listItems are the outermost list items of Markdown, all of its prose if it
// has none.
func listItems(md string) []string {
	blocks := parseBlocks([]byte(md))
	if out := steps(blocks, func(*block) bool { return true }); len(out) > 0 {
		return out
	}
	var prose []string
	for _, b := range blocks {
		if b.kind == proseBlock {
			prose = append(prose, plain(b.line))
		}
	}
	if len(prose) == 0 {
		return nil
	}
	return []string{strings.Join(prose, " ")}
}

func addresses(refs []string) []string {
	var out []string
	for _, r := range refs {
		if m := regexp.MustCompile(`https?://[^\s<>]+`).FindString(r); m != "" {
			out = append(out, m)
		}
	}
	return out
}

func kibanaThreats(threat []Threat) []kibanaThreat {
	out := []kibanaThreat{}
	for _, t := range threat {
		tactics := []string{t.Tactic}
		if t.Tactic == "" {
			o, _ := attack.Lookup(t.Technique)
			tactics = o.Tactics
		}
		for _, id := range tactics {
			i := slices.IndexFunc(out, func(k kibanaThreat) bool { return k.Tactic.ID == id })
			if i < 0 {
				i = len(out)
				out = append(out, kibanaThreat{Framework: "MITRE ATT&CK", Tactic: attackObject(id)})
			}
			out[i].add(t.Technique)
		}
	}
	return out
}

func (k *kibanaThreat) add(technique string) {
	if technique == "" {
		return
	}
	parent, _, sub := strings.Cut(technique, ".")
	i := slices.IndexFunc(k.Technique, func(t kibanaTechnique) bool { return t.ID == parent })
	if i < 0 {
		i = len(k.Technique)
		k.Technique = append(k.Technique, kibanaTechnique{kibanaObject: attackObject(parent)})
	}
	if sub {
		k.Technique[i].Subtechnique = append(k.Technique[i].Subtechnique, attackObject(technique))
	}
}

func attackObject(id string) kibanaObject {
	o, _ := attack.Lookup(id)
	kind := "techniques"
	if strings.HasPrefix(id, "TA") {
		kind = "tactics"
	}
	return kibanaObject{id, o.Name, "https://attack.mitre.org/" + kind + "/" + strings.Replace(id, ".", "/", 1) + "/"}
}

func (x *kibanaExport) problem(s *Strategy, pos Pos, code, format string, args ...any) {
	x.problems = append(x.problems, s.doc.problemAt(Warning, code, pos, format, args...))
}

func (x *kibanaExport) suppression(s *Strategy) *kibanaSuppression {
	if s.Suppression == nil {
		return nil
	}
	out := &kibanaSuppression{Missing: "suppress"}
	if s.Suppression.KeepMissing {
		out.Missing = "doNotSuppress"
	}
	for _, f := range s.Suppression.Fields {
		if f.Stage > 0 {
			x.problem(s, s.pos.title, "not-exported", "Kibana cannot suppress by a field of one stage (%s@%d); the stage is left out", f.Name, f.Stage)
		}
		out.GroupBy = append(out.GroupBy, f.Name)
	}
	if d := s.Suppression.Duration; d > 0 {
		out.Duration = &struct {
			Value int    `json:"value"`
			Unit  string `json:"unit"`
		}{int(d.Seconds()), "s"}
		for _, u := range []struct {
			unit    string
			seconds int
		}{{"h", 3600}, {"m", 60}} {
			if out.Duration.Unit == "s" && out.Duration.Value%u.seconds == 0 {
				out.Duration.Value, out.Duration.Unit = out.Duration.Value/u.seconds, u.unit
			}
		}
	}
	return out
}

// exceptions returns the rule's query with the exceptions that only it can
// hold, and the list of the others.
func (x *kibanaExport) exceptions(s *Strategy, r *Rule) (string, *exceptionListRef) {
	q, err := eql.Parse(r.Query)
	if err != nil {
		if len(s.Exceptions) > 0 {
			x.problem(s, r.At(1, 1), "not-exported", "the rule does not parse; its exceptions are left out")
		}
		return r.Query, nil
	}
	id := "tocsin-" + ruleID(s, r)
	changed := false
	var items []kibanaItem
	for i := range s.Exceptions {
		e := &s.Exceptions[i]
		cond, err := eql.ParseCondition(e.When)
		if err != nil {
			x.problem(s, e.Pos, "not-exported", "exception %q does not parse and is left out", e.Name)
			continue
		}
		everyStage := e.Scope.Kind == ScopeAny || len(q.Steps) == 1
		if entries, ok := kibanaEntries(cond); ok && everyStage {
			it := kibanaItem{ListID: id, ItemID: fmt.Sprintf("%s-%d", id, len(items)+1), Name: e.Name, Description: firstOf(e.Reason, e.Name),
				Type: "simple", Namespace: "single", Entries: entries, OSTypes: []string{}, Tags: []string{}, Comments: []string{}}
			if !e.Expires.IsZero() {
				it.ExpireTime = e.Expires.UTC().Format("2006-01-02T15:04:05.000Z")
			}
			items = append(items, it)
			continue
		}
		if e.Scope.Kind == ScopeSequence && len(q.Steps) > 1 {
			x.problem(s, e.Pos, "not-exported", "exception %q holds of a whole sequence, which Kibana cannot say; it is left out", e.Name)
			continue
		}
		if !e.Expires.IsZero() {
			x.problem(s, e.Pos, "not-exported", "exception %q is written into the query and will not expire there", e.Name)
		}
		for n, step := range q.Steps {
			if e.Scope.Kind != ScopeStage || e.Scope.Stage == n+1 {
				step.Cond = &eql.Logic{Xs: []eql.Expr{step.Cond, &eql.Not{X: cond}}}
				changed = true
			}
		}
	}
	query := r.Query
	if changed {
		query = q.String()
	}
	if len(items) == 0 {
		return query, nil
	}
	x.items = append(x.items, items...)
	x.lists = append(x.lists, kibanaList{ListID: id, Name: "Exceptions of " + s.Title, Description: "Exceptions of the strategy " + s.Title,
		Type: "rule_default", Namespace: "single", OSTypes: []string{}, Tags: []string{}, Version: 1})
	return query, &exceptionListRef{ListID: id, Type: "rule_default", Namespace: "single"}
}

// kibanaEntries says a condition in Kibana's entries, all of which must hold.
// They compare case-sensitively, so a test that folds case has no entry.
func kibanaEntries(cond eql.Expr) ([]map[string]any, bool) {
	parts := []eql.Expr{cond}
	if l, ok := cond.(*eql.Logic); ok && !l.Or {
		parts = l.Xs
	}
	var out []map[string]any
	for _, p := range parts {
		operator := "included"
		if n, ok := p.(*eql.Not); ok {
			p, operator = n.X, "excluded"
		}
		e, ok := kibanaEntry(p)
		if !ok {
			return nil, false
		}
		if e["operator"] == "excluded" { // "not x != y", say
			if operator == "excluded" {
				operator = "included"
			} else {
				operator = "excluded"
			}
		}
		e["operator"] = operator
		out = append(out, e)
	}
	return out, true
}

func kibanaEntry(e eql.Expr) (map[string]any, bool) {
	switch e := e.(type) {
	case *eql.Compare:
		f, ok := e.X.(*eql.Field)
		l, isLiteral := e.Y.(*eql.Literal)
		if !ok || !isLiteral || e.Op != eql.OpEQ && e.Op != eql.OpNE {
			return nil, false
		}
		out := map[string]any{"field": f.Name, "type": "match", "operator": "included"}
		switch {
		case l.Value.Kind == event.KindNull: // x == null is "does not exist"
			out["type"] = "exists"
			if e.Op == eql.OpEQ {
				out["operator"] = "excluded"
			}
			return out, true
		case e.Op == eql.OpNE:
			out["operator"] = "excluded"
		}
		out["value"] = literalValue(l)
		return out, true
	case *eql.Match:
		return kibanaMatch(e)
	case *eql.Call:
		return kibanaCall(e)
	}
	return nil, false
}

func kibanaMatch(e *eql.Match) (map[string]any, bool) {
	f, ok := e.X.(*eql.Field)
	values := literals(e.List)
	if !ok || e.Fold || len(values) != len(e.List) || len(values) == 0 {
		return nil, false
	}
	out := map[string]any{"field": f.Name, "operator": "included"}
	if e.Negated {
		out["operator"] = "excluded"
	}
	switch {
	case e.Op == eql.OpIn:
		out["type"] = "match_any"
		list := make([]string, len(values))
		for i, l := range values {
			list[i] = literalValue(l)
		}
		out["value"] = list
	case e.Op == eql.OpLike && len(values) == 1 && values[0].Value.Kind == event.KindText:
		out["type"] = "wildcard"
		out["value"] = strings.ReplaceAll(values[0].Value.S, `\`, `\\`)
	default:
		return nil, false
	}
	return out, true
}

func kibanaCall(e *eql.Call) (map[string]any, bool) {
	if !strings.EqualFold(e.Name, "cidrMatch") || len(e.Args) != 2 {
		return nil, false
	}
	f, ok := e.Args[0].(*eql.Field)
	l, isLiteral := e.Args[1].(*eql.Literal)
	if !ok || !isLiteral {
		return nil, false
	}
	return map[string]any{"field": f.Name, "type": "match", "operator": "included", "value": l.Value.S}, true
}

// literalValue is a literal as Kibana keeps it: text.
func literalValue(l *eql.Literal) string {
	if l.Value.Kind == event.KindText {
		return l.Value.S
	}
	if l.Text != "" {
		return l.Text
	}
	return l.String()
}

// Navigator is what strategies cover as a layer of the ATT&CK Navigator.
func Navigator(all []*Strategy) *attack.Layer {
	l := attack.NewLayer("tocsin", "Techniques that tocsin strategies name, by how many do")
	for _, s := range all {
		for _, t := range s.Threat {
			if t.Technique != "" {
				l.Add(t.Tactic, t.Technique, s.Title)
			}
		}
	}
	return l
}
