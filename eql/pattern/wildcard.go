// Package pattern matches whole texts against the patterns of EQL: wildcards
// (Set) and Lucene's regular expressions (Regex). Both are compiled once, have
// no state that shows, and may be shared between goroutines. Standard library only.
package pattern

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Wildcard is one wildcard pattern, cut at its stars. * stands for any run of
// characters, ? for exactly one; nothing escapes them.
type Wildcard struct {
	segs  []segment // between the stars; the first is anchored at the begin, the last at the end
	whole bool      // no star: the only segment is the whole text
}

// segment is text with ? in it.
type segment struct {
	text string
	ask  bool // text holds a ?
}

// NewWildcard compiles one pattern.
func NewWildcard(p string) Wildcard {
	var w Wildcard
	parts := strings.Split(p, "*")
	w.whole = len(parts) == 1
	for i, part := range parts {
		if part == "" && i > 0 && i < len(parts)-1 {
			continue // ** is *
		}
		w.segs = append(w.segs, segment{part, strings.IndexByte(part, '?') >= 0})
	}
	return w
}

// Match reports whether the whole of s matches.
func (w *Wildcard) Match(s string) bool {
	n, ok := w.segs[0].prefix(s)
	if !ok {
		return false
	}
	if w.whole {
		return n == len(s)
	}
	s = s[n:]
	last := len(w.segs) - 1
	for i := 1; i < last; i++ {
		if n = w.segs[i].find(s); n < 0 {
			return false
		}
		s = s[n:]
	}
	return w.segs[last].suffix(s)
}

// prefix reports whether s begins with the segment, and its length in s.
func (g *segment) prefix(s string) (int, bool) {
	if !g.ask {
		return len(g.text), strings.HasPrefix(s, g.text)
	}
	n := 0
	for i := 0; i < len(g.text); i++ {
		if n >= len(s) {
			return 0, false
		}
		c := g.text[i]
		if c != '?' {
			if s[n] != c {
				return 0, false
			}
			n++
			continue
		}
		n += width(s[n:])
	}
	return n, true
}

