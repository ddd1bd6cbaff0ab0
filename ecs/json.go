package ecs

import (
	"fmt"

	"github.com/tocsin-project/tocsin/event"
)

// JSON reads one JSON object into ev, which it resets. Values point into doc,
// which must stay unchanged until ev is reset. ErrNotEvent is returned for JSON
// that is no event, a *event.SyntaxError (wrapped) for what is no JSON; ev is
// then to be reset.
func (d *Decoder) JSON(doc []byte, ev *event.Event) error {
	ev.Reset(doc)
	d.begin(ev)
	return d.json1(doc, ev, 0)
}

func (d *Decoder) begin(ev *event.Event) {
	d.rec.reset()
	if len(d.keys) >= maxKeys {
		d.forget()
	}
	d.m.reset(ev)
	d.unnamed = 0
}

// maxWrap is how many envelopes a document may lie in.
const maxWrap = 4

// json1 looks at the top of an object, as far as needed to know its shape.
func (d *Decoder) json1(doc []byte, ev *event.Event, depth int) error {
	var top topLevel
	it := event.Members(doc)
	for it.Next() {
		if it.Key.Form() != event.StringForm {
			return ErrNotEvent // an array
		}
		if d.member(&top, it.Key, it.Value) {
			err := d.nested(doc, ev)
			if err == ErrNotEvent && depth < maxWrap {
				return d.wrapped(doc, ev, depth)
			}
			return err
		}
	}
	err := it.Err()
	if err == nil && it.Offset() < len(doc) {
		err = event.Valid(doc) // nothing may follow
	}
	if err != nil {
		return fmt.Errorf("read document: %w", err)
	}
	return d.shaped(doc, &top, ev, depth)
}

// wrapped reads an event that stands as an object under "event", as with
// Splunk's HTTP Event Collector.
func (d *Decoder) wrapped(doc []byte, ev *event.Event, depth int) error {
	for it := event.Members(doc); it.Next(); {
		if it.Value.Form() == event.ObjectForm && it.Key.Text(ev) == "event" {
			d.rec.reset()
			d.m.doc = nil
			ev.Reset(ev.Raw)
			return d.json1(it.Value.Raw, ev, depth+1)
		}
	}
	return ErrNotEvent
}

// topLevel is what the top of a document holds that tells its shape.
type topLevel struct {
	source, fields, result      event.Token // envelopes
	index, id                   event.Token
	eventObject                 event.Token // evtx_dump's Event
	system, eventData, userData event.Token
	properties, rendering       event.Token
	user, keywords              event.Token // of winlogbeat before 7
	raw                         event.Token // of Splunk
	evidence                    event.Token // of our own
	winID, display              event.Token // of Get-WinEvent
	dotted                      bool        // names such as winlog.channel
	beats6                      bool
}

// member takes one member of the top of a document. It reports true as soon as
// the document is known to be nested ECS, which one more pass reads whole.
func (d *Decoder) member(top *topLevel, name, v event.Token) bool {
	k, text := d.keyToken(name)
	form := v.Form()
	switch f := d.keys[k].flat; {
	case f.ecs:
		if text == "event" && form == event.StringForm {
			top.raw = v // of Splunk's HTTP Event Collector
		}
		return form == event.ObjectForm
	case f.top != topNone && f.top.takes(form):
		top.take(f.top, v)
	case f.sys != sysNone:
		if val := tokenValue(v); val.form != absent && (val.form != nested || f.sys == sysTime || f.sys == sysUserID) {
			d.setFlat(f, val)
		}
	case f.skip, f.own != nil && form == event.StringForm && f.own(v.Text(d.m.ev)):
	case d.keys[k].dots || k == 0 && hasDot(text):
		top.dotted = true
	default:
		if val := tokenValue(v); val.form != absent {
			d.addKey(k, text, val)
		}
	}
	return false
}

func hasDot(s string) bool {
	for i := 1; i < len(s); i++ {
		if s[i] == '.' {
			return true
		}
	}
	return false
}

// topKey is what a name at the top of a document is the sign of.
type topKey uint8

const (
	topNone topKey = iota
	topSource
	topFields
	topResult
	topIndex
	topID
	topEvent
	topSystem
	topEventData
	topUserData
	topProperties
	topRaw
	topEventData6
	topUser
	topKeywords
	topRendering
	topWinEvent
	topDisplay
	topEvidence
)

func (k topKey) takes(f event.Form) bool {
	switch k {
	case topIndex, topID, topRaw, topWinEvent:
		return f == event.StringForm || f == event.NumberForm
	case topEventData:
		return f == event.ObjectForm || f == event.StringForm
	case topProperties, topKeywords, topDisplay:
		return f == event.ArrayForm
	}
	return f == event.ObjectForm
}

func (t *topLevel) take(k topKey, v event.Token) {
	switch k {
	case topSource:
		t.source = v
	case topFields:
		t.fields = v
	case topResult:
		t.result = v
	case topIndex:
		t.index = v
	case topID:
		t.id = v
	case topEvent:
		t.eventObject = v
	case topSystem:
		t.system = v
	case topEventData:
		t.eventData = v
	case topUserData:
		t.userData = v
	case topProperties:
		t.properties = v
	case topRaw:
		t.raw = v
	case topEventData6:
		t.eventData, t.beats6 = v, true
	case topUser:
		t.user = v
	case topKeywords:
		t.keywords = v
	case topRendering:
		t.rendering = v
	case topWinEvent:
		t.winID = v
	case topDisplay:
		t.display = v
	case topEvidence:
		t.evidence = v
	}
}

