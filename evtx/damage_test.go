package evtx_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/evtx"
	"github.com/tocsin-project/tocsin/evtx/evtxtest"
)

// TestDamage breaks a file of five records in one way each, and tells which
// records and which reports are left.
func TestDamage(t *testing.T) {
	whole := many(t, 5)
	offs := recordsOf(whole)
	le := binary.LittleEndian
	f := func(name string, hurt func(b []byte) []byte, wantRecords string, wantProblems ...string) {
		t.Helper()
		recs, problems := read(t, hurt(bytes.Clone(whole)), evtx.Options{})
		var ids []string
		for _, r := range recs {
			id, rest, _ := strings.Cut(r, " ")
			if !strings.Contains(rest, "data:User=user "+id) {
				id += "?" // not read whole
			}
			ids = append(ids, id)
		}
		if got := strings.Join(ids, " "); got != wantRecords {
			t.Errorf("%s: records %q, want %q", name, got, wantRecords)
		}
		for i := range max(len(problems), len(wantProblems)) {
			if i >= len(problems) || i >= len(wantProblems) || !strings.Contains(problems[i], wantProblems[i]) {
				t.Errorf("%s: problems %q, want %q", name, problems, wantProblems)
				break
			}
		}
	}
	sealed := func(hurt func(b []byte)) func([]byte) []byte {
		return func(b []byte) []byte { hurt(b); evtxtest.Seal(b); return b }
	}
	f("nothing", sealed(func([]byte) {}), "1 2 3 4 5")
	f("empty", func(b []byte) []byte { return nil }, "", "not an EVTX file")
	f("no header", func(b []byte) []byte { clear(b[:4096]); return b }, "1 2 3 4 5", "no file header")
	f("header checksum", func(b []byte) []byte { b[30]++; return b }, "1 2 3 4 5", "checksum of the file header")
	f("dirty", sealed(func(b []byte) { b[120] = 1 }), "1 2 3 4 5", "file is dirty")
	f("chunk checksum", func(b []byte) []byte { b[4096+130]++; return b }, "1 2 3 4 5", "checksum of the chunk header")
	f("records checksum", func(b []byte) []byte { b[offs[4]+10]++; return b }, "1 2 3 4 65541?", "checksum of the records")
	f("only the header", func(b []byte) []byte { return b[:4096] }, "", "file is truncated")
	f("cut in a record", func(b []byte) []byte { return b[:offs[3]+100] }, "1 2 3 4?",
		"file is truncated", "chunk is truncated", "binary XML ends early", "leads out of its place", "5 records, 4 were found")
	f("cut between records", func(b []byte) []byte { return b[:offs[3]] }, "1 2 3",
		"file is truncated", "chunk is truncated", "tells of 5 records, 3 were found")
	f("chunk signature", func(b []byte) []byte { b[4096] = 'x'; return b }, "", "65536 bytes are no chunk")
	f("byte lost before the chunk", func(b []byte) []byte { return slices.Delete(b, 4000, 4001) }, "", "truncated", "no chunk")
	f("byte more before the chunk", func(b []byte) []byte { return slices.Insert(b, 4096, 'x') }, "1 2 3 4 5", "1 bytes are no chunk")
	f("record signature", sealed(func(b []byte) { b[offs[2]] = 'x' }), "1 2 4 5", "bytes are no record", "5 records, 4 were found")
	f("record size 0", sealed(func(b []byte) { le.PutUint32(b[offs[2]+4:], 0) }), "1 2 3 4 5", "size 0 of the record")
	f("record size huge", sealed(func(b []byte) { le.PutUint32(b[offs[2]+4:], 1<<31) }), "1 2 3 4 5", "size 2147483648 of the record")
	f("copy of the size", sealed(func(b []byte) { b[offs[3]-1] = 9 }), "1 2 3 4 5", "record does not end with its size")
	f("template offset", sealed(func(b []byte) { le.PutUint32(b[offs[2]+34:], 0xfffffff0) }), "1 2 3? 4 5", "offset outside the chunk")
	f("template elsewhere", sealed(func(b []byte) { le.PutUint32(b[offs[2]+34:], 600) }), "1 2 3? 4 5", "record 3")
	f("count of values", sealed(func(b []byte) { le.PutUint32(b[offs[2]+38:], 1<<30) }), "1 2 3? 4 5", "1073741824 values")
	f("size of a value", sealed(func(b []byte) { le.PutUint16(b[offs[2]+42:], 60000) }), "1 2 3? 4 5", "value 0: binary XML ends early")
	f("end of records unknown", sealed(func(b []byte) { le.PutUint32(b[4096+48:], 0) }), "1 2 3 4 5", "gives 0 as end of its records")
	f("end of records damaged", func(b []byte) []byte { le.PutUint32(b[4096+48:], uint32(offs[2]-4096+9)); return b }, "1 2 3 4 5", "checksum of the chunk header", "checksum of the records")
	f("end of records too early", sealed(func(b []byte) { le.PutUint32(b[4096+48:], uint32(offs[4]-4096+9)) }), "1 2 3 4", "9 bytes are no record", "5 records, 4 were found")
}

