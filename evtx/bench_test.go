package evtx

import (
	"bytes"
	"io"
	"os"
	"sync/atomic"
	"testing"
)

// benchChunks loads the chunks of the corpus, or of the file that EVTX_BENCH
// names.
func benchChunks(b *testing.B) (chunks [][]byte, size int64) {
	b.Helper()
	paths := []string{os.Getenv("EVTX_BENCH")}
	if paths[0] == "" {
		paths = corpus(b, "evtx")
	}
	for _, path := range paths {
		f, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		for ref, err := range f.Chunks() {
			if err != nil {
				continue
			}
			data, err := f.ReadChunk(ref, nil)
			if err != nil {
				b.Fatal(err)
			}
			chunks = append(chunks, bytes.Clone(data))
			size += int64(len(data))
		}
		f.Close()
	}
	return chunks, size
}

// BenchmarkFields parses into fields.
func BenchmarkFields(b *testing.B) {
	benchRecords(b, func(*Record, []byte) []byte { return nil })
}

// BenchmarkFieldsText makes the text of every value too.
func BenchmarkFieldsText(b *testing.B) {
	benchRecords(b, func(r *Record, buf []byte) []byte {
		for i := range r.Fields {
			buf = r.Fields[i].AppendText(buf[:0])
		}
		for i := range r.Data {
			buf = r.Data[i].Value.AppendText(buf[:0])
		}
		for i := range r.UserData {
			buf = r.UserData[i].Value.AppendText(buf[:0])
		}
		return buf
	})
}

func benchRecords(b *testing.B, use func(*Record, []byte) []byte) {
	chunks, size := benchChunks(b)
	d := NewDecoder(Options{})
	var buf []byte
	records := 0
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for i, c := range chunks {
			d.ParseChunk(c, ChunkRef{Index: i})
			for r := range d.All() {
				if r != nil {
					records++
					buf = use(r, buf)
				}
			}
		}
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(records)/float64(b.N), "records")
}

// BenchmarkJSON renders every record as JSON.
func BenchmarkJSON(b *testing.B) {
	benchRecords(b, func(r *Record, buf []byte) []byte { return r.AppendJSON(buf[:0]) })
}

// BenchmarkXML renders every record as XML.
func BenchmarkXML(b *testing.B) {
	benchRecords(b, func(r *Record, buf []byte) []byte {
		buf, _ = r.AppendXML(buf[:0])
		return buf
	})
}

// BenchmarkFieldsParallel parses on as many cores as -cpu gives, a Decoder each.
func BenchmarkFieldsParallel(b *testing.B) {
	chunks, size := benchChunks(b)
	var records atomic.Int64
	b.SetBytes(size / int64(len(chunks)))
	var next atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		d := NewDecoder(Options{})
		for pb.Next() {
			d.ParseChunk(chunks[int(next.Add(1))%len(chunks)], ChunkRef{})
			for {
				r, err := d.Next()
				if r != nil {
					records.Add(1)
				}
				if err == io.EOF {
					break
				}
			}
		}
	})
	b.ReportMetric(float64(records.Load())/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkNextEvent splits a stream of XML.
func BenchmarkNextEvent(b *testing.B) {
	stream := bytes.Repeat([]byte(wefEvent+"\n"), 1000)
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		for rest := stream; ; {
			var err error
			if _, rest, err = NextEvent(rest); err != nil {
				break
			}
		}
	}
}
