package evtx

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"
)

func text(s string) Value { return TextValue([]byte(s)) }

func little(t Type, size int, n uint64) Value {
	return RawValue(t, binary.LittleEndian.AppendUint64(nil, n)[:size])
}

func TestValueNumbers(t *testing.T) {
	f := func(v Value, wantInt int64, okInt bool, wantUint uint64, okUint bool) {
		t.Helper()
		if n, ok := v.Int(); ok != okInt || ok && n != wantInt {
			t.Errorf("%#x %q: Int is %d %v", v.Type(), v, n, ok)
		}
		if n, ok := v.Uint(); ok != okUint || ok && n != wantUint {
			t.Errorf("%#x %q: Uint is %d %v", v.Type(), v, n, ok)
		}
	}
	f(Value{}, 0, false, 0, false)
	f(little(TypeInt8, 1, 0xff), -1, true, 0, false)
	f(little(TypeInt16, 2, 5), 5, true, 5, true)
	f(little(TypeUint64, 8, math.MaxUint64), 0, false, math.MaxUint64, true)
	f(little(TypeHex32, 4, 0x3e7), 999, true, 999, true)
	f(little(TypeHex64, 3, 0x010203), 0x010203, true, 0x010203, true)
	f(little(TypeBool, 4, 16), 1, true, 1, true)
	f(little(TypeSize, 4, 7), 7, true, 7, true)
	f(text("4624"), 4624, true, 4624, true)
	f(text("0x3E7"), 999, true, 999, true)
	f(text("-5"), -5, true, 0, false)
	f(text("-9223372036854775808"), math.MinInt64, true, 0, false)
	f(text("-9223372036854775809"), 0, false, 0, false)
	f(text("18446744073709551615"), 0, false, math.MaxUint64, true)
	f(text("18446744073709551616"), 0, false, 0, false)
	f(text("0x"), 0, false, 0, false)
	f(text(""), 0, false, 0, false)
	f(text("1a"), 0, false, 0, false)
	f(RawValue(TypeString, []byte{'7', 0, 0, 0}), 7, true, 7, true)
	f(RawValue(TypeGUID, make([]byte, 16)), 0, false, 0, false)
}

func TestValueTime(t *testing.T) {
	f := func(v Value, want string) {
		t.Helper()
		got := "(none)"
		if at, ok := v.Time(); ok {
			got = at.Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", v, got, want)
		}
	}
	f(little(TypeFiletime, 8, filetimeUnix+15), "1970-01-01T00:00:00.0000015Z")
	f(little(TypeFiletime, 8, 1), "1601-01-01T00:00:00.0000001Z")
	f(little(TypeFiletime, 8, maxFiletime), "9999-12-31T23:59:59.9999999Z")
	f(little(TypeFiletime, 8, maxFiletime+1), "(none)")
	f(RawValue(TypeSystemtime, make([]byte, 16)), "(none)")
	f(RawValue(TypeSystemtime, nil), "(none)")
	f(text("2024-02-03T04:05:06.1234567Z"), "2024-02-03T04:05:06.1234567Z")
	f(text("2024-02-03T04:05:06.1234567890Z"), "2024-02-03T04:05:06.123456789Z")
	f(text("2024-02-03 04:05:06"), "2024-02-03T04:05:06Z")
	f(text("2024-02-03T04:05:06+02:30"), "2024-02-03T01:35:06Z")
	f(text("2024-02-03T04:05:06-0230"), "(none)")
	f(text("2024-13-03T04:05:06Z"), "(none)")
	f(text("2024-02-03T0x:05:06Z"), "(none)")
	f(text("2024-02-03"), "(none)")
	f(little(TypeUint32, 4, 5), "(none)")
}

func TestItems(t *testing.T) {
	f := func(v Value, want ...string) {
		t.Helper()
		var got []string
		v.Items(func(item Value) bool {
			got = append(got, item.String())
			return true
		})
		if len(got) != len(want) {
			t.Errorf("%#x: %q, want %q", v.Type(), got, want)
			return
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%#x: item %d is %q, want %q", v.Type(), i, got[i], want[i])
			}
		}
	}
	f(text("x"), "x")
	f(RawValue(TypeUint16|ArrayFlag, []byte{1, 0, 2, 0}), "1", "2")
	f(RawValue(TypeUint32|ArrayFlag, []byte{1, 0, 0, 0, 2}), "1", "02") // a rest is shown as it is
	f(RawValue(TypeString|ArrayFlag, []byte{'a', 0, 0, 0, 0, 0, 'b', 0}), "a", "", "b")
	f(RawValue(TypeString|ArrayFlag, []byte{'a'}), "")
	f(RawValue(TypeAnsi|ArrayFlag, []byte("a\x00b\x00")), "a", "b")
	f(RawValue(TypeBinary|ArrayFlag, []byte{1, 2}), "0102")
	f(RawValue(TypeSID|ArrayFlag, []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 5, 19, 0, 0, 0}), "S-1-5-18", "S-1-5-19")
	f(RawValue(TypeUint8|ArrayFlag, nil))
	if got := RawValue(TypeUint8|ArrayFlag, []byte{1, 2, 3}).String(); got != "1, 2, 3" {
		t.Errorf("array as one text: %q", got)
	}
}

// broken fails behind some bytes.
type broken struct{ good int64 }

var errDisk = errors.New("disk fell off")

func (b broken) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > b.good {
		return 0, errDisk
	}
	clear(p)
	if at == 0 {
		copy(p, fileMagic)
	}
	return len(p), nil
}

// TestReadError gives an error of reading as it is, and ends.
func TestReadError(t *testing.T) {
	if _, err := NewReader(broken{0}, 1<<20); !errors.Is(err, errDisk) {
		t.Errorf("header: %v", err)
	}
	f, err := NewReader(broken{100000}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var last error
	for _, err := range f.Records(Options{}) {
		last = err
	}
	if !errors.Is(last, errDisk) {
		t.Errorf("chunk: %v", last)
	}
	for _, err := range CarveChunks(broken{0}, 1<<20) {
		last = err
	}
	if !errors.Is(last, errDisk) {
		t.Errorf("carving: %v", last)
	}
	if _, err := Open("doc.go"); !errors.Is(err, ErrNotEVTX) {
		t.Errorf("a file of another kind: %v", err)
	}
}

// TestNames bounds the table of names.
func TestNames(t *testing.T) {
	var n names
	long := make([]byte, 1000)
	for i := range 3000 {
		binary.LittleEndian.PutUint32(long, uint32(i))
		s, id := n.of(long)
		if s != string(long) || id != 0 && id != uint32(i+1) {
			t.Fatalf("name %d: id %d", i, id)
		}
	}
	if n.bytes > maxNameBytes || len(n.texts) < 1000 {
		t.Errorf("%d names of %d bytes are kept", len(n.texts), n.bytes)
	}
	if s, id := n.of(nil); s != "" || id != 0 && id > uint32(len(n.texts)) {
		t.Errorf("empty name: %q %d", s, id)
	}
}
