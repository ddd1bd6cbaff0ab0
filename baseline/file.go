package baseline

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Version is the version of the file's form.
const Version = 1

// fileKind is what the head says the file is.
const fileKind = "baseline"

// maxFile bounds a file in bytes.
const maxFile = 1 << 30

// head is the first line of a file; its checksum is over all lines after it.
type head struct {
	Tocsin     string    `json:"tocsin"`
	Version    int       `json:"version"`
	SHA256     string    `json:"sha256"`
	Lines      int       `json:"lines"`
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	Strategies []string  `json:"strategies"`
}

// line is any other line: one of the three.
type line struct {
	Host  *string    `json:"host,omitempty"`
	Start *startLine `json:"start,omitempty"`
	Alert *Held      `json:"alert,omitempty"`
}

// startLine is a start. Seen lists a host's number, which is the order of the
// host lines, and the days since 1970 UTC.
type startLine struct {
	Program   string    `json:"program"`
	Source    string    `json:"source"`
	Account   string    `json:"account"`
	Service   string    `json:"service,omitempty"`
	Signature Signature `json:"signature,omitempty"`
	Signer    string    `json:"signer,omitempty"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Seen      [][]int32 `json:"seen"`
}

// Encode writes the file's form: JSON lines, the head first. The same baseline
// gives the same bytes.
func (b *Baseline) Encode(w io.Writer) error {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	n := 0
	put := func(l line) error { n++; return e.Encode(l) }
	for i := range b.hosts {
		if err := put(line{Host: &b.hosts[i]}); err != nil {
			return fmt.Errorf("write baseline: %w", err)
		}
	}
	for _, st := range b.sorted() {
		if err := put(line{Start: st.line()}); err != nil {
			return fmt.Errorf("write baseline: %w", err)
		}
	}
	for _, h := range b.Held() {
		if err := put(line{Alert: h}); err != nil {
			return fmt.Errorf("write baseline: %w", err)
		}
	}
	return writeSealed(w, b, body.Bytes(), n)
}

// writeSealed writes the head that fits the lines, and the lines.
func writeSealed(w io.Writer, b *Baseline, body []byte, lines int) error {
	sum := sha256.Sum256(body)
	first, err := json.Marshal(head{Tocsin: fileKind, Version: Version, SHA256: hex.EncodeToString(sum[:]), Lines: lines,
		From: b.From, To: b.To, Strategies: append([]string{}, b.Strategies...)})
	if err == nil {
		_, err = w.Write(append(first, '\n'))
	}
	if err == nil {
		_, err = w.Write(body)
	}
	if err != nil {
		return fmt.Errorf("write baseline: %w", err)
	}
	return nil
}

func (b *Baseline) sorted() []*start {
	out := make([]*start, 0, len(b.starts))
	for _, st := range b.starts {
		out = append(out, st)
	}
	slices.SortFunc(out, func(x, y *start) int {
		return cmp.Or(cmp.Compare(x.program, y.program), cmp.Compare(x.source, y.source), cmp.Compare(x.account, y.account))
	})
	return out
}

func (st *start) line() *startLine {
	l := &startLine{Program: st.program, Source: st.source, Account: st.account, Service: st.service,
		Signature: st.signature, Signer: st.signer, First: st.first, Last: st.last}
	for host, days := range st.seen {
		l.Seen = append(l.Seen, append([]int32{host}, days...))
	}
	slices.SortFunc(l.Seen, func(x, y []int32) int { return cmp.Compare(x[0], y[0]) })
	return l
}

// Write writes a file as a whole or not at all.
func (b *Baseline) Write(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write baseline: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	buf := bufio.NewWriter(f)
	err = b.Encode(buf)
	if err == nil {
		err = buf.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write baseline %s: %w", path, err)
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write baseline: %w", err)
	}
	return nil
}

// Read reads a file. A file that is no baseline, one of another version and
// one that is damaged are told apart.
func Read(path string) (*Baseline, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read baseline: %w", err)
	}
	defer f.Close()
	b, err := Decode(f)
	if err != nil {
		return nil, fmt.Errorf("read baseline %s: %w", path, err)
	}
	return b, nil
}

// Decode reads what Encode wrote.
func Decode(r io.Reader) (*Baseline, error) {
	all, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(all) > maxFile {
		return nil, fmt.Errorf("longer than %d MB", maxFile>>20)
	}
	first, body, _ := bytes.Cut(all, []byte{'\n'})
	var h head
	if err := json.Unmarshal(first, &h); err != nil || h.Tocsin != fileKind {
		return nil, errors.New("this is no baseline: its first line is not the head that `tocsin baseline learn` writes")
	}
	if h.Version != Version {
		return nil, fmt.Errorf("it is of version %d; this program reads version %d: learn it anew, or use the program that wrote it", h.Version, Version)
	}
	if n := bytes.Count(body, []byte{'\n'}); n != h.Lines {
		return nil, fmt.Errorf("damaged: %d lines follow the head, which says %d", n, h.Lines)
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != h.SHA256 {
		return nil, errors.New("damaged: the checksum is not that of the head; it was changed by something other than tocsin")
	}
	b := New()
	b.From, b.To, b.Strategies = h.From.UTC(), h.To.UTC(), h.Strategies
	for n := 2; len(body) > 0; n++ {
		var text []byte
		text, body, _ = bytes.Cut(body, []byte{'\n'})
		if err := b.decodeLine(text); err != nil {
			return nil, fmt.Errorf("damaged: line %d: %w", n, err)
		}
	}
	return b, nil
}

func (b *Baseline) decodeLine(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var l line
	if err := d.Decode(&l); err != nil {
		return err
	}
	switch {
	case l.Host != nil:
		if _, ok := b.number[*l.Host]; ok {
			return fmt.Errorf("host %q comes twice", *l.Host)
		}
		_, err := b.host(*l.Host)
		return err
	case l.Start != nil:
		return b.decodeStart(l.Start)
	case l.Alert != nil:
		return b.decodeHeld(l.Alert)
	}
	return errors.New("neither host, start nor alert")
}

func (b *Baseline) decodeHeld(h *Held) error {
	switch {
	case h.Incident == "" || h.Program == "" || h.Host == "" || len(h.Alerts) == 0:
		return errors.New("an alert without id, program, host or alerts")
	case b.held[h.Incident] != nil:
		return fmt.Errorf("alert %s comes twice", h.Incident)
	}
	if h.Verdict != nil && h.Verdict.By == "" {
		return fmt.Errorf("alert %s is closed, but by nobody", h.Incident)
	}
	if err := b.hold(&h.Sighting); err != nil {
		return err
	}
	b.held[h.Incident].Verdict = h.Verdict
	return nil
}

func (b *Baseline) decodeStart(l *startLine) error {
	k := key{l.Program, l.Source, l.Account}
	if l.Program == "" || b.starts[k] != nil {
		return fmt.Errorf("start of %q is empty or comes twice", l.Program)
	}
	if len(b.starts) >= maxStarts {
		return fmt.Errorf("more than %d programs, sources and accounts", maxStarts)
	}
	st := &start{key: k, service: l.Service, signature: l.Signature, signer: l.Signer, first: l.First.UTC(), last: l.Last.UTC(), seen: map[int32][]int32{}}
	for _, row := range l.Seen {
		if len(row) < 2 || row[0] < 0 || int(row[0]) >= len(b.hosts) || st.seen[row[0]] != nil || !slices.IsSorted(row[1:]) {
			return fmt.Errorf("start of %q: no such host, or days out of order", l.Program)
		}
		st.seen[row[0]] = row[1:]
	}
	if len(st.seen) == 0 {
		return fmt.Errorf("start of %q was seen nowhere", l.Program)
	}
	b.starts[k] = st
	return nil
}
