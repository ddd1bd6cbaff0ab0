package evtx

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// TestRecordings counts the events of the EVTX recordings by channel and id.
func TestRecordings(t *testing.T) {
	dirs, _ := filepath.Glob(filepath.Join(sharedDir, "recordings", "*", "*.evtx"))
	if len(dirs) == 0 {
		t.Skip("no recordings beside the repository")
	}
	got := map[string]map[string]int{}
	for _, path := range dirs {
		counts := got[filepath.Dir(path)]
		if counts == nil {
			counts = map[string]int{}
			got[filepath.Dir(path)] = counts
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for r, err := range f.Records(Options{}) {
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if r != nil {
				counts[fmt.Sprintf("%s/%d", r.Fields[Channel], r.EventID())]++
			}
		}
		f.Close()
	}
	for dir, counts := range got {
		text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
		if err != nil {
			t.Fatal(err)
		}
		var want struct {
			Counts map[string]int `json:"events_by_channel_id"`
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(counts, want.Counts) {
			t.Errorf("%s: %v, want %v", filepath.Base(dir), counts, want.Counts)
		}
	}
}
