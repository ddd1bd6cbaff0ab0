package evtx

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
)

// TestAgainstEvtxDump compares our JSON with that of the Rust crate evtx
// (evtx_dump -o jsonl), which reads files that libevtx does not.
func TestAgainstEvtxDump(t *testing.T) {
	tool, err := exec.LookPath("evtx_dump")
	if err != nil {
		tool = "/opt/peers/bin/evtx_dump"
	}
	if _, err = exec.LookPath(tool); err != nil {
		t.Skip("no oracle: evtx_dump (cargo install evtx) is not installed")
	}
	same, records := 0, 0
	for _, path := range corpus(t, "evtx") {
		// evtx_dump may give chunks in another order: records are taken by
		// their number.
		theirs := map[string][]flat{}
		out, _ := exec.Command(tool, "-t", "1", "-o", "jsonl", path).Output()
		for line := range bytes.Lines(out) {
			f := jsonLines(t, line)
			theirs[recordNumber(f)] = append(theirs[recordNumber(f)], f)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := 0
		for r := range f.Records(Options{}) {
			if r == nil {
				continue
			}
			records++
			a := jsonLines(t, r.AppendJSON(nil))
			i := slices.IndexFunc(theirs[recordNumber(a)], func(b flat) bool { return slices.Equal(a, b) })
			if i >= 0 {
				same++
			} else if bad++; bad <= 3 {
				var b flat
				if list := theirs[recordNumber(a)]; len(list) > 0 {
					b = list[0]
				}
				t.Errorf("%s: record %d:\n%s", filepath.Base(path), r.ID, diffFlat(a, b))
			}
		}
		f.Close()
	}
	t.Logf("%d of %d records have the same JSON", same, records)
}

func recordNumber(f flat) string {
	for _, s := range f {
		if strings.HasPrefix(s, "/Event/System/EventRecordID=") {
			return strings.Trim(s[len("/Event/System/EventRecordID="):], `"`)
		}
	}
	return ""
}

var (
	// evtx_dump numbers keys that come again: Data, Data_1. Ours are an array.
	numbered = regexp.MustCompile(`_\d+(/|=)`)
	// It writes a boolean that is neither 0 nor 1 as a number.
	oddBool = regexp.MustCompile(`^(/Event/EventData/Is\w+)=\d+$`)
)

// jsonLines flattens a JSON document to sorted lines of path=value, without
// namespaces and without what is empty.
func jsonLines(t *testing.T, doc []byte) flat {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Errorf("%v: %.200s", err, doc)
	}
	var out flat
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, c := range v {
				walk(path+"/"+k, c)
			}
		case []any:
			for _, c := range v {
				walk(path, c)
			}
		case nil:
		default:
			if text, ok := v.(string); ok {
				v = same(text)
			}
			b, _ := json.Marshal(v)
			s := numbered.ReplaceAllString(strings.TrimSuffix(path, "/#text")+"=", "$1") + string(b)
			s = oddBool.ReplaceAllString(s, "$1=true")
			if !strings.Contains(path, "xmlns") && string(b) != `""` {
				out = append(out, s)
			}
		}
	}
	walk("", v)
	sort.Strings(out)
	return out
}
