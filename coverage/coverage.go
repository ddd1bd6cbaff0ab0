// Package coverage says which strategies can fire on the data that arrives,
// host by host, and what would mend the rest.
//
// One pass counts what arrives (package census: sources, fields, clocks) and
// how many events satisfy each stage. Each stage of each rule is then held
// against the catalogue of events that sensors can report (kinds.go): which of
// them could satisfy it, which of these arrive, with every field that the stage
// needs. From that a rule is on a host
//
//   - covered, if one sensor feeds every stage (or several, if the join key is
//     no process identity), and its clock is fit for maxspan;
//   - blind, if a stage gets nothing, or not the fields it needs;
//   - unproven, if this data cannot tell: an event that is rare anyhow has not
//     been seen, a filter may leave out what the stage looks for, a clock is
//     too coarse or too far off.
//
// The sentences of Blind Spots are held against the same facts (assume.go).
package coverage

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/tocsin-project/tocsin/census"
	"github.com/tocsin-project/tocsin/clause"
	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
)

// maxHosts bounds the hosts whose hits are counted apart.
const maxHosts = 20_000

// Coverage is one run.
type Coverage struct {
	Engine     *engine.Engine
	Strategies []*strategy.Strategy // that the engine was compiled from, in order
	Paths      []string             // as source.Read takes them
	Source     source.Options
	Native     bool
	Jobs       int
	Host       func(string) bool    // nil takes all; else which host.id or host.name
	Report     func(source.Problem) // what could not be read; may be nil
}

// Run reads the input and judges every strategy.
func (c *Coverage) Run(ctx context.Context) (*Report, error) {
	schema := c.Engine.Schema()
	rules, err := newRules(c.Engine)
	if err != nil {
		return nil, err
	}
	ecs.Prepare(schema)
	census.Prepare(schema)
	for _, name := range extraFields {
		schema.Slot(name)
	}
	var (
		mu       sync.Mutex
		counters []*counter
	)
	visit := pipeline.Visit{
		Schema: schema, Paths: c.Paths, Source: c.Source, Native: c.Native, Jobs: c.Jobs, OnProblem: c.Report,
	}
	sum, err := visit.Run(ctx, func() pipeline.Visitor {
		n := newCounter(c)
		mu.Lock()
		defer mu.Unlock()
		counters = append(counters, n)
		return n.event
	})
	if err != nil {
		return nil, err
	}
	for _, n := range counters[1:] {
		counters[0].merge(n)
	}
	j, err := newJudge(c, counters[0], rules)
	if err != nil {
		return nil, err
	}
	return j.report(sum), nil
}

// extraFields are looked at beside those of the rules: what assumptions speak of.
var extraFields = [...]string{"source.ip", "process.entity_id", "process.command_line", "process.parent.name"}

// rule is one rule, its stages taken apart.
type rule struct {
	*engine.Rule
	stages []stage // positive ones, each run once
	entity bool    // its key is a process identity
}

// stage is one stage.
type stage struct {
	index int // in Program.Stages
	stage *eql.Stage
	tree  *clause.Tree
	kinds []*kind // that could satisfy it
}

