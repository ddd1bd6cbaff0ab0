package evtx

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// golden is an event as winlogbeat's reader gives it.
type golden struct {
	Winlog struct {
		RecordID  json.Number    `json:"record_id"`
		EventID   string         `json:"event_id"`
		Computer  string         `json:"computer_name"`
		Provider  string         `json:"provider_name"`
		GUID      string         `json:"provider_guid"`
		Activity  string         `json:"activity_id"`
		EventData map[string]any `json:"event_data"`
		UserData  map[string]any `json:"user_data"`
	} `json:"winlog"`
}

// TestWindowsText compares values with those that Windows itself rendered:
// winlogbeat's reader goldens beside the same EVTX files. Its reader turns CR LF
// into LF, as XML does, and cuts line ends off the end.
func TestWindowsText(t *testing.T) {
	compared := 0
	for _, path := range corpus(t, "ecs/goldens/winlogbeat") {
		text, err := os.ReadFile(path + ".golden.json")
		if err != nil {
			continue
		}
		var events []golden
		if err := json.Unmarshal(text, &events); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for r, err := range f.Records(Options{}) {
			if err != nil {
				t.Logf("%s: %v", path, err)
			}
			if r == nil {
				continue
			}
			if i < len(events) {
				compared += events[i].compare(t, path, r)
			}
			i++
		}
		f.Close()
		if i != len(events) {
			t.Errorf("%s: %d records, want %d", path, i, len(events))
		}
	}
	t.Logf("%d values compared", compared)
}

// compare tells how many values were compared.
func (g *golden) compare(t *testing.T, path string, r *Record) (n int) {
	w := &g.Winlog
	check := func(what, got, want string) {
		n++
		if got != want {
			t.Errorf("%s: record %d: %s is %q, Windows says %q", path, r.ID, what, got, want)
		}
	}
	check("record", r.Fields[EventRecordID].String(), w.RecordID.String())
	check("event id", r.Fields[EventID].String(), w.EventID)
	check("computer", r.Fields[Computer].String(), w.Computer)
	check("provider", r.Fields[ProviderName].String(), w.Provider)
	check("guid", strings.ToLower(r.Fields[ProviderGUID].String()), strings.ToLower(w.GUID))
	check("activity", strings.ToLower(r.Fields[ActivityID].String()), strings.ToLower(w.Activity))
	param := 0
	seen := map[string]bool{}
	for _, p := range r.Data {
		name := p.Name
		if name == "" {
			param++
			name = fmt.Sprintf("param%d", param)
		}
		seen[name] = true
		got := p.Value.String()
		if want, ok := w.EventData[name].(string); ok {
			check(name, strings.TrimRight(strings.ReplaceAll(got, "\r\n", "\n"), "\n"), want)
		} else if got != "" {
			check(name, got, "(none)")
		}
	}
	for name, v := range w.EventData {
		if !seen[name] {
			check(name, "(none)", fmt.Sprint(v))
		}
	}
	for _, p := range r.UserData {
		name := p.Name[strings.LastIndexByte(p.Name, '/')+1:]
		if want, ok := w.UserData[name].(string); ok {
			check(name, p.Value.String(), want)
		}
	}
	return n
}
