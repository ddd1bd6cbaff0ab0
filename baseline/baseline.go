// Package baseline learns from history what is ordinary: which programs are
// started remotely, from which source, by which account, on how many hosts, when
// first and last. Three things rest on it:
//
//	risk.go       a score moves by how rare the program, its source and its account are
//	propose.go    exceptions are proposed for what alerts again and again and is administration
//	catalogue.go  what is seen gets the name of the product, where that is known
//
// Learning is guarded. What alerted is held apart and counts as ordinary only
// when a person has closed it as benign; what is proposed must have lasted, on
// many hosts, from few sources that did nothing else. Repeating an attack makes
// it neither less rare nor an exception.
//
// A Baseline is a plain value: no clock, no files but through Read and Write
// (file.go). pipeline makes Sightings of what it finds, and the command line
// puts the two together. It is not safe for concurrent use, but for reading.
package baseline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Signature is what the sensors said of a program's signature.
type Signature string

// The signatures. Sensors that do not look, as Sysmon at a process start and
// the native log, leave it unknown.
const (
	Unknown   Signature = ""
	Unsigned  Signature = "unsigned"
	Untrusted Signature = "untrusted" // signed, but not by whom the host trusts
	Trusted   Signature = "trusted"
)

// AlertRef is one alert about a sighting.
type AlertRef struct {
	ID       string `json:"id"`
	Strategy string `json:"strategy"`
	Variant  string `json:"variant,omitempty"`
	Severity string `json:"severity"`
	// Fields are those of the alert's own events that hold the program: an
	// exception can name it there.
	Fields []string `json:"fields,omitempty"`
}

// Sighting is one program seen as it was started or installed: one incident.
type Sighting struct {
	Incident  string     `json:"incident"`
	At        time.Time  `json:"at"` // UTC
	Host      string     `json:"host"`
	Program   string     `json:"program"` // a path, as Path gives it
	ByService bool       `json:"by_service,omitempty"`
	Service   string     `json:"service,omitempty"`
	Image     string     `json:"image,omitempty"` // the command that was installed, as written
	Signature Signature  `json:"signature,omitempty"`
	Signer    string     `json:"signer,omitempty"`
	Original  string     `json:"original,omitempty"` // file name in the version resource
	SHA256    string     `json:"sha256,omitempty"`
	Source    string     `json:"source,omitempty"`  // address; "" if nothing tells it
	Account   string     `json:"account,omitempty"` // DOMAIN\name; likewise
	Alerts    []AlertRef `json:"alerts,omitempty"`  // none: nothing alerted on it
}

