// Package ecs turns Windows telemetry of any known shape into one form: the
// Elastic Common Schema, as Elastic's own pipelines would have made it.
//
// How it works. A document (a JSON object of some exporter, an XML event, a
// record of an EVTX file) is read into one internal record: the fields of
// <System>, the named values of <EventData> in order, and what a renderer added
// (message, names of task and level). All values point into the document. What
// follows is the same code for every source: the provider's table says for each
// event id which value goes to which field and how. Tables are compiled for a
// schema: a row whose fields nobody reads is dropped, so that a record costs
// what the loaded rules read and no more.
//
//	shape (json.go, xml.go, …) → record (record.go) → base and table (table.go, sysmon.go, …) → event.Event
//
// Documents that are ECS already pass through; only gaps are filled.
//
// Normalising is a pure function of one document: nothing is carried from one
// event to the next, so it can run anywhere and in any order.
//
// A new provider is one table (see table.go) and one row in routes.
package ecs

import (
	"errors"
	"strconv"
	"strings"

	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/evtx"
)

// ErrNotEvent is returned for a document that is well formed but holds no event
// of a known shape, such as a report lying beside recordings.
var ErrNotEvent = errors.New("read document: no event of a known shape")

// Options says how documents are turned into events.
type Options struct {
	// Native derives process.entity_id and drive letters for Security 5156,
	// 4688 and 4689 of documents that hold no entity ids, so that rules which
	// join on them work with neither Sysmon nor Defend. Such events are marked:
	// Meta.Synthesized, and labels.synthesized lists the derived fields.
	Native bool
}

// Decoder reads documents into events over one schema. It is not safe for
// concurrent use: make one for each goroutine. It allocates nothing per
// document once it has seen each event id and field name of the traffic.
type Decoder struct {
	opt    Options
	schema *event.Schema
	open   bool // the schema gains fields as the data brings them (normalize)

	names  names // name of an event data value → its key
	keys   []key
	tables map[tableID]*table
	base   []baseRow
	probe  probeSlots
	fill   struct{ keywords, outcome, element int }
	json   *event.Decoder // passes the fields of nested documents through

	utcTime   int32 // the key of Sysmon's clock
	peerSlots []int // of peerFields, nil if nobody asks for the peer

	rec     record
	m       mapper
	buf     []byte
	byID    []recordNames
	xml     evtx.Record // of XML text
	unnamed int         // values without a name so far
}

// key is a name that event data values have.
type key struct {
	name string
	slot int     // of winlog.event_data.<name>; none if nobody reads it
	user int     // of winlog.user_data.<name>
	flat flatKey // what a flat export means by it
	dots bool    // it is a path
	odd  bool    // it holds a backslash: not to be found by the raw text of a JSON key
}

// none is the slot of a field that nobody reads.
const none = -1

// maxKeys bounds how many names a decoder remembers from one document to the
// next, and four times as many within one: data can bring any number.
const maxKeys = 1 << 14

// NewDecoder returns a decoder for the fields of the schema. A schema shared
// between decoders must not grow any more.
func NewDecoder(schema *event.Schema, opt Options) *Decoder {
	return newDecoder(schema, opt, false)
}

func newDecoder(schema *event.Schema, opt Options, open bool) *Decoder {
	d := &Decoder{
		opt: opt, schema: schema, open: open,
	}
	d.forget()
	Prepare(schema)
	d.probe = probesOf(schema)
	d.base = compileBase(d)
	d.fill.keywords, d.fill.outcome = d.slot("winlog.keywords"), d.slot("event.outcome")
	d.fill.element = d.slot(userPrefix + "xml_name")
	if to, read := d.slotsOf(peerFields); read && (to[0] != none || to[1] != none) {
		d.peerSlots = to
	}
	d.json = event.NewDecoder(schema)
	d.json.Each("winlog", d.winlog)
	d.m.d = d
	d.m.r = &d.rec
	return d
}

// forget begins the names anew, and the tables that were compiled with them.
func (d *Decoder) forget() {
	d.names = names{}
	d.keys = append(make([]key, 0, 256), key{slot: none, user: none}) // key 0 is a name not remembered
	d.byID = d.byID[:0]
	d.rec.at = d.rec.at[:0]
	d.tables = map[tableID]*table{}
	for name, f := range flatKeys {
		d.keys[d.key(name)].flat = f
	}
	d.utcTime = d.key("UtcTime")
}

// slot returns the slot of a field, none if nobody reads it.
func (d *Decoder) slot(name string) int {
	if d.open {
		if inObjects(name) {
			return none
		}
		return d.schema.Slot(name)
	}
	if s, ok := d.schema.Lookup(name); ok {
		return s
	}
	return none
}

