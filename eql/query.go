package eql

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Parse reads a statement: an event query, a sequence or a sample, and its
// pipes. The error is an ErrorList.
func Parse(text string) (*Query, error) {
	q, faults := parse(text)
	if err := faults.err(); err != nil {
		return nil, err
	}
	return q, nil
}

// parse reads a statement and says what is wrong with it. There may be a tree all
// the same, with null for what could not be read.
func parse(text string) (*Query, errs) {
	p := newParser(text)
	var q *Query
	p.run(func() { q = p.query() })
	return q, p.errs
}

// ParseCondition reads a condition alone: what stands behind where.
func ParseCondition(text string) (Expr, error) {
	e, faults := parseCondition(text)
	if err := faults.err(); err != nil {
		return nil, err
	}
	return e, nil
}

// parseCondition is to ParseCondition what parse is to Parse.
func parseCondition(text string) (Expr, errs) {
	const what = "[and], [or] or the end of the condition"
	p := newParser(text)
	var e Expr
	p.run(func() {
		e = p.before(what, p.expr)
		p.end(what) // e is whole, whatever follows
	})
	return e, p.errs
}

func (p *parser) end(what string) {
	if p.peek().kind != tokEOF {
		p.unexpected(what)
	}
}

func (p *parser) query() *Query {
	q := &Query{}
	start := p.peek()
	switch {
	case start.word("sequence"):
		p.take()
		q.Kind = Sequence
		p.sequence(q)
	case start.word("sample"):
		p.take()
		q.Kind = Sample
		p.sample(q)
	case start.word("join") && (p.ahead(1).word("by") || p.ahead(1).is("[")):
		p.fail(start.Range, "JOIN command is not supported, expected [sequence] or [sample]")
	default:
		q.Steps = []*Step{p.eventQuery("[and], [or], [|] or the end of the query")}
	}
	p.run(func() { p.rest(q) }) // a fault there leaves the stages whole
	q.At = Range{start.Start, p.last()}
	return q
}

// rest reads the pipes and sees that nothing follows.
func (p *parser) rest(q *Query) {
	for p.peek().is("|") {
		q.Pipes = append(q.Pipes, p.pipe())
	}
	switch q.Kind {
	case Event:
		p.end("[and], [or], [|] or the end of the query")
	case Sequence:
		p.end("[, by, with, until, | or the end of the query")
	default:
		p.end("[, by or the end of the query")
	}
}

// eventQuery reads (any | category) where condition, and what follows it.
func (p *parser) eventQuery(follow string) *Step {
	s := &Step{Runs: 1}
	t := p.peek()
	s.catRange = t.Range
	switch {
	case t.word("any"):
		s.Any = true
	case t.kind == tokIdent && !isKeyword(t.val):
		s.Category = t.val
	case t.kind == tokString:
		s.Category, s.Quoted = t.val, true
	case t.kind == tokQuoted:
		p.fail(t.Range, "unexpected '%s', expected an event category, [any], [sequence] or [sample]; a category with special characters stands in double quotes: [\"%s\"]", p.source(t.Range), t.val)
	default:
		p.unexpected("an event category, [any], [sequence] or [sample]")
	}
	p.take()
	if !p.peek().word("where") {
		p.unexpected("[where]")
	}
	p.take()
	s.Cond = p.before(follow, p.expr)
	s.At = Range{t.Start, p.last()}
	return s
}

func (p *parser) sequence(q *Query) {
	if p.peek().word("by") {
		q.By = p.keys()
	}
	if p.peek().word("with") {
		q.MaxSpan = p.maxspan()
		if p.peek().word("by") {
			p.fail(p.peek().Range, "Please specify sequence [by] before [with] not after")
		}
	}
	for p.peek().is("[") || p.peek().is("!") {
		q.Steps = append(q.Steps, p.step(true))
	}
	if len(q.Steps) == 0 {
		p.unexpected("[by], [with] or a query in brackets: [category where condition]")
	}
	if p.peek().word("until") {
		p.take()
		if p.peek().is("!") {
			p.unexpected("a query in brackets, which [until] cannot negate")
		}
		q.Until = p.step(true)
		if q.Until.Runs > 1 {
			p.add(q.Until.RunsAt, "[until] cannot have [runs]")
		}
	}
	if t := p.peek(); t.word("fork") {
		p.fail(t.Range, "unexpected 'fork': [fork] is not supported")
	}
	p.checkLength(q)
}

// maxStages bounds a sequence; Elasticsearch bounds the product of steps and
// runs by its memory only.
const maxStages = 256

func (p *parser) checkLength(q *Query) {
	n := 0
	for _, s := range q.Steps {
		n += s.Runs
	}
	if p.at == p.resumed {
		return
	}
	kind := "sequence"
	if q.Kind == Sample {
		kind = "sample"
	}
	r := Range{q.Steps[0].At.Start, p.last()}
	if n < 2 {
		p.add(r, "A %s requires a minimum of 2 queries, found [%d]", kind, n)
	}
	if n > maxStages {
		p.add(r, "A %s has at most %d queries, runs counted, found [%d]", kind, maxStages, n)
	}
}

func (p *parser) sample(q *Query) {
	if p.peek().word("by") {
		q.By = p.keys()
	}
	if p.peek().word("with") {
		p.unexpected("a query in brackets: a sample has no [maxspan]")
	}
	for p.peek().is("[") || p.peek().is("!") {
		if p.peek().is("!") {
			p.unexpected("a query in brackets: a sample has no missing events")
		}
		q.Steps = append(q.Steps, p.step(false))
	}
	if t := p.peek(); t.word("until") || t.word("with") {
		p.unexpected(fmt.Sprintf("a query in brackets: a sample has no [%s]", t.val))
	}
	if len(q.Steps) == 0 {
		p.unexpected("[by] or a query in brackets: [category where condition]")
	}
	p.checkLength(q)
}

