package strategy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxYAML bounds a piece of YAML and maxNesting how deep it (and TOML) may
// nest: both parsers are recursive.
const (
	maxYAML    = 1 << 18
	maxNesting = 200
)

// ynode is a YAML value with its place. Aliases are not followed: nothing here
// needs them, and they are how a small file becomes a huge one.
type ynode struct{ n ast.Node }

// parseYAML parses a piece of a document; t says where its lines stand. It
// returns nil for nothing at all.
func parseYAML(d *document, t text, src string) (*ynode, *Problem) {
	fail := func(line, col int, format string, args ...any) *Problem {
		p := d.problemAt(Error, "bad-yaml", t.at(line, col), format, args...)
		return &p
	}
	if len(src) > maxYAML {
		return nil, fail(1, 1, "YAML is longer than %d bytes", maxYAML)
	}
	if tooDeep([]byte(src)) {
		return nil, fail(1, 1, "YAML nests deeper than %d", maxNesting)
	}
	f, err := parser.ParseBytes([]byte(src), 0)
	if err != nil {
		line, col := 1, 1
		msg := err.Error()
		if ye := yaml.Error(nil); errors.As(err, &ye) {
			msg = ye.GetMessage()
			if p := ye.GetToken(); p != nil {
				line, col = p.Position.Line, p.Position.Column
			}
		}
		return nil, fail(line, col, "parse YAML: %s", firstLine(msg))
	}
	for _, doc := range f.Docs {
		if doc.Body != nil {
			return &ynode{n: doc.Body}, nil
		}
	}
	return nil, nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// tooDeep counts open brackets and the indentation steps of "- - -", without
// regard to strings: what nests that deep is not meant well.
func tooDeep(src []byte) bool {
	depth, dashes := 0, 0
	for _, c := range src {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		case '-', '?', ':':
			dashes++
		case ' ', '\t':
		default:
			dashes = 0
		}
		if depth > maxNesting || dashes > maxNesting {
			return true
		}
	}
	return false
}

// yfield is one key of a mapping.
type yfield struct {
	key   string
	keyAt *token.Position
	val   *ynode
}

// fields returns the keys of a mapping in order; ok is false for anything else.
func (y *ynode) fields() (out []yfield, ok bool) {
	var values []*ast.MappingValueNode
	switch n := y.n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		return nil, false
	}
	for _, v := range values {
		if v.Key == nil || v.Key.GetToken() == nil {
			continue
		}
		key := v.Key.String()
		if s, ok := v.Key.(*ast.StringNode); ok {
			key = s.Value
		}
		out = append(out, yfield{key, v.Key.GetToken().Position, &ynode{n: v.Value}})
	}
	return out, true
}

// items returns the values of a list; a single value is a list of one.
func (y *ynode) items() []*ynode {
	s, ok := y.n.(*ast.SequenceNode)
	if !ok {
		if _, null := y.n.(*ast.NullNode); null || y.n == nil {
			return nil
		}
		return []*ynode{y}
	}
	out := make([]*ynode, 0, len(s.Values))
	for _, v := range s.Values {
		out = append(out, &ynode{n: v})
	}
	return out
}

// scalar is the text of a single value, as written; ok is false for lists,
// mappings and aliases.
func (y *ynode) scalar() (string, bool) {
	switch n := y.n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.NullNode:
		return "", true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// strings are the single values of a list.
func (y *ynode) strings() []string {
	var out []string
	for _, v := range y.items() {
		if s, ok := v.scalar(); ok && s != "" {
			out = append(out, s)
		}
	}
	return out
}

// at is the 1-based line and column of the value. That of a block scalar is
// its first line of text.
func (y *ynode) at() (line, col int) {
	if y.n == nil || y.n.GetToken() == nil {
		return 1, 1
	}
	if l, ok := y.n.(*ast.LiteralNode); ok {
		p := y.n.GetToken().Position
		return p.Line + 1, 1 + leadingSpaces(l)
	}
	p := y.n.GetToken().Position
	return p.Line, p.Column
}

func leadingSpaces(l *ast.LiteralNode) int {
	if l.Value == nil || l.Value.GetToken() == nil {
		return 0
	}
	origin := strings.TrimLeft(l.Value.GetToken().Origin, "\r\n")
	return len(origin) - len(strings.TrimLeft(origin, " "))
}

// kind names what a value is, for messages.
func (y *ynode) kind() string {
	if y.n == nil {
		return "nothing"
	}
	return fmt.Sprintf("a YAML %s", strings.ToLower(y.n.Type().String()))
}
