package ecs

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/tocsin-project/tocsin/event"
)

// A provider's events are described by tables. Fields are named as rules name
// them; lists of names are separated by a space. Compiling a table for a schema
// turns names into slots and drops what nobody reads.

// provider is one row of the routing: which records it takes, and what it makes
// of them.
type provider struct {
	module    string // event.module
	dataset   string // event.dataset, as Elastic's integrations name it
	channel   string // of the log, compared without case; "" is any
	providers string // names of the sources it takes, separated by a comma; "" is any
	noEmpty   bool   // values that say nothing ("", "-", zero GUID) are dropped first
	tidy      bool   // winlog.time_created and winlog.level are taken out
	common    *mapping
	events    map[string]*mapping // by event id; others keep base and common
}

// mapping says what becomes of the events of one id.
type mapping struct {
	category string // event.category, separated by spaces
	types    string // event.type, separated by spaces
	action   string // event.action
	outcome  string // event.outcome
	rows     [][]row
	steps    []step
}

// row takes one named value to fields.
type row struct {
	from string // names of the value; of several the last present one counts
	to   string // the fields it goes to, in the order that do expects
	do   op     // nil writes the text to all of them
	keep bool   // the value stays in winlog.event_data as well
}

// op writes a value to the slots of its row. A slot may be none.
type op func(m *mapper, s string, to []int)

// step does what takes more than one value. It runs after the rows.
type step struct {
	writes string // the fields it may write: it is dropped if nobody reads one
	moves  string // the names of values it takes out of winlog.event_data
	always bool   // it does more than write fields: it is never dropped
	do     func(m *mapper, to []int)
}

// tableID finds a compiled table.
type tableID struct {
	p  *provider
	id string
}

// table is a mapping compiled for one schema.
type table struct {
	constants []constant
	rows      []liveRow
	steps     []liveStep
	moved     []int32 // keys that leave winlog.event_data
}

type constant struct {
	slot int
	val  event.Value
	gap  bool // a value that the document has stays
}

type liveRow struct {
	from []int32
	to   []int
	do   op
}

type liveStep struct {
	to []int
	do func(m *mapper, to []int)
}

// table returns the compiled table of a provider's event id.
func (d *Decoder) table(p *provider, id string) *table {
	if t, ok := d.tables[tableID{p, id}]; ok {
		return t
	}
	m := p.events[id]
	if m == nil {
		id = "" // all ids without rows share one table
		if t, ok := d.tables[tableID{p, id}]; ok {
			return t
		}
	}
	t := &table{}
	d.constant(t, "event.module", p.module, true)
	d.constant(t, "event.dataset", p.dataset, true)
	if m != nil {
		d.constant(t, "event.category", m.category, false)
		d.constant(t, "event.type", m.types, false)
		d.constant(t, "event.outcome", m.outcome, false)
		if s := d.slot("event.action"); s != none && m.action != "" {
			t.constants = append(t.constants, constant{s, event.Text(m.action), false})
		}
		d.compile(t, m)
	}
	if p.common != nil {
		d.compile(t, p.common)
	}
	d.tables[tableID{p, strings.Clone(id)}] = t
	return t
}

func (d *Decoder) constant(t *table, field, values string, gap bool) {
	if s := d.slot(field); s != none {
		for _, v := range strings.Fields(values) {
			t.constants = append(t.constants, constant{s, event.Text(v), gap})
		}
	}
}

func (d *Decoder) compile(t *table, m *mapping) {
	for _, rows := range m.rows {
		for _, r := range rows {
			lr := liveRow{do: r.do}
			for _, name := range strings.Fields(r.from) {
				k := d.key(name)
				lr.from = append(lr.from, k)
				if !r.keep {
					t.moved = append(t.moved, k)
				}
			}
			var read bool
			if lr.to, read = d.slotsOf(r.to); read {
				if lr.do == nil {
					lr.do = text
				}
				t.rows = append(t.rows, lr)
			}
		}
	}
	for _, s := range m.steps {
		for _, name := range strings.Fields(s.moves) {
			t.moved = append(t.moved, d.key(name))
		}
		if to, read := d.slotsOf(s.writes); read || s.always {
			t.steps = append(t.steps, liveStep{to, s.do})
		}
	}
}

// slotsOf returns the slots of fields, and whether anybody reads one of them.
func (d *Decoder) slotsOf(fields string) (to []int, read bool) {
	for _, f := range strings.Fields(fields) {
		s := d.slot(f)
		to = append(to, s)
		read = read || s != none
	}
	return to, read
}

// route finds the provider whose table an event follows, nil if none does.
func (r *record) route(ev *event.Event) *provider {
	channel, name := r.sys[sysChannel].text(ev), r.sys[sysProvider].text(ev)
	for _, p := range routes {
		if p.takes(channel, name) {
			return p
		}
	}
	return nil
}

