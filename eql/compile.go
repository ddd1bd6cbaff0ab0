package eql

import (
	"slices"

	"github.com/tocsin-project/tocsin/eql/pattern"
	"github.com/tocsin-project/tocsin/event"
)

// node is a part of a compiled condition: yes or no for an event.
type node interface {
	match(ev *event.Event) bool
}

// compiler turns checked expressions into nodes.
type compiler struct {
	checker
	scopes *scopes
}

func newCompiler(text string, env *Env) *compiler {
	return &compiler{checker: checker{errs: errs{text: text}, env: env}, scopes: &scopes{}}
}

type (
	constNode struct{ v bool }
	andNode   struct{ xs []node }
	orNode    struct{ xs []node }
	notNode   struct{ x node }
)

func (n *constNode) match(*event.Event) bool { return n.v }

func (n *andNode) match(ev *event.Event) bool {
	for _, x := range n.xs {
		if !x.match(ev) {
			return false
		}
	}
	return true
}

func (n *orNode) match(ev *event.Event) bool {
	for _, x := range n.xs {
		if x.match(ev) {
			return true
		}
	}
	return false
}

func (n *notNode) match(ev *event.Event) bool { return !n.x.match(ev) }

// compile turns a folded boolean expression into nodes: two-valued logic over leaves.
func (c *compiler) compile(e Expr) node {
	switch n := e.(type) {
	case *Literal:
		return &constNode{n.Value.Kind == event.KindBool && n.Value.N != 0}
	case *Logic:
		xs := make([]node, len(n.Xs))
		for i, x := range n.Xs {
			xs[i] = c.compile(x)
		}
		slices.SortStableFunc(xs, func(a, b node) int { return cost(a) - cost(b) })
		if n.Or {
			return &orNode{xs}
		}
		return &andNode{xs}
	case *Not:
		return &notNode{c.compile(n.X)}
	case *Compare:
		if n.Op == OpNE {
			m := *n
			m.Op = OpEQ
			return &notNode{c.compile(&m)}
		}
	case *Match:
		if n.Negated {
			m := *n
			m.Negated = false
			return &notNode{c.compile(&m)}
		}
	}
	if leaf := c.leaf(e); leaf != nil {
		return leaf
	}
	return c.scriptLeaf(e)
}

// leaf compiles a test of one field, or returns nil.
func (c *compiler) leaf(e Expr) node {
	switch n := e.(type) {
	case *Field:
		return &valueLeaf{slot: c.slot(n), op: OpEQ, v: event.Bool(true)}
	case *Compare:
		if f, ok := n.X.(*Field); ok {
			if lit, ok := n.Y.(*Literal); ok {
				return c.compareLeaf(f, n.Op, lit.Value)
			}
		}
	case *Match:
		if f, ok := n.X.(*Field); ok {
			return c.matchLeaf(f, n)
		}
	case *Call:
		return c.callLeaf(n)
	}
	return nil
}

func (c *compiler) slot(f *Field) int { return c.env.Schema.Slot(f.Name) }

func (c *compiler) compareLeaf(f *Field, op Op, v event.Value) node {
	slot := c.slot(f)
	if v.Kind == event.KindNull {
		return &nullLeaf{slot}
	}
	switch t := c.typeOf(f); {
	case t == tIP && v.Kind == event.KindText:
		r, _ := parseBlock(v.S)
		if op == OpEQ {
			return newBlocksLeaf(slot, true, []addrRange{r})
		}
		return &valueLeaf{slot: slot, op: op, v: event.Value{Kind: event.KindIP, M: r.loM, N: r.loN}}
	case op == OpEQ && v.Kind == event.KindText && (t == tText || t == tDynamic):
		return &textLeaf{slot: slot, set: pattern.NewExactSet([]string{v.S}), texts: []string{v.S}, exact: true}
	}
	return &valueLeaf{slot: slot, op: op, v: c.constFor(f, v), millis: c.field(f).Type == event.Date}
}

