package coverage

import (
	"fmt"
	"strings"
)

// family is a sensor: the events of one have identities of their own, which
// join with no other's.
type family string

const (
	defend family = "Elastic Defend"
	sysmon family = "Sysmon"
	native family = "Windows log"
	other  family = "other"
)

// kind is one event that a sensor can report, with what it takes to make it.
type kind struct {
	family  family
	channel string // of the log; the data set of an agent
	code    string // event.code; event.action of an agent
	title   string
	fix     string // the audit subcategory, the element of Sysmon's configuration, or words

	rare     bool // no host need have one: its absence proves nothing
	always   bool // written without any policy, if the log arrives
	filtered bool // a sensor's configuration commonly leaves some out

	lacks string // fields, or beginnings of them, that it never has
}

// The channels of the logs.
const (
	sysmonLog   = "Microsoft-Windows-Sysmon/Operational"
	securityLog = "Security"
	systemLog   = "System"
)

// What events of no native log and of no Sysmon version hold.
const (
	notNative = "process.pe. process.hash. process.code_signature. process.parent.command_line process.parent.args process.Ext. dll. file.Ext."
	notSysmon = "process.code_signature. process.Ext. dll. file.Ext. process.thread.Ext."
	notParent = "process.parent. process.command_line process.args process.pe. process.hash."
)

// kinds are the events that rules are commonly fed with. Facts: Microsoft's
// audit documentation, Sysmon's schema, Elastic's endpoint package; the ECS
// side is package ecs.
func kinds() []kind {
	return []kind{
		{family: defend, channel: "endpoint.events.process", code: "start", title: "process start", fix: "process", lacks: "winlog."},
		{family: defend, channel: "endpoint.events.process", code: "end", title: "process end", fix: "process", lacks: "winlog."},
		{family: defend, channel: "endpoint.events.network", code: "connection_accepted", title: "accepted connection", fix: "network", lacks: "winlog. process.parent. process.command_line"},
		{family: defend, channel: "endpoint.events.network", code: "connection_attempted", title: "outgoing connection", fix: "network", lacks: "winlog. process.parent. process.command_line"},
		{family: defend, channel: "endpoint.events.network", code: "lookup_requested", title: "DNS query", fix: "dns", lacks: "winlog."},
		{family: defend, channel: "endpoint.events.file", code: "creation", title: "file created", fix: "file", lacks: "winlog."},
		{family: defend, channel: "endpoint.events.file", code: "modification", title: "file modified", fix: "file", lacks: "winlog."},
		{family: defend, channel: "endpoint.events.file", code: "deletion", title: "file deleted", fix: "file", lacks: "winlog."},
		{family: defend, channel: "endpoint.events.registry", code: "modification", title: "registry value set", fix: "registry", lacks: "winlog."},
		{family: defend, channel: "endpoint.events.library", code: "load", title: "library loaded", fix: "dll_and_driver_load", lacks: "winlog."},
		{family: defend, channel: "endpoint.events.security", code: "log_on", title: "logon", fix: "security", lacks: "winlog."},
		{family: defend, channel: "endpoint.events.security", code: "service-installed", title: "service installed", fix: "security", rare: true},

		{family: sysmon, channel: sysmonLog, code: "1", title: "process creation", fix: "ProcessCreate", lacks: notSysmon},
		{family: sysmon, channel: sysmonLog, code: "3", title: "network connection", fix: "NetworkConnect", filtered: true, lacks: notSysmon + " " + notParent},
		{family: sysmon, channel: sysmonLog, code: "5", title: "process end", fix: "ProcessTerminate", filtered: true, lacks: notSysmon + " " + notParent},
		{family: sysmon, channel: sysmonLog, code: "6", title: "driver loaded", fix: "DriverLoad", rare: true, lacks: notSysmon},
		{family: sysmon, channel: sysmonLog, code: "7", title: "image loaded", fix: "ImageLoad", filtered: true, lacks: notSysmon + " process.parent. process.command_line process.pe. process.hash."},
		{family: sysmon, channel: sysmonLog, code: "8", title: "remote thread", fix: "CreateRemoteThread", rare: true, lacks: notSysmon},
		{family: sysmon, channel: sysmonLog, code: "10", title: "process access", fix: "ProcessAccess", filtered: true, lacks: notSysmon + " " + notParent},
		{family: sysmon, channel: sysmonLog, code: "11", title: "file created", fix: "FileCreate", filtered: true, lacks: notSysmon + " " + notParent},
		{family: sysmon, channel: sysmonLog, code: "12", title: "registry key", fix: "RegistryEvent", filtered: true, lacks: notSysmon + " " + notParent},
		{family: sysmon, channel: sysmonLog, code: "13", title: "registry value set", fix: "RegistryEvent", filtered: true, lacks: notSysmon + " " + notParent},
		{family: sysmon, channel: sysmonLog, code: "14", title: "registry rename", fix: "RegistryEvent", rare: true, lacks: notSysmon + " " + notParent},
		{family: sysmon, channel: sysmonLog, code: "15", title: "file stream", fix: "FileCreateStreamHash", rare: true, lacks: notSysmon + " " + notParent},
		{family: sysmon, channel: sysmonLog, code: "17", title: "pipe created", fix: "PipeEvent", filtered: true, lacks: notSysmon + " " + notParent + " source. winlog.event_data.ShareName"},
		{family: sysmon, channel: sysmonLog, code: "18", title: "pipe connected", fix: "PipeEvent", filtered: true, lacks: notSysmon + " " + notParent + " source. winlog.event_data.ShareName"},
		{family: sysmon, channel: sysmonLog, code: "22", title: "DNS query", fix: "DnsQuery", filtered: true, lacks: notSysmon + " " + notParent + " network.transport network.direction source. destination."},
		{family: sysmon, channel: sysmonLog, code: "23", title: "file deleted", fix: "FileDelete", rare: true, lacks: notSysmon + " " + notParent},

		{family: native, channel: securityLog, code: "4624", title: "logon", fix: "Logon", lacks: notNative},
		{family: native, channel: securityLog, code: "4625", title: "failed logon", fix: "Logon", rare: true, lacks: notNative},
		{family: native, channel: securityLog, code: "4648", title: "explicit logon", fix: "Logon", rare: true, lacks: notNative},
		{family: native, channel: securityLog, code: "4657", title: "registry value changed", fix: "Registry", rare: true, lacks: notNative},
		{family: native, channel: securityLog, code: "4663", title: "object accessed", fix: "File System", rare: true, lacks: notNative},
		{family: native, channel: securityLog, code: "4672", title: "special privileges", fix: "Special Logon", lacks: notNative},
		{family: native, channel: securityLog, code: "4688", title: "process creation", fix: "Process Creation", lacks: notNative},
		{family: native, channel: securityLog, code: "4689", title: "process end", fix: "Process Termination", lacks: notNative + " process.parent. process.command_line"},
		{family: native, channel: securityLog, code: "4697", title: "service installed", fix: "Security System Extension", rare: true, lacks: notNative},
		{family: native, channel: securityLog, code: "4698", title: "scheduled task created", fix: "Other Object Access Events", rare: true, lacks: notNative},
		{family: native, channel: securityLog, code: "4702", title: "scheduled task updated", fix: "Other Object Access Events", rare: true, lacks: notNative},
		{family: native, channel: securityLog, code: "4720", title: "account created", fix: "User Account Management", rare: true, lacks: notNative},
		{family: native, channel: securityLog, code: "4769", title: "Kerberos service ticket", fix: "Kerberos Service Ticket Operations", rare: true, lacks: notNative},
		{family: native, channel: securityLog, code: "5140", title: "share accessed", fix: "File Share", rare: true, lacks: notNative + " file.name process. destination. network."},
		{family: native, channel: securityLog, code: "5145", title: "file on a share checked", fix: "Detailed File Share", rare: true, lacks: notNative + " process. destination. network."},
		{family: native, channel: securityLog, code: "5156", title: "permitted connection", fix: "Filtering Platform Connection", lacks: notNative + " " + notParent + " user."},
		{family: native, channel: systemLog, code: "7036", title: "service state", always: true, lacks: notNative + " process."},
		{family: native, channel: systemLog, code: "7040", title: "service start type", always: true, lacks: notNative + " process."},
		{family: native, channel: systemLog, code: "7045", title: "service installed", always: true, lacks: notNative + " process."},
	}
}

