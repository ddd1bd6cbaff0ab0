package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/strategy"
)

// keptFields are compared with the same few values by all rules; copies of
// rules would do so, too.
var keptFields = []string{"event.category", "event.type", "event.kind", "event.module", "event.dataset", "event.outcome", "host.os.type", "host.os.family", "data_stream.dataset"}

// copies returns the strategies and n-1 copies of each. A copy has the same
// shape, but each text that it compares with is another one, so that neither
// guards nor predicates are shared.
func copies(list []*strategy.Strategy, n int) []*strategy.Strategy {
	out := slices.Clone(list)
	for i := 1; i < n; i++ {
		for _, s := range list {
			c := *s
			c.ID = fmt.Sprintf("%s-copy-%d", s.ID, i)
			c.Context = nil
			c.Rules = slices.Clone(s.Rules)
			for j := range c.Rules {
				c.Rules[j].Query = distinct(c.Rules[j].Query, fmt.Sprintf("q%dz", i))
			}
			out = append(out, &c)
		}
	}
	return out
}

// distinct returns a query with a mark in all its texts, or the query itself if
// it cannot be read.
func distinct(query, mark string) string {
	q, err := eql.Parse(query)
	if err != nil {
		return query
	}
	m := marker(mark)
	for _, s := range q.Steps {
		m.expr(s.Cond)
	}
	if q.Until != nil {
		m.expr(q.Until.Cond)
	}
	return q.String()
}

// marker puts a mark into texts.
type marker string

func (m marker) expr(e eql.Expr) {
	switch e := e.(type) {
	case *eql.Logic:
		for _, x := range e.Xs {
			m.expr(x)
		}
	case *eql.Not:
		m.expr(e.X)
	case *eql.Compare:
		if !kept(e.X) && !kept(e.Y) {
			m.text(e.X)
			m.text(e.Y)
		}
	case *eql.Match:
		if e.Op != eql.OpRegex && !kept(e.X) {
			for _, x := range e.List {
				m.text(x)
			}
		}
	case *eql.Call:
		if !strings.EqualFold(e.Name, "cidrMatch") {
			for _, x := range e.Args {
				m.text(x)
			}
		}
	}
}

func kept(e eql.Expr) bool {
	f, ok := e.(*eql.Field)
	return ok && (slices.Contains(keptFields, f.Name) || strings.HasSuffix(f.Name, ".ip"))
}

// text puts the mark before the last letter or digit, so that wildcards and
// separators stay where they are.
func (m marker) text(e eql.Expr) {
	lit, ok := e.(*eql.Literal)
	if !ok || lit.Value.Kind != event.KindText {
		return
	}
	s := lit.Value.S
	i := strings.LastIndexFunc(s, func(r rune) bool { return r < 0x80 && (r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9') })
	if i >= 0 {
		lit.Value = event.Text(s[:i] + string(m) + s[i:])
		lit.Text, lit.Raw = "", false
	}
}
