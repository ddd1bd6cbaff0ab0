package evtx

import (
	"encoding/binary"
	"fmt"
)

// program is a fragment parsed and laid out for one place.
type program struct {
	nodes []node
	steps []step
}

type programKey struct{ def, place int32 }

// instance is a template instance: where its definition and its values are.
type instance struct {
	def   int // of the definition, in the chunk
	count int // values
	descs int // first descriptor
	end   int // behind the last value
}

// instance reads the template instance whose token stands at pos.
func (d *Decoder) instance(pos, limit int) (instance, error) {
	in := instance{}
	if pos+14 > limit {
		return in, errShort
	}
	in.def = int(binary.LittleEndian.Uint32(d.data[pos+6:]))
	if in.def < 0 || in.def+24 > len(d.data) {
		return in, fmt.Errorf("template at %d: %w", in.def, errNoChunk)
	}
	pos += 10
	if in.def == pos {
		pos += 24 + int(binary.LittleEndian.Uint32(d.data[pos+20:]))
	}
	if pos < 0 || pos+4 > limit {
		return in, errShort
	}
	n := binary.LittleEndian.Uint32(d.data[pos:])
	in.descs = pos + 4
	if int64(n)*4 > int64(limit-in.descs) {
		return in, fmt.Errorf("%d values: %w", n, errShort)
	}
	in.count = int(n)
	in.end = in.descs + 4*in.count
	for i := range in.count {
		in.end += int(binary.LittleEndian.Uint16(d.data[in.descs+4*i:]))
	}
	return in, nil
}

// values appends the values of an instance to the stack and gives them. What
// reaches behind the limit is cut off, which is an error.
func (d *Decoder) values(in instance, limit int) (vals []Value, err error) {
	base := len(d.stack)
	pos := in.descs + 4*in.count
	for i := range in.count {
		desc := d.data[in.descs+4*i:]
		size, typ := int(binary.LittleEndian.Uint16(desc)), Type(desc[2])
		end := pos + size
		if end > limit {
			if err == nil {
				err = fmt.Errorf("value %d: %w", i, errShort)
			}
			end = limit
			if pos > limit {
				pos, typ = limit, TypeNull
			}
		}
		v := Value{raw: d.data[pos:end:end], typ: typ}
		if typ&^ArrayFlag == TypeBinXML {
			v.raw = d.data[pos:end] // its capacity tells where it stands
		}
		d.stack = append(d.stack, v)
		pos = end
		if err != nil && size > 0 {
			pos = limit
		}
	}
	return d.stack[base:len(d.stack):len(d.stack)], err
}

// spend takes n off what the record and the chunk may still cost.
func (d *Decoder) spend(n int) bool {
	d.recordWork -= n
	d.chunkWork -= n
	return d.recordWork >= 0 && d.chunkWork >= 0
}

// fragment runs the binary XML from pos to limit, standing at a place. The
// first error is kept in d.err; what can be read is read.
func (d *Decoder) fragment(pos, limit int, at int32, depth int) {
	if depth > maxDepth {
		d.fail(errDepth)
		return
	}
	for pos < limit {
		if !d.spend(1) {
			d.fail(errWork)
			return
		}
		switch d.data[pos] {
		case tokenFragmentHead:
			pos += 4
		case tokenTemplate:
			end, ok := d.runInstance(pos, limit, at, depth)
			if !ok {
				return
			}
			pos = end
		case tokenEnd:
			return
		default:
			d.runBare(pos, limit, at, depth)
			return
		}
	}
}

// runInstance runs the template instance at pos and tells where it ends.
func (d *Decoder) runInstance(pos, limit int, at int32, depth int) (end int, ok bool) {
	in, err := d.instance(pos, limit)
	if err != nil {
		d.fail(err)
		return 0, false
	}
	if !d.spend(in.count) {
		d.fail(errWork)
		return 0, false
	}
	prog := d.template(in.def, at)
	base := len(d.stack)
	vals, err := d.values(in, limit)
	if err != nil {
		d.fail(err)
	}
	d.run(prog, vals, limit, depth)
	d.stack = d.stack[:base]
	return in.end, true
}

// runBare runs elements that stand outside any template.
func (d *Decoder) runBare(pos, limit int, at int32, depth int) {
	prog, err := d.compile(&d.temp, pos, limit, at, false)
	if err != nil {
		d.fail(err)
	}
	d.run(prog, nil, limit, depth)
}

// template gives the program of the definition at def for a place, compiled at
// first sight in the chunk. An error in a definition is reported with each
// record that uses it.
func (d *Decoder) template(def int, at int32) program {
	key := programKey{int32(def), at}
	if i, ok := d.byKey[key]; ok {
		p := &d.programs[i]
		if p.err != nil {
			d.fail(p.err)
		}
		return p.program
	}
	size := int(binary.LittleEndian.Uint32(d.data[def+20:]))
	limit := len(d.data)
	if size >= 0 && size < limit-def-24 {
		limit = def + 24 + size
	}
	st, keep := &d.kept, len(d.kept.nodes) < maxKeptNodes
	if !keep {
		st = &d.temp
	}
	prog, err := d.compile(st, def+24, limit, at, true)
	if err != nil {
		err = fmt.Errorf("template at %d: %w", def, err)
		d.fail(err)
	}
	if keep {
		d.byKey[key] = int32(len(d.programs))
		d.programs = append(d.programs, keptProgram{prog, err})
	}
	return prog
}

