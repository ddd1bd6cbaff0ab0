package evtx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// ChunkSize is the size of a chunk in bytes.
const ChunkSize = 1 << 16

const (
	chunkMagic   = "ElfChnk\x00"
	recordMagic  = "**\x00\x00"
	recordsStart = 512 // of a chunk: header, string and template tables are before it
	recordHead   = 24  // signature, size, number, time
	recordLeast  = recordHead + 4
	noChecksums  = 4 // chunk flag: checksums were not kept
)

// Options tells a Decoder or a File what to read.
type Options struct {
	// Carve reads records in slack space too: what lies behind the live
	// records of a chunk. They are marked as Carved.
	Carve bool
}

// Decoder reads chunks, one after another. It is not safe for concurrent use.
type Decoder struct {
	opts Options

	data  []byte // the chunk
	ref   ChunkRef
	pos   int // next record
	live  int // end of the live records
	carve bool
	sure  bool   // the header tells where the live records end
	count uint64 // records that the header tells of, 0 if it is not to be believed
	seen  uint64 // records given
	queue []*Problem

	record Record
	names  names
	places []place
	byPath map[place]int32
	cached [256]cachedName

	kept, temp store
	programs   []keptProgram
	byKey      map[programKey]int32
	parser     parser
	layout     layouter

	stack      []Value
	text       []byte
	err        error
	recordWork int
	chunkWork  int
}

type keptProgram struct {
	program
	err error
}

type cachedName struct {
	at   int32
	size int32
	name string
}

// NewDecoder gives a Decoder that has no chunk yet.
func NewDecoder(opts Options) *Decoder {
	return &Decoder{
		opts:   opts,
		byPath: make(map[place]int32),
		byKey:  make(map[programKey]int32),
		places: append(make([]place, 0, 2*len(fixedPlaces)), fixedPlaces[:]...),
	}
}

// ParseChunk starts on the chunk in data, ChunkSize bytes or less if the file
// ends there. ref tells where it is from; of it only Stale has an effect: such
// a chunk is slack as a whole. data must not change as long as records of it
// are in use. What is wrong with the chunk itself is told by Next.
func (d *Decoder) ParseChunk(data []byte, ref ChunkRef) {
	data = data[:min(len(data), ChunkSize)]
	d.data, d.ref = data[:len(data):len(data)], ref
	d.queue = d.queue[:0]
	d.kept.reset()
	d.temp.reset()
	d.programs = d.programs[:0]
	clear(d.byKey)
	d.places = d.places[:len(fixedPlaces)]
	clear(d.byPath)
	d.cached = [256]cachedName{}
	d.stack, d.text = d.stack[:0], d.text[:0]
	d.chunkWork = maxChunkWork
	d.carve, d.sure, d.count, d.seen = false, false, 0, 0
	d.pos, d.live = recordsStart, len(data)
	d.checkHeader()
	if ref.Stale {
		d.live, d.count = min(d.live, recordsStart), 0
		d.queue = d.queue[:0]
	}
}

// checkHeader finds out where the live records end and verifies checksums.
func (d *Decoder) checkHeader() {
	if len(d.data) < recordsStart || string(d.data[:8]) != chunkMagic {
		d.live = 0
		d.report(0, 0, true, "no chunk: %d bytes without its signature or too few", len(d.data))
		return
	}
	if len(d.data) < ChunkSize {
		d.report(0, 0, true, "chunk is truncated: %d of %d bytes", len(d.data), ChunkSize)
	}
	free := int64(binary.LittleEndian.Uint32(d.data[48:]))
	flags := binary.LittleEndian.Uint32(d.data[120:])
	sum := crc32.Update(crc32.ChecksumIEEE(d.data[:120]), crc32.IEEETable, d.data[128:recordsStart])
	want := binary.LittleEndian.Uint32(d.data[124:])
	damaged := sum != want && flags&noChecksums == 0
	if damaged {
		d.report(0, 0, false, "checksum of the chunk header is %08x, not %08x", sum, want)
	} else {
		first, last := binary.LittleEndian.Uint64(d.data[8:]), binary.LittleEndian.Uint64(d.data[16:])
		d.count = last - first + 1
	}
	if free < recordsStart || free > ChunkSize {
		d.report(0, 0, false, "chunk header gives %d as end of its records", free)
		return
	}
	d.sure = true
	if free > int64(len(d.data)) {
		return
	}
	d.live = int(free)
	if damaged {
		d.live = max(d.live, d.chain())
	}
	sum = crc32.ChecksumIEEE(d.data[recordsStart:free])
	if want = binary.LittleEndian.Uint32(d.data[52:]); sum != want && flags&noChecksums == 0 {
		d.report(0, 0, false, "checksum of the records is %08x, not %08x", sum, want)
	}
}

