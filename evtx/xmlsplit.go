package evtx

import (
	"bytes"
	"io"
)

// NextEvent cuts the first event out of a stream of XML text (UTF-8): event
// elements one after another, in a root or not, with anything between them. It
// gives the event's bytes, from <Event to </Event>, and what is behind it.
//
// err is io.EOF if no event starts in buf; rest is then what the next bytes of
// the stream must be put behind, at most a few bytes. It is io.ErrUnexpectedEOF
// if an event starts in buf and does not end in it; rest starts with it. A
// reader puts more bytes behind rest and calls again, and at the end of the
// stream, or when the event grows beyond what it allows, gives rest to
// ParseXML as it is. An event that breaks off where another starts is given up
// to there.
func NextEvent(buf []byte) (event, rest []byte, err error) {
	start := nextTag(buf, 0)
	if start < 0 {
		return nil, buf[partial(buf):], io.EOF
	}
	s := splitter{buf: buf, pos: start}
	end := s.event()
	if end < 0 {
		return nil, buf[start:], io.ErrUnexpectedEOF
	}
	return buf[start:end], buf[end:], nil
}

// nextTag gives the offset of the next start tag of an Event, -1 if there is
// none.
func nextTag(buf []byte, from int) int {
	for {
		i := bytes.IndexByte(buf[from:], '<')
		if i < 0 {
			return -1
		}
		from += i
		if isEvent(buf[from+1:]) {
			return from
		}
		from++
	}
}

// partial gives the offset from which buf may hold the begin of a start tag.
func partial(buf []byte) int {
	const longest = 64 // prefix and name
	from := max(0, len(buf)-longest)
	if i := bytes.LastIndexByte(buf[from:], '<'); i >= 0 {
		return from + i
	}
	return len(buf)
}

// isEvent tells whether a tag's name, at the start of s, is Event, with or
// without a prefix, and more follows.
func isEvent(s []byte) bool {
	n := 0
	for n < len(s) && nameByte(s[n]) {
		n++
	}
	return n < len(s) && string(local(s[:n])) == "Event"
}

// splitter finds the end of an event.
type splitter struct {
	buf []byte
	pos int
}

// event gives the offset behind the event that starts at pos, -1 if buf ends
// before.
func (s *splitter) event() int {
	depth := 0
	for {
		i := bytes.IndexByte(s.buf[s.pos:], '<')
		if i < 0 || s.pos+i+1 >= len(s.buf) {
			return -1
		}
		s.pos += i
		rest := s.buf[s.pos:]
		switch {
		case rest[1] == '!' || rest[1] == '?':
			if !s.special(rest) {
				return -1
			}
		case rest[1] == '/' && isEvent(rest[2:]):
			if !s.skip(">") {
				return -1
			}
			if depth--; depth <= 0 {
				return s.pos
			}
		case isEvent(rest[1:]):
			at := s.pos
			empty, ok := s.tag()
			if !ok {
				return -1
			}
			if depth > 0 && s.startsAnew() {
				return at
			}
			if !empty {
				depth++
			} else if depth == 0 {
				return s.pos
			}
		default:
			s.pos++
		}
	}
}

// special moves behind a comment, a CDATA section or an instruction.
func (s *splitter) special(rest []byte) bool {
	switch {
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		return s.skip("]]>")
	case bytes.HasPrefix(rest, []byte("<!--")):
		return s.skip("-->")
	case rest[1] == '?':
		return s.skip("?>")
	}
	if len(rest) < len("<![CDATA[") {
		return false
	}
	s.pos++
	return true
}

func (s *splitter) skip(end string) bool {
	i := bytes.Index(s.buf[s.pos:], []byte(end))
	if i < 0 {
		return false
	}
	s.pos += i + len(end)
	return true
}

// tag moves behind the start tag at pos; empty tells whether it ends its
// element too.
func (s *splitter) tag() (empty, ok bool) {
	quote := byte(0)
	for ; s.pos < len(s.buf); s.pos++ {
		switch c := s.buf[s.pos]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			empty = s.buf[s.pos-1] == '/'
			s.pos++
			return empty, true
		}
	}
	return false, false
}

// startsAnew tells whether the event whose tag was just read is not inside the
// one before it, which then broke off: an event starts with System.
func (s *splitter) startsAnew() bool {
	rest := bytes.TrimLeft(s.buf[s.pos:], " \t\r\n")
	if len(rest) == 0 || rest[0] != '<' {
		return false
	}
	rest = rest[1:]
	n := 0
	for n < len(rest) && nameByte(rest[n]) {
		n++
	}
	return string(local(rest[:n])) == "System"
}
