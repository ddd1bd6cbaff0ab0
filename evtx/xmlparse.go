package evtx

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrNotEvent is given by ParseXML for a document that holds no Event.
var ErrNotEvent = errors.New("no Event element")

// xmlState is what a Record keeps from one XML document to the next.
type xmlState struct {
	names  names
	fields []uint8 // by name id: 0 not looked up, 1 no field, else field+2
	path   []byte
	text   []byte
	levels [maxDepth]xmlLevel
}

// xmlLevel is an open element.
type xmlLevel struct {
	name     []byte    // as written
	kind     placeKind // what its children are
	list     list
	field    uint8 // as in xmlState.fields: the text goes there
	keyword  bool
	silent   bool // its text is not kept
	attrs    bool // it has attributes that are values
	children bool
	path     int // bytes of xmlState.path that name it
	text     []byte
	joined   bool // the text stands in xmlState.text from textAt on
	textAt   int
}

// xmlParser reads one document. It asks for less than XML does: control
// characters, bare & and < are text, any encoding that keeps ASCII will do.
type xmlParser struct {
	r     *Record
	x     *xmlState
	doc   []byte
	pos   int
	deep  int
	event bool
	work  int
	err   error // the first that close or a pair met
}

// ParseXML fills rec from the XML text (UTF-8) of one event, as Event Viewer,
// wevtutil, Get-WinEvent's ToXml and Windows Event Forwarding write it; rec is
// emptied first. Values are of type TypeText and lie in doc, which must stay
// as it is as long as rec is in use. After an error rec holds what could be
// read. It is ErrNotEvent if there is no Event element.
func ParseXML(doc []byte, rec *Record) error {
	rec.clear()
	rec.doc = doc
	if len(doc) > maxXML {
		return fmt.Errorf("parse event: %d bytes are more than %d", len(doc), maxXML)
	}
	x := &rec.xml
	x.path, x.text = x.path[:0], x.text[:0]
	p := xmlParser{r: rec, x: x, doc: doc}
	err := p.document()
	for p.deep > 0 {
		p.close()
	}
	if err != nil {
		return fmt.Errorf("parse event: %w", err)
	}
	if !p.event {
		return ErrNotEvent
	}
	return nil
}

func (p *xmlParser) document() error {
	for p.pos < len(p.doc) {
		i := bytes.IndexByte(p.doc[p.pos:], '<')
		if i < 0 {
			i = len(p.doc) - p.pos
		}
		p.content(p.doc[p.pos : p.pos+i])
		if p.pos += i; p.pos+1 >= len(p.doc) {
			break
		}
		if err := p.markup(p.doc[p.pos+1]); err != nil {
			return err
		}
		if p.err != nil || p.event && p.deep == 0 {
			return p.err
		}
	}
	if p.deep > 0 {
		return fmt.Errorf("text ends inside <%s>", clip(p.x.levels[p.deep-1].name))
	}
	return nil
}

// clip shortens text for a report.
func clip(s []byte) []byte { return s[:min(len(s), 40)] }

// markup reads what the < at pos starts, c being the next byte.
func (p *xmlParser) markup(c byte) error {
	switch {
	case c == '/':
		return p.endTag()
	case c == '?':
		return p.skipTo("?>")
	case c == '!':
		return p.declaration()
	case nameByte(c):
		return p.startTag()
	}
	p.content(p.doc[p.pos : p.pos+1]) // a < that starts nothing
	p.pos++
	return nil
}

func (p *xmlParser) skipTo(end string) error {
	i := bytes.Index(p.doc[p.pos:], []byte(end))
	if i < 0 {
		return fmt.Errorf("%q is missing", end)
	}
	p.pos += i + len(end)
	return nil
}

func (p *xmlParser) declaration() error {
	rest := p.doc[p.pos:]
	if bytes.HasPrefix(rest, []byte("<!--")) {
		return p.skipTo("-->")
	}
	const cdata = "<![CDATA["
	if !bytes.HasPrefix(rest, []byte(cdata)) {
		return p.skipTo(">")
	}
	from := p.pos + len(cdata)
	p.pos = from
	if err := p.skipTo("]]>"); err != nil {
		return err
	}
	p.addText(p.doc[from:p.pos-len("]]>")], false)
	return nil
}

