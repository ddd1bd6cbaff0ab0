package event

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// Renderer writes events as nested JSON objects. It is made for a schema and
// follows it as it grows. It is not safe for concurrent use.
type Renderer struct {
	schema *Schema
	order  []rendered // by path
	seen   int        // fields of the schema in order
}

// rendered is a slot in the order of the output.
type rendered struct {
	slot  int
	names []string // the parts of the path
	array bool
}

// NewRenderer returns a renderer for events over the schema.
func NewRenderer(s *Schema) *Renderer { return &Renderer{schema: s} }

// AppendJSON appends the event's fields as one JSON object without white space:
// nested by the parts of their paths, keys in byte order of
// their parts, a list where ECS has
// one or there are several values. Values are of their fields' types: numbers
// and booleans as such, instants in ISO 8601, addresses in canonical form; a
// value that cannot be read as its field's type stands as it was written. A
// field below another that has a value too keeps its dotted name there. Fields
// that only stand for others (aliases, sub-fields) are left out.
func (r *Renderer) AppendJSON(dst []byte, ev *Event) []byte {
	if n := r.schema.Len(); n != r.seen {
		r.sort(n)
	}
	dst = append(dst, '{')
	var open, leaf []string // the objects that are open; the last value, which a longer path cannot go into
	for i := range r.order {
		f := &r.order[i]
		if f.slot >= len(ev.slots) || ev.slots[f.slot].n == 0 {
			continue
		}
		parents := f.names[:len(f.names)-1]
		if n := len(leaf); n > 0 && n <= len(parents) && slices.Equal(leaf, parents[:n]) {
			parents = parents[:n-1]
		} else {
			leaf = f.names
		}
		if dst, open = enter(dst, open, parents); dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = AppendJSONString(dst, strings.Join(f.names[len(parents):], "."))
		dst = r.appendValues(append(dst, ':'), ev, f)
	}
	for range open {
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// enter closes and opens objects so that parents are the open ones.
func enter(dst []byte, open, parents []string) ([]byte, []string) {
	same := 0
	for same < len(open) && same < len(parents) && open[same] == parents[same] {
		same++
	}
	for range len(open) - same {
		dst = append(dst, '}')
	}
	open = open[:same]
	for _, name := range parents[same:] {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(AppendJSONString(dst, name), ':', '{')
		open = append(open, name)
	}
	return dst, open
}

func (r *Renderer) appendValues(dst []byte, ev *Event, f *rendered) []byte {
	field := &r.schema.fields[f.slot]
	s := ev.slots[f.slot]
	list := f.array || s.n > 1
	if list {
		dst = append(dst, '[')
	}
	for i, v := range ev.vals[s.off : s.off+s.n] {
		if i > 0 {
			dst = append(dst, ',')
		}
		if typed, ok := field.render(v, ev); ok {
			v = typed
		}
		dst = v.AppendJSON(dst)
	}
	if list {
		dst = append(dst, ']')
	}
	return dst
}

// render is convert for showing: what no rule could compare is still shown.
func (f *Field) render(v Value, ev *Event) (Value, bool) {
	if f.Type == Keyword && f.IgnoreAbove > 0 {
		return v, true
	}
	return f.convert(v, ev)
}

// sort makes the order of the output: objects before what follows them, keys by
// their bytes part by part.
func (r *Renderer) sort(n int) {
	for slot := r.seen; slot < n; slot++ {
		f := &r.schema.fields[slot]
		if f.Path == f.Name {
			r.order = append(r.order, rendered{slot, strings.Split(f.Path, "."), IsArray(f.Path)})
		}
	}
	slices.SortFunc(r.order, func(a, b rendered) int { return slices.Compare(a.names, b.names) })
	r.seen = n
}

// AppendJSON appends a value as JSON: numbers as numbers, booleans as such,
// null as null, and all else as a string of its canonical text.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.Kind {
	case KindText, KindVersion:
		return AppendJSONString(dst, v.S)
	case KindTime, KindIP:
		return append(v.AppendText(append(dst, '"')), '"')
	case KindDouble:
		if x := math.Float64frombits(v.N); math.IsInf(x, 0) || x != x {
			return append(dst, "null"...) // JSON has no such numbers
		}
	}
	return v.AppendText(dst)
}

// AppendJSONString appends s as a JSON string: quote, backslash and control
// characters escaped, broken UTF-8 as U+FFFD, all else as it is. (Unlike
// encoding/json's default it leaves < > & alone.)
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		if i+8 <= len(s) {
			w := binary.LittleEndian.Uint64([]byte(s[i : i+8]))
			m := stops(w) | w&highs
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[done:i]...), "\ufffd"...)
				done = i + 1
			}
			i += n
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			dst = appendEscape(append(dst, s[done:i]...), c)
			done = i + 1
		}
		i++
	}
	return append(append(dst, s[done:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
