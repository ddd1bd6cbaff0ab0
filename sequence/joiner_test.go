package sequence

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// sampleModel finds the samples of one key by trying everything: the first max
// sets of pairwise different events in the order of the filters' candidates.
func sampleModel(stages, limit int, hits []Hit) (out []string) {
	hits = slices.Clone(hits)
	slices.SortFunc(hits, func(a, b Hit) int { return a.Compare(&b) })
	seen := map[string]bool{}
	var choose func(chosen []Hit)
	choose = func(chosen []Hit) {
		if len(out) == limit {
			return
		}
		if len(chosen) == stages {
			set := slices.Clone(chosen)
			slices.SortFunc(set, func(a, b Hit) int { return a.Compare(&b) })
			if id := show("", set); !seen[id] {
				seen[id] = true
				out = append(out, show(chosen[0].Key, chosen))
			}
			return
		}
		for _, h := range hits {
			same := func(o Hit) bool { return o.Compare(&h) == 0 }
			if int(h.Stage) == len(chosen) && !slices.ContainsFunc(chosen, same) {
				choose(append(chosen[:len(chosen):len(chosen)], h))
			}
		}
	}
	choose(nil)
	return out
}

func TestSamplesAgreeWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 3).Draw(t, "stages")
		limit := rapid.IntRange(1, 4).Draw(t, "max")
		spec := plain(n, Options{Sample: true, MaxSamplesPerKey: limit})
		var hits []Hit
		for range rapid.IntRange(0, 25).Draw(t, "hits") {
			hits = append(hits, Hit{
				Stage: int32(rapid.IntRange(0, n-1).Draw(t, "stage")),
				Key:   string(rune('x' + rapid.IntRange(0, 1).Draw(t, "key"))),
				Time:  int64(rapid.IntRange(0, 9).Draw(t, "time")),
			})
		}
		byKey := map[string][]Hit{}
		for _, h := range hits {
			byKey[h.Key] = append(byKey[h.Key], h)
		}
		var want []string
		for _, list := range byKey {
			want = append(want, sampleModel(n, limit, list)...)
		}
		slices.Sort(want)
		if got := joinAll(spec, hits); !slices.Equal(got, want) {
			t.Fatalf("%d stages, max %d\nhits %v\ngot  %q\nwant %q", n, limit, hits, got, want)
		}

		// And in any order, a few at a time.
		j, got := NewJoiner(spec), ledger{}
		for i, h := range rapid.Permutation(hits).Draw(t, "arrival") {
			j.Add(h)
			if i%3 == 2 {
				j.Flush(math.MinInt64, got.apply(t, false))
			}
		}
		j.Flush(math.MinInt64, got.apply(t, false))
		if !slices.Equal(got.list(), want) {
			t.Fatalf("joiner: %d stages, max %d\nhits %v\ngot  %q\nwant %q", n, limit, hits, got.list(), want)
		}
		j.Evict(math.MaxInt64)
		if j.Keys() != 0 || j.Hits() != 0 {
			t.Fatalf("%d keys and %d hits are left", j.Keys(), j.Hits())
		}
	})
}

// TestSampleOfEqualFilters: filters that all match the same events give n! ways
// to write each set; the search must end all the same.
func TestSampleOfEqualFilters(t *testing.T) {
	const n = 9
	var hits []Hit
	for event := range n {
		for stage := range n {
			hits = append(hits, Hit{Stage: int32(stage), Time: int64(event)})
		}
	}
	if got := Join(plain(n, Options{Sample: true, MaxSamplesPerKey: 5}), hits); len(got) != 1 {
		t.Errorf("%d samples", len(got))
	}
	if got := Join(plain(n, Options{Sample: true}), hits[:n*(n-1)]); len(got) != 0 {
		t.Errorf("%d samples of too few events", len(got))
	}
}

