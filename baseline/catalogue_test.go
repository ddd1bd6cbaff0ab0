package baseline

import (
	"strings"
	"testing"
)

func TestCatalogue(t *testing.T) {
	c, err := NewCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	products := map[string]bool{}
	for _, p := range c.Products {
		products[p.Product] = true
		// The strategy's author trusts a folder at a drive's root; nobody else does.
		if why := Weaknesses("process.executable : (" + quoteAll(p.Paths) + ")"); len(why) > 0 && p.Vendor != "Pella Corporation" {
			t.Errorf("%s: %v", p.Product, why)
		}
	}
	if len(products) < 49 {
		t.Errorf("%d products, want the nine of the strategy's author and at least 40 more", len(products))
	}
	for _, path := range []string{
		`C:\Windows\ccmsetup\ccmsetup.exe`, `C:\Windows\AdminArsenal\PDQDeployRunner-1\service-1\PDQDeployRunner-1.exe`,
		`C:\Windows\VeeamVssSupport\VeeamGuestHelper.exe`, `C:\WINDOWS\eset-remote-install-service.exe`, `C:\Windows\ADCR_Agent\adcrsvc.exe`,
		`D:\Pella Corporation\x\y.exe`, `C:\Windows\CAInvokerService.exe`, `C:\Program Files (x86)\ManageEngine\UEMS_Agent\bin\dcagentservice.exe`,
		`C:\Program Files\Tenable\Nessus\nessusd.exe`,
	} {
		if c.Find(path, Unknown, "") == nil {
			t.Errorf("%s is unknown", path)
		}
	}
	veeam := `C:\Windows\VeeamVssSupport\VeeamGuestHelper.exe`
	for _, f := range []struct {
		sig    Signature
		signer string
		want   bool
	}{{Trusted, "Veeam Software Group GmbH", true}, {Trusted, "Evil Ltd", false}, {Untrusted, "Veeam Software Group GmbH", false}, {Unsigned, "", false}, {Unknown, "", true}} {
		if got := c.Find(veeam, f.sig, f.signer) != nil; got != f.want {
			t.Errorf("%s signed by %q (%s): %v", veeam, f.signer, f.sig, got)
		}
	}
	if (*Catalogue)(nil).Find(veeam, Unknown, "") != nil {
		t.Error("no catalogue knows nothing")
	}
}

func TestCatalogueErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"a\tb", "line 1 has 2 columns, want 7"},
		{"a\tb\tc\t\td\tpage\thttps://x.example/", "lacks product, vendor or path"},
		{"a\tb\tc\tp\td\tperhaps\thttps://x.example/", `basis "perhaps"`},
		{"a\tb\tc\tp\td\tpage\tx.example", "is no address"},
	} {
		if _, err := parseCatalogue(c.line); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.line, err, c.want)
		}
	}
}

func TestPath(t *testing.T) {
	for _, c := range []struct{ command, want string }{
		{"", ""},
		{"  ", ""},
		{`C:\Windows\a.exe`, `C:\Windows\a.exe`},
		{`"C:\Program Files\Acme\a b.exe" --service`, `C:\Program Files\Acme\a b.exe`},
		{`C:\Program Files\Acme\a b.exe -x`, `C:\Program Files\Acme\a b.exe`},
		{`%SystemRoot%\PSEXESVC.exe`, `C:\Windows\PSEXESVC.exe`},
		{`%windir%\x.exe /a`, `C:\Windows\x.exe`},
		{`\SystemRoot\System32\drivers\a.sys`, `C:\Windows\System32\drivers\a.sys`},
		{`system32\drivers\a.sys`, `C:\Windows\System32\drivers\a.sys`},
		{`\??\C:\x\a.exe`, `C:\x\a.exe`},
		{`\\?\C:\x\a.exe`, `C:\x\a.exe`},
		{`%COMSPEC% /C start /b C:\Windows\System32\powershell.exe -enc A`, `C:\Windows\System32\cmd.exe`},
		{`C:/x/a.exe /y`, `C:\x\a.exe`},
		{`C:\a.exe.dir\b.exe`, `C:\a.exe.dir\b.exe`},
		{`"C:\unfinished`, `C:\unfinished`},
		{`svc`, `svc`},
		{`\\server\share\a.exe`, `\\server\share\a.exe`},
	} {
		if got := Path(c.command); got != c.want {
			t.Errorf("Path(%q) = %q, want %q", c.command, got, c.want)
		}
	}
}
