package evtxtest

import "github.com/tocsin-project/tocsin/evtx"

// elementWriter writes the tokens of an element and collects its values.
type elementWriter struct {
	c       *chunk
	literal bool // no template: all values as text
	values  []substitution
}

// collect gathers the values of an element whose template is there already, in
// the order in which element does.
func (w *elementWriter) collect(el *Element) {
	for _, a := range el.Attrs {
		w.take(a.Value)
	}
	for _, v := range el.Content {
		w.take(v)
	}
	for i := range el.Children {
		c := &el.Children[i]
		if c.Nested {
			w.values = append(w.values, substitution{nested: c})
			continue
		}
		w.collect(c)
	}
}

// take gives the number of a value, -1 for literal text.
func (w *elementWriter) take(v evtx.Value) int {
	if v.Type() == evtx.TypeText || w.literal {
		return -1
	}
	w.values = append(w.values, substitution{value: v})
	return len(w.values) - 1
}

// element writes an element.
func (w *elementWriter) element(el *Element) {
	c := w.c
	token := byte(0x01)
	if len(el.Attrs) > 0 {
		token |= 0x40
	}
	c.buf = append(c.buf, token)
	dep := len(c.buf)
	if !w.literal { // there is no dependency outside templates
		c.u16(noDep)
	}
	size := len(c.buf)
	c.u32(0)
	c.name(el.Name)
	if len(el.Attrs) > 0 {
		w.attributes(el.Attrs)
	}
	if len(el.Content) == 0 && len(el.Children) == 0 {
		c.buf = append(c.buf, 0x03)
	} else {
		c.buf = append(c.buf, 0x02)
		if el.NeedsContent && !w.literal {
			le.PutUint16(c.buf[dep:], uint16(len(w.values)))
		}
		w.content(el)
		c.buf = append(c.buf, 0x04)
	}
	le.PutUint32(c.buf[size:], uint32(len(c.buf)-size-4))
}

func (w *elementWriter) attributes(attrs []Data) {
	c := w.c
	size := len(c.buf)
	c.u32(0)
	for i, a := range attrs {
		token := byte(0x06)
		if i < len(attrs)-1 {
			token |= 0x40
		}
		c.buf = append(c.buf, token)
		c.name(a.Name)
		w.value(a.Value)
	}
	le.PutUint32(c.buf[size:], uint32(len(c.buf)-size-4))
}

func (w *elementWriter) content(el *Element) {
	for _, v := range el.Content {
		w.value(v)
	}
	for i := range el.Children {
		child := &el.Children[i]
		if !child.Nested || w.literal {
			w.element(child)
			continue
		}
		w.values = append(w.values, substitution{nested: child})
		w.subst(len(w.values)-1, evtx.TypeBinXML)
	}
}

// value writes a value: literal text, or a substitution.
func (w *elementWriter) value(v evtx.Value) {
	if id := w.take(v); id >= 0 {
		w.subst(id, v.Type())
		return
	}
	raw := utf16le(v.String())
	w.c.buf = append(w.c.buf, 0x05, byte(evtx.TypeString))
	w.c.u16(len(raw) / 2)
	w.c.buf = append(w.c.buf, raw...)
}

// subst writes an optional substitution.
func (w *elementWriter) subst(id int, t evtx.Type) {
	w.c.buf = append(w.c.buf, 0x0e)
	w.c.u16(id)
	w.c.buf = append(w.c.buf, byte(t))
}
