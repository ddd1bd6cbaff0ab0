package source

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zip"
	"github.com/klauspost/compress/zstd"
)

const three = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n"

var threeDocs = []string{`1: {"a":1}`, `2: {"a":2}`, `3: {"a":3}`}

type entry struct{ name, data string }

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func zstded(s string) string {
	var b bytes.Buffer
	w, _ := zstd.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func zipped(method uint16, entries ...entry) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.CreateHeader(&zip.FileHeader{Name: e.name, Method: method})
		if err != nil {
			panic(err)
		}
		io.WriteString(f, e.data)
	}
	w.Close()
	return b.String()
}

func tarred(entries ...entry) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		w.WriteHeader(&tar.Header{Name: e.name, Size: int64(len(e.data)), Mode: 0o600, Typeflag: tar.TypeReg})
		io.WriteString(w, e.data)
	}
	w.Close()
	return b.String()
}

func utf16s(order binary.AppendByteOrder, s string) string {
	var b []byte
	for _, c := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, c)
	}
	return string(b)
}

func TestForms(t *testing.T) {
	bz, _ := base64.StdEncoding.DecodeString(bzThree)
	many := "{\"long\":\"" + strings.Repeat("xyz 12 ", 30000) + "\"}"
	f := func(name, in string, want ...string) {
		t.Helper()
		for _, way := range []string{"file", "stdin"} {
			var g got
			if way == "file" {
				g = read(t, Options{}, file(t, "x", []byte(in)))
			} else {
				g = text(t, Options{}, in)
			}
			if g.err != nil || !slices.Equal(append(g.docs, g.problems...), want) || g.sum.SkippedCount > 0 {
				t.Errorf("%s as %s: %v\ngot  %.200q %.300q\nwant %.200q\n%+v", name, way, g.err, g.docs, g.problems, want, g.sum.Skipped)
			}
		}
	}
	f("gzip", gzipped(three), threeDocs...)
	f("gzip, two members", gzipped(three)+gzipped("{}"), append(slices.Clone(threeDocs), "4: {}")...)
	f("gzip in gzip", gzipped(gzipped(three)), threeDocs...)
	f("zstd", zstded(three), threeDocs...)
	f("zstd behind a skippable frame", "\x50\x2a\x4d\x18\x03\x00\x00\x00abc"+zstded(three), threeDocs...)
	f("bzip2", string(bz), threeDocs...)
	f("zip", zipped(zip.Deflate, entry{"b.json", `{"b":1}`}, entry{"d/", ""}, entry{"d/a.gz", gzipped(three)}), append([]string{`1: {"b":1}`}, threeDocs...)...)
	f("tar", tarred(entry{"b.json", `{"b":1}`}, entry{"a.json", many}), `1: {"b":1}`, "1: "+many)
	f("tar.gz", gzipped(tarred(entry{"b.json", three})), threeDocs...)
	f("zip in zip", zipped(zip.Deflate, entry{"b.zip", zipped(zip.Deflate, entry{"b.json", three})}, entry{"c.json", "{}"}), append(slices.Clone(threeDocs), "1: {}")...)
	f("zip in zip, stored", zipped(zip.Store, entry{"b.zip", zipped(zip.Store, entry{"b.json", three + "[\"PK\x07\x08 and so on\"]"}, entry{"c.json", many})}), append(slices.Clone(threeDocs), "1: \"PK\x07\x08 and so on\"", "1: "+many)...)
	f("UTF-16", "\xFF\xFE"+utf16s(binary.LittleEndian, "{\"ä\":\"😀\"}\r\n{\"a\":2}"), `1: {"ä":"😀"}`, `2: {"a":2}`)
	f("UTF-16 big endian", "\xFE\xFF"+utf16s(binary.BigEndian, "{\"ä\":\"😀\"}"), `1: {"ä":"😀"}`)
	f("UTF-16 without mark", utf16s(binary.LittleEndian, "{\"ä\":\"😀\"}"), `1: {"ä":"😀"}`)
	f("UTF-16 with half a pair", "\xFF\xFE"+utf16s(binary.LittleEndian, "{\"")+"\x00\xD8"+utf16s(binary.LittleEndian, "\":1}"), "1: {\"\uFFFD\":1}")
	f("UTF-16 in gzip", gzipped("\xFF\xFE"+utf16s(binary.LittleEndian, many)), "1: "+many)
	f("blanks", " \n\n")
	f("nothing", "")
	f("gzip of nothing", gzipped(""))
	f("rubbish line first", "curl: 200 OK\n"+three, `1: curl: 200 OK`, `2: {"a":1}`, `3: {"a":2}`, `4: {"a":3}`)
}

const bzThree = "QlpoOTFBWSZTWbSXlkMAAAlZgAAQEAA4ECAAAAogADEGTEEeoE3qicImwaPPxdyRThQkLSXlkMA="

func TestPathOfEntries(t *testing.T) {
	path := file(t, "a.zip", []byte(zipped(zip.Store, entry{"../\x1b[31mb.json", three}, entry{"t.tgz", gzipped(tarred(entry{"c.json", "{}"}))})))
	var paths []string
	read := func(b *Block) error {
		paths = append(paths, b.Path)
		b.Release()
		return nil
	}
	if _, err := Read(t.Context(), []string{path}, Options{}, read); err != nil {
		t.Fatal(err)
	}
	if want := []string{path + `!/../\x1b[31mb.json`, path + "!/t.tgz!/c.json"}; !slices.Equal(paths, want) {
		t.Errorf("%q", paths)
	}
}

