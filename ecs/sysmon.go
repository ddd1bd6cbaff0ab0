package ecs

import (
	"strings"

	"github.com/tocsin-project/tocsin/event"
)

// Sysmon's events, as Elastic's pipeline maps them (MAPPING §2).
var sysmon = provider{
	module:    "sysmon",
	dataset:   "windows.sysmon_operational",
	channel:   "Microsoft-Windows-Sysmon/Operational",
	providers: "Microsoft-Windows-Sysmon",
	noEmpty:   true,
	tidy:      true,
	common:    &mapping{rows: [][]row{sysmonRows}, steps: []step{sysmonClock, sysmonUser}},
	events: map[string]*mapping{
		"1":   {category: "process", types: "start", action: "Process creation", rows: [][]row{processPE}, steps: []step{processHashes}},
		"2":   {category: "file", types: "change", action: "A process changed a file creation time"},
		"3":   {category: "network", types: "start connection protocol", action: "Network connection", rows: [][]row{connectionRows}, steps: []step{community, peer}},
		"4":   {category: "process", types: "change", action: "Sysmon service state changed"},
		"5":   {category: "process", types: "end", action: "Process terminated"},
		"6":   {category: "driver", types: "start", action: "Driver loaded", steps: []step{fileHashes}},
		"7":   {category: "process", types: "change", action: "Image loaded", rows: [][]row{filePE}, steps: []step{fileHashes}},
		"8":   {category: "process", types: "change", action: "CreateRemoteThread"},
		"9":   {category: "process", types: "access", action: "RawAccessRead"},
		"10":  {category: "process", types: "access", action: "ProcessAccess"},
		"11":  {category: "file", types: "creation", action: "FileCreate"},
		"12":  {category: "configuration registry", types: "change", action: "RegistryEvent (Object create and delete)", steps: []step{registry}},
		"13":  {category: "configuration registry", types: "change", action: "RegistryEvent (Value Set)", steps: []step{registry}},
		"14":  {category: "configuration registry", types: "change", action: "RegistryEvent (Key and Value Rename)", steps: []step{registry}},
		"15":  {category: "file", types: "access", action: "FileCreateStreamHash", steps: []step{fileHashes}},
		"16":  {category: "configuration", types: "change", action: "ServiceConfigurationChange"},
		"17":  {category: "file", types: "creation", action: "PipeEvent (Pipe Created)"},
		"18":  {category: "file", types: "access", action: "PipeEvent (Pipe Connected)"},
		"19":  {category: "process", types: "creation", action: "WmiEvent (WmiEventFilter activity detected)"},
		"20":  {category: "process", types: "creation", action: "WmiEvent (WmiEventConsumer activity detected)", rows: [][]row{consumerRows}},
		"21":  {category: "process", types: "access", action: "WmiEvent (WmiEventConsumerToFilter activity detected)"},
		"22":  {category: "network", types: "connection protocol info", action: "DNSEvent (DNS query)", steps: []step{dnsQuery}},
		"23":  {category: "file", types: "deletion", action: "FileDelete (File Delete archived)", steps: []step{processHashes}},
		"24":  {types: "change", action: "ClipboardChange (New content in the clipboard)", steps: []step{processHashes}},
		"25":  {category: "process", types: "change", action: "ProcessTampering (Process image change)", rows: [][]row{tamperingRows}, steps: []step{processHashes}},
		"26":  {category: "file", types: "deletion", action: "FileDeleteDetected (File Delete logged)", steps: []step{processHashes}},
		"27":  {category: "file", types: "creation denied", action: "FileBlockExecutable", steps: []step{otherHashes}},
		"28":  {category: "file", types: "deletion denied", action: "FileBlockShredding", steps: []step{otherHashes}},
		"29":  {category: "file", types: "creation", action: "FileExecutableDetected", steps: []step{fileHashes}},
		"255": {category: "process", types: "error", action: "Error", rows: [][]row{errorRows, descriptionRow}},
	},
}

