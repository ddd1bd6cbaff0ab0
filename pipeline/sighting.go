package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/baseline"
	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/sequence"
)

// sightSlots are the fields that sightings are made from.
type sightSlots struct {
	code, category, kind         int
	executable, parent           int
	signed, trusted, signer      int
	original, hash               int
	source, port, peer, peerPort int
	user, domain                 int
	file, image, service         int
}

func newSightSlots(s *event.Schema) *sightSlots {
	return &sightSlots{
		code: s.Slot("event.code"), category: s.Slot("event.category"), kind: s.Slot("event.type"),
		executable: s.Slot("process.executable"), parent: s.Slot("process.parent.name"),
		signed: s.Slot("process.code_signature.exists"), trusted: s.Slot("process.code_signature.trusted"),
		signer: s.Slot("process.code_signature.subject_name"), original: s.Slot("process.pe.original_file_name"),
		hash: s.Slot("process.hash.sha256"), source: s.Slot("source.ip"), port: s.Slot("source.port"),
		peer: s.Slot("tocsin.peer.ip"), peerPort: s.Slot("tocsin.peer.port"),
		user: s.Slot("user.name"), domain: s.Slot("user.domain"),
		file: s.Slot(fieldServiceFile), image: s.Slot(fieldImagePath), service: s.Slot("winlog.event_data.ServiceName"),
	}
}

// The fields in which an alert's events hold its program.
const (
	fieldExecutable  = "process.executable"
	fieldServiceFile = "winlog.event_data.ServiceFileName"
	fieldImagePath   = "winlog.event_data.ImagePath"
)

// Sightings says of each incident which program was seen, where, from which
// source and by which account, with the alerts that it gave. Findings of
// baseline's own strategy are no alerts. The scan must have been asked for it
// (Scan.Sight).
func (r *Result) Sightings() ([]baseline.Sighting, error) {
	if r.sight == nil {
		return nil, fmt.Errorf("list sightings: the scan was not asked for them")
	}
	at := map[string]int{}
	var out []baseline.Sighting
	s := newSighter(r)
	for _, f := range r.Findings {
		one, fields, err := s.sight(f)
		if err != nil {
			return nil, fmt.Errorf("list sightings: %w", err)
		}
		if f.Rule.Strategy.ID != baseline.WideID && f.Excused == nil {
			one.Alerts = []baseline.AlertRef{{ID: f.ID, Strategy: f.Rule.Strategy.ID, Variant: f.Variant, Severity: f.Severity(), Fields: fields}}
		}
		i, ok := at[f.Incident]
		if !ok {
			at[f.Incident] = len(out)
			out = append(out, one)
			continue
		}
		out[i].Alerts = append(out[i].Alerts, one.Alerts...)
		out[i].Fill(&one)
	}
	return out, nil
}

// rate moves the risk scores by what the baseline knows.
func (r *Result) rate() error {
	if r.scan.Rater == nil {
		return nil
	}
	s := newSighter(r)
	for _, f := range r.Findings {
		one, _, err := s.sight(f)
		if err != nil {
			return fmt.Errorf("rate alert %s: %w", f.ID, err)
		}
		factors := r.scan.Rater.Rate(&one)
		f.Factors = append(f.Factors, factors...)
		f.Risk = baseline.Move(f.Risk, factors)
	}
	return nil
}

// sighter reads findings' documents again.
type sighter struct {
	*sightSlots
	result  *Result
	decoder *ecs.Decoder
	event   *event.Event
}

func newSighter(r *Result) *sighter {
	schema := r.scan.Engine.Schema()
	return &sighter{sightSlots: r.sight, result: r, event: event.New(schema),
		decoder: ecs.NewDecoder(schema, ecs.Options{Native: r.scan.Native})}
}

