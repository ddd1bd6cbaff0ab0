package event

// Type is the declared type of a field.
type Type uint8

// The types. Keyword stands for every type that is compared as text (keyword,
// wildcard, constant_keyword, match_only_text).
const (
	Dynamic Type = iota // no declared type: the value's own JSON type
	Keyword
	Integer
	UnsignedLong
	Float
	Boolean
	Date      // millisecond resolution when compared with a literal, kept in nanoseconds
	DateNanos // nanoseconds
	IP
	Version
	Unusable // text without a keyword, nested, ranges, geo: a rule that names it does not compile
)

// Field is one column of the schema.
type Field struct {
	Name string // as rules write it: dotted, without backticks
	Type Type

	// The rest is what a mapping file can add.
	Path        string // where documents hold it, if not under Name (aliases, sub-fields)
	IgnoreAbove int    // longer text counts as missing; 0 is no limit
	NullValue   *Value // what an explicit null turns into
	Format      string // a date's own format; empty is ISO 8601 or epoch milliseconds
	Unmapped    bool   // a mapping was given and does not hold it
	Declared    string // the type's name as the mapping has it, for messages
}

// Types tells the declared type of a field by name. ok is false for a name it
// does not know.
type Types interface {
	Field(name string) (f Field, ok bool)
}

// Schema gives each field that some rule reads a slot. It grows while rules
// compile and is not changed once records are decoded; it may then be shared
// between goroutines.
type Schema struct {
	types  Types
	fields []Field
	slots  map[string]int
}

// NewSchema returns an empty schema. types may be nil: then every field is Dynamic.
func NewSchema(types Types) *Schema {
	return &Schema{types: types, slots: map[string]int{}}
}

// Slot returns the slot of the field, adding it if it is new.
func (s *Schema) Slot(name string) int {
	if i, ok := s.slots[name]; ok {
		return i
	}
	f := Field{Name: name}
	if s.types != nil {
		if d, ok := s.types.Field(name); ok {
			f = d
			f.Name = name
		}
	}
	if f.Path == "" {
		f.Path = name
	}
	s.fields = append(s.fields, f)
	s.slots[name] = len(s.fields) - 1
	return len(s.fields) - 1
}

// Lookup returns the slot of a field that the schema holds.
func (s *Schema) Lookup(name string) (slot int, ok bool) {
	slot, ok = s.slots[name]
	return slot, ok
}

// Field returns the field in a slot.
func (s *Schema) Field(slot int) *Field { return &s.fields[slot] }

// Len is the number of slots.
func (s *Schema) Len() int { return len(s.fields) }
