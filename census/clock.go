package census

import (
	"strings"

	"github.com/tocsin-project/tocsin/event"
)

// Quarter is the step of time zones in milliseconds. A log whose time is off by
// whole quarter hours was written in another zone than it says; what is left is
// the sensor's own (ecs/MAPPING §6).
const Quarter = 15 * 60 * 1000

// maxZone is the farthest that an export's zone puts times off: fourteen hours
// east of UTC, and twelve more by a clock of twelve hours.
const maxZone = 26 * 60 * 60 * 1000

// Clock is what the times of one source tell of the clocks behind them.
type Clock struct {
	Delay       *Histogram // logged time minus event time in milliseconds, of events with a time of their own
	Whole       int        // events whose time is known to the second only
	Zoneless    int        // events whose logged time names no zone
	Synthesized int        // events whose identities the native profile made up
	Timed       int        // events with a time
}

// observe notes clock, resolution and activity.
func (h *Host) observe(a *Arrivals, channel string, ev *event.Event) {
	if a.Clock == nil {
		a.Clock = &Clock{Delay: NewHistogram(1)}
	}
	c := a.Clock
	if ev.Synthesized {
		c.Synthesized++
	}
	if !ev.HasTime {
		return
	}
	c.Timed++
	h.active(channel).Add(ev.Time / 1e9)
	whole := !strings.ContainsAny(ev.Logged, ".,")
	if whole && ev.Time%1e9 == 0 {
		c.Whole++
	}
	if !zoned(ev.Logged) {
		c.Zoneless++
	}
	logged, ok := event.ParseTime(ev.Logged)
	if !ok || logged == ev.Time {
		return
	}
	delay := floorDiv(logged-ev.Time, 1e6)
	if whole {
		delay = atBest(delay)
	}
	c.Delay.Add(delay)
}

// atBest is a delay to a log that tells whole seconds: the real one is up to a
// second longer, so what is within it is nobody's fault.
func atBest(delay int64) int64 {
	rest := delay - floorDiv(delay+Quarter/2, Quarter)*Quarter
	if rest < 0 {
		return delay + min(-rest, 1000)
	}
	return delay
}

// zoned reports whether a time says its zone: Z or an offset.
func zoned(s string) bool {
	if len(s) < len("2006-01-02T15:04") {
		return true // no ISO text: seconds since 1970, or nothing
	}
	return strings.ContainsAny(s[len("2006-01-02"):], "Zz+-")
}

// maxChannels bounds the channels whose activity a host keeps.
const maxChannels = 256

func (h *Host) active(channel string) *Histogram {
	if h.Active == nil {
		h.Active = map[string]*Histogram{}
	}
	a := h.Active[channel]
	if a == nil {
		if len(h.Active) >= maxChannels {
			channel = ""
			if a = h.Active[channel]; a != nil {
				return a
			}
		}
		a = NewHistogram(1)
		h.Active[clone(channel)] = a
	}
	return a
}

func (c *Clock) merge(o *Clock) *Clock {
	if c == nil || o == nil {
		if c == nil {
			return o
		}
		return c
	}
	c.Delay.Merge(o.Delay)
	c.Whole += o.Whole
	c.Zoneless += o.Zoneless
	c.Synthesized += o.Synthesized
	c.Timed += o.Timed
	return c
}

// Skew parts the typical distance between logged and event time into what the
// export's zone makes (whole quarter hours) and the rest, the sensor's, both in
// milliseconds: the rest is positive where events are logged late, which is
// ordinary, and negative where the sensor's clock is ahead of the log's. events
// is how many it rests on.
func (c *Clock) Skew() (zone, rest int64, events int) {
	if c == nil || c.Delay.Count() == 0 {
		return 0, 0, 0
	}
	typical := c.Delay.Quantile(0.5)
	zone = floorDiv(typical+Quarter/2, Quarter) * Quarter
	if zone > maxZone || zone < -maxZone {
		zone = 0
	}
	return zone, typical - zone, c.Delay.Count()
}

// Ahead is the share of events that were stamped after they were logged, once
// the zone is taken out, and by how many milliseconds at most.
func (c *Clock) Ahead() (share float64, most int64) {
	zone, _, n := c.Skew()
	if n == 0 {
		return 0, 0
	}
	ahead := 0
	for _, b := range c.Delay.Bins() {
		if rest := b.From - zone; rest < 0 {
			ahead += b.Count
			most = max(most, -rest)
		}
	}
	return float64(ahead) / float64(n), most
}
