package evtx

import "fmt"

// A Problem says what in a log could not be read, or is not as it should be.
// Problems are reported beside what was read; none ends the reading.
type Problem struct {
	Chunk  int    // ordinal of the chunk in the file, from 0; -1: the file itself
	Offset int64  // bytes from the start of the file
	Record uint64 // the record's number, 0 if none is known
	Reason string // lower case, one line
	Lost   bool   // something is missing from the records; false: a remark, such as a checksum that differs
}

// Error gives the place and the reason on one line.
func (p *Problem) Error() string {
	switch {
	case p.Chunk < 0:
		return fmt.Sprintf("offset %d: %s", p.Offset, p.Reason)
	case p.Record != 0:
		return fmt.Sprintf("chunk %d, offset %d, record %d: %s", p.Chunk, p.Offset, p.Record, p.Reason)
	}
	return fmt.Sprintf("chunk %d, offset %d: %s", p.Chunk, p.Offset, p.Reason)
}
