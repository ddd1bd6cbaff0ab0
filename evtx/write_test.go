package evtx_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/evtx"
	"github.com/tocsin-project/tocsin/evtx/evtxtest"
)

var stamp = time.Date(2024, 2, 3, 4, 5, 6, 123456700, time.UTC)

func must(v evtx.Value, err error) evtx.Value {
	if err != nil {
		panic(err)
	}
	return v
}

// typeCases are values of every type, with their text and their JSON.
var typeCases = []struct {
	name  string
	value evtx.Value
	text  string
	json  string
}{
	{"string", evtxtest.String("Zürich – 東京 😀"), "Zürich – 東京 😀", `"Zürich – 東京 😀"`},
	{"terminated", evtxtest.String("a\x00\x00"), "a", `"a"`},
	{"empty", evtxtest.String(""), "", `""`},
	{"null", evtx.Value{}, "", `""`},
	{"lone surrogate", evtx.RawValue(evtx.TypeString, []byte{0x41, 0, 0x00, 0xd8, 0x42, 0}), "A\uFFFDB", `"A` + "\uFFFD" + `B"`},
	{"control", evtxtest.String("\x01\r\n\t\"\\"), "\x01\r\n\t\"\\", `"\u0001\r\n\t\"\\"`},
	{"ansi", evtxtest.Ansi("caf\xe9 \x80\x00"), "café €", `"café €"`},
	{"int8", evtxtest.Int8(-8), "-8", "-8"},
	{"uint8", evtxtest.Uint8(200), "200", "200"},
	{"int16", evtxtest.Int16(-1600), "-1600", "-1600"},
	{"uint16", evtxtest.Uint16(65535), "65535", "65535"},
	{"int32", evtxtest.Int32(-1), "-1", "-1"},
	{"uint32", evtxtest.Uint32(4294967295), "4294967295", "4294967295"},
	{"int64", evtxtest.Int64(-1 << 63), "-9223372036854775808", "-9223372036854775808"},
	{"uint64", evtxtest.Uint64(1<<64 - 1), "18446744073709551615", "18446744073709551615"},
	{"float32", evtxtest.Float32(1.5), "1.5", "1.5"},
	{"float64", evtxtest.Float64(-0.25), "-0.25", "-0.25"},
	{"true", evtxtest.Bool(true), "true", "true"},
	{"false", evtxtest.Bool(false), "false", "false"},
	{"odd bool", evtx.RawValue(evtx.TypeBool, []byte{16, 0, 0, 0}), "true", "true"},
	{"bool of a byte", evtx.RawValue(evtx.TypeBool, []byte{0}), "false", "false"},
	{"binary", evtxtest.Binary([]byte{0, 0xab, 0xff}), "00ABFF", `"00ABFF"`},
	{"guid", must(evtxtest.GUID("{01234567-89ab-cdef-0123-456789abcdef}")), "{01234567-89ab-cdef-0123-456789abcdef}", `"{01234567-89ab-cdef-0123-456789abcdef}"`},
	{"short guid", evtx.RawValue(evtx.TypeGUID, []byte{1, 2}), "0102", `"0102"`},
	{"size", evtxtest.Size(0x24c), "0x24c", `"0x24c"`},
	{"filetime", evtxtest.Filetime(stamp), "2024-02-03T04:05:06.1234567Z", `"2024-02-03T04:05:06.1234567Z"`},
	{"filetime 0", evtxtest.Filetime(time.Time{}), "1601-01-01T00:00:00.0000000Z", `"1601-01-01T00:00:00.0000000Z"`},
	{"filetime far", evtx.RawValue(evtx.TypeFiletime, bytes.Repeat([]byte{0xff}, 8)), "FFFFFFFFFFFFFFFF", `"FFFFFFFFFFFFFFFF"`},
	{"systemtime", evtxtest.Systemtime(stamp), "2024-02-03T04:05:06.123Z", `"2024-02-03T04:05:06.123Z"`},
	{"sid", must(evtxtest.SID("S-1-5-21-1-2-3-500")), "S-1-5-21-1-2-3-500", `"S-1-5-21-1-2-3-500"`},
	{"cut sid", evtx.RawValue(evtx.TypeSID, []byte{1, 9, 0, 0, 0, 0, 0, 5}), "0109000000000005", `"0109000000000005"`},
	{"hex32", evtxtest.Hex32(0x3e7), "0x3e7", `"0x3e7"`},
	{"hex64", evtxtest.Hex64(0x8000000000000000), "0x8000000000000000", `"0x8000000000000000"`},
	{"unknown type", evtx.RawValue(0x1f, []byte{1}), "01", `"01"`},
}

