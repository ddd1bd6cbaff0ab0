package strategies_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/pipeline"
)

// TestRealRecordings runs all strategies together over public recordings of
// remote service starts and their look-alikes, and holds every alert to a list.
// What each must find of the flagship's and of new services stands in the
// recording's own expected.json too and is counted from there.
func TestRealRecordings(t *testing.T) {
	const shared = "../../shared/recordings"
	if _, err := os.Stat(shared); err != nil {
		t.Skip("no recordings here:", err)
	}
	e := compile(t, load(t)...)
	want := map[string]string{
		"evtx-remcom-5145":         "psexec-and-its-clones (copied) 12",
		"evtx-remote-service-7045": "new-service-installed 3",
		"evtx-tchopper-7045":       "new-service-installed 244",
		// A local psexec: the tool is named, nothing else.
		"psexesvc-local-2020": "new-service-installed 2, psexec-and-its-clones 2, psexec-and-its-clones (pipe) 3",
		"rpc-dllhijack-2020":  "hosted-service-started-after-rpc 1, hosted-service-started-after-rpc (known-target) 1, hosted-service-started-after-rpc (native) 1",
		"rpc-enum-only-2020":  "",
		"rpc-psexec-2020": "new-service-by-network-logon 1, new-service-by-network-logon (system-log) 1, new-service-installed 2, " +
			"remotely-started-services-via-rpc 1, remotely-started-services-via-rpc (native) 1",
		// The service is new, with a plain path that is then run: Blind Spots of service-changed-then-started says so.
		"rpc-service-2022-dc": "new-service-by-network-logon 1, new-service-installed 2, remotely-started-services-via-rpc (native) 1, " +
			"remotely-started-services-via-rpc (reversed) 1, service-changed-then-started 1",
		"service-mod-fax-2020": "service-changed-then-started 1",
		"smb-psexec-2020-08": "new-service-by-network-logon 1, new-service-by-network-logon (system-log) 1, new-service-installed 2, " +
			"services-started-over-smb-pipe 1, services-started-over-smb-pipe (native) 1",
		"smb-sharpsc-create-2020": "new-service-by-network-logon 1, new-service-by-network-logon (system-log) 1, new-service-installed 2",
		"smb-sharpsc-start-2020":  "",
		"smb-smbexec-2019":        "new-service-installed 1, services-started-over-smb-pipe 1",
	}
	dirs, err := os.ReadDir(shared)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		t.Run(dir.Name(), func(t *testing.T) {
			path := filepath.Join(shared, dir.Name())
			s := &pipeline.Scan{Engine: e, Paths: []string{path}, Native: true, Jobs: 1, TmpDir: t.TempDir()}
			r, err := s.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got := map[string]int{}
			for _, f := range r.Findings {
				got[f.Name()] += 1 + f.Suppressed
			}
			var list []string
			for _, name := range slices.Sorted(maps.Keys(got)) {
				list = append(list, fmt.Sprintf("%s %d", name, got[name]))
			}
			w, ok := want[dir.Name()]
			if !ok {
				t.Fatalf("no expectation; found %s", strings.Join(list, ", "))
			}
			if s := strings.Join(list, ", "); s != w {
				t.Errorf("alerts %s\nwant   %s", s, w)
			}
			n := expected(t, path)
			for name, want := range map[string]int{
				"remotely-started-services-via-rpc":            n["R0"],
				"remotely-started-services-via-rpc (native)":   n["R3"],
				"remotely-started-services-via-rpc (reversed)": n["R2"] - n["R0"],
				"new-service-installed":                        n["R5"] + n["R6"],
				"hosted-service-started-after-rpc":             n["R1"] - n["R0"],
			} {
				if got[name] != want {
					t.Errorf("%s: %d alerts, expected.json says %d", name, got[name], want)
				}
			}
		})
	}
}

// expected counts the matches of each rule of an expected.json, by "R0" and so on.
func expected(t *testing.T, dir string) map[string]int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Expected map[string]struct{ Count int }
	}
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for name, r := range e.Expected {
		id, _, _ := strings.Cut(name, " ")
		n[id] = r.Count
	}
	return n
}
