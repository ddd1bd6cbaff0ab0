// Package evtxtest writes EVTX files: recordings for validation, and test data
// that is whole or damaged on purpose. It writes what Windows writes: the
// System part and the data of an event as two templates, one nested in the
// other, each defined once a chunk.
package evtxtest

import (
	"fmt"
	"time"

	"github.com/tocsin-project/tocsin/evtx"
)

// Event is one event to be written. Zero fields are written as Windows writes
// what an event does not have.
type Event struct {
	Provider     string
	ProviderGUID string // {xxxxxxxx-…}
	ID           uint16
	Qualifiers   uint16 // written if not 0
	Version      uint8
	Level        uint8
	Task         uint16
	Opcode       uint8
	Keywords     uint64
	Time         time.Time
	RecordID     uint64 // 0: one more than the event before
	ActivityID   string // {xxxxxxxx-…}
	ProcessID    uint32
	ThreadID     uint32
	Channel      string
	Computer     string
	UserSID      string // S-1-5-…

	// Data is written as EventData, each value under the name of its Data
	// element; no name: Data without one.
	Data []Data
	// Sections are further children of Event: UserData, RenderingInfo, an
	// EventData of another form.
	Sections []Element
	// Literal writes everything as text outside any template, as logs of
	// collectors hold forwarded events.
	Literal bool
}

// Data is a named value.
type Data struct {
	Name  string
	Value evtx.Value
}

// Element is an XML element. Values of type evtx.TypeText become part of the
// template, all others are substituted.
type Element struct {
	Name     string
	Attrs    []Data
	Content  []evtx.Value // before the children
	Children []Element
	// Nested writes the element as a fragment with a template of its own,
	// which is a value of the template around it.
	Nested bool
	// NeedsContent leaves the element out if its first content is null.
	NeedsContent bool
}

// Text gives literal text.
func Text(s string) evtx.Value { return evtx.TextValue([]byte(s)) }

const namespace = "http://schemas.microsoft.com/win/2004/08/events/event"

// element gives the event as a tree.
func (e *Event) element() (Element, error) {
	guid, err := GUID(e.ProviderGUID)
	if err != nil {
		return Element{}, err
	}
	activity, err := GUID(e.ActivityID)
	if err != nil {
		return Element{}, err
	}
	user, err := SID(e.UserSID)
	if err != nil {
		return Element{}, fmt.Errorf("event %d: %w", e.ID, err)
	}
	qualifiers := evtx.Value{}
	if e.Qualifiers != 0 {
		qualifiers = Uint16(e.Qualifiers)
	}
	leaf := func(name string, v evtx.Value) Element {
		return Element{Name: name, Content: []evtx.Value{v}, NeedsContent: true}
	}
	id := leaf("EventID", Uint16(e.ID))
	id.Attrs = []Data{{"Qualifiers", qualifiers}}
	system := Element{Name: "System", Children: []Element{
		{Name: "Provider", Attrs: []Data{{"Name", Text(e.Provider)}, {"Guid", guid}}},
		id,
		leaf("Version", Uint8(e.Version)),
		leaf("Level", Uint8(e.Level)),
		leaf("Task", Uint16(e.Task)),
		leaf("Opcode", Uint8(e.Opcode)),
		leaf("Keywords", Hex64(e.Keywords)),
		{Name: "TimeCreated", Attrs: []Data{{"SystemTime", Filetime(e.Time)}}},
		leaf("EventRecordID", Uint64(e.RecordID)),
		{Name: "Correlation", Attrs: []Data{{"ActivityID", activity}, {"RelatedActivityID", evtx.Value{}}}},
		{Name: "Execution", Attrs: []Data{{"ProcessID", Uint32(e.ProcessID)}, {"ThreadID", Uint32(e.ThreadID)}}},
		{Name: "Channel", Content: []evtx.Value{Text(e.Channel)}},
		leaf("Computer", String(e.Computer)),
		{Name: "Security", Attrs: []Data{{"UserID", user}}},
	}}
	root := Element{Name: "Event", Attrs: []Data{{"xmlns", Text(namespace)}}, Children: []Element{system}}
	if len(e.Data) > 0 {
		root.Children = append(root.Children, eventData(e.Data))
	}
	root.Children = append(root.Children, e.Sections...)
	return root, nil
}

func eventData(list []Data) Element {
	out := Element{Name: "EventData", Nested: true}
	for _, d := range list {
		c := Element{Name: "Data", Content: []evtx.Value{d.Value}}
		if d.Name != "" {
			c.Attrs = []Data{{"Name", Text(d.Name)}}
		}
		out.Children = append(out.Children, c)
	}
	return out
}
