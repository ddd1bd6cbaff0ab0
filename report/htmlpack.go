package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
)

// A page holds the details of its first incidents as they are, and those of the
// others packed: pieces of HTML, joined by NUL bytes, compressed by deflate, in
// base64, in script elements of a type that browsers do not run. The page's own
// script unpacks a block when one of its incidents is opened.
type packer struct {
	raw   bytes.Buffer
	block int // number of the block that is being filled
	parts int
}

// blockSize is how much HTML goes into a block: enough for deflate to find what
// repeats, little enough to unpack at once.
const blockSize = 256 << 10

func newPacker() *packer { return &packer{} }

// add puts a piece into the current block and returns where it will stand.
// The piece is a template's output, which holds no NUL.
func (p *packer) add(html string) (block, part int) {
	if p.parts > 0 {
		p.raw.WriteByte(0)
	}
	p.raw.WriteString(html)
	p.parts++
	return p.block, p.parts - 1
}

// flush writes the current block if it is full, or the last.
func (p *packer) flush(w io.Writer, last bool) error {
	if p.parts == 0 || !last && p.raw.Len() < blockSize {
		return nil
	}
	if _, err := fmt.Fprintf(w, "<script type=\"application/octet-stream\" id=\"z%d\">", p.block); err != nil {
		return err
	}
	enc := base64.NewEncoder(base64.StdEncoding, w)
	z, err := flate.NewWriter(enc, 6)
	if err != nil {
		return err
	}
	if _, err := z.Write(p.raw.Bytes()); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	p.raw.Reset()
	p.block++
	p.parts = 0
	_, err = io.WriteString(w, "</script>\n")
	return err
}
