package ecs

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/tocsin-project/tocsin/event"
)

// mapper carries one record to one event. Rows and steps work on it.
type mapper struct {
	d   *Decoder
	r   *record
	ev  *event.Event
	buf []byte // scratch of one step

	shape shape
	doc   []byte // of a nested shape: the object that holds the event
	moved bool   // a table was applied

	room  int    // how many slots the event has: an open schema may have more
	wrote []bool // by slot, in an open schema: what the mapping wrote

	added []added // what lists hold, so that nothing comes twice
}

// shape is the kind of document that a record came in, as far as the mapping
// cares.
type shape uint8

const (
	flatShape  shape = iota // everything is in the record
	beatsShape              // nested: other fields were passed through, event data is not mapped yet
	ecsShape                // nested and mapped
)

type added struct {
	slot int
	text string
}

func (m *mapper) reset(ev *event.Event) {
	m.ev = ev
	m.added = m.added[:0]
	m.shape, m.doc, m.moved = flatShape, nil, false
	m.room = m.d.schema.Len()
	clear(m.wrote)
}

func (m *mapper) has(slot int) bool { return slot != none && slot < m.room && m.ev.Has(slot) }

func (m *mapper) clear(slot int) {
	if slot != none && slot < m.room {
		m.ev.Clear(slot)
	}
}

// put adds a value; all writing of the mapping ends here.
func (m *mapper) put(slot int, v event.Value) {
	m.ev.Add(slot, v)
	if m.d.open {
		if slot >= m.room {
			m.room = m.d.schema.Len()
		}
		for len(m.wrote) <= slot {
			m.wrote = append(m.wrote, false)
		}
		m.wrote[slot] = true
	}
}

// get returns the text of a named value of the event, "" if it has none.
func (m *mapper) get(name string) string {
	k, ok := m.d.names[name]
	if !ok {
		return ""
	}
	if p := m.r.pair(k); p != nil {
		return p.val.text(m.ev)
	}
	return ""
}

// set gives a field one value; add appends to a list without repeating a text.
func (m *mapper) set(slot int, v event.Value) {
	if slot != none {
		m.clear(slot)
		m.put(slot, v)
	}
}

func (m *mapper) setText(slot int, s string) {
	if slot != none && s != "" {
		m.set(slot, event.Text(s))
	}
}

func (m *mapper) add(slot int, s string) {
	if slot == none || s == "" {
		return
	}
	for _, a := range m.added {
		if a.slot == slot && a.text == s {
			return
		}
	}
	if m.shape == beatsShape && m.has(slot) && m.holds(slot, s) {
		return
	}
	m.added = append(m.added, added{slot, s})
	m.put(slot, event.Text(s))
}

// holds reports whether a list that was passed through has a text already.
func (m *mapper) holds(slot int, s string) bool {
	for _, v := range m.ev.Values(slot) {
		if v.Kind == event.KindIP {
			if a, err := netip.ParseAddr(s); err == nil && event.Addr(a) == v {
				return true
			}
		} else if v.S == s {
			return true
		}
	}
	return false
}

// text writes the text as it is to all fields.
func text(m *mapper, s string, to []int) {
	for _, t := range to {
		m.setText(t, s)
	}
}

// long writes a decimal number; what is none is left out.
func long(m *mapper, s string, to []int) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		m.set(to[0], event.Long(n))
	}
}

// hexLong writes a number written as 0x… or decimal.
func hexLong(m *mapper, s string, to []int) {
	if n, ok := parsePID(s); ok {
		m.set(to[0], event.Long(n))
	}
}

func parsePID(s string) (int64, bool) {
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		n, err := strconv.ParseInt(s[2:], 16, 64)
		return n, err == nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// boolean writes true or false.
func boolean(m *mapper, s string, to []int) {
	switch {
	case strings.EqualFold(s, "true"):
		m.set(to[0], event.Bool(true))
	case strings.EqualFold(s, "false"):
		m.set(to[0], event.Bool(false))
	}
}

// ip writes an address, and appends it to a list of related ones.
func ip(m *mapper, s string, to []int) {
	if _, err := netip.ParseAddr(s); err != nil {
		return
	}
	m.setText(to[0], s)
	if len(to) > 1 {
		m.add(to[1], s)
	}
}

// executable writes a path and the name at its end: after the last backslash,
// none without one, as with Elastic ("System" gives no name).
func executable(m *mapper, s string, to []int) {
	m.setText(to[0], s)
	if i := strings.LastIndexByte(s, '\\'); i >= 0 && !m.has(to[1]) {
		m.setText(to[1], s[i+1:])
	}
}

// commandLine writes a command line, its arguments and their number.
func commandLine(m *mapper, s string, to []int) {
	m.setText(to[0], s)
	if to[1] == none && to[2] == none {
		return
	}
	n := 0
	for rest := s; ; {
		var arg string
		var ok bool
		if arg, rest, ok = m.nextArg(rest); !ok {
			break
		}
		n++
		if to[1] != none {
			m.put(to[1], event.Text(arg))
		}
	}
	if n > 0 {
		m.set(to[2], event.Long(int64(n)))
	}
}

// nextArg takes the next argument off a command line by the rules of
// CommandLineToArgv before 2008, as Go's own runtime does: white space
// separates outside quotes, 2n backslashes before a quote are n, one more makes
// it literal, and "" within quotes is one quote and ends them.
func (m *mapper) nextArg(s string) (arg, rest string, ok bool) {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	if s == "" {
		return "", "", false
	}
	if i := strings.IndexAny(s, " \t\""); i < 0 {
		return s, "", true
	} else if s[i] != '"' {
		return s[:i], s[i:], true
	}
	b := m.buf[:0]
	inQuote, slashes := false, 0
	i := 0
	for ; i < len(s); i++ {
		c := s[i]
		switch c {
		case '\\':
			slashes++
			continue
		case '"':
			b = appendSlashes(b, slashes/2)
			if slashes%2 == 1 {
				b = append(b, c)
			} else {
				if inQuote && i+1 < len(s) && s[i+1] == '"' {
					b = append(b, c)
					i++
				}
				inQuote = !inQuote
			}
			slashes = 0
			continue
		}
		b = appendSlashes(b, slashes)
		slashes = 0
		if (c == ' ' || c == '\t') && !inQuote {
			break
		}
		b = append(b, c)
	}
	b = appendSlashes(b, slashes)
	m.buf = b
	return m.ev.Text(b), s[min(i, len(s)):], true
}

func appendSlashes(b []byte, n int) []byte {
	for range n {
		b = append(b, '\\')
	}
	return b
}
