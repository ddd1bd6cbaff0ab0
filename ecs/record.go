package ecs

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"time"
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
	sysTask     // a number
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
	from := len(d.rec.data)
	d.addData(name, v)
	d.rec.markUser(from)
}

func (d *Decoder) addKey(k int32, name string, v value) {
	if len(v.s) == 0 || v.form == quoted && len(v.s) == 2 {
		return // no agent sends empty values
	}
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
	if k > 0 && int(k) < len(r.at) {
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
	case event.ArrayForm:
		return listValue(t)
	case event.ObjectForm:
		return value{s: view(t.Raw), form: nested}
	}
	return value{}
}

// listValue takes a list of one scalar for that, as a search's fields are
// written; any other list stays a list.
func listValue(t event.Token) value {
	if one := single(t); one.Form() != event.ArrayForm && one.Form() != event.ObjectForm {
		return tokenValue(one)
	}
	return value{s: view(t.Raw), form: nested}
}

// single gives the only element of a list, and any other value itself.
func single(t event.Token) event.Token {
	if t.Form() != event.ArrayForm {
		return t
	}
	var one event.Token
	n := 0
	for it := t.Members(); it.Next() && n < 2; n++ {
		one = it.Value
	}
	if n == 1 {
		return one
	}
	return t
}

// text gives the characters of a value: escapes are undone, bytes made text,
// once.
func (v *value) text(ev *event.Event) string {
	switch v.form {
	case quoted:
		v.s = event.Token{Raw: bytesOf(v.s)}.Text(ev)
	case stored:
		v.s = event.TextOf(ev, evtx.RawValue(v.typ, bytesOf(v.s)))
	default:
		return v.s
	}
	v.form = plain
	if strings.IndexByte(v.s, '\r') >= 0 {
		v.s = lines(v.s, ev)
	}
	v.s = strings.TrimRight(v.s, "\n")
	return v.s
}

// lines ends the lines of a text by a line feed alone, as agents send it (a
// reader of XML makes it so; they cut off those at its end).
func lines(s string, ev *event.Event) string {
	out := ev.Text(bytesOf(s))
	b := bytesOf(out)[:0]
	for i := 0; i < len(s); i++ {
		if s[i] == '\r' && i+1 < len(s) && s[i+1] == '\n' {
			continue
		}
		b = append(b, s[i])
	}
	return view(b)
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
		return t == "" || t == "-" || len(v.s) >= 72 && len(v.s) <= 80 && zeroGUID16(t)
	case evtx.TypeGUID:
		return strings.Trim(v.s, "\x00") == ""
	}
	return v.s == ""
}

// zeroGUID16 knows the zero GUID in UTF-16, its end taken off.
func zeroGUID16(s string) bool {
	for i := 0; i < len(s); i += 2 {
		if c := s[i]; c != '0' && c != '-' && c != '{' && c != '}' {
			return false
		}
	}
	return true
}

const zeroGUID = "00000000-0000-0000-0000-000000000000"

func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// instant is a time as some exporter wrote it.
type instant struct {
	ns    int64 // since 1970; of the clock face as UTC if not zoned
	zoned bool
}

// parseInstant reads the times that exporters write: ISO 8601 with T or a
// space, with or without a zone, any number of digits of the second; .NET's
// /Date(milliseconds)/; seconds or milliseconds since 1970.
func parseInstant(s string) (t instant, ok bool) {
	if strings.HasPrefix(s, "/Date(") {
		s = s[len("/Date("):]
		end := 0
		for end < len(s) && (s[end] == '-' && end == 0 || digit(s[end])) {
			end++
		}
		s = s[:end]
		return parseEpoch(s)
	}
	if len(s) < len("2006-01-02T15:04:05") || s[4] != '-' {
		return parseEpoch(s)
	}
	if s[7] != '-' || s[10] != 'T' && s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return instant{}, false
	}
	var n [6]int
	for i, at := range [6]int{0, 5, 8, 11, 14, 17} {
		w := 2
		if i == 0 {
			w = 4
		}
		for _, c := range []byte(s[at : at+w]) {
			if !digit(c) {
				return instant{}, false
			}
			n[i] = n[i]*10 + int(c-'0')
		}
	}
	if n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 || n[3] > 24 || n[4] > 59 || n[5] > 60 || n[0] < 1678 || n[0] > 2261 {
		return instant{}, false
	}
	ns := (days(n[0], n[1], n[2])*86400 + int64(n[3]*3600+n[4]*60+n[5])) * int64(time.Second)
	rest := s[19:]
	if rest != "" && (rest[0] == '.' || rest[0] == ',') {
		rest = rest[1:]
		unit := int64(time.Second)
		for rest != "" && digit(rest[0]) {
			unit /= 10
			ns += int64(rest[0]-'0') * unit
			rest = rest[1:]
		}
	}
	off, zoned, ok := parseZone(rest)
	return instant{ns - off, zoned}, ok
}

