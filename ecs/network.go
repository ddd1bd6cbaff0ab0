package ecs

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
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
