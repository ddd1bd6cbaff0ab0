package evtx

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"reflect"
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
		out, _ := exec.Command(tool, "-t", "1", "-o", "jsonl", path).Output()
		theirs := bufio.NewScanner(bytes.NewReader(out))
		theirs.Buffer(nil, 16<<20)
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		bad, ours := 0, 0
		for r := range f.Records(Options{}) {
			if r == nil {
				continue
			}
			ours++
			if !theirs.Scan() {
				continue
			}
			records++
			a, b := jsonLines(t, r.AppendJSON(nil)), jsonLines(t, theirs.Bytes())
			if reflect.DeepEqual(a, b) {
				same++
			} else if bad++; bad <= 1 {
				t.Logf("%s: record %d:\n%s", filepath.Base(path), r.ID, diffFlat(a, b))
			}
		}
		f.Close()
		if n := bytes.Count(out, []byte("\n")); n > ours {
			t.Errorf("%s: %d records, evtx_dump has %d", path, ours, n)
		}
	}
	t.Logf("%d of %d records have the same JSON", same, records)
}

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
			b, _ := json.Marshal(v)
			s := strings.TrimSuffix(path, "/#text") + "=" + string(b)
			if !strings.Contains(path, "xmlns") && string(b) != `""` {
				out = append(out, s)
			}
		}
	}
	walk("", v)
	sort.Strings(out)
	return out
}
