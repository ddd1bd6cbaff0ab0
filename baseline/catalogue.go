package baseline

import (
	_ "embed"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tocsin-project/tocsin/eql/pattern"
)

//go:embed catalogue.tsv
var catalogueText string

// Product is one program of known administration software.
type Product struct {
	Product string   `json:"product"`
	Vendor  string   `json:"vendor"`
	Service string   `json:"service"` // name, * and ? are wildcards; "" if it varies
	Paths   []string `json:"paths"`   // likewise
	Signer  string   `json:"signer"`  // likewise, of the certificate's subject; "" if not established
	// Confirmed says that Source itself names the path or the service; else they
	// are the usual ones, and Source is where to ask.
	Confirmed bool   `json:"confirmed"`
	Source    string `json:"source"`

	path, signer *pattern.Set
}

// Catalogue is known administration software. It gives names; nothing is
// trusted because it is listed: an attacker can read the list too.
type Catalogue struct{ Products []Product }

// NewCatalogue returns the software that is known to tocsin.
func NewCatalogue() (*Catalogue, error) { return parseCatalogue(catalogueText) }

func parseCatalogue(text string) (*Catalogue, error) {
	c := &Catalogue{}
	for n, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 7 {
			return nil, fmt.Errorf("read catalogue: line %d has %d columns, want 7", n+1, len(f))
		}
		p := Product{Product: f[0], Vendor: f[1], Service: f[2], Paths: strings.Split(f[3], "|"), Signer: f[4], Confirmed: f[5] == "page", Source: f[6]}
		u, err := url.Parse(p.Source)
		switch {
		case p.Product == "" || p.Vendor == "" || f[3] == "":
			return nil, fmt.Errorf("read catalogue: line %d lacks product, vendor or path", n+1)
		case f[5] != "page" && f[5] != "unconfirmed":
			return nil, fmt.Errorf("read catalogue: line %d: basis %q is neither page nor unconfirmed", n+1, f[5])
		case err != nil || u.Host == "":
			return nil, fmt.Errorf("read catalogue: line %d: %q is no address", n+1, p.Source)
		}
		p.path = pattern.NewSet(strings.Split(strings.ToLower(f[3]), "|"))
		if p.Signer != "" {
			p.signer = pattern.NewSet([]string{strings.ToLower(p.Signer)})
		}
		c.Products = append(c.Products, p)
	}
	return c, nil
}

// Find returns the product that a program's path belongs to, nil if none is
// known. A program whose signature is known and is not that product's is none.
func (c *Catalogue) Find(program string, signature Signature, signer string) *Product {
	if c == nil {
		return nil
	}
	program = strings.ToLower(program)
	i := slices.IndexFunc(c.Products, func(p Product) bool {
		return p.path.Match(program) && (signature == Unknown || p.signer == nil ||
			signature == Trusted && p.signer.Match(strings.ToLower(signer)))
	})
	if i < 0 {
		return nil
	}
	return &c.Products[i]
}

// vouches reports whether a signature shows that a program is the product: the
// path alone can be imitated by whoever reads the catalogue.
func (p *Product) vouches(signature Signature, signer string) bool {
	return p != nil && p.Confirmed && p.signer != nil && signature == Trusted && p.signer.Match(strings.ToLower(signer))
}
