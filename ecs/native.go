package ecs

import (
	"strconv"
	"strings"

	"github.com/tocsin-project/tocsin/event"
)

// The native profile makes the Security log alone serve rules that join on
// process.entity_id, which neither Windows nor Elastic's pipelines give it
// (MAPPING §7). An id is made of the host and the process id: it is unique over
// short spans only, and for services.exe, which starts once. It applies to
// documents without entity ids; events it touched are marked.

// native is the profile's table. It runs after that of the Security log.
var native = provider{
	providers: "Microsoft-Windows-Security-Auditing",
	events: map[string]*mapping{
		"5156": {category: "network", types: "start connection allowed", rows: [][]row{nativeConnection}, steps: []step{nativeImage, nativeProcess, nativePeer}},
		"4688": {category: "process", types: "start", rows: [][]row{nativeStart}, steps: []step{nativeProcess, nativeParent}},
		"4689": {category: "process", types: "end", rows: [][]row{nativeEnd}, steps: []step{nativeProcess}},
	},
}

var nativeConnection = []row{
	{from: "SourceAddress", to: "source.ip related.ip", do: ip, keep: true},
	{from: "SourcePort", to: "source.port", do: long, keep: true},
	{from: "DestAddress", to: "destination.ip related.ip", do: ip, keep: true},
	{from: "DestPort", to: "destination.port", do: long, keep: true},
	{from: "Protocol", to: "network.iana_number network.transport", do: protocol, keep: true},
	{from: "Direction", to: "network.direction", do: nativeDirection, keep: true},
	{from: "ProcessID ProcessId", to: "process.pid", do: hexLong, keep: true},
}

var nativeStart = []row{
	{from: "NewProcessId", to: "process.pid", do: hexLong, keep: true},
	{from: "NewProcessName", to: "process.executable process.name", do: executable, keep: true},
	{from: "ProcessId", to: "process.parent.pid", do: hexLong, keep: true},
	{from: "ParentProcessName", to: "process.parent.executable process.parent.name", do: executable, keep: true},
	{from: "CommandLine", to: "process.command_line", keep: true},
}

var nativeEnd = []row{
	{from: "ProcessId", to: "process.pid", do: hexLong, keep: true},
	{from: "ProcessName", to: "process.executable process.name", do: executable, keep: true},
}

// protocol writes a protocol's number and its name (IANA's numbers, of which
// those that Elastic's pipeline names).
func protocol(m *mapper, s string, to []int) {
	m.setText(to[0], s)
	m.setText(to[1], transport(s))
}

func transport(number string) string {
	switch number {
	case "1":
		return "icmp"
	case "6":
		return "tcp"
	case "17":
		return "udp"
	case "58":
		return "ipv6-icmp"
	}
	return ""
}

// nativeDirection writes the direction that rules for Defend and Sysmon ask
// for. %%14592 and %%14593 are Windows' message numbers for inbound, outbound.
func nativeDirection(m *mapper, s string, to []int) {
	switch {
	case s == "%%14592" || strings.EqualFold(s, "inbound"):
		m.setText(to[0], "ingress")
	case s == "%%14593" || strings.EqualFold(s, "outbound"):
		m.setText(to[0], "egress")
	}
}

// nativeImage writes the path of a connection's process with a drive letter.
var nativeImage = step{
	writes: "process.executable process.name",
	do: func(m *mapper, to []int) {
		path := m.get("Application")
		if path == "" {
			path = m.first(m.d.probe.executable)
		}
		if path = m.drive(path); path != "" {
			m.clear(to[1])
			executable(m, path, to)
		}
	},
}

// drive turns \device\harddiskvolumeN\… into C:\… where what follows lies on
// the system's drive on any machine; else the path stays.
func (m *mapper) drive(path string) string {
	const device = `\device\harddiskvolume`
	if len(path) <= len(device) || !strings.EqualFold(path[:len(device)], device) {
		return path
	}
	tail := strings.TrimLeft(path[len(device):], "0123456789")
	for _, dir := range []string{`\windows\`, `\program files`, `\programdata\`, `\users\`} {
		if len(tail) >= len(dir) && strings.EqualFold(tail[:len(dir)], dir) {
			m.buf = append(append(m.buf[:0], "C:"...), tail...)
			return m.ev.Text(m.buf)
		}
	}
	return path
}

var nativeProcess = step{
	writes: "process.entity_id labels.synthesized",
	always: true, // Meta.Synthesized
	do: func(m *mapper, to []int) {
		pid := m.get("NewProcessId")
		if pid == "" && !m.isStart() { // NXLog's name for it; its ProcessID is the logging process
			pid = m.get("ProcessId")
		}
		if pid == "" {
			pid = m.get("ProcessID")
		}
		m.synthesize(pid, m.d.probe.pid, to)
	},
}

// isStart reports whether ProcessId means the creator.
func (m *mapper) isStart() bool { return m.first(m.d.probe.code) == "4688" }

var nativeParent = step{
	writes: "process.parent.entity_id labels.synthesized",
	do: func(m *mapper, to []int) {
		m.synthesize(m.get("ProcessId"), m.d.probe.parentPID, to)
	},
}

// synthesize writes n:<host.id>:<pid>. pid is as the log has it, or that of the
// field if the log's was moved there.
func (m *mapper) synthesize(pid string, field int, to []int) {
	n, ok := parsePID(pid)
	if !ok {
		if n, ok = parsePID(m.first(field)); !ok {
			return
		}
	}
	host := m.first(m.d.probe.hostID)
	if host == "" {
		return
	}
	m.buf = append(append(append(m.buf[:0], "n:"...), host...), ':')
	m.buf = strconv.AppendInt(m.buf, n, 10)
	m.setText(to[0], m.ev.Text(m.buf))
	if to[1] != none && to[0] != none {
		m.put(to[1], event.Text(m.d.schema.Field(to[0]).Name))
	}
	m.ev.Synthesized = true
}

// nativePeer writes the remote end of a connection: the source of an inbound
// one (MAPPING §7).
var nativePeer = step{
	writes: "tocsin.peer.ip tocsin.peer.port",
	do: func(m *mapper, to []int) {
		ip, port := m.get("DestAddress"), m.get("DestPort")
		if m.get("Direction") == "%%14592" {
			ip, port = m.get("SourceAddress"), m.get("SourcePort")
		}
		m.setText(to[0], ip)
		long(m, port, to[1:])
	},
}

// native applies the profile to an event that has no entity id.
func (d *Decoder) native(id, providerName string) {
	if !d.opt.Native || d.m.has(d.probe.entity) || native.events[id] == nil {
		return
	}
	if native.takes(d.m.ev.Channel, providerName) {
		d.m.apply(&native, d.table(&native, id))
	}
}
