package census_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/tocsin-project/tocsin/census"
)

// TestHistogramMerges: however numbers are dealt out to histograms, and merged,
// the bins are those of one that saw them all.
func TestHistogramMerges(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, spread := range []int64{10, 3000, 1 << 20, 1 << 50} {
		all := census.NewHistogram(1)
		parts := []*census.Histogram{census.NewHistogram(1), census.NewHistogram(1), census.NewHistogram(1)}
		for range 20_000 {
			x := rng.Int64N(2*spread) - spread
			all.Add(x)
			parts[rng.IntN(3)].Add(x)
		}
		sum := census.NewHistogram(1)
		for _, p := range parts {
			sum.Merge(p)
		}
		if all.Width != sum.Width || !reflect.DeepEqual(all.Bins(), sum.Bins()) || all.Count() != sum.Count() {
			t.Errorf("spread %d: width %d and %d, %d and %d bins", spread, all.Width, sum.Width, len(all.Bins()), len(sum.Bins()))
		}
		if len(all.Bins()) > 2048 {
			t.Errorf("spread %d: %d bins", spread, len(all.Bins()))
		}
	}
}

func TestQuantile(t *testing.T) {
	h := census.NewHistogram(1)
	if h.Quantile(0.5) != 0 {
		t.Error("of nothing")
	}
	for i := range int64(101) {
		h.Add(i - 50)
	}
	for q, want := range map[float64]int64{0: -50, 0.5: 0, 0.99: 49, 1: 50} {
		if got := h.Quantile(q); got != want {
			t.Errorf("quantile %v: %d, want %d", q, got, want)
		}
	}
}
