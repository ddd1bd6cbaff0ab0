package eql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tocsin-project/tocsin/event"
)

// Bounds of a text, so that no query can exhaust the stack.
const (
	maxText  = 4 << 20
	maxDepth = 500
)

// parser is a Pratt parser over the tokens of one text. After a fault it goes on
// behind the operand of and/or that holds it, or behind the stage, so that other
// faults show too; null stands in the tree for what could not be read.
type parser struct {
	*lexer
	at      int
	depth   int
	follow  string // what may stand behind a condition, beside and, or; "": the caller looks
	resumed int    // the token at which reading went on after a fault: that it is unexpected is no news
}

// bail is what the parser panics with to leave its recursion; it never leaves
// this package.
type bail struct{}

func newParser(text string) *parser {
	if len(text) > maxText {
		p := &parser{lexer: lex("")}
		p.add(Range{}, "query is too long: %d bytes, expected at most %d", len(text), maxText)
		return p
	}
	return &parser{lexer: lex(text), resumed: -1}
}

// run calls f and ends a bail there; its fault has been added.
func (p *parser) run(f func()) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(bail); !ok {
				panic(r)
			}
		}
	}()
	f()
}

func (p *parser) fail(r Range, format string, args ...any) {
	if p.at != p.resumed {
		p.add(r, format, args...)
	}
	panic(bail{})
}

func (p *parser) peek() token { return p.tokens[p.at] }
func (p *parser) ahead(n int) token {
	return p.tokens[min(p.at+n, len(p.tokens)-1)]
}

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != tokEOF {
		p.at++
	}
	return t
}

// last is the end of what was read.
func (p *parser) last() int {
	if p.at == 0 {
		return 0
	}
	return p.tokens[p.at-1].End
}

// unexpected reports the next token; what says what could stand there.
func (p *parser) unexpected(what string) {
	t := p.peek()
	if t.kind == tokBad {
		panic(bail{}) // the lexer has said it
	}
	if t.kind == tokEOF {
		// Behind the last token, not behind the line breaks and comments after it.
		p.fail(Range{p.last(), p.last()}, "unexpected end of query, expected %s", what)
	}
	hint := ""
	switch lower := strings.ToLower(t.val); {
	case t.kind == tokIdent && t.val != lower && isKeyword(lower):
		hint = fmt.Sprintf("; keywords are lower-case: [%s]", lower)
	case t.kind == tokIdent && isKeyword(t.val):
		hint = "; a field of that name stands in backticks: [`" + t.val + "`]"
	}
	p.fail(t.Range, "unexpected '%s', expected %s%s", p.source(t.Range), what, hint)
}

// source returns the text of a range.
func (p *parser) source(r Range) string { return p.text[r.Start:r.End] }

func (p *parser) expect(punct, what string) token {
	if !p.peek().is(punct) {
		p.unexpected(what)
	}
	return p.take()
}

func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.peek().Range, "query is nested too deeply, expected at most %d levels", maxDepth)
	}
}

// binaryOps is the operator table: precedence of what stands between two
// operands. Comparisons do not chain.
func binaryOp(t token) (op Op, prec int) {
	if t.kind != tokPunct {
		return 0, -1
	}
	switch t.val {
	case "*":
		return OpMul, precMul
	case "/":
		return OpDiv, precMul
	case "%":
		return OpMod, precMul
	case "+":
		return OpAdd, precAdd
	case "-":
		return OpSub, precAdd
	case "==", "=":
		return OpEQ, precCompare
	case "!=":
		return OpNE, precCompare
	case "<":
		return OpLT, precCompare
	case "<=":
		return OpLE, precCompare
	case ">":
		return OpGT, precCompare
	case ">=":
		return OpGE, precCompare
	}
	return 0, -1
}

func (p *parser) expr() Expr { return p.logic(true) }

// logic reads operands joined by or (and below them by and).
func (p *parser) logic(or bool) Expr {
	p.enter()
	defer func() { p.depth-- }()
	word, operand := "or", func() Expr { return p.logic(false) }
	if !or {
		word, operand = "and", p.operand
	}
	xs := []Expr{operand()}
	for p.joins(word) {
		p.take()
		xs = append(xs, operand())
	}
	if len(xs) == 1 {
		return xs[0]
	}
	return &Logic{At: Range{xs[0].Range().Start, p.last()}, Or: or, Xs: flatten(or, xs)}
}

// operand reads what and, or join, and sees that the right thing follows.
func (p *parser) operand() (x Expr) {
	start, depth, follow := p.at, p.depth, p.follow
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if _, ok := r.(bail); !ok {
			panic(r)
		}
		p.skipOperand(start)
		p.depth, p.follow = depth, follow
		x = &Literal{At: Range{p.tokens[start].Start, p.last()}}
	}()
	x = p.not()
	if t := p.peek(); p.follow != "" && !mayFollow(t) {
		p.unexpected(p.follow)
	}
	return x
}

