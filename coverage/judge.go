package coverage

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/census"
	"github.com/tocsin-project/tocsin/clause"
	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/pipeline"
)

// judge holds rules against what arrived.
type judge struct {
	run     *Coverage
	census  *census.Census
	counter *counter
	schema  *event.Schema
	rules   []rule
	kinds   []*kind
	model   map[*kind]*event.Event // what all events of a kind hold
	hosts   []*view
}

func newJudge(c *Coverage, n *counter, rules []rule) (*judge, error) {
	j := &judge{run: c, census: n.census, counter: n, schema: c.Engine.Schema(), rules: rules, model: map[*kind]*event.Event{}}
	all := kinds()
	for i := range all {
		k := &all[i]
		ev := event.New(j.schema)
		d := ecs.NewDecoder(j.schema, ecs.Options{Native: c.Native}) // its texts live as long as the event
		if err := d.JSON([]byte(k.document()), ev); err != nil {
			return nil, fmt.Errorf("model %s: %w", k.name(), err)
		}
		j.kinds, j.model[k] = append(j.kinds, k), ev
	}
	for i := range j.rules {
		for s := range j.rules[i].stages {
			st := &j.rules[i].stages[s]
			for _, k := range j.kinds {
				if j.suits(st, k) {
					st.kinds = append(st.kinds, k)
				}
			}
		}
	}
	for _, h := range n.census.Hosts {
		j.hosts = append(j.hosts, newView(h, j.kinds))
	}
	sort.Slice(j.hosts, func(a, b int) bool { return j.hosts[a].host.ID < j.hosts[b].host.ID })
	return j, nil
}

// suits reports whether events of a kind could satisfy a stage at all.
func (j *judge) suits(st *stage, k *kind) bool {
	model := j.model[k]
	if slot, ok := st.stage.CategorySlot(); ok &&
		!slices.ContainsFunc(model.Values(slot), func(v event.Value) bool { return v.S == st.stage.Category }) {
		return false
	}
	for _, key := range st.stage.Keys {
		if !key.Optional && k.never(key.Name) {
			return false
		}
	}
	a, _ := st.tree.Possible(func(t *clause.Test) clause.Answer {
		for _, f := range t.Fields {
			if !constant(f) && !k.never(f) {
				return clause.Maybe
			}
		}
		return answer(t.Holds(model))
	})
	return a != clause.No
}

func answer(yes bool) clause.Answer {
	if yes {
		return clause.Yes
	}
	return clause.No
}

// synthesizes reports whether events of a kind have made-up identities, which
// join under the variant native.
func (j *judge) synthesizes(k *kind) bool {
	return j.run.Native && k.channel == securityLog && (k.code == "5156" || k.code == "4688" || k.code == "4689")
}

// view is one host's arrivals by kind.
type view struct {
	host     *census.Host
	events   int
	first    int64
	last     int64
	kinds    map[*kind]*census.Arrivals
	channels map[string]int // events by folded channel
	families map[family]int
	clocks   []Clock
	gaps     []Gap
	zone     int64 // the log's zone fault in milliseconds (Clock)
}

func newView(h *census.Host, all []*kind) *view {
	v := &view{host: h, kinds: map[*kind]*census.Arrivals{}, channels: map[string]int{}, families: map[family]int{}}
	byName := map[census.Source]*kind{}
	for _, k := range all {
		byName[census.Source{Channel: strings.ToLower(k.channel), Code: k.code}] = k
	}
	for s, a := range h.Sources {
		channel := strings.ToLower(s.Channel)
		v.events += a.Events
		v.channels[channel] += a.Events
		v.families[familyOf(s.Channel, "")] += a.Events
		if a.First != 0 && (v.first == 0 || a.First < v.first) {
			v.first = a.First
		}
		v.last = max(v.last, a.Last)
		k := byName[census.Source{Channel: channel, Code: s.Code}]
		if k == nil {
			continue
		}
		if v.kinds[k] == nil {
			v.kinds[k] = a
			continue
		}
		both := *v.kinds[k] // one log under two spellings
		both.Events += a.Events
		both.Fields = slices.Clone(both.Fields)
		for i, w := range a.Fields {
			if i < len(both.Fields) {
				both.Fields[i] |= w
			}
		}
		v.kinds[k] = &both
	}
	v.watch()
	return v
}

