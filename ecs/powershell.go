package ecs

import (
	"strings"

	"github.com/tocsin-project/tocsin/event"
)

// PowerShell's events, as Elastic's pipelines map them (MAPPING §4). Both logs
// pack what the engine knew of itself into one text of keys and values: it is
// unpacked first, and its values then have names like any others.

// powershellClassic is the log "Windows PowerShell", whose values have no names.
var powershellClassic = provider{
	module:  "powershell",
	dataset: "windows.powershell",
	channel: "Windows PowerShell",
	noEmpty: true,
	tidy:    true,
	events: map[string]*mapping{
		"400": {category: "process", types: "start", rows: [][]row{classicState, contextRows, contextFile}, steps: []step{contextUser}},
		"403": {category: "process", types: "end", rows: [][]row{classicState, contextRows, contextFile}, steps: []step{contextUser}},
		"600": {category: "process", types: "info", rows: [][]row{classicState, contextRows, contextFile}, steps: []step{contextUser}},
		"800": {category: "process", types: "info", rows: [][]row{classicPipeline, contextRows, contextFile}, steps: []step{contextUser, classicInvocation}},
	},
}

// powershellOperational is the log of the engine's own provider.
var powershellOperational = provider{
	module:  "powershell",
	dataset: "windows.powershell_operational",
	channel: "Microsoft-Windows-PowerShell/Operational",
	noEmpty: true,
	tidy:    true,
	events:  powershellEvents,
}

// powershellCore is the same log of PowerShell 6 and later, which Elastic's
// pipelines do not route.
var powershellCore = provider{
	module:  "powershell",
	dataset: "windows.powershell_operational",
	channel: "PowerShellCore/Operational",
	noEmpty: true,
	tidy:    true,
	events:  powershellEvents,
}

var powershellEvents = map[string]*mapping{
	"4103": {category: "process", types: "info", rows: [][]row{operationalContext, contextRows, contextFile}, steps: []step{contextUser, invocation}},
	"4104": {category: "process", types: "info", rows: [][]row{scriptBlock, contextFile}, steps: []step{contextUser}},
	"4105": {category: "process", types: "start", rows: [][]row{scriptBlock}, steps: []step{contextUser}},
	"4106": {category: "process", types: "end", rows: [][]row{scriptBlock}, steps: []step{contextUser}},
}

var classicState = []row{
	{from: "param3", to: contextFields(), do: classicContext},
	{from: "param1", to: ""},
	{from: "param2", to: ""},
}

var classicPipeline = []row{
	{from: "param2", to: contextFields(), do: classicContext},
	{from: "param1", to: ""},
}

var operationalContext = []row{
	{from: "ContextInfo", to: contextFields(), do: spacedContext},
}

var scriptBlock = []row{
	{from: "ScriptBlockId", to: "powershell.file.script_block_id"},
	{from: "ScriptBlockText", to: "powershell.file.script_block_text", do: trimmed},
	{from: "MessageNumber", to: "powershell.sequence", do: long},
	{from: "MessageTotal", to: "powershell.total", do: long},
	{from: "RunspaceId", to: "powershell.runspace_id"},
}

// contextRows are the values of the unpacked text.
var contextRows = []row{
	{from: "Severity", to: ""},
	{from: "HostName", to: "process.title"},
	{from: "HostVersion", to: "powershell.process.executable_version"},
	{from: "HostId HostID", to: "process.entity_id"},
	{from: "HostApplication", to: "process.command_line process.args process.args_count", do: commandLine},
	{from: "EngineVersion", to: "powershell.engine.version"},
	{from: "NewEngineState", to: "powershell.engine.new_state"},
	{from: "PreviousEngineState", to: "powershell.engine.previous_state"},
	{from: "ProviderName", to: "powershell.provider.name"},
	{from: "NewProviderState", to: "powershell.provider.new_state"},
	{from: "RunspaceId RunspaceID", to: "powershell.runspace_id"},
	{from: "PipelineId PipelineID", to: "powershell.pipeline_id"},
	{from: "CommandName", to: "powershell.command.name"},
	{from: "CommandType", to: "powershell.command.type"},
	{from: "CommandPath", to: "powershell.command.path"},
	{from: "CommandLine", to: "powershell.command.value"},
	{from: "SequenceNumber", to: "event.sequence", do: long},
	{from: "DetailSequence", to: "powershell.sequence", do: long},
	{from: "DetailTotal", to: "powershell.total", do: long},
	{from: "ShellID", to: "powershell.id"},
}

// contextFile is the script that a command came from, or a script block.
var contextFile = []row{
	{from: "ScriptName Path", to: "file.path file.name file.directory file.extension", do: filePath},
}

// contextUsers are the values of the unpacked text that are accounts.
const contextUsers = "User UserId ConnectedUser"

