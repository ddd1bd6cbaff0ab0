package triage

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Admins is a list of the machines from which a network is administered. It is
// a YAML file:
//
//   - name: SCCM primary
//     addresses: [10.20.0.15, 10.20.8.0/24, "fd00:20::/64"]
//     hosts: [sccm01, sccm02.corp.example]
//     owner: workplace team
//
// A source is known if its address lies in one of the addresses, or if its
// name, as the events tell it, is one of the hosts. Addresses are surer: a
// name in a logon (4624) is what the client said of itself.
type Admins struct {
	list []Admin
}

// Admin is one entry.
type Admin struct {
	Name      string
	Owner     string
	Addresses []netip.Prefix
	Hosts     []string
}

// maxAdmins bounds the entries of a list.
const maxAdmins = 100_000

// ParseAdmins reads a list; path is for messages. Every mistake is reported,
// as `path:line:column: …`; a list with any is not used.
func ParseAdmins(path string, src []byte) (*Admins, error) {
	file, err := parser.ParseBytes(src, 0)
	if err != nil {
		return nil, fmt.Errorf("read administration sources:\n%w", syntaxError(path, err))
	}
	p := adminParser{path: path, list: &Admins{}}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			p.document(doc.Body)
		}
	}
	if len(p.errs) > 0 {
		return nil, fmt.Errorf("read administration sources:\n%w", errors.Join(p.errs...))
	}
	return p.list, nil
}

// syntaxError says where the file is no YAML.
func syntaxError(path string, err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil && at.GetToken().Position != nil {
		p := at.GetToken().Position
		return fmt.Errorf("%s:%d:%d: %s", path, p.Line, p.Column, at.GetMessage())
	}
	return fmt.Errorf("%s: %w", path, err)
}

type adminParser struct {
	path string
	list *Admins
	errs []error
}

func (p *adminParser) fail(n ast.Node, format string, args ...any) {
	const maxErrors = 20
	if len(p.errs) < maxErrors {
		at := n.GetToken().Position
		p.errs = append(p.errs, fmt.Errorf("%s:%d:%d: %s", p.path, at.Line, at.Column, fmt.Sprintf(format, args...)))
	}
}

func (p *adminParser) document(n ast.Node) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		p.fail(n, "expected a list of entries with name, addresses, hosts, owner; found %s", kindOf(n))
		return
	}
	for _, item := range list.Values {
		if len(p.list.list) == maxAdmins {
			p.fail(item, "more than %d entries", maxAdmins)
			return
		}
		p.entry(item)
	}
}

func (p *adminParser) entry(n ast.Node) {
	var fields []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		fields = n.Values
	case *ast.MappingValueNode:
		fields = []*ast.MappingValueNode{n}
	default:
		p.fail(n, "expected an entry with name, addresses, hosts, owner; found %s", kindOf(n))
		return
	}
	var a Admin
	for _, f := range fields {
		p.field(&a, f)
	}
	switch {
	case len(a.Addresses) == 0 && len(a.Hosts) == 0:
		if len(p.errs) == 0 {
			p.fail(n, "entry %q has neither addresses nor hosts", a.Name)
		}
	case a.Name == "":
		p.fail(n, "an entry needs a name")
	default:
		p.list.list = append(p.list.list, a)
	}
}

func (p *adminParser) field(a *Admin, f *ast.MappingValueNode) {
	switch key := f.Key.String(); key {
	case "name":
		a.Name = p.text(f.Value)
	case "owner":
		a.Owner = p.text(f.Value)
	case "addresses":
		for _, n := range items(f.Value) {
			if prefix, ok := p.address(n); ok {
				a.Addresses = append(a.Addresses, prefix)
			}
		}
	case "hosts":
		for _, n := range items(f.Value) {
			if name := strings.ToLower(strings.TrimSuffix(p.text(n), ".")); name != "" {
				a.Hosts = append(a.Hosts, name)
			}
		}
	default:
		p.fail(f.Key, "an entry has no field %q; it has name, addresses, hosts, owner", key)
	}
}

// items are the elements of a list; a single value is a list of one.
func items(n ast.Node) []ast.Node {
	if list, ok := n.(*ast.SequenceNode); ok {
		return list.Values
	}
	return []ast.Node{n}
}

func (p *adminParser) text(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return strings.TrimSpace(n.Value)
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value)
	case *ast.SequenceNode, *ast.MappingNode, *ast.MappingValueNode, *ast.NullNode:
		p.fail(n, "expected text, found %s", kindOf(n))
		return ""
	}
	return strings.TrimSpace(n.String())
}

func (p *adminParser) address(n ast.Node) (netip.Prefix, bool) {
	before := len(p.errs)
	s := p.text(n)
	if len(p.errs) > before {
		return netip.Prefix{}, false
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		p.fail(n, "%q is no address and no network such as 10.20.8.0/24", s)
		return prefix, false
	}
	if masked := prefix.Masked(); masked != prefix {
		p.fail(n, "%q has bits beyond its mask: did you mean %s?", s, masked)
		return prefix, false
	}
	return prefix, true
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "fields"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	}
	return fmt.Sprintf("%q", clip(n.String(), nameWidth))
}

// Len is the number of entries.
func (l *Admins) Len() int { return len(l.list) }

// Find returns the entry that a source belongs to, by its address or by its
// name (short or with its domain, case does not count); nil if there is none.
func (l *Admins) Find(address, name string) *Admin {
	if l == nil {
		return nil
	}
	addr, err := netip.ParseAddr(address)
	addr = addr.Unmap().WithZone("")
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for i := range l.list {
		a := &l.list[i]
		for _, p := range a.Addresses {
			if err == nil && p.Contains(addr) {
				return a
			}
		}
		for _, h := range a.Hosts {
			if name != "" && (h == name || !strings.Contains(h, ".") && h == short(name) || !strings.Contains(name, ".") && name == short(h)) {
				return a
			}
		}
	}
	return nil
}
