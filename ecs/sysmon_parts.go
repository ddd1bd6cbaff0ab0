package ecs

import (
	"strings"

	"github.com/tocsin-project/tocsin/event"
)

// What Sysmon packs several facts into one value for: hashes, registry paths,
// answers of a resolver; and what follows from several values.

const hashFields = ".hash.md5 .hash.sha1 .hash.sha256 .pe.imphash"

func hashStep(object string) step {
	writes := "related.hash"
	if object != "" {
		writes += strings.ReplaceAll(" "+hashFields, " ", " "+object)
	}
	return step{writes: writes, moves: "Hashes Hash", do: hashes}
}

var (
	processHashes = hashStep("process")
	fileHashes    = hashStep("file")
	otherHashes   = hashStep("")
)

// hashes splits KIND=value,… and writes each kind to its field and all of them
// to related.hash. A hash of zeros was not computed.
func hashes(m *mapper, to []int) {
	list := m.get("Hashes")
	if list == "" {
		list = m.get("Hash")
	}
	for list != "" {
		var one string
		one, list, _ = strings.Cut(list, ",")
		kind, sum, ok := strings.Cut(one, "=")
		if !ok || strings.Trim(sum, "0") == "" {
			continue
		}
		sum = m.lower(sum)
		m.add(to[0], sum)
		if len(to) == 1 {
			continue
		}
		switch {
		case strings.EqualFold(kind, "md5"):
			m.setText(to[1], sum)
		case strings.EqualFold(kind, "sha1"):
			m.setText(to[2], sum)
		case strings.EqualFold(kind, "sha256"):
			m.setText(to[3], sum)
		case strings.EqualFold(kind, "imphash"):
			m.setText(to[4], sum)
		}
	}
}

var registry = step{
	writes: "registry.path registry.hive registry.key registry.value registry.data.strings registry.data.type",
	moves:  "TargetObject Details",
	do: func(m *mapper, to []int) {
		path := m.get("TargetObject")
		m.setText(to[0], path)
		first, rest, _ := strings.Cut(path, `\`)
		if hive := hive(first); hive != "" {
			m.setText(to[1], hive)
			m.setText(to[2], rest)
		}
		m.setText(to[3], path[strings.LastIndexByte(path, '\\')+1:])
		if details := m.get("Details"); details != "" {
			m.registryData(details, to[4], to[5])
		}
	},
}

func hive(s string) string {
	switch s {
	case "HKCR", "HKCC", "HKCU", "HKDD", "HKLM", "HKPD", "HKU":
		return s
	case "HKEY_CLASSES_ROOT":
		return "HKCR"
	case "HKEY_CURRENT_CONFIG":
		return "HKCC"
	case "HKEY_CURRENT_USER":
		return "HKCU"
	case "HKEY_DYN_DATA":
		return "HKDD"
	case "HKEY_LOCAL_MACHINE":
		return "HKLM"
	case "HKEY_PERFORMANCE_DATA":
		return "HKPD"
	case "HKEY_USERS":
		return "HKU"
	}
	return ""
}

// registryData reads Sysmon's rendering of a registry value. The type names
// SZ_DWORD and SZ_QWORD, and the high half of a QWORD shifted by 8 bits only,
// are Elastic's.
func (m *mapper) registryData(s string, strs, kind int) {
	switch {
	case strings.HasPrefix(s, "DWORD (0x") && strings.HasSuffix(s, ")"):
		if n, ok := parsePID(s[len("DWORD (") : len(s)-1]); ok {
			m.setText(strs, m.decimal(uint64(n)))
			m.setText(kind, "SZ_DWORD")
		}
	case strings.HasPrefix(s, "QWORD (0x") && strings.HasSuffix(s, ")"):
		high, low, _ := strings.Cut(s[len("QWORD ("):len(s)-1], "-")
		h, ok := parsePID(high)
		l, ok2 := parsePID(low)
		if ok && ok2 {
			m.setText(strs, m.decimal(uint64(h)<<8+uint64(l)))
			m.setText(kind, "SZ_QWORD")
		}
	case s == "Binary Data":
		m.setText(strs, s)
		m.setText(kind, "REG_BINARY")
	default:
		m.set(strs, event.Text(s))
		m.setText(kind, "REG_SZ")
	}
}
