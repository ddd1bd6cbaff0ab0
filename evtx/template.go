package evtx

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The tokens of binary XML (MS-EVEN6 2.2.12); tokenMore is a flag on some.
const (
	tokenEnd          = 0x00
	tokenOpen         = 0x01
	tokenCloseStart   = 0x02
	tokenCloseEmpty   = 0x03
	tokenEndElement   = 0x04
	tokenText         = 0x05
	tokenAttribute    = 0x06
	tokenCDATA        = 0x07
	tokenCharRef      = 0x08
	tokenEntity       = 0x09
	tokenPITarget     = 0x0a
	tokenPIData       = 0x0b
	tokenTemplate     = 0x0c
	tokenSubst        = 0x0d
	tokenOptional     = 0x0e
	tokenFragmentHead = 0x0f

	tokenMore = 0x40
)

// nodeKind is the kind of a node.
type nodeKind uint8

const (
	nodeElement  nodeKind = iota // name; attributes, then content from body to end
	nodeAttr                     // name; value pieces to end
	nodeText                     // text
	nodeCDATA                    // text, not to be escaped when rendered
	nodeSubst                    // value number id
	nodePI                       // name, text
	nodeTemplate                 // a template instance in the chunk at offset at
)

// noDep is the dependency of an element that depends on no value.
const noDep = 0xffff

// node is one piece of a parsed fragment; a fragment is a flat list in
// document order, in which an element or attribute is followed by what is in it.
type node struct {
	kind     nodeKind
	optional bool   // nodeSubst
	fragment bool   // nodeSubst: declared as binary XML
	id       uint16 // nodeSubst: number of the value; nodeElement: value without which it is left out
	body     int32  // nodeElement: index of the first node behind the attributes
	end      int32  // nodeElement, nodeAttr: index behind the last node in it
	at       int32  // nodeTemplate: offset in the chunk
	name     string
	text     []byte
}

// store holds nodes, steps and texts of compiled fragments.
type store struct {
	nodes []node
	steps []step
	text  []byte
}

// reset empties the store. What grew far beyond the usual is let go.
func (s *store) reset() {
	if cap(s.nodes) > usualNodes || cap(s.steps) > usualNodes || cap(s.text) > 1<<20 {
		*s = store{}
	}
	s.nodes, s.steps, s.text = s.nodes[:0], s.steps[:0], s.text[:0]
}

var (
	errShort   = errors.New("binary XML ends early")
	errDepth   = errors.New("elements nest too deep")
	errWork    = errors.New("record expands to too much")
	errNoChunk = errors.New("offset outside the chunk")
)

// parser turns the tokens of one fragment into nodes.
type parser struct {
	d    *Decoder
	st   *store
	data []byte // the chunk up to the fragment's end
	pos  int
	dep  bool // elements give a dependency
	base int  // first node of this fragment in st
	open [maxDepth]int32
	deep int
}

func (p *parser) u16() (int, error) {
	if p.pos+2 > len(p.data) {
		return 0, errShort
	}
	v := binary.LittleEndian.Uint16(p.data[p.pos:])
	p.pos += 2
	return int(v), nil
}

func (p *parser) u32() (uint32, error) {
	if p.pos+4 > len(p.data) {
		return 0, errShort
	}
	v := binary.LittleEndian.Uint32(p.data[p.pos:])
	p.pos += 4
	return v, nil
}

// fragment parses tokens up to the end of the fragment. What was read before
// an error stays, with open elements closed.
func (p *parser) fragment() error {
	p.base = len(p.st.nodes)
	err := p.tokens()
	for p.deep > 0 {
		p.closeElement()
	}
	return err
}

