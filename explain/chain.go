package explain

import (
	"slices"
	"sort"
	"time"

	"github.com/tocsin-project/tocsin/clause"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/sequence"
)

// Bounds of the search for a stage's partners.
const (
	reachSpans   = 10          // maxspans that still count as near
	reachLeast   = time.Minute // at least
	reachWithout = 24 * time.Hour
	maxScan      = 256 // records looked at on each side
	maxTests     = 3   // different failing tests told of one anchor
)

// chain is one event a stage, of which at most one thing is wrong.
type chain struct {
	at    []*record // by positive stage; nil where there is none
	flaw  flaw      // kind sound for a match
	score float64   // the lower, the nearer
	match bool
}

// place names the events under one key of one stage.
type place struct {
	stage int32
	key   string
}

// part is a place whose key lacks one part.
type part struct {
	place
	missing int
}

// joiner puts the records of one rule together.
type joiner struct {
	rule     *engine.Rule
	program  *eql.Program
	positive []int32 // hit stage of each positive stage, in order
	number   []int   // index of it in Program.Stages
	maxspan  int64
	reach    int64
	tallies  map[int32]*tally // by hit stage
	whole    map[place][]*record
	faulty   map[place][]*record
	parts    map[part][]*record
	chains   []chain
	seen     map[string]bool
}

func newJoiner(rule *engine.Rule, tallies []*tally) *joiner {
	j := &joiner{
		rule: rule, program: rule.Program, maxspan: int64(rule.Program.MaxSpan),
		tallies: map[int32]*tally{}, whole: map[place][]*record{}, faulty: map[place][]*record{},
		parts: map[part][]*record{}, seen: map[string]bool{},
	}
	j.reach = max(reachSpans*j.maxspan, int64(reachLeast))
	if j.maxspan == 0 {
		j.reach = int64(reachWithout)
	}
	hit := int32(0)
	for i := range j.program.Stages {
		st := &j.program.Stages[i]
		if i == 0 || j.program.Stages[i-1].Step != st.Step {
			hit = int32(i)
		}
		if !st.Missing {
			j.positive = append(j.positive, hit)
			j.number = append(j.number, i)
		}
	}
	for _, t := range tallies {
		j.tallies[t.probe.stage] = t
	}
	return j
}

// ordered reports whether the order of the stages counts.
func (j *joiner) ordered() bool { return j.program.Kind == eql.Sequence }

// run finds the matches, then what nearly was one.
func (j *joiner) run() []chain {
	for _, t := range j.tallies {
		j.index(t)
	}
	j.joinAll()
	for _, s := range slices.Compact(slices.Clone(j.positive)) {
		t := j.tallies[s]
		for _, r := range t.hits.sorted() {
			if !r.matched {
				j.anchor(r)
			}
		}
		for _, test := range t.probe.tree.Tests() {
			if f := t.faults[test]; f != nil {
				for _, r := range f.sorted() {
					j.anchor(r)
				}
			}
		}
	}
	sort.SliceStable(j.chains, func(a, b int) bool { return j.chains[a].less(&j.chains[b]) })
	return j.chains
}

// less orders by nearness, then time, then place.
func (c *chain) less(o *chain) bool {
	if c.score != o.score {
		return c.score < o.score
	}
	return c.first().compare(o.first()) < 0
}

func (c *chain) first() *record {
	for _, r := range c.at {
		if r != nil {
			return r
		}
	}
	return &record{}
}

func (j *joiner) index(t *tally) {
	for _, r := range t.hits.sorted() {
		if r.keyless != "" {
			continue
		}
		p := place{r.stage, r.key}
		if r.excuse != 0 {
			j.faulty[p] = append(j.faulty[p], r)
			continue
		}
		j.whole[p] = append(j.whole[p], r)
		for i, key := range without(r.key) {
			j.parts[part{place{r.stage, key}, i}] = append(j.parts[part{place{r.stage, key}, i}], r)
		}
	}
	for _, test := range t.probe.tree.Tests() {
		if f := t.faults[test]; f != nil {
			for _, r := range f.sorted() {
				p := place{r.stage, r.key}
				j.faulty[p] = append(j.faulty[p], r)
			}
		}
	}
	for p, list := range j.faulty {
		if p.stage == t.probe.stage {
			slices.SortFunc(list, (*record).compare)
		}
	}
}

// without lists a key with each of its parts taken out; none for keys of one part.
func without(key string) []string {
	values := sequence.KeyValues(key)
	if len(values) < 2 {
		return nil
	}
	out := make([]string, len(values))
	for i := range values {
		var b []byte
		for k, v := range values {
			if k != i {
				b = sequence.AppendKey(b, v)
			}
		}
		out[i] = string(b)
	}
	return out
}

