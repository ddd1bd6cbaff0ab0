package eql

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tocsin-project/tocsin/event"
)

// Node is a part of a query. It knows the piece of the text that it was read
// from and prints itself back in canonical form: what is printed parses to the
// same tree.
type Node interface {
	Range() Range
	String() string
}

// Expr is a node that has a value. The set is closed: Literal, Field, Neg,
// Arith, Compare, Match, Logic, Not, Call.
type Expr interface {
	Node
	print(p *printer, prec int)
}

// Op is an operator of Arith, Compare or Match.
type Op uint8

// The operators.
const (
	OpAdd Op = iota
	OpSub
	OpMul
	OpDiv
	OpMod
	OpEQ
	OpNE
	OpLT
	OpLE
	OpGT
	OpGE
	OpSeq   // :
	OpLike  // like, like~
	OpRegex // regex, regex~
	OpIn    // in, in~
)

var opText = [...]string{"+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", ":", "like", "regex", "in"}

func (o Op) String() string { return opText[o] }

// Literal is a constant: null, a boolean, a number or a string.
type Literal struct {
	At    Range
	Value event.Value
	Text  string // a number as written
	Raw   bool   // a string written """…"""
}

// Field names a column. Optional is the ? before it.
type Field struct {
	At       Range
	Name     string   // dotted, without backticks
	Parts    []string // the name as it was split by dots outside backticks
	Optional bool
}

// Neg is unary minus.
type Neg struct {
	At Range
	X  Expr
}

// Arith is X Op Y with + - * / %.
type Arith struct {
	At   Range
	Op   Op
	X, Y Expr
}

// Compare is X Op Y with == != < <= > >=.
type Compare struct {
	At      Range
	OpRange Range
	Op      Op
	X, Y    Expr
}

// Match is a predicate with a list: X : (…), X like (…), X regex (…), X in (…).
type Match struct {
	At      Range
	OpRange Range
	Op      Op
	Fold    bool // the ~ form; always true for :
	Negated bool // not in
	X       Expr
	List    []Expr
}

// Logic is a chain of two or more operands joined by and, or by or.
type Logic struct {
	At Range
	Or bool
	Xs []Expr
}

// Not is logical negation.
type Not struct {
	At Range
	X  Expr
}

// Call is a function applied to arguments.
type Call struct {
	At   Range
	Name string // as written, without ~
	Fold bool   // the ~ form
	Args []Expr
}

// Range returns the piece of the text.
func (n *Literal) Range() Range { return n.At }

// Range returns the piece of the text.
func (n *Field) Range() Range { return n.At }

// Range returns the piece of the text.
func (n *Neg) Range() Range { return n.At }

// Range returns the piece of the text.
func (n *Arith) Range() Range { return n.At }

// Range returns the piece of the text.
func (n *Compare) Range() Range { return n.At }

// Range returns the piece of the text.
func (n *Match) Range() Range { return n.At }

// Range returns the piece of the text.
func (n *Logic) Range() Range { return n.At }

// Range returns the piece of the text.
func (n *Not) Range() Range { return n.At }

// Range returns the piece of the text.
func (n *Call) Range() Range { return n.At }

// Kind is the kind of a query.
type Kind uint8

// The kinds of queries.
const (
	Event Kind = iota
	Sequence
	Sample
)

func (k Kind) String() string { return [...]string{"event", "sequence", "sample"}[k] }

// Query is a whole statement.
type Query struct {
	At      Range
	Kind    Kind
	By      []*Field // global join keys
	MaxSpan *Span    // nil without one
	Steps   []*Step  // one for an event query; with runs not yet expanded
	Until   *Step    // nil without one
	Pipes   []*PipeNode
}

// Span is the maxspan of a sequence, as written.
type Span struct {
	At   Range
	N    int64
	Unit string // ms s m h d
}

// Step is an event query: one stage of a sequence or sample, or the whole
// statement.
type Step struct {
	At       Range
	Category string // empty for any
	Any      bool
	Quoted   bool // the category was written as a string
	Cond     Expr
	Missing  bool // ![…]
	By       []*Field
	Runs     int // 1 if not given
	RunsAt   Range
	catRange Range
}

// PipeNode is | head N or | tail N as written.
type PipeNode struct {
	At   Range
	Name string
	Arg  Expr
}

// Range returns the piece of the text.
func (q *Query) Range() Range { return q.At }

// Range returns the piece of the text.
func (s *Step) Range() Range { return s.At }

// precedences for printing, weak to strong.
const (
	precOr = iota
	precAnd
	precNot
	precCompare
	precAdd
	precMul
	precUnary
	precPrimary
)

type printer struct {
	strings.Builder
	canonical bool // for Predicate.String: lists sorted, text folded where case does not count
}

func (p *printer) open(need bool) func() {
	if !need {
		return func() {}
	}
	p.WriteByte('(')
	return func() { p.WriteByte(')') }
}

func exprString(e Expr) string {
	var p printer
	e.print(&p, precOr)
	return p.String()
}

