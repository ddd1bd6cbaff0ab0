package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/alert"
)

// CSV writes one row an alert, for spreadsheets.
type CSV struct {
	w      *csv.Writer
	headed bool
}

// csvColumns are the columns, in order. Columns are added at the end.
var csvColumns = []string{
	"@timestamp", "severity", "risk_score", "strategy", "variant", "title", "host", "tactics", "techniques",
	"source", "destination", "process", "command_line", "stages", "span_ms", "id", "incident", "path", "line", "record", "excused_by",
}

// NewCSV returns a writer of rows. The head is written before the first.
func NewCSV(w io.Writer) *CSV { return &CSV{w: csv.NewWriter(w)} }

// Write writes one alert.
func (c *CSV) Write(a *alert.Alert) error {
	c.head()
	var source, destination, process, command string
	for _, e := range a.Events {
		v := alert.NewView(e.Event)
		if s := v.Endpoint("source"); s != "" {
			source, destination = s, v.Endpoint("destination")
		}
		if p := v.First("process.executable", "winlog.event_data.ServiceFileName", "winlog.event_data.ImagePath"); p != "" {
			process, command = p, v.Text("process.command_line")
		}
	}
	var tactics, techniques []string
	for _, t := range a.Threat {
		tactics = append(tactics, t.Tactic)
		techniques = append(techniques, t.Technique)
	}
	origin := alert.Origin{}
	if last := a.Events[len(a.Events)-1]; last.Origin != nil {
		origin = *last.Origin
	}
	excused := ""
	if a.Exception != nil {
		excused = a.Exception.Name
	}
	row := []string{
		a.Timestamp.Format(time.RFC3339Nano), a.Severity, strconv.Itoa(a.RiskScore), a.Strategy, a.Variant, a.Title,
		a.Host.Name, strings.Join(tactics, " "), strings.Join(techniques, " "),
		source, destination, process, command, strconv.Itoa(len(a.Events)), spanMillis(a), a.ID, a.Incident,
		origin.Path, strconv.Itoa(origin.Line), origin.Record, excused,
	}
	for i := range row {
		row[i] = harmless(row[i])
	}
	if err := c.w.Write(row); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}

func (c *CSV) head() {
	if !c.headed {
		c.headed = true
		_ = c.w.Write(csvColumns) // the writer keeps its error for Flush
	}
}

// Flush ends the table; one without rows still has its head.
func (c *CSV) Flush() error {
	c.head()
	c.w.Flush()
	if err := c.w.Error(); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}

func spanMillis(a *alert.Alert) string {
	first, last := eventTime(&a.Events[0]), eventTime(&a.Events[len(a.Events)-1])
	if first.IsZero() || last.IsZero() {
		return ""
	}
	return strconv.FormatInt(last.Sub(first).Milliseconds(), 10)
}

// harmless keeps a spreadsheet from running a value as a formula: a command
// line may begin with an equals sign.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
