package ecs

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/event"
)

// Nested documents are ECS, or what winlogbeat 7 and later and the Elastic
// Agent send before a pipeline has mapped it: the same fields under winlog, and
// the event's data in winlog.event_data. Their fields pass through as they are.

// probes are the fields by which a nested document is judged and completed.
// They are in every schema that documents are decoded for.
var probes = []string{
	"@timestamp", "event.kind", "event.category", "event.type", "event.code", "event.module", "event.dataset",
	"event.provider", "event.action", "event.sequence", "event.created",
	"host.id", "host.name", "host.hostname", "host.os.type", "host.os.family", "host.os.platform",
	"process.entity_id", "process.pid", "process.parent.pid", "process.executable", "winlog.channel", "winlog.computer_name", "winlog.record_id", "winlog.provider_name",
}

type probeSlots struct {
	timestamp, kind, category, types, code, module, dataset, provider, action, sequence, created,
	hostID, hostName, hostHostname, osType, osFamily, osPlatform, entity, channel, computer, record, source,
	pid, parentPID, executable int
}

// Prepare adds the fields to a schema that every decoder needs. NewDecoder does
// it as well; a schema that other tables are sized by, or that goroutines are to
// share, is prepared before.
func Prepare(s *event.Schema) {
	for _, f := range probes {
		s.Slot(f)
	}
	_, ip := s.Lookup("tocsin.peer.ip")
	if _, port := s.Lookup("tocsin.peer.port"); ip || port {
		for _, f := range strings.Fields(peerFields) {
			s.Slot(f)
		}
	}
}

// peerFields are the fields from which the remote end of a connection is told
// in a document that is ECS, and those that it goes to.
const peerFields = "tocsin.peer.ip tocsin.peer.port network.direction host.ip source.ip source.port destination.ip destination.port"

// peer writes the remote end of a connection: the end that is none of the
// host's addresses, else what the direction says.
func (d *Decoder) peer() {
	m, to := &d.m, d.peerSlots
	if to == nil || m.has(to[0]) || !m.has(to[4]) || !m.has(to[6]) {
		return
	}
	local := func(slot int) bool {
		for _, own := range m.values(to[3]) {
			for _, a := range m.ev.Values(slot) {
				if own == a || own.S != "" && own.S == a.S {
					return true
				}
			}
		}
		return false
	}
	remote := 6
	switch source, destination := local(to[4]), local(to[6]); {
	case source != destination:
		if destination {
			remote = 4
		}
	case m.inbound(to[2]):
		remote = 4
	}
	for i := range 2 {
		if v := m.values(to[remote+i]); len(v) > 0 {
			m.set(to[i], v[0])
		}
	}
}

func (m *mapper) values(slot int) []event.Value {
	if !m.has(slot) {
		return nil
	}
	return m.ev.Values(slot)
}

func (m *mapper) inbound(slot int) bool {
	for _, v := range m.values(slot) {
		switch strings.ToLower(v.S) {
		case "ingress", "inbound", "incoming":
			return true
		}
	}
	return false
}

func probesOf(s *event.Schema) probeSlots {
	at := func(name string) int { return s.Slot(name) }
	return probeSlots{
		timestamp: at("@timestamp"), kind: at("event.kind"), category: at("event.category"), types: at("event.type"),
		code: at("event.code"), module: at("event.module"), dataset: at("event.dataset"), provider: at("event.provider"),
		action: at("event.action"), sequence: at("event.sequence"), created: at("event.created"), hostID: at("host.id"),
		hostName: at("host.name"), hostHostname: at("host.hostname"), osType: at("host.os.type"), osFamily: at("host.os.family"),
		osPlatform: at("host.os.platform"), entity: at("process.entity_id"), channel: at("winlog.channel"),
		computer: at("winlog.computer_name"), record: at("winlog.record_id"), source: at("winlog.provider_name"),
		pid: at("process.pid"), parentPID: at("process.parent.pid"), executable: at("process.executable"),
	}
}

