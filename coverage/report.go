package coverage

import (
	"time"

	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/strategy"
)

// Status is what can be said of a rule on a host.
type Status string

// The statuses, from the best to the worst.
const (
	Covered  Status = "covered"  // every stage is fed
	Unproven Status = "unproven" // it may be, but this data cannot show it
	Blind    Status = "blind"    // some stage gets nothing
)

func (s Status) rank() int {
	switch s {
	case Covered:
		return 2
	case Unproven:
		return 1
	}
	return 0
}

// Report is what data arrives and what strategies can do with it, and its JSON
// form (docs/json.md). Fields are added, never renamed.
type Report struct {
	Schema     int        `json:"schema"` // 1
	Events     int        `json:"events"`
	Partial    bool       `json:"partial"` // interrupted before the input ended
	First      *time.Time `json:"first"`   // event time
	Last       *time.Time `json:"last"`
	Hosts      []Host     `json:"hosts"`
	Strategies []Strategy `json:"strategies"`
	Fixes      []Fix      `json:"fixes"`

	Summary *pipeline.Summary `json:"-"`
}

// Host is what arrives from one host.
type Host struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Events  int        `json:"events"`
	First   *time.Time `json:"first"`
	Last    *time.Time `json:"last"`
	Sources []Source   `json:"sources"`
	Clocks  []Clock    `json:"clocks"` // those that are worth a word
	Gaps    []Gap      `json:"gaps"`   // in which a log was silent
}

// Source is one event of one log, or of an agent's data set.
type Source struct {
	Channel string     `json:"channel"`
	Code    string     `json:"code"`
	Title   string     `json:"title"` // "" for events that no rule is known to need
	Events  int        `json:"events"`
	First   *time.Time `json:"first"`
	Last    *time.Time `json:"last"`
}

// Clock is what is remarkable about the times of one source.
type Clock struct {
	Channel string `json:"channel"`
	Code    string `json:"code"` // "" for the whole channel
	Problem string `json:"problem"`
	// zone: the export wrote another zone than it says, by ZoneMS.
	// ahead: the sensor's clock is ahead of the log's, by SensorMS typically.
	// late: it logs long after the event, by SensorMS typically.
	// coarse: times are whole seconds.
	// resolved: local time without a zone that the mapping put right; no fault.
	ZoneMS   int64   `json:"zone_ms"`
	SensorMS int64   `json:"sensor_ms"` // logged minus event time without the zone; negative is ahead
	Share    float64 `json:"share"`     // of its events that are ahead or coarse
	Events   int     `json:"events"`
	Words    string  `json:"words"`
}

// Gap is a time in which a log of a host was silent while others were not.
type Gap struct {
	Channel string    `json:"channel"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Others  int       `json:"others"` // events of the host's other logs meanwhile
}

// Strategy is what can be said of a strategy.
type Strategy struct {
	ID          string       `json:"id"`
	Title       string       `json:"title"`
	Covered     int          `json:"covered"` // hosts on which a variant is
	Unproven    int          `json:"unproven"`
	Blind       int          `json:"blind"`
	Declared    []Declared   `json:"declared"` // data sources and index patterns of the document
	Variants    []Variant    `json:"variants"`
	Assumptions []Assumption `json:"assumptions"`

	source *strategy.Strategy
	best   map[string]Status // by host
}

// Declared is a data source or an index pattern that the document names.
type Declared struct {
	Name  string `json:"name"`
	Hosts int    `json:"hosts"` // from which it arrives
}

// Variant is one rule on every host.
type Variant struct {
	Variant  string    `json:"variant"`
	Native   bool      `json:"native"` // on made-up identities of the native log
	Covered  int       `json:"covered"`
	Unproven int       `json:"unproven"`
	Blind    int       `json:"blind"`
	Hosts    []Verdict `json:"hosts"`
}

// Verdict is one rule on one host.
type Verdict struct {
	Host    string         `json:"host"` // its id
	Status  Status         `json:"status"`
	Reasons []string       `json:"reasons"`
	Stages  []StageVerdict `json:"stages"`

	fixes []fix
}

// StageVerdict is what feeds one stage on one host.
type StageVerdict struct {
	Stage     int      `json:"stage"` // 1-based
	Status    Status   `json:"status"`
	Sources   []string `json:"sources"`        // events that feed it
	Events    int      `json:"events"`         // of these sources
	Satisfied int      `json:"satisfied"`      // events that satisfy the whole stage
	Missing   []string `json:"missing_fields"` // needed, and never seen
	Reason    string   `json:"reason"`
}

// Assumption is a sentence of Blind Spots that data can speak to, or one that
// every rule makes.
type Assumption struct {
	Text   string `json:"text"`
	Line   int    `json:"line"`   // of the document; 0 for one that every rule makes
	Status string `json:"status"` // holds, fails, partly or unseen
	Why    string `json:"why"`
}

// Fix is what would mend gaps.
type Fix struct {
	Kind       string   `json:"kind"` // auditpol, registry, sysmon, defend, forward, clock, sacl, upgrade
	Do         string   `json:"do"`   // a command, a piece of configuration, or words
	Why        string   `json:"why"`
	Hosts      []string `json:"hosts"`
	Strategies []string `json:"strategies"`

	urgent int // strategies and hosts on which no variant is covered
}
