package ecs

import (
	"strconv"
	"strings"

	"github.com/tocsin-project/tocsin/ecs/wincode"
	"github.com/tocsin-project/tocsin/event"
)

// What the rows of the Security log do with a value. Quirks of Elastic's
// pipelines are kept where rules can see them, and said.

// securityClock makes the time at which it was logged the event's time, even if
// an agent wrote another one to @timestamp: that it read the event.
var securityClock = step{
	always: true,
	do: func(m *mapper, _ []int) {
		if ns, ok := m.logged(); ok {
			m.ev.Time, m.ev.HasTime = ns, true
		}
	},
}

// securityTask names the task of an event that nobody rendered: its number is
// that of an audit policy. Agents make it the action of events without a row.
var securityTask = step{
	writes: "winlog.task event.action",
	do: func(m *mapper, to []int) {
		name := wincode.Message(m.r.sys[sysTask].text(m.ev))
		if name == "" || m.r.sys[sysTaskName].form != absent {
			return
		}
		for _, slot := range to {
			if !m.has(slot) {
				m.setText(slot, name)
			}
		}
	},
}

// named writes what a code stands for; one that is not known is left out.
func named(name func(code string) string) op {
	return func(m *mapper, s string, to []int) { m.setText(to[0], name(s)) }
}

// userName writes a name, and appends it to the related ones.
func userName(m *mapper, s string, to []int) {
	m.setText(to[0], s)
	m.add(to[1], s)
}

// accountName is userName without the realm behind an @.
func accountName(m *mapper, s string, to []int) {
	s, _, _ = strings.Cut(s, "@")
	userName(m, s, to)
}

func related(m *mapper, s string, to []int) { m.add(to[0], s) }

// memberName writes the common name of a distinguished name, and its fourth
// part as the domain: right for CN=x,CN=Users,DC=domain,DC=tld of two labels
// only, where it is the last one, as with Elastic.
func memberName(m *mapper, s string, to []int) {
	for i := 0; s != "" && i < 4; i++ {
		var part string
		part, s, _ = strings.Cut(s, ",")
		_, name, ok := strings.Cut(part, "=")
		switch {
		case !ok:
		case i == 0:
			m.setText(to[0], name)
			m.add(to[2], name)
		case i == 3:
			m.setText(to[1], name)
		}
	}
}

// imagePath is executable, but a path without a backslash is a name as well
// ("System", "Registry").
func imagePath(m *mapper, s string, to []int) {
	m.setText(to[0], s)
	m.setText(to[1], s[strings.LastIndexByte(s, '\\')+1:])
}

