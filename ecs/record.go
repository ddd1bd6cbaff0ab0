package ecs

import (
	"strings"
	"unsafe"

	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/evtx"
)

// form says how a value's text stands.
type form uint8

const (
	absent form = iota
	plain       // the characters themselves
	quoted      // a JSON string with its quotes, escapes not yet undone
	number      // a JSON number or boolean as written
	nested      // a JSON object or array as written
	stored      // bytes of an EVTX value of type typ
)

// value is one value of a record. It points into the document or into the
// event's arena.
type value struct {
	s    string
	form form
	typ  evtx.Type
}

// pair is a named value of the event's data.
type pair struct {
	name string
	val  value
	key  int32
	user bool // of <UserData>
	gone bool // moved to another field, or empty
}

// sysField names a field of <System>, or one that a renderer or exporter puts
// beside them.
type sysField uint8

const (
	sysNone sysField = iota
	sysProvider
	sysGUID
	sysEventID
	sysVersion
	sysLevel
	sysKeywords
	sysTime
	sysRecord
	sysActivity
	sysRelated
	sysPID
	sysTID
	sysChannel
	sysComputer
	sysUserID
	sysUserName
	sysUserDomain
	sysUserType
	sysMessage
	sysTaskName
	sysOpcodeName
	sysLevelName
	sysReceived // when a collector received it, in the zone of sysTime
	sysIngested // when a later stage saw it, in UTC
	sysHostID   // given by an agent
	sysCount
)

// record is one Windows event, whatever shape it came in.
type record struct {
	sys  [sysCount]value
	data []pair  // <EventData>, or the members of <UserData>'s element, in order
	at   []int32 // by key: index into data plus one

	userName string // the name of <UserData>'s element
	keywords []value
}

func (r *record) reset() {
	for i := range r.data {
		r.at[r.data[i].key] = 0
	}
	clear(r.sys[:])
	r.data = r.data[:0]
	r.keywords = r.keywords[:0]
	r.userName = ""
}

// addData appends a named value. Of values with one name the last counts for
// the tables.
func (d *Decoder) addData(name string, v value) {
	d.addKey(d.key(name), name, v)
}

// addUser appends a named value of <UserData>.
func (d *Decoder) addUser(name string, v value) {
	d.addData(name, v)
	d.rec.data[len(d.rec.data)-1].user = true
}

func (d *Decoder) addKey(k int32, name string, v value) {
	r := &d.rec
	if k != 0 {
		name = d.keys[k].name
	}
	for len(r.at) <= int(k) {
		r.at = append(r.at, 0)
	}
	r.data = append(r.data, pair{name: name, val: v, key: k})
	if k != 0 {
		r.at[k] = int32(len(r.data))
	}
}

// pair returns the value of a key, nil if the event has none.
func (r *record) pair(k int32) *pair {
	if int(k) < len(r.at) {
		if i := r.at[k]; i > 0 {
			return &r.data[i-1]
		}
	}
	return nil
}

// tokenValue is a JSON value as the record keeps it.
func tokenValue(t event.Token) value {
	switch t.Form() {
	case event.StringForm:
		return value{s: view(t.Raw), form: quoted}
	case event.NumberForm, event.BoolForm:
		return value{s: view(t.Raw), form: number}
	case event.ArrayForm, event.ObjectForm:
		return value{s: view(t.Raw), form: nested}
	}
	return value{}
}

// text undoes the escapes of a value, once.
func (v *value) text(ev *event.Event) string {
	if v.form == quoted {
		v.s = event.Token{Raw: bytesOf(v.s)}.Text(ev)
		v.form = plain
	}
	if v.form == stored {
		var buf [256]byte
		v.s = ev.Text(evtx.RawValue(v.typ, bytesOf(v.s)).AppendText(buf[:0]))
		v.form = plain
	}
	return v.s
}

// empty reports whether a value says nothing: "", "-" and the zero GUID.
func (v *value) empty() bool {
	s := v.s
	switch v.form {
	case quoted:
		s = s[1 : len(s)-1]
	case stored:
		return v.emptyBinary()
	}
	switch len(s) {
	case 0:
		return true
	case 1:
		return s == "-"
	case 36:
		return s == zeroGUID
	case 38:
		return s[1:37] == zeroGUID && s[0] == '{'
	}
	return false
}

// emptyBinary is empty for a value of EVTX that was not rendered.
func (v *value) emptyBinary() bool {
	switch v.typ {
	case evtx.TypeText:
		t := value{s: v.s, form: plain}
		return t.empty()
	case evtx.TypeString:
		t := strings.TrimRight(v.s, "\x00")
		return t == "" || t == "-" || (len(v.s) >= 72 && len(v.s) <= 80 && v.emptyText())
	case evtx.TypeGUID:
		return strings.Trim(v.s, "\x00") == ""
	}
	return v.s == ""
}

func (v *value) emptyText() bool {
	var buf [96]byte
	t := value{s: view(evtx.RawValue(v.typ, bytesOf(v.s)).AppendText(buf[:0])), form: plain}
	return t.empty()
}

const zeroGUID = "00000000-0000-0000-0000-000000000000"

func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
