package simulate

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// host is one machine: its names in each sensor's terms, and what runs on it.
type host struct {
	index    int
	name     string // short
	computer string // with the domain, as the event log has it
	ip       string
	agent    string // Elastic agent id
	id       string // host.id as Defend gives it
	guid     string // first part of Sysmon's process GUIDs
	clock    int64  // how far its clock is off, ns
	boot     int64
	jitter   int64
	member   bool // of the fleet: it has sensors

	defendHead []byte // the part of Defend documents that never changes: agent, host

	nextPID   uint32
	nextPort  uint16
	nextLogon uint64
	procs     uint64           // counter in Sysmon GUIDs
	sequence  uint64           // Defend's event.sequence
	records   [channels]uint64 // last record number by channel

	system, services, lsass, svcRPC, svcDcom, svcNet, svcTask, explorer *process
}

// process is one process on a host.
type process struct {
	host     *host
	parent   *process
	pid      uint32
	start    int64 // as the sensors stamp it
	image    string
	cmd      string
	user     *account
	logon    uint64
	signer   string // empty: not signed
	original string // original file name in the version resource
	defend   string // entity id, made when first asked for
	sysmon   string
	number   uint64
}

// account is a user as the logs name it.
type account struct{ sid, domain, name string }

const domainSID = "S-1-5-21-3461203602-4096304019-2269080069-"

func systemAccount() *account {
	return &account{"S-1-5-18", "NT AUTHORITY", "SYSTEM"}
}

func networkService() *account {
	return &account{"S-1-5-20", "NT AUTHORITY", "NETWORK SERVICE"}
}

