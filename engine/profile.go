package engine

import (
	"strings"

	"github.com/tocsin-project/tocsin/eql"
)

// Profile says how often events satisfy the needs of guards. It moves only
// cost, never results. A nil profile estimates from the kind of the need and
// the field.
type Profile struct {
	Rates map[string]float64 // "field op text" → share of events
}

// commonFields are fields whose values are shared by a large part of all
// events, with that share for one value.
var commonFields = map[string]float64{
	"host.os.type": 1, "host.os.family": 1, "event.kind": 1, "event.module": 0.5, "event.dataset": 0.4,
	"data_stream.dataset": 0.4, "agent.type": 1, "event.type": 0.4, "event.category": 0.4, "event.outcome": 0.8,
	"event.provider": 0.4, "event.action": 0.1, "event.code": 0.1, "network.transport": 0.8, "network.direction": 0.5,
	"network.type": 0.9, "network.protocol": 0.2, "user.id": 0.4, "user.domain": 0.4, "process.code_signature.trusted": 0.8,
	"process.code_signature.exists": 0.8, "process.code_signature.subject_name": 0.4,
	"winlog.event_data.IntegrityLevel": 0.4, "process.Ext.token.integrity_level_name": 0.4,
}

// commonParts are pieces that many paths hold.
var commonParts = [...]string{`c:\windows\system32\`, `c:\program files`, `c:\users\`, `c:\programdata\`, ".exe", ".dll", `hklm\system\currentcontrolset\`}

// rate is the share of events that satisfy a need.
func (p *Profile) rate(field string, n *eql.Need) float64 {
	if p != nil {
		if r, ok := p.Rates[needName(field, n)]; ok {
			return r
		}
	}
	common, isCommon := commonFields[field]
	switch {
	case n.Op == eql.Exists && isCommon:
		return 1
	case n.Op == eql.Exists:
		return 0.3
	case isCommon:
		return common
	case n.Op == eql.Exact:
		return 0.004
	case n.Op == eql.Equal:
		return 0.02
	}
	return partRate(n.Text)
}

// partRate is how often values hold a piece: long pieces are rarer, unless
// every path has them.
func partRate(text string) float64 {
	text = strings.ToLower(text)
	for _, c := range commonParts {
		if strings.Contains(c, text) {
			return 0.3
		}
	}
	switch n := len(text); {
	case n <= 1:
		return 0.9
	case n <= 3:
		return 0.1
	case n <= 6:
		return 0.02
	}
	return 0.005
}

// needName is the name of a need in a profile.
func needName(field string, n *eql.Need) string {
	text := n.Text
	if n.Op == eql.Equal {
		text = n.Value.String()
	}
	return field + " " + n.Op.String() + " " + text
}
