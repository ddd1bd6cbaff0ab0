package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// simulated runs the command and returns its status and streams.
func simulated(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	app := &App{Ctx: context.Background(), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }}
	status = run(app, append([]string{"simulate"}, args...))
	return status, out.String(), errs.String()
}

func TestSimulate(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		stdout string // must hold
		stderr string
	}{
		{"--list", 0, "remotely-started-services-via-rpc", ""},
		{"rpc-service-create --source defend", 0, `"connection_accepted"`, ""},
		{"rpc-service-create --source sysmon-xml", 0, "<EventID>1</EventID>", ""},
		{"strategies/remotely-started-services-via-rpc.md --source native", 0, `"code":"5156"`, ""},
		{"remotely-started-services-via-rpc --quiet --source defend", 0, "ccmsetup.exe", ""},
		{"--noise 60 --limit 3 --source defend", 0, "endpoint.events", ""},
		{"", 2, "", "name a scenario"},
		{"nope", 2, "", "rpc-service-start"},
		{"psexec --source foo", 2, "", "sysmon-xml"},
		{"psexec --source all", 2, "", "do not share a stream"},
		{"psexec --source evtx", 2, "", "folder"},
		{"psexec --hosts -3", 2, "", "hosts"},
		{"psexec --start yesterday", 2, "", "yesterday"},
	} {
		status, stdout, stderr := simulated(strings.Fields(c.args)...)
		if status != c.status || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("simulate %s: status %d, want %d\nstdout %.300s\nstderr %.300s", c.args, status, c.status, stdout, stderr)
		}
	}
}

func TestSimulateFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	status, stdout, stderr := simulated("psexec", "--source", "all", "-o", dir)
	if status != 0 || stdout != "" {
		t.Fatalf("status %d: %s%s", status, stdout, stderr)
	}
	for _, name := range []string{"defend.ndjson", "sysmon.ndjson", "sysmon-xml.xml", "native.ndjson", "native-xml.xml",
		"evtx/ws-0001.corp.example/Security.evtx", "evtx/ws-0001.corp.example/Microsoft-Windows-Sysmon%4Operational.evtx"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(name, "/") && !strings.Contains(stderr, name) {
			t.Errorf("%s is not named in %s", name, stderr)
		}
	}
	if status, _, stderr := simulated("psexec", "-o", filepath.Join(dir, "defend.ndjson", "x")); status == 0 || !strings.Contains(stderr, "make folder") {
		t.Errorf("a folder below a file: status %d, %s", status, stderr)
	}
}
