package eql

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/tocsin-project/tocsin/eql/pattern"
	"github.com/tocsin-project/tocsin/event"
)

// checker finds what is wrong with a parsed query: types, arguments, columns,
// join keys, pipes. It reports all it finds and changes nothing.
type checker struct {
	errs
	env *Env
}

// field returns the schema's column of a field.
func (c *checker) field(f *Field) *event.Field {
	return c.env.Schema.Field(c.env.Schema.Slot(f.Name))
}

// unmapped reports whether a mapping was given and does not hold the field.
func (c *checker) unmapped(f *Field) bool { return c.env.Strict && c.field(f).Unmapped }

// typeOf is the type that an expression has, or the set it may have.
func (c *checker) typeOf(e Expr) types {
	switch n := e.(type) {
	case *Literal:
		return kindTypes(n.Value.Kind)
	case *Field:
		if c.unmapped(n) {
			return tNull
		}
		return columnType(c.field(n).Type)
	case *Neg:
		return c.typeOf(n.X)
	case *Arith:
		return arithType(c.typeOf(n.X), c.typeOf(n.Y))
	case *Call:
		f := lookupFunction(n.Name)
		switch {
		case f == nil:
			return tDynamic
		case len(n.Args) == 2 && f.params[0].accept == numberParam.accept:
			return arithType(c.typeOf(n.Args[0]), c.typeOf(n.Args[1]))
		}
		return f.result
	}
	return tBool
}

func arithType(x, y types) types {
	switch {
	case x == tNull || y == tNull:
		return tNull
	case x == tInt && y == tInt:
		return tInt
	case x == tFloat || y == tFloat:
		return tFloat
	}
	return tNumber
}

func columnType(t event.Type) types {
	switch t {
	case event.Keyword:
		return tText
	case event.Integer, event.UnsignedLong:
		return tInt
	case event.Float:
		return tFloat
	case event.Boolean:
		return tBool
	case event.Date, event.DateNanos:
		return tDate
	case event.IP:
		return tIP
	case event.Version:
		return tVersion
	case event.Unusable:
		return tUnusable
	}
	return tDynamic
}

// typeName is how messages call the type of an expression.
func (c *checker) typeName(e Expr) string {
	if f, ok := e.(*Field); ok {
		if d := c.field(f); d.Declared != "" {
			return d.Declared
		} else if d.Type == event.DateNanos {
			return "date_nanos"
		} else if d.Type == event.UnsignedLong {
			return "unsigned_long"
		}
	}
	if l, ok := e.(*Literal); ok && l.Value.Kind == event.KindLong && int64(l.Value.N) <= math.MaxInt32 {
		return "integer"
	}
	return typesName(c.typeOf(e))
}

func typesName(t types) string {
	switch t {
	case tNull:
		return "null"
	case tBool:
		return "boolean"
	case tInt:
		return "long"
	case tFloat, tNumber:
		return "double"
	case tText:
		return "keyword"
	case tDate:
		return "date"
	case tIP:
		return "ip"
	case tVersion:
		return "version"
	}
	return "unknown"
}

// isConst reports whether an expression reads no field.
func (c *checker) isConst(e Expr) bool {
	if f, ok := e.(*Field); ok {
		return c.unmapped(f)
	}
	for _, x := range children(e) {
		if !c.isConst(x) {
			return false
		}
	}
	return true
}

// src is the text of a node for messages, on one line and not too long.
func (c *checker) src(n Node) string {
	r := n.Range()
	s := strings.Join(strings.Fields(c.text[r.Start:min(r.End, r.Start+2000)]), " ")
	if utf8.RuneCountInString(s) > 100 {
		s = string([]rune(s)[:99]) + "…"
	}
	return s
}

// condition checks what stands behind where.
func (c *checker) condition(e Expr) {
	before := len(c.list)
	c.expr(e)
	if t := c.typeOf(e); len(c.list) == before && t&(tBool|tNull|tDynamic) == 0 {
		name := strings.ToUpper(c.typeName(e))
		if t == tDate {
			name = "DATETIME"
		}
		c.add(e.Range(), "Condition expression needs to be boolean, found [%s]", name)
	}
}

