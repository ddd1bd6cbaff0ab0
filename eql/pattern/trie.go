package pattern

// trie is a radix tree over the literal begins of patterns, or over their ends
// read backwards. One walk along a text finds every pattern whose literal part
// stands there.
type trie struct {
	reverse bool
	root    node
}

type node struct {
	label  string // the bytes on the way from the parent, backwards in a reverse trie
	first  string // the first byte of each child's label
	next   []*node
	open   bool       // a pattern is satisfied as soon as this node is reached
	end    bool       // a pattern is satisfied if the text ends here
	verify []Wildcard // patterns that need a closer look
}

// add puts a pattern under its literal part. simple says that there is nothing
// else to test in the segment that the literal comes from.
func (t *trie) add(literal string, w Wildcard, simple bool) {
	if t.reverse {
		literal = reversed(literal)
	}
	n := t.root.reach(literal)
	switch {
	case simple && t.reverse:
		n.open = true
	case simple && w.whole:
		n.end = true
	case simple && len(w.segs) == 2 && w.segs[1].text == "":
		n.open = true
	default:
		n.verify = append(n.verify, w)
	}
}

func reversed(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// reach returns the node for a literal, making it and splitting as needed.
func (n *node) reach(s string) *node {
	for s != "" {
		i := index(n.first, s[0])
		if i < 0 {
			c := &node{label: s}
			n.first += s[:1]
			n.next = append(n.next, c)
			return c
		}
		c := n.next[i]
		k := common(c.label, s)
		if k < len(c.label) {
			mid := &node{label: c.label[:k], first: c.label[k : k+1], next: []*node{c}}
			c.label = c.label[k:]
			n.next[i] = mid
			c = mid
		}
		n, s = c, s[k:]
	}
	return n
}

func index(s string, c byte) int {
	for i := 0; i < len(s); i++ {
		if s[i] == c {
			return i
		}
	}
	return -1
}

func common(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// match walks along rest; patterns that need a closer look get the whole text.
func (t *trie) match(rest, text string) bool {
	n := &t.root
	for {
		if n.open || n.end && rest == "" {
			return true
		}
		for i := range n.verify {
			if n.verify[i].Match(text) {
				return true
			}
		}
		if rest == "" {
			return false
		}
		c := rest[0]
		if t.reverse {
			c = rest[len(rest)-1]
		}
		i := index(n.first, c)
		if i < 0 {
			return false
		}
		n = n.next[i]
		if t.reverse {
			if !hasReversedSuffix(rest, n.label) {
				return false
			}
			rest = rest[:len(rest)-len(n.label)]
			continue
		}
		if len(rest) < len(n.label) || rest[:len(n.label)] != n.label {
			return false
		}
		rest = rest[len(n.label):]
	}
}

func hasReversedSuffix(s, label string) bool {
	if len(s) < len(label) {
		return false
	}
	for i := 0; i < len(label); i++ {
		if s[len(s)-1-i] != label[i] {
			return false
		}
	}
	return true
}