func (p *provider) takes(channel, name string) bool {
	forwarded := strings.EqualFold(channel, "ForwardedEvents") // some exporters name the collector's log
	if p.channel != "" && channel != "" && !strings.EqualFold(p.channel, channel) && !forwarded {
		return false
	}
	if p.providers == "" || name == "" {
		return channel != "" && !forwarded
	}
	for rest := p.providers; rest != ""; {
		var one string
		one, rest, _ = strings.Cut(rest, ",")
		if strings.EqualFold(one, name) {
			return true
		}
	}
	return false
}

// apply follows a table: constants, rows, steps, and then what stays of the
// event's data.
func (m *mapper) apply(p *provider, t *table) {
	if p.noEmpty {
		for i := range m.r.data {
			if p := &m.r.data[i]; p.val.empty() {
				p.gone = true
				m.r.at[p.key] = 0
			}
		}
	}
	m.tidy = m.tidy || p.tidy
	m.constants(t)
	for i := range t.rows {
		r := &t.rows[i]
		for j := len(r.from) - 1; j >= 0; j-- {
			if p := m.r.pair(r.from[j]); p != nil {
				r.do(m, p.val.text(m.ev), r.to)
				break
			}
		}
	}
	for i := range t.steps {
		t.steps[i].do(m, t.steps[i].to)
	}
	for _, k := range t.moved {
		if p := m.r.pair(k); p != nil {
			p.gone = true
		}
	}
}

func (m *mapper) constants(t *table) {
	last := none
	for _, c := range t.constants {
		if c.gap && c.slot != last && m.has(c.slot) {
			continue
		}
		if c.slot != last {
			m.clear(c.slot)
			last = c.slot
		}
		m.put(c.slot, c.val)
	}
}

// clearData takes back the event data that was passed through with a nested
// document: the table decides what stays.
func (m *mapper) clearData() {
	for i := range m.r.data {
		m.clear(m.d.keys[m.r.data[i].key].slot)
	}
}

// rest puts what no row moved into winlog.event_data.
func (m *mapper) rest() {
	if m.shape != beatsShape {
		m.setText(m.d.fill.element, m.r.userName)
	}
	for i := range m.r.data {
		p := &m.r.data[i]
		if p.user && m.shape == beatsShape { // as the document has it, less what was moved
			if p.gone {
				m.clear(m.d.keys[p.key].user)
			}
			continue
		}
		if p.gone {
			continue
		}
		if slot := m.d.dataSlot(p); slot != none {
			m.put(slot, event.Text(p.val.text(m.ev)))
		}
	}
}

// dataSlot returns the slot of a value that stays, in winlog.event_data or
// winlog.user_data.
func (d *Decoder) dataSlot(p *pair) int {
	prefix, k := dataPrefix, &d.keys[p.key].slot
	if p.user {
		prefix, k = userPrefix, &d.keys[p.key].user
	}
	if *k != none || !d.open {
		return *k
	}
	slot := d.schema.Slot(prefix + p.name)
	if p.key != 0 {
		*k = slot
	}
	return slot
}

// routes lists the providers that have a table. The first that takes an event
// gets it; events of no provider keep the base document.
var routes = []*provider{
	&sysmon, &security, &powershellClassic, &powershellOperational, &powershellCore, &services, &system, &application, &appLocker,
}

// mapper carries one record to one event. Rows and steps work on it.
type mapper struct {
	d   *Decoder
	r   *record
	ev  *event.Event
	buf []byte // scratch of one step

	shape    shape
	verbatim bool   // ECS documents are not completed (Decoder.Verbatim)
	doc      []byte // of a nested shape: the object that holds the event
	searched bool   // doc is what a search gave for "fields"
	tidy     bool   // of the provider whose table was applied

	room  int     // how many slots the event has: an open schema may have more
	wrote []bool  // by slot, in an open schema: what the mapping wrote
	slots []int32 // and those slots, one by one

	added []added // what lists hold, so that nothing comes twice
}

// shape is the kind of document that a record came in, as far as the mapping
// cares.
type shape uint8

const (
	flatShape  shape = iota // everything is in the record
	beatsShape              // nested: other fields were passed through, event data is not mapped yet
	ecsShape                // nested and mapped
)

type added struct {
	slot int
	text string
}

func (m *mapper) reset(ev *event.Event) {
	m.ev = ev
	m.added = m.added[:0]
	m.shape, m.doc, m.tidy, m.searched = flatShape, nil, false, false
	m.room = m.d.schema.Len()
	for _, s := range m.slots {
		m.wrote[s] = false
	}
	m.slots = m.slots[:0]
}

func (m *mapper) has(slot int) bool { return slot != none && slot < m.room && m.ev.Has(slot) }

func (m *mapper) clear(slot int) {
	if slot != none && slot < m.room {
		m.ev.Clear(slot)
	}
}

// put adds a value; all writing of the mapping ends here.
func (m *mapper) put(slot int, v event.Value) {
	m.ev.Add(slot, v)
	if m.d.open {
		if slot >= m.room {
			m.room = m.d.schema.Len()
		}
		for len(m.wrote) <= slot {
			m.wrote = append(m.wrote, false)
		}
		if !m.wrote[slot] {
			m.wrote[slot] = true
			m.slots = append(m.slots, int32(slot))
		}
	}
}

