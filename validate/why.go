package validate

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/source"
)

// why says what keeps a case from alerting: of the rules of the variant (all
// for "") the one that came furthest.
func (l *line) why(data []byte, variant string) (string, error) {
	var cands []*attempt
	for i := range l.eng.Rules {
		rule := &l.eng.Rules[i]
		if variant == "" || variant == rule.Source.Variant || variant == engine.NativeVariant && rule.Source.Variant == "" {
			cands = append(cands, newAttempt(int32(i), rule))
		}
	}
	if len(cands) == 0 {
		return fmt.Sprintf("the strategy has no variant %q", variant), nil
	}
	if err := l.each(data, func(ev *event.Event, line int, matches []engine.Match) {
		for _, a := range cands {
			a.take(ev, line, matches)
		}
	}); err != nil {
		return "", err
	}
	best := cands[0]
	for _, a := range cands[1:] {
		if a.share() > best.share() {
			best = a
		}
	}
	text := best.explain()
	if v := best.rule.Source.Variant; v != "" && variant == "" {
		text = fmt.Sprintf("nearest is variant %q: %s", v, text)
	}
	return text, nil
}

// each gives every event of a case with the stages that it satisfies.
func (l *line) each(data []byte, take func(*event.Event, int, []engine.Match)) error {
	dec := ecs.NewDecoder(l.eng.Schema(), ecs.Options{Native: true})
	ev := event.New(l.eng.Schema())
	m := l.eng.Matcher()
	_, err := source.Read(context.Background(), []string{"-"}, source.Options{Stdin: bytes.NewReader(data)}, func(b *source.Block) error {
		defer b.Release()
		for doc, problem := range b.Documents {
			if problem != nil {
				continue
			}
			var err error
			switch doc.Kind {
			case source.EVTX:
				err = dec.EVTX(doc.Record, ev)
			case source.XML:
				err = dec.XML(doc.Data, ev)
			default:
				err = dec.JSON(doc.Data, ev)
			}
			if err == nil {
				take(ev, doc.Line, m.Match(ev))
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read case again: %w", err)
	}
	return nil
}

// attempt is how far one rule came with a case.
type attempt struct {
	number int32
	rule   *engine.Rule
	stages []stageSeen // beside Program.Stages; until last
	keys   sequence.KeyMaker
}

// stageSeen is what one stage saw of a case.
type stageSeen struct {
	stage   *eql.Stage
	hits    []hitSeen
	excused []string // names of the exceptions that took hits out
	keyless int      // line of an event that satisfies it but has no join key
	near    []eql.Finding
	misses  int // of near: predicates that fail
	line    int // of near
}

type hitSeen struct {
	time int64
	key  string
	line int
}

func newAttempt(number int32, rule *engine.Rule) *attempt {
	a := &attempt{number: number, rule: rule, keys: sequence.KeyMaker{FoldGUIDs: true}}
	for i := range rule.Program.Stages {
		a.stages = append(a.stages, stageSeen{stage: &rule.Program.Stages[i]})
	}
	if rule.Program.Until != nil {
		a.stages = append(a.stages, stageSeen{stage: rule.Program.Until})
	}
	return a
}

func (a *attempt) take(ev *event.Event, line int, matches []engine.Match) {
	for _, m := range matches {
		if m.Rule != a.number {
			continue
		}
		st := &a.stages[m.Stage]
		x := a.rule.Exception(m.Excuse)
		if x == nil {
			x = a.rule.MatchException(m.ExcuseMatch)
		}
		if x != nil {
			if !slices.Contains(st.excused, x.Name) {
				st.excused = append(st.excused, x.Name)
			}
			continue
		}
		st.hits = append(st.hits, hitSeen{ev.Time, strings.Clone(m.Key), line})
	}
	for i := range a.stages {
		a.stages[i].take(ev, line)
	}
}

// take keeps the event that comes nearest to a stage: the fewest predicates
// fail; of an event of another category all do.
func (st *stageSeen) take(ev *event.Event, line int) {
	if len(st.hits) > 0 {
		return
	}
	if st.stage.Match(ev) {
		st.keyless = line // or excused: hits and excused come first
		return
	}
	found := st.stage.Explain(ev)
	misses := 0
	for i, f := range found {
		if !f.Holds {
			misses++
			if i == 0 && !st.stage.Any {
				misses += len(found)
			}
		}
	}
	if st.near == nil || misses < st.misses {
		st.near, st.misses, st.line = found, misses, line
	}
}

// share orders attempts: the part of the stages that have a hit, then how much
// of the others holds.
func (a *attempt) share() float64 {
	sum, n := 0.0, 0.0
	for i := range a.stages {
		st := &a.stages[i]
		if !a.positive(i) {
			continue
		}
		n++
		switch {
		case len(st.hits) > 0:
			sum++
		case len(st.near) > 0:
			sum += max(0, 0.5*(1-float64(st.misses)/float64(len(st.near))))
		}
	}
	return sum / max(n, 1)
}

// positive reports a stage that must be there.
func (a *attempt) positive(i int) bool {
	return i < len(a.rule.Program.Stages) && !a.rule.Program.Stages[i].Missing
}

func (a *attempt) explain() string {
	var last []stageSeen
	var numbers []int
	for i := range a.stages {
		if !a.positive(i) {
			continue
		}
		if len(a.stages[i].hits) == 0 {
			return fmt.Sprintf("stage %d: %s", i+1, a.stages[i].explain())
		}
		last, numbers = append(last, a.stages[i]), append(numbers, i+1)
	}
	if a.rule.Spec == nil {
		return "an event satisfies the rule but is not reported: it may have no time"
	}
	if text := differentKeys(last, numbers); text != "" {
		return text
	}
	if text := a.apart(last, numbers); text != "" {
		return text
	}
	for i := range a.stages {
		if !a.positive(i) && len(a.stages[i].hits) > 0 {
			what := fmt.Sprintf("the missing-event stage %d", i+1)
			if i == len(a.rule.Program.Stages) {
				what = "until"
			}
			return fmt.Sprintf("%s is satisfied by line %d", what, a.stages[i].hits[0].line)
		}
	}
	return "every stage is satisfied, but by no chain of events in this order"
}

func (st *stageSeen) explain() string {
	switch {
	case len(st.excused) > 0:
		return fmt.Sprintf("excused by exception %q", strings.Join(st.excused, `", "`))
	case st.keyless > 0:
		names := make([]string, len(st.stage.Keys))
		for i, k := range st.stage.Keys {
			names[i] = k.Name
		}
		return fmt.Sprintf("line %d satisfies it, but a join key has no value (%s)", st.keyless, strings.Join(names, ", "))
	case st.near == nil:
		return "there is no event"
	}
	var parts []string
	for _, f := range st.near {
		if f.Holds {
			continue
		}
		parts = append(parts, strings.ReplaceAll(f.Predicate, "`", "")+" saw "+seenText(f.Seen))
		if len(parts) == 1 && !st.stage.Any && !st.near[0].Holds {
			break // another category: what else it lacks says nothing
		}
	}
	if len(parts) > 3 {
		parts = append(parts[:3], fmt.Sprintf("and %d more", len(parts)-3))
	}
	return fmt.Sprintf("%s (line %d comes nearest)", strings.Join(parts, "; "), st.line)
}

// seenText lists what fields held; the field's name only where there are several.
func seenText(seen []eql.Seen) string {
	var out []string
	for _, s := range seen {
		text := "nothing"
		if len(s.Values) > 0 {
			text = quoted(s.Values)
		}
		if len(seen) > 1 {
			text = s.Field + " " + text
		}
		out = append(out, text)
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, ", ")
}

func quoted(values []string) string {
	const most = 4
	var out []string
	for _, v := range values[:min(len(values), most)] {
		if r := []rune(v); len(r) > 120 {
			v = string(r[:120]) + "…"
		}
		out = append(out, `"`+strings.Trim(v, `"`)+`"`)
	}
	if len(values) > most {
		out = append(out, "…")
	}
	return strings.Join(out, ", ")
}

// differentKeys says which parts of the join key no two stages share.
func differentKeys(stages []stageSeen, numbers []int) string {
	common := map[string]bool{}
	for _, h := range stages[0].hits {
		common[h.key] = true
	}
	for i := 1; i < len(stages); i++ {
		still := map[string]bool{}
		for _, h := range stages[i].hits {
			if common[h.key] {
				still[h.key] = true
			}
		}
		if len(still) == 0 {
			return keyDifference(&stages[0], &stages[i], numbers[0], numbers[i])
		}
		common = still
	}
	return ""
}

func keyDifference(a, b *stageSeen, m, n int) string {
	best, text := -1, ""
	for _, x := range a.hits[:min(len(a.hits), 100)] {
		for _, y := range b.hits[:min(len(b.hits), 100)] {
			same, parts := 0, []string{}
			v, w := sequence.KeyValues(x.key), sequence.KeyValues(y.key)
			for i := range min(len(v), len(w)) {
				s, t := sequence.KeyText(v[i]), sequence.KeyText(w[i])
				if s == t {
					same++
					continue
				}
				parts = append(parts, fmt.Sprintf("%s saw %q, %s saw %q", a.keyName(i), s, b.keyName(i), t))
			}
			if same > best {
				best = same
				text = fmt.Sprintf("stages %d and %d share no key: %s (lines %d and %d)", m, n, strings.Join(parts, "; "), x.line, y.line)
			}
		}
	}
	return text
}

func (st *stageSeen) keyName(i int) string {
	if i < len(st.stage.Keys) {
		return st.stage.Keys[i].Name
	}
	return "key"
}

// apart says that two stages of one key come in the wrong order, or too far
// from each other: the pair that is nearest to being right.
func (a *attempt) apart(stages []stageSeen, numbers []int) string {
	if a.rule.Spec.IsSample() {
		return ""
	}
	span := a.rule.Spec.MaxSpan()
	for i := 1; i < len(stages); i++ {
		best, gap, at := time.Duration(-1), time.Duration(0), [2]int{}
		for _, x := range stages[i-1].hits {
			for _, y := range stages[i].hits {
				if x.key != y.key {
					continue
				}
				d := time.Duration(y.time - x.time)
				if d >= 0 && (span == 0 || d <= span) {
					best = 0
					continue
				}
				off := max(-d, d-span)
				if span == 0 {
					off = -d
				}
				if best < 0 || off < best {
					best, gap, at = off, d, [2]int{x.line, y.line}
				}
			}
		}
		if best <= 0 {
			continue
		}
		if gap < 0 {
			return fmt.Sprintf("stage %d comes %v before stage %d (lines %d and %d)", numbers[i], -gap, numbers[i-1], at[1], at[0])
		}
		return fmt.Sprintf("stage %d comes %v after stage %d, maxspan is %v (lines %d and %d)", numbers[i], gap, numbers[i-1], span, at[1], at[0])
	}
	return ""
}
