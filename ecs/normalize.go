package ecs

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/evtx"
)

// Normalizer makes whole ECS events of documents: all that the mapping knows,
// not only what rules read. It is not safe for concurrent use.
type Normalizer struct {
	opt Options
	d   *Decoder
	ev  *event.Event
	doc tree

	columns []column // by slot
	byPath  []int32  // the slots in the order of their paths
	order   []uint64 // scratch: rank and slot of what is written
}

// NewNormalizer returns a normalizer.
func NewNormalizer(opt Options) *Normalizer {
	n := &Normalizer{opt: opt}
	n.renew()
	return n
}

// maxFields bounds the schema that a normalizer gathers: data can bring any
// number of names. Beyond it, the normalizer begins anew.
const maxFields = 1 << 14

func (n *Normalizer) bound() {
	if n.d.schema.Len() > maxFields {
		n.renew()
	}
}

func (n *Normalizer) renew() {
	schema := event.NewSchema(nil)
	n.d = newDecoder(schema, n.opt, true)
	n.ev = event.New(schema)
	n.columns, n.byPath = nil, nil
}

// Append appends the ECS event that a document holds, as one line of JSON with
// sorted keys and no newline. The document is JSON, or the XML of one event, or
// what Decoder.AppendEvidence wrote. Errors are those of Decoder.JSON and XML;
// dst then comes back as it was.
func (n *Normalizer) Append(dst, doc []byte) ([]byte, error) {
	n.bound()
	read := n.d.JSON
	if text := bytes.TrimLeft(doc, " \t\r\n\ufeff"); len(text) > 0 && text[0] == '<' {
		read = n.d.XML
	}
	if err := read(doc, n.ev); err != nil {
		return dst, err
	}
	return n.render(dst), nil
}

// AppendEVTX is Append for a record of a Windows event log.
func (n *Normalizer) AppendEVTX(dst []byte, rec *evtx.Record) ([]byte, error) {
	n.bound()
	if err := n.d.EVTX(rec, n.ev); err != nil {
		return dst, err
	}
	return n.render(dst), nil
}

// Event is the event that was appended last, until the next call.
func (n *Normalizer) Event() *event.Event { return n.ev }

// render writes the event: the document that it was, if that was nested, under
// what the mapping wrote.
func (n *Normalizer) render(dst []byte) []byte {
	m := &n.d.m
	if m.shape == flatShape {
		return n.renderFlat(dst)
	}
	n.learn()
	t := &n.doc
	t.reset()
	t.searched = m.searched
	t.parse(0, event.Token{Raw: m.doc}, n.ev, 0)
	if m.shape == beatsShape {
		t.remove("winlog.event_data")
		for i := range m.r.data {
			if p := &m.r.data[i]; p.user && p.gone {
				t.remove(userPrefix + p.name)
			}
		}
		for _, name := range beatsOnly {
			t.remove(name)
		}
		if m.tidy {
			t.remove("winlog.time_created")
			t.remove("winlog.level")
		}
	}
	for _, s := range m.slots {
		slot := int(s)
		if !m.has(slot) {
			continue
		}
		start := len(t.text)
		t.text = n.columns[slot].append(t.text, n.ev.Values(slot))
		t.set(pathParts(n.d.schema.Field(slot).Name), view(t.text[start:]))
	}
	return t.append(dst, 0)
}

// column is a field of the schema as rendering needs it.
type column struct {
	parts  []string // the names of its path, as JSON keys with their colons
	rank   uint32   // its place among all fields, by path
	list   bool
	object bool
}

