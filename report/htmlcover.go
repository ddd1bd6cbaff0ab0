package report

import (
	"fmt"

	"github.com/tocsin-project/tocsin/terminal"
)

// Coverage is what the end of the page says of what strategies can see in this
// data; package coverage finds it out. A nil one leaves only what arrived.
type Coverage struct {
	Strategies []CoveredStrategy
	Fixes      []Fix
	Clocks     []Clock
}

// CoveredStrategy is one strategy: on how many hosts it can fire, cannot, or
// this data does not tell, and why.
type CoveredStrategy struct {
	ID, Title                string
	Covered, Unproven, Blind int
	Why                      []string // reasons of what is not covered, each once
	Assumptions              []Assumption
}

// Assumption is a sentence of Blind Spots, held against the data.
type Assumption struct{ Text, Status, Why string }

// Fix is what would mend a gap.
type Fix struct {
	Do, Why           string
	Hosts, Strategies int
}

// Clock is what is remarkable about the times of a host's log.
type Clock struct{ Host, Words string }

// What the page shows of it.
const (
	maxWhy    = 8
	maxFixes  = 40
	maxClocks = 40
)

// cover cleans and bounds the texts.
func (c *Coverage) cover(h *HTML, w *words) *coverView {
	if c == nil {
		return nil
	}
	v := &coverView{W: w}
	for i := range c.Strategies {
		s := c.Strategies[i]
		s.Title, s.Why = terminal.Clean(cut(s.Title)), s.Why[:min(len(s.Why), maxWhy)]
		row := coverRow{CoveredStrategy: s, Doc: h.docs[s.ID]}
		row.Why = nil
		for _, why := range s.Why {
			row.Why = append(row.Why, terminal.Clean(cut(why)))
		}
		row.Assumptions = nil
		for _, a := range s.Assumptions {
			row.Assumptions = append(row.Assumptions, Assumption{terminal.Clean(cut(a.Text)), w.status(a.Status), terminal.Clean(cut(a.Why))})
		}
		v.Rows = append(v.Rows, row)
	}
	for _, f := range c.Fixes[:min(len(c.Fixes), maxFixes)] {
		v.Fixes = append(v.Fixes, Fix{cleanLines(cutTo(f.Do, maxAnswerText)), terminal.Clean(cut(f.Why)), f.Hosts, f.Strategies})
	}
	if n := len(c.Fixes) - maxFixes; n > 0 {
		v.MoreFixes = fmt.Sprintf(w.More, n)
	}
	for _, k := range c.Clocks[:min(len(c.Clocks), maxClocks)] {
		v.Clocks = append(v.Clocks, Clock{terminal.Clean(cut(k.Host)), terminal.Clean(cut(k.Words))})
	}
	if n := len(c.Clocks) - maxClocks; n > 0 {
		v.MoreClocks = fmt.Sprintf(w.More, n)
	}
	return v
}

// coverView is a Coverage, ready for the template.
type coverView struct {
	W                     *words
	Rows                  []coverRow
	Fixes                 []Fix
	Clocks                []Clock
	MoreFixes, MoreClocks string
}

type coverRow struct {
	CoveredStrategy
	Doc string
}