// bomb gives a chunk with a record whose templates nest: each refers ten times
// to its first value, which holds the next.
func bomb() []byte {
	inner := evtxtest.Element{Name: "B", Content: []evtx.Value{evtxtest.String("x")}, Nested: true}
	for range 12 {
		outer := evtxtest.Element{Name: "B", Nested: true, Children: []evtxtest.Element{inner}}
		for range 9 {
			outer.Children = append(outer.Children, evtxtest.Element{Name: "C", Nested: true})
		}
		inner = outer
	}
	e := sample()
	e.Data = nil
	e.Sections = []evtxtest.Element{{Name: "UserData", Children: []evtxtest.Element{inner}}}
	file, err := evtxtest.File(e, e)
	if err != nil {
		panic(err)
	}
	c := file[4096 : 4096+evtx.ChunkSize]
	for i := 512; i+4 < len(c); i++ {
		if c[i] == 0x0e && c[i+1] < 10 && c[i+2] == 0 && c[i+3] == 0x21 {
			c[i+1] = 0
		}
	}
	return c
}

// wideFirst is the number of the long value that widen writes.
const wideFirst = 16

// widen gives a record with a template of n references to one long value.
func widen(n int) evtxtest.Event {
	e := sample()
	e.Data = nil
	var list []evtxtest.Element
	for range n {
		list = append(list, evtxtest.Element{Name: "A", Content: []evtx.Value{evtxtest.String("")}})
	}
	list[0].Content[0] = evtxtest.String(strings.Repeat("y", 8000))
	e.Sections = []evtxtest.Element{{Name: "UserData", Children: list}}
	return e
}

// TestBombs reads records that are small and expand to much: the work and the
// memory stay bounded.
func TestBombs(t *testing.T) {
	wide, err := evtxtest.File(widen(1500))
	if err != nil {
		t.Fatal(err)
	}
	c := wide[4096:]
	patched := 0
	for i := 512; i+4 < len(c); i++ { // the long value is the first of the list
		if id := binary.LittleEndian.Uint16(c[i+1:]); c[i] == 0x0e && c[i+3] == 0x01 && id > wideFirst && id < 3000 {
			binary.LittleEndian.PutUint16(c[i+1:], wideFirst)
			patched++
		}
	}
	if patched < 1000 {
		t.Fatalf("%d references patched", patched)
	}
	for name, chunk := range map[string][]byte{"nested": bomb(), "wide": c} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		d := evtx.NewDecoder(evtx.Options{Carve: true})
		d.ParseChunk(chunk, evtx.ChunkRef{})
		records, text := 0, 0
		for r, err := range d.All() {
			if err != nil {
				t.Logf("%s: %v", name, err)
			}
			if r == nil {
				continue
			}
			records++
			for _, p := range slices.Concat(r.Data, r.UserData, r.Other) {
				text += len(p.Value.AppendText(nil))
			}
			x, _ := r.AppendXML(nil)
			text += len(x) + len(r.AppendJSON(nil))
		}
		runtime.ReadMemStats(&after)
		if records == 0 || text > 64<<20 || after.TotalAlloc-before.TotalAlloc > 1<<30 {
			t.Errorf("%s: %d records, %d bytes of text, %d allocated", name, records, text, after.TotalAlloc-before.TotalAlloc)
		}
		t.Logf("%s: %d records, %d bytes of text, %d KB allocated", name, records, text, (after.TotalAlloc-before.TotalAlloc)>>10)
	}
}

