package ecs

import (
	"strconv"
	"strings"

	"github.com/tocsin-project/tocsin/event"
)

// Exports that keep the structure of the event's XML: evtx_dump (both styles of
// attributes), Velociraptor, converters of XML to JSON; and winlogbeat before 7,
// which has its own names for the same.

// system reads the members of System, as any of them writes it. Attributes are
// members of an object that stands in the element's place, below a member such
// as #attributes, or in a member with the element's name and _attributes.
func (d *Decoder) system(v event.Token) {
	ev := d.m.ev
	for it := v.Members(); it.Next(); {
		name := it.Key.Text(ev)
		if it.Value.Form() == event.ObjectForm {
			d.element(strings.TrimSuffix(name, "_attributes"), it.Value)
			continue
		}
		if f, ok := systemFields[name]; ok {
			if val := tokenValue(it.Value); val.form != absent && val.form != nested {
				d.rec.sys[f] = val
			}
		}
	}
}

// systemFields are the places below System: an element, or element and attribute.
var systemFields = map[string]sysField{
	"EventID": sysEventID, "Version": sysVersion, "Level": sysLevel, "Keywords": sysKeywords,
	"EventRecordID": sysRecord, "Channel": sysChannel, "Computer": sysComputer, "ProviderName": sysProvider,
	"Provider/Name": sysProvider, "Provider/Guid": sysGUID, "TimeCreated/SystemTime": sysTime, "TimeCreated": sysTime,
	"Correlation/ActivityID": sysActivity, "Correlation/RelatedActivityID": sysRelated,
	"Task": sysTask, "Execution/ProcessID": sysPID, "Execution/ThreadID": sysTID, "Security/UserID": sysUserID,
}

// element reads the attributes and the text of an element of System.
func (d *Decoder) element(name string, v event.Token) {
	ev := d.m.ev
	for it := v.Members(); it.Next(); {
		key := it.Key.Text(ev)
		if it.Value.Form() == event.ObjectForm {
			if isAttributes(key) {
				d.element(name, it.Value)
			}
			continue
		}
		val := tokenValue(it.Value)
		if val.form == absent || val.form == nested {
			continue
		}
		if isText(key) {
			if f, ok := systemFields[name]; ok {
				d.rec.sys[f] = val
			}
			continue
		}
		d.buf = append(append(append(d.buf[:0], name...), '/'), strings.TrimLeft(key, "@-_")...)
		if f, ok := systemFields[view(d.buf)]; ok {
			d.rec.sys[f] = val
		}
	}
}

// isAttributes and isText know the names that converters of XML give to an
// element's attributes and to its text.
func isAttributes(key string) bool {
	switch key {
	case "#attributes", "_attributes", "attributes", "$", "@attributes":
		return true
	}
	return false
}

func isText(key string) bool {
	switch key {
	case "#text", "_text", "text", "_", "$t", "Value", "content", "#content", "@text":
		return true
	}
	return false
}

// eventData reads EventData: members named as the data, or Data elements with a
// Name each, or without.
func (d *Decoder) eventData(v event.Token) {
	ev := d.m.ev
	for it := v.Members(); it.Next(); {
		name := it.Key.Text(ev)
		switch {
		case isAttributes(name) || strings.HasSuffix(name, "_attributes") || name[:min(1, len(name))] == "@":
		case name == "Data":
			d.dataElements(it.Value)
		case isText(name):
			d.dataElements(it.Value)
		default:
			d.named(name, it.Value)
		}
	}
}

// named adds a value that has a name; of an object its text.
func (d *Decoder) named(name string, v event.Token) {
	if v.Form() == event.ObjectForm {
		for it := v.Members(); it.Next(); {
			if isText(it.Key.Text(d.m.ev)) {
				d.named(name, it.Value)
				return
			}
		}
	}
	if val := tokenValue(v); val.form != absent {
		d.addData(name, val)
	}
}

// dataElements reads what stands for Data elements: one or a list.
func (d *Decoder) dataElements(v event.Token) {
	switch v.Form() {
	case event.ArrayForm:
		for it := v.Members(); it.Next(); {
			if it.Value.Form() != event.ArrayForm {
				d.dataElements(it.Value)
			}
		}
	case event.ObjectForm:
		d.dataElement(v)
	default:
		if val := tokenValue(v); val.form != absent {
			d.addUnnamed(val)
		}
	}
}

