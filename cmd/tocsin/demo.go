package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/tocsin-project/tocsin/simulate"
)

// demoCmd shows what tocsin does on a machine that has no recording: it makes
// one and scans it. It writes no file.
type demoCmd struct {
	Output string `short:"o" default:"table" enum:"table,json,ndjson,csv,html" help:"Form of the report: ${enum}."`
	Lang   string `default:"en" enum:"en,vi" help:"Language of titles and answers: ${enum}."`
}

// demoScenario is the attack that the demonstration plays, the plainest one of
// the flagship strategy.
const demoScenario = "rpc-service-start"

// Run makes ten minutes of one host in which a service is started over the
// network, as three sensors tell it, and scans that with the shipped strategies.
func (c *demoCmd) Run(app *App) error {
	var recording bytes.Buffer
	generator, err := simulate.New(simulate.Config{
		Seed: 1, Start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Duration: 10 * time.Minute,
		Hosts: 1, Plays: 1, Noise: 2, Scenarios: []string{demoScenario},
		Sources: []simulate.Source{simulate.Defend, simulate.Sysmon, simulate.Native},
	})
	if err != nil {
		return fmt.Errorf("make recording: %w", err)
	}
	n, err := generator.Write(&recording)
	if err != nil {
		return fmt.Errorf("make recording: %w", err)
	}
	if c.Output == "table" {
		fmt.Fprintf(app.Stdout, "An attack, made for this demonstration: from another machine somebody starts a service\n"+
			"over RPC. Elastic Defend, Sysmon and the Windows logs tell it in %d documents, among\n"+
			"ordinary activity. This is what the shipped strategies find:\n\n", n)
	}
	inner := *app
	inner.Stdin = &recording
	scan := scanCmd{Output: c.Output, MinSeverity: "low", Native: true, Timezone: "UTC", Lang: c.Lang}
	if err := scan.Run(&inner); err != nil {
		return err
	}
	if c.Output == "table" {
		fmt.Fprintf(app.Stdout, "\nNext:\n"+
			"  tocsin scan FOLDER                                      scan your own EVTX, XML or JSON logs\n"+
			"  tocsin simulate --noise 2 %-17s             see the documents of this demonstration\n"+
			"  tocsin strategy show remotely-started-services-via-rpc  read the strategy that alerted\n", demoScenario)
	}
	return nil
}
