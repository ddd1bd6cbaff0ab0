package wincode

import (
	"fmt"
	"strings"
	"testing"
)

func TestCodes(t *testing.T) {
	for _, c := range []struct{ what, got, want string }{
		{"message", Message("%%2313"), "Unknown user name or bad password."},
		{"message without signs", Message("14592"), "Inbound"},
		{"message unknown", Message("%%65000"), ""},
		{"message too large", Message("%%99999999999999999999"), ""},
		{"message of a domain's right", Message("%%5392"), "ReadPasswordParameters"},
		{"message of no right", Message("%%4492"), "Undefined Access (no effect) Bit 12"},
		{"message empty", Message(""), ""},
		{"message no number", Message("%%"), ""},
		{"cipher", TicketEncryption("0x17"), "RC4-HMAC"},
		{"cipher decimal", TicketEncryption("18"), "AES256-CTS-HMAC-SHA1-96"},
		{"cipher failed", TicketEncryption("0xFFFFFFFF"), "FAIL"},
		{"cipher unknown", TicketEncryption("0x99"), ""},
		{"logon", LogonType("10"), "RemoteInteractive"},
		{"logon unknown", LogonType("1"), ""},
		{"service", ServiceType("0x20"), "Win32 Share Process"},
		{"service decimal", ServiceType("16"), "Win32 Own Process"},
		{"service in words", ServiceType("user mode service"), ""},
		{"status", LogonStatus("0xC000006A"), "User logon with misspelled or bad password"},
		{"status in 64 bits", LogonStatus("0xffffffffc000006a"), ""},
		{"kerberos", KerberosStatus("0x18"), "KDC_ERR_PREAUTH_FAILED"},
		{"kerberos gap", KerberosStatus("0x1e"), ""},
		{"kerberos beyond", KerberosStatus("0x45"), ""},
		{"kerberos negative", KerberosStatus("-1"), ""},
		{"trust", TrustType("2") + TrustDirection("1") + TrustAttribute("8"), "TRUST_TYPE_UPLEVELTRUST_DIRECTION_INBOUNDTRUST_ATTRIBUTE_FOREST_TRANSITIVE"},
		{"trust attributes together", TrustAttribute("9"), ""},
		{"account", Account("S-1-5-18"), "Local System"},
		{"account by SDDL", Account("BA"), "Built-in administrators"},
		{"role", Account("S-1-5-21-1-2-3-512"), "Domain Admins"},
		{"user", Account("S-1-5-21-1-2-3-1104"), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
}

func TestAuditPolicy(t *testing.T) {
	for _, c := range []struct{ guid, category, name string }{
		{"{0CCE9210-69AE-11D9-BED3-505054503030}", "System", "Security State Change"},
		{"0cce9215-69ae-11d9-bed3-505054503030", "Logon/Logoff", "Logon"},
		{"{0cce921d-69ae-11d9-bed3-505054503030}", "Object Access", "File System"},
		{"{0cce9226-69ae-11d9-bed3-505054503030}", "Object Access", "Filtering Platform Connection"},
		{"{0cce9228-69ae-11d9-bed3-505054503030}", "Privilege Use", "Sensitive Privilege Use"},
		{"{0cce922b-69ae-11d9-bed3-505054503030}", "Detailed Tracking", "Process Creation"},
		{"{0cce922f-69ae-11d9-bed3-505054503030}", "Policy Change", "Audit Policy Change"},
		{"{0cce9235-69ae-11d9-bed3-505054503030}", "Account Management", "User Account Management"},
		{"{0cce923b-69ae-11d9-bed3-505054503030}", "DS Access", "Directory Service Access"},
		{"{0cce923f-69ae-11d9-bed3-505054503030}", "Account Logon", "Credential Validation"},
		{"{0cce9242-69ae-11d9-bed3-505054503030}", "Account Logon", "Kerberos Authentication Service"},
		{"{0cce9244-69ae-11d9-bed3-505054503030}", "Object Access", "Detailed File Share"},
		{"{0cce924a-69ae-11d9-bed3-505054503030}", "Policy Change", "Token Right Adjusted Events"},
		{"{0cce924b-69ae-11d9-bed3-505054503030}", "", ""},
		{"{0cce920f-69ae-11d9-bed3-505054503030}", "", ""},
		{"{00000000-0000-0000-0000-000000000000}", "", ""},
		{"", "", ""}, {"{", "", ""}, {"{0cce92zz-69ae-11d9-bed3-505054503030}", "", ""},
	} {
		if category, name := AuditPolicy(c.guid); category != c.category || name != c.name {
			t.Errorf("%s: got %q, %q", c.guid, category, name)
		}
	}
}

// TestFlags checks that every table of bits ascends and names no bit twice.
func TestFlags(t *testing.T) {
	for name, flags := range map[string][]Flag{"access": AccessRights(), "account": AccountFlags(), "ticket": TicketOptions()} {
		var seen uint64
		for i, f := range flags {
			if f.Mask == 0 || f.Mask&seen != 0 || f.Name == "" || i > 0 && f.Mask < flags[i-1].Mask {
				t.Errorf("%s: %+v", name, f)
			}
			seen |= f.Mask
		}
	}
}

func TestDescriptor(t *testing.T) {
	for _, c := range []struct{ sddl, want string }{
		{"", ";"},
		{"D:(A;;GA;;;SY)", ";;D Local system :Access Allowed ([Generic All])"},
		{"O:BAG:SYD:PAI(D;OICI;RPWP;;;WD)(A;;0x1200a9;;;S-1-5-80-1)S:ARAI(AU;SAFA;SDWD;;;S-1-5-21-1-2-3-500)",
			"BA;SY;D Everyone :Access Denied ([Read All Properties, Write All Properties]);" +
				"D S-1-5-80-1 :Access Allowed ([0x1200a9]);S Administrator :System Audit ([Delete, Modify Permissions])"},
		{`O:S-1-5-21-1-2-3-1001D:(XA;;FX;;;WD;(@User.Title=="PM" && (Member_of {SID(BA)})))(A;;ZZR;;;S-1-5-21-1-2-3-1001)`,
			"S-1-5-21-1-2-3-1001;;D Everyone :XA ([File Generic Execute]);D null :Access Allowed ([ZZ, R])"},
		{"S:(", ";"}, {"D:()", ";;D  : ([])"}, {"X:abc", ";"}, {"D:(A;;GA", ";"}, {":::", ";"},
	} {
		d := ParseDescriptor(c.sddl)
		got := []string{d.Owner + ";" + d.Group}
		for i, e := range []Entries{d.DACL(), d.SACL()} {
			for entry, ok := e.Next(); ok; entry, ok = e.Next() {
				got = append(got, "DS"[i:i+1]+" "+string(AppendEntry(nil, entry)))
			}
		}
		if s := strings.Join(got, ";"); s != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.sddl, s, c.want)
		}
	}
}

