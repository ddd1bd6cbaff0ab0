package ecs

import (
	"strconv"
	"strings"

	"github.com/tocsin-project/tocsin/event"
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
	{sysGUID, "winlog.provider_guid", text},
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
	m.setText(to[0], m.lower(s))
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
	if n, err := strconv.ParseUint(s, 0, 64); err == nil {
		return n, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return uint64(n), err == nil
}

// finish makes an event of the record: base, table, what is left.
func (d *Decoder) finish(ev *event.Event) {
	m := &d.m
	m.meta()
	for i := range d.base {
		r := &d.base[i]
		if m.shape == beatsShape && r.from != sysRecord && m.given(r.to) {
			continue // but the record's number, which winlogbeat writes as one: it is text
		}
		if v := &d.rec.sys[r.from]; v.form != absent && !v.empty() {
			r.do(m, v.text(ev), r.to)
		}
	}
	m.host()
	if m.shape == beatsShape {
		m.clearData()
	}
	p := d.rec.route(ev)
	if p != nil {
		m.apply(p, d.table(p, d.rec.sys[sysEventID].text(ev)))
	}
	d.native(d.rec.sys[sysEventID].text(ev), d.rec.sys[sysProvider].text(ev))
	m.rest()
	if d.probe.kind != none && !ev.Has(d.probe.kind) {
		m.setText(d.probe.kind, "event")
	}
	if ev.HasTime {
		m.set(d.probe.timestamp, event.Time(ev.Time))
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
	if m.shape != beatsShape {
		ev.Time, ev.HasTime = m.logged()
		return
	}
	ev.Sequence = m.first(m.d.probe.sequence)
	if m.timestamp(); !ev.HasTime {
		ev.Time, ev.HasTime = m.logged()
	}
	if ev.Logged == "" {
		ev.Logged = m.first(m.d.probe.timestamp)
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
