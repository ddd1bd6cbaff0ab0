package triage

import (
	"path"
	"strings"
	"time"
)

// subject is what an alert is about, as far as its events and context tell.
type subject struct {
	process    *fact // the new process
	connection *fact // the connection from the network
	opener     *fact // without one: who opened a pipe or share (5145)
	service    string
	installs   []*fact // 7045 and 4697 of that service
	logon      *fact   // the 4624 of whoever did it
	exact      bool    // the logon is the connection's own: its source port is the same
	peer       string  // address of the source, "" if nothing tells it
	peerPort   string
}

func (c *inquiry) findSubject() subject {
	var s subject
	for _, f := range c.own {
		switch {
		case isStart(f):
			s.process = f
		case f.Text("source.ip") != "" && f.Text("destination.ip") != "" && s.connection == nil:
			s.connection = f
		}
	}
	c.findService(&s)
	c.findLogon(&s)
	return s
}

func isStart(f *fact) bool {
	return f.Has("event.category", "process") && f.Has("event.type", "start") && f.First("process.name", "process.executable") != "" &&
		(f.First("process.parent.pid", "process.parent.name", "process.parent.executable", "process.parent.entity_id") != "")
}

func isInstall(f *fact) bool { return f.code == "7045" || f.code == "4697" }

func serviceName(f *fact) string {
	return f.First("winlog.event_data.ServiceName", "service.name")
}

func serviceImage(f *fact) string {
	return f.First("winlog.event_data.ServiceFileName", "winlog.event_data.ImagePath", "service.executable")
}

// findService finds the service that the alert is about: the one that its own
// events name, else one installed around it whose program is the new process,
// else what the registry or the command line of svchost.exe tells.
func (c *inquiry) findService(s *subject) {
	for _, f := range c.own {
		if name := c.namesService(f); name != "" {
			s.service = name
		}
	}
	best := 0
	var nearest time.Duration
	for _, f := range c.around {
		if s.process == nil || !isInstall(f) || s.service != "" && best == 0 {
			continue
		}
		match := sameProgram(serviceImage(f), s.process)
		if away := c.away(f); match > best || match == best && match > 0 && away < nearest {
			best, nearest, s.service = match, away, serviceName(f)
		}
	}
	if s.service == "" && s.process != nil {
		s.service = c.guessService(s.process)
	}
	for _, f := range append(c.own[:len(c.own):len(c.own)], c.around...) {
		if isInstall(f) && s.service != "" && strings.EqualFold(serviceName(f), s.service) {
			s.installs = append(s.installs, f)
		}
	}
	if s.process == nil {
		c.findStarted(s)
	}
}

// namesService returns the service that an event of the alert names.
func (c *inquiry) namesService(f *fact) string {
	if isInstall(f) {
		return serviceName(f)
	}
	name, _ := registryService(f)
	return name
}

// guessService takes the service from a registry value that holds the new
// process, or from `svchost.exe -s NAME`.
func (c *inquiry) guessService(process *fact) string {
	name, best := "", 0
	for _, f := range c.around {
		service, value := registryService(f)
		if service == "" || !strings.EqualFold(value, "ImagePath") {
			continue
		}
		if match := sameProgram(registryData(f), process); match > best {
			name, best = service, match
		}
	}
	if name != "" {
		return name
	}
	if words := strings.Fields(process.Text("process.command_line")); base(processPath(process)) == "svchost.exe" {
		for i := 1; i+1 < len(words); i++ {
			if words[i] == "-s" {
				return words[i+1]
			}
		}
	}
	return ""
}

// findStarted finds, for an alert about an installed service, the process that
// runs it.
func (c *inquiry) findStarted(s *subject) {
	best := 0
	for _, f := range c.around {
		if !isStart(f) || !fromServices(f) {
			continue
		}
		for _, install := range s.installs {
			match := sameProgram(serviceImage(install), f)
			if match > best || match == best && match > 0 && c.tellsMore(f, s.process) {
				best, s.process = match, f
			}
		}
	}
}

// tellsMore chooses between two events of one start: the sensor's, which knows
// the file's hash, if they are of one start; else the nearer.
func (c *inquiry) tellsMore(f, than *fact) bool {
	if f.at.Sub(than.at).Abs() < 2*time.Second && f.code != than.code {
		return f.Text("process.entity_id") != "" && f.code != "4688"
	}
	return c.away(f) < c.away(than)
}

func fromServices(f *fact) bool {
	return base(f.First("process.parent.executable", "process.parent.name")) == "services.exe"
}