// sysmonRows hold for all ids: a name means the same wherever it occurs.
var sysmonRows = []row{
	{from: "RuleName", to: "rule.name"},
	{from: "ProcessGuid SourceProcessGuid SourceProcessGUID", to: "process.entity_id"},
	{from: "ProcessId SourceProcessId", to: "process.pid", do: long},
	{from: "SourceThreadId", to: "process.thread.id", do: long},
	{from: "Image SourceImage", to: "process.executable process.name", do: executable},
	{from: "CommandLine", to: "process.command_line process.args process.args_count", do: commandLine},
	{from: "CurrentDirectory", to: "process.working_directory"},
	{from: "ParentProcessGuid", to: "process.parent.entity_id"},
	{from: "ParentProcessId", to: "process.parent.pid", do: long},
	{from: "ParentImage", to: "process.parent.executable process.parent.name", do: executable},
	{from: "ParentCommandLine", to: "process.parent.command_line process.parent.args process.parent.args_count", do: commandLine},
	{from: "TargetFilename Device ImageLoaded", to: "file.path file.name file.directory file.extension", do: filePath},
	{from: "PipeName", to: "file.name"},
	{from: "Signature", to: "file.code_signature.subject_name", keep: true},
	{from: "SignatureStatus", to: "file.code_signature.status file.code_signature.valid", do: signature, keep: true},
	{from: "Archived", to: "sysmon.file.archived", do: boolean},
	{from: "IsExecutable", to: "sysmon.file.is_executable", do: boolean},
	{from: "TargetProcessGuid", to: "winlog.event_data.TargetProcessGUID"},
}

var processPE = []row{
	{from: "OriginalFileName", to: "process.pe.original_file_name"},
	{from: "Company", to: "process.pe.company", keep: true},
	{from: "Description", to: "process.pe.description", keep: true},
	{from: "FileVersion", to: "process.pe.file_version", keep: true},
	{from: "Product", to: "process.pe.product", keep: true},
}

var filePE = []row{
	{from: "OriginalFileName", to: "file.pe.original_file_name"},
	{from: "Company", to: "file.pe.company", keep: true},
	{from: "Description", to: "file.pe.description", keep: true},
	{from: "FileVersion", to: "file.pe.file_version", keep: true},
	{from: "Product", to: "file.pe.product", keep: true},
}

var connectionRows = []row{
	{from: "Protocol", to: "network.transport"},
	{from: "DestinationPortName SourcePortName", to: "network.protocol"},
	{from: "SourceIp", to: "source.ip related.ip", do: ip},
	{from: "SourceHostname", to: "source.domain"},
	{from: "SourcePort", to: "source.port", do: long},
	{from: "DestinationIp", to: "destination.ip related.ip", do: ip},
	{from: "DestinationHostname", to: "destination.domain"},
	{from: "DestinationPort", to: "destination.port", do: long},
	{from: "Initiated", to: "network.direction", do: direction},
	{from: "SourceIsIpv6", to: "network.type", do: networkType},
	{from: "DestinationIsIpv6", to: ""},
}

var (
	consumerRows   = []row{{from: "Destination", to: "process.executable process.name", do: executable}}
	tamperingRows  = []row{{from: "Type", to: "message"}}
	descriptionRow = []row{{from: "Description", to: "process.pe.description", keep: true}}
	errorRows      = []row{{from: "ID", to: "error.code"}}
)

func direction(m *mapper, s string, to []int) {
	switch s {
	case "true":
		m.setText(to[0], "egress")
	case "false":
		m.setText(to[0], "ingress")
	}
}

func networkType(m *mapper, s string, to []int) {
	switch s {
	case "true":
		m.setText(to[0], "ipv6")
	case "false":
		m.setText(to[0], "ipv4")
	}
}

func signature(m *mapper, s string, to []int) {
	m.setText(to[0], s)
	m.set(to[1], event.Bool(s == "Valid"))
}

// filePath writes a path and its parts. The extension is what follows the last
// dot of the whole path, as with Elastic: a dot in a directory's name leaks.
func filePath(m *mapper, s string, to []int) {
	m.setText(to[0], s)
	if i := strings.LastIndexByte(s, '\\'); i >= 0 {
		m.setText(to[1], s[i+1:])
		m.setText(to[2], s[:i])
	}
	if i := strings.LastIndexByte(s, '.'); i >= 0 {
		m.setText(to[3], s[i+1:])
	}
}

// sysmonClock makes UtcTime, when it happened, the event's time; when it was
// logged stays in event.created.
var sysmonClock = step{
	writes: "event.created",
	moves:  "UtcTime",
	always: true, // the event's time is wanted whatever fields are read
	do: func(m *mapper, to []int) {
		if to[0] != none && (m.r.sys[sysTime].form != absent || !m.has(to[0])) {
			if ns, ok := m.logged(); ok {
				m.set(to[0], event.Time(ns))
			} else if m.when(); m.ev.HasTime {
				m.set(to[0], event.Time(m.ev.Time))
			}
		}
		if t, ok := parseInstant(m.get("UtcTime")); ok {
			m.ev.Time, m.ev.HasTime = t.ns, true
		}
	},
}

