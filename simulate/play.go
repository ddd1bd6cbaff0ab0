package simulate

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// play is one performance of a scenario: who takes part, and a clock that its
// steps move on. Its methods are the vocabulary that scenarios are told in.
type play struct {
	g      *Generator
	rng    *rand.Rand
	t      int64 // now, true time
	victim *host
	source *host    // where it comes from; perhaps no member of the fleet
	user   *account // in whose name
}

// cast chooses the host it happens to, the host it comes from and the account.
func (p *play) cast() {
	fleet := p.g.fleet
	n := len(fleet)
	p.source = p.g.outside
	p.user = &account{domainSID + "1104", "CORP", "pgiang"}
	switch {
	case n == 1:
		p.victim = fleet[0]
	case n == 2: // fleet[0] is the administration server
		p.victim = fleet[1]
	default:
		v := 1 + p.rng.IntN(n-1)
		s := 1 + p.rng.IntN(n-2)
		if s >= v {
			s++
		}
		p.victim, p.source = fleet[v], fleet[s]
	}
}

// fromAdmin makes the play the work of the administration server.
func (p *play) fromAdmin(user string) {
	p.user = &account{domainSID + "1110", "CORP", user}
	if len(p.g.fleet) > 1 {
		p.source = p.g.fleet[0]
		return
	}
	p.fromServer("adm-01", "10.20.9.9", user, 1110)
}

// fromServer makes the play the work of a server that has no sensors.
func (p *play) fromServer(name, ip, user string, rid int) {
	p.user = &account{domainSID + strconv.Itoa(rid), "CORP", user}
	server := *p.g.outside
	server.name, server.computer, server.ip = name, name+".corp.example", ip
	server.nextPort = uint16(49700 + p.rng.IntN(15_000))
	p.source = &server
}

// wait lets time pass: lo to hi milliseconds.
func (p *play) wait(lo, hi int64) {
	d := lo * 1e6
	if hi > lo {
		d += p.rng.Int64N((hi - lo) * 1e6)
	}
	p.t += d
}

// now is the present by a host's clock.
func (p *play) now(h *host) int64 { return h.stamp(p.t, p.rng) }

func (p *play) do(a act) {
	a.at = p.now(a.host)
	p.g.add(&a)
}

// pick returns one of the choices.
func (p *play) pick(choices ...string) string { return choices[p.rng.IntN(len(choices))] }

// word returns n random letters and digits: the names that tools make up.
func (p *play) word(n int) string {
	const set = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var b strings.Builder
	for range n {
		b.WriteByte(set[p.rng.IntN(len(set))])
	}
	return b.String()
}

// spawn starts a process. signer is empty for an unsigned file.
func (p *play) spawn(parent *process, image, cmd string, user *account, session uint64, signer string) *process {
	h := parent.host
	h.procs++
	c := &process{host: h, parent: parent, pid: h.newPID(p.rng), start: p.now(h), image: image, cmd: cmd,
		user: user, logon: session, signer: signer, original: base(image), number: h.procs}
	p.g.add(&act{kind: processStart, at: c.start, host: h, proc: c})
	return c
}

func (p *play) exit(c *process) { p.do(act{kind: processEnd, host: c.host, proc: c}) }

// connect opens a TCP connection from the source to a process of the victim's,
// seen on both sides. client is the process on the source, nil for its
// services. lag delays the victim's sensors.
func (p *play) connect(client, server *process, port uint16, lag time.Duration) conn {
	c := conn{srcIP: p.source.ip, srcPort: p.source.newPort(p.rng), dstIP: server.host.ip, dstPort: port}
	if client == nil {
		client = p.source.services
	}
	p.do(act{kind: connection, host: p.source, proc: client, conn: c})
	p.wait(0, 2)
	c.inbound = true
	a := act{kind: connection, host: server.host, proc: server, conn: c, lag: int64(lag)}
	p.do(a)
	return c
}

// rpc asks the end point mapper and connects to the service control manager
// over TCP, as a remote service manager does. It returns that connection and
// the session behind it.
func (p *play) rpc(client, server *process, lag time.Duration) (conn, uint64) {
	p.connect(client, p.victim.svcRPC, 135, 0)
	p.wait(4, 12)
	c := p.connect(client, server, p.dynamicPort(server), lag)
	p.wait(8, 25)
	return c, p.logon(c, 3)
}

// dynamicPort is the port a process listens on for RPC: one for its whole life.
func (p *play) dynamicPort(server *process) uint16 { return uint16(49664 + server.pid%60) }

