package pipeline

import (
	"encoding/binary"
	"fmt"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/journal"
)

// document is what the evidence store keeps of one event: what it takes to make
// the whole ECS event anew, and where it was read.
type document struct {
	origin alert.Origin
	data   []byte
}

func appendDocument(dst []byte, d *document) []byte {
	dst = binary.AppendUvarint(dst, uint64(d.origin.Line))
	for _, s := range [...]string{d.origin.Path, d.origin.Record} {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	return append(dst, d.data...)
}

func decodeDocument(b []byte) (document, error) {
	var d document
	bad := fmt.Errorf("decode evidence: cut short")
	line, k := binary.Uvarint(b)
	if k <= 0 {
		return d, bad
	}
	d.origin.Line = int(line)
	b = b[k:]
	for _, s := range [...]*string{&d.origin.Path, &d.origin.Record} {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			return d, bad
		}
		*s, b = string(b[k:k+int(n)]), b[k+int(n):]
	}
	d.data = b
	return d, nil
}

// decode reads a document of the evidence store again into an event.
func (r *Result) decode(dec *ecs.Decoder, ev *event.Event, ref journal.Ref) error {
	blob, err := r.evidence.Get(ref)
	if err != nil {
		return err
	}
	doc, err := decodeDocument(blob)
	if err != nil {
		return err
	}
	read := dec.JSON
	if len(doc.data) > 0 && doc.data[0] == '<' {
		read = dec.XML
	}
	if err := read(doc.data, ev); err != nil {
		return fmt.Errorf("read evidence again: %w", err)
	}
	return nil
}
