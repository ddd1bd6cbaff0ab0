package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// found is a file to read.
type found struct {
	path    string
	size    int64
	named   bool // by the user, not found in a folder
	stdin   bool
	unknown bool // its size is not known
}

// walk finds all files that paths name.
func (r *reader) walk(paths []string) ([]found, error) {
	var files []found
	var errs []error
	for _, p := range paths {
		if p == "-" {
			files = append(files, found{path: "-", named: true, stdin: true, unknown: true})
			continue
		}
		names := []string{p}
		if _, err := os.Stat(p); err != nil {
			if names = expand(p); len(names) == 0 {
				errs = append(errs, missing(p, err))
				continue
			}
		}
		for _, name := range names {
			w := walker{r: r, visited: map[string]bool{}}
			w.path(name, true)
			files = append(files, w.files...)
		}
	}
	return files, errors.Join(errs...)
}

func missing(path string, err error) error {
	if strings.ContainsAny(path, "*?[") && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("find path %s: no file matches", path)
	}
	return fmt.Errorf("find path %s: %s", path, cause(err))
}

// expand is what a glob matches, in the order of the names. ** stands for any
// number of folders.
func expand(pattern string) []string {
	before, after, ok := strings.Cut(pattern, "**"+string(filepath.Separator))
	if !ok {
		names, _ := filepath.Glob(pattern) // a malformed pattern matches nothing
		return names
	}
	roots := []string{"."}
	if before != "" {
		roots, _ = filepath.Glob(filepath.Clean(before))
	}
	var names []string
	for _, root := range roots {
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				names = append(names, expand(filepath.Join(path, after))...)
			}
			return nil // what cannot be listed matches nothing
		})
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// walker collects the files below one named path.
type walker struct {
	r       *reader
	files   []found
	visited map[string]bool // folders by their real path
}

func (w *walker) path(name string, named bool) {
	info, err := os.Stat(name)
	if err != nil {
		w.r.skip(name, "stat: "+cause(err), named)
		return
	}
	mode := info.Mode()
	switch {
	case mode.IsDir():
		w.folder(name, named)
	case mode.IsRegular():
		w.files = append(w.files, found{path: name, size: info.Size(), named: named})
	case named && (mode&fs.ModeNamedPipe != 0):
		// `tocsin scan <(zcat x)`: the user means it
		w.files = append(w.files, found{path: name, named: true, unknown: true})
	default:
		w.r.skip(name, special(mode)+", not a file", named)
	}
}

func (w *walker) folder(name string, named bool) {
	real, err := filepath.EvalSymlinks(name)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		w.r.skip(name, "resolve: "+cause(err), named)
		return
	}
	if w.visited[real] {
		w.r.skip(name, "folder was read already, through another link", false)
		return
	}
	w.visited[real] = true
	entries, err := os.ReadDir(name) // sorted by name
	if err != nil {
		w.r.skip(name, "list folder: "+cause(err), named)
		if len(entries) == 0 {
			return
		}
	}
	before := len(w.files)
	for _, e := range entries {
		w.path(filepath.Join(name, e.Name()), false)
	}
	if named && len(w.files) == before {
		w.r.skip(name, "folder holds no file", false)
	}
}

func special(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "irregular"
}
