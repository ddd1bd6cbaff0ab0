package wincode

// Message returns the text of a %% number, which is written with the two signs
// or without: "%%2313" is "Unknown user name or bad password.".
func Message(s string) string {
	if len(s) > 2 && s[0] == '%' && s[1] == '%' {
		s = s[2:]
	}
	if len(s) == 0 || len(s) > 5 {
		return ""
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return ""
		}
		n = n*10 + int(c-'0')
	}
	if text := messages[n]; text != "" {
		return text
	}
	if n >= 4352 && n < 4624 || n >= 5120 && n < 5152 || n >= 5376 && n < 5392 {
		return undefined[n%16] // each kind of object has sixteen numbers, a bit each
	}
	return ""
}

// undefined are the rights to kernel objects that have no name of their own.
var undefined = [16]string{
	"Undefined Access (no effect) Bit 0", "Undefined Access (no effect) Bit 1", "Undefined Access (no effect) Bit 2",
	"Undefined Access (no effect) Bit 3", "Undefined Access (no effect) Bit 4", "Undefined Access (no effect) Bit 5",
	"Undefined Access (no effect) Bit 6", "Undefined Access (no effect) Bit 7", "Undefined Access (no effect) Bit 8",
	"Undefined Access (no effect) Bit 9", "Undefined Access (no effect) Bit 10", "Undefined Access (no effect) Bit 11",
	"Undefined Access (no effect) Bit 12", "Undefined Access (no effect) Bit 13", "Undefined Access (no effect) Bit 14",
	"Undefined Access (no effect) Bit 15",
}