// Verdict is what a person found an alert to be.
type Verdict struct {
	Benign bool      `json:"benign"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Held is a sighting that alerted.
type Held struct {
	Sighting
	Verdict *Verdict `json:"verdict,omitempty"` // nil until it is closed
}

// key is what the ordinary is counted by, in lower case.
type key struct{ program, source, account string }

// start is one program, source and account that were seen together without an
// alert.
type start struct {
	key
	service, signer string
	signature       Signature
	first, last     time.Time
	seen            map[int32][]int32 // host → days since 1970 UTC, ascending
}

// Baseline is what was learnt.
type Baseline struct {
	From, To   time.Time // of the events it was learnt from, UTC
	Strategies []string  // ids that alerted while it was learnt, sorted

	hosts  []string
	number map[string]int32
	starts map[key]*start
	held   map[string]*Held // by incident
	alerts map[string]string
}

// NoProgram stands for the program of an alert that names none. It is held all
// the same: its host, source and account are those of an alert.
const NoProgram = "-"

// Limits on what a baseline holds: input may be hostile.
const (
	maxHosts  = 200_000
	maxStarts = 200_000
	maxHeld   = 1_000_000
)

// New returns an empty baseline.
func New() *Baseline {
	return &Baseline{number: map[string]int32{}, starts: map[key]*start{}, held: map[string]*Held{}, alerts: map[string]string{}}
}

// History is what one scan gives to learn from.
type History struct {
	From, To   time.Time
	Hosts      []string // all that reported, whether they started anything or not
	Strategies []string // ids of those that ran
	Sightings  []Sighting
}

// Learnt counts what became of a history's sightings.
type Learnt struct {
	Quiet   int // counted towards the ordinary
	Held    int // alerted, and held until somebody closes them
	Beside  int // quiet, but on a host that alerted shortly before or after: not learnt
	Unknown int // quiet and without a program
}

// besideAlert is how far from an alert on the same host nothing quiet is
// learnt: what else an intruder did there is not ordinary either.
const besideAlert = 10 * time.Minute

// Learn adds a history. Learning the same twice changes nothing. It fails,
// having changed some, only if limits are reached.
func (b *Baseline) Learn(h *History) (Learnt, error) {
	var n Learnt
	if len(h.Hosts) > 0 && !h.From.IsZero() {
		if b.From.IsZero() || h.From.Before(b.From) {
			b.From = h.From.UTC()
		}
		if h.To.After(b.To) {
			b.To = h.To.UTC()
		}
	}
	b.Strategies = append(b.Strategies, h.Strategies...)
	slices.Sort(b.Strategies)
	b.Strategies = slices.Compact(b.Strategies)
	for _, name := range h.Hosts {
		if _, err := b.host(name); err != nil {
			return n, err
		}
	}
	for i := range h.Sightings {
		s := &h.Sightings[i]
		if len(s.Alerts) == 0 {
			continue
		}
		if err := b.hold(s); err != nil {
			return n, err
		}
		n.Held++
	}
	near := b.alertTimes()
	for i := range h.Sightings {
		s := &h.Sightings[i]
		switch {
		case len(s.Alerts) > 0 || b.held[s.Incident] != nil:
		case s.Program == "":
			n.Unknown++
		case isBeside(near[strings.ToLower(s.Host)], s.At):
			n.Beside++
		default:
			if err := b.count(s); err != nil {
				return n, err
			}
			n.Quiet++
		}
	}
	return n, nil
}

// alertTimes are the times of alerts that nobody closed as benign, by host,
// ascending.
func (b *Baseline) alertTimes() map[string][]time.Time {
	out := map[string][]time.Time{}
	for _, h := range b.Held() {
		if h.Verdict == nil || !h.Verdict.Benign {
			name := strings.ToLower(h.Host)
			out[name] = append(out[name], h.At)
		}
	}
	return out
}

func isBeside(alerts []time.Time, at time.Time) bool {
	i, _ := slices.BinarySearchFunc(alerts, at.Add(-besideAlert), time.Time.Compare)
	return i < len(alerts) && !alerts[i].After(at.Add(besideAlert))
}

func (b *Baseline) host(name string) (int32, error) {
	name = strings.ToLower(name)
	if n, ok := b.number[name]; ok {
		return n, nil
	}
	if len(b.hosts) >= maxHosts {
		return 0, fmt.Errorf("learn baseline: more than %d hosts", maxHosts)
	}
	n := int32(len(b.hosts))
	b.hosts = append(b.hosts, name)
	b.number[name] = n
	return n, nil
}

// hold keeps a sighting that alerted, apart from what is ordinary.
func (b *Baseline) hold(s *Sighting) error {
	if h := b.held[s.Incident]; h != nil {
		h.merge(s)
		b.index(h)
		return nil
	}
	if len(b.held) >= maxHeld {
		return fmt.Errorf("learn baseline: more than %d alerts", maxHeld)
	}
	if _, err := b.host(s.Host); err != nil {
		return err
	}
	h := &Held{Sighting: *s}
	h.Alerts = slices.Clone(s.Alerts)
	if h.Program == "" {
		h.Program = NoProgram
	}
	b.held[s.Incident] = h
	b.index(h)
	return nil
}

func (b *Baseline) index(h *Held) {
	for i := range h.Alerts {
		b.alerts[h.Alerts[i].ID] = h.Incident
	}
}

// merge adds what another reading of the same incident knows.
func (h *Held) merge(s *Sighting) {
	for _, a := range s.Alerts {
		if !slices.ContainsFunc(h.Alerts, func(x AlertRef) bool { return x.ID == a.ID }) {
			h.Alerts = append(h.Alerts, a)
		}
	}
	if h.Program == NoProgram && s.Program != "" {
		h.Program = s.Program
	}
	h.Sighting.Fill(s)
}

// Fill takes from another reading of the same incident what this one lacks.
func (s *Sighting) Fill(o *Sighting) {
	s.ByService = s.ByService || o.ByService
	for _, f := range [...]struct{ to, from *string }{
		{&s.Program, &o.Program}, {&s.Image, &o.Image}, {&s.Service, &o.Service}, {&s.Original, &o.Original}, {&s.SHA256, &o.SHA256},
		{&s.Source, &o.Source}, {&s.Account, &o.Account},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	if s.Signature == Unknown {
		s.Signature, s.Signer = o.Signature, o.Signer
	}
}

// count adds a sighting to what is ordinary.
func (b *Baseline) count(s *Sighting) error {
	host, err := b.host(s.Host)
	if err != nil {
		return err
	}
	k := s.key()
	st := b.starts[k]
	if st == nil {
		if len(b.starts) >= maxStarts {
			return fmt.Errorf("learn baseline: more than %d programs, sources and accounts", maxStarts)
		}
		st = &start{key: k, first: s.At, last: s.At, seen: map[int32][]int32{}}
		b.starts[k] = st
	}
	if st.service == "" {
		st.service = s.Service
	}
	if st.signature == Unknown {
		st.signature, st.signer = s.Signature, s.Signer
	}
	if s.At.Before(st.first) {
		st.first = s.At
	}
	if s.At.After(st.last) {
		st.last = s.At
	}
	day := dayOf(s.At)
	if i, ok := slices.BinarySearch(st.seen[host], day); !ok {
		st.seen[host] = slices.Insert(st.seen[host], i, day)
	}
	return nil
}

func (s *Sighting) key() key {
	return key{strings.ToLower(s.Program), strings.ToLower(s.Source), strings.ToLower(s.Account)}
}

func dayOf(t time.Time) int32 { return int32(t.Unix() / 86400) }

// Forget drops what was last seen before a time, but for what was closed as
// malicious. What remains in the baseline begins there. It returns how many
// starts (one a host and day) and alerts it dropped.
func (b *Baseline) Forget(before time.Time) (starts, alerts int) {
	if !b.From.Before(before) {
		return 0, 0
	}
	b.From = before.UTC()
	oldest := dayOf(before)
	for k, st := range b.starts {
		for host, days := range st.seen {
			i, _ := slices.BinarySearch(days, oldest)
			starts += i
			if st.seen[host] = days[i:]; i == len(days) {
				delete(st.seen, host)
			}
		}
		switch {
		case len(st.seen) == 0:
			delete(b.starts, k)
		case st.first.Before(before):
			st.first = before.UTC()
		}
	}
	for id, h := range b.held {
		if h.At.Before(before) && (h.Verdict == nil || h.Verdict.Benign) {
			delete(b.held, id)
			alerts++
			for _, a := range h.Alerts {
				delete(b.alerts, a.ID)
			}
		}
	}
	return starts, alerts
}

// Hosts is the number of hosts that reported.
func (b *Baseline) Hosts() int { return len(b.hosts) }

// Days is the length of what was learnt, in days; at least 1, or 0 if nothing was.
func (b *Baseline) Days() int {
	if b.From.IsZero() {
		return 0
	}
	return max(1, int(b.To.Sub(b.From).Hours()/24+0.5))
}

// Held returns what alerted, by time, then incident.
func (b *Baseline) Held() []*Held {
	out := make([]*Held, 0, len(b.held))
	for _, h := range b.held {
		out = append(out, h)
	}
	slices.SortFunc(out, func(x, y *Held) int {
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Incident, y.Incident))
	})
	return out
}

// minID is the shortest beginning of an id that Close takes.
const minID = 8

// Close records what a person found an alert to be; id is the alert's or the
// incident's, or a beginning of one that only it has. What was closed before
// may be closed anew. It returns what it closed.
func (b *Baseline) Close(id string, v Verdict) (*Held, error) {
	switch {
	case strings.TrimSpace(v.By) == "" || strings.TrimSpace(v.Reason) == "":
		return nil, fmt.Errorf("close alert %s: it needs who says so, and why", id)
	case len(id) < minID:
		return nil, fmt.Errorf("close alert %q: give at least %d characters of its id", id, minID)
	}
	found := map[string]bool{}
	for alert, incident := range b.alerts {
		if strings.HasPrefix(alert, id) || strings.HasPrefix(incident, id) {
			found[incident] = true
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("close alert %s: no such alert or incident was learnt", id)
	case 1:
	default:
		return nil, fmt.Errorf("close alert %s: %d incidents begin so", id, len(found))
	}
	for incident := range found {
		id = incident
	}
	h := b.held[id]
	v.At = v.At.UTC()
	h.Verdict = &v
	return h, nil
}
