package evtxtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/tocsin-project/tocsin/evtx"
)

const (
	fileBlock   = 4096
	chunkHead   = 512
	recordMagic = "**\x00\x00"
	noDep       = 0xffff
)

var le = binary.LittleEndian

// File gives the events as an EVTX file. The first record number is the first
// event's RecordID, or 1.
func File(events ...Event) ([]byte, error) {
	f := file{out: make([]byte, fileBlock)}
	next := uint64(1)
	for _, e := range events {
		if e.RecordID == 0 {
			e.RecordID = next
		}
		next = e.RecordID + 1
		if err := f.add(&e); err != nil {
			return nil, fmt.Errorf("write event %d: %w", e.RecordID, err)
		}
	}
	f.flush()
	h := f.out[:fileBlock]
	copy(h, "ElfFile\x00")
	le.PutUint64(h[16:], uint64(max(0, f.chunks-1)))
	le.PutUint64(h[24:], next)
	le.PutUint32(h[32:], 128)
	le.PutUint16(h[36:], 1)
	le.PutUint16(h[38:], 3)
	le.PutUint16(h[40:], fileBlock)
	le.PutUint16(h[42:], uint16(f.chunks))
	Seal(f.out)
	return f.out, nil
}

// Seal writes the checksums of a file anew, for files that were changed.
func Seal(file []byte) {
	if len(file) < fileBlock {
		return
	}
	le.PutUint32(file[124:], crc32.ChecksumIEEE(file[:120]))
	for at := fileBlock; at+evtx.ChunkSize <= len(file); at += evtx.ChunkSize {
		c := file[at : at+evtx.ChunkSize]
		if free := le.Uint32(c[48:]); free >= chunkHead && free <= evtx.ChunkSize {
			le.PutUint32(c[52:], crc32.ChecksumIEEE(c[chunkHead:free]))
		}
		le.PutUint32(c[124:], crc32.Update(crc32.ChecksumIEEE(c[:120]), crc32.IEEETable, c[128:chunkHead]))
	}
}

// file is a file in the making.
type file struct {
	out    []byte
	chunks int
	count  uint64 // records in all
	c      chunk
}

var errTooLarge = errors.New("event is larger than a chunk")

func (f *file) add(e *Event) error {
	for range 2 {
		if f.c.buf == nil {
			f.c = newChunk()
		}
		ok, err := f.c.add(e)
		if ok || err != nil {
			return err
		}
		f.flush()
	}
	return errTooLarge
}

// flush ends the chunk.
func (f *file) flush() {
	if f.c.records == 0 {
		return
	}
	first := f.count + 1
	f.count += f.c.records
	c := f.c.finish(first, f.count)
	f.out = append(f.out, c...)
	f.chunks++
	f.c = chunk{}
}

// chunk is a chunk in the making. Offsets are from its start.
type chunk struct {
	buf             []byte
	records         uint64
	firstID, lastID uint64
	last            int // offset of the last record
	names           map[string]int
	templates       map[string]int
}

func newChunk() chunk {
	return chunk{buf: make([]byte, chunkHead, evtx.ChunkSize), names: map[string]int{}, templates: map[string]int{}}
}

// add writes one event; ok is false if it does not fit.
func (c *chunk) add(e *Event) (ok bool, err error) {
	root, err := e.element()
	if err != nil {
		return false, err
	}
	at := len(c.buf)
	c.buf = append(c.buf, recordMagic...)
	c.u32(0)
	c.u64(e.RecordID)
	c.u64(filetime(e.Time))
	if e.Literal {
		c.buf = append(c.buf, 0x0f, 1, 1, 0)
		w := elementWriter{c: c, literal: true}
		w.element(&root)
		c.buf = append(c.buf, 0)
	} else {
		c.buf = append(c.buf, 0x0f, 1, 1, 0)
		c.instance(&root)
	}
	for len(c.buf)%8 != 4 {
		c.buf = append(c.buf, 0)
	}
	size := len(c.buf) - at + 4
	c.u32(uint32(size))
	if len(c.buf) > evtx.ChunkSize {
		c.rollBack(at)
		return false, nil
	}
	le.PutUint32(c.buf[at+4:], uint32(size))
	if c.records == 0 {
		c.firstID = e.RecordID
	}
	c.lastID, c.last = e.RecordID, at
	c.records++
	return true, nil
}

// rollBack takes everything from offset at on away.
func (c *chunk) rollBack(at int) {
	c.buf = c.buf[:at]
	for _, m := range []map[string]int{c.names, c.templates} {
		for k, off := range m {
			if off >= at {
				delete(m, k)
			}
		}
	}
}