// renderFlat writes the fields in the order of their paths, which opens and
// closes each object once.
func (n *Normalizer) renderFlat(dst []byte) []byte {
	m := &n.d.m
	n.learn()
	n.order = n.order[:0]
	for _, s := range m.slots {
		if m.has(int(s)) {
			n.order = append(n.order, uint64(n.columns[s].rank)<<32|uint64(s))
		}
	}
	slices.Sort(n.order)
	dst = append(dst, '{')
	var open []string // the objects around
	for i, o := range n.order {
		c := &n.columns[uint32(o)]
		if i+1 < len(n.order) && within(n.columns[uint32(n.order[i+1])].parts, c.parts) {
			continue // a field that is an object, too
		}
		dst, open = enter(dst, open, c.parts)
		dst = append(dst, c.parts[len(c.parts)-1]...)
		dst = c.append(dst, n.ev.Values(int(uint32(o))))
	}
	for range open {
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// enter closes and opens objects until a member of a path can be written, the
// comma before it included.
func enter(dst []byte, open, path []string) ([]byte, []string) {
	same := 0
	for same < len(open) && same < len(path)-1 && open[same] == path[same] {
		same++
	}
	for range open[same:] {
		dst = append(dst, '}')
	}
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	for _, p := range path[same : len(path)-1] {
		dst = append(append(dst, p...), '{')
	}
	return dst, path[:len(path)-1]
}

// within reports whether a path lies below another.
func within(path, above []string) bool {
	return len(path) > len(above) && slices.Equal(path[:len(above)], above)
}

// learn makes columns of the fields that the schema has gained.
func (n *Normalizer) learn() {
	from := len(n.columns)
	if from == n.d.schema.Len() {
		return
	}
	for i := from; i < n.d.schema.Len(); i++ {
		name := n.d.schema.Field(i).Name
		c := column{list: lists[name], object: slices.Contains(objects, name)}
		for _, p := range pathParts(name) {
			c.parts = append(c.parts, string(append(appendString(nil, p), ':')))
		}
		n.columns = append(n.columns, c)
	}
	fresh := make([]int32, 0, len(n.columns)-from)
	for i := from; i < len(n.columns); i++ {
		fresh = append(fresh, int32(i))
	}
	byPath := func(a, b int32) int { return slices.Compare(n.columns[a].parts, n.columns[b].parts) }
	slices.SortFunc(fresh, byPath)
	merged := make([]int32, 0, len(n.columns))
	for old := n.byPath; len(old)+len(fresh) > 0; {
		if len(fresh) == 0 || len(old) > 0 && byPath(old[0], fresh[0]) < 0 {
			merged, old = append(merged, old[0]), old[1:]
		} else {
			merged, fresh = append(merged, fresh[0]), fresh[1:]
		}
	}
	n.byPath = merged
	for rank, i := range merged {
		n.columns[i].rank = uint32(rank)
	}
}

// pathParts splits a field's name. Names of data are not ours: one that is no
// path stays whole.
func pathParts(name string) []string {
	for _, prefix := range []string{dataPrefix, userPrefix} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && !isPath(rest) {
			return append(strings.Split(prefix[:len(prefix)-1], "."), rest)
		}
	}
	return strings.Split(name, ".")
}

func isPath(s string) bool {
	return s != "" && s[0] != '.' && s[len(s)-1] != '.' && !strings.Contains(s, "..")
}

func (c *column) append(dst []byte, vals []event.Value) []byte {
	if len(vals) == 1 && !c.list {
		return appendValue(dst, vals[0], c.object)
	}
	dst = append(dst, '[')
	for i, v := range vals {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, v, c.object)
	}
	return append(dst, ']')
}

// beatsOnly are the fields that no event has after a pipeline.
var beatsOnly = []string{"@metadata"}

