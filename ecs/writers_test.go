package ecs

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// The writers put an invented event as each exporter would.

func (s *sample) number(text string) any {
	n, err := strconv.Atoi(text)
	if err != nil {
		return text
	}
	return n
}

func (s *sample) unnamedList() []string {
	var out []string
	for _, d := range s.data {
		out = append(out, d[1])
	}
	return out
}

func writeEvtxDump(s *sample) []byte {
	attrs := func(kv ...any) object { return object{"#attributes", object(kv)} }
	data := s.object()
	if s.unnamed() {
		data = object{"Data", object{"#text", s.unnamedList()}}
	}
	return encode(object{"Event", object{"#attributes", object{"xmlns", "http://schemas.microsoft.com/win/2004/08/events/event"},
		"System", object{
			"Provider", attrs("Name", s.provider, "Guid", s.guid), "EventID", object{"#attributes", object{"Qualifiers", 16384}, "#text", s.number(s.id)},
			"Version", s.number(s.version), "Level", 4, "Task", 1, "Opcode", 0, "Keywords", "0x8000000000000000",
			"TimeCreated", attrs("SystemTime", "2024-03-05T10:12:00.000000Z"), "EventRecordID", s.record, "Correlation", nil,
			"Execution", attrs("ProcessID", samplePID, "ThreadID", sampleTID), "Channel", s.channel, "Computer", sampleHost,
			"Security", attrs("UserID", sampleSID)},
		"EventData", data}})
}

func writeEvtxDumpSeparate(s *sample) []byte {
	data := s.object()
	if s.unnamed() {
		data = object{"Data", s.unnamedList()}
	}
	return encode(object{"Event_attributes", object{"xmlns", "…"}, "Event", object{"System", object{
		"Provider_attributes", object{"Name", s.provider, "Guid", s.guid}, "EventID", s.number(s.id), "EventID_attributes", object{"Qualifiers", 0},
		"Version", s.number(s.version), "Level", 4, "Keywords", "0x8000000000000000", "TimeCreated_attributes", object{"SystemTime", sampleLogged},
		"EventRecordID", s.record, "Execution_attributes", object{"ProcessID", samplePID, "ThreadID", sampleTID},
		"Channel", s.channel, "Computer", sampleHost, "Security_attributes", object{"UserID", sampleSID}},
		"EventData", data}})
}

func writeVelociraptor(s *sample) []byte {
	data := s.object()
	if s.unnamed() {
		data = object{"Data", s.unnamedList()}
	}
	return encode(object{"System", object{
		"Provider", object{"Name", s.provider, "Guid", s.guid}, "EventID", object{"Value", s.number(s.id)},
		"Version", s.number(s.version), "Level", 4, "Keywords", uint64(0x8000000000000000), "TimeCreated", object{"SystemTime", 1709633520.0},
		"EventRecordID", s.record, "Correlation", object{}, "Execution", object{"ProcessID", samplePID, "ThreadID", sampleTID},
		"Channel", s.channel, "Computer", sampleHost, "Security", object{"UserID", sampleSID}},
		"EventData", data})
}

// writeVelociraptorRow is a row of Windows.EventLogs.EvtxHunter.
func writeVelociraptorRow(s *sample) []byte {
	data := s.object()
	if s.unnamed() {
		data = object{"Data", s.unnamedList()}
	}
	return encode(object{"EventTime", "2024-03-05T10:12:00Z", "Computer", sampleHost, "Channel", s.channel, "Provider", s.provider,
		"EventID", s.number(s.id), "EventRecordID", s.record, "UserSID", sampleSID, "Username", "", "EventData", data, "UserData", nil,
		"Message", nil, "OSPath", `C:\Windows\System32\winevt\Logs\x.evtx`})
}

func writeXMLAsJSON(s *sample) []byte {
	var data []object
	for _, d := range s.data {
		if s.unnamed() {
			data = append(data, object{"#text", d[1]})
		} else {
			data = append(data, object{"@Name", d[0], "#text", d[1]})
		}
	}
	return encode(object{"Event", object{"@xmlns", "…", "System", object{
		"Provider", object{"@Name", s.provider, "@Guid", s.guid}, "EventID", s.id, "Version", s.version, "Level", "4",
		"Keywords", "0x8000000000000000", "TimeCreated", object{"@SystemTime", sampleLogged}, "EventRecordID", fmt.Sprint(s.record),
		"Execution", object{"@ProcessID", fmt.Sprint(samplePID), "@ThreadID", fmt.Sprint(sampleTID)}, "Channel", s.channel,
		"Computer", sampleHost, "Security", object{"@UserID", sampleSID}},
		"EventData", object{"Data", data}}})
}

func (s *sample) winlog() object {
	w := object{"channel", s.channel, "computer_name", sampleHost, "event_id", s.id, "provider_name", s.provider,
		"provider_guid", s.guid, "record_id", s.record, "event_data", s.object(), "api", "wineventlog",
		"process", object{"pid", samplePID, "thread", object{"id", sampleTID}}, "user", object{"identifier", sampleSID}}
	if s.version != "0" {
		w = append(w, "version", s.number(s.version))
	}
	return w
}

