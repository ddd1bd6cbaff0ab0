package evtx

import (
	"math"
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
	entries := make([]entry, 0, 32+len(r.Data)+len(r.UserData)+len(r.Other))
	entries = append(entries, entry{path: "@xmlns", value: TextValue([]byte(namespace))})
	for f, v := range r.Fields {
		switch Field(f) {
		case ActivityID:
			entries = append(entries, entry{path: "System/Correlation/"})
		case UserID:
			entries = append(entries, entry{path: "System/Security/"})
		}
		if !v.IsNull() {
			entries = append(entries, entry{path: fieldPaths[f], value: v})
		}
	}
	for _, v := range r.RenderedKeywords {
		entries = append(entries, entry{path: "RenderingInfo/Keywords/Keyword", value: v})
	}
	for i := range r.Data {
		e := entry{path: "EventData", leaf: r.Data[i].Name, value: shown(r.Data[i].Value)}
		if e.leaf == "" {
			e.path, e.leaf = "EventData/Data", "#text"
		}
		entries = append(entries, e)
	}
	for i := range r.UserData {
		entries = append(entries, entry{path: "UserData/" + r.UserData[i].Name, value: shown(r.UserData[i].Value)})
	}
	for i := range r.Other {
		entries = append(entries, entry{path: r.Other[i].Name, value: shown(r.Other[i].Value)})
	}
	dst = append(dst, `{"Event":`...)
	return append(appendObject(dst, entries), '}')
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
	byKey := make(map[string]int)
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
		to := &subs
		if key[0] == '@' && !literal && e.path == "" {
			to = &attrs
		}
		i, ok := byKey[key]
		if !ok {
			i = len(*to)
			byKey[key] = i
			*to = append(*to, group{key: key})
		}
		(*to)[i].list = append((*to)[i].list, e)
	}
	return subs, attrs, texts
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
	var buf [256]byte
	return appendString(dst, v.AppendText(buf[:0]))
}

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