// mayFollow reports whether the token can stand behind an operand somewhere;
// whether it can here is for the caller to say.
func mayFollow(t token) bool {
	return t.kind == tokEOF || t.is(")") || t.is("]") || t.is(",") || t.is("|") || isJoin(t)
}

func isJoin(t token) bool {
	return t.kind == tokIdent && (strings.EqualFold(t.val, "and") || strings.EqualFold(t.val, "or"))
}

// skipOperand goes behind the operand that begins at the token start. The bracket
// that closes a stage and a pipe end it whatever is open.
func (p *parser) skipOperand(start int) {
	round, square := 0, 0
	for i := start; ; i++ {
		t := p.tokens[i]
		ends := t.kind == tokEOF || t.is("|") || square == 0 && t.is("]") ||
			square == 0 && round <= 0 && mayFollow(t) && !(i == start && isJoin(t))
		if ends && i >= p.at {
			p.at, p.resumed = i, i
			return
		}
		switch {
		case t.is("("):
			round++
		case t.is(")"):
			round--
		case t.is("["):
			square++
		case t.is("]"):
			square--
		}
	}
}

// joins reports whether the word comes next. In other case it is an error, but
// what is meant is plain.
func (p *parser) joins(word string) bool {
	t := p.peek()
	if t.kind != tokIdent || !strings.EqualFold(t.val, word) {
		return false
	}
	if t.val != word {
		p.add(t.Range, "unexpected '%s', expected [%s]; keywords are lower-case", t.val, word)
	}
	return true
}

// flatten joins nested chains of the same operator: (a or b) or c is one chain.
func flatten(or bool, xs []Expr) []Expr {
	var out []Expr
	for _, x := range xs {
		if l, ok := x.(*Logic); ok && l.Or == or {
			out = append(out, l.Xs...)
		} else {
			out = append(out, x)
		}
	}
	return out
}

func (p *parser) not() Expr {
	t := p.peek()
	if !t.word("not") {
		return p.binary(precCompare)
	}
	p.enter()
	defer func() { p.depth-- }()
	p.take()
	x := p.not()
	return &Not{Range{t.Start, p.last()}, x}
}

// binary reads operands joined by operators of at least this precedence.
func (p *parser) binary(min int) Expr {
	x := p.unary()
	chain, compared := 0, false
	for {
		op, prec := binaryOp(p.peek())
		if prec < min {
			return x
		}
		if prec == precCompare && compared {
			p.unexpected("[and], [or] or the end of the comparison: comparisons do not chain")
		}
		if chain++; chain > 10*maxDepth {
			p.fail(p.peek().Range, "query is nested too deeply, expected at most %d operators in a row", 10*maxDepth)
		}
		t := p.take()
		if t.is("=") { // what is meant is plain: go on
			p.add(t.Range, "unexpected '=', expected an operator; equality is written [==]")
		}
		y := p.binary(prec + 1)
		r := Range{x.Range().Start, p.last()}
		if prec == precCompare {
			compared = true
			x = &Compare{At: r, OpRange: t.Range, Op: op, X: x, Y: y}
		} else {
			x = &Arith{At: r, Op: op, X: x, Y: y}
		}
	}
}

func (p *parser) unary() Expr {
	t := p.peek()
	if !t.is("-") && !t.is("+") {
		return p.predicate(p.primary())
	}
	p.enter()
	defer func() { p.depth-- }()
	p.take()
	x := p.unary()
	if t.is("+") {
		return x
	}
	return &Neg{Range{t.Start, p.last()}, x}
}

// predicate reads : like regex in behind a primary expression.
func (p *parser) predicate(x Expr) Expr {
	t := p.peek()
	negated := t.word("not")
	if negated {
		t = p.ahead(1)
	}
	op, fold, ok := predicateOp(t)
	if !ok {
		return x
	}
	if negated {
		p.take()
		if op != OpIn {
			p.fail(Range{p.tokens[p.at-1].Start, t.End}, "unexpected 'not', expected [in] or [in~] behind it; write [not] before the whole comparison: [not x %s …]", t.val)
		}
	}
	p.take()
	m := &Match{OpRange: t.Range, Op: op, Fold: fold, Negated: negated, X: x}
	if op == OpIn {
		p.expect("(", "a list in parentheses")
		m.List = p.list(p.element)
	} else if p.peek().is("(") {
		p.take()
		m.List = p.list(p.constant)
	} else {
		m.List = []Expr{p.constant()}
	}
	m.At = Range{x.Range().Start, p.last()}
	if next, _, again := predicateOp(p.peek()); again {
		p.unexpected(fmt.Sprintf("[and], [or] or the end of the comparison: [%s] does not chain", next))
	}
	return m
}