// lists are the fields that hold a list even of one value.
var lists = map[string]bool{
	"event.category": true, "event.type": true, "process.args": true, "process.parent.args": true,
	"related.hash": true, "related.hosts": true, "related.ip": true, "related.user": true,
	"dns.answers": true, "dns.resolved_ip": true, "registry.data.strings": true, "winlog.keywords": true,
	"labels.synthesized":                      true,
	"winlog.event_data.AccessListDescription": true, "winlog.event_data.AccessMaskDescription": true,
	"winlog.event_data.AuditPolicyChangesDescription": true, "winlog.event_data.TicketOptionsDescription": true,
	"winlog.event_data.NewUACList": true, "winlog.event_data.SidListDesc": true,
	"winlog.event_data.PrivilegeList": true, "winlog.event_data.UserAccountControl": true,
	"powershell.command.invocation_details": true, "winlog.scheduled_task.actions": true,
	"winlog.scheduled_task.principals": true, "winlog.scheduled_task.triggers": true,
}

// objects are the fields whose values are JSON objects. In an open schema a
// table writes them as JSON text; else their parts are fields of their own.
var objects = []string{
	"dns.answers", "powershell.command.invocation_details",
	"winlog.scheduled_task.actions", "winlog.scheduled_task.principals", "winlog.scheduled_task.triggers",
}

func inObjects(name string) bool {
	for _, o := range objects {
		if len(name) > len(o) && name[len(o)] == '.' && name[:len(o)] == o {
			return true
		}
	}
	return false
}

// tree is a JSON object being put together. Node 0 is the whole; names are
// undone, values are JSON text.
type tree struct {
	nodes []node
	text  []byte // the values that were set, one after another

	searched bool // the document is what a search gave for "fields": every value is a list
}

type node struct {
	name  string
	raw   string // a value's JSON; empty for an object
	first int32  // of an object: its first member, 0 if none
	next  int32  // the next member of the same object, 0 if none
}

func (t *tree) reset() {
	t.nodes = append(t.nodes[:0], node{})
	t.text = t.text[:0]
}

// member returns the member of a node by name, added in its order if it is new.
func (t *tree) member(at int32, name string) int32 {
	before, i := int32(0), t.nodes[at].first
	for i != 0 && t.nodes[i].name < name {
		before, i = i, t.nodes[i].next
	}
	if i != 0 && t.nodes[i].name == name {
		return i
	}
	n := int32(len(t.nodes))
	t.nodes = append(t.nodes, node{name: name, next: i})
	if before == 0 {
		t.nodes[at].first = n
	} else {
		t.nodes[before].next = n
	}
	return n
}

// set gives a path a value in JSON.
func (t *tree) set(path []string, raw string) {
	n := int32(0)
	for _, name := range path {
		t.nodes[n].raw = "" // an object from now on
		n = t.member(n, name)
	}
	t.nodes[n].raw = raw
	t.nodes[n].first = 0
}

// remove takes a dotted path out, and objects that it leaves empty.
func (t *tree) remove(path string) {
	t.removeAt(0, path)
}

func (t *tree) removeAt(at int32, path string) {
	name, rest, deeper := strings.Cut(path, ".")
	before, i := int32(0), t.nodes[at].first
	for i != 0 && t.nodes[i].name != name {
		before, i = i, t.nodes[i].next
	}
	if i == 0 {
		return
	}
	if deeper {
		t.removeAt(i, rest)
		if t.nodes[i].first != 0 || t.nodes[i].raw != "" {
			return
		}
	}
	if before == 0 {
		t.nodes[at].first = t.nodes[i].next
	} else {
		t.nodes[before].next = t.nodes[i].next
	}
}

// maxTree is how deep objects of a document are taken apart; deeper ones stay
// as they are written.
const maxTree = 16

// parse puts the members of an object into the tree. Nulls are left out.
func (t *tree) parse(at int32, obj event.Token, ev *event.Event, depth int) {
	for it := obj.Members(); it.Next(); {
		path := it.Key.Text(ev)
		var n int32
		if n = at; strings.Contains(path, ".") && isPath(path) {
			for rest := path; rest != ""; {
				var name string
				name, rest, _ = strings.Cut(rest, ".")
				t.nodes[n].raw = ""
				n = t.member(n, name)
			}
		} else {
			n = t.member(at, path)
		}
		switch it.Value.Form() {
		case event.NullForm:
		case event.ObjectForm:
			if depth < maxTree {
				t.parse(n, it.Value, ev, depth+1)
				continue
			}
			fallthrough
		default:
			raw := it.Value
			if t.searched && depth == 0 && !lists[path] {
				raw = single(raw)
			}
			t.nodes[n].raw = view(raw.Raw)
			t.nodes[n].first = 0
		}
	}
}

