package journal

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/tocsin-project/tocsin/sequence"
)

type pair struct {
	hit      sequence.Hit
	evidence string
}

func randomPairs(n int, seed uint64) []pair {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]pair, n)
	for i := range out {
		out[i].hit = sequence.Hit{
			Rule: int32(r.IntN(5)) - 1, Stage: int32(r.IntN(3)),
			Key:  fmt.Sprintf("key\x00%d", r.IntN(50)),
			Time: r.Int64N(1000) - 500, Tie: fmt.Sprint(r.IntN(9)), Ref: uint64(i) << 40,
		}
		if r.IntN(2) == 0 {
			out[i].evidence = fmt.Sprintf("evidence %d %0*d", i, r.IntN(40), 0)
		}
		if i%1000 == 999 { // empty texts, and one longer than any buffer
			out[i].hit.Key, out[i].hit.Tie = "", ""
			out[i].evidence = string(bytes.Repeat([]byte("x"), 300_000))
		}
	}
	return out
}

func comparePairs(a, b pair) int {
	return cmp.Or(
		cmp.Compare(a.hit.Rule, b.hit.Rule), cmp.Compare(a.hit.Key, b.hit.Key), a.hit.Compare(&b.hit),
		cmp.Compare(a.hit.Stage, b.hit.Stage), cmp.Compare(a.hit.Ref, b.hit.Ref))
}

