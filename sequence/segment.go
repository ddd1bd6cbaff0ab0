package sequence

// ref names a record: the number of its segment and its place there. 0 is none.
type ref uint64

// record is one hit at one positive position, or an `until` (pos -1): what the
// joiner keeps of it, and the partial that it is the newest event of. A hit that
// stands for several positions has as many records.
type record struct {
	time  int64
	first int64  // time of the partial's first event
	part  ref    // the partial's event before this one
	prev  ref    // the key's record before this one
	ref   uint64 // Hit.Ref
	tie   uint32 // where Hit.Tie begins in the segment's text
	size  uint32 // and its length
	pos   int16
	state state
}

// state is what became of the candidate that a record at the last position completes.
type state uint8

const (
	open     state = iota // no candidate
	queued                // waits until it is due
	reported              // emit has it
	rejected              // unmade by `![…]`
)

// segment holds the records of one stretch of time, in chunks that never move.
// Nothing in them is a pointer, and a segment is forgotten as a whole.
type segment struct {
	bucket  int64
	count   int // records
	records [][]record
	text    [][]byte
	lanes   []uint32 // keys whose latest record was here when it came
}

const (
	recordBits = 8  // 2^8 records a chunk
	textBits   = 14 // 2^14 bytes of text a chunk; a longer text has one of its own
)

// add appends a record and its tie and returns its place.
func (s *segment) add(x record, tie string) uint32 {
	n := s.count
	if n>>recordBits == len(s.records) {
		// The first chunk grows, so that a segment of few records stays small.
		size := 1 << recordBits
		if n == 0 {
			size = 4
		}
		s.records = append(s.records, make([]record, 0, size))
	}
	x.tie, x.size = s.addText(tie), uint32(len(tie))
	chunk := &s.records[n>>recordBits]
	*chunk = append(*chunk, x)
	s.count++
	return uint32(n)
}

func (s *segment) addText(tie string) uint32 {
	last := len(s.text) - 1
	if last < 0 || len(s.text[last])+len(tie) > 1<<textBits {
		size := max(len(tie), 1<<textBits)
		if last < 0 {
			size = len(tie)
		}
		s.text = append(s.text, make([]byte, 0, size))
		last++
	}
	at := uint32(last)<<textBits | uint32(len(s.text[last]))
	s.text[last] = append(s.text[last], tie...)
	return at
}

func (s *segment) at(n uint32) *record {
	return &s.records[n>>recordBits][n&(1<<recordBits-1)]
}

func (s *segment) tie(x *record) []byte {
	at := x.tie & (1<<textBits - 1)
	return s.text[x.tie>>textBits][at : at+x.size]
}

// segments are numbered as they are made, from 1.
type segments struct {
	list   []*segment // number base+i; nil once forgotten
	base   uint32
	byTime map[int64]uint32 // bucket → number
	order  int64Heap        // buckets
	last   uint32           // the one used last
}

func newSegments() segments { return segments{base: 1, byTime: map[int64]uint32{}} }

// at returns the segment of a bucket, making it if there is none.
func (s *segments) at(bucket int64) (n uint32, seg *segment, fresh bool) {
	if s.last >= s.base && s.last != 0 {
		if seg := s.list[s.last-s.base]; seg != nil && seg.bucket == bucket {
			return s.last, seg, false
		}
	}
	n, ok := s.byTime[bucket]
	if !ok {
		s.list = append(s.list, &segment{bucket: bucket})
		n = s.base + uint32(len(s.list)) - 1
		s.byTime[bucket] = n
	}
	s.last = n
	return n, s.list[n-s.base], !ok
}

// get returns a record, nil if it was forgotten. The pointer holds until the
// next record is added.
func (s *segments) get(r ref) *record {
	n := uint32(r >> 32)
	if n < s.base {
		return nil
	}
	seg := s.list[n-s.base]
	if seg == nil {
		return nil
	}
	return seg.at(uint32(r))
}

func (s *segments) tie(r ref) []byte {
	seg := s.list[uint32(r>>32)-s.base]
	return seg.tie(seg.at(uint32(r)))
}

// forget drops a segment.
func (s *segments) forget(bucket int64) (gone *segment) {
	n := s.byTime[bucket]
	delete(s.byTime, bucket)
	gone = s.list[n-s.base]
	s.list[n-s.base] = nil
	for len(s.list) > 0 && s.list[0] == nil {
		s.list = s.list[1:]
		s.base++
	}
	return gone
}
