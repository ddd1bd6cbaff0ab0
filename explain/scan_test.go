package explain_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/explain"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/strategy"
)

// TestMatchesAsScan: what explain calls a match is what scan reports, for every
// shipped strategy over its own cases and over the recordings, if they are here.
func TestMatchesAsScan(t *testing.T) {
	list, problems := strategy.Load([]string{"../strategies"})
	if strategy.HasErrors(problems) || len(list) == 0 {
		t.Fatal(problems)
	}
	recordings := filepath.Join(shared, "recordings")
	if _, err := os.Stat(recordings); err != nil {
		recordings = ""
	}
	total := 0
	for _, s := range list {
		t.Run(s.ID, func(t *testing.T) {
			paths := []string{filepath.Join("../strategies/testdata", s.ID)}
			if recordings != "" {
				paths = append(paths, recordings)
			}
			one := *s
			one.Suppression = nil
			eng, broken := engine.New([]*strategy.Strategy{&one}, engine.Options{})
			if len(broken) > 0 {
				t.Fatal(broken)
			}
			want := map[string]int{}
			scan := pipeline.Scan{Engine: eng, Paths: paths, Native: true, TmpDir: t.TempDir()}
			found, err := scan.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer found.Close()
			for _, f := range found.Findings {
				want[f.Variant]++
			}
			eng, _ = engine.New([]*strategy.Strategy{&one}, engine.Options{})
			x := explain.Explain{Engine: eng, Paths: paths, Native: true, TmpDir: t.TempDir()}
			r, err := x.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			native := 0
			for _, v := range r.Variants {
				if v.Native {
					native += v.MatchCount
					continue
				}
				if v.MatchCount != want[v.Variant] {
					t.Errorf("variant %q: %d matches, scan finds %d", v.Variant, v.MatchCount, want[v.Variant])
				}
				total += v.MatchCount
			}
			if native < want[engine.NativeVariant] || native > 0 && want[engine.NativeVariant] == 0 {
				// scan reports one alert where two variants are completed by one event
				t.Errorf("native: %d matches, scan finds %d", native, want[engine.NativeVariant])
			}
			total += native
		})
	}
	if total == 0 {
		t.Error("nothing matched")
	}
}
