package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"os"
)

const (
	fileMagic  = "ElfFile\x00"
	headerSize = 128
	blockSize  = 4096 // header block before the first chunk
)

// ErrNotEVTX is given for input that does not start as an EVTX file does.
var ErrNotEVTX = errors.New("not an EVTX file")

// Header is a file's header (128 bytes at its start).
type Header struct {
	FirstChunk, LastChunk uint64 // numbers of the oldest and the newest chunk
	NextRecord            uint64 // number for the next record
	Minor, Major          uint16 // version of the format: 3.1, 3.2
	BlockSize             uint16 // bytes before the first chunk, 4096
	Chunks                uint16 // chunks in use, modulo 65536
	Flags                 uint32 // 1 dirty: not closed; 2 full
}

// Dirty reports that the log was copied while in use, or not closed: its
// header is behind what its chunks hold.
func (h Header) Dirty() bool { return h.Flags&1 != 0 }

// File is an EVTX file. Its methods are safe for concurrent use.
type File struct {
	r        io.ReaderAt
	size     int64
	header   Header
	counted  bool // header.Chunks can be believed
	problems []*Problem
	close    func() error
}

// Open opens the file at path. The error is ErrNotEVTX if it is none.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	file, err := NewReader(f, info.Size())
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	file.close = f.Close
	return file, nil
}

// NewReader reads a file of size bytes through r. The error is ErrNotEVTX if
// it has neither the signature of a file nor a chunk where the first belongs;
// a damaged header is no error, see Problems.
func NewReader(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, size: size, close: func() error { return nil }}
	var head [headerSize]byte
	n, err := readAt(r, head[:], 0)
	if err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	f.header.BlockSize = blockSize
	if n < headerSize || string(head[:8]) != fileMagic {
		var magic [8]byte
		if m, err := readAt(r, magic[:], blockSize); err != nil || m < 8 || string(magic[:]) != chunkMagic {
			return nil, ErrNotEVTX
		}
		f.report(0, false, "no file header")
		return f, nil
	}
	f.parseHeader(head[:])
	return f, nil
}

func (f *File) parseHeader(b []byte) {
	le := binary.LittleEndian
	h := &f.header
	h.FirstChunk, h.LastChunk, h.NextRecord = le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[24:])
	h.Minor, h.Major, h.Chunks = le.Uint16(b[36:]), le.Uint16(b[38:]), le.Uint16(b[42:])
	h.Flags = le.Uint32(b[120:])
	sum, want := crc32.ChecksumIEEE(b[:120]), le.Uint32(b[124:])
	f.counted = sum == want && !h.Dirty() && h.Chunks != 0xffff && f.size/ChunkSize < 0xffff
	if sum != want {
		f.report(124, false, "checksum of the file header is %08x, not %08x", sum, want)
	}
	if n := le.Uint16(b[40:]); n != blockSize {
		f.report(40, false, "file header block of %d bytes, not %d", n, blockSize)
	}
	if h.Dirty() {
		f.report(120, false, "file is dirty: it was copied while in use, or not closed")
	}
	if want := int64(blockSize) + int64(h.Chunks)*ChunkSize; f.size < want {
		f.report(f.size, true, "file is truncated: %d bytes, its header tells of %d chunks, %d bytes", f.size, h.Chunks, want)
	}
}

func (f *File) report(offset int64, lost bool, format string, args ...any) {
	f.problems = append(f.problems, &Problem{
		Chunk: -1, Offset: offset, Reason: fmt.Sprintf(format, args...), Lost: lost,
	})
}

// readAt fills b as far as the input goes.
func readAt(r io.ReaderAt, b []byte, at int64) (int, error) {
	n, err := r.ReadAt(b, at)
	if err == io.EOF || n == len(b) {
		err = nil
	}
	return n, err
}

// Header gives the file's header, zero but for BlockSize if it has none.
func (f *File) Header() Header { return f.header }

// Problems gives what is wrong with the file itself.
func (f *File) Problems() []*Problem { return f.problems }

// Close closes a file that Open opened.
func (f *File) Close() error { return f.close() }

// ChunkRef says where a chunk is.
type ChunkRef struct {
	Index  int   // its ordinal, from 0
	Offset int64 // bytes from the start of the file
	Size   int   // ChunkSize, or less at the end of a truncated file
	// Stale marks a chunk that the file's header does not count: it was there
	// before the log was cleared. It is read as slack.
	Stale bool
}

// Chunks goes through the chunks of the file in their order in it, reading
// eight bytes of each; ReadChunk reads the rest. Places that were never
// written (zeros) are passed over. What is no chunk is reported as a *Problem,
// and the search goes on behind it at any offset. An error of reading ends it.
func (f *File) Chunks() iter.Seq2[ChunkRef, error] {
	return func(yield func(ChunkRef, error) bool) {
		s := chunkScan{f: f, at: blockSize}
		for s.at < f.size {
			ref, ok, err := s.next()
			if err != nil {
				yield(ChunkRef{}, fmt.Errorf("read chunk %d: %w", s.index, err))
				return
			}
			if !ok {
				continue
			}
			if p := s.takeGap(true); p != nil && !yield(ChunkRef{}, p) {
				return
			}
			if !yield(ref, nil) {
				return
			}
		}
		if p := s.takeGap(false); p != nil {
			yield(ChunkRef{}, p)
		}
	}
}