// dataElement reads an object that holds a Data element: its name, if it has
// one, and its text or texts.
func (d *Decoder) dataElement(v event.Token) {
	ev := d.m.ev
	var name string
	var text event.Token
	for it := v.Members(); it.Next(); {
		key := it.Key.Text(ev)
		switch {
		case isText(key):
			text = it.Value
		case isAttributes(key) && it.Value.Form() == event.ObjectForm:
			for at := it.Value.Members(); at.Next(); {
				if strings.TrimLeft(at.Key.Text(ev), "@-_") == "Name" {
					name = at.Value.Text(ev)
				}
			}
		case strings.TrimLeft(key, "@-_") == "Name":
			name = it.Value.Text(ev)
		}
	}
	switch {
	case name != "":
		d.named(name, text)
	case text.Form() != event.ObjectForm:
		d.dataElements(text)
	}
}

// addUnnamed adds a value without a name, as param1 and so on.
func (d *Decoder) addUnnamed(v value) {
	d.unnamed++ // an empty one counts, too
	if d.unnamed < len(params) {
		d.addData(params[d.unnamed], v)
		return
	}
	d.buf = strconv.AppendInt(append(d.buf[:0], "param"...), int64(d.unnamed), 10)
	d.addData(d.m.ev.Text(d.buf), v)
}

var params = [...]string{"", "param1", "param2", "param3", "param4", "param5", "param6", "param7", "param8",
	"param9", "param10", "param11", "param12", "param13", "param14", "param15", "param16"}

// userData reads UserData: one element, whose members are the data.
func (d *Decoder) userData(v event.Token) {
	for it := v.Members(); it.Next(); {
		if it.Value.Form() != event.ObjectForm {
			continue
		}
		d.rec.userName = it.Key.Text(d.m.ev)
		for m := it.Value.Members(); m.Next(); {
			if name := m.Key.Text(d.m.ev); !isAttributes(name) && !strings.HasPrefix(name, "xmlns") && !strings.HasPrefix(name, "@") {
				from := len(d.rec.data)
				d.named(name, m.Value)
				d.rec.markUser(from)
			}
		}
		return
	}
}

// xmlShaped reads an object that has System, and EventData or UserData.
func (d *Decoder) xmlShaped(system, eventData, userData event.Token) {
	d.system(system)
	d.dataObjects(eventData, userData)
}

func (d *Decoder) dataObjects(eventData, userData event.Token) {
	if eventData.Form() == event.ObjectForm {
		d.eventData(eventData)
	}
	if userData.Form() == event.ObjectForm && !userDataEmpty(userData) {
		d.userData(userData)
	}
}

// dataObject reports whether the event's data stands in an object of its own.
func (t *topLevel) dataObject() bool {
	return t.eventData.Form() == event.ObjectForm || t.userData.Form() == event.ObjectForm
}

// columns reads a row of a table, as Velociraptor's hunts give it: the fields of
// <System> side by side, the data in an object. What else stands there is the
// exporter's own.
func (d *Decoder) columns(top *topLevel) {
	sys := d.rec.sys
	for _, f := range hunterColumns {
		if p := d.rec.pair(d.known(f.name)); p != nil && sys[f.to].form == absent {
			sys[f.to] = p.val
		}
	}
	d.rec.reset()
	d.rec.sys = sys
	d.dataObjects(top.eventData, top.userData)
}

var hunterColumns = []ownColumn{{"UserSID", sysUserID}, {"Username", sysUserName}}

// ownColumn is a name that only one exporter has for a field of <System>.
type ownColumn struct {
	name string
	to   sysField
}

// markUser says that the data from there on is of <UserData>.
func (r *record) markUser(from int) {
	for i := range r.data[from:] {
		r.data[from+i].user = true
	}
}

func userDataEmpty(v event.Token) bool {
	it := v.Members()
	return !it.Next()
}

// evtxDump reads the object Event.
func (d *Decoder) evtxDump(v event.Token) {
	var system, data, user event.Token
	for it := v.Members(); it.Next(); {
		switch it.Key.Text(d.m.ev) {
		case "System":
			system = it.Value
		case "EventData":
			data = it.Value
		case "UserData":
			user = it.Value
		case "RenderingInfo":
			d.rendering(it.Value)
		}
	}
	if system.Form() == event.ObjectForm {
		d.xmlShaped(system, data, user)
	}
}