func fill(t *testing.T, j *Journal, pairs []pair, writers int) {
	t.Helper()
	var wg sync.WaitGroup
	for k := range writers {
		w := j.Writer()
		wg.Go(func() {
			var key, tie, evidence []byte
			for i := k; i < len(pairs); i += writers {
				key = append(key[:0], pairs[i].hit.Key...)
				tie = append(tie[:0], pairs[i].hit.Tie...)
				evidence = append(evidence[:0], pairs[i].evidence...)
				h := pairs[i].hit
				h.Key, h.Tie = string(key), string(tie)
				if err := w.Append(&h, evidence); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func collect(t *testing.T, j *Journal) (out []pair) {
	t.Helper()
	for e, err := range j.Hits(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, pair{e.Hit, string(e.Evidence)})
	}
	return out
}

func TestHitsComeBackSorted(t *testing.T) {
	for _, c := range []struct{ n, budget, writers int }{
		{0, 0, 1}, {1, 0, 3}, {10_000, 0, 1}, {10_000, 1, 1}, {30_000, 1, 3}, {5_000, 200 << 10, 2},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			dir := t.TempDir()
			j := New(Options{Budget: c.budget, Dir: dir})
			pairs := randomPairs(c.n, uint64(c.n))
			fill(t, j, pairs, c.writers)
			if j.Len() != int64(c.n) {
				t.Errorf("%d hits", j.Len())
			}
			slices.SortFunc(pairs, comparePairs)
			for range 2 { // as often as wanted
				if got := collect(t, j); !slices.Equal(got, pairs) {
					t.Fatalf("%d hits come back, not the %d that went in, or in another order", len(got), len(pairs))
				}
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
			if err := j.Close(); err != nil {
				t.Error("second close:", err)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestGroups(t *testing.T) {
	j := New(Options{Budget: 1, Dir: t.TempDir()})
	defer j.Close()
	pairs := randomPairs(20_000, 7)
	fill(t, j, pairs, 2)
	slices.SortFunc(pairs, comparePairs)
	i, groups := 0, 0
	for g, err := range j.Groups(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		groups++
		end := i
		for end < len(pairs) && pairs[end].hit.Rule == g.Rule && pairs[end].hit.Key == g.Key {
			end++
		}
		if end == i {
			t.Fatalf("group %d %q is not the next one", g.Rule, g.Key)
		}
		limit := end
		if groups%3 == 0 { // some groups are left early, some never walked
			limit = i + 1
		}
		if groups%5 != 0 {
			for e := range g.Hits {
				if e.Hit != pairs[i].hit || string(e.Evidence) != pairs[i].evidence {
					t.Fatalf("hit %d is %+v, want %+v", i, e.Hit, pairs[i].hit)
				}
				if i++; i == limit {
					break
				}
			}
			if i != limit {
				t.Fatalf("group ends at %d, want %d", i, limit)
			}
		}
		i = end
	}
	if i != len(pairs) {
		t.Errorf("%d of %d hits in %d groups", i, len(pairs), groups)
	}
}

func TestHitsMayBeKept(t *testing.T) {
	j := New(Options{Budget: 1, Dir: t.TempDir()})
	defer j.Close()
	pairs := randomPairs(10_000, 3)
	fill(t, j, pairs, 1)
	slices.SortFunc(pairs, comparePairs)
	var kept []sequence.Hit
	for e := range j.Hits(context.Background()) {
		kept = append(kept, e.Hit)
	}
	for i, h := range kept {
		if h != pairs[i].hit {
			t.Fatalf("hit %d changed after it was given", i)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Run("no such folder", func(t *testing.T) {
		j := New(Options{Budget: 1, Dir: "/does/not/exist"})
		defer j.Close()
		w := j.Writer()
		var err error
		for i := 0; i < 10_000 && err == nil; i++ {
			err = w.Append(&sequence.Hit{Key: "key"}, nil)
		}
		if err == nil {
			t.Error("no error from a folder that does not exist")
		}
	})
	t.Run("truncated file", func(t *testing.T) {
		j := New(Options{Budget: 1, Dir: t.TempDir()})
		defer j.Close()
		fill(t, j, randomPairs(10_000, 5), 1)
		if err := j.writers[0].file.Truncate(j.writers[0].size / 2); err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range j.Groups(context.Background()) {
			last = err
		}
		if last == nil {
			t.Error("no error from a truncated file")
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		j := New(Options{})
		defer j.Close()
		fill(t, j, randomPairs(10, 5), 1)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for _, err := range j.Hits(ctx) {
			if err != context.Canceled {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestAppendAllocatesNothing(t *testing.T) {
	j := New(Options{Budget: 1 << 30, Dir: t.TempDir()})
	defer j.Close()
	w := j.Writer()
	h := sequence.Hit{Key: "a key of some length", Tie: "a tie", Time: 12}
	for range 10_000 {
		w.Append(&h, nil)
	}
	w.arena, w.offsets = w.arena[:0], w.offsets[:0]
	if n := testing.AllocsPerRun(5000, func() { w.Append(&h, nil) }); n > 0 {
		t.Errorf("%v allocations a hit", n)
	}
}

func BenchmarkAppendAndRead(b *testing.B) {
	j := New(Options{Budget: 8 << 20, Dir: b.TempDir()})
	defer j.Close()
	w := j.Writer()
	b.ReportAllocs()
	h := sequence.Hit{Key: "a key of some length", Tie: "a tie of 16 byte"}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b.N {
		h.Time, h.Ref, h.Rule = r.Int64N(1e12), uint64(i), int32(i%8)
		if err := w.Append(&h, nil); err != nil {
			b.Fatal(err)
		}
	}
	for _, err := range j.Hits(context.Background()) {
		if err != nil {
			b.Fatal(err)
		}
	}
}

// TestDrop: hits of dropped rules are gone, from memory and from runs.
func TestDrop(t *testing.T) {
	for _, budget := range []int{0, 1} {
		j := New(Options{Budget: budget, Dir: t.TempDir()})
		defer j.Close()
		pairs := randomPairs(10_000, 3)
		fill(t, j, pairs, 2)
		dead := func(rule int32) bool { return rule == 2 }
		j.Drop(dead)
		pairs = slices.DeleteFunc(pairs, func(p pair) bool { return dead(p.hit.Rule) })
		slices.SortFunc(pairs, comparePairs)
		if got := collect(t, j); !slices.Equal(got, pairs) {
			t.Errorf("budget %d: %d hits come back, not the %d of other rules", budget, len(got), len(pairs))
		}
	}
}
