package tocsin_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/tocsin-project/tocsin"

// floors is the order of the packages (ARCHITECTURE.md): a package imports only
// from floors below its own. A package that is not listed here fails the test,
// so that a new one gets its place on purpose.
var floors = map[string]int{
	"event": 0, "evtx": 0, "terminal": 0, "strategy/attack": 0, "eql/pattern": 0, "ecs/wincode": 0,
	"eql": 1, "ecs": 1, "alert": 1, "evtx/evtxtest": 1,
	"clause": 2, "sequence": 2, "strategy": 2, "source": 2, "sink": 2,
	"engine": 3, "census": 3, "journal": 3, "baseline": 3, "triage": 3, "store": 3, "simulate": 3,
	"pipeline": 4, "query": 4,
	"report": 5, "coverage": 5, "explain": 5, "validate": 5, "bench": 5, "server": 5,
	"cmd/tocsin": 6,
	".":          0,
	"strategies": 0, // embedded documents, no code that imports ours
}

// TestFloors reads the imports of every file itself: `go list` would be cached
// by the test cache, which does not see files of other packages.
func TestFloors(t *testing.T) {
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if p != "." && (strings.HasPrefix(name, ".") || name == "testdata") || hasGoMod(p) {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(p, ".go") && !strings.HasSuffix(p, "_test.go") {
			checkImports(t, filepath.ToSlash(p))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// hasGoMod reports a nested module, which may import what it likes.
func hasGoMod(dir string) bool {
	if dir == "." {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func checkImports(t *testing.T, file string) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	if f.Name.Name == "main" && path.Dir(file) != "cmd/tocsin" {
		return // generators, run by go generate
	}
	from := path.Dir(file)
	own, ok := floors[from]
	if !ok {
		t.Errorf("%s: package %s has no floor: give it one in floors_test.go and ARCHITECTURE.md", file, from)
		return
	}
	for _, spec := range f.Imports {
		imported := strings.Trim(spec.Path.Value, `"`)
		if !strings.HasPrefix(imported, module+"/") {
			continue
		}
		to := strings.TrimPrefix(imported, module+"/")
		if floor, ok := floors[to]; !ok || floor >= own {
			t.Errorf("%s (floor %d) imports %s (floor %d): arrows point down", file, own, to, floor)
		}
	}
}
