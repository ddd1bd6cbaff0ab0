package baseline

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/alert"
)

// What counts as ordinary for the score: a combination of program, source and
// account that was seen on at least matureDays days that lie matureSpan days
// apart, so that a week of repetition does not make it, or that a person closed
// as benign.
const (
	matureDays = 5
	matureSpan = 14
)

// The weights of the formula (docs/tune.md).
const (
	programWeight  = 15 // from +15, never seen, to -15, on every host
	sourceWeight   = 10 // a source that is new
	accountWeight  = 5  // an account that is new
	malicious      = 20 // program or source of what was closed as malicious
	maxRaise       = 40
	maxLower       = 15
	fullConfidence = 14 // days of history after which points count in full
)

// Rater gives points to sightings. It is safe for concurrent use; what the
// baseline learns later it does not know.
type Rater struct {
	b         *Baseline
	programs  map[string]*program
	sources   map[string]*Source // by address
	anySource bool               // one of them is ordinary
	accounts  map[string]bool
	bad       map[string]*Verdict // programs and sources of what was malicious
}

// program is what is known of one program.
type program struct {
	hosts    map[int32]bool // where it is ordinary
	young    map[int32]bool // where it was seen, but not for long
	pairs    map[key]bool   // ordinary, with all three
	sources  map[string]bool
	accounts map[string]bool
	open     map[string]string // incidents that nobody closed → host
}

// Rater returns what gives points by the baseline as it stands.
func (b *Baseline) Rater() *Rater {
	r := &Rater{b: b, programs: map[string]*program{}, sources: map[string]*Source{}, accounts: map[string]bool{}, bad: map[string]*Verdict{}}
	for k, st := range b.starts {
		p := r.program(k.program)
		if !st.mature() {
			for host := range st.seen {
				p.young[host] = true
			}
			continue
		}
		for host := range st.seen {
			p.hosts[host] = true
			r.ordinary(p, k, host, st.first, st.last)
		}
	}
	for _, h := range b.held {
		k := h.key()
		p := r.program(k.program)
		switch v := h.Verdict; {
		case v == nil:
			p.open[h.Incident] = strings.ToLower(h.Host)
			r.source(k.source).Held++
		case v.Benign:
			host := b.number[strings.ToLower(h.Host)]
			p.hosts[host] = true
			r.ordinary(p, k, host, h.At, h.At)
		default:
			for _, name := range [...]string{k.program, k.source} {
				if name != "" {
					r.bad[name] = v
				}
			}
		}
	}
	return r
}

func (r *Rater) program(name string) *program {
	p := r.programs[name]
	if p == nil {
		p = &program{hosts: map[int32]bool{}, young: map[int32]bool{}, pairs: map[key]bool{},
			sources: map[string]bool{}, accounts: map[string]bool{}, open: map[string]string{}}
		r.programs[name] = p
	}
	return p
}

func (r *Rater) ordinary(p *program, k key, host int32, first, last time.Time) {
	p.pairs[k] = true
	if k.source != "" {
		p.sources[k.source] = true
		r.anySource = true
		r.source(k.source).add(k.program, host, first, last)
	}
	if k.account != "" {
		p.accounts[k.account], r.accounts[k.account] = true, true
	}
}

// Source is what a baseline knows of an address.
type Source struct {
	First, Last time.Time // when it started something that is ordinary; zero: never
	Held        int       // alerts from it that nobody closed

	programs map[string]bool
	hosts    map[int32]bool
}

// Programs is the number of programs that the source ordinarily starts.
func (s *Source) Programs() int { return len(s.programs) }

// Hosts is the number of hosts on which it does.
func (s *Source) Hosts() int { return len(s.hosts) }

func (s *Source) add(program string, host int32, first, last time.Time) {
	s.programs[program], s.hosts[host] = true, true
	if s.First.IsZero() || first.Before(s.First) {
		s.First = first
	}
	if last.After(s.Last) {
		s.Last = last
	}
}

// source returns the entry of an address, a new one if there is none.
func (r *Rater) source(address string) *Source {
	s := r.sources[address]
	if s == nil {
		s = &Source{programs: map[string]bool{}, hosts: map[int32]bool{}}
		r.sources[address] = s
	}
	return s
}

// Source returns what is known of an address; never nil.
func (r *Rater) Source(address string) *Source {
	if s := r.sources[strings.ToLower(address)]; s != nil {
		return s
	}
	return &Source{}
}

// mature reports whether it has lasted.
func (st *start) mature() bool {
	days := st.days()
	return len(days) >= matureDays && days[len(days)-1]-days[0]+1 >= matureSpan
}

