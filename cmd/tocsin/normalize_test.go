package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNormalize(t *testing.T) {
	const good = `{"EventID":5,"Channel":"Microsoft-Windows-Sysmon/Operational","Hostname":"ws5.example","SourceName":"Microsoft-Windows-Sysmon","RecordNumber":7,"UtcTime":"2020-09-20 16:16:55.001","ProcessGuid":"{b34bc01c-1d54-5f68-0a00-000000000001}","ProcessId":"42","Image":"C:\\x.exe"}` + "\n"
	dir := t.TempDir()
	put := func(name, data string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f := func(stdin string, status, events int, said string, args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		app := &App{Ctx: context.Background(), Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }}
		got := run(app, append([]string{"normalize"}, args...))
		n := strings.Count(out.String(), `"process":{`)
		if got != status || n != events || !strings.Contains(errs.String(), said) || said == "" && errs.Len() > 0 {
			t.Errorf("%q: status %d, %d events, said %q; want %d, %d, %q", args, got, n, errs.String(), status, events, said)
		}
	}
	broken := put("broken.json", good+"{\"a\":\n"+good)
	f(good, 0, 1, "")
	f("["+good+","+good+"]", 0, 2, "", "-")
	f("", 0, 0, "", put("empty.json", ""))
	f("", 0, 2, "broken.json:2: ", broken)
	f("", 2, 2, "broken.json:2: ", broken, "--strict")
	f("", 0, 1, "1 not events", put("report.json", good+`{"report":true}`))
	f("", 2, 0, "garbage.evtx: skipped: not recognised", put("garbage.evtx", "garbage"))
	f("", 2, 0, "find path no/such: no such file", "no/such", broken)
}