// parseZone reads what follows the clock face: nothing, Z or an offset.
func parseZone(s string) (off int64, zoned, ok bool) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return 0, false, true
	case s == "Z" || s == "z" || s == "UTC":
		return 0, true, true
	case len(s) < 3 || s[0] != '+' && s[0] != '-':
		return 0, false, false
	}
	h := s[1:3]
	m := strings.TrimPrefix(s[3:], ":")
	if m == "" {
		m = "00"
	}
	if len(m) != 2 || !digit(h[0]) || !digit(h[1]) || !digit(m[0]) || !digit(m[1]) {
		return 0, false, false
	}
	off = (int64(h[0]-'0')*10+int64(h[1]-'0'))*3600 + (int64(m[0]-'0')*10+int64(m[1]-'0'))*60
	if s[0] == '-' {
		off = -off
	}
	return off * int64(time.Second), true, true
}

// parseEpoch reads seconds (up to 11 digits), milliseconds (up to 14) or
// nanoseconds since 1970, with a fraction or without.
func parseEpoch(s string) (instant, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	neg := strings.HasPrefix(whole, "-")
	whole = strings.TrimPrefix(whole, "-")
	if whole == "" || len(whole) > 18 {
		return instant{}, false
	}
	var n int64
	for _, c := range []byte(whole) {
		if !digit(c) {
			return instant{}, false
		}
		n = n*10 + int64(c-'0')
	}
	unit := int64(1)
	switch {
	case len(whole) <= 10:
		unit = int64(time.Second)
	case len(whole) <= 13:
		unit = int64(time.Millisecond)
	}
	if n > (1<<63-1)/unit {
		return instant{}, false
	}
	n *= unit
	for _, c := range []byte(frac) {
		if !digit(c) {
			return instant{}, false
		}
		unit /= 10
		n += int64(c-'0') * unit
	}
	if neg {
		n = -n
	}
	return instant{n, true}, true
}

func digit(c byte) bool { return c-'0' < 10 }

// days counts the days from 1970-01-01 to a date of the Gregorian calendar.
func days(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era*146097+doe) - 719468
}

// logged returns the instant at which the log says the event was written.
//
// NXLog writes EventTime and EventReceivedTime as local time without a zone;
// where a later stage has put the time of arrival beside them in UTC, the zone
// is what lies between the two, in quarter hours. A time with a zone is taken
// as written, however wrong it may be (the export's fault is measured over many
// events, never in one), and one without any hint counts as UTC.
func (m *mapper) logged() (ns int64, ok bool) {
	t, ok := parseInstant(m.r.sys[sysTime].text(m.ev))
	if !ok {
		if t, ok = parseInstant(m.r.sys[sysIngested].text(m.ev)); !ok {
			return 0, false
		}
	}
	if !t.zoned {
		t.ns -= m.zone()
	}
	return t.ns, true
}

// zone returns how far a collector's clock face is ahead of UTC.
func (m *mapper) zone() int64 {
	received, ok := parseInstant(m.r.sys[sysReceived].text(m.ev))
	if !ok || received.zoned {
		return 0
	}
	ingested, ok := parseInstant(m.r.sys[sysIngested].text(m.ev))
	if !ok || !ingested.zoned {
		return 0
	}
	const quarter = int64(15 * time.Minute)
	off := received.ns - ingested.ns
	n := (off + quarter/2) / quarter
	if off+quarter/2 < 0 && (off+quarter/2)%quarter != 0 {
		n-- // towards minus infinity
	}
	if rest := off - n*quarter; max(rest, -rest) > int64(5*time.Minute) || max(n, -n) > 14*4 {
		return 0 // arrival long after, or no zone on earth
	}
	return n * quarter
}

// names finds the number of a name: open addressing, at most half full. A name
// is known by its first and last eight bytes and its length; only what is longer
// than 16 is compared further.
type names struct {
	entries []nameEntry
	n       int
}

type nameEntry struct {
	head, tail uint64
	name       string
	key        int32
}

// words returns the first and last eight bytes of a name; a shorter one is the
// first word, padded with zeros.
func words(s string) (head, tail uint64) {
	b := bytesOf(s)
	switch n := len(b); {
	case n >= 8:
		return binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<(8*(n-4)), 0
	default:
		for i, c := range b {
			head |= uint64(c) << (8 * i)
		}
		return head, 0
	}
}

func nameHash(head, tail uint64, n int) uint64 {
	h := (head ^ bits.RotateLeft64(tail, 31) ^ uint64(n)) * 0x9e3779b97f4a7c15
	return (h ^ h>>29) * 0xbf58476d1ce4e5b9 >> 16
}

func (t *names) find(head, tail uint64, s string) int32 {
	if len(t.entries) == 0 {
		return 0
	}
	mask := uint64(len(t.entries) - 1)
	for h := nameHash(head, tail, len(s)); ; h++ {
		e := &t.entries[h&mask]
		if e.key == 0 {
			return 0
		}
		if e.head == head && e.tail == tail && len(e.name) == len(s) && (len(s) <= 16 || e.name[8:len(s)-8] == s[8:len(s)-8]) {
			return e.key
		}
	}
}

func (t *names) add(head, tail uint64, s string, key int32) {
	if 2*t.n >= len(t.entries) {
		old := t.entries
		t.entries = make([]nameEntry, max(256, 2*len(old)))
		for _, e := range old {
			if e.key != 0 {
				t.place(e)
			}
		}
	}
	t.n++
	t.place(nameEntry{head, tail, s, key})
}

func (t *names) place(e nameEntry) {
	mask := uint64(len(t.entries) - 1)
	h := nameHash(e.head, e.tail, len(e.name))
	for t.entries[h&mask].key != 0 {
		h++
	}
	t.entries[h&mask] = e
}
