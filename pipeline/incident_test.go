package pipeline

import (
	"testing"
	"time"
)

func TestProgramOf(t *testing.T) {
	f := func(command, want string) {
		t.Helper()
		if got := programOf(command); got != want {
			t.Errorf("programOf(%q) = %q, want %q", command, got, want)
		}
	}
	f(`C:\Windows\System32\cmd.exe`, "cmd.exe")
	f(`%SystemRoot%\TOOL.exe -k x`, "tool.exe")
	f(`"C:\Program Files\Vendor App\agent.exe" --service`, "agent.exe")
	f(`%COMSPEC% /C echo x`, "cmd.exe")
	f(`\SystemRoot\System32\drivers\x.sys`, "x.sys")
	f(`/usr/sbin/sshd -D`, "sshd")
	f(`net user eve /add`, "net.exe")
	f(`C:\Windows\Temp\tool -x`, "tool.exe")
	f("", "")
	f("   ", "")
}

// TestGroup: what different sensors say of one new process is one incident, and
// the earliest gives it its identity, whatever the order.
func TestGroup(t *testing.T) {
	at := func(seconds float64, host, exe string) *Finding {
		return &Finding{ID: exe + host, Time: int64(seconds * float64(time.Second)), placed: int64(seconds * float64(time.Second)), HostName: host, Executable: exe}
	}
	one := at(10, "WS1.example", `C:\Windows\tool.exe`)
	two := at(14.9, "ws1", `%SystemRoot%\TOOL.exe /x`)
	late := at(15.1, "ws1", `C:\Windows\tool.exe`)
	elsewhere := at(10, "ws2.example", `C:\Windows\tool.exe`)
	other := at(10, "ws1.example", `C:\Windows\other.exe`)
	bare := at(10, "ws1.example", "")
	group([]*Finding{late, two, one, elsewhere, other, bare}, nil)
	if one.Incident != two.Incident {
		t.Error("two sensors' findings of one process are two incidents")
	}
	seen := map[string]string{}
	for name, f := range map[string]*Finding{"one": one, "late": late, "elsewhere": elsewhere, "other": other, "bare": bare} {
		if before, taken := seen[f.Incident]; taken {
			t.Errorf("%s and %s share an incident", name, before)
		}
		seen[f.Incident] = name
	}
	address := at(10, "10.1.2.3", "x.exe")
	if hostKey(address) != "10.1.2.3" {
		t.Errorf("an address was cut at its first dot: %q", hostKey(address))
	}
}
