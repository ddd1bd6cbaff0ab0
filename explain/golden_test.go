package explain_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/explain"
	"github.com/tocsin-project/tocsin/simulate"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

// TestGolden holds the table and the JSON over simulated telemetry: an attack
// as Sysmon and the native log tell it, and everyday service activity.
func TestGolden(t *testing.T) {
	g, err := simulate.New(simulate.Config{Seed: 3, Start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Duration: 20 * time.Minute,
		Sources: []simulate.Source{simulate.Sysmon, simulate.Native}, Scenarios: []string{"rpc-service-create", "psexec"}, Ordinary: 20})
	if err != nil {
		t.Fatal(err)
	}
	var events bytes.Buffer
	if _, err := g.Write(&events); err != nil {
		t.Fatal(err)
	}
	const rule = `sequence with maxspan=1s
  [network where process.name : "services.exe" and network.direction : "ingress" and source.port >= 49152] by host.id, process.entity_id
  [process where event.type == "start" and process.parent.name : "services.exe" and not process.executable : ("?:\\Windows\\PSEXESVC.EXE", "?:\\Program Files\\*")] by host.id, process.parent.entity_id`
	r := run(t, document(rule, ""), events.String(), func(x *explain.Explain) { x.Limit = 4 })
	for _, c := range []struct {
		name string
		all  bool
	}{{"simulated.txt", false}, {"simulated-all.txt", true}} {
		var out bytes.Buffer
		text := explain.Text{All: c.all}
		text.W = &out
		if err := text.Write(r); err != nil {
			t.Fatal(err)
		}
		for _, l := range bytes.Split(out.Bytes(), []byte("\n")) {
			if n := len([]rune(string(l))); n > 100 {
				t.Errorf("%d columns: %s", n, l)
			}
		}
		golden(t, c.name, out.Bytes())
	}
	js, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "simulated.json", append(js, '\n'))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (rewrite with -rewrite):\n%s", name, got)
	}
}
