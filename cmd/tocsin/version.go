package main

import (
	"fmt"
	"runtime/debug"
)

type versionCmd struct{}

// Run prints the module's version and the commit it was built from.
func (versionCmd) Run(app *App) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("read build information: none in this binary")
	}
	version, revision := info.Main.Version, ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = " " + s.Value
		}
	}
	_, err := fmt.Fprintf(app.Stdout, "tocsin %s%s %s\n", version, revision, info.GoVersion)
	return err
}

// buildVersion is the module's version as it stands in reports, "" if the
// binary does not tell.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}
