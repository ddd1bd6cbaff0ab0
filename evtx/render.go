package evtx

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// errRender is given for a record whose rendering grows beyond maxRender.
var errRender = errors.New("record renders to too much")

// AppendXML appends the record as one Event element without line breaks of its
// own, values as Windows writes them. Characters that XML cannot hold become
// U+FFFD. A record from XML is given as it was. What cannot be read is left out
// and is the error; what was written before stays well-formed.
func (r *Record) AppendXML(dst []byte) ([]byte, error) {
	if r.dec == nil {
		return append(dst, r.doc...), nil
	}
	d := r.dec
	work, text, stack, err := d.chunkWork, len(d.text), len(d.stack), d.err
	d.recordWork, d.chunkWork, d.err = maxRecordWork, maxRecordWork, nil
	w := writer{d: d, dst: dst, limit: len(dst) + maxRender}
	w.fragment(r.body.start, r.body.end, 0)
	failed := d.err
	d.chunkWork, d.text, d.stack, d.err = work, d.text[:text], d.stack[:stack], err
	if failed != nil {
		return w.dst, fmt.Errorf("render record %d: %w", r.ID, failed)
	}
	return w.dst, nil
}

// writer renders nodes as XML.
type writer struct {
	d     *Decoder
	dst   []byte
	limit int
}

// full reports that there is no more to be written.
func (w *writer) full() bool {
	if len(w.dst) > w.limit {
		w.d.fail(errRender)
		return true
	}
	if !w.d.spend(1) {
		w.d.fail(errWork)
		return true
	}
	return false
}

// fragment renders the binary XML from pos to limit.
func (w *writer) fragment(pos, limit, depth int) {
	d := w.d
	if depth > maxDepth {
		d.fail(errDepth)
		return
	}
	for pos < limit {
		if w.full() {
			return
		}
		switch d.data[pos] {
		case tokenFragmentHead:
			pos += 4
		case tokenTemplate:
			if pos = w.instance(pos, limit, depth); pos == 0 {
				return
			}
		case tokenEnd:
			return
		default:
			prog, err := d.compile(&d.temp, pos, limit, int32(placeDocument), false)
			if err != nil {
				d.fail(err)
			}
			w.nodes(prog.nodes, 0, int32(len(prog.nodes)), nil, limit, depth)
			return
		}
	}
}

// instance renders the template instance at pos and gives its end, 0 if there
// is no reading on.
func (w *writer) instance(pos, limit, depth int) int {
	d := w.d
	in, err := d.instance(pos, limit)
	if err != nil {
		d.fail(err)
		return 0
	}
	if !d.spend(in.count) {
		d.fail(errWork)
		return 0
	}
	prog := d.template(in.def, int32(placeDocument))
	base := len(d.stack)
	vals, err := d.values(in, limit)
	if err != nil {
		d.fail(err)
	}
	w.nodes(prog.nodes, 0, int32(len(prog.nodes)), vals, limit, depth)
	d.stack = d.stack[:base]
	return in.end
}

// nodes renders the content from i to end.
func (w *writer) nodes(nodes []node, i, end int32, vals []Value, limit, depth int) {
	for i < end {
		if w.full() {
			return
		}
		n := &nodes[i]
		switch n.kind {
		case nodeElement:
			w.element(nodes, i, vals, limit, depth)
			i = n.end
			continue
		case nodeText, nodeCDATA:
			w.dst = appendEscaped(w.dst, n.text, false)
		case nodeSubst:
			if int(n.id) < len(vals) {
				w.value(vals[n.id], depth)
			}
		case nodePI:
			w.dst = append(append(append(w.dst, "<?"...), n.name...), ' ')
			w.dst = append(append(w.dst, n.text...), "?>"...)
		case nodeTemplate:
			w.instance(int(n.at), limit, depth+1)
		}
		i++
	}
}

// element renders the element at i; once for each item if its content is an
// array.
func (w *writer) element(nodes []node, i int32, vals []Value, limit, depth int) {
	n := &nodes[i]
	if depends(n) && (int(n.id) >= len(vals) || vals[n.id].typ == TypeNull) {
		return
	}
	if n.end == n.body+1 && nodes[n.body].kind == nodeSubst {
		id := int(nodes[n.body].id)
		if id < len(vals) && vals[id].typ&ArrayFlag != 0 && vals[id].typ != TypeBinXML|ArrayFlag && len(vals[id].raw) > 0 {
			for it := (items{rest: vals[id].raw, typ: vals[id].typ &^ ArrayFlag}); it.next() && !w.full(); {
				w.startTag(nodes, i, vals)
				w.dst = append(w.dst, '>')
				w.value(it.item, depth)
				w.endTag(n.name)
			}
			return
		}
	}
	w.startTag(nodes, i, vals)
	if n.body == n.end {
		w.dst = append(w.dst, "/>"...)
		return
	}
	w.dst = append(w.dst, '>')
	w.nodes(nodes, n.body, n.end, vals, limit, depth)
	w.endTag(n.name)
}

func (w *writer) endTag(name string) {
	w.dst = append(append(append(w.dst, "</"...), name...), '>')
}

// startTag renders a start tag but for its end. An attribute that is one
// optional value without text is left out.
func (w *writer) startTag(nodes []node, i int32, vals []Value) {
	n := &nodes[i]
	w.dst = append(append(w.dst, '<'), n.name...)
	for a := i + 1; a < n.body; a = nodes[a].end {
		if w.full() {
			return
		}
		attr := &nodes[a]
		if attr.end == a+2 && nodes[a+1].kind == nodeSubst && nodes[a+1].optional {
			id := int(nodes[a+1].id)
			if id >= len(vals) || vals[id].IsEmpty() {
				continue
			}
		}
		w.dst = append(append(append(w.dst, ' '), attr.name...), `="`...)
		v := w.d.join(nodes[a+1:attr.end], vals)
		w.dst = appendEscaped(w.dst, v.raw, true)
		w.dst = append(w.dst, '"')
	}
}

// value renders a value as content.
func (w *writer) value(v Value, depth int) {
	if v.typ&^ArrayFlag == TypeBinXML {
		if len(v.raw) > 0 {
			pos := cap(w.d.data) - cap(v.raw) // see Decoder.values
			w.fragment(pos, pos+len(v.raw), depth+1)
		}
		return
	}
	at := len(w.d.text)
	w.d.text = v.AppendText(w.d.text)
	w.dst = appendEscaped(w.dst, w.d.text[at:], false)
	w.d.text = w.d.text[:at]
}

// appendEscaped appends UTF-8 text as XML text.
func appendEscaped(dst, s []byte, attr bool) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '&' && c != '<' && c != '>' && c != '"' {
			i++
			continue
		}
		esc := ""
		size := 1
		switch {
		case c == '&':
			esc = "&amp;"
		case c == '<':
			esc = "&lt;"
		case c == '>':
			esc = "&gt;"
		case c == '"' && attr:
			esc = "&quot;"
		case c == '\r':
			esc = "&#xD;"
		case attr && (c == '\n' || c == '\t'):
			esc = "&#xA;"
			if c == '\t' {
				esc = "&#x9;"
			}
		case c < 0x20 && c != '\n' && c != '\t':
			esc = "\uFFFD"
		case c >= utf8.RuneSelf:
			var r rune
			r, size = utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && size == 1 || r == 0xfffe || r == 0xffff {
				esc = "\uFFFD"
			}
		}
		if esc != "" {
			dst = append(append(dst, s[from:i]...), esc...)
			from = i + size
		}
		i += size
	}
	return append(dst, s[from:]...)
}
