package strategies_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/simulate"
)

// TestArrivalChangesNothing plays every attack on a small fleet among everyday
// activity, once in order and once with documents that come out of order, late
// and twice, in several files: the alerts have the same ids.
func TestArrivalChangesNothing(t *testing.T) {
	e := compile(t, load(t)...)
	cfg := simulate.Config{Seed: 77, Start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Duration: time.Hour, Hosts: 6,
		Noise: 3, Ordinary: 10, Sources: []simulate.Source{simulate.Sysmon, simulate.Native}}
	for _, s := range simulate.Scenarios() {
		if s.Attack {
			cfg.Scenarios = append(cfg.Scenarios, s.Name)
		}
	}
	calm := alertIDs(t, e, [][]byte{simulated(t, cfg)})
	cfg.Disorder, cfg.Late, cfg.LateBy = 20*time.Second, 0.2, 20*time.Minute
	wild := bytes.SplitAfter(simulated(t, cfg), []byte("\n"))
	var files [][]byte
	for part := range slices.Chunk(wild, len(wild)/5+1) {
		files = append(files, bytes.Join(part, nil))
	}
	files = append(files, bytes.Join(wild[len(wild)/3:len(wild)/2], nil)) // read again
	if got := alertIDs(t, e, files); !slices.Equal(got, calm) {
		t.Errorf("%d alerts %q\nin order %d %q", len(got), got, len(calm), calm)
	}
	if len(calm) < 20 {
		t.Errorf("%d alerts for %d attacks", len(calm), len(cfg.Scenarios))
	}
}

func simulated(t *testing.T, cfg simulate.Config) []byte {
	t.Helper()
	g, err := simulate.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := g.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// alertIDs scans the files together and returns the alerts' ids, sorted.
func alertIDs(t *testing.T, e *engine.Engine, files [][]byte) []string {
	t.Helper()
	dir := t.TempDir()
	for i, f := range files {
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".ndjson"), f, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := &pipeline.Scan{Engine: e, Paths: []string{dir}, Native: true, Jobs: 2, TmpDir: t.TempDir()}
	r, err := s.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var ids []string
	for _, f := range r.Findings {
		a, err := r.Alert(f)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.ID)
	}
	slices.Sort(ids)
	return ids
}
