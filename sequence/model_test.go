package sequence

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// model is a naive reading of the rules, from text to code: every key walks its
// sorted events with one slot a stage, and each candidate is then held against
// all `![…]` events. It shares nothing with the code under test but types.
func model(stages []StageSpec, o Options, hits []Hit) (out []string) {
	hits = slices.Clone(hits)
	sort.Slice(hits, func(i, j int) bool {
		a, b := hits[i], hits[j]
		return a.Time < b.Time || a.Time == b.Time && a.Tie < b.Tie
	})
	var pos []int
	for i, s := range stages {
		if !s.Missing {
			pos = append(pos, i)
		}
	}
	has := func(e []Hit, stage int) bool {
		return slices.ContainsFunc(e, func(h Hit) bool { return int(h.Stage) == stage })
	}
	slots := map[string][][]Hit{}
	for i := 0; i < len(hits); {
		n := i
		for n < len(hits) && hits[n].Time == hits[i].Time && hits[n].Tie == hits[i].Tie {
			n++
		}
		byKey := map[string][]Hit{}
		for _, h := range hits[i:n] {
			byKey[h.Key] = append(byKey[h.Key], h)
		}
		for key, e := range byKey {
			if slots[key] == nil {
				slots[key] = make([][]Hit, len(pos))
			}
			sl := slots[key]
			for p := len(pos) - 1; p >= 0; p-- {
				if !has(e, int(stages[pos[p]].Like)) {
					continue
				}
				part := []Hit{e[0]}
				if p > 0 {
					prev := sl[p-1]
					sl[p-1] = nil
					if prev == nil || o.MaxSpan > 0 && e[0].Time-prev[0].Time > int64(o.MaxSpan) {
						continue
					}
					part = append(slices.Clone(prev), e[0])
				}
				if p < len(pos)-1 {
					sl[p] = part
				} else if modelAccepts(stages, pos, o, part, hits) {
					out = append(out, show(key, part))
				}
			}
			if o.Until && has(e, len(stages)) {
				slots[key] = nil
			}
		}
		i = n
	}
	slices.Sort(out)
	return out
}

func modelAccepts(stages []StageSpec, pos []int, o Options, m []Hit, hits []Hit) bool {
	ms := func(t int64) int64 { return int64(math.Floor(float64(t) / 1e6)) }
	first, last := ms(m[0].Time), ms(m[len(m)-1].Time)
	lead, trail := stages[0].Missing, stages[len(stages)-1].Missing
	l, f := int64(math.MinInt64), int64(math.MaxInt64)
	for i, s := range stages {
		if !s.Missing {
			continue
		}
		before := sort.SearchInts(pos, i)
		for _, h := range hits {
			if h.Key != m[0].Key || h.Stage != s.Like {
				continue
			}
			t := ms(h.Time)
			switch {
			case before == 0 && t < first:
				l = max(l, t)
			case before == len(pos) && t > last:
				f = min(f, t)
			case before > 0 && before < len(pos) && t > ms(m[before-1].Time) && t < ms(m[before].Time):
				return false
			}
		}
	}
	span := int64(o.MaxSpan / time.Millisecond)
	noL, noF := l == math.MinInt64, f == math.MaxInt64
	return noL && noF || lead && noL || trail && noF || lead && trail && f-l > span ||
		lead && !trail && last-l > span || trail && !lead && f-first > span
}

func show(key string, hits []Hit) string {
	var b strings.Builder
	b.WriteString(key)
	for _, h := range hits {
		fmt.Fprintf(&b, " %d/%s", h.Time, h.Tie)
	}
	return b.String()
}

// rule is a random sequence.
type rule struct {
	stages []StageSpec
	o      Options
}

func drawRule(t *rapid.T) rule {
	n := rapid.IntRange(1, 4).Draw(t, "stages")
	r := rule{stages: make([]StageSpec, n)}
	anyMissing, positive := false, false
	for i := range r.stages {
		r.stages[i].Like = int32(i)
		r.stages[i].Missing = rapid.IntRange(0, 3).Draw(t, "missing") == 0
		if i > 0 && r.stages[i].Missing == r.stages[i-1].Missing && rapid.IntRange(0, 3).Draw(t, "run") == 0 {
			r.stages[i].Like = r.stages[i-1].Like
		}
		anyMissing = anyMissing || r.stages[i].Missing
		positive = positive || !r.stages[i].Missing
	}
	if !positive {
		for i := range r.stages {
			r.stages[i].Missing = false
		}
		anyMissing = false
	}
	r.o.Until = rapid.IntRange(0, 3).Draw(t, "until") == 0
	if anyMissing || rapid.Bool().Draw(t, "span") {
		r.o.MaxSpan = time.Duration(rapid.IntRange(1, 12).Draw(t, "maxspan")) * time.Millisecond
	}
	return r
}

// drawHits draws the hits of some events; an event has one to three of them.
func drawHits(t *rapid.T, r rule) (hits []Hit) {
	n := rapid.IntRange(0, 40).Draw(t, "events")
	keys := rapid.IntRange(1, 3).Draw(t, "keys")
	step := rapid.SampledFrom([]int64{1e6, 500_000}).Draw(t, "step")
	for i := range n {
		h := Hit{
			Time: step * int64(rapid.IntRange(-10, 50).Draw(t, "time")),
			Tie:  string(rune('a' + rapid.IntRange(0, 2).Draw(t, "tie"))),
			Ref:  uint64(i),
		}
		for range rapid.IntRange(1, 3).Draw(t, "hits") {
			h.Key = string(rune('x' + rapid.IntRange(0, keys-1).Draw(t, "key")))
			h.Stage = int32(rapid.IntRange(0, len(r.stages)).Draw(t, "stage"))
			if int(h.Stage) < len(r.stages) {
				h.Stage = r.stages[h.Stage].Like
			}
			hits = append(hits, h)
		}
	}
	return hits
}

