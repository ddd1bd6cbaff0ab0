package sequence

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"
)

// BenchmarkJoiner adds hits of a two-stage sequence while a number of keys
// have an open partial. An operation opens a partial under a key and completes
// the one that has been open for the longest time.
func BenchmarkJoiner(b *testing.B) {
	for _, open := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("open=%d", open), func(b *testing.B) {
			f := newFeed(open)
			for range open {
				f.add(0, f.n)
			}
			runtime.GC()
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				f.add(1, f.n-open)
				f.add(0, f.n)
				if i%512 == 511 {
					f.flush(open)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(2*b.N), "ns/hit")
			if b.N > 10_000 && f.matches == 0 {
				b.Fatal("no matches")
			}
		})
	}
}

// feed makes hits one millisecond apart, of keys of twenty bytes.
type feed struct {
	j       *Joiner
	n       int // keys opened
	ms      int64
	matches int
}

func newFeed(open int) *feed {
	return &feed{j: NewJoiner(plain(2, Options{MaxSpan: time.Duration(4*open) * time.Millisecond}))}
}

func (f *feed) add(stage int32, key int) {
	var k [20]byte
	binary.BigEndian.PutUint64(k[:], uint64(key)*0x9E3779B97F4A7C15)
	binary.BigEndian.PutUint64(k[12:], uint64(key))
	f.ms++
	f.j.Add(Hit{Stage: stage, Key: string(k[:]), Time: f.ms * 1e6, Tie: string(k[4:])})
	if stage == 0 {
		f.n++
	}
}

func (f *feed) flush(open int) {
	f.j.Flush(math.MinInt64, func(Change) { f.matches++ })
	f.j.Evict((f.ms - 4*int64(open)) * 1e6)
}

// TestMemoryPerPartial holds the figure that the Joiner's documentation states.
func TestMemoryPerPartial(t *testing.T) {
	const open = 100_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f := newFeed(open)
	for range open {
		f.add(0, f.n)
	}
	f.flush(open)
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := float64(after.HeapAlloc-before.HeapAlloc) / open
	t.Logf("%.0f bytes for each open partial, texts of 36 bytes included", per)
	if per > 560 {
		t.Errorf("%.0f bytes for each open partial; the documentation promises 500 and texts", per)
	}
	runtime.KeepAlive(f)
}
