// Package alert is what a strategy reports: its identity and its JSON form,
// the one every output and every sink writes (docs/json.md).
package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sort"
	"strings"
	"time"
)

// SchemaVersion is the version of the JSON form. Fields are added, never renamed.
const SchemaVersion = 1

// The states of an alert (DESIGN §3).
const (
	StateOpen       = "open"
	StateSuperseded = "superseded" // a later arrival took its completing event away
)

// Severities, from least to most.
var severities = [...]string{"low", "medium", "high", "critical"}

// SeverityRank orders severities; an unknown one ranks lowest.
func SeverityRank(s string) int {
	for i, name := range severities {
		if strings.EqualFold(s, name) {
			return i + 1
		}
	}
	return 0
}

// Severities lists the known severities, least first.
func Severities() []string { return severities[:] }

// Alert is one report of one strategy.
type Alert struct {
	Schema       int     `json:"schema"`
	ID           string  `json:"id"`
	Incident     string  `json:"incident"`
	State        string  `json:"state"`
	SupersededBy *string `json:"superseded_by"`

	Strategy  string    `json:"strategy"`
	Variant   string    `json:"variant"`
	Title     string    `json:"title"`
	Timestamp time.Time `json:"@timestamp"` // of the last event, UTC
	Severity  string    `json:"severity"`
	RiskScore int       `json:"risk_score"` // 0 to 100
	Risk      []Factor  `json:"risk_factors,omitempty"`

	// Approximate says that a sequence longer than a minute was joined over
	// synthesised process identities, whose numbers Windows reuses.
	Approximate bool `json:"approximate,omitempty"`

	Host     Host      `json:"host"`
	Threat   []Threat  `json:"threat"`
	JoinKeys []*string `json:"join_keys"` // nil is a null key part

	Events  []Event  `json:"events"`
	Triage  []Answer `json:"triage"`
	Context []Event  `json:"context"`

	Exception  *Exception `json:"exception"`
	Suppressed int        `json:"suppressed,omitempty"` // further alerts folded into this one
	// SuppressedBy is the id of the alert that this one is folded into; such
	// ones are only written when all is asked for (--all).
	SuppressedBy string `json:"suppressed_by,omitempty"`
}

// Host is the machine the alert is about.
type Host struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Threat is one ATT&CK tactic with a technique; either may be empty.
type Threat struct {
	Tactic    string `json:"tactic"`
	Technique string `json:"technique"`
}

// Origin says where an event was read.
type Origin struct {
	Path   string `json:"path"`
	Line   int    `json:"line"`   // 1-based line, or the ordinal in an array or EVTX file
	Record string `json:"record"` // the log's own record number; empty if it has none
}

// Event is one event of the evidence or of the context.
type Event struct {
	Stage   int             `json:"stage,omitempty"` // 1-based; absent in context
	ID      string          `json:"_id,omitempty"`   // the event's identity
	Origin  *Origin         `json:"origin,omitempty"`
	Event   json.RawMessage `json:"event,omitempty"` // the whole ECS event
	Missing bool            `json:"missing,omitempty"`
}

// Answer is one Response question with its answer.
type Answer struct {
	Question string   `json:"question"`
	Answer   string   `json:"answer"`
	Evidence []string `json:"evidence"` // identities of events in events or context
}

// Factor is one reason why the risk score differs from the document's.
type Factor struct {
	Reason string `json:"reason"`
	Points int    `json:"points"`
}

// Exception names what excused a match.
type Exception struct {
	Name   string `json:"name"`
	Scope  string `json:"scope"`
	Reason string `json:"reason"`
	Owner  string `json:"owner,omitempty"`
}

// ID is the identity of a match of a sequence or of a single event: the
// strategy, the variant, the encoded join key (empty for single events) and the
// identity of the event that completed it. Doing the same work twice gives the
// same id; evidence before the last event may change without changing it.
func ID(strategy, variant, joinKey, lastEvent string) string {
	return digest("sequence", strategy, variant, joinKey, lastEvent)
}

// SampleID is the identity of a sample, which has no order: the set of its events.
func SampleID(strategy, variant, joinKey string, events []string) string {
	set := append([]string(nil), events...)
	sort.Strings(set)
	return digest(append([]string{"sample", strategy, variant, joinKey}, set...)...)
}

// IncidentID is the identity of an incident: the host, the executable of the
// process that the alerts are about, and the time of the earliest of them.
func IncidentID(host, executable string, at time.Time) string {
	return digest("incident", host, executable, at.UTC().Format(time.RFC3339Nano))
}

// digest hashes the parts so that no two lists of parts look alike.
func digest(parts ...string) string {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		for i := range n {
			n[i] = byte(len(p) >> (8 * i))
		}
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
