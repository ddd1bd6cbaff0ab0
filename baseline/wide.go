package baseline

import (
	_ "embed"
	"fmt"

	"github.com/tocsin-project/tocsin/strategy"
)

// WideID is the id of the strategy that learning adds to the others.
const WideID = "baseline-remote-service-start"

//go:embed wide.md
var wideSource []byte

// Wide returns the flagship strategy's rule without its list of known programs:
// every service that is started from elsewhere. Its matches are no alerts.
func Wide() (*strategy.Strategy, error) {
	list, problems := strategy.Parse("wide.md", wideSource)
	if len(list) != 1 || strategy.HasErrors(problems) {
		return nil, fmt.Errorf("read the strategy that learning uses: %v", problems)
	}
	return list[0], nil
}

// Learners returns what runs when a baseline is learnt: the strategies, which
// say what alerts, and Wide. They ask no context questions, since only Wide's
// are needed, and fold nothing, since a folded alert would look quiet.
func Learners(strategies []*strategy.Strategy) ([]*strategy.Strategy, error) {
	wide, err := Wide()
	if err != nil {
		return nil, err
	}
	out := []*strategy.Strategy{wide}
	for _, s := range strategies {
		if s.ID == WideID {
			continue
		}
		bare := *s
		bare.Context, bare.Suppression = nil, nil
		out = append(out, &bare)
	}
	return out, nil
}
