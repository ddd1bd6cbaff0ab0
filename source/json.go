package source

import (
	"bytes"
	"fmt"
)

// jsonReader cuts JSON text into blocks.
//
// It fills a block and looks back from its end for a border: a line end
// between a closing and an opening bracket, which within a document cannot
// be. What is behind the border moves to the next block. Where there is no
// border, as in an array, a search result or a very long document, it scans
// until it stands outside of documents again.
type jsonReader struct {
	cutter
	scan scanner
}

func readJSON(r *reader, s *stream) error {
	j := &jsonReader{cutter: newCutter(r, s, JSON)}
	defer j.close()
	return j.run()
}

func (j *jsonReader) run() error {
	for {
		if err := j.fill(j.r.opt.BlockSize); err != nil {
			return err
		}
		if j.last {
			return j.finish()
		}
		cut := border(j.b.data)
		if cut <= 0 {
			if err := j.structured(); err != nil {
				return err
			}
			continue
		}
		if err := j.cut(cut); err != nil {
			return err
		}
	}
}

// border is the last place in data where one document surely ends and
// another begins, 0 if there is none. An action line stays with its document.
func border(data []byte) int {
	for end := len(data); end > 0; {
		nl := bytes.LastIndexByte(data[:end], '\n')
		if nl < 0 {
			return 0
		}
		end = nl
		next := skipSpace(data, nl)
		if next >= len(data) || data[next] != '{' && data[next] != '[' {
			continue
		}
		k := nl
		for k > 0 && isSpace(data[k-1]) {
			k--
		}
		if k == 0 || data[k-1] != '}' && data[k-1] != ']' {
			continue
		}
		begin := bytes.LastIndexByte(data[:k], '\n') + 1
		if k-begin < 4096 && lineIsAction(data[begin:k]) {
			continue
		}
		return next
	}
	return 0
}

func lineIsAction(line []byte) bool {
	i := skipSpace(line, 0)
	if i >= len(line) || line[i] != '{' {
		return false
	}
	if kind, _ := firstKey(line[i:]); kind != keyAction {
		return false
	}
	_, _, ok := action(line[i:])
	return ok
}

// structured scans documents from the block's beginning on, until it stands
// outside of documents at the beginning of a line, some way on.
func (j *jsonReader) structured() error {
	j.scan.reset(0)
	passed := 0
	for {
		t := j.scan.next(j.b.data, j.last)
		switch {
		case t.verdict == more:
			n, err := j.grow()
			if err != nil {
				return err
			}
			passed += n
		case t.end:
			return j.flush(j.scan.i)
		case t.verdict == bad:
			j.complain(t)
		default:
			j.note(t)
		}
		if passed+j.scan.i >= j.r.opt.BlockSize && j.scan.idle() && j.scan.newline && !j.actionLast() {
			return j.flush(j.scan.i)
		}
	}
}

// note remembers a document that was found.
func (j *jsonReader) note(t token) {
	if j.scan.dropped {
		j.scan.dropped = false
		return // was reported when it grew too long
	}
	sp := span{start: t.start, end: t.off, line: j.count(t.start)}
	if t.ordinal > 0 {
		sp.line, sp.element = t.ordinal, true
	}
	j.b.spans = append(j.b.spans, sp)
}

func (j *jsonReader) complain(t token) {
	if j.scan.dropped {
		j.scan.dropped = false
		return // was reported when it grew too long
	}
	p := Problem{Path: j.s.path, Line: j.count(t.start), Offset: j.b.Offset + int64(t.start), Reason: t.reason}
	if t.ordinal > 0 {
		p.Reason = fmt.Sprintf("element %d: %s", t.ordinal, t.reason)
	}
	j.r.problem(p)
}

// actionLast says whether the last document found is an action line, which
// must stay in one block with its document.
func (j *jsonReader) actionLast() bool {
	n := len(j.b.spans)
	if n == 0 || j.b.spans[n-1].element {
		return false
	}
	sp := j.b.spans[n-1]
	return sp.end-sp.start < 4096 && lineIsAction(j.b.data[sp.start:sp.end])
}

// grow gets the scanner a longer window: it hands on the documents found, or
// makes room for the one at hand, or drops what it has of it if that is too
// long. It returns by how much the window moved.
func (j *jsonReader) grow() (int, error) {
	keep := min(j.scan.kept(), len(j.b.data))
	moved := 0
	if n := len(j.b.spans); n > 1 || n == 1 && !j.actionLast() {
		var err error
		if moved, err = j.handOn(keep); err != nil {
			return 0, err
		}
		keep -= moved
	}
	if long := len(j.b.data)-keep > j.r.opt.MaxDocument; long && j.scan.decide(len(j.b.data)-moved) {
		keep = 0 // the same bytes again
	} else if long {
		j.r.problem(Problem{Path: j.s.path, Line: j.count(keep), Offset: j.b.Offset + int64(keep), Reason: tooLong(j.r.opt.MaxDocument)})
		j.scan.dropped = true
		j.b.spans = j.b.spans[:0] // its action line
		keep = len(j.b.data)
	} else if len(j.b.spans) > 0 {
		keep = 0 // an action line waits for its document
	}
	j.count(keep)
	j.drop(keep)
	moved += keep
	j.scan.shift(moved)
	size := j.r.opt.BlockSize
	if len(j.b.data) >= size {
		size = min(2*len(j.b.data), j.r.opt.MaxDocument+size)
	}
	return moved, j.fill(max(size, len(j.b.data)+1))
}

// handOn emits the documents found; the window then begins at n, or at the
// action line of the document at hand. It returns by how much it moved.
func (j *jsonReader) handOn(n int) (int, error) {
	if !j.actionLast() {
		return n, j.cut(n)
	}
	spans := j.b.spans
	act := spans[len(spans)-1]
	j.b.spans = spans[:len(spans)-1]
	err := j.cut(act.start)
	j.b.spans = append(j.b.spans, span{end: act.end - act.start, line: act.line})
	return act.start, err
}

// flush hands on the documents found so far; the next block begins at n.
func (j *jsonReader) flush(n int) error {
	if len(j.b.spans) == 0 {
		j.count(n)
		j.drop(n)
		return nil
	}
	return j.cut(n)
}
