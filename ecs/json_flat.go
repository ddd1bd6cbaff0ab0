package ecs

import "github.com/tocsin-project/tocsin/event"

// Flat exports (NXLog, Get-WinEvent, Sentinel, SIEM dumps) put the fields of
// <System>, those of the exporter and the event's own data side by side.

// flatKey is what a name means at the top of a flat document.
type flatKey struct {
	sys  sysField
	skip bool // the exporter's own: no part of the event
}

var flatKeys = map[string]flatKey{
	"EventID": {sys: sysEventID}, "EventId": {sys: sysEventID},
	"Channel": {sys: sysChannel}, "LogName": {sys: sysChannel}, "EventLog": {sys: sysChannel},
	"Hostname": {sys: sysComputer}, "Computer": {sys: sysComputer}, "MachineName": {sys: sysComputer}, "ComputerName": {sys: sysComputer},
	"SourceName": {sys: sysProvider}, "Provider": {sys: sysProvider}, "ProviderName": {sys: sysProvider}, "EventSourceName": {sys: sysProvider},
	"ProviderGuid": {sys: sysGUID}, "ProviderId": {sys: sysGUID},
	"RecordNumber": {sys: sysRecord}, "EventRecordID": {sys: sysRecord}, "EventRecordId": {sys: sysRecord}, "RecordId": {sys: sysRecord},
	"Version": {sys: sysVersion}, "Level": {sys: sysLevel}, "Keywords": {sys: sysKeywords},
	"ThreadID": {sys: sysTID}, "ExecutionProcessID": {sys: sysPID}, "ActivityID": {sys: sysActivity}, "RelatedActivityID": {sys: sysRelated},
	"EventTime": {sys: sysTime}, "TimeCreated": {sys: sysTime}, "EventReceivedTime": {sys: sysReceived}, "@timestamp": {sys: sysIngested},
	"Message": {sys: sysMessage}, "Category": {sys: sysTaskName}, "Opcode": {sys: sysOpcodeName},
	"UserID": {sys: sysUserID}, "AccountName": {sys: sysUserName}, "Domain": {sys: sysUserDomain}, "AccountType": {sys: sysUserType},

	"SeverityValue": {skip: true}, "Severity": {skip: true}, "SourceModuleName": {skip: true}, "SourceModuleType": {skip: true},
	"host": {skip: true}, "port": {skip: true}, "tags": {skip: true}, "@version": {skip: true}, "EventTypeOrignal": {skip: true},
	"OpcodeValue": {skip: true}, "Task": {skip: true}, "ERROR_EVT_UNRESOLVED": {skip: true}, "TimeGenerated": {skip: true},
}

// flat takes one member of a flat document.
func (d *Decoder) flat(name, v event.Token) {
	val := tokenValue(v)
	if val.form == absent {
		return
	}
	text := name.Text(d.m.ev)
	k := d.key(text)
	switch f := d.keys[k].flat; {
	case f.sys != sysNone:
		d.rec.sys[f.sys] = val
	case !f.skip:
		d.addKey(k, text, val)
	}
}
