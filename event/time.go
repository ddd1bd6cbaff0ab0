package event

import (
	"math"
	"strings"
)

// ParseTime reads an ISO 8601 instant as Windows, Elasticsearch and their
// shippers write it: a date, then after 'T' or a space the time of day to any
// part, 0–9 digits of fraction after '.' or ',', and Z, ±hh, ±hhmm, ±hh:mm or
// nothing, which is UTC. Digits beyond nanoseconds are dropped. What lies
// outside the years 1677–2262 is saturated. It does not allocate.
func ParseTime(s string) (ns int64, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	p := isoReader{s: s}
	year, month, day := p.digits(4), 1, 1
	if p.accept('-') {
		month = p.digits(2)
		if p.accept('-') {
			day = p.digits(2)
		}
	}
	var hour, minute, second, offset int
	var frac int64
	if p.acceptAny("T t") {
		hour = p.digits(2)
		if p.accept(':') {
			minute = p.digits(2)
			if p.accept(':') {
				second = p.digits(2)
				if p.acceptAny(".,") {
					frac = p.fraction()
				}
			}
		}
		offset = p.zone()
	}
	if p.bad || p.i != len(s) || hour > 23 || minute > 59 || second > 59 || !validDate(year, month, day) {
		return 0, false
	}
	secs := daysSince1970(year, month, day)*86400 + int64(hour*3600+minute*60+second-offset)
	return saturate(secs, frac), true
}

// isoReader reads fixed parts of a text; bad is set once one is missing.
type isoReader struct {
	s   string
	i   int
	bad bool
}

func (p *isoReader) digits(n int) int {
	if p.i+n > len(p.s) {
		p.bad = true
		return 0
	}
	v := 0
	for _, c := range []byte(p.s[p.i : p.i+n]) {
		if c -= '0'; c > 9 {
			p.bad = true
		}
		v = v*10 + int(c)
	}
	p.i += n
	return v
}

func (p *isoReader) accept(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *isoReader) acceptAny(chars string) bool {
	if p.i < len(p.s) && strings.IndexByte(chars, p.s[p.i]) >= 0 {
		p.i++
		return true
	}
	return false
}

// fraction reads one or more digits as nanoseconds.
func (p *isoReader) fraction() int64 {
	v, n := int64(0), 0
	for ; p.i < len(p.s) && p.s[p.i]-'0' < 10; p.i++ {
		if n < 9 {
			v = v*10 + int64(p.s[p.i]-'0')
			n++
		}
	}
	p.bad = p.bad || n == 0
	for ; n < 9; n++ {
		v *= 10
	}
	return v
}

// zone reads an offset from UTC, in seconds.
func (p *isoReader) zone() int {
	sign := 1
	switch {
	case p.acceptAny("Zz"):
		return 0
	case p.accept('-'):
		sign = -1
	case !p.accept('+'):
		return 0
	}
	hours, minutes := p.digits(2), 0
	if p.accept(':') || p.i < len(p.s) {
		minutes = p.digits(2)
	}
	p.bad = p.bad || hours > 18 || minutes > 59
	return sign * (hours*3600 + minutes*60)
}

func validDate(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	return day <= daysIn(year, month)
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSince1970 counts in the Gregorian calendar with years that begin in
// March, so that the leap day is the last.
func daysSince1970(year, month, day int) int64 {
	y, m := int64(year), int64(month)
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + int64(day) - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

// saturate joins seconds and nanoseconds (0–999,999,999), at the ends of int64
// if it must.
func saturate(secs, nanos int64) int64 {
	const limit = math.MaxInt64 / 1_000_000_000
	switch {
	case secs >= limit:
		return math.MaxInt64
	case secs < -limit:
		return math.MinInt64
	}
	return secs*1_000_000_000 + nanos
}

// parseEpoch reads epoch milliseconds, with a fraction, as number or text has
// them (131509374294.365140).
func parseEpoch(s string) (ns int64, ok bool) {
	p := isoReader{s: s}
	negative := p.accept('-')
	start := p.i
	var ms int64
	for ; p.i < len(s) && s[p.i]-'0' < 10; p.i++ {
		if ms < math.MaxInt64/100 {
			ms = ms*10 + int64(s[p.i]-'0')
		}
	}
	if p.i == start {
		return 0, false
	}
	var frac int64 // of a millisecond, in nanoseconds
	if p.accept('.') {
		frac = p.fraction() / 1000
	}
	if p.bad || p.i != len(s) {
		return 0, false
	}
	if negative {
		ms, frac = -ms, -frac
	}
	return epochMillis(ms, frac), true
}

// epochMillis joins milliseconds and up to a million nanoseconds of one sign.
func epochMillis(ms, frac int64) int64 {
	const limit = math.MaxInt64/1_000_000 - 1
	switch {
	case ms > limit:
		return math.MaxInt64
	case ms < -limit:
		return math.MinInt64
	}
	return ms*1_000_000 + frac
}

// AppendTime appends an instant as ISO 8601 in UTC with milliseconds, or with
// as many digits more as it needs: 2020-09-17T08:32:19.123Z.
func AppendTime(dst []byte, ns int64) []byte {
	secs, frac := ns/1_000_000_000, ns%1_000_000_000
	if frac < 0 {
		secs--
		frac += 1_000_000_000
	}
	days, tod := secs/86400, secs%86400
	if tod < 0 {
		days--
		tod += 86400
	}
	year, month, day := civil(days)
	dst = appendDigits(dst, year, 4)
	dst = appendDigits(append(dst, '-'), month, 2)
	dst = appendDigits(append(dst, '-'), day, 2)
	dst = appendDigits(append(dst, 'T'), tod/3600, 2)
	dst = appendDigits(append(dst, ':'), tod/60%60, 2)
	dst = appendDigits(append(dst, ':'), tod%60, 2)
	digits := 9
	for ; digits > 3 && frac%10 == 0; digits-- {
		frac /= 10
	}
	dst = appendDigits(append(dst, '.'), frac, digits)
	return append(dst, 'Z')
}

func appendDigits(dst []byte, v int64, n int) []byte {
	for range n {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; n > 0; i, n = i-1, n-1 {
		dst[i] = '0' + byte(v%10)
		v /= 10
	}
	return dst
}

// civil is daysSince1970 turned round.
func civil(days int64) (year, month, day int64) {
	days += 719468
	era := days / 146097
	if days < 0 {
		era = (days - 146096) / 146097
	}
	doe := days - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = doy - (153*mp+2)/5 + 1
	month, year = mp+3, yoe+era*400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}
