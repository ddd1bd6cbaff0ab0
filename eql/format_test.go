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