// shaped goes on with the shape that the top of a document shows.
func (d *Decoder) shaped(doc []byte, top *topLevel, ev *event.Event, depth int) error {
	for i, inner := range [...]event.Token{top.source, top.fields, top.result} {
		if inner.Raw != nil && depth < maxWrap {
			d.rec.reset()
			d.m.searched = i == 1
			if err := d.json1(inner.Raw, ev, depth+1); err != nil {
				return err
			}
			d.docID(top, ev)
			return nil
		}
	}
	if top.dotted {
		return d.nested(doc, ev)
	}
	if top.evidence.Raw != nil {
		return d.evidence(top.evidence, ev)
	}
	switch {
	case top.beats6, top.keywords.Raw != nil && top.user.Raw != nil:
		d.beats6(top)
	case top.eventObject.Raw != nil:
		d.rec.reset()
		d.evtxDump(top.eventObject)
	case top.system.Raw != nil:
		message := d.rec.sys[sysMessage]
		d.rec.reset()
		d.rec.sys[sysMessage] = message
		d.xmlShaped(top.system, top.eventData, top.userData)
	case top.dataObject() && d.rec.sys[sysEventID].form != absent:
		d.columns(top)
	}
	d.rendering(top.rendering)
	switch {
	case top.raw.Form() == event.StringForm && d.rec.sys[sysEventID].form == absent:
		return d.raw(top.raw.Text(ev), ev, depth)
	case top.eventData.Form() == event.StringForm:
		d.dataXML(top.eventData.Text(ev))
	case top.winID.Raw != nil && d.rec.sys[sysEventID].form == absent:
		d.winEvent(top)
	}
	if d.rec.sys[sysUserType].form == absent && top.user.Raw == nil {
		d.account()
	}
	return d.whole(ev)
}

// account gives AccountName and Domain back to the event's data. NXLog means
// the event's own user by them, and then says AccountType, too.
func (d *Decoder) account() {
	for _, f := range []struct {
		from sysField
		name string
	}{{sysUserName, "AccountName"}, {sysUserDomain, "Domain"}} {
		if v := &d.rec.sys[f.from]; v.form != absent {
			d.addData(f.name, *v)
			*v = value{}
		}
	}
}

// docID keeps where a stored document lay, as _index/_id.
func (d *Decoder) docID(top *topLevel, ev *event.Event) {
	if top.id.Raw == nil {
		return
	}
	d.buf = append(d.buf[:0], top.index.Text(ev)...)
	d.buf = append(d.buf, '/')
	d.buf = append(d.buf, top.id.Text(ev)...)
	ev.DocID = ev.Text(d.buf)
}

// Flat exports (NXLog, Get-WinEvent, Sentinel, SIEM dumps) put the fields of
// <System>, those of the exporter and the event's own data side by side.

// flatKey is what a name means at the top of a document.
type flatKey struct {
	sys  sysField
	weak bool              // another name for it counts more
	skip bool              // the exporter's own: no part of the event
	ecs  bool              // an object of this name is ECS
	own  func(string) bool // tells values of the exporter's own from those of the event
	top  topKey
}

// nxlogTypes are NXLog's own values of EventType, which is also a name of data.
func nxlogTypes(s string) bool {
	switch s {
	case "INFO", "WARNING", "ERROR", "CRITICAL", "VERBOSE", "DEBUG", "AUDIT_SUCCESS", "AUDIT_FAILURE":
		return true
	}
	return false
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
	"TimeGenerated": {sys: sysIngested, weak: true}, "Source": {sys: sysProvider, weak: true}, "EventLevel": {sys: sysLevel},
	"EventLevelName": {skip: true}, "EventType": {own: nxlogTypes}, "TenantId": {skip: true}, "SourceSystem": {skip: true},

	"SeverityValue": {skip: true}, "Severity": {sys: sysLevelName, weak: true}, "SourceModuleName": {skip: true}, "SourceModuleType": {skip: true},
	"host": {skip: true}, "port": {skip: true}, "tags": {skip: true}, "@version": {skip: true}, "EventTypeOrignal": {skip: true},
	"OpcodeValue": {skip: true}, "Task": {sys: sysTask}, "ERROR_EVT_UNRESOLVED": {skip: true},

	"winlog": {ecs: true}, "event": {ecs: true}, "process": {ecs: true}, "agent": {ecs: true}, "ecs": {ecs: true},

	"_source": {top: topSource}, "fields": {top: topFields}, "result": {top: topResult},
	"_index": {top: topIndex}, "_id": {top: topID}, "Event": {top: topEvent}, "System": {top: topSystem},
	"EventData": {top: topEventData}, "UserData": {top: topUserData}, "Properties": {top: topProperties},
	evidenceKey: {top: topEvidence}, "Id": {top: topWinEvent}, "KeywordsDisplayNames": {top: topDisplay}, "_time": {sys: sysIngested}, "_raw": {top: topRaw}, "event_data": {top: topEventData6}, "user_data": {top: topUserData}, "keywords": {top: topKeywords},
	"RenderingInfo": {top: topRendering}, "user": {top: topUser}, "type": {skip: true}, "beat": {skip: true}, "@metadata": {skip: true},
}

// setFlat sets a field of <System>.
func (d *Decoder) setFlat(f flatKey, v value) {
	if (f.sys == sysTaskName || f.sys == sysOpcodeName) && v.form != quoted {
		return // a number
	}
	if s := &d.rec.sys[f.sys]; !f.weak || s.form == absent {
		*s = v
	}
}