func joinAll(spec *Spec, hits []Hit) (out []string) {
	byKey := map[string][]Hit{}
	for _, h := range hits {
		byKey[h.Key] = append(byKey[h.Key], h)
	}
	for key, list := range byKey {
		slices.SortFunc(list, func(a, b Hit) int { return a.Compare(&b) })
		for _, m := range Join(spec, list) {
			out = append(out, show(key, m.Hits))
		}
	}
	slices.Sort(out)
	return out
}

func TestJoinAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRule(t)
		hits := drawHits(t, r)
		got, want := joinAll(NewSpec(r.stages, r.o), hits), model(r.stages, r.o, hits)
		if !slices.Equal(got, want) {
			t.Fatalf("rule %+v\nhits %v\ngot  %q\nwant %q", r, hits, got, want)
		}
	})
}

// ledger applies changes and fails on a withdrawal of what was not reported.
type ledger map[string]int

func (l ledger) apply(t *rapid.T, restarted bool) func(Change) {
	return func(c Change) {
		id := show(c.Key, c.Hits)
		switch {
		case c.Withdrawn && l[id] == 0:
			t.Fatalf("withdrawn but not there: %s", id)
		case c.Withdrawn:
			delete(l, id)
		case l[id] > 0 && !restarted:
			t.Fatalf("reported twice: %s", id)
		default:
			l[id] = 1
		}
	}
}

func (l ledger) list() (out []string) {
	for id := range l {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func TestJoinerAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRule(t)
		hits := drawHits(t, r)
		spec := NewSpec(r.stages, r.o)
		arrival := rapid.Permutation(hits).Draw(t, "arrival")
		got := ledger{}
		every := rapid.IntRange(1, 6).Draw(t, "every")
		j := NewJoiner(spec)
		j.every = every
		settled := int64(math.MinInt64)
		for i := 0; i < len(arrival); {
			n := min(i+rapid.IntRange(1, 5).Draw(t, "batch"), len(arrival))
			for ; i < n; i++ {
				if !j.Add(arrival[i]) {
					t.Fatal("a hit was refused")
				}
			}
			if rapid.Bool().Draw(t, "settle") {
				settled = max(settled, int64(rapid.IntRange(-20, 60).Draw(t, "settled"))*1e6)
			}
			j.Flush(settled, got.apply(t, false))
			if !spec.Waits() { // reported as soon as the last hit is there
				if want := model(r.stages, r.o, arrival[:i]); !slices.Equal(got.list(), want) {
					t.Fatalf("after %d hits: rule %+v\nhits %v\ngot  %q\nwant %q", i, r, arrival[:i], got.list(), want)
				}
			}
			if rapid.IntRange(0, 6).Draw(t, "restart") == 0 {
				j = NewJoiner(spec)
				j.every = every
				for _, h := range arrival[:i] {
					j.Add(h)
				}
				j.Flush(settled, got.apply(t, true))
			}
		}
		restartedBefore := true
		j.Flush(math.MaxInt64, got.apply(t, restartedBefore))
		if want := model(r.stages, r.o, hits); !slices.Equal(got.list(), want) {
			t.Fatalf("rule %+v\nhits %v\ngot  %q\nwant %q", r, hits, got.list(), want)
		}
	})
}

// TestEvictionIsUnseen lets hits come late by less than the retention allows:
// the result is that of a joiner that never forgets.
func TestEvictionIsUnseen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRule(t)
		r.o.MaxSpan = max(r.o.MaxSpan, time.Millisecond)
		hits := drawHits(t, r)
		slices.SortStableFunc(hits, func(a, b Hit) int { return a.Compare(&b) })
		const late = int64(3 * time.Millisecond)
		// Arrival: each hit by its time plus a delay of less than late.
		type arrival struct {
			at int64
			h  Hit
		}
		var order []arrival
		for _, h := range hits {
			order = append(order, arrival{h.Time + rapid.Int64Range(0, late-1).Draw(t, "delay"), h})
		}
		slices.SortStableFunc(order, func(a, b arrival) int { return int(a.at - b.at) })
		got := ledger{}
		j := NewJoiner(NewSpec(r.stages, r.o))
		j.grain, j.every = int64(time.Millisecond), rapid.IntRange(1, 6).Draw(t, "every")
		now := int64(math.MinInt64)
		for _, a := range order {
			if !j.Add(a.h) {
				t.Fatal("a hit was refused")
			}
			now = max(now, a.h.Time)
			j.Flush(now-late, got.apply(t, false))
			j.Evict(now - late - int64(r.o.MaxSpan) - 1e6)
		}
		j.Flush(math.MaxInt64, got.apply(t, false))
		j.Evict(math.MaxInt64)
		if j.Keys() != 0 || j.Hits() != 0 {
			t.Fatalf("%d keys and %d hits are left", j.Keys(), j.Hits())
		}
		if want := model(r.stages, r.o, hits); !slices.Equal(got.list(), want) {
			t.Fatalf("rule %+v\nhits %v\ngot  %q\nwant %q", r, order, got.list(), want)
		}
	})
}
