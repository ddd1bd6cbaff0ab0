package report

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"time"

	"github.com/tocsin-project/tocsin/alert"
)

// timeline is the geometry of an incident's time axis, as SVG: lanes of marks
// over an axis with ticks. Lengths are user units of a drawing timelineWidth wide.
type timeline struct {
	Width, Height, AxisY, Left, Right int
	Log                               bool
	Label                             string // for readers that do not see it
	Lanes                             []*lane
	Ticks                             []tick
	Zero                              int // x of the alert
}

type lane struct {
	Name           string
	Y, Height, Mid int
	Stage          bool
	Marks          []mark
	More           int // marks that found no place
	rows           []int
}

type mark struct {
	X, Y  int
	Text  string // the event's number
	Href  string
	Title string
	Class string
}

type tick struct {
	X    int
	Text string
}

const (
	timelineWidth = 960
	laneLeft      = 120 // room for the lanes' names
	laneRight     = 24
	markSize      = 20 // a mark with its distance
	maxLaneRows   = 4
)

// Where the parts stand, for the template.
func (t *timeline) Room() int     { return t.Right - t.Left }
func (t *timeline) NameX() int    { return t.Left - 8 }
func (t *timeline) TickEnd() int  { return t.AxisY + 5 }
func (t *timeline) TickText() int { return t.AxisY + 19 }

// timelineOf draws the events that have a time. zero is the alert's own.
func timelineOf(events []*eventView, zero time.Time, w *words) *timeline {
	t := &timeline{Width: timelineWidth, Left: laneLeft, Right: timelineWidth - laneRight}
	var placed []*eventView
	for _, e := range events {
		if !e.at.IsZero() && e.Number > 0 {
			placed = append(placed, e)
		}
	}
	if len(placed) == 0 {
		return nil
	}
	s := newScale(placed, zero)
	t.Log = s.log
	lanes := map[laneKind]*lane{}
	for _, e := range placed {
		kind := e.lane()
		l := lanes[kind]
		if l == nil {
			l = &lane{Name: kind.name(w), Stage: kind == laneStages}
			lanes[kind] = l
		}
		l.place(e, s.x(e.at.Sub(zero)))
	}
	t.stack(lanes)
	t.Ticks = s.ticks()
	t.Zero = s.x(0)
	t.Label = fmt.Sprintf("%s: %d %s, %s – %s", w.Timeline, len(placed), w.Events, gap(s.from), gap(s.to))
	return t
}

// stack puts the lanes under each other.
func (t *timeline) stack(lanes map[laneKind]*lane) {
	kinds := make([]laneKind, 0, len(lanes))
	for k := range lanes {
		kinds = append(kinds, k)
	}
	sort.Slice(kinds, func(i, j int) bool { return kinds[i] < kinds[j] })
	y := 4
	for _, k := range kinds {
		l := lanes[k]
		l.Y, l.Height = y, max(len(l.rows), 1)*markSize+6
		l.Mid = y + l.Height/2
		for i := range l.Marks {
			l.Marks[i].Y += y + 3 + markSize/2
		}
		y += l.Height
		t.Lanes = append(t.Lanes, l)
	}
	t.AxisY = y + 4
	t.Height = y + 30
}

// place finds the first row in which the mark does not cover another.
func (l *lane) place(e *eventView, x int) {
	row := 0
	for row < len(l.rows) && x-l.rows[row] < markSize {
		row++
	}
	if row == maxLaneRows {
		l.More++
		return
	}
	if row == len(l.rows) {
		l.rows = append(l.rows, 0)
	}
	l.rows[row] = x
	class := "mark"
	if e.Evidence {
		class = "mark stage"
	}
	l.Marks = append(l.Marks, mark{X: x, Y: row * markSize, Text: strconv.Itoa(e.Number), Href: "#" + e.Anchor,
		Title: e.Offset + "  " + e.What, Class: class})
}

type laneKind uint8

const (
	laneStages laneKind = iota
	laneAlerts
	laneLogon
	laneNetwork
	laneProcess
	laneFile
	laneSettings
	laneOther
)

