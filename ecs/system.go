package ecs

import "strings"

// The System and Application logs, and AppLocker's.

// services is the Service Control Manager in the System log. Elastic's pipeline
// keeps its events as they are; that a service was installed (7045) is told in
// ECS by us (MAPPING §3.4). The account that did it is the one that wrote the
// event. Its data, and the whole of 7031, 7034, 7036, 7040 and others, stays in
// winlog.event_data under the names and numbers of the log.
var services = provider{
	module:    "system",
	dataset:   "system.system",
	channel:   "System",
	providers: "Service Control Manager,Microsoft-Windows-Service Control Manager",
	events: map[string]*mapping{
		"7045": {category: "configuration", types: "creation", action: "service-installed", rows: [][]row{installed}, steps: []step{installer}},
	},
}

var installed = []row{
	{from: "ServiceName", to: "service.name", keep: true},
	{from: "ImagePath", to: "service.executable", keep: true},
}

// installer is the account that wrote the event; its name is there if the
// exporter looked it up.
var installer = step{
	writes: "user.id user.name user.domain related.user",
	do: func(m *mapper, to []int) {
		sys := &m.r.sys
		m.setText(to[0], sys[sysUserID].text(m.ev))
		m.setText(to[1], sys[sysUserName].text(m.ev))
		m.setText(to[2], sys[sysUserDomain].text(m.ev))
		m.add(to[3], sys[sysUserName].text(m.ev))
	},
}

// system and application are the rest of these logs: the base document, under
// the dataset that index patterns ask for.
var (
	system      = provider{module: "system", dataset: "system.system", channel: "System"}
	application = provider{module: "system", dataset: "system.application", channel: "Application"}
)

// appLocker is AppLocker's log of programs: run (8002), would have been
// prevented (8003), prevented (8004).
var appLocker = provider{
	module:  "windows",
	dataset: "windows.applocker_exe_and_dll",
	channel: "Microsoft-Windows-AppLocker/EXE and DLL",
	events: map[string]*mapping{
		"8002": {category: "process", types: "start", rows: [][]row{lockedFile}, steps: []step{binaryName}},
		"8003": {category: "process", types: "start", rows: [][]row{lockedFile}, steps: []step{binaryName}},
		"8004": {category: "process", types: "denied", rows: [][]row{lockedFile}, steps: []step{binaryName}},
	},
}

var lockedFile = []row{
	{from: "FileHash", to: "file.hash.sha256", keep: true},
	{from: "FullFilePath", to: "file.name", do: lastElement, keep: true},
}

func lastElement(m *mapper, s string, to []int) {
	m.setText(to[0], s[strings.LastIndexByte(s, '\\')+1:])
}

// binaryName takes the fully qualified name of a binary apart:
// O=publisher, S=state, C=country\product\original name\version.
var binaryName = step{
	writes: "file.x509.subject.organization file.x509.subject.state_or_province file.x509.subject.country file.x509.subject.locality " +
		"file.pe.product file.pe.original_file_name file.pe.file_version user.id user.name",
	do: func(m *mapper, to []int) {
		m.setText(to[7], m.r.sys[sysUserID].text(m.ev))
		m.setText(to[8], m.r.sys[sysUserName].text(m.ev))
		subject, rest, ok := strings.Cut(m.get("Fqbn"), `\`)
		if !ok {
			return
		}
		for subject != "" {
			var part string
			part, subject, _ = strings.Cut(subject, ", ")
			kind, val, _ := strings.Cut(part, "=")
			switch kind {
			case "O":
				m.setText(to[0], val)
			case "S":
				m.setText(to[1], val)
			case "C":
				m.setText(to[2], val)
			case "L":
				m.setText(to[3], val)
			}
		}
		for _, slot := range to[4:7] {
			var part string
			part, rest, _ = strings.Cut(rest, `\`)
			m.setText(slot, part)
		}
	},
}
