package eql

import (
	"cmp"
	"math"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/tocsin-project/tocsin/eql/pattern"
	"github.com/tocsin-project/tocsin/event"
)

// A leaf that is more than one test of one field is a script: a tree of nodes
// evaluated in three-valued logic once for each combination of its fields'
// values. It holds if any combination gives true.

// evaluator is a node of a script. Evaluators have no state.
type evaluator interface {
	eval(s *scope) event.Value
}

// scope is what one evaluation works with.
type scope struct {
	cur   []event.Value // the fields' values of this combination
	buf   []byte        // text that functions made
	stack []event.Value // arguments of functions
	fault string        // a run-time error, which only folding reports
}

// textFrom returns what was appended to buf as text. It lives until the
// evaluation ends.
func (s *scope) textFrom(from int) string {
	b := s.buf[from:]
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// scopes keeps scopes for reuse, so that scripts allocate nothing in a steady state.
type scopes struct{ pool sync.Pool }

func (p *scopes) get() *scope {
	if s, ok := p.pool.Get().(*scope); ok {
		return s
	}
	return &scope{}
}

func (p *scopes) put(s *scope) {
	if cap(s.buf) > 1<<20 {
		s.buf = nil
	}
	clear(s.cur)
	s.cur, s.buf, s.stack, s.fault = s.cur[:0], s.buf[:0], s.stack[:0], ""
	p.pool.Put(s)
}

// script is a leaf that is evaluated.
type script struct {
	root   evaluator
	slots  []int
	scopes *scopes
}

func (n *script) match(ev *event.Event) bool {
	s := n.scopes.get()
	for range n.slots {
		s.cur = append(s.cur, event.Value{})
	}
	ok := n.try(s, ev, 0)
	n.scopes.put(s)
	return ok
}

// try binds the fields from the i-th on and reports whether any combination holds.
func (n *script) try(s *scope, ev *event.Event, i int) bool {
	if i == len(n.slots) {
		s.buf, s.stack = s.buf[:0], s.stack[:0]
		v := n.root.eval(s)
		return v.Kind == event.KindBool && v.N != 0
	}
	values := ev.Values(n.slots[i])
	if len(values) == 0 {
		s.cur[i] = event.Value{}
		return n.try(s, ev, i+1)
	}
	for k := range values {
		s.cur[i] = numeric(values[k])
		if n.try(s, ev, i+1) {
			return true
		}
	}
	return false
}

type (
	constEval struct{ v event.Value }
	fieldEval struct{ i int }
	negEval   struct{ x evaluator }
	arithEval struct {
		op   Op
		x, y evaluator
	}
	compareEval struct {
		op   Op
		x, y evaluator
		date bool // compare instants in milliseconds
	}
	nullEval  struct{ x evaluator } // x == null
	notEval   struct{ x evaluator }
	logicEval struct {
		or bool
		xs []evaluator
	}
	blockEval struct { // an address in any of the blocks
		x      evaluator
		blocks []addrRange
	}
	inEval struct {
		x    evaluator
		list []event.Value
		fold bool
		null bool // the list holds a null
	}
	textEval struct {
		x    evaluator
		set  *pattern.Set
		fold bool
	}
	regexEval struct {
		x  evaluator
		re *pattern.Regex
	}
	callEval struct {
		f    *function
		fold bool
		args []evaluator
	}
)

func (n *constEval) eval(*scope) event.Value   { return n.v }
func (n *fieldEval) eval(s *scope) event.Value { return s.cur[n.i] }

func (n *negEval) eval(s *scope) event.Value {
	v := numeric(n.x.eval(s))
	if v.Kind == event.KindDouble {
		return event.Double(-math.Float64frombits(v.N))
	}
	return s.arith(OpSub, event.Long(0), v)
}

func (n *arithEval) eval(s *scope) event.Value { return s.arith(n.op, n.x.eval(s), n.y.eval(s)) }

func (n *compareEval) eval(s *scope) event.Value {
	x, y := n.x.eval(s), n.y.eval(s)
	if x.Kind == event.KindNull || y.Kind == event.KindNull {
		return event.Value{}
	}
	c, ok := compareValues(x, y, n.date)
	return event.Bool(holds(n.op, c, ok))
}

func (n *nullEval) eval(s *scope) event.Value {
	return event.Bool(n.x.eval(s).Kind == event.KindNull)
}

func (n *notEval) eval(s *scope) event.Value {
	v := n.x.eval(s)
	if v.Kind != event.KindBool {
		return event.Value{}
	}
	return event.Bool(v.N == 0)
}

func (n *logicEval) eval(s *scope) event.Value {
	null := false
	for _, x := range n.xs {
		v := x.eval(s)
		switch {
		case v.Kind != event.KindBool:
			null = true
		case (v.N != 0) == n.or:
			return v
		}
	}
	if null {
		return event.Value{}
	}
	return event.Bool(!n.or)
}

func (n *blockEval) eval(s *scope) event.Value {
	v := n.x.eval(s)
	if v.Kind == event.KindNull {
		return v
	}
	ip, ok := addrOf(v)
	for _, b := range n.blocks {
		if ok && b.contains(ip) {
			return event.Bool(true)
		}
	}
	return event.Bool(false)
}

func (n *inEval) eval(s *scope) event.Value {
	v := n.x.eval(s)
	if v.Kind == event.KindNull {
		return v
	}
	for _, e := range n.list {
		if n.fold && v.Kind == event.KindText && e.Kind == event.KindText {
			if w, ok := prefixFold(v.S, e.S); ok && w == len(v.S) {
				return event.Bool(true)
			}
			continue
		}
		if c, ok := compareValues(v, e, false); ok && c == 0 {
			return event.Bool(true)
		}
	}
	if n.null {
		return event.Value{}
	}
	return event.Bool(false)
}

func (n *textEval) eval(s *scope) event.Value {
	v := n.x.eval(s)
	if v.Kind != event.KindText {
		return nullOrFalse(v)
	}
	if n.fold {
		from := len(s.buf)
		s.buf = appendFold(s.buf, v.S)
		return event.Bool(n.set.Match(s.textFrom(from)))
	}
	return event.Bool(n.set.Match(v.S))
}

func (n *regexEval) eval(s *scope) event.Value {
	v := n.x.eval(s)
	if v.Kind != event.KindText {
		return nullOrFalse(v)
	}
	return event.Bool(n.re.Match(v.S))
}

func nullOrFalse(v event.Value) event.Value {
	if v.Kind == event.KindNull {
		return v
	}
	return event.Bool(false)
}

func (n *callEval) eval(s *scope) event.Value {
	from := len(s.stack)
	null := false
	for _, a := range n.args {
		v := a.eval(s)
		null = null || v.Kind == event.KindNull
		s.stack = append(s.stack, v)
	}
	var v event.Value
	if args := s.stack[from:]; !(null && n.f.nulls) && n.typed(args) {
		v = n.f.body(call{s, n.fold}, args)
	}
	s.stack = s.stack[:from]
	return v
}

// typed reports whether arguments that come from fields without a declared
// type are of a kind that the function takes. Others give null.
func (n *callEval) typed(args []event.Value) bool {
	for i, v := range args {
		p := n.f.params[min(i, len(n.f.params)-1)]
		if p.accept&kindTypes(v.Kind) == 0 && !(p.accept&tIP != 0 && v.Kind == event.KindText) {
			return false
		}
	}
	return true
}

func kindTypes(k event.Kind) types {
	switch k {
	case event.KindNull:
		return tNull
	case event.KindText:
		return tText
	case event.KindBool:
		return tBool
	case event.KindLong, event.KindULong:
		return tInt
	case event.KindDouble:
		return tFloat
	case event.KindTime:
		return tDate
	case event.KindIP:
		return tIP
	case event.KindVersion:
		return tVersion
	}
	return 0
}

// holds reports whether an order satisfies an operator. Values that cannot be
// ordered are unequal.
func holds(op Op, c int, ok bool) bool {
	switch op {
	case OpEQ:
		return ok && c == 0
	case OpNE:
		return !ok || c != 0
	case OpLT:
		return ok && c < 0
	case OpLE:
		return ok && c <= 0
	case OpGT:
		return ok && c > 0
	case OpGE:
		return ok && c >= 0
	}
	return false
}

// compareValues orders two values of one family. ok is false for others.
func compareValues(a, b event.Value, millis bool) (c int, ok bool) {
	if millis && a.Kind == event.KindTime && b.Kind == event.KindTime {
		return cmp.Compare(floorMillis(int64(a.N)), floorMillis(int64(b.N))), true
	}
	return event.Compare(a, b)
}

func floorMillis(ns int64) int64 {
	const ms = int64(time.Millisecond)
	q := ns / ms
	if ns%ms < 0 {
		q--
	}
	return q
}

// types is a set of the types that an expression can have.
type types uint16

const (
	tNull types = 1 << iota
	tBool
	tInt
	tFloat
	tText
	tDate
	tIP
	tVersion
	tDynamic  // a field without a declared type: known only by its values
	tUnusable // a field that no condition can read

	tNumber = tInt | tFloat
	tAny    = tNull | tBool | tNumber | tText | tDate | tIP | tVersion | tDynamic
)

// param is one parameter of a function.
type param struct {
	accept   types
	constant bool
}

// function is a row of the table: what the checker needs and what runs.
type function struct {
	name   string
	fold   bool // has a ~ form
	params []param
	min    int  // arguments needed
	more   bool // the last parameter repeats
	result types
	nulls  bool // null for a null argument, so that it folds away
	arity  string
	body   func(c call, args []event.Value) event.Value
}

// call is what a function's body may use besides its arguments.
type call struct {
	*scope
	fold bool // the ~ form
}

// functions is the table, one part for each family.
var functions = [...][]function{textFunctions, numberFunctions}

// lookupFunction finds a function by its name in any case.
func lookupFunction(name string) *function {
	for _, family := range functions {
		for i := range family {
			if strings.EqualFold(family[i].name, name) {
				return &family[i]
			}
		}
	}
	return nil
}

func functionNames() []string {
	var out []string
	for _, family := range functions {
		for _, f := range family {
			out = append(out, f.name)
		}
	}
	return out
}

var (
	textParam   = param{accept: tText | tNull | tDynamic}
	numberParam = param{accept: tNumber | tNull | tDynamic}
	intParam    = param{accept: tInt | tNull | tDynamic}
	boolParam   = param{accept: tBool | tNull | tDynamic}
)
