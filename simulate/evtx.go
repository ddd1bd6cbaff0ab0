package simulate

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/evtx"
	"github.com/tocsin-project/tocsin/evtx/evtxtest"
)

// maxEVTX bounds the events that wait for their files: an EVTX file is written
// whole, so they are held in memory. Longer runs have XML.
const maxEVTX = 500_000

// log is one event log of one host.
type eventLog struct {
	host    *host
	channel channel
	events  []evtxtest.Event
}

// keep adds a record to its host's log.
func (g *Generator) keep(r *record) error {
	if g.kept++; g.kept > maxEVTX {
		return fmt.Errorf("keep event %d: EVTX files are made of at most %d events; write XML", g.kept, maxEVTX)
	}
	key := r.host.index*int(channels) + int(r.channel)
	l := g.logs[key]
	if l == nil {
		l = &eventLog{host: r.host, channel: r.channel}
		g.logs[key] = l
		g.order = append(g.order, l)
	}
	e := evtxtest.Event{Provider: r.provider, ProviderGUID: r.guid, ID: uint16(r.id), Qualifiers: uint16(r.qualifiers),
		Version: uint8(r.version), Level: uint8(r.level), Task: uint16(r.task), Keywords: r.keywords,
		Time: time.Unix(0, r.logged).UTC(), RecordID: r.num, ProcessID: r.pid, ThreadID: r.tid,
		Channel: channelNames[r.channel], Computer: r.host.computer, UserSID: r.userID}
	for _, d := range r.data {
		e.Data = append(e.Data, evtxtest.Data{Name: d.name, Value: evtxValue(r, d)})
	}
	l.events = append(l.events, e)
	return nil
}

// evtxValue gives a value the type that the provider's template has for it,
// where that shows: identities, numbers and accounts. The rest is text.
func evtxValue(r *record, d datum) evtx.Value {
	text := evtxtest.String(d.value)
	switch {
	case r.channel == chanSystem:
		return text
	case strings.HasSuffix(d.name, "Guid"):
		if v, err := evtxtest.GUID(d.value); err == nil {
			return v
		}
	case strings.HasSuffix(d.name, "Sid"):
		if v, err := evtxtest.SID(d.value); err == nil {
			return v
		}
	case strings.HasPrefix(d.value, "0x") && (strings.HasSuffix(d.name, "LogonId") || strings.HasSuffix(d.name, "ProcessId")):
		if n, err := strconv.ParseUint(d.value[2:], 16, 64); err == nil {
			return evtxtest.Hex64(n)
		}
	case strings.HasSuffix(d.name, "ProcessId"), d.name == "LogonType", r.channel == chanSysmon && strings.HasSuffix(d.name, "Port"):
		if n, err := strconv.ParseUint(d.value, 10, 32); err == nil {
			return evtxtest.Uint32(uint32(n))
		}
	case d.name == "Initiated", strings.HasSuffix(d.name, "IsIpv6"):
		return evtxtest.Bool(d.value == "true")
	}
	return text
}

// EVTX writes the event logs of the run that Write or Split has made, if EVTX
// was among its sources: one file for each host and channel, named as Windows
// names it ("Security.evtx"). It returns the number of files.
func (g *Generator) EVTX(open func(computer, name string) (io.WriteCloser, error)) (int, error) {
	for i, l := range g.order {
		name := strings.ReplaceAll(channelNames[l.channel], "/", "%4") + ".evtx"
		file, err := evtxtest.File(l.events...)
		if err != nil {
			return i, fmt.Errorf("make %s of %s: %w", name, l.host.computer, err)
		}
		l.events = nil
		w, err := open(l.host.computer, name)
		if err != nil {
			return i, fmt.Errorf("open %s of %s: %w", name, l.host.computer, err)
		}
		_, err = w.Write(file)
		if cerr := w.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return i, fmt.Errorf("write %s of %s: %w", name, l.host.computer, err)
		}
	}
	return len(g.order), nil
}
