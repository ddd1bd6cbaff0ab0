package source

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/tocsin-project/tocsin/evtx"
)

const (
	evtxMagic   = "ElfFile\x00"
	chunkMagic  = "ElfChnk\x00"
	recordMagic = "**\x00\x00"
	evtxHeader  = 4096
	headerSum   = 124 // where the file header's checksum stands
	recordsFrom = 512 // where a chunk's records begin
)

// chunk is one chunk of an EVTX file in a block's data.
type chunk struct {
	start   int
	ref     evtx.ChunkRef
	records int // in the file before it
}

// looksEVTX accepts a file, a file whose header is damaged, and chunks alone.
func looksEVTX(head []byte) bool {
	return bytes.HasPrefix(head, []byte(evtxMagic)) || bytes.HasPrefix(head, []byte(chunkMagic)) ||
		len(head) > evtxHeader && bytes.HasPrefix(head[evtxHeader:], []byte(chunkMagic))
}

// chunkReader collects the chunks of an EVTX file, or of anything, in blocks.
// It only ever goes forward, so a pipe and a file of any size are the same.
type chunkReader struct {
	r       *reader
	s       *stream
	b       *Block
	each    int   // chunks a block
	at      int64 // file offset of the chunk to come
	index   int
	records int
	found   bool
	quiet   bool // what is no chunk is not worth a word

	used  int // chunks in use by the file's header, maxInt if it cannot be believed
	stale int // chunks behind them that were passed over

	gap gap // not yet reported
}

// gap is a run of bytes that are no chunk.
type gap struct {
	chunk    int
	from, to int64
}

func readEVTX(r *reader, s *stream) error {
	c := &chunkReader{r: r, s: s, used: math.MaxInt}
	var head evtx.Header
	if !bytes.HasPrefix(s.head, []byte(chunkMagic)) {
		var err error
		if head, err = c.header(); err != nil {
			return err
		}
	}
	if err := c.run(); err != nil {
		return err
	}
	if want := evtxHeader + int64(head.Chunks)*evtx.ChunkSize; c.at < want {
		r.problem(Problem{Path: s.path, Offset: c.at, Reason: fmt.Sprintf(
			"truncated: %d bytes, its header tells of %d chunks, %d bytes", c.at, head.Chunks, want)})
	}
	if c.stale > 0 {
		r.problem(Problem{Path: s.path, Offset: -1, Remark: true, Reason: fmt.Sprintf(
			"%d chunks that are not in use were passed over; carving reads them", c.stale)})
	}
	return nil
}

// header reports what is wrong with the file's header and passes over it.
func (c *chunkReader) header() (evtx.Header, error) {
	// The size is told as endless: how long a stream is shows at its end.
	f, err := evtx.NewReader(bytes.NewReader(c.s.head), math.MaxInt64)
	if err != nil {
		c.r.problem(Problem{Path: c.s.path, Reason: "truncated: " + err.Error()})
		f = nil
	}
	var head evtx.Header
	if f != nil {
		sound := bytes.HasPrefix(c.s.head, []byte(evtxMagic))
		for _, p := range f.Problems() {
			sound = sound && p.Offset != headerSum
			c.r.problem(Problem{Path: c.s.path, Offset: p.Offset, Reason: p.Reason, Remark: !p.Lost})
		}
		head = f.Header()
		if sound && !head.Dirty() && max(head.LastChunk, uint64(head.Chunks)) < 0xffff && c.s.size>>16 < 0xffff {
			c.used = int(head.Chunks) // counted in 16 bits: that of a larger file says nothing
		}
	}
	n, err := io.CopyN(io.Discard, c.s, evtxHeader)
	c.at = n
	if err != nil {
		err = c.r.ended(c.s, err)
	}
	return head, err
}

// carve looks for chunks in a stream of no known form.
func carve(r *reader, s *stream) (bool, error) {
	c := &chunkReader{r: r, s: s, quiet: true, used: math.MaxInt}
	err := c.run()
	if c.found {
		r.sum.Files++
	}
	return c.found, err
}

func (c *chunkReader) run() error {
	c.each = max(1, c.r.opt.BlockSize/evtx.ChunkSize)
	c.next()
	defer func() {
		if c.b != nil {
			c.b.Release()
		}
	}()
	held := 0 // bytes of the chunk to come that were read already
	for {
		used := len(c.b.data)
		slot := c.b.data[used : used+evtx.ChunkSize]
		n, err := readFull(c.s, slot[held:])
		n += held
		if err != nil {
			if err := c.r.ended(c.s, err); err != nil {
				return err
			}
		}
		if err := c.r.ctx.Err(); err != nil {
			return err
		}
		if bytes.HasPrefix(slot[:n], []byte(chunkMagic)) {
			c.accept(n)
			held = 0
			if len(c.b.chunks) == c.each && err == nil {
				if err := c.flush(); err != nil {
					return err
				}
			}
		} else {
			held = c.pass(slot[:n], err != nil)
		}
		if err != nil && held == 0 {
			c.endGap(false)
			return c.flush()
		}
	}
}

