package event

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func describe(f Field, ok bool) string {
	if !ok {
		return "unknown"
	}
	s := fmt.Sprintf("%d %s", f.Type, f.Declared)
	if f.Path != "" && f.Path != f.Name {
		s += " at " + f.Path
	}
	if f.IgnoreAbove > 0 {
		s += fmt.Sprintf(" ignore %d", f.IgnoreAbove)
	}
	if f.NullValue != nil {
		s += " null " + f.NullValue.String()
	}
	if f.Format != "" {
		s += " format " + f.Format
	}
	if f.Unmapped {
		s = "unmapped"
	}
	return s
}

func TestMappingTypes(t *testing.T) {
	m, err := MappingTypes([]byte(`{"_note":"x","properties":{
		"a":{"type":"keyword","ignore_above":9,"null_value":"NULL","fields":{"text":{"type":"match_only_text"}}},
		"n":{"type":"long","null_value":-1},
		"o":{"properties":{"x":{"type":"ip"},"y.z":{"type":"unsigned_long"}}},
		"p":{"type":"object","properties":{"x":{"type":"half_float"}}},
		"t":{"type":"text"},
		"u":{"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":256}}},
		"al":{"type":"alias","path":"o.x"},
		"at":{"type":"alias","path":"u"},
		"nest":{"type":"nested","properties":{"x":{"type":"keyword"}}},
		"d":{"type":"date","format":"dd-MM-yyyy"},
		"g":{"type":"geo_point"}, "v":{"type":"version"}, "dn":{"type":"date_nanos"}, "bo":{"type":"boolean"}, "w":{"type":"wildcard"}},
		"_inferred_from_tests":{"t":{"type":"version"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a": "1 keyword ignore 9 null NULL", "a.text": "10 match_only_text at a null NULL", "n": "2 long null -1", "o": "unmapped", "o.x": "8 ip", "o.y.z": "3 unsigned_long",
		"p.x": "4 half_float", "t": "9 version", "u": "1 text ignore 256", "u.keyword": "1 keyword at u ignore 256",
		"al": "8 ip at o.x", "at": "1 text at u ignore 256", "nest": "10 nested", "nest.x": "10 nested", "d": "6 date format dd-MM-yyyy",
		"g": "10 geo_point", "v": "9 version", "dn": "7 date_nanos", "bo": "5 boolean", "w": "1 wildcard", "zzz": "unmapped",
	} {
		if got := describe(m.Field(name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if names := m.Names(); !slices.IsSorted(names) || !slices.Contains(names, "o.x") {
		t.Errorf("names: %v", names)
	}
	if err := m.Learn([]byte(`{"n":"x","l":{"i":1,"f":[null,1.5],"b":true},"s":"txt","when":"2020-01-01","num":"2020","e":[],"o.q":"é"}`)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"n": "2 long null -1", "l.i": "2 long", "l.f": "4 float", "l.b": "5 boolean", "s": "1 text ignore 256",
		"s.keyword": "1 keyword at s ignore 256", "when": "6 date", "num": "1 text ignore 256", "e": "unmapped", "o.q": "1 text ignore 256", "l": "unmapped"} {
		if got := describe(m.Field(name)); got != want {
			t.Errorf("learnt %s: %s, want %s", name, got, want)
		}
	}
	if m.Learn([]byte(`{"a"`)) == nil {
		t.Error("learnt from half a document")
	}
}

func TestMappingForms(t *testing.T) {
	f := func(text, field, want string) {
		t.Helper()
		m, err := MappingTypes([]byte(text))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = describe(m.Field(field))
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s: got %q, want %q", text, field, got, want)
		}
	}
	f(`{"mappings":{"properties":{"a":{"type":"ip"}}}}`, "a", "8 ip")
	f(`{"idx":{"mappings":{"dynamic":"strict","properties":{"a":{"type":"ip"}}}},"idy":{"mappings":{"properties":{"b":{"type":"date"}}}}}`, "b", "6 date")
	f(`{"per_index":{"x":{"properties":{"d":{"type":"date","format":"dd-MM-yyyy"}}},"y":{"properties":{"d":{"type":"date","format":"yyyy-MM-dd"}}}}}`, "d", "6 date format dd-MM-yyyy||yyyy-MM-dd")
	f(`{"per_index":{"x":{"properties":{"d":{"type":"date"}}},"y":{"properties":{"d":{"type":"keyword"}}}}}`, "d", "10 date and keyword")
	f(`{"properties":{"a":{"properties":{"b":{"type":"keywrod"}}},"c":{"type":"zip"}}}`, "a", `field a.b: unknown type "keywrod"`)
	f(`{"properties":{"a":{"type":"alias","path":"b"}}}`, "a", `field a: alias of "b", which is no field`)
	f(`{"properties":{"a":{"type":"date","format":"EEE"}}}`, "a", `field a: unknown date format "EEE"`)
	f(`{"properties":{"a":{"type":"text","fields":{"k":{"type":"kw"}}}}}`, "a", `field a.k: unknown type "kw"`)
	f(`{"properties":[]}`, "a", `read mapping`)
	f(`[]`, "a", `read mapping`)
	f(`{"properties":{"a":{"type":"ip"}`, "a", `read mapping`)
}

// The shared suites' mappings must all be read, and what their documents hold be known.
func TestMappingShared(t *testing.T) {
	files, _ := filepath.Glob("../../shared/eql/conformance/*.mapping.json")
	if len(files) == 0 {
		t.Skip("no ../shared: its conformance mappings are not read")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := MappingTypes(text)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		data, err := os.ReadFile(strings.Replace(file, ".mapping.json", ".ndjson", 1))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if err := m.Learn([]byte(line)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			for it := Members([]byte(line)); it.Next(); {
				f, _ := m.Field(it.Key.Text(nil))
				if form := it.Value.Form(); f.Unmapped && form != ObjectForm && form != NullForm && string(it.Value.Raw) != "[]" && string(it.Value.Raw) != "[null]" {
					t.Errorf("%s: %s stays unmapped", file, it.Key.Raw)
				}
			}
		}
	}
}

func TestECSTypes(t *testing.T) {
	for name, want := range map[string]string{
		"@timestamp": "6 date", "process.pid": "2 long", "source.ip": "8 ip", "process.command_line": "1 wildcard", "message": "1 match_only_text",
		"client.geo.location": "10 geo_point", "file.pe.imports": "1 flattened", "process": "unknown", "": "unknown", "zzz": "unknown", "process.pid ": "unknown", "process.pi": "unknown",
	} {
		if got := describe(ECSTypes().Field(name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if !IsArray("process.args") || !IsArray("event.category") || IsArray("process.pid") || IsArray("nope") {
		t.Error("lists")
	}
	lines := strings.Split(strings.TrimSpace(ecsTable), "\n")
	var last string
	for _, line := range lines {
		name, rest, _ := strings.Cut(line, " ")
		if name <= last {
			t.Errorf("%s after %s", name, last)
		}
		last = name
		f, ok := ECSTypes().Field(name)
		declared, _, _ := strings.Cut(rest, " ")
		if !ok || f.Declared != declared || f.Type == Unusable && !known(declared) {
			t.Errorf("%s: %+v %v", line, f, ok)
		}
	}
	if len(lines) < 2900 {
		t.Errorf("%d fields", len(lines))
	}
	if n := testing.AllocsPerRun(10, func() { ecsField("process.parent.command_line") }); n != 0 {
		t.Errorf("a look-up allocates %v", n)
	}
}

func FuzzMapping(f *testing.F) {
	f.Add([]byte(`{"properties":{"a":{"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":256}}},"b":{"type":"alias","path":"a"}}}`), []byte(`{"x":[1,{"y":"2020-01-01"}]}`))
	f.Add([]byte(`{"per_index":{"i":{"properties":{"d":{"type":"date","format":"dd-MM-yyyy","null_value":0}}}}}`), []byte(`{}`))
	f.Add([]byte(`{"properties":null,"_inferred_from_tests":{"a":{"properties":{"b":{}}}}}`), []byte(`[]`))
	f.Fuzz(func(t *testing.T, mapping, doc []byte) {
		m, err := MappingTypes(mapping)
		if err != nil {
			return
		}
		_ = m.Learn(doc)
		for _, name := range m.Names() {
			if f, ok := m.Field(name); !ok || f.Unmapped || f.Name != name || f.Declared == "alias" {
				t.Fatalf("%s: %+v", name, f)
			}
		}
	})
}

// Aliases and sub-fields are filled from the field they stand for; an explicit
// null turns into the mapping's null_value, an absent field does not.
func TestDecodeByMapping(t *testing.T) {
	m, err := MappingTypes([]byte(`{"properties":{"kind":{"type":"keyword"},"event":{"properties":{"category":{"type":"alias","path":"kind"}}},
		"opt":{"type":"keyword","null_value":"NULL"},"n":{"type":"long","null_value":-1},
		"host":{"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":5}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	fields := []string{"event.category", "kind", "opt", "n", "host", "host.keyword"}
	f := func(doc, want string) {
		t.Helper()
		s := NewSchema(m)
		for _, name := range fields {
			s.Slot(name)
		}
		ev := New(s)
		if err := NewDecoder(s).Decode([]byte(doc), ev); err != nil {
			t.Fatal(err)
		}
		var got []string
		for slot, name := range fields {
			for _, v := range ev.Values(slot) {
				got = append(got, name+"="+v.String())
			}
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s: got %q, want %q", doc, g, want)
		}
	}
	f(`{"kind":"process","opt":null}`, "event.category=process kind=process opt=NULL")
	f(`{"opt":[null,"x",null],"n":null}`, "opt=NULL opt=x opt=NULL n=-1")
	f(`{"host":["short","longer","é漢é漢é"]}`, "host=short host=é漢é漢é host.keyword=short host.keyword=é漢é漢é")
	f(`{"event":{"category":"ignored: an alias holds nothing"}}`, "")
}
