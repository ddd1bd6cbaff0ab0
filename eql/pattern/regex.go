package pattern

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Options of an expression.
type Options struct {
	Fold bool // case does not count; in Lucene's syntax for single ASCII letters only
	Java bool // the operators of Java's syntax, for computed values, instead of Lucene's
}

// SyntaxError is what is wrong with an expression, at a byte offset.
type SyntaxError struct {
	Offset int
	Msg    string
}

func (e *SyntaxError) Error() string { return e.Msg }

// Bounds, so that no expression costs much to compile or to hold.
const (
	maxNesting = 200
	maxSize    = 20000 // atoms once repetitions are written out
	maxRepeat  = 1000
)

// The kinds of terms. A term is a regular language over code points.
type termKind uint8

const (
	tNothing termKind = iota // matches no text
	tEmpty                   // matches the empty text
	tSet                     // one character of a set
	tConcat
	tStar
	tRepeat // x{min,max}, max < 0 is unbounded
	tUnion
	tInter
	tNot
)

// tree is an expression as parsed.
type tree struct {
	kind     termKind
	set      []runeRange
	subs     []*tree
	min, max int
	size     int // atoms, repetitions written out
}

// runeRange is a range of code points, both ends in it.
type runeRange struct{ lo, hi rune }

// parser reads Lucene's syntax with all its operators, or Java's.
//
//	union  = inter { "|" inter }
//	inter  = concat { "&" concat }            (Lucene)
//	concat = { repeat }
//	repeat = atom { "?" | "*" | "+" | "{n}" | "{n,}" | "{n,m}" }
//	atom   = "~" atom (Lucene) | class | "." | "#" | "@" | "<n-m>" | string | group | character
type regexParser struct {
	s     string
	i     int
	depth int
	opt   Options
}

func parseRegex(s string, o Options) (t *tree, err error) {
	p := &regexParser{s: s, opt: o}
	defer func() {
		if r := recover(); r != nil {
			fault, ok := r.(*SyntaxError)
			if !ok {
				panic(r)
			}
			t, err = nil, fault
		}
	}()
	t = p.union()
	if p.i < len(s) {
		p.fail(p.i, "unexpected %q, expected the end of the expression", s[p.i:p.i+1])
	}
	return t, nil
}

func (p *regexParser) fail(at int, format string, args ...any) {
	panic(&SyntaxError{at, fmt.Sprintf(format, args...)})
}

func (p *regexParser) more() bool { return p.i < len(p.s) }

func (p *regexParser) accept(c byte) bool {
	if p.more() && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *regexParser) sized(t *tree) *tree {
	if t.size > maxSize {
		p.fail(p.i, "regular expression is too large, expected at most %d characters once repetitions are written out", maxSize)
	}
	return t
}

// join makes an operator's tree of its operands; one alone is itself.
func (p *regexParser) join(kind termKind, subs []*tree) *tree {
	if len(subs) == 1 {
		return subs[0]
	}
	t := &tree{kind: kind, subs: subs}
	for _, s := range subs {
		t.size += s.size
	}
	return p.sized(t)
}

func (p *regexParser) union() *tree {
	if p.depth++; p.depth > maxNesting {
		p.fail(p.i, "regular expression is nested too deeply, expected at most %d levels", maxNesting)
	}
	defer func() { p.depth-- }()
	subs := []*tree{p.inter()}
	for p.accept('|') {
		subs = append(subs, p.inter())
	}
	return p.join(tUnion, subs)
}

func (p *regexParser) inter() *tree {
	subs := []*tree{p.concat()}
	for !p.opt.Java && p.accept('&') {
		subs = append(subs, p.concat())
	}
	return p.join(tInter, subs)
}

func (p *regexParser) concat() *tree {
	var subs []*tree
	for p.more() && p.s[p.i] != '|' && p.s[p.i] != ')' && (p.opt.Java || p.s[p.i] != '&') {
		subs = append(subs, p.repeat())
	}
	if len(subs) == 0 {
		if !p.opt.Java && p.s != "" {
			p.fail(p.i, "expected an expression; empty text is written [()]")
		}
		return &tree{kind: tEmpty, size: 1}
	}
	return p.join(tConcat, subs)
}

