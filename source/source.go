// Package source reads documents from the world: files, folders, globs,
// archives and standard input become Blocks, runs of whole documents that one
// worker can take alone.
//
//	summary, err := source.Read(ctx, paths, source.Options{}, func(b *source.Block) error {
//		defer b.Release()
//		for doc, problem := range b.Documents {
//			…
//		}
//		return nil
//	})
//
// # Who does what
//
// Read runs in its caller's goroutine and starts none. It does as little as
// it can for each byte: for JSON it looks for a line end between two
// documents near the end of what it has read, for XML for a closing tag, for
// EVTX it counts chunks. Finding the documents within a block is done by
// Documents, in whichever goroutine has the block; reading them strictly is
// done later still, by the decoder. A block's bytes are right only as far as
// that: a Document may be broken JSON.
//
// What a file is, is told from its first bytes, never from its name. The name
// only decides how loudly an unreadable file is reported.
//
// # Memory
//
// Blocks are pooled. Whoever receives one must Release it, and may not use
// it, its documents or their bytes afterwards. Read holds one block at a
// time, of about Options.BlockSize bytes, which grows up to
// Options.MaxDocument for a single long document. What is longer is passed
// over and reported, never held.
//
// # A new kind of source
//
// One file with a function `read…(r *reader, s *stream) error`, and one row in
// forms (forms.go): its name, how its first bytes are recognised, and that
// function. A container (compression, archive) calls r.open for what it
// holds; a kind of document fills blocks with r.block and r.emit.
package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Options say how to read. The zero value is ready to use.
type Options struct {
	// MaxDocument is the length in bytes from which a document is passed over
	// and reported. 16 MiB if 0.
	MaxDocument int
	// BlockSize is the length in bytes at which a block is handed on. 256 KiB
	// if 0.
	BlockSize int
	// MaxBarren is how many bytes may come out of a compressed file without a
	// document among them before it is given up as a decompression bomb.
	// 1 GiB if 0.
	MaxBarren int64
	// Carve also gives EVTX records from slack space, marked as such, and
	// looks for EVTX chunks in files of no known kind.
	Carve bool
	// Stdin is what the path "-" reads. os.Stdin if nil.
	Stdin io.Reader
	// Progress, if set, is called in Read's goroutine whenever a block is
	// handed on and at each file's end: bytes of the named files read so far
	// (compressed ones as they lie on the disk), of how many (0 if not known,
	// as from standard input), and the path at hand.
	Progress func(read, total int64, path string)
	// Report, if set, is called in Read's goroutine with each problem that
	// goes into the summary, as it is found.
	Report func(Problem)
}

const (
	defaultMaxDocument = 16 << 20
	defaultBlockSize   = 256 << 10
	defaultMaxBarren   = 1 << 30
)

func (o Options) withDefaults() Options {
	if o.MaxDocument <= 0 {
		o.MaxDocument = defaultMaxDocument
	}
	if o.BlockSize <= 0 {
		o.BlockSize = defaultBlockSize
	}
	o.BlockSize = min(o.BlockSize, o.MaxDocument)
	if o.MaxBarren <= 0 {
		o.MaxBarren = defaultMaxBarren
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	return o
}

// Problem is a part of the input that could not be read, and why. It is
// reported once: by Block.Documents if found there, else in the Summary.
type Problem struct {
	Path   string // as in Document.Path
	Line   int    // 1-based line of the text; 0 if there is none
	Offset int64  // bytes from the (decompressed) file's start; -1 if not known
	Chunk  int    // EVTX: chunk in the file, from 1; 0 if none
	Record uint64 // EVTX: the record's number, 0 if not known
	Reason string
	Remark bool // nothing is missing: a checksum that differs, a log not closed
}

// Error gives path:line: reason.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Path)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Chunk > 0 {
		fmt.Fprintf(&b, ": chunk %d", p.Chunk)
	}
	if p.Record > 0 {
		fmt.Fprintf(&b, ": record %d", p.Record)
	}
	b.WriteString(": ")
	b.WriteString(p.Reason)
	return b.String()
}

// Skip is a file that was not read at all, and why.
type Skip struct {
	Path   string
	Reason string
	// Expected says that the user named this path, or that its name ends as
	// recordings do: that it could not be read is worth exit status 2.
	Expected bool
}

const maxListed = 1000 // problems and skips kept in a summary; all are counted

