package eql

import (
	"github.com/tocsin-project/tocsin/event"
)

// Folding rewrites a checked expression from the leaves up. Each rule is one
// small function that returns its replacement, or nil if it does not apply.
// Their order: what is constant first, so that the rules below see literals;
// constants to the right before the rules that look for them there.
func (c *compiler) rules() []func(Expr) Expr {
	return []func(Expr) Expr{
		c.foldUnmapped,
		c.foldNullArgument,
		c.foldConstant,
		constantRight,
		equalsBoolean,
		simplifyLogic,
		doubleNot,
	}
}

// fold returns the folded expression; e itself is not changed.
func (c *compiler) fold(e Expr) Expr {
	e = c.foldChildren(e)
	for _, rule := range c.rules() {
		if r := rule(e); r != nil {
			e = r
		}
	}
	return e
}

func (c *compiler) foldChildren(e Expr) Expr {
	switch n := e.(type) {
	case *Neg:
		return &Neg{n.At, c.fold(n.X)}
	case *Not:
		return &Not{n.At, c.fold(n.X)}
	case *Arith:
		m := *n
		m.X, m.Y = c.fold(n.X), c.fold(n.Y)
		return &m
	case *Compare:
		m := *n
		m.X, m.Y = c.fold(n.X), c.fold(n.Y)
		return &m
	case *Match:
		m := *n
		m.X, m.List = c.fold(n.X), c.foldAll(n.List)
		return &m
	case *Logic:
		m := *n
		m.Xs = flatten(n.Or, c.foldAll(n.Xs))
		return &m
	case *Call:
		m := *n
		m.Args = c.foldAll(n.Args)
		return &m
	}
	return e
}

func (c *compiler) foldAll(in []Expr) []Expr {
	out := make([]Expr, len(in))
	for i, x := range in {
		out[i] = c.fold(x)
	}
	return out
}

// foldUnmapped: an optional field that no mapping holds is null.
func (c *compiler) foldUnmapped(e Expr) Expr {
	if f, ok := e.(*Field); ok && c.unmapped(f) {
		return &Literal{At: f.At}
	}
	return nil
}

// foldConstant: an expression over constants is its value.
func (c *compiler) foldConstant(e Expr) Expr {
	if _, ok := e.(*Literal); ok {
		return nil
	}
	if _, ok := e.(*Field); ok {
		return nil
	}
	for _, x := range children(e) {
		if _, ok := x.(*Literal); !ok {
			return nil
		}
	}
	s := scope{}
	v := c.script(e, nil).eval(&s)
	if s.fault != "" {
		c.add(e.Range(), "cannot compute [%s]: %s", c.src(e), s.fault)
	}
	return &Literal{At: e.Range(), Value: v}
}

// foldNullArgument: what is null whenever an operand is null, is null.
// Equality with a null asks whether there is a value; it stays.
func (c *compiler) foldNullArgument(e Expr) Expr {
	null := false
	switch n := e.(type) {
	case *Neg, *Arith, *Not:
		for _, x := range children(e) {
			null = null || isNull(x)
		}
	case *Compare:
		null = n.Op != OpEQ && n.Op != OpNE && (isNull(n.X) || isNull(n.Y))
	case *Match:
		null = isNull(n.X)
	case *Call:
		f := lookupFunction(n.Name)
		for i, x := range n.Args {
			null = null || isNull(x) && (f.nulls || i == 0)
		}
	}
	if null {
		return &Literal{At: e.Range()}
	}
	return nil
}

// constantRight: 0 <= x is x >= 0.
func constantRight(e Expr) Expr {
	n, ok := e.(*Compare)
	if !ok {
		return nil
	}
	if _, left := n.X.(*Literal); !left {
		return nil
	}
	m := *n
	m.X, m.Y = n.Y, n.X
	switch n.Op {
	case OpLT:
		m.Op = OpGT
	case OpLE:
		m.Op = OpGE
	case OpGT:
		m.Op = OpLT
	case OpGE:
		m.Op = OpLE
	}
	return &m
}

// equalsBoolean: f(x) == true is f(x), and f(x) == false is not f(x), for
// everything but fields (Elasticsearch's BooleanFunctionEqualsElimination).
func equalsBoolean(e Expr) Expr {
	n, ok := e.(*Compare)
	if !ok || n.Op != OpEQ && n.Op != OpNE {
		return nil
	}
	lit, ok := n.Y.(*Literal)
	if !ok || lit.Value.Kind != event.KindBool || !isBoolean(n.X) {
		return nil
	}
	if (lit.Value.N != 0) == (n.Op == OpEQ) {
		return n.X
	}
	return &Not{n.At, n.X}
}

// isBoolean reports whether an expression, other than a field, is a test.
func isBoolean(e Expr) bool {
	switch n := e.(type) {
	case *Compare, *Match, *Logic, *Not:
		return true
	case *Call:
		return lookupFunction(n.Name).result == tBool
	}
	return false
}

// simplifyLogic: x and true is x, x and false is false; x or false is x, x or
// true is true. A null among them stays a leaf of its own.
func simplifyLogic(e Expr) Expr {
	n, ok := e.(*Logic)
	if !ok {
		return nil
	}
	var rest []Expr
	for _, x := range n.Xs {
		lit, ok := x.(*Literal)
		switch {
		case !ok || lit.Value.Kind != event.KindBool:
			rest = append(rest, x)
		case (lit.Value.N != 0) == n.Or:
			return lit
		}
	}
	switch len(rest) {
	case 0:
		return &Literal{At: n.At, Value: event.Bool(!n.Or)}
	case 1:
		return rest[0]
	}
	return &Logic{n.At, n.Or, rest}
}

// doubleNot: not not x is x.
func doubleNot(e Expr) Expr {
	if n, ok := e.(*Not); ok {
		if m, ok := n.X.(*Not); ok {
			return m.X
		}
	}
	return nil
}