// use does everything that can be done with a chunk.
func use(d *evtx.Decoder, chunk []byte, buf []byte) (records int, out []byte) {
	d.ParseChunk(chunk, evtx.ChunkRef{})
	for r, err := range d.All() {
		if err != nil {
			_ = err.Error()
		}
		if r == nil {
			continue
		}
		records++
		r.Time()
		for i := range r.Fields {
			buf = r.Fields[i].AppendText(buf[:0])
		}
		for _, list := range [][]evtx.Pair{r.Data, r.UserData, r.Other} {
			for _, p := range list {
				p.Value.Time()
				p.Value.Int()
				buf = p.Value.AppendText(buf[:0])
			}
		}
		buf, _ = r.AppendXML(buf[:0])
		if records%8 == 0 {
			buf = r.AppendJSON(buf[:0])
		}
	}
	return records, buf
}

// mutate changes a chunk as damage would: bits, bytes, numbers, blocks.
func mutate(r *rand.Rand, b []byte) {
	for range 1 + r.IntN(12) {
		at := 512 + r.IntN(8000)
		if r.IntN(3) == 0 {
			at = r.IntN(len(b))
		}
		at = min(at, len(b)-9)
		switch r.IntN(7) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b[at] = byte(r.Uint32())
		case 2:
			binary.LittleEndian.PutUint16(b[at:], uint16(r.Uint32()))
		case 3:
			binary.LittleEndian.PutUint32(b[at:], uint32(r.IntN(evtx.ChunkSize)))
		case 4:
			n := min(r.IntN(2000), len(b)-at)
			copy(b[at:at+n], b[r.IntN(len(b)-n):])
		case 5:
			clear(b[at : at+min(r.IntN(500), len(b)-at)])
		case 6:
			b[at] = []byte{0, 1, 0x41, 2, 3, 4, 5, 6, 0x46, 7, 8, 9, 0x0c, 0x0d, 0x0e, 0x0f, 0x21, 0x81}[r.IntN(18)]
		}
	}
}

// TestMutated reads damaged copies of real and of own chunks. EVTX_MUTATE sets
// how long, such as 1h; the seed of a failure is in its message.
func TestMutated(t *testing.T) {
	limit := 2 * time.Second
	if s := os.Getenv("EVTX_MUTATE"); s != "" {
		var err error
		if limit, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	chunks := ownChunks(t)
	if _, err := os.Stat("../../shared/evtx"); err == nil {
		chunks = append(chunks, realChunks(t)...)
	} else {
		t.Log("own chunks only: no corpus")
	}
	d := evtx.NewDecoder(evtx.Options{Carve: true})
	var buf []byte
	work := make([]byte, evtx.ChunkSize)
	rounds, records, slowest, slow := 0, 0, time.Duration(0), uint64(0)
	seed := uint64(0)
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("seed %d: panic: %v", seed, p)
			panic(p)
		}
	}()
	var mem runtime.MemStats
	for start := time.Now(); time.Since(start) < limit; rounds++ {
		seed = uint64(rounds)
		r := rand.New(rand.NewPCG(seed, 1))
		c := chunks[r.IntN(len(chunks))]
		n := copy(work, c)
		mutate(r, work[:n])
		if r.IntN(10) == 0 {
			n = 1 + r.IntN(n)
		}
		began := time.Now()
		var k int
		k, buf = use(d, work[:n], buf)
		records += k
		if took := time.Since(began); took > slowest {
			slowest, slow = took, seed
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&mem)
	t.Logf("%d damaged chunks, %d records read; slowest chunk %v (seed %d); heap after %d MB, from the system %d MB",
		rounds, records, slowest, slow, mem.HeapAlloc>>20, mem.Sys>>20)
	if mem.Sys > 1<<30 {
		t.Errorf("%d MB taken from the system", mem.Sys>>20)
	}
}

