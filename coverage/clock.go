package coverage

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/census"
)

// What is worth a word about a clock.
const (
	aheadShare = 0.5 // of a source's events stamped after they were logged
	aheadLeast = 50  // milliseconds
	lateLeast  = 60_000
	gapLeast   = 15 * time.Minute
	gapMissed  = 20 // events that should have come meanwhile
)

// watch looks at the host's clocks and at silences.
func (v *view) watch() {
	coarse := map[string]*Clock{}
	for s, a := range v.host.Sources {
		c := a.Clock
		if c == nil || c.Timed == 0 {
			continue
		}
		zone, rest, n := c.Skew()
		base := Clock{Channel: s.Channel, Code: s.Code, ZoneMS: zone, SensorMS: rest, Events: n}
		switch {
		case n == 0 || zone == 0:
		case 2*c.Zoneless > c.Timed:
			base.Problem, base.Share = "resolved", 1
			base.Words = fmt.Sprintf("local time without a zone, %s from UTC, put right", hours(zone))
			v.clocks = append(v.clocks, base)
		default:
			base.Problem, base.Share = "zone", 1
			base.Words = fmt.Sprintf("the export's zone is off: its log time stands %s %s the event's", hours(zone), side(zone))
			v.clocks = append(v.clocks, base)
			if v.zone == 0 || n > 10 {
				v.zone = zone
			}
		}
		if share, most := c.Ahead(); share > aheadShare && -rest >= aheadLeast {
			base.Problem, base.Share = "ahead", share
			base.Words = fmt.Sprintf("the sensor's clock is ahead: %d of %d events are stamped after they were logged, typically by %d ms, at most %d ms",
				int(share*float64(n)+0.5), n, -rest, most)
			v.clocks = append(v.clocks, base)
		}
		if rest >= lateLeast {
			base.Problem, base.Share = "late", 1
			base.Words = fmt.Sprintf("logged long after the event, typically by %s", (time.Duration(rest) * time.Millisecond).Round(time.Second))
			v.clocks = append(v.clocks, base)
		}
		channel := strings.ToLower(s.Channel)
		x := coarse[channel]
		if x == nil {
			x = &Clock{Channel: s.Channel, Problem: "coarse"}
			coarse[channel] = x
		}
		x.Events += c.Timed
		x.Share += float64(c.Whole)
	}
	for _, x := range coarse {
		if x.Share == float64(x.Events) {
			x.Share = 1
			x.Words = "times are whole seconds"
			v.clocks = append(v.clocks, *x)
		}
	}
	v.clocks = together(v.clocks)
	v.silences()
}

// together says once of a channel what is the same for all its events.
func together(list []Clock) []Clock {
	type group struct {
		channel, problem string
		zone             int64
	}
	groups := map[group]*Clock{}
	var out []Clock
	for _, c := range list {
		if c.Problem == "ahead" || c.Problem == "coarse" {
			out = append(out, c)
			continue
		}
		g := group{strings.ToLower(c.Channel), c.Problem, c.ZoneMS}
		if x := groups[g]; x != nil {
			if c.Events > x.Events {
				x.SensorMS = c.SensorMS
			}
			x.Events += c.Events
			continue
		}
		c.Code = ""
		groups[g] = &c
	}
	for _, c := range groups {
		out = append(out, *c)
	}
	sort.Slice(out, func(a, b int) bool {
		x, y := &out[a], &out[b]
		return x.Problem+"\x00"+x.Channel+"\x00"+x.Code+fmt.Sprint(x.ZoneMS) < y.Problem+"\x00"+y.Channel+"\x00"+y.Code+fmt.Sprint(y.ZoneMS)
	})
	return out
}

func side(zone int64) string {
	if zone < 0 {
		return "behind"
	}
	return "ahead of"
}

// hours writes a zone's offset.
func hours(ms int64) string {
	if ms < 0 {
		ms = -ms
	}
	d := time.Duration(ms) * time.Millisecond
	if m := d % time.Hour; m != 0 {
		return fmt.Sprintf("%d h %d min", d/time.Hour, m/time.Minute)
	}
	return fmt.Sprintf("%d h", d/time.Hour)
}

// silences finds times in which a log said nothing though it should have, by
// its own rate, and other logs of the host did.
func (v *view) silences() {
	lives := v.lives()
	first, last := bounds(lives)
	for channel, l := range lives {
		if l.count < gapMissed || len(l.bins) < 2 {
			continue
		}
		from, to := longest(l.bins, l.width, first, last)
		quiet := to - from
		lived := last - first - quiet
		if quiet < int64(gapLeast/time.Second) || lived <= 0 {
			continue
		}
		if missed := float64(l.count) / float64(lived) * float64(quiet); missed < gapMissed {
			continue
		}
		if others := heard(lives, channel, from, to); others >= gapMissed {
			v.gaps = append(v.gaps, Gap{Channel: v.spelt(channel), From: time.Unix(from, 0).UTC(), To: time.Unix(to, 0).UTC(), Others: others})
		}
	}
	slices.SortFunc(v.gaps, func(a, b Gap) int { return strings.Compare(a.Channel, b.Channel) })
}

