package simulate

// Everyday activity: what looks like the attacks and is none, and plain noise.

func rpcEnumeration(p *play) {
	p.fromAdmin("svc-monitor")
	for range 1 + p.rng.IntN(2) {
		p.rpc(nil, p.victim.services, 0)
		p.wait(2000, 5000)
	}
}

func localServiceStart(p *play) {
	own := [][2]string{
		{"Print Spooler", sys32 + "spoolsv.exe"},
		{"Windows Search", sys32 + "SearchIndexer.exe"},
		{"Windows Modules Installer", `C:\Windows\servicing\TrustedInstaller.exe`},
		{"Software Protection", sys32 + "sppsvc.exe"},
		{"Volume Shadow Copy", sys32 + "VSSVC.exe"},
	}[p.rng.IntN(5)]
	c := p.startService(own[0], own[1], own[1], signedMS)
	p.wait(60_000, 300_000)
	p.exit(c)
	p.do(act{kind: serviceState, host: p.victim, proc: p.victim.services, name: own[0], value: "stopped"})
}

// adminTool is a remote start that the flagship's list excludes: the whole
// sequence happens, only the image is known.
func adminTool(image, service, cmd, signer string) func(*play) {
	return func(p *play) {
		p.fromAdmin("svc-deploy")
		_, session := p.rpc(nil, p.victim.services, 0)
		p.wait(20, 80)
		if service != "msiserver" {
			p.createService(service, image, session)
		}
		p.wait(100, 500)
		c := p.startService(service, image, cmd, signer)
		p.wait(5000, 60_000)
		p.exit(c)
	}
}

// tools are five products that start their services remotely and that the
// flagship's list does not hold: what a baseline has to learn. Each has a
// server, an account and a program of its own.
func tools() []tool {
	return []tool{
		{"inventory", "inv-01", "10.20.9.31", "svc-inventory", `C:\Windows\AcmeInventory\acmeinv.exe`, "AcmeInventory", "Acme Software"},
		{"scanner", "scan-01", "10.20.9.32", "svc-vulnscan", `C:\Windows\acme_scan_142a9000.exe`, "acme_scan_142a9000", "Acme Security"},
		{"helpdesk", "help-01", "10.20.9.33", "svc-helpdesk", `C:\Windows\AcmeRemote\remote.exe`, "AcmeRemote", "Acme Support"},
		{"monitor", "mon-01", "10.20.9.34", "svc-monitor2", `C:\Windows\AcmeProbe\probe.exe`, "AcmeProbe", "Acme Monitoring"},
		{"deploy", "dep-01", "10.20.9.35", "svc-rollout", `C:\Windows\AcmeDeploy\runner.exe`, "AcmeDeployRunner", "Acme Deployment"},
	}
}

type tool struct{ name, server, ip, user, image, service, signer string }

func (o tool) play(p *play) {
	p.fromServer(o.server, o.ip, o.user, 1120+int(o.ip[len(o.ip)-1]-'0'))
	_, session := p.rpc(nil, p.victim.services, 0)
	p.wait(20, 80)
	p.createService(o.service, o.image, session)
	p.wait(100, 500)
	c := p.startService(o.service, o.image, o.image+" -service", o.signer)
	p.wait(5000, 60_000)
	p.exit(c)
}

func rpcServiceSlow(p *play) {
	p.fromAdmin("svc-monitor")
	p.rpc(nil, p.victim.services, 0)
	p.wait(1500, 1900)
	p.startService("Print Spooler", sys32+"spoolsv.exe", sys32+"spoolsv.exe", signedMS)
}

func smbServiceQuery(p *play) {
	p.fromAdmin("svc-monitor")
	c, session := p.smb(nil)
	p.wait(10, 60)
	p.openPipe(c, session, "svcctl", "ntsvcs")
	p.wait(200, 900)
	p.do(act{kind: logoff, host: p.victim, proc: p.victim.lsass, user: p.user, logon: session})
}

func hostedServiceLocal(p *play) {
	name := p.pick("wuauserv", "BITS", "Appinfo", "DsSvc", "wisvc")
	p.startService(name, imgSvchost, sys32+"svchost.exe -k netsvcs -p -s "+name, signedMS)
}

func driverInstall(p *play) {
	p.source, p.user = p.victim, p.victim.explorer.user
	p.createService("AcmeScan", `C:\Windows\System32\drivers\acmescan.sys`, p.victim.explorer.logon)
}

func localServiceChange(p *play) {
	h := p.victim
	p.user = h.explorer.user
	p.client(sys32+"sc.exe", `sc.exe config Spooler start= auto`)
	p.do(act{kind: serviceConfig, host: h, proc: h.services, user: p.user, name: "Spooler", path: "Print Spooler", old: "demand start", value: "auto start"})
	p.do(act{kind: registrySet, host: h, proc: h.services, user: p.user, logon: h.explorer.logon, path: serviceKey + "Spooler", name: "Start", old: "3", value: "DWORD (0x00000002)"})
	p.wait(120_000, 200_000)
	p.startService("Print Spooler", sys32+"spoolsv.exe", sys32+"spoolsv.exe", signedMS)
}