// append writes a node. Objects without members are left out, but the whole.
func (t *tree) append(dst []byte, at int32) []byte {
	if raw := t.nodes[at].raw; raw != "" {
		return append(dst, raw...)
	}
	dst = append(dst, '{')
	empty := len(dst)
	for i := t.nodes[at].first; i != 0; i = t.nodes[i].next {
		start := len(dst)
		if start > empty {
			dst = append(dst, ',')
		}
		dst = appendString(dst, t.nodes[i].name)
		dst = append(dst, ':')
		value := len(dst)
		if dst = t.append(dst, i); len(dst) == value+2 && dst[value] == '{' {
			dst = dst[:start]
		}
	}
	return append(dst, '}')
}

// appendValue writes a value as JSON. raw says that texts are JSON already.
func appendValue(dst []byte, v event.Value, raw bool) []byte {
	switch v.Kind {
	case event.KindText, event.KindVersion:
		if raw {
			return append(dst, v.S...)
		}
		return appendString(dst, v.S)
	case event.KindNumber:
		return append(dst, v.S...)
	case event.KindBool:
		return strconv.AppendBool(dst, v.N != 0)
	case event.KindLong:
		return strconv.AppendInt(dst, int64(v.N), 10)
	case event.KindULong:
		return strconv.AppendUint(dst, v.N, 10)
	case event.KindDouble:
		f := math.Float64frombits(v.N)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return append(dst, "null"...)
		}
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	case event.KindTime:
		dst = append(dst, '"')
		dst = appendTime(dst, int64(v.N))
		return append(dst, '"')
	case event.KindIP:
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], v.M)
		binary.BigEndian.PutUint64(b[8:], v.N)
		dst = append(dst, '"')
		dst = netip.AddrFrom16(b).Unmap().AppendTo(dst)
		return append(dst, '"')
	}
	return append(dst, "null"...)
}

// appendTime writes an instant in UTC with as many digits of the second as it
// has, three at least.
func appendTime(dst []byte, ns int64) []byte {
	sec, frac := ns/1e9, ns%1e9
	if frac < 0 {
		sec, frac = sec-1, frac+1e9
	}
	day, clock := sec/86400, sec%86400
	if clock < 0 {
		day, clock = day-1, clock+86400
	}
	y, m, d := date(day)
	dst = append(appendDigits(dst, y, 4), '-')
	dst = append(appendDigits(dst, m, 2), '-')
	dst = append(appendDigits(dst, d, 2), 'T')
	dst = append(appendDigits(dst, int(clock/3600), 2), ':')
	dst = append(appendDigits(dst, int(clock/60%60), 2), ':')
	dst = append(appendDigits(dst, int(clock%60), 2), '.')
	dst = appendDigits(dst, int(frac), 9)
	for range 6 {
		if dst[len(dst)-1] != '0' {
			break
		}
		dst = dst[:len(dst)-1]
	}
	return append(dst, 'Z')
}

// date is the Gregorian date of a day counted from 1970-01-01: days undone.
func date(day int64) (y, m, d int) {
	n := day + 719468 // from 0000-03-01
	era := n / 146097
	if n < 0 {
		era = (n - 146096) / 146097
	}
	doe := n - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	y, m, d = int(yoe+era*400), int(mp+3), int(doy-(153*mp+2)/5+1)
	if m > 12 {
		y, m = y+1, m-12
	}
	return y, m, d
}