func (p *parser) tokens() error {
	for p.pos < len(p.data) {
		if !p.d.spend(1) {
			return errWork
		}
		t := p.data[p.pos]
		p.pos++
		var err error
		switch t {
		case tokenEnd:
			return nil
		case tokenFragmentHead:
			p.pos += 3
		case tokenOpen, tokenOpen | tokenMore:
			err = p.element(t&tokenMore != 0)
		case tokenEndElement:
			if p.deep == 0 {
				return errors.New("end of an element that was not opened")
			}
			p.closeElement()
		case tokenTemplate:
			err = p.template()
		case tokenPITarget:
			err = p.instruction()
		default:
			var ok bool
			if ok, err = p.piece(t); !ok && err == nil {
				err = fmt.Errorf("unknown token 0x%02x", t)
			}
		}
		if err != nil {
			return err
		}
	}
	if p.deep > 0 {
		return errShort
	}
	return nil
}

func (p *parser) add(n node) int32 {
	p.st.nodes = append(p.st.nodes, n)
	return int32(len(p.st.nodes) - 1 - p.base)
}

func (p *parser) at(i int32) *node { return &p.st.nodes[p.base+int(i)] }

func (p *parser) next() int32 { return int32(len(p.st.nodes) - p.base) }

func (p *parser) closeElement() {
	p.deep--
	n := p.at(p.open[p.deep])
	n.end = p.next()
	n.body = max(n.body, p.open[p.deep]+1)
}

// element parses an element's start: dependency, size, name, attributes.
func (p *parser) element(attrs bool) error {
	dep := noDep
	if p.hasDependency() {
		dep, _ = p.u16()
	}
	if _, err := p.u32(); err != nil { // size of the element: not needed
		return err
	}
	name, err := p.name()
	if err != nil {
		return err
	}
	if attrs {
		if _, err = p.u32(); err != nil { // size of the attributes: not needed
			return err
		}
	}
	if p.deep == maxDepth {
		return errDepth
	}
	self := p.add(node{kind: nodeElement, id: uint16(dep), name: name})
	p.open[p.deep] = self
	p.deep++
	if err = p.attributes(); err != nil {
		return err
	}
	if p.pos >= len(p.data) {
		return errShort
	}
	p.at(self).body = p.next()
	t := p.data[p.pos]
	p.pos++
	switch t {
	case tokenCloseStart:
	case tokenCloseEmpty:
		p.closeElement()
	default:
		// Some writers leave the token out and go on with the content.
		p.pos--
	}
	return nil
}

// hasDependency tells whether a dependency stands before the element's size.
// It does in templates and not in fragments that are values; where a writer
// does otherwise, only one reading gives a name inside the chunk.
func (p *parser) hasDependency() bool {
	fits := func(at int) bool {
		if at+8 > len(p.data) {
			return false
		}
		name := int(binary.LittleEndian.Uint32(p.data[at+4:]))
		return name == at+8 || p.d.nameFits(name)
	}
	with, without := fits(p.pos+2), fits(p.pos)
	if with != without {
		return with
	}
	return p.dep
}

func (p *parser) attributes() error {
	for p.pos < len(p.data) {
		t := p.data[p.pos]
		if t&^tokenMore != tokenAttribute {
			return nil
		}
		if !p.d.spend(1) {
			return errWork
		}
		p.pos++
		name, err := p.name()
		if err != nil {
			return err
		}
		self := p.add(node{kind: nodeAttr, name: name})
		if err = p.pieces(); err != nil {
			p.at(self).end = p.next()
			return err
		}
		p.at(self).end = p.next()
	}
	return errShort
}

// pieces parses what an attribute's value is made of.
func (p *parser) pieces() error {
	for p.pos < len(p.data) {
		if !p.d.spend(1) {
			return errWork
		}
		p.pos++
		ok, err := p.piece(p.data[p.pos-1])
		if err != nil {
			return err
		}
		if !ok {
			p.pos--
			return nil
		}
	}
	return errShort
}

