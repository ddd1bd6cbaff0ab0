package explain

import "github.com/tocsin-project/tocsin/eql"

// Kind is what is wrong with a near miss.
type Kind uint8

// The kinds. Their names are part of the JSON form.
const (
	Sound      Kind = iota
	Excused         // an exception excuses it
	Border          // it matches by whole seconds alone and may be longer than maxspan
	Order           // the stages came in the wrong order
	Span            // the stages are too far apart
	Predicate       // one test of one stage fails
	Until           // an event of `until` stands between
	Present         // an event of `![…]` is there
	NoKey           // an event lacks a field of the join key
	KeyDiffers      // the join keys differ in one part
	Used            // another match used the event up
	Replaced        // a later event of the stage took its place
	Missing         // a stage has no event
)

func (k Kind) String() string {
	return [...]string{"none", "excused", "border", "order", "span", "predicate", "until", "present", "no-key",
		"key-differs", "used-up", "replaced", "missing"}[k]
}

// flaw is the one thing wrong with a chain.
type flaw struct {
	kind       Kind
	stage      int32   // positive stage that it is about; for Present the stage
	rec        *record // the event that it is about
	other      *record // that it was compared with
	otherStage int32
	ms         int64   // how far apart, without a sign
	part       int     // of the key
	field      string  // that is missing
	nearby     *record // nearest event of a missing stage, itself flawed
	scopeMatch bool    // the exception is one of scope sequence
}

// score ranks how near a chain came: the fewer and the smaller the things that
// had to be otherwise, the lower. The classes are: what only an exception or a
// clock's resolution keeps apart, what only time or one test does, what needs
// another identity, and single stages that nothing answers.
func (j *joiner) score(c *chain) float64 {
	if c.match {
		return 0
	}
	f := &c.flaw
	switch f.kind {
	case Excused:
		return 0.05
	case Border:
		return 0.1
	case Order:
		return 0.2 + 0.2*min(1, float64(f.ms)*1e6/float64(j.reach))
	case Span:
		return 0.2 + 0.2*min(1, float64(f.ms*1e6-j.maxspan)/float64(j.reach))
	case Predicate:
		return j.scoreTest(c)
	case Until, Present:
		return 0.3
	case NoKey:
		return 0.5
	case KeyDiffers:
		return 0.6
	case Used:
		return 0.7
	case Replaced:
		return 0.75
	}
	return j.scoreMissing(c)
}

// scoreMissing: the more stages are there, and the nearer a flawed event of the
// missing one is, the nearer.
func (j *joiner) scoreMissing(c *chain) float64 {
	full, near := 0, 0.0
	if r := c.flaw.nearby; r != nil {
		near = 0.2 * (1 - min(1, float64(abs(r.time-c.first().time))/float64(j.reach)))
	}
	for _, r := range c.at {
		if r != nil {
			full++
		}
	}
	return 2 - float64(full)/float64(len(c.at)) - near
}

// scoreTest: what an exclusion keeps out is nearer than what is of another kind
// altogether; and where the other stages are, nearer than a lone event.
func (j *joiner) scoreTest(c *chain) float64 {
	s := 0.35
	if c.flaw.rec.fault.Negated {
		s = 0.2
	}
	if c.flaw.rec.absent {
		s += 0.4
	}
	if len(c.at) == 1 && j.program.Kind == eql.Event {
		s += 0.5
	}
	for _, r := range c.at {
		if r != nil && r.matched {
			return s + 0.1
		}
	}
	return s
}
