package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A run in a file is a sorted list of hits, each told apart from the one before:
//
//	flag      1 if rule and key are those of the hit before, else 0, rule, key
//	stage     varint
//	time      varint: the difference from the hit before of the same group
//	ref       varint: likewise
//	tie       text
//	evidence  text
//
// where a text is its length as a varint and its bytes.
type runEncoder struct {
	any  bool
	prev record
	key  []byte // prev's key
	buf  []byte
}

// encode returns the bytes of the next hit, which live until the next call.
func (e *runEncoder) encode(r *record) []byte {
	b := e.buf[:0]
	if e.any && r.rule == e.prev.rule && string(r.key) == string(e.key) {
		b = append(b, 1)
	} else {
		b = append(b, 0)
		b = binary.AppendVarint(b, int64(r.rule))
		b = appendText(b, r.key)
		e.any, e.key = true, append(e.key[:0], r.key...)
		e.prev = record{rule: r.rule}
	}
	b = binary.AppendVarint(b, int64(r.stage))
	b = binary.AppendVarint(b, r.time-e.prev.time)
	b = binary.AppendVarint(b, int64(r.ref-e.prev.ref))
	b = appendText(b, r.tie)
	b = appendText(b, r.evidence)
	e.prev.time, e.prev.ref = r.time, r.ref
	e.buf = b
	return b
}

func appendText(dst, text []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// cursor walks one sorted list of hits.
type cursor interface {
	// next moves to the next hit and returns false behind the last one.
	next() (bool, error)
	// at is the hit that next moved to. It lives until next is called again.
	at() *record
}

// memory walks what a writer still holds.
type memory struct {
	w   *Writer
	i   int
	rec record
}

func (m *memory) next() (bool, error) {
	if m.i == len(m.w.offsets) {
		return false, nil
	}
	m.rec = readRecord(m.w.arena[m.w.offsets[m.i]:])
	m.i++
	return true, nil
}

func (m *memory) at() *record { return &m.rec }

// fileRun walks a run in a file.
type fileRun struct {
	r    *bufio.Reader
	left int64 // bytes of the run that a length may still claim
	rec  record
}

func (f *fileRun) at() *record { return &f.rec }

func (f *fileRun) next() (bool, error) {
	flag, err := f.r.ReadByte()
	if err == io.EOF {
		return false, nil
	}
	if err == nil {
		err = f.read(flag)
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return false, fmt.Errorf("read hits: %w", err)
	}
	return true, nil
}

func (f *fileRun) read(flag byte) (err error) {
	number := func() (n int64) {
		if err == nil {
			n, err = binary.ReadVarint(f.r)
		}
		return n
	}
	text := func(dst []byte) []byte {
		if err != nil {
			return dst
		}
		var n uint64
		if n, err = binary.ReadUvarint(f.r); err != nil {
			return dst
		}
		if n > uint64(f.left) {
			err = fmt.Errorf("text of %d bytes in a run of %d", n, f.left)
			return dst
		}
		if uint64(cap(dst)) < n {
			dst = make([]byte, n)
		}
		dst = dst[:n]
		_, err = io.ReadFull(f.r, dst)
		return dst
	}
	r := &f.rec
	if flag == 0 {
		r.rule = int32(number())
		r.key = text(r.key)
		r.time, r.ref = 0, 0
	}
	r.stage = int32(number())
	r.time += number()
	r.ref += uint64(number())
	r.tie = text(r.tie)
	r.evidence = text(r.evidence)
	return err
}