// sysmonUser splits DOMAIN\name. user.id is Sysmon's own account, as with
// Elastic, not that of the process.
var sysmonUser = step{
	writes: "user.name user.domain related.user user.id",
	moves:  "User",
	do: func(m *mapper, to []int) {
		m.setText(to[3], m.r.sys[sysUserID].text(m.ev))
		domain, name, ok := strings.Cut(m.get("User"), `\`)
		if !ok || strings.Contains(name, `\`) {
			return
		}
		m.setText(to[0], name)
		m.setText(to[1], domain)
		m.add(to[2], name)
	},
}

// What Sysmon packs several facts into one value for: hashes, registry paths,
// answers of a resolver; and what follows from several values.

const hashFields = ".hash.md5 .hash.sha1 .hash.sha256 .pe.imphash"

func hashStep(object string) step {
	writes := "related.hash"
	if object != "" {
		writes += strings.ReplaceAll(" "+hashFields, " ", " "+object)
	}
	return step{writes: writes, moves: "Hashes Hash", do: hashes}
}

var (
	processHashes = hashStep("process")
	fileHashes    = hashStep("file")
	otherHashes   = hashStep("")
)

// hashes splits KIND=value,… and writes each kind to its field and all of them
// to related.hash. A hash of zeros was not computed.
func hashes(m *mapper, to []int) {
	list := m.get("Hashes")
	if list == "" {
		list = m.get("Hash")
	}
	for list != "" {
		var one string
		one, list, _ = strings.Cut(list, ",")
		kind, sum, ok := strings.Cut(one, "=")
		if !ok || strings.Trim(sum, "0") == "" {
			continue
		}
		sum = m.lower(sum)
		m.add(to[0], sum)
		if len(to) == 1 {
			continue
		}
		switch {
		case strings.EqualFold(kind, "md5"):
			m.setText(to[1], sum)
		case strings.EqualFold(kind, "sha1"):
			m.setText(to[2], sum)
		case strings.EqualFold(kind, "sha256"):
			m.setText(to[3], sum)
		case strings.EqualFold(kind, "imphash"):
			m.setText(to[4], sum)
		}
	}
}

var registry = step{
	writes: "registry.path registry.hive registry.key registry.value registry.data.strings registry.data.type",
	moves:  "TargetObject Details",
	do: func(m *mapper, to []int) {
		path := m.get("TargetObject")
		m.setText(to[0], path)
		first, rest, _ := strings.Cut(path, `\`)
		if hive := hive(first); hive != "" {
			m.setText(to[1], hive)
			m.setText(to[2], rest)
		}
		m.setText(to[3], path[strings.LastIndexByte(path, '\\')+1:])
		if details := m.get("Details"); details != "" {
			m.registryData(details, to[4], to[5])
		}
	},
}

func hive(s string) string {
	switch s {
	case "HKCR", "HKCC", "HKCU", "HKDD", "HKLM", "HKPD", "HKU":
		return s
	case "HKEY_CLASSES_ROOT":
		return "HKCR"
	case "HKEY_CURRENT_CONFIG":
		return "HKCC"
	case "HKEY_CURRENT_USER":
		return "HKCU"
	case "HKEY_DYN_DATA":
		return "HKDD"
	case "HKEY_LOCAL_MACHINE":
		return "HKLM"
	case "HKEY_PERFORMANCE_DATA":
		return "HKPD"
	case "HKEY_USERS":
		return "HKU"
	}
	return ""
}

// registryData reads Sysmon's rendering of a registry value. The type names
// SZ_DWORD and SZ_QWORD, and the high half of a QWORD shifted by 8 bits only,
// are Elastic's.
func (m *mapper) registryData(s string, strs, kind int) {
	switch {
	case strings.HasPrefix(s, "DWORD (0x") && strings.HasSuffix(s, ")"):
		if n, ok := parsePID(s[len("DWORD (") : len(s)-1]); ok {
			m.setText(strs, m.decimal(uint64(n)))
			m.setText(kind, "SZ_DWORD")
		}
	case strings.HasPrefix(s, "QWORD (0x") && strings.HasSuffix(s, ")"):
		high, low, _ := strings.Cut(s[len("QWORD ("):len(s)-1], "-")
		h, ok := parsePID(high)
		l, ok2 := parsePID(low)
		if ok && ok2 {
			m.setText(strs, m.decimal(uint64(h)<<8+uint64(l)))
			m.setText(kind, "SZ_QWORD")
		}
	case s == "Binary Data":
		m.setText(strs, s)
		m.setText(kind, "REG_BINARY")
	default:
		m.set(strs, event.Text(s))
		m.setText(kind, "REG_SZ")
	}
}