// sight makes a sighting of a finding, without its alerts. fields are those of
// the finding's own events that hold the program.
func (s *sighter) sight(f *Finding) (one baseline.Sighting, fields []string, err error) {
	one = baseline.Sighting{Incident: f.Incident, At: f.time(), Host: hostKey(f)}
	var port string
	for _, st := range f.steps {
		if err := s.decode(st.ref); err != nil {
			return one, nil, err
		}
		if from, p := s.peerOf(); from != "" && one.Source == "" {
			one.Source, port = from, p
		}
		if field := s.own(&one); field != "" && !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	if one.Program == "" {
		one.Program = baseline.Path(f.Executable)
	}
	return one, fields, s.around(f, &one, port)
}

// own takes from an event of the finding what it says of the program, and
// returns the field that holds it.
func (s *sighter) own(one *baseline.Sighting) string {
	ev := s.event
	switch code := s.text(s.code); {
	case code == "7045" || code == "4697":
		return s.install(one)
	case hasText(ev, s.category, "process") && hasText(ev, s.kind, "start"):
		if !strings.EqualFold(s.text(s.parent), "services.exe") && one.ByService {
			return ""
		}
		one.Program = baseline.Path(s.text(s.executable))
		one.ByService = strings.EqualFold(s.text(s.parent), "services.exe")
		one.Original, one.SHA256 = s.text(s.original), s.text(s.hash)
		one.Signature, one.Signer = s.signature()
		return fieldExecutable
	case code == "4624" || hasText(ev, s.category, "authentication"):
		one.Account = cmp.Or(one.Account, s.account())
	}
	return ""
}

// install takes a service's installation. A program that was seen to start
// says more than the command that was installed.
func (s *sighter) install(one *baseline.Sighting) string {
	field, command := fieldServiceFile, s.text(s.file)
	if command == "" {
		field, command = fieldImagePath, s.text(s.image)
	}
	if command == "" {
		return ""
	}
	if one.Program == "" {
		one.Program, one.ByService = baseline.Path(command), true
	}
	one.Image = cmp.Or(one.Image, command)
	one.Service = cmp.Or(one.Service, s.text(s.service))
	if s.text(s.code) == "4697" {
		one.Account = cmp.Or(one.Account, s.account())
	}
	return field
}

// around takes from the finding's context the account of the logon that came
// over the same connection, and the name of the service that was installed.
func (s *sighter) around(f *Finding, one *baseline.Sighting, port string) error {
	for i := range f.context {
		c := &s.result.scan.Engine.Contexts[f.Rule.Contexts[i]]
		installs := slices.Contains(c.Codes, "4697") || slices.Contains(c.Codes, "7045")
		if c.Category != "authentication" && !installs {
			continue
		}
		for _, st := range f.context[i].steps {
			if err := s.decode(st.ref); err != nil {
				return err
			}
			switch code := s.text(s.code); {
			case code == "7045" || code == "4697":
				s.installed(one)
			case one.Account == "" && port != "" && hasText(s.event, s.category, "authentication"):
				if from, p := s.peerOf(); from == one.Source && p == port {
					one.Account = s.account()
				}
			}
		}
	}
	return nil
}

// installed takes the name of a service whose program is the sighting's.
func (s *sighter) installed(one *baseline.Sighting) {
	command := cmp.Or(s.text(s.file), s.text(s.image))
	if programOf(command) != programOf(one.Program) {
		return
	}
	one.Service = cmp.Or(one.Service, s.text(s.service))
	if s.text(s.code) == "4697" {
		one.Account = cmp.Or(one.Account, s.account())
	}
}

func (s *sighter) decode(ref journal.Ref) error {
	blob, err := s.result.evidence.Get(ref)
	if err != nil {
		return err
	}
	doc, err := decodeDocument(blob)
	if err != nil {
		return err
	}
	read := s.decoder.JSON
	if len(doc.data) > 0 && doc.data[0] == '<' {
		read = s.decoder.XML
	}
	if err := read(doc.data, s.event); err != nil {
		return fmt.Errorf("read evidence again: %w", err)
	}
	return nil
}

// text is a field's first value as text, a copy; "" if there is none.
func (s *sighter) text(slot int) string {
	if v := s.event.Values(slot); len(v) > 0 {
		return strings.Clone(sequence.KeyText(v[0]))
	}
	return ""
}

func hasText(ev *event.Event, slot int, text string) bool {
	return slices.ContainsFunc(ev.Values(slot), func(v event.Value) bool { return v.S == text })
}

// peerOf is where an event says it came from; loopback is nowhere.
func (s *sighter) peerOf() (addr, port string) {
	addr, port = s.text(s.peer), s.text(s.peerPort)
	if addr == "" {
		addr, port = s.text(s.source), s.text(s.port)
	}
	if strings.HasPrefix(addr, "127.") || addr == "::1" {
		return "", ""
	}
	return addr, port
}

func (s *sighter) account() string {
	name, domain := s.text(s.user), s.text(s.domain)
	if name == "" || domain == "" {
		return name
	}
	return domain + `\` + name
}

func (s *sighter) signature() (baseline.Signature, string) {
	signed, trusted := s.text(s.signed), s.text(s.trusted)
	switch {
	case signed == "true" && trusted == "true":
		return baseline.Trusted, s.text(s.signer)
	case signed == "true":
		return baseline.Untrusted, s.text(s.signer)
	case signed == "false":
		return baseline.Unsigned, ""
	}
	return baseline.Unknown, ""
}

// Arrived is the time of the events that arrived and the hosts that sent them, as
// the census has them; zero times if nobody asked for it.
func (r *Result) Arrived() (from, to time.Time, hosts []string) {
	if r.Census == nil {
		return from, to, nil
	}
	seen := map[string]bool{}
	for _, h := range r.Census.Hosts {
		name := hostOf(h.Name, h.ID)
		if name != "" && !seen[name] {
			seen[name] = true
			hosts = append(hosts, name)
		}
		for _, a := range h.Sources {
			if a.First == 0 {
				continue
			}
			if first := time.Unix(0, a.First).UTC(); from.IsZero() || first.Before(from) {
				from = first
			}
			if last := time.Unix(0, a.Last).UTC(); last.After(to) {
				to = last
			}
		}
	}
	slices.Sort(hosts)
	return from, to, hosts
}
