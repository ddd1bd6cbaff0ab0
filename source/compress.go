package source

import (
	"bufio"

	"github.com/klauspost/compress/gzip"
)

func readGzip(r *reader, s *stream) error {
	z, err := gzip.NewReader(bufio.NewReaderSize(s, 64<<10))
	if err != nil {
		r.problem(Problem{Path: s.path, Reason: "gzip: " + cause(err)})
		return nil
	}
	return r.open(s.inner("gzip", z))
}
