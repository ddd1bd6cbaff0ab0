package source

import (
	"bytes"
	"io"

	"github.com/tocsin-project/tocsin/evtx"
)

// looksXML accepts text that begins with a tag and has an event near.
func looksXML(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte(bom))
	i := skipSpace(head, 0)
	if n, v := recordLine(head[i:]); v == done {
		i = skipSpace(head, i+n)
	}
	if i == len(head) || head[i] != '<' {
		return false
	}
	_, _, err := evtx.NextEvent(head)
	return err != io.EOF || bytes.Contains(head, []byte("<Events")) // one begins, or an export of none
}

// readXML cuts XML text behind closing tags of events. In an event's text such
// a tag would be escaped.
func readXML(r *reader, s *stream) error {
	c := newCutter(r, s, XML)
	defer c.close()
	size := r.opt.BlockSize
	for {
		if err := c.fill(size); err != nil {
			return err
		}
		if c.last {
			return c.finish()
		}
		size = r.opt.BlockSize
		if n := lastClose(c.b.data); n > 0 {
			if err := c.cut(n); err != nil {
				return err
			}
		} else if len(c.b.data) > r.opt.MaxDocument {
			if err := c.passEvent(); err != nil {
				return err
			}
		} else {
			size = min(2*len(c.b.data), r.opt.MaxDocument+size)
		}
	}
}

// lastClose is the place behind the last closing tag of an event, 0 if there
// is none.
func lastClose(b []byte) int {
	const name = "Event>"
	for end := len(b); ; {
		i := bytes.LastIndex(b[:end], []byte(name))
		if i < 0 {
			return 0
		}
		if tag := bytes.LastIndexByte(b[max(0, i-64):i], '<'); tag >= 0 {
			prefix := b[max(0, i-64)+tag+1 : i]
			if string(prefix) == "/" || len(prefix) > 2 && prefix[0] == '/' && prefix[len(prefix)-1] == ':' {
				return i + len(name)
			}
		}
		end = i
	}
}

// firstClose is the place behind the first closing tag of an event in b, 0 if
// there is none.
func firstClose(b []byte) int {
	const name = "Event>"
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte(name))
		if i < 0 {
			return 0
		}
		from += i + len(name)
		if lastClose(b[:from]) == from {
			return from
		}
	}
}

// passEvent goes behind an event that is too long to be held.
func (c *cutter) passEvent() error {
	_, rest, _ := evtx.NextEvent(c.b.data)
	at := max(0, len(c.b.data)-len(rest))
	c.r.problem(Problem{Path: c.s.path, Line: c.count(at), Offset: c.b.Offset + int64(at), Reason: tooLong(c.r.opt.MaxDocument)})
	const tag = 80 // part of a closing tag may be at the window's end
	for {
		n := firstClose(c.b.data)
		found := n > 0
		switch {
		case found:
		case c.last:
			n = len(c.b.data)
		default:
			n = max(0, len(c.b.data)-tag)
		}
		c.count(n)
		c.drop(n)
		if found || c.last {
			return nil
		}
		if err := c.fill(max(c.r.opt.BlockSize, 4*tag)); err != nil {
			return err
		}
	}
}

// events gives the events of a block of XML.
func (b *Block) events(yield func(*Document, *Problem) bool) {
	line, counted := b.Line, 0
	for rest := b.data; ; {
		event, next, err := evtx.NextEvent(rest)
		if err == io.EOF {
			return
		}
		start := len(b.data) - len(next) - len(event)
		line += bytes.Count(b.data[counted:start], []byte{'\n'})
		counted = start
		if err == nil {
			if !b.give(yield, span{start: start, end: start + len(event), line: line}) {
				return
			}
			rest = next
			continue
		}
		if !b.complain(yield, token{start: start, reason: "the event is cut off"}, line) {
			return
		}
		rest = next[1:] // another may begin behind the break
	}
}