// level is how well one kind of events feeds a stage.
type level int

const (
	nothing  level = iota // it does not arrive, or not with the fields it takes
	unseen                // none arrived, which proves nothing
	filtered              // it arrives, but a filter may leave out what matters
	fed                   // it arrives with all that is needed
	proven                // events of it satisfy the stage
)

func (l level) status() Status {
	switch {
	case l >= fed:
		return Covered
	case l == nothing:
		return Blind
	}
	return Unproven
}

// thin is how many events of a log are too few to miss others in it.
const thin = 20

// feed is what one family gives one stage on one host.
type feed struct {
	level     level
	kinds     []*kind // that arrive
	events    int
	satisfied int
	missing   []string // fields
	reason    string
	fixes     []fix

	away       bool // its whole log does not arrive
	impossible bool // none of the kinds could satisfy the stage
}

// feedOf judges what a set of kinds gives a stage on a host.
func (j *judge) feedOf(v *view, r int, st *stage, allowed func(*kind) bool, made bool) feed {
	best := feed{impossible: true}
	common := map[family]bool{} // which usually tells, so that a rare event's absence need not count
	for _, k := range st.kinds {
		if allowed(k) && !k.rare && !k.always {
			common[k.family] = true
		}
	}
	for _, k := range st.kinds {
		if !allowed(k) || k.rare && common[k.family] && v.kinds[k] == nil {
			continue
		}
		f := j.kindFeed(v, st, k)
		switch {
		case best.impossible:
			best = f
		case f.level >= filtered && best.level >= filtered:
			best.kinds = append(best.kinds, k)
			best.events += f.events
			best.level = max(best.level, f.level)
		case f.level > best.level || f.level == best.level && best.away && !f.away:
			best = f
		case f.level == best.level && f.away == best.away && !strings.Contains(best.reason, f.reason):
			best.reason += ", " + f.reason
			best.fixes = append(best.fixes, f.fixes...)
		}
	}
	if best.satisfied = j.satisfied(v, r, st, allowed, made); best.satisfied > 0 {
		best.level, best.reason, best.fixes, best.missing, best.impossible = proven, "", nil, nil, false
	}
	if best.impossible {
		best.reason = "no event that is known here can satisfy it"
	}
	return best
}

// satisfied counts the events of allowed kinds that satisfy a stage on a host.
func (j *judge) satisfied(v *view, r int, st *stage, allowed func(*kind) bool, made bool) (n int) {
	h := j.counter.hits[v.host.ID][int64(r)<<16|int64(st.index)]
	if h == nil {
		return 0
	}
	for f, count := range h.byFamily {
		if f == native {
			count -= h.synthesized
		}
		if allowed(&kind{family: f}) {
			n += count
		}
	}
	if made && allowed(&kind{family: native, channel: securityLog, code: "4688"}) {
		n += h.synthesized
	}
	return n
}