func writeBeats8(s *sample) []byte {
	return encode(object{"@timestamp", sampleLogged, "@metadata", object{"beat", "winlogbeat", "type", "_doc", "version", "8.12.0"},
		"agent", object{"type", "winlogbeat", "version", "8.12.0"}, "event", object{"code", s.id, "kind", "event", "provider", s.provider},
		"host", object{"name", sampleHost}, "log", object{"level", "information"}, "winlog", s.winlog()})
}

func writeBeats6(s *sample) []byte {
	return encode(object{"@timestamp", sampleLogged, "@metadata", object{"beat", "winlogbeat", "version", "6.7.0"}, "type", "wineventlog",
		"log_name", s.channel, "event_id", s.number(s.id), "source_name", s.provider, "provider_guid", s.guid, "computer_name", sampleHost,
		"record_number", fmt.Sprint(s.record), "version", s.number(s.version), "process_id", samplePID, "thread_id", sampleTID,
		"level", "Information", "beat", object{"name", "COLLECTOR"}, "host", object{"name", "COLLECTOR"},
		"user", object{"identifier", sampleSID}, "event_data", s.object()})
}

func writeHit(s *sample) []byte {
	return fmt.Appendf(nil, `{"_index":"winlogbeat-8","_id":"%d","_score":1,"_source":%s,"sort":[1]}`, s.record, writeBeats8(s))
}

func writeDotted(s *sample) []byte {
	o := object{"@timestamp", sampleLogged, "event.code", s.id, "event.kind", "event", "event.provider", s.provider, "host.name", sampleHost,
		"log.level", "information", "winlog.channel", s.channel, "winlog.computer_name", sampleHost, "winlog.event_id", s.id,
		"winlog.provider_name", s.provider, "winlog.provider_guid", s.guid, "winlog.record_id", fmt.Sprint(s.record),
		"winlog.process.pid", samplePID, "winlog.process.thread.id", sampleTID, "winlog.user.identifier", sampleSID}
	if s.version != "0" {
		o = append(o, "winlog.version", s.number(s.version))
	}
	for _, d := range s.data {
		o = append(o, "winlog.event_data."+d[0], d[1])
	}
	return encode(o)
}

// clash reports data that has the name of a field of <System>: side by side one
// of the two is lost.
func (s *sample) clash() bool {
	for _, d := range s.data {
		if d[0] == "Version" {
			return true
		}
	}
	return false
}

func writeNXLog(s *sample) []byte {
	if s.clash() {
		return nil
	}
	o := object{"EventTime", "2024-03-05 05:12:00", "Hostname", sampleHost, "Keywords", int64(-9223372036854775808), "EventType", "INFO",
		"SeverityValue", 2, "Severity", "INFO", "EventID", s.number(s.id), "SourceName", s.provider, "ProviderGuid", strings.ToLower(s.guid),
		"Version", s.number(s.version), "Task", 1, "OpcodeValue", 0, "RecordNumber", s.record, "ExecutionProcessID", samplePID,
		"ThreadID", sampleTID, "Channel", s.channel, "UserID", sampleSID, "EventReceivedTime", "2024-03-05 05:12:02",
		"SourceModuleName", "eventlog", "SourceModuleType", "im_msvistalog", "@timestamp", "2024-03-05T10:12:03.204Z", "@version", "1",
		"host", "collector.example.test", "port", 5140, "tags", []string{"test"}}
	original := false
	for _, d := range s.data {
		o = append(o, d[0], d[1])
		original = original || d[0] == "EventType"
	}
	if original { // NXLog moves its own out of the way
		o = append(object{"EventTypeOrignal", "INFO"}, o...)
		for i := 0; i < len(o); i += 2 {
			if o[i] == "EventType" && o[i+1] == "INFO" {
				o = append(o[:i], o[i+2:]...)
				break
			}
		}
	}
	return encode(o)
}

func writeFlat(s *sample) []byte {
	if s.clash() {
		return nil
	}
	o := object{"SourceName", s.provider, "ProviderGuid", s.guid, "Level", "4", "Keywords", "0x8000000000000000", "Channel", s.channel,
		"Hostname", sampleHost, "TimeCreated", "2024-03-05T10:12:00.000Z", "@timestamp", "2024-03-05T10:12:09.000Z", "EventRecordID", fmt.Sprint(s.record),
		"EventID", s.number(s.id), "Task", "1", "Version", s.version}
	for _, d := range s.data {
		o = append(o, d[0], d[1])
	}
	return encode(o)
}

func writeSentinel(s *sample) []byte {
	o := object{"TenantId", "t", "TimeGenerated", "2024-03-05T10:12:05.000Z", "EventSourceName", s.provider, "Provider", s.provider,
		"ProviderGuid", s.guid, "Level", "4", "Keywords", "0x8000000000000000", "Channel", s.channel, "Computer", sampleHost,
		"TimeCreated", sampleLogged, "EventRecordID", fmt.Sprint(s.record), "EventID", s.number(s.id), "EventData", s.dataXML(),
		"Version", s.version, "Type", "SecurityEvent"}
	for _, d := range s.data[:1] {
		o = append(o, d[0], d[1])
	}
	return encode(o)
}

