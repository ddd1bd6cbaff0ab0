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
		if m.r.sys[sysTime].form != absent {
			if ns, ok := m.logged(); ok {
				m.set(to[0], event.Time(ns))
			}
		} else if m.ev.HasTime && !m.has(to[0]) {
			m.set(to[0], event.Time(m.ev.Time))
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
