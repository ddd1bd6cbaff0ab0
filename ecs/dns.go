package ecs

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/tocsin-project/tocsin/event"
)

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
