package ecs

import "github.com/tocsin-project/tocsin/ecs/wincode"

// The Security log's events, as Elastic's pipelines map them (MAPPING §3). What
// stands in winlog.event_data stays there beside its ECS field, but for what
// these pipelines take out: the calling process, addresses and ports.
var security = provider{
	module:    "security",
	dataset:   "system.security",
	channel:   "Security",
	providers: "Microsoft-Windows-Security-Auditing,Microsoft-Windows-Eventlog",
	noEmpty:   true,
	common:    &mapping{rows: [][]row{securityRows}, steps: []step{securityClock, securityTask}},
	events: map[string]*mapping{
		"1100": {category: "process", types: "end", action: "logging-service-shutdown"},
		"1102": {category: "iam", types: "admin change", action: "audit-log-cleared", rows: [][]row{subjectIsUser}},
		"1104": {category: "iam", types: "admin", action: "logging-full"},
		"1105": {category: "iam", types: "admin", action: "auditlog-archieved"},
		"1108": {category: "iam", types: "admin", action: "logging-processing-error"},
		"4610": {category: "configuration", types: "access", action: "authentication-package-loaded"},
		"4611": {category: "configuration", types: "change", action: "trusted-logon-process-registered"},
		"4614": {category: "configuration", types: "access", action: "notification-package-loaded"},
		"4616": {category: "configuration", types: "change", action: "system-time-changed"},
		"4622": {category: "configuration", types: "access", action: "security-package-loaded"},
		"4624": {category: "authentication", types: "start", action: "logged-in", rows: [][]row{targetIsUser, callingProcess, sourceAddress, sourceName, logonType, subjectIsRelated}},
		"4625": {category: "authentication", types: "start", action: "logon-failed", rows: [][]row{targetIsUser, callingProcess, sourceAddress, sourceName, logonType, logonFailure}},
		"4634": {category: "authentication", types: "end", action: "logged-out", rows: [][]row{targetIsUser, logonType, endedLogon}},
		"4647": {category: "authentication", types: "end", action: "logged-out", rows: [][]row{targetIsUser, logonType, endedLogon}},
		"4648": {category: "authentication", types: "start", action: "logged-in-explicit", rows: [][]row{subjectIsUser, targetIsEffective, callingProcess, sourceAddress}},
		"4657": {category: "registry configuration", types: "change", action: "registry-value-modified", rows: [][]row{subjectIsUser, callingProcess}},
		"4662": {category: "iam configuration", types: "admin change", action: "object-operation-performed", rows: [][]row{subjectIsUser}},
		"4670": {category: "iam configuration", types: "admin change", action: "permissions-changed", rows: [][]row{subjectIsUser, callingProcess}, steps: []step{descriptors}},
		"4672": {category: "iam", types: "admin", action: "logged-in-special", rows: [][]row{subjectIsUser, privileges}},
		"4673": {category: "iam", types: "admin", action: "privileged-service-called", rows: [][]row{subjectIsUser, callingProcess, privileges}},
		"4674": {category: "iam", types: "admin", action: "privileged-operation", rows: [][]row{subjectIsUser, callingProcess, privileges}},
		"4688": {category: "process", types: "start", action: "created-process", rows: [][]row{subjectIsUser, targetIsEffective, newProcess}},
		"4689": {category: "process", types: "end", action: "exited-process", rows: [][]row{subjectIsUser, callingProcess}},
		"4697": {category: "iam configuration", types: "admin change", action: "service-installed", rows: [][]row{subjectIsUser, service}},
		"4698": {category: "iam configuration", types: "creation admin", action: "scheduled-task-created", rows: [][]row{subjectIsUser}, steps: []step{scheduledTask}},
		"4699": {category: "iam configuration", types: "deletion admin", action: "scheduled-task-deleted", rows: [][]row{subjectIsUser}, steps: []step{scheduledTask}},
		"4700": {category: "iam configuration", types: "change admin", action: "scheduled-task-enabled", rows: [][]row{subjectIsUser}, steps: []step{scheduledTask}},
		"4701": {category: "iam configuration", types: "change admin", action: "scheduled-task-disabled", rows: [][]row{subjectIsUser}, steps: []step{scheduledTask}},
		"4702": {category: "iam configuration", types: "change admin", action: "scheduled-task-updated", rows: [][]row{subjectIsUser}, steps: []step{scheduledTask}},
		"4706": {category: "configuration", types: "creation", action: "domain-trust-added", rows: [][]row{subjectIsUser, trust}},
		"4707": {category: "configuration", types: "deletion", action: "domain-trust-removed", rows: [][]row{subjectIsUser}},
		"4713": {category: "configuration", types: "change", action: "kerberos-policy-changed", rows: [][]row{subjectIsUser}},
		"4714": {category: "configuration", types: "change", action: "encrypted-data-recovery-policy-changed", rows: [][]row{subjectIsUser}},
		"4715": {category: "configuration", types: "change", action: "object-audit-policy-changed", rows: [][]row{subjectIsUser}, steps: []step{descriptors}},
		"4716": {category: "configuration", types: "change", action: "trusted-domain-information-changed", rows: [][]row{subjectIsUser, trust}},
		"4717": {category: "iam configuration", types: "admin change", action: "system-security-access-granted", rows: [][]row{subjectIsUser}},
		"4718": {category: "iam configuration", types: "admin deletion", action: "system-security-access-removed", rows: [][]row{subjectIsUser}},
		"4719": {category: "iam configuration", types: "admin change", action: "changed-audit-config", rows: [][]row{subjectIsUser, auditPolicy}},
		"4720": {category: "iam", types: "user creation", action: "added-user-account", rows: [][]row{subjectIsUser, targetIsTarget, accountControl}},
		"4722": {category: "iam", types: "user change", action: "enabled-user-account", rows: [][]row{subjectIsUser, targetIsTarget}},
		"4723": {category: "iam", types: "user change", action: "changed-password", rows: [][]row{subjectIsUser, targetIsTarget}},
		"4724": {category: "iam", types: "user change", action: "reset-password", rows: [][]row{subjectIsUser, targetIsTarget}},
		"4725": {category: "iam", types: "user deletion", action: "disabled-user-account", rows: [][]row{subjectIsUser, targetIsTarget}},
		"4726": {category: "iam", types: "user deletion", action: "deleted-user-account", rows: [][]row{subjectIsUser, targetIsTarget}},
		"4727": {category: "iam", types: "group creation", action: "added-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4728": {category: "iam", types: "group change", action: "added-member-to-group", rows: [][]row{subjectIsUser, targetIsGroup, memberIsTarget}},
		"4729": {category: "iam", types: "group change", action: "removed-member-from-group", rows: [][]row{subjectIsUser, targetIsGroup, memberIsTarget}},
		"4730": {category: "iam", types: "group deletion", action: "deleted-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4731": {category: "iam", types: "group creation", action: "added-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4732": {category: "iam", types: "group change", action: "added-member-to-group", rows: [][]row{subjectIsUser, targetIsGroup, memberIsTarget}},
		"4733": {category: "iam", types: "group change", action: "removed-member-from-group", rows: [][]row{subjectIsUser, targetIsGroup, memberIsTarget}},
		"4734": {category: "iam", types: "group deletion", action: "deleted-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4735": {category: "iam", types: "group change", action: "modified-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4737": {category: "iam", types: "group change", action: "modified-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4738": {category: "iam", types: "user change", action: "modified-user-account", rows: [][]row{subjectIsUser, targetIsTarget, accountControl}},
		"4739": {category: "configuration", types: "change", action: "domain-policy-changed", rows: [][]row{subjectIsUser}},
		"4740": {category: "iam", types: "user change", action: "locked-out-user-account", rows: [][]row{subjectIsUser, targetIsTarget}},
		"4741": {category: "iam", types: "creation admin", action: "added-computer-account", rows: [][]row{subjectIsUser, targetIsComputer, privileges, accountControl}},
		"4742": {category: "iam", types: "change admin", action: "changed-computer-account", rows: [][]row{subjectIsUser, targetIsComputer, privileges, accountControl}},
		"4743": {category: "iam", types: "deletion admin", action: "deleted-computer-account", rows: [][]row{subjectIsUser, targetIsComputer, privileges}},
		"4744": {category: "iam", types: "group creation", action: "added-distribution-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4745": {category: "iam", types: "group change", action: "changed-distribution-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4746": {category: "iam", types: "group change", action: "added-member-to-distribution-group", rows: [][]row{subjectIsUser, targetIsGroup, memberIsTarget}},
		"4747": {category: "iam", types: "group change", action: "removed-member-from-distribution-group", rows: [][]row{subjectIsUser, targetIsGroup, memberIsTarget}},
		"4748": {category: "iam", types: "group deletion", action: "deleted-distribution-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4749": {category: "iam", types: "group creation", action: "added-distribution-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4750": {category: "iam", types: "group change", action: "changed-distribution-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4751": {category: "iam", types: "group change", action: "added-member-to-distribution-group", rows: [][]row{subjectIsUser, targetIsGroup, memberIsTarget}},
		"4752": {category: "iam", types: "group change", action: "removed-member-from-distribution-group", rows: [][]row{subjectIsUser, targetIsGroup, memberIsTarget}},
		"4753": {category: "iam", types: "group deletion", action: "deleted-distribution-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4754": {category: "iam", types: "group creation", action: "added-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4755": {category: "iam", types: "group change", action: "modified-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4756": {category: "iam", types: "group change", action: "added-member-to-group", rows: [][]row{subjectIsUser, targetIsGroup, memberIsTarget}},
		"4757": {category: "iam", types: "group change", action: "removed-member-from-group", rows: [][]row{subjectIsUser, targetIsGroup, memberIsTarget}},
		"4758": {category: "iam", types: "group deletion", action: "deleted-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4759": {category: "iam", types: "group creation", action: "added-distribution-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4760": {category: "iam", types: "group change", action: "changed-distribution-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4761": {category: "iam", types: "group change", action: "added-member-to-distribution-group", rows: [][]row{subjectIsUser, targetIsGroup, memberIsTarget}},
		"4762": {category: "iam", types: "group change", action: "removed-member-from-distribution-group", rows: [][]row{subjectIsUser, targetIsGroup, memberIsTarget}},
		"4763": {category: "iam", types: "group deletion", action: "deleted-distribution-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4764": {category: "iam", types: "group change", action: "type-changed-group-account", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4767": {category: "iam", types: "user change", action: "unlocked-user-account", rows: [][]row{subjectIsUser, targetIsTarget}},
		"4768": {category: "authentication", types: "start", action: "kerberos-authentication-ticket-requested", rows: [][]row{targetIsUser, sourceAddress, ticket}},
		"4769": {category: "authentication", types: "start", action: "kerberos-service-ticket-requested", rows: [][]row{targetIsUser, sourceAddress, ticket}},
		"4770": {category: "authentication", types: "start", action: "kerberos-service-ticket-renewed", rows: [][]row{targetIsUser, sourceAddress, ticket}},
		"4771": {category: "authentication", types: "start", action: "kerberos-preauth-failed", rows: [][]row{targetIsUser, sourceAddress, ticket}},
		"4776": {category: "authentication", types: "start", action: "credential-validated", rows: [][]row{targetIsUser, validationStatus}},
		"4778": {category: "authentication session", types: "start", action: "session-reconnected", rows: [][]row{remoteSession}},
		"4779": {category: "authentication session", types: "end", action: "session-disconnected", rows: [][]row{remoteSession}},
		"4781": {category: "iam", types: "user change", action: "renamed-user-account", rows: [][]row{subjectIsUser, renamed}},
		"4797": {category: "iam", types: "user info", action: "query-existence-of-blank-password", rows: [][]row{subjectIsUser, targetIsTarget}},
		"4798": {category: "iam", types: "user info", action: "group-membership-enumerated", rows: [][]row{subjectIsUser, targetIsTarget}},
		"4799": {category: "iam", types: "group info", action: "user-member-enumerated", rows: [][]row{subjectIsUser, targetIsGroup}},
		"4817": {category: "iam configuration", types: "admin change", action: "object-audit-changed", rows: [][]row{subjectIsUser, targetIsTarget}, steps: []step{descriptors}},
		"4902": {category: "iam configuration", types: "admin creation", action: "user-audit-policy-created"},
		"4904": {category: "iam configuration", types: "admin change", action: "security-event-source-added", rows: [][]row{subjectIsUser, callingProcess}},
		"4905": {category: "iam configuration", types: "admin deletion", action: "security-event-source-removed", rows: [][]row{subjectIsUser, callingProcess}},
		"4906": {category: "iam configuration", types: "admin change", action: "crash-on-audit-changed"},
		"4907": {category: "iam configuration", types: "admin change", action: "audit-setting-changed", rows: [][]row{subjectIsUser, targetIsTarget, callingProcess}, steps: []step{descriptors}},
		"4908": {category: "iam configuration", types: "admin change", action: "special-group-table-changed", rows: [][]row{sidList}},
		"4912": {category: "iam configuration", types: "admin change", action: "per-user-audit-policy-changed", rows: [][]row{subjectIsUser}},
		"4950": {category: "configuration", types: "change", action: "windows-firewall-setting-changed"},
		"4954": {category: "configuration", types: "change", action: "windows-firewall-group-policy-changed"},
		"4964": {category: "iam", types: "admin group", action: "logged-in-special", rows: [][]row{targetIsUser}},
		"5024": {category: "process", types: "start", action: "windows-firewall-service-started"},
		"5025": {category: "process", types: "end", action: "windows-firewall-service-stopped"},
		"5033": {category: "driver", types: "start", action: "windows-firewall-driver-started"},
		"5034": {category: "driver", types: "end", action: "windows-firewall-driver-stopped"},
		"5037": {category: "driver", types: "end", action: "windows-firewall-driver-error"},
		"5136": {category: "iam configuration", types: "admin change", action: "directory-service-object-modified", rows: [][]row{subjectIsUser}},
		"5137": {category: "iam configuration", types: "admin creation", action: "directory-service-object-created", rows: [][]row{subjectIsUser}},
		"5140": {category: "network file", types: "info access", action: "network-share-object-accessed", rows: [][]row{subjectIsUser, sourceAddress}, steps: []step{sharedFile}},
		"5145": {category: "network file", types: "info access", action: "network-share-object-access-checked", rows: [][]row{subjectIsUser, sourceAddress}, steps: []step{sharedFile}},
		"5152": {category: "network", types: "connection info denied", action: "windows-firewall-packet-drop", rows: [][]row{filtered}, steps: []step{filteredCommunity}},
		"5156": {category: "network", types: "connection info allowed", action: "windows-firewall-connection", rows: [][]row{filtered}, steps: []step{filteredCommunity}},
		"5157": {category: "network", types: "connection info denied", action: "windows-firewall-packet-block", rows: [][]row{filtered}, steps: []step{filteredCommunity}},
		"5158": {category: "network", types: "info", action: "windows-firewall-bind-local-port", rows: [][]row{filtered}, steps: []step{filteredCommunity}},
		"5379": {category: "iam", types: "user info", action: "credential-manager-credentials-were-read", rows: [][]row{subjectIsUser}},
		"5380": {category: "iam", types: "user info", action: "vault-credential-find", rows: [][]row{subjectIsUser}},
		"5381": {category: "iam", types: "user info", action: "vault-credentials-were-read", rows: [][]row{subjectIsUser}},
		"5382": {category: "iam", types: "user info", action: "vault-credentials-were-read", rows: [][]row{subjectIsUser}},
	},
}

// securityRows hold for all ids, those without a row above included.
var securityRows = []row{
	{from: "SubjectLogonId", to: "winlog.logon.id", keep: true},
	{from: "AccessMask", to: "winlog.event_data.AccessMask winlog.event_data.AccessMaskDescription", do: accessMask},
	{from: "AccessList", to: "winlog.event_data.AccessListDescription", do: messageList, keep: true},
}

// Who did it, and to whom. "Target" means another party in each kind of event.

var subjectIsUser = []row{
	{from: "SubjectUserSid", to: "user.id", keep: true},
	{from: "SubjectUserName", to: "user.name related.user", do: userName, keep: true},
	{from: "SubjectDomainName", to: "user.domain", keep: true},
}

var subjectIsRelated = []row{
	{from: "SubjectUserName", to: "related.user", do: related, keep: true},
}

var targetIsUser = []row{
	{from: "TargetSid TargetUserSid", to: "user.id", keep: true},
	{from: "TargetUserName", to: "user.name related.user", do: accountName, keep: true},
	{from: "TargetDomainName", to: "user.domain", keep: true},
}

var targetIsTarget = []row{
	{from: "TargetUserSid TargetSid", to: "user.target.id", keep: true},
	{from: "TargetUserName", to: "user.target.name related.user", do: userName, keep: true},
	{from: "TargetDomainName", to: "user.target.domain", keep: true},
}

var targetIsEffective = []row{
	{from: "TargetUserSid", to: "user.effective.id", keep: true},
	{from: "TargetUserName", to: "user.effective.name related.user", do: userName, keep: true},
	{from: "TargetDomainName", to: "user.effective.domain", keep: true},
}

var targetIsGroup = []row{
	{from: "TargetUserSid TargetSid", to: "group.id", keep: true},
	{from: "TargetUserName", to: "group.name", keep: true},
	{from: "TargetDomainName", to: "group.domain", keep: true},
}

var memberIsTarget = []row{
	{from: "MemberName", to: "user.target.name user.target.domain related.user", do: memberName, keep: true},
	{from: "TargetUserSid TargetSid", to: "user.target.group.id", keep: true},
	{from: "TargetUserName", to: "user.target.group.name", keep: true},
	{from: "TargetDomainName", to: "user.target.group.domain", keep: true},
}

var targetIsComputer = []row{
	{from: "TargetSid", to: "winlog.computerObject.id", keep: true},
	{from: "TargetUserName", to: "winlog.computerObject.name", keep: true},
	{from: "TargetDomainName", to: "winlog.computerObject.domain", keep: true},
}

var renamed = []row{
	{from: "OldTargetUserName", to: "user.target.name related.user", do: userName, keep: true},
	{from: "NewTargetUserName", to: "user.changes.name related.user", do: userName, keep: true},
}

// Processes.

var callingProcess = []row{
	{from: "ProcessId", to: "process.pid", do: hexLong},
	{from: "ProcessName", to: "process.executable process.name", do: imagePath},
}

var newProcess = []row{
	{from: "NewProcessId", to: "process.pid", do: hexLong},
	{from: "NewProcessName", to: "process.executable process.name", do: imagePath},
	{from: "ProcessId", to: "process.parent.pid", do: hexLong, keep: true},
	{from: "ParentProcessName", to: "process.parent.executable process.parent.name", do: imagePath},
	{from: "CommandLine", to: "process.command_line process.args", do: quotedArgs, keep: true},
}

// Logons and tickets.

var sourceAddress = []row{
	{from: "IpAddress", to: "source.ip related.ip", do: unmappedIP},
	{from: "IpPort", to: "source.port", do: long},
}

var (
	sourceName = []row{{from: "WorkstationName", to: "source.domain"}}
	logonType  = []row{{from: "LogonType", to: "winlog.logon.type", do: named(wincode.LogonType), keep: true}}
	endedLogon = []row{{from: "TargetLogonId", to: "winlog.logon.id", keep: true}}
)

var logonFailure = []row{
	{from: "FailureReason", to: "winlog.logon.failure.reason", do: named(wincode.Message), keep: true},
	{from: "Status", to: "winlog.logon.failure.status", do: named(wincode.LogonStatus), keep: true},
	{from: "SubStatus", to: "winlog.logon.failure.sub_status", do: named(wincode.LogonStatus), keep: true},
}

var validationStatus = []row{
	{from: "Status", to: "winlog.logon.failure.status", do: named(wincode.LogonStatus), keep: true},
}

var ticket = []row{
	{from: "ServiceName", to: "service.name", keep: true},
	{from: "TicketOptions", to: "winlog.event_data.TicketOptionsDescription", do: flagList(wincode.TicketOptions()), keep: true},
	{from: "TicketEncryptionType", to: "winlog.event_data.TicketEncryptionTypeDescription", do: named(wincode.TicketEncryption), keep: true},
	{from: "Status", to: "winlog.event_data.StatusDescription", do: named(wincode.KerberosStatus), keep: true},
}

var remoteSession = []row{
	{from: "AccountName", to: "user.name related.user", do: userName, keep: true},
	{from: "AccountDomain", to: "user.domain", keep: true},
	{from: "ClientAddress", to: "source.ip related.ip winlog.event_data.ClientAddress", do: clientAddress},
	{from: "ClientName", to: "source.domain", keep: true},
	{from: "LogonID", to: "winlog.logon.id", keep: true},
}

// Accounts, policies, services.

var privileges = []row{
	{from: "PrivilegeList", to: "winlog.event_data.PrivilegeList", do: wordList},
}

var accountControl = []row{
	{from: "NewUacValue", to: "winlog.event_data.NewUACList", do: flagList(wincode.AccountFlags()), keep: true},
	{from: "UserAccountControl", to: "winlog.event_data.UserAccountControl", do: messageNumbers},
}

var sidList = []row{
	{from: "SidList", to: "winlog.event_data.SidList winlog.event_data.SidListDesc", do: sids},
}

var auditPolicy = []row{
	{from: "SubcategoryGuid", to: "winlog.event_data.Category winlog.event_data.SubCategory", do: auditNames, keep: true},
	{from: "AuditPolicyChanges", to: "winlog.event_data.AuditPolicyChangesDescription", do: messageList, keep: true},
}

var trust = []row{
	{from: "TdoType", to: "winlog.trustType", do: named(wincode.TrustType), keep: true},
	{from: "TdoDirection", to: "winlog.trustDirection", do: named(wincode.TrustDirection), keep: true},
	{from: "TdoAttributes", to: "winlog.trustAttribute", do: named(wincode.TrustAttribute), keep: true},
}

var service = []row{
	{from: "ServiceName", to: "service.name", keep: true},
	{from: "ServiceType", to: "service.type", do: named(wincode.ServiceType), keep: true},
}

// filtered are the events of the Windows Filtering Platform.
var filtered = []row{
	{from: "SourceAddress", to: "source.ip related.ip", do: unmappedIP},
	{from: "SourcePort", to: "source.port", do: long},
	{from: "DestAddress", to: "destination.ip related.ip", do: unmappedIP},
	{from: "DestPort", to: "destination.port", do: long},
	{from: "Protocol", to: "network.iana_number network.transport", do: protocol, keep: true},
	{from: "Direction", to: "network.direction", do: boundDirection, keep: true},
	{from: "Application", to: "process.executable process.name", do: imagePath},
	{from: "LayerName", to: "winlog.event_data.LayerNameDescription", do: named(wincode.Message), keep: true},
	{from: "RemoteUserID", to: "winlog.event_data.RemoteUserDescription", do: named(wincode.Account), keep: true},
	{from: "RemoteMachineID", to: "winlog.event_data.RemoteMachineDescription", do: named(wincode.Account), keep: true},
}
