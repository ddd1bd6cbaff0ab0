package explain

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/terminal"
)

// quarterHour is the step of time zones: a clock that is off by whole quarter
// hours was read in another zone (ecs/MAPPING §6).
const quarterHour = int64(15 * time.Minute)

// judge says in words why a chain is a match or not.
func (w *writer) judge(a *Account, j *joiner, c *chain) error {
	f := &c.flaw
	stage := a.Stage
	switch f.kind {
	case Sound:
		a.Verdict = j.sound(c)
	case Border:
		low, high := distance(c.at[0], c.at[len(c.at)-1])
		a.Verdict = fmt.Sprintf("matches by whole seconds alone: %d ms as written, in truth anything from %d to %d ms, maxspan %s",
			f.ms, max(0, millis(low)), millis(high), j.maxspanText())
	case Order:
		a.Verdict = fmt.Sprintf("stage %d was %d ms %s stage %d", stage, f.ms, word(f), j.number[f.otherStage]+1)
		a.MS = signed(f)
	case Span:
		far := "less than 1 ms too far"
		if over := f.ms - millis(j.maxspan); over > 0 {
			far = length(over) + " too far"
		}
		a.Verdict = fmt.Sprintf("stage %d was %d ms %s stage %d, maxspan %s: %s", stage, f.ms, word(f), j.number[f.otherStage]+1, j.maxspanText(), far)
		a.MS = signed(f)
	case Predicate:
		if err := w.predicate(a, f); err != nil {
			return err
		}
		if len(c.at) > 1 {
			a.Verdict += "; all else is right: " + j.sound(c)
		}
	case Excused:
		a.Verdict = excusedBy(j, f)
	case Until:
		a.Verdict = fmt.Sprintf("ended by until at %s (%s)", clock(f.rec.time), place1(f.rec))
	case Present:
		a.Verdict = fmt.Sprintf("stage %d must be missing, but an event satisfies it at %s (%s)", stage, clock(f.rec.time), place1(f.rec))
	case NoKey:
		a.Stage = j.number[f.stage] + 1
		a.Verdict = fmt.Sprintf("stage %d satisfied, but the event has no %s, a part of the join key", a.Stage, f.field)
	case KeyDiffers:
		a.Verdict = j.keysDiffer(f, stage)
	case Used:
		a.Verdict = fmt.Sprintf("the event of stage %d was used up by another match", stage)
	case Replaced:
		a.Verdict = fmt.Sprintf("a later event of stage %d took its place: the newest counts", stage)
	case Missing:
		var err error
		if a.Verdict, err = w.missing(j, c); err != nil {
			return err
		}
	}
	j.notes(a, c)
	return nil
}

func signed(f *flaw) *int64 {
	ms := f.ms
	if (f.rec.time < f.other.time) == (f.stage > f.otherStage) {
		ms = -ms
	}
	return &ms
}

// word is before or after, as the later stage saw it.
func word(f *flaw) string {
	if f.rec.time < f.other.time || f.rec.time == f.other.time && f.rec.tie < f.other.tie {
		return "before"
	}
	return "after"
}

func (j *joiner) maxspanText() string {
	s := j.program.Query.MaxSpan
	if s == nil {
		return "none"
	}
	return fmt.Sprintf("%d %s", s.N, s.Unit)
}

func (j *joiner) sound(c *chain) string {
	if len(c.at) == 1 {
		return "every test holds"
	}
	var b strings.Builder
	for i := 1; i < len(c.at); i++ {
		if i > 1 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "stage %d came %s after stage %d", j.number[i]+1, length(between(c.at[i-1], c.at[i])), j.number[i-1]+1)
	}
	if j.maxspan > 0 {
		span := between(c.at[0], c.at[len(c.at)-1])
		fmt.Fprintf(&b, ", maxspan %s: %s to spare", j.maxspanText(), length(millis(j.maxspan)-span))
	}
	return b.String()
}