// spelt is a channel as the data spells it.
func (v *view) spelt(channel string) string {
	best := channel
	for s := range v.host.Active {
		if strings.EqualFold(s, channel) && (best == channel || s < best) { // upper case sorts first
			best = s
		}
	}
	return best
}

// longest is the longest stretch without an event, in seconds, between the
// host's first and last event.
func longest(bins []census.Bin, width, first, last int64) (from, to int64) {
	at := first
	take := func(next int64) {
		if next-at > to-from {
			from, to = at, next
		}
	}
	for _, b := range bins {
		take(b.From)
		at = b.From + width
	}
	take(last)
	return from, to
}

// life is when a channel had events, by the log's clock.
type life struct {
	bins  []census.Bin
	width int64
	count int
}

// active is when each channel had events, whatever the letter case of its name.
func (v *view) active() map[string]*census.Histogram {
	out := map[string]*census.Histogram{}
	for channel, a := range v.host.Active {
		low := strings.ToLower(channel)
		if out[low] == nil {
			out[low] = census.NewHistogram(1)
		}
		out[low].Merge(a)
	}
	return out
}

// lives lists when each channel had events. Sensors' times are put on the log's
// clock where an export wrote another zone, so that they can be compared.
func (v *view) lives() map[string]life {
	out := map[string]life{}
	for channel, active := range v.active() {
		l := life{active.Bins(), active.Width, active.Count()}
		for _, c := range v.clocks {
			if c.Problem == "zone" && strings.EqualFold(c.Channel, channel) {
				for i := range l.bins {
					l.bins[i].From += c.ZoneMS / 1000
				}
			}
		}
		out[channel] = l
	}
	return out
}

// bounds are the first and the last second of any channel.
func bounds(lives map[string]life) (first, last int64) {
	any := false
	for _, l := range lives {
		if len(l.bins) == 0 {
			continue
		}
		from, to := l.bins[0].From, l.bins[len(l.bins)-1].From+l.width
		if !any || from < first {
			first = from
		}
		if !any || to > last {
			last = to
		}
		any = true
	}
	return first, last
}

// heard counts the events of other channels in a time.
func heard(lives map[string]life, but string, from, to int64) int {
	n := 0
	for channel, l := range lives {
		if channel == but {
			continue
		}
		for _, b := range l.bins {
			if b.From > from && b.From+l.width <= to {
				n += b.Count
			}
		}
	}
	return n
}

// clocks lowers a plan where times are not fit for the rule.
func (j *judge) clocks(v *view, r *rule, p *plan) {
	span := int64(r.Program.MaxSpan / time.Millisecond)
	lower := func(s Status, format string, args ...any) {
		if reason := fmt.Sprintf(format, args...); !slices.Contains(p.reasons, reason) {
			p.reasons = append(p.reasons, reason)
		}
		if s.rank() < p.status.rank() {
			p.status = s
		}
	}
	families := map[family]bool{}
	for i := range p.feeds {
		for _, k := range p.feeds[i].kinds {
			families[k.family] = true
			for _, g := range v.gaps {
				if strings.EqualFold(g.Channel, k.channel) {
					lower(Unproven, "%s was silent from %s to %s", short(k.channel), g.From.Format("2006-01-02 15:04"), g.To.Format("2006-01-02 15:04"))
				}
			}
			if span == 0 || len(r.stages) < 2 {
				continue
			}
			j.clockOf(v, k, span, r, lower)
		}
	}
	if len(families) > 1 && families[sysmon] && v.zone != 0 && span > 0 && !oneFamily(p) {
		if abs(v.zone) > span {
			lower(Blind, "the log's times stand %s from Sysmon's: they never join within %s", hours(v.zone), r.Program.MaxSpan)
		}
	}
}

func (j *judge) clockOf(v *view, k *kind, span int64, r *rule, lower func(Status, string, ...any)) {
	for _, c := range v.clocks {
		if !strings.EqualFold(c.Channel, k.channel) {
			continue
		}
		switch {
		case c.Problem == "coarse" && span <= 1000:
			lower(Unproven, "%s: times are whole seconds, too coarse for maxspan %s", short(c.Channel), r.Program.MaxSpan)
		case c.Problem == "ahead" && c.Code == k.code && -c.SensorMS > span/2:
			lower(Unproven, "%s: its clock is %d ms ahead, maxspan %s", k.name(), -c.SensorMS, r.Program.MaxSpan)
		}
	}
}

// oneFamily reports whether some family feeds every stage of a plan.
func oneFamily(p *plan) bool {
	for _, f := range [...]family{sysmon, defend, native} {
		if !slices.ContainsFunc(p.feeds, func(x feed) bool {
			return !slices.ContainsFunc(x.kinds, func(k *kind) bool { return k.family == f })
		}) {
			return true
		}
	}
	return false
}

func abs(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}
