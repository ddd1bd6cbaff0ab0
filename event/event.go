// Package event is the record that everything else works on: typed values in
// the slots of a schema, beside the document they came from.
//
// A schema holds the union of the fields that the loaded rules read. A record
// is filled by a decoder (the JSON decoder of this package, or a mapping of
// package ecs), read by rules, and reset. Nothing is allocated per record once
// its slices have grown to the size of the traffic.
//
// How to read it: Schema and Field say what is kept, Event holds it, Decoder
// fills it from JSON in one pass over a tree of paths (trie.go) and the scanner
// (scan.go), which Skip and Iter offer to others. Event.Values turns what was
// written into the field's type (convert.go, time.go, version.go); ECSTypes and
// MappingTypes say which that is; Renderer writes a record as JSON again.
//
// The scanner accepts what encoding/json accepts, but for nesting beyond
// MaxDepth, and reads it alike, but that repeated keys add up.
//
// Memory: text in values points into the document's bytes or into the record's
// arena. It lives until Reset. What is kept longer must be cloned.
package event

import "unsafe"

// Meta is what orders and identifies an event, apart from its fields. The
// texts are as written in the document; empty where it has none.
type Meta struct {
	Time    int64 // event time, nanoseconds since 1970 UTC; valid if HasTime
	HasTime bool

	Computer string // the log's computer
	Channel  string // the log's channel
	Record   string // the log's record number
	Logged   string // the logged time as written
	DocID    string // _index/_id of a stored document
	Sequence string // event.sequence as written

	Synthesized bool // identities were made up by the native profile
}

// Event is one record. It is not safe for concurrent use.
type Event struct {
	Meta
	Raw []byte // the document's bytes, owned by the batch it came in

	schema *Schema
	slots  []span
	vals   []Value
	used   []int32 // slots with values, so that Reset touches no others
	arena  []byte
}

// What a record keeps from one document to the next.
const (
	keepArena = 4 << 20 // bytes
	keepVals  = 1 << 16
)

// span is one slot's place in vals.
type span struct {
	off, n, cap uint32
	typed       bool // values were turned into the field's type
	listed      bool // in Event.used, also after Clear
}

// New returns an empty record over a schema that no longer grows.
func New(s *Schema) *Event { return &Event{schema: s, slots: make([]span, s.Len())} }

// Schema returns the record's schema.
func (e *Event) Schema() *Schema { return e.schema }

// Reset empties the record for the next document.
func (e *Event) Reset(raw []byte) {
	for _, s := range e.used {
		e.slots[s] = span{}
	}
	if n := e.schema.Len(); n > len(e.slots) { // the schema of `normalize` grows with the data
		e.slots = append(e.slots, make([]span, n-len(e.slots))...)
	}
	e.used = e.used[:0]
	e.vals = e.vals[:0]
	e.arena = e.arena[:0]
	if cap(e.arena) > keepArena || cap(e.vals) > keepVals { // one huge document must not hold its memory for ever
		e.arena, e.vals = nil, nil
	}
	e.Meta = Meta{}
	e.Raw = raw
}

// Add appends a value to a slot. Nulls are dropped.
func (e *Event) Add(slot int, v Value) {
	if v.Kind != KindNull {
		*e.place(slot) = v
	}
}

// place appends a value to a slot; the caller writes the whole of it, since it
// may hold what an earlier document left.
func (e *Event) place(slot int) *Value {
	if slot >= len(e.slots) { // only while the schema of normalize grows
		e.slots = append(e.slots, make([]span, e.schema.Len()-len(e.slots))...)
	}
	s := &e.slots[slot]
	if s.n > 0 {
		return e.placeNext(s)
	}
	n := len(e.vals)
	if !s.listed {
		e.used = append(e.used, int32(slot))
	}
	*s = span{off: uint32(n), n: 1, cap: 1, listed: true}
	return e.grow(n)
}

// grow makes room for one value after the n that there are.
func (e *Event) grow(n int) *Value {
	if n == cap(e.vals) {
		e.vals = append(e.vals, Value{})
	}
	e.vals = e.vals[:n+1]
	return &e.vals[n]
}

func (e *Event) placeNext(s *span) *Value {
	s.typed = false
	s.n++
	if s.n > s.cap {
		if int(s.off+s.cap) == len(e.vals) {
			s.cap++
			return e.grow(len(e.vals))
		}
		// Values of one field that stand apart: move them, doubling, so that
		// the cost stays linear.
		off := uint32(len(e.vals))
		e.vals = append(e.vals, e.vals[s.off:s.off+s.cap]...)
		for range s.cap {
			e.vals = append(e.vals, Value{})
		}
		s.off, s.cap = off, 2*s.cap
	}
	return &e.vals[s.off+s.n-1]
}

// Clear removes a slot's values.
func (e *Event) Clear(slot int) {
	if slot < len(e.slots) {
		e.slots[slot].n, e.slots[slot].cap = 0, 0
	}
}

// Has reports whether the slot holds any value as written, before typing.
func (e *Event) Has(slot int) bool { return slot < len(e.slots) && e.slots[slot].n > 0 }

// Values returns a slot's values in the kind of its field's type; those that
// cannot be read as that type are left out. The slice belongs to the record:
// callers may fold its values but not keep it.
func (e *Event) Values(slot int) []Value {
	if slot >= len(e.slots) {
		return nil
	}
	s := &e.slots[slot]
	if !s.typed && s.n > 0 {
		e.typeValues(slot, s)
	}
	return e.vals[s.off : s.off+s.n]
}

// Text copies b into the record's arena and returns it as text that lives until Reset.
func (e *Event) Text(b []byte) string {
	n := len(e.arena)
	e.arena = append(e.arena, b...)
	t := e.arena[n:]
	return unsafe.String(unsafe.SliceData(t), len(t))
}

// TextOf is Text for a value that appends its own text, without a copy between.
func TextOf[T interface{ AppendText([]byte) []byte }](e *Event, v T) string {
	n := len(e.arena)
	e.arena = v.AppendText(e.arena)
	t := e.arena[n:]
	return unsafe.String(unsafe.SliceData(t), len(t))
}

func (e *Event) typeValues(slot int, s *span) {
	f := &e.schema.fields[slot]
	in := e.vals[s.off : s.off+s.n]
	s.typed = true
	if f.Type == Keyword && f.IgnoreAbove == 0 && allText(in) {
		return
	}
	out := in[:0]
	for _, v := range in {
		if v, ok := f.convert(v, e); ok {
			out = append(out, v)
		}
	}
	s.n = uint32(len(out))
}

func allText(vals []Value) bool {
	for i := range vals {
		if vals[i].Kind != KindText {
			return false
		}
	}
	return true
}

// Fold is v.Fold for a value of the record, without allocating: the folded text
// lies in the record's arena.
func (e *Event) Fold(v *Value) string {
	if v.fold == nil {
		if i := upper(v.S); i < len(v.S) {
			n := len(e.arena)
			e.arena = append(e.arena, v.S...)
			v.keepFold(e.arena[n:], i)
		} else {
			v.fold = unsafe.StringData(v.S)
		}
	}
	return unsafe.String(v.fold, len(v.S))
}

// First returns the text of a slot's first value, "" if there is none or it is
// no text. It lives as long as the event's values.
func (e *Event) First(slot int) string {
	if v := e.Values(slot); len(v) > 0 {
		return v[0].S
	}
	return ""
}

// Used gives the slots that hold a value, in no order, each at most once.
func (e *Event) Used(yield func(slot int) bool) {
	for _, s := range e.used {
		if e.slots[s].n > 0 && !yield(int(s)) {
			return
		}
	}
}
