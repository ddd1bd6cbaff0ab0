package attack

import (
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	f := func(id, name, tactics string, status Status) {
		t.Helper()
		o, ok := Lookup(id)
		if !ok || o.Name != name || strings.Join(o.Tactics, ",") != tactics || o.Status != status {
			t.Errorf("%s: %+v %v", id, o, ok)
		}
	}
	f("TA0008", "Lateral Movement", "", Active)
	f("T1021", "Remote Services", "TA0008", Active)
	f("T1021.002", "SMB/Windows Admin Shares", "TA0008", Active)
	f("T1086", "PowerShell", "TA0002", Revoked)
	if _, ok := Lookup("T9999"); ok {
		t.Error("T9999 is known")
	}
	if _, ok := Lookup(""); ok {
		t.Error("nothing is known")
	}
	if n := len(Tactics()); n != 14 {
		t.Errorf("%d tactics", n)
	}
}

func TestNearest(t *testing.T) {
	f := func(id, want string) {
		t.Helper()
		if o, _ := Nearest(id); o.ID != want {
			t.Errorf("%s: %q, want %q", id, o.ID, want)
		}
	}
	f("T1086", "T1059.001") // revoked: one of the same name
	f("t1021", "T1021")
	f("T1021.099", "T1021")
	f("TA0080", "TA0008") // two digits changed places
	f("T2021", "T1021")
	f("nonsense", "")
	f("", "")
}

// Every technique's tactics are in the table.
func TestTable(t *testing.T) {
	x := load()
	if len(x.all) < 800 {
		t.Fatalf("%d objects", len(x.all))
	}
	for _, o := range x.all {
		for _, id := range o.Tactics {
			if tac, ok := Lookup(id); !ok || !tac.IsTactic() {
				t.Errorf("%s: no tactic %s", o.ID, id)
			}
		}
		if o.Name == "" || o.Status != Active && o.Status != Revoked && o.Status != Deprecated {
			t.Errorf("%+v", o)
		}
	}
}

func TestLayer(t *testing.T) {
	l := NewLayer("n", "d")
	l.Add("TA0008", "T1570", "a")
	l.Add("TA0008", "T1021", "a")
	l.Add("TA0008", "T1021", "b")
	l.Add("", "T1021", "c")
	got := ""
	for _, x := range l.Techniques {
		got += x.TechniqueID + " " + x.Tactic + " " + strings.ReplaceAll(x.Comment, "\n", "+") + "; "
	}
	if want := "T1021  c; T1021 lateral-movement a+b; T1570 lateral-movement a; "; got != want {
		t.Errorf("%q", got)
	}
	if l.Gradient.MaxValue != 2 || l.Versions["attack"] != strings.Split(strings.TrimPrefix(Version, "v"), ".")[0] {
		t.Errorf("%+v", l)
	}
}
