package source

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
)

// form is one kind of input: a row of the table.
type form struct {
	name string
	// match tells from the first bytes, up to sniffed of them.
	match func(head []byte) bool
	read  func(*reader, *stream) error
	holds holding
}

// holding is what a form has inside.
type holding uint8

const (
	documents holding = iota
	packed            // one compressed stream
	coded             // one stream in another encoding
	files             // an archive
	nothing           // known, but not read
)

const sniffed = 64 << 10 // how many first bytes a form is recognised by

// forms is the table of what can be read. The first row that matches counts.
func forms() []form {
	return []form{
		{"EVTX", looksEVTX, readEVTX, documents},
		{"gzip", magic("\x1f\x8b"), readGzip, packed},
		{"zstd", looksZstd, readZstd, packed},
		{"bzip2", looksBzip2, readBzip2, packed},
		{"zip", magic("PK\x03\x04"), readZip, files},
		{"zip", magic("PK\x05\x06"), readZip, files},
		{"tar", looksTar, readTar, files},
		{"UTF-16", looksUTF16, readUTF16, coded},
		{"XML", looksXML, readXML, documents},
		{"JSON", looksJSON, readJSON, documents},
		{"xz", magic("\xfd7zXZ\x00"), nil, nothing},
		{"lz4", magic("\x04\x22\x4d\x18"), nil, nothing},
		{"7-zip", magic("7z\xbc\xaf\x27\x1c"), nil, nothing},
		{"rar", magic("Rar!\x1a\x07"), nil, nothing},
	}
}

func magic(s string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(s)) }
}

// How deep containers may stand within each other.
const (
	maxLayers   = 6 // of any form
	maxArchives = 2 // an archive, and one in it
)

// stream is one run of bytes: a file, or what a compressed file or an archive
// holds.
type stream struct {
	path     string
	src      io.Reader
	file     *os.File // where the stream is a file on disk, at its offset
	size     int64    // if it is known, else 0
	named    bool     // by the user, not found in a folder
	around   string   // the form just around it
	layers   int      // forms around it
	archives int      // archives around it
	squeezed bool     // one of them is a compression

	head   []byte // read already, not yet used
	offset int64  // bytes handed out
	r      *reader
}

var errBomb = errors.New("very many bytes without a document come out of it; given up as a decompression bomb")

// Read reads the stream from its beginning, the sniffed head included.
func (s *stream) Read(p []byte) (n int, err error) {
	if len(s.head) > 0 {
		n = copy(p, s.head)
		s.head = s.head[n:]
	} else if n, err = s.src.Read(p); s.squeezed {
		s.r.barren += int64(n)
		if s.r.barren > s.r.opt.MaxBarren {
			return 0, errBomb
		}
	}
	s.offset += int64(n)
	return n, err
}

// inner is a stream of what s holds in the given form.
func (s *stream) inner(form string, src io.Reader) *stream {
	return &stream{
		path: s.path, src: src, named: s.named, around: form,
		layers: s.layers + 1, archives: s.archives, squeezed: s.squeezed || form != "UTF-16",
	}
}

// entry is a stream of one file of the archive s.
func (s *stream) entry(form, name string, src io.Reader) *stream {
	e := s.inner(form, src)
	e.path = s.path + "!/" + display(name)
	e.named = false
	e.archives++
	return e
}

// problem is one of the whole stream, with the form it comes from.
func (s *stream) problem(form, reason string) Problem {
	if form != "" && !strings.HasPrefix(reason, form) {
		reason = form + ": " + reason
	}
	return Problem{Path: s.path, Offset: s.offset, Reason: reason}
}

// open recognises a stream and reads it.
func (r *reader) open(s *stream) error {
	s.r = r
	head := r.head()
	defer func() { r.heads = append(r.heads, head) }()
	n, err := readFull(s.src, head)
	s.head = head[:n]
	switch {
	case err == nil, err == io.EOF:
	case n == 0:
		p := s.problem(s.around, cause(err))
		r.skip(s.path, "read: "+p.Reason, true)
		return nil
	default:
		s.src = failing{err} // after the head
	}
	if n == 0 {
		r.sum.Files++
		return nil // an empty file is no error
	}
	for _, f := range forms() {
		if f.match(s.head) {
			return r.openAs(f, s)
		}
	}
	return r.unknown(s)
}

// head gives room for first bytes.
func (r *reader) head() []byte {
	if n := len(r.heads); n > 0 {
		head := r.heads[n-1]
		r.heads = r.heads[:n-1]
		return head
	}
	return make([]byte, sniffed)
}

// openAs reads a stream of a known form.
func (r *reader) openAs(f form, s *stream) error {
	switch {
	case f.holds == documents:
		r.sum.Files++
	case f.holds == nothing:
		r.skip(s.path, f.name+" is not supported: decompress it first", s.named || promising(s.path))
		return nil
	case s.layers >= maxLayers || f.holds == files && s.archives >= maxArchives:
		r.skip(s.path, f.name+" within too many archives", true)
		return nil
	}
	return f.read(r, s)
}

// readFull is io.ReadFull that gives the source's own error, io.EOF at its end.
func readFull(src io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var k int
		k, err = src.Read(p[n:])
		n += k
	}
	return n, err
}

// failing is a reader whose error came while the head was read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// unknown notes a stream of no known form.
func (r *reader) unknown(s *stream) error {
	if r.opt.Carve {
		if found, err := carve(r, s); found || err != nil {
			return err
		}
	}
	r.skip(s.path, "not recognised as any known form", s.named || promising(s.path))
	return nil
}

// promising says whether a name ends as recordings do.
func promising(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".evtx", ".json", ".ndjson", ".jsonl", ".xml", ".gz", ".zst", ".zip", ".tar", ".tgz", ".bz2", ".xz", ".7z":
		return true
	}
	return false
}

// looksJSON accepts text whose first byte opens an object or array, and text
// where most lines of the head do.
func looksJSON(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte(bom))
	i := 0
	for i < len(head) && separates(head[i]) {
		i++
	}
	if i == len(head) {
		return true // blanks only: as good as empty
	}
	if n, v := recordLine(head[i:]); v == done {
		i = skipSpace(head, i+n)
	}
	if i < len(head) && opensDocument(head[i:]) {
		return true
	}
	lines, opening := 0, 0
	for line := range bytes.Lines(head) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		lines++
		if opensDocument(line) {
			opening++
		}
	}
	return opening > 0 && 2*opening >= lines
}

// opensDocument says whether b begins as an object or an array may.
func opensDocument(b []byte) bool {
	i := skipSpace(b, 1)
	switch b[0] {
	case '{':
		return i >= len(b) || b[i] == '"' || b[i] == '}'
	case '[':
		return i >= len(b) || class[b[i]] > clScalar && b[i] != ',' && b[i] != ':' || scalarArray(b)
	}
	return false
}

// scalarArray tells an array like [1, 2] from text like [2020-01-01] started.
func scalarArray(b []byte) bool {
	var s skipper
	s.reset()
	n, v := s.scan(b)
	if v != done {
		return false
	}
	n = skipSpace(b, n)
	return n == len(b) || class[b[n]] == clOpen
}

// display makes a name safe to print: names come from archives and disks of
// others and may hold control characters.
func display(name string) string {
	const longest = 4096
	if len(name) > longest {
		name = name[:longest]
	}
	for _, c := range name {
		if c == unicode.ReplacementChar || !unicode.IsPrint(c) {
			q := strconv.QuoteToGraphic(name)
			return strings.ReplaceAll(q[1:len(q)-1], `\\`, `\`)
		}
	}
	return name
}
