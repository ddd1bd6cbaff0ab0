package simulate

import (
	"fmt"
	"strconv"
	"time"
)

const (
	sysmonProvider = "Microsoft-Windows-Sysmon"
	sysmonGUID     = "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}"
)

// sysmonKinds holds each event's id, template version and task name
// (Microsoft's Sysmon manifest).
var sysmonKinds = [kinds]struct {
	id, version int
	task        string
}{
	processStart: {1, 5, "Process Create (rule: ProcessCreate)"},
	connection:   {3, 5, "Network connection detected (rule: NetworkConnect)"},
	processEnd:   {5, 3, "Process terminated (rule: ProcessTerminate)"},
	imageLoad:    {7, 3, "Image loaded (rule: ImageLoad)"},
	fileWrite:    {11, 2, "File created (rule: FileCreate)"},
	registrySet:  {13, 2, "Registry value set (rule: RegistryEvent)"},
	pipeCreate:   {17, 1, "Pipe Created (rule: PipeEvent)"},
	pipeConnect:  {18, 1, "Pipe Connected (rule: PipeEvent)"},
	dnsQuery:     {22, 5, "Dns query (rule: DnsQuery)"},
}

// sysmonRecord fills r with Sysmon's event of an act.
func sysmonRecord(r *record, a *act) {
	k := sysmonKinds[a.kind]
	*r = record{host: a.host, channel: chanSysmon, provider: sysmonProvider, guid: sysmonGUID, id: k.id, version: k.version,
		level: 4, task: k.id, keywords: sysmonKey, pid: 3260, tid: 4508, userID: "S-1-5-18", action: k.task,
		logged: a.logged + a.host.clock, data: r.data[:0]}
	r.add("RuleName", "-")
	switch a.kind {
	case pipeCreate:
		r.add("EventType", "CreatePipe")
	case pipeConnect:
		r.add("EventType", "ConnectPipe")
	case registrySet:
		r.add("EventType", "SetValue")
	}
	r.add("UtcTime", utcTime(a.at+a.lag))
	p := a.proc
	r.add("ProcessGuid", p.sysmonID())
	r.add("ProcessId", strconv.Itoa(int(p.pid)))
	sysmonData(r, a)
}

// sysmonData adds what each kind of event has after the process's identity.
func sysmonData(r *record, a *act) {
	p := a.proc
	switch a.kind {
	case processStart:
		sysmonProcess(r, p)
	case processEnd:
		r.add("Image", p.image)
		r.add("User", p.user.full())
	case connection:
		r.add("Image", p.image)
		r.add("User", p.user.full())
		sysmonConnection(r, a.conn)
	case imageLoad:
		r.add("Image", p.image)
		r.add("ImageLoaded", a.path)
		r.add("OriginalFileName", base(a.path))
		r.add("Hashes", hashes(a.path))
		r.add("Signed", strconv.FormatBool(a.value != ""))
		r.add("Signature", dash(a.value))
		r.add("SignatureStatus", signatureStatus(a.value))
		r.add("User", p.user.full())
	case fileWrite:
		r.add("Image", p.image)
		r.add("TargetFilename", a.path)
		r.add("CreationUtcTime", utcTime(a.at))
		r.add("User", p.user.full())
	case registrySet:
		r.add("Image", p.image)
		r.add("TargetObject", `HKLM\`+a.path+`\`+a.name)
		r.add("Details", a.value)
		r.add("User", p.user.full())
	case pipeCreate, pipeConnect:
		r.add("PipeName", a.name)
		r.add("Image", p.image)
		r.add("User", p.user.full())
	case dnsQuery:
		r.add("QueryName", a.name)
		r.add("QueryStatus", "0")
		r.add("QueryResults", a.value+";")
		r.add("Image", p.image)
		r.add("User", p.user.full())
	}
}

func sysmonProcess(r *record, p *process) {
	r.add("Image", p.image)
	r.add("FileVersion", version(p))
	r.add("Description", "-")
	r.add("Product", "-")
	r.add("Company", dash(p.signer))
	r.add("OriginalFileName", p.original)
	r.add("CommandLine", p.cmd)
	r.add("CurrentDirectory", sys32)
	r.add("User", p.user.full())
	r.add("LogonGuid", fmt.Sprintf("{%s-0000-0000-%04x-%012x}", p.host.guid, uint16(p.logon), p.logon>>16))
	r.add("LogonId", hexID(p.logon))
	r.add("TerminalSessionId", session(p))
	r.add("IntegrityLevel", integrity(p))
	r.add("Hashes", hashes(p.image))
	parent := p.parent
	if parent == nil {
		parent = p.host.system
	}
	r.add("ParentProcessGuid", parent.sysmonID())
	r.add("ParentProcessId", strconv.Itoa(int(parent.pid)))
	r.add("ParentImage", parent.image)
	r.add("ParentCommandLine", parent.cmd)
	r.add("ParentUser", parent.user.full())
}

func sysmonConnection(r *record, c conn) {
	r.add("Protocol", transport(c))
	r.add("Initiated", strconv.FormatBool(!c.inbound))
	v6 := strconv.FormatBool(isV6(c.srcIP))
	r.add("SourceIsIpv6", v6)
	r.add("SourceIp", longV6(c.srcIP))
	r.add("SourceHostname", "-")
	r.add("SourcePort", strconv.Itoa(int(c.srcPort)))
	r.add("SourcePortName", "-")
	r.add("DestinationIsIpv6", v6)
	r.add("DestinationIp", longV6(c.dstIP))
	r.add("DestinationHostname", "-")
	r.add("DestinationPort", strconv.Itoa(int(c.dstPort)))
	r.add("DestinationPortName", "-")
}

// longV6 writes the IPv6 loopback as Sysmon does, without leaving out zeros.
func longV6(ip string) string {
	if ip == "::1" {
		return "0:0:0:0:0:0:0:1"
	}
	return ip
}

func utcTime(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05.000") }

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func signatureStatus(signer string) string {
	if signer == "" {
		return "Unavailable"
	}
	return "Valid"
}

func (u *account) full() string { return u.domain + `\` + u.name }

func hexID(n uint64) string { return "0x" + strconv.FormatUint(n, 16) }

func transport(c conn) string {
	if c.udp {
		return "udp"
	}
	return "tcp"
}

func isV6(ip string) bool {
	for i := range len(ip) {
		if ip[i] == ':' {
			return true
		}
	}
	return false
}

func session(p *process) string {
	if p.user.domain == "CORP" && p.parent != nil && p.parent == p.host.explorer {
		return "1"
	}
	return "0"
}

func integrity(p *process) string {
	switch {
	case p.user.sid == "S-1-5-18" || p.user.sid == "S-1-5-20":
		return "System"
	case p.parent == p.host.explorer:
		return "Medium"
	}
	return "High"
}

func version(p *process) string {
	if p.signer == signedMS {
		return "10.0.19041.3636 (WinBuild.160101.0800)"
	}
	return "-"
}