// compile parses and lays out the fragment from pos to limit.
func (d *Decoder) compile(st *store, pos, limit int, at int32, dep bool) (program, error) {
	p := &d.parser
	*p = parser{d: d, st: st, data: d.data[:limit], pos: pos, dep: dep}
	firstStep := len(st.steps)
	err := p.fragment()
	nodes := st.nodes[p.base:len(st.nodes):len(st.nodes)]
	l := &d.layout
	l.d, l.st, l.base, l.nodes = d, st, firstStep, nodes
	l.content(0, int32(len(nodes)), at)
	l.nodes = nil
	return program{nodes, st.steps[firstStep:len(st.steps):len(st.steps)]}, err
}

// run fills the record by a program over its values.
func (d *Decoder) run(prog program, vals []Value, limit, depth int) {
	if !d.spend(len(prog.steps)) {
		d.fail(errWork)
		return
	}
	for i := 0; i < len(prog.steps); i++ {
		s := &prog.steps[i]
		switch s.kind {
		case stepNeeds:
			if int(s.id) >= len(vals) || vals[s.id].typ == TypeNull {
				i = int(s.jump) - 1
			}
			continue
		case stepTemplate:
			d.runInstance(int(s.jump), limit, s.place, depth+1)
			continue
		}
		var v Value
		switch s.from {
		case fromValue:
			if int(s.id) < len(vals) {
				v = vals[s.id]
			}
			if v.typ&^ArrayFlag == TypeBinXML {
				d.inside(v, s, depth)
				continue
			}
		case fromPieces:
			v = d.join(prog.nodes[s.a:s.b], vals)
		default:
			v = Value{raw: s.text, typ: TypeText}
		}
		d.put(s, v, prog, vals)
	}
}

// put stores the value of a step.
func (d *Decoder) put(s *step, v Value, prog program, vals []Value) {
	switch s.kind {
	case stepField:
		if v.typ != TypeNull && (v.typ != TypeText || len(v.raw) > 0) {
			d.record.Fields[s.field] = v
		}
		return
	case stepInside:
		if !v.IsEmpty() {
			pl := d.places[s.place]
			d.add(pl.list, Pair{Name: outerPath(pl), Value: v})
		}
		return
	}
	if s.skipNull && v.IsEmpty() {
		return
	}
	p := Pair{Name: s.name, NameID: s.nameID, Value: v}
	if s.nameB != 0 {
		p.Name, p.NameID = d.dynamicName(s, prog, vals)
	}
	if v.typ&ArrayFlag == 0 || len(v.raw) == 0 {
		d.addStep(s, p)
		return
	}
	for it := (items{rest: v.raw, typ: v.typ &^ ArrayFlag}); it.next(); {
		if !d.spend(1) {
			d.fail(errWork)
			return
		}
		p.Value = it.item
		d.addStep(s, p)
	}
}

func (d *Decoder) addStep(s *step, p Pair) {
	if s.kind == stepKeyword {
		d.record.RenderedKeywords = append(d.record.RenderedKeywords, p.Value)
		return
	}
	d.add(s.list, p)
}

// add adds a pair to the record. One value can be added any number of times:
// whoever makes the text of all pairs must not be led to make too much.
func (d *Decoder) add(to list, p Pair) {
	if !d.spend(len(p.Value.raw) / textWork) {
		d.fail(errWork)
		return
	}
	r := &d.record
	switch to {
	case listData:
		r.Data = append(r.Data, p)
	case listUser:
		r.UserData = append(r.UserData, p)
	default:
		r.Other = append(r.Other, p)
	}
}

// inside runs a value that is a fragment of binary XML.
func (d *Decoder) inside(v Value, s *step, depth int) {
	at := s.place
	if s.kind != stepInside {
		name := s.name
		if s.kind == stepField {
			name = s.field.String()
		}
		at = d.placeFor(s.list, name)
	}
	if len(v.raw) == 0 {
		return
	}
	pos := cap(d.data) - cap(v.raw) // see values
	d.fragment(pos, pos+len(v.raw), at, depth+1)
}

// join puts a value together from pieces.
func (d *Decoder) join(nodes []node, vals []Value) Value {
	at := len(d.text)
	for i := range nodes {
		n := &nodes[i]
		if !d.spend(1) {
			d.fail(errWork)
			break
		}
		switch n.kind {
		case nodeText, nodeCDATA:
			d.text = append(d.text, n.text...)
		case nodeSubst:
			if int(n.id) < len(vals) {
				d.text = vals[n.id].AppendText(d.text)
			}
		}
		if len(d.text) > maxRecordText {
			d.fail(errWork)
			d.recordWork = 0
			break
		}
	}
	return Value{raw: d.text[at:len(d.text):len(d.text)], typ: TypeText}
}

// dynamicName gives the name of a pair whose Name attribute is a value.
func (d *Decoder) dynamicName(s *step, prog program, vals []Value) (string, uint32) {
	v := d.join(prog.nodes[s.nameA:s.nameB], vals)
	if s.name == "" {
		return d.names.of(v.raw)
	}
	d.layout.path = append(append(d.layout.path[:0], s.name...), v.raw...)
	return d.names.of(d.layout.path)
}