// chunkScan goes from chunk to chunk.
type chunkScan struct {
	f      *File
	at     int64
	index  int
	gap    *Problem // bytes that are no chunk, so far
	gapEnd int64
}

// next looks at the place at s.at and moves behind it; ok is false if there is
// no chunk.
func (s *chunkScan) next() (ref ChunkRef, ok bool, err error) {
	var magic [8]byte
	n, err := readAt(s.f.r, magic[:], s.at)
	if err != nil {
		return ref, false, err
	}
	if string(magic[:n]) == chunkMagic {
		ref = ChunkRef{Index: s.index, Offset: s.at, Size: int(min(ChunkSize, s.f.size-s.at))}
		ref.Stale = s.f.stale(s.index)
		s.index++
		s.at += int64(ref.Size)
		return ref, true, nil
	}
	next, junk, err := s.f.skip(s.at)
	if err != nil {
		return ref, false, err
	}
	if junk {
		if s.gap == nil {
			s.gap = &Problem{Chunk: s.index, Offset: s.at}
		}
		s.gapEnd = next
	}
	if next-s.at == ChunkSize {
		s.index++
	}
	s.at = next
	return ref, false, nil
}

// takeGap gives the report of the bytes that are no chunk, nil if there were
// none. Behind the last chunk that is in use they are what was there before
// the file.
func (s *chunkScan) takeGap(inside bool) *Problem {
	p := s.gap
	if p == nil {
		return nil
	}
	s.gap = nil
	p.Lost = inside || p.Chunk < int(s.f.header.Chunks)
	p.Reason = fmt.Sprintf("%d bytes are no chunk: its signature is missing", s.gapEnd-p.Offset)
	return p
}

// stale tells whether a chunk is not in use by the file's header. That of a
// dirty file is behind, and the count of chunks does not go beyond 16 bits.
func (f *File) stale(index int) bool {
	return f.counted && index >= int(f.header.Chunks)
}

// skip looks at a place that should hold a chunk and does not, and tells where
// to go on: the next signature in it, or the next place. junk is false if
// there are only zeros.
func (f *File) skip(at int64) (next int64, junk bool, err error) {
	buf := make([]byte, min(int64(ChunkSize+len(chunkMagic)-1), f.size-at))
	n, err := readAt(f.r, buf, at)
	if err != nil {
		return 0, false, err
	}
	size := max(1, min(n, ChunkSize))
	if found := bytes.Index(buf[:n], []byte(chunkMagic)); found >= 0 {
		size = found
	}
	return at + int64(size), !zero(buf[:min(size, n)]), nil
}

// ReadChunk reads a chunk into buf, which grows if need be, and gives its
// bytes.
func (f *File) ReadChunk(ref ChunkRef, buf []byte) ([]byte, error) {
	if cap(buf) < ref.Size {
		buf = make([]byte, ChunkSize)
	}
	buf = buf[:ref.Size]
	n, err := readAt(f.r, buf, ref.Offset)
	if err != nil {
		return buf[:n], fmt.Errorf("read chunk %d: %w", ref.Index, err)
	}
	return buf[:n], nil
}

// Records goes through all records of the file, chunk by chunk, in the order
// they stand in it. Each comes with a nil error, or with a *Problem if only
// part of it could be read; a nil record with a *Problem tells what else is
// wrong, first of all the file's own Problems. Any other error is one of
// reading and the last. A record is valid until the next.
func (f *File) Records(opts Options) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		for _, p := range f.problems {
			if !yield(nil, p) {
				return
			}
		}
		d := NewDecoder(opts)
		var buf []byte
		for ref, err := range f.Chunks() {
			if err != nil {
				if !yield(nil, err) {
					return
				}
				continue
			}
			if ref.Stale && !opts.Carve {
				continue
			}
			if buf, err = f.ReadChunk(ref, buf); err != nil {
				yield(nil, err)
				return
			}
			d.ParseChunk(buf, ref)
			for r, err := range d.All() {
				if !yield(r, err) {
					return
				}
			}
		}
	}
}

// All goes through the records of the chunk that are left, as Next gives them.
func (d *Decoder) All() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		for {
			r, err := d.Next()
			if err == io.EOF || !yield(r, err) {
				return
			}
		}
	}
}

// CarveChunks goes through anything (a disk image, memory, unallocated space)
// and gives each place at which a chunk starts, at any offset, up to size
// bytes. A chunk found is taken whole: the search goes on behind it. Only an
// error of reading is given, as the last.
func CarveChunks(r io.ReaderAt, size int64) iter.Seq2[ChunkRef, error] {
	return func(yield func(ChunkRef, error) bool) {
		buf := make([]byte, 1<<20)
		index := 0
		for at := int64(0); at < size; {
			n, err := readAt(r, buf[:min(int64(len(buf)), size-at)], at)
			if err != nil {
				yield(ChunkRef{}, fmt.Errorf("read at %d: %w", at, err))
				return
			}
			i := bytes.Index(buf[:n], []byte(chunkMagic))
			if i < 0 {
				if n < len(buf) {
					return
				}
				at += int64(n - len(chunkMagic) + 1)
				continue
			}
			at += int64(i)
			ref := ChunkRef{Index: index, Offset: at, Size: int(min(ChunkSize, size-at))}
			if !yield(ref, nil) {
				return
			}
			index++
			at += int64(ref.Size)
		}
	}
}