// logon opens a session on the victim over the connection and returns its id.
func (p *play) logon(c conn, typ int) uint64 {
	id := p.victim.newLogon(p.rng)
	p.do(act{kind: logon, host: p.victim, proc: p.victim.lsass, user: p.user, logon: id, logonType: typ, conn: c, name: "Kerberos"})
	p.do(act{kind: privileges, host: p.victim, proc: p.victim.lsass, user: p.user, logon: id})
	return id
}

// smb opens an SMB session with the victim.
func (p *play) smb(client *process) (conn, uint64) {
	if client == nil {
		client = p.source.system
	}
	c := p.connect(client, p.victim.system, 445, 0)
	p.wait(8, 25)
	return c, p.logon(c, 3)
}

// openPipe opens a pipe of the victim's over SMB. Named pipe svcctl is an alias
// of ntsvcs in the pipe file system: the share audit sees the first, Sysmon the second.
func (p *play) openPipe(c conn, session uint64, audit, pipe string) {
	p.do(act{kind: shareAccess, host: p.victim, proc: p.victim.system, user: p.user, logon: session, conn: c, name: "IPC$"})
	p.do(act{kind: shareFile, host: p.victim, proc: p.victim.system, user: p.user, logon: session, conn: c, name: "IPC$", value: audit})
	p.do(act{kind: pipeConnect, host: p.victim, proc: p.victim.system, name: `\` + pipe})
}

// copyTo writes a file over an administration share.
func (p *play) copyTo(c conn, session uint64, share, root, name string) {
	p.do(act{kind: shareAccess, host: p.victim, proc: p.victim.system, user: p.user, logon: session, conn: c, name: share})
	p.do(act{kind: shareFile, host: p.victim, proc: p.victim.system, user: p.user, logon: session, conn: c, name: share, path: root, value: name})
	p.wait(5, 40)
	p.do(act{kind: fileWrite, host: p.victim, proc: p.victim.system, path: root + `\` + name})
}

const serviceKey = `SYSTEM\CurrentControlSet\Services\`

// createService registers a service: log entries and registry values.
func (p *play) createService(name, path string, session uint64) {
	h := p.victim
	p.do(act{kind: registrySet, host: h, proc: h.services, path: serviceKey + name, name: "Start", value: "DWORD (0x00000003)"})
	p.do(act{kind: registrySet, host: h, proc: h.services, path: serviceKey + name, name: "ImagePath", value: path})
	p.wait(1, 4)
	p.do(act{kind: serviceNew, host: h, proc: h.services, user: p.user, logon: session, name: name, path: path, value: "LocalSystem"})
}

// startService starts a process of the service control manager's.
func (p *play) startService(name, image, cmd, signer string) *process {
	return p.startAs(name, image, cmd, signer, base(image))
}

// startAs is startService for a program whose version resource names another file.
func (p *play) startAs(name, image, cmd, signer, original string) *process {
	c := p.spawn(p.victim.services, image, cmd, systemAccount(), 0x3e7, signer)
	c.original = original
	p.wait(20, 90)
	p.do(act{kind: serviceState, host: p.victim, proc: p.victim.services, name: name, value: "running"})
	return c
}

// callHome lets a process open a connection to the outside.
func (p *play) callHome(c *process) {
	p.wait(300, 1500)
	p.do(act{kind: connection, host: c.host, proc: c, conn: conn{
		srcIP: c.host.ip, srcPort: c.host.newPort(p.rng), dstIP: "198.51.100.23", dstPort: 443}})
}

// look lets a process run two commands that an intruder would.
func (p *play) look(c *process) {
	for _, cmd := range []string{"whoami /all", p.pick("ipconfig /all", "net group \"domain admins\" /domain", "quser")} {
		p.wait(400, 2500)
		exe, _, _ := strings.Cut(cmd, " ")
		d := p.spawn(c, sys32+exe+".exe", cmd, c.user, c.logon, signedMS)
		p.wait(30, 200)
		p.exit(d)
	}
}

// client is the tool on the source that begins it, started from a shell.
func (p *play) client(image, cmd string) *process {
	c := p.spawn(p.source.explorer, image, cmd, p.source.explorer.user, p.source.explorer.logon, signedMS)
	p.wait(20, 120)
	return c
}

// encoded is a PowerShell command line of the kind that attack tools make.
func (p *play) encoded() string {
	return fmt.Sprintf(`%%COMSPEC%% /C start /b %sWindowsPowerShell\v1.0\powershell.exe -noP -sta -w 1 -enc %s`, sys32, p.word(48))
}