// nameByte tells whether a name can go on with c.
func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '_' || c == '-' || c == '.' || c == ':' || c >= 0x80
}

// scanName moves behind the name at pos and gives it.
func (p *xmlParser) scanName() []byte {
	from := p.pos
	for p.pos < len(p.doc) && nameByte(p.doc[p.pos]) {
		p.pos++
	}
	return p.doc[from:p.pos]
}

func (p *xmlParser) space() {
	for p.pos < len(p.doc) && p.doc[p.pos] <= ' ' {
		p.pos++
	}
}

// local gives a name without its prefix.
func local(name []byte) []byte {
	return name[bytes.IndexByte(name, ':')+1:]
}

func (p *xmlParser) endTag() error {
	p.pos += 2
	name := p.scanName()
	if err := p.skipTo(">"); err != nil {
		return err
	}
	if p.deep == 0 {
		return nil // of a root that was taken away
	}
	if open := p.x.levels[p.deep-1].name; !bytes.Equal(open, name) {
		return fmt.Errorf("</%s> where </%s> was expected", clip(name), clip(open))
	}
	p.close()
	return nil
}

func (p *xmlParser) startTag() error {
	p.pos++
	name := p.scanName()
	if p.deep == 0 && string(local(name)) != "Event" {
		return p.skipTo(">") // a root around the events
	}
	if p.deep == maxDepth {
		return errDepth
	}
	p.open(name)
	for {
		p.space()
		if p.pos >= len(p.doc) {
			return fmt.Errorf("text ends inside the tag <%s", clip(name))
		}
		switch c := p.doc[p.pos]; {
		case c == '>':
			p.pos++
			p.ready()
			return nil
		case c == '/':
			p.pos++
			if p.pos < len(p.doc) && p.doc[p.pos] == '>' {
				p.pos++
				p.ready()
				p.close()
				return nil
			}
		case nameByte(c):
			if err := p.attribute(); err != nil {
				return err
			}
		default:
			return fmt.Errorf("unexpected %q in the tag <%s", c, clip(name))
		}
	}
}

// attribute reads name="value" and stores it.
func (p *xmlParser) attribute() error {
	name := p.scanName()
	p.space()
	if p.pos >= len(p.doc) || p.doc[p.pos] != '=' {
		return nil // a name without a value
	}
	p.pos++
	p.space()
	if p.pos >= len(p.doc) || p.doc[p.pos] != '"' && p.doc[p.pos] != '\'' {
		return fmt.Errorf("value of %s has no quotes", clip(name))
	}
	end := bytes.IndexByte(p.doc[p.pos+1:], p.doc[p.pos])
	if end < 0 {
		return fmt.Errorf("value of %s does not end", clip(name))
	}
	raw := p.doc[p.pos+1 : p.pos+1+end]
	p.pos += end + 2
	if string(name) == "xmlns" || bytes.HasPrefix(name, []byte("xmlns:")) {
		return nil
	}
	p.putAttribute(name, TextValue(p.unescape(raw)))
	return nil
}

// open enters an element.
func (p *xmlParser) open(name []byte) {
	x := p.x
	lv := &x.levels[p.deep]
	*lv = xmlLevel{name: name, path: len(x.path), kind: placePath}
	p.deep++
	if p.deep == 1 {
		p.event = true
		lv.kind, lv.silent = placeEvent, true
		return
	}
	up := &x.levels[p.deep-2]
	up.children = true
	lv.list = up.list
	switch up.kind {
	case placeEvent:
		p.openSection(lv)
	case placeSystem, placeRendering:
		p.extend(up.path, local(name))
		lv.path = len(x.path)
		if up.kind == placeRendering && string(local(name)) == "Keywords" {
			lv.kind, lv.silent = placeKeywords, true
			return
		}
		lv.field = p.fieldOf(x.path)
	case placeKeywords:
		lv.keyword = true
	case placeEventData:
		if string(local(name)) != "Data" {
			p.extend(0, name)
		}
		lv.path = len(x.path)
	default:
		p.extend(up.path, name)
		lv.path = len(x.path)
	}
}