// messages is the part of the message table that events of the Security log
// refer to for reasons, rights, changes and places in the network stack.
var messages = map[int]string{
	// standard rights
	1537: "DELETE", 1538: "READ_CONTROL", 1539: "WRITE_DAC", 1540: "WRITE_OWNER", 1541: "SYNCHRONIZE",
	1542: "ACCESS_SYS_SEC", 1543: "MAX_ALLOWED",
	1552: "Unknown specific access (bit 0)", 1553: "Unknown specific access (bit 1)", 1554: "Unknown specific access (bit 2)",
	1555: "Unknown specific access (bit 3)", 1556: "Unknown specific access (bit 4)", 1557: "Unknown specific access (bit 5)",
	1558: "Unknown specific access (bit 6)", 1559: "Unknown specific access (bit 7)", 1560: "Unknown specific access (bit 8)",
	1561: "Unknown specific access (bit 9)", 1562: "Unknown specific access (bit 10)", 1563: "Unknown specific access (bit 11)",
	1564: "Unknown specific access (bit 12)", 1565: "Unknown specific access (bit 13)", 1566: "Unknown specific access (bit 14)",
	1567: "Unknown specific access (bit 15)",
	// privileges
	1601: "Not used", 1603: "Assign Primary Token Privilege", 1604: "Lock Memory Privilege", 1605: "Increase Memory Quota Privilege",
	1606: "Unsolicited Input Privilege", 1607: "Trusted Computer Base Privilege", 1608: "Security Privilege",
	1609: "Take Ownership Privilege", 1610: "Load/Unload Driver Privilege", 1611: "Profile System Privilege",
	1612: "Set System Time Privilege", 1613: "Profile Single Process Privilege", 1614: "Increment Base Priority Privilege",
	1615: "Create Pagefile Privilege", 1616: "Create Permanent Object Privilege", 1617: "Backup Privilege",
	1618: "Restore From Backup Privilege", 1619: "Shutdown System Privilege", 1620: "Debug Privilege",
	1621: "View or Change Audit Log Privilege", 1622: "Change Hardware Environment Privilege",
	1623: "Change Notify (and Traverse) Privilege", 1624: "Remotely Shut System Down Privilege",
	// values, and why access was granted or denied
	1793: "<value not set>", 1794: "<never>", 1797: "All",
	1801: "Granted by", 1802: "Denied by", 1803: "Denied by Integrity Policy check", 1804: "Granted by Ownership",
	1805: "Not granted", 1806: "Granted by NULL DACL", 1807: "Denied by Empty DACL", 1808: "Granted by NULL Security Descriptor",
	1809: "Unknown or unchecked", 1810: "Not granted due to missing", 1811: "Granted by ACE on parent folder",
	1812: "Denied by ACE on parent folder", 1813: "Granted by Central Access Rule", 1814: "NOT Granted by Central Access Rule",
	1815: "Granted by parent folder's Central Access Rule", 1816: "NOT Granted by parent folder's Central Access Rule",
	1841: "Denied by Process Trust Label ACE", 1842: "Yes", 1843: "No", 1844: "System", 1845: "Not Available", 1846: "Default",
	1847: "DisallowMmConfig", 1848: "Off", 1849: "Auto",
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
	// to directories of the object manager, events, mutants, ports, profiles, sections, semaphores, links
	4368: "Query directory", 4369: "Traverse", 4370: "Create object in directory", 4371: "Create sub-directory",
	4384: "Query event state", 4385: "Modify event state", 4448: "Query mutant state", 4464: "Communicate using port",
	4496: "Control profile", 4512: "Query section state", 4513: "Map section for write", 4514: "Map section for read",
	4515: "Map section for execute", 4516: "Extend size", 4528: "Query semaphore state", 4529: "Modify semaphore state",
	4544: "Use symbolic link",
	// to threads, timers, tokens, jobs
	4560: "Force thread termination", 4561: "Suspend or resume thread", 4562: "Send an alert to thread",
	4563: "Get thread context", 4564: "Set thread context", 4565: "Set thread information", 4566: "Query thread information",
	4567: "Assign a token to the thread", 4568: "Cause thread to directly impersonate another thread",
	4569: "Directly impersonate this thread", 4576: "Query timer state", 4577: "Modify timer state",
	4592: "AssignAsPrimary", 4593: "Duplicate", 4594: "Impersonate", 4595: "Query", 4596: "QuerySource",
	4597: "AdjustPrivileges", 4598: "AdjustGroups", 4599: "AdjustDefaultDacl", 4608: "Create instance of object type",
	5120: "Channel read message", 5121: "Channel write message", 5122: "Channel query information",
	5123: "Channel set information", 5136: "Assign process", 5137: "Set Attributes", 5138: "Query Attributes",
	5139: "Terminate Job", 5140: "Set Security Attributes",
	// to the SAM: its server, domains, groups, aliases, users
	5376: "ConnectToServer", 5377: "ShutdownServer", 5378: "InitializeServer", 5379: "CreateDomain", 5380: "EnumerateDomains",
	5381: "LookupDomain",
	5392: "ReadPasswordParameters", 5393: "WritePasswordParameters", 5394: "ReadOtherParameters", 5395: "WriteOtherParameters",
	5396: "CreateUser", 5397: "CreateGlobalGroup", 5398: "CreateLocalGroup", 5399: "GetLocalGroupMembership",
	5400: "ListAccounts", 5401: "LookupIDs", 5402: "AdministerServer",
	5408: "ReadInformation", 5409: "WriteAccount", 5410: "AddMember", 5411: "RemoveMember", 5412: "ListMembers",
	5424: "AddMember", 5425: "RemoveMember", 5426: "ListMembers", 5427: "ReadInformation", 5428: "WriteAccount",
	5440: "ReadGeneralInformation", 5441: "ReadPreferences", 5442: "WritePreferences", 5443: "ReadLogon",
	5444: "ReadAccount", 5445: "WriteAccount", 5446: "ChangePassword (with knowledge of old password)",
	5447: "SetPassword (without knowledge of old password)", 5448: "ListGroups", 5449: "ReadGroupMembership",
	5450: "ChangeGroupMembership",
	// to the LSA: its policy, secrets, trusted domains, accounts
	5632: "View non-sensitive policy information", 5633: "View system audit requirements",
	5634: "Get sensitive policy information", 5635: "Modify domain trust relationships",
	5636: "Create special accounts (for assignment of user rights)", 5637: "Create a secret object",
	5638: "Create a privilege", 5639: "Set default quota limits", 5640: "Change system audit requirements",
	5641: "Administer audit log attributes", 5642: "Enable/Disable LSA", 5643: "Lookup Names/SIDs",
	5648: "Change secret value", 5649: "Query secret value", 5664: "Query trusted domain name/SID",
	5665: "Retrieve the controllers in the trusted domain", 5666: "Change the controllers in the trusted domain",
	5667: "Query the Posix ID offset assigned to the trusted domain",
	5668: "Change the Posix ID offset assigned to the trusted domain", 5680: "Query account information",
	5681: "Change privileges assigned to account", 5682: "Change quotas assigned to account",
	5683: "Change logon capabilities assigned to account",
	// to printers
	6912: "Administer print server", 6913: "Enumerate printers", 6930: "Full Control", 6931: "Print", 6948: "Administer Document",
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
	// audit policies, which are the tasks of events, too
	12288: "Security State Change", 12289: "Security System Extension", 12290: "System Integrity", 12291: "IPsec Driver",
	12292: "Other System Events",
	12544: "Logon", 12545: "Logoff", 12546: "Account Lockout", 12547: "IPsec Main Mode", 12548: "Special Logon",
	12549: "IPsec Quick Mode", 12550: "IPsec Extended Mode", 12551: "Other Logon/Logoff Events", 12552: "Network Policy Server",
	12553: "User / Device Claims", 12554: "Group Membership",
	12800: "File System", 12801: "Registry", 12802: "Kernel Object", 12803: "SAM", 12804: "Other Object Access Events",
	12805: "Certification Services", 12806: "Application Generated", 12807: "Handle Manipulation", 12808: "File Share",
	12809: "Filtering Platform Packet Drop", 12810: "Filtering Platform Connection", 12811: "Detailed File Share",
	12812: "Removable Storage", 12813: "Central Policy Staging",
	13056: "Sensitive Privilege Use", 13057: "Non Sensitive Privilege Use", 13058: "Other Privilege Use Events",
	13312: "Process Creation", 13313: "Process Termination", 13314: "DPAPI Activity", 13315: "RPC Events",
	13316: "Plug and Play Events", 13317: "Token Right Adjusted Events",
	13568: "Audit Policy Change", 13569: "Authentication Policy Change", 13570: "Authorization Policy Change",
	13571: "MPSSVC Rule-Level Policy Change", 13572: "Filtering Platform Policy Change", 13573: "Other Policy Change Events",
	13824: "User Account Management", 13825: "Computer Account Management", 13826: "Security Group Management",
	13827: "Distribution Group Management", 13828: "Application Group Management", 13829: "Other Account Management Events",
	14080: "Directory Service Access", 14081: "Directory Service Changes", 14082: "Directory Service Replication",
	14083: "Detailed Directory Service Replication",
	14336: "Credential Validation", 14337: "Kerberos Service Ticket Operations", 14338: "Other Account Logon Events",
	14339: "Kerberos Authentication Service",
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
