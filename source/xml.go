package source

import (
	"bytes"
)

const (
	eventOpen  = "<Event"
	eventClose = "</Event>"
)

// looksXML accepts text that begins with a tag and has an event near.
func looksXML(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte(bom))
	i := skipSpace(head, 0)
	return i < len(head) && head[i] == '<' && eventAt(head, i) >= 0
}

// eventAt is the place of the next event's opening tag from b[i] on, -1 if
// there is none.
func eventAt(b []byte, i int) int {
	for {
		n := bytes.Index(b[i:], []byte(eventOpen))
		if n < 0 {
			return -1
		}
		i += n
		if k := i + len(eventOpen); k < len(b) && (b[k] == '>' || isSpace(b[k])) {
			return i
		}
		i++
	}
}

// readXML cuts XML text behind closing tags of events. Within an event no
// such tag stands: in text it would be escaped.
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
		if n := bytes.LastIndex(c.b.data, []byte(eventClose)); n >= 0 {
			if err := c.cut(n + len(eventClose)); err != nil {
				return err
			}
			size = r.opt.BlockSize
			continue
		}
		if len(c.b.data) > r.opt.MaxDocument {
			if err := c.passEvent(); err != nil {
				return err
			}
			size = r.opt.BlockSize
			continue
		}
		size = min(2*len(c.b.data), r.opt.MaxDocument+r.opt.BlockSize)
	}
}

// passEvent goes behind an event that is too long to be held.
func (c *cutter) passEvent() error {
	at := max(eventAt(c.b.data, 0), 0)
	c.r.problem(Problem{Path: c.s.path, Line: c.count(at), Offset: c.b.Offset + int64(at), Reason: tooLong(c.r.opt.MaxDocument)})
	for {
		n := len(c.b.data) - len(eventClose) + 1 // part of a tag may be there
		if end := bytes.Index(c.b.data, []byte(eventClose)); end >= 0 {
			n = end + len(eventClose)
			c.count(n)
			c.drop(n)
			return nil
		}
		n = max(n, 0)
		c.count(n)
		c.drop(n)
		if c.last {
			c.count(len(c.b.data))
			c.drop(len(c.b.data))
			return nil
		}
		if err := c.fill(max(c.r.opt.BlockSize, 2*len(eventClose))); err != nil {
			return err
		}
	}
}

// events finds the events of a block of XML.
func (b *Block) events(yield func(*Document, *Problem) bool) {
	data, line, counted := b.data, b.Line, 0
	to := func(i int) {
		line += bytes.Count(data[counted:i], []byte{'\n'})
		counted = i
	}
	for i := 0; ; {
		start := eventAt(data, i)
		if start < 0 {
			return
		}
		to(start)
		body := start + len(eventOpen)
		end := bytes.Index(data[body:], []byte(eventClose))
		next := eventAt(data, body)
		if end < 0 || next >= 0 && next < body+end {
			if !b.complain(yield, token{start: start, reason: "the event is cut off"}, line) {
				return
			}
			if next < 0 {
				return
			}
			i = next
			continue
		}
		i = body + end + len(eventClose)
		if !b.give(yield, span{start: start, end: i, line: line}) {
			return
		}
	}
}
