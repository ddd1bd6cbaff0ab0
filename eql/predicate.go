package eql

import (
	"slices"

	"github.com/tocsin-project/tocsin/event"
)

// GuardOp says how a literal is compared.
type GuardOp uint8

// The ways to compare a guard's literal.
const (
	Exact    GuardOp = iota // the value is Text
	Prefix                  // the value begins with Text
	Suffix                  // the value ends with Text
	Contains                // the value holds Text
	Equal                   // the value is Value: a number, boolean, instant or address
	Exists                  // the field has any value
)

// matcher is what stages and conditions share.
type matcher struct {
	category node // nil for any
	preds    []*Predicate
	order    []node // the conjuncts, cheap ones first
}

// Match reports whether the event satisfies the category and the condition. It
// is safe for concurrent use over different events.
func (m *matcher) Match(ev *event.Event) bool {
	if m.category != nil && !m.category.match(ev) {
		return false
	}
	for _, n := range m.order {
		if !n.match(ev) {
			return false
		}
	}
	return true
}

// Predicate is one of the conditions that must all hold for a stage.
type Predicate struct {
	node  node
	expr  Expr
	pos   Pos
	text  string
	canon string
	slots []int
}

// matcher compiles the category (of s, if not nil) and the condition.
func (c *compiler) matcher(s *Step, e Expr) *matcher {
	m := &matcher{}
	if s != nil && !s.Any {
		m.category = c.compareLeaf(c.env.category(), OpEQ, event.Text(s.Category))
	}
	for _, x := range conjuncts(c.fold(e), nil) {
		p := &Predicate{node: c.compile(x), expr: x, pos: posOf(c.text, x.Range().Start)}
		m.preds = append(m.preds, p)
		m.order = append(m.order, p.node)
	}
	slices.SortStableFunc(m.order, func(a, b node) int { return cost(a) - cost(b) })
	return m
}

// conjuncts splits a condition at its top-level ands; not (a or b) is not a
// and not b.
func conjuncts(e Expr, out []Expr) []Expr {
	switch n := e.(type) {
	case *Logic:
		if !n.Or {
			for _, x := range n.Xs {
				out = conjuncts(x, out)
			}
			return out
		}
	case *Not:
		if l, ok := n.X.(*Logic); ok && l.Or {
			for _, x := range l.Xs {
				out = conjuncts(&Not{x.Range(), x}, out)
			}
			return out
		}
		if inner, ok := n.X.(*Not); ok {
			return conjuncts(inner.X, out)
		}
	}
	return append(out, e)
}

func (e *Env) category() *Field {
	name := e.CategoryField
	if name == "" {
		name = "event.category"
	}
	return &Field{Name: name, Parts: []string{name}}
}
