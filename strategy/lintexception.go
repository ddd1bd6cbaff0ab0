package strategy

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
)

// exceptions reports those that expired, cannot match, or name no owner.
func (c *linter) exceptions(rules []*eql.Query) {
	for i := range c.s.Exceptions {
		e := &c.s.Exceptions[i]
		if e.Owner == "" || e.Reason == "" {
			c.at(Warning, "unowned-exception", e.Pos, "exception %q names no %s", e.Name, missing(e))
		}
		if e.Expires.IsZero() {
			c.at(Note, "unlimited-exception", e.Pos, "exception %q never expires", e.Name)
		} else if !c.opt.Now.IsZero() && e.Expired(c.opt.Now) {
			c.at(Warning, "expired-exception", e.Pos, "exception %q expired on %s and no longer holds", e.Name, e.Expires.Format("2006-01-02"))
		}
		cond, err := eql.CompileCondition(e.When, &c.env)
		if err != nil {
			c.eqlErrors(err, e.text)
			continue
		}
		c.exception(e, cond.Expr, rules)
	}
}

func missing(e *Exception) string {
	switch {
	case e.Owner == "" && e.Reason == "":
		return "owner and no reason"
	case e.Owner == "":
		return "owner"
	}
	return "reason"
}

func (c *linter) exception(e *Exception, cond eql.Expr, rules []*eql.Query) {
	c.fields(cond, e.text, e.When)
	c.evadable(cond, e.text, e.When, "the exception excuses")
	stages := 0
	var in []*eql.Step // those it is held against
	for _, q := range rules {
		if q == nil {
			continue // reported already
		}
		stages = max(stages, len(q.Steps))
		for i, s := range q.Steps {
			if e.Scope.Kind != ScopeStage || e.Scope.Stage == i+1 {
				in = append(in, s)
			}
		}
	}
	if e.Scope.Kind == ScopeStage && e.Scope.Stage > stages && stages > 0 {
		c.at(Error, "never-matches", e.Pos, "exception %q is for stage %d; the rule has %d", e.Name, e.Scope.Stage, stages)
		return
	}
	why := ""
	for _, s := range in {
		if why = contradiction(cond, s); why == "" {
			return
		}
	}
	if why != "" {
		c.at(Warning, "never-matches", e.Pos, "exception %q can never match: %s", e.Name, why)
	}
}

// contradiction says why no event of a step can satisfy a condition, "" if one
// may. It looks at tests of one field that the two have in common; what it
// cannot decide, it leaves.
func contradiction(cond eql.Expr, s *eql.Step) string {
	for _, own := range conjuncts(cond, false) {
		if own.negative {
			continue
		}
		if own.field == "event.category" && !s.Any && s.Category != "" && !slices.ContainsFunc(own.values, func(v event.Value) bool { return v.S == s.Category }) {
			return "the stage reads " + s.Category + " events only"
		}
		for _, its := range conjuncts(s.Cond, false) {
			if its.field != own.field {
				continue
			}
			switch {
			case its.negative && its.covers(own):
				return "the rule itself leaves out " + its.text
			case !its.negative && !event.IsArray(own.field) && !oftenMany(own.field) && its.excludes(own):
				return "the rule needs " + its.text
			}
		}
	}
	return ""
}

// oftenMany are fields that hold several values though ECS does not say so.
func oftenMany(field string) bool {
	return strings.HasSuffix(field, ".args") || strings.HasSuffix(field, ".ip") || field == "tags" || strings.HasPrefix(field, "event.")
}

// test is a condition on one field: that it has one of some values.
type test struct {
	field    string
	op       eql.Op
	fold     bool
	negative bool
	values   []event.Value
	text     string
}

// conjuncts are the tests of a condition that must all hold.
func conjuncts(e eql.Expr, negative bool) []test {
	switch e := e.(type) {
	case *eql.Logic:
		if e.Or != negative {
			return nil
		}
		var out []test
		for _, x := range e.Xs {
			out = append(out, conjuncts(x, negative)...)
		}
		return out
	case *eql.Not:
		return conjuncts(e.X, !negative)
	case *eql.Match:
		return oneTest(e, e.X, e.Op, e.Fold, e.Negated != negative, e.List)
	case *eql.Compare:
		if e.Op == eql.OpNE {
			return oneTest(e, e.X, eql.OpEQ, false, !negative, []eql.Expr{e.Y})
		}
		return oneTest(e, e.X, e.Op, false, negative, []eql.Expr{e.Y})
	}
	return nil
}

func oneTest(e, x eql.Expr, op eql.Op, fold, negative bool, list []eql.Expr) []test {
	f, ok := x.(*eql.Field)
	if !ok || op == eql.OpRegex {
		return nil
	}
	t := test{field: f.Name, op: op, fold: fold || op == eql.OpSeq, negative: negative, text: e.String()}
	for _, v := range list {
		l, ok := v.(*eql.Literal)
		if !ok || l.Value.Kind == event.KindNull {
			return nil
		}
		t.values = append(t.values, l.Value)
	}
	return []test{t}
}

func (t *test) wild() bool { return t.op == eql.OpSeq || t.op == eql.OpLike }

// covers says whether every value that own allows is one of t's.
func (t *test) covers(own test) bool {
	if own.fold && !t.fold || own.op != eql.OpEQ && own.op != eql.OpIn && !own.wild() {
		return false
	}
	for _, v := range own.values {
		if !t.admits(v, t.fold) {
			return false
		}
	}
	return true
}

// excludes says whether no value that own allows is one of t's.
func (t *test) excludes(own test) bool {
	if own.op != eql.OpEQ && own.op != eql.OpIn && !own.wild() {
		return false
	}
	for _, v := range own.values {
		if own.wild() && strings.ContainsAny(v.S, "*?") || t.admits(v, t.fold || own.fold) {
			return false
		}
	}
	return true
}

// admits says whether the test holds for a value. For a pattern it says
// whether all that the pattern matches is admitted.
func (t *test) admits(v event.Value, fold bool) bool {
	for _, w := range t.values {
		if v.Kind == event.KindText && w.Kind == event.KindText {
			a, b := w.S, v.S
			if fold {
				a, b = strings.ToLower(a), strings.ToLower(b)
			}
			if a == b || t.wild() && within(a, b) {
				return true
			}
			continue
		}
		if v.Kind != event.KindText && w.Kind != event.KindText && t.number(numeric(v), numeric(w)) {
			return true
		}
	}
	return false
}

func (t *test) number(v, w float64) bool {
	switch t.op {
	case eql.OpLT:
		return v < w
	case eql.OpLE:
		return v <= w
	case eql.OpGT:
		return v > w
	case eql.OpGE:
		return v >= w
	}
	return v == w
}

// numeric is a number or a boolean as a number.
func numeric(v event.Value) float64 {
	switch v.Kind {
	case event.KindLong:
		return float64(int64(v.N))
	case event.KindDouble:
		return math.Float64frombits(v.N)
	case event.KindNumber:
		f, _ := strconv.ParseFloat(v.S, 64)
		return f
	}
	return float64(v.N)
}

// within says whether all that pattern b matches is matched by pattern a.
// Stars of b can only be taken up by stars of a, question marks by either.
func within(a, b string) bool {
	i, j, star, mark := 0, 0, -1, 0
	for j < len(b) {
		switch {
		case i < len(a) && a[i] == '*':
			star, mark = i, j
			i++
		case i < len(a) && (a[i] == b[j] && b[j] != '*' || a[i] == '?' && b[j] != '*'):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(a) && a[i] == '*' {
		i++
	}
	return i == len(a)
}
