// Package clause takes a stage's condition apart into single tests, so that it
// can be said which of them an event fails, and whether data of some kind could
// satisfy the condition at all.
//
// A condition is a tree of and and or over tests; negation is moved down to
// them. The tree holds for an event exactly when the compiled condition does,
// because compiled conditions are two-valued above their leaves (package eql).
// The engine matches with the compiled form; trees are for explaining.
package clause

import (
	"fmt"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
)

// Test is one leaf of a condition: a comparison, a list, a call, or its negation.
type Test struct {
	Text    string   // as the query says it, `not` included
	Negated bool     // an exclusion: what it names must not be there
	Fields  []string // that it reads
	Slots   []int    // their slots, each once
	Values  []string // texts that it compares with, as far as they are constant
	Offset  int      // where it begins in the query's text, in bytes

	cond     *eql.Condition // of the test without the negation
	elements []element      // of a list, each alone
}

type element struct {
	text string
	cond *eql.Condition
}

// Tree is a condition taken apart. It is not changed after New and may be
// shared between goroutines over different events.
type Tree struct {
	or   bool
	kids []*Tree // of and, or
	test *Test   // of a leaf
	all  []*Test // of the root: every test in the order of the text
}

// New takes a condition apart. env must be the one that the condition was
// compiled with, so that the tests read the same slots. The error is an
// eql.ErrorList; it does not come for conditions that compile.
func New(e eql.Expr, env *eql.Env) (*Tree, error) {
	b := builder{env: env}
	t, err := b.tree(e, false)
	if err != nil {
		return nil, fmt.Errorf("take condition apart: %w", err)
	}
	t.all = b.tests
	return t, nil
}

// Tests lists the tests in the order of the text.
func (t *Tree) Tests() []*Test { return t.all }

type builder struct {
	env   *eql.Env
	tests []*Test
}

func (b *builder) tree(e eql.Expr, negated bool) (*Tree, error) {
	switch n := e.(type) {
	case *eql.Not:
		return b.tree(n.X, !negated)
	case *eql.Logic:
		t := &Tree{or: n.Or != negated} // De Morgan
		for _, x := range n.Xs {
			k, err := b.tree(x, negated)
			if err != nil {
				return nil, err
			}
			if k.test == nil && k.or == t.or {
				t.kids = append(t.kids, k.kids...)
			} else {
				t.kids = append(t.kids, k)
			}
		}
		return t, nil
	}
	test, err := b.leaf(e, negated)
	if err != nil {
		return nil, err
	}
	b.tests = append(b.tests, test)
	return &Tree{test: test}, nil
}

func (b *builder) leaf(e eql.Expr, negated bool) (*Test, error) {
	t := &Test{Text: e.String(), Offset: e.Range().Start}
	if m, ok := e.(*eql.Match); ok && m.Negated { // x not in (…)
		positive := *m
		positive.Negated = false
		e, negated = &positive, !negated
	}
	if c, ok := e.(*eql.Compare); ok && c.Op == eql.OpNE {
		equal := *c
		equal.Op = eql.OpEQ
		e, negated = &equal, !negated
	} else if negated {
		t.Text = (&eql.Not{At: e.Range(), X: e}).String()
	}
	t.Negated = negated
	var err error
	if t.cond, err = eql.CompileCondition(e.String(), b.env); err != nil {
		return nil, err
	}
	for _, p := range t.cond.Conjuncts() {
		for _, s := range p.Slots() {
			t.Slots = append(t.Slots, s)
			t.Fields = append(t.Fields, b.env.Schema.Field(s).Name)
		}
	}
	t.Values = constants(e)
	t.elements, err = b.elements(e)
	return t, err
}

// constants lists the texts that a comparison or a list names.
func constants(e eql.Expr) (out []string) {
	var list []eql.Expr
	switch n := e.(type) {
	case *eql.Match:
		list = n.List
	case *eql.Compare:
		list = []eql.Expr{n.Y}
	}
	for _, x := range list {
		if l, ok := x.(*eql.Literal); ok && l.Value.Kind == event.KindText {
			out = append(out, l.Value.S)
		}
	}
	return out
}

