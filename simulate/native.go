package simulate

import (
	"strconv"
	"strings"
)

const (
	auditProvider = "Microsoft-Windows-Security-Auditing"
	auditGUID     = "{54849625-5478-4994-a5ba-3e3b0328c30d}"
	scmProvider   = "Service Control Manager"
	scmGUID       = "{555908d1-a6d7-4695-8e1e-26931d2012f4}"
	nullSID       = "S-1-0-0"
)

// nativeRecords fills r with each Security and System event of an act in turn; a
// new service is one of each.
func nativeRecords(r *record, a *act, write func(*record)) {
	switch a.kind {
	case serviceNew:
		serviceInstalled(r, a)
		write(r)
		audit(r, a, 4697, 0, 12289, "Security System Extension")
		subject(r, a.user, a.logon)
		r.add("ServiceName", a.name)
		r.add("ServiceFileName", a.path)
		r.add("ServiceType", "0x10")
		r.add("ServiceStartType", "3")
		r.add("ServiceAccount", a.value)
	case serviceConfig:
		scm(r, a, 7040, a.user.sid)
		r.add("param1", a.path)
		r.add("param2", a.old)
		r.add("param3", a.value)
		r.add("param4", a.name)
	case serviceState:
		scm(r, a, 7036, "")
		r.add("param1", a.name)
		r.add("param2", a.value)
	default:
		nativeAudit(r, a)
	}
	write(r)
}

func serviceInstalled(r *record, a *act) {
	scm(r, a, 7045, a.user.sid)
	r.add("ServiceName", a.name)
	r.add("ImagePath", a.path)
	r.add("ServiceType", "user mode service")
	r.add("StartType", "demand start")
	r.add("AccountName", a.value)
}

func nativeAudit(r *record, a *act) {
	switch a.kind {
	case processStart:
		processCreated(r, a)
	case processEnd:
		audit(r, a, 4689, 0, 13313, "Process Termination")
		subject(r, a.proc.user, a.proc.logon)
		r.add("Status", "0x0")
		r.add("ProcessId", hexID(uint64(a.proc.pid)))
		r.add("ProcessName", a.proc.image)
	case connection:
		connectionAllowed(r, a)
	case logon:
		loggedOn(r, a)
	case logoff:
		audit(r, a, 4634, 0, 12545, "Logoff")
		r.add("TargetUserSid", a.user.sid)
		r.add("TargetUserName", a.user.name)
		r.add("TargetDomainName", a.user.domain)
		r.add("TargetLogonId", hexID(a.logon))
		r.add("LogonType", "3")
	case privileges:
		audit(r, a, 4672, 0, 12548, "Special Logon")
		subject(r, a.user, a.logon)
		r.add("PrivilegeList", "SeSecurityPrivilege\n\t\t\tSeBackupPrivilege\n\t\t\tSeRestorePrivilege\n\t\t\tSeTakeOwnershipPrivilege\n\t\t\tSeDebugPrivilege\n\t\t\tSeLoadDriverPrivilege\n\t\t\tSeImpersonatePrivilege")
	case registrySet:
		registryChanged(r, a)
	case shareAccess:
		share(r, a, 5140, 1, 12808, "File Share")
		r.add("AccessMask", "0x1")
		r.add("AccessList", "%%4416\n\t\t\t\t")
	case shareFile:
		share(r, a, 5145, 0, 12811, "Detailed File Share")
		r.add("RelativeTargetName", a.value)
		r.add("AccessMask", "0x12019f")
		r.add("AccessList", "%%1538\n\t\t\t\t%%1541\n\t\t\t\t%%4416\n\t\t\t\t%%4417\n\t\t\t\t%%4418\n\t\t\t\t%%4419\n\t\t\t\t%%4420\n\t\t\t\t%%4423\n\t\t\t\t%%4424\n\t\t\t\t")
		r.add("AccessReason", "-")
	case taskNew:
		audit(r, a, 4698, 1, 12804, "Other Object Access Events")
		subject(r, a.user, a.logon)
		r.add("TaskName", a.name)
		r.add("TaskContent", `<?xml version="1.0" encoding="UTF-16"?><Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"><Actions Context="Author"><Exec><Command>`+a.value+`</Command></Exec></Actions></Task>`)
		r.add("ClientProcessId", strconv.Itoa(int(a.proc.pid)))
		r.add("RpcCallClientLocality", "0")
		r.add("FQDN", a.host.computer)
	}
}

// audit begins a Security event: pid is the logging process, 4 for what the
// kernel audits.
func audit(r *record, a *act, id, version, task int, name string) {
	*r = record{host: a.host, channel: chanSecurity, provider: auditProvider, guid: auditGUID, id: id, version: version,
		task: task, keywords: auditSuccess, pid: 4, tid: 1188, action: name, logged: a.at, data: r.data[:0]}
	switch id {
	case 4624, 4634, 4672, 4697, 4698:
		r.pid = a.host.lsass.pid
	}
}

func scm(r *record, a *act, id int, userID string) {
	*r = record{host: a.host, channel: chanSystem, provider: scmProvider, guid: scmGUID, id: id, qualifiers: 16384, level: 4,
		keywords: classicKey, pid: a.host.services.pid, tid: 2040, userID: userID, action: "None", logged: a.at, data: r.data[:0]}
}

func subject(r *record, u *account, session uint64) {
	name, domain := u.name, u.domain
	if u.sid == "S-1-5-18" { // a host's own account is named after the host here
		name, domain = strings.ToUpper(r.host.name)+"$", "CORP"
	}
	r.add("SubjectUserSid", u.sid)
	r.add("SubjectUserName", name)
	r.add("SubjectDomainName", domain)
	r.add("SubjectLogonId", hexID(session))
}

