package ecs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/evtx"
)

// XML reads the XML of one event into ev, which it resets. doc must stay
// unchanged until ev is reset. It is ErrNotEvent if doc has no Event element.
func (d *Decoder) XML(doc []byte, ev *event.Event) error {
	ev.Reset(doc)
	d.begin(ev)
	if err := d.xmlEvent(doc); err != nil {
		return err
	}
	return d.whole(ev)
}

// xmlEvent fills the record from the XML of an event.
func (d *Decoder) xmlEvent(doc []byte) error {
	err := evtx.ParseXML(doc, &d.xml)
	if errors.Is(err, evtx.ErrNotEvent) {
		return ErrNotEvent
	}
	if err != nil {
		return fmt.Errorf("read document: %w", err)
	}
	d.fromRecord(&d.xml)
	return nil
}

// whole finishes an event if the record is one.
func (d *Decoder) whole(ev *event.Event) error {
	s := &d.rec.sys
	if s[sysEventID].form == absent || s[sysChannel].form == absent && s[sysProvider].form == absent {
		return ErrNotEvent
	}
	if len(d.rec.data) == 0 || d.cutShort() {
		d.fromMessage()
	}
	d.m.shape = flatShape
	d.finish(ev)
	return nil
}

// cutShort reports an event of Sysmon's whose data an exporter did not get hold
// of (NXLog drops it of long events and keeps the message): all have UtcTime.
func (d *Decoder) cutShort() bool {
	return d.rec.sys[sysMessage].form != absent && d.rec.pair(d.utcTime) == nil && d.rec.route(d.m.ev) == &sysmon
}

// dataXML reads EventData or UserData that an export keeps as XML text, wrapped
// in an element of its own or not. What was read beside it is the same once more.
func (d *Decoder) dataXML(s string) bool {
	i := strings.Index(s, "<EventData")
	if i < 0 {
		i = strings.Index(s, "<UserData")
	}
	if i < 0 {
		return false
	}
	if end := strings.LastIndex(s, "</EventData>"); end > i {
		s = s[i : end+len("</EventData>")]
	} else if end := strings.LastIndex(s, "</UserData>"); end > i {
		s = s[i : end+len("</UserData>")]
	} else {
		s = s[i:]
	}
	d.buf = append(append(append(d.buf[:0], "<Event>"...), s...), "</Event>"...)
	if err := evtx.ParseXML(bytesOf(d.m.ev.Text(d.buf)), &d.xml); err != nil {
		return false
	}
	sys := d.rec.sys
	d.rec.reset()
	d.unnamed = 0
	d.rec.sys = sys
	d.fromRecord(&d.xml)
	return true
}

// raw reads the text of an event as a forwarder of Splunk's keeps it: XML, JSON
// or lines of key=value that end with the rendered message.
func (d *Decoder) raw(s string, ev *event.Event, depth int) error {
	when := d.rec.sys[sysIngested]
	d.rec.reset()
	d.unnamed = 0
	s = strings.TrimSpace(s)
	switch {
	case strings.HasPrefix(s, "{"):
		return d.json1(bytesOf(s), ev, depth+1)
	case strings.HasPrefix(s, "<"):
		if err := d.xmlEvent(bytesOf(s)); err != nil {
			return err
		}
	default:
		d.keyValues(s)
	}
	if d.rec.sys[sysTime].form == absent {
		d.rec.sys[sysTime] = when
	}
	return d.whole(ev)
}

// keyValues reads the lines of Splunk's own rendering of a Windows event.
func (d *Decoder) keyValues(s string) {
	for s != "" {
		if text, ok := strings.CutPrefix(s, "Message="); ok {
			d.rec.sys[sysMessage] = value{s: text, form: plain}
			return
		}
		var line string
		line, s, _ = strings.Cut(s, "\n")
		line = strings.TrimRight(line, "\r")
		key, val, ok := strings.Cut(line, "=")
		if f := keyValueNames[key]; ok && f != sysNone && val != "" {
			if f == sysKeywords {
				d.keywordNames(val)
				continue
			}
			d.rec.sys[f] = value{s: providerName(val), form: plain}
		}
	}
}