// joinAll finds the matches, as a scan does.
func (j *joiner) joinAll() {
	byKey := map[string][]*record{}
	for p, list := range j.whole {
		byKey[p.key] = append(byKey[p.key], list...)
	}
	for _, list := range byKey {
		slices.SortFunc(list, (*record).compare)
		if j.rule.Spec == nil {
			for _, r := range list {
				j.matched([]*record{r})
			}
			continue
		}
		hits := make([]sequence.Hit, len(list))
		for i, r := range list {
			hits[i] = sequence.Hit{Stage: r.stage, Key: r.key, Time: r.time, Tie: r.tie, Ref: uint64(i)}
		}
		for _, m := range sequence.Join(j.rule.Spec, hits) {
			at := make([]*record, len(m.Hits))
			for i := range m.Hits {
				at[i] = list[m.Hits[i].Ref]
			}
			j.matched(at)
		}
	}
}

func (j *joiner) matched(at []*record) {
	c := chain{at: at, match: true}
	for _, r := range at {
		r.matched = true
		if r.excuseMatch != 0 && c.match {
			c.match, c.flaw = false, flaw{kind: Excused, rec: r, scopeMatch: true}
		}
	}
	if c.match && j.border(at) {
		j.add(chain{at: at, flaw: flaw{kind: Border, ms: between(at[0], at[len(at)-1])}})
	}
	j.add(c)
}

// border reports whether whole seconds leave open that a match is longer than
// maxspan.
func (j *joiner) border(at []*record) bool {
	if j.maxspan == 0 || len(at) < 2 {
		return false
	}
	first, last := at[0], at[len(at)-1]
	_, high := distance(first, last)
	return high > j.maxspan
}

// distance is what the real time between two events may be, in nanoseconds,
// where clocks with whole seconds leave it open: at least low, at most high.
func distance(a, b *record) (low, high int64) {
	low = b.time - a.time
	high = low
	if b.coarse {
		high += int64(time.Second)
	}
	if a.coarse {
		low -= int64(time.Second)
	}
	return low, high
}

// anchor finds what a record is nearly part of.
func (j *joiner) anchor(r *record) {
	if r.keyless != "" {
		j.add(j.alone(r, flaw{kind: NoKey, stage: r.stage, field: r.keyless}))
		return
	}
	for _, pos := range j.positions(r.stage) {
		at := make([]*record, len(j.positive))
		at[pos] = r
		gaps := j.fill(at, pos)
		switch {
		case !r.whole() && len(gaps) > 0:
			continue // two flaws
		case r.excuse != 0:
			j.add(chain{at: at, flaw: flaw{kind: Excused, rec: r, stage: int32(pos)}})
		case r.fault != nil:
			j.add(chain{at: at, flaw: flaw{kind: Predicate, rec: r, stage: int32(pos)}})
		case len(gaps) == 0:
			j.add(chain{at: at, flaw: j.taken(at, pos)})
		case len(gaps) == 1:
			j.nearly(at, pos, gaps[0])
		default:
			j.add(chain{at: at, flaw: flaw{kind: Missing, stage: int32(gaps[0])}})
		}
	}
}

// alone is a chain of one record.
func (j *joiner) alone(r *record, f flaw) chain {
	at := make([]*record, len(j.positive))
	pos := j.positions(r.stage)[0]
	at[pos] = r
	f.rec, f.stage = r, int32(pos)
	return chain{at: at, flaw: f}
}

// positions are the positive stages that hits of a stage stand for; of a run
// only the first and the last are looked at.
func (j *joiner) positions(stage int32) []int {
	var out []int
	for i, s := range j.positive {
		if s == stage {
			out = append(out, i)
		}
	}
	if len(out) > 2 {
		out = []int{out[0], out[len(out)-1]}
	}
	return out
}

// fill gives each other stage the nearest event that is right for it, and
// returns the stages that have none.
func (j *joiner) fill(at []*record, pos int) (gaps []int) {
	anchor := at[pos]
	from := anchor
	for i := pos + 1; i < len(at); i++ {
		if at[i] = j.partner(place{j.positive[i], anchor.key}, from, anchor, 1); at[i] != nil {
			from = at[i]
		} else {
			gaps = append(gaps, i)
		}
	}
	from = anchor
	for i := pos - 1; i >= 0; i-- {
		if at[i] = j.partner(place{j.positive[i], anchor.key}, from, anchor, -1); at[i] != nil {
			from = at[i]
		} else {
			gaps = append(gaps, i)
		}
	}
	return gaps
}

// partner is the nearest whole event of a place beyond from, within maxspan of
// the anchor. direction is 1 for later events, -1 for earlier ones.
func (j *joiner) partner(p place, from, anchor *record, direction int) *record {
	return j.nearest(j.whole[p], from, func(r *record) bool {
		c := r.compare(from) * direction
		return (c > 0 || !j.ordered() && c != 0) && (j.maxspan == 0 || abs(r.time-anchor.time) <= j.maxspan)
	})
}

// nearest is the record nearest in time that is fit.
func (j *joiner) nearest(list []*record, to *record, fit func(*record) bool) (best *record) {
	mid := sort.Search(len(list), func(i int) bool { return list[i].compare(to) >= 0 })
	look := func(r *record) bool {
		d := abs(r.time - to.time)
		if d > j.reach || best != nil && d >= abs(best.time-to.time) {
			return false
		}
		if fit(r) {
			best = r
			return false
		}
		return true
	}
	for i := mid; i < min(len(list), mid+maxScan) && look(list[i]); i++ {
	}
	for i := mid - 1; i >= max(0, mid-maxScan) && look(list[i]); i-- {
	}
	return best
}