func (c *chunk) u16(n int)    { c.buf = le.AppendUint16(c.buf, uint16(n)) }
func (c *chunk) u32(n uint32) { c.buf = le.AppendUint32(c.buf, n) }
func (c *chunk) u64(n uint64) { c.buf = le.AppendUint64(c.buf, n) }

// finish fills in the header and gives the whole chunk.
func (c *chunk) finish(first, last uint64) []byte {
	b := make([]byte, evtx.ChunkSize)
	copy(b, c.buf)
	copy(b, "ElfChnk\x00")
	le.PutUint64(b[8:], first)
	le.PutUint64(b[16:], last)
	le.PutUint64(b[24:], c.firstID)
	le.PutUint64(b[32:], c.lastID)
	le.PutUint32(b[40:], 128)
	le.PutUint32(b[44:], uint32(c.last))
	le.PutUint32(b[48:], uint32(len(c.buf)))
	for name, off := range c.names {
		slot := b[128+4*(nameHash(name)%64):]
		copy(b[off:off+4], slot[:4])
		le.PutUint32(slot, uint32(off))
	}
	for _, off := range c.templates {
		slot := b[384+4*(le.Uint32(b[off+4:])%32):]
		copy(b[off:off+4], slot[:4])
		le.PutUint32(slot, uint32(off))
	}
	return b
}

// nameHash is the hash that the format keeps with a name.
func nameHash(name string) uint16 {
	h := uint32(0)
	for _, u := range utf16le16(name) {
		h = h*65599 + uint32(u)
	}
	return uint16(h)
}

func utf16le16(s string) []uint16 {
	raw := utf16le(s)
	out := make([]uint16, len(raw)/2)
	for i := range out {
		out[i] = le.Uint16(raw[2*i:])
	}
	return out
}

// name writes a reference to a name, and the name itself at its first use.
func (c *chunk) name(s string) {
	if off, ok := c.names[s]; ok {
		c.u32(uint32(off))
		return
	}
	off := len(c.buf) + 4
	c.u32(uint32(off))
	c.names[s] = off
	c.u32(0)
	c.u16(int(nameHash(s)))
	raw := utf16le(s)
	c.u16(len(raw) / 2)
	c.buf = append(append(c.buf, raw...), 0, 0)
}

// instance writes an element as a template instance, and the token that ends
// its fragment.
func (c *chunk) instance(el *Element) {
	c.buf = append(c.buf, 0x0c, 1)
	key := shape(el, &strings.Builder{})
	id := crc32.ChecksumIEEE([]byte(key))
	c.u32(id)
	w := elementWriter{c: c}
	if off, ok := c.templates[key]; ok {
		c.u32(uint32(off))
		w.collect(el)
	} else {
		off := len(c.buf) + 4
		c.u32(uint32(off))
		c.templates[key] = off
		c.u32(0)
		c.u32(id)
		c.buf = append(c.buf, "evtxtest-tmp"...) // the rest of the GUID
		c.u32(0)
		c.buf = append(c.buf, 0x0f, 1, 1, 0)
		w.element(el)
		c.buf = append(c.buf, 0)
		le.PutUint32(c.buf[off+20:], uint32(len(c.buf)-off-24))
	}
	c.values(w.values)
	c.buf = append(c.buf, 0)
}

// substitution is a value of a template instance.
type substitution struct {
	value  evtx.Value
	nested *Element
}

// values writes the descriptors and the values of an instance.
func (c *chunk) values(list []substitution) {
	c.u32(uint32(len(list)))
	at := len(c.buf)
	for _, s := range list {
		c.u16(len(s.value.Raw()))
		typ := s.value.Type()
		if s.nested != nil {
			typ = evtx.TypeBinXML
		}
		c.buf = append(c.buf, byte(typ), 0)
	}
	for i, s := range list {
		if s.nested == nil {
			c.buf = append(c.buf, s.value.Raw()...)
			continue
		}
		start := len(c.buf)
		c.instance(s.nested)
		le.PutUint16(c.buf[at+4*i:], uint16(len(c.buf)-start))
	}
}

// shape gives a key that is the same for elements of one template.
func shape(el *Element, b *strings.Builder) string {
	fmt.Fprintf(b, "<%q %v", el.Name, el.NeedsContent)
	val := func(v evtx.Value) {
		if v.Type() == evtx.TypeText {
			fmt.Fprintf(b, "=%q", v.Raw())
		} else {
			b.WriteString("=%")
		}
	}
	for _, a := range el.Attrs {
		fmt.Fprintf(b, " %q", a.Name)
		val(a.Value)
	}
	b.WriteByte('>')
	for _, v := range el.Content {
		val(v)
	}
	for i := range el.Children {
		if el.Children[i].Nested {
			b.WriteString("%nested")
			continue
		}
		shape(&el.Children[i], b)
	}
	b.WriteByte('/')
	return b.String()
}
