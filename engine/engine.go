// Package engine holds every loaded strategy, ready to run: rules, context
// queries and exceptions compiled over one schema, and the index that finds
// the few stages an event could satisfy.
//
// Matching is stateless: a Matcher turns one event into hits and forgets it.
// Joining is another package's work (sequence), on hits in order. There are no
// goroutines and no clock here; an Engine is not changed after New and is
// shared by all workers, a Matcher belongs to one.
package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/strategy"
)

// NativeVariant is the variant under which matches with synthesised identities
// are reported (DESIGN §5).
const NativeVariant = "native"

// Rule is one compiled variant of a strategy.
type Rule struct {
	Strategy *strategy.Strategy
	Source   *strategy.Rule
	Program  *eql.Program
	Spec     *sequence.Spec // nil for rules over single events

	Contexts []int32 // of its strategy, indices into Engine.Contexts

	exceptions []exception // of scope stage N and any; sequence's stand apart
	sequence   []exception
}

// exception is a compiled condition that excuses hits or matches.
type exception struct {
	source *strategy.Exception
	cond   *eql.Condition
}

// Engine is all strategies, compiled.
type Engine struct {
	Rules    []Rule
	Contexts []Context

	schema *event.Schema
	stages []stageRef
	index  *index
	notes  noteSlots

	keyLists int
}

// stageRef is one stage that events are matched against.
type stageRef struct {
	rule  int32 // index into Rules, or len(Rules) + index into Contexts
	stage int32 // 0-based; the stages' number for until
	match *eql.Stage
	keys  []eql.Key
	bare  bool // a hit of it is never evidence: `![…]` and until
	loose bool // its hits count by their time alone: `![…]`

	keyList int32 // number of its keys among the engine's distinct lists of keys
}

// Problem is a part of a strategy that could not be compiled. The rest runs.
type Problem struct {
	Strategy *strategy.Strategy
	Path     string
	Part     string // `the rule`, `rule "…"`, `context "…"`, `exception "…"`
	Err      error  // an eql.ErrorList, positions relative to Pos
	Line     int    // the file's line that the part's text starts on
}

func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d: %s of %s: %v", p.Path, p.Line, p.Part, p.Strategy.ID, p.Err)
}

func (p Problem) Unwrap() error { return p.Err }

// Render prints each fault as file:line:col with the line, a caret and which
// part of which strategy it is in.
func (p Problem) Render() string {
	var list eql.ErrorList
	if !errors.As(p.Err, &list) {
		return p.Error() + "\n"
	}
	return list.Render(p.Path, p.Line-1) + fmt.Sprintf("  in %s of %s, which is not run\n", p.Part, p.Strategy.ID)
}

// Options says how to compile.
type Options struct {
	Types event.Types // the fields' types; nil takes ECS's
	// Profile chooses guards by real traffic; nil is DefaultProfile. It changes no result.
	Profile *Profile
	Now     time.Time // exceptions that have expired by then do not excuse; zero: none has
	// Questions returns the context queries of a strategy that has none of its
	// own; nil, or an empty list, leaves it without.
	Questions func(*strategy.Strategy) []strategy.ContextQuery
}

// New compiles the strategies. What does not compile is returned as a problem
// with its place, and all else runs.
func New(strategies []*strategy.Strategy, o Options) (*Engine, []Problem) {
	if o.Types == nil {
		o.Types = event.ECSTypes()
	}
	c := compiler{engine: &Engine{schema: event.NewSchema(o.Types)}, now: o.Now, shared: map[string]int32{}}
	for _, s := range strategies {
		c.rules(s)
	}
	for _, s := range strategies {
		c.contexts(s, o.Questions)
	}
	c.engine.numberKeys()
	if o.Profile == nil {
		o.Profile = DefaultProfile()
	}
	c.engine.index = newIndex(c.engine.schema, c.engine.stages, o.Profile)
	c.engine.notes = newNoteSlots(c.engine.schema)
	return c.engine, c.problems
}

// Schema returns the union of the fields that rules, exceptions and context
// queries read. Callers may add what they need before the first decoder is made.
func (e *Engine) Schema() *event.Schema { return e.schema }

// Stages is the number of compiled stages that events are held against.
func (e *Engine) Stages() int { return len(e.stages) }

type compiler struct {
	engine   *Engine
	now      time.Time
	problems []Problem
	shared   map[string]int32 // context queries by what they look for: Context.Hits
}

func (c *compiler) problem(s *strategy.Strategy, part string, line int, err error) {
	c.problems = append(c.problems, Problem{s, s.Source.Path, part, err, line})
}

func (c *compiler) env(category string) *eql.Env {
	return &eql.Env{Schema: c.engine.schema, CategoryField: category}
}

func (c *compiler) rules(s *strategy.Strategy) {
	exceptions := c.exceptions(s)
	for i := range s.Rules {
		source := &s.Rules[i]
		program, err := eql.Compile(source.Query, c.env(source.EventCategoryOverride))
		if err != nil {
			part := "the rule"
			if source.Variant != "" {
				part = fmt.Sprintf("rule %q", source.Variant)
			}
			c.problem(s, part, source.Line, err)
			continue
		}
		rule := Rule{Strategy: s, Source: source, Program: program}
		if program.Kind != eql.Event {
			rule.Spec = sequence.SpecOf(program, 0)
		}
		for _, x := range exceptions {
			if x.source.Scope.Kind == strategy.ScopeSequence {
				rule.sequence = append(rule.sequence, x)
			} else {
				rule.exceptions = append(rule.exceptions, x)
			}
		}
		c.addStages(int32(len(c.engine.Rules)), program)
		c.engine.Rules = append(c.engine.Rules, rule)
	}
}

func (c *compiler) addStages(rule int32, p *eql.Program) {
	for i := range p.Stages {
		st := &p.Stages[i]
		if i > 0 && p.Stages[i-1].Step == st.Step {
			continue // a run: hits of its first stage count for all of it
		}
		c.engine.stages = append(c.engine.stages, stageRef{rule: rule, stage: int32(i), match: st, keys: st.Keys, bare: st.Missing, loose: st.Missing})
	}
	if p.Until != nil {
		c.engine.stages = append(c.engine.stages, stageRef{rule: rule, stage: int32(len(p.Stages)), match: p.Until, keys: p.Until.Keys, bare: true})
	}
}

func (c *compiler) exceptions(s *strategy.Strategy) []exception {
	var out []exception
	for i := range s.Exceptions {
		x := &s.Exceptions[i]
		if !c.now.IsZero() && x.Expired(c.now) {
			continue
		}
		cond, err := eql.CompileCondition(x.When, c.env(""))
		if err != nil {
			c.problem(s, fmt.Sprintf("exception %q", x.Name), x.Pos.Line, err)
			continue
		}
		out = append(out, exception{x, cond})
	}
	return out
}
