// Package ecs turns Windows telemetry of any known shape into one form: the
// Elastic Common Schema, as Elastic's own pipelines would have made it.
//
// How it works. A document (a JSON object of some exporter, an XML event, a
// record of an EVTX file) is read into one internal record: the fields of
// <System>, the named values of <EventData> in order, and what a renderer added
// (message, names of task and level). All values point into the document. What
// follows is the same code for every source: the provider's table says for each
// event id which value goes to which field and how. Tables are compiled for a
// schema: a row whose fields nobody reads is dropped, so that a record costs
// what the loaded rules read and no more.
//
//	shape (json.go, xml.go, …) → record (record.go) → base and table (table.go, sysmon.go, …) → event.Event
//
// Documents that are ECS already pass through; only gaps are filled.
//
// Normalising is a pure function of one document: nothing is carried from one
// event to the next, so it can run anywhere and in any order.
//
// A new provider is one table (see table.go) and one row in routes.
package ecs

import (
	"errors"

	"github.com/tocsin-project/tocsin/event"
)

// ErrNotEvent is returned for a document that is well formed but holds no event
// of a known shape, such as a report lying beside recordings.
var ErrNotEvent = errors.New("read document: no event of a known shape")

// Options says how documents are turned into events.
type Options struct {
	// Native derives process.entity_id and drive letters for Security 5156,
	// 4688 and 4689 of documents that hold no entity ids, so that rules which
	// join on them work with neither Sysmon nor Defend. Such events are marked:
	// Meta.Synthesized, and labels.synthesized lists the derived fields.
	Native bool
}

// Decoder reads documents into events over one schema. It is not safe for
// concurrent use: make one for each goroutine. It allocates nothing per
// document once it has seen each event id and field name of the traffic.
type Decoder struct {
	opt    Options
	schema *event.Schema
	open   bool // the schema gains fields as the data brings them (normalize)

	names  map[string]int32 // name of an event data value → its key
	keys   []key
	tables map[tableID]*table
	base   []baseRow
	probe  probeSlots
	json   *event.Decoder // passes the fields of nested documents through

	rec record
	m   mapper
	buf []byte
}

// key is a name that event data values have.
type key struct {
	name string
	slot int     // of winlog.event_data.<name>; none if nobody reads it
	flat flatKey // what a flat export means by it
}

// none is the slot of a field that nobody reads.
const none = -1

// maxKeys bounds how many names a decoder remembers: data can bring any number.
const maxKeys = 1 << 14

// NewDecoder returns a decoder for the fields of the schema. A schema shared
// between decoders must not grow any more.
func NewDecoder(schema *event.Schema, opt Options) *Decoder {
	return newDecoder(schema, opt, false)
}

func newDecoder(schema *event.Schema, opt Options, open bool) *Decoder {
	d := &Decoder{
		opt: opt, schema: schema, open: open,
		names:  map[string]int32{},
		keys:   make([]key, 1, 256), // key 0 is a name not remembered
		tables: map[tableID]*table{},
	}
	d.keys[0].slot = none
	for name, f := range flatKeys {
		d.keys[d.key(name)].flat = f
	}
	Prepare(schema)
	d.probe = probesOf(schema)
	d.base = compileBase(d)
	d.json = event.NewDecoder(schema)
	d.json.Each("winlog", d.winlog)
	d.m.d = d
	d.m.r = &d.rec
	return d
}

// slot returns the slot of a field, none if nobody reads it.
func (d *Decoder) slot(name string) int {
	if d.open {
		if inObjects(name) {
			return none
		}
		return d.schema.Slot(name)
	}
	if s, ok := d.schema.Lookup(name); ok {
		return s
	}
	return none
}

// key returns the number of an event data name.
func (d *Decoder) key(name string) int32 {
	if k, ok := d.names[name]; ok {
		return k
	}
	if len(d.keys) >= maxKeys {
		return 0
	}
	name = string(append([]byte(nil), name...)) // it may point into a document
	k := int32(len(d.keys))
	slot := none
	if !d.open { // an open schema gains the field when a value stays there
		slot = d.slot(dataPrefix + name)
	}
	d.keys = append(d.keys, key{name: name, slot: slot})
	d.names[name] = k
	return k
}

const dataPrefix = "winlog.event_data."
