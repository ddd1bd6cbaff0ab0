package ecs

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/tocsin-project/tocsin/event"
)

// community writes network.community_id (version 1, seed 0) of a tcp or udp
// connection whose both ends are known.
var community = step{
	writes: "network.community_id",
	do: func(m *mapper, to []int) {
		var proto byte
		switch m.get("Protocol") {
		case "tcp":
			proto = 6
		case "udp":
			proto = 17
		default:
			return
		}
		src, ok := endpoint(m.get("SourceIp"), m.get("SourcePort"))
		dst, ok2 := endpoint(m.get("DestinationIp"), m.get("DestinationPort"))
		if ok && ok2 {
			m.setText(to[0], m.communityID(src, dst, proto))
		}
	},
}

func endpoint(ip, port string) (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(ip)
	p, err2 := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(a.Unmap().WithZone(""), uint16(p)), err == nil && err2 == nil
}

// communityID hashes both ends of a connection so that either direction gives
// the same text (Corelight's community-id-spec, version 1).
func (m *mapper) communityID(a, b netip.AddrPort, proto byte) string {
	if a.Compare(b) > 0 {
		a, b = b, a
	}
	buf := append(m.buf[:0], 0, 0)
	buf = appendAddr(buf, a.Addr())
	buf = appendAddr(buf, b.Addr())
	buf = append(buf, proto, 0)
	buf = binary.BigEndian.AppendUint16(buf, a.Port())
	buf = binary.BigEndian.AppendUint16(buf, b.Port())
	sum := sha1.Sum(buf)
	buf = append(buf[:0], "1:"...)
	buf = base64.StdEncoding.AppendEncode(buf, sum[:])
	m.buf = buf
	return m.ev.Text(buf)
}

func appendAddr(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		four := a.As4()
		return append(b, four[:]...)
	}
	sixteen := a.As16()
	return append(b, sixteen[:]...)
}

// peer writes the remote end of a connection. Sysmon before version 11 names
// the local end of an incoming connection as its source; later ones the remote
// end. One document tells which only if it names its own host: then the end
// that bears another name is the peer. Else the remote end is the source of an
// incoming connection and the destination of an outgoing one.
var peer = step{
	writes: "tocsin.peer.ip tocsin.peer.port",
	do: func(m *mapper, to []int) {
		ip, port := m.get("DestinationIp"), m.get("DestinationPort")
		if m.get("Initiated") == "false" && !m.own(m.get("SourceHostname")) ||
			m.get("Initiated") == "true" && m.own(m.get("DestinationHostname")) && !m.own(m.get("SourceHostname")) {
			ip, port = m.get("SourceIp"), m.get("SourcePort")
		}
		m.setText(to[0], ip)
		long(m, port, to[1:])
	},
}

// own reports whether a name is that of the event's own computer.
func (m *mapper) own(name string) bool {
	short, _, _ := strings.Cut(name, ".")
	host, _, _ := strings.Cut(m.ev.Computer, ".")
	return short != "" && strings.EqualFold(short, host)
}

func (m *mapper) decimal(n uint64) string {
	m.buf = strconv.AppendUint(m.buf[:0], n, 10)
	return m.ev.Text(m.buf)
}

// What Sysmon tells of a DNS query (id 22): the answers come as one text,
// "type:  5 name;::ffff:192.0.2.1;".

const (
	dnsName = iota
	dnsRegistered
	dnsSubdomain
	dnsTop
	dnsAnswers // an object each, as JSON, in an open schema
	dnsAnswersType
	dnsAnswersData
	dnsResolved
	dnsRelatedIP
	dnsRelatedHosts
	dnsProtocol
	dnsStatusName
)

var dnsQuery = step{
	writes: "dns.question.name dns.question.registered_domain dns.question.subdomain dns.question.top_level_domain " +
		"dns.answers dns.answers.type dns.answers.data dns.resolved_ip related.ip related.hosts network.protocol sysmon.dns.status",
	moves: "QueryName QueryStatus QueryResults",
	do: func(m *mapper, to []int) {
		m.setText(to[dnsProtocol], "dns")
		if s := m.get("QueryStatus"); s != "" {
			if name, ok := dnsStatus[s]; ok {
				s = name
			}
			m.setText(to[dnsStatusName], s)
		}
		m.answers(m.get("QueryResults"), to)
		name := m.get("QueryName")
		m.setText(to[dnsName], name)
		m.add(to[dnsRelatedHosts], name)
		m.splitDomain(name, to)
	},
}