// step reads [event query] or ![event query] with its keys and runs.
func (p *parser) step(runs bool) *Step {
	start := p.peek()
	missing := start.is("!")
	if missing {
		p.take()
	}
	p.expect("[", "a query in brackets: [category where condition]")
	s := p.bracketed()
	s.Missing = missing
	if p.peek().word("by") {
		s.By = p.keys()
	}
	if runs && p.peek().word("with") {
		p.runs(s)
		if p.peek().word("by") {
			p.unexpected("the next query: [by] stands before [with]")
		}
	}
	s.At = Range{start.Start, p.last()}
	return s
}

// bracketed reads an event query and the bracket behind it. After a fault it
// goes on behind the bracket, so that the faults of other stages show too.
func (p *parser) bracketed() (s *Step) {
	depth := p.depth
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if _, ok := r.(bail); !ok || !p.skipTo("]") {
			panic(r)
		}
		p.depth, p.follow = depth, ""
		s = &Step{Runs: 1, Cond: &Literal{}}
	}()
	const follow = "[and], [or] or []]"
	s = p.eventQuery(follow)
	p.expect("]", follow)
	return s
}

// skipTo goes behind the next closing bracket of this level.
func (p *parser) skipTo(closing string) bool {
	for open := 0; ; {
		switch t := p.take(); {
		case t.kind == tokEOF:
			return false
		case t.is("["):
			open++
		case t.is(closing) && open == 0:
			return true
		case t.is(closing):
			open--
		}
	}
}

func (p *parser) keys() []*Field {
	p.take()
	var out []*Field
	for {
		f := p.field()
		switch t := p.peek(); {
		case t.is("("):
			p.fail(Range{f.At.Start, t.End}, "unexpected '(', expected a field: join keys are fields, not functions")
		case t.is("*"), t.is("/"), t.is("+"), t.is("-"), t.is("%"):
			p.fail(t.Range, "unexpected '%s', expected a field: join keys are fields, not expressions", t.val)
		}
		out = append(out, f)
		if !p.peek().is(",") {
			return out
		}
		p.take()
	}
}

// option reads with NAME = NUMBER and returns the number's token.
func (p *parser) option(want string) token {
	p.take()
	name := p.peek()
	if name.kind != tokIdent {
		p.unexpected("[" + want + "]")
	}
	if name.val != want {
		p.fail(name.Range, "Unrecognized option [%s], expecting [%s]", name.val, want)
	}
	p.take()
	p.expect("=", "[=]")
	n := p.peek()
	if n.kind != tokInt {
		p.unexpected("a positive whole number")
	}
	p.take()
	return n
}

func (p *parser) runs(s *Step) {
	n := p.option("runs")
	s.RunsAt = n.Range
	runs, err := strconv.Atoi(n.val)
	if err != nil || runs < 1 || runs > 100 {
		p.add(n.Range, "runs must be between 1 and 100, found [%s]", n.val)
		runs = 2 // so that the sequence is not said to be too short as well
	}
	s.Runs = runs
}

// spanUnits are the units of maxspan.
func spanUnit(name string) (time.Duration, bool) {
	switch name {
	case "ms":
		return time.Millisecond, true
	case "s":
		return time.Second, true
	case "m":
		return time.Minute, true
	case "h":
		return time.Hour, true
	case "d":
		return 24 * time.Hour, true
	}
	return 0, false
}

func (p *parser) maxspan() *Span {
	n := p.option("maxspan")
	unit := p.peek()
	if unit.kind != tokIdent || isKeyword(unit.val) {
		p.fail(n.Range, "No time unit specified, did you mean [s] as in [%ss]?", n.val)
	}
	p.take()
	s := &Span{At: Range{n.Start, unit.End}, Unit: unit.val}
	per, ok := spanUnit(unit.val)
	if !ok {
		p.add(unit.Range, "Unrecognized time unit [%s], expected one of [ms, s, m, h, d]%s", unit.val, didYouMean(unit.val, []string{"ms", "s", "m", "h", "d"}))
		return s
	}
	v, err := strconv.ParseInt(n.val, 10, 64)
	switch {
	case err != nil || v > int64(1<<63-1)/int64(per):
		p.add(n.Range, "maxspan is too long, expected less than 292 years, found [%s%s]", n.val, unit.val)
		return s
	case v == 0:
		p.add(n.Range, "maxspan must be positive, found [%s%s]", n.val, unit.val)
	}
	s.N = v
	return s
}

// Duration is the span's length.
func (s *Span) Duration() time.Duration {
	per, _ := spanUnit(s.Unit)
	return time.Duration(s.N) * per
}

func (p *parser) pipe() *PipeNode {
	bar := p.take()
	name := p.peek()
	if name.kind != tokIdent {
		p.unexpected("[head] or [tail]")
	}
	switch name.val {
	case "head", "tail":
	case "count", "filter", "sort", "unique", "unique_count":
		p.fail(name.Range, "Pipe [%s] is not supported, expected [head] or [tail]", name.val)
	default:
		p.fail(name.Range, "Unrecognized pipe [%s], expected [head] or [tail]%s", name.val, didYouMean(strings.ToLower(name.val), []string{"head", "tail"}))
	}
	p.take()
	if t := p.peek(); t.kind == tokEOF || t.is("|") {
		p.unexpected("a number, how many results to keep")
	}
	n := &PipeNode{Name: name.val, Arg: p.expr()}
	if p.peek().is(",") {
		p.unexpected("one number")
	}
	n.At = Range{bar.Start, p.last()}
	return n
}
