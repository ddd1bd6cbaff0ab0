package engine

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
)

// room is the part of the index for the events of one place.
type room struct {
	always []int32 // stages that nothing guards
	fields []field // by slot, ascending
}

// field holds the guards on one slot.
type field struct {
	slot   int
	exists []int32
	values map[event.Value][]int32 // numbers, booleans and addresses, as eql.EqualKey has them

	text   bool      // one of the following holds anything
	whole  textTable // folded whole values
	starts []edge    // by how many characters stand before
	ends   edge
	inside fragments
}

// edge holds texts that stand at one end of values: for each length that they
// have, that much of a value is looked up.
type edge struct {
	skip    int // characters before
	lengths []int
	table   textTable
}

type roomBuilder struct {
	always []int32
	fields map[int]*fieldBuilder
}

// fieldBuilder gathers the stages by what they need in one field.
type fieldBuilder struct {
	exists []int32
	values map[event.Value][]int32
	whole  map[string][]int32
	starts map[int]map[string][]int32 // by characters before
	ends   map[string][]int32
	inside map[string][]int32
}

// enter adds a stage under one of its guard's needs.
func (r *roomBuilder) enter(stage int32, need *eql.Need) {
	f := r.fields[need.Slot]
	if f == nil {
		f = &fieldBuilder{
			values: map[event.Value][]int32{}, whole: map[string][]int32{}, starts: map[int]map[string][]int32{},
			ends: map[string][]int32{}, inside: map[string][]int32{},
		}
		r.fields[need.Slot] = f
	}
	text := event.FoldASCII(need.Text)
	switch {
	case need.Op == eql.Exists:
		f.exists = append(f.exists, stage)
	case need.Op == eql.Equal:
		f.values[need.Value] = append(f.values[need.Value], stage)
	case need.Op == eql.Exact:
		f.whole[text] = append(f.whole[text], stage)
	case text == "": // stands in every text
		f.exists = append(f.exists, stage)
	case need.Op == eql.Prefix:
		if f.starts[need.Skip] == nil {
			f.starts[need.Skip] = map[string][]int32{}
		}
		f.starts[need.Skip][text] = append(f.starts[need.Skip][text], stage)
	case need.Op == eql.Suffix:
		f.ends[text] = append(f.ends[text], stage)
	default:
		f.inside[text] = append(f.inside[text], stage)
	}
}

func (r *roomBuilder) build() *room {
	out := &room{always: r.always}
	for slot, b := range r.fields {
		f := field{slot: slot, exists: b.exists, values: b.values}
		f.whole = newTextTable(b.whole)
		for skip, texts := range b.starts {
			f.starts = append(f.starts, newEdge(skip, texts))
		}
		f.ends = newEdge(0, b.ends)
		f.inside = newFragments(b.inside)
		f.text = len(b.whole)+len(b.starts)+len(b.ends)+len(b.inside) > 0
		out.fields = append(out.fields, f)
	}
	sort.Slice(out.fields, func(i, j int) bool { return out.fields[i].slot < out.fields[j].slot })
	return out
}

func newEdge(skip int, texts map[string][]int32) edge {
	e := edge{skip: skip, table: newTextTable(texts)}
	for text := range texts {
		if !slices.Contains(e.lengths, len(text)) {
			e.lengths = append(e.lengths, len(text))
		}
	}
	slices.Sort(e.lengths)
	return e
}

// field gives the stages for which a field's values satisfy a need.
func (l *lookup) field(ev *event.Event, f *field) {
	values := ev.Values(f.slot)
	if len(values) > 0 {
		l.take(f.exists)
	}
	for i := range values {
		v := &values[i]
		switch v.Kind {
		case event.KindText, event.KindVersion:
			if f.text {
				l.text(ev.Fold(v), f)
			}
		default:
			if len(f.values) > 0 {
				if key, ok := eql.EqualKey(*v); ok {
					l.take(f.values[key])
				}
			}
		}
	}
}

// text looks up one value, folded.
func (l *lookup) text(text string, f *field) {
	l.take(f.whole.find(text))
	for i := range f.starts {
		e := &f.starts[i]
		rest, ok := after(text, e.skip)
		for _, n := range e.lengths {
			if !ok || n > len(rest) {
				break
			}
			l.take(e.table.find(rest[:n]))
		}
	}
	for _, n := range f.ends.lengths {
		if n > len(text) {
			break
		}
		l.take(f.ends.table.find(text[len(text)-n:]))
	}
	if f.inside.any {
		f.inside.scan(text, l)
	}
}

// after returns what stands behind n characters, if there are as many.
func after(s string, n int) (string, bool) {
	for ; n > 0; n-- {
		if s == "" {
			return "", false
		}
		_, w := utf8.DecodeRuneInString(s)
		s = s[w:]
	}
	return s, true
}

// textTable finds the stages of a text: open addressing, at most half full. A
// text is hashed by its first and last eight bytes and its length.
type textTable struct {
	entries []textEntry // a power of two, or none
	shift   uint8
	lengths uint64 // which lengths there are; the last bit for 63 and more
}

