// Package journal keeps what is found on the way through the recordings until
// it can be judged: hits, which are joined only once all of them are there, and
// the documents behind them.
//
//   - Journal is a log of hits. Each worker appends to a writer of its own, in
//     any order; afterwards the hits come back sorted by rule, key and time,
//     group by group.
//   - Evidence is a store of documents, written once and read by reference.
//
// Both hold a stated number of bytes in memory and spill the rest to temporary
// files, whose names are removed at once where the system allows it and on Close
// anywhere else.
//
// A journal is an external merge sort. A writer collects encoded hits in one
// arena; when its share of the budget is full, it sorts them and appends them to
// its file as a run. Reading merges all runs and what is still in memory.
package journal

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tocsin-project/tocsin/sequence"
)

// DefaultBudget is the memory that a journal holds without an option: 64 MiB.
const DefaultBudget = 64 << 20

// minShare is the least that a writer may hold: below it, files would be made
// of runs too short to merge.
const minShare = 64 << 10

// Options say how much memory a journal may hold and where the rest goes.
type Options struct {
	Budget int    // bytes in memory for all writers together; 0 is DefaultBudget
	Dir    string // folder of temporary files; "" is the system's
}

// Journal is a log of hits. One stream of hits, one journal: hits of rules and
// hits of context queries (Rule the query, Key the value of its `by`) have one each.
//
// Use: writers append side by side, one goroutine each; when all are done,
// Groups or Hits read, as often as wanted; Close.
type Journal struct {
	opts    Options
	count   atomic.Int64 // writers
	mu      sync.Mutex
	writers []*Writer
	dead    func(rule int32) bool // nil, or the rules whose hits are dropped
}

// Writer appends hits. It is not safe for concurrent use.
type Writer struct {
	journal *Journal
	arena   []byte   // encoded hits, in the order of arrival
	offsets []uint32 // where each begins
	sorted  bool
	n       int64

	file *os.File
	size int64
	runs []run
}

// run is one sorted stretch of a writer's file.
type run struct{ off, len int64 }

// New returns an empty journal. Nothing is opened until memory runs out.
func New(o Options) *Journal {
	if o.Budget <= 0 {
		o.Budget = DefaultBudget
	}
	return &Journal{opts: o}
}

// Writer returns a new writer.
func (j *Journal) Writer() *Writer {
	w := &Writer{journal: j}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.writers = append(j.writers, w)
	j.count.Add(1)
	return w
}

// Len is the number of hits appended. It must not be called beside Append.
func (j *Journal) Len() (n int64) {
	for _, w := range j.writers {
		n += w.n
	}
	return n
}

// Append adds a hit and, if there is any, evidence that comes back with it. It
// keeps neither the hit's texts nor the evidence. An error means that a
// temporary file could not be written.
func (w *Writer) Append(h *sequence.Hit, evidence []byte) error {
	share := min(max(w.journal.opts.Budget/int(w.journal.count.Load()), minShare), math.MaxUint32)
	need := recordOverhead + len(h.Key) + len(h.Tie) + len(evidence)
	if len(w.offsets) > 0 && len(w.arena)+4*len(w.offsets)+need > share {
		if err := w.spill(); err != nil {
			return err
		}
	}
	w.offsets = append(w.offsets, uint32(len(w.arena)))
	w.arena = appendRecord(w.arena, h, evidence)
	w.sorted = false
	w.n++
	return nil
}

// A record in memory: rule, stage, time and reference in full, the lengths as
// varints, then key, tie and evidence.
const (
	recordHead     = 4 + 4 + 8 + 8
	recordOverhead = recordHead + 3*binary.MaxVarintLen32
)

func appendRecord(dst []byte, h *sequence.Hit, evidence []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(h.Rule))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(h.Stage))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.Time))
	dst = binary.LittleEndian.AppendUint64(dst, h.Ref)
	dst = binary.AppendUvarint(dst, uint64(len(h.Key)))
	dst = binary.AppendUvarint(dst, uint64(len(h.Tie)))
	dst = binary.AppendUvarint(dst, uint64(len(evidence)))
	dst = append(dst, h.Key...)
	dst = append(dst, h.Tie...)
	return append(dst, evidence...)
}

// record is a hit whose texts lie in a buffer.
type record struct {
	rule, stage        int32
	time               int64
	ref                uint64
	key, tie, evidence []byte
}

