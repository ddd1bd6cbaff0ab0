package pipeline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
)

// TestInterruptible: the bytes and the error of the source come through as they
// are, whatever the sizes of reads.
func TestInterruptible(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	want := make([]byte, 3*pieceSize+17)
	for i := range want {
		want[i] = byte(rng.Uint32())
	}
	for name, src := range map[string]io.Reader{
		"whole": bytes.NewReader(want), "halves": iotest.HalfReader(bytes.NewReader(want)), "with EOF": iotest.DataErrReader(bytes.NewReader(want)),
	} {
		got, err := io.ReadAll(iotest.HalfReader(Interruptible(t.Context(), src)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	bad := errors.New("bad disk")
	got, err := io.ReadAll(Interruptible(t.Context(), io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(bad))))
	if string(got) != "ab" || !errors.Is(err, bad) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestInterruptibleWaiting: a source that gives nothing ends when ctx does.
func TestInterruptibleWaiting(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = out.Write([]byte("first"))
		cancel()
	}()
	got, err := io.ReadAll(Interruptible(ctx, in))
	if err != nil || len(got) > 0 && string(got) != "first" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestInterruptedScan: a scan of files that is interrupted in the middle joins
// what it has read, and says that it is partial.
func TestInterruptedScan(t *testing.T) {
	list, problems := strategy.Parse("s.md", []byte("# S\n\n## Technical Context\n\n```eql\nprocess where process.name == \"cmd.exe\"\n```\n"))
	for _, p := range problems {
		t.Fatal(p.Render())
	}
	eng, broken := engine.New(list, engine.Options{})
	for _, p := range broken {
		t.Fatal(p)
	}
	const n = 20_000
	path := filepath.Join(t.TempDir(), "long.ndjson")
	if err := os.WriteFile(path, []byte(sysmonLines(n)), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	scan := &Scan{Engine: eng, Paths: []string{path}, Jobs: 2, TmpDir: t.TempDir(), Source: source.Options{
		BlockSize: 10_000,
		Progress: func(read, total int64, _ string) {
			if read > total/4 {
				cancel()
			}
		},
	}}
	r, err := scan.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !r.Summary.Partial || r.Summary.Events == 0 || r.Summary.Events == n || r.Summary.Alerts != r.Summary.Events {
		t.Errorf("partial %v, %d events, %d alerts", r.Summary.Partial, r.Summary.Events, r.Summary.Alerts)
	}
	if _, err := r.Alert(r.Findings[0]); err != nil {
		t.Error(err)
	}
}
