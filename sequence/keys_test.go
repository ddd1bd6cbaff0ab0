package sequence

import (
	"bytes"
	"math"
	"net/netip"
	"slices"
	"testing"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
	"pgregory.net/rapid"
)

func double(f float64) event.Value {
	return event.Value{Kind: event.KindDouble, N: math.Float64bits(f)}
}

func version(s string) event.Value { return event.Value{Kind: event.KindVersion, S: s} }

// TestKeyOrder lists parts in ascending order; each is smaller than the next.
func TestKeyOrder(t *testing.T) {
	addr := func(s string) event.Value { return event.Addr(netip.MustParseAddr(s)) }
	for _, list := range [][]event.Value{
		{{}, event.Bool(false), event.Bool(true)},
		{
			{}, double(math.Inf(-1)), double(-1e300), event.Long(math.MinInt64), event.Long(math.MinInt64 + 1),
			double(-1.5), event.Long(-1), double(-0.5), event.Long(0), double(0.25), event.Long(1), double(1.5), event.Long(2),
			event.Long(1<<53 - 1), event.Long(1 << 53), event.Long(1<<53 + 1), event.Long(math.MaxInt64 - 1), event.Long(math.MaxInt64),
			event.ULong(1 << 63), event.ULong(1<<63 + 1), event.ULong(math.MaxUint64 - 1), event.ULong(math.MaxUint64), double(1 << 64), double(1e300),
		},
		{{}, event.Time(math.MinInt64), event.Time(-1), event.Time(0), event.Time(1), event.Time(math.MaxInt64)},
		{{}, addr("::"), addr("1.2.3.4"), addr("1.2.3.5"), addr("200.0.0.1"), addr("fe80::1")},
		{{}, event.Text(""), event.Text("\x00"), event.Text("\x00\x00"), event.Text("\x00a"), event.Text("\x01"), event.Text("GTA"), event.Text("a"), event.Text("a\x00"), event.Text("aa"), event.Text("doom"), event.Text("é")},
		{{}, version("1.2.3-alpha"), version("1.2.3-alpha.1"), version("1.2.3-alpha.beta"), version("1.2.3-beta"), version("1.2.3"), version("1.2.10"), version("1.11.0"), version("2.0.0"), version("10.0.0"), version("bad"), version("worse")},
	} {
		for i := range list {
			for k := range list {
				// A second part must not change the order of the first.
				a := AppendKey(AppendKey(nil, list[i]), event.Text("z"))
				b := AppendKey(AppendKey(nil, list[k]), event.Text(""))
				if i == k {
					a, b = AppendKey(nil, list[i]), AppendKey(nil, list[k])
				}
				want := i - k
				if got := bytes.Compare(a, b); got < 0 != (want < 0) || got == 0 != (want == 0) {
					t.Errorf("%s and %s compare as %d", KeyText(list[i]), KeyText(list[k]), got)
				}
			}
		}
	}
}

func TestKeyEquality(t *testing.T) {
	f := func(a, b event.Value, want bool) {
		t.Helper()
		if got := bytes.Equal(AppendKey(nil, a), AppendKey(nil, b)); got != want {
			t.Errorf("%s equal %s: %v", KeyText(a), KeyText(b), got)
		}
	}
	f(event.Long(5), double(5), true)
	f(event.Long(5), event.ULong(5), true)
	f(double(math.Copysign(0, -1)), event.Long(0), true)
	f(event.ULong(1<<63), double(1<<63), true)
	f(event.Long(5), event.Text("5"), false)
	f(event.Value{}, event.Text(""), false)
	f(event.Value{}, event.Text("null"), false)
	f(event.Text("A"), event.Text("a"), false)
	f(version("1.0"), version("1.0.0"), false)
	f(event.Addr(netip.MustParseAddr("1.2.3.4")), event.Addr(netip.MustParseAddr("::ffff:1.2.3.4")), true)
}

func drawValue(t *rapid.T) event.Value {
	switch rapid.IntRange(0, 8).Draw(t, "kind") {
	case 0:
		return event.Value{}
	case 1:
		return event.Bool(rapid.Bool().Draw(t, "bool"))
	case 2:
		return event.Long(rapid.Int64().Draw(t, "long"))
	case 3:
		return event.ULong(rapid.Uint64().Draw(t, "ulong"))
	case 4:
		return double(rapid.Float64().Draw(t, "double"))
	case 5:
		return event.Time(rapid.Int64().Draw(t, "time"))
	case 6:
		return event.Value{Kind: event.KindIP, M: rapid.Uint64().Draw(t, "hi"), N: rapid.Uint64().Draw(t, "lo")}
	case 7:
		return version(rapid.StringMatching(`[0-9]{0,3}(\.[0-9a-z]{0,2}){0,4}(-[0-9a-z.]{0,4})?(\+.)?`).Draw(t, "version"))
	}
	return event.Text(string(rapid.SliceOfN(rapid.ByteRange(0, 3), 0, 6).Draw(t, "bytes")))
}