func (k laneKind) name(w *words) string {
	return [...]string{w.Stages, w.OtherAlerts, w.Logon, w.Network, w.Process, w.FileLane, w.Settings, w.OtherLane}[k]
}

func (e *eventView) lane() laneKind {
	switch {
	case e.Evidence:
		return laneStages
	case e.ofOther:
		return laneAlerts
	}
	return contextLane(e.view)
}

func contextLane(v alert.View) laneKind {
	switch {
	case v.Has("event.category", "authentication"), v.Has("event.category", "session"), v.Text("event.code") == "4672":
		return laneLogon
	case v.Has("event.category", "process"):
		return laneProcess
	case v.Has("event.category", "file"), v.Text("file.name") != "":
		return laneFile
	case v.Has("event.category", "network"):
		return laneNetwork
	case v.Has("event.category", "registry"), v.Has("event.category", "configuration"), v.Has("event.category", "iam"):
		return laneSettings
	}
	return laneOther
}

// scale turns a distance from the alert into a place on the axis: straight, or
// logarithmic to both sides where milliseconds and minutes stand together.
type scale struct {
	log      bool
	from, to time.Duration
	lo, hi   float64
}

// logFrom is the span from which the axis is logarithmic.
const logFrom = 5 * time.Second

func newScale(events []*eventView, zero time.Time) *scale {
	s := &scale{}
	for _, e := range events {
		d := e.at.Sub(zero)
		s.from, s.to = min(s.from, d), max(s.to, d)
	}
	s.log = s.to-s.from > logFrom
	s.lo, s.hi = s.value(s.from), s.value(s.to)
	if s.hi-s.lo < 1e-9 {
		s.lo, s.hi = s.value(-time.Millisecond), s.value(time.Millisecond)
	}
	pad := (s.hi - s.lo) * 0.02
	s.lo, s.hi = s.lo-pad, s.hi+pad
	return s
}

func (s *scale) value(d time.Duration) float64 {
	ms := float64(d) / float64(time.Millisecond)
	if !s.log {
		return ms
	}
	return math.Copysign(math.Log10(1+math.Abs(ms)), ms)
}

func (s *scale) x(d time.Duration) int {
	share := (s.value(d) - s.lo) / (s.hi - s.lo)
	return laneLeft + 10 + int(math.Round(share*float64(timelineWidth-laneLeft-laneRight-20)))
}

// ticks are at round values, none nearer than tickRoom to another; zero first,
// so that it is always there.
func (s *scale) ticks() []tick {
	const tickRoom = 64
	var out []tick
	for _, d := range s.rounds() {
		v := s.value(d)
		if v < s.lo || v > s.hi {
			continue
		}
		x, free := s.x(d), true
		for _, o := range out {
			free = free && (x-o.X >= tickRoom || o.X-x >= tickRoom)
		}
		if free {
			out = append(out, tick{x, tickText(d)})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].X < out[j].X })
	return out
}

func tickText(d time.Duration) string {
	if d > 0 {
		return "+" + short(d)
	}
	return short(d)
}

// short is a round duration in one unit.
func short(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "−", -d
	}
	for _, u := range [...]struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if d >= u.unit && d%u.unit == 0 {
			return fmt.Sprintf("%s%d %s", sign, d/u.unit, u.name)
		}
	}
	return gap(d)
}

// rounds are the values at which ticks may stand, in the order of choice.
func (s *scale) rounds() []time.Duration {
	out := []time.Duration{0}
	if !s.log {
		step := time.Microsecond
		for i := 0; (s.to-s.from)/step > 8; i++ {
			step *= [...]time.Duration{2, 5, 2}[i%3]
			if i%3 == 1 { // 1, 2, 10 → 1, 2, 5, 10
				step /= 2
			}
		}
		for i := time.Duration(1); i <= 10; i++ {
			out = append(out, i*step, -i*step)
		}
		return out
	}
	for _, d := range [...]time.Duration{10 * time.Second, time.Minute, 10 * time.Minute, time.Second, 100 * time.Millisecond,
		time.Hour, 10 * time.Millisecond, 24 * time.Hour, 30 * 24 * time.Hour, time.Millisecond} {
		out = append(out, d, -d)
	}
	return out
}
