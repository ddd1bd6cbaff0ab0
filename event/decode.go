package event

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"unicode/utf8"
)

// ErrNotObject is returned for a document that is JSON but no object.
var ErrNotObject = errors.New("decode event: not a JSON object")

// Decoder reads JSON documents into events. It is compiled from a schema and
// has no state of its own: goroutines may share it, each with its own Event.
// Slots that the schema gains later are not read by it.
type Decoder struct {
	paths *growing
	root  *node
}

// NewDecoder compiles a decoder for the fields of the schema. A schema without
// fields gives a decoder that checks documents and keeps nothing.
func NewDecoder(s *Schema) *Decoder {
	d := &Decoder{paths: newGrowing()}
	d.paths.root = true
	for slot := range s.fields {
		f := &s.fields[slot]
		n := d.paths.at(f.Path)
		n.slots = append(n.slots, int32(slot))
		n.null = n.null || f.NullValue != nil
	}
	d.root = d.paths.finish()
	return d
}

// Each has fn told every member of the objects at path, whether the schema
// knows it or not: for objects with names that nobody can list beforehand
// (winlog.event_data). Values that the schema names fill their slots as well.
// Members come in nested or dotted spelling, one by one in document order; a
// member that is spelled with dots itself (path.a.b) has the name "a.b". name
// and value live as long as the document and the event's arena. To be called
// before the first Decode.
func (d *Decoder) Each(path string, fn EachFunc) {
	d.paths.at(path).each = fn
	d.root = d.paths.finish()
}

// Decode reads one document, an object, into the slots of ev, which must be
// over the decoder's schema. It neither resets ev nor sets its Meta.
//
// The whole document is checked: what encoding/json refuses is a *SyntaxError
// with the byte's offset (and so is nesting beyond MaxDepth), and ev then holds
// part of it and is to be reset. A document that is no object is ErrNotObject.
//
// Dotted and nested spellings of a path are one field, also mixed; arrays are
// flattened; the values of objects in arrays and of repeated keys add up; nulls
// are dropped unless the field has a NullValue. Text with escapes is put in the
// event's arena, with broken UTF-8 and lone surrogates as U+FFFD; other text
// points into doc, which must stay unchanged until ev is reset.
func (d *Decoder) Decode(doc []byte, ev *Event) error {
	i := skipSpace(doc, 0)
	if i >= len(doc) || doc[i] != '{' {
		if err := Valid(doc); err != nil {
			return err
		}
		return ErrNotObject
	}
	if i = d.root.object(doc, i+1, 1, ev); i < 0 {
		return scanError(doc, i)
	}
	if i = skipSpace(doc, i); i < len(doc) {
		return scanError(doc, ^i)
	}
	return nil
}

// object reads the members of an object, from after its brace to after its
// end. depth counts the object itself.
func (n *node) object(b []byte, i, depth int, ev *Event) int {
	if i = skipSpace(b, i); i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return ^i
		}
		start := i
		m, i2 := n.key(b, i+1, ev)
		if i = i2; i < 0 {
			return i
		}
		if i < len(b) && b[i] != ':' {
			i = skipSpace(b, i)
		}
		if i >= len(b) || b[i] != ':' {
			return ^i
		}
		if i++; i < len(b) && b[i] <= ' ' {
			i = skipSpace(b, i)
		}
		value := i
		switch {
		case m != nil:
			i = m.value(b, i, depth, ev)
		case i < len(b) && b[i] == '"':
			i = skipString(b, i+1)
		default:
			i = skipValue(b, i, depth)
		}
		if i < 0 {
			return i
		}
		if n.watch {
			n.tell(b[start:value], Token{b[value:i]}, ev)
		}
		if i < len(b) && b[i] <= ' ' {
			i = skipSpace(b, i)
		}
		switch {
		case i >= len(b):
			return ^i
		case b[i] == '}':
			return i + 1
		case b[i] != ',':
			return ^i
		}
		if i++; i < len(b) && b[i] <= ' ' {
			i = skipSpace(b, i)
		}
	}
}

