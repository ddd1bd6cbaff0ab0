package report

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

// A page holds the details of its first incidents as they are, and those of the
// others packed into blocks: pieces of HTML, and the raw events that they name
// by number, each once. A block is deflated and in base64, in a script element
// of a type that browsers do not run. The blocks stand at the end of the file,
// behind the page's own script, which unpacks one when an incident is opened:
// the list is there and answers while the rest of the file is still being read.
//
// Until then they wait in memory; maxPacked bounds what makes them large.
type packer struct {
	done   bytes.Buffer // finished blocks
	block  int          // number of the block that is being filled
	pieces []string
	raw    int // bytes of the pieces
	events *pool
}

// pool is the raw events of a block.
type pool struct {
	at    map[string]int
	texts []string
	raw   int
}

// blockSize is how much text goes into a block: enough for the same event to be
// met again, little enough to unpack at once.
const blockSize = 1 << 20

// The marks inside a block; the texts hold neither.
const (
	packSep   = "\x00" // between pieces, and between events
	packParts = "\x01" // between pieces and events
)

func newPacker() *packer { return &packer{events: newPool()} }

func newPool() *pool { return &pool{at: map[string]int{}} }

// add returns the number of a text, from 1.
func (p *pool) add(s string) int {
	n, ok := p.at[s]
	if !ok {
		p.texts = append(p.texts, s)
		n = len(p.texts)
		p.at[s] = n
		p.raw += len(s)
	}
	return n
}

// pool takes the raw events of the piece that is added next.
func (p *packer) pool() *pool { return p.events }

// size is what the finished blocks take.
func (p *packer) size() int { return p.done.Len() }

// add puts a piece into the current block and returns where it will stand.
func (p *packer) add(html string) (block, part int, err error) {
	block, part = p.block, len(p.pieces)
	p.pieces = append(p.pieces, html)
	p.raw += len(html)
	if p.raw+p.events.raw >= blockSize {
		err = p.finish()
	}
	return block, part, err
}

// finish compresses the current block.
func (p *packer) finish() error {
	fmt.Fprintf(&p.done, "<script type=\"application/octet-stream\" id=\"z%d\">", p.block)
	enc := base64.NewEncoder(base64.StdEncoding, &p.done)
	z, err := flate.NewWriter(enc, flate.DefaultCompression)
	if err != nil {
		return fmt.Errorf("pack details: %w", err)
	}
	clean := strings.NewReplacer(packSep, "\uFFFD", packParts, "\uFFFD")
	for i, list := range [...][]string{p.pieces, p.events.texts} {
		if i > 0 {
			_, _ = io.WriteString(z, packParts) // a buffer takes everything
		}
		for k, s := range list {
			if k > 0 {
				_, _ = io.WriteString(z, packSep)
			}
			_, _ = clean.WriteString(z, s)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("pack details: %w", err)
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("pack details: %w", err)
	}
	p.done.WriteString("</script>\n")
	p.pieces, p.raw, p.events = nil, 0, newPool()
	p.block++
	return nil
}

// write writes all blocks.
func (p *packer) write(w io.Writer) error {
	if len(p.pieces) > 0 {
		if err := p.finish(); err != nil {
			return err
		}
	}
	_, err := p.done.WriteTo(w)
	return err
}
