package pipeline

import (
	"context"
	"io"
	"os"
	"slices"

	"github.com/tocsin-project/tocsin/source"
)

// interruptibly prepares reading so that ctx ends it even while standard input
// gives nothing. Where that is all there is to read, it ends as a file does:
// what came in until then goes through the line.
func interruptibly(ctx context.Context, paths []string, opt source.Options) (context.Context, source.Options) {
	if !slices.Contains(paths, "-") {
		return ctx, opt
	}
	if opt.Stdin == nil {
		opt.Stdin = os.Stdin
	}
	opt.Stdin = Interruptible(ctx, opt.Stdin)
	if len(paths) == 1 {
		ctx = context.WithoutCancel(ctx)
	}
	return ctx, opt
}

// Interruptible returns a reader that ends, as if src had, when ctx does, even
// while src waits for input: a pipe that gives nothing cannot be made to return.
// The goroutine that waits for it then stays until src returns; it holds a
// buffer and nothing else, and what it still reads is lost.
func Interruptible(ctx context.Context, src io.Reader) io.Reader {
	return &interruptible{ctx: ctx, src: src}
}

// interruptible reads one piece ahead.
type interruptible struct {
	ctx  context.Context
	src  io.Reader
	full chan piece
	free chan []byte
	now  piece
	rest []byte // of now, not yet given
}

// piece is what one Read of the source gave.
type piece struct {
	buf []byte
	n   int
	err error
}

const (
	pieceSize = 128 << 10
	pieces    = 3 // one being read, one waiting, one being given
)

func (r *interruptible) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.full == nil {
		r.full, r.free = make(chan piece, pieces), make(chan []byte, pieces)
		for range pieces {
			r.free <- make([]byte, pieceSize)
		}
		go ahead(r.ctx, r.src, r.free, r.full)
	}
	for len(r.rest) == 0 {
		if r.now.err != nil {
			return 0, r.now.err
		}
		if r.now.buf != nil {
			r.free <- r.now.buf
			r.now.buf = nil
		}
		select {
		case r.now = <-r.full:
		case <-r.ctx.Done():
			select {
			case r.now = <-r.full: // read already, and soon there is no more
			default:
				r.now = piece{err: io.EOF}
			}
		}
		r.rest = r.now.buf[:r.now.n]
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// ahead fills buffers until the source ends or nobody asks any more.
func ahead(ctx context.Context, src io.Reader, free <-chan []byte, full chan<- piece) {
	for ctx.Err() == nil {
		select {
		case buf := <-free:
			n, err := src.Read(buf)
			full <- piece{buf, n, err} // never waits: there are as many places as buffers
			if err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