// nested reads a nested or dotted document.
func (d *Decoder) nested(doc []byte, ev *event.Event) error {
	d.rec.reset()
	if err := d.json.Decode(doc, ev); err != nil {
		return fmt.Errorf("read document: %w", err)
	}
	p := &d.probe
	d.m.doc = doc
	windows := ev.Has(p.channel) || ev.Has(p.source)
	mapped := d.mapped(ev)
	switch {
	case windows && !mapped:
		d.m.shape = beatsShape
		d.finish(ev)
		return nil
	case mapped, d.hasAny(ev, p.timestamp, p.kind, p.code, p.module, p.dataset, p.provider, p.action):
		d.m.shape = ecsShape
		if !d.m.verbatim {
			d.complete(ev)
		}
		return nil
	}
	return ErrNotEvent
}

// mapped reports whether a pipeline has been over the event. Agents before 8
// categorised some of Sysmon's events themselves and left the rest as it was.
func (d *Decoder) mapped(ev *event.Event) bool {
	p := &d.probe
	if !ev.Has(p.category) && !ev.Has(p.types) {
		return false
	}
	return ev.Has(p.entity) || !strings.EqualFold(d.m.first(p.source), "Microsoft-Windows-Sysmon")
}

func (d *Decoder) hasAny(ev *event.Event, slots ...int) bool {
	for _, s := range slots {
		if ev.Has(s) {
			return true
		}
	}
	return false
}

// winlogKeys are the members of winlog that are fields of <System>.
var winlogKeys = map[string]sysField{
	"provider_name": sysProvider, "provider_guid": sysGUID, "event_id": sysEventID, "version": sysVersion,
	"record_id": sysRecord, "channel": sysChannel, "computer_name": sysComputer, "activity_id": sysActivity,
	"related_activity_id": sysRelated, "time_created": sysTime, "task": sysTaskName, "opcode": sysOpcodeName,
	"level": sysLevelName, "process.pid": sysPID, "process.thread.id": sysTID,
	"user.identifier": sysUserID, "user.name": sysUserName, "user.domain": sysUserDomain, "user.type": sysUserType,
}

// winlog is told the members of a document's winlog object.
func (d *Decoder) winlog(ev *event.Event, name string, v event.Token) {
	if v.Form() == event.ObjectForm {
		switch name {
		case "event_data", "user_data":
			from := len(d.rec.data)
			d.members(v, "")
			if name == "user_data" {
				d.rec.markUser(from)
			}
		case "process", "user", "thread", "process.thread":
			d.winlogObject(ev, name, v)
		}
		return
	}
	if f, ok := winlogKeys[name]; ok {
		d.rec.sys[f] = tokenValue(v)
		return
	}
	const data = "event_data."
	if len(name) > len(data) && name[:len(data)] == data {
		if val := tokenValue(v); val.form != absent {
			d.addData(name[len(data):], val)
		}
	}
}

// winlogObject takes the members of an object inside winlog.
func (d *Decoder) winlogObject(ev *event.Event, prefix string, v event.Token) {
	for it := v.Members(); it.Next(); {
		d.buf = append(append(append(d.buf[:0], prefix...), '.'), it.Key.Text(ev)...)
		if f, ok := winlogKeys[string(d.buf)]; ok {
			d.rec.sys[f] = tokenValue(it.Value)
		} else if string(d.buf) == "process.thread" && it.Value.Form() == event.ObjectForm {
			d.winlogObject(ev, "process.thread", it.Value)
		}
	}
}

// members adds the members of an object to the event's data, objects inside it
// under dotted names.
func (d *Decoder) members(v event.Token, prefix string) {
	for it := v.Members(); it.Next(); {
		k, name := d.keyToken(it.Key)
		if prefix != "" {
			name = prefix + "." + name
			k = d.key(name)
		}
		switch val := tokenValue(it.Value); val.form {
		case absent:
		case nested:
			if it.Value.Form() == event.ObjectForm && len(prefix) < 200 {
				d.members(it.Value, name)
				continue
			}
			d.addKey(k, name, val)
		default:
			d.addKey(k, name, val)
		}
	}
}

// complete fills the gaps of a document that is ECS.
func (d *Decoder) complete(ev *event.Event) {
	p, m := &d.probe, &d.m
	ev.Computer = m.first(p.computer, p.hostName, p.hostHostname)
	ev.Channel = m.first(p.channel)
	ev.Record = m.first(p.record)
	ev.Sequence = m.first(p.sequence)
	ev.Logged = m.first(p.created, p.timestamp)
	m.timestamp()
	m.gaps()
	d.native(m.first(p.code), m.first(p.source, p.provider))
	d.peer()
}