// kindFeed judges one kind.
func (j *judge) kindFeed(v *view, st *stage, k *kind) feed {
	a := v.kinds[k]
	if a == nil || a.Events == 0 {
		return j.absent(v, st, k)
	}
	f := feed{events: a.Events, kinds: []*kind{k}}
	for _, key := range st.stage.Keys {
		if !key.Optional && !a.Has(key.Slot) && !slices.Contains(f.missing, key.Name) {
			f.missing = append(f.missing, key.Name)
		}
	}
	_, blockers := st.tree.Possible(func(t *clause.Test) clause.Answer {
		seen := true
		for i, slot := range t.Slots {
			seen = seen && (constant(t.Fields[i]) || a.Has(slot))
		}
		known := !slices.ContainsFunc(t.Fields, func(name string) bool { return !constant(name) })
		if seen && !known {
			return clause.Maybe
		}
		return answer(t.Holds(j.model[k]))
	})
	for _, t := range blockers {
		for i, name := range t.Fields {
			if !a.Has(t.Slots[i]) && !slices.Contains(f.missing, name) {
				f.missing = append(f.missing, name)
			}
		}
	}
	switch {
	case len(f.missing) > 0 && a.Events < thin && !slices.Contains(f.missing, "process.entity_id"):
		f.level = unseen
		f.reason = fmt.Sprintf("%s arrives (%d), never yet with %s", k.name(), a.Events, strings.Join(f.missing, ", "))
		f.fixes = fieldFixes(k, f.missing)
	case len(f.missing) > 0:
		f.reason = fmt.Sprintf("%s arrives (%d), never with %s", k.name(), a.Events, strings.Join(f.missing, ", "))
		f.fixes = fieldFixes(k, f.missing)
	case k.filtered:
		f.level = filtered
		f.reason = fmt.Sprintf("%s arrives (%d), but none satisfies the stage: its filter may leave them out", k.name(), a.Events)
		f.fixes = []fix{st.fixFor(k)}
	default:
		f.level = fed
	}
	return f
}

// absent judges a kind of which nothing arrived.
func (j *judge) absent(v *view, st *stage, k *kind) feed {
	n := v.channels[strings.ToLower(k.channel)]
	if k.family == defend {
		n = v.families[defend]
	}
	f := feed{fixes: []fix{st.fixFor(k)}, away: n == 0}
	switch {
	case n == 0 && k.family == defend:
		f.reason = "no Elastic Defend"
	case n == 0 && k.family == sysmon:
		f.reason = "no Sysmon"
	case n == 0:
		f.reason = fmt.Sprintf("no %s log", short(k.channel))
	case k.always:
		f.level, f.fixes, f.kinds = fed, nil, []*kind{k}
	case k.rare:
		f.level = unseen
		f.reason = fmt.Sprintf("no %s seen, which may only mean that none happened", k.name())
	case n < thin:
		f.level = unseen
		f.reason = fmt.Sprintf("no %s among only %d events of its log", k.name(), n)
	default:
		f.reason = fmt.Sprintf("no %s among %d events of its log", k.name(), n)
	}
	return f
}

// plan is one way to feed all stages of a rule.
type plan struct {
	feeds   []feed
	status  Status
	sum     int
	reasons []string

	impossible bool   // some stage cannot be satisfied so
	away       bool   // nothing that it takes arrives
	also       []feed // of other plans that are as far away
}

// variant judges a rule on every host, on sensors or on the native log.
func (j *judge) variant(r int, made bool) (Variant, bool) {
	rl := &j.rules[r]
	out := Variant{Variant: rl.Source.Variant, Native: made, Hosts: []Verdict{}}
	if !j.sensible(rl, made) {
		return out, false
	}
	for _, v := range j.hosts {
		verdict := j.verdict(v, r, made)
		switch verdict.Status {
		case Covered:
			out.Covered++
		case Unproven:
			out.Unproven++
		default:
			out.Blind++
		}
		out.Hosts = append(out.Hosts, verdict)
	}
	return out, true
}

// sensible reports whether a rule could ever match this way: on made-up
// identities only if some stage takes events that have them, on a sensor's
// only if some sensor has events for every stage.
func (j *judge) sensible(r *rule, made bool) bool {
	some, all, sensors := false, true, true
	for i := range r.stages {
		st := &r.stages[i]
		has := slices.ContainsFunc(st.kinds, j.synthesizes)
		some, all = some || has, all && has
		sensors = sensors && slices.ContainsFunc(st.kinds, func(k *kind) bool { return !j.synthesizes(k) })
	}
	if made {
		return some && (all || !r.entity)
	}
	return sensors || !some
}

