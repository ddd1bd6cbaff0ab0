package sequence

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
)

// BenchmarkJoiner adds hits of a two-stage sequence while a number of keys
// have an open partial. An operation opens a partial under a new key and
// completes the one that has been open for the longest time. It begins once as
// many hits are forgotten as come. cpu-ns/hit counts all threads, the garbage
// collector's too, and not the time that other programs take.
func BenchmarkJoiner(b *testing.B) {
	for _, open := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("open=%d", open), func(b *testing.B) {
			f := newFeed(open)
			for range open {
				f.add(0, f.n)
			}
			for range 3*open + 10_000 {
				f.turn(open)
			}
			runtime.GC()
			start := cpuTime(b)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				f.turn(open)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(2*b.N), "ns/hit")
			b.ReportMetric(float64(cpuTime(b)-start)/float64(2*b.N), "cpu-ns/hit")
			if f.matches < b.N/2 {
				b.Fatalf("%d matches of %d", f.matches, b.N)
			}
		})
	}
}

func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// feed makes hits one millisecond apart, of keys of twenty bytes.
type feed struct {
	j       *Joiner
	n       int // keys opened
	ms      int64
	matches int
}

func newFeed(open int) *feed {
	return &feed{j: NewJoiner(plain(2, Options{MaxSpan: time.Duration(3*open) * time.Millisecond}))}
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
	if f.ms%1024 == 0 {
		f.flush()
	}
}

// turn completes one partial and opens another.
func (f *feed) turn(open int) {
	f.add(1, f.n-open)
	f.add(0, f.n)
}

func (f *feed) flush() {
	f.j.Flush(math.MinInt64, func(Change) { f.matches++ })
	f.j.Evict(f.ms*1e6 - f.j.spec.maxSpan)
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
	f.flush()
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := float64(after.HeapAlloc-before.HeapAlloc) / open
	t.Logf("%.0f bytes for each open partial, texts of 36 bytes included ", per)
	if per > 300+56 {
		t.Errorf("%.0f bytes for each open partial; the documentation promises 300 and texts", per)
	}
	runtime.KeepAlive(f)
}

// BenchmarkJoin joins the sorted hits of one key, a thousand at a time.
func BenchmarkJoin(b *testing.B) {
	for _, o := range []Options{{}, {MaxSpan: 100 * time.Millisecond}} {
		b.Run(fmt.Sprintf("maxspan=%v", o.MaxSpan), func(b *testing.B) {
			spec := plain(3, o)
			hits := make([]Hit, 1000)
			for i := range hits {
				hits[i] = Hit{Stage: int32(i * 7 % 11 % 3), Time: int64(i) * 1e6, Tie: "a tie", Key: "a key"}
			}
			b.ReportAllocs()
			for b.Loop() {
				Join(spec, hits)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(hits)), "ns/hit")
		})
	}
}

// BenchmarkKeys makes the join key of an event, two parts of text.
func BenchmarkKeys(b *testing.B) {
	s := event.NewSchema(nil)
	keys := []eql.Key{{Slot: s.Slot("a")}, {Slot: s.Slot("b")}}
	ev := event.New(s)
	ev.Add(0, event.Text("{CAFEBABE-0000-1111-2222-00000000000A}"))
	ev.Add(1, event.Text("workstation5.theshire.local"))
	m := &KeyMaker{FoldGUIDs: true}
	b.ReportAllocs()
	for b.Loop() {
		m.Keys(ev, keys, func([]byte) bool { return true })
	}
}
