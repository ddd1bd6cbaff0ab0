package triage

import (
	"strings"
	"testing"
)

const adminList = `# who administers
- name: SCCM primary
  addresses: [10.20.0.15, 10.20.8.0/24, "fd00:20::/64"]
  hosts: [sccm01, sccm02.corp.example]
  owner: workplace team
- name: jump host
  addresses: 192.0.2.7
`

func TestAdmins(t *testing.T) {
	list, err := ParseAdmins("admins.yml", []byte(adminList))
	if err != nil {
		t.Fatal(err)
	}
	if list.Len() != 2 {
		t.Fatalf("%d entries", list.Len())
	}
	f := func(address, name, want string) {
		t.Helper()
		got := ""
		if a := list.Find(address, name); a != nil {
			got = a.Name
		}
		if got != want {
			t.Errorf("Find(%q, %q) = %q, want %q", address, name, got, want)
		}
	}
	f("10.20.0.15", "", "SCCM primary")
	f("::ffff:10.20.0.15", "", "SCCM primary")
	f("10.20.8.255", "", "SCCM primary")
	f("10.20.9.0", "", "")
	f("fd00:20::1%eth0", "", "SCCM primary")
	f("192.0.2.7", "", "jump host")
	f("10.9.9.9", "SCCM01", "SCCM primary")
	f("10.9.9.9", "sccm01.corp.example.", "SCCM primary")
	f("10.9.9.9", "SCCM02", "SCCM primary")
	f("10.9.9.9", "sccm02.other.example", "")
	f("10.9.9.9", "sccm03", "")
	f("", "", "")
	f("not an address", "", "")
	if (*Admins)(nil).Find("10.20.0.15", "") != nil {
		t.Error("no list knows nobody")
	}
}

func TestAdminMistakes(t *testing.T) {
	f := func(src string, want ...string) {
		t.Helper()
		list, err := ParseAdmins("admins.yml", []byte(src))
		if err == nil {
			t.Errorf("%q is read as %+v", src, list)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: no %q in %q", src, w, err)
			}
		}
	}
	f("- name: a\n  addresses: [10.0.0.0/33]\n", `admins.yml:2:15: "10.0.0.0/33" is no address and no network`)
	f("- name: a\n  addresses:\n    - 10.0.0.1\n    - 10.0.0.1/24\n", `admins.yml:4:7: "10.0.0.1/24" has bits beyond its mask: did you mean 10.0.0.0/24?`)
	f("- name: a\n  addresses: [x, y]\n", "admins.yml:2:15:", "admins.yml:2:18:")
	f("- name: a\n  adresses: [10.0.0.1]\n", `admins.yml:2:3: an entry has no field "adresses"`)
	f("- name: a\n", `has neither addresses nor hosts`)
	f("- hosts: [a]\n", "an entry needs a name")
	f("- name: [a]\n  hosts: b\n", "expected text, found a list")
	f("- just text\n", `found "just text"`)
	f("name: a\n", "expected a list of entries")
	f("- name: a\n  hosts: [b\n", "admins.yml:")
	f("\t- x", "admins.yml:")
}

func FuzzParseAdmins(f *testing.F) {
	f.Add([]byte(adminList))
	f.Add([]byte("- {name: a, hosts: [b], addresses: [::/0]}"))
	f.Fuzz(func(t *testing.T, src []byte) {
		if list, err := ParseAdmins("a", src); err == nil {
			list.Find("10.0.0.1", "host")
		}
	})
}