const (
	sys32       = `C:\Windows\System32\`
	imgServices = sys32 + `services.exe`
	imgSvchost  = sys32 + `svchost.exe`
	imgCmd      = sys32 + `cmd.exe`
	signedMS    = "Microsoft Windows"
)

func (g *Generator) makeFleet() {
	g.outside = g.makeHost(-1, "kali")
	g.outside.ip, g.outside.member = "10.66.6.13", false
	for i := range g.cfg.Hosts {
		name := fmt.Sprintf("ws-%04d", i+1)
		switch {
		case i == 0 && g.cfg.Hosts > 1: // the administration server
			name = "adm-01"
		case i%10 == 5:
			name = fmt.Sprintf("srv-%04d", i+1)
		}
		g.fleet = append(g.fleet, g.makeHost(i, name))
	}
}

func (g *Generator) makeHost(i int, name string) *host {
	r := rand.New(rand.NewPCG(g.cfg.Seed, uint64(i)+0xf1ee7))
	h := &host{
		index: i, name: name, computer: name + ".corp.example", member: true,
		agent: uuid(r), id: uuid(r), guid: fmt.Sprintf("%08x", r.Uint32()),
		ip:      fmt.Sprintf("10.%d.%d.%d", 20+i/62500, i/250%250, i%250+5),
		nextPID: 4000 + 4*r.Uint32N(400), nextPort: uint16(49700 + r.IntN(3000)),
		nextLogon: 0x10000 + r.Uint64N(0x400000),
		jitter:    int64(g.cfg.Jitter),
		boot:      g.cfg.Start.Add(-time.Duration(1+r.IntN(20))*24*time.Hour - time.Duration(r.IntN(86400))*time.Second).UnixNano(),
	}
	if n := int64(g.cfg.Skew); n > 0 {
		h.clock = (r.Int64N(2*n+1) - n) / 100 * 100 // Windows counts in 100 ns
	}
	for c := range h.records {
		h.records[c] = 1000 + r.Uint64N(4_000_000)
	}
	h.sequence = r.Uint64N(100_000)
	h.bootProcesses(r)
	h.defendHead = appendDefendHead(nil, h)
	return h
}

// bootProcesses starts what always runs. The low ids are drawn, so that hosts differ.
func (h *host) bootProcesses(r *rand.Rand) {
	sys := systemAccount()
	at := h.boot
	mk := func(parent *process, pid uint32, image, cmd string, u *account) *process {
		at += 40e6 + r.Int64N(200e6)
		h.procs++
		return &process{host: h, parent: parent, pid: pid, start: at, image: image, cmd: cmd, user: u,
			logon: 0x3e7, signer: signedMS, original: base(image), number: h.procs}
	}
	pid := uint32(480 + 4*r.IntN(20))
	next := func() uint32 { pid += 4 * uint32(1+r.IntN(12)); return pid }
	h.system = mk(nil, 4, "System", "", sys)
	wininit := mk(nil, next(), sys32+"wininit.exe", "wininit.exe", sys)
	h.services = mk(wininit, next(), imgServices, imgServices, sys)
	h.lsass = mk(wininit, next(), sys32+"lsass.exe", sys32+"lsass.exe", sys)
	h.svcDcom = mk(h.services, next(), imgSvchost, sys32+"svchost.exe -k DcomLaunch -p", sys)
	h.svcRPC = mk(h.services, next(), imgSvchost, sys32+"svchost.exe -k RPCSS -p", networkService())
	h.svcTask = mk(h.services, next(), imgSvchost, sys32+"svchost.exe -k netsvcs -p -s Schedule", sys)
	h.svcNet = mk(h.services, next(), imgSvchost, sys32+"svchost.exe -k NetworkService -p", networkService())
	h.explorer = mk(nil, next(), `C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`, employee(h.index))
	h.explorer.logon = 0x5a000 + r.Uint64N(0x1000)
}

// employee returns the account that works at a host.
func employee(i int) *account {
	names := [...]string{"lan.nguyen", "minh.tran", "h.pham", "quang.le", "a.berger", "j.doe", "thu.vo", "s.kumar", "long.dang", "m.rossi"}
	n := names[((i%len(names))+len(names))%len(names)]
	if i >= len(names) {
		n += strconv.Itoa(i / len(names))
	}
	return &account{domainSID + strconv.Itoa(1200+i), "CORP", n}
}

func uuid(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", uint32(a), uint16(a>>32), a>>48&0xfff, 0x8000|uint16(b)&0x3fff, b>>16)
}

// newPID gives the next process id: multiples of four that come round again.
func (h *host) newPID(r *rand.Rand) uint32 {
	h.nextPID += 4 * (1 + r.Uint32N(6))
	if h.nextPID > 40000 {
		h.nextPID = 2000 + 4*r.Uint32N(100)
	}
	return h.nextPID
}

// newPort gives the next dynamic port.
func (h *host) newPort(r *rand.Rand) uint16 {
	h.nextPort += uint16(1 + r.IntN(5))
	if h.nextPort < 49152 || h.nextPort > 65000 {
		h.nextPort = 50000
	}
	return h.nextPort
}

func (h *host) newLogon(r *rand.Rand) uint64 {
	h.nextLogon += 0x100 + r.Uint64N(0x4000)
	return h.nextLogon
}

// stamp turns what truly happened into the host's idea of the time.
func (h *host) stamp(t int64, r *rand.Rand) int64 {
	t += h.clock
	if h.jitter > 0 {
		t += r.Int64N(2*h.jitter+1) - h.jitter
	}
	return t / 100 * 100 // Windows counts in 100 ns
}

// fileTimeEpoch is 1601-01-01 in seconds before 1970.
const fileTimeEpoch = 11644473600

// defendID is Defend's process.entity_id (shape decoded from public samples:
// base64 of agent id, pid and start time as FILETIME seconds with nine decimals).
func (p *process) defendID() string {
	if p.defend == "" {
		sec, ns := p.start/1e9+fileTimeEpoch, p.start%1e9
		p.defend = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s-%d-%d.%09d", p.host.agent, p.pid, sec, ns))
	}
	return p.defend
}

// sysmonID is Sysmon's ProcessGuid: machine, start in Unix seconds, a counter.
func (p *process) sysmonID() string {
	if p.sysmon == "" {
		s := uint32(p.start / 1e9)
		p.sysmon = fmt.Sprintf("{%s-%04x-%04x-%04x-%012x}", p.host.guid, uint16(s), s>>16, uint16(p.number), 0x800+(p.number>>16)<<16)
	}
	return p.sysmon
}

// base returns what follows the last backslash.
func base(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '\\' {
			return path[i+1:]
		}
	}
	return path
}