func readRecord(b []byte) (r record) {
	r.rule = int32(binary.LittleEndian.Uint32(b))
	r.stage = int32(binary.LittleEndian.Uint32(b[4:]))
	r.time = int64(binary.LittleEndian.Uint64(b[8:]))
	r.ref = binary.LittleEndian.Uint64(b[16:])
	b = b[recordHead:]
	var lens [3]int
	for i := range lens {
		n, k := binary.Uvarint(b)
		lens[i], b = int(n), b[k:]
	}
	r.key, b = b[:lens[0]], b[lens[0]:]
	r.tie, b = b[:lens[1]], b[lens[1]:]
	r.evidence = b[:lens[2]]
	return r
}

// compare orders hits by rule, key, time, tie and stage; equal ones by where
// their evidence lies, so that the order does not depend on who read what.
func (r *record) compare(o *record) int {
	if r.rule != o.rule {
		return cmp.Compare(r.rule, o.rule)
	}
	if c := bytes.Compare(r.key, o.key); c != 0 {
		return c
	}
	if r.time != o.time {
		return cmp.Compare(r.time, o.time)
	}
	if c := bytes.Compare(r.tie, o.tie); c != 0 {
		return c
	}
	if r.stage != o.stage {
		return cmp.Compare(r.stage, o.stage)
	}
	return cmp.Compare(r.ref, o.ref)
}

// Drop forgets the hits of the rules for which dead reports true: it spares
// sorting them. It must not be called beside Append or a read.
func (j *Journal) Drop(dead func(rule int32) bool) {
	j.dead = dead
	for _, w := range j.writers {
		w.offsets = slices.DeleteFunc(w.offsets, func(off uint32) bool {
			return dead(int32(binary.LittleEndian.Uint32(w.arena[off:])))
		})
	}
}

// place is a hit in memory with what tells most hits apart, so that sorting
// seldom looks further.
type place struct {
	rule int32
	off  uint32
	word uint64 // of the key: the eight bytes after what all keys begin with
}

func (w *Writer) sort() {
	if w.sorted {
		return
	}
	places := make([]place, len(w.offsets))
	same := w.samePrefix()
	for i, off := range w.offsets {
		r := readRecord(w.arena[off:])
		places[i] = place{r.rule, off, keyWord(r.key, same)}
	}
	slices.SortFunc(places, func(a, b place) int {
		switch {
		case a.rule != b.rule:
			return cmp.Compare(a.rule, b.rule)
		case a.word != b.word:
			return cmp.Compare(a.word, b.word)
		}
		x, y := readRecord(w.arena[a.off:]), readRecord(w.arena[b.off:])
		return x.compare(&y)
	})
	for i := range places {
		w.offsets[i] = places[i].off
	}
	w.sorted = true
}

// samePrefix is the length of what all keys in memory begin with.
func (w *Writer) samePrefix() int {
	var first []byte
	for i, off := range w.offsets {
		key := readRecord(w.arena[off:]).key
		if i == 0 {
			first = key
			continue
		}
		n := 0
		for n < len(first) && n < len(key) && first[n] == key[n] {
			n++
		}
		first = first[:n]
	}
	return len(first)
}

// keyWord is eight bytes of a key in an order that is the keys' own as far as
// it goes.
func keyWord(key []byte, from int) uint64 {
	var b [8]byte
	copy(b[:], key[from:])
	return binary.BigEndian.Uint64(b[:])
}

// spill writes what is in memory to the file as one more run.
func (w *Writer) spill() error {
	w.sort()
	if w.file == nil {
		f, err := os.CreateTemp(w.journal.opts.Dir, "tocsin-hits-*")
		if err != nil {
			return fmt.Errorf("spill hits: %w", err)
		}
		// The name goes at once where the system allows it: a killed process leaves nothing behind.
		_ = os.Remove(f.Name())
		w.file = f
	}
	out := bufio.NewWriterSize(io.NewOffsetWriter(w.file, w.size), 256<<10)
	var e runEncoder
	var written int64
	for _, off := range w.offsets {
		r := readRecord(w.arena[off:])
		b := e.encode(&r)
		written += int64(len(b))
		if _, err := out.Write(b); err != nil {
			return fmt.Errorf("spill hits: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("spill hits: %w", err)
	}
	w.runs = append(w.runs, run{w.size, written})
	w.size += written
	w.arena, w.offsets = w.arena[:0], w.offsets[:0]
	return nil
}

// Close removes the temporary files. The journal cannot be used afterwards; a
// second Close does nothing.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var errs []error
	for _, w := range j.writers {
		if w.file == nil {
			continue
		}
		errs = append(errs, w.file.Close())
		if err := os.Remove(w.file.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
		w.file = nil
	}
	j.writers = nil
	return errors.Join(errs...)
}
