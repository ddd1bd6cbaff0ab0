package validate

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/simulate"
	"github.com/tocsin-project/tocsin/strategy"
)

// sensorOf is the sensor behind a form.
func sensorOf(s simulate.Source) simulate.Source {
	switch s {
	case simulate.SysmonXML:
		return simulate.Sysmon
	case simulate.NativeXML:
		return simulate.Native
	}
	return s
}

// formsOf are the forms in which a sensor's telemetry is rendered anew.
func formsOf(sensor simulate.Source) []simulate.Source {
	switch sensor {
	case simulate.Sysmon:
		return []simulate.Source{simulate.Sysmon, simulate.SysmonXML, simulate.EVTX}
	case simulate.Native:
		return []simulate.Source{simulate.Native, simulate.NativeXML, simulate.EVTX}
	}
	return []simulate.Source{sensor}
}

// anotherSeed is not the one that the shipped recordings were made with.
const anotherSeed = 20_261

// storyStart is when the scenarios that are played again begin.
func storyStart() time.Time { return time.Date(2026, 7, 14, 22, 30, 0, 0, time.UTC) }

// shapesOf plays again what the strategy's recorded cases were made from. An
// attack must alert in each form of the sensors whose recordings do; the
// look-alikes of the strategy must stay quiet in all.
func shapesOf(s *strategy.Strategy) ([]trial, error) {
	var out []trial
	for _, sc := range simulate.Scenarios() {
		kind, sensors := strategy.Alert, sensorsOf(s, sc.Name)
		if !sc.Attack && slices.Contains(sc.Strategies, s.ID) {
			kind, sensors = strategy.Quiet, []simulate.Source{simulate.Defend, simulate.Sysmon, simulate.Native}
		}
		for _, sensor := range sensors {
			for _, form := range formsOf(sensor) {
				data, err := play(sc.Name, sensor, form)
				if err != nil {
					return nil, fmt.Errorf("simulate %s: %w", sc.Name, err)
				}
				if data == nil {
					continue // this sensor sees nothing of it
				}
				shape := form.String()
				if form == simulate.EVTX {
					shape = sensor.String() + "-evtx"
				}
				out = append(out, trial{name: "simulate " + sc.Name, shape: shape, kind: kind, data: data})
			}
		}
	}
	return out, nil
}

// sensorsOf are the sensors in whose recordings a scenario must alert, told
// from the cases' names: alert-<scenario>-<source>.
func sensorsOf(s *strategy.Strategy, scenario string) []simulate.Source {
	var out []simulate.Source
	for i := range s.Cases {
		c := &s.Cases[i]
		name, ok := strings.CutPrefix(c.Name, scenario+"-")
		if !ok || c.Kind != strategy.Alert || c.Data != nil {
			continue
		}
		if src, err := simulate.ParseSource(name); err == nil && !slices.Contains(out, sensorOf(src)) {
			out = append(out, sensorOf(src))
		}
	}
	return out
}

// play renders a scenario in one form, nil if the sensor has nothing to tell.
func play(scenario string, sensor, form simulate.Source) ([]byte, error) {
	g, err := simulate.New(simulate.Config{
		Seed: anotherSeed, Start: storyStart(), Duration: 5 * time.Minute,
		Sources: []simulate.Source{form}, Scenarios: []string{scenario},
	})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := g.Write(&b); err != nil {
		return nil, err
	}
	if form == simulate.EVTX {
		return packEVTX(g, sensor)
	}
	return b.Bytes(), nil
}

// packEVTX puts the event logs of one sensor into an archive, so that they are
// read as one input.
func packEVTX(g *simulate.Generator, sensor simulate.Source) ([]byte, error) {
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	n := 0
	_, err := g.EVTX(func(computer, name string) (io.WriteCloser, error) {
		if strings.Contains(name, "Sysmon") != (sensor == simulate.Sysmon) {
			return discard{}, nil
		}
		n++
		return &entry{tar: t, name: path.Join(computer, name)}, nil
	})
	if err != nil || n == 0 {
		return nil, err
	}
	if err := t.Close(); err != nil {
		return nil, fmt.Errorf("pack event logs: %w", err)
	}
	return b.Bytes(), nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// entry is one file of an archive; its length must be known before its bytes.
type entry struct {
	bytes.Buffer
	tar  *tar.Writer
	name string
}

func (e *entry) Close() error {
	err := e.tar.WriteHeader(&tar.Header{Name: e.name, Mode: 0o644, Size: int64(e.Len())})
	if err == nil {
		_, err = e.tar.Write(e.Bytes())
	}
	return err
}
