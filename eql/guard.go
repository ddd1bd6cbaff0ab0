package eql

import (
	"math"

	"github.com/tocsin-project/tocsin/eql/pattern"
	"github.com/tocsin-project/tocsin/event"
)

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
	Value event.Value // Equal, as EqualKey gives it
}

// Guard is a necessary condition that is cheap to look up: a predicate that
// holds for an event has at least one of the needs. A guard without needs
// belongs to a predicate that never holds.
type Guard struct{ Needs []Need }

// Guard returns the predicate's guard. ok is false if it has none: it may hold
// for events without any of its fields.
func (p *Predicate) Guard() (g Guard, ok bool) { return Guard{p.needs}, p.guard }

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
func needs(n node) (out []Need, ok bool) {
	switch n := n.(type) {
	case *constNode:
		return nil, !n.v
	case *notNode:
		if x, ok := n.x.(*nullLeaf); ok {
			return []Need{{Slot: x.slot}}, true
		}
		return nil, false
	case *andNode:
		return bestNeeds(n.xs)
	case *orNode:
		return allNeeds(n.xs)
	case *textLeaf:
		for _, t := range n.texts {
			out = append(out, n.need(t))
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

func (n *textLeaf) need(t string) Need {
	if n.exact {
		return Need{Slot: n.slot, Op: Exact, Text: t, Fold: n.fold}
	}
	text, where := pattern.Literal(t)
	return textNeed(n.slot, text, where, n.fold)
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

func allNeeds(xs []node) (out []Need, ok bool) {
	for _, x := range xs {
		n, ok := needs(x)
		if !ok {
			return nil, false
		}
		out = append(out, n...)
	}
	return out, true
}

// bestNeeds of several nodes that must all hold: those whose weakest is strongest.
func bestNeeds(xs []node) (out []Need, ok bool) {
	best := -1
	for _, x := range xs {
		n, has := needs(x)
		if !has {
			continue
		}
		if s := Strength(n); s > best {
			out, ok, best = n, true, s
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