func predicateOp(t token) (op Op, fold, ok bool) {
	switch {
	case t.is(":"):
		return OpSeq, true, true
	case t.kind != tokIdent && t.kind != tokTilde:
		return 0, false, false
	}
	switch t.val {
	case "like":
		return OpLike, t.kind == tokTilde, true
	case "regex":
		return OpRegex, t.kind == tokTilde, true
	case "in":
		return OpIn, t.kind == tokTilde, true
	}
	return 0, false, false
}

// list reads elements up to the closing parenthesis.
func (p *parser) list(element func() Expr) []Expr {
	var out []Expr
	for {
		out = append(out, p.before("[,] or [)]", element))
		if p.peek().is(",") {
			p.take()
			continue
		}
		p.expect(")", "[,] or [)]")
		return out
	}
}

func (p *parser) element() Expr {
	if p.peek().is(")") {
		p.unexpected("at least one value in the list")
	}
	return p.expr()
}

// constant reads what may stand on the right of : like regex.
func (p *parser) constant() Expr {
	switch t := p.peek(); {
	case t.kind == tokString, t.kind == tokInt, t.kind == tokFloat, t.word("true"), t.word("false"), t.word("null"):
		return p.primary()
	}
	p.unexpected("a constant string")
	return nil
}

func (p *parser) primary() Expr {
	t := p.peek()
	switch {
	case t.kind == tokString:
		p.take()
		return &Literal{At: t.Range, Value: event.Text(t.val), Raw: t.raw}
	case t.kind == tokInt, t.kind == tokFloat:
		p.take()
		return &Literal{At: t.Range, Value: numberValue(t), Text: t.val}
	case t.word("true"), t.word("false"):
		p.take()
		return &Literal{At: t.Range, Value: event.Bool(t.val == "true")}
	case t.word("null"):
		p.take()
		return &Literal{At: t.Range}
	case t.is("("):
		return p.parenthesised()
	case t.is("?"):
		return p.field()
	case t.kind == tokTilde, t.kind == tokIdent && p.ahead(1).is("(") && !isKeyword(t.val):
		return p.call()
	case t.kind == tokIdent && p.ahead(1).word("of") && (t.val == "child" || t.val == "descendant" || t.val == "event"):
		p.fail(Range{t.Start, p.ahead(1).End}, "Process relationships are not supported: use a sequence joined by process.entity_id and process.parent.entity_id")
	case t.kind == tokIdent && !isKeyword(t.val), t.kind == tokQuoted:
		return p.field()
	}
	p.unexpected("a field, a constant, a function or [(]")
	return nil
}

func (p *parser) parenthesised() Expr {
	p.enter()
	defer func() { p.depth-- }()
	p.take()
	x := p.before("[)]", p.expr)
	p.expect(")", "[)]")
	return x
}

// before reads with another p.follow.
func (p *parser) before(follow string, read func() Expr) Expr {
	outer := p.follow
	p.follow = follow
	x := read()
	p.follow = outer // after a fault, operand does it
	return x
}

func numberValue(t token) event.Value {
	if t.kind == tokInt {
		if n, err := strconv.ParseInt(t.val, 10, 64); err == nil {
			return event.Long(n)
		}
		if n, err := strconv.ParseUint(t.val, 10, 64); err == nil {
			return event.ULong(n)
		}
	}
	f, _ := strconv.ParseFloat(t.val, 64) // out of range gives an infinity
	return event.Double(f)
}

func (p *parser) call() Expr {
	p.enter()
	defer func() { p.depth-- }()
	t := p.take()
	c := &Call{Name: t.val, Fold: t.kind == tokTilde}
	p.expect("(", "[(] with the function's arguments")
	if p.peek().is(")") {
		p.take()
	} else {
		c.Args = p.list(p.expr)
	}
	c.At = Range{t.Start, p.last()}
	return c
}

// field reads a column's name: parts joined by dots, ? before it.
func (p *parser) field() *Field {
	f := &Field{}
	start := p.peek().Start
	if p.peek().is("?") {
		p.take()
		f.Optional = true
	}
	for {
		t := p.peek()
		ok := t.kind == tokQuoted || t.kind == tokIdent && (len(f.Parts) > 0 || !isKeyword(t.val))
		if !ok || t.val == "" {
			p.unexpected("a field name")
		}
		p.take()
		f.Parts = append(f.Parts, t.val)
		if p.peek().is("[") && p.ahead(1).kind == tokInt {
			p.fail(Range{start, p.ahead(2).End}, "Array indexes are not supported: a comparison holds if any value of the field matches")
		}
		if !p.peek().is(".") {
			break
		}
		p.take()
	}
	f.Name = strings.Join(f.Parts, ".")
	f.At = Range{start, p.last()}
	return f
}
