// Package eql is the language: Elasticsearch's dialect of the Event Query
// Language, from text to stateless matchers.
//
//	text ── lex, parse ──▶ Query ── check ──▶ fold ──▶ compile ──▶ Program
//
// Parse reads a statement into a tree that prints itself back; the checker
// reports everything that is wrong with it, with positions; folding computes
// what is constant; compiling turns each stage's condition into a tree of
// and, or and not over leaves. A leaf is a plain yes or no for an event: most
// test one field directly, the others are scripts evaluated in three-valued
// logic over each combination of their fields' values (SEMANTICS §3). Nothing
// compiled has state; it may be shared between goroutines over different events.
//
// What joins the hits of a sequence's stages is package sequence.
package eql

import (
	"slices"
	"time"

	"github.com/tocsin-project/tocsin/event"
)

// Env is what a text is compiled against.
type Env struct {
	Schema         *event.Schema // gives fields their slots and types; grows while compiling
	CategoryField  string        // empty is event.category
	TimestampField string        // empty is @timestamp; only for messages of the callers

	// Strict says that a mapping was given: a column that it does not hold
	// (Field.Unmapped) is an error, or null behind ?.
	Strict bool

	// Columns lists the known columns, to name the nearest. It may be nil.
	Columns func() []string
}

// Program is a compiled statement.
type Program struct {
	Kind    Kind
	Stages  []Stage       // one for an event query; runs are written out
	Until   *Stage        // nil without one
	MaxSpan time.Duration // 0 without one
	Pipes   []Pipe
	Query   *Query // as parsed
}

// Pipe keeps the first or the last N results.
type Pipe struct {
	Tail bool
	N    int
}

// Key is one part of a stage's join key.
type Key struct {
	Name     string
	Slot     int
	Optional bool // a missing value is null, and null equals null
}

// Stage is one event query.
type Stage struct {
	Category string // empty if Any
	Any      bool
	Keys     []Key // global keys first
	Missing  bool  // ![…]
	Pos      Pos   // where it begins in the text
	Step     int   // index in Query.Steps, the same for all runs of one step

	*matcher // shared by the runs of a step
}

// Condition is a compiled condition that stands alone.
type Condition struct {
	Expr Expr // as parsed
	*matcher
}

// Compile reads, checks and compiles a statement. The error is an ErrorList.
func Compile(text string, env *Env) (*Program, error) {
	q, faults := parse(text)
	c := newCompiler(text, env)
	if q != nil {
		c.query(q)
	}
	c.join(faults.list)
	if err := c.err(); err != nil {
		return nil, err
	}
	p := c.program(q)
	return p, c.err()
}

// CompileCondition reads, checks and compiles a condition, what could stand
// behind where. The error is an ErrorList.
func CompileCondition(text string, env *Env) (*Condition, error) {
	e, faults := parseCondition(text)
	c := newCompiler(text, env)
	if e != nil {
		c.condition(e)
	}
	c.join(faults.list)
	if err := c.err(); err != nil {
		return nil, err
	}
	m := c.matcher(nil, e)
	return &Condition{e, m}, c.err()
}

// join adds the faults of the parser. What holds one of them is not to be judged:
// the tree has null in its place.
func (c *checker) join(faults ErrorList) {
	c.list = slices.DeleteFunc(c.list, func(e *Error) bool {
		return slices.ContainsFunc(faults, func(f *Error) bool {
			return f.Pos.Offset >= e.Pos.Offset && f.Pos.Offset < e.Pos.Offset+e.Len
		})
	})
	c.list = append(c.list, faults...)
}

// program compiles a checked statement.
func (c *compiler) program(q *Query) *Program {
	p := &Program{Kind: q.Kind, Query: q}
	if q.MaxSpan != nil {
		p.MaxSpan = q.MaxSpan.Duration()
	}
	global := c.joinKeys(q.By)
	for i, s := range q.Steps {
		stage := c.stage(s, global)
		stage.Step = i
		for range s.Runs {
			p.Stages = append(p.Stages, stage)
		}
	}
	if q.Until != nil {
		stage := c.stage(q.Until, global)
		stage.Step = len(q.Steps)
		p.Until = &stage
	}
	for _, pipe := range q.Pipes {
		p.Pipes = append(p.Pipes, c.limit(pipe))
	}
	return p
}

func (c *compiler) joinKeys(fields []*Field) []Key {
	var keys []Key
	for _, f := range fields {
		keys = append(keys, Key{Name: f.Name, Slot: c.env.Schema.Slot(f.Name), Optional: f.Optional})
	}
	return keys
}

func (c *compiler) stage(s *Step, global []Key) Stage {
	return Stage{
		Category: s.Category, Any: s.Any, Missing: s.Missing,
		Keys:    append(global[:len(global):len(global)], c.joinKeys(s.By)...),
		Pos:     c.pos(s.At.Start),
		matcher: c.matcher(s, s.Cond),
	}
}

// limit reads the number of a pipe.
func (c *compiler) limit(p *PipeNode) Pipe {
	out := Pipe{Tail: p.Name == "tail"}
	lit, _ := c.fold(p.Arg).(*Literal)
	if lit == nil || lit.Value.Kind != event.KindLong || int64(lit.Value.N) < 0 || int64(lit.Value.N) > 1<<31-1 {
		c.add(p.Arg.Range(), "argument of [%s] must be a whole number from 0 to 2147483647, found [%s]", p.Name, c.src(p.Arg))
		return out
	}
	out.N = int(lit.Value.N)
	return out
}
