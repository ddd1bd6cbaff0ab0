package wincode

import "strings"

// Descriptor is a security descriptor taken apart. Its texts are parts of the
// one that it was read from.
type Descriptor struct {
	Owner, Group string // a SID or its abbreviation; "" if there is none
	dacl, sacl   string // entries in parentheses, behind their flags
}

// ParseDescriptor reads a security descriptor in its definition language (SDDL):
// O:owner G:group D:flags(entry)(entry) S:flags(entry). What is none gives a
// descriptor without parts.
func ParseDescriptor(s string) (d Descriptor) {
	for s != "" {
		if len(s) < 2 || s[1] != ':' {
			return d
		}
		kind := s[0]
		end := partEnd(s[2:]) + 2
		part := s[2:end]
		s = s[end:]
		switch kind {
		case 'O':
			d.Owner = part
		case 'G':
			d.Group = part
		case 'D':
			d.dacl = part
		case 'S':
			d.sacl = part
		default:
			return d
		}
	}
	return d
}

// partEnd finds where the next part begins: a letter and a colon outside
// parentheses.
func partEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ':':
			if depth <= 0 && i > 0 {
				return i - 1
			}
		}
	}
	return len(s)
}

// Entries is a list of access control entries that are taken one by one.
type Entries struct{ rest string }

// DACL and SACL return the entries of either list.
func (d Descriptor) DACL() Entries { return Entries{d.dacl} }

// SACL: see DACL.
func (d Descriptor) SACL() Entries { return Entries{d.sacl} }

// Next takes the next entry, without its parentheses.
func (e *Entries) Next() (entry string, ok bool) {
	start := strings.IndexByte(e.rest, '(')
	if start < 0 {
		return "", false
	}
	depth := 0
	for i := start; i < len(e.rest); i++ {
		switch e.rest[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				entry = e.rest[start+1 : i]
				e.rest = e.rest[i+1:]
				return entry, true
			}
		}
	}
	e.rest = ""
	return "", false
}

// Trustee returns the SID, or its abbreviation, that an entry is for.
func Trustee(entry string) string {
	for range 5 {
		_, rest, ok := strings.Cut(entry, ";")
		if !ok {
			return ""
		}
		entry = rest
	}
	sid, _, _ := strings.Cut(entry, ";") // a condition may follow
	return sid
}

// AppendEntry writes an entry of an access control list as Elastic's pipelines
// do: who, a colon, what kind of entry, its rights in brackets.
//
//	A;;GA;;;SY → Local system :Access Allowed ([Generic All])
//
// A domain's account has the name of its role if it has one, else "null", as
// with Elastic.
func AppendEntry(dst []byte, entry string) []byte {
	kind, rest, _ := strings.Cut(entry, ";")
	_, rest, _ = strings.Cut(rest, ";") // inheritance
	rights, _, _ := strings.Cut(rest, ";")
	who := Trustee(entry)
	name := Account(who)
	if name == "" && isDomainSID(who) {
		name = "null"
	} else if name == "" {
		name = who
	}
	dst = append(append(dst, name...), " :"...)
	if t := entryType(kind); t != "" {
		kind = t
	}
	dst = append(append(dst, kind...), " (["...)
	if strings.HasPrefix(rights, "0x") {
		return append(append(dst, rights...), "])"...)
	}
	for i := 0; i < len(rights); i += 2 {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		one := rights[i:min(i+2, len(rights))]
		if n := entryRight(one); n != "" {
			one = n
		}
		dst = append(dst, one...)
	}
	return append(dst, "])"...)
}

func entryType(s string) string {
	switch s {
	case "A":
		return "Access Allowed"
	case "D":
		return "Access Denied"
	case "OA":
		return "Object Access Allowed"
	case "OD":
		return "Object Access Denied"
	case "AU":
		return "System Audit"
	case "AL":
		return "System Alarm"
	case "OU":
		return "Object System Audit"
	case "OL":
		return "Object System Alarm"
	case "ML":
		return "System Mandatory Label"
	case "SP":
		return "Central Policy ID"
	}
	return ""
}