// verdict finds the best plan of a rule on a host.
func (j *judge) verdict(v *view, r int, made bool) Verdict {
	rl := &j.rules[r]
	var best *plan
	for _, allowed := range j.plans(made) {
		p := j.plan(v, r, allowed, made)
		switch {
		case best == nil, best.impossible && !p.impossible:
			best = p
		case p.impossible && !best.impossible:
		case p.status.rank() > best.status.rank() || p.status == best.status && p.sum > best.sum:
			best = p
		case p.away && best.away: // say all that does not arrive
			best.reasons = append(best.reasons, p.reasons...)
			best.also = append(best.also, p.feeds...)
		}
	}
	if !rl.entity && len(rl.stages) > 1 { // several sensors, if one alone does less
		p := j.plan(v, r, func(k *kind) bool { return made || !j.synthesizes(k) }, made)
		if p.status.rank() > best.status.rank() || best.status == Blind && !best.away {
			best = p
		}
	}
	out := Verdict{Host: v.host.ID, Status: best.status, Reasons: best.reasons, Stages: []StageVerdict{}}
	if out.Reasons == nil {
		out.Reasons = []string{}
	}
	for i := range best.feeds {
		f := &best.feeds[i]
		sv := StageVerdict{Stage: rl.stages[i].index + 1, Status: f.level.status(), Sources: []string{}, Events: f.events,
			Satisfied: f.satisfied, Missing: append([]string{}, f.missing...), Reason: f.reason}
		for _, k := range f.kinds {
			sv.Sources = append(sv.Sources, k.name())
		}
		out.Stages = append(out.Stages, sv)
		if f.level < fed {
			out.fixes = append(out.fixes, f.fixes...)
		}
	}
	for i := range best.also {
		out.fixes = append(out.fixes, best.also[i].fixes...)
	}
	return out
}

// plans lists the families that could feed every stage.
func (j *judge) plans(made bool) []func(*kind) bool {
	var out []func(*kind) bool
	for _, f := range [...]family{sysmon, defend, native, other} {
		if made && f != native {
			continue
		}
		out = append(out, func(k *kind) bool { return k.family == f && (made || !j.synthesizes(k)) })
	}
	return out
}

func (j *judge) plan(v *view, r int, allowed func(*kind) bool, made bool) *plan {
	rl := &j.rules[r]
	p := &plan{status: Covered, away: true}
	for i := range rl.stages {
		f := j.feedOf(v, r, &rl.stages[i], j.narrowed(&rl.stages[i], allowed, made), made)
		p.feeds = append(p.feeds, f)
		p.impossible, p.away = p.impossible || f.impossible, p.away && f.away
		p.sum += 10*int(f.level) + min(len(f.kinds), 3)
		if f.reason != "" && f.level < fed {
			p.reasons = append(p.reasons, prefix(rl, i)+f.reason)
		}
		if s := f.level.status(); s.rank() < p.status.rank() {
			p.status = s
		}
	}
	p.reasons = merged(p.reasons)
	if p.status != Blind {
		j.clocks(v, rl, p)
	}
	return p
}

// narrowed leaves of a stage that takes events with made-up identities only
// those, where it is them that count.
func (j *judge) narrowed(st *stage, allowed func(*kind) bool, made bool) func(*kind) bool {
	if !made || !slices.ContainsFunc(st.kinds, j.synthesizes) {
		return allowed
	}
	return func(k *kind) bool { return allowed(k) && j.synthesizes(k) }
}

func prefix(r *rule, i int) string {
	if len(r.stages) == 1 {
		return ""
	}
	return fmt.Sprintf("stage %d: ", r.stages[i].index+1)
}

