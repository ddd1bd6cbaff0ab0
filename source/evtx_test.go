package source

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/tocsin-project/tocsin/evtx"
)

// TestRealEVTX compares the records of real files with those that package
// evtx gives when it has the file to itself.
func TestRealEVTX(t *testing.T) {
	var files []string
	for _, p := range []string{"*.evtx", "*/*.evtx", "*/*/*.evtx", "*/*/*/*.evtx"} {
		names, _ := filepath.Glob("../../shared/evtx/" + p)
		files = append(files, names...)
	}
	if len(files) == 0 {
		t.Skip("no recordings in ../shared/evtx")
	}
	total := 0
	for _, carve := range []bool{false, true} {
		for _, path := range files {
			want := plainRecords(t, path, carve)
			got := records(t, path, Options{Carve: carve})
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s, carve %v: %d records, want %d", path, carve, len(got), len(want))
			}
			total += len(got)
		}
	}
	t.Logf("%d files, %d records", len(files), total)
}

func plainRecords(t *testing.T, path string, carve bool) (ids []string) {
	f, err := evtx.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	for r, err := range f.Records(evtx.Options{Carve: carve}) {
		if r != nil {
			ids = append(ids, fmt.Sprint(r.ID, r.Offset, r.Carved, err != nil))
		}
	}
	return ids
}

// records reads a file and checks that ordinals rise.
func records(t *testing.T, path string, opt Options) (ids []string) {
	t.Helper()
	line := 0
	_, err := Read(context.Background(), []string{path}, opt, func(b *Block) error {
		defer b.Release()
		at := -1
		for d, p := range b.Documents {
			if d == nil {
				if !p.Remark && at >= 0 && p.Offset == int64(at) {
					ids[len(ids)-1] = ids[len(ids)-1][:len(ids[len(ids)-1])-len("false")] + "true"
				}
				continue
			}
			if d.Line <= line {
				t.Errorf("%s: record %d has ordinal %d behind %d", path, d.Record.ID, d.Line, line)
			}
			line, at = d.Line, int(d.Record.Offset)
			ids = append(ids, fmt.Sprint(d.Record.ID, d.Record.Offset, d.Record.Carved, false))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return ids
}
