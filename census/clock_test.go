package census_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/census"
	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/event"
)

// counted is the census of documents.
func counted(t *testing.T, docs []string) *census.Census {
	t.Helper()
	s := event.NewSchema(event.ECSTypes())
	c := census.New(s, true)
	ecs.Prepare(s)
	d, ev := ecs.NewDecoder(s, ecs.Options{Native: true}), event.New(s)
	for _, doc := range docs {
		if err := d.JSON([]byte(doc), ev); err != nil {
			t.Fatal(err)
		}
		c.Add(ev)
	}
	return c
}

func sysmon(logged, utc string) string {
	return fmt.Sprintf(`{"EventID":3,"Channel":"Microsoft-Windows-Sysmon/Operational","ProviderName":"Microsoft-Windows-Sysmon","Hostname":"H","TimeCreated":%q,"UtcTime":%q}`, logged, utc)
}

func TestClock(t *testing.T) {
	at := time.Date(2022, 9, 22, 18, 1, 53, 102e6, time.UTC)
	utc := at.Format("2006-01-02 15:04:05.000")
	for _, c := range []struct {
		name, logged          string
		zone, rest, ahead     int64 // milliseconds; ahead at most
		whole, zoneless, seen int
	}{
		{"late", "2022-09-22T18:01:54.402Z", 0, 1300, 0, 0, 0, 5},
		{"ahead in another zone", "2022-09-22T02:01:51.806Z", -16 * 3600_000, -1296, 1296, 0, 0, 5},
		{"the log tells seconds", "2022-09-22T18:01:53Z", 0, 0, 0, 0, 0, 5},
		{"the log tells seconds, and is ahead", "2022-09-22T18:01:51Z", 0, -1102, 1102, 0, 0, 5},
		{"no zone is no time that a clock gave", "2022-10-22T18:01:53.102Z", 0, 30 * 24 * 3600_000, 0, 0, 0, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			var docs []string
			for range 5 {
				docs = append(docs, sysmon(c.logged, utc))
			}
			h := counted(t, docs).Hosts["h"]
			a := h.Sources[census.Source{Channel: "Microsoft-Windows-Sysmon/Operational", Code: "3"}]
			zone, rest, n := a.Clock.Skew()
			_, ahead := a.Clock.Ahead()
			if zone != c.zone || rest != c.rest || ahead != c.ahead || n != c.seen {
				t.Errorf("zone %d, rest %d, ahead %d of %d events", zone, rest, ahead, n)
			}
			if a.Clock.Whole != c.whole || a.Clock.Zoneless != c.zoneless || a.Clock.Timed != 5 {
				t.Errorf("%+v", a.Clock)
			}
		})
	}
}

func TestCensusOfAgents(t *testing.T) {
	c := counted(t, []string{
		`{"@timestamp":"2026-03-02T09:00:00.123Z","event":{"kind":"event","category":["network"],"action":"connection_accepted","dataset":"endpoint.events.network"},"host":{"id":"i","name":"N"}}`,
		`{"@timestamp":"2026-03-02T09:00:01Z","event":{"kind":"event","category":["network"],"action":"connection_accepted","dataset":"endpoint.events.network"},"host":{"id":"i","name":"N"}}`,
	})
	h := c.Hosts["i"]
	a := h.Sources[census.Source{Channel: "endpoint.events.network", Code: "connection_accepted"}]
	if a == nil || a.Events != 2 || a.Clock.Whole != 1 || h.Name != "N" {
		t.Fatalf("%+v", h)
	}
	if n := h.Active["endpoint.events.network"].Count(); n != 2 {
		t.Errorf("%d events active", n)
	}
}

// TestMerge: the sum of parts is the whole.
func TestMerge(t *testing.T) {
	var docs []string
	for i := range 40 {
		docs = append(docs, sysmon(fmt.Sprintf("2022-09-22T18:01:%02d.500Z", i), fmt.Sprintf("2022-09-22 18:01:%02d.000", i)))
	}
	all := counted(t, docs)
	sum := counted(t, docs[:13])
	sum.Merge(counted(t, docs[13:]))
	x, y := all.Hosts["h"], sum.Hosts["h"]
	for s, a := range x.Sources {
		b := y.Sources[s]
		if b == nil || a.Events != b.Events || a.First != b.First || a.Last != b.Last || a.Clock.Delay.Count() != b.Clock.Delay.Count() || fmt.Sprint(a.Fields) != fmt.Sprint(b.Fields) {
			t.Errorf("%v: %+v, %+v", s, a, b)
		}
	}
	if fmt.Sprint(x.Active["Microsoft-Windows-Sysmon/Operational"].Bins()) != fmt.Sprint(y.Active["Microsoft-Windows-Sysmon/Operational"].Bins()) {
		t.Error("activity differs")
	}
	if sum.Events != 40 {
		t.Errorf("%d events", sum.Events)
	}
}