// merged says once what holds for every stage.
func merged(reasons []string) []string {
	if len(reasons) < 2 {
		return reasons
	}
	_, first, _ := strings.Cut(reasons[0], ": ")
	for _, r := range reasons[1:] {
		if _, rest, _ := strings.Cut(r, ": "); rest != first {
			return reasons
		}
	}
	return []string{first}
}

// report puts everything together.
func (j *judge) report(sum *pipeline.Summary) *Report {
	r := &Report{Schema: 1, Events: j.census.Events, Partial: sum.Partial, Hosts: []Host{}, Strategies: []Strategy{}, Fixes: []Fix{}, Summary: sum}
	var first, last int64
	for _, v := range j.hosts {
		r.Hosts = append(r.Hosts, j.hostReport(v))
		if v.first != 0 && (first == 0 || v.first < first) {
			first = v.first
		}
		last = max(last, v.last)
	}
	r.First, r.Last = at(first), at(last)
	fixes := newFixList()
	for _, s := range j.run.Strategies {
		out := Strategy{ID: s.ID, Title: s.Title, Variants: []Variant{}, source: s, best: map[string]Status{}}
		for i := range j.rules {
			if j.rules[i].Strategy != s {
				continue
			}
			for _, made := range [...]bool{false, true} {
				if v, ok := j.variant(i, made); ok {
					out.Variants = append(out.Variants, v)
				}
			}
		}
		out.sumUp(fixes)
		out.Declared = j.declared(s)
		out.Assumptions = j.assumptions(&out)
		r.Strategies = append(r.Strategies, out)
	}
	for _, v := range j.hosts {
		fixes.clocks(v)
	}
	r.Fixes = fixes.list()
	return r
}

// sumUp takes the best variant of each host, and what would mend the others.
func (s *Strategy) sumUp(fixes *fixList) {
	for i := range s.Variants {
		for _, h := range s.Variants[i].Hosts {
			if old, ok := s.best[h.Host]; !ok || h.Status.rank() > old.rank() {
				s.best[h.Host] = h.Status
			}
		}
	}
	for _, st := range s.best {
		switch st {
		case Covered:
			s.Covered++
		case Unproven:
			s.Unproven++
		default:
			s.Blind++
		}
	}
	for i := range s.Variants {
		for _, h := range s.Variants[i].Hosts {
			if h.Status != Covered {
				fixes.add(h.fixes, h.Host, s.ID, s.best[h.Host] != Covered)
			}
		}
	}
}

func (j *judge) hostReport(v *view) Host {
	h := Host{ID: v.host.ID, Name: v.host.Name, Events: v.events, First: at(v.first), Last: at(v.last),
		Sources: []Source{}, Clocks: append([]Clock{}, v.clocks...), Gaps: append([]Gap{}, v.gaps...)}
	titles := map[census.Source]string{}
	for k := range v.kinds {
		titles[census.Source{Channel: strings.ToLower(k.channel), Code: k.code}] = k.title
	}
	for s, a := range v.host.Sources {
		h.Sources = append(h.Sources, Source{Channel: s.Channel, Code: s.Code, Events: a.Events, First: at(a.First), Last: at(a.Last),
			Title: titles[census.Source{Channel: strings.ToLower(s.Channel), Code: s.Code}]})
	}
	sort.Slice(h.Sources, func(a, b int) bool {
		x, y := &h.Sources[a], &h.Sources[b]
		if x.Events != y.Events {
			return x.Events > y.Events
		}
		return x.Channel+"\x00"+x.Code < y.Channel+"\x00"+y.Code
	})
	return h
}

func at(ns int64) *time.Time {
	if ns == 0 {
		return nil
	}
	t := time.Unix(0, ns).UTC()
	return &t
}

// VariantName is how a variant is called, as scan and explain do.
func VariantName(variant string, made bool) string {
	switch {
	case !made && variant == "":
		return "main"
	case !made:
		return variant
	case variant == "":
		return engine.NativeVariant
	}
	return engine.NativeVariant + " of " + variant
}
