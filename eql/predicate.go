package eql

import (
	"math"
	"slices"

	"github.com/tocsin-project/tocsin/eql/pattern"
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
		m.catPos = c.pos(s.catRange.Start)
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
	p := &Predicate{node: c.compile(x), expr: x, pos: c.pos(x.Range().Start)}
	p.canon = canonical(x)
	walk(x, func(e Expr) {
		if f, ok := e.(*Field); ok && !slices.Contains(p.slots, c.slot(f)) {
			p.slots = append(p.slots, c.slot(f))
		}
	})
	p.needs, p.guard = (strongest{}).needs(p.node)
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

// GuardOp says how a need compares.
type GuardOp uint8

// The ways to compare.
const (
	Exists   GuardOp = iota // the field has a value
	Exact                   // a value is Text
	Prefix                  // a value begins with Text
	Suffix                  // a value ends with Text
	Contains                // a value holds Text
	Equal                   // a value equals Value: a number, a boolean or an address
)

func (o GuardOp) String() string {
	return [...]string{"exists", "exact", "prefix", "suffix", "contains", "equal"}[o]
}

// Need is one literal that a guard looks for in a field.
type Need struct {
	Slot  int
	Op    GuardOp
	Text  string      // Exact, Prefix, Suffix, Contains
	Fold  bool        // Text is folded; compare it with Value.Fold
	Skip  int         // Prefix: the characters before Text; only from GuardBy
	Value event.Value // Equal, as EqualKey gives it
}

// Guard is a necessary condition that is cheap to look up: a predicate that
// holds for an event has at least one of the needs. A guard without needs
// belongs to a predicate that never holds.
type Guard struct{ Needs []Need }

// Guard returns the predicate's guard. ok is false if it has none: it may hold
// for events without any of its fields.
func (p *Predicate) Guard() (g Guard, ok bool) { return Guard{p.needs}, p.guard }

// GuardBy is Guard for callers that know the traffic: where one of several
// needs would do (of a conjunction, of a pattern with more than one text), it
// takes those with the least sum of rates, which are shares of events.
func (p *Predicate) GuardBy(rate func(*Need) float64) (g Guard, ok bool) {
	s := strongest{rate}
	needs, ok := s.needs(p.node)
	return Guard{needs}, ok
}

// strongest finds needs and chooses among alternatives: by Strength, or by rate
// if that is set.
type strongest struct{ rate func(*Need) float64 }

// weight is higher for needs that let fewer events through.
func (s strongest) weight(needs []Need) float64 {
	if s.rate == nil {
		return float64(Strength(needs))
	}
	sum := 0.0
	for i := range needs {
		sum -= s.rate(&needs[i])
	}
	return sum
}

// EqualKey brings a number, boolean or address to the form in which equal
// values are equal as Go values, fit for a map: whole numbers are KindLong, or
// KindULong beyond it. ok is false for values that are of other kinds.
func EqualKey(v event.Value) (key event.Value, ok bool) {
	switch v = numeric(v); v.Kind {
	case event.KindBool, event.KindIP:
		return event.Value{Kind: v.Kind, N: v.N, M: v.M}, true
	case event.KindLong:
		return event.Long(int64(v.N)), true
	case event.KindULong:
		if v.N <= math.MaxInt64 {
			return event.Long(int64(v.N)), true
		}
		return event.ULong(v.N), true
	case event.KindDouble:
		f := math.Float64frombits(v.N)
		switch {
		case f != f:
			return v, false
		case f == math.Trunc(f) && f >= -(1<<63) && f < 1<<63:
			return event.Long(int64(f)), true
		case f == math.Trunc(f) && f >= 0 && f < 1<<64:
			return event.ULong(uint64(f)), true
		}
		return event.Double(f), true
	}
	return v, false
}

// needs finds the needs of a node. ok is false if it can hold without any.
func (s strongest) needs(n node) (out []Need, ok bool) {
	switch n := n.(type) {
	case *constNode:
		return nil, !n.v
	case *notNode:
		if x, ok := n.x.(*nullLeaf); ok {
			return []Need{{Slot: x.slot}}, true
		}
		return nil, false
	case *andNode:
		return s.best(n.xs)
	case *orNode:
		return s.all(n.xs)
	case *textLeaf:
		for _, t := range n.texts {
			out = append(out, s.text(n, t))
		}
		return out, true
	case *partLeaf:
		return n.needs(), true
	case *regexLeaf:
		return regexNeeds(n), true
	case *valueLeaf:
		if n.op == OpEQ {
			return equalNeeds(n.slot, []event.Value{n.v}), true
		}
		return []Need{{Slot: n.slot}}, true
	case *inLeaf:
		return equalNeeds(n.slot, n.list), true
	case *blocksLeaf:
		return n.needs(), true
	case *script:
		return n.needs()
	}
	return nil, false
}

// text is the need of one text or pattern of a leaf.
func (s strongest) text(n *textLeaf, t string) Need {
	if n.exact {
		return Need{Slot: n.slot, Op: Exact, Text: t, Fold: n.fold}
	}
	text, where := pattern.Literal(t)
	best := textNeed(n.slot, text, where, n.fold)
	if s.rate == nil || where == pattern.Whole {
		return best
	}
	for _, r := range pattern.Runs(t) {
		need := textNeed(n.slot, r.Text, r.Where, n.fold)
		need.Skip = r.Skip
		if s.rate(&need) < s.rate(&best) {
			best = need
		}
	}
	return best
}

func (n *partLeaf) needs() []Need {
	switch {
	case n.text != "":
		return []Need{{Slot: n.slot, Op: n.op, Text: n.text, Fold: n.fold}}
	case n.op == Contains: // never holds
		return nil
	}
	return []Need{{Slot: n.slot}}
}

// regexNeeds: one of the literals that the expression cannot do without, or at
// least a value.
func regexNeeds(n *regexLeaf) []Need {
	lits := n.re.Literals()
	if len(lits) == 0 {
		return []Need{{Slot: n.slot}}
	}
	var out []Need
	for _, l := range lits {
		out = append(out, textNeed(n.slot, l.Text, l.Where, n.fold))
	}
	return out
}

func textNeed(slot int, text string, where pattern.Where, fold bool) Need {
	op := [...]GuardOp{pattern.Whole: Exact, pattern.Begin: Prefix, pattern.End: Suffix, pattern.Inside: Contains}[where]
	if text == "" && op != Exact {
		return Need{Slot: slot}
	}
	return Need{Slot: slot, Op: op, Text: text, Fold: fold}
}

func equalNeeds(slot int, list []event.Value) []Need {
	var out []Need
	for _, v := range list {
		key, ok := EqualKey(v)
		if !ok {
			return []Need{{Slot: slot}}
		}
		out = append(out, Need{Slot: slot, Op: Equal, Value: key})
	}
	return out
}

func (n *blocksLeaf) needs() []Need {
	var out []Need
	for _, b := range n.blocks {
		if !n.typed || b.loM != b.hiM || b.loN != b.hiN {
			return []Need{{Slot: n.slot}}
		}
		out = append(out, Need{Slot: n.slot, Op: Equal, Value: event.Value{Kind: event.KindIP, M: b.loM, N: b.loN}})
	}
	return out
}

// needs of a script over one field: the field, unless the script holds
// without it.
func (n *script) needs() ([]Need, bool) {
	if len(n.slots) != 1 {
		return nil, false
	}
	s := scope{cur: make([]event.Value, 1)}
	if v := n.root.eval(&s); v.Kind == event.KindBool && v.N != 0 {
		return nil, false
	}
	return []Need{{Slot: n.slots[0]}}, true
}

func (s strongest) all(xs []node) (out []Need, ok bool) {
	for _, x := range xs {
		n, ok := s.needs(x)
		if !ok {
			return nil, false
		}
		out = append(out, n...)
	}
	return out, true
}

// best needs of several nodes that must all hold: those of most weight.
func (s strongest) best(xs []node) (out []Need, ok bool) {
	best := math.Inf(-1)
	for _, x := range xs {
		n, has := s.needs(x)
		if !has {
			continue
		}
		if w := s.weight(n); w > best {
			out, ok, best = n, true, w
		}
	}
	return out, ok
}

// Strength ranks the needs of a guard by how few events they are likely to let
// through, by their weakest: 0 for existence, more for longer and anchored texts.
func Strength(needs []Need) int {
	weakest := math.MaxInt
	for _, n := range needs {
		s := 0
		switch n.Op {
		case Exact:
			s = 60 + 2*len(n.Text)
		case Prefix, Suffix, Contains:
			s = 4 * min(len(n.Text), 25)
		case Equal:
			s = 50
			if n.Value.Kind == event.KindBool {
				s = 2
			}
		}
		weakest = min(weakest, s)
	}
	return weakest
}
