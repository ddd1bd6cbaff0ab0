package evtx

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// namespace is the XML namespace of events.
const namespace = "http://schemas.microsoft.com/win/2004/08/events/event"

// entry is a value on its way to JSON: a path of elements, and below it a leaf
// that is one key whatever it is called; "" if the path is all.
type entry struct {
	path, leaf string
	value      Value
}

// AppendJSON appends the record as a JSON object in the form that evtx_dump
// made common:
//
//	{"Event":{"#attributes":{…},"System":{"Provider":{"#attributes":{"Name":…}},"EventID":1,…},
//	 "EventData":{"Image":…}}}
//
// Numbers and booleans are written as such, all else as text. Values of one
// name are an array, and elements of one name and place are one object of such
// arrays; Data without names are "Data":{"#text":[…]}. Declarations
// of namespaces other than the event's own are left out.
func (r *Record) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"Event":`...)
	if len(r.Other) > 0 {
		// These can stand in any section: all go the general way.
		return append(appendObject(dst, r.entries()), '}')
	}
	dst = append(dst, `{"#attributes":{"xmlns":"`+namespace+`"},"System":{`...)
	dst = r.appendSystem(dst)
	dst = append(dst, '}')
	if len(r.Data) > 0 {
		dst = r.appendData(append(dst, `,"EventData":`...))
	}
	if len(r.UserData) > 0 {
		list := make([]entry, 0, len(r.UserData))
		for i := range r.UserData {
			list = append(list, entry{path: r.UserData[i].Name, value: shown(r.UserData[i].Value)})
		}
		dst = appendObject(append(dst, `,"UserData":`...), list)
	}
	if list := r.rendering(nil, ""); len(list) > 0 {
		dst = appendObject(append(dst, `,"RenderingInfo":`...), list)
	}
	return append(dst, '}', '}')
}

// systemParts are the elements of System with the fields of their text and
// attributes; NumFields: none.
var systemParts = [...]struct {
	name  string
	text  Field
	attrs []Field
	shown bool // null if it is empty
}{
	{"Provider", NumFields, []Field{ProviderName, ProviderGUID, EventSourceName}, false},
	{"EventID", EventID, []Field{Qualifiers}, false},
	{"Version", Version, nil, false},
	{"Level", Level, nil, false},
	{"Task", Task, nil, false},
	{"Opcode", Opcode, nil, false},
	{"Keywords", Keywords, nil, false},
	{"TimeCreated", NumFields, []Field{TimeCreated}, false},
	{"EventRecordID", EventRecordID, nil, false},
	{"Correlation", NumFields, []Field{ActivityID, RelatedActivityID}, true},
	{"Execution", NumFields, []Field{ProcessID, ThreadID, ProcessorID, SessionID, KernelTime, UserTime, ProcessorTime}, false},
	{"Channel", Channel, nil, false},
	{"Computer", Computer, nil, false},
	{"Security", NumFields, []Field{UserID}, true},
}

// appendSystem appends the members of System.
func (r *Record) appendSystem(dst []byte) []byte {
	n := 0
	for i := range systemParts {
		p := &systemParts[i]
		hasText := p.text < NumFields && !r.Fields[p.text].IsNull()
		attrs := 0
		for _, f := range p.attrs {
			if !r.Fields[f].IsNull() {
				attrs++
			}
		}
		if attrs == 0 && !hasText && !p.shown {
			continue
		}
		dst = appendKey(dst, n, p.name)
		n++
		switch {
		case attrs == 0 && hasText:
			dst = appendValue(dst, r.Fields[p.text])
			continue
		case attrs == 0:
			dst = append(dst, "null"...)
			continue
		}
		dst = r.appendAttrs(append(dst, '{'), p.attrs)
		if hasText {
			dst = appendValue(append(dst, `,"#text":`...), r.Fields[p.text])
		}
		dst = append(dst, '}')
	}
	return dst
}

// appendAttrs appends those fields that are there as "#attributes".
func (r *Record) appendAttrs(dst []byte, attrs []Field) []byte {
	dst = append(dst, `"#attributes":{`...)
	n := 0
	for _, f := range attrs {
		if r.Fields[f].IsNull() {
			continue
		}
		path := fieldPaths[f]
		dst = appendKey(dst, n, path[strings.LastIndexByte(path, '@')+1:])
		dst = appendValue(dst, r.Fields[f])
		n++
	}
	return append(dst, '}')
}

// appendData appends EventData: key by key if all names are there and differ,
// which is nearly always so.
func (r *Record) appendData(dst []byte) []byte {
	if !r.plainData() {
		list := make([]entry, 0, len(r.Data))
		for i := range r.Data {
			list = append(list, dataEntry("", &r.Data[i]))
		}
		return appendObject(dst, list)
	}
	dst = append(dst, '{')
	for i := range r.Data {
		dst = appendKey(dst, i, r.Data[i].Name)
		dst = appendValue(dst, shown(r.Data[i].Value))
	}
	return append(dst, '}')
}

func (r *Record) plainData() bool {
	if len(r.Data) > 64 {
		return false
	}
	for i := range r.Data {
		id := r.Data[i].NameID
		if id == 0 || r.Data[i].Name == "" || r.Data[i].Name == "#text" {
			return false
		}
		for k := range i {
			if r.Data[k].NameID == id {
				return false
			}
		}
	}
	return true
}

// dataEntry gives a pair of EventData as an entry below path.
func dataEntry(path string, p *Pair) entry {
	e := entry{path: path, leaf: p.Name, value: shown(p.Value)}
	if e.leaf == "" {
		e.leaf = "#text"
		if e.path != "" {
			e.path += "/"
		}
		e.path += "Data"
	}
	return e
}

// rendering adds the entries of RenderingInfo, each path behind prefix.
func (r *Record) rendering(list []entry, prefix string) []entry {
	for f := RenderedCulture; f < NumFields; f++ {
		if v := r.Fields[f]; !v.IsNull() {
			list = append(list, entry{path: prefix + strings.TrimPrefix(fieldPaths[f], "RenderingInfo/"), value: v})
		}
	}
	for _, v := range r.RenderedKeywords {
		list = append(list, entry{path: prefix + "Keywords/Keyword", value: v})
	}
	return list
}

// entries gives the whole record as entries.
func (r *Record) entries() []entry {
	list := make([]entry, 0, 32+len(r.Data)+len(r.UserData)+len(r.Other))
	list = append(list, entry{path: "@xmlns", value: TextValue([]byte(namespace))})
	for f := range RenderedCulture {
		switch f {
		case ActivityID:
			list = append(list, entry{path: "System/Correlation/"})
		case UserID:
			list = append(list, entry{path: "System/Security/"})
		}
		if v := r.Fields[f]; !v.IsNull() {
			list = append(list, entry{path: fieldPaths[f], value: v})
		}
	}
	for i := range r.Data {
		list = append(list, dataEntry("EventData", &r.Data[i]))
	}
	for i := range r.UserData {
		list = append(list, entry{path: "UserData/" + r.UserData[i].Name, value: shown(r.UserData[i].Value)})
	}
	list = r.rendering(list, "RenderingInfo/")
	for i := range r.Other {
		list = append(list, entry{path: r.Other[i].Name, value: shown(r.Other[i].Value)})
	}
	return list
}

// shown gives a null value as empty text: its element is there.
func shown(v Value) Value {
	if v.IsNull() {
		return TextValue(nil)
	}
	return v
}

// group is the entries under one key.
type group struct {
	key  string
	list []entry
}

// groups sorts entries by the first element of their path, in order of first
// sight. Texts, which have no path left, and attributes come apart.
func groups(entries []entry) (subs, attrs []group, texts []Value) {
	var inSubs, inAttrs finder
	for _, e := range entries {
		key, literal := e.leaf, e.path == ""
		if literal {
			e.leaf = ""
		} else {
			key, e.path, _ = strings.Cut(e.path, "/")
		}
		switch {
		case key == "" && e.value.IsNull():
			continue // says that its element is there
		case key == "" || key == "#text":
			texts = append(texts, e.value)
			continue
		}
		to, find := &subs, &inSubs
		if key[0] == '@' && !literal && e.path == "" {
			to, find = &attrs, &inAttrs
		}
		i := find.in(*to, key)
		if i < 0 {
			i = len(*to)
			*to = append(*to, group{key: key})
		}
		(*to)[i].list = append((*to)[i].list, e)
	}
	return subs, attrs, texts
}

// finder finds groups by key, by a table once there are many.
type finder struct{ byKey map[string]int }

// in gives the group of that key, -1 if there is none: the caller then adds it.
func (f *finder) in(list []group, key string) int {
	if f.byKey == nil && len(list) < 16 {
		return slices.IndexFunc(list, func(g group) bool { return g.key == key })
	}
	if f.byKey == nil {
		f.byKey = make(map[string]int)
	}
	for i := len(f.byKey); i < len(list); i++ {
		f.byKey[list[i].key] = i
	}
	if i, ok := f.byKey[key]; ok {
		return i
	}
	return -1
}

func appendObject(dst []byte, entries []entry) []byte {
	subs, attrs, texts := groups(entries)
	if len(subs) == 0 && len(attrs) == 0 {
		switch {
		case len(texts) == 0:
			return append(dst, "null"...)
		case entries[0].leaf != "#text":
			return appendValues(dst, texts)
		}
	}
	dst = append(dst, '{')
	if len(attrs) > 0 {
		dst = append(dst, `"#attributes":{`...)
		for i, g := range attrs {
			dst = appendKey(dst, i, g.key[1:])
			values := make([]Value, 0, 1)
			for _, e := range g.list {
				values = append(values, e.value)
			}
			dst = appendValues(dst, values)
		}
		dst = append(dst, '}')
	}
	n := len(attrs)
	if len(texts) > 0 {
		dst = appendKey(dst, n, "#text")
		dst = appendValues(dst, texts)
		n++
	}
	for _, g := range subs {
		dst = appendKey(dst, n, g.key)
		dst = appendObject(dst, g.list)
		n++
	}
	return append(dst, '}')
}

// appendKey appends the key of member i of an object.
func appendKey(dst []byte, i int, key string) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return append(appendString(dst, []byte(key)), ':')
}

func appendValues(dst []byte, values []Value) []byte {
	if len(values) == 1 {
		return appendValue(dst, values[0])
	}
	dst = append(dst, '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, v)
	}
	return append(dst, ']')
}

func appendValue(dst []byte, v Value) []byte {
	switch v.typ {
	case TypeInt8, TypeInt16, TypeInt32, TypeInt64, TypeUint8, TypeUint16,
		TypeUint32, TypeUint64, TypeBool:
		if out, ok := v.appendNumber(dst); ok {
			return out
		}
	case TypeFloat32, TypeFloat64:
		if out, ok := v.appendNumber(dst); ok && finite(out[len(dst):]) {
			return out
		}
	case TypeText:
		return appendString(dst, v.raw)
	}
	dst = append(dst, '"')
	at := len(dst)
	dst = v.AppendText(dst)
	if !slices.ContainsFunc(dst[at:], escaped) {
		return append(dst, '"')
	}
	// Write it again behind itself, then move it to its place.
	end := len(dst)
	dst = appendString(dst, dst[at:end])
	n := copy(dst[at-1:], dst[end:])
	return dst[:at-1+n]
}

// escaped tells whether a byte of valid UTF-8 cannot stand in a JSON string.
func escaped(c byte) bool { return c < 0x20 || c == '"' || c == '\\' }

func finite(text []byte) bool {
	f, err := strconv.ParseFloat(string(text), 64)
	return err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// appendString appends UTF-8 text as a JSON string; bytes that are no UTF-8
// become U+FFFD.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, s[from:i]...)
		dst = appendControl(dst, c)
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

func appendControl(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', lowerHex[c>>4], lowerHex[c&15])
}
