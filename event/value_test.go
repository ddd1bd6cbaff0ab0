package event

import (
	"math/rand"
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	plainFold := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		}, s)
	}
	r := rand.New(rand.NewSource(3))
	ev := New(NewSchema(nil))
	const letters = "azAZ@[`{0\\ ÄéÉK\u212a漢"
	chars := []rune(letters)
	for range 5000 {
		var b strings.Builder
		for range r.Intn(40) {
			b.WriteRune(chars[r.Intn(len(chars))])
		}
		s := b.String()
		before, want := strings.Clone(s), plainFold(s)
		v, w := Text(s), Text(s)
		if got := FoldASCII(s); got != want {
			t.Fatalf("FoldASCII(%q) = %q", s, got)
		}
		for range 2 {
			if got := v.Fold(); got != want {
				t.Fatalf("%q folds to %q", s, got)
			}
			if got := ev.Fold(&w); got != want {
				t.Fatalf("%q folds to %q in the arena", s, got)
			}
		}
		if s != before {
			t.Fatalf("folding changed its argument: %q", s)
		}
	}
	for c := range 256 {
		s := "1234567" + string([]byte{byte(c)}) + "AB"
		want := s
		if c >= 'A' && c <= 'Z' {
			want = "1234567" + string([]byte{byte(c + 32)}) + "AB"
		}
		if got := FoldASCII(s); got != want[:8]+"ab" {
			t.Errorf("byte %#x folds to %q", c, got)
		}
	}
}

// The slots of a record hold what was added, in order, whatever the order of
// the slots and the records before.
func TestAddAgainstModel(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	s := schemaOf("a", "b", "c", "d")
	ev := New(s)
	for range 2000 {
		ev.Reset(nil)
		model := make([][]int64, s.Len())
		for range r.Intn(60) {
			slot, n := r.Intn(s.Len()), r.Int63()
			switch r.Intn(12) {
			case 0:
				ev.Clear(slot)
				model[slot] = nil
			case 1:
				ev.Values(slot)
			case 2:
				ev.Add(slot, Value{}) // null: dropped
			default:
				ev.Add(slot, Long(n))
				model[slot] = append(model[slot], n)
			}
		}
		for slot, want := range model {
			got := ev.Values(slot)
			if len(got) != len(want) || ev.Has(slot) != (len(want) > 0) {
				t.Fatalf("slot %d: %d values, want %d", slot, len(got), len(want))
			}
			for i := range got {
				if int64(got[i].N) != want[i] || got[i].S != "" || got[i].fold != nil {
					t.Fatalf("slot %d: value %d is %+v, want %d", slot, i, got[i], want[i])
				}
			}
		}
	}
}

func TestSchemaGrows(t *testing.T) {
	s := schemaOf("a")
	ev := New(s)
	late := s.Slot("late")
	if ev.Has(late) || ev.Values(late) != nil {
		t.Error("a new slot holds something")
	}
	ev.Clear(late)
	ev.Add(late, Text("x"))
	if v := ev.Values(late); len(v) != 1 || v[0].S != "x" {
		t.Errorf("%v", v)
	}
	ev.Reset(nil)
	if ev.Has(late) {
		t.Error("kept over a reset")
	}
}

func TestHugeDocumentsAreLetGo(t *testing.T) {
	s := schemaOf("a")
	ev := New(s)
	ev.Text(make([]byte, keepArena+1))
	for range keepVals + 1 {
		ev.Add(0, Long(1))
	}
	ev.Reset(nil)
	if cap(ev.arena) > keepArena || cap(ev.vals) > keepVals {
		t.Errorf("%d bytes and %d values are kept", cap(ev.arena), cap(ev.vals))
	}
}