func (p *regexParser) repeat() *tree {
	t := p.atom()
	for p.more() {
		switch p.s[p.i] {
		case '?':
			p.i++
			t = p.repeated(t, 0, 1)
		case '*':
			p.i++
			t = &tree{kind: tStar, subs: []*tree{t}, size: t.size + 1}
		case '+':
			p.i++
			t = p.repeated(t, 1, -1)
		case '{':
			lo, hi := p.bounds()
			t = p.repeated(t, lo, hi)
		default:
			return t
		}
	}
	return t
}

func (p *regexParser) repeated(t *tree, lo, hi int) *tree {
	n := max(lo, hi) + 1
	return p.sized(&tree{kind: tRepeat, subs: []*tree{t}, min: lo, max: hi, size: t.size * n})
}

// bounds reads {n}, {n,} or {n,m}.
func (p *regexParser) bounds() (lo, hi int) {
	start := p.i
	p.i++
	lo = p.integer(start)
	hi = lo
	if p.accept(',') {
		hi = -1
		if p.more() && p.s[p.i] != '}' {
			hi = p.integer(start)
		}
	}
	if !p.accept('}') {
		p.fail(p.i, "expected [}] at the end of a repetition")
	}
	if hi >= 0 && hi < lo {
		p.fail(start, "repetition {%d,%d} ends before it begins", lo, hi)
	}
	return lo, hi
}

func (p *regexParser) integer(start int) int {
	from := p.i
	for p.more() && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	n, err := strconv.Atoi(p.s[from:p.i])
	switch {
	case from == p.i:
		p.fail(from, "expected a number in a repetition, as in {1,3}")
	case err != nil || n > maxRepeat:
		p.fail(start, "repetition is too large, expected at most %d", maxRepeat)
	}
	return n
}

// anyChar is every code point; '.' and the complement of sets are made of it.
func anyChar() []runeRange { return []runeRange{{0, unicode.MaxRune}} }

func (p *regexParser) set(r ...runeRange) *tree { return &tree{kind: tSet, set: r, size: 1} }

func (p *regexParser) atom() *tree {
	start := p.i
	c := p.s[p.i]
	if !p.opt.Java {
		if t := p.luceneAtom(c); t != nil {
			return t
		}
	}
	switch c {
	case '.':
		p.i++
		return p.set(anyChar()...)
	case '[':
		return p.class()
	case '(':
		p.i++
		return p.group(start)
	case '?', '*', '+', '{': // Lucene takes these for themselves where nothing stands before
		if p.opt.Java {
			p.fail(start, "unexpected %q, expected something to repeat before it", c)
		}
	case '^', '$':
		if p.opt.Java { // the whole value matches, so that these two always hold at its ends
			p.i++
			return &tree{kind: tEmpty, size: 1}
		}
	}
	if set, ok := p.predefined(); ok {
		return p.set(set...)
	}
	return p.char(p.character())
}

// luceneAtom reads what only Lucene has, or returns nil.
func (p *regexParser) luceneAtom(c byte) *tree {
	start := p.i
	switch c {
	case '~':
		p.i++
		if !p.more() {
			p.fail(p.i, "expected an expression behind [~]")
		}
		if p.depth++; p.depth > maxNesting {
			p.fail(start, "regular expression is nested too deeply, expected at most %d levels", maxNesting)
		}
		x := p.atom()
		p.depth--
		return &tree{kind: tNot, subs: []*tree{x}, size: x.size + 1}
	case '#':
		p.i++
		return &tree{kind: tNothing, size: 1}
	case '@':
		p.i++
		return &tree{kind: tStar, subs: []*tree{p.set(anyChar()...)}, size: 2}
	case '"':
		end := strings.IndexByte(p.s[start+1:], '"')
		if end < 0 {
			p.fail(start, `quoted text is not closed, expected ["]; a quote itself is written \"`)
		}
		return p.quoted(p.s[start+1 : start+1+end])
	case '<':
		return p.interval()
	}
	return nil
}

