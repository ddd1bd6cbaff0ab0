package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Mapping is the types of an Elasticsearch mapping. A name that it does not
// hold gives a Field that is Unmapped (an unknown column to a query), unless
// Learn has met it in a document.
type Mapping struct {
	fields map[string]Field
	closed bool // "dynamic" is false or strict: Learn adds nothing
	errs   []error
}

// MappingTypes reads a mapping: {"properties": {…}}, also under "mappings" and
// under index names (as the API answers) or "per_index", whose indices are
// merged: a field of several types is Unusable, date formats add up. Types in
// "_inferred_from_tests" go before. A field of a type that Elasticsearch does
// not have, or with a date format that cannot be read here, is an error with
// its name; so is an alias of nothing.
func MappingTypes(text []byte) (*Mapping, error) {
	var top map[string]json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&top); err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	m := &Mapping{fields: map[string]Field{}}
	m.indices(top)
	var inferred map[string]property
	if raw, ok := top["_inferred_from_tests"]; ok {
		m.decode(raw, &inferred)
		for name, p := range inferred {
			delete(m.fields, name)
			m.add(name, p, false)
		}
	}
	m.aliases()
	if len(m.errs) > 0 {
		slices.SortFunc(m.errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return nil, fmt.Errorf("read mapping: %w", errors.Join(m.errs...))
	}
	return m, nil
}

// property is one field, object or sub-field of a mapping.
type property struct {
	Type        string              `json:"type"`
	Properties  map[string]property `json:"properties"`
	Fields      map[string]property `json:"fields"`
	Path        string              `json:"path"`
	Format      string              `json:"format"`
	IgnoreAbove int                 `json:"ignore_above"`
	NullValue   json.RawMessage     `json:"null_value"`
}

func (m *Mapping) decode(raw json.RawMessage, into any) {
	if err := json.Unmarshal(raw, into); err != nil {
		m.errs = append(m.errs, err)
	}
}

// indices adds the properties at hand, and those of every index below.
func (m *Mapping) indices(top map[string]json.RawMessage) {
	if raw, ok := top["dynamic"]; ok {
		s := strings.Trim(string(raw), `"`)
		m.closed = s == "false" || s == "strict"
	}
	if raw, ok := top["properties"]; ok {
		var props map[string]property
		m.decode(raw, &props)
		m.addAll("", props, false)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(top)) {
		if raw := top[key]; raw[0] == '{' && key != "_inferred_from_tests" {
			var below map[string]json.RawMessage
			m.decode(raw, &below)
			m.indices(below)
		}
	}
}

func (m *Mapping) addAll(prefix string, props map[string]property, nested bool) {
	for _, name := range slices.Sorted(maps.Keys(props)) {
		m.add(prefix+name, props[name], nested)
	}
}

// add takes in a field and what is below it. nested is whether it lies in a
// nested object, where nothing can be compared.
func (m *Mapping) add(name string, p property, nested bool) {
	if p.Type == "" || p.Properties != nil {
		m.addAll(name+".", p.Properties, nested || p.Type == "nested")
		if p.Type != "nested" {
			return
		}
	}
	f := Field{Name: name, Type: typeOf(p.Type), Declared: p.Type, IgnoreAbove: p.IgnoreAbove, Format: p.Format}
	switch {
	case p.Type == "alias":
		f.Path = p.Path
	case f.Type == Unusable && !known(p.Type):
		m.failed(name, fmt.Errorf("unknown type %q", p.Type))
	case nested:
		f.Type, f.Declared = Unusable, "nested"
	case p.Format != "" && (f.Type == Date || f.Type == DateNanos):
		if err := checkFormat(p.Format); err != nil {
			m.failed(name, err)
		}
	}
	if len(p.NullValue) > 0 && string(p.NullValue) != "null" {
		v := Token{p.NullValue}.Value(nil)
		f.NullValue = &v
	}
	m.subfields(&f, p)
	m.merge(f)
}

// subfields adds the other ways in which a field is indexed. Text is compared
// through its keyword, with that one's ignore_above.
func (m *Mapping) subfields(f *Field, p property) {
	for _, sub := range slices.Sorted(maps.Keys(p.Fields)) {
		q := p.Fields[sub]
		s := Field{Name: f.Name + "." + sub, Path: f.Name, Type: typeOf(q.Type), Declared: q.Type,
			IgnoreAbove: q.IgnoreAbove, Format: q.Format, NullValue: f.NullValue}
		if s.Type == Unusable && !known(q.Type) {
			m.failed(s.Name, fmt.Errorf("unknown type %q", q.Type))
		}
		if isText(p.Type) && s.Type == Keyword && f.Type == Unusable {
			f.Type, f.IgnoreAbove = Keyword, q.IgnoreAbove
		}
		m.merge(s)
	}
}