// constFor reads a constant as the type of the field that it is compared with.
func (c *compiler) constFor(f *Field, v event.Value) event.Value {
	switch t := c.typeOf(f); {
	case t == tDate && (v.Kind == event.KindText || isNumber(v)),
		t == tVersion && v.Kind == event.KindText:
		if out, ok := c.field(f).Convert(v); ok {
			return out
		}
	}
	return v
}

// literals returns the constants of a list as they are.
func literals(list []Expr) []event.Value {
	out := make([]event.Value, 0, len(list))
	for _, x := range list {
		if l, ok := x.(*Literal); ok {
			out = append(out, l.Value)
		}
	}
	return out
}

// texts returns the strings of a list, folded if asked.
func texts(list []Expr, fold func(string) string) []string {
	out := make([]string, 0, len(list))
	for _, v := range literals(list) {
		if v.Kind == event.KindText {
			out = append(out, fold(v.S))
		}
	}
	return out
}

func asIs(s string) string { return s }

func foldText(s string) string { return string(appendFold(nil, s)) }

func (c *compiler) matchLeaf(f *Field, n *Match) node {
	slot := c.slot(f)
	fold := asIs
	if n.Fold {
		fold = event.FoldASCII
	}
	switch n.Op {
	case OpRegex:
		return &regexLeaf{slot: slot, re: c.compileRegex(n, false), fold: n.Fold}
	case OpIn:
		return c.inLeaf(f, n, fold)
	}
	list := texts(n.List, fold)
	return &textLeaf{slot: slot, set: pattern.NewSet(list), texts: list, fold: n.Fold}
}

func (c *compiler) compileRegex(n *Match, java bool) *pattern.Regex {
	re, err := pattern.NewRegex(texts(n.List, asIs), pattern.Options{Fold: n.Fold, Java: java})
	if err != nil {
		c.add(n.List[0].Range(), "cannot read regular expression: %s", err)
	}
	return re
}

// inLeaf compiles a list of values of one family.
func (c *compiler) inLeaf(f *Field, n *Match, fold func(string) string) node {
	slot := c.slot(f)
	list := literals(n.List)
	list = slices.DeleteFunc(list, func(v event.Value) bool { return v.Kind == event.KindNull })
	if len(list) == 0 {
		return &constNode{false}
	}
	switch t := c.typeOf(f); {
	case list[0].Kind == event.KindText && (t == tText || t == tDynamic):
		words := texts(n.List, fold)
		return &textLeaf{slot: slot, set: pattern.NewExactSet(words), texts: words, fold: n.Fold, exact: true}
	case t == tIP:
		var blocks []addrRange
		for _, v := range list {
			if r, ok := parseBlock(v.S); ok {
				blocks = append(blocks, r)
			}
		}
		return newBlocksLeaf(slot, true, blocks)
	}
	for i := range list {
		list[i] = c.constFor(f, list[i])
	}
	return newInLeaf(slot, list, c.field(f).Type == event.Date)
}

// callLeaf compiles a boolean function of one field and constants. Its ~ form
// on a field folds ASCII only, as Lucene's queries do.
func (c *compiler) callLeaf(n *Call) node {
	f, ok := n.Args[0].(*Field)
	if !ok {
		return nil
	}
	rest := literals(n.Args[1:])
	if len(rest) != len(n.Args)-1 || len(rest) == 0 {
		return nil
	}
	name := lookupFunction(n.Name).name
	if name == "cidrMatch" {
		var blocks []addrRange
		for _, v := range rest {
			if r, ok := parseBlock(v.S); ok {
				blocks = append(blocks, r)
			}
		}
		return newBlocksLeaf(c.slot(f), c.typeOf(f) == tIP, blocks)
	}
	if c.typeOf(f)&(tText|tDynamic) == 0 {
		return nil
	}
	text := rest[0].S
	if n.Fold {
		text = event.FoldASCII(text)
	}
	leaf := &partLeaf{slot: c.slot(f), text: text, fold: n.Fold}
	switch name {
	case "startsWith":
		leaf.op = Prefix
	case "endsWith":
		leaf.op = Suffix
	case "stringContains":
		leaf.op = Contains
	default:
		return nil
	}
	return leaf
}

