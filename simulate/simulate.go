// Package simulate makes Windows telemetry: attacks and everyday activity of a
// fleet of hosts, as Elastic Defend, Sysmon and the native Windows logs would
// report them.
//
// There is one story and several reporters. A scenario says what happened, as
// acts on hosts ("this process started", "that connection was accepted"). Each
// source then renders the acts that its sensor would see, with its own field
// names, its own process identities and its own delay, so that the same attack
// can be scanned in every shape and must give the same answer.
//
// Everything is drawn from the seed and the start time: no wall clock, no
// global randomness, no map iteration. Each play of a scenario draws from a
// generator of its own, so that more noise does not change an attack's
// addresses, names and gaps (its process ids and record numbers do change).
//
// The line: plays (by start time) put acts into a queue by the time at which
// each sensor logs them; what leaves the queue is rendered, so that record
// numbers grow in logged order as they do on a real host; delivery then delays
// and disorders the documents and writes them out. Memory is bounded by what is
// on its way, not by the length of the run.
package simulate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Source is a kind of telemetry.
type Source uint8

// The sources.
const (
	Defend    Source = iota // Elastic Defend documents (ECS), one JSON object a line
	Sysmon                  // Sysmon as winlogbeat ships it before any pipeline, one JSON object a line
	SysmonXML               // the same records as Windows event XML, one <Event> a line
	Native                  // Security and System logs as winlogbeat ships them, one JSON object a line
	NativeXML               // the same records as Windows event XML, one <Event> a line
	EVTX                    // the records of both as binary event logs; no stream, see Generator.EVTX
	sources
)

var sourceNames = [...]string{"defend", "sysmon", "sysmon-xml", "native", "native-xml", "evtx"}

// String returns the source's name as the command line has it.
func (s Source) String() string { return sourceNames[s] }

// Ext returns the file name ending for the source's documents, without a dot.
func (s Source) Ext() string {
	switch s {
	case SysmonXML, NativeXML:
		return "xml"
	case EVTX:
		return "evtx"
	}
	return "ndjson"
}

// AllSources returns every source that is written as a stream: all but EVTX.
func AllSources() []Source { return []Source{Defend, Sysmon, SysmonXML, Native, NativeXML} }

// ParseSource returns the source of that name.
func ParseSource(name string) (Source, error) {
	for i, n := range sourceNames {
		if n == name {
			return Source(i), nil
		}
	}
	return 0, fmt.Errorf("parse source %q: want one of %s", name, strings.Join(sourceNames[:], ", "))
}

// Config says what to simulate. The zero value of each field but Start is usable.
type Config struct {
	Seed     uint64
	Start    time.Time     // when the story begins; must be set
	Duration time.Duration // how long it lasts; 0 is ten minutes
	Hosts    int           // size of the fleet; 0 is 1. With 1, attacks come from an address outside it

	Sources   []Source // which sensors report; empty is all
	Scenarios []string // names of scenarios to play (Scenarios); may be empty
	Plays     int      // how often each is played, spread over the duration; 0 is 1

	Ordinary float64 // everyday service activity: scenarios per host and hour
	Noise    float64 // processes, connections, logons and look-ups: acts per host and minute

	Skew     time.Duration // each host's clock is off by a constant drawn from ±Skew
	Jitter   time.Duration // each event's time is off by a further amount drawn from ±Jitter
	Disorder time.Duration // each document is held back for up to that long before it is written
	Late     float64       // share of documents, 0–1, that are held back for up to LateBy
	LateBy   time.Duration // 0 is ten minutes

	Limit int // stop after that many documents; 0 is no limit
}

// Generator writes one run. It is good for one Write.
type Generator struct {
	cfg     Config
	rng     *rand.Rand // fleet, noise, sensor delays
	fleet   []*host
	outside *host // the attacker's machine when it is none of the fleet's
	plays   []planned
	queue   queue
	rec     record // reused by the renderers
	doc     []byte
	active  [sources]bool
	end     int64
	written int

	logs  map[int]*eventLog // for EVTX, by host and channel
	order []*eventLog
	kept  int
}

// planned is one play of a scenario that the configuration asks for.
type planned struct {
	at   int64
	body func(*play)
	seed uint64
}