// key reads a key from after its opening quote to after its closing one, and
// finds the member that it names, nil if nobody asked for it.
func (n *node) key(b []byte, i int, ev *Event) (*node, int) {
	var head, tail uint64
	end := i
	for ; ; end += 8 {
		if end+8 > len(b) {
			return n.oddKey(b, i, ev)
		}
		w := word(b, end)
		m := stops(w)
		if end == i {
			head = w
		}
		if m == 0 {
			continue
		}
		k := bits.TrailingZeros64(m) >> 3
		end += k
		if b[end] != '"' {
			return n.oddKey(b, i, ev)
		}
		if end-i < 8 {
			head &= 1<<(8*k) - 1
		} else {
			tail = word(b, end-8)
		}
		break
	}
	key := b[i:end]
	e := n.names.first(head, tail, len(key))
	if e.is(head, tail, key) {
		return e.node, end + 1
	}
	if n.names.exact && !(n.deep && hasDot(head, tail, key)) {
		return nil, end + 1
	}
	return n.find(head, tail, key), end + 1
}

// find finds a member in either spelling.
func (n *node) find(head, tail uint64, key []byte) *node {
	m := n.names.find(head, tail, key)
	if m == nil && n.deep && hasDot(head, tail, key) {
		m = n.dotted.find(head, tail, key)
	}
	return m
}

// hasDot looks for a dot in a key whose first and last words are at hand.
func hasDot(head, tail uint64, key []byte) bool {
	if zeroByte(head^ones*'.')|zeroByte(tail^ones*'.') != 0 {
		return true
	}
	return len(key) > 16 && bytes.IndexByte(key[8:len(key)-8], '.') >= 0
}

// zeroByte is not zero if one of eight bytes is zero.
func zeroByte(w uint64) uint64 { return (w - ones) &^ w & highs }

// oddKey is key for keys with escapes or near the document's end.
func (n *node) oddKey(b []byte, i int, ev *Event) (*node, int) {
	end := skipString(b, i)
	if end < 0 {
		return nil, end
	}
	key := b[i : end-1]
	if plain(key) {
		return n.member(key), end
	}
	mark := len(ev.arena)
	unquote(key, ev)
	m := n.member(ev.arena[mark:])
	ev.arena = ev.arena[:mark]
	return m, end
}

// member finds a member by its key with escapes undone.
func (n *node) member(key []byte) *node {
	head, tail := words(key)
	return n.find(head, tail, key)
}

// value reads a value of the field or object n.
func (n *node) value(b []byte, i, depth int, ev *Event) int {
	if i >= len(b) {
		return ^i
	}
	switch c := b[i]; {
	case c == '"':
		return n.text(b, i+1, ev)
	case c == '{':
		if depth == MaxDepth {
			return ^i + tooDeep
		}
		if n.leaf && !n.watch {
			return skipNested(b, i, depth)
		}
		return n.object(b, i+1, depth+1, ev)
	case c == '[':
		if depth == MaxDepth {
			return ^i + tooDeep
		}
		return n.array(b, i+1, depth+1, ev)
	}
	return n.scalar(b, i, ev)
}

func (n *node) array(b []byte, i, depth int, ev *Event) int {
	if i = skipSpace(b, i); i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		if i = n.value(b, i, depth, ev); i < 0 {
			return i
		}
		i = skipSpace(b, i)
		switch {
		case i >= len(b):
			return ^i
		case b[i] == ']':
			return i + 1
		case b[i] != ',':
			return ^i
		}
		i = skipSpace(b, i+1)
	}
}