// Rate returns why the risk score of a sighting should move and by how much:
// the sum of the factors' points, to be added to a score of 0 to 100. Only
// services are rated, since nothing else was learnt; others get nothing.
func (r *Rater) Rate(s *Sighting) []alert.Factor {
	if !s.ByService || s.Program == "" || r.b.Days() == 0 || len(r.b.hosts) == 0 {
		return nil
	}
	k := s.key()
	p := r.programs[k.program]
	if p == nil {
		p = &program{}
	}
	out := []alert.Factor{r.rateProgram(p, k, s.Incident)}
	out = append(out, r.rateSource(p, k)...)
	if k.account != "" && len(r.accounts) > 0 && !r.accounts[k.account] {
		out = append(out, alert.Factor{Reason: "account " + s.Account + " starts nothing here that is ordinary", Points: r.scale(accountWeight)})
	}
	for _, name := range [...]string{k.program, k.source} {
		if v := r.bad[name]; v != nil && name != "" {
			out = append(out, alert.Factor{Reason: name + " was closed as malicious by " + v.By, Points: malicious})
			break
		}
	}
	return limited(out)
}

// rateProgram gives points by the share of hosts on which the program is
// ordinary, on a logarithmic scale: one host of many is nearly none.
func (r *Rater) rateProgram(p *program, k key, incident string) alert.Factor {
	all, h := len(r.b.hosts), min(len(p.hosts), len(r.b.hosts))
	points := r.scale(programWeight * (1 - 2*math.Log1p(float64(h))/math.Log1p(float64(all))))
	seen := fmt.Sprintf("%d of %d hosts in %d %s", h, all, r.b.Days(), noun(r.b.Days(), "day"))
	open := p.alerted(incident)
	switch {
	case h == 0 && open != "":
		return alert.Factor{Reason: "program not ordinary here: " + seen + "; " + open, Points: points}
	case h == 0 && len(p.young) > 0:
		return alert.Factor{Reason: fmt.Sprintf("program not ordinary here: %s; on %d %s for a short time only", seen, len(p.young), noun(len(p.young), "host")), Points: points}
	case h == 0:
		return alert.Factor{Reason: "program never seen here: " + seen, Points: points}
	case open != "":
		seen += "; " + open
	}
	switch {
	case points > 0:
		return alert.Factor{Reason: "program rare here: " + seen, Points: points}
	case points < 0 && !p.known(k):
		return alert.Factor{Reason: "program ordinary here, but not so started: " + seen}
	}
	return alert.Factor{Reason: "program ordinary here: " + seen, Points: points}
}

// alerted tells of other alerts about the program that nobody closed, "" if
// there are none.
func (p *program) alerted(incident string) string {
	n, hosts := 0, map[string]bool{}
	for id, host := range p.open {
		if id != incident {
			n++
			hosts[host] = true
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("it alerted %d %s on %d %s, and nobody closed that", n, noun(n, "time"), len(hosts), noun(len(hosts), "host"))
}

// known reports whether the program is ordinary from that source by that
// account, as far as the two are told: nothing lowers the score of a known
// program in the hands of somebody else.
func (p *program) known(k key) bool {
	for pair := range p.pairs {
		if pair.source == k.source && (pair.account == k.account || pair.account == "" || k.account == "") {
			return true
		}
	}
	return false
}

func (r *Rater) rateSource(p *program, k key) []alert.Factor {
	switch {
	case k.source == "" || !r.anySource || p.sources[k.source]:
		return nil
	case r.Source(k.source).Programs() > 0:
		return []alert.Factor{{Reason: "source " + k.source + " is not where this program is started from", Points: r.scale(sourceWeight)}}
	}
	return []alert.Factor{{Reason: "source " + k.source + " starts nothing here that is ordinary", Points: r.scale(sourceWeight)}}
}

// scale rounds points, by how long was learnt.
func (r *Rater) scale(points float64) int {
	return int(math.Round(points * min(1, float64(r.b.Days())/fullConfidence)))
}

// limited holds the sum of the points within bounds: the last factors give way.
func limited(list []alert.Factor) []alert.Factor {
	sum := 0
	for i := range list {
		list[i].Points = min(max(list[i].Points, -maxLower-sum), maxRaise-sum)
		sum += list[i].Points
	}
	return list
}

// Move adds the points of factors to a risk score and holds it within 0 to 100.
func Move(score int, factors []alert.Factor) int {
	for _, f := range factors {
		score += f.Points
	}
	return min(max(score, 0), 100)
}