func isText(declared string) bool {
	return declared == "text" || declared == "match_only_text"
}

// merge joins a field with what other indices have under its name.
func (m *Mapping) merge(f Field) {
	old, ok := m.fields[f.Name]
	switch {
	case !ok:
		m.fields[f.Name] = f
	case old.Type != f.Type || old.Path != f.Path:
		old.Type, old.Path = Unusable, ""
		old.Declared += " and " + f.Declared
		m.fields[f.Name] = old
	case old.Format != f.Format && old.Format != "" && f.Format != "":
		old.Format += "||" + f.Format
		m.fields[f.Name] = old
	}
}

func (m *Mapping) failed(name string, err error) {
	m.errs = append(m.errs, fmt.Errorf("field %s: %w", name, err))
}

// aliases gives each alias the type of the field it stands for.
func (m *Mapping) aliases() {
	for _, name := range slices.Sorted(maps.Keys(m.fields)) {
		f := m.fields[name]
		if f.Declared != "alias" {
			continue
		}
		to, ok := m.fields[f.Path]
		if !ok || to.Declared == "alias" {
			m.failed(name, fmt.Errorf("alias of %q, which is no field", f.Path))
			continue
		}
		if to.Path == "" {
			to.Path = to.Name
		}
		to.Name = name
		m.fields[name] = to
	}
}

// known reports whether Elasticsearch has the type, of those that rules cannot
// compare.
func known(declared string) bool {
	switch declared {
	case "text", "match_only_text", "search_as_you_type", "annotated_text", "semantic_text", "completion",
		"object", "nested", "flattened", "passthrough", "join", "percolator", "binary", "token_count", "murmur3",
		"integer_range", "long_range", "float_range", "double_range", "date_range", "ip_range",
		"geo_point", "geo_shape", "point", "shape", "histogram", "aggregate_metric_double",
		"dense_vector", "sparse_vector", "rank_feature", "rank_features", "rank_vectors", "pattern_text":
		return true
	}
	return false
}

// Field tells the type of a name; Unmapped if the mapping does not hold it.
func (m *Mapping) Field(name string) (Field, bool) {
	if f, ok := m.fields[name]; ok {
		return f, true
	}
	return Field{Name: name, Unmapped: true}, true
}

// Names lists the fields that the mapping holds, sorted: for "did you mean".
func (m *Mapping) Names() []string { return slices.Sorted(maps.Keys(m.fields)) }

// Learn adds the fields of a document that the mapping does not list, with the
// types that Elasticsearch's dynamic mapping gives them: text with a keyword
// (of at most 256 characters), long, float, boolean, and date for text that is
// one. The first value decides. A mapping with "dynamic" false or strict learns
// nothing. To be called for the documents before queries are compiled.
func (m *Mapping) Learn(doc []byte) error {
	if err := Valid(doc); err != nil || m.closed {
		return err
	}
	m.learn("", Token{bytes.TrimSpace(doc)})
	return nil
}

func (m *Mapping) learn(name string, v Token) {
	switch v.Form() {
	case ObjectForm:
		for it := v.Members(); it.Next(); {
			m.learn(strings.TrimPrefix(name+"."+it.Key.Text(nil), "."), it.Value)
		}
		return
	case ArrayForm:
		for it := v.Members(); it.Next(); {
			m.learn(name, it.Value)
		}
		return
	case NullForm:
		return
	}
	if _, ok := m.fields[name]; ok || name == "" {
		return
	}
	// The name must not point into the document, which does not stay.
	f := Field{Name: strings.Clone(name), Type: Keyword, Declared: "text", IgnoreAbove: 256}
	switch w, _ := toDynamic(v.Value(nil)); {
	case w.Kind == KindBool:
		f = Field{Name: f.Name, Type: Boolean, Declared: "boolean"}
	case v.Form() == NumberForm && bytes.ContainsAny(v.Raw, ".eE"):
		f = Field{Name: f.Name, Type: Float, Declared: "float"}
	case v.Form() == NumberForm:
		f = Field{Name: f.Name, Type: Integer, Declared: "long"}
	case looksLikeDate(w.S):
		f = Field{Name: f.Name, Type: Date, Declared: "date"}
	default:
		sub := f
		sub.Name, sub.Path, sub.Declared = f.Name+".keyword", f.Name, "keyword"
		m.fields[sub.Name] = sub
	}
	m.fields[f.Name] = f
}

// looksLikeDate: digits alone are no date to dynamic mapping.
func looksLikeDate(s string) bool {
	_, ok := ParseTime(s)
	return ok && len(s) > 4
}
