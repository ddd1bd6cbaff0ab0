package ecs

import (
	"errors"

	"github.com/tocsin-project/tocsin/event"
)

// Verbatim is JSON for queries over stored documents: one that is ECS already,
// or of no known shape, is read as it stands and nothing is filled in. own is
// then its body, the object that holds the fields (below _source if there is
// one); it is nil for an event that was made from another shape. index and id
// say where a stored document lay, if it says so itself.
func (d *Decoder) Verbatim(doc []byte, ev *event.Event) (own []byte, index, id string, err error) {
	err = d.JSON(doc, ev)
	if err != nil && !errors.Is(err, ErrNotEvent) {
		return nil, "", "", err
	}
	own, index, id, wrong := Unwrap(doc)
	if wrong != nil {
		return nil, "", "", wrong
	}
	if err == nil && d.m.shape != ecsShape {
		return nil, index, id, nil
	}
	ev.Reset(own)
	if err := d.json.Decode(own, ev); err != nil {
		return nil, "", "", err
	}
	return own, index, id, nil
}

// Unwrap returns the object that holds a stored document's fields: what stands
// under _source, or the document itself. index and id are its _index and _id.
// The error is a *event.SyntaxError, or ErrNotEvent for what is no object.
func Unwrap(doc []byte) (body []byte, index, id string, err error) {
	body = doc
	it := event.Members(doc)
	for it.Next() {
		if it.Key.Form() != event.StringForm {
			return nil, "", "", ErrNotEvent // an array
		}
		switch it.Key.Text(nil) {
		case "_source":
			if it.Value.Form() == event.ObjectForm {
				body = it.Value.Raw
			}
		case "_index":
			index = it.Value.Text(nil)
		case "_id":
			id = it.Value.Text(nil)
		}
	}
	return body, index, id, it.Err()
}
