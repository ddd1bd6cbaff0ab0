package simulate

import (
	"strconv"
	"time"
)

// channel is one of the event logs that records are numbered in.
type channel uint8

const (
	chanSysmon channel = iota
	chanSecurity
	chanSystem
	channels
)

var channelNames = [channels]string{"Microsoft-Windows-Sysmon/Operational", "Security", "System"}

// record is one Windows event before it is written as JSON or XML: the System
// part and the named data, in the order of the event's template.
type record struct {
	host       *host
	channel    channel
	provider   string
	guid       string
	id         int
	qualifiers int
	version    int
	level      int
	task       int
	keywords   uint64
	pid, tid   uint32
	userID     string // Security/@UserID
	action     string // the task's name as winlogbeat renders it
	logged     int64
	num        uint64 // EventRecordID
	data       []datum
}

type datum struct{ name, value string }

func (r *record) add(name, value string) { r.data = append(r.data, datum{name, value}) }

// number gives the record the next number of its channel.
func (r *record) number() {
	r.host.records[r.channel]++
	r.num = r.host.records[r.channel]
}

const (
	auditSuccess = 0x8020000000000000
	classicKey   = 0x8080000000000000
	sysmonKey    = 0x8000000000000000
)

// appendJSON writes the record as winlogbeat sends it before any pipeline.
func appendJSON(b []byte, r *record) []byte {
	b = append(b, `{"@timestamp":"`...)
	b = appendTime(b, r.logged)
	b = append(b, `","agent":{"type":"winlogbeat","version":"8.19.0"},"event":{"action":`...)
	b = appendString(b, r.action)
	b = append(b, `,"code":"`...)
	b = strconv.AppendInt(b, int64(r.id), 10)
	b = append(b, `","kind":"event"`...)
	if r.keywords == auditSuccess {
		b = append(b, `,"outcome":"success"`...)
	}
	b = append(b, `,"provider":`...)
	b = appendString(b, r.provider)
	b = append(b, `},"host":{"name":`...)
	b = appendString(b, r.host.computer)
	b = append(b, `},"log":{"level":"information"},"winlog":{"api":"wineventlog","channel":"`...)
	b = append(b, channelNames[r.channel]...)
	b = append(b, `","computer_name":`...)
	b = appendString(b, r.host.computer)
	b = append(b, `,"event_data":{`...)
	for i, d := range r.data {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, d.name)
		b = append(b, ':')
		b = appendString(b, d.value)
	}
	b = append(b, `},"event_id":"`...)
	b = strconv.AppendInt(b, int64(r.id), 10)
	b = append(b, `","opcode":"Info","process":{"pid":`...)
	b = strconv.AppendUint(b, uint64(r.pid), 10)
	b = append(b, `,"thread":{"id":`...)
	b = strconv.AppendUint(b, uint64(r.tid), 10)
	b = append(b, `}},"provider_guid":"`...)
	b = append(b, r.guid...)
	b = append(b, `","provider_name":`...)
	b = appendString(b, r.provider)
	b = append(b, `,"record_id":`...)
	b = strconv.AppendUint(b, r.num, 10)
	if r.userID != "" {
		b = append(b, `,"user":{"identifier":"`...)
		b = append(b, r.userID...)
		b = append(b, `"}`...)
	}
	if r.version > 0 {
		b = append(b, `,"version":`...)
		b = strconv.AppendInt(b, int64(r.version), 10)
	}
	return append(b, "}}\n"...)
}

// appendXML writes the record as the event log's own XML, on one line.
func appendXML(b []byte, r *record) []byte {
	b = append(b, `<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='`...)
	b = append(b, r.provider...)
	b = append(b, `' Guid='`...)
	b = append(b, r.guid...)
	b = append(b, `'/><EventID`...)
	if r.qualifiers != 0 {
		b = append(b, ` Qualifiers='`...)
		b = strconv.AppendInt(b, int64(r.qualifiers), 10)
		b = append(b, '\'')
	}
	b = append(b, '>')
	b = strconv.AppendInt(b, int64(r.id), 10)
	b = append(b, `</EventID><Version>`...)
	b = strconv.AppendInt(b, int64(r.version), 10)
	b = append(b, `</Version><Level>`...)
	b = strconv.AppendInt(b, int64(r.level), 10)
	b = append(b, `</Level><Task>`...)
	b = strconv.AppendInt(b, int64(r.task), 10)
	b = append(b, `</Task><Opcode>0</Opcode><Keywords>0x`...)
	b = strconv.AppendUint(b, r.keywords, 16)
	b = append(b, `</Keywords><TimeCreated SystemTime='`...)
	b = appendTime(b, r.logged)
	b = append(b, `'/><EventRecordID>`...)
	b = strconv.AppendUint(b, r.num, 10)
	b = append(b, `</EventRecordID><Correlation/><Execution ProcessID='`...)
	b = strconv.AppendUint(b, uint64(r.pid), 10)
	b = append(b, `' ThreadID='`...)
	b = strconv.AppendUint(b, uint64(r.tid), 10)
	b = append(b, `'/><Channel>`...)
	b = append(b, channelNames[r.channel]...)
	b = append(b, `</Channel><Computer>`...)
	b = append(b, r.host.computer...)
	b = append(b, `</Computer><Security`...)
	if r.userID != "" {
		b = append(b, ` UserID='`...)
		b = append(b, r.userID...)
		b = append(b, '\'')
	}
	b = append(b, `/></System><EventData>`...)
	for _, d := range r.data {
		b = append(b, `<Data Name='`...)
		b = append(b, d.name...)
		b = append(b, `'>`...)
		b = appendEscaped(b, d.value)
		b = append(b, `</Data>`...)
	}
	return append(b, "</EventData></Event>\n"...)
}

// appendTime writes an instant with the seven decimals of Windows.
func appendTime(b []byte, ns int64) []byte {
	return time.Unix(0, ns).UTC().AppendFormat(b, "2006-01-02T15:04:05.0000000Z")
}

// appendString writes a JSON string.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// appendEscaped writes XML character data.
func appendEscaped(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '&':
			b = append(b, "&amp;"...)
		case '<':
			b = append(b, "&lt;"...)
		case '>':
			b = append(b, "&gt;"...)
		case '"':
			b = append(b, "&quot;"...)
		case '\n': // written out, so that an event is one line
			b = append(b, "&#10;"...)
		default:
			b = append(b, s[i])
		}
	}
	return b
}