type textEntry struct {
	head, tail uint64
	text       string
	stages     []int32 // nil where the entry is free
}

func newTextTable(texts map[string][]int32) textTable {
	if len(texts) == 0 {
		return textTable{}
	}
	width := bits.Len(uint(2*len(texts) - 1))
	t := textTable{entries: make([]textEntry, 1<<width), shift: uint8(64 - width)}
	mask := uint64(len(t.entries) - 1)
	for text, stages := range texts {
		head, tail := ends(text)
		h := hashText(head, tail, len(text)) >> t.shift
		for t.entries[h&mask].stages != nil {
			h++
		}
		t.entries[h&mask] = textEntry{head, tail, text, stages}
		t.lengths |= 1 << min(len(text), 63)
	}
	return t
}

func (t *textTable) find(text string) []int32 {
	if t.lengths>>min(len(text), 63)&1 == 0 {
		return nil
	}
	head, tail := ends(text)
	mask := uint64(len(t.entries) - 1)
	for h := hashText(head, tail, len(text)) >> (t.shift & 63); ; h++ {
		e := &t.entries[h&mask]
		if e.stages == nil {
			return nil
		}
		if e.head == head && e.tail == tail && e.text == text {
			return e.stages
		}
	}
}

func hashText(head, tail uint64, n int) uint64 {
	h := (head ^ bits.RotateLeft64(tail, 31) ^ uint64(n)) * 0x9e3779b97f4a7c15
	return (h ^ h>>29) * 0xbf58476d1ce4e5b9
}

// ends returns the first and last eight bytes; of less than eight all there are.
func ends(s string) (head, tail uint64) {
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	switch n := len(b); {
	case n >= 8:
		return binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[n-4:]))
	}
	for i, c := range b {
		head |= uint64(c) << (8 * i)
	}
	return head, 0
}

// fragments finds which of many texts a value holds. Of each text, some four
// neighbouring bytes stand in a small table, chosen so that few values have
// them; only where a value has such four bytes it is compared. Texts of seven
// bytes and more stand there with four neighbouring fours, so that it is enough
// to look at every fourth place of a value.
type fragments struct {
	any   bool
	short []fragment // below four bytes, looked for one by one
	every grams
	each4 grams
}

type fragment struct {
	text   string
	stages []int32
}

const gramSize = 4

// grams finds four bytes. A bit for each hash says whether there is any.
type grams struct {
	filter [gramBits / 64]uint64
	table  map[uint32][]placed
}

const gramBits = 4096

// placed is a text and where its four bytes stand in it.
type placed struct {
	*fragment
	at int
}

func newFragments(texts map[string][]int32) fragments {
	f := fragments{any: len(texts) > 0}
	for text, stages := range texts {
		g := &fragment{text, stages}
		switch {
		case len(text) < gramSize:
			f.short = append(f.short, *g)
		case len(text) < 2*gramSize-1:
			f.every.add(g, rarest(text, 1))
		default:
			at := rarest(text, gramSize)
			for i := range gramSize {
				f.each4.add(g, at+i)
			}
		}
	}
	return f
}

func (g *grams) add(f *fragment, at int) {
	if g.table == nil {
		g.table = map[uint32][]placed{}
	}
	gram := gramAt(f.text, at)
	h := gramHash(gram)
	g.filter[h/64] |= 1 << (h % 64)
	g.table[gram] = append(g.table[gram], placed{f, at})
}

// gramAt returns the four bytes at a place that has them.
func gramAt(s string, i int) uint32 {
	return *(*uint32)(unsafe.Add(unsafe.Pointer(unsafe.StringData(s)), i))
}

func gramHash(g uint32) uint32 { return g * 0x9e3779b1 >> (32 - 12) }

// rarest returns where n neighbouring fours begin that ordinary values hold
// least of.
func rarest(text string, n int) int {
	best, least := 0, 1<<30
	for at := 0; at+n+gramSize-1 <= len(text); at++ {
		common := 0
		for i := range n {
			for _, p := range commonParts {
				common += strings.Count(p, text[at+i:at+i+gramSize])
			}
		}
		if common < least {
			best, least = at, common
		}
	}
	return best
}

// scan gives the stages of every fragment that the text holds to l.
func (f *fragments) scan(text string, l *lookup) {
	for i := range f.short {
		if strings.Contains(text, f.short[i].text) {
			l.take(f.short[i].stages)
		}
	}
	if f.every.table != nil {
		f.every.scan(text, 1, l)
	}
	if f.each4.table != nil {
		f.each4.scan(text, gramSize, l)
	}
}

func (g *grams) scan(text string, step int, l *lookup) {
	for i := 0; i+gramSize <= len(text); i += step {
		gram := gramAt(text, i)
		if h := gramHash(gram); g.filter[h/64]>>(h%64)&1 == 0 {
			continue
		}
		for _, p := range g.table[gram] {
			if from := i - p.at; from >= 0 && strings.HasPrefix(text[from:], p.text) {
				l.take(p.stages)
			}
		}
	}
}
