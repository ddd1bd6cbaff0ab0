package pipeline

import (
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/tocsin-project/tocsin/census"
	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/triage"
)

// Result is what a scan found. It holds the evidence until Close.
type Result struct {
	Findings []*Finding // by time, then id
	Summary  Summary
	Census   *census.Census // nil unless someone asks for it

	scan       *Scan
	evidence   *journal.Evidence
	sight      *sightSlots // nil unless sightings are made
	normalizer *ecs.Normalizer
	mu         sync.Mutex                  // guards Problems while workers run
	arrived    map[string][]triage.Arrival // by host, made when an alert asks
}

// Summary counts what went through the line.
type Summary struct {
	Source      *source.Summary
	Events      int // documents that are events
	NotEvents   int // valid JSON that is no event
	NoTime      int // events without a time that a rule would have matched
	Bad         int // documents that could not be read
	Repeats     int // readings of an event that had been read before, among the hits
	Differing   int // of those, the ones whose content was another
	Excused     int // matches that an exception of scope sequence took back
	Alerts      int // findings that nothing excuses and that are not folded into others
	ExcusedHits int // hits that an exception of scope stage or any took out before the join
	Partial     bool
	Elapsed     time.Duration
}

func (s *Summary) add(c *counts) {
	s.Events += c.Events
	s.NotEvents += c.NotEvents
	s.NoTime += c.NoTime
	s.Bad += c.Bad
}

// problem reports what could not be read, from any goroutine.
func (r *Result) problem(p source.Problem) {
	if r.scan.OnProblem == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scan.OnProblem(p)
}

// finish groups the findings, drops those that nobody asked for, and folds what
// suppression folds. Filters come after the grouping, so that an incident has
// the same id with and without them, and before suppression, so that an alert
// outside --since does not hide one within.
func (r *Result) finish() error {
	group(r.Findings, r.clockShifts())
	if keep := r.scan.Keep; keep != nil {
		r.Findings = slices.DeleteFunc(r.Findings, func(f *Finding) bool { return !keep(f) })
	}
	if err := r.suppress(); err != nil {
		return err
	}
	for _, f := range r.Findings {
		if f.IsAlert() {
			r.Summary.Alerts++
		}
	}
	return nil
}

// Incident is the findings that tell of one attack.
type Incident struct {
	Lead   *Finding   // the one that tells most of it
	Others []*Finding // by risk, the highest first
}

// Incidents groups the findings, by the time of the earliest of each.
func (r *Result) Incidents() []Incident {
	at := map[string]int{}
	var lists [][]*Finding
	for _, f := range r.Findings {
		i, ok := at[f.Incident]
		if !ok {
			i = len(lists)
			at[f.Incident] = i
			lists = append(lists, nil)
		}
		lists[i] = append(lists[i], f)
	}
	incidents := make([]Incident, len(lists))
	for i, list := range lists {
		sort.SliceStable(list, func(a, b int) bool { return tellsMore(list[a], list[b]) })
		incidents[i] = Incident{list[0], list[1:]}
	}
	return incidents
}

// tellsMore orders the findings of one incident: alerts first,
// then by risk, then what saw the process start, then sequences before single
// events, then the document's own rule before its variants.
func tellsMore(a, b *Finding) bool {
	if a.IsAlert() != b.IsAlert() {
		return a.IsAlert()
	}
	if a.Risk != b.Risk {
		return a.Risk > b.Risk
	}
	if a.started != b.started {
		return a.started
	}
	if len(a.steps) != len(b.steps) {
		return len(a.steps) > len(b.steps)
	}
	return a.Variant < b.Variant
}

// Close removes what the scan keeps on disk.
func (r *Result) Close() error { return r.evidence.Close() }

// addCensus adds what one worker counted.
func (r *Result) addCensus(c *census.Census) {
	switch {
	case c == nil:
	case r.Census == nil:
		r.Census = c
	default:
		r.Census.Merge(c)
	}
}