func (n *Literal) String() string { return exprString(n) }
func (n *Field) String() string   { return exprString(n) }
func (n *Neg) String() string     { return exprString(n) }
func (n *Arith) String() string   { return exprString(n) }
func (n *Compare) String() string { return exprString(n) }
func (n *Match) String() string   { return exprString(n) }
func (n *Logic) String() string   { return exprString(n) }
func (n *Not) String() string     { return exprString(n) }
func (n *Call) String() string    { return exprString(n) }

func (n *Literal) print(p *printer, prec int) {
	switch {
	case n.Text != "":
		p.WriteString(n.Text)
	case n.Value.Kind == event.KindText && n.Raw && !p.canonical && rawPrintable(n.Value.S):
		p.WriteString(`"""` + n.Value.S + `"""`)
	case n.Value.Kind == event.KindText:
		writeQuoted(p, n.Value.S)
	default:
		text := constText(n.Value)
		defer p.open(prec > precUnary && strings.HasPrefix(text, "-"))()
		p.WriteString(text)
	}
}

// constText prints a constant that is no string.
func constText(v event.Value) string {
	switch v.Kind {
	case event.KindNull:
		return "null"
	case event.KindBool:
		return strconv.FormatBool(v.N != 0)
	case event.KindLong:
		return strconv.FormatInt(int64(v.N), 10)
	case event.KindULong:
		return strconv.FormatUint(v.N, 10)
	case event.KindDouble:
		return doubleText(math.Float64frombits(v.N))
	}
	return v.S
}

// doubleText prints a double as the language reads it back.
func doubleText(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".eIN") {
		s += ".0"
	}
	return s
}

// rawPrintable reports whether """s""" reads back as s.
func rawPrintable(s string) bool {
	return !strings.Contains(s, `"""`) && !strings.ContainsAny(s, "\r\n") && !strings.HasPrefix(s, `"`)
}

func writeQuoted(p *printer, s string) {
	p.WriteByte('"')
	for i, r := range s {
		switch r {
		case '"', '\\':
			p.WriteByte('\\')
			p.WriteRune(r)
		case '\n':
			p.WriteString(`\n`)
		case '\r':
			p.WriteString(`\r`)
		case '\t':
			p.WriteString(`\t`)
		case '\b':
			p.WriteString(`\b`)
		case '\f':
			p.WriteString(`\f`)
		case unicode.ReplacementChar:
			_, n := utf8.DecodeRuneInString(s[i:])
			p.WriteString(s[i : i+n]) // keeps bytes that are no UTF-8
		default:
			if unicode.IsGraphic(r) || r == 0 { // a null has no escape
				p.WriteRune(r)
			} else {
				fmt.Fprintf(p, `\u{%04x}`, r)
			}
		}
	}
	p.WriteByte('"')
}

func (n *Field) print(p *printer, _ int) {
	if n.Optional && !p.canonical {
		p.WriteByte('?')
	}
	for i, part := range n.Parts {
		if i > 0 {
			p.WriteByte('.')
		}
		if plainName(part) && (i > 0 || !isKeyword(part)) {
			p.WriteString(part)
		} else {
			p.WriteString("`" + strings.ReplaceAll(part, "`", "``") + "`")
		}
	}
}

// plainName reports whether a name needs no backticks.
func plainName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isLetter(s[i]) && !(i > 0 && isDigit(s[i])) || i > 0 && s[i] == '@' {
			return false
		}
	}
	return s != ""
}

func isKeyword(s string) bool {
	switch s {
	case "and", "any", "by", "false", "in", "like", "maxspan", "not", "null", "of", "or",
		"regex", "runs", "sample", "sequence", "true", "until", "where", "with":
		return true
	}
	return false
}

func (n *Neg) print(p *printer, prec int) {
	defer p.open(prec > precUnary)()
	p.WriteByte('-')
	n.X.print(p, precPrimary)
}

func (n *Arith) print(p *printer, prec int) {
	own := precMul
	if n.Op == OpAdd || n.Op == OpSub {
		own = precAdd
	}
	defer p.open(prec > own)()
	n.X.print(p, own)
	p.WriteString(" " + n.Op.String() + " ")
	n.Y.print(p, own+1)
}

func (n *Compare) print(p *printer, prec int) {
	defer p.open(prec > precCompare)()
	n.X.print(p, precAdd)
	p.WriteString(" " + n.Op.String() + " ")
	n.Y.print(p, precAdd)
}

func (n *Match) print(p *printer, prec int) {
	defer p.open(prec > precCompare)()
	n.X.print(p, precPrimary)
	if n.Negated {
		p.WriteString(" not")
	}
	if p.canonical && n.Op == OpSeq {
		p.WriteString(" like~ ")
	} else {
		p.WriteString(" " + n.Op.String())
		if n.Fold && n.Op != OpSeq {
			p.WriteByte('~')
		}
		p.WriteByte(' ')
	}
	if p.canonical {
		n.canonicalList(p)
		return
	}
	if len(n.List) == 1 && n.Op != OpIn {
		n.List[0].print(p, precPrimary)
		return
	}
	n.printList(p)
}