func ownChunks(t testing.TB) (out [][]byte) {
	t.Helper()
	list := shapes()
	all := sample()
	for _, c := range typeCases {
		all.Data = append(all.Data, evtxtest.Data{Name: c.name, Value: c.value})
	}
	for i := range 60 {
		e := list[i%len(list)]
		list = append(list, e)
	}
	file, err := evtxtest.File(append(list, all)...)
	if err != nil {
		t.Fatal(err)
	}
	for at := 4096; at < len(file); at += evtx.ChunkSize {
		out = append(out, file[at:at+evtx.ChunkSize])
	}
	return append(out, bomb())
}

func realChunks(t testing.TB) (out [][]byte) {
	t.Helper()
	for _, path := range evtx.Corpus(t, "evtx") {
		f, err := evtx.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for ref, err := range f.Chunks() {
			if err != nil {
				continue
			}
			if c, err := f.ReadChunk(ref, nil); err == nil {
				out = append(out, c)
			}
		}
		f.Close()
	}
	return out
}

func FuzzChunk(f *testing.F) {
	list := shapes()
	list = append(list, list[0])
	for _, e := range list { // small inputs: the fuzzer is slow on whole chunks
		file, err := evtxtest.File(e, e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file[4096 : 4096+binary.LittleEndian.Uint32(file[4096+48:])])
	}
	d := evtx.NewDecoder(evtx.Options{Carve: true})
	var buf []byte
	f.Fuzz(func(t *testing.T, chunk []byte) {
		_, buf = use(d, chunk, buf)
	})
}

// FuzzFile reads whole files: what is between the chunks, and the header.
func FuzzFile(f *testing.F) {
	file, err := evtxtest.File(shapes()...)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file[:4096+binary.LittleEndian.Uint32(file[4096+48:])])
	f.Add(file[:4096])
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := evtx.NewReader(newReader(b)); err == nil {
			for r := range r.Records(evtx.Options{Carve: true}) {
				if r != nil {
					r.AppendJSON(nil)
				}
			}
		}
		for ref, err := range evtx.CarveChunks(newReader(b)) {
			if err != nil || ref.Offset+int64(ref.Size) > int64(len(b)) {
				t.Errorf("%v %v", ref, err)
			}
		}
	})
}

// FuzzXML parses what it is given; what it reads once it reads again.
func FuzzXML(f *testing.F) {
	for _, e := range shapes() {
		file, err := evtxtest.File(e)
		if err != nil {
			f.Fatal(err)
		}
		r, _ := evtx.NewReader(bytes.NewReader(file), int64(len(file)))
		for rec := range r.Records(evtx.Options{}) {
			doc, _ := rec.AppendXML(nil)
			f.Add(doc)
		}
	}
	f.Add([]byte("<Events>\n<Event a='>'><System><EventID>1</EventID></System><EventData><Data Name=\"x\"><![CDATA[]]>&#x41;&lt;</Data></EventData></Event>"))
	var r, again evtx.Record
	f.Fuzz(func(t *testing.T, doc []byte) {
		rest := doc
		total := 0
		for {
			event, more, err := evtx.NextEvent(rest)
			if err != nil {
				break
			}
			if len(event) == 0 {
				t.Fatal("empty event")
			}
			total += len(event)
			rest = more
			_ = evtx.ParseXML(event, &r)
			r.AppendJSON(nil)
			_ = evtx.ParseXML(event, &again)
			if a, b := fmt.Sprint(evtx.Flatten(&r)), fmt.Sprint(evtx.Flatten(&again)); a != b {
				t.Errorf("read twice: %s and %s", a, b)
			}
		}
		if total+len(rest) > len(doc) {
			t.Errorf("%d bytes of events and %d left of %d", total, len(rest), len(doc))
		}
		_ = evtx.ParseXML(doc, &r)
	})
}
