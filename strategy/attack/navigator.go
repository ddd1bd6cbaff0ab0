package attack

import (
	"slices"
	"strings"
)

// Layer is a layer of the ATT&CK Navigator, format 4.5.
type Layer struct {
	Name        string            `json:"name"`
	Versions    map[string]string `json:"versions"`
	Domain      string            `json:"domain"`
	Description string            `json:"description"`
	Techniques  []LayerTechnique  `json:"techniques"`
	Gradient    LayerGradient     `json:"gradient"`
	LegendItems []LegendItem      `json:"legendItems,omitempty"`
}

// LegendItem says what a colour stands for.
type LegendItem struct {
	Label string `json:"label"`
	Color string `json:"color"`
}

// LayerTechnique is one technique of one tactic, scored by how many
// strategies name it.
type LayerTechnique struct {
	TechniqueID string `json:"techniqueID"`
	Tactic      string `json:"tactic,omitempty"` // as the Navigator has it: lateral-movement
	Score       int    `json:"score"`
	Color       string `json:"color,omitempty"` // instead of the gradient's
	Comment     string `json:"comment"`
	Enabled     bool   `json:"enabled"`
}

// LayerGradient colours the scores.
type LayerGradient struct {
	Colors   []string `json:"colors"`
	MinValue int      `json:"minValue"`
	MaxValue int      `json:"maxValue"`
}

// NewLayer returns an empty layer.
func NewLayer(name, description string) *Layer {
	major, _, _ := strings.Cut(strings.TrimPrefix(Version, "v"), ".")
	return &Layer{Name: name, Domain: "enterprise-attack", Description: description,
		Versions:   map[string]string{"attack": major, "layer": "4.5"},
		Techniques: []LayerTechnique{}, Gradient: LayerGradient{[]string{"#ffffff", "#ff6666"}, 0, 1}}
}

// Add counts what names a technique of a tactic; the tactic's id may be empty.
func (l *Layer) Add(tactic, technique, comment string) {
	o, _ := Lookup(tactic)
	short := strings.ReplaceAll(strings.ToLower(o.Name), " ", "-")
	i, found := slices.BinarySearchFunc(l.Techniques, technique+"\x00"+short, func(t LayerTechnique, key string) int {
		return strings.Compare(t.TechniqueID+"\x00"+t.Tactic, key)
	})
	if !found {
		l.Techniques = slices.Insert(l.Techniques, i, LayerTechnique{TechniqueID: technique, Tactic: short, Comment: comment, Enabled: true})
	} else {
		l.Techniques[i].Comment += "\n" + comment
	}
	l.Techniques[i].Score++
	l.Gradient.MaxValue = max(l.Gradient.MaxValue, l.Techniques[i].Score)
}