// keywordNames splits rendered keywords.
func (d *Decoder) keywordNames(s string) {
	for s != "" {
		var one string
		one, s, _ = strings.Cut(s, ",")
		d.rec.keywords = append(d.rec.keywords, value{s: strings.TrimSpace(one), form: plain})
	}
}

var keyValueNames = map[string]sysField{
	"LogName": sysChannel, "SourceName": sysProvider, "EventCode": sysEventID, "ComputerName": sysComputer,
	"RecordNumber": sysRecord, "TaskCategory": sysTaskName, "OpCode": sysOpcodeName, "Type": sysLevelName,
	"Sid": sysUserID, "Keywords": sysKeywords,
}

// providerName gives the name of a source that is called by the text shown for
// it.
func providerName(s string) string {
	switch s {
	case "Microsoft Windows security auditing.":
		return "Microsoft-Windows-Security-Auditing"
	case "Microsoft-Windows-Service Control Manager":
		return "Service Control Manager"
	}
	return s
}

// The rendered message, for exports that keep nothing else of an event's data
// (Splunk's own format, CSV-like dumps, Get-WinEvent). Sysmon's lines bear the
// names of the data; those of other providers the labels of the English message
// table, which the tables below turn back.

// maxMessage bounds what is looked at of a message.
const maxMessage = 1 << 16

// fromMessage reads the event's data out of its message.
func (d *Decoder) fromMessage() {
	ev := d.m.ev
	s := d.rec.sys[sysMessage].text(ev)
	if s == "" {
		return
	}
	s = s[:min(len(s), maxMessage)]
	switch p := d.rec.route(ev); {
	case p == &sysmon:
		d.sysmonMessage(s)
	case p == &powershellClassic, p == &powershellOperational, p == &powershellCore:
		d.powershellMessage(s)
	case strings.EqualFold(ev.Channel, "Security"), strings.EqualFold(d.rec.sys[sysChannel].text(ev), "Security"):
		d.labels(s, securityLabels)
	case strings.EqualFold(d.rec.sys[sysChannel].text(ev), "System"):
		d.labels(s, systemLabels)
	}
}

// sysmonMessage reads lines of "Name: value" below a title.
func (d *Decoder) sysmonMessage(s string) {
	_, s, _ = strings.Cut(s, "\n")
	for s != "" {
		var line string
		line, s, _ = strings.Cut(s, "\n")
		name, val, ok := strings.Cut(strings.TrimSpace(line), ":")
		if ok && name != "" && !strings.ContainsAny(name, " \t\\/") && d.rec.pair(d.known(name)) == nil {
			d.addData(name, value{s: strings.TrimSpace(val), form: plain})
		}
	}
}

// labels reads lines of "Label: value" under headings that stand alone. A label
// counts under its heading first, then by itself.
func (d *Decoder) labels(s string, names map[string]string) {
	heading := ""
	id := d.rec.sys[sysEventID].text(d.m.ev)
	for s != "" {
		var line string
		line, s, _ = strings.Cut(s, "\n")
		label, val, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || label == "" {
			continue
		}
		if val = strings.TrimSpace(val); val == "" && line[0] != '\t' && line[0] != ' ' {
			heading = label
			continue
		}
		for _, key := range []string{id + "/" + label, heading + "/" + label, label} {
			if name, ok := names[key]; ok {
				d.addData(name, value{s: val, form: plain})
				break
			}
		}
	}
}

