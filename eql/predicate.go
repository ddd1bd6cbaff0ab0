package eql

import (
	"slices"

	"github.com/tocsin-project/tocsin/event"
)

// matcher is what stages and conditions share.
type matcher struct {
	category node // nil for any
	catSlot  int
	catText  string
	catPos   Pos
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

// Predicate is one of the conditions that must all hold for a stage. Two
// predicates with the same String are the same test, so that an engine need
// evaluate it only once for an event.
type Predicate struct {
	node  node
	expr  Expr
	pos   Pos
	canon string
	slots []int
	needs []Need
	guard bool
}

// String is the predicate in canonical form: lists in order and without
// repeats, and in lower case where case does not count.
func (p *Predicate) String() string { return p.canon }

// Eval reports whether the predicate holds for the event.
func (p *Predicate) Eval(ev *event.Event) bool { return p.node.match(ev) }

// Slots are the slots of the fields that the predicate reads, each once.
func (p *Predicate) Slots() []int { return p.slots }

// Pos is where the predicate begins in the text.
func (p *Predicate) Pos() Pos { return p.pos }

// Cost ranks predicates: a cheap test has a low number. It has no unit.
func (p *Predicate) Cost() int { return cost(p.node) }

// Conjuncts are the predicates that must all hold beside the category, in the
// order of the text. The slice is the stage's own.
func (m *matcher) Conjuncts() []*Predicate { return m.preds }

// CategorySlot is the slot of the field that must hold the stage's category.
// ok is false for any, which has none.
func (m *matcher) CategorySlot() (slot int, ok bool) {
	if m.category == nil {
		return 0, false
	}
	return m.catSlot, true
}

// Seen is a field and the values that an event has in it, as text.
type Seen struct {
	Field  string
	Values []string
}

// Finding is what became of one predicate for an event.
type Finding struct {
	Predicate string // as the query says it
	Pos       Pos
	Holds     bool
	Seen      []Seen // the fields that the predicate reads; no values is missing
}

// Explain evaluates the category and every predicate, also those behind one
// that fails, and shows what they saw. The texts are copies.
func (m *matcher) Explain(ev *event.Event) []Finding {
	var out []Finding
	if m.category != nil {
		out = append(out, Finding{m.catText, m.catPos, m.category.match(ev), seen(ev, []int{m.catSlot})})
	}
	for _, p := range m.preds {
		out = append(out, Finding{p.expr.String(), p.pos, p.node.match(ev), seen(ev, p.slots)})
	}
	return out
}

func seen(ev *event.Event, slots []int) []Seen {
	var out []Seen
	for _, slot := range slots {
		s := Seen{Field: ev.Schema().Field(slot).Name}
		for _, v := range ev.Values(slot) {
			s.Values = append(s.Values, v.String())
		}
		out = append(out, s)
	}
	return out
}

// matcher compiles the category (of s, if not nil) and the condition.
func (c *compiler) matcher(s *Step, e Expr) *matcher {
	m := &matcher{}
	if s != nil && !s.Any {
		f := c.env.category()
		m.catSlot = c.slot(f)
		m.catPos = posOf(c.text, s.catRange.Start)
		want := &Literal{Value: event.Text(s.Category)}
		m.catText = (&Compare{Op: OpEQ, X: f, Y: want}).String()
		m.category = c.compareLeaf(f, OpEQ, want.Value)
	}
	for _, x := range conjuncts(c.fold(e), nil) {
		p := c.predicate(x)
		m.preds = append(m.preds, p)
		m.order = append(m.order, p.node)
	}
	slices.SortStableFunc(m.order, func(a, b node) int { return cost(a) - cost(b) })
	return m
}

func (c *compiler) predicate(x Expr) *Predicate {
	p := &Predicate{node: c.compile(x), expr: x, pos: posOf(c.text, x.Range().Start)}
	p.canon = canonical(x)
	walk(x, func(e Expr) {
		if f, ok := e.(*Field); ok && !slices.Contains(p.slots, c.slot(f)) {
			p.slots = append(p.slots, c.slot(f))
		}
	})
	p.needs, p.guard = needs(p.node)
	return p
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
