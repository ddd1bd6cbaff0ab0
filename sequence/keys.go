package sequence

import (
	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
)

// MaxKeys is how many join keys one event may have for one stage: the
// combinations of its keys' values. What goes beyond is left out; no event that
// a sensor writes comes near.
const MaxKeys = 4096

// SpecOf returns what joining needs to know of a compiled program. An event
// query is a sequence of one stage: each of its hits is a match.
// maxSamplesPerKey is for samples; 0 is 1.
func SpecOf(p *eql.Program, maxSamplesPerKey int) *Spec {
	stages := make([]StageSpec, len(p.Stages))
	for i := range p.Stages {
		stages[i] = StageSpec{Missing: p.Stages[i].Missing, Like: int32(i)}
		if i > 0 && p.Stages[i].Step == p.Stages[i-1].Step {
			stages[i].Like = stages[i-1].Like
		}
	}
	return NewSpec(stages, Options{
		Until: p.Until != nil, MaxSpan: p.MaxSpan,
		Sample: p.Kind == eql.Sample, MaxSamplesPerKey: maxSamplesPerKey,
	})
}

// KeyMaker makes join keys of events. It belongs to one goroutine.
type KeyMaker struct {
	// FoldGUIDs makes text parts of the form of a GUID equal whatever their
	// letter case and braces: sensors and collectors render the same process's
	// id differently. `scan` and `serve` set it, `query` never does.
	FoldGUIDs bool

	buf   []byte
	left  int
	yield func(key []byte) bool
}

// Keys gives the join keys of an event for a stage to yield: each combination
// of the values of its key fields, at most MaxKeys. None, if a field that is not
// optional has no value; one empty key, if the stage has no key fields. A key
// lives until yield returns. It reports false if yield ended it.
func (m *KeyMaker) Keys(ev *event.Event, keys []eql.Key, yield func(key []byte) bool) bool {
	for i := range keys {
		if !keys[i].Optional && len(ev.Values(keys[i].Slot)) == 0 {
			return true
		}
	}
	m.left, m.yield = MaxKeys, yield
	m.buf = m.buf[:0]
	ok := m.extend(ev, keys)
	m.yield = nil
	return ok
}

func (m *KeyMaker) extend(ev *event.Event, keys []eql.Key) bool {
	if len(keys) == 0 {
		if m.left == 0 {
			return true
		}
		m.left--
		return m.yield(m.buf)
	}
	at := len(m.buf)
	values := ev.Values(keys[0].Slot)
	if len(values) == 0 {
		m.buf = append(m.buf, tagNull)
		return m.extend(ev, keys[1:])
	}
	for i := range values {
		if m.left == 0 {
			return true
		}
		m.buf = m.append(m.buf[:at], &values[i])
		if !m.extend(ev, keys[1:]) {
			return false
		}
	}
	return true
}

func (m *KeyMaker) append(dst []byte, v *event.Value) []byte {
	if m.FoldGUIDs && v.Kind == event.KindText {
		if s, ok := trimGUID(v.S); ok {
			dst = append(dst, tagText)
			for i := range len(s) {
				c := s[i]
				if c >= 'A' && c <= 'F' {
					c += 'a' - 'A'
				}
				dst = append(dst, c)
			}
			return append(dst, 0)
		}
	}
	return AppendKey(dst, *v)
}

// trimGUID returns s without braces if it is a GUID: 8-4-4-4-12 hexadecimal digits.
func trimGUID(s string) (string, bool) {
	if len(s) == 38 && s[0] == '{' && s[37] == '}' {
		s = s[1:37]
	}
	if len(s) != 36 {
		return s, false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return s, false
			}
		default:
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				return s, false
			}
		}
	}
	return s, true
}
