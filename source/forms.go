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
}

const sniffed = 64 << 10 // how many first bytes a form is recognised by

// forms is the table of what can be read. The first row that matches counts.
func forms() []form {
	return []form{
		{"gzip", magic("\x1f\x8b"), readGzip},
		{"JSON", looksJSON, readJSON},
	}
}

func magic(s string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(s)) }
}

// stream is one run of bytes: a file, or what a compressed file or an archive
// holds.
type stream struct {
	path   string
	src    io.Reader
	file   *os.File // where the stream is a file on disk, at its offset
	size   int64    // of file
	named  bool     // by the user, not found in a folder
	packed []string // the forms around it, outermost first

	head   []byte // read already, not yet used
	offset int64  // bytes handed out
	r      *reader
}

var errBomb = errors.New("no document in a very long run of decompressed bytes; given up as a decompression bomb")

// Read reads the stream from its beginning, the sniffed head included.
func (s *stream) Read(p []byte) (n int, err error) {
	if len(s.head) > 0 {
		n = copy(p, s.head)
		s.head = s.head[n:]
	} else if n, err = s.src.Read(p); len(s.packed) > 0 {
		s.r.barren += int64(n)
		if s.r.barren > s.r.opt.MaxBarren {
			return 0, errBomb
		}
	}
	s.offset += int64(n)
	return n, err
}

// form names what is around the stream, for problems: "gzip: ".
func (s *stream) form() string {
	if len(s.packed) == 0 {
		return ""
	}
	return s.packed[len(s.packed)-1] + ": "
}

// inner is a stream of what s holds in the given form.
func (s *stream) inner(form string, src io.Reader) *stream {
	packed := append(append([]string(nil), s.packed...), form)
	return &stream{path: s.path, src: src, named: s.named, packed: packed}
}

// open recognises a stream and reads it.
func (r *reader) open(s *stream) error {
	s.r = r
	head := make([]byte, sniffed)
	n, err := readFull(s.src, head)
	s.head = head[:n]
	switch {
	case err == nil, err == io.EOF:
	case n == 0:
		r.skip(s.path, "read: "+s.form()+cause(err), true)
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
			if len(s.packed) == 0 || f.name == "JSON" {
				r.sum.Files++
			}
			return f.read(r, s)
		}
	}
	r.unknown(s)
	return nil
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
func (r *reader) unknown(s *stream) {
	r.skip(s.path, "not recognised as any known form", s.named || promising(s.path))
}

// promising says whether a name ends as recordings do.
func promising(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".evtx", ".json", ".ndjson", ".jsonl", ".xml", ".gz", ".zst", ".zip", ".tar", ".tgz", ".bz2":
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
	if opensDocument(head[i:]) {
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
