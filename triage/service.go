package triage

import (
	"fmt"
	"slices"
	"strings"
)

// How much of a text from an event an answer repeats.
const (
	commandWidth = 200
	nameWidth    = 100
)

// service says which program runs, which service it is, and who installed it.
func (r *reply) service() {
	s := &r.c.subject
	if s.process != nil {
		r.process(s.process)
	}
	r.installs(s.installs)
	for _, f := range r.c.own {
		if service, _ := registryService(f); service != "" {
			r.registryValue(f)
		}
	}
	if s.service == "" && s.process != nil && fromServices(s.process) {
		r.say(r.c.p.noService)
	}
}

func (r *reply) process(f *fact) {
	p := r.c.p
	parent := ""
	if by := f.First("process.parent.name", "process.parent.executable"); by != "" {
		parent = fmt.Sprintf(p.processBy, clip(by, nameWidth))
	}
	pid := ""
	if n := f.Text("process.pid"); n != "" {
		pid = fmt.Sprintf(p.pid, clip(n, nameWidth))
	}
	r.say(fmt.Sprintf(p.process, clip(f.First("process.name", "process.executable"), nameWidth), pid,
		parent, r.c.user(f), codesOf([]*fact{f}), command(f.First("process.command_line", "process.executable"))))
	r.say(r.c.program(f))
	r.rest(f)
	r.c.tell(f)
}

// program says a process's file: path, hash, signature.
func (c *inquiry) program(f *fact) string {
	file := clip(processPath(f), commandWidth)
	hash := ""
	for _, name := range [...]string{"sha256", "sha1", "md5"} {
		if h := f.First("process.hash."+name, "hash."+name); h != "" {
			hash = strings.ToUpper(name) + " " + clip(h, nameWidth)
			break
		}
	}
	if hash == "" {
		hash = c.p.noHash
	}
	return fmt.Sprintf(c.p.hash, file, hash, c.signature(f, "process"))
}

func (c *inquiry) signature(f *fact, of string) string {
	subject, status := f.Text(of+".code_signature.subject_name"), f.Text(of+".code_signature.status")
	switch {
	case subject != "":
		if status == "" {
			status = f.First(of+".code_signature.trusted", of+".code_signature.valid")
		}
		return fmt.Sprintf(c.p.signed, clip(subject, nameWidth), clip(status, nameWidth))
	case f.Text(of+".code_signature.exists") == "false", f.Text(of+".code_signature.signed") == "false":
		return c.p.unsigned
	}
	return c.p.notSigned
}

// user is domain\name, the name alone, or the id.
func (c *inquiry) user(f *fact) string {
	if name := f.Text("user.name"); name != "" {
		return account(f.Text("user.domain"), name)
	}
	return c.ofSID(f.First("user.id", "winlog.user.identifier"))
}

// ofSID is the account that another event of the alert gives a SID, else the SID.
func (c *inquiry) ofSID(sid string) string {
	for _, list := range [...][]*fact{c.own, c.around} {
		for _, f := range list {
			switch {
			case sid == "":
			case f.Text("user.id") == sid && f.Text("user.name") != "":
				return account(f.Text("user.domain"), f.Text("user.name"))
			case f.Text("winlog.event_data.TargetUserSid") == sid && f.Text("winlog.event_data.TargetUserName") != "":
				return c.logonAccount(f)
			}
		}
	}
	return account("", sid)
}