// next takes an empty block.
func (c *chunkReader) next() {
	c.b = c.r.block(c.s, EVTX)
	if n := c.each * evtx.ChunkSize; cap(c.b.data) < n {
		c.b.data = make([]byte, 0, n)
	}
}

func (c *chunkReader) flush() error {
	b := c.b
	if len(b.chunks) > 0 {
		b.Line, b.Offset = b.chunks[0].records+1, b.chunks[0].ref.Offset
	}
	c.next()
	return c.r.emit(b)
}

// accept takes the next n bytes of the block as a chunk.
func (c *chunkReader) accept(n int) {
	c.endGap(true)
	c.found = true
	ref := evtx.ChunkRef{Index: c.index, Offset: c.at, Size: n, Stale: c.index >= c.used}
	c.index++
	c.at += int64(n)
	if ref.Stale && !c.r.opt.Carve {
		c.stale++
		return
	}
	b := c.b
	start := len(b.data)
	b.data = b.data[:start+n]
	b.chunks = append(b.chunks, chunk{start, ref, c.records})
	c.records += countRecords(b.data[start:], c.r.opt.Carve)
}

// pass goes over bytes that begin no chunk, up to where one may begin. What
// is from there on is moved to the slot's front; it returns how much.
func (c *chunkReader) pass(slot []byte, last bool) (held int) {
	n := bytes.Index(slot, []byte(chunkMagic))
	if n < 0 {
		n = len(slot)
		if !last {
			n -= begun(slot)
		}
	}
	if !c.quiet && !zeros(slot[:n]) {
		if c.gap.to == 0 {
			c.gap = gap{chunk: c.index, from: c.at}
		}
		c.gap.to = c.at + int64(n)
	}
	c.at += int64(n)
	c.index = max(c.index, int((c.at-evtxHeader)/evtx.ChunkSize))
	return copy(slot, slot[n:])
}

// begun says how many bytes at b's end may be the beginning of a chunk.
func begun(b []byte) int {
	for n := min(len(b), len(chunkMagic)-1); n > 0; n-- {
		if bytes.HasSuffix(b, []byte(chunkMagic[:n])) {
			return n
		}
	}
	return 0
}

// endGap reports the bytes that are no chunk. Behind the last chunk in use
// nothing is missing by them.
func (c *chunkReader) endGap(inside bool) {
	if g := c.gap; g.to > 0 {
		c.r.problem(Problem{Path: c.s.path, Chunk: g.chunk + 1, Offset: g.from,
			Remark: !inside && g.chunk >= c.used,
			Reason: fmt.Sprintf("%d bytes are no chunk: its signature is missing", g.to-g.from)})
	}
	c.gap = gap{}
}

func zeros(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// countRecords says how many records a chunk has, at most: ordinals of the
// next chunk's records must not meet those of this one's. It hops from record
// to record, and counts all signatures where that leads nowhere or where
// slack space is read as well.
func countRecords(b []byte, slack bool) int {
	if slack || len(b) < recordsFrom {
		return bytes.Count(b, []byte(recordMagic))
	}
	free := int(min(binary.LittleEndian.Uint32(b[48:]), uint32(len(b))))
	n, i := 0, recordsFrom
	for i+24 <= free && string(b[i:i+4]) == recordMagic {
		size := int(binary.LittleEndian.Uint32(b[i+4:]))
		if size < 24 || size > len(b)-i {
			break
		}
		n++
		i += size
	}
	if i != free {
		n += bytes.Count(b[min(i, len(b)):], []byte(recordMagic))
	}
	return n
}

// chunked gives the records of a block of chunks.
func (b *Block) chunked(yield func(*Document, *Problem) bool) {
	if b.records == nil {
		if b.own == nil {
			b.own = evtx.NewDecoder(evtx.Options{Carve: b.carve})
		}
		b.records = b.own
	}
	d := b.records
	for _, c := range b.chunks {
		d.ParseChunk(b.data[c.start:c.start+c.ref.Size], c.ref)
		for n := c.records; ; {
			rec, err := d.Next()
			if err == io.EOF {
				break
			}
			if rec != nil {
				n++
				b.doc.Record, b.doc.Line, b.doc.Offset = rec, n, rec.Offset
				if !yield(&b.doc, nil) {
					return
				}
			}
			if err != nil && !b.damaged(yield, err, c) {
				return
			}
		}
	}
}

// damaged yields what the decoder says is wrong with a chunk or a record.
func (b *Block) damaged(yield func(*Document, *Problem) bool, err error, c chunk) bool {
	b.problem = Problem{Path: b.Path, Chunk: c.ref.Index + 1, Offset: c.ref.Offset, Reason: err.Error()}
	if p, ok := err.(*evtx.Problem); ok {
		b.problem.Offset, b.problem.Record = p.Offset, p.Record
		b.problem.Reason, b.problem.Remark = p.Reason, !p.Lost
	}
	return yield(nil, &b.problem)
}