// contextFields are the fields that any value of the unpacked text goes to: the
// text is left alone if nobody reads one of them.
func contextFields() string {
	var b strings.Builder
	for _, rows := range [][]row{contextRows, contextFile} {
		for _, r := range rows {
			b.WriteString(r.to + " ")
		}
	}
	return b.String() + contextUser.writes
}

// isContextKey reports whether a name is a key of the text. What looks like a
// key but is none belongs to a value of several lines, such as a script.
func isContextKey(name string) bool {
	switch name {
	case "Severity", "HostName", "HostVersion", "HostId", "HostID", "HostApplication", "EngineVersion",
		"NewEngineState", "PreviousEngineState", "ProviderName", "NewProviderState", "RunspaceId", "RunspaceID",
		"PipelineId", "PipelineID", "CommandName", "CommandType", "CommandPath", "CommandLine", "ScriptName",
		"SequenceNumber", "DetailSequence", "DetailTotal", "ShellID", "User", "UserId", "ConnectedUser":
		return true
	}
	return false
}

// classicContext unpacks lines of "\tKey=value".
func classicContext(m *mapper, s string, _ []int) {
	m.unpack(s, func(line string) (key string, at int) {
		if !strings.HasPrefix(line, "\t") {
			return "", 0
		}
		key, _, ok := strings.Cut(line[1:], "=")
		if !ok || !isContextKey(key) {
			return "", 0
		}
		return key, len(key) + 2
	})
}

// spacedContext unpacks lines of "        Key of words = value".
func spacedContext(m *mapper, s string, _ []int) {
	const indent = "        "
	m.unpack(s, func(line string) (key string, at int) {
		if !strings.HasPrefix(line, indent) {
			return "", 0
		}
		words, _, ok := strings.Cut(line[len(indent):], " =")
		if !ok || len(words) > 30 {
			return "", 0
		}
		at = len(indent) + len(words) + len(" =")
		if at < len(line) && line[at] == ' ' {
			at++
		}
		return contextKey(words), at
	})
}

// contextKey returns a key of words without its spaces, "" for what is none.
func contextKey(words string) string {
	switch words {
	case "Host Name":
		return "HostName"
	case "Host Version":
		return "HostVersion"
	case "Host ID":
		return "HostID"
	case "Host Application":
		return "HostApplication"
	case "Engine Version":
		return "EngineVersion"
	case "Runspace ID":
		return "RunspaceID"
	case "Pipeline ID":
		return "PipelineID"
	case "Command Name":
		return "CommandName"
	case "Command Type":
		return "CommandType"
	case "Command Path":
		return "CommandPath"
	case "Script Name":
		return "ScriptName"
	case "Sequence Number":
		return "SequenceNumber"
	case "Connected User":
		return "ConnectedUser"
	case "Shell ID":
		return "ShellID"
	case "Severity", "User":
		return words
	}
	return ""
}

// unpack adds the keys and values of a text to the record. keyOf says which key
// a line begins with, and where its value starts; lines without one go on with
// the value before them.
func (m *mapper) unpack(s string, keyOf func(line string) (key string, at int)) {
	key, from := "", 0
	for at := 0; at < len(s); {
		end := strings.IndexByte(s[at:], '\n')
		if end < 0 {
			end = len(s)
		} else {
			end += at
		}
		if k, skip := keyOf(s[at:end]); k != "" {
			m.unpacked(key, s[from:at])
			key, from = k, at+skip
		}
		at = end + 1
	}
	m.unpacked(key, s[min(from, len(s)):])
}

// unpacked gives the record a value. One that is there already is replaced: the
// record may be evidence, in which it was unpacked before.
func (m *mapper) unpacked(key, s string) {
	s = strings.TrimRight(s, "\r\n\t ")
	if key == "" || s == "" {
		return
	}
	v := value{s: s, form: plain}
	k := m.d.key(key)
	if p := m.r.pair(k); p != nil {
		p.val = v
		return
	}
	m.d.addKey(k, key, v)
}

// trimmed writes a text without white space around it.
func trimmed(m *mapper, s string, to []int) { m.setText(to[0], strings.TrimSpace(s)) }

// contextUser writes the account that ran the engine. If somebody else was
// connected to it over the network, that one is the source and it is the
// destination.
var contextUser = step{
	writes: "user.id user.name user.domain related.user source.user.name source.user.domain destination.user.name destination.user.domain",
	moves:  contextUsers,
	do: func(m *mapper, to []int) {
		m.setText(to[0], m.r.sys[sysUserID].text(m.ev))
		user := m.get("User")
		if user == "" {
			user = m.get("UserId")
		}
		m.account(user, to[1], to[2], to[3])
		if connected := m.get("ConnectedUser"); connected != "" {
			m.account(connected, to[4], to[5], to[3])
			m.account(user, to[6], to[7], to[3])
		}
	},
}

