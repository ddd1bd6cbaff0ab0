package eql

import (
	"os"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/event"
)

// seedRule returns the EQL fence of the user's document.
func seedRule(t testing.TB) string {
	b, err := os.ReadFile("../../shared/seed/remotely-started-services-via-rpc.md")
	if err != nil {
		t.Skip("shared data is not here: ", err)
	}
	_, rest, ok := strings.Cut(string(b), "```eql\n")
	rule, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatal("no eql fence in the document")
	}
	return rule
}

func TestSeedRule(t *testing.T) {
	schema := event.NewSchema(event.ECSTypes())
	p, err := Compile(seedRule(t), &Env{Schema: schema})
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Log(p.Query)
	dec := event.NewDecoder(schema)
	ev := event.New(schema)
	f := func(doc string, want ...bool) {
		t.Helper()
		ev.Reset([]byte(doc))
		if err := dec.Decode([]byte(doc), ev); err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			if got := p.Stages[i].Match(ev); got != w {
				t.Errorf("stage %d: got %v, want %v for %s", i+1, got, w, doc)
			}
		}
	}
	f(`{"event":{"category":["network"]},"host":{"id":"h","os":{"type":"windows"}},"process":{"name":"Services.EXE"},"network":{"direction":"ingress","transport":"tcp"},"source":{"ip":"10.0.0.1","port":50000},"destination":{"port":49152}}`, true, false)
	f(`{"event":{"category":["network"]},"host":{"id":"h","os":{"type":"windows"}},"process":{"name":"Services.EXE"},"network":{"direction":"ingress","transport":"tcp"},"source":{"ip":"0:0:0:0:0:0:0:1","port":50000},"destination":{"port":49152}}`, false, false)
	f(`{"event":{"category":["network"]},"host":{"id":"h","os":{"type":"windows"}},"process":{"name":"Services.EXE"},"network":{"direction":"egress","transport":"tcp"},"source":{"ip":"10.0.0.1","port":50000},"destination":{"port":49152}}`, false, false)
	f(`{"event":{"category":"process","type":["start"]},"host":{"os":{"type":"windows"}},"process":{"executable":"C:\\Windows\\evil.exe","parent":{"name":"services.exe"}}}`, false, true)
	f(`{"event":{"category":"process","type":["start"]},"host":{"os":{"type":"windows"}},"process":{"executable":"C:\\Windows\\psexesvc.exe","parent":{"name":"services.exe"}}}`, false, false)
	f(`{"event":{"category":"process","type":["start"]},"host":{"os":{"type":"windows"}},"process":{"executable":"c:\\program files\\x\\y.exe","parent":{"name":"services.exe"}}}`, false, false)
	f(`{"event":{"category":"process","type":["start"]},"host":{"os":{"type":"windows"}},"process":{"executable":"C:\\Windows\\System32\\msiexec.exe","args":["msiexec","/V"],"parent":{"name":"services.exe"}}}`, false, false)
	f(`{"event":{"category":"process","type":["start"]},"host":{"os":{"type":"windows"}},"process":{"executable":"C:\\Windows\\System32\\msiexec.exe","args":["msiexec","/X"],"parent":{"name":"services.exe"}}}`, false, true)
	f(`{"event":{"category":"process","type":["start"]},"host":{"os":{"type":"windows"}},"process":{"parent":{"name":"services.exe"}}}`, false, true)
}
