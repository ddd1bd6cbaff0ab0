package event

import (
	"math"
	"math/big"
	"math/rand"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestConvert(t *testing.T) {
	f := func(typ Type, v Value, want string) {
		t.Helper()
		fd := Field{Type: typ}
		got, ok := fd.Convert(v)
		s := "none"
		if ok {
			s = got.String()
			if again, ok := fd.Convert(got); !ok || again != got {
				t.Errorf("type %d: %v converts to %v, and that to %v", typ, v, got, again)
			}
		}
		if s != want {
			t.Errorf("type %d: %v converts to %s, want %s", typ, v, s, want)
		}
	}
	f(Dynamic, Number("12"), "12")
	f(Dynamic, Number("-0"), "0")
	f(Dynamic, Number("9223372036854775807"), "9223372036854775807")
	f(Dynamic, Number("9223372036854775808"), "9223372036854775808")
	f(Dynamic, Number("18446744073709551615"), "18446744073709551615")
	f(Dynamic, Number("18446744073709551616"), "18446744073709552000.0")
	f(Dynamic, Number("-9223372036854775809"), "-9223372036854776000.0")
	f(Dynamic, Number("1.50"), "1.5")
	f(Dynamic, Number("1e3"), "1000.0")
	f(Dynamic, Number("1e999"), "none")
	f(Dynamic, Number("1e-9"), "1e-09")
	f(Dynamic, Text("12"), "12")
	f(Dynamic, Bool(true), "true")
	f(Dynamic, Value{}, "none")

	f(Keyword, Number("1.50"), "1.50")
	f(Keyword, Bool(false), "false")
	f(Keyword, Long(-7), "-7")
	f(Keyword, ULong(math.MaxUint64), "18446744073709551615")
	f(Keyword, Double(2), "2.0")
	f(Keyword, Time(0), "1970-01-01T00:00:00.000Z")
	f(Keyword, Addr(netip.MustParseAddr("::ffff:1.2.3.4")), "1.2.3.4")

	f(Integer, Number("7"), "7")
	f(Integer, Text("7"), "7")
	f(Integer, Text("-7.9"), "-7")
	f(Integer, Number("1e3"), "1000")
	f(Integer, Number("1e30"), "1e+30")
	f(Integer, Text("18446744073709551615"), "18446744073709551615")
	f(Integer, Text("0x10"), "none")
	f(Integer, Text("1_000"), "none")
	f(Integer, Text("Infinity"), "none")
	f(Integer, Text("-"), "none")
	f(Integer, Text(""), "none")
	f(Integer, Text(" 1"), "none")
	f(Integer, Bool(true), "none")
	f(UnsignedLong, Number("18446744073709551615"), "18446744073709551615")
	f(UnsignedLong, Long(3), "3")

	f(Float, Number("5"), "5.0")
	f(Float, Text("5.25"), "5.25")
	f(Float, Text("NaN"), "none")
	f(Float, Text("0x1p-2"), "none")
	f(Float, Number("1e400"), "none")
	f(Float, Long(5), "5.0")

	f(Boolean, Text("true"), "true")
	f(Boolean, Text("false"), "false")
	f(Boolean, Text(""), "false")
	f(Boolean, Text("True"), "none")
	f(Boolean, Number("1"), "none")

	f(Date, Text("2017-08-30T20:47:33Z"), "2017-08-30T20:47:33.000Z")
	f(Date, Text("2017-08-30 20:47:33.1234567"), "2017-08-30T20:47:33.1234567Z")
	f(Date, Number("1516116808349"), "2018-01-16T15:33:28.349Z")
	f(Date, Text("1516116808349"), "2018-01-16T15:33:28.349Z")
	f(Date, Text("131509374294.365140"), "1974-03-03T02:22:54.29436514Z")
	f(Date, Number("131509374294.365140"), "1974-03-03T02:22:54.29436514Z")
	f(Date, Number("-1.5"), "1969-12-31T23:59:59.9985Z")
	f(Date, Text("1"), "1970-01-01T00:00:00.001Z")
	f(Date, Text("2020"), "2020-01-01T00:00:00.000Z")
	f(Date, Number("2020"), "1970-01-01T00:00:02.020Z")
	f(Date, Number("116444736000000000"), "2262-04-11T23:47:16.854775807Z")
	f(Date, Text("yesterday"), "none")
	f(Date, Long(1), "1970-01-01T00:00:00.001Z")
	f(Date, Double(1.5), "1970-01-01T00:00:00.0015Z")

	f(IP, Text("0:0:0:0:0:0:0:1"), "::1")
	f(IP, Text("::ffff:10.0.0.1"), "10.0.0.1")
	f(IP, Text("10.0.0.1"), "10.0.0.1")
	f(IP, Text("FE80::1"), "fe80::1")
	f(IP, Text("fe80::1%eth0"), "none")
	f(IP, Text("10.0.0.256"), "none")
	f(IP, Text("-"), "none")
	f(IP, Text("LOCAL"), "none")
	f(IP, Number("1"), "none")

	f(Version, Text("1.2.4-SNAPSHOT"), "1.2.4-SNAPSHOT")
	f(Version, Number("1.5"), "1.5")
	f(Version, Long(2), "2")
}

func TestIgnoreAbove(t *testing.T) {
	f := Field{Type: Keyword, IgnoreAbove: 3}
	for s, want := range map[string]bool{"": true, "abc": true, "éèê": true, "abcd": false, "éèêë": false} {
		if _, ok := f.Convert(Text(s)); ok != want {
			t.Errorf("%q kept: %v", s, ok)
		}
	}
}

func TestValuesTyped(t *testing.T) {
	s := NewSchema(ECSTypes())
	pid, ip, args := s.Slot("process.pid"), s.Slot("source.ip"), s.Slot("process.args_count")
	ev := New(s)
	doc := []byte(`{"process":{"pid":["4",5,"x",6.5],"args_count":true},"source.ip":["-","::1","127.0.0.1"]}`)
	if err := NewDecoder(s).Decode(doc, ev); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, slot := range []int{pid, ip, args, pid} {
		for _, v := range ev.Values(slot) {
			got = append(got, v.String())
		}
		got = append(got, "|")
	}
	if g := strings.Join(got, " "); g != "4 5 6 | ::1 127.0.0.1 | | 4 5 6 |" {
		t.Errorf("got %s", g)
	}
}

// Every instant that time.Parse reads must be read alike.
func TestParseTimeAgainstTime(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	layouts := []string{time.RFC3339Nano, "2006-01-02T15:04:05.000Z", "2006-01-02 15:04:05.0000000", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006", "2006-01-02T15:04:05,999-0700"}
	for range 20000 {
		when := time.Unix(r.Int63n(18e9)-9e9, r.Int63n(1e9)).In(time.FixedZone("", (r.Intn(28)-14)*3600+r.Intn(2)*1800))
		layout := layouts[r.Intn(len(layouts))]
		s := when.Format(layout)
		want, err := time.Parse(layout, s)
		if err != nil {
			t.Fatal(err)
		}
		if ns, ok := ParseTime(s); !ok || ns != want.UnixNano() {
			t.Fatalf("ParseTime(%q) = %d %v, want %d", s, ns, ok, want.UnixNano())
		}
		if back, ok := ParseTime(string(AppendTime(nil, want.UnixNano()))); !ok || back != want.UnixNano() {
			t.Fatalf("AppendTime(%d) = %s, read as %d", want.UnixNano(), AppendTime(nil, want.UnixNano()), back)
		}
	}
}

func TestParseTime(t *testing.T) {
	for _, s := range []string{"", "1", "202", "abcd", "2020-", "2020-1-01", "2020-13-01", "2020-00-10", "2020-02-30", "2021-02-29", "2020-01-01T", "2020-01-01T24",
		"2020-01-01T00:60", "2020-01-01T00:00:60", "2020-01-01T00:00:00.", "2020-01-01T00:00:00.Z", "2020-01-01T00:00:00+", "2020-01-01T00:00:00+1", "2020-01-01T00:00:00+01:",
		"2020-01-01T00:00:00Z ", "2020-01-01x", "2020-01-01 ", "2020/01/01", "-2020-01-01", "20200101", "2020-01-01T00:00:00+19:00"} {
		if ns, ok := ParseTime(s); ok {
			t.Errorf("ParseTime(%q) = %d, want none", s, ns)
		}
	}
	f := func(s string, want int64) {
		t.Helper()
		if ns, ok := ParseTime(s); !ok || ns != want {
			t.Errorf("ParseTime(%q) = %d %v, want %d", s, ns, ok, want)
		}
	}
	f("1970-01-01T00:00:00.1234567899Z", 123456789)
	f("1970-01-01t00:00:00z", 0)
	f("1970-01-01T05:30:00+0530", 0)
	f("1970-01-01T01+01", 0)
	f("0001-01-01", math.MinInt64)
	f("9999-12-31T23:59:59Z", math.MaxInt64)
	if n := testing.AllocsPerRun(100, func() { ParseTime("2020-09-17 08:32:19.1234567") }); n != 0 {
		t.Errorf("ParseTime allocates %v", n)
	}
}

func TestDateFormats(t *testing.T) {
	f := func(s, format, want string) {
		t.Helper()
		if err := checkFormat(format); err != nil {
			t.Error(err)
		}
		fd := Field{Type: Date, Format: format}
		v, ok := fd.Convert(Text(s))
		if got := v.String(); ok && got != want || !ok && want != "" {
			t.Errorf("%q by %q: %v %s, want %q", s, format, ok, got, want)
		}
	}
	f("12-12-2022", "dd-MM-yyyy", "2022-12-12T00:00:00.000Z")
	f("2022-12-13", "dd-MM-yyyy||yyyy-MM-dd", "2022-12-13T00:00:00.000Z")
	f("2022-13-12", "dd-MM-yyyy||yyyy-MM-dd", "")
	f("1/2/2022 3:04:05", "M/d/yyyy H:mm:ss", "2022-01-02T03:04:05.000Z")
	f("2022-01-02T03:04:05.25+01:00", "yyyy-MM-dd'T'HH:mm:ss.SSXXX", "2022-01-02T02:04:05.250Z")
	f("1.5", "epoch_second", "1970-01-01T00:00:01.500Z")
	f("-1.25", "epoch_second", "1969-12-31T23:59:58.750Z")
	f("5", "strict_date_optional_time||epoch_millis", "1970-01-01T00:00:00.005Z")
	for _, bad := range []string{"week_date", "dd MMM yyyy", "", "yyyy||", "EEE", "foo"} {
		if checkFormat(bad) == nil {
			t.Errorf("format %q accepted", bad)
		}
	}
}

func TestCompareVersion(t *testing.T) {
	// In ascending order, each below the next.
	order := []string{"0", "0.9", "1", "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-rc.1", "1.0.0", "1.0.0+build", "1.0.0.1",
		"1.2.4-SNAPSHOT", "1.2.4", "1.5.0", "1.11.3", "2.0", "10.0", "18446744073709551616.0", "", "01.0", "1..0", "1.0.", "1.0.0-", "1.0.0-01", "bad", "v1.0"}
	for i, a := range order {
		for j, b := range order {
			got := CompareVersion(a, b)
			if want := map[bool]int{true: -1}[i < j] + map[bool]int{true: 1}[i > j]; got != want {
				t.Errorf("CompareVersion(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestCompareNumbers(t *testing.T) {
	vals := []Value{Long(0), Long(-1), Long(math.MinInt64), Long(math.MaxInt64), ULong(0), ULong(math.MaxInt64), ULong(math.MaxInt64 + 1), ULong(math.MaxUint64),
		Long(1 << 53), Long(1<<53 + 1), Double(0), Double(-0.5), Double(0.5), Double(1 << 53), Double(1 << 63), Double(-1 << 63), Double(1 << 64), Double(1e300), Double(-1e300), Double(1<<63 - 1024)}
	exact := func(v Value) *big.Float {
		x := new(big.Float).SetPrec(2000)
		switch v.Kind {
		case KindLong:
			return x.SetInt64(int64(v.N))
		case KindULong:
			return x.SetUint64(v.N)
		}
		return x.SetFloat64(math.Float64frombits(v.N))
	}
	for _, a := range vals {
		for _, b := range vals {
			if got, ok := Compare(a, b); !ok || got != exact(a).Cmp(exact(b)) {
				t.Errorf("Compare(%v, %v) = %d %v", a, b, got, ok)
			}
		}
	}
}

func TestCompare(t *testing.T) {
	f := func(a, b Value, want int, wantOK bool) {
		t.Helper()
		if got, ok := Compare(a, b); got != want || ok != wantOK {
			t.Errorf("Compare(%v, %v) = %d %v, want %d %v", a, b, got, ok, want, wantOK)
		}
		if got, ok := Compare(b, a); got != -want || ok != wantOK {
			t.Errorf("Compare(%v, %v) = %d %v, want %d %v", b, a, got, ok, -want, wantOK)
		}
	}
	addr := func(s string) Value { return Addr(netip.MustParseAddr(s)) }
	f(Text("Foo"), Text("foo"), -1, true)
	f(Text("1"), Long(1), 0, false)
	f(Bool(false), Bool(true), -1, true)
	f(Bool(true), Long(1), 0, false)
	f(Number("1.0"), Long(1), 0, true)
	f(Number("2"), Number("10"), -1, true)
	f(Double(math.NaN()), Double(1), 0, false)
	f(Double(math.NaN()), Long(1), 0, false)
	f(Time(1), Time(2), -1, true)
	f(Time(1), Long(1), 0, false)
	f(addr("10.0.0.1"), addr("::ffff:10.0.0.1"), 0, true)
	f(addr("10.0.0.9"), addr("10.0.0.10"), -1, true)
	f(addr("9.9.9.9"), addr("::1"), 1, true)
	f(Value{}, Value{}, 0, false)
	f(Value{Kind: KindVersion, S: "1.2"}, Value{Kind: KindVersion, S: "1.10"}, -1, true)
}

// No text may make a conversion panic, and converting twice is converting once.
func FuzzConvert(f *testing.F) {
	for _, s := range []string{"", "-", "1", "-1.5e3", "2020-01-01T00:00:00.123Z", "131509374294.365140", "::1", "1.2.3-a.1+b", "true", "99999999999999999999999", "1e-400", "+", "2022-12-13", "-0.1"} {
		f.Add(s, "dd-MM-yyyy||epoch_second||yyyy-MM-dd'T'HH:mm:ss.SSSXXX")
	}
	f.Fuzz(func(t *testing.T, s, format string) {
		for typ := Dynamic; typ <= Unusable; typ++ {
			for _, v := range []Value{Text(s), Number(s)} {
				fd := Field{Type: typ}
				if checkFormat(format) == nil {
					fd.Format = format
				}
				got, ok := fd.Convert(v)
				if !ok {
					continue
				}
				if again, ok := fd.Convert(got); !ok || again != got {
					t.Fatalf("type %d: %q converts to %v, and that to %v", typ, s, got, again)
				}
				_, _ = Compare(got, got)
			}
		}
		if CompareVersion(s, format) != -CompareVersion(format, s) {
			t.Fatalf("versions %q and %q have no order", s, format)
		}
	})
}
