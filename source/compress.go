package source

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	packedBuffer = 64 << 10  // compressed bytes read at a time
	zstdWindow   = 128 << 20 // what `zstd --long` makes; more is refused
)

func readGzip(r *reader, s *stream) error {
	z, err := gzip.NewReader(bufio.NewReaderSize(s, packedBuffer))
	if err != nil {
		return r.broken(s, "gzip", err)
	}
	return r.open(s.inner("gzip", z))
}

func readZstd(r *reader, s *stream) error {
	z, err := zstd.NewReader(s, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return r.broken(s, "zstd", err)
	}
	defer z.Close()
	return r.open(s.inner("zstd", z))
}

func readBzip2(r *reader, s *stream) error {
	return r.open(s.inner("bzip2", bzip2.NewReader(bufio.NewReaderSize(s, packedBuffer))))
}

// broken skips a container that cannot be opened at all.
func (r *reader) broken(s *stream, form string, err error) error {
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	r.skip(s.path, form+": "+strings.TrimPrefix(cause(err), form+": "), true)
	return nil
}

// looksZstd accepts a frame, and a skippable frame before one.
func looksZstd(head []byte) bool {
	if bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")) {
		return true
	}
	return len(head) >= 4 && head[0]&0xF0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18"
}

// looksBzip2 accepts the signature, the block size and a block's first bytes.
func looksBzip2(head []byte) bool {
	return len(head) >= 10 && string(head[:3]) == "BZh" && head[3] >= '1' && head[3] <= '9' &&
		(string(head[4:10]) == "1AY&SY" || string(head[4:10]) == "\x17\x72\x45\x38\x50\x90")
}
