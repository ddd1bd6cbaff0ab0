package source

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// cutter reads text into a block and cuts it where a kind of document says.
type cutter struct {
	r    *reader
	s    *stream
	b    *Block
	last bool // b.data's end is the text's end
	line int  // of b.data[at]
	at   int
}

func newCutter(r *reader, s *stream, k Kind) cutter {
	return cutter{r: r, s: s, b: r.block(s, k), line: 1}
}

// close gives back the block that was not handed on.
func (c *cutter) close() {
	if c.b != nil {
		c.b.Release()
		c.b = nil
	}
}

// finish hands on what is left.
func (c *cutter) finish() error {
	b := c.b
	c.b = nil
	return c.r.emit(b)
}

// fill reads until the block holds n bytes or the text ends.
func (c *cutter) fill(n int) error {
	b := c.b
	if cap(b.data) < n {
		b.data = append(make([]byte, 0, n), b.data...)
	}
	for len(b.data) < n && !c.last {
		k, err := c.s.Read(b.data[len(b.data):n])
		b.data = b.data[:len(b.data)+k]
		if err != nil {
			c.last = true
			if fatal := c.r.ended(c.s, err); fatal != nil {
				return fatal
			}
		}
	}
	return c.r.ctx.Err()
}

// cut hands on the first n bytes and goes on with the rest.
func (c *cutter) cut(n int) error {
	old := c.b
	c.count(n)
	next := c.r.block(c.s, c.b.Kind)
	next.data = append(next.data, old.data[n:]...)
	next.Line, next.Offset = c.line, old.Offset+int64(n)
	old.data = old.data[:n]
	c.b, c.at = next, 0
	return c.r.emit(old)
}

// count goes on counting lines up to data[n].
func (c *cutter) count(n int) int {
	if n > c.at {
		c.line += bytes.Count(c.b.data[c.at:n], []byte{'\n'})
		c.at = n
	}
	return c.line
}

// drop takes n bytes off the block's front.
func (c *cutter) drop(n int) {
	b := c.b
	b.data = b.data[:copy(b.data, b.data[n:])]
	b.Offset += int64(n)
	c.at -= n
	b.Line = c.line
}

// ended says what to do about the error that ended a stream: nothing at its
// proper end; report it if the input is at fault; pass it up if it is ours.
func (r *reader) ended(s *stream, err error) error {
	if err == io.EOF {
		return nil
	}
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	reason := cause(err)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		reason = "truncated: ends in the middle"
	}
	r.problem(s.problem(s.around, strings.TrimPrefix(reason, s.around+": ")))
	return nil
}
