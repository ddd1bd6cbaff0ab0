package evtx

import "strings"

// list tells which of a Record's lists a value goes to.
type list uint8

const (
	listOther list = iota
	listData
	listUser
)

// placeKind is a place in an event at which elements have a meaning.
type placeKind uint8

const (
	placeDocument placeKind = iota
	placeEvent
	placeSystem
	placeRendering
	placeKeywords // RenderingInfo/Keywords
	placeEventData
	placeUserData
	placePath // anywhere else: list and path tell
)

// place is where a fragment stands. Fixed places are numbered by their kind in
// Decoder.places.
type place struct {
	kind placeKind
	list list
	path string
}

var fixedPlaces = [...]place{
	placeDocument:  {kind: placeDocument},
	placeEvent:     {kind: placeEvent},
	placeSystem:    {kind: placeSystem, path: "System"},
	placeRendering: {kind: placeRendering, path: "RenderingInfo"},
	placeKeywords:  {kind: placeKeywords},
	placeEventData: {kind: placeEventData, list: listData},
	placeUserData:  {kind: placeUserData, list: listUser},
}

// stepKind tells what a step does.
type stepKind uint8

const (
	stepField    stepKind = iota // put the value in Fields[field]
	stepPair                     // add the value to list under name
	stepKeyword                  // add the value to RenderedKeywords
	stepNeeds                    // go to step jump if value id is null
	stepInside                   // value id stands among the content of a place
	stepTemplate                 // run the template instance at jump
)

// sourceKind tells where a step's value comes from.
type sourceKind uint8

const (
	fromNothing sourceKind = iota // empty text
	fromText                      // text
	fromValue                     // value id
	fromPieces                    // nodes a to b, put together
)

// step is one instruction of a compiled template.
type step struct {
	kind     stepKind
	from     sourceKind
	list     list
	field    Field
	skipNull bool   // leave out if the value is empty
	id       uint16 // value number
	nameID   uint32
	place    int32 // stepInside, stepTemplate
	jump     int32
	a, b     int32 // fromPieces
	nameA    int32 // pieces of a name that is not literal; 0,0: name
	nameB    int32
	name     string
	text     []byte
}

// layouter compiles the nodes of one fragment into steps.
type layouter struct {
	d     *Decoder
	st    *store
	base  int // first step
	nodes []node
	path  []byte
}

func (l *layouter) emit(s step) int {
	l.st.steps = append(l.st.steps, s)
	return len(l.st.steps) - 1
}

// content lays out the nodes from i to end, which stand at a place.
func (l *layouter) content(i, end int32, at int32) {
	for i < end {
		n := &l.nodes[i]
		switch n.kind {
		case nodeElement:
			l.element(i, at)
			i = n.end
			continue
		case nodeText, nodeCDATA:
			if pl := l.d.places[at]; !blank(n.text) {
				s := step{kind: stepPair, list: pl.list, from: fromText, text: n.text}
				s.name, s.nameID = l.d.names.of([]byte(outerPath(pl)))
				l.emit(s)
			}
		case nodeSubst:
			l.emit(step{kind: stepInside, from: fromValue, id: n.id, place: at})
		case nodeTemplate:
			l.emit(step{kind: stepTemplate, jump: n.at, place: at})
		}
		i++
	}
}

// outerPath is the name for text that stands directly at a place.
func outerPath(pl place) string {
	switch pl.kind {
	case placeEventData:
		return "EventData"
	case placeUserData:
		return "UserData"
	case placeEvent:
		return "Event"
	}
	return pl.path
}