// nearly tells what comes nearest to filling the one gap of a chain.
func (j *joiner) nearly(at []*record, pos, gap int) {
	anchor := at[pos]
	p := place{j.positive[gap], anchor.key}
	with := func(r *record, f flaw) {
		full := slices.Clone(at)
		full[gap] = r
		f.stage = int32(gap)
		j.add(chain{at: full, flaw: f})
	}
	found := false
	if r := j.nearest(j.whole[p], anchor, func(r *record) bool { return r.compare(anchor) != 0 }); r != nil {
		found = true
		with(r, j.late(at, gap, r))
	}
	tests := map[*clause.Test]bool{}
	for range maxTests {
		r := j.nearest(j.faulty[p], anchor, func(r *record) bool {
			return !tests[r.fault] && j.within(at, gap, r)
		})
		if r == nil {
			break
		}
		tests[r.fault], found = true, true
		kind := Predicate
		if r.excuse != 0 {
			kind = Excused
		}
		with(r, flaw{kind: kind, rec: r})
	}
	if found {
		return
	}
	for i, key := range without(anchor.key) {
		list := j.parts[part{place{p.stage, key}, i}]
		if r := j.nearest(list, anchor, func(r *record) bool { return j.within(at, gap, r) }); r != nil {
			with(r, flaw{kind: KeyDiffers, rec: r, part: i, other: anchor, otherStage: int32(pos)})
			return
		}
	}
	with(nil, flaw{kind: Missing, nearby: j.nearest(j.faulty[p], anchor, func(*record) bool { return true })})
}

// within reports whether a record would stand in the right order and span at a
// gap.
func (j *joiner) within(at []*record, gap int, r *record) bool {
	for i, o := range at {
		if o == nil {
			continue
		}
		if c := r.compare(o); c == 0 || j.ordered() && (c > 0) != (gap > i) {
			return false
		}
		if j.maxspan > 0 && abs(r.time-o.time) > j.maxspan {
			return false
		}
	}
	return true
}

// late says how a record that is right but for its time misses.
func (j *joiner) late(at []*record, gap int, r *record) flaw {
	f := flaw{kind: Span, rec: r}
	for i, o := range at {
		if o == nil {
			continue
		}
		if c := r.compare(o); j.ordered() && (c > 0) != (gap > i) {
			f.kind, f.other, f.otherStage = Order, o, int32(i)
			f.ms = abs(between(r, o))
			return f
		}
		if d := abs(r.time - o.time); f.other == nil || d > abs(r.time-f.other.time) {
			f.other, f.otherStage, f.ms = o, int32(i), abs(between(r, o))
		}
	}
	return f
}

// taken says why a chain without a flaw of its own is no match.
func (j *joiner) taken(at []*record, pos int) flaw {
	first, last := at[0], at[len(at)-1]
	if u := j.among(int32(len(j.program.Stages)), first.key, first.time, last.time); u != nil {
		return flaw{kind: Until, rec: u}
	}
	for i := range j.program.Stages {
		st := &j.program.Stages[i]
		if !st.Missing {
			continue
		}
		if r := j.among(int32(i), first.key, first.time-j.maxspan, first.time+j.maxspan); r != nil {
			return flaw{kind: Present, rec: r, stage: int32(i)}
		}
	}
	if pos+1 < len(at) && j.newer(at[pos], at[pos+1]) {
		return flaw{kind: Replaced, rec: at[pos], stage: int32(pos)}
	}
	for i, r := range at {
		if i != pos && r.matched {
			return flaw{kind: Used, rec: r, stage: int32(i)}
		}
	}
	return flaw{kind: Replaced, rec: at[pos], stage: int32(pos)}
}

// newer reports whether an event of the same stage and key comes between two.
func (j *joiner) newer(r, next *record) bool {
	list := j.whole[place{r.stage, r.key}]
	i := sort.Search(len(list), func(i int) bool { return list[i].compare(r) > 0 })
	return i < len(list) && list[i].compare(next) < 0
}

// among is the first event of a stage under a key within a time.
func (j *joiner) among(stage int32, key string, from, to int64) *record {
	for _, r := range j.whole[place{stage, key}] {
		if r.time >= from && r.time <= to {
			return r
		}
	}
	return nil
}

// add keeps a chain once.
func (j *joiner) add(c chain) {
	id := c.flaw.kind.String()
	for _, r := range c.at {
		if r == nil {
			id += "|"
			continue
		}
		id += "|" + r.tie + r.key
	}
	if j.seen[id] {
		return
	}
	j.seen[id] = true
	c.score = j.score(&c)
	j.chains = append(j.chains, c)
}

func abs(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}

func millis(ns int64) int64 { return ns / int64(time.Millisecond) }

// between is the time from one event to another in milliseconds, as their times
// are written out.
func between(a, b *record) int64 { return millis(b.time) - millis(a.time) }