func (p *regexParser) quoted(text string) *tree {
	p.i += len(text) + 2
	var subs []*tree
	for _, r := range text {
		subs = append(subs, p.char(r))
	}
	if len(subs) == 0 {
		return &tree{kind: tEmpty, size: 1}
	}
	return p.join(tConcat, subs)
}

func (p *regexParser) group(start int) *tree {
	if p.opt.Java && p.accept('?') && !p.accept(':') {
		p.fail(start, "look-around and group options are not supported")
	}
	if p.accept(')') {
		return &tree{kind: tEmpty, size: 1}
	}
	t := p.union()
	if !p.accept(')') {
		p.fail(start, "group is not closed, expected [)]")
	}
	return t
}

// char is one literal character; case does not count if folding.
func (p *regexParser) char(r rune) *tree {
	set := []runeRange{{r, r}}
	if p.opt.Fold {
		set = p.folded(set, r)
	}
	return p.set(set...)
}

// folded adds the other cases of a character: of ASCII letters for a field, of
// all letters for a computed value.
func (p *regexParser) folded(set []runeRange, r rune) []runeRange {
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if p.opt.Java || f < utf8.RuneSelf && r < utf8.RuneSelf {
			set = append(set, runeRange{f, f})
		}
	}
	return set
}

// character reads one character, escaped or not.
func (p *regexParser) character() rune {
	if p.accept('\\') {
		if !p.more() {
			p.fail(p.i-1, `expected a character behind [\]`)
		}
		if p.opt.Java {
			switch c := p.s[p.i]; c {
			case 'n', 't', 'r', 'f':
				p.i++
				return map[byte]rune{'n': '\n', 't': '\t', 'r': '\r', 'f': '\f'}[c]
			default:
				if c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' {
					p.fail(p.i-1, `escape [\%c] is not supported`, c)
				}
			}
		}
	}
	r, n := utf8.DecodeRuneInString(p.s[p.i:])
	p.i += n
	return r
}

