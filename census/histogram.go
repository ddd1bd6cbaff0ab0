package census

import "slices"

// maxBins bounds the bins of a histogram; beyond it neighbours are put together.
const maxBins = 2048

// Histogram counts numbers in bins of equal width, which doubles as often as it
// takes to stay small. The order of additions plays no part in what it says, as
// bins only ever merge with the same neighbours.
type Histogram struct {
	Width int64 // of a bin
	bins  map[int64]int
	n     int
}

// NewHistogram returns an empty histogram whose bins are width wide at first.
func NewHistogram(width int64) *Histogram {
	return &Histogram{Width: width, bins: map[int64]int{}}
}

// Add counts a number.
func (h *Histogram) Add(x int64) { h.add(floorDiv(x, h.Width), 1) }

func (h *Histogram) add(bin int64, n int) {
	h.bins[bin] += n
	h.n += n
	for len(h.bins) > maxBins {
		h.widen()
	}
}

func (h *Histogram) widen() {
	wide := make(map[int64]int, len(h.bins)/2+1)
	for bin, n := range h.bins {
		wide[floorDiv(bin, 2)] += n
	}
	h.bins, h.Width = wide, 2*h.Width
}

// Merge adds another histogram of the same first width. It may widen o.
func (h *Histogram) Merge(o *Histogram) {
	for h.Width < o.Width {
		h.widen()
	}
	for o.Width < h.Width {
		o.widen()
	}
	for bin, n := range o.bins {
		h.bins[bin] += n
	}
	h.n += o.n
	for len(h.bins) > maxBins {
		h.widen()
	}
}

// Count is how many numbers were added.
func (h *Histogram) Count() int { return h.n }

// Bin is one bin with what it counted.
type Bin struct {
	From  int64 // its lower end; it is Width wide
	Count int
}

// Bins lists the bins that counted anything, in order.
func (h *Histogram) Bins() []Bin {
	out := make([]Bin, 0, len(h.bins))
	for bin, n := range h.bins {
		out = append(out, Bin{bin * h.Width, n})
	}
	slices.SortFunc(out, func(a, b Bin) int {
		if a.From < b.From {
			return -1
		}
		return 1
	})
	return out
}

// Quantile is the lower end of the bin that holds the number at share q of all,
// from 0 (least) to 1 (greatest). It is 0 of an empty histogram.
func (h *Histogram) Quantile(q float64) int64 {
	want := int(q * float64(h.n))
	seen := 0
	bins := h.Bins()
	for _, b := range bins {
		if seen += b.Count; seen > want {
			return b.From
		}
	}
	if len(bins) == 0 {
		return 0
	}
	return bins[len(bins)-1].From
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