// scriptLeaf compiles everything else.
func (c *compiler) scriptLeaf(e Expr) node {
	var fields []*Field
	walk(e, func(x Expr) {
		if f, ok := x.(*Field); ok && !slices.ContainsFunc(fields, func(g *Field) bool { return g.Name == f.Name }) {
			fields = append(fields, f)
		}
	})
	n := &script{scopes: c.scopes, root: c.script(e, fields)}
	for _, f := range fields {
		n.slots = append(n.slots, c.slot(f))
	}
	return n
}

// script compiles an expression to evaluators; fields gives the order of the
// bindings.
func (c *compiler) script(e Expr, fields []*Field) evaluator {
	sub := func(x Expr) evaluator { return c.script(x, fields) }
	all := func(xs []Expr) []evaluator {
		out := make([]evaluator, len(xs))
		for i, x := range xs {
			out[i] = sub(x)
		}
		return out
	}
	switch n := e.(type) {
	case *Literal:
		return &constEval{n.Value}
	case *Field:
		return &fieldEval{slices.IndexFunc(fields, func(g *Field) bool { return g.Name == n.Name })}
	case *Neg:
		return &negEval{sub(n.X)}
	case *Arith:
		return &arithEval{n.Op, sub(n.X), sub(n.Y)}
	case *Not:
		return &notEval{sub(n.X)}
	case *Logic:
		return &logicEval{n.Or, all(n.Xs)}
	case *Call:
		return &callEval{lookupFunction(n.Name), n.Fold, all(n.Args)}
	case *Compare:
		return c.scriptCompare(n, sub)
	case *Match:
		m := c.scriptMatch(n, sub)
		if n.Negated {
			return &notEval{m}
		}
		return m
	}
	return &constEval{}
}

func (c *compiler) scriptCompare(n *Compare, sub func(Expr) evaluator) evaluator {
	x, y := n.X, n.Y
	if isNull(x) {
		x, y = y, x
	}
	if isNull(y) && n.Op == OpEQ {
		return &nullEval{sub(x)}
	}
	if isNull(y) && n.Op == OpNE {
		return &notEval{&nullEval{sub(x)}}
	}
	out := &compareEval{op: n.Op, x: sub(n.X), y: sub(n.Y)}
	f, isField := n.X.(*Field)
	lit, isLit := n.Y.(*Literal)
	if !isField || !isLit {
		return out
	}
	if c.typeOf(f) == tIP && lit.Value.Kind == event.KindText {
		r, _ := parseBlock(lit.Value.S)
		switch block := (&blockEval{out.x, []addrRange{r}}); n.Op {
		case OpEQ:
			return block
		case OpNE:
			return &notEval{block}
		}
		out.y = &constEval{event.Value{Kind: event.KindIP, M: r.loM, N: r.loN}}
		return out
	}
	out.y = &constEval{c.constFor(f, lit.Value)}
	out.date = c.field(f).Type == event.Date
	return out
}

// scriptMatch compiles a predicate on a computed value: the case of all letters
// folds, and regular expressions are Java's (SEMANTICS §4).
func (c *compiler) scriptMatch(n *Match, sub func(Expr) evaluator) evaluator {
	x := sub(n.X)
	switch n.Op {
	case OpRegex:
		return &regexEval{x, c.compileRegex(n, true)}
	case OpIn:
		return c.scriptIn(n, x)
	}
	fold := asIs
	if n.Fold {
		fold = foldText
	}
	return &textEval{x, pattern.NewSet(texts(n.List, fold)), n.Fold}
}

func (c *compiler) scriptIn(n *Match, x evaluator) evaluator {
	in := &inEval{x: x, list: literals(n.List), fold: n.Fold}
	in.null = slices.ContainsFunc(in.list, func(v event.Value) bool { return v.Kind == event.KindNull })
	f, ok := n.X.(*Field)
	if !ok {
		return in
	}
	if c.typeOf(f) == tIP {
		block := &blockEval{x: x}
		for _, v := range in.list {
			if r, ok := parseBlock(v.S); ok {
				block.blocks = append(block.blocks, r)
			}
		}
		return block
	}
	for i, v := range in.list {
		in.list[i] = c.constFor(f, v)
	}
	return in
}