// rendering reads RenderingInfo.
func (d *Decoder) rendering(v event.Token) {
	if v.Form() != event.ObjectForm {
		return
	}
	for it := v.Members(); it.Next(); {
		val := tokenValue(it.Value)
		if val.form != quoted {
			continue
		}
		switch it.Key.Text(d.m.ev) {
		case "Message":
			d.rec.sys[sysMessage] = val
		case "Task":
			d.rec.sys[sysTaskName] = val
		case "Opcode":
			d.rec.sys[sysOpcodeName] = val
		case "Level":
			d.rec.sys[sysLevelName] = val
		}
	}
}

// beats6 reads what winlogbeat before 7 keeps in objects.
func (d *Decoder) beats6(top *topLevel) {
	d.rec.sys[sysTime] = d.rec.sys[sysIngested] // its @timestamp is the event's own
	if top.eventData.Form() == event.ObjectForm {
		d.members(top.eventData, "")
	}
	if top.userData.Form() == event.ObjectForm {
		from := len(d.rec.data)
		d.members(top.userData, "")
		d.rec.markUser(from)
	}
	if top.user.Form() == event.ObjectForm {
		for it := top.user.Members(); it.Next(); {
			if f, ok := userFields[it.Key.Text(d.m.ev)]; ok {
				d.rec.sys[f] = tokenValue(it.Value)
			}
		}
	}
	if k := top.keywords; k.Form() == event.ArrayForm {
		for it := k.Members(); it.Next(); {
			d.rec.keywords = append(d.rec.keywords, tokenValue(it.Value))
		}
	}
}

var userFields = map[string]sysField{"identifier": sysUserID, "name": sysUserName, "domain": sysUserDomain, "type": sysUserType}

// Get-WinEvent | ConvertTo-Json: the fields of .NET's EventLogRecord, the
// event's data as a list without names, and the rendered message.

// winEvent reads a record of that shape. Its own fields were taken for data.
func (d *Decoder) winEvent(top *topLevel) {
	ev := d.m.ev
	s := &d.rec.sys
	s[sysEventID] = tokenValue(top.winID)
	for _, f := range winEventFields {
		if p := d.rec.pair(d.known(f.name)); p != nil {
			s[f.to] = p.val
		}
	}
	for _, f := range []sysField{sysTime, sysUserID} {
		if s[f].form == nested {
			s[f] = inside(s[f], ev)
		}
	}
	keep := *s
	d.rec.reset()
	*s = keep
	d.keywordList(top.display)
	if d.fromMessage(); len(d.rec.data) == 0 && top.properties.Raw != nil {
		d.positional(top.properties)
	}
}

var winEventFields = []ownColumn{
	{"ProcessId", sysPID}, {"ThreadId", sysTID}, {"UserId", sysUserID}, {"ActivityId", sysActivity}, {"RelatedActivityId", sysRelated},
	{"LevelDisplayName", sysLevelName}, {"TaskDisplayName", sysTaskName}, {"OpcodeDisplayName", sysOpcodeName},
}

// inside gives the value that PowerShell wraps in an object (a date's value, a
// SID's Value).
func inside(v value, ev *event.Event) value {
	for it := event.Members(bytesOf(v.s)); it.Next(); {
		if k := it.Key.Text(ev); strings.EqualFold(k, "value") {
			return tokenValue(it.Value)
		}
	}
	return value{}
}

func (d *Decoder) keywordList(v event.Token) {
	if v.Form() != event.ArrayForm {
		return
	}
	for it := v.Members(); it.Next(); {
		if it.Value.Form() == event.StringForm {
			d.rec.keywords = append(d.rec.keywords, tokenValue(it.Value))
		}
	}
}

// positional gives the values of a list the names that the event's manifest has
// for them.
func (d *Decoder) positional(list event.Token) {
	names, more := d.manifest()
	for it := list.Members(); it.Next(); {
		v := tokenValue(it.Value)
		if v.form == nested {
			v = inside(v, d.m.ev)
		}
		if names == "" {
			names, more = more, ""
		}
		name := ""
		if name, names, _ = strings.Cut(names, " "); name == "RuleName" && isClock(v.text(d.m.ev)) {
			name, names, _ = strings.Cut(names, " ") // Sysmon before 8 has no rule's name
		}
		switch {
		case v.form == absent:
			if name == "" {
				d.unnamed++
			}
		case name == "":
			d.addUnnamed(v)
		default:
			d.addData(name, v)
		}
	}
}

func isClock(s string) bool {
	t, ok := parseInstant(s)
	return ok && !t.zoned
}