// securityLabels are the labels of the Security log's messages (Windows 10's
// English message table): the value's name by event id, heading, or alone.
var securityLabels = map[string]string{
	"Subject/Security ID": "SubjectUserSid", "Subject/Account Name": "SubjectUserName",
	"Subject/Account Domain": "SubjectDomainName", "Subject/Logon ID": "SubjectLogonId",
	"Creator Subject/Security ID": "SubjectUserSid", "Creator Subject/Account Name": "SubjectUserName",
	"Creator Subject/Account Domain": "SubjectDomainName", "Creator Subject/Logon ID": "SubjectLogonId",
	"Target Subject/Security ID": "TargetUserSid", "Target Subject/Account Name": "TargetUserName",
	"Target Subject/Account Domain": "TargetDomainName", "Target Subject/Logon ID": "TargetLogonId",
	"New Logon/Security ID": "TargetUserSid", "New Logon/Account Name": "TargetUserName",
	"New Logon/Account Domain": "TargetDomainName", "New Logon/Logon ID": "TargetLogonId",
	"New Logon/Logon GUID":                               "LogonGuid",
	"Account For Which Logon Failed/Security ID":         "TargetUserSid",
	"Account For Which Logon Failed/Account Name":        "TargetUserName",
	"Account For Which Logon Failed/Account Domain":      "TargetDomainName",
	"Account Whose Credentials Were Used/Account Name":   "TargetUserName",
	"Account Whose Credentials Were Used/Account Domain": "TargetDomainName",
	"Target Account/Security ID":                         "TargetSid", "Target Account/Account Name": "TargetUserName",
	"Target Account/Account Domain": "TargetDomainName",
	"New Account/Security ID":       "TargetSid", "New Account/Account Name": "TargetUserName",
	"New Account/Account Domain": "TargetDomainName",
	"Member/Security ID":         "MemberSid", "Member/Account Name": "MemberName",
	"Group/Security ID": "TargetSid", "Group/Group Name": "TargetUserName", "Group/Group Domain": "TargetDomainName",
	"Failure Information/Failure Reason": "FailureReason", "Failure Information/Status": "Status",
	"Failure Information/Sub Status": "SubStatus",

	"Logon Type": "LogonType", "Impersonation Level": "ImpersonationLevel",
	"New Process ID": "NewProcessId", "New Process Name": "NewProcessName", "Token Elevation Type": "TokenElevationType",
	"Mandatory Label": "MandatoryLabel", "Creator Process ID": "ProcessId", "Creator Process Name": "ParentProcessName",
	"Process Command Line": "CommandLine", "Process ID": "ProcessId", "Process Name": "ProcessName",
	"Caller Process ID": "ProcessId", "Caller Process Name": "ProcessName", "Exit Status": "Status",
	"Workstation Name": "WorkstationName", "Source Network Address": "IpAddress", "Network Address": "IpAddress",
	"Client Address": "IpAddress", "Port": "IpPort", "Client Port": "IpPort", "Source Port": "IpPort",
	"5156/Source Port": "SourcePort", "5157/Source Port": "SourcePort", "5158/Source Port": "SourcePort", "5152/Source Port": "SourcePort",
	"5156/Process ID": "ProcessID", "5157/Process ID": "ProcessID", "5158/Process ID": "ProcessId", "5152/Process ID": "ProcessId",
	"Source Address": "SourceAddress", "5140/Source Address": "IpAddress", "5145/Source Address": "IpAddress",
	"Application Name": "Application", "Direction": "Direction", "Destination Address": "DestAddress",
	"Destination Port": "DestPort", "Protocol": "Protocol", "Filter Run-Time ID": "FilterRTID", "Layer Name": "LayerName",
	"Layer Run-Time ID": "LayerRTID", "Logon Process": "LogonProcessName", "Authentication Package": "AuthenticationPackageName",
	"Transited Services": "TransmittedServices", "Package Name (NTLM only)": "LmPackageName", "Key Length": "KeyLength",
	"Service Name": "ServiceName", "Service File Name": "ServiceFileName", "Service Type": "ServiceType",
	"Service Start Type": "ServiceStartType", "Service Account": "ServiceAccount", "Privileges": "PrivilegeList",
	"Share Name": "ShareName", "Share Path": "ShareLocalPath", "Relative Target Name": "RelativeTargetName",
	"Access Mask": "AccessMask", "Accesses": "AccessList", "Object Type": "ObjectType", "Object Name": "ObjectName",
	"Object Server": "ObjectServer", "Handle ID": "HandleId", "Task Name": "TaskName", "Task Content": "TaskContent",
}

