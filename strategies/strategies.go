// Package strategies holds the strategies that are shipped in the binary: ADS
// documents, their translations, and the recordings that prove them.
//
// Each document <slug>.md has a translation <slug>.vi.md, which holds the same
// fenced blocks, and cases in testdata/<slug>. The cases are what package
// simulate makes of the scenarios named in strategies_test.go;
// `go test ./strategies -rewrite` writes them again.
package strategies

import "embed"

// FS holds the documents and, below testdata, their validation cases.
//
//go:embed *.md testdata
var FS embed.FS