func TestTask(t *testing.T) {
	const xml = `<?xml version="1.0" encoding="UTF-16"?>
<!-- eggs -->
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><URI>\Nest\Lay &amp; go</URI></RegistrationInfo>
  <Triggers><BootTrigger/><LogonTrigger><Enabled>false</Enabled><UserId>x</UserId></LogonTrigger>
    <CalendarTrigger><ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger></Triggers>
  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>
  <Settings><Enabled>true</Enabled><IdleSettings><Enabled>no</Enabled></IdleSettings><Hidden>true</Hidden></Settings>
  <Actions Context="Author"><Exec><Command>heron.exe</Command><Arguments>-a &quot;&#x62;&#99;&quot;</Arguments></Exec>
    <ComHandler><ClassId>{11111111-aaaa-65e6-0102-000000000a00}</ClassId></ComHandler></Actions>
</Task>`
	task := ParseTask(xml)
	got := fmt.Sprintf("%s|%s|%s|%+v|%v|%+v", AppendText(nil, task.URI), task.Enabled, task.Hidden, task.Principal,
		task.Triggers[:task.NTriggers], task.Actions[:task.NActions])
	const want = `\Nest\Lay & go|true|true|{ID:Author User:S-1-5-18 Group: LogonType: RunLevel:HighestAvailable}|` +
		`[{boot } {logon false} {calendar }]|[{Type:exec Command:heron.exe Arguments:-a &quot;&#x62;&#99;&quot; Dir: ID:} ` +
		`{Type:com_handler Command: Arguments: Dir: ID:{11111111-aaaa-65e6-0102-000000000a00}}]`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if n := testing.AllocsPerRun(10, func() { ParseTask(xml) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	many := ParseTask("<Task><Actions>" + strings.Repeat("<Exec/>", 100) + "</Actions><Triggers>" + strings.Repeat("<BootTrigger/>", 100))
	if many.NActions != len(many.Actions) || many.NTriggers != len(many.Triggers) {
		t.Errorf("of many: %d actions, %d triggers", many.NActions, many.NTriggers)
	}
}

func TestAppendText(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a": "a", "&": "&", "&&amp;": "&&", "&lt;&gt;&apos;": "<>'", "&#65;&#x41;": "AA", "&#xZZ;": "&#xZZ;",
		"&#;": "&#;", "&#x;": "&#x;", "&#99999999;": "&#99999999;", "&nosuch;": "&nosuch;", "a&amp": "a&amp", "&averylongnameofan;": "&averylongnameofan;",
	} {
		if got := string(AppendText(nil, in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// FuzzParse checks that what anybody can write into an event neither panics nor
// makes more text than stands in proportion to it.
func FuzzParse(f *testing.F) {
	f.Add("O:BAG:SYD:PAI(D;OICI;RPWP;;;WD)S:(AU;SAFA;SDWD;;;S-1-5-21-1-2-3-500)")
	f.Add("<Task><Actions><Exec><Command>a&amp;b</Command></Exec></Actions></Task>")
	f.Add("{0cce9210-69ae-11d9-bed3-505054503030}")
	f.Fuzz(func(t *testing.T, s string) {
		d := ParseDescriptor(s)
		for _, list := range []Entries{d.DACL(), d.SACL()} {
			for {
				entry, ok := list.Next()
				if !ok {
					break
				}
				if n := len(AppendEntry(nil, entry)); n > 100+32*len(entry) {
					t.Fatalf("%d bytes of %q", n, entry)
				}
			}
		}
		ParseTask(s)
		AppendText(nil, s)
		AuditPolicy(s)
		Message(s)
		KerberosStatus(s)
		LogonStatus(s)
		Account(s)
	})
}
