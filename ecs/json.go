package ecs

import (
	"fmt"

	"github.com/tocsin-project/tocsin/event"
)

// JSON reads one JSON object into ev, which it resets. Values point into doc.
// ErrNotEvent is returned for JSON that is no event.
func (d *Decoder) JSON(doc []byte, ev *event.Event) error {
	ev.Reset(doc)
	d.rec.reset()
	d.m.reset(ev)
	it := event.Members(doc)
	for it.Next() {
		if it.Key.Form() != event.StringForm {
			return ErrNotEvent // an array
		}
		d.flat(it.Key, it.Value)
	}
	if err := it.Err(); err != nil {
		return fmt.Errorf("read document: %w", err)
	}
	if d.rec.sys[sysEventID].form == absent || d.rec.sys[sysChannel].form == absent && d.rec.sys[sysProvider].form == absent {
		return ErrNotEvent
	}
	d.finish(ev)
	return nil
}