// name is how a kind is called in sentences.
func (k *kind) name() string {
	switch k.family {
	case sysmon:
		return "Sysmon " + k.code
	case defend:
		return "Defend " + strings.TrimPrefix(k.channel, "endpoint.events.") + " " + k.code
	}
	return k.code
}

// provider is who writes the event.
func (k *kind) provider() string {
	switch k.channel {
	case sysmonLog:
		return "Microsoft-Windows-Sysmon"
	case securityLog:
		return "Microsoft-Windows-Security-Auditing"
	}
	return "Service Control Manager"
}

// document is an event of the kind with nothing but what all of them hold.
func (k *kind) document() string {
	if k.family == defend {
		return fmt.Sprintf(`{"@timestamp":"2024-01-01T00:00:00Z","agent":{"type":"endpoint"},"data_stream":{"dataset":%q},"host":{"os":{"type":"windows"}},"event":{"kind":"event","module":"endpoint","dataset":%[1]q,"action":%q,"category":[%q],"type":[%q]}}`,
			k.channel, k.code, k.category(), k.eventType())
	}
	return fmt.Sprintf(`{"EventID":%s,"Channel":%q,"ProviderName":%q,"Hostname":"h","EventTime":"2024-01-01T00:00:00Z"}`, k.code, k.channel, k.provider())
}

// category is the ECS category of an agent's data set.
func (k *kind) category() string {
	switch c := strings.TrimPrefix(k.channel, "endpoint.events."); {
	case c == "security" && k.code == "log_on":
		return "authentication"
	case c == "security":
		return "configuration"
	default:
		return c
	}
}

// eventType is the ECS type of an agent's action.
func (k *kind) eventType() string {
	switch k.code {
	case "end":
		return "end"
	case "creation", "deletion":
		return k.code
	case "modification":
		return "change"
	}
	return "start"
}

// never reports whether events of the kind cannot have a field.
func (k *kind) never(field string) bool {
	for f := range strings.FieldsSeq(k.lacks) {
		if field == f || strings.HasSuffix(f, ".") && strings.HasPrefix(field, f) {
			return true
		}
	}
	return false
}

// constant reports whether a field is the same in every event of a kind.
func constant(field string) bool {
	switch field {
	case "event.category", "event.type", "event.action", "event.code", "event.provider", "event.dataset", "event.module",
		"event.kind", "host.os.type", "host.os.family", "data_stream.dataset", "winlog.channel", "winlog.provider_name":
		return true
	}
	return false
}
