package wincode

import "strconv"

// Message returns the text of a %% number, which is written with the two signs
// or without: "%%2313" is "Unknown user name or bad password.".
func Message(s string) string {
	if len(s) > 2 && s[0] == '%' && s[1] == '%' {
		s = s[2:]
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return ""
	}
	return messages[uint16(n)]
}

// messages is the part of the message table that events of the Security log
// refer to for reasons, rights, changes and places in the network stack.
var messages = map[uint16]string{
	// standard rights
	1537: "DELETE", 1538: "READ_CONTROL", 1539: "WRITE_DAC", 1540: "WRITE_OWNER", 1541: "SYNCHRONIZE",
	1542: "ACCESS_SYS_SEC", 1543: "MAX_ALLOWED",
	// values
	1792: "<never>", 1793: "<value not set>", 1794: "<never>", 1795: "Enabled", 1796: "Disabled", 1797: "All", 1798: "None",
	1799: "Audit Policy query/set API Operation", 1800: "<Value change auditing for this registry type is not supported>",
	1801: "Granted by", 1802: "Denied by", 1803: "Denied by Integrity Policy check", 1804: "Granted by Ownership",
	1805: "Not granted", 1806: "Granted by NULL DACL", 1807: "Denied by Empty DACL", 1808: "Granted by NULL Security Descriptor",
	1809: "Unknown or unchecked", 1810: "Not granted due to missing", 1811: "Granted by ACE on parent folder",
	1812: "Denied by ACE on parent folder", 1813: "Granted by Central Access Rule", 1814: "NOT Granted by Central Access Rule",
	1815: "Granted by parent folder's Central Access Rule", 1816: "NOT Granted by parent folder's Central Access Rule",
	1842: "Not Configured", 1843: "Yes", 1844: "No",
	// impersonation, token elevation
	1832: "Identification", 1833: "Impersonation", 1840: "Delegation",
	1872: "REG_NONE", 1873: "REG_SZ", 1874: "REG_EXPAND_SZ", 1875: "REG_BINARY", 1876: "REG_DWORD", 1877: "REG_DWORD_BIG_ENDIAN",
	1878: "REG_LINK", 1879: "REG_MULTI_SZ", 1880: "REG_RESOURCE_LIST", 1881: "REG_FULL_RESOURCE_DESCRIPTOR",
	1882: "REG_RESOURCE_REQUIREMENTS_LIST", 1883: "REG_QWORD",
	1904: "New registry value created", 1905: "Existing registry value modified", 1906: "Registry value deleted",
	1936: "TokenElevationTypeDefault (1)", 1937: "TokenElevationTypeFull (2)", 1938: "TokenElevationTypeLimited (3)",
	// changes of account control
	2048: "Account Enabled", 2049: "Home Directory Required - Disabled", 2050: "Password Not Required - Disabled",
	2051: "Temp Duplicate Account - Disabled", 2052: "Normal Account - Disabled", 2053: "MNS Logon Account - Disabled",
	2054: "Interdomain Trust Account - Disabled", 2055: "Workstation Trust Account - Disabled",
	2056: "Server Trust Account - Disabled", 2057: "Don't Expire Password - Disabled", 2058: "Account Unlocked",
	2059: "Encrypted Text Password Allowed - Disabled", 2060: "Smartcard Required - Disabled",
	2061: "Trusted For Delegation - Disabled", 2062: "Not Delegated - Disabled", 2063: "Use DES Key Only - Disabled",
	2064: "Don't Require Preauth - Disabled", 2065: "Password Expired - Disabled",
	2066: "Trusted To Authenticate For Delegation - Disabled", 2067: "Exclude Authorization Information - Disabled",
	2080: "Account Disabled", 2081: "Home Directory Required - Enabled", 2082: "Password Not Required - Enabled",
	2083: "Temp Duplicate Account - Enabled", 2084: "Normal Account - Enabled", 2085: "MNS Logon Account - Enabled",
	2086: "Interdomain Trust Account - Enabled", 2087: "Workstation Trust Account - Enabled",
	2088: "Server Trust Account - Enabled", 2089: "Don't Expire Password - Enabled", 2090: "Account Locked",
	2091: "Encrypted Text Password Allowed - Enabled", 2092: "Smartcard Required - Enabled",
	2093: "Trusted For Delegation - Enabled", 2094: "Not Delegated - Enabled", 2095: "Use DES Key Only - Enabled",
	2096: "Don't Require Preauth - Enabled", 2097: "Password Expired - Enabled",
	2098: "Trusted To Authenticate For Delegation - Enabled", 2099: "Exclude Authorization Information - Enabled",
	// reasons of failed logons
	2304: "An Error occured during Logon.", 2305: "The specified user account has expired.",
	2306: "The NetLogon component is not active.", 2307: "Account locked out.",
	2308: "The user has not been granted the requested logon type at this machine.",
	2309: "The specified account's password has expired.", 2310: "Account currently disabled.",
	2311: "Account logon time restriction violation.", 2312: "User not allowed to logon at this computer.",
	2313: "Unknown user name or bad password.", 2314: "Domain sid inconsistent.",
	2315: "Smartcard logon is required and was not used.",
	// rights to files
	4416: "ReadData (or ListDirectory)", 4417: "WriteData (or AddFile)",
	4418: "AppendData (or AddSubdirectory or CreatePipeInstance)", 4419: "ReadEA", 4420: "WriteEA",
	4421: "Execute/Traverse", 4422: "DeleteChild", 4423: "ReadAttributes", 4424: "WriteAttributes",
	// to registry keys
	4432: "Query key value", 4433: "Set key value", 4434: "Create sub-key", 4435: "Enumerate sub-keys",
	4436: "Notify about changes to keys", 4437: "Create Link",
	// to processes
	4480: "Force process termination", 4481: "Create new thread in process", 4482: "Set process session ID",
	4483: "Perform virtual memory operation", 4484: "Read from process memory", 4485: "Write to process memory",
	4486: "Duplicate handle into or out of process", 4487: "Create a subprocess of process", 4488: "Set process quotas",
	4489: "Set process information", 4490: "Query process information", 4491: "Set process termination port",
	// to the SAM
	5392: "ConnectToServer", 5393: "ShutdownServer", 5394: "InitializeServer", 5395: "CreateDomain", 5396: "EnumerateDomains",
	5397: "LookupDomain", 5408: "ReadPasswordParameters", 5409: "WritePasswordParameters", 5410: "ReadOtherParameters",
	5411: "WriteOtherParameters", 5412: "CreateUser", 5413: "CreateGlobalGroup", 5414: "CreateLocalGroup",
	5415: "GetLocalGroupMembership", 5416: "ListAccounts", 5417: "LookupIDs", 5418: "AdministerServer",
	5424: "ReadInformation", 5425: "WriteAccount", 5426: "AddMember", 5427: "RemoveMember", 5428: "ListMembers",
	5440: "AddMember", 5441: "RemoveMember", 5442: "ListMembers", 5443: "ReadInformation", 5444: "WriteAccount",
	5456: "ReadGeneralInformation", 5457: "ReadPreferences", 5458: "WritePreferences", 5459: "ReadLogon",
	5460: "ReadAccount", 5461: "WriteAccount", 5462: "ChangePassword (with knowledge of old password)",
	5463: "SetPassword (without knowledge of old password)", 5464: "ListGroups", 5465: "ReadGroupMembership",
	5466: "ChangeGroupMembership",
	// to the service control manager and to services
	7168: "Connect to service controller", 7169: "Create a new service", 7170: "Enumerate services",
	7171: "Lock service database for exclusive access", 7172: "Query service database lock state",
	7173: "Set last-known-good state of service database",
	7184: "Query service configuration information", 7185: "Set service configuration information",
	7186: "Query status of service", 7187: "Enumerate dependencies of service", 7188: "Start the service",
	7189: "Stop the service", 7190: "Pause or continue the service", 7191: "Query information from service",
	7192: "Issue service-specific control commands",
	// to directory objects
	7680: "Create Child", 7681: "Delete Child", 7682: "List Contents", 7683: "Write Self", 7684: "Read Property",
	7685: "Write Property", 7686: "Delete Tree", 7687: "List Object", 7688: "Control Access",
	// changes of audit policies
	8448: "Success removed", 8449: "Success Added", 8450: "Failure removed", 8451: "Failure Added",
	8452: "Success include removed", 8453: "Success include added", 8454: "Success exclude removed",
	8455: "Success exclude added", 8456: "Failure include removed", 8457: "Failure include added",
	8458: "Failure exclude removed", 8459: "Failure exclude added",
	8272: "System", 8273: "Logon/Logoff", 8274: "Object Access", 8275: "Privilege Use", 8276: "Detailed Tracking",
	8277: "Policy Change", 8278: "Account Management", 8279: "DS Access", 8280: "Account Logon",
	// the Windows Filtering Platform
	14592: "Inbound", 14593: "Outbound", 14594: "Forward", 14595: "Bidirectional", 14596: "IP Packet", 14597: "Transport",
	14598: "Forward", 14599: "Stream", 14600: "Datagram Data", 14601: "ICMP Error", 14602: "MAC 802.3", 14603: "MAC Native",
	14604: "vSwitch", 14608: "Resource Assignment", 14609: "Listen", 14610: "Receive/Accept", 14611: "Connect",
	14612: "Flow Established", 14614: "Resource Release", 14615: "Endpoint Closure", 14616: "Connect Redirect",
	14617: "Bind Redirect", 14624: "Stream Packet", 14640: "ICMP Echo-Request", 14641: "vSwitch Ingress",
	14642: "vSwitch Egress",
	// directory service changes (5136)
	14674: "Value Added", 14675: "Value Deleted", 14676: "Active Directory Domain Services", 14677: "Active Directory Lightweight Directory Services",
	14678: "Yes", 14679: "No", 14680: "Value Added With Expiration Time", 14681: "Value Deleted With Expiration Time",
}
