package engine

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sort"
	"strings"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
)

// Profile says how often events hold values, so that the index can choose for
// each stage the guard that the fewest events pass. It moves only cost, never
// results. It knows fields and their most common values, no rules.
type Profile struct {
	Events int                      `json:"events"`
	Fields map[string]*FieldProfile `json:"fields"`
}

// FieldProfile is what a profile knows of one field, as shares of all events.
type FieldProfile struct {
	Present float64            `json:"present"`          // events with a value
	Values  map[string]float64 `json:"values,omitempty"` // the most common values, folded
}

// defaultProfile was measured over public recordings of Sysmon and the Security
// log, with the presence of fields and the values that made-up events of
// Elastic Defend have: `tocsin bench --save-profile`, the greater share of each,
// values of two recordings at least, none of people, hosts or addresses.
//
//go:embed profile.json
var defaultProfile []byte

// DefaultProfile returns the profile of ordinary Windows telemetry.
func DefaultProfile() *Profile {
	p, err := ReadProfile(bytes.NewReader(defaultProfile))
	if err != nil {
		return nil // a test reads it
	}
	return p
}

// ReadProfile reads what Write wrote.
func ReadProfile(r io.Reader) (*Profile, error) {
	p := &Profile{}
	if err := json.NewDecoder(r).Decode(p); err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	return p, nil
}

// Write writes the profile as JSON.
func (p *Profile) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	return nil
}

// Profiler makes a profile of events over an engine's schema. It is not safe
// for concurrent use.
type Profiler struct {
	schema *event.Schema
	events int
	counts []map[string]*int // by slot; pointers, as adding through a key would store that key
	have   []int
}

// Bounds on what a profiler holds of one field, and what a profile keeps.
const (
	maxCounted = 1 << 14
	maxCommon  = 64
	minShare   = 0.001
	maxText    = 256 // longer values are never common
)

// NewProfiler returns a profiler that has seen nothing.
func NewProfiler(s *event.Schema) *Profiler {
	return &Profiler{schema: s, counts: make([]map[string]*int, s.Len()), have: make([]int, s.Len())}
}

// Add counts the values of an event.
func (p *Profiler) Add(ev *event.Event) {
	p.events++
	for slot := range ev.Used {
		values := ev.Values(slot)
		if len(values) > 0 {
			p.have[slot]++
		}
		for i := range values {
			if v := &values[i]; v.Kind == event.KindText && len(v.S) <= maxText {
				p.count(slot, ev.Fold(v))
			}
		}
	}
}

func (p *Profiler) count(slot int, text string) {
	if p.counts[slot] == nil {
		p.counts[slot] = map[string]*int{}
	}
	m := p.counts[slot]
	if n := m[text]; n != nil {
		*n++
	} else if len(m) < maxCounted { // what is common comes early
		m[strings.Clone(text)] = new(1)
	}
}

// Profile returns what was seen.
func (p *Profiler) Profile() *Profile {
	out := &Profile{Events: p.events, Fields: map[string]*FieldProfile{}}
	for slot, n := range p.have {
		if n == 0 {
			continue
		}
		f := &FieldProfile{Present: p.share(n), Values: map[string]float64{}}
		texts := make([]string, 0, len(p.counts[slot]))
		for text := range p.counts[slot] {
			texts = append(texts, text)
		}
		sort.Slice(texts, func(i, j int) bool {
			if a, b := *p.counts[slot][texts[i]], *p.counts[slot][texts[j]]; a != b {
				return a > b
			}
			return texts[i] < texts[j]
		})
		for _, text := range texts[:min(len(texts), maxCommon)] {
			if share := p.share(*p.counts[slot][text]); share >= minShare {
				f.Values[text] = share
			}
		}
		out.Fields[p.schema.Field(slot).Name] = f
	}
	return out
}

func (p *Profiler) share(n int) float64 {
	return math.Round(1e4*float64(n)/float64(p.events)) / 1e4
}

