package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/alert"
)

// started makes the event of a process start: "pid name ppid parent".
func started(t *testing.T, n int, at time.Time, pid int, name string, ppid int, parent string) *eventView {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"event": map[string]any{"category": []any{"process"}, "type": []any{"start"}},
		"process": map[string]any{"pid": pid, "name": name, "executable": `C:\` + name,
			"parent": map[string]any{"pid": ppid, "name": parent}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &eventView{Number: n, Anchor: fmt.Sprint("e", n), view: alert.NewView(raw), at: at}
}

// outline writes a tree in one line: a(b(c) d).
func outline(list []*branch) string {
	var out []string
	for _, b := range list {
		s := b.Name
		if len(b.Children) > 0 {
			s += "(" + outline(b.Children) + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestForest(t *testing.T) {
	type start struct {
		pid    int
		name   string
		ppid   int
		parent string
	}
	f := func(want string, starts ...start) {
		t.Helper()
		var events []*eventView
		for i, s := range starts {
			at := time.Unix(int64(i), 0)
			events = append(events, started(t, i+1, at, s.pid, s.name, s.ppid, s.parent))
		}
		if got := outline(forest(events)); got != want {
			t.Errorf("%v: %s, want %s", starts, got, want)
		}
	}
	f("")
	f("services.exe(a.exe)", start{2, "a.exe", 1, "services.exe"})
	f("services.exe(a.exe)", start{2, "a.exe", 1, "services.exe"}, start{2, "A.EXE", 1, "Services.exe"}) // two sensors
	f("services.exe(a.exe(b.exe c.exe))", start{2, "a.exe", 1, "services.exe"}, start{3, "b.exe", 2, "a.exe"}, start{4, "c.exe", 2, "a.exe"})
	f("services.exe(a.exe(b.exe))", start{3, "b.exe", 2, "a.exe"}, start{2, "a.exe", 1, "services.exe"}) // the child first
	f("services.exe(a.exe) x.exe(a2.exe)", start{2, "a.exe", 1, "services.exe"}, start{2, "a2.exe", 9, "x.exe"})
	f("b.exe(a.exe)", start{1, "a.exe", 2, "b.exe"}, start{2, "b.exe", 1, "a.exe"}) // each other's parent
	f("a.exe", start{1, "a.exe", 1, "a.exe"})                                       // its own
	f("services.exe(a.exe)", start{2, "a.exe", 1, ""}, start{2, "a.exe", 1, "services.exe"})
	var chain []start
	for i := range 200 {
		chain = append(chain, start{i + 1, fmt.Sprint(i + 1), i, fmt.Sprint(i)})
	}
	var events []*eventView
	for i, s := range chain {
		events = append(events, started(t, i+1, time.Unix(int64(i), 0), s.pid, s.name, s.ppid, s.parent))
	}
	roots := forest(events)
	if depth := strings.Count(outline(roots), "("); depth > maxBranches {
		t.Errorf("a chain of 200 is drawn %d deep", depth)
	}
}

func TestTimeline(t *testing.T) {
	zero := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	f := func(log bool, offsets ...time.Duration) {
		t.Helper()
		var events []*eventView
		for i, d := range offsets {
			events = append(events, &eventView{Number: i + 1, at: zero.Add(d), view: alert.View{}})
		}
		line := timelineOf(events, zero, english())
		if line.Log != log {
			t.Errorf("%v: logarithmic %t", offsets, line.Log)
		}
		marks, more, last := 0, 0, 0
		for _, l := range line.Lanes {
			more += l.More
			for _, m := range l.Marks {
				marks++
				if m.X < line.Left || m.X > line.Right || m.Y < l.Y || m.Y > l.Y+l.Height || m.X < last {
					t.Errorf("%v: mark at %d,%d outside its lane or order", offsets, m.X, m.Y)
				}
				last = m.X
			}
		}
		if marks+more != len(offsets) {
			t.Errorf("%v: %d marks and %d more", offsets, marks, more)
		}
		for i, k := range line.Ticks {
			if k.X < line.Left || k.X > line.Right || i > 0 && k.X-line.Ticks[i-1].X < 60 {
				t.Errorf("%v: tick %q at %d", offsets, k.Text, k.X)
			}
		}
		if len(line.Ticks) < 1 {
			t.Errorf("%v: no tick", offsets)
		}
	}
	f(false, 0)
	f(false, 0, 0, 0, 0, 0, 0)
	f(false, -12*time.Millisecond, 0)
	f(false, -302*time.Millisecond, -280*time.Millisecond, 0, 76*time.Millisecond)
	f(false, -3*time.Microsecond, 0)
	f(false, -time.Nanosecond, 0)
	f(true, -10*time.Minute, -200*time.Millisecond, 0, 4*time.Second)
	f(true, -80*365*24*time.Hour, 0, 80*365*24*time.Hour)
	if timelineOf(nil, zero, english()) != nil {
		t.Error("no events have a timeline")
	}
}

func TestGap(t *testing.T) {
	f := func(d time.Duration, want string) {
		t.Helper()
		if got := gap(d); got != want {
			t.Errorf("gap(%d) = %q, want %q", d, got, want)
		}
	}
	f(0, "0 ms")
	f(257*time.Microsecond, "257 µs")
	f(323*time.Millisecond+400*time.Microsecond, "323 ms")
	f(-15*time.Millisecond, "−15 ms")
	f(999*time.Millisecond+600*time.Microsecond, "1 s")
	f(1800*time.Millisecond, "1.8 s")
	f(59*time.Second+999*time.Millisecond, "1 min 0 s")
	f(222*time.Second, "3 min 42 s")
	f(26*time.Hour+5*time.Minute, "26 h 5 min")
}