func blank(s []byte) bool {
	for _, c := range s {
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

// element lays out the element at i, a child of a place.
func (l *layouter) element(i, at int32) {
	n := &l.nodes[i]
	needs := -1
	if depends(n) {
		needs = l.emit(step{kind: stepNeeds, id: n.id})
	}
	switch pl := l.d.places[at]; pl.kind {
	case placeDocument:
		if n.name == "Event" {
			l.content(n.body, n.end, int32(placeEvent))
		} else {
			l.generic(i, pl)
		}
	case placeEvent:
		l.section(i, pl)
	case placeSystem, placeRendering:
		l.fields(i, pl)
	case placeKeywords:
		l.leaf(step{kind: stepKeyword}, n.body, n.end)
	default:
		l.generic(i, pl)
	}
	if needs >= 0 {
		l.st.steps[needs].jump = int32(len(l.st.steps) - l.base)
	}
}

// depends tells whether an element is left out when a value is null. Event
// depends on its data by the letter, but is never left out.
func depends(n *node) bool { return n.id != noDep && n.name != "Event" }

// section lays out a child of Event.
func (l *layouter) section(i int32, pl place) {
	n := &l.nodes[i]
	at := placeDocument
	switch n.name {
	case "System":
		at = placeSystem
	case "RenderingInfo":
		at = placeRendering
	case "EventData":
		at = placeEventData
	case "UserData":
		at = placeUserData
	default:
		l.generic(i, pl)
		return
	}
	for a := i + 1; a < n.body; a = l.nodes[a].end {
		l.attribute(a, listOther, n.name)
	}
	l.content(n.body, n.end, int32(at))
}

// fields lays out a child of System or RenderingInfo.
func (l *layouter) fields(i int32, pl place) {
	n := &l.nodes[i]
	if pl.kind == placeRendering && n.name == "Keywords" {
		l.content(n.body, n.end, int32(placeKeywords))
		return
	}
	path, _ := l.join(pl.path, "/", n.name)
	for a := i + 1; a < n.body; a = l.nodes[a].end {
		l.attribute(a, listOther, path)
	}
	if f, ok := fieldAt(path); ok {
		l.leaf(step{kind: stepField, field: f, skipNull: true}, n.body, n.end)
		return
	}
	if n.body < n.end {
		l.leaf(step{kind: stepPair, skipNull: true, name: path}, n.body, n.end)
	}
}

// join puts a name together through the table of names.
func (l *layouter) join(a, sep, b string) (string, uint32) {
	l.path = append(append(append(l.path[:0], a...), sep...), b...)
	if len(l.path) > maxPath || !l.d.spend(len(l.path)/textWork) {
		l.d.fail(errWork)
		l.path = l.path[:min(len(l.path), maxPath)]
	}
	return l.d.names.of(l.path)
}

// declares tells whether an attribute of that name declares a namespace.
func declares(name string) bool {
	return name == "xmlns" || strings.HasPrefix(name, "xmlns:")
}

// attribute lays out the attribute at a of an element with that path.
func (l *layouter) attribute(a int32, to list, path string) {
	n := &l.nodes[a]
	if declares(n.name) {
		return
	}
	name, id := l.join(path, "/@", n.name)
	s := step{kind: stepPair, list: to, name: name, nameID: id, skipNull: true}
	if to == listOther {
		if f, ok := fieldAt(name); ok {
			s.kind, s.field = stepField, f
		}
	}
	l.leaf(s, a+1, n.end)
}

// generic lays out an element that is named by its path, and what is in it.
func (l *layouter) generic(i int32, pl place) {
	n := &l.nodes[i]
	s := step{kind: stepPair, list: pl.list}
	name, isData := n.name, n.name == "Data"
	named := int32(-1)
	attrs := 0
	for a := i + 1; a < n.body; a = l.nodes[a].end {
		if isData && l.nodes[a].name == "Name" {
			named = a
			continue
		}
		if !declares(l.nodes[a].name) {
			attrs++
		}
	}
	switch {
	case named >= 0:
		name = l.nameOf(named, &s)
	case isData && pl.kind == placeEventData:
		name = ""
	}
	s.name, s.nameID = l.under(pl, name)
	if attrs > 0 {
		l.genericAttrs(i, pl, s.name, named)
	}
	if l.branches(n.body, n.end) {
		l.content(n.body, n.end, l.d.placeFor(pl.list, s.name))
		return
	}
	if n.body == n.end && attrs > 0 {
		return
	}
	l.leaf(s, n.body, n.end)
}

// genericAttrs lays out an element's attributes; those of a Data element do
// not belong among the named values.
func (l *layouter) genericAttrs(i int32, pl place, path string, named int32) {
	n := &l.nodes[i]
	to := pl.list
	if n.name == "Data" && pl.kind == placeEventData {
		to, path = listOther, "EventData/Data"
	}
	for a := i + 1; a < n.body; a = l.nodes[a].end {
		if a != named {
			l.attribute(a, to, path)
		}
	}
}

// nameOf gives the literal value of the attribute at a; for another it gives s
// the pieces.
func (l *layouter) nameOf(a int32, s *step) string {
	n := &l.nodes[a]
	if n.end == a+2 && l.nodes[a+1].kind == nodeText {
		name, _ := l.d.names.of(l.nodes[a+1].text)
		return name
	}
	s.nameA, s.nameB = a+1, n.end
	return ""
}

// under gives the path of an element of that name below a place.
func (l *layouter) under(pl place, name string) (string, uint32) {
	if pl.path == "" {
		return l.join(name, "", "")
	}
	return l.join(pl.path, "/", name)
}

// branches tells whether the content from i to end has elements. A single
// value can be one too, which shows when it is there.
func (l *layouter) branches(i, end int32) bool {
	alone := end == i+1
	for ; i < end; i++ {
		n := &l.nodes[i]
		if n.kind == nodeElement || n.kind == nodeTemplate || n.fragment && !alone {
			return true
		}
	}
	return false
}

// leaf completes s with the source of its value, the nodes from a to b.
func (l *layouter) leaf(s step, a, b int32) {
	switch {
	case a >= b:
		s.from = fromNothing
	case b == a+1 && (l.nodes[a].kind == nodeText || l.nodes[a].kind == nodeCDATA):
		s.from, s.text = fromText, l.nodes[a].text
	case b == a+1 && l.nodes[a].kind == nodeSubst:
		s.from, s.id = fromValue, l.nodes[a].id
	default:
		s.from, s.a, s.b = fromPieces, a, b
	}
	l.emit(s)
}
