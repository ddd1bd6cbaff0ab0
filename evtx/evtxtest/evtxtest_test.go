package evtxtest

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/evtx"
)

func TestErrors(t *testing.T) {
	f := func(want string, e Event) {
		t.Helper()
		if _, err := File(e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("GUID", Event{ProviderGUID: "{12}"})
	f("GUID", Event{ActivityID: "no"})
	f("SID", Event{UserSID: "S-1"})
	f("SID", Event{UserSID: "S-1-5-x"})
	big := Event{Data: []Data{{"a", String(strings.Repeat("x", 40000))}}}
	if _, err := File(big); !errors.Is(err, errTooLarge) {
		t.Errorf("error %v for an event of 80 KB", err)
	}
}

// TestFull fills chunks to the brim with events of all sizes: an event that does
// not fit starts the next chunk and leaves nothing behind.
func TestFull(t *testing.T) {
	var list []Event
	for i := range 200 {
		list = append(list, Event{ID: uint16(i), Data: []Data{
			{Name: strings.Repeat("n", i%50+1), Value: String(strings.Repeat("v", i*97%9000))},
		}})
	}
	list[0].RecordID = 1000
	file, err := File(list...)
	if err != nil {
		t.Fatal(err)
	}
	f, err := evtx.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for r, err := range f.Records(evtx.Options{Carve: true}) {
		if err != nil {
			t.Fatal(err)
		}
		want := list[i].Data[0]
		if r.ID != uint64(1000+i) || r.EventID() != uint32(i) || r.Data[0].Name != want.Name ||
			r.Data[0].Value.String() != want.Value.String() || r.Carved {
			t.Fatalf("record %d: id %d, event %d", i, r.ID, r.EventID())
		}
		i++
	}
	if i != len(list) {
		t.Errorf("%d of %d records", i, len(list))
	}
}