func read(t *testing.T, file []byte, opts evtx.Options) (recs []string, problems []string) {
	t.Helper()
	f, err := evtx.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, []string{err.Error()}
	}
	for r, err := range f.Records(opts) {
		if err != nil {
			problems = append(problems, err.Error())
		}
		if r != nil {
			mark := ""
			if r.Carved {
				mark = "carved "
			}
			recs = append(recs, fmt.Sprintf("%s%d %s", mark, r.ID, strings.Join(evtx.Flatten(r), "|")))
		}
	}
	return recs, problems
}

func TestEveryType(t *testing.T) {
	e := sample()
	e.Data = nil
	for _, c := range typeCases {
		e.Data = append(e.Data, evtxtest.Data{Name: c.name, Value: c.value})
	}
	file, err := evtxtest.File(e)
	if err != nil {
		t.Fatal(err)
	}
	f, err := evtx.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range f.Records(evtx.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		js := string(r.AppendJSON(nil))
		for i, c := range typeCases {
			if p := r.Data[i]; p.Name != c.name || p.Value.String() != c.text {
				t.Errorf("%s: %q is %q, want %q", c.name, p.Name, p.Value, c.text)
			}
			if want := fmt.Sprintf("%q:%s", c.name, c.json); !strings.Contains(js, want) {
				t.Errorf("%s: no %s in %s", c.name, want, js)
			}
		}
	}
}

func sample() evtxtest.Event {
	return evtxtest.Event{
		Provider: "Example-Provider", ProviderGUID: "{00000000-0000-0000-0000-0000000000aa}",
		ID: 4624, Version: 2, Level: 4, Task: 12544, Keywords: 0x8020000000000000, Time: stamp,
		ActivityID: "{00000000-0000-0000-0000-0000000000bb}", ProcessID: 4, ThreadID: 8,
		Channel: "Security", Computer: "host.example", UserSID: "S-1-5-18",
		Data: []evtxtest.Data{
			{Name: "User", Value: evtxtest.String("alice")}, {Name: "LogonId", Value: evtxtest.Hex64(0x3e7)},
		},
	}
}

