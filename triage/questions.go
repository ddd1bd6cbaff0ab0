package triage

import (
	"embed"
	"strings"
	"sync"

	"github.com/tocsin-project/tocsin/strategy"
)

//go:embed questions.md questions.vi.md
var questions embed.FS

// shippedQuestions is questions.md with its translation.
var shippedQuestions = sync.OnceValue(func() *strategy.Strategy {
	list, _ := strategy.LoadFS(questions)
	if len(list) != 1 {
		return &strategy.Strategy{} // a test holds that it is one
	}
	return list[0]
})

// Questions returns what is asked on alerts of a strategy whose document has no
// context queries of its own: the queries of questions.md, if it looks for
// lateral movement by remote services or service execution (T1021, T1569) on
// Windows; nil for any other. It is what engine.Options.Questions takes.
//
// Strategies share the queries, so that a hundred rules without questions cost
// no more than one.
func Questions() func(*strategy.Strategy) []strategy.ContextQuery {
	shipped := shippedQuestions().Context
	return func(s *strategy.Strategy) []strategy.ContextQuery {
		if !lateral(s) || !onWindows(s) {
			return nil
		}
		return shipped
	}
}

func lateral(s *strategy.Strategy) bool {
	for _, t := range s.Threat {
		id, _, _ := strings.Cut(t.Technique, ".")
		if id == "T1021" || id == "T1569" {
			return true
		}
	}
	return false
}

// onWindows looks at what the rules ask of host.os.type, then at what they read.
func onWindows(s *strategy.Strategy) bool {
	other := false
	for i := range s.Rules {
		q := strings.ToLower(s.Rules[i].Query)
		if strings.Contains(q, `"windows"`) {
			return true
		}
		other = other || strings.Contains(q, `"linux"`) || strings.Contains(q, `"macos"`)
	}
	if other {
		return false
	}
	reads := strings.ToLower(strings.Join(s.IndexPatterns, " ") + " " + strings.Join(s.DataSources, " "))
	for _, word := range [...]string{"winlogbeat", "windows", "sysmon", "system.security"} {
		if strings.Contains(reads, word) {
			return true
		}
	}
	return false
}
