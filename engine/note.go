package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/tocsin-project/tocsin/event"
)

// Note is what travels with a hit besides its place in the order: where its
// document is kept, and the few facts that alerts are grouped by, so that no
// document is read again before an alert is printed.
type Note struct {
	Ref         uint64 // of the document in the evidence store
	Excuse      int32  // 1-based exception that excuses the hit (Rule.Exception); 0 is none
	ExcuseMatch int32  // likewise for every match the hit is part of (Rule.MatchException)
	Synthesized bool   // the native profile made up the event's identities
	HostID      string
	HostName    string
	Executable  string // of the process that the event starts or is about
	Started     bool   // the event is the start of that process
	LogClock    bool   // the event's time is the log's, not a sensor's own
}

// AppendNote encodes a note.
func AppendNote(dst []byte, n *Note) []byte {
	dst = binary.AppendUvarint(dst, n.Ref)
	dst = binary.AppendUvarint(dst, uint64(n.Excuse))
	dst = binary.AppendUvarint(dst, uint64(n.ExcuseMatch))
	flags := byte(0)
	if n.Synthesized {
		flags |= 1
	}
	if n.Started {
		flags |= 2
	}
	if n.LogClock {
		flags |= 4
	}
	dst = append(dst, flags)
	for _, s := range [...]string{n.HostID, n.HostName, n.Executable} {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	return dst
}

// DecodeNote reads what AppendNote wrote. The note's texts are copies.
func DecodeNote(b []byte) (Note, error) {
	var n Note
	var head [3]uint64
	for i := range head {
		v, k := binary.Uvarint(b)
		if k <= 0 {
			return n, fmt.Errorf("decode note: cut short")
		}
		head[i], b = v, b[k:]
	}
	if len(b) == 0 {
		return n, fmt.Errorf("decode note: cut short")
	}
	n.Ref, n.Excuse, n.ExcuseMatch = head[0], int32(head[1]), int32(head[2])
	n.Synthesized, n.Started, n.LogClock = b[0]&1 != 0, b[0]&2 != 0, b[0]&4 != 0
	b = b[1:]
	for _, s := range [...]*string{&n.HostID, &n.HostName, &n.Executable} {
		size, k := binary.Uvarint(b)
		if k <= 0 || size > uint64(len(b)-k) {
			return n, fmt.Errorf("decode note: cut short")
		}
		*s, b = string(b[k:k+int(size)]), b[k+int(size):]
	}
	return n, nil
}

// noteSlots are the fields that notes are made from.
type noteSlots struct {
	hostID, hostName, executable, serviceFile, imagePath, category, kind int
}

func newNoteSlots(s *event.Schema) noteSlots {
	return noteSlots{
		hostID:      s.Slot("host.id"),
		hostName:    s.Slot("host.name"),
		executable:  s.Slot("process.executable"),
		serviceFile: s.Slot("winlog.event_data.ServiceFileName"),
		imagePath:   s.Slot("winlog.event_data.ImagePath"),
		category:    s.Slot("event.category"),
		kind:        s.Slot("event.type"),
	}
}

// Note fills the facts of a note from an event. Its texts live as long as the
// event's values.
func (e *Engine) Note(ev *event.Event) Note {
	s := &e.notes
	n := Note{
		Synthesized: ev.Synthesized,
		HostID:      ev.First(s.hostID),
		HostName:    ev.First(s.hostName),
		Executable:  ev.First(s.executable),
		Started:     has(ev, s.category, "process") && has(ev, s.kind, "start"),
	}
	logged, ok := event.ParseTime(ev.Logged)
	n.LogClock = ok && logged == ev.Time
	for _, slot := range [...]int{s.serviceFile, s.imagePath} {
		if v := ev.First(slot); v != "" {
			n.Executable = v
		}
	}
	return n
}

func has(ev *event.Event, slot int, text string) bool {
	for _, v := range ev.Values(slot) {
		if v.S == text {
			return true
		}
	}
	return false
}