func writeDataItem(s *sample) []byte {
	item := `<DataItem type="System.XmlData" time="2024-03-05T10:12:00Z" sourceHealthServiceId="x">` + s.dataXML() + `</DataItem>`
	return encode(object{"TimeGenerated", sampleLogged, "Source", s.provider, "EventLog", s.channel, "Computer", sampleHost,
		"EventLevel", 4, "EventLevelName", "Information", "EventID", s.number(s.id), "EventData", item, "EventRecordId", s.record, "Type", "Event"})
}

// writeFields is what a search with "fields" and without _source gives.
func writeFields(s *sample) []byte {
	o := object{"@timestamp", []string{"2024-03-05T10:12:00.000Z"}, "event.code", []string{s.id}, "event.kind", []string{"event"},
		"event.provider", []string{s.provider}, "host.name", []string{sampleHost}, "log.level", []string{"information"},
		"winlog.channel", []string{s.channel}, "winlog.computer_name", []string{sampleHost}, "winlog.event_id", []string{s.id},
		"winlog.provider_name", []string{s.provider}, "winlog.provider_guid", []string{s.guid}, "winlog.record_id", []string{fmt.Sprint(s.record)},
		"winlog.process.pid", []int{samplePID}, "winlog.process.thread.id", []int{sampleTID}, "winlog.user.identifier", []string{sampleSID}}
	if s.version != "0" {
		o = append(o, "winlog.version", []any{s.number(s.version)})
	}
	for _, d := range s.data {
		o = append(o, "winlog.event_data."+d[0], []string{d[1]})
	}
	return encode(object{"_index", "i", "_id", "x", "fields", o})
}

func (s *sample) winEvent() object {
	return object{"Id", s.number(s.id), "Version", s.number(s.version), "Qualifiers", nil, "Level", 4, "Task", 1, "Opcode", 0,
		"Keywords", int64(-9223372036854775808), "RecordId", s.record, "ProviderName", s.provider, "ProviderId", strings.Trim(s.guid, "{}"),
		"LogName", s.channel, "ProcessId", samplePID, "ThreadId", sampleTID, "MachineName", sampleHost,
		"UserId", object{"BinaryLength", 12, "AccountDomainSid", nil, "Value", sampleSID}, "TimeCreated", "/Date(1709633520000)/",
		"ActivityId", nil, "RelatedActivityId", nil, "ContainerLog", "security", "MatchedQueryIds", []int{}, "Bookmark", object{},
		"LevelDisplayName", "Information", "OpcodeDisplayName", nil, "TaskDisplayName", nil, "KeywordsDisplayNames", []string{}}
}

func writeWinEvent(s *sample) []byte {
	if s.manifestless() {
		return nil
	}
	var list []object
	for _, d := range s.data {
		list = append(list, object{"Value", s.number(d[1])})
	}
	return encode(append(s.winEvent(), "Properties", list))
}

// manifestless reports the ids whose names we do not know by place.
func (s *sample) manifestless() bool {
	switch s.id {
	case "27", "28", "29", "255":
		return true
	}
	return false
}

func writeWinEventMessage(s *sample) []byte {
	if !strings.Contains(s.channel, "Sysmon") {
		return nil
	}
	return encode(append(s.winEvent(), "Message", s.message(), "Properties", []int{}))
}

// message is Sysmon's rendered text.
func (s *sample) message() string {
	var b strings.Builder
	b.WriteString("A title:\r\n")
	for _, d := range s.data {
		fmt.Fprintf(&b, "%s: %s\r\n", d[0], d[1])
	}
	return b.String()
}

func writeSplunkXML(s *sample) []byte {
	return encode(object{"preview", false, "result", object{"_raw", string(s.xml()), "_time", "2024-03-05T10:12:00.000+00:00",
		"host", "MARSH-01", "source", "XmlWinEventLog:Security", "sourcetype", "XmlWinEventLog"}})
}

func writeSplunkKV(s *sample) []byte {
	if !strings.Contains(s.channel, "Sysmon") {
		return nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "03/05/2024 05:12:00 AM\nLogName=%s\nSourceName=%s\nEventCode=%s\nEventType=4\nType=Information\nComputerName=%s\n"+
		"User=NOT_TRANSLATED\nSid=%s\nSidType=0\nTaskCategory=\nOpCode=\nRecordNumber=%d\nKeywords=\nMessage=%s",
		s.channel, s.provider, s.id, sampleHost, sampleSID, s.record, s.message())
	return encode(object{"_raw", b.String(), "_time", "2024-03-05T10:12:00.000Z", "sourcetype", "WinEventLog"})
}

func writeHEC(s *sample) []byte {
	return encode(object{"time", 1709633520.5, "host", "MARSH-01", "source", "WinEventLog", "event", string(s.xml())})
}
