package wincode

import (
	"strings"
	"unicode/utf8"
)

// Task is what the definition of a scheduled task says of who runs what, and
// when. Texts are parts of the XML, entities in them not yet resolved: see
// AppendText. Elements beyond the room of an array are left out.
type Task struct {
	URI             string
	Enabled, Hidden string // of the whole task, as written; "" if not said
	Principal       Principal
	Triggers        [16]Trigger
	Actions         [8]Action
	NTriggers       int
	NActions        int
}

// Principal is the account that a task runs as.
type Principal struct {
	ID, User, Group, LogonType, RunLevel string
}

// Trigger is what starts a task.
type Trigger struct {
	Type    string // "boot", "calendar", …
	Enabled string // as written; "" if not said, which means true
}

// Action is what a task does.
type Action struct {
	Type                        string // "exec" or "com_handler"
	Command, Arguments, Dir, ID string // ID is the class of a COM handler
}

// ParseTask reads the XML of a task definition (Task Scheduler's schema, 1.0 to
// 1.6) as far as it is well formed; it never fails. Elements are known by their
// names without case.
func ParseTask(xml string) (t Task) {
	var path [8]string
	depth := 0
	for xml != "" {
		open := strings.IndexByte(xml, '<')
		if open < 0 {
			return t
		}
		end := strings.IndexByte(xml[open:], '>')
		if end < 0 {
			return t
		}
		tag := xml[open+1 : open+end]
		xml = xml[open+end+1:]
		switch {
		case tag == "" || tag[0] == '?' || tag[0] == '!':
			continue
		case tag[0] == '/':
			if depth > 0 {
				depth--
			}
			continue
		}
		name, attributes := tagName(tag)
		if depth < len(path) {
			path[depth] = name
			text, _, _ := strings.Cut(xml, "<")
			t.element(path[:depth+1], attributes, strings.TrimSpace(text))
		}
		if tag[len(tag)-1] != '/' {
			depth++
		}
	}
	return t
}

func tagName(tag string) (name, attributes string) {
	end := strings.IndexAny(tag, " \t\r\n/")
	if end < 0 {
		return tag, ""
	}
	return tag[:end], tag[end:]
}

// element takes one element below Task: path is the names from Task on.
func (t *Task) element(path []string, attributes, text string) {
	if len(path) < 3 || !strings.EqualFold(path[0], "Task") {
		return
	}
	section, name := path[1], path[2]
	switch {
	case strings.EqualFold(section, "RegistrationInfo") && len(path) == 3 && strings.EqualFold(name, "URI"):
		t.URI = text
	case strings.EqualFold(section, "Settings") && len(path) == 3:
		switch {
		case strings.EqualFold(name, "Enabled"):
			t.Enabled = text
		case strings.EqualFold(name, "Hidden"):
			t.Hidden = text
		}
	case strings.EqualFold(section, "Principals"):
		t.Principal.element(path[2:], attributes, text)
	case strings.EqualFold(section, "Triggers"):
		t.trigger(path[2:], text)
	case strings.EqualFold(section, "Actions"):
		t.action(path[2:], text)
	}
}

func (p *Principal) element(path []string, attributes, text string) {
	if len(path) == 1 {
		_, rest, _ := strings.Cut(attributes, `id="`)
		p.ID, _, _ = strings.Cut(rest, `"`)
		return
	}
	switch name := path[1]; {
	case strings.EqualFold(name, "UserId"):
		p.User = text
	case strings.EqualFold(name, "GroupId"):
		p.Group = text
	case strings.EqualFold(name, "LogonType"):
		p.LogonType = text
	case strings.EqualFold(name, "RunLevel"):
		p.RunLevel = text
	}
}

func (t *Task) trigger(path []string, text string) {
	if len(path) == 1 {
		if kind := triggerType(path[0]); kind != "" && t.NTriggers < len(t.Triggers) {
			t.Triggers[t.NTriggers].Type = kind
			t.NTriggers++
		}
		return
	}
	if len(path) == 2 && t.NTriggers > 0 && strings.EqualFold(path[1], "Enabled") {
		t.Triggers[t.NTriggers-1].Enabled = text
	}
}

func triggerType(element string) string {
	for _, k := range [...][2]string{
		{"BootTrigger", "boot"}, {"RegistrationTrigger", "registration"}, {"IdleTrigger", "idle"}, {"TimeTrigger", "time"},
		{"EventTrigger", "event"}, {"LogonTrigger", "logon"}, {"SessionStateChangeTrigger", "session_state_change"},
		{"CalendarTrigger", "calendar"}, {"WnfStateChangeTrigger", "wnf_state_change"},
	} {
		if strings.EqualFold(element, k[0]) {
			return k[1]
		}
	}
	return ""
}

func (t *Task) action(path []string, text string) {
	if len(path) == 1 {
		kind := ""
		switch {
		case strings.EqualFold(path[0], "Exec"):
			kind = "exec"
		case strings.EqualFold(path[0], "ComHandler"):
			kind = "com_handler"
		}
		if kind != "" && t.NActions < len(t.Actions) {
			t.Actions[t.NActions].Type = kind
			t.NActions++
		}
		return
	}
	if len(path) != 2 || t.NActions == 0 {
		return
	}
	a := &t.Actions[t.NActions-1]
	switch name := path[1]; {
	case strings.EqualFold(name, "Command"):
		a.Command = text
	case strings.EqualFold(name, "Arguments"):
		a.Arguments = text
	case strings.EqualFold(name, "WorkingDirectory"):
		a.Dir = text
	case strings.EqualFold(name, "ClassId"):
		a.ID = text
	}
}

// AppendText appends the text of an element with its entities resolved. What is
// no entity stays as it is.
func AppendText(dst []byte, s string) []byte {
	for s != "" {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			break
		}
		dst = append(dst, s[:i]...)
		s = s[i:]
		end := strings.IndexByte(s[:min(len(s), 12)], ';')
		r, ok := entity(s[1:max(end, 1)])
		if !ok {
			dst = append(dst, '&')
			s = s[1:]
			continue
		}
		dst = utf8.AppendRune(dst, r)
		s = s[end+1:]
	}
	return append(dst, s...)
}

func entity(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], rune(10)
	if digits[0]|0x20 == 'x' {
		digits, base = digits[1:], 16
	}
	var n rune
	for _, c := range []byte(digits) {
		var d rune
		switch {
		case c >= '0' && c <= '9':
			d = rune(c - '0')
		case base == 16 && c|0x20 >= 'a' && c|0x20 <= 'f':
			d = rune(c|0x20-'a') + 10
		default:
			return 0, false
		}
		if n = n*base + d; n > utf8.MaxRune {
			return 0, false
		}
	}
	return n, digits != ""
}
