package source

import "bytes"

const (
	maxContainers = 16      // arrays and wrappers around documents
	lookahead     = 1 << 16 // how far a wrapper's array may stand from its brace
)

// token is what the scanner found next.
type token struct {
	verdict    verdict
	end        bool // no further document
	start, off int  // the document's bytes, or where the problem is
	ordinal    int  // place in its array, from 1; 0 outside of arrays
	reason     string
}

// container is something around documents.
type container struct {
	levels  int  // a wrapper's objects that are open around the array
	ordinal int  // elements so far
	behind  bool // an element, no comma yet
}

type scanState uint8

const (
	between  scanState = iota // before a document or behind one
	inDoc                     // in an object
	inScalar                  // in a number, word or rubbish
	inTail                    // behind the array of a wrapper
	inRuins                   // looking for the next document behind a broken one
)

// scanner divides JSON text into documents: objects one after another, the
// elements of arrays, the hits of search results. It works over a window of
// bytes which its user grows and moves; `more` asks for a longer one.
type scanner struct {
	sk      skipper
	state   scanState
	stack   [maxContainers]container
	open    int  // containers open
	i       int  // next byte to look at
	start   int  // where the document at hand begins
	dropped bool // the document's beginning is no longer in the window
	newline bool // a line ended since the last top-level document
}

func (s *scanner) reset(at int) {
	s.state, s.open, s.i, s.start, s.dropped, s.newline = between, 0, at, at, false, false
}

// idle says whether s stands outside of all documents and containers.
func (s *scanner) idle() bool { return s.state == between && s.open == 0 }

// kept is the first byte of the window that is still needed.
func (s *scanner) kept() int {
	if s.dropped || s.state == between || s.state == inTail || s.state == inRuins {
		return s.i
	}
	return s.start
}

// shift says that n bytes were taken off the window's front.
func (s *scanner) shift(n int) { s.i -= n; s.start -= n }

// decide ends a wait for bytes that would tell what begins at s.i, or where to
// resume: n bytes of window are enough, most of them blanks. It returns false
// if s waits for a document's end.
func (s *scanner) decide(n int) bool {
	switch s.state {
	case between:
		s.start = s.i
		s.enter(inDoc)
	case inRuins:
		s.i = n
	default:
		return false
	}
	return true
}

// next finds the next document in b. last says that b's end is the text's end.
func (s *scanner) next(b []byte, last bool) token {
	for {
		var t token
		var found bool
		switch s.state {
		case between:
			t, found = s.begin(b, last)
		case inDoc:
			t, found = s.object(b, last)
		case inScalar:
			t, found = s.scalar(b, last)
		case inTail:
			t, found = s.tail(b, last)
		case inRuins:
			t, found = s.ruins(b, last)
		}
		if found {
			return t
		}
	}
}

// begin goes to the next document's first byte.
func (s *scanner) begin(b []byte, last bool) (token, bool) {
	for s.i < len(b) && separates(b[s.i]) {
		switch b[s.i] {
		case '\n':
			s.newline = true
		case ',':
			if s.open > 0 {
				s.stack[s.open-1].behind = false
			}
		}
		s.i++
	}
	if s.i >= len(b) {
		return s.ends(last, "the array is not closed: truncated")
	}
	s.start = s.i
	if s.open > 0 && s.stack[s.open-1].behind && b[s.i] != ']' {
		// Most probably no array at all but the rest of a broken line.
		s.open = 0
		return token{verdict: bad, start: s.i, off: s.i, reason: "no comma between the elements of an array"}, true
	}
	switch c := b[s.i]; {
	case c == ']' && s.open > 0:
		s.i++
		s.pop()
	case c == '[' && s.open < maxContainers:
		s.push(0)
		s.i++
	case c == '{':
		return s.brace(b, last)
	case c == '[':
		s.enter(inDoc)
	case c == 0xEF && s.open == 0 && len(b)-s.i < 3 && !last:
		return token{verdict: more}, true
	case c == 0xEF && s.open == 0 && bytes.HasPrefix(b[s.i:], []byte(bom)):
		s.i += len(bom)
	case c == 'R' && s.open == 0:
		n, v := recordLine(b[s.i:])
		if v == more && !last {
			return token{verdict: more}, true
		}
		if v == done {
			s.i += n
			break
		}
		s.enter(inScalar)
	default:
		s.enter(inScalar)
	}
	return token{}, false
}

// recordLine passes over a line "Record 123", which evtx_dump writes before
// each of its records.
func recordLine(b []byte) (n int, v verdict) {
	const mark, longest = "Record ", 30
	line, _, whole := bytes.Cut(b[:min(len(b), longest)], []byte{'\n'})
	if !whole {
		if len(b) < longest {
			return 0, more
		}
		return 0, bad
	}
	number, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte(mark))
	for _, c := range number {
		ok = ok && c >= '0' && c <= '9'
	}
	if !ok || len(number) == 0 {
		return 0, bad
	}
	return len(line), done
}

// ends is the answer where the window's end was reached between documents.
func (s *scanner) ends(last bool, reason string) (token, bool) {
	if !last {
		return token{verdict: more}, true
	}
	if s.open > 0 || s.state == inTail {
		s.state, s.open = between, 0
		return token{verdict: bad, start: s.i, off: s.i, reason: reason}, true
	}
	s.state = between
	return token{verdict: done, end: true, start: s.i, off: s.i}, true
}

// brace decides what the object at s.i is: a document, or a wrapper around some.
func (s *scanner) brace(b []byte, last bool) (token, bool) {
	kind, v := firstKey(b[s.i:])
	if v == more && !last {
		return token{verdict: more}, true
	}
	if v == done && kind == keyWrapper && s.open < maxContainers {
		head := b[s.i:min(len(b), s.i+lookahead)]
		n, levels, v := wrapper(head)
		if v == more && !last && len(head) < lookahead {
			return token{verdict: more}, true
		}
		if v == done {
			s.push(levels)
			s.i += n
			return token{}, false
		}
	}
	s.enter(inDoc)
	return token{}, false
}

