// Command gen writes the table of ECS field types that package event embeds,
// from a tab-separated list of field, type and "array" where ECS says so.
//
// The facts are those of the flat schema of the Elastic Common Schema 9.5
// (Apache-2.0), with fields of Elastic's integrations that rules read beside
// it. Without the list there is nothing to do and the committed table stays.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gen FROM.tsv TO.txt")
		os.Exit(2)
	}
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func generate(from, to string) error {
	in, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(os.Stderr, "gen: no", from, "here: the table stays as it is")
		return nil
	}
	if err != nil {
		return fmt.Errorf("read types: %w", err)
	}
	table, err := Table(string(in))
	if err != nil {
		return err
	}
	return os.WriteFile(to, []byte(table), 0o644)
}

// Table returns one line a field, sorted by name in byte order so that it can
// be searched by halves: name, space, type, and " array".
func Table(tsv string) (string, error) {
	var lines []string
	for i, line := range strings.Split(strings.TrimSpace(tsv), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cols := strings.Split(strings.TrimRight(line, "\r"), "\t")
		if len(cols) < 2 || cols[0] == "" || cols[1] == "" || strings.ContainsAny(cols[0]+cols[1], " \n") {
			return "", fmt.Errorf("read types: line %d: %q is not field and type", i+1, line)
		}
		out := cols[0] + " " + cols[1]
		if len(cols) > 2 && cols[2] == "array" {
			out += " array"
		}
		lines = append(lines, out)
	}
	// A space sorts below all that names hold, so lines sort as names do.
	slices.Sort(lines)
	for i := 1; i < len(lines); i++ {
		a, _, _ := strings.Cut(lines[i-1], " ")
		if b, _, _ := strings.Cut(lines[i], " "); a == b {
			return "", fmt.Errorf("read types: %s is there twice", a)
		}
	}
	return strings.Join(lines, "\n") + "\n", nil
}