// many gives n events that differ.
func many(t testing.TB, n int) []byte {
	t.Helper()
	var list []evtxtest.Event
	for i := range n {
		e := sample()
		e.Data[0].Value = evtxtest.String(fmt.Sprintf("user %d", i+1))
		list = append(list, e)
	}
	file, err := evtxtest.File(list...)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// shapes are events of all the forms that a log can hold.
func shapes() []evtxtest.Event {
	classic := sample()
	classic.ID, classic.Qualifiers, classic.ProviderGUID, classic.ActivityID, classic.UserSID = 7045, 16384, "", "", ""
	classic.Data = []evtxtest.Data{{Value: evtxtest.Strings("one", "", "three")}, {Value: evtxtest.String("four")}}
	user := sample()
	user.Data = nil
	user.Sections = []evtxtest.Element{{Name: "UserData", Nested: true, Children: []evtxtest.Element{{
		Name: "LogFileCleared", Attrs: []evtxtest.Data{{Name: "xmlns", Value: evtxtest.Text("http://example")}},
		Children: []evtxtest.Element{
			{Name: "SubjectUserName", Content: []evtx.Value{evtxtest.String("bob")}},
			{Name: "Deep", Attrs: []evtxtest.Data{{Name: "n", Value: evtxtest.Uint32(7)}}, Children: []evtxtest.Element{
				{Name: "Leaf", Content: []evtx.Value{evtxtest.Text("lit "), evtxtest.Uint16(5), evtxtest.Text(" & more")}},
			}},
			{Name: "Absent", Content: []evtx.Value{{}}, NeedsContent: true},
		},
	}}}}
	forwarded := sample()
	forwarded.Literal = true
	forwarded.Sections = []evtxtest.Element{{Name: "RenderingInfo", Attrs: []evtxtest.Data{{Name: "Culture", Value: evtxtest.Text("en-US")}},
		Children: []evtxtest.Element{
			{Name: "Message", Content: []evtx.Value{evtxtest.Text("An account logged on.\r\n")}},
			{Name: "Keywords", Children: []evtxtest.Element{
				{Name: "Keyword", Content: []evtx.Value{evtxtest.Text("Audit Success")}},
				{Name: "Keyword", Content: []evtx.Value{evtxtest.Text("Other")}},
			}},
		}}}
	return []evtxtest.Event{sample(), classic, user, forwarded}
}

func TestShapes(t *testing.T) {
	file, err := evtxtest.File(shapes()...)
	if err != nil {
		t.Fatal(err)
	}
	recs, problems := read(t, file, evtx.Options{})
	if len(problems) > 0 || len(recs) != 4 {
		t.Fatalf("%d records, problems %q", len(recs), problems)
	}
	has := func(i int, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if !strings.Contains(recs[i]+"|", "|"+p+"|") {
				t.Errorf("record %d lacks %q: %s", i, p, recs[i])
			}
		}
	}
	has(0, "System/EventID=4624", "System/Security/@UserID=S-1-5-18", "data:User=alice", "data:LogonId=0x3e7", "System/Channel=Security")
	has(1, "System/EventID/@Qualifiers=16384", "data:=one", "data:=", "data:=three", "data:=four")
	has(2, "user:LogFileCleared/SubjectUserName=bob", "user:LogFileCleared/Deep/@n=7", "user:LogFileCleared/Deep/Leaf=lit 5 & more")
	has(3, "System/EventID=4624", "data:User=alice", "RenderingInfo/@Culture=en-US", "RenderingInfo/Message=An account logged on.", "keyword=Audit Success", "keyword=Other")
	if strings.Contains(recs[2], "Absent") {
		t.Errorf("element without its value: %s", recs[2])
	}
}

// TestWriterAgainstLibevtx has libevtx read what the writer writes.
func TestWriterAgainstLibevtx(t *testing.T) {
	tool, err := exec.LookPath("evtxexport")
	if err != nil {
		t.Skip("no oracle: evtxexport (libevtx-utils) is not installed")
	}
	list := shapes()[:3]                                       // libevtx gives up on events outside templates,
	list[2].Sections[0].Children[0].Children[1].Children = nil // and on values among text
	file, err := evtxtest.File(list...)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.evtx")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	theirs, complete := evtx.FlattenLibevtx(t, tool, path)
	if !complete || len(theirs) != len(list) {
		t.Fatalf("libevtx reads %d records, complete: %v", len(theirs), complete)
	}
	f, err := evtx.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	i := 0
	for r, err := range f.Records(evtx.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		if d := evtx.DiffFlat(evtx.Flatten(r), theirs[i]); d != "" {
			t.Errorf("record %d:\n%s", i, d)
		}
		i++
	}
}

func TestManyChunks(t *testing.T) {
	const n = 1000
	file := many(t, n)
	recs, problems := read(t, file, evtx.Options{Carve: true})
	if len(recs) != n || len(problems) > 0 {
		t.Fatalf("%d records, problems %q", len(recs), problems)
	}
	if chunks := (len(file) - 4096) / evtx.ChunkSize; chunks < 3 {
		t.Errorf("%d chunks are too few for the test", chunks)
	}
	for i, r := range recs {
		if !strings.HasPrefix(r, fmt.Sprintf("%d ", i+1)) || !strings.Contains(r, fmt.Sprintf("data:User=user %d|", i+1)) {
			t.Fatalf("record %d: %s", i, r)
		}
	}
}