// width is the length of the character that s begins with.
func width(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// find returns where the first occurrence in s ends, or -1.
func (g *segment) find(s string) int {
	if !g.ask {
		i := strings.Index(s, g.text)
		if i < 0 {
			return -1
		}
		return i + len(g.text)
	}
	for i := 0; i < len(s); i += width(s[i:]) {
		if n, ok := g.prefix(s[i:]); ok {
			return i + n
		}
	}
	return -1
}

// suffix reports whether s ends with the segment.
func (g *segment) suffix(s string) bool {
	if !g.ask {
		return strings.HasSuffix(s, g.text)
	}
	for i := len(g.text); i > 0; {
		if s == "" {
			return false
		}
		if c := g.text[i-1]; c != '?' {
			if s[len(s)-1] != c {
				return false
			}
			i, s = i-1, s[:len(s)-1]
			continue
		}
		_, n := utf8.DecodeLastRuneInString(s)
		i, s = i-1, s[:len(s)-n]
	}
	return true
}

// Set is a list of wildcard patterns of which any may match. Patterns are
// sorted into kinds that are cheap to test together: whole texts by hash, those
// that begin with letters and those that end with letters in tries that read
// the text once, the rest one by one.
type Set struct {
	any      bool // a pattern is *
	exact    map[string]struct{}
	few      []string // instead of exact, if there are few
	heads    []heads
	tails    *trie
	contains []string
	general  []Wildcard
}

// heads are patterns that begin with the same number of ? and then letters.
type heads struct {
	skip int
	trie *trie
}

// fewExact is how many texts are compared one by one instead of by hash.
const fewExact = 4

// NewSet compiles a list of patterns.
func NewSet(patterns []string) *Set {
	s := &Set{}
	for _, p := range patterns {
		s.add(p)
	}
	s.finish()
	return s
}

// NewExactSet compiles a list of texts in which * and ? have no meaning.
func NewExactSet(texts []string) *Set {
	s := &Set{}
	for _, t := range texts {
		s.addExact(t)
	}
	s.finish()
	return s
}

func (s *Set) addExact(t string) {
	if s.exact == nil {
		s.exact = map[string]struct{}{}
	}
	s.exact[t] = struct{}{}
}

func (s *Set) finish() {
	if len(s.exact) <= fewExact {
		for t := range s.exact {
			s.few = append(s.few, t)
		}
		slices.Sort(s.few)
		s.exact = nil
	}
}

func (s *Set) add(p string) {
	w := NewWildcard(p)
	first, last := w.segs[0], w.segs[len(w.segs)-1]
	skip := len(first.text) - len(strings.TrimLeft(first.text, "?"))
	head := first.text[skip:]
	if i := strings.IndexByte(head, '?'); i >= 0 {
		head = head[:i]
	}
	tail := last.text[strings.LastIndexByte(last.text, '?')+1:]
	switch {
	case w.whole && !first.ask:
		s.addExact(p)
	case !w.whole && len(w.segs) == 2 && first.text == "" && last.text == "":
		s.any = true
	case head != "":
		s.head(skip).add(head, w, skip+len(head) == len(first.text))
	case !w.whole && tail != "":
		if s.tails == nil {
			s.tails = &trie{reverse: true}
		}
		s.tails.add(tail, w, tail == last.text && first.text == "" && len(w.segs) == 2)
	case len(w.segs) == 3 && first.text == "" && last.text == "" && !w.segs[1].ask:
		s.contains = append(s.contains, w.segs[1].text)
	default:
		s.general = append(s.general, w)
	}
}

func (s *Set) head(skip int) *trie {
	for _, h := range s.heads {
		if h.skip == skip {
			return h.trie
		}
	}
	s.heads = append(s.heads, heads{skip, &trie{}})
	return s.heads[len(s.heads)-1].trie
}

// Match reports whether the whole of text matches any pattern.
func (s *Set) Match(text string) bool {
	if s.any {
		return true
	}
	for _, t := range s.few {
		if t == text {
			return true
		}
	}
	if s.exact != nil {
		if _, ok := s.exact[text]; ok {
			return true
		}
	}
	for i := range s.heads {
		if s.heads[i].match(text) {
			return true
		}
	}
	if s.tails != nil && s.tails.match(text, text) {
		return true
	}
	for _, c := range s.contains {
		if strings.Contains(text, c) {
			return true
		}
	}
	for i := range s.general {
		if s.general[i].Match(text) {
			return true
		}
	}
	return false
}

func (h *heads) match(text string) bool {
	rest := text
	for range h.skip {
		if rest == "" {
			return false
		}
		rest = rest[width(rest):]
	}
	return h.trie.match(rest, text)
}

// Where says where in a matching text a literal stands.
type Where uint8

// The places.
const (
	Whole  Where = iota // it is the text
	Begin               // the text begins with it
	End                 // the text ends with it
	Inside              // anywhere
)

// Literal returns the longest run of letters that every text matching the
// wildcard pattern holds, and where. It is empty for patterns of * and ? alone.
func Literal(p string) (text string, where Where) {
	if !strings.ContainsAny(p, "*?") {
		return p, Whole
	}
	where = Inside
	for at := 0; at < len(p); {
		n := strings.IndexAny(p[at:], "*?")
		if n < 0 {
			n = len(p) - at
		}
		w := Inside
		switch {
		case at == 0:
			w = Begin
		case at+n == len(p):
			w = End
		}
		if n > len(text) || n == len(text) && n > 0 && w == End {
			text, where = p[at:at+n], w
		}
		at += n + 1
	}
	return text, where
}

// Runs gives every text between the wildcards of a pattern that is not whole:
// each stands in every text that matches, in its place. A pattern that begins
// with ? gives the text behind them as one that stands at the begin, after
// skip characters.
func Runs(p string) (runs []Run) {
	skip := len(p) - len(strings.TrimLeft(p, "?"))
	for at := skip; at < len(p); {
		n := strings.IndexAny(p[at:], "*?")
		if n < 0 {
			n = len(p) - at
		}
		r := Run{Lit: Lit{p[at : at+n], Inside}}
		switch {
		case at == skip:
			r.Where, r.Skip = Begin, skip
		case at+n == len(p):
			r.Where = End
		}
		if n > 0 {
			runs = append(runs, r)
		}
		at += n + 1
	}
	return runs
}

// Run is a text of a pattern, and how many characters stand before it if its
// place is the begin.
type Run struct {
	Lit
	Skip int
}
