package source

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

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

// looksUTF16 accepts a byte order mark, and text without one whose first
// characters are as JSON and XML begin.
func looksUTF16(head []byte) bool {
	_, _, ok := utf16Order(head)
	return ok
}

// utf16Order is the byte order of UTF-16 text and the length of its mark.
func utf16Order(head []byte) (order binary.ByteOrder, mark int, ok bool) {
	if len(head) < 4 {
		return nil, 0, false
	}
	switch {
	case head[0] == 0xFF && head[1] == 0xFE && (head[2] != 0 || head[3] != 0): // else UTF-32
		return binary.LittleEndian, 2, true
	case head[0] == 0xFE && head[1] == 0xFF:
		return binary.BigEndian, 2, true
	case opens(head[0]) && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return binary.LittleEndian, 0, true
	case head[0] == 0 && opens(head[1]) && head[2] == 0 && head[3] != 0:
		return binary.BigEndian, 0, true
	}
	return nil, 0, false
}

func opens(c byte) bool { return c == '{' || c == '[' || c == '<' || isSpace(c) }

func readUTF16(r *reader, s *stream) error {
	order, mark, _ := utf16Order(s.head)
	s.head = s.head[mark:]
	return r.open(s.inner("UTF-16", &utf16Reader{src: s, order: order, raw: make([]byte, 32<<10)}))
}

// utf16Reader gives UTF-16 text as UTF-8. Half pairs become U+FFFD.
type utf16Reader struct {
	src   io.Reader
	order binary.ByteOrder
	raw   []byte
	n     int    // bytes of raw in use: an odd one, or a half pair
	text  []byte // not yet handed out
	buf   []byte
	err   error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.text) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		u.fill()
	}
	n := copy(p, u.text)
	u.text = u.text[n:]
	return n, nil
}

// fill transcodes what one read gives.
func (u *utf16Reader) fill() {
	k, err := u.src.Read(u.raw[u.n:])
	u.n += k
	u.err = err
	out, i := u.buf[:0], 0
	for ; i+2 <= u.n; i += 2 {
		c := rune(u.order.Uint16(u.raw[i:]))
		switch {
		case c < utf8.RuneSelf:
			out = append(out, byte(c))
			continue
		case utf16.IsSurrogate(c):
			if i+4 > u.n && err == nil {
				u.keep(i, out)
				return
			}
			full := rune(utf8.RuneError)
			if i+4 <= u.n {
				full = utf16.DecodeRune(c, rune(u.order.Uint16(u.raw[i+2:])))
			}
			if full != utf8.RuneError {
				i += 2
			}
			c = full
		}
		out = utf8.AppendRune(out, c)
	}
	if err == io.EOF && i < u.n {
		u.err = io.ErrUnexpectedEOF // half a character
	}
	u.keep(i, out)
}

// keep moves the bytes that wait for more to the front.
func (u *utf16Reader) keep(i int, out []byte) {
	u.n = copy(u.raw, u.raw[i:u.n])
	u.buf, u.text = out, out
}