// TestRepeatedRecordID reads every live record, whatever number it has.
func TestRepeatedRecordID(t *testing.T) {
	a, b := sample(), sample()
	a.RecordID, b.RecordID = 7, 7
	file, err := evtxtest.File(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if recs, problems := read(t, file, evtx.Options{}); len(recs) != 2 || len(problems) > 0 {
		t.Errorf("%d records, problems %q", len(recs), problems)
	}
}

const firstChunk = 4096

// recordAt gives the offsets of the records of the first chunk.
func recordsOf(file []byte) (offs []int) {
	for at := firstChunk + 512; string(file[at:at+4]) == "**\x00\x00"; {
		offs = append(offs, at)
		at += int(binary.LittleEndian.Uint32(file[at+4:]))
	}
	return offs
}

// hideLast takes the last record of the first chunk out of its header: it is
// then slack.
func hideLast(file []byte) {
	offs := recordsOf(file)
	last := offs[len(offs)-1]
	c := file[firstChunk:]
	le := binary.LittleEndian
	le.PutUint64(c[16:], le.Uint64(c[16:])-1)
	le.PutUint64(c[32:], le.Uint64(c[32:])-1)
	le.PutUint32(c[44:], uint32(offs[len(offs)-2]-firstChunk))
	le.PutUint32(c[48:], uint32(last-firstChunk))
	evtxtest.Seal(file)
}

func TestCarve(t *testing.T) {
	file := many(t, 5)
	hideLast(file)
	live, problems := read(t, file, evtx.Options{})
	if len(live) != 4 || len(problems) > 0 {
		t.Errorf("live: %d records, problems %q", len(live), problems)
	}
	all, problems := read(t, file, evtx.Options{Carve: true})
	if len(all) != 5 || len(problems) > 0 {
		t.Fatalf("carved: %d records, problems %q", len(all), problems)
	}
	if !strings.HasPrefix(all[4], "carved 5 ") || !strings.Contains(all[4], "user 5") {
		t.Errorf("carved record: %s", all[4])
	}
}

// TestStaleChunk reads chunks that the file's header does not count as slack.
func TestStaleChunk(t *testing.T) {
	file := many(t, 1000)
	whole, _ := read(t, file, evtx.Options{})
	binary.LittleEndian.PutUint16(file[42:], 1)
	evtxtest.Seal(file)
	live, problems := read(t, file, evtx.Options{})
	if len(live) == 0 || len(live) >= len(whole) || len(problems) > 0 {
		t.Errorf("live: %d of %d records, problems %q", len(live), len(whole), problems)
	}
	all, _ := read(t, file, evtx.Options{Carve: true})
	carved := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !strings.HasPrefix(s, "carved ") })
	if len(all) != len(whole) || len(carved) != len(all)-len(live) {
		t.Errorf("%d records, %d carved, want %d and %d", len(all), len(carved), len(whole), len(whole)-len(live))
	}
	binary.LittleEndian.PutUint32(file[120:], 1) // dirty: the count means nothing
	evtxtest.Seal(file)
	if live, _ = read(t, file, evtx.Options{}); len(live) != len(whole) {
		t.Errorf("dirty: %d of %d records", len(live), len(whole))
	}
}

func TestCarveChunks(t *testing.T) {
	file := many(t, 1000)
	image := append(bytes.Repeat([]byte("junk"), 300001), file[4096:4096+evtx.ChunkSize]...)
	image = append(image, 1, 2, 3)
	image = append(image, file[4096+evtx.ChunkSize:4096+evtx.ChunkSize+30000]...)
	var got []string
	for ref, err := range evtx.CarveChunks(bytes.NewReader(image), int64(len(image))) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %d %d", ref.Index, ref.Offset, ref.Size))
	}
	want := []string{"0 1200004 65536", "1 1265543 30000"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func newReader(file []byte) (*bytes.Reader, int64) {
	return bytes.NewReader(file), int64(len(file))
}
