package simulate

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// hashes gives a file made-up but steady hashes, in Sysmon's form.
func hashes(path string) string {
	m, s1, s2 := digests(path)
	return "SHA1=" + strings.ToUpper(s1) + ",MD5=" + strings.ToUpper(m) + ",SHA256=" + strings.ToUpper(s2) + ",IMPHASH=00000000000000000000000000000000"
}

func digests(path string) (m, s1, s2 string) {
	b := []byte(strings.ToLower(path))
	x, y, z := md5.Sum(b), sha1.Sum(b), sha256.Sum256(b)
	return hex.EncodeToString(x[:]), hex.EncodeToString(y[:]), hex.EncodeToString(z[:])
}

// appendDefendHead writes what all documents of a host share.
func appendDefendHead(b []byte, h *host) []byte {
	b = append(b, `"agent":{"id":"`...)
	b = append(b, h.agent...)
	b = append(b, `","type":"endpoint","version":"8.19.0"},"ecs":{"version":"8.10.0"},"elastic":{"agent":{"id":"`...)
	b = append(b, h.agent...)
	b = append(b, `"}},"host":{"architecture":"x86_64","hostname":"`...)
	b = append(b, h.name...)
	b = append(b, `","id":"`...)
	b = append(b, h.id...)
	b = append(b, `","ip":["`...)
	b = append(b, h.ip...)
	b = append(b, `","127.0.0.1","::1"],"name":"`...)
	b = append(b, h.computer...)
	return append(b, `","os":{"Ext":{"variant":"Windows 10 Enterprise"},"family":"windows","full":"Windows 10 Enterprise 22H2 (10.0.19045.3803)","kernel":"22H2 (10.0.19045.3803)","name":"Windows","platform":"windows","type":"windows","version":"22H2 (10.0.19045.3803)"}}`...)
}

// defendKinds holds how Defend classes each kind of act (elastic/endpoint-package,
// custom documentation): data set, action, category, type.
var defendKinds = [kinds]struct{ dataset, action, category, typ string }{
	processStart:  {"process", "start", "process", "start"},
	processEnd:    {"process", "end", "process", "end"},
	connection:    {"network", "connection_attempted", "network", "start"},
	disconnection: {"network", "disconnect_received", "network", "end"},
	dnsQuery:      {"network", "lookup_requested", "network", "info"},
	logon:         {"security", "log_on", "authentication", "start"},
	logoff:        {"security", "log_off", "authentication", "end"},
	registrySet:   {"registry", "modification", "registry", "change"},
	fileWrite:     {"file", "creation", "file", "creation"},
	imageLoad:     {"library", "load", "library", "start"},
}

func renderDefend(b []byte, a *act) []byte {
	h, k := a.host, defendKinds[a.kind]
	action := k.action
	if a.kind == connection && a.conn.inbound {
		action = "connection_accepted"
	}
	h.sequence++
	b = append(b, `{"@timestamp":"`...)
	b = appendTime(b, a.at+a.lag)
	b = append(b, `",`...)
	b = append(b, h.defendHead...)
	b = append(b, `,"data_stream":{"dataset":"endpoint.events.`...)
	b = append(b, k.dataset...)
	b = append(b, `","namespace":"default","type":"logs"},"event":{"action":"`...)
	b = append(b, action...)
	b = append(b, `","category":["`...)
	b = append(b, k.category...)
	if a.kind == logon || a.kind == logoff {
		b = append(b, `","session`...)
	}
	b = append(b, `"],"created":"`...)
	b = appendTime(b, a.at+a.lag)
	b = append(b, `","dataset":"endpoint.events.`...)
	b = append(b, k.dataset...)
	b = append(b, `","id":"`...)
	b = append(b, h.agent[:8]...)
	b = append(b, '+')
	b = strconv.AppendUint(b, h.sequence, 10)
	b = append(b, `","kind":"event","module":"endpoint","outcome":"`...)
	b = append(b, defendOutcome(a.kind)...)
	b = append(b, `","sequence":`...)
	b = strconv.AppendUint(b, h.sequence, 10)
	b = append(b, `,"type":["`...)
	b = append(b, k.typ...)
	b = append(b, `"]},"message":"Endpoint `...)
	b = append(b, k.dataset...)
	b = append(b, ` event"`...)
	b = defendDetail(b, a)
	b = append(b, `,"process":`...)
	b = defendProcess(b, a)
	return append(b, "}\n"...)
}

func defendOutcome(k kind) string {
	if k == logon || k == logoff {
		return "success"
	}
	return "unknown"
}