// rater returns the share of events that satisfy a need, by the profile or,
// where it knows nothing, by estimate.
func (p *Profile) rater(s *event.Schema) func(*eql.Need) float64 {
	type known struct {
		slot, skip int
		op         eql.GuardOp
		text       string
	}
	memo := map[known]float64{}
	return func(n *eql.Need) float64 {
		name := s.Field(n.Slot).Name
		if n.Op == eql.Equal || n.Op == eql.Exists {
			return p.rate(name, n)
		}
		k := known{n.Slot, n.Skip, n.Op, n.Text}
		r, ok := memo[k]
		if !ok {
			r = p.rate(name, n)
			memo[k] = r
		}
		return r
	}
}

func (p *Profile) rate(field string, n *eql.Need) float64 {
	if p != nil {
		if f := p.Fields[field]; f != nil {
			return f.rate(n)
		}
	}
	return estimate(field, n)
}

// rate adds up the common values that satisfy the need, and a small part of
// the others.
func (f *FieldProfile) rate(n *eql.Need) float64 {
	if n.Op == eql.Exists {
		return f.Present
	}
	if n.Op == eql.Equal {
		return f.Present / 16
	}
	text := event.FoldASCII(n.Text)
	if n.Op == eql.Exact {
		if share, ok := f.Values[text]; ok {
			return share
		}
	}
	sum, rest := 0.0, f.Present
	for value, share := range f.Values {
		rest -= share
		if satisfies(value, text, n) {
			sum += share
		}
	}
	rest = max(rest, 0.001)
	if n.Op == eql.Exact {
		return rest / 256
	}
	return sum + rest*partRate(n.Op, text)
}

func satisfies(value, text string, n *eql.Need) bool {
	switch n.Op {
	case eql.Exact:
		return value == text
	case eql.Prefix:
		rest, ok := after(value, n.Skip)
		return ok && strings.HasPrefix(rest, text)
	case eql.Suffix:
		return strings.HasSuffix(value, text)
	case eql.Contains:
		return strings.Contains(value, text)
	}
	return true
}

// commonFields are fields whose values are shared by a large part of all
// events, with that share for one value.
var commonFields = map[string]float64{
	"host.os.type": 1, "host.os.family": 1, "event.kind": 1, "event.module": 0.5, "event.dataset": 0.4,
	"data_stream.dataset": 0.4, "agent.type": 1, "event.type": 0.4, "event.category": 0.4, "event.outcome": 0.8,
	"event.provider": 0.4, "event.action": 0.1, "event.code": 0.1, "network.transport": 0.8, "network.direction": 0.5,
	"network.type": 0.9, "network.protocol": 0.2, "user.id": 0.4, "user.domain": 0.4, "process.code_signature.trusted": 0.8,
	"process.code_signature.exists": 0.8, "process.code_signature.subject_name": 0.4,
	"winlog.event_data.IntegrityLevel": 0.4, "process.Ext.token.integrity_level_name": 0.4,
}

// commonParts are pieces that many paths hold.
var commonParts = [...]string{
	`c:\windows\system32\`, `c:\program files (x86)\`, `c:\program files\`, `c:\users\`, `c:\programdata\`, `\appdata\local\`, ".exe", ".dll",
	`hklm\system\currentcontrolset\services\`, `hklm\software\microsoft\windows\currentversion\`, `\device\harddiskvolume`, `-`, ` `,
}

// estimate is the rate of a need in a field of which no profile is known.
func estimate(field string, n *eql.Need) float64 {
	common, isCommon := commonFields[field]
	switch {
	case n.Op == eql.Exists && isCommon:
		return 1
	case n.Op == eql.Exists:
		return 0.1
	case isCommon:
		return common
	case n.Op == eql.Exact:
		return 0.002
	case n.Op == eql.Equal:
		return 0.01
	}
	return partRate(n.Op, event.FoldASCII(n.Text))
}

// partRate is how often values hold a piece: long pieces are rarer, unless
// every path has them.
func partRate(op eql.GuardOp, text string) float64 {
	for _, c := range commonParts {
		if strings.Contains(c, text) {
			return 0.3
		}
	}
	rate := 0.004
	switch n := len(text); {
	case n <= 1:
		rate = 0.8
	case n <= 2:
		rate = 0.1
	case n <= 4:
		rate = 0.02
	}
	if op != eql.Contains { // cheaper to look up as well
		rate /= 2
	}
	return rate
}
