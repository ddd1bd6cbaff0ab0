package event

import (
	_ "embed" // the table
	"iter"
	"strings"
)

//go:generate go run ./gen ../../shared/ecs/ecs-types.tsv ecs_types.txt

// ecsTable has one line a field, sorted: name, type, and " array" where ECS
// says that the field is a list. It is searched as it stands, so that starting
// costs nothing.
//
//go:embed ecs_types.txt
var ecsTable string

// ECSTypes returns the types of the Elastic Common Schema 9.5, and of fields
// beside it that Elastic's rules read. It knows no other names: those fields
// are Dynamic. Text without a keyword is taken as Keyword here, since no
// mapping says that it could not be compared.
func ECSTypes() Types { return ecsTypes{} }

type ecsTypes struct{}

func (ecsTypes) Field(name string) (Field, bool) {
	declared, _, ok := ecsField(name)
	if !ok {
		return Field{}, false
	}
	f := Field{Name: name, Type: typeOf(declared), Declared: declared}
	switch declared {
	case "text", "match_only_text", "flattened":
		f.Type = Keyword
	}
	return f, true
}

// IsArray reports whether ECS has the field as a list, which is then rendered
// as one even if it holds a single value.
func IsArray(name string) bool {
	_, array, _ := ecsField(name)
	return array
}

// ECSFields yields the names that ECSTypes knows, in order.
func ECSFields() iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(ecsTable) {
			name, _, _ := strings.Cut(line, " ")
			if !yield(name) {
				return
			}
		}
	}
}

// ecsField finds a field's line by halving the table.
func ecsField(name string) (declared string, array, ok bool) {
	lo, hi := 0, len(ecsTable)
	for lo < hi {
		mid := lo + (hi-lo)/2
		start := lo + strings.LastIndexByte(ecsTable[lo:mid], '\n') + 1
		end := start + strings.IndexByte(ecsTable[start:], '\n')
		field, rest, _ := strings.Cut(ecsTable[start:end], " ")
		switch {
		case field == name:
			declared, rest, _ = strings.Cut(rest, " ")
			return declared, rest == "array", true
		case field < name:
			lo = end + 1
		default:
			hi = start
		}
	}
	return "", false, false
}

// typeOf is the Type of an Elasticsearch type by its name in mappings; Unusable
// for those that rules cannot compare.
func typeOf(declared string) Type {
	switch declared {
	case "keyword", "constant_keyword", "wildcard", "counted_keyword":
		return Keyword
	case "long", "integer", "short", "byte":
		return Integer
	case "unsigned_long":
		return UnsignedLong
	case "double", "float", "half_float", "scaled_float":
		return Float
	case "boolean":
		return Boolean
	case "date":
		return Date
	case "date_nanos":
		return DateNanos
	case "ip":
		return IP
	case "version":
		return Version
	}
	return Unusable
}
