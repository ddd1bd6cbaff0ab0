package main

import (
	"os"
	"testing"
)

func TestTable(t *testing.T) {
	f := func(tsv, want, fault string) {
		t.Helper()
		got, err := Table(tsv)
		if got != want || (err == nil) != (fault == "") || err != nil && err.Error() != fault {
			t.Errorf("%q: %q %v, want %q %s", tsv, got, err, want, fault)
		}
	}
	f("# field\ttype\nb.c\tlong\t\nb\tkeyword\tarray\n@a\tdate\n", "@a date\nb keyword array\nb.c long\n", "")
	f("a-b\tip\na.b\tip\na\tip\n", "a ip\na-b ip\na.b ip\n", "")
	f("a\tip\na\tip\n", "", "read types: a is there twice")
	f("a\n", "", `read types: line 1: "a" is not field and type`)
	f("a b\tip\n", "", `read types: line 1: "a b\tip" is not field and type`)
}

// The committed table is what the list gives.
func TestTableIsCurrent(t *testing.T) {
	tsv, err := os.ReadFile("../../../shared/ecs/ecs-types.tsv")
	if err != nil {
		t.Skip("no ../shared: the committed table stands for itself")
	}
	want, err := Table(string(tsv))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile("../ecs_types.txt"); string(got) != want {
		t.Error("ecs_types.txt is not current: run go generate ./event")
	}
}