// openSection enters a child of Event.
func (p *xmlParser) openSection(lv *xmlLevel) {
	p.x.path = append(p.x.path[:0], local(lv.name)...)
	lv.path = len(p.x.path)
	switch string(local(lv.name)) {
	case "System":
		lv.kind = placeSystem
	case "RenderingInfo":
		lv.kind = placeRendering
	case "EventData":
		lv.kind, lv.list = placeEventData, listData
	case "UserData":
		lv.kind, lv.list = placeUserData, listUser
	default:
		return
	}
	lv.silent = true
}

// ready is called behind an element's attributes.
func (p *xmlParser) ready() {
	lv := &p.x.levels[p.deep-1]
	if lv.kind == placeEventData || lv.kind == placeUserData {
		p.x.path, lv.path = p.x.path[:0], 0
	}
}

// extend makes the path of an element below the first keep bytes of the path.
func (p *xmlParser) extend(keep int, name []byte) {
	p.x.path = p.x.path[:keep]
	if keep > 0 {
		p.x.path = append(p.x.path, '/')
	}
	p.x.path = append(p.x.path, name[:min(len(name), max(0, maxPath-keep))]...)
}

// fieldOf gives the field at a path, as in xmlState.fields.
func (p *xmlParser) fieldOf(path []byte) uint8 {
	name, id := p.x.names.of(path)
	for int(id) >= len(p.x.fields) {
		p.x.fields = append(p.x.fields, 0)
	}
	if p.x.fields[id] > 0 && id > 0 {
		return p.x.fields[id]
	}
	code := uint8(1)
	if f, ok := fieldAt(name); ok {
		code = uint8(f) + 2
	}
	p.x.fields[id] = code
	return code
}

// putAttribute stores an attribute of the innermost element.
func (p *xmlParser) putAttribute(name []byte, v Value) {
	x := p.x
	lv := &x.levels[p.deep-1]
	up := xmlLevel{}
	if p.deep > 1 {
		up = x.levels[p.deep-2]
	}
	isData := string(local(lv.name)) == "Data" && lv.kind == placePath
	if isData && string(name) == "Name" && up.kind != placeEvent {
		p.extend(up.path, v.raw)
		lv.path = len(x.path)
		return
	}
	if v.IsEmpty() || lv.kind == placeEvent {
		return
	}
	at := lv.path
	to := lv.list
	if lv.kind != placePath {
		to = listOther
	}
	if isData && up.kind == placeEventData {
		to = listOther
		x.path = append(x.path, "EventData/Data"...)
	}
	x.path = append(append(x.path, "/@"...), name[:min(len(name), maxPath)]...)
	full := x.path
	if to == listOther && isData {
		full = x.path[at:]
	}
	if code := p.fieldFor(to, full); code > 1 {
		p.r.Fields[code-2] = v
	} else {
		lv.attrs = true
		p.pair(to, full, v)
	}
	x.path = x.path[:at]
}

func (p *xmlParser) fieldFor(to list, path []byte) uint8 {
	if to != listOther {
		return 1
	}
	return p.fieldOf(path)
}

func (p *xmlParser) pair(to list, path []byte, v Value) {
	if p.work += 1 + len(path)/textWork; p.work > maxRecordWork {
		p.err = errWork
		return
	}
	name, id := p.x.names.of(path)
	pr := Pair{Name: name, NameID: id, Value: v}
	switch to {
	case listData:
		p.r.Data = append(p.r.Data, pr)
	case listUser:
		p.r.UserData = append(p.r.UserData, pr)
	default:
		p.r.Other = append(p.r.Other, pr)
	}
}

