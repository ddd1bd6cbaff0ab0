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

// dnsStatus names the errors of Windows that a DNS query may end with, as
// winerror.h does (and, taken from it, golang.org/x/sys/windows).
var dnsStatus = map[string]string{
	"0":     "SUCCESS",
	"5":     "ERROR_ACCESS_DENIED",
	"8":     "ERROR_NOT_ENOUGH_MEMORY",
	"13":    "ERROR_INVALID_DATA",
	"14":    "ERROR_OUTOFMEMORY",
	"31":    "ERROR_GEN_FAILURE",
	"50":    "ERROR_NOT_SUPPORTED",
	"53":    "ERROR_BAD_NETPATH",
	"58":    "ERROR_BAD_NET_RESP",
	"59":    "ERROR_UNEXP_NET_ERR",
	"64":    "ERROR_NETNAME_DELETED",
	"87":    "ERROR_INVALID_PARAMETER",
	"111":   "ERROR_BUFFER_OVERFLOW",
	"122":   "ERROR_INSUFFICIENT_BUFFER",
	"123":   "ERROR_INVALID_NAME",
	"234":   "ERROR_MORE_DATA",
	"259":   "ERROR_NO_MORE_ITEMS",
	"995":   "ERROR_OPERATION_ABORTED",
	"997":   "ERROR_IO_PENDING",
	"1060":  "ERROR_SERVICE_DOES_NOT_EXIST",
	"1062":  "ERROR_SERVICE_NOT_ACTIVE",
	"1083":  "ERROR_SERVICE_NOT_IN_EXE",
	"1168":  "ERROR_NOT_FOUND",
	"1214":  "ERROR_INVALID_NETNAME",
	"1223":  "ERROR_CANCELLED",
	"1231":  "ERROR_NETWORK_UNREACHABLE",
	"1232":  "ERROR_HOST_UNREACHABLE",
	"1233":  "ERROR_PROTOCOL_UNREACHABLE",
	"1314":  "ERROR_PRIVILEGE_NOT_HELD",
	"1359":  "ERROR_INTERNAL_ERROR",
	"1395":  "ERROR_LICENSE_QUOTA_EXCEEDED",
	"1396":  "ERROR_WRONG_TARGET_NAME",
	"1400":  "ERROR_INVALID_WINDOW_HANDLE",
	"1450":  "ERROR_NO_SYSTEM_RESOURCES",
	"1460":  "ERROR_TIMEOUT",
	"4312":  "ERROR_OBJECT_NOT_FOUND",
	"6118":  "ERROR_NO_BROWSER_SERVERS_FOUND",
	"9001":  "DNS_ERROR_RCODE_FORMAT_ERROR",
	"9002":  "DNS_ERROR_RCODE_SERVER_FAILURE",
	"9003":  "DNS_ERROR_RCODE_NAME_ERROR",
	"9004":  "DNS_ERROR_RCODE_NOT_IMPLEMENTED",
	"9005":  "DNS_ERROR_RCODE_REFUSED",
	"9006":  "DNS_ERROR_RCODE_YXDOMAIN",
	"9007":  "DNS_ERROR_RCODE_YXRRSET",
	"9008":  "DNS_ERROR_RCODE_NXRRSET",
	"9009":  "DNS_ERROR_RCODE_NOTAUTH",
	"9010":  "DNS_ERROR_RCODE_NOTZONE",
	"9016":  "DNS_ERROR_RCODE_BADSIG",
	"9017":  "DNS_ERROR_RCODE_BADKEY",
	"9018":  "DNS_ERROR_RCODE_BADTIME",
	"9101":  "DNS_ERROR_KEYMASTER_REQUIRED",
	"9102":  "DNS_ERROR_NOT_ALLOWED_ON_SIGNED_ZONE",
	"9103":  "DNS_ERROR_NSEC3_INCOMPATIBLE_WITH_RSA_SHA1",
	"9104":  "DNS_ERROR_NOT_ENOUGH_SIGNING_KEY_DESCRIPTORS",
	"9105":  "DNS_ERROR_UNSUPPORTED_ALGORITHM",
	"9106":  "DNS_ERROR_INVALID_KEY_SIZE",
	"9107":  "DNS_ERROR_SIGNING_KEY_NOT_ACCESSIBLE",
	"9108":  "DNS_ERROR_KSP_DOES_NOT_SUPPORT_PROTECTION",
	"9109":  "DNS_ERROR_UNEXPECTED_DATA_PROTECTION_ERROR",
	"9110":  "DNS_ERROR_UNEXPECTED_CNG_ERROR",
	"9111":  "DNS_ERROR_UNKNOWN_SIGNING_PARAMETER_VERSION",
	"9112":  "DNS_ERROR_KSP_NOT_ACCESSIBLE",
	"9113":  "DNS_ERROR_TOO_MANY_SKDS",
	"9114":  "DNS_ERROR_INVALID_ROLLOVER_PERIOD",
	"9115":  "DNS_ERROR_INVALID_INITIAL_ROLLOVER_OFFSET",
	"9116":  "DNS_ERROR_ROLLOVER_IN_PROGRESS",
	"9117":  "DNS_ERROR_STANDBY_KEY_NOT_PRESENT",
	"9118":  "DNS_ERROR_NOT_ALLOWED_ON_ZSK",
	"9119":  "DNS_ERROR_NOT_ALLOWED_ON_ACTIVE_SKD",
	"9120":  "DNS_ERROR_ROLLOVER_ALREADY_QUEUED",
	"9121":  "DNS_ERROR_NOT_ALLOWED_ON_UNSIGNED_ZONE",
	"9122":  "DNS_ERROR_BAD_KEYMASTER",
	"9123":  "DNS_ERROR_INVALID_SIGNATURE_VALIDITY_PERIOD",
	"9124":  "DNS_ERROR_INVALID_NSEC3_ITERATION_COUNT",
	"9125":  "DNS_ERROR_DNSSEC_IS_DISABLED",
	"9126":  "DNS_ERROR_INVALID_XML",
	"9127":  "DNS_ERROR_NO_VALID_TRUST_ANCHORS",
	"9128":  "DNS_ERROR_ROLLOVER_NOT_POKEABLE",
	"9129":  "DNS_ERROR_NSEC3_NAME_COLLISION",
	"9130":  "DNS_ERROR_NSEC_INCOMPATIBLE_WITH_NSEC3_RSA_SHA1",
	"9501":  "DNS_INFO_NO_RECORDS",
	"9502":  "DNS_ERROR_BAD_PACKET",
	"9503":  "DNS_ERROR_NO_PACKET",
	"9504":  "DNS_ERROR_RCODE",
	"9505":  "DNS_ERROR_UNSECURE_PACKET",
	"9506":  "DNS_REQUEST_PENDING",
	"9551":  "DNS_ERROR_INVALID_TYPE",
	"9552":  "DNS_ERROR_INVALID_IP_ADDRESS",
	"9553":  "DNS_ERROR_INVALID_PROPERTY",
	"9554":  "DNS_ERROR_TRY_AGAIN_LATER",
	"9555":  "DNS_ERROR_NOT_UNIQUE",
	"9556":  "DNS_ERROR_NON_RFC_NAME",
	"9557":  "DNS_STATUS_FQDN",
	"9558":  "DNS_STATUS_DOTTED_NAME",
	"9559":  "DNS_STATUS_SINGLE_PART_NAME",
	"9560":  "DNS_ERROR_INVALID_NAME_CHAR",
	"9561":  "DNS_ERROR_NUMERIC_NAME",
	"9562":  "DNS_ERROR_NOT_ALLOWED_ON_ROOT_SERVER",
	"9563":  "DNS_ERROR_NOT_ALLOWED_UNDER_DELEGATION",
	"9564":  "DNS_ERROR_CANNOT_FIND_ROOT_HINTS",
	"9565":  "DNS_ERROR_INCONSISTENT_ROOT_HINTS",
	"9566":  "DNS_ERROR_DWORD_VALUE_TOO_SMALL",
	"9567":  "DNS_ERROR_DWORD_VALUE_TOO_LARGE",
	"9568":  "DNS_ERROR_BACKGROUND_LOADING",
	"9569":  "DNS_ERROR_NOT_ALLOWED_ON_RODC",
	"9570":  "DNS_ERROR_NOT_ALLOWED_UNDER_DNAME",
	"9571":  "DNS_ERROR_DELEGATION_REQUIRED",
	"9572":  "DNS_ERROR_INVALID_POLICY_TABLE",
	"9573":  "DNS_ERROR_ADDRESS_REQUIRED",
	"9601":  "DNS_ERROR_ZONE_DOES_NOT_EXIST",
	"9602":  "DNS_ERROR_NO_ZONE_INFO",
	"9603":  "DNS_ERROR_INVALID_ZONE_OPERATION",
	"9604":  "DNS_ERROR_ZONE_CONFIGURATION_ERROR",
	"9605":  "DNS_ERROR_ZONE_HAS_NO_SOA_RECORD",
	"9606":  "DNS_ERROR_ZONE_HAS_NO_NS_RECORDS",
	"9607":  "DNS_ERROR_ZONE_LOCKED",
	"9608":  "DNS_ERROR_ZONE_CREATION_FAILED",
	"9609":  "DNS_ERROR_ZONE_ALREADY_EXISTS",
	"9610":  "DNS_ERROR_AUTOZONE_ALREADY_EXISTS",
	"9611":  "DNS_ERROR_INVALID_ZONE_TYPE",
	"9612":  "DNS_ERROR_SECONDARY_REQUIRES_MASTER_IP",
	"9613":  "DNS_ERROR_ZONE_NOT_SECONDARY",
	"9614":  "DNS_ERROR_NEED_SECONDARY_ADDRESSES",
	"9615":  "DNS_ERROR_WINS_INIT_FAILED",
	"9616":  "DNS_ERROR_NEED_WINS_SERVERS",
	"9617":  "DNS_ERROR_NBSTAT_INIT_FAILED",
	"9618":  "DNS_ERROR_SOA_DELETE_INVALID",
	"9619":  "DNS_ERROR_FORWARDER_ALREADY_EXISTS",
	"9620":  "DNS_ERROR_ZONE_REQUIRES_MASTER_IP",
	"9621":  "DNS_ERROR_ZONE_IS_SHUTDOWN",
	"9622":  "DNS_ERROR_ZONE_LOCKED_FOR_SIGNING",
	"9651":  "DNS_ERROR_PRIMARY_REQUIRES_DATAFILE",
	"9652":  "DNS_ERROR_INVALID_DATAFILE_NAME",
	"9653":  "DNS_ERROR_DATAFILE_OPEN_FAILURE",
	"9654":  "DNS_ERROR_FILE_WRITEBACK_FAILED",
	"9655":  "DNS_ERROR_DATAFILE_PARSING",
	"9701":  "DNS_ERROR_RECORD_DOES_NOT_EXIST",
	"9702":  "DNS_ERROR_RECORD_FORMAT",
	"9703":  "DNS_ERROR_NODE_CREATION_FAILED",
	"9704":  "DNS_ERROR_UNKNOWN_RECORD_TYPE",
	"9705":  "DNS_ERROR_RECORD_TIMED_OUT",
	"9706":  "DNS_ERROR_NAME_NOT_IN_ZONE",
	"9707":  "DNS_ERROR_CNAME_LOOP",
	"9708":  "DNS_ERROR_NODE_IS_CNAME",
	"9709":  "DNS_ERROR_CNAME_COLLISION",
	"9710":  "DNS_ERROR_RECORD_ONLY_AT_ZONE_ROOT",
	"9711":  "DNS_ERROR_RECORD_ALREADY_EXISTS",
	"9712":  "DNS_ERROR_SECONDARY_DATA",
	"9713":  "DNS_ERROR_NO_CREATE_CACHE_DATA",
	"9714":  "DNS_ERROR_NAME_DOES_NOT_EXIST",
	"9715":  "DNS_WARNING_PTR_CREATE_FAILED",
	"9716":  "DNS_WARNING_DOMAIN_UNDELETED",
	"9717":  "DNS_ERROR_DS_UNAVAILABLE",
	"9718":  "DNS_ERROR_DS_ZONE_ALREADY_EXISTS",
	"9719":  "DNS_ERROR_NO_BOOTFILE_IF_DS_ZONE",
	"9720":  "DNS_ERROR_NODE_IS_DNAME",
	"9721":  "DNS_ERROR_DNAME_COLLISION",
	"9722":  "DNS_ERROR_ALIAS_LOOP",
	"9751":  "DNS_INFO_AXFR_COMPLETE",
	"9752":  "DNS_ERROR_AXFR",
	"9753":  "DNS_INFO_ADDED_LOCAL_WINS",
	"9801":  "DNS_STATUS_CONTINUE_NEEDED",
	"9851":  "DNS_ERROR_NO_TCPIP",
	"9852":  "DNS_ERROR_NO_DNS_SERVERS",
	"9901":  "DNS_ERROR_DP_DOES_NOT_EXIST",
	"9902":  "DNS_ERROR_DP_ALREADY_EXISTS",
	"9903":  "DNS_ERROR_DP_NOT_ENLISTED",
	"9904":  "DNS_ERROR_DP_ALREADY_ENLISTED",
	"9905":  "DNS_ERROR_DP_NOT_AVAILABLE",
	"9906":  "DNS_ERROR_DP_FSMO_ERROR",
	"9911":  "DNS_ERROR_RRL_NOT_ENABLED",
	"9912":  "DNS_ERROR_RRL_INVALID_WINDOW_SIZE",
	"9913":  "DNS_ERROR_RRL_INVALID_IPV4_PREFIX",
	"9914":  "DNS_ERROR_RRL_INVALID_IPV6_PREFIX",
	"9915":  "DNS_ERROR_RRL_INVALID_TC_RATE",
	"9916":  "DNS_ERROR_RRL_INVALID_LEAK_RATE",
	"9917":  "DNS_ERROR_RRL_LEAK_RATE_LESSTHAN_TC_RATE",
	"9921":  "DNS_ERROR_VIRTUALIZATION_INSTANCE_ALREADY_EXISTS",
	"9922":  "DNS_ERROR_VIRTUALIZATION_INSTANCE_DOES_NOT_EXIST",
	"9923":  "DNS_ERROR_VIRTUALIZATION_TREE_LOCKED",
	"9924":  "DNS_ERROR_INVAILD_VIRTUALIZATION_INSTANCE_NAME",
	"9925":  "DNS_ERROR_DEFAULT_VIRTUALIZATION_INSTANCE",
	"9951":  "DNS_ERROR_ZONESCOPE_ALREADY_EXISTS",
	"9952":  "DNS_ERROR_ZONESCOPE_DOES_NOT_EXIST",
	"9953":  "DNS_ERROR_DEFAULT_ZONESCOPE",
	"9954":  "DNS_ERROR_INVALID_ZONESCOPE_NAME",
	"9955":  "DNS_ERROR_NOT_ALLOWED_WITH_ZONESCOPES",
	"9956":  "DNS_ERROR_LOAD_ZONESCOPE_FAILED",
	"9957":  "DNS_ERROR_ZONESCOPE_FILE_WRITEBACK_FAILED",
	"9958":  "DNS_ERROR_INVALID_SCOPE_NAME",
	"9959":  "DNS_ERROR_SCOPE_DOES_NOT_EXIST",
	"9960":  "DNS_ERROR_DEFAULT_SCOPE",
	"9961":  "DNS_ERROR_INVALID_SCOPE_OPERATION",
	"9962":  "DNS_ERROR_SCOPE_LOCKED",
	"9963":  "DNS_ERROR_SCOPE_ALREADY_EXISTS",
	"9971":  "DNS_ERROR_POLICY_ALREADY_EXISTS",
	"9972":  "DNS_ERROR_POLICY_DOES_NOT_EXIST",
	"9973":  "DNS_ERROR_POLICY_INVALID_CRITERIA",
	"9974":  "DNS_ERROR_POLICY_INVALID_SETTINGS",
	"9975":  "DNS_ERROR_CLIENT_SUBNET_IS_ACCESSED",
	"9976":  "DNS_ERROR_CLIENT_SUBNET_DOES_NOT_EXIST",
	"9977":  "DNS_ERROR_CLIENT_SUBNET_ALREADY_EXISTS",
	"9978":  "DNS_ERROR_SUBNET_DOES_NOT_EXIST",
	"9979":  "DNS_ERROR_SUBNET_ALREADY_EXISTS",
	"9980":  "DNS_ERROR_POLICY_LOCKED",
	"9981":  "DNS_ERROR_POLICY_INVALID_WEIGHT",
	"9982":  "DNS_ERROR_POLICY_INVALID_NAME",
	"9983":  "DNS_ERROR_POLICY_MISSING_CRITERIA",
	"9984":  "DNS_ERROR_INVALID_CLIENT_SUBNET_NAME",
	"9985":  "DNS_ERROR_POLICY_PROCESSING_ORDER_INVALID",
	"9986":  "DNS_ERROR_POLICY_SCOPE_MISSING",
	"9987":  "DNS_ERROR_POLICY_SCOPE_NOT_ALLOWED",
	"9988":  "DNS_ERROR_SERVERSCOPE_IS_REFERENCED",
	"9989":  "DNS_ERROR_ZONESCOPE_IS_REFERENCED",
	"9990":  "DNS_ERROR_POLICY_INVALID_CRITERIA_CLIENT_SUBNET",
	"9991":  "DNS_ERROR_POLICY_INVALID_CRITERIA_TRANSPORT_PROTOCOL",
	"9992":  "DNS_ERROR_POLICY_INVALID_CRITERIA_NETWORK_PROTOCOL",
	"9993":  "DNS_ERROR_POLICY_INVALID_CRITERIA_INTERFACE",
	"9994":  "DNS_ERROR_POLICY_INVALID_CRITERIA_FQDN",
	"9995":  "DNS_ERROR_POLICY_INVALID_CRITERIA_QUERY_TYPE",
	"9996":  "DNS_ERROR_POLICY_INVALID_CRITERIA_TIME_OF_DAY",
	"10004": "WSAEINTR",
	"10009": "WSAEBADF",
	"10013": "WSAEACCES",
	"10014": "WSAEFAULT",
	"10022": "WSAEINVAL",
	"10024": "WSAEMFILE",
	"10035": "WSAEWOULDBLOCK",
	"10036": "WSAEINPROGRESS",
	"10037": "WSAEALREADY",
	"10038": "WSAENOTSOCK",
	"10039": "WSAEDESTADDRREQ",
	"10040": "WSAEMSGSIZE",
	"10041": "WSAEPROTOTYPE",
	"10042": "WSAENOPROTOOPT",
	"10043": "WSAEPROTONOSUPPORT",
	"10044": "WSAESOCKTNOSUPPORT",
	"10045": "WSAEOPNOTSUPP",
	"10046": "WSAEPFNOSUPPORT",
	"10047": "WSAEAFNOSUPPORT",
	"10048": "WSAEADDRINUSE",
	"10049": "WSAEADDRNOTAVAIL",
	"10050": "WSAENETDOWN",
	"10051": "WSAENETUNREACH",
	"10052": "WSAENETRESET",
	"10053": "WSAECONNABORTED",
	"10054": "WSAECONNRESET",
	"10055": "WSAENOBUFS",
	"10056": "WSAEISCONN",
	"10057": "WSAENOTCONN",
	"10058": "WSAESHUTDOWN",
	"10059": "WSAETOOMANYREFS",
	"10060": "WSAETIMEDOUT",
	"10061": "WSAECONNREFUSED",
	"10062": "WSAELOOP",
	"10063": "WSAENAMETOOLONG",
	"10064": "WSAEHOSTDOWN",
	"10065": "WSAEHOSTUNREACH",
	"10066": "WSAENOTEMPTY",
	"10067": "WSAEPROCLIM",
	"10068": "WSAEUSERS",
	"10069": "WSAEDQUOT",
	"10070": "WSAESTALE",
	"10071": "WSAEREMOTE",
	"10091": "WSASYSNOTREADY",
	"10092": "WSAVERNOTSUPPORTED",
	"10093": "WSANOTINITIALISED",
	"10101": "WSAEDISCON",
	"10102": "WSAENOMORE",
	"10103": "WSAECANCELLED",
	"10104": "WSAEINVALIDPROCTABLE",
	"10105": "WSAEINVALIDPROVIDER",
	"10106": "WSAEPROVIDERFAILEDINIT",
	"10107": "WSASYSCALLFAILURE",
	"10108": "WSASERVICE_NOT_FOUND",
	"10109": "WSATYPE_NOT_FOUND",
	"10110": "WSA_E_NO_MORE",
	"10111": "WSA_E_CANCELLED",
	"10112": "WSAEREFUSED",
	"11001": "WSAHOST_NOT_FOUND",
	"11002": "WSATRY_AGAIN",
	"11003": "WSANO_RECOVERY",
	"11004": "WSANO_DATA",
	"11005": "WSA_QOS_RECEIVERS",
	"11006": "WSA_QOS_SENDERS",
	"11007": "WSA_QOS_NO_SENDERS",
	"11008": "WSA_QOS_NO_RECEIVERS",
	"11009": "WSA_QOS_REQUEST_CONFIRMED",
	"11010": "WSA_QOS_ADMISSION_FAILURE",
	"11011": "WSA_QOS_POLICY_FAILURE",
	"11012": "WSA_QOS_BAD_STYLE",
	"11013": "WSA_QOS_BAD_OBJECT",
	"11014": "WSA_QOS_TRAFFIC_CTRL_ERROR",
	"11015": "WSA_QOS_GENERIC_ERROR",
	"11016": "WSA_QOS_ESERVICETYPE",
	"11017": "WSA_QOS_EFLOWSPEC",
	"11018": "WSA_QOS_EPROVSPECBUF",
	"11019": "WSA_QOS_EFILTERSTYLE",
	"11020": "WSA_QOS_EFILTERTYPE",
	"11021": "WSA_QOS_EFILTERCOUNT",
	"11022": "WSA_QOS_EOBJLENGTH",
	"11023": "WSA_QOS_EFLOWCOUNT",
	"11024": "WSA_QOS_EUNKOWNPSOBJ",
	"11025": "WSA_QOS_EPOLICYOBJ",
	"11026": "WSA_QOS_EFLOWDESC",
	"11027": "WSA_QOS_EPSFLOWSPEC",
	"11028": "WSA_QOS_EPSFILTERSPEC",
	"11029": "WSA_QOS_ESDMODEOBJ",
	"11030": "WSA_QOS_ESHAPERATEOBJ",
	"11031": "WSA_QOS_RESERVED_PETYPE",
}
