package engine

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/sequence"
)

func tie(m event.Meta, content string) string { return string(AppendTie(nil, &m, []byte(content))) }

// TestIdentity: what makes two readings the same event (DESIGN §3).
func TestIdentity(t *testing.T) {
	full := event.Meta{Computer: "Host.Example", Channel: "Security", Record: "7", Logged: "2020-01-01T00:00:00Z", DocID: "ix/1"}
	at := func(logged string) event.Meta {
		return event.Meta{Computer: "h", Channel: "c", Record: "7", Logged: logged}
	}
	stored := event.Meta{Computer: "Host.Example", DocID: "ix/1"}
	for _, tc := range []struct {
		name    string
		meta    event.Meta
		content string
		want    string
	}{
		{"record, folded", full, "a", "host.example/security/7@2020-01-01T00:00:00Z"},
		{"EVTX", at("2020-01-01T00:00:00.1200456Z"), "a", "h/c/7@2020-01-01T00:00:00.12Z"},
		{"winlogbeat", at("2020-01-01T00:00:00.120Z"), "a", "h/c/7@2020-01-01T00:00:00.12Z"},
		{"whole seconds", at("2020-01-01T00:00:00.0000000Z"), "a", "h/c/7@2020-01-01T00:00:00Z"},
		{"a zone", at("2020-01-01T00:00:00.5+07:00"), "a", "h/c/7@2020-01-01T00:00:00.5+07:00"},
		{"no fraction", at("2020-01-01 00:00:00"), "a", "h/c/7@2020-01-01 00:00:00"},
		{"nothing behind the point", at("2020-01-01T00:00:00."), "a", "h/c/7@2020-01-01T00:00:00"},
		{"stored document", stored, "a", "ix/1"},
		{"content", event.Meta{}, "a", "sha256:ca978112ca1bbdcafac231b39a23dc4d"},
		{"nothing at all", event.Meta{}, "", "sha256:e3b0c44298fc1c149afbf4c8996fb924"},
	} {
		if got := Identity(tie(tc.meta, tc.content)); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
	for _, damaged := range []string{"", "short", strings.Repeat("\xff", 20)} {
		if got := Identity(damaged); got != "" {
			t.Errorf("damaged tie %q has identity %q", damaged, got)
		}
	}
}

// TestTieOrder: host, then channel, then number with none last, whatever else.
func TestTieOrder(t *testing.T) {
	ordered := []event.Meta{
		{Computer: "A", Channel: "security", Record: "9"},
		{Computer: "a", Channel: "Security", Record: "10"},
		{Computer: "a", Channel: "Security", Sequence: "11"},
		{Computer: "a", Channel: "Security", Record: "none"},
		{Computer: "a", Channel: "Sysmon", Record: "1"},
		{Computer: "a.b", Channel: "", Record: "1"},
		{Computer: "B", Channel: "", Record: "0"},
	}
	ties := make([]string, len(ordered))
	for i, m := range ordered {
		ties[i] = tie(m, "x")
	}
	if !slices.IsSorted(ties) {
		t.Errorf("ties are not in order: %q", ties)
	}
}

// TestMerger: hits of the same event count once a stage, whatever the order in
// which they were read, since they are merged in the order of their ties.
func TestMerger(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var hits []sequence.Hit
		want := map[string]bool{}
		for range rapid.IntRange(1, 20).Draw(rt, "n") {
			record := rapid.SampledFrom([]string{"1", "2", "3"}).Draw(rt, "record")
			stage := rapid.Int32Range(0, 1).Draw(rt, "stage")
			m := event.Meta{Computer: "h", Channel: "c", Record: record, Logged: "l"}
			hits = append(hits, sequence.Hit{Stage: stage, Time: 5, Tie: tie(m, "same")})
			want[record+string(rune('0'+stage))] = true
		}
		slices.SortFunc(hits, func(a, b sequence.Hit) int { return a.Compare(&b) })
		var merger Merger
		kept := 0
		for i := range hits {
			if merger.Keep(&hits[i]) {
				kept++
			}
		}
		if kept != len(want) || merger.Repeats != len(hits)-kept || merger.Differing != 0 {
			rt.Fatalf("kept %d of %d, repeats %d, differing %d; want %d kept", kept, len(hits), merger.Repeats, merger.Differing, len(want))
		}
	})
}

// TestMergerContent: of two contents under one identity the smaller hash stays.
func TestMergerContent(t *testing.T) {
	m := event.Meta{Computer: "h", Channel: "c", Record: "1", Logged: "l"}
	hits := []sequence.Hit{{Time: 1, Tie: tie(m, "one")}, {Time: 1, Tie: tie(m, "two")}}
	slices.SortFunc(hits, func(a, b sequence.Hit) int { return a.Compare(&b) })
	var merger Merger
	if !merger.Keep(&hits[0]) || merger.Keep(&hits[1]) {
		t.Error("the first in order stays, the other goes")
	}
	if merger.Differing != 1 || merger.Repeats != 1 {
		t.Errorf("repeats %d, differing %d, want 1 and 1", merger.Repeats, merger.Differing)
	}
}

// TestChecksum: every byte and the length count, and the value stays what it is
// (it orders contents of one identity).
func TestChecksum(t *testing.T) {
	seen := map[uint64]bool{}
	content := []byte(strings.Repeat("a", 100))
	for n := range content {
		for _, b := range [][]byte{content[:n], append(append(append([]byte{}, content[:n]...), 'b'), content[n+1:]...)} {
			if sum := checksum(b); seen[sum] {
				t.Fatalf("%d bytes: the checksum of other content", n)
			} else {
				seen[sum] = true
			}
		}
	}
	if got := checksum([]byte("tocsin")); got != 0x6c24fc790651e86a {
		t.Errorf("got %#x", got)
	}
}
