package triage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// source says where it came from and in whose name.
func (r *reply) source(q *query) {
	c, s := r.c, &r.c.subject
	switch f := s.connection; {
	case f != nil:
		r.say(fmt.Sprintf(c.p.connection, clip(f.Endpoint("source"), nameWidth), c.nameOf(f), clip(f.Endpoint("destination"), nameWidth),
			c.when(f), codesOf([]*fact{f})))
		r.rest(f)
	case s.opener != nil:
		r.opened(s.opener)
	}
	if s.logon != nil {
		r.logon(s.logon)
	} else if s.peer == "" {
		r.say(c.p.noSource)
	}
	if c.adminAt < 0 {
		r.admin()
	}
}

// opened tells the source by the pipe or share that was opened.
func (r *reply) opened(f *fact) {
	what := shareFile(f)
	if f.own {
		r.say(fmt.Sprintf(r.c.p.openedBy, clip(f.Endpoint("source"), nameWidth), r.c.nameOf(f), r.c.user(f), clip(what, nameWidth), r.c.when(f), f.code))
	} else {
		r.say(fmt.Sprintf(r.c.p.openedNear, clip(f.Endpoint("source"), nameWidth), r.c.nameOf(f), r.c.user(f), clip(what, nameWidth), r.c.when(f), f.code))
	}
	r.rest(f)
}

// nameOf is the source's name in brackets, from the event or the logon.
func (c *inquiry) nameOf(f *fact) string {
	name := f.First("source.domain", "source.address")
	if name == "" || name == f.Text("source.ip") {
		name = c.peerName()
	}
	if name == "" {
		return ""
	}
	return fmt.Sprintf(c.p.named, clip(name, nameWidth))
}

// peerName is the name that some event gives the source.
func (c *inquiry) peerName() string {
	s := &c.subject
	for _, f := range [...]*fact{s.connection, s.logon} {
		if f == nil || f.Text("source.ip") != s.peer {
			continue
		}
		for _, field := range [...]string{"source.domain", "winlog.event_data.WorkstationName", "winlog.event_data.SourceHostname"} {
			if name := f.Text(field); name != "" && name != "-" && name != s.peer {
				return name
			}
		}
	}
	return ""
}

func (c *inquiry) logonAccount(f *fact) string {
	if name := f.Text("winlog.event_data.TargetUserName"); name != "" {
		return account(f.Text("winlog.event_data.TargetDomainName"), name)
	}
	return c.user(f)
}

// logon tells the logon behind the alert and how it is tied to it.
func (r *reply) logon(f *fact) {
	c, s := r.c, &r.c.subject
	who := c.logonAccount(f)
	from := clip(f.Endpoint("source"), nameWidth)
	how := f.First("winlog.event_data.LmPackageName", "winlog.event_data.AuthenticationPackageName")
	if how == "-" || how == "" {
		how = f.Text("winlog.event_data.AuthenticationPackageName")
	}
	if how == "" {
		how = "-"
	}
	how, id := clip(how, nameWidth), clip(session(f), nameWidth)
	if id == "" {
		id = "-"
	}
	install := s.installedIn(f)
	switch {
	case s.exact && !f.own:
		r.say(fmt.Sprintf(c.p.logonExact, who, from, c.when(f), how, id, codesOf([]*fact{f})))
		if install != nil {
			r.say(fmt.Sprintf(c.p.installedIn, id))
		}
	case install != nil:
		r.say(fmt.Sprintf(c.p.logonSession, who, from, c.when(f), how, id, codesOf([]*fact{f})))
	case f.own:
		r.say(fmt.Sprintf(c.p.logonOwn, who, from, c.when(f), how, id, codesOf([]*fact{f})))
	case (s.connection != nil || s.opener != nil) && f.Text("source.ip") == s.peer:
		r.say(fmt.Sprintf(c.p.logonNear, who, from, c.when(f), how, id, codesOf([]*fact{f})))
	default:
		r.say(fmt.Sprintf(c.p.logonPlain, who, from, c.when(f), how, id, codesOf([]*fact{f})))
	}
	r.rest(f, install)
	c.tell(f)
}