// quotedArgs writes a command line, and as its arguments what white space
// separates outside quotes, quotes and all.
func quotedArgs(m *mapper, s string, to []int) {
	m.setText(to[0], s)
	if to[1] == none {
		return
	}
	quote, start := false, -1
	for i := 0; i <= len(s); i++ {
		if i < len(s) && (quote || !space(s[i])) {
			if s[i] == '"' {
				quote = !quote
			}
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			m.put(to[1], event.Text(s[start:i]))
			start = -1
		}
	}
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// unmappedIP is ip for an address that may be an IPv4 one in IPv6's clothes.
func unmappedIP(m *mapper, s string, to []int) {
	if four, ok := strings.CutPrefix(s, "::ffff:"); ok && strings.IndexByte(four, '.') > 0 {
		s = four
	}
	ip(m, s, to)
}

// clientAddress writes where a session of Remote Desktop came from: LOCAL is
// this host, also in winlog.event_data, and Unknown nowhere.
func clientAddress(m *mapper, s string, to []int) {
	if s == "LOCAL" {
		s = "127.0.0.1"
	}
	unmappedIP(m, s, to)
	m.setText(to[2], s)
}

// boundDirection writes the direction of a filtered packet in the words of
// Elastic's pipeline, which are not ECS's: the native profile writes those.
func boundDirection(m *mapper, s string, to []int) {
	switch wincode.Message(s) {
	case "Inbound":
		m.setText(to[0], "inbound")
	case "Outbound":
		m.setText(to[0], "outbound")
	}
}

// nextWord takes the next word off a list that white space or commas separate.
func nextWord(s string) (word, rest string) {
	start := 0
	for start < len(s) && (space(s[start]) || s[start] == ',') {
		start++
	}
	end := start
	for end < len(s) && !space(s[end]) && s[end] != ',' {
		end++
	}
	return s[start:end], s[end:]
}

// wordList writes a list of words.
func wordList(m *mapper, s string, to []int) {
	for word, rest := nextWord(s); word != ""; word, rest = nextWord(rest) {
		m.put(to[0], event.Text(word))
	}
}

// messageList writes the texts of a list of %% numbers, each once.
func messageList(m *mapper, s string, to []int) {
	for word, rest := nextWord(s); word != ""; word, rest = nextWord(rest) {
		m.add(to[0], wincode.Message(word))
	}
}

// messageNumbers writes a list of %% numbers without the signs.
func messageNumbers(m *mapper, s string, to []int) {
	for word, rest := nextWord(s); word != ""; word, rest = nextWord(rest) {
		m.put(to[0], event.Text(strings.TrimPrefix(word, "%%")))
	}
}

// flagList writes the names of the bits of a number.
func flagList(flags []wincode.Flag) op {
	return func(m *mapper, s string, to []int) {
		if mask, ok := wincode.Mask(s); ok {
			m.flags(flags, mask, to[0])
		}
	}
}

func (m *mapper) flags(flags []wincode.Flag, mask uint64, to int) {
	for i := range flags {
		if f := &flags[i]; mask&f.Mask != 0 {
			m.add(to, f.Name)
		}
	}
}

// accessMask writes the names of the rights in an access mask. Some events hold
// a list of %% numbers in its place: it becomes a list, and the numbers
// themselves are read as masks, as with Elastic.
func accessMask(m *mapper, s string, to []int) {
	if !strings.Contains(s, "%%") {
		m.setText(to[0], s)
		if mask, ok := wincode.Mask(s); ok {
			m.flags(wincode.AccessRights(), mask, to[1])
		}
		return
	}
	var all uint64
	for word, rest := nextWord(s); word != ""; word, rest = nextWord(rest) {
		if to[0] != none {
			m.put(to[0], event.Text(word))
		}
		if mask, ok := wincode.Mask(strings.TrimPrefix(word, "%%")); ok {
			all |= mask
		}
	}
	m.flags(wincode.AccessRights(), all, to[1])
}

// sids writes a list of %{SID} as one, and who they are.
func sids(m *mapper, s string, to []int) {
	for word, rest := nextWord(s); word != ""; word, rest = nextWord(rest) {
		if to[0] != none {
			m.put(to[0], event.Text(word))
		}
		if to[1] == none {
			continue
		}
		sid := strings.TrimSuffix(strings.TrimPrefix(word, "%{"), "}")
		if name := wincode.Account(sid); name != "" {
			sid = name
		}
		m.put(to[1], event.Text(sid))
	}
}

func auditNames(m *mapper, s string, to []int) {
	category, name := wincode.AuditPolicy(s)
	m.setText(to[0], category)
	m.setText(to[1], name)
}

// filteredCommunity is community for the Filtering Platform's names and numbers.
var filteredCommunity = step{
	writes: "network.community_id",
	do: func(m *mapper, to []int) {
		proto := m.get("Protocol")
		if proto != "6" && proto != "17" || m.get("DestPort") == "" {
			return // no ports, or no other end (5158)
		}
		src, ok := endpoint(m.get("SourceAddress"), m.get("SourcePort"))
		dst, ok2 := endpoint(m.get("DestAddress"), m.get("DestPort"))
		if n, _ := strconv.Atoi(proto); ok && ok2 {
			m.setText(to[0], m.communityID(src, dst, byte(n)))
		}
	},
}

// sharedFile writes the file of a network share: where the share lies on this
// host, and what was opened below it. The backslashes of the share's own paths
// come doubled in file.path and file.target_path, as with Elastic.
var sharedFile = step{
	writes: "file.directory file.name file.path file.target_path file.extension",
	do: func(m *mapper, to []int) {
		local, name := m.get("ShareLocalPath"), m.get("RelativeTargetName")
		m.setText(to[0], local)
		if name == "" {
			return
		}
		m.setText(to[1], name)
		if local != "" && to[2] != none {
			m.setText(to[2], m.belowShare(local, name))
		}
		if share := m.get("ShareName"); share != "" && to[3] != none {
			m.setText(to[3], m.belowShare(share, name))
		}
		if i := strings.LastIndexByte(name, '.'); i >= 0 && i > strings.LastIndexByte(name, '\\') {
			m.setText(to[4], name[i+1:])
		}
	},
}

func (m *mapper) belowShare(dir, name string) string {
	b := m.buf[:0]
	for i := 0; i < len(dir); i++ {
		if dir[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, dir[i])
	}
	m.buf = append(append(b, '\\'), name...)
	return m.ev.Text(m.buf)
}

// maxEntries is how many entries of an access control list become fields.
const maxEntries = 24

// descriptors expands the old and new security descriptor of an object, an
// entry to a field: …OldSdOwner, …OldSdGroup, …OldSdDacl0, …OldSdSacl0.
var descriptors = step{
	writes: "related.user" + descriptorFields("Old") + descriptorFields("New"),
	do: func(m *mapper, to []int) {
		const each = 2 + 2*maxEntries
		m.descriptor(m.get("OldSd"), to[0], to[1:1+each])
		m.descriptor(m.get("NewSd"), to[0], to[1+each:1+2*each])
	},
}

func descriptorFields(which string) string {
	name := " " + dataPrefix + which + "Sd"
	var b strings.Builder
	b.WriteString(name + "Owner" + name + "Group")
	for _, list := range []string{"Dacl", "Sacl"} {
		for i := range maxEntries {
			b.WriteString(name + list + strconv.Itoa(i))
		}
	}
	return b.String()
}

func (m *mapper) descriptor(s string, users int, to []int) {
	if s == "" {
		return
	}
	d := wincode.ParseDescriptor(s)
	m.setText(to[0], accountOf(d.Owner))
	m.setText(to[1], accountOf(d.Group))
	m.entries(d.DACL(), users, to[2:2+maxEntries])
	m.entries(d.SACL(), users, to[2+maxEntries:])
}

func accountOf(sid string) string {
	if name := wincode.Account(sid); name != "" {
		return name
	}
	return sid
}

func (m *mapper) entries(list wincode.Entries, users int, to []int) {
	for _, slot := range to {
		entry, ok := list.Next()
		if !ok {
			return
		}
		if who := wincode.Trustee(entry); wincode.IsRole(who) {
			m.add(users, wincode.Account(who))
		}
		if slot != none {
			m.buf = wincode.AppendEntry(m.buf[:0], entry)
			m.setText(slot, m.ev.Text(m.buf))
		}
	}
}

const (
	taskURI = iota
	taskEnabled
	taskHidden
	taskPrincipals
	taskUser
	taskGroup
	taskLogon
	taskLevel
	taskTriggers
	taskTriggerType
	taskActions
	taskActionType
	taskCommand
	taskArguments
	taskDir
	taskClass
)

// scheduledTask takes the definition of a task apart, under the names that
// newer pipelines have for it. Principals, triggers and actions are objects.
var scheduledTask = step{
	writes: "winlog.scheduled_task.uri winlog.scheduled_task.settings.enabled winlog.scheduled_task.settings.hidden " +
		"winlog.scheduled_task.principals winlog.scheduled_task.principals.user.identifier " +
		"winlog.scheduled_task.principals.group.identifier winlog.scheduled_task.principals.logon.type " +
		"winlog.scheduled_task.principals.run_level winlog.scheduled_task.triggers winlog.scheduled_task.triggers.type " +
		"winlog.scheduled_task.actions winlog.scheduled_task.actions.type winlog.scheduled_task.actions.command " +
		"winlog.scheduled_task.actions.arguments winlog.scheduled_task.actions.working_directory " +
		"winlog.scheduled_task.actions.class_id",
	do: func(m *mapper, to []int) {
		xml := m.get("TaskContentNew") // of an updated task
		if xml == "" {
			xml = m.get("TaskContent")
		}
		if xml == "" {
			return
		}
		t := wincode.ParseTask(xml)
		m.setText(to[taskURI], m.xmlText(t.URI))
		boolean(m, t.Enabled, to[taskEnabled:])
		boolean(m, t.Hidden, to[taskHidden:])
		if t.Principal != (wincode.Principal{}) {
			m.taskPrincipal(&t.Principal, to)
		}
		for i := range t.Triggers[:t.NTriggers] {
			m.taskTrigger(&t.Triggers[i], to)
		}
		for i := range t.Actions[:t.NActions] {
			m.taskAction(&t.Actions[i], to)
		}
	},
}

// xmlText resolves the entities of a text in XML.
func (m *mapper) xmlText(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	m.buf = wincode.AppendText(m.buf[:0], s)
	return m.ev.Text(m.buf)
}

func (m *mapper) taskPrincipal(p *wincode.Principal, to []int) {
	user, group := m.xmlText(p.User), m.xmlText(p.Group)
	m.member(to[taskUser], user)
	m.member(to[taskGroup], group)
	m.member(to[taskLogon], p.LogonType)
	m.member(to[taskLevel], p.RunLevel)
	if to[taskPrincipals] == none {
		return
	}
	b := append(m.buf[:0], '{')
	b = appendMember(b, `"group":{"identifier":`, group, "}")
	b = appendMember(b, `"id":`, p.ID, "")
	b = appendMember(b, `"logon":{"type":`, p.LogonType, "}")
	b = appendMember(b, `"run_level":`, p.RunLevel, "")
	b = appendMember(b, `"user":{"identifier":`, user, "}")
	m.object(to[taskPrincipals], b)
}

func (m *mapper) taskTrigger(t *wincode.Trigger, to []int) {
	m.member(to[taskTriggerType], t.Type)
	if to[taskTriggers] == none {
		return
	}
	b := append(m.buf[:0], `{"enabled":true`...)
	if strings.EqualFold(t.Enabled, "false") || t.Enabled == "0" {
		b = append(m.buf[:0], `{"enabled":false`...)
	}
	m.object(to[taskTriggers], appendMember(b, `"type":`, t.Type, ""))
}

func (m *mapper) taskAction(a *wincode.Action, to []int) {
	command, arguments, dir := m.xmlText(a.Command), m.xmlText(a.Arguments), m.xmlText(a.Dir)
	m.member(to[taskActionType], a.Type)
	m.member(to[taskCommand], command)
	m.member(to[taskArguments], arguments)
	m.member(to[taskDir], dir)
	m.member(to[taskClass], a.ID)
	if to[taskActions] == none {
		return
	}
	b := append(m.buf[:0], '{')
	b = appendMember(b, `"arguments":`, arguments, "")
	b = appendMember(b, `"class_id":`, a.ID, "")
	b = appendMember(b, `"command":`, command, "")
	b = appendMember(b, `"type":`, a.Type, "")
	b = appendMember(b, `"working_directory":`, dir, "")
	m.object(to[taskActions], b)
}

// member appends the value that one of several objects has for a field.
func (m *mapper) member(slot int, s string) {
	if slot != none && s != "" {
		m.put(slot, event.Text(s))
	}
}

// object appends a JSON object that lacks its end.
func (m *mapper) object(slot int, b []byte) {
	m.buf = append(b, '}')
	m.put(slot, event.Text(m.ev.Text(m.buf)))
}

// appendMember writes a member of an object unless its value is empty.
func appendMember(b []byte, name, val, end string) []byte {
	if val == "" {
		return b
	}
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(appendString(append(b, name...), val), end...)
}