// predicate names the test that fails, with the value that it saw.
func (w *writer) predicate(a *Account, f *flaw) error {
	if _, err := w.read(f.rec); err != nil {
		return err
	}
	t := result(f.rec.fault, w.event)
	a.Test = &t
	a.Verdict = fmt.Sprintf("stage %d: %s", a.Stage, failure(&t))
	return nil
}

// maxQuoted is how much of a test stands in a sentence; the whole of it is
// beside it.
const maxQuoted = 120

// failure says why a test fails.
func failure(t *TestResult) string {
	quoted := terminal.Shorten(t.Test, maxQuoted)
	switch {
	case loopback(t) != "":
		return "loopback: " + loopback(t)
	case t.negated && t.Element != "":
		return seenText(t) + ", excluded by " + t.Element
	case t.negated:
		return seenText(t) + ", excluded by " + quoted
	}
	return seenText(t) + ", which fails " + quoted
}

// length is a time as a person reads it: milliseconds where they matter.
func length(ms int64) string {
	if abs(ms) < 100_000 {
		return fmt.Sprintf("%d ms", ms)
	}
	return shortSpan((time.Duration(ms) * time.Millisecond).Round(time.Second))
}

// loopback is the address that an exclusion keeps out, if it is one of the
// host's own.
func loopback(t *TestResult) string {
	if !t.negated {
		return ""
	}
	for _, f := range t.fields {
		for _, v := range t.Seen[f] {
			if ip, err := netip.ParseAddr(v); err == nil && ip.Unmap().IsLoopback() {
				return v
			}
		}
	}
	return ""
}

func excusedBy(j *joiner, f *flaw) string {
	x := j.rule.Exception(f.rec.excuse)
	if f.scopeMatch {
		x = j.rule.MatchException(f.rec.excuseMatch)
	}
	if x == nil {
		return "excused by an exception"
	}
	out := fmt.Sprintf("excused by %q (scope %s)", x.Name, x.Scope)
	if x.Reason != "" {
		out += ": " + x.Reason
	}
	return out
}

func (j *joiner) keysDiffer(f *flaw, stage int) string {
	mine, other := keyField(j.program, f.rec, f.part), keyField(j.program, f.other, f.part)
	x, y := apartFrom(keyValue(f.rec, f.part), keyValue(f.other, f.part))
	out := fmt.Sprintf("keys differ: %s %s of stage %d, %s %s of stage %d", other, y, j.number[f.otherStage]+1, mine, x, stage)
	if f.rec.synthesized != f.other.synthesized {
		out += " (one identity is a sensor's, the other made up from the native log: they never join)"
	}
	return out
}

// maxValue is how much of a value stands in a sentence.
const maxValue = 160

// apartFrom shortens two different texts to where they begin to differ.
func apartFrom(x, y string) (a, b string) {
	if len(x) <= maxValue && len(y) <= maxValue {
		return x, y
	}
	r, q := []rune(x), []rune(y)
	n := 0
	for n < len(r) && n < len(q) && r[n] == q[n] {
		n++
	}
	around := func(r []rune) string {
		from, to := max(0, n-20), min(len(r), n+60)
		s := string(r[from:to])
		if from > 0 {
			s = "…" + s
		}
		if to < len(r) {
			s += "…"
		}
		return s
	}
	return around(r), around(q)
}

func keyField(p *eql.Program, r *record, i int) string {
	if k := stageOf(p, r).Keys; i < len(k) {
		return k[i].Name
	}
	return "key"
}

func keyValue(r *record, i int) string {
	if v := sequence.KeyValues(r.key); i < len(v) {
		return sequence.KeyText(v[i])
	}
	return ""
}