// TestKeyValues takes keys apart again.
func TestKeyValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var key []byte
		var want []event.Value
		for range rapid.IntRange(0, 4).Draw(t, "parts") {
			v := drawValue(t)
			want = append(want, v)
			key = AppendKey(key, v)
		}
		got := KeyValues(string(key))
		if len(got) != len(want) {
			t.Fatalf("%q: %d parts, want %d", key, len(got), len(want))
		}
		var again []byte
		for i := range got {
			again = AppendKey(again, got[i])
			if want[i].Kind != event.KindDouble && KeyText(got[i]) != KeyText(want[i]) {
				t.Fatalf("part %d: %s, want %s", i, KeyText(got[i]), KeyText(want[i]))
			}
		}
		if !bytes.Equal(again, key) {
			t.Fatalf("%q becomes %q", key, again)
		}
	})
}

func FuzzKeyValues(f *testing.F) {
	f.Add("\x06abc\x00\x01\x03")
	f.Add("\x07\x01\x00\x011\x00\x00\x00\x00\xFF1\x00")
	f.Fuzz(func(t *testing.T, key string) {
		for _, v := range KeyValues(key) {
			KeyText(v)
			SampleKeyText(v)
		}
	})
}

func TestKeyText(t *testing.T) {
	f := func(v event.Value, want, sample string) {
		t.Helper()
		if got := KeyText(v); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := SampleKeyText(v); got != sample {
			t.Errorf("sample: got %s, want %s", got, sample)
		}
	}
	f(event.Time(1671235200000*1e6), "2022-12-17T00:00:00.000Z", "1671235200000")
	f(event.Time(1671235200000*1e6+1), "2022-12-17T00:00:00.000000001Z", "1671235200000")
	f(event.Time(-1), "1969-12-31T23:59:59.999999999Z", "-1")
	f(event.Addr(netip.MustParseAddr("0:0:0:0:0:0:0:1")), "::1", "::1")
	f(event.Bool(true), "true", "true")
	f(double(1.5), "1.5", "1.5")
	f(event.ULong(math.MaxUint64), "18446744073709551615", "18446744073709551615")
	f(event.Value{}, "null", "null")
}

// keysOf returns the keys of an event as texts, parts joined by a bar.
func keysOf(m *KeyMaker, ev *event.Event, keys []eql.Key) (out []string) {
	m.Keys(ev, keys, func(key []byte) bool {
		text := ""
		for _, v := range KeyValues(string(key)) {
			text += "|" + KeyText(v)
		}
		out = append(out, text)
		return true
	})
	return out
}

func TestKeys(t *testing.T) {
	s := event.NewSchema(nil)
	key := func(name string) eql.Key {
		k := eql.Key{Name: name}
		if name[0] == '?' {
			k.Name, k.Optional = name[1:], true
		}
		k.Slot = s.Slot(k.Name)
		return k
	}
	a, b, oa, ob := key("a"), key("b"), key("?a"), key("?b")
	f := func(as, bs []string, keys []eql.Key, want ...string) {
		t.Helper()
		ev := event.New(s)
		for _, x := range as {
			ev.Add(a.Slot, event.Text(x))
		}
		for _, x := range bs {
			ev.Add(b.Slot, event.Text(x))
		}
		if got := keysOf(&KeyMaker{FoldGUIDs: true}, ev, keys); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	one, two := []string{"1"}, []string{"1", "2"}
	f(nil, nil, nil, "")
	f(one, nil, []eql.Key{a}, "|1")
	f(two, two, []eql.Key{a, b}, "|1|1", "|1|2", "|2|1", "|2|2")
	f(one, nil, []eql.Key{a, b})
	f(one, nil, []eql.Key{a, ob}, "|1|null")
	f(nil, nil, []eql.Key{oa, ob}, "|null|null")
	f([]string{"{CAFEBABE-0000-1111-2222-00000000000A}"}, []string{"cafebabe-0000-1111-2222-00000000000a"}, []eql.Key{a, b},
		"|cafebabe-0000-1111-2222-00000000000a|cafebabe-0000-1111-2222-00000000000a")
	f([]string{"{CAFEBABE-0000-1111-2222-0000000000}"}, nil, []eql.Key{a}, "|{CAFEBABE-0000-1111-2222-0000000000}")
	f([]string{"{CAFEBABE-0000-1111-2222-00000000000A"}, nil, []eql.Key{a}, "|{CAFEBABE-0000-1111-2222-00000000000A")
}

func TestKeysAreBoundedAndAllocateNothing(t *testing.T) {
	s := event.NewSchema(nil)
	keys := []eql.Key{{Slot: s.Slot("a")}, {Slot: s.Slot("b")}, {Slot: s.Slot("c")}}
	ev := event.New(s)
	for i := range 100 {
		for _, k := range keys {
			ev.Add(k.Slot, event.Long(int64(i)))
		}
	}
	m, n := &KeyMaker{FoldGUIDs: true}, 0
	count := func([]byte) bool { n++; return true }
	if m.Keys(ev, keys, count); n != MaxKeys {
		t.Errorf("%d keys", n)
	}
	if a := testing.AllocsPerRun(10, func() { m.Keys(ev, keys, count) }); a > 0 {
		t.Errorf("%v allocations", a)
	}
	n = 0
	if m.Keys(ev, keys, func([]byte) bool { n++; return false }) || n != 1 {
		t.Errorf("%d keys after yield ended it", n)
	}
}
