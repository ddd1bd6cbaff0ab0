package pipeline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
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
