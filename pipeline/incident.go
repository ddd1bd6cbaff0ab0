package pipeline

import (
	"path"
	"sort"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/alert"
)

// incidentSpan is how far from the earliest finding another may be and still
// tell of the same attack (DESIGN §3).
const incidentSpan = 5 * time.Second

// group gives findings that tell of one new process on one host the same
// incident: variants of a strategy, and what other strategies saw. The earliest
// finding gives the incident its identity. Findings without an executable stand
// alone. shifts is what the clock of a host's log is off (clockShifts).
func group(findings []*Finding, shifts map[string]int64) {
	for _, f := range findings {
		if f.clock {
			f.placed = f.Time + shifts[hostKey(f)]
		}
	}
	type subject struct{ host, executable string }
	bySubject := map[subject][]*Finding{}
	for _, f := range findings {
		exe := programOf(f.Executable)
		if exe == "" {
			f.Incident = alert.IncidentID(hostKey(f), "alert "+f.ID, f.time())
			continue
		}
		s := subject{hostKey(f), exe}
		bySubject[s] = append(bySubject[s], f)
	}
	for s, list := range bySubject {
		sort.SliceStable(list, func(i, j int) bool { return list[i].placed < list[j].placed })
		first := list[0]
		for _, f := range list {
			if f.placed-first.placed > int64(incidentSpan) {
				first = f
			}
			f.Incident = alert.IncidentID(s.host, s.executable, first.time())
		}
	}
}

// hostKey is the host's short name in lower case: sensors on one machine know it
// as a GUID, as a name and as a name with its domain.
func hostKey(f *Finding) string {
	return hostOf(f.HostName, f.HostID)
}

func hostOf(name, id string) string {
	if name == "" {
		name = id
	}
	name = strings.ToLower(name)
	if i := strings.IndexByte(name, '.'); i > 0 && strings.Trim(name, "0123456789.") != "" {
		name = name[:i]
	}
	return name
}

// programOf returns the program of a process or service as a bare file name in
// lower case. Services name theirs as a command line with variables, sensors as
// a full path; the file name is what they share.
func programOf(command string) string {
	c := strings.ToLower(strings.TrimSpace(command))
	if c == "" {
		return ""
	}
	if c[0] == '"' {
		c, _, _ = strings.Cut(c[1:], `"`)
	} else if i := strings.Index(c, ".exe"); i >= 0 {
		c = c[:i+len(".exe")]
	} else if fields := strings.Fields(c); len(fields) > 0 {
		c = fields[0]
	}
	if c == "%comspec%" {
		return "cmd.exe"
	}
	base := path.Base(strings.ReplaceAll(c, `\`, "/"))
	if c[0] != '/' && path.Ext(base) == "" {
		base += ".exe" // as CreateProcess does: the service "net user …" runs net.exe
	}
	return base
}