func appendDigits(dst []byte, n, width int) []byte {
	dst = append(dst, "000000000"[:width]...)
	for i := len(dst) - 1; n > 0 && i >= len(dst)-width; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

// appendString writes a JSON string. What is no UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		if i+8 <= len(s) && plainWord(binary.LittleEndian.Uint64(bytesOf(s[i:i+8]))) {
			i += 8
			continue
		}
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// plainWord reports eight characters of ASCII that stand in JSON as they are.
func plainWord(w uint64) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return (w|(w-ones*' ')|(quote-ones)|(slash-ones))&highs == 0
}

// A record can be kept as JSON of our own from which the whole event is made
// anew, by the same road as any other document: what was read from an EVTX file
// stands there value by value, with nothing lost and nothing mapped yet.
//
//	{"tocsin.record":{"sys":{"3":"4688",…},"data":[["SubjectUserSid","S-1-5-18"],…],"user":[…],"element":"","keywords":[…]}}

const evidenceKey = "tocsin.record"

// AppendEvidence appends the record that was decoded last, as a document that
// JSON and Normalizer.Append read again. To be called before the next decoding,
// while what the record was read from is unchanged; the event must not have
// been reset.
func (d *Decoder) AppendEvidence(dst []byte) []byte {
	r, ev := &d.rec, d.m.ev
	dst = append(dst, `{"`+evidenceKey+`":{"sys":{`...)
	n := 0
	for f := range r.sys {
		v := &r.sys[f]
		if v.form == absent || v.form == nested {
			continue
		}
		if n++; n > 1 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = strconv.AppendInt(dst, int64(f), 10)
		dst = appendString(append(dst, `":`...), v.text(ev))
	}
	dst = append(dst, `},"data":`...)
	dst = r.appendPairs(dst, ev, false)
	dst = append(dst, `,"user":`...)
	dst = r.appendPairs(dst, ev, true)
	dst = appendString(append(dst, `,"element":`...), r.userName)
	dst = append(dst, `,"keywords":[`...)
	for i := range r.keywords {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, r.keywords[i].text(ev))
	}
	return append(dst, "]}}"...)
}

func (r *record) appendPairs(dst []byte, ev *event.Event, user bool) []byte {
	dst = append(dst, '[')
	start := len(dst)
	for i := range r.data {
		p := &r.data[i]
		if p.user != user {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = appendString(append(dst, '['), p.name)
		dst = appendString(append(dst, ','), p.val.text(ev))
		dst = append(dst, ']')
	}
	return append(dst, ']')
}

// evidence reads a record that AppendEvidence wrote.
func (d *Decoder) evidence(v event.Token, ev *event.Event) error {
	d.rec.reset()
	for it := v.Members(); it.Next(); {
		switch it.Key.Text(ev) {
		case "sys":
			for m := it.Value.Members(); m.Next(); {
				if f, err := strconv.Atoi(m.Key.Text(ev)); err == nil && f > 0 && f < int(sysCount) {
					d.rec.sys[f] = tokenValue(m.Value)
				}
			}
		case "data":
			d.evidencePairs(it.Value)
		case "user":
			from := len(d.rec.data)
			d.evidencePairs(it.Value)
			d.rec.markUser(from)
		case "element":
			d.rec.userName = it.Value.Text(ev)
		case "keywords":
			d.keywordList(it.Value)
		}
	}
	return d.whole(ev)
}

func (d *Decoder) evidencePairs(v event.Token) {
	if v.Form() != event.ArrayForm {
		return
	}
	for it := v.Members(); it.Next(); {
		if it.Value.Form() != event.ArrayForm {
			continue
		}
		var name event.Token
		for m := it.Value.Members(); m.Next(); {
			if name.Raw == nil {
				name = m.Value
			} else if val := tokenValue(m.Value); val.form != absent {
				d.addData(name.Text(d.m.ev), val)
				break
			}
		}
	}
}
