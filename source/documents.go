package source

import (
	"bytes"
	"fmt"
)

const bom = "\xEF\xBB\xBF"

// lines finds the documents of a block of JSON. Most stand on a line of their
// own, which shows without looking into them; the others are scanned.
func (b *Block) lines(yield func(*Document, *Problem) bool) {
	data, line := b.data, b.Line
	for i := 0; i < len(data); {
		c := data[i]
		if separates(c) {
			if c == '\n' {
				line++
			}
			i++
			continue
		}
		if c == '{' {
			if end, next := plainLine(data, i); end > 0 {
				if !b.give(yield, span{start: i, end: end, line: line}) {
					return
				}
				line += bytes.Count(data[end:next], []byte{'\n'})
				i = next
				continue
			}
		}
		n, ok := b.scanned(yield, i, line)
		if !ok {
			return
		}
		line += bytes.Count(data[i:n], []byte{'\n'})
		i = n
	}
}

// plainLine says where the document at i ends, and where to go on, if it is
// on a line by itself: it ends in a brace, and behind the line end another
// document begins. Within a document no brace is followed by another one with
// only blanks between, and no string holds a line end; so this is certain.
func plainLine(data []byte, i int) (end, next int) {
	n := bytes.IndexByte(data[i:], '\n')
	end, next = len(data), len(data)
	if n >= 0 {
		end = i + n
		next = skipSpace(data, end)
		if next < len(data) && data[next] != '{' && data[next] != '[' {
			return 0, 0
		}
	}
	for end > i && isSpace(data[end-1]) {
		end--
	}
	if data[end-1] != '}' {
		return 0, 0
	}
	doc := data[i:end]
	if kind, _ := firstKey(doc); kind == keyWrapper {
		return 0, 0
	}
	if perhapsTwo(doc) {
		return 0, 0
	}
	return end, next
}

// perhapsTwo says whether a line may hold more than one document: whether
// somewhere, be it in a string, a brace is followed by an opening one.
func perhapsTwo(line []byte) bool {
	for i := 0; ; {
		n := bytes.IndexByte(line[i:], '}')
		if n < 0 {
			return false
		}
		i += n + 1
		k := i
		for k < len(line) && line[k] != ',' && separates(line[k]) {
			k++
		}
		if k < len(line) && (line[k] == '{' || line[k] == '[') {
			return true
		}
	}
}

// scanned gives the documents from data[i] on until the scanner stands again
// outside of everything, and returns where that is.
func (b *Block) scanned(yield func(*Document, *Problem) bool, i, line int) (int, bool) {
	s := &b.scan
	s.reset(i)
	at := i // up to where lines are counted
	for {
		t := s.next(b.data, true)
		line += bytes.Count(b.data[at:t.start], []byte{'\n'})
		at = t.start
		switch {
		case t.end:
			return s.i, true
		case t.verdict == bad:
			if !b.complain(yield, t, line) {
				return 0, false
			}
		default:
			sp := span{start: t.start, end: t.off, line: line}
			if t.ordinal > 0 {
				sp.line, sp.element = t.ordinal, true
			}
			if !b.give(yield, sp) {
				return 0, false
			}
		}
		if s.idle() {
			return s.i, true
		}
	}
}

// spanned gives the documents that the reader found.
func (b *Block) spanned(yield func(*Document, *Problem) bool) {
	for _, s := range b.spans {
		if !b.give(yield, s) {
			return
		}
	}
}

// give yields one document, or keeps it in mind if it is an action line.
func (b *Block) give(yield func(*Document, *Problem) bool, s span) bool {
	d := &b.doc
	d.Data = b.data[s.start:s.end]
	d.Line, d.Offset = s.line, b.Offset+int64(s.start)
	d.Index, d.ID = nil, nil
	if len(d.Data) > b.maxDocument {
		return b.complain(yield, token{start: s.start, off: s.start, reason: tooLong(b.maxDocument)}, s.line)
	}
	if d.Data[0] == '{' && !s.element {
		if kind, _ := firstKey(d.Data); kind == keyAction {
			if index, id, ok := action(d.Data); ok {
				b.bulk.pending, b.bulk.index, b.bulk.id = true, index, id
				return true
			}
		}
	}
	if b.bulk.pending {
		d.Index, d.ID = b.bulk.index, b.bulk.id
		b.bulk.pending = false
	}
	return yield(d, nil)
}

func (b *Block) complain(yield func(*Document, *Problem) bool, t token, line int) bool {
	b.problem = Problem{Path: b.Path, Line: line, Offset: b.Offset + int64(t.start), Reason: t.reason}
	if t.ordinal > 0 {
		b.problem.Reason = fmt.Sprintf("element %d: %s", t.ordinal, t.reason)
	}
	return yield(nil, &b.problem)
}

func tooLong(limit int) string {
	return fmt.Sprintf("document is longer than %d bytes", limit)
}
