package source

import (
	"archive/tar"
	"fmt"
	"io"

	"github.com/klauspost/compress/zip"
	"github.com/klauspost/compress/zstd"
)

// looksTar accepts POSIX and GNU archives, and older ones by their checksum.
func looksTar(head []byte) bool {
	if len(head) < 512 {
		return false
	}
	if string(head[257:262]) == "ustar" {
		return true
	}
	sum, want := 0, 0
	for i, c := range head[:512] {
		if i >= 148 && i < 156 {
			if c >= '0' && c <= '7' {
				want = want*8 + int(c-'0')
			}
			c = ' '
		}
		sum += int(c)
	}
	return want > 0 && sum == want && head[0] > ' '
}

func readTar(r *reader, s *stream) error {
	t := tar.NewReader(s)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			inside := *s
			inside.around = "tar"
			return r.ended(&inside, err)
		}
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeGNUSparse, '\x00', tar.TypeCont:
			if err := r.open(s.entry("tar", h.Name, t)); err != nil {
				return err
			}
		}
		// Folders and links hold no bytes of their own: what a link names is
		// an entry itself, or not in the archive.
	}
}

// readZip reads an archive by its directory, which is at its end. Where that
// is missing, or the archive is a stream, it goes by the headers before the
// entries.
func readZip(r *reader, s *stream) error {
	if s.file == nil {
		return readZipStream(r, s)
	}
	z, err := zip.NewReader(&countedAt{s.file, r.sum}, s.size)
	if err != nil {
		r.problem(s.problem("zip", "truncated or damaged: "+cause(err)))
		return readZipStream(r, s)
	}
	z.RegisterDecompressor(zstd.ZipMethodWinZip, zstd.ZipDecompressor())
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		e := s.entry("zip", f.Name, nil)
		if f.Flags&1 != 0 {
			r.skip(e.path, "encrypted", true)
			continue
		}
		if err := r.zipEntry(f, e); err != nil {
			return err
		}
	}
	return r.ctx.Err()
}

func (r *reader) zipEntry(f *zip.File, e *stream) error {
	src, err := f.Open()
	if err != nil {
		if err == zip.ErrAlgorithm {
			err = fmt.Errorf("compression method %d is not supported", f.Method)
		}
		return r.broken(e, "zip", err)
	}
	defer src.Close()
	e.src, e.size = src, int64(f.UncompressedSize64)
	return r.open(e)
}

// countedAt counts the bytes that are read at their places.
type countedAt struct {
	src io.ReaderAt
	sum *Summary
}

func (c *countedAt) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.src.ReadAt(p, at)
	c.sum.Bytes += int64(n)
	return n, err
}