// maxHosts bounds the fleet so that a mistyped number fails at once.
const maxHosts = 1_000_000

// New checks the configuration and sets up the fleet.
func New(cfg Config) (*Generator, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	g := &Generator{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0x746f6373696e)), logs: map[int]*eventLog{}}
	for _, s := range cfg.Sources {
		g.active[s] = true
	}
	g.end = cfg.Start.Add(cfg.Duration).UnixNano()
	g.makeFleet()
	return g, g.plan()
}

func (c *Config) fill() error {
	if c.Start.IsZero() {
		return errors.New("check simulation: no start time")
	}
	if c.Hosts < 0 || c.Hosts > maxHosts {
		return fmt.Errorf("check simulation: %d hosts, want 1 to %d", c.Hosts, maxHosts)
	}
	if c.Late < 0 || c.Late > 1 {
		return fmt.Errorf("check simulation: late share %v, want 0 to 1", c.Late)
	}
	for _, f := range []float64{c.Ordinary, c.Noise, c.Late} {
		if f < 0 || math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("check simulation: rate %v, want a number from 0", f)
		}
	}
	for _, d := range []time.Duration{c.Duration, c.Skew, c.Jitter, c.Disorder, c.LateBy} {
		if d < 0 {
			return fmt.Errorf("check simulation: negative duration %v", d)
		}
	}
	if c.Plays < 0 || c.Limit < 0 {
		return errors.New("check simulation: a count is negative")
	}
	if len(c.Sources) == 0 {
		c.Sources = AllSources()
	}
	c.Sources = slices.Clone(c.Sources)
	slices.Sort(c.Sources)
	c.Sources = slices.Compact(c.Sources)
	c.Hosts, c.Plays = max(c.Hosts, 1), max(c.Plays, 1)
	if c.Duration == 0 {
		c.Duration = 10 * time.Minute
	}
	if c.LateBy == 0 {
		c.LateBy = 10 * time.Minute
	}
	return nil
}

// plan spreads the plays of the named scenarios evenly over the duration, each
// within its own slot, in the order named.
func (g *Generator) plan() error {
	n := len(g.cfg.Scenarios) * g.cfg.Plays
	if n == 0 {
		return nil
	}
	slot := int64(g.cfg.Duration) / int64(n)
	for i := range n {
		name := g.cfg.Scenarios[i%len(g.cfg.Scenarios)]
		sc, ok := find(name)
		if !ok {
			return fmt.Errorf("find scenario %q: want one of %s", name, strings.Join(names(), ", "))
		}
		// The first tenth of the slot: what a play sets in motion still ends within the run.
		seed := mix(g.cfg.Seed, uint64(i)+1)
		at := g.cfg.Start.UnixNano() + int64(i)*slot
		if slot > 10 {
			at += int64(seed % uint64(slot/10))
		}
		g.plays = append(g.plays, planned{at: at, body: sc.play, seed: seed})
	}
	return nil
}