// TestHotKey joins many hits of one key, some of them late, past many checkpoints.
func TestHotKey(t *testing.T) {
	for _, o := range []Options{{}, {MaxSpan: 40 * time.Millisecond}, {MaxSpan: 3 * time.Second, Until: true}} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			spec := plain(3, o)
			var hits, late []Hit
			for i := range 5000 {
				h := Hit{Stage: int32(i * 7 % 11 % 4), Time: int64(i) * 1e6, Tie: "tie", Ref: uint64(i)}
				if h.Stage == 3 && i%5 != 0 {
					h.Stage = 0
				}
				if i%97 == 13 {
					late = append(late, h)
					continue
				}
				hits = append(hits, h)
			}
			j, got := NewJoiner(spec), map[string]bool{}
			apply := func(c Change) {
				if id := show(c.Key, c.Hits); c.Withdrawn {
					delete(got, id)
				} else {
					got[id] = true
				}
			}
			for _, h := range append(hits, late...) {
				j.Add(h)
				j.Flush(math.MinInt64, apply)
			}
			j.Flush(math.MaxInt64, apply)
			stages := make([]StageSpec, 3)
			for i := range stages {
				stages[i].Like = int32(i)
			}
			want := model(stages, o, append(hits, late...))
			if len(got) != len(want) || len(want) == 0 {
				t.Errorf("%d matches, want %d", len(got), len(want))
			}
			for _, id := range want {
				if !got[id] {
					t.Fatalf("missing %s", id)
				}
			}
			if n := j.Hits(); n != 5000-notPositive(spec, append(hits, late...)) {
				t.Errorf("%d hits kept", n)
			}
		})
	}
}

// notPositive counts hits that the spec has no use for.
func notPositive(s *Spec, hits []Hit) (n int) {
	for i := range hits {
		if h := &hits[i]; int(h.Stage) >= s.Len() && !s.isUntil(h) {
			n++
		}
	}
	return n
}

func TestJoinerRefusesWhatWasEvicted(t *testing.T) {
	j := NewJoiner(plain(2, Options{MaxSpan: time.Second}))
	j.Add(Hit{Time: 10e9, Key: "k"})
	j.Flush(math.MinInt64, func(Change) {})
	j.Evict(9e9)
	if j.Keys() != 1 || j.Add(Hit{Time: 8e9}) || !j.Add(Hit{Time: 9e9}) {
		t.Error("the bound of eviction is not held")
	}
	j.Evict(20e9) // the hit that has not acted yet stays
	n := 0
	j.Add(Hit{Time: 9.5e9, Stage: 1})
	j.Flush(math.MinInt64, func(Change) { n++ })
	if n != 1 {
		t.Errorf("%d matches", n)
	}
	j.Evict(math.MinInt64)
	j.Evict(math.MaxInt64)
	if j.Keys() != 0 || j.Hits() != 0 {
		t.Errorf("%d keys and %d hits are left", j.Keys(), j.Hits())
	}
}

// TestExtremeTimes: the ends of the range of time overflow nothing.
func TestExtremeTimes(t *testing.T) {
	spec := plain(2, Options{MaxSpan: time.Hour})
	j, n := NewJoiner(spec), 0
	for _, at := range []int64{math.MinInt64, math.MinInt64 + 1, 0, math.MaxInt64 - 1, math.MaxInt64} {
		j.Add(Hit{Time: at, Tie: "0"})
		j.Add(Hit{Time: at, Tie: "1", Stage: 1})
	}
	j.Flush(math.MaxInt64, func(Change) { n++ })
	if n != 5 {
		t.Errorf("%d matches", n)
	}
}

// TestTable puts keys in and takes them out at random, beside a map.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := NewJoiner(plain(2, Options{}))
		want := map[string]uint32{}
		for range rapid.IntRange(0, 600).Draw(t, "steps") {
			key := fmt.Sprint(rapid.IntRange(0, 200).Draw(t, "key"))
			hash := j.table.hash(key)
			n, ok := j.table.find(j.lanes, key, hash)
			if w, has := want[key]; has != ok || ok && w != n {
				t.Fatalf("%s: %d %v, want %d %v", key, n, ok, w, has)
			}
			switch {
			case !ok:
				want[key] = j.newLane(key, hash)
			case rapid.Bool().Draw(t, "remove"):
				j.dropLane(n)
				delete(want, key)
			}
		}
		if j.Keys() != len(want) || j.table.used != len(want) {
			t.Fatalf("%d keys, want %d", j.Keys(), len(want))
		}
	})
}