// missing says which stage has no event, and what else there is.
func (w *writer) missing(j *joiner, c *chain) (string, error) {
	f := &c.flaw
	hit := j.positive[f.stage]
	t := j.tallies[hit]
	what := t.probe.match.Category
	if t.probe.match.Any {
		what = "any"
	}
	n := 0
	for i, x := range w.all.tallies {
		if x == t {
			if list := w.all.arrived[c.first().hostID]; list != nil {
				n = list[i]
			}
		}
	}
	out := fmt.Sprintf("no event satisfies stage %d under this key within %s", j.number[f.stage]+1, shortSpan(time.Duration(j.reach)))
	switch {
	case t.probe.match.Any:
	case n == 0:
		return out + fmt.Sprintf(": this host gave no %s event at all", what), nil
	default:
		out += fmt.Sprintf(" (the host gave %d of category %s)", n, what)
	}
	r := f.nearby
	switch {
	case r == nil:
		return out, nil
	case r.fault == nil:
		return out + fmt.Sprintf("; the nearest, %s, is excused", apart(c.first(), r)), nil
	}
	if _, err := w.read(r); err != nil {
		return "", err
	}
	test := result(r.fault, w.event)
	return out + fmt.Sprintf("; the nearest came %s: %s", apart(c.first(), r), failure(&test)), nil
}

// apart says how far and on which side of one event another is.
func apart(a, b *record) string {
	side := "after"
	if b.compare(a) < 0 {
		side = "before"
	}
	return length(abs(between(a, b))) + " " + side
}

// notes tells of clocks: where the log's own time or whole seconds would say
// otherwise.
func (j *joiner) notes(a *Account, c *chain) {
	for i, r := range c.at {
		if r == nil || r.logged == 0 {
			continue
		}
		off := r.logged - r.time
		rest := off - roundTo(off, quarterHour)
		if rest < 0 && !r.loggedCoarse {
			a.Notes = append(a.Notes, fmt.Sprintf("stage %d: the sensor's clock is ahead: the event is stamped %d ms after it was logged",
				j.number[i]+1, millis(-rest)))
		}
	}
	if f := &c.flaw; (f.kind == Order || f.kind == Span) && f.rec.logged != 0 && f.other.logged != 0 {
		d := f.rec.logged - f.other.logged
		if q := f.rec.time - f.other.time; d != q && !f.rec.loggedCoarse && !f.other.loggedCoarse && abs(d) < quarterHour {
			side := "after"
			if d < 0 {
				side = "before"
			}
			a.Notes = append(a.Notes, fmt.Sprintf("by the log's own time, stage %d was %d ms %s stage %d",
				a.Stage, millis(abs(d)), side, j.number[f.otherStage]+1))
		}
	}
	if first, last := c.at[0], c.at[len(c.at)-1]; first != nil && last != nil && first != last && j.ordered() {
		low, high := distance(first, last)
		switch {
		case low == high:
		case c.flaw.kind == Sound && low < 0 && first.time == last.time:
			a.Notes = append(a.Notes, "both fall into one second of clocks without fractions: their order is that of the records")
		case c.flaw.kind == Span && low < j.maxspan || c.flaw.kind == Order && high > 0:
			a.Notes = append(a.Notes, fmt.Sprintf("whole seconds: in truth anything from %d to %d ms, so it may be a match", millis(low), millis(high)))
		}
	}
}

func roundTo(x, step int64) int64 {
	if x < 0 {
		return -roundTo(-x, step)
	}
	return (x + step/2) / step * step
}

func clock(ns int64) string { return time.Unix(0, ns).UTC().Format("15:04:05.000") }

func place1(r *record) string { return fmt.Sprintf("%s:%d", r.origin.Path, r.origin.Line) }

func shortSpan(d time.Duration) string {
	s := d.String()
	s = strings.TrimSuffix(s, "m0s") + suffixIf(s, "m0s", "m")
	return strings.TrimSuffix(s, "h0m") + suffixIf(s, "h0m", "h")
}

func suffixIf(s, end, with string) string {
	if strings.HasSuffix(s, end) {
		return with
	}
	return ""
}