// elements compiles each element of a list alone, so that an exclusion can say
// which of its entries stands in the way.
func (b *builder) elements(e eql.Expr) ([]element, error) {
	m, ok := e.(*eql.Match)
	if !ok || len(m.List) < 2 {
		return nil, nil
	}
	var out []element
	for _, x := range m.List {
		one := *m
		one.List = []eql.Expr{x}
		cond, err := eql.CompileCondition(one.String(), b.env)
		if err != nil {
			return nil, err
		}
		text := x.String()
		if lit, ok := x.(*eql.Literal); ok && lit.Value.Kind == event.KindText {
			text = lit.Value.S
		}
		out = append(out, element{text, cond})
	}
	return out, nil
}

// Holds reports whether an event passes the test.
func (t *Test) Holds(ev *event.Event) bool { return t.cond.Match(ev) != t.Negated }

// Element is the entry of the test's list that the event satisfies, "" if the
// test has no list or none of its entries does. For an exclusion it is what
// excludes the event.
func (t *Test) Element(ev *event.Event) string {
	for i := range t.elements {
		if t.elements[i].cond.Match(ev) {
			return t.elements[i].text
		}
	}
	return ""
}

// Seen returns the fields that the test reads with the values that the event
// has in them. No values means that the field is missing. The texts are copies.
func (t *Test) Seen(ev *event.Event) []eql.Seen {
	var out []eql.Seen
	for i, slot := range t.Slots {
		s := eql.Seen{Field: t.Fields[i]}
		for _, v := range ev.Values(slot) {
			s.Values = append(s.Values, string([]byte(v.String())))
		}
		out = append(out, s)
	}
	return out
}

// Holds reports whether an event satisfies the condition.
func (t *Tree) Holds(ev *event.Event) bool {
	if t.test != nil {
		return t.test.Holds(ev)
	}
	for _, k := range t.kids {
		if k.Holds(ev) == t.or {
			return t.or
		}
	}
	return !t.or
}

// Faults appends to dst the fewest tests that would have to come out otherwise
// for the event to satisfy the condition; none if it does. ok is false, and dst
// as it was, if they are more than limit.
func (t *Tree) Faults(ev *event.Event, limit int, dst []*Test) (out []*Test, ok bool) {
	switch {
	case t.test != nil:
		switch {
		case t.test.Holds(ev):
			return dst, true
		case limit < 1:
			return dst, false
		}
		return append(dst, t.test), true
	case t.or:
		return t.fewest(ev, limit, dst)
	}
	start := len(dst)
	for _, k := range t.kids {
		dst, ok = k.Faults(ev, limit-(len(dst)-start), dst)
		if !ok {
			return dst[:start], false
		}
	}
	return dst, true
}

// fewest are the faults of the alternative that is nearest to holding; of equal
// ones the first.
func (t *Tree) fewest(ev *event.Event, limit int, dst []*Test) (out []*Test, ok bool) {
	start := len(dst)
	var best []*Test
	for _, k := range t.kids {
		found, can := k.Faults(ev, limit, dst[:start:start])
		if !can {
			continue
		}
		n := len(found) - start
		if n == 0 {
			return dst, true
		}
		best, ok, limit = found[start:], true, n-1
	}
	return append(dst, best...), ok
}

// Answer is whether data of some kind could satisfy a test or a condition.
type Answer int8

// The answers, in their order.
const (
	No    Answer = iota // never
	Maybe               // it depends on the event
	Yes                 // always
)

// Possible says whether the condition could hold where each test has the given
// answer. Of a condition that cannot, blockers are the tests that stand in the
// way: all that must hold, or of alternatives those of the nearest.
func (t *Tree) Possible(ask func(*Test) Answer) (a Answer, blockers []*Test) {
	if t.test != nil {
		if a = ask(t.test); a == No {
			blockers = []*Test{t.test}
		}
		return a, blockers
	}
	a = Yes
	if t.or {
		a = No
	}
	for _, k := range t.kids {
		x, b := k.Possible(ask)
		switch {
		case t.or:
			if a = max(a, x); x == No && (blockers == nil || len(b) < len(blockers)) {
				blockers = b
			}
		default:
			a = min(a, x)
			blockers = append(blockers, b...)
		}
	}
	if a != No {
		blockers = nil
	}
	return a, blockers
}