func account(domain, name string) string {
	switch {
	case name == "":
		return "?"
	case domain == "" || domain == "-":
		return clip(name, nameWidth)
	}
	return clip(domain, nameWidth) + `\` + clip(name, nameWidth)
}

// installer is who installed a service, as 4697 and 7045 name them.
func (c *inquiry) installer(f *fact) string {
	if name := f.Text("winlog.event_data.SubjectUserName"); name != "" {
		return account(f.Text("winlog.event_data.SubjectDomainName"), name)
	}
	if name := f.Text("winlog.user.name"); name != "" {
		return account(f.Text("winlog.user.domain"), name)
	}
	return c.user(f)
}

// installs says when the alert's service was installed, by whom, as what. Both
// logs tell of one installation: they make one sentence.
func (r *reply) installs(list []*fact) {
	const maxInstalls = 3
	groups := groupBy(list, func(f *fact) string {
		_, arguments := splitCommand(serviceImage(f))
		return strings.ToLower(serviceName(f)) + "\x00" + arguments
	})
	for i, g := range groups {
		if i == maxInstalls {
			r.say(fmt.Sprintf(r.c.p.more, r.c.p.installations, len(groups)-i, codesOf(list)))
			break
		}
		r.install(g)
	}
}

func (r *reply) install(g []*fact) {
	p := r.c.p
	main := g[0]
	for _, f := range g {
		if f.code == "4697" { // it knows the session
			main = f
		}
	}
	by := r.c.installer(main)
	if by == "?" {
		by = ""
	} else {
		by = fmt.Sprintf(p.by, by)
	}
	text := fmt.Sprintf(p.installed, clip(serviceName(main), nameWidth), r.c.when(main), by, codesOf(g),
		command(serviceImage(main)))
	if more := r.c.installedAs(g); more != "" {
		text += " (" + more + ")"
	}
	if proc := r.c.subject.process; proc != nil {
		switch sameProgram(serviceImage(main), proc) {
		case 2:
			text += "; " + p.sameCommand
		case 1:
			text += "; " + p.sameName
		}
	}
	r.say(text + ".")
	r.rest(g...)
	r.c.tell(g...)
}

// installedAs says start type and account, from whichever log has them.
func (c *inquiry) installedAs(g []*fact) string {
	var start, runs string
	for _, f := range g {
		if s := f.First("winlog.event_data.ServiceStartType", "winlog.event_data.StartType"); start == "" {
			start = startType(s)
		}
		if f.code == "4697" {
			runs = f.Text("winlog.event_data.ServiceAccount")
		} else if a := f.Text("winlog.event_data.AccountName"); runs == "" && a != f.First("winlog.user.name", "user.name") {
			runs = a // NXLog writes the installer under the same name
		}
	}
	var out []string
	if start != "" {
		out = append(out, fmt.Sprintf(c.p.startType, clip(start, nameWidth)))
	}
	if runs != "" {
		out = append(out, fmt.Sprintf(c.p.runsAs, clip(runs, nameWidth)))
	}
	return strings.Join(out, ", ")
}

// startType names the numbers that 4697 gives (SERVICE_START_TYPE).
func startType(s string) string {
	switch s {
	case "0":
		return "boot"
	case "1":
		return "system"
	case "2":
		return "auto"
	case "3":
		return "demand"
	case "4":
		return "disabled"
	}
	return strings.TrimSuffix(s, " start")
}

// otherInstalls names the services that were installed around the alert and
// are not the alert's.
func (r *reply) otherInstalls(a *Asked) {
	var others []*fact
	for _, f := range r.c.found(a) {
		if !slices.Contains(r.c.subject.installs, f) {
			others = append(others, f)
		}
	}
	if len(others) == 0 {
		return
	}
	groups := groupBy(others, func(f *fact) string { return strings.ToLower(serviceName(f)) })
	var names []string
	for _, g := range groups {
		names = append(names, fmt.Sprintf("%q", clip(serviceName(g[0]), nameWidth)))
	}
	r.say(fmt.Sprintf(r.c.p.otherServices, len(groups), some(names, 5), codesOf(others)))
	r.rest(others...)
}

// registryValues says what was written to the alert's service, and counts what
// was written to others.
func (r *reply) registryValues(a *Asked) {
	const maxValues = 4
	var others []*fact
	said := 0
	for _, f := range r.c.found(a) {
		service, _ := registryService(f)
		if said == maxValues || service == "" || r.c.subject.service != "" && !strings.EqualFold(service, r.c.subject.service) {
			others = append(others, f)
			continue
		}
		said++
		r.registryValue(f)
	}
	if len(others) == 0 {
		return
	}
	var names []string
	for _, f := range others {
		service, value := registryService(f)
		if name := clip(service+`\`+value, nameWidth); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	r.say(fmt.Sprintf(r.c.p.otherRegistry, len(others), some(names, 4), codesOf(others)))
	r.rest(others...)
}

func (r *reply) registryValue(f *fact) {
	service, value := registryService(f)
	by := f.First("process.name", "process.executable")
	if by != "" {
		by = fmt.Sprintf(r.c.p.by, clip(by, nameWidth))
	}
	r.say(fmt.Sprintf(r.c.p.registry, clip(value, nameWidth), clip(service, nameWidth), by, r.c.when(f), codesOf([]*fact{f}),
		command(registryData(f))))
	r.rest(f)
}

// startTypes tells changes of start types (7040: display name, old, new, service).
func (r *reply) startTypes(a *Asked) {
	r.list(a, func(f *fact) string {
		data := func(n string) string { return clip(f.Text("winlog.event_data."+n), nameWidth) }
		name := data("param4")
		if name == "" {
			name = data("param1")
		}
		return fmt.Sprintf(r.c.p.changedStart, name, data("param2"), data("param3"), r.c.when(f), f.code)
	})
}

// states tells what the service control manager reported of services.
func (r *reply) states(a *Asked) {
	r.list(a, func(f *fact) string {
		data := func(n string) string { return clip(f.Text("winlog.event_data."+n), nameWidth) }
		switch f.code {
		case "7036":
			return fmt.Sprintf(r.c.p.state, data("param1"), data("param2"), r.c.when(f), f.code)
		case "7009": // milliseconds, service
			return fmt.Sprintf(r.c.p.state, data("param2"), r.c.p.timedOut, r.c.when(f), f.code)
		case "7000": // service, error
			return fmt.Sprintf(r.c.p.state, data("param1"), r.c.p.failed, r.c.when(f), f.code)
		}
		return r.c.describe(a, f)
	})
}

// groupBy groups facts by a text, in the order of the first of each.
func groupBy(list []*fact, key func(*fact) string) [][]*fact {
	at := map[string]int{}
	var out [][]*fact
	for _, f := range list {
		k := key(f)
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], f)
	}
	return out
}

// some joins the first n texts and counts the rest.
func some(list []string, n int) string {
	if len(list) <= n {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s, … (+%d)", strings.Join(list[:n], ", "), len(list)-n)
}

// tell marks events as told, so that later answers do not repeat them.
func (c *inquiry) tell(facts ...*fact) {
	for _, f := range facts {
		c.told["event "+f.id] = true
	}
}