// chain gives the end of the whole records that follow each other from the
// start of the chunk with rising numbers. What is left of an earlier use of the
// chunk has lower ones.
func (d *Decoder) chain() int {
	pos, last := recordsStart, uint64(0)
	for pos+recordLeast <= len(d.data) && string(d.data[pos:pos+4]) == recordMagic && d.believable(pos, len(d.data)) {
		id := binary.LittleEndian.Uint64(d.data[pos+8:])
		if id <= last && pos > recordsStart {
			break
		}
		last = id
		pos += int(binary.LittleEndian.Uint32(d.data[pos+4:]))
	}
	return pos
}

func (d *Decoder) report(pos int, id uint64, lost bool, format string, args ...any) {
	d.queue = append(d.queue, &Problem{
		Chunk: d.ref.Index, Offset: d.ref.Offset + int64(pos), Record: id,
		Reason: fmt.Sprintf(format, args...), Lost: lost,
	})
}

// fail keeps the first reason why a record cannot be read whole.
func (d *Decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// Next gives the next record of the chunk; io.EOF ends it. A record that can be
// read in part comes with a *Problem; a *Problem without a record tells of
// the chunk or of bytes in which no record could be found. The record is valid
// until the next call.
func (d *Decoder) Next() (*Record, error) {
	for {
		if len(d.queue) > 0 {
			p := d.queue[0]
			d.queue = d.queue[1:]
			return nil, p
		}
		pos, end, ok := d.frame()
		if ok {
			return d.decode(pos, end)
		}
		d.missing()
		if len(d.queue) > 0 {
			continue
		}
		if d.carve || !d.opts.Carve || !d.sure || d.live == 0 {
			return nil, io.EOF
		}
		d.carve, d.pos = true, d.live
	}
}

// missing reports that the chunk held fewer records than its header tells of,
// once all live ones are read.
func (d *Decoder) missing() {
	if d.pos < d.live || d.carve || d.count == 0 {
		return
	}
	if d.count <= ChunkSize/recordLeast && d.seen < d.count {
		d.report(0, 0, true, "chunk header tells of %d records, %d were found", d.count, d.seen)
	}
	d.count = 0
}

// frame finds the next record and moves behind it.
func (d *Decoder) frame() (pos, end int, ok bool) {
	limit := d.live
	if d.carve {
		limit = len(d.data)
	}
	if d.pos+recordLeast > limit {
		if d.pos < limit && !d.carve && !zero(d.data[d.pos:limit]) {
			d.report(d.pos, 0, true, "%d bytes are no record", limit-d.pos)
		}
		d.pos = limit
		return 0, 0, false
	}
	if size := d.sizeAt(d.pos, limit); size > 0 {
		pos = d.pos
		d.pos += size
		return pos, d.pos, true
	}
	start := d.pos
	d.pos = d.search(d.pos+1, limit)
	if d.carve {
		if d.pos == limit {
			return 0, 0, false
		}
		return d.frame()
	}
	switch {
	case zero(d.data[start:d.pos]) && d.pos == limit && !d.sure:
	case string(d.data[start:start+4]) == recordMagic:
		return d.cutRecord(start)
	default:
		d.report(start, 0, true, "%d bytes are no record", d.pos-start)
	}
	return 0, 0, false
}

// cutRecord takes a record whose size cannot be believed: as long as its size
// says if that leads no further than the next record, else up to there.
func (d *Decoder) cutRecord(start int) (pos, end int, ok bool) {
	size := int64(binary.LittleEndian.Uint32(d.data[start+4:]))
	id := binary.LittleEndian.Uint64(d.data[start+8:])
	if size >= recordLeast && size <= int64(d.pos-start) {
		d.report(start, id, false, "record does not end with its size")
		d.pos = start + int(size)
		return start, d.pos, true
	}
	d.report(start, id, true, "size %d of the record leads out of its place", size)
	return start, d.pos, d.pos-start >= recordLeast
}

// sizeAt gives the size of the record at pos, 0 if there is none that can be
// believed: its copy behind the record must be the same, or another record or
// the end must follow.
func (d *Decoder) sizeAt(pos, limit int) int {
	if string(d.data[pos:pos+4]) != recordMagic {
		return 0
	}
	size := int64(binary.LittleEndian.Uint32(d.data[pos+4:]))
	if size < recordLeast || size > int64(limit-pos) {
		return 0
	}
	end := pos + int(size)
	if int64(binary.LittleEndian.Uint32(d.data[end-4:])) == size {
		return int(size)
	}
	if !d.carve && (end == limit || end+4 <= limit && string(d.data[end:end+4]) == recordMagic) {
		id := binary.LittleEndian.Uint64(d.data[pos+8:])
		d.report(pos, id, false, "record does not end with its size")
		return int(size)
	}
	return 0
}

// search gives the offset of the next record that can be believed, limit if
// there is none.
func (d *Decoder) search(pos, limit int) int {
	for pos < limit {
		i := bytes.Index(d.data[pos:limit], []byte(recordMagic))
		if i < 0 {
			break
		}
		pos += i
		if pos+recordLeast <= limit && d.believable(pos, limit) {
			return pos
		}
		pos++
	}
	return limit
}

func (d *Decoder) believable(pos, limit int) bool {
	size := int64(binary.LittleEndian.Uint32(d.data[pos+4:]))
	if size < recordLeast || size > int64(limit-pos) {
		return false
	}
	end := pos + int(size)
	return int64(binary.LittleEndian.Uint32(d.data[end-4:])) == size
}

// zero reports that b holds nothing but zeros.
func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// decode fills the record that stands from pos to end.
func (d *Decoder) decode(pos, end int) (*Record, error) {
	r := &d.record
	r.clear()
	d.seen++
	head := d.data[pos:]
	r.ID = binary.LittleEndian.Uint64(head[8:])
	r.Written = binary.LittleEndian.Uint64(head[16:])
	r.Offset = d.ref.Offset + int64(pos)
	r.Carved = d.carve
	r.dec, r.body = d, span{pos + recordHead, end - 4}
	d.temp.reset()
	d.text, d.stack = d.text[:0], d.stack[:0]
	d.recordWork, d.err = maxRecordWork, nil
	d.fragment(r.body.start, r.body.end, int32(placeDocument), 0)
	if d.err != nil {
		return r, &Problem{
			Chunk: d.ref.Index, Offset: r.Offset, Record: r.ID,
			Reason: d.err.Error(), Lost: true,
		}
	}
	return r, nil
}

// nameFits tells whether a name can stand at that offset of the chunk.
func (d *Decoder) nameFits(at int) bool {
	if at < recordsStart || at+10 > len(d.data) {
		return false
	}
	n := int(binary.LittleEndian.Uint16(d.data[at+6:]))
	return n > 0 && at+10+2*n <= len(d.data)
}

// nameAt gives the name at that offset of the chunk and the bytes it takes:
// next offset, hash, count, characters, terminator.
func (d *Decoder) nameAt(at int) (name string, size int, err error) {
	c := &d.cached[at&(len(d.cached)-1)]
	if c.at == int32(at) && c.size != 0 {
		return c.name, int(c.size), nil
	}
	if at < 0 || at+8 > len(d.data) {
		return "", 0, fmt.Errorf("name at %d: %w", at, errNoChunk)
	}
	n := int(binary.LittleEndian.Uint16(d.data[at+6:]))
	if at+8+2*n > len(d.data) {
		return "", 0, fmt.Errorf("name at %d: %w", at, errNoChunk)
	}
	if !d.spend(2 * n / textWork) {
		return "", 0, errWork
	}
	from := len(d.text)
	d.text = appendUTF16(d.text, d.data[at+8:at+8+2*n])
	name, _ = d.names.of(d.text[from:])
	d.text = d.text[:from]
	*c = cachedName{int32(at), int32(8 + 2*n + 2), name}
	return name, int(c.size), nil
}

// placeFor gives the number of the place at that path.
func (d *Decoder) placeFor(to list, path string) int32 {
	pl := place{kind: placePath, list: to, path: path}
	if i, ok := d.byPath[pl]; ok {
		return i
	}
	if len(d.places) >= maxPlaces {
		d.fail(errWork)
		return int32(len(d.places) - 1)
	}
	d.places = append(d.places, pl)
	d.byPath[pl] = int32(len(d.places) - 1)
	return int32(len(d.places) - 1)
}
