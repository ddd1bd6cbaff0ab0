package journal

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// Blobs come back as they were put, from memory and from files, whoever wrote them.
func TestEvidence(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		store := NewEvidence(t.TempDir(), rapid.IntRange(1, 4096).Draw(rt, "budget"))
		writers := []*EvidenceWriter{store.Writer(), store.Writer(), store.Writer()}
		want := map[Ref][]byte{}
		for i := range rapid.IntRange(0, 200).Draw(rt, "n") {
			blob := bytes.Repeat(fmt.Appendf(nil, "%d,", i), rapid.IntRange(0, 300).Draw(rt, "len"))
			ref, err := writers[rapid.IntRange(0, 2).Draw(rt, "writer")].Put(blob)
			if err != nil {
				rt.Fatal(err)
			}
			if _, taken := want[ref]; taken {
				rt.Fatalf("ref %d given twice", ref)
			}
			want[ref] = blob
		}
		for ref, blob := range want {
			got, err := store.Get(ref)
			if err != nil || !bytes.Equal(got, blob) {
				rt.Fatalf("ref %d: got %d bytes, %v; want %d", ref, len(got), err, len(blob))
			}
		}
		if _, err := store.Get(1 << 60); err == nil {
			rt.Fatal("a foreign ref was found")
		}
		if err := store.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}