// content takes text that may hold entities.
func (p *xmlParser) content(raw []byte) {
	if len(raw) == 0 || p.deep == 0 {
		return
	}
	if lv := &p.x.levels[p.deep-1]; lv.children || lv.silent && blank(raw) {
		return
	}
	p.addText(raw, bytes.IndexByte(raw, '&') >= 0)
}

// addText adds a piece of text to the innermost element; behind child elements
// it is left out. One piece stays where it is; several are put together at the
// end of the arena, to which nothing else is added meanwhile.
func (p *xmlParser) addText(raw []byte, escaped bool) {
	x := p.x
	if p.deep == 0 || len(raw) == 0 {
		return
	}
	lv := &x.levels[p.deep-1]
	if lv.children {
		return
	}
	if len(lv.text) == 0 && !escaped {
		lv.text = raw
		return
	}
	if !lv.joined {
		lv.joined, lv.textAt = true, len(x.text)
		x.text = append(x.text, lv.text...)
	}
	if escaped {
		x.text = appendUnescaped(x.text, raw)
	} else {
		x.text = append(x.text, raw...)
	}
	lv.text = x.text[lv.textAt:]
}

// close leaves the innermost element and stores its text.
func (p *xmlParser) close() {
	x := p.x
	p.deep--
	lv := &x.levels[p.deep]
	v := TextValue(lv.text[:len(lv.text):len(lv.text)])
	x.path = x.path[:min(lv.path, len(x.path))]
	switch {
	case lv.keyword:
		if p.work++; p.work <= maxRecordWork {
			p.r.RenderedKeywords = append(p.r.RenderedKeywords, v)
		}
	case lv.field > 1:
		if len(lv.text) > 0 {
			p.r.Fields[lv.field-2] = v
		}
	case lv.silent:
		if !blank(lv.text) && p.deep > 0 {
			p.pair(lv.list, local(lv.name), v)
		}
	case lv.children && blank(lv.text), lv.attrs && len(lv.text) == 0:
	case lv.field == 1 && len(lv.text) == 0:
	default:
		p.pair(lv.list, x.path, v)
	}
	if p.deep > 0 {
		x.path = x.path[:min(x.levels[p.deep-1].path, len(x.path))]
	}
}

// unescape gives text with its entities resolved: raw itself if it has none,
// else in the arena.
func (p *xmlParser) unescape(raw []byte) []byte {
	if bytes.IndexByte(raw, '&') < 0 {
		return raw
	}
	at := len(p.x.text)
	p.x.text = appendUnescaped(p.x.text, raw)
	return p.x.text[at:len(p.x.text):len(p.x.text)]
}

// appendUnescaped appends raw with its entities resolved. What is no entity
// stays as it is.
func appendUnescaped(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '&')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		raw = raw[i:]
		end := bytes.IndexByte(raw[:min(len(raw), 12)], ';')
		if c, ok := entity(raw, end); ok {
			dst = utf8.AppendRune(dst, c)
			raw = raw[end+1:]
		} else {
			dst = append(dst, '&')
			raw = raw[1:]
		}
	}
}

// entity gives the character that the reference raw[:end+1] stands for.
func entity(raw []byte, end int) (rune, bool) {
	if end < 2 {
		return 0, false
	}
	switch name := raw[1:end]; string(name) {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	default:
		if name[0] != '#' || len(name) < 2 {
			return 0, false
		}
		digits := name[1:]
		base := 10
		if digits[0]|0x20 == 'x' {
			base, digits = 16, digits[1:]
		}
		return charRef(digits, base)
	}
}

func charRef(digits []byte, base int) (rune, bool) {
	if len(digits) == 0 {
		return 0, false
	}
	n := 0
	for _, c := range digits {
		d := 99
		switch {
		case c >= '0' && c <= '9':
			d = int(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			d = int(c|0x20-'a') + 10
		}
		if d >= base {
			return 0, false
		}
		if n = n*base + d; n > utf8.MaxRune {
			return utf8.RuneError, true
		}
	}
	return rune(n), true
}