// otherLogons counts the network logons around the alert that are not its own.
func (r *reply) otherLogons(a *Asked) {
	var others []*fact
	for _, f := range r.c.found(a) {
		if f != r.c.subject.logon && !r.c.told["event "+f.id] {
			others = append(others, f)
		}
	}
	if len(others) == 0 {
		return
	}
	var who []string
	for _, f := range others {
		if one := r.c.logonAccount(f) + " @ " + clip(f.Text("source.ip"), nameWidth); !slices.Contains(who, one) {
			who = append(who, one)
		}
	}
	r.say(fmt.Sprintf(r.c.p.otherLogons, len(others)+a.Total-len(a.Found), some(who, 4)))
	r.rest(others...)
	r.c.tell(others...)
}

// notable are the privileges that make a session an administrator's, the
// strongest first.
var notable = [...]string{"SeTcbPrivilege", "SeDebugPrivilege", "SeLoadDriverPrivilege", "SeBackupPrivilege",
	"SeRestorePrivilege", "SeTakeOwnershipPrivilege", "SeImpersonatePrivilege", "SeSecurityPrivilege"}

// privileges ties 4672 to the session of the alert's logon by its id.
func (r *reply) privileges(a *Asked) {
	c := r.c
	found := c.found(a)
	id := session(c.subject.logon)
	var who []string
	for _, f := range found {
		if id != "" && strings.EqualFold(f.First("winlog.event_data.SubjectLogonId", "winlog.logon.id"), id) {
			r.say(fmt.Sprintf(c.p.privileges, privilegesOf(f)))
			r.rest(f)
			return
		}
		if name := c.user(f); !slices.Contains(who, name) {
			who = append(who, name)
		}
	}
	switch {
	case len(found) == 0:
	case id != "":
		r.say(c.p.noSessionPrivs)
	default:
		r.say(fmt.Sprintf(c.p.otherSessions, a.Total, some(who, 3)))
		r.rest(found...)
	}
}

func privilegesOf(f *fact) string {
	var has []string
	for _, text := range f.Texts("winlog.event_data.PrivilegeList") {
		has = append(has, strings.Fields(text)...)
	}
	var out []string
	for _, name := range notable {
		if slices.Contains(has, name) {
			out = append(out, name)
		}
	}
	for _, name := range has {
		if !slices.Contains(out, name) {
			out = append(out, clip(name, nameWidth))
		}
	}
	return some(out, 4)
}

// spread says on which hosts the source, or the account, was seen, first and
// last. Logons of other accounts that the query found are left out.
func (r *reply) spread(a *Asked) {
	c, s := r.c, &r.c.subject
	if a.Seen == nil || a.Seen.Events == 0 {
		return
	}
	format, of := c.p.sourceSeen, s.peer
	if !slices.Contains(a.Query.By, "source.ip") {
		if s.logon == nil {
			return
		}
		format, of = c.p.accountSeen, c.logonAccount(s.logon)
	}
	if of == "" {
		return
	}
	_, hosts := arrived(c.in.All, "4624")
	_, more := fromDataset(c.in.All, sourcesOf("authentication").dataset)
	hosts = max(hosts, more)
	codes := codesOf(c.found(a))
	if codes == "" {
		codes = "4624"
	}
	where := fmt.Sprintf(c.p.onlyHere, hosts)
	if names := a.Seen.names(); len(names) > 1 || len(names) == 1 && !strings.EqualFold(names[0], short(c.hostName())) {
		where = fmt.Sprintf(c.p.onHosts, len(names), some(names, 5))
	}
	r.say(fmt.Sprintf(format, clip(of, nameWidth), a.Seen.Events, stamp(a.Seen.First), stamp(a.Seen.Last), where, codes))
	r.rest(c.found(a)...)
}

