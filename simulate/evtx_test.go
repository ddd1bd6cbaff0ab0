package simulate

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/evtx"
)

type file struct{ bytes.Buffer }

func (*file) Close() error { return nil }

// TestEVTX reads the files back: the same events as in XML, none damaged, each
// file one host's one channel.
func TestEVTX(t *testing.T) {
	g, err := New(Config{Seed: 5, Start: start, Hosts: 4, Noise: 60, Scenarios: []string{"rpc-service-create", "psexec"},
		Sources: []Source{SysmonXML, NativeXML, EVTX}})
	if err != nil {
		t.Fatal(err)
	}
	var xml [sources]bytes.Buffer
	if _, err := g.Split(func(s Source) (io.Writer, error) { return &xml[s], nil }); err != nil {
		t.Fatal(err)
	}
	files := map[string]*file{}
	n, err := g.EVTX(func(computer, name string) (io.WriteCloser, error) {
		f := &file{}
		files[computer+"/"+name] = f
		return f, nil
	})
	if err != nil || n != len(files) || n < 8 {
		t.Fatalf("%d files (%d), %v", n, len(files), err)
	}
	var got, want []string
	var rec evtx.Record
	for l := range strings.Lines(xml[SysmonXML].String() + xml[NativeXML].String()) {
		if err := evtx.ParseXML([]byte(l), &rec); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		want = append(want, brief(&rec))
	}
	for name, f := range files {
		got = append(got, read(t, name, f.Bytes())...)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d events in EVTX, %d in XML; first difference %v", len(got), len(want), difference(got, want))
	}
}

func read(t *testing.T, name string, data []byte) (out []string) {
	t.Helper()
	f, err := evtx.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range f.Records(evtx.Options{}) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s := brief(r)
		if computer, _, _ := strings.Cut(name, "/"); !strings.Contains(s, computer) {
			t.Fatalf("%s: %s", name, s)
		}
		out = append(out, s)
	}
	for _, p := range f.Problems() {
		t.Errorf("%s: %v", name, p)
	}
	return out
}

// brief is a record's text for comparison; EVTX renders GUIDs in upper case.
func brief(r *evtx.Record) string {
	at, _ := r.Time()
	s := fmt.Sprintf("%v %v %d %v", r.Fields[evtx.Computer], r.Fields[evtx.Channel], r.EventID(), at)
	for _, name := range []string{"UtcTime", "ProcessGuid", "ProcessId", "ParentProcessGuid", "Initiated", "SourcePort", "SourceIp",
		"CommandLine", "TargetLogonId", "SubjectLogonId", "SubjectUserSid", "LogonType", "IpPort", "NewProcessId", "ProcessID", "PrivilegeList"} {
		if v, ok := r.Lookup(name); ok {
			s += " " + name + "=" + v.String()
		}
	}
	return strings.ToLower(s)
}

func difference(a, b []string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] + "\n" + b[i]
		}
	}
	return ""
}
