package explain

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/clause"
	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/terminal"
)

// Report is what explaining a strategy found, and its JSON form. Fields are
// added, never renamed.
type Report struct {
	Schema   int       `json:"schema"` // 1
	Strategy string    `json:"strategy"`
	Title    string    `json:"title"`
	Events   int       `json:"events"`
	Partial  bool      `json:"partial"` // interrupted before the input ended
	Variants []Variant `json:"variants"`

	Summary *pipeline.Summary `json:"-"`
}

// Variant is one rule of the strategy; matches and near misses with made-up
// identities stand under the variant native, as in scan.
type Variant struct {
	Variant    string         `json:"variant"`
	Native     bool           `json:"native"` // of the evidence with made-up identities; stages are those of the rule
	Kind       string         `json:"kind"`   // event query, sequence or sample
	MaxSpanMS  int64          `json:"maxspan_ms"`
	Stages     []Stage        `json:"stages"`
	Matches    []Account      `json:"matches"` // the first few
	MatchCount int            `json:"match_count"`
	NearMisses []Account      `json:"near_misses"` // the nearest few
	NearCount  int            `json:"near_miss_count"`
	NearKinds  map[string]int `json:"near_miss_kinds"`
	Beyond     int            `json:"not_examined"` // events that satisfied a stage, or nearly, and were too many to keep
}

// Stage is how far events came at one stage.
type Stage struct {
	Number    int      `json:"stage"` // 1-based; 0 is until
	Role      string   `json:"role"`  // "", missing or until
	Category  string   `json:"category"`
	Line      int      `json:"line"` // of the strategy's file
	Events    int      `json:"events"`
	Satisfied int      `json:"satisfied"`
	Excused   int      `json:"excused"`
	NoKey     int      `json:"without_key"`
	NoTime    int      `json:"without_time"`
	OnlyFault []Nearly `json:"fail_only"` // events that fail one test only, the most first
}

// Nearly counts the events that fail one test only.
type Nearly struct {
	Test   string `json:"test"`
	Events int    `json:"events"`
}

// Account tells of one match or near miss.
type Account struct {
	Verdict  string      `json:"verdict"` // in words
	Kind     string      `json:"kind"`    // none for a match; else what is wrong (Kind)
	Stage    int         `json:"stage"`   // that it is about, 1-based; 0 if about none
	MS       *int64      `json:"ms"`      // for order and span: the time between, negative if the wrong way round
	Test     *TestResult `json:"test"`    // for predicate: the test that fails
	Host     alert.Host  `json:"host"`
	Keys     []KeyPart   `json:"keys"`
	Evidence []Evidence  `json:"events"`
	SpanMS   *int64      `json:"span_ms"` // from the first event to the last
	Notes    []string    `json:"notes"`
}

// KeyPart is one part of the join key.
type KeyPart struct {
	Fields []string `json:"fields"` // by stage, each once
	Value  string   `json:"value"`
}

// Evidence is one event of an account.
type Evidence struct {
	Stage   int          `json:"stage"`
	Missing bool         `json:"missing"` // no such event
	ID      string       `json:"_id"`
	Time    string       `json:"@timestamp"`
	Code    string       `json:"code"`
	Summary string       `json:"summary"`
	Origin  alert.Origin `json:"origin"`
	Tests   []TestResult `json:"tests"`
}

// TestResult is what became of one test.
type TestResult struct {
	Test    string              `json:"test"`
	Holds   bool                `json:"holds"`
	Seen    map[string][]string `json:"seen"`    // values by field; none is a missing field
	Element string              `json:"element"` // of the list: what the event satisfies

	negated bool
	fields  []string
}

// writer turns chains into accounts. It reads the documents of those that are
// shown again.
type writer struct {
	run        *Explain
	all        *collector
	evidence   *journal.Evidence
	decoder    *ecs.Decoder
	event      *event.Event
	normalizer *ecs.Normalizer
}

func newWriter(x *Explain, c *collector, e *journal.Evidence) *writer {
	opt := ecs.Options{Native: x.Native}
	return &writer{x, c, e, ecs.NewDecoder(x.Engine.Schema(), opt), event.New(x.Engine.Schema()), ecs.NewNormalizer(opt)}
}