func entryRight(s string) string { return entryRights[s] }

var entryRights = map[string]string{
	"GA": "Generic All", "GR": "Generic Read", "GW": "Generic Write", "GX": "Generic Execute",
	"RC": "Read Permissions", "SD": "Delete", "WD": "Modify Permissions", "WO": "Modify Owner",
	"RP": "Read All Properties", "WP": "Write All Properties", "CC": "Create All Child Objects",
	"DC": "Delete All Child Objects", "LC": "List Contents", "SW": "All Validated", "LO": "List Object",
	"DT": "Delete Subtree", "CR": "All Extended Rights",
	"FA": "File All Access", "FR": "File Generic Read", "FX": "File Generic Execute", "FW": "File Generic Write",
	"KA": "Key All Access", "KR": "Key Read", "KX": "Key Execute", "KW": "Key Write",
}

const domainSID = "S-1-5-21-"

func isDomainSID(s string) bool {
	return len(s) > len(domainSID) && strings.EqualFold(s[:len(domainSID)], domainSID)
}

// Account names who a SID, or an SDDL abbreviation of one, stands for wherever
// it is met: a well-known account, or the role that the last number of a
// domain's SID gives. "" if it could be anybody.
func Account(sid string) string {
	if name := accounts[sid]; name != "" {
		return name
	}
	if isDomainSID(sid) {
		return roles[sid[strings.LastIndexByte(sid, '-')+1:]]
	}
	return ""
}

// IsRole reports whether Account names a domain's account by its role.
func IsRole(sid string) bool {
	return isDomainSID(sid) && roles[sid[strings.LastIndexByte(sid, '-')+1:]] != ""
}

// roles are the relative identifiers that mean the same in every domain
// ([MS-DTYP] 2.4.2.4).
var roles = map[string]string{
	"498": "Enterprise Read-only Domain Controllers", "500": "Administrator", "501": "Guest", "502": "KRBTGT",
	"503": "DefaultAccount", "504": "WDAGUtilityAccount",
	"512": "Domain Admins", "513": "Domain Users", "514": "Domain Guests", "515": "Domain Computers",
	"516": "Domain Controllers", "517": "Cert Publishers", "518": "Schema Admins", "519": "Enterprise Admins",
	"520": "Group Policy Creator Owners", "521": "Read-only Domain Controllers", "522": "Cloneable Domain Controllers",
	"525": "Protected Users", "526": "Key Admins", "527": "Enterprise Key Admins", "553": "RAS and IAS Servers",
	"571": "Allowed RODC Password Replication Group", "572": "Denied RODC Password Replication Group",
}