// answers splits the results of a query. What is neither a typed name nor an
// address was cut off by Sysmon and is dropped.
func (m *mapper) answers(s string, to []int) {
	for s != "" {
		var one string
		one, s, _ = strings.Cut(s, ";")
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		if rest, ok := strings.CutPrefix(one, "type:"); ok {
			kind, name, _ := strings.Cut(strings.TrimSpace(rest), " ")
			m.answer(dnsType(kind), name, to)
			m.add(to[dnsRelatedHosts], name)
			continue
		}
		a, text, ok := mappedAddr(one)
		if !ok {
			continue
		}
		kind := "AAAA"
		if a.Is4() {
			kind = "A"
		}
		m.answer(kind, text, to)
		if to[dnsResolved] != none {
			m.put(to[dnsResolved], event.Text(text)) // as often as it was answered
		}
		m.add(to[dnsRelatedIP], text)
	}
}

// mappedAddr reads an address, of which a v4-mapped form, brackets and a port
// are taken off.
func mappedAddr(s string) (a netip.Addr, text string, ok bool) {
	if strings.HasPrefix(s, "[") {
		s, _, _ = strings.Cut(s[1:], "]")
	}
	if rest, ok := strings.CutPrefix(s, "::ffff:"); ok {
		s = rest
		if host, _, ok := strings.Cut(s, ":"); ok && strings.Count(s, ":") == 1 {
			s = host
		}
	}
	a, err := netip.ParseAddr(s)
	return a, s, err == nil
}

func (m *mapper) answer(kind, data string, to []int) {
	if to[dnsAnswersType] != none {
		m.put(to[dnsAnswersType], event.Text(kind))
	}
	if to[dnsAnswersData] != none && data != "" {
		m.put(to[dnsAnswersData], event.Text(data))
	}
	if to[dnsAnswers] == none {
		return
	}
	b := append(m.buf[:0], '{')
	if data != "" {
		b = append(appendString(append(b, `"data":`...), data), ',')
	}
	b = append(appendString(append(b, `"type":`...), kind), '}')
	m.buf = b
	m.put(to[dnsAnswers], event.Text(m.ev.Text(b)))
}

// splitDomain writes the parts of a name by the public suffix list. A suffix of
// the list's private part (a hoster's) counts as the registered domain, as with
// Elastic.
func (m *mapper) splitDomain(name string, to []int) {
	if to[dnsRegistered] == none && to[dnsSubdomain] == none && to[dnsTop] == none {
		return
	}
	name = strings.TrimSuffix(m.lower(name), ".")
	top, icann := publicsuffix.PublicSuffix(name)
	registered := top
	if !icann {
		if _, top, icann = strings.Cut(top, "."); !icann {
			return // no top-level domain that anyone knows
		}
	} else {
		rest, ok := strings.CutSuffix(name, "."+top)
		if !ok || rest == "" {
			return
		}
		registered = name[strings.LastIndexByte(rest, '.')+1:]
	}
	m.setText(to[dnsTop], top)
	m.setText(to[dnsRegistered], registered)
	if n := len(name) - len(registered); n > 1 {
		m.setText(to[dnsSubdomain], name[:n-1])
	}
}

// dnsType names a number of a resource record's type (RFC 1035 and later).
func dnsType(number string) string {
	if name, ok := dnsTypes[number]; ok {
		return name
	}
	return number
}

var dnsTypes = map[string]string{
	"1": "A", "2": "NS", "3": "MD", "4": "MF", "5": "CNAME", "6": "SOA", "7": "MB", "8": "MG", "9": "MR",
	"10": "NULL", "11": "WKS", "12": "PTR", "13": "HINFO", "14": "MINFO", "15": "MX", "16": "TXT", "17": "RP",
	"18": "AFSDB", "19": "X25", "20": "ISDN", "21": "RT", "22": "NSAP", "23": "NSAPPTR", "24": "SIG", "25": "KEY",
	"26": "PX", "27": "GPOS", "28": "AAAA", "29": "LOC", "30": "NXT", "31": "EID", "32": "NIMLOC", "33": "SRV",
	"34": "ATMA", "35": "NAPTR", "36": "KX", "37": "CERT", "38": "A6", "39": "DNAME", "40": "SINK", "41": "OPT",
	"43": "DS", "46": "RRSIG", "47": "NSEC", "48": "DNSKEY", "49": "DHCID", "64": "SVCB", "65": "HTTPS",
	"100": "UINFO", "101": "UID", "102": "GID", "103": "UNSPEC", "248": "ADDRS", "249": "TKEY", "250": "TSIG",
	"251": "IXFR", "252": "AXFR", "253": "MAILB", "254": "MAILA", "255": "ANY", "65281": "WINS", "65282": "WINSR",
}