// first returns the text of the first field that has one.
func (m *mapper) first(slots ...int) string {
	for _, s := range slots {
		if !m.has(s) {
			continue
		}
		switch v := m.ev.Values(s); {
		case len(v) == 0:
		case v[0].S != "":
			return v[0].S
		case v[0].Kind == event.KindLong || v[0].Kind == event.KindULong:
			return m.decimal(v[0].N)
		case v[0].Kind == event.KindTime:
			var text [len(time.RFC3339Nano)]byte
			return m.ev.Text(time.Unix(0, int64(v[0].N)).UTC().AppendFormat(text[:0], time.RFC3339Nano))
		}
	}
	return ""
}

// timestamp takes the event's time from @timestamp.
func (m *mapper) timestamp() {
	slot := m.d.probe.timestamp
	if !m.has(slot) {
		return
	}
	values := m.ev.Values(slot)
	if len(values) == 0 {
		return
	}
	if v := values[0]; v.Kind == event.KindTime {
		m.ev.Time, m.ev.HasTime = int64(v.N), true
	} else if t, ok := parseInstant(v.S); ok {
		m.ev.Time, m.ev.HasTime = t.ns, true
	}
}

// windows reports whether the event's source says that it is of Windows.
func (m *mapper) windows() bool {
	p := &m.d.probe
	switch m.first(p.module) {
	case "sysmon", "security", "powershell", "windows":
		return true
	}
	return strings.HasPrefix(m.first(p.provider), "Microsoft-Windows-") || strings.HasPrefix(m.first(p.dataset), "windows.") ||
		m.first(p.dataset) == "system.security"
}

// gaps fills in the host of a nested document where it is not given.
func (m *mapper) gaps() {
	p, ev := &m.d.probe, m.ev
	if !ev.Has(p.hostID) && ev.Computer != "" {
		m.setText(p.hostID, m.hostOf(ev.Computer))
	}
	if !ev.Has(p.hostName) {
		m.setText(p.hostName, ev.Computer)
	}
	if ev.Has(p.osType) {
		return
	}
	switch os := m.first(p.osFamily, p.osPlatform); {
	case ev.Has(p.channel), os == "windows", os == "" && m.windows():
		m.setText(p.osType, "windows")
		if !ev.Has(p.osFamily) {
			m.setText(p.osFamily, "windows")
		}
	}
}

// Verbatim is JSON for queries over stored documents: one that is ECS already,
// or of no known shape, is read as it stands and nothing is filled in. own is
// then its body, the object that holds the fields (below _source if there is
// one); it is nil for an event that was made from another shape. index and id
// say where a stored document lay, if it says so itself.
func (d *Decoder) Verbatim(doc []byte, ev *event.Event) (own []byte, index, id string, err error) {
	d.m.verbatim = true
	err = d.JSON(doc, ev)
	d.m.verbatim = false
	if err != nil && !errors.Is(err, ErrNotEvent) {
		return nil, "", "", err
	}
	own, index, id, wrong := Unwrap(doc)
	if wrong != nil {
		return nil, "", "", wrong
	}
	switch {
	case err == nil && d.m.shape == ecsShape:
		return d.m.doc, index, id, nil
	case err == nil:
		return nil, index, id, nil
	}
	ev.Reset(own)
	if err := d.json.Decode(own, ev); err != nil {
		return nil, "", "", err
	}
	return own, index, id, nil
}

// Unwrap returns the object that holds a stored document's fields: what stands
// under _source, or the document itself. index and id are its _index and _id.
// The error is a *event.SyntaxError, or ErrNotEvent for what is no object.
func Unwrap(doc []byte) (body []byte, index, id string, err error) {
	body = doc
	it := event.Members(doc)
	for it.Next() {
		if it.Key.Form() != event.StringForm {
			return nil, "", "", ErrNotEvent // an array
		}
		switch it.Key.Text(nil) {
		case "_source":
			if it.Value.Form() == event.ObjectForm {
				body = it.Value.Raw
			}
		case "_index":
			index = it.Value.Text(nil)
		case "_id":
			id = it.Value.Text(nil)
		}
	}
	return body, index, id, it.Err()
}
