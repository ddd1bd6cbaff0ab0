package ecs

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
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
	t := &n.doc
	t.reset()
	m := &n.d.m
	if m.shape != flatShape {
		t.parse(0, event.Token{Raw: m.doc}, n.ev, 0)
	}
	if m.shape == beatsShape {
		t.remove("winlog.event_data")
		t.remove("winlog.user_data")
		for _, name := range beatsOnly {
			t.remove(name)
		}
		if m.moved {
			t.remove("winlog.time_created")
			t.remove("winlog.level")
		}
	}
	for slot, wrote := range m.wrote {
		if !wrote || !m.has(slot) {
			continue
		}
		name := n.d.schema.Field(slot).Name
		start := len(t.text)
		t.text = appendValues(t.text, name, n.ev.Values(slot))
		t.set(name, view(t.text[start:]))
	}
	return t.append(dst, 0)
}

// beatsOnly are the fields that no event has after a pipeline.
var beatsOnly = []string{"@metadata"}

// lists are the fields that hold a list even of one value.
var lists = map[string]bool{
	"event.category": true, "event.type": true, "process.args": true, "process.parent.args": true,
	"related.hash": true, "related.hosts": true, "related.ip": true, "related.user": true,
	"dns.answers": true, "dns.resolved_ip": true, "registry.data.strings": true, "winlog.keywords": true,
	"labels.synthesized": true,
}

// objects are the fields whose values are JSON objects. In an open schema a
// table writes them as JSON text; else their parts are fields of their own.
var objects = []string{"dns.answers"}

func inObjects(name string) bool {
	for _, o := range objects {
		if len(name) > len(o) && name[len(o)] == '.' && name[:len(o)] == o {
			return true
		}
	}
	return false
}

func appendValues(dst []byte, name string, vals []event.Value) []byte {
	object := false
	for _, o := range objects {
		object = object || o == name
	}
	if len(vals) == 1 && !lists[name] {
		return appendValue(dst, vals[0], object)
	}
	dst = append(dst, '[')
	for i, v := range vals {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, v, object)
	}
	return append(dst, ']')
}

// tree is a JSON object being put together. Node 0 is the whole; names are
// undone, values are JSON text.
type tree struct {
	nodes []node
	text  []byte // the values that were set, one after another
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

// find returns the member of a node by name, 0 if it has none.
func (t *tree) find(at int32, name string) int32 {
	i := t.nodes[at].first
	for i != 0 && t.nodes[i].name != name {
		i = t.nodes[i].next
	}
	return i
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

// at returns the node of a dotted path, made where it is missing.
func (t *tree) at(from int32, path string) int32 {
	for path != "" {
		var name string
		name, path, _ = strings.Cut(path, ".")
		t.nodes[from].raw = "" // an object from now on
		from = t.member(from, name)
	}
	return from
}

// set gives a dotted path a value in JSON.
func (t *tree) set(path, raw string) {
	n := int32(0)
	if rest, ok := strings.CutPrefix(path, dataPrefix); ok {
		n = t.at(t.at(0, "winlog.event_data"), rest)
		if strings.Contains(rest, "..") {
			n = t.member(t.at(0, "winlog.event_data"), rest)
		}
	} else {
		n = t.at(0, path)
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
		if strings.Contains(path, ".") && path[0] != '.' && !strings.HasSuffix(path, ".") && !strings.Contains(path, "..") {
			n = t.at(at, path)
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
			t.nodes[n].raw = view(it.Value.Raw)
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
	t := time.Unix(0, ns).UTC()
	dst = t.AppendFormat(dst, "2006-01-02T15:04:05.000000000")
	for range 6 {
		if dst[len(dst)-1] != '0' {
			break
		}
		dst = dst[:len(dst)-1]
	}
	return append(dst, 'Z')
}

// appendString writes a JSON string. What is no UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
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
