package eql

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tocsin-project/tocsin/eql/pattern"
	"github.com/tocsin-project/tocsin/event"
)

// A leaf tests one field: it holds if any value of the field passes.

// nullLeaf: x == null, the field has no value.
type nullLeaf struct{ slot int }

func (n *nullLeaf) match(ev *event.Event) bool { return len(ev.Values(n.slot)) == 0 }

// textLeaf: == : like in over text, with all of a list in one set.
type textLeaf struct {
	slot  int
	set   *pattern.Set
	fold  bool     // set and texts are folded
	texts []string // the list, for guards
	exact bool     // texts are no patterns
}

func (n *textLeaf) match(ev *event.Event) bool {
	values := ev.Values(n.slot)
	for i := range values {
		v := &values[i]
		if v.Kind != event.KindText {
			continue
		}
		s := v.S
		if n.fold {
			s = ev.Fold(v)
		}
		if n.set.Match(s) {
			return true
		}
	}
	return false
}

// partLeaf: startsWith, endsWith, stringContains.
type partLeaf struct {
	slot int
	op   GuardOp // Prefix, Suffix or Contains
	text string
	fold bool
}

func (n *partLeaf) match(ev *event.Event) bool {
	values := ev.Values(n.slot)
	for i := range values {
		v := &values[i]
		if v.Kind != event.KindText {
			continue
		}
		s := v.S
		if n.fold {
			s = ev.Fold(v)
		}
		ok := false
		switch n.op {
		case Prefix:
			ok = strings.HasPrefix(s, n.text)
		case Suffix:
			ok = strings.HasSuffix(s, n.text)
		case Contains:
			ok = n.text != "" && strings.Contains(s, n.text)
		}
		if ok {
			return true
		}
	}
	return false
}

// regexLeaf: regex.
type regexLeaf struct {
	slot int
	re   *pattern.Regex
	fold bool // of its literals
}

func (n *regexLeaf) match(ev *event.Event) bool {
	for _, v := range ev.Values(n.slot) {
		if v.Kind == event.KindText && n.re.Match(v.S) {
			return true
		}
	}
	return false
}

// valueLeaf: comparison with one constant of the field's type.
type valueLeaf struct {
	slot   int
	op     Op
	v      event.Value
	millis bool
}

func (n *valueLeaf) match(ev *event.Event) bool {
	values := ev.Values(n.slot)
	for i := range values {
		v := &values[i]
		if v.Kind == event.KindLong && n.v.Kind == event.KindLong {
			if holds(n.op, cmp.Compare(int64(v.N), int64(n.v.N)), true) {
				return true
			}
			continue
		}
		if c, ok := compareValues(*v, n.v, n.millis); ok && holds(n.op, c, true) {
			return true
		}
	}
	return false
}

// inLeaf: one of several values of the field's type. They are sorted, unless
// they are of kinds that have no order among themselves.
type inLeaf struct {
	slot   int
	list   []event.Value
	millis bool
}

func newInLeaf(slot int, list []event.Value, millis bool) *inLeaf {
	return &inLeaf{slot, list, millis}
}

func (n *inLeaf) match(ev *event.Event) bool {
	for _, v := range ev.Values(n.slot) {
		for i := range n.list {
			if v.Kind == event.KindLong && n.list[i].Kind == event.KindLong {
				if v.N == n.list[i].N {
					return true
				}
			} else if c, ok := compareValues(v, n.list[i], n.millis); ok && c == 0 {
				return true
			}
		}
	}
	return false
}

// blocksLeaf: an address in any of several blocks, sorted and without overlaps.
type blocksLeaf struct {
	slot   int
	typed  bool // the field's type is ip
	blocks []addrRange
}

func newBlocksLeaf(slot int, typed bool, blocks []addrRange) *blocksLeaf {
	slices.SortFunc(blocks, func(a, b addrRange) int {
		if a.no4 != b.no4 { // those that need a closer look last
			if b.no4 {
				return -1
			}
			return 1
		}
		if c := cmp.Compare(a.loM, b.loM); c != 0 {
			return c
		}
		return cmp.Compare(a.loN, b.loN)
	})
	out := blocks[:0]
	for _, b := range blocks {
		if last := len(out) - 1; last >= 0 && out[last].no4 == b.no4 && !less128(out[last].hiM, out[last].hiN, b.hiM, b.hiN) {
			continue // lies in the one before, as blocks nest or are apart
		}
		out = append(out, b)
	}
	return &blocksLeaf{slot, typed, out}
}

func (n *blocksLeaf) match(ev *event.Event) bool {
	for _, v := range ev.Values(n.slot) {
		if ip, ok := addrOf(v); ok && n.contains(ip) {
			return true
		}
	}
	return false
}

func (n *blocksLeaf) contains(ip event.Value) bool {
	for i := range n.blocks {
		if n.blocks[i].contains(ip) {
			return true
		}
	}
	return false
}

// cost ranks nodes so that cheap tests run first.
func cost(n node) int {
	switch n := n.(type) {
	case *constNode:
		return 0
	case *nullLeaf:
		return 1
	case *valueLeaf, *inLeaf:
		return 2
	case *partLeaf:
		return 4
	case *textLeaf:
		if n.exact {
			return 3
		}
		return 5 + len(n.texts)/8
	case *blocksLeaf:
		return 5 + len(n.blocks)/4
	case *notNode:
		return cost(n.x)
	case *andNode:
		return sumCost(n.xs)
	case *orNode:
		return sumCost(n.xs)
	case *regexLeaf:
		return 100
	}
	return 200
}

func sumCost(xs []node) int {
	sum := 1
	for _, x := range xs {
		sum += cost(x)
	}
	return sum
}
