package source

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
)

// zipStream reads a zip archive forward, by the header before each entry
// (APPNOTE.TXT 4.3.7 to 4.3.9): from a pipe, within another archive, or where
// the directory at the end is lost.
type zipStream struct {
	r   *reader
	s   *stream
	in  *bufio.Reader
	err error // what ends the archive
}

// zipHeader is the header before an entry.
type zipHeader struct {
	flags, method uint16
	packed, size  uint64
	sum           uint32
	name          string
	zip64         bool
}

const (
	zipEncrypted  = 1 << 0
	zipDescriptor = 1 << 3 // sizes and checksum stand behind the data
)

var errZipUnsized = errors.New("entry of no known length cannot be passed over without the directory")

func readZipStream(r *reader, s *stream) error {
	z := &zipStream{r: r, s: s, in: bufio.NewReaderSize(s, packedBuffer)}
	for {
		mark, err := z.in.Peek(4)
		if len(mark) == 4 && string(mark) != "PK\x03\x04" {
			return r.ctx.Err() // the directory, or what belongs to no entry
		}
		if err != nil {
			return z.ended(err)
		}
		h, err := z.header()
		if err != nil {
			return z.ended(err)
		}
		if err := z.entry(h); err != nil {
			return err
		}
		if z.err != nil {
			return z.ended(z.err)
		}
	}
}

// ended reports what ended the archive before its time.
func (z *zipStream) ended(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	inside := *z.s
	inside.around = "zip"
	return z.r.ended(&inside, err)
}

func (z *zipStream) header() (h zipHeader, err error) {
	var b [30]byte
	if _, err := io.ReadFull(z.in, b[:]); err != nil {
		return h, err
	}
	le := binary.LittleEndian
	h.flags, h.method, h.sum = le.Uint16(b[6:]), le.Uint16(b[8:]), le.Uint32(b[14:])
	h.packed, h.size = uint64(le.Uint32(b[18:])), uint64(le.Uint32(b[22:]))
	rest := make([]byte, int(le.Uint16(b[26:]))+int(le.Uint16(b[28:])))
	if _, err := io.ReadFull(z.in, rest); err != nil {
		return h, err
	}
	n := int(le.Uint16(b[26:]))
	h.name = string(rest[:n])
	for extra := rest[n:]; len(extra) >= 4; {
		id, size := le.Uint16(extra), int(le.Uint16(extra[2:]))
		extra = extra[4:]
		if size > len(extra) {
			break
		}
		if id == 1 && size >= 16 { // zip64: both sizes
			h.size, h.packed, h.zip64 = le.Uint64(extra), le.Uint64(extra[8:]), true
		}
		extra = extra[size:]
	}
	return h, nil
}

// entry reads one entry and moves behind it, whatever of it was read.
func (z *zipStream) entry(h zipHeader) error {
	e := z.s.entry("zip", h.name, nil)
	described := h.flags&zipDescriptor != 0
	var data io.Reader = io.LimitReader(z.in, int64(h.packed))
	if described {
		data = z.in
	}
	body := &zipBody{h: h, sum: crc32.NewIEEE()}
	switch {
	case h.flags&zipEncrypted != 0:
		z.r.skip(e.path, "encrypted", true)
		return z.pass(data, described)
	case h.method == 8:
		body.src = flate.NewReader(data) // takes no byte more than it needs: z.in has ReadByte
	case h.method == 0 && !described:
		body.src = data
	case h.method == 0:
		body.src = &zipStored{in: z.in, zip64: h.zip64}
	default:
		z.r.skip(e.path, fmt.Sprintf("zip: compression method %d is not supported", h.method), true)
		return z.pass(data, described)
	}
	e.src = body
	if err := z.r.open(e); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, body); err != nil && described {
		z.err = err // where the next entry begins is not known
		return nil
	}
	if described {
		return z.descriptor(h, body)
	}
	return z.pass(data, false)
}

// pass moves behind an entry that is not read.
func (z *zipStream) pass(data io.Reader, described bool) error {
	if described {
		z.err = errZipUnsized
		return nil
	}
	limited := data.(*io.LimitedReader)
	if _, err := io.Copy(io.Discard, limited); err != nil {
		z.err = err
	} else if limited.N > 0 {
		z.err = io.ErrUnexpectedEOF
	}
	return nil
}

// descriptor passes over the checksum and sizes behind an entry.
func (z *zipStream) descriptor(h zipHeader, body *zipBody) error {
	head, _ := z.in.Peek(4)
	n := 12
	if h.zip64 || body.n > 1<<32-1 {
		n = 20
	}
	if bytes.Equal(head, []byte("PK\x07\x08")) {
		n += 4
	}
	if _, err := z.in.Discard(n); err != nil {
		z.err = err
	}
	return nil
}

// zipStored gives the bytes of an entry that is stored as it is and whose
// length stands only behind it: up to a descriptor that tells of as many bytes
// as there were.
type zipStored struct {
	in    *bufio.Reader
	zip64 bool
	n     uint64
}

func (z *zipStored) Read(p []byte) (int, error) {
	const mark = "PK\x07\x08"
	size := 16
	if z.zip64 {
		size = 24
	}
	b, err := z.in.Peek(z.in.Size())
	if len(b) == 0 {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, err
	}
	if len(b) < size { // cut off: no descriptor can follow
		n := copy(p, b)
		z.in.Discard(n)
		return n, nil
	}
	n := len(b) - size + 1 // what is behind may be part of a descriptor
	if i := bytes.Index(b[:n+len(mark)-1], []byte(mark)); i == 0 && z.ends(b) {
		return 0, io.EOF
	} else if i == 0 {
		n = 1
	} else if i > 0 {
		n = i
	}
	n = copy(p, b[:n])
	z.in.Discard(n)
	z.n += uint64(n)
	return n, nil
}

// ends says whether the descriptor that b begins with is the entry's.
func (z *zipStored) ends(b []byte) bool {
	if z.zip64 {
		return binary.LittleEndian.Uint64(b[8:]) == z.n
	}
	return binary.LittleEndian.Uint32(b[8:]) == uint32(z.n) && binary.LittleEndian.Uint32(b[12:]) == uint32(z.n)
}

// zipBody gives an entry's bytes and checks their sum, where it is known
// beforehand.
type zipBody struct {
	h   zipHeader
	src io.Reader
	sum hash.Hash32
	n   int64
	err error
}

func (b *zipBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.src.Read(p)
	b.sum.Write(p[:n])
	b.n += int64(n)
	if err == io.EOF && b.h.flags&zipDescriptor == 0 {
		switch {
		case uint64(b.n) < b.h.size:
			err = io.ErrUnexpectedEOF
		case b.sum.Sum32() != b.h.sum:
			err = errors.New("zip: checksum error")
		}
	}
	b.err = err
	return n, err
}