// accounts are the abbreviations of SDDL and the well-known SIDs.
var accounts = map[string]string{
	"AO": "Account operators", "AN": "Anonymous logon", "AU": "Authenticated users", "BA": "Built-in administrators",
	"BG": "Built-in guests", "BO": "Backup operators", "BU": "Built-in users", "CA": "Certificate server administrators",
	"CG": "Creator group", "CO": "Creator owner", "DA": "Domain administrators", "DC": "Domain computers",
	"DD": "Domain controllers", "DG": "Domain guests", "DU": "Domain users", "EA": "Enterprise administrators",
	"ED": "Enterprise domain controllers", "HI": "High integrity level", "IU": "Interactively logged-on user",
	"LA": "Local administrator", "LG": "Local guest", "LS": "Local service account", "LW": "Low integrity level",
	"ME": "Medium integrity level", "MU": "Performance Monitor users", "NO": "Network configuration operators",
	"NS": "Network service account", "NU": "Network logon user", "PA": "Group Policy administrators",
	"PO": "Printer operators", "PS": "Personal self", "PU": "Power users", "RC": "Restricted code",
	"RD": "Terminal server users", "RE": "Replicator", "RO": "Enterprise Read-only domain controllers",
	"RS": "RAS servers group", "RU": "Alias to allow previous Windows 2000", "SA": "Schema administrators",
	"SI": "System integrity level", "SO": "Server operators", "SU": "Service logon user", "SY": "Local system",
	"WD": "Everyone",

	"S-1-0-0": "Nobody", "S-1-1-0": "Everyone", "S-1-2-0": "Local", "S-1-2-1": "Console Logon", "S-1-3-0": "Creator Owner",
	"S-1-3-1": "Creator Group", "S-1-3-4": "Owner Rights", "S-1-5-1": "Dialup", "S-1-5-2": "Network", "S-1-5-3": "Batch",
	"S-1-5-4": "Interactive", "S-1-5-6": "Service", "S-1-5-7": "Anonymous", "S-1-5-8": "Proxy",
	"S-1-5-9": "Enterprise Domain Controllers", "S-1-5-10": "Principal Self", "S-1-5-11": "Authenticated Users",
	"S-1-5-12": "Restricted Code", "S-1-5-13": "Terminal Server Users", "S-1-5-14": "Remote Interactive Logon",
	"S-1-5-15": "This Organization", "S-1-5-17": "IUSR", "S-1-5-18": "Local System", "S-1-5-19": "Local Service",
	"S-1-5-20": "Network Service", "S-1-5-32-544": "Administrators", "S-1-5-32-545": "Users", "S-1-5-32-546": "Guests",
	"S-1-5-32-547": "Power Users", "S-1-5-32-548": "Account Operators", "S-1-5-32-549": "Server Operators",
	"S-1-5-32-550": "Print Operators", "S-1-5-32-551": "Backup Operators", "S-1-5-32-552": "Replicators",
	"S-1-5-32-554": "Builtin\\Pre-Windows 2000 Compatible Access", "S-1-5-32-555": "Builtin\\Remote Desktop Users",
	"S-1-5-32-556": "Builtin\\Network Configuration Operators", "S-1-5-32-557": "Builtin\\Incoming Forest Trust Builders",
	"S-1-5-32-558": "Builtin\\Performance Monitor Users", "S-1-5-32-559": "Builtin\\Performance Log Users",
	"S-1-5-32-560": "Builtin\\Windows Authorization Access Group", "S-1-5-32-561": "Builtin\\Terminal Server License Servers",
	"S-1-5-32-562": "Builtin\\Distributed COM Users", "S-1-5-32-568": "Builtin\\IIS_IUSRS",
	"S-1-5-32-569": "Builtin\\Cryptographic Operators", "S-1-5-32-573": "Builtin\\Event Log Readers",
	"S-1-5-32-574": "Builtin\\Certificate Service DCOM Access", "S-1-5-32-575": "Builtin\\RDS Remote Access Servers",
	"S-1-5-32-576": "Builtin\\RDS Endpoint Servers", "S-1-5-32-577": "Builtin\\RDS Management Servers",
	"S-1-5-32-578": "Builtin\\Hyper-V Administrators", "S-1-5-32-579": "Builtin\\Access Control Assistance Operators",
	"S-1-5-32-580": "Builtin\\Remote Management Users", "S-1-5-64-10": "NTLM Authentication",
	"S-1-5-64-14": "SChannel Authentication", "S-1-5-64-21": "Digest Authentication", "S-1-5-80": "NT Service",
	"S-1-5-80-0": "All Services", "S-1-5-83-0": "NT VIRTUAL MACHINE\\Virtual Machines",
	"S-1-15-2-1": "All Application Packages", "S-1-16-0": "Untrusted Mandatory Level", "S-1-16-4096": "Low Mandatory Level",
	"S-1-16-8192": "Medium Mandatory Level", "S-1-16-8448": "Medium Plus Mandatory Level",
	"S-1-16-12288": "High Mandatory Level", "S-1-16-16384": "System Mandatory Level",
	"S-1-16-20480": "Protected Process Mandatory Level", "S-1-16-28672": "Secure Process Mandatory Level",
}
