// Package wincode knows what the codes in Windows' event logs stand for: %%
// message numbers, status codes, bits of masks, GUIDs of audit policies, SIDs
// and security descriptors. It holds facts and reads no events.
//
// The wording of a code is the one that Windows or its documentation shows,
// since rules compare it: names of rights and of %% numbers from the message
// table of msobjs.dll, statuses from the reference of event 4625, Kerberos from
// RFC 4120 and the reference of events 4768–4771, account flags from [MS-SAMR]
// 2.2.1.12, descriptors from the reference of the SDDL. What is not known gives
// "": callers then leave the field out.
//
// All functions are pure and allocate nothing, but Append functions, which grow
// what they are given.
package wincode

import (
	"strconv"
	"strings"
)

// Flag is a bit, or bits, of a mask and its name.
type Flag struct {
	Mask uint64
	Name string
}

// Mask reads a number that an event renders as 0x… or decimal.
func Mask(s string) (uint64, bool) {
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		n, err := strconv.ParseUint(s[2:], 16, 64)
		return n, err == nil
	}
	if s == "" || s[0] < '0' || s[0] > '9' { // an error would be garbage
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// AccessRights are the bits of an access mask under the names of a directory
// object's rights, ascending. Elastic's pipelines use these for objects of any
// kind, so that a file's FILE_READ_DATA is "Create Child".
func AccessRights() []Flag { return accessRights[:] }

var accessRights = [...]Flag{
	{0x1, "Create Child"}, {0x2, "Delete Child"}, {0x4, "List Contents"}, {0x8, "SELF"},
	{0x10, "Read Property"}, {0x20, "Write Property"}, {0x40, "Delete Tree"}, {0x80, "List Object"},
	{0x100, "Control Access"},
	{0x10000, "DELETE"}, {0x20000, "READ_CONTROL"}, {0x40000, "WRITE_DAC"}, {0x80000, "WRITE_OWNER"},
	{0x100000, "SYNCHRONIZE"}, {0x1000000, "ADS_RIGHT_ACCESS_SYSTEM_SECURITY"},
	{0x10000000, "ADS_RIGHT_GENERIC_ALL"}, {0x20000000, "ADS_RIGHT_GENERIC_EXECUTE"},
	{0x40000000, "ADS_RIGHT_GENERIC_WRITE"}, {0x80000000, "ADS_RIGHT_GENERIC_READ"},
}

// AccountFlags are the bits of an account's control value as the Security log
// has it ([MS-SAMR] USER_ACCOUNT codes, which are not LDAP's
// userAccountControl), ascending.
func AccountFlags() []Flag { return accountFlags[:] }

var accountFlags = [...]Flag{
	{0x1, "USER_ACCOUNT_DISABLED"}, {0x2, "USER_HOME_DIRECTORY_REQUIRED"}, {0x4, "USER_PASSWORD_NOT_REQUIRED"},
	{0x8, "USER_TEMP_DUPLICATE_ACCOUNT"}, {0x10, "USER_NORMAL_ACCOUNT"}, {0x20, "USER_MNS_LOGON_ACCOUNT"},
	{0x40, "USER_INTERDOMAIN_TRUST_ACCOUNT"}, {0x80, "USER_WORKSTATION_TRUST_ACCOUNT"},
	{0x100, "USER_SERVER_TRUST_ACCOUNT"}, {0x200, "USER_DONT_EXPIRE_PASSWORD"}, {0x400, "USER_ACCOUNT_AUTO_LOCKED"},
	{0x800, "USER_ENCRYPTED_TEXT_PASSWORD_ALLOWED"}, {0x1000, "USER_SMARTCARD_REQUIRED"},
	{0x2000, "USER_TRUSTED_FOR_DELEGATION"}, {0x4000, "USER_NOT_DELEGATED"}, {0x8000, "USER_USE_DES_KEY_ONLY"},
	{0x10000, "USER_DONT_REQUIRE_PREAUTH"}, {0x20000, "USER_PASSWORD_EXPIRED"},
	{0x40000, "USER_TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION"}, {0x80000, "USER_NO_AUTH_DATA_REQUIRED"},
	{0x100000, "USER_PARTIAL_SECRETS_ACCOUNT"}, {0x200000, "USER_USE_AES_KEYS"},
}

// TicketOptions are the bits of a Kerberos ticket's options (RFC 4120, 5.4.1,
// where bit 0 is the highest), ascending.
func TicketOptions() []Flag { return ticketOptions[:] }

var ticketOptions = [...]Flag{
	{0x1, "Validate"}, {0x2, "Renew"}, {0x8, "Enc-tkt-in-skey"}, {0x10, "Renewable-ok"},
	{0x20, "Disable-transited-check"}, {0x10000, "Name-canonicalize"}, {0x20000, "Request-anonymous"},
	{0x40000, "Ok-as-delegate"}, {0x80000, "Transited-policy-checked"}, {0x100000, "Opt-hardware-auth"},
	{0x200000, "Pre-authent"}, {0x400000, "Initial"}, {0x800000, "Renewable"}, {0x1000000, "Invalid"},
	{0x2000000, "Postdated"}, {0x4000000, "Allow-postdate"}, {0x8000000, "Proxy"}, {0x10000000, "Proxiable"},
	{0x20000000, "Forwarded"}, {0x40000000, "Forwardable"}, {0x80000000, "Reserved"},
}

// TicketEncryption names the cipher of a Kerberos ticket (RFC 3961, 3962, 8009
// and 4757).
func TicketEncryption(s string) string {
	n, ok := Mask(s)
	if !ok {
		return ""
	}
	switch n {
	case 0x1:
		return "DES-CBC-CRC"
	case 0x3:
		return "DES-CBC-MD5"
	case 0x11:
		return "AES128-CTS-HMAC-SHA1-96"
	case 0x12:
		return "AES256-CTS-HMAC-SHA1-96"
	case 0x13:
		return "AES128-CTS-HMAC-SHA256-128"
	case 0x14:
		return "AES256-CTS-HMAC-SHA384-192"
	case 0x17:
		return "RC4-HMAC"
	case 0x18:
		return "RC4-HMAC-EXP"
	case 0xffffffff:
		return "FAIL"
	}
	return ""
}

// LogonType names a type of logon (SECURITY_LOGON_TYPE of ntsecapi.h).
func LogonType(s string) string {
	switch s {
	case "0":
		return "System"
	case "2":
		return "Interactive"
	case "3":
		return "Network"
	case "4":
		return "Batch"
	case "5":
		return "Service"
	case "7":
		return "Unlock"
	case "8":
		return "NetworkCleartext"
	case "9":
		return "NewCredentials"
	case "10":
		return "RemoteInteractive"
	case "11":
		return "CachedInteractive"
	case "12":
		return "CachedRemoteInteractive"
	case "13":
		return "CachedUnlock"
	}
	return ""
}

// ServiceType names the type of a service (SERVICE_* of winnt.h).
func ServiceType(s string) string {
	n, ok := Mask(s)
	if !ok {
		return ""
	}
	switch n {
	case 0x1:
		return "Kernel Driver"
	case 0x2:
		return "File System Driver"
	case 0x8:
		return "Recognizer Driver"
	case 0x10:
		return "Win32 Own Process"
	case 0x20:
		return "Win32 Share Process"
	case 0x110:
		return "Interactive Own Process"
	case 0x120:
		return "Interactive Share Process"
	}
	return ""
}

// TrustType, TrustDirection and TrustAttribute name what a trusted domain
// object says of a trust ([MS-ADTS] 6.1.6.7).
func TrustType(s string) string {
	switch s {
	case "1":
		return "TRUST_TYPE_DOWNLEVEL"
	case "2":
		return "TRUST_TYPE_UPLEVEL"
	case "3":
		return "TRUST_TYPE_MIT"
	case "4":
		return "TRUST_TYPE_DCE"
	}
	return ""
}

// TrustDirection: see TrustType.
func TrustDirection(s string) string {
	switch s {
	case "0":
		return "TRUST_DIRECTION_DISABLED"
	case "1":
		return "TRUST_DIRECTION_INBOUND"
	case "2":
		return "TRUST_DIRECTION_OUTBOUND"
	case "3":
		return "TRUST_DIRECTION_BIDIRECTIONAL"
	}
	return ""
}

// TrustAttribute: see TrustType. Several attributes at once have no name.
func TrustAttribute(s string) string {
	switch s {
	case "0":
		return "UNDEFINED"
	case "1":
		return "TRUST_ATTRIBUTE_NON_TRANSITIVE"
	case "2":
		return "TRUST_ATTRIBUTE_UPLEVEL_ONLY"
	case "4":
		return "TRUST_ATTRIBUTE_QUARANTINED_DOMAIN"
	case "8":
		return "TRUST_ATTRIBUTE_FOREST_TRANSITIVE"
	case "16":
		return "TRUST_ATTRIBUTE_CROSS_ORGANIZATION"
	case "32":
		return "TRUST_ATTRIBUTE_WITHIN_FOREST"
	case "64":
		return "TRUST_ATTRIBUTE_TREAT_AS_EXTERNAL"
	case "128":
		return "TRUST_ATTRIBUTE_USES_RC4_ENCRYPTION"
	}
	return ""
}

// LogonStatus tells in words what a status of a failed logon (4625, 4776)
// means; s is an NTSTATUS as the event renders it.
func LogonStatus(s string) string {
	n, ok := Mask(s)
	if !ok || n > 0xffffffff {
		return ""
	}
	return logonStatus[uint32(n)]
}

var logonStatus = map[uint32]string{
	0x0:        "Status OK.",
	0xc000005e: "There are currently no logon servers available to service the logon request.",
	0xc0000064: "User logon with misspelled or bad user account",
	0xc000006a: "User logon with misspelled or bad password",
	0xc000006d: "This is either due to a bad username or authentication information",
	0xc000006e: "Unknown user name or bad password.",
	0xc000006f: "User logon outside authorized hours",
	0xc0000070: "User logon from unauthorized workstation",
	0xc0000071: "User logon with expired password",
	0xc0000072: "User logon to account disabled by administrator",
	0xc00000dc: "Indicates the Sam Server was in the wrong state to perform the desired operation.",
	0xc0000133: "Clocks between DC and other computer too far out of sync",
	0xc000015b: "The user has not been granted the requested logon type (aka logon right) at this machine",
	0xc000018c: "The logon request failed because the trust relationship between the primary domain and the trusted domain failed.",
	0xc0000192: "An attempt was made to logon, but the Netlogon service was not started.",
	0xc0000193: "User logon with expired account",
	0xc0000224: "User is required to change password at next logon",
	0xc0000225: "Evidently a bug in Windows and not a risk",
	0xc0000234: "User logon with account locked",
	0xc00002ee: "Failure Reason: An Error occurred during Logon",
	0xc0000371: "The local account store does not contain secret material for the specified account",
	0xc0000413: "Logon Failure: The machine you are logging on to is protected by an authentication firewall. The specified account is not allowed to authenticate to the machine.",
}

// KerberosStatus names an error of Kerberos (RFC 4120, 7.5.9).
func KerberosStatus(s string) string {
	n, ok := Mask(s)
	if !ok || n >= uint64(len(kerberosStatus)) {
		return ""
	}
	return kerberosStatus[n]
}

var kerberosStatus = [...]string{
	0x00: "KDC_ERR_NONE", 0x01: "KDC_ERR_NAME_EXP", 0x02: "KDC_ERR_SERVICE_EXP", 0x03: "KDC_ERR_BAD_PVNO",
	0x04: "KDC_ERR_C_OLD_MAST_KVNO", 0x05: "KDC_ERR_S_OLD_MAST_KVNO", 0x06: "KDC_ERR_C_PRINCIPAL_UNKNOWN",
	0x07: "KDC_ERR_S_PRINCIPAL_UNKNOWN", 0x08: "KDC_ERR_PRINCIPAL_NOT_UNIQUE", 0x09: "KDC_ERR_NULL_KEY",
	0x0a: "KDC_ERR_CANNOT_POSTDATE", 0x0b: "KDC_ERR_NEVER_VALID", 0x0c: "KDC_ERR_POLICY", 0x0d: "KDC_ERR_BADOPTION",
	0x0e: "KDC_ERR_ETYPE_NOTSUPP", 0x0f: "KDC_ERR_SUMTYPE_NOSUPP", 0x10: "KDC_ERR_PADATA_TYPE_NOSUPP",
	0x11: "KDC_ERR_TRTYPE_NO_SUPP", 0x12: "KDC_ERR_CLIENT_REVOKED", 0x13: "KDC_ERR_SERVICE_REVOKED",
	0x14: "KDC_ERR_TGT_REVOKED", 0x15: "KDC_ERR_CLIENT_NOTYET", 0x16: "KDC_ERR_SERVICE_NOTYET",
	0x17: "KDC_ERR_KEY_EXPIRED", 0x18: "KDC_ERR_PREAUTH_FAILED", 0x19: "KDC_ERR_PREAUTH_REQUIRED",
	0x1a: "KDC_ERR_SERVER_NOMATCH", 0x1b: "KDC_ERR_MUST_USE_USER2USER", 0x1c: "KDC_ERR_PATH_NOT_ACCEPTED",
	0x1d: "KDC_ERR_SVC_UNAVAILABLE",
	0x1f: "KRB_AP_ERR_BAD_INTEGRITY", 0x20: "KRB_AP_ERR_TKT_EXPIRED", 0x21: "KRB_AP_ERR_TKT_NYV",
	0x22: "KRB_AP_ERR_REPEAT", 0x23: "KRB_AP_ERR_NOT_US", 0x24: "KRB_AP_ERR_BADMATCH", 0x25: "KRB_AP_ERR_SKEW",
	0x26: "KRB_AP_ERR_BADADDR", 0x27: "KRB_AP_ERR_BADVERSION", 0x28: "KRB_AP_ERR_MSG_TYPE",
	0x29: "KRB_AP_ERR_MODIFIED", 0x2a: "KRB_AP_ERR_BADORDER", 0x2c: "KRB_AP_ERR_BADKEYVER",
	0x2d: "KRB_AP_ERR_NOKEY", 0x2e: "KRB_AP_ERR_MUT_FAIL", 0x2f: "KRB_AP_ERR_BADDIRECTION",
	0x30: "KRB_AP_ERR_METHOD", 0x31: "KRB_AP_ERR_BADSEQ", 0x32: "KRB_AP_ERR_INAPP_CKSUM",
	0x33: "KRB_AP_PATH_NOT_ACCEPTED", 0x34: "KRB_ERR_RESPONSE_TOO_BIG", 0x3c: "KRB_ERR_GENERIC",
	0x3d: "KRB_ERR_FIELD_TOOLONG", 0x3e: "KDC_ERR_CLIENT_NOT_TRUSTED", 0x3f: "KDC_ERR_KDC_NOT_TRUSTED",
	0x40: "KDC_ERR_INVALID_SIG", 0x41: "KDC_ERR_KEY_TOO_WEAK", 0x42: "KRB_AP_ERR_USER_TO_USER_REQUIRED",
	0x43: "KRB_AP_ERR_NO_TGT", 0x44: "KDC_ERR_WRONG_REALM",
}

// AuditPolicy names the category and subcategory of an audit policy by the
// subcategory's GUID (ntsecapi.h), with braces or without, in any case.
func AuditPolicy(guid string) (category, subcategory string) {
	guid = strings.TrimSuffix(strings.TrimPrefix(guid, "{"), "}")
	const head, tail = "0cce92", "-69ae-11d9-bed3-505054503030"
	if len(guid) != len(head)+2+len(tail) || !strings.EqualFold(guid[:len(head)], head) || !strings.EqualFold(guid[len(head)+2:], tail) {
		return "", ""
	}
	n, err := strconv.ParseUint(guid[len(head):len(head)+2], 16, 8)
	if err != nil || n < auditFirst || n >= auditFirst+uint64(len(auditPolicies)) {
		return "", ""
	}
	p := auditPolicies[n-auditFirst]
	return p.category, p.name
}

const auditFirst = 0x10

const (
	auditSystem     = "System"
	auditLogon      = "Logon/Logoff"
	auditObject     = "Object Access"
	auditPrivilege  = "Privilege Use"
	auditTracking   = "Detailed Tracking"
	auditPolicy     = "Policy Change"
	auditAccount    = "Account Management"
	auditDirectory  = "DS Access"
	auditAccountLog = "Account Logon"
)

// auditPolicies are in the order of the seventh and eighth digit of their GUIDs.
var auditPolicies = [...]struct{ category, name string }{
	{auditSystem, "Security State Change"}, {auditSystem, "Security System Extension"}, {auditSystem, "System Integrity"},
	{auditSystem, "IPsec Driver"}, {auditSystem, "Other System Events"},
	{auditLogon, "Logon"}, {auditLogon, "Logoff"}, {auditLogon, "Account Lockout"}, {auditLogon, "IPsec Main Mode"},
	{auditLogon, "IPsec Quick Mode"}, {auditLogon, "IPsec Extended Mode"}, {auditLogon, "Special Logon"},
	{auditLogon, "Other Logon/Logoff Events"},
	{auditObject, "File System"}, {auditObject, "Registry"}, {auditObject, "Kernel Object"}, {auditObject, "SAM"},
	{auditObject, "Certification Services"}, {auditObject, "Application Generated"}, {auditObject, "Handle Manipulation"},
	{auditObject, "File Share"}, {auditObject, "Filtering Platform Packet Drop"},
	{auditObject, "Filtering Platform Connection"}, {auditObject, "Other Object Access Events"},
	{auditPrivilege, "Sensitive Privilege Use"}, {auditPrivilege, "Non Sensitive Privilege Use"},
	{auditPrivilege, "Other Privilege Use Events"},
	{auditTracking, "Process Creation"}, {auditTracking, "Process Termination"}, {auditTracking, "DPAPI Activity"},
	{auditTracking, "RPC Events"},
	{auditPolicy, "Audit Policy Change"}, {auditPolicy, "Authentication Policy Change"},
	{auditPolicy, "Authorization Policy Change"}, {auditPolicy, "MPSSVC Rule-Level Policy Change"},
	{auditPolicy, "Filtering Platform Policy Change"}, {auditPolicy, "Other Policy Change Events"},
	{auditAccount, "User Account Management"}, {auditAccount, "Computer Account Management"},
	{auditAccount, "Security Group Management"}, {auditAccount, "Distribution Group Management"},
	{auditAccount, "Application Group Management"}, {auditAccount, "Other Account Management Events"},
	{auditDirectory, "Directory Service Access"}, {auditDirectory, "Directory Service Changes"},
	{auditDirectory, "Directory Service Replication"}, {auditDirectory, "Detailed Directory Service Replication"},
	{auditAccountLog, "Credential Validation"}, {auditAccountLog, "Kerberos Service Ticket Operations"},
	{auditAccountLog, "Other Account Logon Events"}, {auditAccountLog, "Kerberos Authentication Service"},
	{auditLogon, "Network Policy Server"}, {auditObject, "Detailed File Share"}, {auditObject, "Removable Storage"},
	{auditObject, "Central Policy Staging"}, {auditLogon, "User / Device Claims"}, {auditTracking, "Plug and Play Events"},
	{auditLogon, "Group Membership"}, {auditPolicy, "Token Right Adjusted Events"},
}
