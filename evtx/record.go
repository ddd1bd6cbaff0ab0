package evtx

import (
	"time"
)

// Field names one of the values that every event may have at the same place:
// those of the System element and of RenderingInfo.
type Field uint8

// The fields, with their place in the XML of an event (MS-EVEN6 2.2.13).
const (
	ProviderName      Field = iota // System/Provider/@Name
	ProviderGUID                   // System/Provider/@Guid
	EventSourceName                // System/Provider/@EventSourceName
	EventID                        // System/EventID
	Qualifiers                     // System/EventID/@Qualifiers
	Version                        // System/Version
	Level                          // System/Level
	Task                           // System/Task
	Opcode                         // System/Opcode
	Keywords                       // System/Keywords
	TimeCreated                    // System/TimeCreated/@SystemTime
	EventRecordID                  // System/EventRecordID
	ActivityID                     // System/Correlation/@ActivityID
	RelatedActivityID              // System/Correlation/@RelatedActivityID
	ProcessID                      // System/Execution/@ProcessID
	ThreadID                       // System/Execution/@ThreadID
	ProcessorID                    // System/Execution/@ProcessorID
	SessionID                      // System/Execution/@SessionID
	KernelTime                     // System/Execution/@KernelTime
	UserTime                       // System/Execution/@UserTime
	ProcessorTime                  // System/Execution/@ProcessorTime
	Channel                        // System/Channel
	Computer                       // System/Computer
	UserID                         // System/Security/@UserID
	RenderedCulture                // RenderingInfo/@Culture
	RenderedMessage                // RenderingInfo/Message
	RenderedLevel                  // RenderingInfo/Level
	RenderedTask                   // RenderingInfo/Task
	RenderedOpcode                 // RenderingInfo/Opcode
	RenderedChannel                // RenderingInfo/Channel
	RenderedProvider               // RenderingInfo/Provider
	NumFields                      // the number of fields
)

// String gives the field's place in the XML of an event.
func (f Field) String() string {
	if f < NumFields {
		return fieldPaths[f]
	}
	return "?"
}

var fieldPaths = [NumFields]string{
	"System/Provider/@Name", "System/Provider/@Guid", "System/Provider/@EventSourceName",
	"System/EventID", "System/EventID/@Qualifiers", "System/Version", "System/Level",
	"System/Task", "System/Opcode", "System/Keywords", "System/TimeCreated/@SystemTime",
	"System/EventRecordID", "System/Correlation/@ActivityID",
	"System/Correlation/@RelatedActivityID", "System/Execution/@ProcessID",
	"System/Execution/@ThreadID", "System/Execution/@ProcessorID",
	"System/Execution/@SessionID", "System/Execution/@KernelTime",
	"System/Execution/@UserTime", "System/Execution/@ProcessorTime", "System/Channel",
	"System/Computer", "System/Security/@UserID", "RenderingInfo/@Culture",
	"RenderingInfo/Message", "RenderingInfo/Level", "RenderingInfo/Task",
	"RenderingInfo/Opcode", "RenderingInfo/Channel", "RenderingInfo/Provider",
}

// fieldAt finds the field at a place such as System/EventID.
func fieldAt(path string) (Field, bool) {
	for f, p := range fieldPaths {
		if p == path {
			return Field(f), true
		}
	}
	return 0, false
}

// Pair is a value under a name.
type Pair struct {
	// Name is what the value is called: see Record for each list.
	Name string
	// NameID numbers the names of one Decoder (or of one Record filled by
	// ParseXML) from 1, in order of first sight, for tables beside it: the
	// same id is always the same name. 0: a name that has no number.
	NameID uint32
	Value  Value
}

// Record is one event. Its contents are valid until the Decoder's next call of
// Next or ParseChunk, or until it is filled again by ParseXML.
type Record struct {
	// ID is the record's number as the record's own header gives it;
	// Fields[EventRecordID] is what the event says. 0 from XML.
	ID uint64
	// Written is the FILETIME of the record's header: 100 ns since 1601-01-01
	// UTC. 0 from XML; Time gives what there is.
	Written uint64
	// Offset is where the record starts, in bytes from the start of the file.
	Offset int64
	// Carved marks a record found in slack space: it was deleted or written
	// over in part.
	Carved bool

	// Fields holds the values of System and RenderingInfo, null where absent.
	Fields [NumFields]Value
	// RenderedKeywords are the items of RenderingInfo/Keywords.
	RenderedKeywords []Value

	// Data holds EventData in order. Name is the Name attribute of a Data
	// element, empty if it has none; the element's name for any other element
	// (Binary), with a path below (a/b, a/@attr) where elements nest. A value
	// that is an array gives one pair for each item, as Windows shows it.
	Data []Pair
	// UserData holds the leaves of UserData in order, named by their path below
	// it: LogFileCleared/SubjectUserName, a/b/@attr. Declarations of namespaces
	// are left out.
	UserData []Pair
	// Other holds what stands elsewhere, named by its path below Event:
	// ProcessingErrorData/ErrorCode, EventData/@Name.
	Other []Pair

	dec  *Decoder // for rendering; nil from XML
	body span     // binary XML in the chunk
	doc  []byte   // XML text
	xml  xmlState
}

// span is a range of bytes in a chunk.
type span struct{ start, end int }

// EventID gives System/EventID as a number, 0 if there is none.
func (r *Record) EventID() uint32 {
	n, _ := r.Fields[EventID].Uint()
	return uint32(n)
}

// Time gives TimeCreated, or else the time of the record's header. ok is false
// if neither can be read.
func (r *Record) Time() (t time.Time, ok bool) {
	if t, ok = r.Fields[TimeCreated].Time(); ok {
		return t, true
	}
	if r.Written == 0 || r.Written > maxFiletime {
		return time.Time{}, false
	}
	return FiletimeTime(r.Written), true
}

// Lookup gives the first value of that name in Data.
func (r *Record) Lookup(name string) (Value, bool) {
	for i := range r.Data {
		if r.Data[i].Name == name {
			return r.Data[i].Value, true
		}
	}
	return Value{}, false
}

// clear empties r and keeps its memory.
func (r *Record) clear() {
	r.ID, r.Written, r.Offset, r.Carved = 0, 0, 0, false
	r.Fields = [NumFields]Value{}
	r.RenderedKeywords = r.RenderedKeywords[:0]
	r.Data, r.UserData, r.Other = r.Data[:0], r.UserData[:0], r.Other[:0]
	r.dec, r.body, r.doc = nil, span{}, nil
}

// names is a bounded table of strings that are seen again and again.
type names struct {
	ids   map[string]uint32
	texts []string
	bytes int
}

// of gives the text of b as a string and its number, 0 once the table is full.
func (n *names) of(b []byte) (string, uint32) {
	if id, ok := n.ids[string(b)]; ok {
		return n.texts[id-1], id
	}
	s := string(b)
	if len(n.texts) >= maxNames || n.bytes+len(b) > maxNameBytes {
		return s, 0
	}
	if n.ids == nil {
		n.ids = make(map[string]uint32)
	}
	n.texts = append(n.texts, s)
	n.bytes += len(b)
	n.ids[s] = uint32(len(n.texts))
	return s, uint32(len(n.texts))
}
