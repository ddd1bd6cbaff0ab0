package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/strategy"
)

// Context is one compiled question of a strategy's Response section. Its hits
// go the same way as those of rules, numbered after them.
//
// Strategies ask the same things: queries of the same text and keys are matched
// once, and their hits are shared. What tells them apart, the window and the
// alert's fields that they are joined by, is looked at when hits are gathered.
type Context struct {
	Strategy *strategy.Strategy
	Source   *strategy.ContextQuery
	Shipped  bool      // the strategy has no questions; this is one of Options.Questions
	By       []eql.Key // fields of the query's events
	Of       []eql.Key // and of the alert's, which each must equal

	// Hits is the number of its hits: their Rule is len(Engine.Rules) + Hits.
	// It is the index of the first context that looks for the same.
	Hits int32

	Category string   // of the events it looks for; "" is any
	Codes    []string // the event codes that it names, in its order; nil if none
	// CodesOnly says that no event of another code can satisfy it.
	CodesOnly bool

	stage *eql.Stage
}

// contexts runs after all rules are compiled, as its hits are numbered after
// theirs. Every rule of the strategy asks all of its questions.
func (c *compiler) contexts(s *strategy.Strategy, questions func(*strategy.Strategy) []strategy.ContextQuery) {
	list, shipped := s.Context, false
	if len(list) == 0 && questions != nil {
		list, shipped = questions(s), true
	}
	first := len(c.engine.Contexts)
	for i := range list {
		if err := c.context(s, &list[i], shipped); err != nil {
			c.problem(s, fmt.Sprintf("context %q", list[i].Name), list[i].Line, err)
		}
	}
	for i := range c.engine.Rules {
		if r := &c.engine.Rules[i]; r.Strategy == s {
			for n := first; n < len(c.engine.Contexts); n++ {
				r.Contexts = append(r.Contexts, int32(n))
			}
		}
	}
}

func (c *compiler) context(s *strategy.Strategy, source *strategy.ContextQuery, shipped bool) error {
	program, err := eql.Compile(source.Query, c.env(""))
	if err != nil {
		return err
	}
	if program.Kind != eql.Event {
		return errors.New("a context query is an event query, not a sequence or sample")
	}
	ctx := Context{
		Strategy: s, Source: source, Shipped: shipped, stage: &program.Stages[0],
		By: c.contextKeys(source.By), Of: c.contextKeys(source.Of),
		Category: program.Stages[0].Category,
	}
	ctx.Codes, ctx.CodesOnly = codesOf(program.Query)
	same := source.Query + "\x00" + strings.Join(source.By, "\x00")
	number := int32(len(c.engine.Contexts))
	ctx.Hits = number
	if hits, ok := c.shared[same]; ok {
		ctx.Hits = hits
	} else {
		c.shared[same] = number
		ref := stageRef{rule: int32(len(c.engine.Rules)) + number, match: ctx.stage, keys: ctx.By}
		c.engine.stages = append(c.engine.stages, ref)
	}
	c.engine.Contexts = append(c.engine.Contexts, ctx)
	return nil
}

func (c *compiler) contextKeys(names []string) []eql.Key {
	var keys []eql.Key
	for _, name := range names {
		keys = append(keys, eql.Key{Name: name, Slot: c.engine.schema.Slot(name)})
	}
	return keys
}

// codesOf lists the event codes that a query looks for: the texts that
// event.code is compared with, but for those behind not. Patterns are left out.
// only says that no event of another code can satisfy the query.
func codesOf(q *eql.Query) (codes []string, only bool) {
	for _, s := range q.Steps {
		codes, only = codesIn(s.Cond, codes)
	}
	return codes, only
}

func codesIn(e eql.Expr, codes []string) ([]string, bool) {
	switch e := e.(type) {
	case *eql.Logic: // all branches of an or, one of an and, must hold the rest out
		only := e.Or
		for _, x := range e.Xs {
			var one bool
			if codes, one = codesIn(x, codes); e.Or {
				only = only && one
			} else {
				only = only || one
			}
		}
		return codes, only
	case *eql.Compare:
		switch {
		case e.Op != eql.OpEQ:
		case isCode(e.X):
			return addCodes(codes, e.Y)
		case isCode(e.Y):
			return addCodes(codes, e.X)
		}
	case *eql.Match:
		if isCode(e.X) && !e.Negated && e.Op != eql.OpRegex {
			return addCodes(codes, e.List...)
		}
	}
	return codes, false
}

func isCode(e eql.Expr) bool {
	f, ok := e.(*eql.Field)
	return ok && f.Name == "event.code"
}

// addCodes adds literals, each once; whole says that there was nothing else.
func addCodes(codes []string, list ...eql.Expr) (all []string, whole bool) {
	whole = true
	for _, x := range list {
		lit, ok := x.(*eql.Literal)
		if !ok || lit.Value.Kind != event.KindText || strings.ContainsAny(lit.Value.S, "*?") {
			whole = false
			continue
		}
		if !slices.Contains(codes, lit.Value.S) {
			codes = append(codes, lit.Value.S)
		}
	}
	return codes, whole
}
