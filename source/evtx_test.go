package source

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/evtx"
)

// evtxFile makes a log of chunks with so many records each. The records hold
// nothing that could be decoded: it is about finding them.
func evtxFile(records ...int) []byte {
	le := binary.LittleEndian
	head := make([]byte, evtxHeader)
	copy(head, evtxMagic)
	le.PutUint64(head[16:], uint64(max(0, len(records)-1)))
	le.PutUint32(head[32:], 128)
	le.PutUint16(head[36:], 1)
	le.PutUint16(head[38:], 3)
	le.PutUint16(head[40:], evtxHeader)
	le.PutUint16(head[42:], uint16(len(records)))
	le.PutUint32(head[headerSum:], crc32.ChecksumIEEE(head[:120]))
	id := uint64(1)
	for _, n := range records {
		head = append(head, evtxChunk(n, &id)...)
	}
	return head
}

func evtxChunk(n int, id *uint64) []byte {
	le := binary.LittleEndian
	c := make([]byte, recordsFrom, evtx.ChunkSize)
	copy(c, chunkMagic)
	le.PutUint64(c[8:], *id)
	le.PutUint64(c[16:], *id+uint64(n)-1)
	le.PutUint32(c[40:], 128)
	for range n {
		c = append(c, recordMagic...)
		c = le.AppendUint32(c, 32)
		c = le.AppendUint64(c, *id)
		c = le.AppendUint64(c, 0)
		c = append(c, 0, 0, 0, 0)
		c = le.AppendUint32(c, 32)
		*id++
	}
	le.PutUint32(c[48:], uint32(len(c)))
	le.PutUint32(c[52:], crc32.ChecksumIEEE(c[recordsFrom:]))
	le.PutUint32(c[124:], crc32.Update(crc32.ChecksumIEEE(c[:120]), crc32.IEEETable, c[128:recordsFrom]))
	return c[:evtx.ChunkSize]
}

// evtxRead gives "ordinal:record" of what was read, and what was said.
func evtxRead(t *testing.T, opt Options, in []byte) (ids, said string) {
	t.Helper()
	opt.Stdin = bytes.NewReader(in)
	var problems []string
	sum, err := Read(t.Context(), []string{"-"}, opt, func(b *Block) error {
		defer b.Release()
		for d, p := range b.Documents {
			if d != nil {
				ids += fmt.Sprintf(" %d:%d", d.Line, d.Record.ID)
			} else if p.Record == 0 { // what is in the records does not matter here
				problems = append(problems, p.Error())
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range sum.Problems {
		problems = append(problems, p.Error())
	}
	for _, s := range sum.Skipped {
		problems = append(problems, s.Path+": skipped: "+s.Reason)
	}
	return strings.TrimSpace(ids), strings.Join(problems, "\n")
}

func TestEVTX(t *testing.T) {
	whole := evtxFile(2, 1, 3)
	chunk := func(n int) int { return evtxHeader + n*evtx.ChunkSize }
	all := "1:1 2:2 3:3 4:4 5:5 6:6"
	f := func(name string, in []byte, carve bool, wantIDs, wantSaid string) {
		t.Helper()
		for _, size := range []int{1, 128 << 10, 1 << 20} {
			ids, said := evtxRead(t, Options{BlockSize: size, Carve: carve}, in)
			if ids != wantIDs || (wantSaid == "") != (said == "") || !strings.Contains(said, wantSaid) {
				t.Errorf("%s, blocks of %d: %s\nsaid %s\nwant %s\nsaid %s", name, size, ids, said, wantIDs, wantSaid)
			}
		}
	}
	change := func(at int, b ...byte) []byte {
		c := bytes.Clone(whole)
		copy(c[at:], b)
		return c
	}
	f("whole", whole, false, all, "")
	f("gzip", []byte(gzipped(string(whole))), false, all, "")
	f("no records", evtxFile(), false, "", "")
	f("cut behind a chunk", whole[:chunk(2)], false, "1:1 2:2 3:3", "truncated: 135168 bytes, its header tells of 3 chunks")
	f("cut in a chunk", whole[:chunk(2)+600], false, "1:1 2:2 3:3 4:4 5:5", "truncated")
	f("cut in the header", whole[:100], false, "", "truncated")
	f("no magic of the file", change(0, 'X'), false, all, "no file header")
	f("wrong sum of the file's header", change(16, 9), false, all, "checksum of the file header")
	f("no magic of a chunk", change(chunk(1), 'X'), false, "1:1 2:2 3:4 4:5 5:6", "chunk 2: 65536 bytes are no chunk")
	f("a chunk of zeros", slices.Concat(whole[:chunk(1)], make([]byte, evtx.ChunkSize), whole[chunk(2):]), false, "1:1 2:2 3:4 4:5 5:6", "")
	f("rubbish between chunks", slices.Concat(whole[:chunk(1)], []byte("rubbish"), whole[chunk(1):]), false, all, "7 bytes are no chunk")
	f("zeros behind", append(bytes.Clone(whole), make([]byte, 3*evtx.ChunkSize)...), false, all, "")
	stale := append(bytes.Clone(whole), whole[chunk(0):chunk(1)]...)
	f("a chunk not in use", stale, false, all, "1 chunks that are not in use")
	f("chunks alone", whole[chunk(0):], false, all, "")
	f("in a disk image", append([]byte(strings.Repeat("image", 777)), whole[chunk(1):]...), true, "1:3 2:4 3:5 4:6", "")
	f("in a disk image, not carved", append([]byte(strings.Repeat("image", 777)), whole[chunk(1):]...), false, "", "not recognised")
}

// TestRealEVTX compares the records of real files with those that package
// evtx gives when it has the file to itself.
func TestRealEVTX(t *testing.T) {
	var files []string
	for _, p := range []string{"*.evtx", "*/*.evtx", "*/*/*.evtx", "*/*/*/*.evtx"} {
		names, _ := filepath.Glob("../../shared/evtx/" + p)
		files = append(files, names...)
	}
	if len(files) == 0 {
		t.Skip("no recordings in ../shared/evtx")
	}
	total := 0
	for _, carve := range []bool{false, true} {
		for _, path := range files {
			want := plainRecords(t, path, carve)
			got := records(t, path, Options{Carve: carve})
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s, carve %v: %d records, want %d", path, carve, len(got), len(want))
			}
			total += len(got)
		}
	}
	t.Logf("%d files, %d records", len(files), total)
}

func plainRecords(t *testing.T, path string, carve bool) (ids []string) {
	f, err := evtx.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	for r, err := range f.Records(evtx.Options{Carve: carve}) {
		if r != nil {
			ids = append(ids, fmt.Sprint(r.ID, r.Offset, r.Carved, err != nil))
		}
	}
	return ids
}

// records reads a file and checks that ordinals rise.
func records(t *testing.T, path string, opt Options) (ids []string) {
	t.Helper()
	line := 0
	_, err := Read(context.Background(), []string{path}, opt, func(b *Block) error {
		defer b.Release()
		at := -1
		for d, p := range b.Documents {
			if d == nil {
				if !p.Remark && at >= 0 && p.Offset == int64(at) {
					ids[len(ids)-1] = ids[len(ids)-1][:len(ids[len(ids)-1])-len("false")] + "true"
				}
				continue
			}
			if d.Line <= line {
				t.Errorf("%s: record %d has ordinal %d behind %d", path, d.Record.ID, d.Line, line)
			}
			line, at = d.Line, int(d.Record.Offset)
			ids = append(ids, fmt.Sprint(d.Record.ID, d.Record.Offset, d.Record.Carved, false))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return ids
}