func (w *writer) report(sum *pipeline.Summary) (*Report, error) {
	s := w.run.Engine.Rules[0].Strategy
	r := &Report{Schema: 1, Strategy: s.ID, Title: s.Title, Events: sum.Events, Partial: sum.Partial, Summary: sum}
	for i := range w.run.Engine.Rules {
		var mine []*tally
		for _, t := range w.all.tallies {
			if t.probe.rule == int32(i) {
				mine = append(mine, t)
			}
		}
		if err := w.rule(r, &w.run.Engine.Rules[i], mine); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// rule adds the variant of a rule, and native if any evidence is made up.
func (w *writer) rule(r *Report, rule *engine.Rule, tallies []*tally) error {
	j := newJoiner(rule, tallies)
	var own, native []chain
	for _, c := range j.run() {
		if c.synthesized() {
			native = append(native, c)
		} else {
			own = append(own, c)
		}
	}
	v := w.variant(j, rule.Source.Variant)
	if err := w.fill(&v, j, own); err != nil {
		return err
	}
	r.Variants = append(r.Variants, v)
	if len(native) == 0 {
		return nil
	}
	name := engine.NativeVariant
	if rule.Source.Variant != "" {
		name += " of " + rule.Source.Variant
	}
	v = w.variant(j, name)
	v.Native = true
	r.Variants = append(r.Variants, v)
	return w.fill(&r.Variants[len(r.Variants)-1], j, native)
}

func (c *chain) synthesized() bool {
	return slices.ContainsFunc(c.at, func(r *record) bool { return r != nil && r.synthesized })
}

// variant describes the rule and how far events came at each of its stages.
func (w *writer) variant(j *joiner, name string) Variant {
	v := Variant{
		Variant: name, Kind: j.program.Kind.String(), MaxSpanMS: millis(j.maxspan), Stages: []Stage{},
		Matches: []Account{}, NearMisses: []Account{}, NearKinds: map[string]int{},
	}
	for i := 0; i <= len(j.program.Stages); i++ {
		t := j.tallies[int32(i)]
		if t == nil {
			continue
		}
		st := Stage{
			Number: i + 1, Category: t.probe.match.Category, Events: t.events, Satisfied: t.satisfied,
			Excused: t.excused, NoKey: t.keyless, NoTime: t.timeless, OnlyFault: []Nearly{},
			Line: j.rule.Source.At(t.probe.match.Pos.Line, t.probe.match.Pos.Col).Line,
		}
		switch {
		case i == len(j.program.Stages):
			st.Number, st.Role = 0, "until"
		case t.probe.match.Missing:
			st.Role = "missing"
		}
		if t.probe.match.Any {
			st.Category = "any"
		}
		v.Beyond += t.hits.beyond
		for test, f := range t.faults {
			st.OnlyFault = append(st.OnlyFault, Nearly{test.Text, f.events})
			v.Beyond += f.beyond
		}
		sort.Slice(st.OnlyFault, func(a, b int) bool {
			x, y := st.OnlyFault[a], st.OnlyFault[b]
			return x.Events > y.Events || x.Events == y.Events && x.Test < y.Test
		})
		v.Stages = append(v.Stages, st)
	}
	return v
}

// fill tells of the nearest chains, and of the first matches.
func (w *writer) fill(v *Variant, j *joiner, chains []chain) error {
	for i := range chains {
		c := &chains[i]
		list, count := &v.NearMisses, &v.NearCount
		if c.match {
			list, count = &v.Matches, &v.MatchCount
		} else {
			v.NearKinds[c.flaw.kind.String()]++
		}
		*count++
		if len(*list) >= w.run.Limit {
			continue
		}
		a, err := w.account(j, c)
		if err != nil {
			return err
		}
		*list = append(*list, *a)
	}
	return nil
}

func (w *writer) account(j *joiner, c *chain) (*Account, error) {
	a := &Account{Kind: c.flaw.kind.String(), Notes: []string{}, Keys: j.keys(c), Evidence: []Evidence{}}
	first := c.first()
	a.Host = alert.Host{ID: first.hostID, Name: first.hostName}
	for i, r := range c.at {
		e := Evidence{Stage: j.number[i] + 1, Missing: r == nil, Tests: []TestResult{}}
		if r != nil {
			if err := w.show(&e, j, r); err != nil {
				return nil, err
			}
		}
		a.Evidence = append(a.Evidence, e)
	}
	if last := c.at[len(c.at)-1]; c.at[0] != nil && last != nil && len(c.at) > 1 {
		ms := between(c.at[0], last)
		a.SpanMS = &ms
	}
	switch c.flaw.kind {
	case Sound, Border, Until, NoKey:
	case Present:
		a.Stage = int(c.flaw.stage) + 1
	default:
		a.Stage = j.number[c.flaw.stage] + 1
	}
	if err := w.judge(a, j, c); err != nil {
		return nil, err
	}
	return a, nil
}

// show reads an event again for what it says and what each test made of it.
func (w *writer) show(e *Evidence, j *joiner, r *record) error {
	doc, err := w.read(r)
	if err != nil {
		return err
	}
	e.ID, e.Code, e.Origin = engine.Identity(r.tie), r.code, r.origin
	e.Time = time.Unix(0, r.time).UTC().Format("2006-01-02T15:04:05.000Z07:00")
	whole, err := w.normalizer.Append(nil, doc)
	if err != nil {
		return fmt.Errorf("make event anew: %w", err)
	}
	e.Summary = terminal.Shorten(alert.NewView(whole).Describe(), maxSummary)
	for _, t := range j.tallies[r.stage].probe.tree.Tests() {
		e.Tests = append(e.Tests, result(t, w.event))
	}
	return nil
}

// read decodes a record's document into w.event.
func (w *writer) read(r *record) ([]byte, error) {
	doc, err := w.evidence.Get(r.ref)
	if err != nil {
		return nil, err
	}
	decode := w.decoder.JSON
	if len(doc) > 0 && doc[0] == '<' {
		decode = w.decoder.XML
	}
	if err := decode(doc, w.event); err != nil {
		return nil, fmt.Errorf("read evidence again: %w", err)
	}
	return doc, nil
}

// Bounds of what is told of an event: the document itself is at its origin.
const (
	maxValues  = 20   // of a field
	maxText    = 4096 // characters of a value
	maxSummary = 1000
)

func result(t *clause.Test, ev *event.Event) TestResult {
	out := TestResult{Test: t.Text, Holds: t.Holds(ev), Seen: map[string][]string{}, Element: t.Element(ev), negated: t.Negated}
	for _, s := range t.Seen(ev) {
		values := s.Values
		if values == nil {
			values = []string{}
		}
		values = values[:min(len(values), maxValues)]
		for i := range values {
			values[i] = terminal.Shorten(values[i], maxText)
		}
		out.Seen[s.Field] = values
		out.fields = append(out.fields, s.Field)
	}
	return out
}

// keys names the parts of the key by the fields of the stages.
func (j *joiner) keys(c *chain) []KeyPart {
	out := []KeyPart{}
	first := c.first()
	for i, v := range sequence.KeyValues(first.key) {
		p := KeyPart{Value: sequence.KeyText(v)}
		for _, n := range j.number {
			if k := j.program.Stages[n].Keys; i < len(k) && !slices.Contains(p.Fields, k[i].Name) {
				p.Fields = append(p.Fields, k[i].Name)
			}
		}
		out = append(out, p)
	}
	return out
}

func seenText(t *TestResult) string {
	var parts []string
	for _, f := range t.fields {
		values := strings.Join(t.Seen[f], ", ")
		if values == "" {
			values = "missing"
		}
		parts = append(parts, f+" is "+terminal.Shorten(values, maxValue))
	}
	return strings.Join(parts, "; ")
}

// stageOf is the stage of a program that a record stands for.
func stageOf(p *eql.Program, r *record) *eql.Stage {
	if int(r.stage) == len(p.Stages) {
		return p.Until
	}
	return &p.Stages[r.stage]
}
