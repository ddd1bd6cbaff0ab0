package sequence

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestSeries runs Elasticsearch's own state-machine cases.
func TestSeries(t *testing.T) {
	const file = "../../shared/eql/conformance/sequences_series.json"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Skip("the conformance suites are not here:", err)
	}
	type event struct {
		ID  string
		Key *string
		TS  int64
	}
	var suite struct {
		Cases []struct {
			Name     string
			Stages   [][]event
			Expected []struct {
				Key    *string
				Events []string
			}
		}
	}
	if err := json.Unmarshal(data, &suite); err != nil {
		t.Fatal(err)
	}
	key := func(k *string) string {
		if k == nil {
			return "null"
		}
		return *k
	}
	for _, c := range suite.Cases {
		t.Run(c.Name, func(t *testing.T) {
			ids := map[Hit]string{}
			keys := map[string][]Hit{}
			for i, stage := range c.Stages {
				for _, e := range stage {
					h := Hit{Stage: int32(i), Key: key(e.Key), Time: e.TS}
					ids[h] = e.ID
					keys[h.Key] = append(keys[h.Key], h)
				}
			}
			var want, got []string
			for _, x := range c.Expected {
				want = append(want, key(x.Key)+" "+strings.Join(x.Events, " "))
			}
			spec := plain(len(c.Stages), Options{})
			var matches []Match
			for _, hits := range keys {
				slices.SortFunc(hits, func(a, b Hit) int { return a.Compare(&b) })
				matches = append(matches, Join(spec, hits)...)
			}
			slices.SortFunc(matches, func(a, b Match) int { return a.Compare(&b) })
			for _, m := range matches {
				s := m.Key
				for _, h := range m.Hits {
					s += " " + ids[h]
				}
				got = append(got, s)
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	t.Logf("%d cases", len(suite.Cases))
}

// plain is a spec of n positive stages.
func plain(n int, o Options) *Spec {
	stages := make([]StageSpec, n)
	for i := range stages {
		stages[i].Like = int32(i)
	}
	return NewSpec(stages, o)
}
