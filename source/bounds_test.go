package source

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// endless gives n bytes of a pattern between a head and a tail.
type endless struct {
	head, tail string
	pattern    string
	n          int
	peak       *uint64
	calls      int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.calls++; e.calls%1000 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		*e.peak = max(*e.peak, m.HeapInuse)
	}
	if e.head != "" {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	if e.n > 0 {
		n := 0
		for n+len(e.pattern) <= len(p) && e.n > 0 {
			n += copy(p[n:], e.pattern)
			e.n -= len(e.pattern)
		}
		if n > 0 {
			return n, nil
		}
		n = copy(p, e.pattern) // little room: the rest comes as head
		e.head = e.pattern[n:]
		e.n -= len(e.pattern)
		return n, nil
	}
	n := copy(p, e.tail)
	if e.tail = e.tail[n:]; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// TestMemory reads a document of 500 MB: it is passed over, those around it
// are read, and what is held stays small.
func TestMemory(t *testing.T) {
	for name, e := range map[string]*endless{
		"string":  {head: "{\"a\":1}\n{\"b\":\"", pattern: strings.Repeat("x", 4000), tail: "\"}\n{\"a\":2}\n"},
		"element": {head: "[{\"a\":1},\n{\"b\":[1", pattern: ",{},[]", tail: "]},{\"a\":2}]\n"},
		"rubbish": {head: "{\"a\":1}\n", pattern: strings.Repeat("x", 4000), tail: "\n{\"a\":2}\n"},
		"XML":     {head: "<Event>1</Event>\n<Event>", pattern: strings.Repeat("<x/>", 1000), tail: "</Event>\n<Event>2</Event>\n"},
	} {
		var peak uint64
		e.n, e.peak = 500<<20, &peak
		g := read(t, Options{MaxDocument: 4 << 20, Stdin: e}, "-")
		if g.err != nil || len(g.docs) != 2 || len(g.problems) != 1 || !strings.Contains(g.problems[0], "longer than") {
			t.Errorf("%s: %v %.200q %q", name, g.err, g.docs, g.problems)
		}
		if peak > 60<<20 {
			t.Errorf("%s: %d MiB in use", name, peak>>20)
		}
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path := file(t, "x.json", []byte(strings.Repeat(three, 10000)))
	n := 0
	_, err := Read(ctx, []string{path}, Options{BlockSize: 1000}, func(b *Block) error {
		if n++; n == 5 {
			cancel()
		}
		b.Release()
		return nil
	})
	if !errors.Is(err, context.Canceled) || n != 5 {
		t.Error(n, err)
	}
	stop := errors.New("stop")
	if _, err = Read(t.Context(), []string{path}, Options{}, func(b *Block) error { return stop }); err != stop {
		t.Error(err)
	}
}

// TestWorkers reads blocks in several goroutines, as the pipeline does.
func TestWorkers(t *testing.T) {
	path := file(t, "x.json", []byte(strings.Repeat(three, 30000)))
	blocks := make(chan *Block, 2)
	var mu sync.Mutex
	docs := 0
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for b := range blocks {
				n := 0
				for d, p := range b.Documents {
					if p != nil || string(d.Data[:5]) != `{"a":` {
						t.Error(p, d)
					}
					n++
				}
				b.Release()
				mu.Lock()
				docs += n
				mu.Unlock()
			}
		})
	}
	var last int64
	opt := Options{BlockSize: 4096, Progress: func(read, total int64, _ string) {
		if total != 720000 || read < last || read > total {
			t.Error(read, total)
		}
		last = read
	}}
	sum, err := Read(t.Context(), []string{path}, opt, func(b *Block) error { blocks <- b; return nil })
	close(blocks)
	wg.Wait()
	if err != nil || docs != 90000 || sum.Bytes != 720000 || last != 720000 {
		t.Errorf("%v, %d documents, %+v", err, docs, sum)
	}
}

// TestNoAllocationPerDocument reads the same file twice as long: it must not
// cost more allocations than the longer file has blocks.
func TestNoAllocationPerDocument(t *testing.T) {
	count := func(in string) float64 {
		path := file(t, "x.json", []byte(in))
		return testing.AllocsPerRun(3, func() {
			Read(context.Background(), []string{path}, Options{}, func(b *Block) error {
				for range b.Documents {
				}
				b.Release()
				return nil
			})
		})
	}
	for _, in := range []string{strings.Repeat(three, 50000), "[" + strings.Repeat("{\"a\":[{}]},", 100000) + "{}]"} {
		if one, two := count(in), count(in+in); two > one+20 {
			t.Errorf("%.10s: %v allocations, twice as long %v", in, one, two)
		}
	}
}