// manifest returns the names of an event's data in their order, in one list or
// two.
func (d *Decoder) manifest() (names, more string) {
	ev := d.m.ev
	id, channel := d.rec.sys[sysEventID].text(ev), d.rec.sys[sysChannel].text(ev)
	switch {
	case strings.EqualFold(channel, "Security"):
		if rest, ok := subjectManifests[id]; ok {
			return subjectNames, rest
		}
		channel = "Security"
	case strings.EqualFold(channel, sysmon.channel):
		channel = "Sysmon"
	}
	d.buf = append(append(append(d.buf[:0], channel...), '/'), id...)
	return manifests[string(d.buf)], ""
}

const (
	subjectNames    = "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId"
	groupNames      = "TargetUserName TargetDomainName TargetSid " + subjectNames + " PrivilegeList"
	connectionNames = "Application Direction SourceAddress SourcePort DestAddress DestPort Protocol FilterRTID LayerName LayerRTID RemoteUserID RemoteMachineID"
)

// subjectManifests are those of the Security log that begin with the subject.
var subjectManifests = map[string]string{
	"4624": "TargetUserSid TargetUserName TargetDomainName TargetLogonId LogonType LogonProcessName AuthenticationPackageName WorkstationName LogonGuid TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort ImpersonationLevel RestrictedAdminMode TargetOutboundUserName TargetOutboundDomainName VirtualAccount TargetLinkedLogonId ElevatedToken",
	"4625": "TargetUserSid TargetUserName TargetDomainName Status FailureReason SubStatus LogonType LogonProcessName AuthenticationPackageName WorkstationName TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort",
	"4648": "LogonGuid TargetUserName TargetDomainName TargetLogonGuid TargetServerName TargetInfo ProcessId ProcessName IpAddress IpPort",
	"4656": "ObjectServer ObjectType ObjectName HandleId TransactionId AccessList AccessReason AccessMask PrivilegeList RestrictedSidCount ProcessId ProcessName ResourceAttributes",
	"4658": "ObjectServer HandleId ProcessId ProcessName",
	"4663": "ObjectServer ObjectType ObjectName HandleId AccessList AccessMask ProcessId ProcessName ResourceAttributes",
	"4672": "PrivilegeList",
	"4673": "ObjectServer Service PrivilegeList ProcessId ProcessName",
	"4688": "NewProcessId NewProcessName TokenElevationType ProcessId CommandLine TargetUserSid TargetUserName TargetDomainName TargetLogonId ParentProcessName MandatoryLabel",
	"4689": "Status ProcessId ProcessName",
	"4697": "ServiceName ServiceFileName ServiceType ServiceStartType ServiceAccount",
	"4698": "TaskName TaskContent", "4699": "TaskName TaskContent", "4700": "TaskName TaskContent", "4701": "TaskName TaskContent",
	"4702": "TaskName TaskContentNew",
	"4703": "TargetUserSid TargetUserName TargetDomainName TargetLogonId ProcessName ProcessId EnabledPrivilegeList DisabledPrivilegeList",
	"4719": "CategoryId SubcategoryId SubcategoryGuid AuditPolicyChanges",
	"5140": "ObjectType IpAddress IpPort ShareName ShareLocalPath AccessMask AccessList",
	"5145": "ObjectType IpAddress IpPort ShareName ShareLocalPath RelativeTargetName AccessMask AccessList AccessReason",
}

