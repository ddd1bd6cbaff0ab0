package pattern

import (
	"encoding/binary"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// Regex is a list of expressions of which any may match the whole of a text.
//
// It is a deterministic automaton that is made while it is used: a state is
// the language of what may still follow, as a term, and the next state is the
// term's derivative by the character at hand (Brzozowski), which knows
// complement and intersection as well as the rest. What was made is kept, up to
// a bound; then it is forgotten and made anew. It is safe for concurrent use.
type Regex struct {
	tree    *tree
	fold    bool
	classes []rune      // first code points of the classes of characters that no set tells apart
	ascii   [128]uint16 // the class of each ASCII character
	start   atomic.Pointer[state]

	mu    sync.Mutex
	cache *cache
}

// Bounds of what a Regex keeps: about half a megabyte of links between states
// and a few megabytes of terms at most. Ordinary expressions need a hundredth.
const (
	maxStates = 2048
	maxLinks  = 1 << 16
	maxTerms  = 1 << 15
)

func (r *Regex) maxStates() int { return max(16, min(maxStates, maxLinks/len(r.classes))) }

// state of the automaton.
type state struct {
	term   *term
	accept bool
	final  bool // whatever follows changes nothing
	next   []atomic.Pointer[state]
}

// CheckRegex reports what is wrong with an expression; the error is a *SyntaxError.
func CheckRegex(expr string, o Options) error {
	_, err := parseRegex(expr, o)
	return err
}

// NewRegex compiles a list of expressions. The error is a *SyntaxError.
func NewRegex(exprs []string, o Options) (*Regex, error) {
	var subs []*tree
	for _, e := range exprs {
		t, err := parseRegex(e, o)
		if err != nil {
			return nil, err
		}
		subs = append(subs, t)
	}
	r := &Regex{tree: &tree{kind: tNothing}, fold: o.Fold}
	if len(subs) > 0 {
		r.tree = join(tUnion, subs)
	}
	r.partition()
	r.reset()
	return r, nil
}

// partition finds the classes of characters.
func (r *Regex) partition() {
	cuts := map[rune]bool{0: true}
	r.tree.visit(func(t *tree) {
		for _, s := range t.set {
			cuts[s.lo] = true
			if s.hi < unicode.MaxRune {
				cuts[s.hi+1] = true
			}
		}
	})
	for c := range cuts {
		r.classes = append(r.classes, c)
	}
	slices.Sort(r.classes)
	for i := range r.ascii {
		r.ascii[i] = uint16(r.class(rune(i)))
	}
}

func (t *tree) visit(f func(*tree)) {
	f(t)
	for _, s := range t.subs {
		s.visit(f)
	}
}

func (r *Regex) class(c rune) int {
	return sort.Search(len(r.classes), func(i int) bool { return r.classes[i] > c }) - 1
}

// Match reports whether the whole of text matches.
func (r *Regex) Match(text string) bool {
	s := r.start.Load()
	for i := 0; i < len(text) && !s.final; {
		var class int
		if c := text[i]; c < utf8.RuneSelf {
			class = int(r.ascii[c])
			i++
		} else {
			c, n := utf8.DecodeRuneInString(text[i:])
			class = r.class(c)
			i += n
		}
		next := s.next[class].Load()
		if next == nil {
			next = r.step(s, class)
		}
		s = next
	}
	return s.accept
}

// reset forgets all states. The caller holds the lock, or is alone.
func (r *Regex) reset() {
	r.cache = &cache{classes: r.classes, terms: map[string]*term{}, states: map[*term]*state{}}
	r.start.Store(r.cache.state(r.cache.build(r.tree)))
}

// step makes the state that follows s.
func (r *Regex) step(s *state, class int) *state {
	r.mu.Lock()
	defer r.mu.Unlock()
	if next := s.next[class].Load(); next != nil {
		return next
	}
	c := r.cache
	if len(c.states) >= r.maxStates() || len(c.terms) >= maxTerms {
		r.reset()
		c = r.cache
	}
	t := s.term
	if t.owner != c { // from before a reset: what follows s is not linked to it
		t = c.adopt(t, map[*term]*term{})
		return c.state(c.derive(t, class, map[*term]*term{}))
	}
	next := c.state(c.derive(t, class, map[*term]*term{}))
	s.next[class].Store(next)
	return next
}

// term is a language. Terms of one cache are equal if they are the same.
type term struct {
	kind     termKind
	id       int
	nullable bool
	set      []uint64 // tSet: bits of classes
	subs     []*term
	min, max int
	owner    *cache
}

// cache holds the terms and states made so far.
type cache struct {
	classes []rune
	terms   map[string]*term
	states  map[*term]*state
	key     []byte
}

func (c *cache) state(t *term) *state {
	if s, ok := c.states[t]; ok {
		return s
	}
	s := &state{term: t, accept: t.nullable, final: t.kind == tNothing || t.isAll(), next: make([]atomic.Pointer[state], len(c.classes))}
	c.states[t] = s
	return s
}

// isAll: every text, written as the complement of none.
func (t *term) isAll() bool { return t.kind == tNot && t.subs[0].kind == tNothing }

// make returns the one term of this form.
func (c *cache) make(kind termKind, nullable bool, set []uint64, lo, hi int, subs ...*term) *term {
	k := append(c.key[:0], byte(kind))
	for _, w := range set {
		k = binary.LittleEndian.AppendUint64(k, w)
	}
	if kind == tRepeat {
		k = binary.AppendVarint(binary.AppendVarint(k, int64(lo)), int64(hi))
	}
	for _, s := range subs {
		k = binary.AppendUvarint(k, uint64(s.id))
	}
	c.key = k
	if t, ok := c.terms[string(k)]; ok {
		return t
	}
	t := &term{kind: kind, id: len(c.terms), nullable: nullable, set: set, subs: slices.Clone(subs), min: lo, max: hi, owner: c}
	c.terms[string(k)] = t
	return t
}

func (c *cache) nothing() *term { return c.make(tNothing, false, nil, 0, 0) }
func (c *cache) empty() *term   { return c.make(tEmpty, true, nil, 0, 0) }

// build makes the term of a parsed expression.
func (c *cache) build(t *tree) *term {
	subs := make([]*term, len(t.subs))
	for i, s := range t.subs {
		subs[i] = c.build(s)
	}
	switch t.kind {
	case tSet:
		return c.set(t.set)
	case tConcat:
		out := c.empty()
		for _, s := range slices.Backward(subs) {
			out = c.concat(s, out)
		}
		return out
	case tStar:
		return c.star(subs[0])
	case tRepeat:
		return c.repeat(subs[0], t.min, t.max)
	case tUnion, tInter:
		return c.nary(t.kind, subs)
	case tNot:
		return c.not(subs[0])
	case tEmpty:
		return c.empty()
	}
	return c.nothing()
}

// set turns ranges into classes.
func (c *cache) set(ranges []runeRange) *term {
	bits := make([]uint64, (len(c.classes)+63)/64)
	found := false
	for _, r := range ranges {
		from := sort.Search(len(c.classes), func(i int) bool { return c.classes[i] >= r.lo })
		for i := from; i < len(c.classes) && c.classes[i] <= r.hi; i++ {
			bits[i/64] |= 1 << (i % 64)
			found = true
		}
	}
	if !found {
		return c.nothing()
	}
	return c.make(tSet, false, bits, 0, 0)
}

func (c *cache) full(t *term) bool {
	if t.kind != tSet {
		return false
	}
	for i := range c.classes {
		if t.set[i/64]&(1<<(i%64)) == 0 {
			return false
		}
	}
	return true
}

func (c *cache) concat(a, b *term) *term {
	switch {
	case a.kind == tNothing || b.kind == tNothing:
		return c.nothing()
	case a.kind == tEmpty:
		return b
	case b.kind == tEmpty:
		return a
	case a.kind == tConcat:
		return c.concat(a.subs[0], c.concat(a.subs[1], b))
	case a.isAll() && (b.isAll() || b.kind == tConcat && b.subs[0].isAll()):
		return b
	}
	return c.make(tConcat, a.nullable && b.nullable, nil, 0, 0, a, b)
}

func (c *cache) star(x *term) *term {
	switch {
	case x.kind == tEmpty || x.kind == tNothing:
		return c.empty()
	case x.kind == tStar || x.isAll():
		return x
	case c.full(x):
		return c.not(c.nothing())
	}
	return c.make(tStar, true, nil, 0, 0, x)
}

func (c *cache) repeat(x *term, lo, hi int) *term {
	switch {
	case hi == 0 || x.kind == tEmpty:
		return c.empty()
	case lo == 0 && hi < 0:
		return c.star(x)
	case lo == 1 && hi == 1:
		return x
	case x.kind == tNothing:
		if lo == 0 {
			return c.empty()
		}
		return x
	}
	return c.make(tRepeat, lo == 0 || x.nullable, nil, lo, hi, x)
}

func (c *cache) not(x *term) *term {
	if x.kind == tNot {
		return x.subs[0]
	}
	return c.make(tNot, !x.nullable, nil, 0, 0, x)
}

// nary makes a union or an intersection: flat, sorted, without repeats and
// without operands that change nothing.
func (c *cache) nary(kind termKind, xs []*term) *term {
	var flat []*term
	for _, x := range xs {
		if x.kind == kind {
			flat = append(flat, x.subs...)
		} else {
			flat = append(flat, x)
		}
	}
	slices.SortFunc(flat, func(a, b *term) int { return a.id - b.id })
	flat = slices.Compact(flat)
	out := flat[:0]
	nullable := kind == tInter
	for _, x := range flat {
		unit, zero := x.kind == tNothing, x.isAll()
		if kind == tInter {
			unit, zero = zero, unit
		}
		if zero {
			return x
		}
		if unit {
			continue
		}
		out = append(out, x)
		if kind == tUnion {
			nullable = nullable || x.nullable
		} else {
			nullable = nullable && x.nullable
		}
	}
	switch {
	case len(out) == 1:
		return out[0]
	case len(out) == 0 && kind == tUnion:
		return c.nothing()
	case len(out) == 0:
		return c.not(c.nothing())
	}
	return c.make(kind, nullable, nil, 0, 0, out...)
}

// derive is the language of what may follow a character of the class.
func (c *cache) derive(t *term, class int, memo map[*term]*term) *term {
	if d, ok := memo[t]; ok {
		return d
	}
	d := c.deriveNew(t, class, memo)
	memo[t] = d
	return d
}

func (c *cache) deriveNew(t *term, class int, memo map[*term]*term) *term {
	if len(c.terms) > 4*maxTerms { // beyond all bounds: give up on this text
		return c.nothing()
	}
	switch t.kind {
	case tSet:
		if t.set[class/64]&(1<<(class%64)) != 0 {
			return c.empty()
		}
		return c.nothing()
	case tConcat:
		d := c.concat(c.derive(t.subs[0], class, memo), t.subs[1])
		if !t.subs[0].nullable {
			return d
		}
		return c.nary(tUnion, []*term{d, c.derive(t.subs[1], class, memo)})
	case tStar:
		return c.concat(c.derive(t.subs[0], class, memo), t)
	case tRepeat:
		hi := t.max
		if hi > 0 {
			hi--
		}
		return c.concat(c.derive(t.subs[0], class, memo), c.repeat(t.subs[0], max(t.min-1, 0), hi))
	case tUnion, tInter:
		subs := make([]*term, len(t.subs))
		for i, s := range t.subs {
			subs[i] = c.derive(s, class, memo)
		}
		return c.nary(t.kind, subs)
	case tNot:
		return c.not(c.derive(t.subs[0], class, memo))
	}
	return c.nothing()
}

// adopt copies a term of another cache.
func (c *cache) adopt(t *term, memo map[*term]*term) *term {
	if n, ok := memo[t]; ok {
		return n
	}
	subs := make([]*term, len(t.subs))
	for i, s := range t.subs {
		subs[i] = c.adopt(s, memo)
	}
	var n *term
	switch t.kind {
	case tUnion, tInter:
		n = c.nary(t.kind, subs)
	default:
		n = c.make(t.kind, t.nullable, t.set, t.min, t.max, subs...)
	}
	memo[t] = n
	return n
}