func TestNotRead(t *testing.T) {
	deep := zipped(zip.Store, entry{"c.zip", zipped(zip.Store, entry{"d.zip", zipped(zip.Store, entry{"e.json", "{}"})})})
	f := func(name, in, reason string, expected bool) {
		t.Helper()
		dir := filepath.Dir(file(t, name, []byte(in)))
		g := read(t, Options{}, dir)
		if g.err != nil || len(g.docs) > 0 || g.sum.SkippedCount != 1 || !strings.Contains(g.sum.Skipped[0].Reason, reason) || g.sum.Skipped[0].Expected != expected {
			t.Errorf("%s: %v %q %+v", name, g.err, g.docs, g.sum)
		}
		if g = read(t, Options{}, filepath.Join(dir, name)); g.sum.Unreadable != 1 {
			t.Errorf("%s, named: %+v", name, g.sum)
		}
	}
	f("read.me", "# hello\n", "not recognised", false)
	f("x.json", "hello\n", "not recognised", true)
	f("x.evtx", "MZ\x00\x01rubbish", "not recognised", true)
	f("x.log", "[2020-01-01 12:00:00] INFO started {\"a\":1}\n", "not recognised", false)
	f("x.html", "<html><body>{}</body></html>", "not recognised", false)
	f("x.gz", "\x1f\x8bnothing of the kind", "gzip", true)
	f("x.xz", "\xfd7zXZ\x00....", "xz is not supported", true)
	f("x.zip", deep, "too many archives", true)
	f("x.json.gz", gzipped("rubbish"), "not recognised", true)
}

// TestTruncated cuts every form at every length: what is read must be what
// stands before the cut, and that it was cut must be said.
func TestTruncated(t *testing.T) {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, "{\"n\":%d,\"x\":\"%x\"}\n", i, i*i*i*7919)
	}
	in := b.String()
	whole := text(t, Options{}, in).docs
	for name, data := range map[string]string{
		"plain":       in,
		"array":       "[" + strings.ReplaceAll(strings.TrimSpace(in), "\n", ",") + "]",
		"gzip":        gzipped(in),
		"zstd":        zstded(in),
		"zip":         zipped(zip.Deflate, entry{"a.json", in}),
		"zip, stored": zipped(zip.Store, entry{"a.json", in}),
		"tar":         tarred(entry{"a.json", in}),
		"UTF-16":      "\xFF\xFE" + utf16s(binary.LittleEndian, in),
	} {
		for n := 1; n < len(data); n += 1 + n/50 {
			for _, way := range []string{"file", "stdin"} {
				var g got
				if way == "file" {
					g = read(t, Options{BlockSize: 512}, file(t, "x.json", []byte(data[:n])))
				} else {
					g = text(t, Options{BlockSize: 512}, data[:n])
				}
				good := 0
				for i, d := range g.docs {
					_, doc, _ := strings.Cut(d, ": ")
					if _, want, _ := strings.Cut(whole[i], ": "); doc == want {
						good++
					}
				}
				said := len(g.problems) > 0 || g.sum.SkippedCount > 0 || len(g.docs) > good
				if g.err != nil || good < len(g.docs)-1 || good < len(whole) && !said && name != "plain" && name != "UTF-16" {
					t.Fatalf("%s cut at %d of %d, as %s: %v, %d of %d documents right, %q %+v", name, n, len(data), way, g.err, good, len(g.docs), g.problems, g.sum.Skipped)
				}
				if name == "tar" && n > 4096 && good == 0 {
					t.Fatalf("%s cut at %d: nothing read", name, n)
				}
			}
		}
	}
}

func TestBomb(t *testing.T) {
	zeros := strings.Repeat(" ", 1<<20)
	for _, in := range []string{
		gzipped(three + zeros + "x"),
		gzipped(three + "{\"a\":\"" + zeros),
		gzipped(gzipped(three + zeros)),
		zstded("<Event>" + zeros),
		zipped(zip.Deflate, entry{"a", three}, entry{"b", "[" + zeros}, entry{"c", "{\"" + zeros}),
		gzipped("ElfFile\x00" + strings.Repeat("\x00", 1<<20)),
	} {
		g := text(t, Options{MaxBarren: 300 << 10, BlockSize: 4 << 10, MaxDocument: 32 << 10}, in)
		if g.err != nil || !strings.Contains(strings.Join(g.problems, "\n"), "bomb") {
			t.Errorf("%v %q %+v", g.err, g.problems, g.sum)
		}
	}
}

func TestSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700)
	os.WriteFile(filepath.Join(dir, "a", "x.json"), []byte("{}"), 0o600)
	os.Symlink("..", filepath.Join(dir, "a", "b", "up"))
	os.Symlink("nowhere", filepath.Join(dir, "a", "gone"))
	os.Symlink(filepath.Join(dir, "a", "x.json"), filepath.Join(dir, "a", "y.json"))
	g := read(t, Options{}, dir)
	if len(g.docs) != 2 || g.sum.SkippedCount != 2 {
		t.Errorf("%q %+v", g.docs, g.sum.Skipped)
	}
	if g := read(t, Options{}, filepath.Join(dir, "**", "x.json")); len(g.docs) != 1 {
		t.Errorf("%v %q", g.err, g.docs)
	}
	if g := read(t, Options{}, filepath.Join(dir, "*", "[xz].json")); len(g.docs) != 1 {
		t.Errorf("%v %q", g.err, g.docs)
	}
	if g := read(t, Options{}, t.TempDir()); g.err != nil || g.sum.SkippedCount != 1 || !strings.Contains(g.sum.Skipped[0].Reason, "no file") {
		t.Errorf("%v %+v", g.err, g.sum)
	}
	if g := read(t, Options{}, "/dev/null"); g.err != nil || g.sum.SkippedCount != 1 || !strings.Contains(g.sum.Skipped[0].Reason, "device") {
		t.Errorf("%v %+v", g.err, g.sum)
	}
}