// manifests are the others (read off events of Windows 10 and of Sysmon 13).
var manifests = map[string]string{
	"Security/4634": "TargetUserSid TargetUserName TargetDomainName TargetLogonId LogonType",
	"Security/4647": "TargetUserSid TargetUserName TargetDomainName TargetLogonId",
	"Security/4722": "TargetUserName TargetDomainName TargetSid " + subjectNames,
	"Security/4724": "TargetUserName TargetDomainName TargetSid " + subjectNames,
	"Security/4725": "TargetUserName TargetDomainName TargetSid " + subjectNames,
	"Security/4726": groupNames,
	"Security/4728": "MemberName MemberSid " + groupNames,
	"Security/4729": "MemberName MemberSid " + groupNames,
	"Security/4732": "MemberName MemberSid " + groupNames,
	"Security/4733": "MemberName MemberSid " + groupNames,
	"Security/4756": "MemberName MemberSid " + groupNames,
	"Security/4757": "MemberName MemberSid " + groupNames,
	"Security/4768": "TargetUserName TargetDomainName TargetSid ServiceName ServiceSid TicketOptions Status TicketEncryptionType PreAuthType IpAddress IpPort CertIssuerName CertSerialNumber CertThumbprint",
	"Security/4769": "TargetUserName TargetDomainName ServiceName ServiceSid TicketOptions TicketEncryptionType IpAddress IpPort Status LogonGuid TransmittedServices",
	"Security/4771": "TargetUserName TargetSid ServiceName TicketOptions Status PreAuthType IpAddress IpPort CertIssuerName CertSerialNumber CertThumbprint",
	"Security/4776": "PackageName TargetUserName Workstation Status",
	"Security/5152": "ProcessId " + connectionNames,
	"Security/5156": "ProcessID " + connectionNames,
	"Security/5157": "ProcessID " + connectionNames,
	"Security/5158": "ProcessId Application SourceAddress SourcePort Protocol FilterRTID LayerName LayerRTID",

	"System/7045": "ServiceName ImagePath ServiceType StartType AccountName",
	"Microsoft-Windows-PowerShell/Operational/4103": "ContextInfo UserData Payload",
	"Microsoft-Windows-PowerShell/Operational/4104": "MessageNumber MessageTotal ScriptBlockText ScriptBlockId Path",
	"Microsoft-Windows-PowerShell/Operational/4105": "ScriptBlockId RunspaceId",
	"Microsoft-Windows-PowerShell/Operational/4106": "ScriptBlockId RunspaceId",

	"Sysmon/1":  "RuleName UtcTime ProcessGuid ProcessId Image FileVersion Description Product Company OriginalFileName CommandLine CurrentDirectory User LogonGuid LogonId TerminalSessionId IntegrityLevel Hashes ParentProcessGuid ParentProcessId ParentImage ParentCommandLine ParentUser",
	"Sysmon/2":  "RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime PreviousCreationUtcTime User",
	"Sysmon/3":  "RuleName UtcTime ProcessGuid ProcessId Image User Protocol Initiated SourceIsIpv6 SourceIp SourceHostname SourcePort SourcePortName DestinationIsIpv6 DestinationIp DestinationHostname DestinationPort DestinationPortName",
	"Sysmon/4":  "UtcTime State Version SchemaVersion",
	"Sysmon/5":  "RuleName UtcTime ProcessGuid ProcessId Image User",
	"Sysmon/6":  "RuleName UtcTime ImageLoaded Hashes Signed Signature SignatureStatus",
	"Sysmon/7":  "RuleName UtcTime ProcessGuid ProcessId Image ImageLoaded FileVersion Description Product Company OriginalFileName Hashes Signed Signature SignatureStatus User",
	"Sysmon/8":  "RuleName UtcTime SourceProcessGuid SourceProcessId SourceImage TargetProcessGuid TargetProcessId TargetImage NewThreadId StartAddress StartModule StartFunction SourceUser TargetUser",
	"Sysmon/9":  "RuleName UtcTime ProcessGuid ProcessId Image Device User",
	"Sysmon/10": "RuleName UtcTime SourceProcessGUID SourceProcessId SourceThreadId SourceImage TargetProcessGUID TargetProcessId TargetImage GrantedAccess CallTrace SourceUser TargetUser",
	"Sysmon/11": "RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime User",
	"Sysmon/12": "RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject User",
	"Sysmon/13": "RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject Details User",
	"Sysmon/14": "RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject NewName User",
	"Sysmon/15": "RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime Hash Contents User",
	"Sysmon/16": "UtcTime Configuration ConfigurationFileHash",
	"Sysmon/17": "RuleName EventType UtcTime ProcessGuid ProcessId PipeName Image User",
	"Sysmon/18": "RuleName EventType UtcTime ProcessGuid ProcessId PipeName Image User",
	"Sysmon/19": "RuleName EventType UtcTime Operation User EventNamespace Name Query",
	"Sysmon/20": "RuleName EventType UtcTime Operation User Name Type Destination",
	"Sysmon/21": "RuleName EventType UtcTime Operation User Consumer Filter",
	"Sysmon/22": "RuleName UtcTime ProcessGuid ProcessId QueryName QueryStatus QueryResults Image User",
	"Sysmon/23": "RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes IsExecutable Archived",
	"Sysmon/24": "RuleName UtcTime ProcessGuid ProcessId Image Session ClientInfo Hashes Archived User",
	"Sysmon/25": "RuleName UtcTime ProcessGuid ProcessId Image Type User",
	"Sysmon/26": "RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes IsExecutable",
}