// Summary is what Read did.
type Summary struct {
	Files int   // files read, those within archives too; without the skipped ones
	Bytes int64 // bytes read from disk or standard input
	Text  int64 // bytes of documents, after decompression

	Problems     []Problem // the first 1000
	ProblemCount int       // without remarks
	RemarkCount  int
	Skipped      []Skip // the first 1000
	SkippedCount int
	Unreadable   int // skipped files that were expected: exit status 2
}

// reader is one Read at work.
type reader struct {
	ctx   context.Context
	opt   Options
	pool  *pool
	out   func(*Block) error
	sum   *Summary
	total int64
	top   string // the path as named or walked, around all archives

	heads  [][]byte // not in use
	barren int64    // bytes since the last block, of the file at hand
}

// Read reads all of paths, in the given order, folders in the order of their
// names, and hands blocks to emit in the order of their documents. A path is
// a file, a folder, a glob if no file has that name, or "-" for standard
// input.
//
// A path that does not exist is an error that names it, before anything is
// read. After that Read fails only where emit does or ctx ends; whatever is
// wrong with the input is in the summary, which is never nil, or comes from
// Block.Documents.
func Read(ctx context.Context, paths []string, opt Options, emit func(*Block) error) (*Summary, error) {
	opt = opt.withDefaults()
	r := &reader{ctx: ctx, opt: opt, out: emit, sum: &Summary{}, pool: &pool{keep: 4 * opt.BlockSize}}
	files, err := r.walk(paths)
	if err != nil {
		return r.sum, err
	}
	r.total = total(files)
	for _, f := range files {
		if err := r.file(f); err != nil {
			return r.sum, err
		}
	}
	return r.sum, nil
}

// total is the length of all files, 0 if it is not known.
func total(files []found) int64 {
	var n int64
	for _, f := range files {
		if f.unknown {
			return 0
		}
		n += f.size
	}
	return n
}

// file reads one file. Only what ends the whole of Read is an error.
func (r *reader) file(f found) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	r.top, r.barren = f.path, 0
	if f.stdin {
		return r.open(&stream{path: "stdin", src: &counted{r.opt.Stdin, r.sum}, named: true})
	}
	file, err := os.Open(f.path)
	if err != nil {
		r.skip(f.path, "open: "+cause(err), f.named)
		return nil
	}
	defer file.Close()
	err = r.open(&stream{path: display(f.path), src: &counted{file, r.sum}, file: file, size: f.size, named: f.named})
	r.progress()
	return err
}

// counted counts the bytes that come from disk or standard input.
type counted struct {
	src io.Reader
	sum *Summary
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.sum.Bytes += int64(n)
	return n, err
}

// block gives an empty block for s.
func (r *reader) block(s *stream, k Kind) *Block {
	b := r.pool.get(r.opt.BlockSize)
	b.Path, b.Kind, b.Line, b.Offset = s.path, k, 1, 0
	b.maxDocument, b.carve = r.opt.MaxDocument, r.opt.Carve
	return b
}

// emit hands b on, which is its new owner's from then.
func (r *reader) emit(b *Block) error {
	if len(b.data) == 0 {
		b.Release()
		return nil
	}
	if err := r.ctx.Err(); err != nil {
		b.Release()
		return err
	}
	r.barren = 0
	r.sum.Text += int64(len(b.data))
	r.progress()
	return r.out(b)
}

func (r *reader) progress() {
	if r.opt.Progress == nil {
		return
	}
	n := r.sum.Bytes
	if r.total > 0 {
		n = min(n, r.total) // a zip's directory is read twice
	}
	r.opt.Progress(n, r.total, r.top)
}

func (r *reader) problem(p Problem) {
	if len(r.sum.Problems) < maxListed {
		r.sum.Problems = append(r.sum.Problems, p)
	}
	if p.Remark {
		r.sum.RemarkCount++
	} else {
		r.sum.ProblemCount++
	}
	if r.opt.Report != nil {
		r.opt.Report(p)
	}
}

func (r *reader) skip(path, reason string, expected bool) {
	s := Skip{Path: display(path), Reason: reason, Expected: expected}
	if len(r.sum.Skipped) < maxListed {
		r.sum.Skipped = append(r.sum.Skipped, s)
	}
	r.sum.SkippedCount++
	if expected {
		r.sum.Unreadable++
	}
}

// cause is an error's own text without the path, which stands before it.
func cause(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