// piece parses the rest of a token that is a piece of text; ok is false if t
// is none.
func (p *parser) piece(t byte) (ok bool, err error) {
	switch t {
	case tokenText, tokenText | tokenMore:
		return true, p.value()
	case tokenCDATA, tokenCDATA | tokenMore:
		text, err := p.units()
		p.add(node{kind: nodeCDATA, text: text})
		return true, err
	case tokenCharRef, tokenCharRef | tokenMore:
		c, err := p.u16()
		p.add(node{kind: nodeText, text: p.keep(func(b []byte) []byte {
			return appendUTF16(b, []byte{byte(c), byte(c >> 8)})
		})})
		return true, err
	case tokenEntity, tokenEntity | tokenMore:
		name, err := p.name()
		p.add(node{kind: nodeText, text: p.keep(func(b []byte) []byte {
			return appendEntity(b, name)
		})})
		return true, err
	case tokenSubst, tokenOptional:
		id, err := p.u16()
		if err != nil || p.pos >= len(p.data) {
			return true, errShort
		}
		typ := Type(p.data[p.pos]) // declared: the value gives its own
		p.pos++
		p.add(node{kind: nodeSubst, id: uint16(id), optional: t == tokenOptional, fragment: typ == TypeBinXML})
		return true, nil
	}
	return false, nil
}

// value parses a literal value. Only strings occur.
func (p *parser) value() error {
	if p.pos >= len(p.data) {
		return errShort
	}
	t := Type(p.data[p.pos])
	p.pos++
	if t != TypeString {
		return fmt.Errorf("literal value of type 0x%02x", uint8(t))
	}
	text, err := p.units()
	p.add(node{kind: nodeText, text: text})
	return err
}

// keep makes text in the store.
func (p *parser) keep(f func([]byte) []byte) []byte {
	at := len(p.st.text)
	p.st.text = f(p.st.text)
	return p.st.text[at:len(p.st.text):len(p.st.text)]
}

// units reads counted UTF-16 text.
func (p *parser) units() ([]byte, error) {
	n, err := p.u16()
	if err != nil {
		return nil, err
	}
	if p.pos+2*n > len(p.data) {
		return nil, errShort
	}
	if !p.d.spend(2 * n / textWork) {
		return nil, errWork
	}
	at := len(p.st.text)
	p.st.text = appendUTF16(p.st.text, trimNUL16(p.data[p.pos:p.pos+2*n]))
	p.pos += 2 * n
	return p.st.text[at:len(p.st.text):len(p.st.text)], nil
}

// name reads the offset of a name, and passes over the name if it stands here.
func (p *parser) name() (string, error) {
	off, err := p.u32()
	if err != nil {
		return "", err
	}
	at := int(off)
	if int64(off) > int64(len(p.d.data)) {
		return "", errNoChunk
	}
	name, size, err := p.d.nameAt(at)
	if at == p.pos {
		p.pos += size
	}
	return name, err
}

// template parses a template instance inside other content: its place is kept.
func (p *parser) template() error {
	at := p.pos - 1
	inst, err := p.d.instance(at, len(p.data))
	if err != nil {
		return err
	}
	p.add(node{kind: nodeTemplate, at: int32(at)})
	p.pos = inst.end
	return nil
}

func (p *parser) instruction() error {
	name, err := p.name()
	if err != nil {
		return err
	}
	n := node{kind: nodePI, name: name}
	if p.pos < len(p.data) && p.data[p.pos] == tokenPIData {
		p.pos++
		n.text, err = p.units()
	}
	p.add(n)
	return err
}

// appendEntity appends what an entity stands for; an unknown one as written.
func appendEntity(dst []byte, name string) []byte {
	switch name {
	case "lt":
		return append(dst, '<')
	case "gt":
		return append(dst, '>')
	case "amp":
		return append(dst, '&')
	case "quot":
		return append(dst, '"')
	case "apos":
		return append(dst, '\'')
	}
	dst = append(append(dst, '&'), name...)
	return append(dst, ';')
}