// defendDetail writes what the act is about, beside the process.
func defendDetail(b []byte, a *act) []byte {
	switch a.kind {
	case connection, disconnection:
		b = defendConnection(b, a.conn)
	case dnsQuery:
		b = append(b, `,"dns":{"question":{"name":`...)
		b = appendString(b, a.name)
		b = append(b, `,"type":"A"},"resolved_ip":["`...)
		b = append(b, a.value...)
		b = append(b, `"]}`...)
	case registrySet:
		b = append(b, `,"registry":{"hive":"HKLM","key":`...)
		b = appendString(b, a.path)
		b = append(b, `,"path":`...)
		b = appendString(b, `HKLM\`+a.path+`\`+a.name)
		b = append(b, `,"value":`...)
		b = appendString(b, a.name)
		b = append(b, `,"data":{"strings":[`...)
		b = appendString(b, defendData(a.value))
		b = append(b, `]}}`...)
	case fileWrite, imageLoad:
		b = defendFile(b, a)
	}
	u := a.proc.user
	if a.kind == logon || a.kind == logoff {
		u = a.user
	}
	b = append(b, `,"user":{"domain":`...)
	b = appendString(b, u.domain)
	b = append(b, `,"id":"`...)
	b = append(b, u.sid...)
	b = append(b, `","name":`...)
	b = appendString(b, u.name)
	b = append(b, '}')
	if a.kind == logon {
		b = append(b, `,"source":{"ip":"`...)
		b = append(b, a.conn.srcIP...)
		b = append(b, `","port":`...)
		b = strconv.AppendUint(b, uint64(a.conn.srcPort), 10)
		b = append(b, '}')
	}
	return b
}

func defendFile(b []byte, a *act) []byte {
	if a.kind == fileWrite {
		b = append(b, `,"file":{"path":`...)
	} else {
		b = append(b, `,"dll":{"code_signature":`...)
		b = defendSignature(b, a.value)
		b = append(b, `,"path":`...)
	}
	b = appendString(b, a.path)
	b = append(b, `,"name":`...)
	b = appendString(b, base(a.path))
	return append(b, '}')
}

// defendData is a registry value as Defend gives it: numbers as decimal text.
func defendData(v string) string {
	if n, ok := strings.CutPrefix(v, "DWORD (0x"); ok {
		x, _ := strconv.ParseUint(strings.TrimSuffix(n, ")"), 16, 32) // ours: always well formed
		return strconv.FormatUint(x, 10)
	}
	return v
}

func defendConnection(b []byte, c conn) []byte {
	end := func(b []byte, name, ip string, port uint16) []byte {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":{"address":"`...)
		b = append(b, ip...)
		b = append(b, `","ip":"`...)
		b = append(b, ip...)
		b = append(b, `","port":`...)
		b = strconv.AppendUint(b, uint64(port), 10)
		return append(b, '}')
	}
	b = end(b, "source", c.srcIP, c.srcPort)
	b = end(b, "destination", c.dstIP, c.dstPort)
	b = append(b, `,"network":{"direction":"`...)
	if c.inbound {
		b = append(b, `ingress`...)
	} else {
		b = append(b, `egress`...)
	}
	b = append(b, `","transport":"`...)
	b = append(b, transport(c)...)
	if isV6(c.srcIP) {
		return append(b, `","type":"ipv6"}`...)
	}
	return append(b, `","type":"ipv4"}`...)
}

func defendSignature(b []byte, signer string) []byte {
	if signer == "" {
		return append(b, `{"exists":false}`...)
	}
	b = append(b, `{"exists":true,"status":"trusted","subject_name":`...)
	b = appendString(b, signer)
	return append(b, `,"trusted":true}`...)
}

// defendProcess writes the process object; starts and ends have it whole.
func defendProcess(b []byte, a *act) []byte {
	p := a.proc
	b = append(b, `{"Ext":{"ancestry":[`...)
	for i, q := 0, p.parent; q != nil && i < 5; i, q = i+1, q.parent {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, q.defendID()...)
		b = append(b, '"')
	}
	b = append(b, `],"authentication_id":"`...)
	b = append(b, hexID(p.logon)...)
	b = append(b, '"')
	if a.kind == logon {
		b = append(b, `,"session_info":{"authentication_package":"Kerberos","logon_process_name":"Kerberos","logon_type":"Network"}`...)
	}
	b = append(b, `,"token":{"integrity_level_name":"`...)
	b = append(b, strings.ToLower(integrity(p))...)
	b = append(b, `"}},"code_signature":`...)
	b = defendSignature(b, p.signer)
	b = append(b, `,"entity_id":"`...)
	b = append(b, p.defendID()...)
	b = append(b, `","executable":`...)
	b = appendString(b, p.image)
	b = append(b, `,"name":`...)
	b = appendString(b, base(p.image))
	b = append(b, `,"pid":`...)
	b = strconv.AppendUint(b, uint64(p.pid), 10)
	if a.kind == processStart || a.kind == processEnd {
		b = defendCommand(b, p)
		m, s1, s2 := digests(p.image)
		b = append(b, `,"hash":{"md5":"`+m+`","sha1":"`+s1+`","sha256":"`+s2+`"},"pe":{"original_file_name":`...)
		b = appendString(b, p.original)
		b = append(b, '}')
		if p.parent != nil {
			b = append(b, `,"parent":{"entity_id":"`...)
			b = append(b, p.parent.defendID()...)
			b = append(b, `","executable":`...)
			b = appendString(b, p.parent.image)
			b = append(b, `,"name":`...)
			b = appendString(b, base(p.parent.image))
			b = append(b, `,"pid":`...)
			b = strconv.AppendUint(b, uint64(p.parent.pid), 10)
			b = defendCommand(b, p.parent)
			b = append(b, '}')
		}
	}
	return append(b, '}')
}

func defendCommand(b []byte, p *process) []byte {
	args := splitArgs(p.cmd)
	b = append(b, `,"args":[`...)
	for i, s := range args {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	b = append(b, `],"args_count":`...)
	b = strconv.AppendInt(b, int64(len(args)), 10)
	b = append(b, `,"command_line":`...)
	return appendString(b, p.cmd)
}

// splitArgs splits a command line at blanks outside quotes; the lines made here
// need no more.
func splitArgs(cmd string) []string {
	var out []string
	var cur strings.Builder
	quoted, open := false, false
	for i := range len(cmd) {
		switch c := cmd[i]; {
		case c == '"':
			quoted, open = !quoted, true
		case c == ' ' && !quoted:
			if open {
				out = append(out, cur.String())
				cur.Reset()
				open = false
			}
		default:
			cur.WriteByte(c)
			open = true
		}
	}
	if open {
		out = append(out, cur.String())
	}
	return out
}
