package simulate

// Scenario is a story that can be simulated by name.
type Scenario struct {
	Name   string
	Title  string
	Attack bool // else everyday activity
	// Strategies are the shipped strategies whose alert or quiet cases it makes,
	// the one it was told for first; may be empty.
	Strategies []string
	play       func(*play)
}

// Scenarios returns all scenarios: attacks first, then everyday activity.
func Scenarios() []Scenario {
	attack := func(name, strategy, title string, f func(*play)) Scenario {
		return Scenario{Name: name, Title: title, Attack: true, Strategies: []string{strategy}, play: f}
	}
	usual := func(name, strategy, title string, f func(*play)) Scenario {
		return Scenario{Name: name, Title: title, Strategies: []string{strategy}, play: f}
	}
	const (
		rpc      = "remotely-started-services-via-rpc"
		smb      = "services-started-over-smb-pipe"
		hosted   = "hosted-service-started-after-rpc"
		created  = "new-service-by-network-logon"
		changed  = "service-changed-then-started"
		loopback = "service-control-through-loopback"
		psexec   = "psexec-and-its-clones"
		task     = "remote-scheduled-task-execution"
		wmi      = "remote-wmi-execution"
		winrm    = "remote-winrm-execution"
		dcom     = "remote-dcom-execution"
	)
	all := []Scenario{
		attack("rpc-service-start", rpc, "an existing service is started over RPC/TCP", rpcServiceStart),
		attack("rpc-service-create", rpc, "a new service is created and started over RPC/TCP", rpcServiceCreate),
		attack("rpc-service-reversed", rpc, "the same, but the sensor stamps the connection after the child", rpcServiceReversed),
		attack("smb-service-start", smb, "a service is created and started through the svcctl pipe over SMB", smbServiceStart),
		attack("dll-hijack", hosted, "a DLL is planted, then the svchost service that loads it is started over RPC", dllHijack),
		attack("network-logon-service", created, "a network session creates a service and does not start it yet", networkLogonService),
		attack("service-changed", changed, "a disabled service gets another binary, is enabled and started over RPC", serviceChanged),
		attack("loopback-tunnel", loopback, "RPC arrives through a port forwarder on the host itself", loopbackTunnel),
		attack("psexec", psexec, "PsExec: binary to ADMIN$, service PSEXESVC, its pipes, a shell", psexecRun),
		attack("psexec-clone", psexec, "a PsExec clone with its own service and pipe names", psexecClone),
		attack("psexec-renamed", psexec, "PsExec with a service name of the attacker's choice", psexecRenamed),
		attack("remote-task", task, "a scheduled task is registered over RPC and run", remoteTask),
		attack("remote-wmi", wmi, "Win32_Process.Create over DCOM", remoteWMI),
		attack("remote-winrm", winrm, "a command in a WinRM shell", remoteWinRM),
		attack("remote-dcom", dcom, "MMC20.Application over DCOM runs a command", remoteDCOM),

		usual("rpc-enumeration", rpc, "services are listed over RPC, none is started", rpcEnumeration),
		usual("local-service-start", rpc, "a service starts by itself, no connection", localServiceStart),
		usual("admin-sccm", rpc, "Configuration Manager installs its client over RPC", adminTool(`C:\Windows\ccmsetup\ccmsetup.exe`, "ccmsetup", `C:\Windows\ccmsetup\ccmsetup.exe /runservice`, "Microsoft Corporation")),
		usual("admin-pdq", rpc, "PDQ Deploy runs a package over RPC", adminTool(`C:\Windows\AdminArsenal\PDQDeployRunner-1\service-1\PDQDeployRunner-1.exe`, "PDQDeployRunner-1", `C:\Windows\AdminArsenal\PDQDeployRunner-1\service-1\PDQDeployRunner-1.exe`, "PDQ.com Corporation")),
		usual("admin-veeam", rpc, "Veeam deploys its guest helper over RPC", adminTool(`C:\Windows\VeeamVssSupport\VeeamGuestHelper.exe`, "VeeamVssSupport", `C:\Windows\VeeamVssSupport\VeeamGuestHelper.exe`, "Veeam Software Group GmbH")),
		usual("admin-eset", rpc, "ESET PROTECT installs its agent over RPC", adminTool(`C:\Windows\eset-remote-install-service.exe`, "eset-remote-install-service", `C:\Windows\eset-remote-install-service.exe`, "ESET, spol. s r.o.")),
		usual("admin-msi", rpc, "the installer service is started over RPC", adminTool(sys32+"msiexec.exe", "msiserver", sys32+"msiexec.exe /V", signedMS)),
		usual("admin-backup-agent", rpc, "a backup agent in Program Files is started over RPC", adminTool(`C:\Program Files\Acme Backup\agent.exe`, "AcmeBackupAgent", `"C:\Program Files\Acme Backup\agent.exe" --service`, "Acme Software")),
		usual("rpc-service-slow", rpc, "the connection is 1.5 seconds before an unrelated service start", rpcServiceSlow),
		usual("smb-service-query", smb, "the svcctl pipe is opened, no service starts", smbServiceQuery),
		usual("hosted-service-local", hosted, "svchost services start by themselves", hostedServiceLocal),
		usual("driver-install", created, "a driver package installs a service in a local session", driverInstall),
		usual("local-service-change", changed, "a local administrator changes and starts a service", localServiceChange),
		usual("loopback-query", loopback, "a local tool lists services through 127.0.0.1", loopbackQuery),
		usual("named-pipes", psexec, "ordinary pipes and a file copied to a share", namedPipes),
		usual("local-task", task, "a local task runs", localTask),
		usual("wmi-inventory", wmi, "WMI is queried remotely, nothing is run", wmiInventory),
		usual("winrm-session", winrm, "a WinRM session that runs no other program", winrmSession),
		usual("dcom-activation", dcom, "a COM server is activated locally", dcomActivation),
	}
	for _, o := range tools() {
		// No strategy: the flagship alerts on these until a baseline or an exception knows them.
		all = append(all, Scenario{Name: "tool-" + o.name, Title: "an administration tool unknown to the flagship starts its service over RPC", play: o.play})
	}
	also := map[string][]string{
		"rpc-service-create":    {created, "new-service-installed"},
		"network-logon-service": {"new-service-installed"},
		"rpc-enumeration":       {"new-service-installed"},
		"local-service-start":   {"new-service-installed"},
	}
	for i := range all {
		all[i].Strategies = append(all[i].Strategies, also[all[i].Name]...)
	}
	return all
}

func find(name string) (Scenario, bool) {
	for _, s := range Scenarios() {
		if s.Name == name {
			return s, true
		}
	}
	return Scenario{}, false
}

func names() []string {
	var n []string
	for _, s := range Scenarios() {
		n = append(n, s.Name)
	}
	return n
}

// playOrdinary is one piece of everyday service activity, by how common it is.
func playOrdinary(p *play) {
	switch n := p.rng.IntN(100); {
	case n < 40:
		localServiceStart(p)
	case n < 55:
		hostedServiceLocal(p)
	case n < 67:
		rpcEnumeration(p)
	case n < 74:
		smbServiceQuery(p)
	case n < 80:
		wmiInventory(p)
	case n < 86:
		localTask(p)
	case n < 90:
		namedPipes(p)
	case n < 93:
		winrmSession(p)
	case n < 95:
		loopbackQuery(p)
	case n < 97:
		t := tools()
		t[p.rng.IntN(len(t))].play(p)
	default:
		adminTools(p)
	}
}

func adminTools(p *play) {
	s, _ := find(p.pick("admin-sccm", "admin-pdq", "admin-veeam", "admin-eset", "admin-msi"))
	s.play(p)
}
