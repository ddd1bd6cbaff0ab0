package engine

// part says where in a value a piece must stand.
type part uint8

const (
	anywhere part = iota
	atStart
	atEnd
)

// automaton finds which of many pieces a text holds, in one pass over it
// (Aho-Corasick). Bytes that no piece holds share one column of the table, so
// that it stays small.
type automaton struct {
	class  [256]uint8
	width  int32   // columns
	next   []int32 // state*width + class → state
	report []int32 // state → index into outputs plus one, 0 for none
	link   []int32 // state → the nearest suffix state that reports, 0 for none
	depth  []int32
	outs   []output
}

// output is what a state reports: pieces that end there.
type output struct {
	anywhere, atStart, atEnd []int32
}

type automatonBuilder struct {
	pieces []piece
}

type piece struct {
	text  string
	where part
	stage int32
}

func (b *automatonBuilder) add(text string, where part, stage int32) {
	b.pieces = append(b.pieces, piece{text, where, stage})
}

// build returns the automaton, nil if there are no pieces.
func (b *automatonBuilder) build() *automaton {
	if len(b.pieces) == 0 {
		return nil
	}
	a := &automaton{}
	a.classes(b.pieces)
	a.state() // the root
	for _, p := range b.pieces {
		a.insert(p)
	}
	a.connect()
	return a
}

// classes numbers the bytes that pieces hold; all others are class 0.
func (a *automaton) classes(pieces []piece) {
	a.width = 1
	for _, p := range pieces {
		for i := 0; i < len(p.text); i++ {
			if c := p.text[i]; a.class[c] == 0 && a.width < 256 {
				a.class[c] = uint8(a.width)
				a.width++
			}
		}
	}
}

func (a *automaton) state() int32 {
	n := int32(len(a.report))
	a.next = append(a.next, make([]int32, a.width)...)
	a.report = append(a.report, 0)
	a.link = append(a.link, 0)
	a.depth = append(a.depth, 0)
	return n
}

func (a *automaton) insert(p piece) {
	s := int32(0)
	for i := 0; i < len(p.text); i++ {
		at := s*a.width + int32(a.class[p.text[i]])
		if a.next[at] == 0 {
			a.next[at] = a.state()
			a.depth[a.next[at]] = a.depth[s] + 1
		}
		s = a.next[at]
	}
	if a.report[s] == 0 {
		a.outs = append(a.outs, output{})
		a.report[s] = int32(len(a.outs))
	}
	o := &a.outs[a.report[s]-1]
	switch p.where {
	case atStart:
		o.atStart = append(o.atStart, p.stage)
	case atEnd:
		o.atEnd = append(o.atEnd, p.stage)
	default:
		o.anywhere = append(o.anywhere, p.stage)
	}
}

// connect adds the transitions of failed matches, breadth first.
func (a *automaton) connect() {
	fail := make([]int32, len(a.report))
	queue := make([]int32, 0, len(a.report))
	for c := int32(0); c < a.width; c++ {
		if s := a.next[c]; s != 0 {
			queue = append(queue, s)
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		f := fail[s]
		if a.report[f] != 0 {
			a.link[s] = f
		} else {
			a.link[s] = a.link[f]
		}
		for c := int32(0); c < a.width; c++ {
			to := &a.next[s*a.width+c]
			if *to == 0 {
				*to = a.next[f*a.width+c]
				continue
			}
			fail[*to] = a.next[f*a.width+c]
			queue = append(queue, *to)
		}
	}
}

// scan gives the stages of every piece that the text holds to l.
func (a *automaton) scan(text string, l *lookup) {
	a.reportAt(0, 0, len(text), l) // empty pieces
	s := int32(0)
	for i := 0; i < len(text); i++ {
		s = a.next[s*a.width+int32(a.class[text[i]])]
		if a.report[s] != 0 || a.link[s] != 0 {
			a.reportAt(s, i+1, len(text), l)
		}
	}
}

// reportAt gives what ends at position end of a text of length n.
func (a *automaton) reportAt(s int32, end, n int, l *lookup) {
	for {
		if r := a.report[s]; r != 0 {
			o := &a.outs[r-1]
			l.take(o.anywhere)
			if int(a.depth[s]) == end {
				l.take(o.atStart)
			}
			if end == n {
				l.take(o.atEnd)
			}
		}
		if s = a.link[s]; s == 0 {
			return
		}
	}
}
