package strategy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/event"
)

// kibanaKeys are those by which the lines of an export that are no rules are told.
type kibanaKeys struct {
	ListID        string          `json:"list_id"`
	Entries       json.RawMessage `json:"entries"`
	ExportedCount *int            `json:"exported_count"`
	ExportedRules *int            `json:"exported_rules_count"`
	ActionType    string          `json:"actionTypeId"`
}

// exceptionListRef is a rule's reference to an exception list.
type exceptionListRef struct {
	ID        string `json:"id,omitempty"`
	ListID    string `json:"list_id"`
	Type      string `json:"type"`
	Namespace string `json:"namespace_type"`
}

// exceptionItem is one exception of a list.
type exceptionItem struct {
	ListID      string           `json:"list_id"`
	ItemID      string           `json:"item_id"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	CreatedBy   string           `json:"created_by"`
	ExpireTime  string           `json:"expire_time"`
	OSTypes     stringList       `json:"os_types"`
	Entries     []exceptionEntry `json:"entries"`
	Namespace   string           `json:"namespace_type"`
	Type        string           `json:"type"`

	text text // where it stands
}

// exceptionEntry is one test of an exception; all of an item's must hold.
type exceptionEntry struct {
	Type     string           `json:"type"`
	Field    string           `json:"field"`
	Operator string           `json:"operator,omitempty"`
	Value    stringList       `json:"value,omitempty"`
	Entries  []exceptionEntry `json:"entries,omitempty"`
}

// exceptionLists holds the items of all exports by list.
type exceptionLists struct{ items map[string][]exceptionItem }

func (x *exceptionLists) item(d *document, offset int, raw []byte) error {
	var it exceptionItem
	if err := json.Unmarshal(raw, &it); err != nil {
		return fmt.Errorf("read exception: %w", err)
	}
	if it.ListID == "" {
		return fmt.Errorf("exception %q names no list", it.Name)
	}
	it.text = text{doc: d, starts: []int{offset}, flat: true}
	x.add(it.ListID, it)
	return nil
}

// add makes a list known, with further items of it.
func (x *exceptionLists) add(id string, items ...exceptionItem) {
	if x.items == nil {
		x.items = map[string][]exceptionItem{}
	}
	x.items[id] = append(x.items[id], items...)
}

// tomlList is an exception list as the detection-rules repository keeps it.
type tomlList struct {
	Container struct {
		ListID string `toml:"list_id"`
	} `toml:"container"`
	Items []map[string]any `toml:"items"`
}

// tomlLists takes the lists of a TOML file; fail is told of bad items.
func (l *loader) tomlLists(d *document, lists []tomlList, fail func(Pos, error)) {
	places := regexp.MustCompile(`(?m)^[ \t]*\[\[[ \t]*exceptions[ \t]*\.[ \t]*items[ \t]*\]\]`).FindAllIndex(d.src, -1)
	n := 0
	for _, list := range lists {
		if list.Container.ListID != "" {
			l.lists.add(list.Container.ListID)
		}
		for _, it := range list.Items {
			offset := 0
			if n < len(places) {
				offset = places[n][0]
			}
			n++
			if it["list_id"] == nil {
				it["list_id"] = list.Container.ListID
			}
			raw, err := json.Marshal(it)
			if err == nil {
				err = l.lists.item(d, offset, raw)
			}
			if err != nil {
				fail(d.at(offset), err)
			}
		}
	}
}

// attachLists gives each rule the exceptions of the lists it refers to.
func (l *loader) attachLists(all []*Strategy) {
	for _, s := range all {
		if s.elastic == nil {
			continue
		}
		for _, ref := range s.elastic.lists {
			items, ok := l.lists.items[ref.ListID]
			if !ok && ref.Type != "endpoint" {
				p := s.problem(Warning, "missing-exception-list", "exception list %q is not among the files read", ref.ListID)
				l.problems = append(l.problems, p)
			}
			for _, it := range items {
				l.attachItem(s, &it)
			}
		}
	}
}

func (l *loader) attachItem(s *Strategy, it *exceptionItem) {
	at := it.text.at(1, 1)
	when, err := it.condition()
	if err != nil {
		p := it.text.doc.problemAt(Error, "bad-exception", at, "read exception %q: %v", it.Name, err)
		l.problems = append(l.problems, p)
		return
	}
	e := Exception{Name: firstOf(it.Name, it.ItemID), When: when, Scope: Scope{Kind: ScopeAny}, Reason: it.Description,
		Owner: it.CreatedBy, Pos: at, text: it.text}
	if it.ExpireTime != "" {
		t, err := time.Parse(time.RFC3339, it.ExpireTime)
		if err != nil {
			p := it.text.doc.problemAt(Error, "bad-expiry", at, "read exception %q: expire_time %q is no time", it.Name, it.ExpireTime)
			l.problems = append(l.problems, p)
			return
		}
		e.Expires = t.UTC()
	}
	s.Exceptions = append(s.Exceptions, e)
}

// condition is the item as an EQL condition. Kibana adds exceptions to the
// filter of the search, so they act on each event of a sequence.
func (it *exceptionItem) condition() (string, error) {
	var parts []string
	if len(it.OSTypes) > 0 {
		parts = append(parts, "host.os.type in "+eqlList(it.OSTypes, event.Keyword))
	}
	types := fieldTypes()
	for _, e := range it.Entries {
		p, err := e.condition(types, "")
		if err != nil {
			return "", err
		}
		parts = append(parts, p)
	}
	if len(it.Entries) == 0 {
		return "", fmt.Errorf("it has no entries")
	}
	return strings.Join(parts, " and "), nil
}

// condition is one entry. The parent is the field of a nested entry: its
// children hold of one object there, which EQL cannot say of arrays; that they
// hold of the event is the nearest.
func (e *exceptionEntry) condition(types event.Types, parent string) (string, error) {
	if e.Type == "nested" {
		return e.nested(types, parent)
	}
	name := parent + e.Field
	// .caseless and .text are sub-fields of Elastic's own mappings
	name, caseless := strings.CutSuffix(name, ".caseless")
	name, text := strings.CutSuffix(name, ".text")
	if !fieldName(name) {
		return "", fmt.Errorf("%q is no field name", name)
	}
	var f event.Field
	if types != nil {
		f, _ = types.Field(name)
	}
	eq := "=="
	if caseless || text {
		eq = ":"
	}
	var c string
	switch {
	case e.Type == "exists":
		c = name + " != null"
	case len(e.Value) == 0:
		return "", fmt.Errorf("entry %s of type %s has no value", name, e.Type)
	case e.Type == "match" && f.Type == event.IP && strings.Contains(e.Value[0], "/"):
		c = fmt.Sprintf("cidrMatch(%s, %s)", name, eqlString(e.Value[0]))
	case e.Type == "match":
		c = fmt.Sprintf("%s %s %s", name, eq, eqlValue(e.Value[0], f.Type))
	case e.Type == "match_any" && eq == ":":
		c = fmt.Sprintf("%s : %s", name, eqlList(e.Value, event.Keyword))
	case e.Type == "match_any":
		c = fmt.Sprintf("%s in %s", name, eqlList(e.Value, f.Type))
	case e.Type == "wildcard":
		c = wildcardCondition(name, e.Value[0])
	default:
		return "", fmt.Errorf("entries of type %q are not read", e.Type)
	}
	switch e.Operator {
	case "included", "":
		return c, nil
	case "excluded":
		return "not (" + c + ")", nil
	}
	return "", fmt.Errorf("operator %q is not known", e.Operator)
}

func (e *exceptionEntry) nested(types event.Types, parent string) (string, error) {
	if parent != "" {
		return "", fmt.Errorf("entry %s is nested twice", e.Field)
	}
	var parts []string
	for _, c := range e.Entries {
		p, err := c.condition(types, e.Field+".")
		if err != nil {
			return "", err
		}
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return "", fmt.Errorf("nested entry %s is empty", e.Field)
	}
	return strings.Join(parts, " and "), nil
}

// wildcardCondition is Elasticsearch's wildcard query: * and ? and a backslash
// that takes the next character as it is. EQL's like has no such backslash, so
// where one stands before a wildcard it becomes a regular expression.
func wildcardCondition(name, pattern string) string {
	var like, re strings.Builder
	escaped := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		if c == '\\' && i+1 < len(pattern) {
			i++
			c = pattern[i]
			escaped = escaped || c == '*' || c == '?'
			like.WriteByte(c)
			re.WriteString(regexpQuote(c))
			continue
		}
		like.WriteByte(c)
		switch c {
		case '*':
			re.WriteString(".*")
		case '?':
			re.WriteString(".")
		default:
			re.WriteString(regexpQuote(c))
		}
	}
	if escaped {
		return name + " regex " + eqlString(re.String())
	}
	return name + " like " + eqlString(like.String())
}

func regexpQuote(c byte) string {
	if strings.IndexByte(`.?+*|{}[]()"\#@&<>~^$`, c) >= 0 {
		return `\` + string(rune(c))
	}
	return string([]byte{c})
}

func fieldName(s string) bool {
	return regexp.MustCompile(`^[A-Za-z_@][A-Za-z0-9_@-]*(\.[A-Za-z0-9_@-]+)*$`).MatchString(s)
}

func eqlList(values []string, t event.Type) string {
	q := make([]string, len(values))
	for i, v := range values {
		q[i] = eqlValue(v, t)
	}
	return "(" + strings.Join(q, ", ") + ")"
}

// eqlValue writes a value as a literal of the field's type; Kibana keeps all
// of them as text.
func eqlValue(v string, t event.Type) string {
	switch t {
	case event.Integer, event.UnsignedLong, event.Float:
		if _, err := strconv.ParseFloat(v, 64); err == nil && regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`).MatchString(v) {
			return v
		}
	case event.Boolean:
		if v == "true" || v == "false" {
			return v
		}
	}
	return eqlString(v)
}

// eqlString writes an EQL string literal.
func eqlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ':
			fmt.Fprintf(&b, `\u{%02x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// fieldTypes are the declared types of fields.
func fieldTypes() event.Types { return event.ECSTypes() }