// registryService takes a path below …\Services\ apart: the service and the value.
func registryService(f *fact) (service, value string) {
	p := f.First("registry.path", "winlog.event_data.TargetObject", "winlog.event_data.ObjectName")
	i := strings.Index(strings.ToLower(p), `\services\`)
	if i < 0 {
		return "", ""
	}
	service, value, _ = strings.Cut(p[i+len(`\services\`):], `\`)
	if name := f.Text("winlog.event_data.ObjectValueName"); name != "" {
		value = name
	}
	return service, value
}

func registryData(f *fact) string {
	return f.First("registry.data.strings", "winlog.event_data.Details", "winlog.event_data.NewValue")
}

// findLogon finds the network logon behind the alert: the one whose source port
// is the connection's, which is exact; else the one whose session installed the
// service; else the nearest from the same address, or the nearest at all.
func (c *inquiry) findLogon(s *subject) {
	s.peer, s.peerPort = c.peer(s)
	var nearest time.Duration
	rank := 0
	for _, f := range append(c.own[:len(c.own):len(c.own)], c.around...) {
		if !isLogon(f) || !c.sameHost(f) {
			continue
		}
		n := c.rankLogon(s, f)
		if away := c.away(f); n > rank || n == rank && n > 0 && away < nearest {
			s.logon, rank, nearest = f, n, away
		}
	}
	s.exact = rank >= 4
	if s.peer == "" && s.logon != nil {
		s.peer, s.peerPort = s.logon.Text("source.ip"), s.logon.Text("source.port")
	}
	if s.peer == "" {
		for _, f := range c.around {
			if f.code == "5145" && f.Text("source.ip") != "" && c.sameHost(f) && (s.opener == nil || c.away(f) < c.away(s.opener)) {
				s.opener = f
				s.peer, s.peerPort = f.Text("source.ip"), f.Text("source.port")
			}
		}
	}
}

// isLogon reports whether an event is a logon: the security log's, or Elastic
// Defend's.
func isLogon(f *fact) bool {
	return f.code == "4624" || f.code == "" && f.Text("event.action") == "log_on"
}

// rankLogon says how surely a logon is that of the alert; 0 is not at all.
func (c *inquiry) rankLogon(s *subject, f *fact) int {
	from, port := f.Text("source.ip"), f.Text("source.port")
	switch {
	case f.own:
		return 5
	case s.peer != "" && from == s.peer && port != "" && port == s.peerPort:
		return 4
	case s.inSession(f):
		return 3
	case s.peer != "" && from == s.peer:
		return 2
	case s.peer == "" && from != "" && !isLoopback(from) && !f.at.After(c.in.Placed.Add(time.Second)):
		return 1
	}
	return 0
}

// inSession reports whether the service was installed in the session that a
// logon opened.
func (s *subject) inSession(logon *fact) bool { return s.installedIn(logon) != nil }

func (s *subject) installedIn(logon *fact) *fact {
	session := session(logon)
	for _, f := range s.installs {
		if id := f.Text("winlog.event_data.SubjectLogonId"); id != "" && strings.EqualFold(id, session) {
			return f
		}
	}
	return nil
}

// session is the logon id of the session that a logon opens.
func session(logon *fact) string {
	if logon == nil {
		return ""
	}
	return logon.Text("winlog.event_data.TargetLogonId")
}

// peer is the remote end of the alert's connection, or who opened its pipe.
func (c *inquiry) peer(s *subject) (addr, port string) {
	if f := s.connection; f != nil {
		if addr = f.Text("tocsin.peer.ip"); addr != "" {
			return addr, f.Text("tocsin.peer.port")
		}
		return f.Text("source.ip"), f.Text("source.port")
	}
	for _, f := range c.own {
		if addr = f.First("tocsin.peer.ip", "source.ip"); addr != "" {
			if f.code == "5145" {
				s.opener = f
			}
			return addr, f.First("tocsin.peer.port", "source.port")
		}
	}
	return "", ""
}

// sameHost reports whether an event is of the alert's host.
func (c *inquiry) sameHost(f *fact) bool {
	h := c.in.Alert.Host
	return strings.EqualFold(f.Text("host.id"), h.ID) || strings.EqualFold(short(f.Text("host.name")), short(h.Name))
}

// short is a host's name without its domain.
func short(host string) string {
	if i := strings.IndexByte(host, '.'); i > 0 && strings.Trim(host, "0123456789.") != "" {
		return host[:i]
	}
	return host
}

func isLoopback(addr string) bool { return strings.HasPrefix(addr, "127.") || addr == "::1" }

// away is how far an event is from the alert's time.
func (c *inquiry) away(f *fact) time.Duration { return f.at.Sub(c.in.Placed).Abs() }

func processPath(f *fact) string { return f.First("process.executable", "process.name") }

// base is a path's last part in lower case.
func base(p string) string { return path.Base(strings.ToLower(strings.ReplaceAll(p, `\`, "/"))) }

// sameProgram says how well a service's command fits a process: 2 if program
// and arguments agree, 1 if only the program's name does, 0 if not.
func sameProgram(image string, process *fact) int {
	program, arguments := splitCommand(image)
	if program == "" || program != base(processPath(process)) {
		return 0
	}
	line := process.Text("process.command_line")
	if _, own := splitCommand(line); line != "" && own == arguments {
		return 2
	}
	return 1
}

// splitCommand returns the name of a command's program and its arguments, with
// white space folded, both in lower case.
func splitCommand(command string) (program, arguments string) {
	s := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(command)), "%%", "%")
	for _, v := range [...][2]string{{"%comspec%", `c:\windows\system32\cmd.exe`}, {"%systemroot%", `c:\windows`}, {"%windir%", `c:\windows`}} {
		s = strings.ReplaceAll(s, v[0], v[1])
	}
	switch i := strings.Index(s, ".exe"); {
	case strings.HasPrefix(s, `"`):
		program, arguments, _ = strings.Cut(s[1:], `"`)
	case i >= 0 && !strings.ContainsAny(s[:i], "\"'"):
		program, arguments = s[:i+len(".exe")], s[i+len(".exe"):]
	default:
		program, arguments, _ = strings.Cut(s, " ")
	}
	if program == "" {
		return "", ""
	}
	if program = base(program); !strings.Contains(program, ".") {
		program += ".exe"
	}
	return program, strings.Join(strings.Fields(arguments), " ")
}
