package ecs

// Flat exports (NXLog, Get-WinEvent, Sentinel, SIEM dumps) put the fields of
// <System>, those of the exporter and the event's own data side by side.

// flatKey is what a name means at the top of a document.
type flatKey struct {
	sys  sysField
	weak bool // another name for it counts more
	skip bool // the exporter's own: no part of the event
	ecs  bool // an object of this name is ECS
	top  topKey
}

var flatKeys = map[string]flatKey{
	"EventID": {sys: sysEventID}, "EventId": {sys: sysEventID}, "event_id": {sys: sysEventID},
	"Channel": {sys: sysChannel}, "LogName": {sys: sysChannel}, "EventLog": {sys: sysChannel}, "log_name": {sys: sysChannel},
	"Hostname": {sys: sysComputer}, "Computer": {sys: sysComputer}, "MachineName": {sys: sysComputer},
	"ComputerName": {sys: sysComputer}, "computer_name": {sys: sysComputer},
	"SourceName": {sys: sysProvider}, "Provider": {sys: sysProvider}, "ProviderName": {sys: sysProvider},
	"EventSourceName": {sys: sysProvider, weak: true}, "source_name": {sys: sysProvider},
	"ProviderGuid": {sys: sysGUID}, "ProviderId": {sys: sysGUID}, "provider_guid": {sys: sysGUID},
	"RecordNumber": {sys: sysRecord}, "EventRecordID": {sys: sysRecord}, "EventRecordId": {sys: sysRecord},
	"RecordId": {sys: sysRecord}, "record_number": {sys: sysRecord},
	"Version": {sys: sysVersion}, "version": {sys: sysVersion}, "Level": {sys: sysLevel},
	"Keywords": {sys: sysKeywords}, "ThreadID": {sys: sysTID}, "thread_id": {sys: sysTID},
	"ExecutionProcessID": {sys: sysPID}, "process_id": {sys: sysPID},
	"ActivityID": {sys: sysActivity}, "activity_id": {sys: sysActivity},
	"RelatedActivityID": {sys: sysRelated}, "related_activity_id": {sys: sysRelated},
	"EventTime": {sys: sysTime}, "TimeCreated": {sys: sysTime}, "EventReceivedTime": {sys: sysReceived}, "@timestamp": {sys: sysIngested},
	"Message": {sys: sysMessage}, "message": {sys: sysMessage}, "Category": {sys: sysTaskName}, "task": {sys: sysTaskName},
	"Opcode": {sys: sysOpcodeName}, "opcode": {sys: sysOpcodeName}, "level": {sys: sysLevelName},
	"UserID": {sys: sysUserID}, "AccountName": {sys: sysUserName}, "Domain": {sys: sysUserDomain}, "AccountType": {sys: sysUserType},
	"TimeGenerated": {sys: sysIngested, weak: true},

	"SeverityValue": {skip: true}, "Severity": {skip: true}, "SourceModuleName": {skip: true}, "SourceModuleType": {skip: true},
	"port": {skip: true}, "tags": {skip: true}, "@version": {skip: true}, "EventTypeOrignal": {skip: true},
	"OpcodeValue": {skip: true}, "Task": {skip: true}, "ERROR_EVT_UNRESOLVED": {skip: true},

	"winlog": {ecs: true}, "event": {ecs: true}, "process": {ecs: true}, "agent": {ecs: true}, "ecs": {ecs: true},

	"_source": {top: topSource}, "fields": {top: topFields}, "result": {top: topResult},
	"_index": {top: topIndex}, "_id": {top: topID}, "Event": {top: topEvent}, "System": {top: topSystem},
	"EventData": {top: topEventData}, "UserData": {top: topUserData}, "Properties": {top: topProperties},
	"_raw": {top: topRaw}, "event_data": {top: topEventData}, "user_data": {top: topUserData},
}

// setFlat sets a field of <System>.
func (d *Decoder) setFlat(f flatKey, v value) {
	if s := &d.rec.sys[f.sys]; !f.weak || s.form == absent {
		*s = v
	}
}
