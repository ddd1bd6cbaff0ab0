// Package validate proves strategies: each case of a strategy's Validation
// section goes through the whole line (normalise, match, join, alert), and must
// alert or stay quiet as it says.
//
// A case is a recording beside the document or a fence within it, in whichever
// form package source reads. Where a case was made by package simulate, its
// scenario is played again, with another seed, and told in every form of the
// same sensor: JSON, XML and EVTX must give the same answer (shapes.go).
//
// A case that fails says why (why.go): which predicate of which stage no event
// satisfied and the value that it saw, which key differed, or how far the
// events were apart.
//
// Evasions (evade.go, mutate.go) change the events of alert cases as an attacker
// could, and report what slips through beside the sentence of the document's
// blind spots that admits it. That is a report; nothing fails by it.
package validate

import (
	"context"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"time"

	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/strategy"
)

// Options say what to prove.
type Options struct {
	// Required names the strategies that are red without an alert case; the
	// others get a warning. Nil: none is.
	Required func(*strategy.Strategy) bool
	Shapes   bool      // also play the cases' scenarios again, in every form
	Now      time.Time // exceptions that have expired by then excuse nothing; zero: none has
	TmpDir   string    // for what does not fit into memory; "" is the system's
}

// Report is what became of all strategies.
type Report struct {
	Strategies []Strategy `json:"strategies"`
	Proofs     int        `json:"proofs"`
	Failed     int        `json:"failed"` // proofs, and strategies that lack one they must have
	Red        int        `json:"red"`    // strategies
}

// Strategy is what became of one strategy.
type Strategy struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Path     string   `json:"path"`
	Red      bool     `json:"red"`
	Errors   []string `json:"errors"`   // what is wrong beside its cases; red
	Warnings []string `json:"warnings"` // what is not proven; not red
	Proofs   []Proof  `json:"proofs"`
}

// Proof is one case in one shape.
type Proof struct {
	Case    string  `json:"case"`  // a file's name, or the fence's; "simulate <scenario>"
	Shape   string  `json:"shape"` // "as recorded", or the form it was rendered in
	Kind    string  `json:"kind"`  // alert or quiet
	Passed  bool    `json:"passed"`
	Alerts  int     `json:"alerts"`
	Reason  string  `json:"reason,omitempty"` // why it failed
	Seconds float64 `json:"seconds"`
}

// String is "alert-x.ndjson: reason".
func (p *Proof) String() string {
	name := p.Case
	if p.Shape != recorded {
		name += " as " + p.Shape
	}
	if p.Passed {
		return name
	}
	return name + ": " + p.Reason
}

const recorded = "as recorded"

// maxCase bounds a case in bytes: it is held in memory.
const maxCase = 256 << 20

// Run proves strategies one after another, each alone. It fails if ctx ends.
func Run(ctx context.Context, list []*strategy.Strategy, opt Options) (*Report, error) {
	r := &Report{Strategies: []Strategy{}}
	for _, s := range list {
		one, err := prove(ctx, s, opt)
		if err != nil {
			return nil, err
		}
		r.Proofs += len(one.Proofs)
		r.Failed += len(one.Errors)
		for i := range one.Proofs {
			if !one.Proofs[i].Passed {
				r.Failed++
			}
		}
		if one.Red {
			r.Red++
		}
		r.Strategies = append(r.Strategies, *one)
	}
	return r, nil
}

// prove proves one strategy.
func prove(ctx context.Context, s *strategy.Strategy, opt Options) (*Strategy, error) {
	out := &Strategy{ID: s.ID, Title: s.Title, Path: s.Source.String(), Errors: []string{}, Warnings: []string{}, Proofs: []Proof{}}
	eng, problems := engine.New([]*strategy.Strategy{s}, engine.Options{Now: opt.Now})
	for _, p := range problems {
		out.Errors = append(out.Errors, p.Error())
	}
	if len(s.Rules) == 0 {
		out.Errors = append(out.Errors, "it has no rule: a fenced block ```eql under Technical Context")
	}
	out.count(s, opt)
	if len(eng.Rules) > 0 {
		l := &line{eng: eng, tmp: opt.TmpDir}
		trials := trialsOf(s)
		if opt.Shapes {
			more, err := shapesOf(s)
			if err != nil {
				return nil, err
			}
			trials = append(trials, more...)
		}
		for i := range trials {
			p, err := l.prove(ctx, &trials[i])
			if err != nil {
				return nil, fmt.Errorf("validate %s: %w", s.ID, err)
			}
			out.Proofs = append(out.Proofs, *p)
		}
	}
	out.Red = len(out.Errors) > 0
	for i := range out.Proofs {
		out.Red = out.Red || !out.Proofs[i].Passed
	}
	return out, nil
}

// count says which kinds of cases there are none of.
func (out *Strategy) count(s *strategy.Strategy, opt Options) {
	n := map[strategy.CaseKind]int{}
	for i := range s.Cases {
		n[s.Cases[i].Kind]++
	}
	const hint = " (a file testdata/<id>/%s-*.ndjson beside the document, or a fence ```ndjson %s=\"…\")"
	switch {
	case n[strategy.Alert] == 0 && opt.Required != nil && opt.Required(s):
		out.Errors = append(out.Errors, fmt.Sprintf("no case that must alert"+hint, "alert", "alert"))
	case n[strategy.Alert] == 0:
		out.Warnings = append(out.Warnings, fmt.Sprintf("no case that must alert"+hint, "alert", "alert"))
	}
	if n[strategy.Quiet] == 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("no case that must stay quiet"+hint, "quiet", "quiet"))
	}
}

// trial is one case in one shape, ready to be read.
type trial struct {
	name, shape string
	kind        strategy.CaseKind
	variant     string // that must alert; "" is any
	data        []byte
	err         error // why there is no data
}

// trialsOf are the strategy's own cases.
func trialsOf(s *strategy.Strategy) []trial {
	var out []trial
	for i := range s.Cases {
		c := &s.Cases[i]
		t := trial{name: caseName(c), shape: recorded, kind: c.Kind, variant: c.Variant}
		t.data, t.err = readCase(c)
		out = append(out, t)
	}
	return out
}

// caseName is the file's own name, or `alert "…" at line 12` for a fence.
func caseName(c *strategy.Case) string {
	if c.Data == nil {
		return path.Base(filepath.ToSlash(c.Path))
	}
	return fmt.Sprintf("%s %q at line %d", c.Kind, c.Name, c.Pos.Line)
}

func readCase(c *strategy.Case) ([]byte, error) {
	r, err := c.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxCase+1))
	if err == nil && len(b) > maxCase {
		err = fmt.Errorf("it is longer than %d MB", maxCase>>20)
	}
	return b, err
}