// expr checks one expression and everything in it.
func (c *checker) expr(e Expr) {
	for _, x := range children(e) {
		c.expr(x)
	}
	switch n := e.(type) {
	case *Field:
		c.column(n)
	case *Neg:
		c.operand(n.X, n, "first ", tNumber, "numeric")
	case *Arith:
		c.operand(n.X, n, "first ", tNumber, "numeric")
		c.operand(n.Y, n, "second ", tNumber, "numeric")
	case *Not:
		c.operand(n.X, n, "", tBool, "boolean")
	case *Logic:
		for _, x := range n.Xs {
			c.operand(x, n, "", tBool, "boolean")
		}
	case *Compare:
		c.compare(n)
	case *Match:
		c.match(n)
	case *Call:
		c.call(n)
	}
}

func (c *checker) column(f *Field) {
	d := c.field(f)
	switch {
	case c.unmapped(f) && !f.Optional:
		c.add(f.At, "Unknown column [%s]%s", f.Name, c.columnHint(f.Name))
	case d.Type == event.Unusable:
		kind := d.Declared
		if kind == "" {
			kind = "unsupported"
		}
		c.add(f.At, "Cannot use field [%s] with unsupported type [%s]", f.Name, kind)
	}
}

func (c *checker) columnHint(name string) string {
	if c.env.Columns == nil {
		return ""
	}
	return didYouMean(name, c.env.Columns())
}

// operand checks the type of one operand.
func (c *checker) operand(x, of Expr, which string, want types, name string) {
	if t := c.typeOf(x); t&(want|tNull|tDynamic|tUnusable) == 0 {
		c.add(x.Range(), "%sargument of [%s] must be [%s], found value [%s] type [%s]", which, c.src(of), name, c.src(x), c.typeName(x))
	}
}

func (c *checker) compare(n *Compare) {
	x, y := n.X, n.Y
	if c.isConst(x) && !c.isConst(y) {
		x, y = y, x
	}
	if !c.isConst(y) {
		offender := y
		if f, ok := firstField(y).(*Field); ok {
			offender = f
		}
		c.add(offender.Range(), "Comparisons against fields are not (currently) supported; offender [%s] in [%s]", c.src(offender), n.Op)
		return
	}
	if isNull(x) || isNull(y) {
		return
	}
	tx, ty := c.typeOf(x), c.typeOf(y)
	if lit, ok := y.(*Literal); ok && !c.readable(x, lit) {
		return
	}
	if n.Op == OpEQ || n.Op == OpNE || tx&(tDynamic|tNull|tUnusable) != 0 || ty&(tDynamic|tNull) != 0 {
		return
	}
	if tx == tBool {
		c.add(x.Range(), "first argument of [%s] must be [date, ip, number, string or version], found value [%s] type [%s]", n.Op, c.src(x), c.typeName(x))
		return
	}
	if ty&orderable(tx) == 0 {
		c.add(y.Range(), "second argument of [%s] must be [%s], found value [%s] type [%s]", n.Op, c.typeName(x), c.src(y), c.typeName(y))
	}
}

func firstField(e Expr) (found Expr) {
	walk(e, func(x Expr) {
		if _, ok := x.(*Field); ok && found == nil {
			found = x
		}
	})
	return found
}

func isNull(e Expr) bool {
	l, ok := e.(*Literal)
	return ok && l.Value.Kind == event.KindNull
}

// orderable is what a constant may be to be compared with a type.
func orderable(t types) types {
	switch {
	case t&tNumber != 0:
		return tNumber
	case t == tDate:
		return tDate | tText | tNumber
	case t == tIP, t == tVersion:
		return t | tText
	}
	return t
}

// readable checks that a string constant can be read as the type of the field
// that it is compared with.
func (c *checker) readable(x Expr, lit *Literal) bool {
	f, ok := x.(*Field)
	if !ok || lit.Value.Kind != event.KindText {
		return true
	}
	switch d := c.field(f); c.typeOf(x) {
	case tIP:
		if _, ok := parseBlock(lit.Value.S); !ok {
			c.add(lit.At, "cannot read [%s] as an IP address or CIDR block", lit.Value.S)
			return false
		}
	case tDate:
		if _, ok := d.Convert(lit.Value); !ok {
			if strings.HasPrefix(lit.Value.S, "now") || strings.Contains(lit.Value.S, "||") {
				c.add(lit.At, "date math [%s] is not supported, expected a fixed date as in [2024-05-31T12:00:00Z]", lit.Value.S)
				return false
			}
			c.add(lit.At, "cannot read [%s] as a date, expected ISO 8601 as in [2024-05-31T12:00:00Z] or epoch milliseconds", lit.Value.S)
			return false
		}
	}
	return true
}

