package event

import (
	"encoding/binary"
	"math/bits"
	"strings"
)

// node is one place in the tree of the paths that a decoder looks for. Its
// members are found in two tables: names without a dot, which is what nested
// documents have, and whole rests of paths ("parent.name" below process), which
// dotted spellings have. They are apart because the first is small and hot.
type node struct {
	slots []int32 // the fields whose path ends here
	null  bool    // one of them turns an explicit null into a value

	names  table
	dotted table
	leaf   bool // names is empty
	deep   bool // dotted is not

	each  EachFunc
	watch bool // each is set here or below
}

// EachFunc is told each member of an object; see Decoder.Each.
type EachFunc func(ev *Event, name string, value Token)

// table finds a key among a node's members: open addressing, at most half full.
// A key is known by its first and last eight bytes and its length, which the
// scanner has in registers; only keys over 16 bytes are compared further.
type table struct {
	entries []entry // a power of two, two at least
	seed    uint64
	shift   uint8
	exact   bool // every key is where it is looked for first
}

// first returns the entry where a key is looked for first.
func (t *table) first(head, tail uint64, n int) *entry {
	return &t.entries[t.hash(head, tail, n)]
}

func (t *table) hash(head, tail uint64, n int) uint64 {
	return (head ^ bits.RotateLeft64(tail, 31) ^ uint64(n)) * t.seed >> (t.shift & 63)
}

type entry struct {
	head, tail uint64
	key        string
	node       *node
}

// is reports whether the entry has the key b, whose words are head and tail.
func (e *entry) is(head, tail uint64, b []byte) bool {
	return e.head == head && e.tail == tail && len(e.key) == len(b) &&
		(len(b) <= 16 || e.key[8:len(e.key)-8] == string(b[8:len(b)-8]))
}

// find returns the member with the key b, whose words are head and tail.
func (t *table) find(head, tail uint64, b []byte) *node {
	mask := uint64(len(t.entries) - 1)
	for h := t.hash(head, tail, len(b)); ; h++ {
		e := &t.entries[h&mask]
		if e.node == nil {
			return nil
		}
		if e.is(head, tail, b) {
			return e.node
		}
	}
}

// words returns the first and last eight bytes of a key; a key of less than
// eight bytes is the first word, padded with zeros, which no key holds.
func words(b []byte) (head, tail uint64) {
	if n := len(b); n >= 8 {
		return binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	}
	for i, c := range b {
		head |= uint64(c) << (8 * i)
	}
	return head, 0
}

// newTable tries some seeds for one that keeps all keys apart, as there is for
// most objects, and else takes the last.
func newTable(members map[string]*node, tries int) table {
	width := max(1, bits.Len(uint(2*len(members))))
	t := table{seed: 0x9e3779b97f4a7c15}
	for try := 0; ; try++ {
		if try%20 == 0 {
			t.entries, t.shift = make([]entry, 1<<width), uint8(64-width)
			width++
		}
		t.fill(members)
		if t.exact || try+1 >= tries {
			return t
		}
		t.seed = t.seed*0xd1342543de82ef95 + 2 // stays odd
	}
}

func (t *table) fill(members map[string]*node) {
	for i := range t.entries {
		t.entries[i] = entry{head: ^uint64(0)} // with no tail and no length: no key has it
	}
	t.exact = true
	mask := uint64(len(t.entries) - 1)
	for key, n := range members {
		head, tail := words([]byte(key))
		h := t.hash(head, tail, len(key))
		for t.entries[h&mask].node != nil {
			h++
			t.exact = false
		}
		t.entries[h&mask] = entry{head, tail, key, n}
	}
}

// growing is a node while paths are added.
type growing struct {
	*node
	members map[string]*growing // made with the first
	root    bool
}

func newGrowing() *growing {
	return &growing{node: &node{}}
}

func (g *growing) at(path string) *growing {
	for name := range strings.SplitSeq(path, ".") {
		m := g.members[name]
		if m == nil {
			m = newGrowing()
			if g.members == nil {
				g.members = map[string]*growing{}
			}
			g.members[name] = m
		}
		g = m
	}
	return g
}

// finish makes the tables of the node and all below it.
func (g *growing) finish() *node {
	g.watch = g.each != nil
	if g.leaf = len(g.members) == 0; g.leaf && !g.watch && !g.root {
		return g.node // its objects are skipped, not looked into
	}
	names, dotted := map[string]*node{}, map[string]*node{}
	for name, m := range g.members {
		names[name] = m.finish()
		m.collect(name, dotted)
		g.watch = g.watch || m.watch
	}
	tries := 60
	if len(names) > 128 { // too many for a seed to be found
		tries = 1
	}
	g.names, g.dotted = newTable(names, tries), newTable(dotted, 1)
	g.deep = len(dotted) > 0
	return g.node
}

// collect adds every node below g under its path from where prefix starts.
func (g *growing) collect(prefix string, into map[string]*node) {
	for name, m := range g.members {
		path := prefix + "." + name
		into[path] = m.node
		m.collect(path, into)
	}
}
