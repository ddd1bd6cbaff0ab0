package pipeline_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/simulate"
)

// TestSameAlertsInEveryForm: what winlogbeat, XML and EVTX tell of one story is
// the same alerts, one by one and all together: they write the same instant with
// more or fewer digits, and it is one event.
func TestSameAlertsInEveryForm(t *testing.T) {
	var attacks []string
	for _, s := range simulate.Scenarios() {
		attacks = append(attacks, s.Name)
	}
	forms := [][]simulate.Source{{simulate.Sysmon, simulate.Native}, {simulate.SysmonXML, simulate.NativeXML}}
	g, err := simulate.New(simulate.Config{Seed: 5, Start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Hosts: 3, Scenarios: attacks,
		Sources: append(slices.Concat(forms...), simulate.EVTX)})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string) *os.File {
		t.Helper()
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	var paths [3][]string
	if _, err := g.Split(func(s simulate.Source) (io.Writer, error) {
		if s == simulate.EVTX {
			return io.Discard, nil
		}
		f := file(s.String())
		t.Cleanup(func() { _ = f.Close() })
		i := slices.IndexFunc(forms, func(form []simulate.Source) bool { return slices.Contains(form, s) })
		paths[i] = append(paths[i], f.Name())
		return f, nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.EVTX(func(computer, name string) (io.WriteCloser, error) {
		f := file(computer + "-" + name)
		paths[2] = append(paths[2], f.Name())
		return f, nil
	}); err != nil {
		t.Fatal(err)
	}
	eng := shippedEngine(t)
	ids := func(paths []string) []string {
		t.Helper()
		r, err := (&pipeline.Scan{Engine: eng, Paths: paths, Native: true, Jobs: 2, TmpDir: dir}).Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var out []string
		for _, f := range r.Findings {
			out = append(out, f.Name()+" "+f.ID)
		}
		slices.Sort(out)
		return out
	}
	want := ids(paths[0])
	if len(want) < 30 {
		t.Fatalf("%d alerts: too few to compare", len(want))
	}
	for _, p := range [][]string{paths[1], paths[2], slices.Concat(paths[:]...)} {
		if d := differ(ids(p), want); d != "" {
			t.Errorf("%v: %s", p[0], d)
		}
	}
}
