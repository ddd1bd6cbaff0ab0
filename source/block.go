package source

import (
	"sync"

	"github.com/tocsin-project/tocsin/evtx"
)

// Kind is how a document is written.
type Kind uint8

// The kinds of documents.
const (
	JSON Kind = iota
	XML
	EVTX
)

func (k Kind) String() string { return [...]string{"JSON", "XML", "EVTX"}[k] }

// Block is a run of whole documents of one file. It belongs to whoever got it
// from Read, until its Release. It is not safe for concurrent use.
type Block struct {
	Path   string // as given by the user; within an archive a.zip!/b.json
	Kind   Kind
	Line   int   // 1-based line of the first byte; EVTX: ordinal of the first record
	Offset int64 // of the first byte, from the (decompressed) file's start

	data        []byte
	spans       []span // the documents, where the reader had to find them
	chunks      []chunk
	pool        *pool
	maxDocument int
	carve       bool

	records *evtx.Decoder // in use
	own     *evtx.Decoder // made by the block
	scan    scanner
	doc     Document
	problem Problem
	bulk    struct {
		pending   bool
		index, id []byte
	}
}

// span is one document in a block's data.
type span struct {
	start, end int
	line       int // line, or ordinal in an array
	element    bool
}

// Document is one event as it was found. It is overwritten by the next one;
// Data lives until the block's Release.
type Document struct {
	Kind Kind
	Path string
	Data []byte // JSON or XML; may be broken; nil for EVTX
	// Record is the EVTX record, valid until the next document.
	Record *evtx.Record
	// Line is the 1-based line where the document begins, or its 1-based
	// ordinal in its array or EVTX file.
	Line   int
	Offset int64 // of the document, from the (decompressed) file's start
	// Index and ID are of the action line before the document, in the format
	// of Elasticsearch's _bulk; else nil.
	Index, ID []byte
}

// Problem makes a problem of this document.
func (d *Document) Problem(reason string) Problem {
	p := Problem{Path: d.Path, Line: d.Line, Offset: d.Offset, Reason: reason}
	if d.Record != nil {
		p.Line, p.Record = 0, d.Record.ID
	}
	return p
}

// Size is the block's length in bytes.
func (b *Block) Size() int { return len(b.data) }

// Use makes the block's EVTX records come from d. A worker that remembers
// evtx.Pair.NameID needs it: these numbers belong to one decoder. Without it
// the block has a decoder of its own. d must have been made with the Carve of
// the Options.
func (b *Block) Use(d *evtx.Decoder) { b.records = d }

// Documents calls yield with each document or problem of the block, in order,
// until it returns false: `for doc, problem := range b.Documents`. Exactly one
// of the two is not nil; both are overwritten by the next one.
func (b *Block) Documents(yield func(*Document, *Problem) bool) {
	b.bulk.pending = false
	b.doc = Document{Kind: b.Kind, Path: b.Path}
	switch {
	case b.Kind == EVTX:
		b.chunked(yield)
	case b.Kind == XML:
		b.events(yield)
	case len(b.spans) > 0:
		b.spanned(yield)
	default:
		b.lines(yield)
	}
}

// Release gives the block back to be filled anew.
func (b *Block) Release() {
	p := b.pool
	if p == nil {
		return
	}
	b.pool = nil
	if cap(b.data) > p.keep { // grown by a long document
		b.data = nil
	}
	b.data, b.spans, b.chunks = b.data[:0], b.spans[:0], b.chunks[:0]
	if b.records != b.own {
		b.records = b.own
	}
	p.put(b)
}

// pool keeps released blocks. There are as many as their users hold at once.
type pool struct {
	mu   sync.Mutex
	free []*Block
	keep int // longer buffers are given up
}

func (p *pool) get(size int) *Block {
	p.mu.Lock()
	var b *Block
	if n := len(p.free); n > 0 {
		b = p.free[n-1]
		p.free = p.free[:n-1]
	}
	p.mu.Unlock()
	if b == nil {
		b = &Block{}
	}
	if cap(b.data) < size {
		b.data = make([]byte, 0, size)
	}
	b.pool = p
	return b
}

func (p *pool) put(b *Block) {
	p.mu.Lock()
	p.free = append(p.free, b)
	p.mu.Unlock()
}
