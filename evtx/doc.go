// Package evtx reads Windows event logs: the binary EVTX format and the XML
// form of the same events, into one kind of [Record]. It needs nothing but the
// standard library.
//
// # How it works
//
// A file is a header of 4 KiB and then chunks of 64 KiB. A chunk holds its own
// strings and templates, so each can be decoded alone: [Decoder.ParseChunk]
// takes the bytes of one, [Decoder.Next] hands out its records. A Decoder
// belongs to one goroutine; use one each to decode chunks side by side.
//
// A record is binary XML: nearly always an instance of a template (the
// element structure, stored once a chunk) and an array of typed values. A
// template is parsed once a chunk into nodes (for rendering) and from these
// compiled into a flat list of steps, each "put value n into this field" or
// "add value n under this name". Running the steps over the values of a record
// fills the Record. No tree, no XML text and no JSON is made on the way,
// and a value stays as bytes of the chunk until somebody asks for its text.
//
// # Memory
//
// A Record, its values and everything reached through them belong to the
// Decoder and to the chunk's bytes: they are valid until the next call of Next
// or ParseChunk. In the steady state nothing is allocated.
//
// # Damage
//
// Nothing in the input is trusted. What cannot be read is reported as a
// [*Problem] (chunk, offset, record, reason) in place of or beside the record,
// and reading goes on behind it. Work and memory for one chunk are bounded,
// see limits.go.
//
// The format is described by Joachim Metz ("Windows XML Event Log (EVTX)",
// libevtx documentation) and by Microsoft's MS-EVEN6, section 2.2.12 onwards.
package evtx
