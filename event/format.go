package event

import (
	"errors"
	"fmt"
	"strings"
)

// parseDate reads a date by the formats of a mapping, separated by "||"; the
// first that fits counts. Empty is Elasticsearch's own default: ISO 8601, else
// epoch milliseconds. A number is epoch milliseconds there even if its four
// digits could be a year.
func parseDate(s, formats string, isNumber bool) (int64, bool) {
	if formats == "" {
		if !isNumber {
			if ns, ok := ParseTime(s); ok {
				return ns, true
			}
		}
		return parseEpoch(s)
	}
	for format := range strings.SplitSeq(formats, "||") {
		if ns, ok := parseFormat(s, format); ok {
			return ns, true
		}
	}
	return 0, false
}

func parseFormat(s, format string) (int64, bool) {
	switch format {
	case "epoch_millis":
		return parseEpoch(s)
	case "epoch_second":
		return parseEpochSecond(s)
	}
	if isISOFormat(format) {
		return ParseTime(s)
	}
	return parsePattern(s, format)
}

// isISOFormat reports whether a named format is a form of ISO 8601.
func isISOFormat(name string) bool {
	switch strings.TrimPrefix(name, "strict_") {
	case "date_optional_time", "date_optional_time_nanos", "date_time", "date_time_no_millis", "iso8601", "date":
		return true
	}
	return false
}

func parseEpochSecond(s string) (int64, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	v, ok := number(whole)
	if !ok || v.Kind != KindLong {
		return 0, false
	}
	secs := int64(v.N)
	p := isoReader{s: frac}
	var nanos int64
	if frac != "" {
		nanos = p.fraction()
	}
	if p.bad || p.i != len(frac) {
		return 0, false
	}
	if secs < 0 || whole[0] == '-' {
		return saturate(secs-1, 1_000_000_000-nanos), true
	}
	return saturate(secs, nanos), true
}

// pattern is a date while a Java date pattern is read.
type pattern struct {
	year, month, day, hour, minute, second, offset int
	nanos                                          int64
}

// parsePattern reads a date by a pattern of Java's DateTimeFormatter, as far as
// checkFormat allows it.
func parsePattern(s, format string) (int64, bool) {
	d := pattern{year: 1970, month: 1, day: 1}
	p := isoReader{s: s}
	for i := 0; i < len(format); {
		c := format[i]
		n := 1
		for i+n < len(format) && format[i+n] == c {
			n++
		}
		switch {
		case c == '\'':
			end := strings.IndexByte(format[i+1:], '\'')
			if end < 0 {
				return 0, false
			}
			p.literal(format[i+1 : i+1+end])
			n = end + 2
		case c|0x20-'a' < 26:
			d.letter(&p, c, n)
		default:
			p.literal(format[i : i+n])
		}
		i += n
	}
	if p.bad || p.i != len(s) || !validDate(d.year, d.month, d.day) || d.hour > 23 || d.minute > 59 || d.second > 59 {
		return 0, false
	}
	secs := daysSince1970(d.year, d.month, d.day)*86400 + int64(d.hour*3600+d.minute*60+d.second-d.offset)
	return saturate(secs, d.nanos), true
}

func (p *isoReader) literal(text string) {
	if !strings.HasPrefix(p.s[min(p.i, len(p.s)):], text) {
		p.bad = true
		return
	}
	p.i += len(text)
}

// number reads n digits, or one or two where the pattern has one letter.
func (p *isoReader) number(n int) int {
	if n == 1 && p.i+1 < len(p.s) && p.s[p.i+1]-'0' < 10 {
		n = 2
	}
	return p.digits(n)
}

func (d *pattern) letter(p *isoReader, c byte, n int) {
	switch c {
	case 'y', 'u':
		if d.year = p.digits(max(n, 2)); n == 2 {
			d.year += 2000
		}
	case 'M':
		d.month = p.number(n)
	case 'd':
		d.day = p.number(n)
	case 'H':
		d.hour = p.number(n)
	case 'm':
		d.minute = p.number(n)
	case 's':
		d.second = p.number(n)
	case 'S':
		d.nanos = p.fraction()
	default: // X, x, Z, z
		d.offset = p.zone()
	}
}

// checkFormat refuses the formats that parseDate does not know.
func checkFormat(formats string) error {
	for format := range strings.SplitSeq(formats, "||") {
		if format == "" {
			return errors.New("empty date format")
		}
		if format == "epoch_millis" || format == "epoch_second" || isISOFormat(format) {
			continue
		}
		quoted := false
		for _, c := range format {
			if c == '\'' {
				quoted = !quoted
			}
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
			if letter && !quoted && !strings.ContainsRune("yuMdHmsSXxZz", c) || c == '_' || strings.Contains(format, "MMM") {
				return fmt.Errorf("unknown date format %q", format)
			}
		}
	}
	return nil
}
