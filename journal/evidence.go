package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Ref names a blob in an Evidence store.
type Ref uint64

// refOffsetBits leaves 2^16 writers with 2^48 bytes each.
const refOffsetBits = 48

// Evidence keeps the documents behind hits. A document is written once,
// however many hits point to it, and read again only for the few that end up
// in an alert. Each worker has a writer of its own; a writer holds at most its
// share of the budget in memory and the rest in a temporary file.
type Evidence struct {
	dir    string
	budget int // bytes in memory for each writer

	mu      sync.Mutex
	writers []*EvidenceWriter
}

// EvidenceWriter appends blobs. It is not safe for concurrent use.
type EvidenceWriter struct {
	store   *Evidence
	id      uint64
	flushed int64 // bytes that lie in the file
	buf     []byte
	file    *os.File
}

// NewEvidence returns an empty store. perWriter is the number of bytes that a
// writer may hold in memory; temporary files go to dir ("" is the system's).
func NewEvidence(dir string, perWriter int) *Evidence {
	return &Evidence{dir: dir, budget: perWriter}
}

// Writer returns a new writer.
func (e *Evidence) Writer() *EvidenceWriter {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := &EvidenceWriter{store: e, id: uint64(len(e.writers))}
	e.writers = append(e.writers, w)
	return w
}

// Put appends a blob and returns the name under which Get finds it. It keeps no
// reference to the blob.
func (w *EvidenceWriter) Put(blob []byte) (Ref, error) {
	need := binary.MaxVarintLen64 + len(blob)
	if len(w.buf) > 0 && len(w.buf)+need > w.store.budget {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	ref := Ref(w.id<<refOffsetBits | uint64(w.flushed+int64(len(w.buf))))
	w.buf = binary.AppendUvarint(w.buf, uint64(len(blob)))
	w.buf = append(w.buf, blob...)
	return ref, nil
}

// flush moves what is in memory to the file, making the file if there is none.
func (w *EvidenceWriter) flush() error {
	if w.file == nil {
		f, err := os.CreateTemp(w.store.dir, "tocsin-evidence-*")
		if err != nil {
			return fmt.Errorf("spill evidence: %w", err)
		}
		// The name goes at once where the system allows it: a killed process leaves nothing behind.
		_ = os.Remove(f.Name())
		w.file = f
	}
	if _, err := w.file.WriteAt(w.buf, w.flushed); err != nil {
		return fmt.Errorf("spill evidence: %w", err)
	}
	w.flushed += int64(len(w.buf))
	w.buf = w.buf[:0]
	return nil
}

// Get returns a copy of the blob. It must not run beside Put.
func (e *Evidence) Get(ref Ref) ([]byte, error) {
	id, off := uint64(ref)>>refOffsetBits, int64(ref&(1<<refOffsetBits-1))
	if id >= uint64(len(e.writers)) {
		return nil, fmt.Errorf("read evidence: no writer %d", id)
	}
	w := e.writers[id]
	if off >= w.flushed {
		return w.fromMemory(off - w.flushed)
	}
	return w.fromFile(off)
}

func (w *EvidenceWriter) fromMemory(off int64) ([]byte, error) {
	if off >= int64(len(w.buf)) {
		return nil, fmt.Errorf("read evidence: offset %d is past the end", off)
	}
	n, k := binary.Uvarint(w.buf[off:])
	body := w.buf[off+int64(k):]
	if k <= 0 || n > uint64(len(body)) {
		return nil, fmt.Errorf("read evidence: bad length at %d", off)
	}
	return append([]byte(nil), body[:n]...), nil
}

func (w *EvidenceWriter) fromFile(off int64) ([]byte, error) {
	var head [binary.MaxVarintLen64]byte
	m, err := w.file.ReadAt(head[:], off)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	n, k := binary.Uvarint(head[:m])
	if k <= 0 || int64(n) > w.flushed-off-int64(k) {
		return nil, fmt.Errorf("read evidence: bad length at %d", off)
	}
	blob := make([]byte, n)
	if _, err := w.file.ReadAt(blob, off+int64(k)); err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	return blob, nil
}

// Close removes the temporary files.
func (e *Evidence) Close() error {
	var errs []error
	for _, w := range e.writers {
		if w.file == nil {
			continue
		}
		errs = append(errs, w.file.Close())
		if err := os.Remove(w.file.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
		w.file = nil
	}
	return errors.Join(errs...)
}