// predefined reads \d \w \s and their complements.
func (p *regexParser) predefined() ([]runeRange, bool) {
	if p.i+1 >= len(p.s) || p.s[p.i] != '\\' {
		return nil, false
	}
	var set []runeRange
	switch c := p.s[p.i+1]; c | 0x20 {
	case 'd':
		set = []runeRange{{'0', '9'}}
	case 'w':
		set = []runeRange{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	case 's':
		set = []runeRange{{'\t', '\n'}, {'\r', '\r'}, {' ', ' '}}
		if p.opt.Java {
			set = []runeRange{{'\t', '\r'}, {' ', ' '}}
		}
	default:
		return nil, false
	}
	upper := p.s[p.i+1]&0x20 == 0
	p.i += 2
	if upper {
		set = invert(set)
	}
	return set, true
}

// class reads […] and [^…].
func (p *regexParser) class() *tree {
	start := p.i
	p.i++
	negated := p.accept('^')
	var set []runeRange
	for first := true; ; first = false {
		if !p.more() {
			p.fail(start, "character class is not closed, expected []]")
		}
		if p.s[p.i] == ']' && !first {
			p.i++
			break
		}
		set = p.classPart(set)
	}
	set = normal(set)
	if negated {
		set = invert(set)
	}
	return &tree{kind: tSet, set: set, size: 1}
}

func (p *regexParser) classPart(set []runeRange) []runeRange {
	if pre, ok := p.predefined(); ok {
		return append(set, pre...)
	}
	at := p.i
	lo := p.character()
	if p.i+1 >= len(p.s) || p.s[p.i] != '-' || p.s[p.i+1] == ']' && p.opt.Java {
		set = append(set, runeRange{lo, lo})
		if p.opt.Fold {
			set = p.folded(set, lo)
		}
		return set
	}
	p.i++
	hi := p.character()
	if hi < lo {
		p.fail(at, "character range %q ends before it begins", p.s[at:p.i])
	}
	set = append(set, runeRange{lo, hi})
	if p.opt.Fold && p.opt.Java {
		for r := lo; r <= hi && r-lo < 1<<12; r++ {
			set = p.folded(set, r)
		}
	}
	return set
}

// interval reads <n-m>: a decimal number between the two, with as many digits
// if both have the same.
func (p *regexParser) interval() *tree {
	start := p.i
	end := strings.IndexByte(p.s[start:], '>')
	if end < 0 {
		p.fail(start, "expected [>]: [<1-100>] is a numeric interval; the character itself is written [\\<]")
	}
	p.i += end + 1
	a, b, ok := strings.Cut(p.s[start+1:start+end], "-")
	lo, err1 := strconv.ParseUint(a, 10, 31)
	hi, err2 := strconv.ParseUint(b, 10, 31)
	if !ok || err1 != nil || err2 != nil {
		p.fail(start, "expected a numeric interval as in [<1-100>], found [%s]", p.s[start:start+end+1])
	}
	if lo > hi {
		lo, hi, a, b = hi, lo, b, a
	}
	digits := 0
	if len(a) == len(b) {
		digits = len(a)
	}
	return p.sized(between(lo, hi, digits))
}

// between is the language of the numbers from lo to hi, leading zeros allowed,
// or with exactly this many digits.
func between(lo, hi uint64, digits int) *tree {
	var subs []*tree
	top := len(strconv.FormatUint(hi, 10))
	if digits > 0 {
		top = digits
	}
	for n := 1; n <= top; n++ {
		if digits > 0 && n != digits {
			continue
		}
		from, to := uint64(0), pow10(n)-1
		if digits == 0 && n > 1 {
			from = pow10(n - 1)
		}
		from, to = max(from, lo), min(to, hi)
		if from <= to {
			subs = append(subs, sameWidth(fmt.Sprintf("%0*d", n, from), fmt.Sprintf("%0*d", n, to)))
		}
	}
	union := join(tUnion, subs)
	if digits > 0 {
		return union
	}
	zeros := &tree{kind: tStar, subs: []*tree{{kind: tSet, set: []runeRange{{'0', '0'}}, size: 1}}, size: 2}
	return join(tConcat, []*tree{zeros, union})
}

func pow10(n int) uint64 {
	v := uint64(1)
	for range n {
		v *= 10
	}
	return v
}

func join(kind termKind, subs []*tree) *tree {
	if len(subs) == 1 {
		return subs[0]
	}
	t := &tree{kind: kind, subs: subs}
	for _, s := range subs {
		t.size += s.size
	}
	return t
}

func digit(lo, hi byte) *tree {
	return &tree{kind: tSet, set: []runeRange{{rune(lo), rune(hi)}}, size: 1}
}

// sameWidth is the language of the numbers from a to b, written with as many digits.
func sameWidth(a, b string) *tree {
	if len(a) == 1 {
		return digit(a[0], b[0])
	}
	if a[0] == b[0] {
		return join(tConcat, []*tree{digit(a[0], a[0]), sameWidth(a[1:], b[1:])})
	}
	nines, zeros := strings.Repeat("9", len(a)-1), strings.Repeat("0", len(a)-1)
	subs := []*tree{join(tConcat, []*tree{digit(a[0], a[0]), sameWidth(a[1:], nines)})}
	if b[0]-a[0] > 1 {
		subs = append(subs, join(tConcat, []*tree{digit(a[0]+1, b[0]-1), sameWidth(zeros, nines)}))
	}
	subs = append(subs, join(tConcat, []*tree{digit(b[0], b[0]), sameWidth(zeros, b[1:])}))
	return join(tUnion, subs)
}

// normal sorts ranges and joins those that touch.
func normal(set []runeRange) []runeRange {
	slices.SortFunc(set, func(a, b runeRange) int { return int(a.lo - b.lo) })
	out := set[:0]
	for _, r := range set {
		if n := len(out); n > 0 && r.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, r.hi)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// invert returns the other code points.
func invert(set []runeRange) []runeRange {
	var out []runeRange
	next := rune(0)
	for _, r := range normal(set) {
		if r.lo > next {
			out = append(out, runeRange{next, r.lo - 1})
		}
		next = r.hi + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, runeRange{next, unicode.MaxRune})
	}
	return out
}