func (s *Seen) names() []string {
	names := make([]string, 0, len(s.Hosts))
	for name := range s.Hosts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// stamp is an instant in UTC, to the second.
func stamp(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05Z") }

// admin says whether the source is a known administration source.
func (r *reply) admin() {
	c, s := r.c, &r.c.subject
	if s.peer == "" {
		return
	}
	name := c.peerName()
	label := s.peer
	if name != "" {
		label += fmt.Sprintf(c.p.named, name)
	}
	label = clip(label, nameWidth)
	r.ordinary(label)
	if c.in.Admins == nil {
		r.say(fmt.Sprintf(c.p.noList, label))
		return
	}
	if known := c.in.Admins.Find(s.peer, name); known != nil {
		what := known.Name
		if known.Owner != "" {
			what += ", " + fmt.Sprintf(c.p.owner, known.Owner)
		}
		r.say(fmt.Sprintf(c.p.known, label, what))
		return
	}
	r.say(fmt.Sprintf(c.p.unknown, label, c.in.Admins.Len()))
}

// ordinary says what the baseline knows of the source.
func (r *reply) ordinary(label string) {
	if r.c.in.Ordinary == nil {
		return
	}
	switch o := r.c.in.Ordinary(r.c.subject.peer); {
	case o.Programs > 0:
		r.say(fmt.Sprintf(r.c.p.ordinary, label, o.Programs, o.Hosts, o.First.Format(time.DateOnly), o.Last.Format(time.DateOnly)))
	case o.Held > 0:
		r.say(fmt.Sprintf(r.c.p.onlyHeld, label, o.Held))
	default:
		r.say(fmt.Sprintf(r.c.p.notOrdinary, label))
	}
}

// action fills the alert's values into what there is to do. Everything is
// text: nothing is run, and no name from an event stands in a command unless
// it is plain.
func (r *reply) action() {
	c, s := r.c, &r.c.subject
	host := c.hostName()
	if plain(host) {
		r.say(fmt.Sprintf(c.p.isolate, host, "Invoke-Command -ComputerName "+host+
			" { netsh advfirewall set allprofiles firewallpolicy blockinbound,blockoutbound }"))
		if s.service != "" && plain(s.service) {
			r.say(fmt.Sprintf(c.p.stopService, `sc.exe \\`+host+" stop "+s.service))
		}
	}
	if s.process != nil {
		r.say(fmt.Sprintf(c.p.keep, clip(processPath(s.process), commandWidth)))
		r.rest(s.process)
	}
	if f := s.logon; f != nil {
		if name := f.First("winlog.event_data.TargetUserName", "user.name"); plain(name) && !strings.HasSuffix(name, "$") {
			r.say(fmt.Sprintf(c.p.disable, "Disable-ADAccount -Identity "+name+" ("+c.logonAccount(f)+")"))
			r.rest(f)
		}
	}
	if s.peer != "" {
		r.say(fmt.Sprintf(c.p.follow, clip(s.peer, nameWidth), c.elsewhere()))
	}
}

// elsewhere names the other hosts that the source logged on to.
func (c *inquiry) elsewhere() string {
	for i := range c.in.Asked {
		a := &c.in.Asked[i]
		if a.kind() != kindSpread || a.Seen == nil || !slices.Contains(a.Query.By, "source.ip") {
			continue
		}
		var names []string
		for _, name := range a.Seen.names() {
			if !strings.EqualFold(name, short(c.hostName())) {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			return "." + strings.TrimSuffix(fmt.Sprintf(c.p.others, some(names, 5)), ".")
		}
	}
	return ""
}

// plain reports whether a name may stand in a command as it is.
func plain(name string) bool {
	if name == "" || len(name) > 64 || name[0] == '-' {
		return false
	}
	for i := 0; i < len(name); i++ {
		b := name[i]
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '.' || b == '-' || b == '_' || b == '$') {
			return false
		}
	}
	return true
}

// wrote reports whether a 5145 asked for writing (bits 1 and 2 of its mask:
// write or append data).
func wrote(f *fact) bool {
	n, err := strconv.ParseUint(strings.TrimPrefix(f.Text("winlog.event_data.AccessMask"), "0x"), 16, 64)
	return err == nil && n&6 != 0
}
