package coverage

import (
	"fmt"
	"strings"

	"github.com/tocsin-project/tocsin/strategy/attack"
)

// The colours of the layer, told apart by those who cannot tell red from green.
const (
	colorCovered  = "#1b9e77"
	colorPartly   = "#a6d8c4"
	colorUnproven = "#f2c14e"
	colorBlind    = "#c0392b"
)

// Navigator is the report as a layer of the ATT&CK Navigator: of each technique
// the share of hosts on which some strategy covers it, and a colour for covered,
// covered on some hosts, unproven and blind.
func (r *Report) Navigator() *attack.Layer {
	l := attack.NewLayer("tocsin coverage", fmt.Sprintf("What %d strategies can see on %d hosts, by %d events", len(r.Strategies), len(r.Hosts), r.Events))
	best := map[[2]string]map[string]Status{}
	for i := range r.Strategies {
		s := &r.Strategies[i]
		for _, t := range s.source.Threat {
			if t.Technique == "" {
				continue
			}
			l.Add(t.Tactic, t.Technique, fmt.Sprintf("%s: covered on %d hosts, unproven on %d, blind on %d", s.Title, s.Covered, s.Unproven, s.Blind))
			key := [2]string{t.Technique, tacticName(t.Tactic)}
			if best[key] == nil {
				best[key] = map[string]Status{}
			}
			for host, st := range s.best {
				if old, ok := best[key][host]; !ok || st.rank() > old.rank() {
					best[key][host] = st
				}
			}
		}
	}
	for i := range l.Techniques {
		t := &l.Techniques[i]
		t.Score, t.Color = paint(best[[2]string{t.TechniqueID, t.Tactic}])
	}
	l.Gradient = attack.LayerGradient{Colors: []string{colorBlind, colorUnproven, colorCovered}, MinValue: 0, MaxValue: 100}
	l.LegendItems = []attack.LegendItem{
		{Label: "covered on every host", Color: colorCovered}, {Label: "covered on some hosts", Color: colorPartly},
		{Label: "unproven", Color: colorUnproven}, {Label: "blind", Color: colorBlind},
	}
	return l
}

func tacticName(id string) string {
	o, _ := attack.Lookup(id)
	return strings.ReplaceAll(strings.ToLower(o.Name), " ", "-")
}

// paint is the share of covered hosts in per cent, and the colour.
func paint(hosts map[string]Status) (score int, color string) {
	covered, unproven := 0, 0
	for _, s := range hosts {
		switch s {
		case Covered:
			covered++
		case Unproven:
			unproven++
		}
	}
	if len(hosts) > 0 {
		score = 100 * covered / len(hosts)
	}
	switch {
	case covered > 0 && covered == len(hosts):
		return score, colorCovered
	case covered > 0:
		return score, colorPartly
	case unproven > 0:
		return score, colorUnproven
	}
	return score, colorBlind
}
