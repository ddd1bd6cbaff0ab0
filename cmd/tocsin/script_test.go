package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tocsin-project/tocsin/evtx"
)

// TestMain lets the test binary be tocsin itself, for scripts and for tests
// that need a process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tocsin": main})
}

// TestScripts runs testdata/script/*.txt: what the command line does, as a user
// sees it. Beside testscript's own commands there are
//
//	status N command…   run a command that must end with status N
//	truncate FILE N     keep the first N bytes
//	damage FILE N       overwrite chunk N (from 1) of an event log's records
//	zero FILE N         overwrite the header of chunk N with zeros
//	json FILE…          each is one JSON value a line or in all
//	csvrows FILE N      the table has N rows below its head
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": scriptStatus, "truncate": scriptTruncate, "damage": scriptDamage, "zero": scriptZero,
			"json": scriptJSON, "csvrows": scriptCSV,
		},
	})
}

func scriptStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command…")
	}
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("run %s: %v", args[1], err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("status %d, want %s", got, args[0])
	}
}

// edit changes a file.
func edit(ts *testscript.TestScript, args []string, change func(b []byte, n int) []byte) {
	if len(args) != 2 {
		ts.Fatalf("want FILE N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, change(b, n), 0o644))
}

func scriptTruncate(ts *testscript.TestScript, _ bool, args []string) {
	edit(ts, args, func(b []byte, n int) []byte { return b[:n] })
}

// logHeader is the length of an event log's header, before its first chunk.
const logHeader = 4096

func scriptDamage(ts *testscript.TestScript, _ bool, args []string) {
	edit(ts, args, func(b []byte, n int) []byte {
		at := logHeader + (n-1)*evtx.ChunkSize + 2000
		copy(b[at:at+20_000], bytes.Repeat([]byte{0xff}, 20_000))
		return b
	})
}

func scriptZero(ts *testscript.TestScript, _ bool, args []string) {
	edit(ts, args, func(b []byte, n int) []byte {
		clear(b[logHeader+(n-1)*evtx.ChunkSize:][:512])
		return b
	})
}

func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		dec := json.NewDecoder(strings.NewReader(ts.ReadFile(name)))
		for {
			var v any
			err := dec.Decode(&v)
			if err == io.EOF {
				break
			}
			if (err != nil) != neg {
				ts.Fatalf("%s: %v", name, err)
			}
			if err != nil {
				break
			}
		}
	}
}

func scriptCSV(ts *testscript.TestScript, _ bool, args []string) {
	rows, err := csv.NewReader(strings.NewReader(ts.ReadFile(args[0]))).ReadAll()
	ts.Check(err)
	if n := strconv.Itoa(len(rows) - 1); n != args[1] {
		ts.Fatalf("%s rows, want %s", n, args[1])
	}
}

// TestInterrupt: Ctrl-C while a pipe gives nothing prints what was found until
// then, says that it is partial, and ends with status 130.
func TestInterrupt(t *testing.T) {
	f := func(stdout, stderr string, args ...string) {
		t.Helper()
		cmd := exec.Command("tocsin", args...)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		tmp := t.TempDir()
		cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// More than a pipe holds: once it is written, most has been read.
		text, err := os.ReadFile("../../strategies/testdata/remotely-started-services-via-rpc/alert-rpc-service-create-sysmon.ndjson")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write(append(text, bytes.Repeat([]byte("{}\n"), 100_000)...)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		hang := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		defer hang.Stop()
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
			t.Errorf("%v: %v, want status %d\n%s", args, err, exitInterrupted, errs.String())
		}
		if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
			t.Errorf("%v: temporary files are left: %v, %v", args, left, err)
		}
		if !strings.Contains(out.String(), stdout) {
			t.Errorf("%v: output has no %q:\n%s", args, stdout, out.String())
		}
		if !strings.Contains(errs.String()+out.String(), stderr) {
			t.Errorf("%v: errors have no %q:\n%s", args, stderr, errs.String())
		}
	}
	f("Remotely Started Services via RPC", "partial", "scan", "-")
	f(`"partial":true`, "partial", "scan", "-o", "json", "-")
	f(`"strategy":"remotely-started-services-via-rpc"`, "partial", "scan", "-o", "ndjson", "-")
	f(`"code":"3"`, "partial", "normalize", "-")
	f("services.exe", "partial", "query", `network where process.name : "services.exe"`, "-")
}

// TestOneBrokenOfThousand: among a thousand good rules one that does not compile
// is named, the others run, and the status says so.
func TestOneBrokenOfThousand(t *testing.T) {
	dir := t.TempDir()
	write := func(name, query string) {
		t.Helper()
		doc := "# " + name + "\n\n## Technical Context\n\n```eql\n" + query + "\n```\n"
		if err := os.WriteFile(filepath.Join(dir, name+".md"), []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1000 {
		write(fmt.Sprintf("rule-%03d", i), fmt.Sprintf("process where process.pid == %d", i))
	}
	write("rule-500b", "process where process.pid = = 7")
	var out, errs bytes.Buffer
	app := &App{Ctx: t.Context(), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }}
	var events strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&events, `{"@timestamp":"2026-03-02T09:00:00.%03dZ","event":{"category":["process"]},"host":{"name":"ws1"},"process":{"pid":%d}}`+"\n", i, i)
	}
	app.Stdin = strings.NewReader(events.String())
	if status := run(app, []string{"scan", "--strategies", dir, "-o", "csv", "-"}); status != exitUsage {
		t.Errorf("status %d, want %d", status, exitUsage)
	}
	if n := strings.Count(out.String(), "\n") - 1; n != 1000 {
		t.Errorf("%d alerts, want 1000", n)
	}
	if s := errs.String(); !strings.Contains(s, filepath.Join(dir, "rule-500b.md")+":6:") || strings.Count(s, "which is not run") != 1 {
		t.Errorf("errors: %s", s)
	}
}