func (c *checker) match(n *Match) {
	if n.Op == OpIn {
		c.in(n)
		return
	}
	if t := c.typeOf(n.X); t&(tText|tNull|tDynamic|tUnusable) == 0 {
		if n.Op == OpSeq {
			c.add(n.X.Range(), "first argument of [:] must be [string], found value [%s] type [%s]; consider using [==] instead", c.src(n.X), c.typeName(n.X))
		} else {
			c.operand(n.X, n, "first ", tText, "string")
		}
		return
	}
	for i, x := range n.List {
		lit, _ := x.(*Literal)
		if lit == nil || lit.Value.Kind != event.KindText {
			c.add(x.Range(), "%s argument of [%s] must be [string], found value [%s] type [%s]", ordinal(i+2), c.src(n), c.src(x), c.typeName(x))
			continue
		}
		if n.Op == OpRegex {
			c.regex(n, lit)
		}
	}
}

// regex checks an expression and points at its fault.
func (c *checker) regex(n *Match, lit *Literal) {
	_, onField := n.X.(*Field)
	err := pattern.CheckRegex(lit.Value.S, pattern.Options{Fold: n.Fold, Java: !onField})
	if err == nil {
		return
	}
	at := lit.At.Start
	if fault, ok := err.(*pattern.SyntaxError); ok {
		at = sourceOffset(c.text, lit, fault.Offset)
	}
	c.add(Range{at, at}, "cannot read regular expression: %s", err)
}

// sourceOffset finds the place in the query of an offset in a string's value.
func sourceOffset(text string, lit *Literal, off int) int {
	if lit.Raw {
		return lit.At.Start + 3 + off
	}
	at := lit.At.Start + 1
	for off > 0 && at < lit.At.End-1 {
		if text[at] != '\\' {
			at++
			off--
			continue
		}
		r, n, _ := unescape(text[at:])
		at += n
		off -= utf8.RuneLen(r)
	}
	return at
}

func (c *checker) in(n *Match) {
	tx := c.typeOf(n.X)
	if n.Fold && tx&(tText|tNull|tDynamic|tUnusable) == 0 {
		c.operand(n.X, n, "first ", tText, "string")
		return
	}
	want, name := orderable(tx), c.typeName(n.X)
	switch {
	case n.Fold:
		want, name = tText, "string"
	case tx&(tDynamic|tNull|tUnusable) != 0:
		want = 0
	}
	for i, x := range n.List {
		if !c.isConst(x) {
			offender := firstField(x)
			c.add(offender.Range(), "Comparisons against fields are not (currently) supported; offender [%s] in [%s]", c.src(offender), c.src(n))
			continue
		}
		t := c.typeOf(x)
		if t == tNull {
			continue
		}
		if want == 0 { // nothing is known of the left side: all of the list are of one family
			want, name = orderable(t), c.typeName(x)
		}
		if t&want == 0 {
			c.add(x.Range(), "%s argument of [%s] must be [%s], found value [%s] type [%s]", ordinal(i+1), c.src(n), name, c.src(x), c.typeName(x))
		} else if lit, ok := x.(*Literal); ok {
			c.readable(n.X, lit)
		}
	}
}