// get returns the text of a named value of the event, "" if it has none.
func (m *mapper) get(name string) string {
	if p := m.r.pair(m.d.known(name)); p != nil {
		return p.val.text(m.ev)
	}
	return ""
}

// set gives a field one value; add appends to a list without repeating a text.
func (m *mapper) set(slot int, v event.Value) {
	if slot != none {
		m.clear(slot)
		m.put(slot, v)
	}
}

func (m *mapper) setText(slot int, s string) {
	if slot != none && s != "" {
		m.set(slot, event.Text(s))
	}
}

func (m *mapper) add(slot int, s string) {
	if slot == none || s == "" {
		return
	}
	for _, a := range m.added {
		if a.slot == slot && a.text == s {
			return
		}
	}
	if m.shape == beatsShape && m.has(slot) && m.holds(slot, s) {
		return
	}
	m.added = append(m.added, added{slot, s})
	m.put(slot, event.Text(s))
}

// holds reports whether a list that was passed through has a text already.
func (m *mapper) holds(slot int, s string) bool {
	for _, v := range m.ev.Values(slot) {
		if v.Kind == event.KindIP {
			if a, err := netip.ParseAddr(s); err == nil && event.Addr(a) == v {
				return true
			}
		} else if v.S == s {
			return true
		}
	}
	return false
}

// text writes the text as it is to all fields.
func text(m *mapper, s string, to []int) {
	for _, t := range to {
		m.setText(t, s)
	}
}

// long writes a decimal number; what is none is left out.
func long(m *mapper, s string, to []int) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		m.set(to[0], event.Long(n))
	}
}

// hexLong writes a number written as 0x… or decimal.
func hexLong(m *mapper, s string, to []int) {
	if n, ok := parsePID(s); ok {
		m.set(to[0], event.Long(n))
	}
}

func parsePID(s string) (int64, bool) {
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		n, err := strconv.ParseInt(s[2:], 16, 64)
		return n, err == nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// boolean writes true or false.
func boolean(m *mapper, s string, to []int) {
	switch {
	case strings.EqualFold(s, "true"):
		m.set(to[0], event.Bool(true))
	case strings.EqualFold(s, "false"):
		m.set(to[0], event.Bool(false))
	}
}

// ip writes an address, and appends it to a list of related ones.
func ip(m *mapper, s string, to []int) {
	if _, err := netip.ParseAddr(s); err != nil {
		return
	}
	m.setText(to[0], s)
	if len(to) > 1 {
		m.add(to[1], s)
	}
}

// executable writes a path and the name at its end: after the last backslash,
// none without one, as with Elastic ("System" gives no name).
func executable(m *mapper, s string, to []int) {
	m.setText(to[0], s)
	if i := strings.LastIndexByte(s, '\\'); i >= 0 && !m.has(to[1]) {
		m.setText(to[1], s[i+1:])
	}
}

// commandLine writes a command line, its arguments and their number.
func commandLine(m *mapper, s string, to []int) {
	m.setText(to[0], s)
	if to[1] == none && to[2] == none {
		return
	}
	n := 0
	for rest := s; ; {
		var arg string
		var ok bool
		if arg, rest, ok = m.nextArg(rest); !ok {
			break
		}
		n++
		if to[1] != none {
			m.put(to[1], event.Text(arg))
		}
	}
	if n > 0 {
		m.set(to[2], event.Long(int64(n)))
	}
}

// nextArg takes the next argument off a command line by the rules of
// CommandLineToArgv before 2008, as Go's own runtime does: white space
// separates outside quotes, 2n backslashes before a quote are n, one more makes
// it literal, and "" within quotes is one quote and ends them.
func (m *mapper) nextArg(s string) (arg, rest string, ok bool) {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	if s == "" {
		return "", "", false
	}
	if i := strings.IndexAny(s, " \t\""); i < 0 {
		return s, "", true
	} else if s[i] != '"' {
		return s[:i], s[i:], true
	}
	b := m.buf[:0]
	inQuote, slashes := false, 0
	i := 0
	for ; i < len(s); i++ {
		c := s[i]
		switch c {
		case '\\':
			slashes++
			continue
		case '"':
			b = appendSlashes(b, slashes/2)
			if slashes%2 == 1 {
				b = append(b, c)
			} else {
				if inQuote && i+1 < len(s) && s[i+1] == '"' {
					b = append(b, c)
					i++
				}
				inQuote = !inQuote
			}
			slashes = 0
			continue
		}
		b = appendSlashes(b, slashes)
		slashes = 0
		if (c == ' ' || c == '\t') && !inQuote {
			break
		}
		b = append(b, c)
	}
	b = appendSlashes(b, slashes)
	m.buf = b
	return m.ev.Text(b), s[min(i, len(s)):], true
}

func appendSlashes(b []byte, n int) []byte {
	for range n {
		b = append(b, '\\')
	}
	return b
}
