package engine

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
)

func profileOf(t *testing.T, names ...string) (*Profile, *event.Schema) {
	t.Helper()
	s := event.NewSchema(event.ECSTypes())
	slot := s.Slot("process.name")
	s.Slot("process.pid")
	p, ev := NewProfiler(s), event.New(s)
	for _, name := range names {
		ev.Reset(nil)
		if name != "" {
			text := []byte(name) // the event's memory is used again
			ev.Add(slot, event.Text(ev.Text(text)))
			ev.Clear(slot)
			ev.Add(slot, event.Text(ev.Text(text)))
		}
		p.Add(ev)
	}
	return p.Profile(), s
}

// TestProfiler: shares of all events, folded, each event once.
func TestProfiler(t *testing.T) {
	p, _ := profileOf(t, "A.exe", "a.exe", "B.exe", "")
	want := &Profile{Events: 4, Fields: map[string]*FieldProfile{
		"process.name": {Present: 0.75, Values: map[string]float64{"a.exe": 0.5, "b.exe": 0.25}},
	}}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got %+v, want %+v", p.Fields["process.name"], want.Fields["process.name"])
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	if back, err := ReadProfile(&b); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("reads back as %+v, %v", back, err)
	}
}

// TestRates: known values count as measured, others for little.
func TestRates(t *testing.T) {
	p, s := profileOf(t, `c:\a\svchost.exe`, `c:\a\svchost.exe`, `c:\b\cmd.exe`, "")
	rate := p.rater(s)
	slot, _ := s.Lookup("process.name")
	need := func(op eql.GuardOp, text string, skip int) float64 {
		return rate(&eql.Need{Slot: slot, Op: op, Text: text, Skip: skip})
	}
	for _, c := range []struct {
		name string
		got  float64
		low  float64
		high float64
	}{
		{"exists", need(eql.Exists, "", 0), 0.75, 0.75},
		{"exact", need(eql.Exact, `C:\a\SVCHOST.exe`, 0), 0.5, 0.5},
		{"rare", need(eql.Exact, "rare.exe", 0), 0, 0.01},
		{"prefix", need(eql.Prefix, `:\a\`, 1), 0.5, 0.52},
		{"suffix", need(eql.Suffix, `cmd.exe`, 0), 0.25, 0.27},
		{"contains", need(eql.Contains, `.exe`, 0), 0.75, 0.8},
	} {
		if c.got < c.low || c.got > c.high {
			t.Errorf("%s: rate %v, want %v to %v", c.name, c.got, c.low, c.high)
		}
	}
}

// TestDefaultProfile: it reads, and knows what every Windows host has.
func TestDefaultProfile(t *testing.T) {
	p := DefaultProfile()
	if p == nil || p.Fields["process.name"].Values["svchost.exe"] == 0 {
		t.Error("the default profile does not know svchost.exe")
	}
}
