package main

import (
	"io/fs"

	"github.com/tocsin-project/tocsin/strategies"
)

// shipped is the strategies in the binary.
func shipped() fs.FS { return strategies.FS }