// canonicalList prints the elements sorted, without repeats, and folded.
func (n *Match) canonicalList(p *printer) {
	fold := event.FoldASCII
	if _, ok := n.X.(*Field); !ok {
		fold = foldText
	}
	var out []string
	for _, x := range n.List {
		if l, ok := x.(*Literal); ok && l.Value.Kind == event.KindText && n.Fold && n.Op != OpRegex {
			x = &Literal{Value: event.Text(fold(l.Value.S))}
		}
		out = append(out, canonical(x))
	}
	slices.Sort(out)
	p.WriteString("(" + strings.Join(slices.Compact(out), ", ") + ")")
}

func canonical(e Expr) string {
	p := printer{canonical: true}
	e.print(&p, precOr)
	return p.String()
}

func (n *Match) printList(p *printer) {
	p.WriteByte('(')
	for i, x := range n.List {
		if i > 0 {
			p.WriteString(", ")
		}
		x.print(p, precOr)
	}
	p.WriteByte(')')
}

func (n *Logic) print(p *printer, prec int) {
	own, word := precAnd, " and "
	if n.Or {
		own, word = precOr, " or "
	}
	defer p.open(prec > own)()
	if p.canonical {
		out := make([]string, len(n.Xs))
		for i, x := range n.Xs {
			sub := printer{canonical: true}
			x.print(&sub, own+1)
			out[i] = sub.String()
		}
		slices.Sort(out)
		p.WriteString(strings.Join(slices.Compact(out), word))
		return
	}
	for i, x := range n.Xs {
		if i > 0 {
			p.WriteString(word)
		}
		if and, ok := x.(*Logic); ok && n.Or && !and.Or {
			x.print(p, precNot) // (a and b) or c: parentheses for the reader
			continue
		}
		x.print(p, own+1)
	}
}

func (n *Not) print(p *printer, prec int) {
	defer p.open(prec > precNot)()
	p.WriteString("not ")
	n.X.print(p, precNot)
}

func (n *Call) print(p *printer, _ int) {
	if p.canonical {
		p.WriteString(strings.ToLower(n.Name))
	} else {
		p.WriteString(n.Name)
	}
	if n.Fold {
		p.WriteByte('~')
	}
	p.WriteByte('(')
	for i, a := range n.Args {
		if i > 0 {
			p.WriteString(", ")
		}
		a.print(p, precOr)
	}
	p.WriteByte(')')
}

// String prints the statement on one line.
func (q *Query) String() string {
	var p printer
	if q.Kind != Event {
		p.WriteString(q.Kind.String())
		printKeys(&p, q.By)
		if q.MaxSpan != nil {
			fmt.Fprintf(&p, " with maxspan=%d%s", q.MaxSpan.N, q.MaxSpan.Unit)
		}
		p.WriteByte(' ')
	}
	for i, s := range q.Steps {
		if i > 0 {
			p.WriteByte(' ')
		}
		s.print(&p, q.Kind != Event)
	}
	if q.Until != nil {
		p.WriteString(" until ")
		q.Until.print(&p, true)
	}
	for _, pipe := range q.Pipes {
		p.WriteString(" | " + pipe.Name + " ")
		pipe.Arg.print(&p, precOr)
	}
	return p.String()
}

// String prints the event query, with its brackets if it has keys or runs.
func (s *Step) String() string {
	var p printer
	s.print(&p, s.Missing || len(s.By) > 0 || s.Runs > 1)
	return p.String()
}

func (s *Step) print(p *printer, brackets bool) {
	if brackets {
		if s.Missing {
			p.WriteByte('!')
		}
		p.WriteByte('[')
	}
	switch {
	case s.Any:
		p.WriteString("any")
	case plainName(s.Category) && !isKeyword(s.Category):
		p.WriteString(s.Category)
	default:
		writeQuoted(p, s.Category)
	}
	p.WriteString(" where ")
	s.Cond.print(p, precOr)
	if !brackets {
		return
	}
	p.WriteByte(']')
	printKeys(p, s.By)
	if s.Runs > 1 {
		fmt.Fprintf(p, " with runs=%d", s.Runs)
	}
}

func printKeys(p *printer, keys []*Field) {
	for i, k := range keys {
		if i == 0 {
			p.WriteString(" by ")
		} else {
			p.WriteString(", ")
		}
		k.print(p, precPrimary)
	}
}

// walk calls f for e and everything below it, outside in.
func walk(e Expr, f func(Expr)) {
	f(e)
	for _, c := range children(e) {
		walk(c, f)
	}
}

func children(e Expr) []Expr {
	switch n := e.(type) {
	case *Neg:
		return []Expr{n.X}
	case *Not:
		return []Expr{n.X}
	case *Arith:
		return []Expr{n.X, n.Y}
	case *Compare:
		return []Expr{n.X, n.Y}
	case *Match:
		return append([]Expr{n.X}, n.List...)
	case *Logic:
		return n.Xs
	case *Call:
		return n.Args
	}
	return nil
}
