package pattern

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Lit is a text that stands somewhere in every text of a language.
type Lit struct {
	Text  string
	Where Where
}

// maxLits bounds the alternatives that are written out.
const maxLits = 64

// Literals returns texts of which every match holds at least one, each in its
// place, or nil if there are none. For an expression that folds they are in
// lower case and stand in the text folded as ASCII.
func (r *Regex) Literals() []Lit {
	f := finder{fold: r.fold}
	if lits, ok := f.find(r.tree); ok {
		return lits
	}
	return nil
}

// finder finds literals of trees.
type finder struct{ fold bool }

// find returns literals of which at least one stands in every text of t. Their
// places hold if the text is nothing but a text of t.
func (f finder) find(t *tree) ([]Lit, bool) {
	if texts, ok := f.finite(t); ok {
		return lits(texts, Whole)
	}
	switch t.kind {
	case tUnion:
		var out []Lit
		for _, s := range t.subs {
			sub, ok := f.find(s)
			if !ok || len(out)+len(sub) > maxLits {
				return nil, false
			}
			out = append(out, sub...)
		}
		return out, true
	case tInter:
		var best []Lit
		for _, s := range t.subs {
			sub, _ := f.find(s)
			best = better(best, sub)
		}
		return best, len(best) > 0
	case tRepeat:
		if t.min > 0 {
			sub, ok := f.find(t.subs[0])
			return inside(sub), ok
		}
	case tConcat:
		return f.concat(t.subs)
	}
	return nil, false
}

// concat joins neighbours with few texts each and takes the best such run, or
// the best literals of a part that has many.
func (f finder) concat(subs []*tree) ([]Lit, bool) {
	var best []Lit
	run, from := []string{""}, 0
	flush := func(end int) {
		where := Inside
		switch {
		case from == 0:
			where = Begin
		case end == len(subs):
			where = End
		}
		if found, ok := lits(run, where); ok {
			best = better(best, found)
		}
		run, from = []string{""}, end
	}
	for i, s := range subs {
		texts, ok := f.finite(s)
		if !ok {
			flush(i)
			from = i + 1
			if sub, ok := f.find(s); ok {
				best = better(best, inside(sub))
			}
			continue
		}
		joined, ok := cross(run, texts)
		if !ok {
			flush(i)
			joined = texts
		}
		run = joined
	}
	flush(len(subs))
	return best, len(best) > 0
}

// lits gives texts a place; an empty one says nothing.
func lits(texts []string, where Where) ([]Lit, bool) {
	var out []Lit
	for _, t := range texts {
		if t == "" && where != Whole {
			return nil, false
		}
		out = append(out, Lit{t, where})
	}
	return out, len(out) > 0
}

func inside(in []Lit) []Lit {
	out := slices.Clone(in)
	for i := range out {
		if out[i].Text == "" {
			return nil
		}
		out[i].Where = Inside
	}
	return out
}

// better returns the list whose shortest text is longer.
func better(a, b []Lit) []Lit {
	if len(a) == 0 || len(b) > 0 && shortest(b) > shortest(a) {
		return b
	}
	return a
}

func shortest(lits []Lit) int {
	n := 1 << 30
	for _, l := range lits {
		w := len(l.Text)
		if l.Where == Whole {
			w += 4
		}
		n = min(n, w)
	}
	return n
}

// finite writes out the texts of a tree that has few.
func (f finder) finite(t *tree) ([]string, bool) {
	switch t.kind {
	case tEmpty:
		return []string{""}, true
	case tSet:
		return f.letters(t.set)
	case tUnion:
		var out []string
		for _, s := range t.subs {
			texts, ok := f.finite(s)
			if !ok || len(out)+len(texts) > maxLits {
				return nil, false
			}
			out = append(out, texts...)
		}
		return unique(out), true
	case tConcat:
		return f.product(t.subs)
	case tRepeat:
		if t.max < 0 || t.max > 8 {
			return nil, false
		}
		var out []string
		for n := t.min; n <= t.max; n++ {
			texts, ok := f.product(slices.Repeat(t.subs, n))
			if !ok || len(out)+len(texts) > maxLits {
				return nil, false
			}
			out = append(out, texts...)
		}
		return unique(out), true
	}
	return nil, false
}

func (f finder) product(subs []*tree) ([]string, bool) {
	out := []string{""}
	for _, s := range subs {
		texts, ok := f.finite(s)
		if !ok {
			return nil, false
		}
		if out, ok = cross(out, texts); !ok {
			return nil, false
		}
	}
	return out, true
}

// letters writes out a set of at most eight characters.
func (f finder) letters(set []runeRange) ([]string, bool) {
	n := rune(0)
	for _, r := range set {
		n += r.hi - r.lo + 1
	}
	if n > 8 {
		return nil, false
	}
	var out []string
	for _, r := range set {
		for c := r.lo; c <= r.hi; c++ {
			if c == utf8.RuneError || !utf8.ValidRune(c) {
				return nil, false // stands for bytes that are no character
			}
			s := string(c)
			if f.fold && c < utf8.RuneSelf {
				s = strings.ToLower(s)
			}
			out = append(out, s)
		}
	}
	return unique(out), true
}

func unique(in []string) []string {
	slices.Sort(in)
	return slices.Compact(in)
}

func cross(a, b []string) ([]string, bool) {
	if len(a)*len(b) > maxLits {
		return nil, false
	}
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	return out, true
}