func loopbackQuery(p *play) {
	h := p.victim
	tool := p.spawn(h.explorer, sys32+"sc.exe", `sc.exe \\127.0.0.1 query`, h.explorer.user, h.explorer.logon, signedMS)
	p.wait(20, 60)
	c := conn{srcIP: "127.0.0.1", srcPort: h.newPort(p.rng), dstIP: "127.0.0.1", dstPort: p.dynamicPort(h.services)}
	p.do(act{kind: connection, host: h, proc: tool, conn: c})
	c.inbound = true
	p.do(act{kind: connection, host: h, proc: h.services, conn: c})
	p.wait(100, 400)
	p.exit(tool)
}

func namedPipes(p *play) {
	p.user = employee(7)
	c, session := p.smb(nil)
	p.wait(10, 60)
	p.openPipe(c, session, p.pick("srvsvc", "wkssvc", "lsarpc", "spoolss"), p.pick("srvsvc", "wkssvc", "lsass", "spoolss"))
	p.wait(10, 60)
	p.copyTo(c, session, "Public", `C:\Shares\Public`, "minutes.docx")
	p.wait(500, 5000)
	p.do(act{kind: logoff, host: p.victim, proc: p.victim.lsass, user: p.user, logon: session})
}

func localTask(p *play) {
	h := p.victim
	image, cmd := sys32+"taskhostw.exe", "taskhostw.exe"
	if p.rng.IntN(2) == 0 {
		image, cmd = `C:\Program Files\Acme\acmeupdate.exe`, `"C:\Program Files\Acme\acmeupdate.exe" /c`
	}
	c := p.spawn(h.svcTask, image, cmd, h.explorer.user, h.explorer.logon, signedMS)
	p.wait(500, 20_000)
	p.exit(c)
}

func wmiInventory(p *play) {
	p.fromAdmin("svc-inventory")
	p.rpc(nil, p.wmiService(), 0)
	p.wait(60, 300)
	h := p.victim
	prov := p.spawn(h.svcDcom, sys32+`wbem\WmiPrvSE.exe`, sys32+`wbem\wmiprvse.exe -secured -Embedding`, networkService(), 0x3e4, signedMS)
	p.wait(60_000, 90_000)
	p.exit(prov)
}

func winrmSession(p *play) {
	p.fromAdmin("svc-ansible")
	h := p.victim
	c := p.connect(nil, h.system, 5985, 0)
	p.wait(20, 80)
	session := p.logon(c, 3)
	p.wait(100, 500)
	shell := p.spawn(h.svcDcom, sys32+"wsmprovhost.exe", sys32+`wsmprovhost.exe -Embedding`, p.user, session, signedMS)
	p.wait(3000, 9000)
	p.exit(shell)
}

func dcomActivation(p *play) {
	h := p.victim
	c := p.spawn(h.svcDcom, sys32+"dllhost.exe", sys32+`dllhost.exe /Processid:{AB8902B4-09CA-4BB6-B78D-A8F59079A8D5}`, h.explorer.user, h.explorer.logon, signedMS)
	p.wait(1000, 9000)
	p.exit(c)
}

// playNoise is one everyday act: a program, a web connection, a look-up, a logon, a file.
func playNoise(p *play) {
	h := p.g.fleet[p.rng.IntN(len(p.g.fleet))]
	p.victim = h
	switch n := p.rng.IntN(100); {
	case n < 30:
		p.program(h)
	case n < 65:
		p.web(h)
	case n < 80:
		p.do(act{kind: dnsQuery, host: h, proc: h.svcNet, name: p.pick("www.example.com", "update.example.net", "time.example.org", "mail.corp.example"), value: "192.0.2.80"})
	case n < 88:
		p.do(act{kind: fileWrite, host: h, proc: h.explorer, path: `C:\Users\` + h.explorer.user.name + `\AppData\Local\Temp\` + p.word(6) + ".tmp"})
	case n < 93:
		p.do(act{kind: registrySet, host: h, proc: h.explorer, user: h.explorer.user, logon: h.explorer.logon, path: `SOFTWARE\Acme\Settings`, name: "Last", value: "DWORD (0x00000001)"})
	case n < 96:
		p.do(act{kind: imageLoad, host: h, proc: h.explorer, path: sys32 + p.pick("shell32.dll", "wininet.dll", "combase.dll"), value: signedMS})
	default:
		p.user = employee(p.rng.IntN(len(p.g.fleet) + 3))
		c := conn{srcIP: "10.20.9.21", srcPort: uint16(50000 + p.rng.IntN(9000)), dstIP: h.ip, dstPort: 445}
		id := p.logon(c, 3)
		p.wait(2000, 30_000)
		p.do(act{kind: logoff, host: h, proc: h.lsass, user: p.user, logon: id})
	}
}

func (p *play) program(h *host) {
	image := [...]string{
		`C:\Program Files\Mozilla Firefox\firefox.exe`, `C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`,
		sys32 + "notepad.exe", sys32 + "conhost.exe", sys32 + "backgroundTaskHost.exe", `C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE`,
	}[p.rng.IntN(6)]
	c := p.spawn(h.explorer, image, `"`+image+`"`, h.explorer.user, h.explorer.logon, signedMS)
	p.wait(200, 120_000)
	p.exit(c)
}

func (p *play) web(h *host) {
	c := conn{srcIP: h.ip, srcPort: h.newPort(p.rng), dstIP: p.pick("192.0.2.80", "198.51.100.7", "203.0.113.44", "10.20.9.2"), dstPort: 443}
	who := h.explorer
	if p.rng.IntN(3) == 0 {
		who, c.dstPort, c.udp = h.svcNet, 53, true
	}
	p.do(act{kind: connection, host: h, proc: who, conn: c})
}