// key returns the number of an event data name.
func (d *Decoder) key(name string) int32 {
	head, tail := words(name)
	if k := d.names.find(head, tail, name); k != 0 {
		return k
	}
	if len(d.keys) >= 4*maxKeys {
		return 0
	}
	name = strings.Clone(name) // it may point into a document
	slot, user := none, none
	if !d.open { // an open schema gains the field when a value stays there
		slot, user = d.slot(dataPrefix+name), d.slot(userPrefix+name)
	}
	k := int32(len(d.keys))
	d.keys = append(d.keys, key{name: name, slot: slot, user: user, dots: hasDot(name), odd: strings.IndexByte(name, '\\') >= 0})
	d.names.add(head, tail, name, k)
	return k
}

// keyToken is key for the key of a JSON object; the name lives as long as the
// decoder or the event.
func (d *Decoder) keyToken(t event.Token) (int32, string) {
	raw := view(t.Raw[1 : len(t.Raw)-1])
	head, tail := words(raw)
	if k := d.names.find(head, tail, raw); k != 0 && !d.keys[k].odd {
		return k, d.keys[k].name
	}
	name := t.Text(d.m.ev)
	return d.key(name), name
}

// known returns the key of a name that is known already, 0 if it is not.
func (d *Decoder) known(name string) int32 {
	head, tail := words(name)
	return d.names.find(head, tail, name)
}

const (
	dataPrefix = "winlog.event_data."
	userPrefix = "winlog.user_data."
)

// The base document: what winlogbeat and the Elastic Agent make of <System>
// before any pipeline. Empty values and zeros are left out.

// sysRow takes a field of <System> to fields of the event.
type sysRow struct {
	from sysField
	to   string
	do   op
}

var baseRows = []sysRow{
	{sysEventID, "event.code winlog.event_id", text},
	{sysProvider, "event.provider winlog.provider_name", text},
	{sysGUID, "winlog.provider_guid", guid},
	{sysRecord, "winlog.record_id", text},
	{sysChannel, "winlog.channel", text},
	{sysComputer, "winlog.computer_name", text},
	{sysVersion, "winlog.version", positive},
	{sysActivity, "winlog.activity_id", text},
	{sysRelated, "winlog.related_activity_id", text},
	{sysPID, "winlog.process.pid", positive},
	{sysTID, "winlog.process.thread.id", positive},
	{sysUserID, "winlog.user.identifier", text},
	{sysUserName, "winlog.user.name", text},
	{sysUserDomain, "winlog.user.domain", text},
	{sysUserType, "winlog.user.type", text},
	{sysMessage, "message", text},
	{sysTaskName, "winlog.task event.action", text},
	{sysOpcodeName, "winlog.opcode", text},
	{sysLevel, "log.level", levelName},
	{sysLevelName, "log.level", lowerName},
	{sysKeywords, "event.outcome winlog.keywords", keywordMask},
}

type baseRow struct {
	from sysField
	to   []int
	do   op
}

func compileBase(d *Decoder) []baseRow {
	var rows []baseRow
	for _, r := range baseRows {
		if to, read := d.slotsOf(r.to); read {
			rows = append(rows, baseRow{r.from, to, r.do})
		}
	}
	return rows
}

// guid writes a GUID in braces.
func guid(m *mapper, s string, to []int) {
	if len(s) == len(zeroGUID) && s[0] != '{' {
		m.buf = append(append(append(m.buf[:0], '{'), s...), '}')
		s = m.ev.Text(m.buf)
	}
	m.setText(to[0], s)
}

// positive writes a number that is not zero.
func positive(m *mapper, s string, to []int) {
	if n, err := strconv.ParseInt(s, 0, 64); err == nil && n != 0 {
		m.set(to[0], event.Long(n))
	}
}

// levelName writes the name of a level number.
func levelName(m *mapper, s string, to []int) {
	name := ""
	switch s {
	case "0", "4":
		name = "information"
	case "1":
		name = "critical"
	case "2":
		name = "error"
	case "3":
		name = "warning"
	case "5":
		name = "verbose"
	}
	m.setText(to[0], name)
}

// lowerName writes a name in lower case.
func lowerName(m *mapper, s string, to []int) {
	switch s = m.lower(s); s {
	case "info": // NXLog's names
		s = "information"
	case "debug":
		s = "verbose"
	}
	m.setText(to[0], s)
}

func (m *mapper) lower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			m.buf = append(m.buf[:0], s...)
			for j := i; j < len(m.buf); j++ {
				if c := m.buf[j]; c >= 'A' && c <= 'Z' {
					m.buf[j] = c + 'a' - 'A'
				}
			}
			return m.ev.Text(m.buf)
		}
	}
	return s
}