func processCreated(r *record, a *act) {
	p := a.proc
	audit(r, a, 4688, 2, 13312, "Process Creation")
	parent := p.parent
	if parent == nil {
		parent = p.host.system
	}
	subject(r, parent.user, parent.logon)
	r.add("NewProcessId", hexID(uint64(p.pid)))
	r.add("NewProcessName", p.image)
	r.add("TokenElevationType", "%%1936")
	r.add("ProcessId", hexID(uint64(parent.pid)))
	r.add("CommandLine", p.cmd)
	if p.user.sid == parent.user.sid {
		r.add("TargetUserSid", nullSID)
		r.add("TargetUserName", "-")
		r.add("TargetDomainName", "-")
		r.add("TargetLogonId", "0x0")
	} else {
		r.add("TargetUserSid", nullSID)
		r.add("TargetUserName", p.user.name)
		r.add("TargetDomainName", p.user.domain)
		r.add("TargetLogonId", hexID(p.logon))
	}
	r.add("ParentProcessName", parent.image)
	r.add("MandatoryLabel", "S-1-16-16384")
}

func connectionAllowed(r *record, a *act) {
	c := a.conn
	audit(r, a, 5156, 1, 12810, "Filtering Platform Connection")
	r.add("ProcessID", strconv.Itoa(int(a.proc.pid)))
	r.add("Application", devicePath(a.proc.image))
	direction, layer, layerID := "%%14593", "%%14611", "48"
	if c.inbound {
		direction, layer, layerID = "%%14592", "%%14610", "44"
	}
	r.add("Direction", direction)
	r.add("SourceAddress", c.srcIP)
	r.add("SourcePort", strconv.Itoa(int(c.srcPort)))
	r.add("DestAddress", c.dstIP)
	r.add("DestPort", strconv.Itoa(int(c.dstPort)))
	protocol := "6"
	if c.udp {
		protocol = "17"
	}
	r.add("Protocol", protocol)
	r.add("FilterRTID", "71992")
	r.add("LayerName", layer)
	r.add("LayerRTID", layerID)
	r.add("RemoteUserID", nullSID)
	r.add("RemoteMachineID", nullSID)
}

// devicePath is a path as the filtering platform names it: by device, in lower case.
func devicePath(image string) string {
	if tail, ok := strings.CutPrefix(image, "C:"); ok {
		return `\device\harddiskvolume2` + strings.ToLower(tail)
	}
	return image
}

func loggedOn(r *record, a *act) {
	audit(r, a, 4624, 2, 12544, "Logon")
	r.add("SubjectUserSid", nullSID)
	r.add("SubjectUserName", "-")
	r.add("SubjectDomainName", "-")
	r.add("SubjectLogonId", "0x0")
	r.add("TargetUserSid", a.user.sid)
	r.add("TargetUserName", a.user.name)
	r.add("TargetDomainName", a.user.domain)
	r.add("TargetLogonId", hexID(a.logon))
	r.add("LogonType", strconv.Itoa(a.logonType))
	r.add("LogonProcessName", a.name)
	r.add("AuthenticationPackageName", a.name)
	r.add("WorkstationName", "-")
	r.add("LogonGuid", "{00000000-0000-0000-0000-000000000000}")
	r.add("TransmittedServices", "-")
	r.add("LmPackageName", "-")
	r.add("KeyLength", "0")
	r.add("ProcessId", "0x0")
	r.add("ProcessName", "-")
	r.add("IpAddress", a.conn.srcIP)
	r.add("IpPort", strconv.Itoa(int(a.conn.srcPort)))
	r.add("ImpersonationLevel", "%%1833")
	r.add("RestrictedAdminMode", "-")
	r.add("TargetOutboundUserName", "-")
	r.add("TargetOutboundDomainName", "-")
	r.add("VirtualAccount", "%%1843")
	r.add("TargetLinkedLogonId", "0x0")
	r.add("ElevatedToken", "%%1842")
}

func share(r *record, a *act, id, version, task int, name string) {
	audit(r, a, id, version, task, name)
	subject(r, a.user, a.logon)
	r.add("ObjectType", "File")
	r.add("IpAddress", a.conn.srcIP)
	r.add("IpPort", strconv.Itoa(int(a.conn.srcPort)))
	r.add("ShareName", `\\*\`+a.name)
	local := ""
	if a.path != "" {
		local = `\??\` + a.path
	}
	r.add("ShareLocalPath", local)
}

// registryChanged needs an audit entry on the key; the service keys and those
// of scheduled tasks are what such entries are set on.
func registryChanged(r *record, a *act) {
	u, session := a.user, a.logon
	if u == nil {
		u, session = a.proc.user, a.proc.logon
	}
	audit(r, a, 4657, 0, 12801, "Registry")
	subject(r, u, session)
	r.add("ObjectName", `\REGISTRY\MACHINE\`+a.path)
	r.add("ObjectValueName", a.name)
	r.add("HandleId", "0x2c8")
	operation, oldType := "%%1904", "-" // new value
	if a.old != "" {
		operation, oldType = "%%1905", "%%1873" // existing value
	}
	r.add("OperationType", operation)
	r.add("OldValueType", oldType)
	r.add("OldValue", dash(a.old))
	typ, value := "%%1873", a.value
	if n, ok := strings.CutPrefix(value, "DWORD (0x"); ok {
		typ = "%%1876"
		v, _ := strconv.ParseUint(strings.TrimSuffix(n, ")"), 16, 32) // ours: always well formed
		value = strconv.FormatUint(v, 10)
	}
	r.add("NewValueType", typ)
	r.add("NewValue", value)
	r.add("ProcessId", hexID(uint64(a.proc.pid)))
	r.add("ProcessName", a.proc.image)
}