func (s *scanner) enter(st scanState) {
	s.state, s.dropped = st, false
	s.sk.reset()
}

func (s *scanner) push(levels int) {
	if s.open > 0 && levels == 0 {
		s.stack[s.open] = container{ordinal: s.stack[s.open-1].ordinal} // an array in an array goes on counting
	} else {
		s.stack[s.open] = container{levels: levels}
	}
	s.open++
}

func (s *scanner) pop() {
	s.open--
	c := s.stack[s.open]
	if c.levels > 0 {
		s.state = inTail
		s.sk.inside(c.levels)
	} else if s.open > 0 {
		s.stack[s.open-1].ordinal, s.stack[s.open-1].behind = c.ordinal, true
	}
	s.newline = false
}

// found is the token of the document that ends at s.i.
func (s *scanner) found() token {
	s.state = between
	t := token{verdict: done, start: s.start, off: s.i}
	if s.open > 0 {
		s.stack[s.open-1].ordinal++
		s.stack[s.open-1].behind = true
		t.ordinal = s.stack[s.open-1].ordinal
	} else {
		s.newline = false
	}
	return t
}

// broken is the token of a broken document; the search for the next one
// begins within it, if its bytes are still there.
func (s *scanner) broken(reason string) token {
	t := token{verdict: bad, start: s.start, off: s.i, reason: reason}
	if s.open > 0 {
		s.stack[s.open-1].ordinal++
		t.ordinal = s.stack[s.open-1].ordinal
	}
	if !s.dropped {
		s.i = s.start + 1
	}
	s.state = inRuins
	return t
}

func (s *scanner) object(b []byte, last bool) (token, bool) {
	n, v := s.sk.scan(b[s.i:])
	s.i += n
	switch {
	case v == done:
		return s.found(), true
	case v == bad:
		return s.broken("broken JSON"), true
	case last:
		return s.broken("the document is cut off"), true
	}
	return token{verdict: more}, true
}

// scalar takes what is no object or array up to the end of its line, or of
// its element. What it is worth is for the decoder to say.
func (s *scanner) scalar(b []byte, last bool) (token, bool) {
	from := s.start // a string's end shows only from its beginning
	if s.dropped || s.open == 0 {
		from = s.i
	}
	n := -1
	if s.open == 0 {
		n = bytes.IndexByte(b[from:], '\n')
	} else if from < len(b) {
		n = elementEnd(b[from:])
	}
	if n < 0 {
		s.i = len(b)
		if !last {
			return token{verdict: more}, true
		}
	} else {
		s.i = from + n
	}
	t := s.found()
	for !s.dropped && t.off > t.start+1 && isSpace(b[t.off-1]) {
		t.off--
	}
	return t, true
}

// elementEnd finds what ends a scalar in an array.
func elementEnd(b []byte) int {
	if b[0] == '"' {
		s := skipper{str: 1}
		switch n, v := s.text(b[1:]); v {
		case done:
			return n + 1
		case more:
			return -1
		}
	}
	for i, c := range b {
		if c == ',' || c == ']' || c == '\n' {
			return i
		}
	}
	return -1
}

// tail passes over what follows a wrapper's array.
func (s *scanner) tail(b []byte, last bool) (token, bool) {
	n, v := s.sk.scan(b[s.i:])
	s.i += n
	switch v {
	case done:
		s.state = between
		return token{}, false
	case bad:
		s.start = s.i
		s.state = inRuins
		return token{verdict: bad, start: s.i, off: s.i, reason: "broken JSON behind the array"}, true
	}
	return s.ends(last, "the object around the array is not closed: truncated")
}

// ruins looks for a place where a document surely or probably begins: behind
// a line end, or behind the end of another object.
func (s *scanner) ruins(b []byte, last bool) (token, bool) {
	for s.i < len(b) {
		n := bytes.IndexAny(b[s.i:], "\n}")
		if n < 0 {
			s.i = len(b)
			break
		}
		at := s.i + n
		k := skipSpace(b, at+1)
		comma := k < len(b) && b[k] == ','
		if comma && s.open > 0 {
			k = skipSpace(b, k+1)
		}
		v := s.mayResume(b[at], b[k:], comma)
		if v == more && !last {
			s.i = at
			return token{verdict: more}, true
		}
		if v == done {
			s.i, s.state = k, between
			s.newline = s.newline || b[at] == '\n'
			return token{}, false
		}
		s.i = at + 1
	}
	return s.ends(last, "the array is not closed: truncated")
}

// mayResume says whether text behind a line end or a closing brace is taken
// for a document's beginning. In the middle of a line the brace must have a
// key behind it: what looks so within a string has a backslash before the
// quote.
func (s *scanner) mayResume(behind byte, text []byte, comma bool) verdict {
	if len(text) == 0 {
		return more
	}
	switch c := text[0]; {
	case behind == '\n' && s.open == 0 && (c == '{' || c == '['),
		behind == '\n' && s.open > 0 && (c == '{' || c == ']'):
		return done
	case behind == '}' && c == '{' && comma == (s.open > 0):
		k := skipSpace(text, 1)
		if k == len(text) {
			return more
		}
		if text[k] == '"' {
			return done
		}
	}
	return bad
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// separates says whether c may stand between two documents: besides blanks
// the record separator of RFC 7464, and the comma of arrays, also of ones
// whose brackets were lost when a file was cut to pieces.
func separates(c byte) bool { return isSpace(c) || c == ',' || c == 0x1E }

func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}
