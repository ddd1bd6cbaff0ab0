package validate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/strategy"
)

// Evasion is one way to change an attack, tried on every alert case of a
// strategy.
type Evasion struct {
	Strategy string   `json:"strategy"`
	Name     string   `json:"evasion"`
	Tried    int      `json:"tried"` // cases that the change touches
	Slips    int      `json:"slips"` // of them, those that no longer alert
	Cases    []string `json:"cases"` // their names
	Why      string   `json:"why"`   // what the first of them failed at
	Section  string   `json:"section"`
	// Admitted is the sentence of the document's blind spots that speaks of
	// it, "" if none does.
	Admitted string `json:"admitted"`
}

// Evade tries every evasion on the alert cases of strategies. A strategy whose
// document has no case, or no case in JSON, has none.
func Evade(ctx context.Context, list []*strategy.Strategy, opt Options) ([]Evasion, error) {
	var out []Evasion
	for _, s := range list {
		eng, _ := engine.New([]*strategy.Strategy{s}, engine.Options{Now: opt.Now}) // Run reports what is wrong
		if len(eng.Rules) == 0 {
			continue
		}
		l := &line{eng: eng, tmp: opt.TmpDir}
		found, err := l.evade(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("try evasions of %s: %w", s.ID, err)
		}
		out = append(out, found...)
	}
	return out, nil
}

func (l *line) evade(ctx context.Context, s *strategy.Strategy) ([]Evasion, error) {
	cases, err := l.baseline(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []Evasion
	for _, m := range mutations() {
		e := Evasion{Strategy: s.ID, Name: m.name, Cases: []string{}, Section: strategy.BlindSpots.String()}
		for i := range cases {
			data, touched := cases[i].mutate(m)
			if !touched {
				continue
			}
			e.Tried++
			alerts, err := l.alerts(ctx, data)
			if err != nil {
				return nil, err
			}
			if !alerts {
				e.Slips++
				e.Cases = append(e.Cases, cases[i].name)
				if e.Slips > 1 {
					continue
				}
				if e.Why, err = l.why(data, ""); err != nil {
					return nil, err
				}
			}
		}
		if e.Tried == 0 {
			continue
		}
		e.Admitted = admitted(s, m.topics)
		out = append(out, e)
	}
	return out, nil
}

// alerts reports whether a case alerts.
func (l *line) alerts(ctx context.Context, data []byte) (bool, error) {
	got, err := l.scan(ctx, data)
	if err != nil {
		return false, err
	}
	return got.result.Summary.Alerts > 0, got.result.Close()
}

// baseline are the alert cases that can be changed: JSON documents, one a line,
// that alert as they are.
func (l *line) baseline(ctx context.Context, s *strategy.Strategy) ([]attack, error) {
	var out []attack
	for _, t := range trialsOf(s) {
		if t.kind != strategy.Alert || t.err != nil {
			continue
		}
		docs, ok := parseLines(t.data)
		if !ok {
			continue
		}
		got, err := l.scan(ctx, t.data)
		if err != nil {
			return nil, err
		}
		a := attack{name: t.name, docs: docs}
		// The rules in the order of the document: ids, which order what is
		// of one time, say nothing.
		findings := slices.Clone(got.result.Findings)
		slices.SortStableFunc(findings, func(x, y *pipeline.Finding) int { return cmp.Compare(x.Rule.Source.Line, y.Rule.Source.Line) })
		for _, f := range findings {
			if alert, err := got.result.Alert(f); err == nil && a.lines == nil {
				for i := range alert.Events {
					if o := alert.Events[i].Origin; o != nil {
						a.lines = append(a.lines, o.Line-1)
						a.times = append(a.times, eventTime(docs, o.Line-1))
					}
				}
				if spec := f.Rule.Spec; spec != nil {
					a.span = spec.MaxSpan()
				}
			}
		}
		alerts := got.result.Summary.Alerts > 0
		if err := errors.Join(got.result.Close()); err != nil {
			return nil, err
		}
		if alerts {
			out = append(out, a)
		}
	}
	return out, nil
}

// admitted is the first passage of the blind spots that holds one of the topics.
func admitted(s *strategy.Strategy, topics []string) string {
	section := s.Section(strategy.BlindSpots)
	if section == nil {
		return ""
	}
	passages := passagesOf(section.Markdown)
	for _, topic := range topics {
		word := regexp.MustCompile(`(?i)(^|[^\pL\pN])(` + topic + `)($|[^\pL\pN])`)
		i := slices.IndexFunc(passages, word.MatchString)
		if i >= 0 {
			return passages[i]
		}
	}
	return ""
}

// passagesOf cuts Markdown into its paragraphs and list items, each on one line.
func passagesOf(text string) []string {
	var out []string
	open := false
	for _, row := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(row)
		item := strings.HasPrefix(trimmed, "- ") || strings.HasPrefix(trimmed, "* ") || strings.HasPrefix(trimmed, "|")
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
			open = false
		case open && !item:
			out[len(out)-1] += " " + trimmed
		default:
			out = append(out, strings.TrimPrefix(strings.TrimPrefix(trimmed, "- "), "* "))
			open = true
		}
	}
	return out
}
