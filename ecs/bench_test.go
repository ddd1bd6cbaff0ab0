package ecs

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/evtx"
)

// benchDocs are documents for the benchmarks: a large public recording if it is
// there, else our own fixtures over and over.
func benchDocs(b testing.TB, name string, max int) [][]byte {
	f, err := os.Open(filepath.Join(shared, "bench", name))
	if err != nil {
		b.Skip("no ../shared/bench: the public recordings are not part of the repository")
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	var docs [][]byte
	sc := bufio.NewScanner(z)
	sc.Buffer(nil, 1<<24)
	for len(docs) < max && sc.Scan() {
		docs = append(docs, bytes.Clone(sc.Bytes()))
	}
	return docs
}

func benchJSON(b *testing.B, docs [][]byte, d *Decoder) {
	ev := event.New(d.schema)
	size := 0
	for _, doc := range docs {
		size += len(doc)
		if err := d.JSON(doc, ev); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		for _, doc := range docs {
			d.JSON(doc, ev)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(docs))/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkNXLogSysmon(b *testing.B) {
	benchJSON(b, benchDocs(b, "otrf-covenant-dcom.ndjson.gz", 4000), NewDecoder(ruleSchema(), Options{Native: true}))
}

func BenchmarkFlatSecurity(b *testing.B) {
	benchJSON(b, benchDocs(b, "otrf-sharpdump.ndjson.gz", 4000), NewDecoder(ruleSchema(), Options{Native: true}))
}

func BenchmarkSkip(b *testing.B) {
	docs := benchDocs(b, "otrf-covenant-dcom.ndjson.gz", 4000)
	size := 0
	for _, doc := range docs {
		size += len(doc)
	}
	b.SetBytes(int64(size))
	for range b.N {
		for _, doc := range docs {
			event.Skip(doc, 0)
		}
	}
}

func BenchmarkWinlogbeat(b *testing.B) {
	benchJSON(b, winlogbeatDocs(b), NewDecoder(ruleSchema(), Options{Native: true}))
}

// winlogbeatDocs are raw winlogbeat documents.
func winlogbeatDocs(b testing.TB) [][]byte {
	files, _ := filepath.Glob(shared + "/ecs/goldens/winlogbeat/sysmon/collection/sysmon-*.json")
	var docs [][]byte
	for _, f := range files {
		for _, doc := range documents(b, f) {
			var c bytes.Buffer
			if err := compact(&c, doc); err != nil {
				b.Fatal(err)
			}
			docs = append(docs, c.Bytes())
		}
	}
	if len(docs) == 0 {
		b.Skip("no ../shared/ecs/goldens: Elastic's test data is not part of the repository")
	}
	return docs[:len(docs)-1]
}

func BenchmarkEVTX(b *testing.B) {
	path := shared + "/ecs/goldens/winlogbeat/sysmon/collection/sysmon-10.2-dns.evtx"
	if _, err := os.Stat(path); err != nil {
		b.Skip("no ../shared/ecs/goldens")
	}
	f, err := evtx.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	d := NewDecoder(ruleSchema(), Options{Native: true})
	ev := event.New(d.schema)
	n := 0
	b.ReportAllocs()
	for range b.N {
		for rec, err := range f.Records(evtx.Options{}) {
			if err == nil && d.EVTX(rec, ev) == nil {
				n++
			}
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkNormalize(b *testing.B) {
	docs := benchDocs(b, "otrf-covenant-dcom.ndjson.gz", 2000)
	n := NewNormalizer(Options{})
	var out []byte
	b.ReportAllocs()
	for range b.N {
		for _, doc := range docs {
			out, _ = n.Append(out[:0], doc)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(docs))/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkDefend(b *testing.B) {
	path := shared + "/ecs/goldens/synthetic/defend-seed-hit.ndjson"
	if _, err := os.Stat(path); err != nil {
		b.Skip("no ../shared/ecs/goldens")
	}
	benchJSON(b, documents(b, path), NewDecoder(ruleSchema(), Options{Native: true}))
}

func BenchmarkDefendDecodeOnly(b *testing.B) {
	path := shared + "/ecs/goldens/synthetic/defend-seed-hit.ndjson"
	if _, err := os.Stat(path); err != nil {
		b.Skip("no ../shared/ecs/goldens")
	}
	docs := documents(b, path)
	s := ruleSchema()
	d := event.NewDecoder(s)
	ev := event.New(s)
	size := 0
	for _, doc := range docs {
		size += len(doc)
	}
	b.SetBytes(int64(size))
	for range b.N {
		for _, doc := range docs {
			ev.Reset(doc)
			d.Decode(doc, ev)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(docs))/b.Elapsed().Seconds(), "events/s")
}
