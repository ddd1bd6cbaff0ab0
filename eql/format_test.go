package eql

import (
	"os"
	"strings"
	"testing"
)

func TestFormatSeed(t *testing.T) {
	s, err := Format(seedRule(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + s)
}

// Formatting changes neither meaning nor comments, and twice is once.
func checkFormat(t *testing.T, text string) {
	t.Helper()
	once, err := Format(text)
	if err != nil {
		t.Errorf("%v\n%s", err, text)
		return
	}
	a, _ := Parse(text)
	b, err := Parse(once)
	if err != nil {
		t.Errorf("formatted text does not parse: %v\n%s", err, once)
		return
	}
	if a.String() != b.String() {
		t.Errorf("formatting changed the query\n%s\n%s", a, b)
	}
	if n, m := len(lex(text).comments), len(lex(once).comments); n != m {
		t.Errorf("%d comments became %d\n%s\n%s", n, m, text, once)
	}
	twice, _ := Format(once)
	if twice != once {
		t.Errorf("formatting twice changes it\n%s\n%s", once, twice)
	}
	for line := range strings.Lines(once) {
		if strings.TrimRight(line, " \n") != strings.TrimRight(line, "\n") {
			t.Errorf("blanks at the end of %q", line)
		}
	}
}

func TestFormatElasticRules(t *testing.T) {
	for _, r := range elasticRules(t) {
		checkFormat(t, r.Query)
	}
	if name := os.Getenv("SHOW_RULE"); name != "" {
		for _, r := range elasticRules(t) {
			if strings.Contains(r.Name, name) {
				s, _ := Format(r.Query)
				t.Log("\n" + s)
			}
		}
	}
}

func TestFormat(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got, err := Format(text)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if again, err := Format(got); err != nil || again != got {
			t.Errorf("twice is not once: %v\n%s", err, again)
		}
	}
	f("process   where\n a==1", "process where a == 1\n")
	f("a==1 and not(b:\"x\")", "a == 1 and not (b : \"x\")\n") // a condition alone
	f("sequence by x,y with maxspan = 1 s[a where b . c==-1][b where length( x )>+2 ]by z with runs=2 until[c where true]|head 1",
		"sequence by x, y with maxspan=1s\n  [a where b.c == -1]\n  [b where length(x) > +2] by z with runs=2\nuntil [c where true]\n| head 1\n")
	f("any where ?x == `a b` - 1 and y in~(\"a\",\"b\")", "any where ?x == `a b` - 1 and y in~ (\"a\", \"b\")\n")
	f(`// first
process where // second
  a == 1 and /* third */ b == 2 and
  // fourth
  c : ("x", // fifth
       "y") // sixth
// seventh
`, `// first
process where // second
  a == 1 and /* third */
  b == 2 and
  // fourth
  c : (
    "x", // fifth
    "y"
  ) // sixth
// seventh
`)
	f(`sequence with maxspan=1m
 ![a where true] // not this
 /* then
    that */ [b where true]`, `sequence with maxspan=1m
  ![a where true] // not this
  /* then
    that */
  [b where true]
`)
	f(`process where (process.name : "a.exe" and process.args : ("one", "two", "three")) or (process.name : "b.exe" and process.parent.name : "c.exe")`,
		`process where
  (process.name : "a.exe" and process.args : ("one", "two", "three")) or
  (process.name : "b.exe" and process.parent.name : "c.exe")
`)
}