// mix is SplitMix64: one seed out of two numbers.
func mix(a, b uint64) uint64 {
	z := a + b*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Write writes all documents of all sources to w, one a line, in the order in
// which they arrive. It returns the number of documents. JSON and XML sources
// in one stream make a mixed file; Split keeps them apart.
func (g *Generator) Write(w io.Writer) (int, error) {
	buf := bufio.NewWriterSize(w, 1<<20)
	err := g.run(func(_ Source, doc []byte) error {
		_, err := buf.Write(doc)
		return err
	})
	if err == nil {
		err = buf.Flush()
	}
	if err != nil {
		return g.written, fmt.Errorf("write telemetry: %w", err)
	}
	return g.written, nil
}

// Split writes each source's documents to a writer of its own, which open gives.
// It returns the number of documents by source.
func (g *Generator) Split(open func(Source) (io.Writer, error)) (map[Source]int, error) {
	var out [sources]*bufio.Writer
	count := map[Source]int{}
	for _, s := range g.cfg.Sources {
		if s == EVTX {
			continue
		}
		w, err := open(s)
		if err != nil {
			return nil, fmt.Errorf("open %s telemetry: %w", s, err)
		}
		out[s] = bufio.NewWriterSize(w, 1<<18)
		count[s] = 0
	}
	err := g.run(func(s Source, doc []byte) error {
		count[s]++
		_, err := out[s].Write(doc)
		return err
	})
	for _, w := range out {
		if w != nil {
			err = errors.Join(err, w.Flush())
		}
	}
	if err != nil {
		return count, fmt.Errorf("write telemetry: %w", err)
	}
	return count, nil
}

// errLimit ends a run that has written what it was asked for.
var errLimit = errors.New("limit reached")

// run plays the whole story. Plays begin in time order; before each, everything
// that sensors log earlier is rendered and sent.
func (g *Generator) run(emit func(Source, []byte) error) error {
	send := newDelivery(g, emit)
	ordinary := g.clock(g.cfg.Ordinary / 3600)
	noise := g.clock(g.cfg.Noise / 60)
	for {
		at, start := int64(math.MaxInt64), (func())(nil)
		if len(g.plays) > 0 {
			p := g.plays[0]
			at, start = p.at, func() { g.plays = g.plays[1:]; g.begin(p.at, p.seed, p.body) }
		}
		if ordinary.next < at {
			at, start = ordinary.next, func() { g.begin(ordinary.next, g.rng.Uint64(), playOrdinary); ordinary.tick(g.rng) }
		}
		if noise.next < at {
			at, start = noise.next, func() { g.begin(noise.next, g.rng.Uint64(), playNoise); noise.tick(g.rng) }
		}
		if err := g.flush(at, send); err != nil {
			return ignoreLimit(err)
		}
		if start == nil {
			return ignoreLimit(send.drain())
		}
		start()
	}
}

func ignoreLimit(err error) error {
	if errors.Is(err, errLimit) {
		return nil
	}
	return err
}

// flush renders what sensors log before the given time.
func (g *Generator) flush(before int64, send *delivery) error {
	for {
		it, ok := g.queue.popBefore(before)
		if !ok {
			return nil
		}
		if err := g.log(it, send); err != nil {
			return err
		}
	}
}

// log renders what one sensor makes of an act, in each form that is wanted: a
// record has the same number and time as JSON and as XML.
func (g *Generator) log(it item, send *delivery) error {
	it.act.logged = it.due
	if it.sensor == Defend {
		g.doc = renderDefend(g.doc[:0], it.act)
		return send.put(it.due, Defend, g.doc)
	}
	var err error
	write := func(r *record) {
		r.number()
		if err == nil && g.active[it.sensor] {
			g.doc = appendJSON(g.doc[:0], r)
			err = send.put(it.due, it.sensor, g.doc)
		}
		if err == nil && g.active[EVTX] {
			err = g.keep(r)
		}
		if xml := it.sensor + 1; err == nil && g.active[xml] {
			g.doc = appendXML(g.doc[:0], r)
			err = send.put(it.due, xml, g.doc)
		}
	}
	if it.sensor == Sysmon {
		sysmonRecord(&g.rec, it.act)
		write(&g.rec)
	} else {
		nativeRecords(&g.rec, it.act, write)
	}
	return err
}

// poisson is a stream of random moments at a mean rate.
type poisson struct {
	perSec float64
	next   int64
	end    int64
}

// clock returns the moments of something that happens on each host at a rate
// per second, until the run's end.
func (g *Generator) clock(perHost float64) *poisson {
	p := &poisson{perSec: perHost * float64(len(g.fleet)), next: g.cfg.Start.UnixNano(), end: g.end}
	p.tick(g.rng)
	return p
}

func (p *poisson) tick(rng *rand.Rand) {
	if p.perSec <= 0 {
		p.next = math.MaxInt64
		return
	}
	p.next += int64(rng.ExpFloat64() / p.perSec * 1e9)
	if p.next >= p.end || p.next < 0 {
		p.next = math.MaxInt64
	}
}

// begin runs one play: its body puts all its acts into the queue.
func (g *Generator) begin(at int64, seed uint64, body func(*play)) {
	p := &play{g: g, rng: rand.New(rand.NewPCG(seed, 1)), t: at}
	p.cast()
	body(p)
}
