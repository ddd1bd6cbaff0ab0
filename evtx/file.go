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
	if sum, want := crc32.ChecksumIEEE(b[:120]), le.Uint32(b[124:]); sum != want {
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
}

// Chunks goes through the chunks of the file in their order in it, reading
// eight bytes of each; ReadChunk reads the rest. Places that were never
// written (zeros) are passed over. What is no chunk is reported as a *Problem,
// and the search goes on behind it at any offset. An error of reading ends it.
func (f *File) Chunks() iter.Seq2[ChunkRef, error] {
	return func(yield func(ChunkRef, error) bool) {
		index := 0
		var magic [8]byte
		for at := int64(blockSize); at < f.size; index++ {
			n, err := readAt(f.r, magic[:], at)
			if err != nil {
				yield(ChunkRef{}, fmt.Errorf("read chunk %d: %w", index, err))
				return
			}
			if string(magic[:n]) != chunkMagic {
				next, problem, err := f.gap(at, index)
				if problem != nil && !yield(ChunkRef{}, problem) {
					return
				}
				if err != nil {
					yield(ChunkRef{}, err)
					return
				}
				at = next
				continue
			}
			size := int(min(ChunkSize, f.size-at))
			if !yield(ChunkRef{Index: index, Offset: at, Size: size}, nil) {
				return
			}
			at += int64(size)
		}
	}
}

// gap looks at a place that should hold a chunk and does not, and tells where
// to go on: the next signature in it, or the next place.
func (f *File) gap(at int64, index int) (next int64, problem *Problem, err error) {
	buf := make([]byte, min(ChunkSize+len(chunkMagic), int(min(f.size-at, 1<<20))))
	n, err := readAt(f.r, buf, at)
	if err != nil {
		return 0, nil, fmt.Errorf("read chunk %d: %w", index, err)
	}
	buf = buf[:n]
	size := min(n, ChunkSize)
	next = at + int64(max(size, 1))
	found := bytes.Index(buf, []byte(chunkMagic))
	if found >= 0 {
		next, size = at+int64(found), found
	}
	if zero(buf[:size]) {
		return next, nil, nil
	}
	return next, &Problem{
		Chunk: index, Offset: at, Lost: true,
		Reason: fmt.Sprintf("%d bytes are no chunk: its signature is missing", size),
	}, nil
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
			if buf, err = f.ReadChunk(ref, buf); err != nil {
				yield(nil, err)
				return
			}
			d.ParseChunk(buf, ref.Index, ref.Offset)
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