func newRules(e *engine.Engine) ([]rule, error) {
	var out []rule
	for i := range e.Rules {
		r := rule{Rule: &e.Rules[i]}
		p := r.Program
		for k := range p.Stages {
			st := &p.Stages[k]
			if st.Missing || k > 0 && p.Stages[k-1].Step == st.Step {
				continue
			}
			tree, err := clause.New(p.Query.Steps[st.Step].Cond, &eql.Env{Schema: e.Schema(), CategoryField: r.Source.EventCategoryOverride})
			if err != nil {
				return nil, fmt.Errorf("cover rule %q of %s: %w", r.Source.Variant, r.Strategy.ID, err)
			}
			r.stages = append(r.stages, stage{index: k, stage: st, tree: tree})
			for _, key := range st.Keys {
				r.entity = r.entity || strings.HasSuffix(key.Name, "entity_id")
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// hits is how many events satisfied one stage on one host.
type hits struct {
	byFamily    map[family]int
	synthesized int
}

// counter is one worker's count.
type counter struct {
	run     *Coverage
	census  *census.Census
	matcher *engine.Matcher
	hits    map[string]map[int64]*hits // by host and rule<<16|stage
	hostID  int
	name    int
	dataset int
	ids     map[string]string // host.id, to texts that live on
	loop    map[string]int    // by host: events from a loopback address
	source  int
}

func newCounter(c *Coverage) *counter {
	n := &counter{run: c, census: census.New(c.Engine.Schema(), true), matcher: c.Engine.Matcher(),
		hits: map[string]map[int64]*hits{}, ids: map[string]string{}, loop: map[string]int{}}
	_, n.hostID, n.name, n.dataset = census.Prepare(c.Engine.Schema())
	n.source = c.Engine.Schema().Slot("source.ip")
	return n
}

// event is the counter's pipeline.Visitor.
func (n *counter) event(_ *source.Document, ev *event.Event, _ func() []byte) error {
	if h := n.run.Host; h != nil && !h(text(ev, n.hostID)) && !h(text(ev, n.name)) {
		return nil
	}
	n.census.Add(ev)
	for _, v := range ev.Values(n.source) {
		if v.Kind == event.KindIP && isLoopback(v) {
			n.loop[n.idOf(ev)]++
		}
	}
	last := int64(-1)
	for _, m := range n.matcher.Match(ev) {
		id := int64(m.Rule)<<16 | int64(m.Stage)
		if int(m.Rule) >= len(n.run.Engine.Rules) || id == last { // one key of several
			continue
		}
		last = id
		host := n.host(ev)
		h := host[id]
		if h == nil {
			h = &hits{byFamily: map[family]int{}}
			host[id] = h
		}
		h.byFamily[n.family(ev)]++
		if ev.Synthesized {
			h.synthesized++
		}
	}
	return nil
}

func isLoopback(v event.Value) bool {
	s := v.String()
	return strings.HasPrefix(s, "127.") || s == "::1" || strings.HasPrefix(s, "::ffff:127.")
}

func (n *counter) host(ev *event.Event) map[int64]*hits {
	id := n.idOf(ev)
	h := n.hits[id]
	if h == nil {
		h = map[int64]*hits{}
		n.hits[id] = h
	}
	return h
}

// idOf is the event's host.id as a text that lives on; "" for hosts beyond
// maxHosts.
func (n *counter) idOf(ev *event.Event) string {
	id, ok := n.ids[text(ev, n.hostID)]
	if !ok && len(n.ids) < maxHosts {
		id = strings.Clone(text(ev, n.hostID))
		n.ids[id] = id
	}
	return id
}

// family is the sensor that an event is from.
func (n *counter) family(ev *event.Event) family {
	return familyOf(ev.Channel, text(ev, n.dataset))
}

func familyOf(channel, dataset string) family {
	switch {
	case strings.EqualFold(channel, sysmonLog):
		return sysmon
	case strings.HasPrefix(dataset, "endpoint.") || strings.HasPrefix(channel, "endpoint."):
		return defend
	case strings.EqualFold(channel, securityLog), strings.EqualFold(channel, systemLog):
		return native
	}
	return other
}

func (n *counter) merge(o *counter) {
	n.census.Merge(o.census)
	for host, count := range o.loop {
		n.loop[host] += count
	}
	for host, list := range o.hits {
		mine := n.hits[host]
		if mine == nil {
			n.hits[host] = list
			continue
		}
		for id, h := range list {
			if mine[id] == nil {
				mine[id] = h
				continue
			}
			mine[id].synthesized += h.synthesized
			for f, count := range h.byFamily {
				mine[id].byFamily[f] += count
			}
		}
	}
}

func text(ev *event.Event, slot int) string {
	if v := ev.Values(slot); len(v) > 0 {
		return v[0].S
	}
	return ""
}
