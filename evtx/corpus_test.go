package evtx

import (
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

const sharedDir = "../../shared"

// corpus gives the public EVTX files that lie beside the repository; they are
// not ours to commit.
func corpus(tb testing.TB, sub string) []string {
	tb.Helper()
	root := filepath.Join(sharedDir, sub)
	if _, err := os.Stat(root); err != nil {
		tb.Skipf("no corpus: %v", err)
	}
	var out []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".evtx") {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	sort.Strings(out)
	return out
}
