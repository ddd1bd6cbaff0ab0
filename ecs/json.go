package ecs

import (
	"fmt"

	"github.com/tocsin-project/tocsin/event"
)

// JSON reads one JSON object into ev, which it resets. Values point into doc,
// which must stay unchanged until ev is reset. ErrNotEvent is returned for JSON
// that is no event, a *event.SyntaxError (wrapped) for what is no JSON; ev is
// then to be reset.
func (d *Decoder) JSON(doc []byte, ev *event.Event) error {
	ev.Reset(doc)
	d.begin(ev)
	return d.json1(doc, ev, 0)
}

func (d *Decoder) begin(ev *event.Event) {
	d.rec.reset()
	d.m.reset(ev)
}

// maxWrap is how many envelopes a document may lie in.
const maxWrap = 4

// json1 looks at the top of an object, as far as needed to know its shape.
func (d *Decoder) json1(doc []byte, ev *event.Event, depth int) error {
	var top topLevel
	it := event.Members(doc)
	for it.Next() {
		if it.Key.Form() != event.StringForm {
			return ErrNotEvent // an array
		}
		if d.member(&top, it.Key, it.Value) {
			return d.nested(doc, ev, depth)
		}
	}
	if err := it.Err(); err != nil {
		return fmt.Errorf("read document: %w", err)
	}
	return d.shaped(doc, &top, ev, depth)
}

// topLevel is what the top of a document holds that tells its shape.
type topLevel struct {
	source, fields, result      event.Token // envelopes
	index, id                   event.Token
	eventObject                 event.Token // evtx_dump's Event
	system, eventData, userData event.Token
	properties                  event.Token
	raw                         event.Token
	dotted                      bool // names such as winlog.channel
	beats6                      bool
}

// member takes one member of the top of a document. It reports true as soon as
// the document is known to be nested ECS, which one more pass reads whole.
func (d *Decoder) member(top *topLevel, name, v event.Token) bool {
	text := name.Text(d.m.ev)
	form := v.Form()
	k := d.key(text)
	switch f := d.keys[k].flat; {
	case f.ecs:
		return form == event.ObjectForm
	case f.top != topNone && f.top.takes(form):
		top.take(f.top, v)
	case f.sys != sysNone:
		if val := tokenValue(v); val.form != absent && (val.form != nested || f.sys == sysTime) {
			d.setFlat(f, val)
		}
	case f.skip:
	case hasDot(text):
		top.dotted = true
	default:
		if val := tokenValue(v); val.form != absent {
			d.addKey(k, text, val)
		}
	}
	return false
}

func hasDot(s string) bool {
	for i := 1; i < len(s); i++ {
		if s[i] == '.' {
			return true
		}
	}
	return false
}

// topKey is what a name at the top of a document is the sign of.
type topKey uint8

const (
	topNone topKey = iota
	topSource
	topFields
	topResult
	topIndex
	topID
	topEvent
	topSystem
	topEventData
	topUserData
	topProperties
	topRaw
	topBeats6
)

func (k topKey) takes(f event.Form) bool {
	switch k {
	case topIndex, topID, topRaw, topBeats6:
		return f == event.StringForm || f == event.NumberForm
	case topEventData:
		return f == event.ObjectForm || f == event.StringForm
	case topProperties:
		return f == event.ArrayForm
	}
	return f == event.ObjectForm
}

func (t *topLevel) take(k topKey, v event.Token) {
	switch k {
	case topSource:
		t.source = v
	case topFields:
		t.fields = v
	case topResult:
		t.result = v
	case topIndex:
		t.index = v
	case topID:
		t.id = v
	case topEvent:
		t.eventObject = v
	case topSystem:
		t.system = v
	case topEventData:
		t.eventData = v
	case topUserData:
		t.userData = v
	case topProperties:
		t.properties = v
	case topRaw:
		t.raw = v
	case topBeats6:
		t.beats6 = true
	}
}

// shaped goes on with the shape that the top of a document shows.
func (d *Decoder) shaped(doc []byte, top *topLevel, ev *event.Event, depth int) error {
	for _, inner := range []event.Token{top.source, top.fields, top.result} {
		if inner.Raw != nil && depth < maxWrap {
			d.rec.reset()
			if err := d.json1(inner.Raw, ev, depth+1); err != nil {
				return err
			}
			d.docID(top, ev)
			return nil
		}
	}
	if top.dotted {
		return d.nested(doc, ev, depth)
	}
	if d.rec.sys[sysEventID].form == absent || d.rec.sys[sysChannel].form == absent && d.rec.sys[sysProvider].form == absent {
		return ErrNotEvent
	}
	d.m.shape = flatShape
	d.finish(ev)
	return nil
}

// docID keeps where a stored document lay, as _index/_id.
func (d *Decoder) docID(top *topLevel, ev *event.Event) {
	if top.id.Raw == nil {
		return
	}
	d.buf = append(d.buf[:0], top.index.Text(ev)...)
	d.buf = append(d.buf, '/')
	d.buf = append(d.buf, top.id.Text(ev)...)
	ev.DocID = ev.Text(d.buf)
}