// The bits of the keywords that say how an audited act ended, and others that
// have names of Microsoft's own.
const (
	auditFailure = 1 << 52
	auditSuccess = 1 << 53
	classic      = 1 << 55
)

// keywordMask writes the outcome that the keyword bits tell, and their names.
func keywordMask(m *mapper, s string, to []int) {
	mask, ok := parseMask(s)
	if !ok {
		return
	}
	outcome, name := "", ""
	switch {
	case mask&auditFailure != 0:
		outcome, name = "failure", "Audit Failure"
	case mask&auditSuccess != 0:
		outcome, name = "success", "Audit Success"
	}
	m.setText(to[0], outcome)
	m.add(to[1], name)
	if mask&classic != 0 {
		m.add(to[1], "Classic")
	}
}

// parseMask reads 64 bits written as 0x…, or decimal with a sign or without.
func parseMask(s string) (uint64, bool) {
	if s != "" && s[0] == '-' { // an error would be allocated
		n, err := strconv.ParseInt(s, 10, 64)
		return uint64(n), err == nil
	}
	n, err := strconv.ParseUint(s, 0, 64)
	return n, err == nil
}

// finish makes an event of the record: base, table, what is left.
func (d *Decoder) finish(ev *event.Event) {
	m := &d.m
	m.meta()
	for i := range d.base {
		r := &d.base[i]
		if m.shape == beatsShape && r.from != sysRecord && r.from != sysEventID && m.given(r.to) {
			continue // but ids, which agents may write as numbers: they are text
		}
		if v := &d.rec.sys[r.from]; v.form != absent && !v.empty() {
			r.do(m, v.text(ev), r.to)
		}
	}
	m.keywords()
	m.host()
	if m.shape == beatsShape {
		m.clearData()
	}
	p := d.rec.route(ev)
	if p != nil {
		m.apply(p, d.table(p, d.rec.sys[sysEventID].text(ev)))
	}
	m.when()
	d.native(d.rec.sys[sysEventID].text(ev), d.rec.sys[sysProvider].text(ev))
	d.peer()
	m.rest()
	if d.probe.kind != none && !ev.Has(d.probe.kind) {
		m.setText(d.probe.kind, "event")
	}
	if ev.HasTime {
		m.set(d.probe.timestamp, event.Time(ev.Time))
	}
}

// keywords writes rendered keywords and the outcome that they tell.
func (m *mapper) keywords() {
	for i := range m.r.keywords {
		s := m.r.keywords[i].text(m.ev)
		m.add(m.d.fill.keywords, s)
		switch s {
		case "Audit Success":
			m.setText(m.d.fill.outcome, "success")
		case "Audit Failure":
			m.setText(m.d.fill.outcome, "failure")
		}
	}
}

// given reports whether a nested document has one of the fields already.
func (m *mapper) given(slots []int) bool {
	for _, s := range slots {
		if m.has(s) {
			return true
		}
	}
	return false
}

// meta fills what orders and identifies the event. Its time is the log's; a
// table may know a better one.
func (m *mapper) meta() {
	r, ev := m.r, m.ev
	ev.Computer = r.sys[sysComputer].text(ev)
	ev.Channel = r.sys[sysChannel].text(ev)
	ev.Record = r.sys[sysRecord].text(ev)
	ev.Logged = r.sys[sysTime].text(ev)
	if m.shape == beatsShape {
		ev.Sequence = m.first(m.d.probe.sequence)
		if ev.Logged == "" {
			ev.Logged = m.first(m.d.probe.timestamp)
		}
	}
}

// when makes the time at which the event was logged its time, if it has none.
func (m *mapper) when() {
	if m.ev.HasTime {
		return
	}
	if m.shape == beatsShape {
		m.timestamp()
	}
	if !m.ev.HasTime {
		m.ev.Time, m.ev.HasTime = m.logged()
	}
}

// host fills in who the event is about. host.id is the agent's if it gave one,
// else the computer's name in lower case, so that events of one host join
// whatever exported them (MAPPING §6).
func (m *mapper) host() {
	if m.shape == beatsShape {
		m.gaps()
		return
	}
	p, ev := &m.d.probe, m.ev
	m.setText(p.hostName, ev.Computer)
	m.setText(p.hostID, m.hostOf(ev.Computer))
	m.setText(p.osType, "windows")
	m.setText(p.osFamily, "windows")
}

// hostOf is the identity of a host that has none but its name.
func (m *mapper) hostOf(computer string) string {
	return m.lower(strings.TrimSuffix(computer, "."))
}

// Schema returns the schema that the decoder was made for.
func (d *Decoder) Schema() *event.Schema { return d.schema }