// account splits DOMAIN\name.
func (m *mapper) account(s string, name, domain, users int) {
	d, n, ok := strings.Cut(s, `\`)
	if !ok {
		d, n = "", s
	}
	m.setText(name, n)
	m.setText(domain, d)
	m.add(users, n)
}

const invocationFields = "powershell.command.invocation_details powershell.command.invocation_details.type " +
	"powershell.command.invocation_details.related_command powershell.command.invocation_details.name " +
	"powershell.command.invocation_details.value"

var (
	invocation        = step{writes: invocationFields, moves: "Payload", do: invocations("Payload")}
	classicInvocation = step{writes: invocationFields, moves: "param3", do: invocations("param3")}
)

// invocations splits lines of
//
//	CommandInvocation(Get-Item): "Get-Item"
//	ParameterBinding(Get-Item): name="Path"; value="C:\"
//
// into an object each. A line that begins with none goes on with the value of
// the line before.
func invocations(from string) func(m *mapper, to []int) {
	return func(m *mapper, to []int) {
		s := m.get(from)
		kind, command, start := "", "", 0
		for at := 0; at < len(s); {
			end := strings.IndexByte(s[at:], '\n')
			if end < 0 {
				end = len(s)
			} else {
				end += at
			}
			if k, c, skip, ok := invocationHead(s[at:end]); ok {
				m.invocation(kind, command, s[start:at], to)
				kind, command, start = k, c, at+skip
			}
			at = end + 1
		}
		m.invocation(kind, command, s[min(start, len(s)):], to)
	}
}

// invocationHead reads "Kind(command): ".
func invocationHead(line string) (kind, command string, n int, ok bool) {
	open := strings.IndexByte(line, '(')
	if open <= 0 {
		return "", "", 0, false
	}
	for _, c := range []byte(line[:open]) {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return "", "", 0, false
		}
	}
	end := strings.Index(line, "): ")
	if end < open {
		return "", "", 0, false
	}
	return line[:open], line[open+1 : end], end + len("): "), true
}

func (m *mapper) invocation(kind, command, rest string, to []int) {
	if kind == "" {
		return
	}
	name, val := "", strings.TrimSpace(rest)
	if named, ok := strings.CutPrefix(val, "name="); ok {
		if n, v, ok := strings.Cut(named, "; value="); ok {
			name, val = n, v
		}
	}
	for i, part := range [...]string{kind, command, name, val} {
		if slot := to[1+i]; slot != none && part != "" {
			m.put(slot, event.Text(part))
		}
	}
	if to[0] == none {
		return
	}
	b := append(m.buf[:0], '{')
	if name != "" {
		b = append(appendString(append(b, `"name":`...), name), ',')
	}
	b = append(appendString(append(b, `"related_command":`...), command), ',')
	b = append(appendString(append(b, `"type":`...), kind), ',')
	b = append(appendString(append(b, `"value":`...), val), '}')
	m.buf = b
	m.put(to[0], event.Text(m.ev.Text(b)))
}

// powershellMessage reads the values out of the rendered (English) message, for
// exports that keep nothing else.
func (d *Decoder) powershellMessage(s string) {
	add := func(name, val string) {
		if val = strings.Trim(val, "\r\n"); val != "" {
			d.addData(name, value{s: val, form: plain})
		}
	}
	switch d.rec.sys[sysEventID].text(d.m.ev) {
	case "400", "403", "600":
		_, details, _ := strings.Cut(s, "\nDetails:")
		add("param3", details)
	case "800":
		_, context, _ := strings.Cut(s, "\nContext Information:")
		context, details, _ := strings.Cut(context, "\nDetails:")
		add("param2", context)
		add("param3", details)
	case "4103":
		payload, context, _ := strings.Cut(s, "\nContext:")
		if i := strings.LastIndex(context, "\nUser Data:"); i >= 0 {
			context = context[:i]
		}
		add("Payload", payload)
		add("ContextInfo", context)
	case "4104":
		d.scriptMessage(s, add)
	case "4105", "4106":
		_, rest, _ := strings.Cut(s, "ScriptBlock ID: ")
		block, runspace, _ := strings.Cut(rest, "\nRunspace ID: ")
		add("ScriptBlockId", block)
		add("RunspaceId", runspace)
	}
}

// scriptMessage reads "Creating Scriptblock text (1 of 2):", the text, and
// below it its id and path.
func (d *Decoder) scriptMessage(s string, add func(name, val string)) {
	head, rest, ok := strings.Cut(s, "):")
	if !ok {
		return
	}
	if _, counts, ok := strings.Cut(head, "("); ok {
		number, total, _ := strings.Cut(counts, " of ")
		add("MessageNumber", number)
		add("MessageTotal", total)
	}
	end := strings.LastIndex(rest, "\nScriptBlock ID: ")
	if end < 0 {
		add("ScriptBlockText", rest) // cut off
		return
	}
	add("ScriptBlockText", rest[:end])
	id, path, _ := strings.Cut(rest[end+len("\nScriptBlock ID: "):], "\nPath: ")
	add("ScriptBlockId", id)
	add("Path", path)
}