// scalar reads a number, boolean or null.
func (n *node) scalar(b []byte, i int, ev *Event) int {
	end := skipScalar(b, i)
	if end < 0 {
		return end
	}
	switch b[i] {
	case 't', 'f':
		for _, slot := range n.slots {
			*ev.place(int(slot)) = Bool(b[i] == 't')
		}
	case 'n':
		if n.null {
			n.nulls(ev)
		}
	default:
		for _, slot := range n.slots {
			*ev.place(int(slot)) = Number(view(b[i:end]))
		}
	}
	return end
}

func (n *node) nulls(ev *Event) {
	for _, slot := range n.slots {
		if v := ev.schema.fields[slot].NullValue; v != nil {
			ev.Add(int(slot), *v)
		}
	}
}

// text reads a string from after its opening quote.
func (n *node) text(b []byte, i int, ev *Event) int {
	var seen uint64 // all bytes so far, to know text beyond ASCII
	for end := i; end+8 <= len(b); end += 8 {
		w := word(b, end)
		m := stops(w)
		if m == 0 {
			seen |= w
			continue
		}
		k := bits.TrailingZeros64(m) >> 3
		seen |= w & (1<<(8*k) - 1)
		end += k
		if b[end] != '"' {
			return n.escaped(b, i, ev)
		}
		s := b[i:end]
		if seen&highs != 0 && !utf8.Valid(s) {
			break
		}
		n.add(view(s), ev)
		return end + 1
	}
	return n.oddText(b, i, ev)
}

// escaped is text for strings with escapes: they are undone while they are
// read, eight bytes at a time into the arena.
func (n *node) escaped(b []byte, i int, ev *Event) int {
	start := len(ev.arena)
	out, o := ev.arena[:cap(ev.arena)], start
	var seen uint64
	for at := i; at+8 <= len(b); {
		if o+8 > len(out) {
			out = append(out, 0, 0, 0, 0, 0, 0, 0, 0)
			out = out[:cap(out)]
		}
		w := word(b, at)
		binary.LittleEndian.PutUint64(out[o:], w)
		m := stops(w)
		if m == 0 {
			seen |= w
			at, o = at+8, o+8
			continue
		}
		k := bits.TrailingZeros64(m) >> 3
		seen |= w & (1<<(8*k) - 1)
		at, o = at+k, o+k
		if b[at] == '"' {
			if seen&highs != 0 && !utf8.Valid(out[start:o]) {
				break
			}
			ev.arena = out[:o]
			n.add(view(out[start:o]), ev)
			return at + 1
		}
		if at+1 == len(b) || b[at] != '\\' || b[at+1] == 'u' || skipEscape(b, at) < 0 {
			break
		}
		if o == len(out) {
			out = append(out, 0)
			out = out[:cap(out)]
		}
		out[o] = unescaped(b[at+1])
		at, o = at+2, o+1
	}
	ev.arena = out[:start]
	return n.oddText(b, i, ev)
}

// oddText is text for strings that are near the document's end, wrong, or hold
// what is rare: escaped code points, broken UTF-8.
func (n *node) oddText(b []byte, i int, ev *Event) int {
	end := skipString(b, i)
	if end < 0 {
		return end
	}
	if len(n.slots) > 0 {
		n.add(Token{b[i-1 : end]}.Text(ev), ev)
	}
	return end
}

func (n *node) add(s string, ev *Event) {
	for _, slot := range n.slots {
		*ev.place(int(slot)) = Text(s)
	}
}

// tell reports a member of n to the EachFunc of the object it lies in. raw is the key, up to the value.
func (n *node) tell(raw []byte, value Token, ev *Event) {
	key := Token{raw[:bytes.LastIndexByte(raw, '"')+1]}.Text(ev)
	if n.each != nil {
		n.each(ev, key, value)
		return
	}
	// A dotted key: the object it lies in is the nearest that asked.
	for i := len(key) - 1; i > 0; i-- {
		if key[i] != '.' {
			continue
		}
		if p := n.member([]byte(key[:i])); p != nil && p.each != nil {
			p.each(ev, key[i+1:], value)
			return
		}
	}
}
