package engine

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/strategy"
)

// benchDocs are real documents, all in memory.
func benchDocs(b *testing.B) (docs [][]byte, bytes int64) {
	for _, name := range []string{"otrf-covenant-dcom.ndjson.gz", "otrf-sharpdump.ndjson.gz"} {
		corpus(b, name, 1<<30, func(doc []byte) {
			docs = append(docs, append([]byte(nil), doc...))
			bytes += int64(len(doc))
		})
	}
	return docs, bytes
}

// run decodes all documents and, if match is set, matches them, once an iteration.
func run(b *testing.B, e *Engine, match bool) {
	docs, bytes := benchDocs(b)
	ecs.Prepare(e.Schema())
	d := ecs.NewDecoder(e.Schema(), ecs.Options{Native: true})
	ev := event.New(e.Schema())
	m := e.Matcher()
	b.SetBytes(bytes)
	b.ReportAllocs()
	b.ResetTimer()
	hits := 0
	for range b.N {
		for _, doc := range docs {
			if err := d.JSON(doc, ev); err != nil && !errors.Is(err, ecs.ErrNotEvent) {
				b.Fatal(err)
			}
			if match {
				hits += len(m.Match(ev))
			}
		}
	}
	n := float64(b.N) * float64(len(docs))
	b.ReportMetric(n/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(hits)/n, "hits/event")
}

func users(b *testing.B) *Engine {
	list, _ := strategy.Load([]string{filepath.Join(shared, "seed", "remotely-started-services-via-rpc.md")})
	if len(list) == 0 {
		b.Skip("no user's document beside the repository")
	}
	e, _ := New(list, Options{})
	return e
}

func BenchmarkRecordings(b *testing.B) {
	b.Run("one/decode", func(b *testing.B) { run(b, users(b), false) })
	b.Run("one/match", func(b *testing.B) { run(b, users(b), true) })
	b.Run("all/decode", func(b *testing.B) { run(b, elasticRules(b), false) })
	b.Run("all/match", func(b *testing.B) { run(b, elasticRules(b), true) })
}