// systemLabels are those of the Service Control Manager.
var systemLabels = map[string]string{
	"7045/Service Name": "ServiceName", "7045/Service File Name": "ImagePath", "7045/Service Type": "ServiceType",
	"7045/Service Start Type": "StartType", "7045/Service Account": "AccountName",
}

// EVTX reads a record of a Windows event log into ev, which it resets. Values
// point into the record's chunk until they are asked for, then into the event:
// the record must stay as it is until ev is filled.
func (d *Decoder) EVTX(rec *evtx.Record, ev *event.Event) error {
	ev.Reset(nil)
	d.begin(ev)
	d.fromRecord(rec)
	return d.whole(ev)
}

// recordFields says which fields of <System> and RenderingInfo become which.
var recordFields = [...]struct {
	from evtx.Field
	to   sysField
}{
	{evtx.ProviderName, sysProvider}, {evtx.ProviderGUID, sysGUID}, {evtx.EventID, sysEventID},
	{evtx.Version, sysVersion}, {evtx.Level, sysLevel}, {evtx.Keywords, sysKeywords},
	{evtx.TimeCreated, sysTime}, {evtx.EventRecordID, sysRecord}, {evtx.ActivityID, sysActivity},
	{evtx.RelatedActivityID, sysRelated}, {evtx.ProcessID, sysPID}, {evtx.ThreadID, sysTID},
	{evtx.Channel, sysChannel}, {evtx.Computer, sysComputer}, {evtx.UserID, sysUserID},
	{evtx.RenderedMessage, sysMessage}, {evtx.RenderedTask, sysTaskName}, {evtx.RenderedOpcode, sysOpcodeName},
	{evtx.RenderedLevel, sysLevelName}, {evtx.Task, sysTask},
}

func (d *Decoder) fromRecord(rec *evtx.Record) {
	for _, f := range recordFields {
		if v := rec.Fields[f.from]; !v.IsNull() {
			d.rec.sys[f.to] = recordValue(v)
		}
	}
	for _, k := range rec.RenderedKeywords {
		d.rec.keywords = append(d.rec.keywords, recordValue(k))
	}
	for i := range rec.Data {
		p := &rec.Data[i]
		if p.Value.IsNull() {
			d.countUnnamed(p.Name)
			continue
		}
		if p.Name == "" {
			d.addUnnamed(recordValue(p.Value))
			continue
		}
		d.addKey(d.recordKey(p), p.Name, recordValue(p.Value))
	}
	for i := range rec.UserData {
		p := &rec.UserData[i]
		element, name, _ := strings.Cut(p.Name, "/")
		if name != "" && !p.Value.IsNull() {
			d.rec.userName = element
			d.addUser(name, recordValue(p.Value))
		}
	}
}

// countUnnamed numbers a value without a name that is not there.
func (d *Decoder) countUnnamed(name string) {
	if name == "" {
		d.unnamed++
	}
}

// recordNames remembers the keys of names by the numbers that a decoder of
// EVTX gives them. Another decoder may number otherwise: the name is compared.
type recordNames struct {
	name string
	key  int32
}

func (d *Decoder) recordKey(p *evtx.Pair) int32 {
	id := int(p.NameID)
	if id == 0 || id >= maxKeys {
		return d.key(p.Name)
	}
	for len(d.byID) <= id {
		d.byID = append(d.byID, recordNames{})
	}
	if n := &d.byID[id]; n.name == p.Name {
		return n.key
	}
	k := d.key(p.Name)
	d.byID[id] = recordNames{d.keys[k].name, k}
	if k == 0 {
		d.byID[id].name = ""
	}
	return k
}

// recordValue keeps a value as bytes until its text is asked for. Text of XML
// too is copied then: it may lie in the parser's memory.
func recordValue(v evtx.Value) value {
	return value{s: view(v.Raw()), form: stored, typ: v.Type()}
}
