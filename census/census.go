// Package census counts what arrives: from which host, which event source and
// which event, with which fields, and how far a sensor's clock is off. Questions
// about absence rest on it: "no 4697 in this data" is another answer than "no
// such event".
//
// Each worker keeps a census of its own; they are added up at the end, so that
// nothing is shared while events flow and the order of events plays no part.
package census

import (
	"math/bits"
	"sort"

	"github.com/tocsin-project/tocsin/event"
)

// maxHosts and maxSources bound what hostile input can make a census hold. What
// goes beyond is counted under the empty name.
const (
	maxHosts   = 100_000
	maxSources = 4096
)

// Census is what arrived. It is not safe for concurrent use.
type Census struct {
	Hosts  map[string]*Host // by host.id
	Events int

	schema *event.Schema
	code   int
	action int
	hostID int
	name   int
	data   int
	fields bool
}

// Host is what arrived from one host.
type Host struct {
	ID, Name string
	Sources  map[Source]*Arrivals
	Active   map[string]*Histogram // by channel: event times in seconds; nil unless fields are asked for
	skew     map[int64]int         // logged time minus event time, by second
}

// Source is one event of one log or data stream.
type Source struct {
	Channel string // the log's channel, or the data stream's name
	Code    string // event.code, or event.action for documents without one
}

// Arrivals counts the events of one source.
type Arrivals struct {
	Events      int
	First, Last int64    // event time, nanoseconds since 1970 UTC; 0 without times
	Fields      []uint64 // bit set of the schema's slots that ever held a value; nil unless asked for
	Clock       *Clock   // nil unless fields are asked for
}

// New returns an empty census over a schema, to which it adds the fields it
// reads. withFields also notes which fields arrive.
func New(s *event.Schema, withFields bool) *Census {
	c := &Census{Hosts: map[string]*Host{}, fields: withFields}
	c.code, c.hostID, c.name, c.data = Prepare(s)
	c.action = s.Slot("event.action")
	c.schema = s
	return c
}

// Prepare adds the fields that a census reads to a schema that goroutines will
// share.
func Prepare(s *event.Schema) (code, hostID, hostName, dataset int) {
	s.Slot("event.action")
	return s.Slot("event.code"), s.Slot("host.id"), s.Slot("host.name"), s.Slot("event.dataset")
}

// Add counts an event.
func (c *Census) Add(ev *event.Event) {
	c.Events++
	h := c.host(ev)
	channel := c.channel(ev)
	a := h.arrivals(Source{channel, c.codeOf(ev)})
	a.Events++
	if ev.HasTime {
		if a.First == 0 || ev.Time < a.First {
			a.First = ev.Time
		}
		a.Last = max(a.Last, ev.Time)
		h.clock(ev)
	}
	if c.fields {
		c.note(a, ev)
		h.observe(a, channel, ev)
	}
}

// codeOf is the event's code; documents of agents have an action instead.
func (c *Census) codeOf(ev *event.Event) string {
	if code := ev.First(c.code); code != "" {
		return code
	}
	return ev.First(c.action)
}

// channel is the log's channel; documents of agents have a data set instead.
func (c *Census) channel(ev *event.Event) string {
	if ev.Channel != "" {
		return ev.Channel
	}
	return ev.First(c.data)
}

func (c *Census) host(ev *event.Event) *Host {
	id := ev.First(c.hostID)
	h := c.Hosts[id]
	if h != nil {
		return h
	}
	if len(c.Hosts) >= maxHosts {
		id = ""
		if h = c.Hosts[id]; h != nil {
			return h
		}
	}
	id = clone(id)
	h = &Host{ID: id, Name: clone(ev.First(c.name)), Sources: map[Source]*Arrivals{}, skew: map[int64]int{}}
	c.Hosts[id] = h
	return h
}

func (h *Host) arrivals(s Source) *Arrivals {
	a := h.Sources[s]
	if a != nil {
		return a
	}
	if len(h.Sources) >= maxSources {
		s = Source{}
		if a = h.Sources[s]; a != nil {
			return a
		}
	}
	a = &Arrivals{}
	h.Sources[Source{clone(s.Channel), clone(s.Code)}] = a
	return a
}

// note marks the fields that hold a value.
func (c *Census) note(a *Arrivals, ev *event.Event) {
	for len(a.Fields)*64 < c.schema.Len() {
		a.Fields = append(a.Fields, 0)
	}
	for slot := range ev.Used {
		a.Fields[slot/64] |= 1 << (slot % 64)
	}
}

// Has reports whether the field in a slot ever held a value.
func (a *Arrivals) Has(slot int) bool {
	return slot/64 < len(a.Fields) && a.Fields[slot/64]>>(slot%64)&1 == 1
}

// Slots lists the slots that ever held a value.
func (a *Arrivals) Slots() []int {
	var out []int
	for i, w := range a.Fields {
		for ; w != 0; w &= w - 1 {
			out = append(out, i*64+bits.TrailingZeros64(w))
		}
	}
	return out
}

// maxSkews bounds the distinct seconds of skew that a host's clock is known by.
const maxSkews = 4096

// clock notes how far the logged time stands from the event's own.
func (h *Host) clock(ev *event.Event) {
	logged, ok := event.ParseTime(ev.Logged)
	if !ok || logged == ev.Time {
		return
	}
	second := (logged - ev.Time) / 1e9
	if _, ok := h.skew[second]; !ok && len(h.skew) >= maxSkews {
		return
	}
	h.skew[second]++
}

// Merge adds another census over the same schema.
func (c *Census) Merge(o *Census) {
	c.Events += o.Events
	for id, from := range o.Hosts {
		h := c.Hosts[id]
		if h == nil {
			c.Hosts[id] = from
			continue
		}
		for s, a := range from.Sources {
			h.arrivals(s).merge(a)
		}
		for second, n := range from.skew {
			h.skew[second] += n
		}
		for channel, active := range from.Active {
			h.active(channel).Merge(active)
		}
	}
}

func (a *Arrivals) merge(o *Arrivals) {
	a.Events += o.Events
	if a.First == 0 || o.First != 0 && o.First < a.First {
		a.First = o.First
	}
	a.Last = max(a.Last, o.Last)
	a.Clock = a.Clock.merge(o.Clock)
	for i, w := range o.Fields {
		if i == len(a.Fields) {
			a.Fields = append(a.Fields, 0)
		}
		a.Fields[i] |= w
	}
}

// Skew is how far logged time stands from event time on a host, in seconds:
// the median, and of how many events. Sysmon logs a network event seconds after
// it happened, so some delay is ordinary; whole quarter hours are the fault of
// an export that wrote local time as UTC (ecs/MAPPING §6).
func (h *Host) Skew() (seconds int64, events int) {
	keys := make([]int64, 0, len(h.skew))
	for k, n := range h.skew {
		keys = append(keys, k)
		events += n
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	seen := 0
	for _, k := range keys {
		if seen += h.skew[k]; 2*seen >= events {
			return k, events
		}
	}
	return 0, 0
}

func clone(s string) string { return string([]byte(s)) }