func ordinal(n int) string {
	switch {
	case n%100 >= 11 && n%100 <= 13:
		return fmt.Sprintf("%dth", n)
	case n%10 == 1:
		return fmt.Sprintf("%dst", n)
	case n%10 == 2:
		return fmt.Sprintf("%dnd", n)
	case n%10 == 3:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}

func (c *checker) call(n *Call) {
	f := lookupFunction(n.Name)
	if f == nil {
		c.add(Range{n.At.Start, n.At.Start + len(n.Name)}, "Unknown function [%s]%s", n.Name, didYouMean(n.Name, functionNames()))
		return
	}
	if n.Fold && !f.fold {
		c.add(Range{n.At.Start, n.At.Start + len(n.Name) + 1}, "Function [%s] has no case-insensitive form [%s~]; the ones that have are between, endsWith, indexOf, startsWith, stringContains", f.name, f.name)
	}
	if len(n.Args) < f.min || len(n.Args) > len(f.params) && !f.more {
		c.add(n.At, "error building [%s]: expects %s arguments, found [%d]", f.name, f.arity, len(n.Args))
		return
	}
	for i, a := range n.Args {
		c.argument(n, f.params[min(i, len(f.params)-1)], i, a)
	}
}

func (c *checker) argument(n *Call, p param, i int, a Expr) {
	words := [...]string{"first", "second", "third", "fourth", "fifth"}
	which := ordinal(i + 1)
	if i < len(words) {
		which = words[i]
	}
	if len(n.Args) == 1 {
		which = "first"
	}
	if p.constant && !c.isConst(a) {
		c.add(a.Range(), "%s argument of [%s] must be a constant, received [%s]", which, c.src(n), c.src(a))
		return
	}
	if t := c.typeOf(a); t&(p.accept|tUnusable) == 0 {
		c.add(a.Range(), "%s argument of [%s] must be [%s], found value [%s] type [%s]", which, c.src(n), acceptName(p.accept), c.src(a), c.typeName(a))
		return
	}
	lit, ok := a.(*Literal)
	if ok && p.constant && p.accept == tText {
		if _, ok := parseBlock(lit.Value.S); !ok {
			c.add(a.Range(), "cannot read [%s] as a CIDR block, expected as in [10.0.0.0/8] or [fe80::/10]", lit.Value.S)
		}
	}
}

func acceptName(t types) string {
	switch {
	case t&tNumber == tNumber:
		return "numeric"
	case t&tText != 0:
		return "string"
	case t&tInt != 0:
		return "integer"
	case t&tBool != 0:
		return "boolean"
	case t&tIP != 0:
		return "ip"
	}
	return "any"
}

// query checks a whole statement.
func (c *checker) query(q *Query) {
	for _, s := range q.Steps {
		c.step(s)
	}
	if q.Until != nil {
		c.step(q.Until)
	}
	for _, f := range q.By {
		c.column(f)
	}
	c.keys(q)
	c.missing(q)
	for _, p := range q.Pipes {
		c.pipe(q, p)
	}
}

func (c *checker) step(s *Step) {
	if f := c.env.category(); !s.Any && c.unmapped(f) {
		c.add(s.catRange, "Unknown column [%s], which holds the event category%s", f.Name, c.columnHint(f.Name))
	}
	c.condition(s.Cond)
}

func (c *checker) missing(q *Query) {
	var first *Step
	positive := false
	for _, s := range q.Steps {
		if s.Missing && first == nil {
			first = s
		}
		positive = positive || !s.Missing
	}
	switch {
	case first == nil:
	case q.MaxSpan == nil:
		c.add(first.At, "A sequence with a missing event [![…]] needs [maxspan]: write [sequence with maxspan=…]")
	case !positive:
		c.add(first.At, "A sequence needs at least one query that is not negated")
	}
}

// keys checks the number and the types of join keys.
func (c *checker) keys(q *Query) {
	steps := q.Steps
	if q.Until != nil {
		steps = append(steps[:len(steps):len(steps)], q.Until)
	}
	first := steps[0]
	for _, s := range steps {
		for _, f := range s.By {
			c.column(f)
		}
		if len(s.By) != len(first.By) {
			at := s.At
			if len(s.By) > 0 {
				at = s.By[0].At
			}
			c.add(at, "Inconsistent number of join keys specified; expected [%d] but found [%d]", len(q.By)+len(first.By), len(q.By)+len(s.By))
			continue
		}
		for i, f := range s.By {
			c.compatible(first.By[i], f)
		}
	}
	if q.Kind == Sample && len(q.By)+len(first.By) == 0 {
		c.add(first.At, "A sample needs at least one join key: write [sample by …] or [by …] behind each query")
	}
}

func (c *checker) compatible(a, b *Field) {
	ta, tb := c.typeOf(a), c.typeOf(b)
	if ta&tNumber != 0 {
		ta = tNumber
	}
	if free := tNull | tDynamic | tUnusable; ta&free == 0 && tb&free == 0 && ta&tb == 0 {
		c.add(b.At, "Sequence key [%s] type [%s] is incompatible with key [%s] type [%s]", b.Name, c.typeName(b), a.Name, c.typeName(a))
	}
}

func (c *checker) pipe(q *Query, p *PipeNode) {
	if q.Kind == Sample {
		c.add(p.At, "Samples do not support pipes")
		return
	}
	if !c.isConst(p.Arg) {
		c.add(p.Arg.Range(), "argument of [%s] must be a constant whole number, found [%s]", p.Name, c.src(p.Arg))
		return
	}
	c.expr(p.Arg)
}
