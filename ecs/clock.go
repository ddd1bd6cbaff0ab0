package ecs

import (
	"strings"
	"time"
)

// instant is a time as some exporter wrote it.
type instant struct {
	ns    int64 // since 1970; of the clock face as UTC if not zoned
	zoned bool
}

// parseInstant reads the times that exporters write: ISO 8601 with T or a
// space, with or without a zone, any number of digits of the second; .NET's
// /Date(milliseconds)/; seconds or milliseconds since 1970.
func parseInstant(s string) (t instant, ok bool) {
	if strings.HasPrefix(s, "/Date(") {
		s = s[len("/Date("):]
		end := 0
		for end < len(s) && (s[end] == '-' && end == 0 || digit(s[end])) {
			end++
		}
		s = s[:end]
		return parseEpoch(s)
	}
	if len(s) < len("2006-01-02T15:04:05") || s[4] != '-' {
		return parseEpoch(s)
	}
	if s[7] != '-' || s[10] != 'T' && s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return instant{}, false
	}
	var n [6]int
	for i, at := range [6]int{0, 5, 8, 11, 14, 17} {
		w := 2
		if i == 0 {
			w = 4
		}
		for _, c := range []byte(s[at : at+w]) {
			if !digit(c) {
				return instant{}, false
			}
			n[i] = n[i]*10 + int(c-'0')
		}
	}
	if n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 || n[3] > 24 || n[4] > 59 || n[5] > 60 || n[0] < 1678 || n[0] > 2261 {
		return instant{}, false
	}
	ns := (days(n[0], n[1], n[2])*86400 + int64(n[3]*3600+n[4]*60+n[5])) * int64(time.Second)
	rest := s[19:]
	if rest != "" && (rest[0] == '.' || rest[0] == ',') {
		rest = rest[1:]
		unit := int64(time.Second)
		for rest != "" && digit(rest[0]) {
			unit /= 10
			ns += int64(rest[0]-'0') * unit
			rest = rest[1:]
		}
	}
	off, zoned, ok := parseZone(rest)
	return instant{ns - off, zoned}, ok
}

// parseZone reads what follows the clock face: nothing, Z or an offset.
func parseZone(s string) (off int64, zoned, ok bool) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return 0, false, true
	case s == "Z" || s == "z" || s == "UTC":
		return 0, true, true
	case len(s) < 3 || s[0] != '+' && s[0] != '-':
		return 0, false, false
	}
	h := s[1:3]
	m := strings.TrimPrefix(s[3:], ":")
	if m == "" {
		m = "00"
	}
	if len(m) != 2 || !digit(h[0]) || !digit(h[1]) || !digit(m[0]) || !digit(m[1]) {
		return 0, false, false
	}
	off = (int64(h[0]-'0')*10+int64(h[1]-'0'))*3600 + (int64(m[0]-'0')*10+int64(m[1]-'0'))*60
	if s[0] == '-' {
		off = -off
	}
	return off * int64(time.Second), true, true
}

// parseEpoch reads seconds (up to 11 digits), milliseconds (up to 14) or
// nanoseconds since 1970, with a fraction or without.
func parseEpoch(s string) (instant, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	neg := strings.HasPrefix(whole, "-")
	whole = strings.TrimPrefix(whole, "-")
	if whole == "" || len(whole) > 18 {
		return instant{}, false
	}
	var n int64
	for _, c := range []byte(whole) {
		if !digit(c) {
			return instant{}, false
		}
		n = n*10 + int64(c-'0')
	}
	unit := int64(1)
	switch {
	case len(whole) <= 10:
		unit = int64(time.Second)
	case len(whole) <= 13:
		unit = int64(time.Millisecond)
	}
	if n > (1<<63-1)/unit {
		return instant{}, false
	}
	n *= unit
	for _, c := range []byte(frac) {
		if !digit(c) {
			return instant{}, false
		}
		unit /= 10
		n += int64(c-'0') * unit
	}
	if neg {
		n = -n
	}
	return instant{n, true}, true
}

func digit(c byte) bool { return c-'0' < 10 }

// days counts the days from 1970-01-01 to a date of the Gregorian calendar.
func days(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era*146097+doe) - 719468
}

// logged returns the instant at which the log says the event was written.
//
// NXLog writes EventTime and EventReceivedTime as local time without a zone;
// where a later stage has put the time of arrival beside them in UTC, the zone
// is what lies between the two, in quarter hours. A time with a zone is taken
// as written, however wrong it may be (the export's fault is measured over many
// events, never in one), and one without any hint counts as UTC.
func (m *mapper) logged() (ns int64, ok bool) {
	t, ok := parseInstant(m.r.sys[sysTime].text(m.ev))
	if !ok {
		if t, ok = parseInstant(m.r.sys[sysIngested].text(m.ev)); !ok {
			return 0, false
		}
	}
	if !t.zoned {
		t.ns -= m.zone()
	}
	return t.ns, true
}

// zone returns how far a collector's clock face is ahead of UTC.
func (m *mapper) zone() int64 {
	received, ok := parseInstant(m.r.sys[sysReceived].text(m.ev))
	if !ok || received.zoned {
		return 0
	}
	ingested, ok := parseInstant(m.r.sys[sysIngested].text(m.ev))
	if !ok || !ingested.zoned {
		return 0
	}
	const quarter = int64(15 * time.Minute)
	off := received.ns - ingested.ns
	n := (off + quarter/2) / quarter
	if off+quarter/2 < 0 && (off+quarter/2)%quarter != 0 {
		n-- // towards minus infinity
	}
	if rest := off - n*quarter; max(rest, -rest) > int64(5*time.Minute) || max(n, -n) > 14*4 {
		return 0 // arrival long after, or no zone on earth
	}
	return n * quarter
}
