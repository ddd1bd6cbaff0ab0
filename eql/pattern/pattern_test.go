package pattern

import (
	"fmt"
	"math/rand"
	"regexp"
	"strings"
	"testing"
)

func TestRegex(t *testing.T) {
	f := func(expr, text string, want bool) {
		t.Helper()
		r, err := NewRegex([]string{expr}, Options{})
		if err != nil {
			t.Fatalf("%q: %v", expr, err)
		}
		if got := r.Match(text); got != want {
			t.Errorf("%q on %q: got %v, want %v", expr, text, got, want)
		}
	}
	f("abc", "abc", true)
	f("abc", "abcd", false) // the whole value
	f("abc", "xabc", false)
	f("", "", true)
	f("", "a", false)
	f("a|b", "b", true)
	f("ab|cd", "abd", false)
	f(".*b.*", "aaabccc", true)
	f(".", "\n", true) // crosses lines
	f(".", "ä", true)
	f("..", "ä", false)
	f("a?b+c*", "bb", true)
	f("a{2}", "aa", true)
	f("a{2}", "aaa", false)
	f("a{2,}", "aaaaa", true)
	f("a{2,3}", "aaaa", false)
	f("a{0}b", "b", true)
	f("(ab){2,3}", "abab", true)
	f("(a?){3}b", "ab", true)
	f("(a*){2,4}", "", true)
	f("[a-c]x", "bx", true)
	f("[^a-c]x", "bx", false)
	f("[^a-c]x", "dx", true)
	f("[]a]", "]", true) // a closing bracket in first place is a letter
	f(`[\w.]+`, "a_9.", true)
	f(`\d+\s\w`, "42 x", true)
	f(`\D\S\W`, "a-!", true)
	f(`\D`, "1", false)
	f("^a$", "a", false) // no anchors
	f("^a$", "^a$", true)
	f("a~bc", "axc", true) // complement of the one atom
	f("a~bc", "abc", false)
	f("a~bc", "abbc", true)
	f("~(ab|cd)", "ab", false)
	f("~(ab|cd)", "abc", true)
	f("~a*", "aaa", true) // (~a)*: of "aa" and "a"… "aaa" itself is no "a"
	f("~a*", "a", false)
	f(".*a.*&.*b.*", "xbya", true)
	f(".*a.*&.*b.*", "xaya", false)
	f("[a-z]{3}&~(foo|bar)", "foo", false)
	f("[a-z]{3}&~(foo|bar)", "fox", true)
	f("<1-100>", "42", true)
	f("<1-100>", "042", true) // by number
	f("<1-100>", "101", false)
	f("<1-100>", "0", false)
	f("<01-31>", "7", false) // equal width demands it
	f("<01-31>", "07", true)
	f("<31-01>", "07", true)
	f("port <0-1023>", "port 80", true)
	f("@", "anything", true)
	f("@", "", true)
	f("#", "", false)
	f("a|#", "a", true)
	f(`"a.b"`, "a.b", true)
	f(`"a.b"`, "axb", false)
	f(`a\.b`, "a.b", true)
	f(`a\.b`, "axb", false)
	f(`\"x\"`, `"x"`, true)
	f("()", "", true)
	f("a()b", "ab", true)
	f("*a", "*a", true) // nothing to repeat: a letter
	f(".*?net1.*?", "x net1 y", true)
	f(`.*[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}.*`, "curl http://10.20.30.40/x", true)
	f(`.*[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}.*`, "curl http://10.20.30/x", false)
	f(".*[ʰ-˿ᴬ-ᶻ]+.*", "aʰb", true)
}

func TestRegexFold(t *testing.T) {
	f := func(expr string, o Options, text string, want bool) {
		t.Helper()
		r, err := NewRegex([]string{expr}, o)
		if err != nil {
			t.Fatalf("%q: %v", expr, err)
		}
		if got := r.Match(text); got != want {
			t.Errorf("%q on %q: got %v, want %v", expr, text, got, want)
		}
	}
	fold := Options{Fold: true}
	f("Net.EXE", fold, "nET.exe", true)
	f("ä", fold, "Ä", false) // ASCII letters only
	f("[a-c]", fold, "B", false)
	f("[abc]", fold, "B", true)
	f("k", fold, "\u212a", false) // the Kelvin sign is no ASCII letter
	java := Options{Fold: true, Java: true}
	f("ä", java, "Ä", true)
	f("[a-c]", java, "B", true)
	f("^a&b~$", java, "A&B~", true)
	f("a|", java, "", true)
}

func TestRegexErrors(t *testing.T) {
	f := func(expr string, offset int, part string) {
		t.Helper()
		err := CheckRegex(expr, Options{})
		fault, ok := err.(*SyntaxError)
		if !ok || fault.Offset != offset || !strings.Contains(fault.Msg, part) {
			t.Errorf("%q: got %v, want %q at %d", expr, err, part, offset)
			if ok {
				t.Log(fault.Offset)
			}
		}
	}
	f("a(", 2, "expected an expression")
	f("a(b", 1, "group is not closed")
	f("ab)", 2, "unexpected")
	f("[a", 0, "class is not closed")
	f("x[b-a]", 2, "ends before it begins")
	f("a{x}", 2, "expected a number")
	f("a{1", 3, "expected [}]")
	f("a{3,1}", 1, "ends before")
	f("a{9999}", 1, "too large")
	f("((a{1000}){1000}){1000}", 16, "too large")
	f("<1-", 0, "expected [>]")
	f("<a-b>", 0, "numeric interval")
	f(`"abc`, 0, "not closed")
	f("a|", 2, "expected an expression")
	f(`a\`, 1, "expected a character")
	f("~", 1, "behind [~]")
	f(strings.Repeat("(", 1000), 200, "nested too deeply")
	f(strings.Repeat("~", 1000), 199, "nested too deeply")
}

// What both dialects understand alike must match as Go's own engine does.
func TestRegexAgainstGo(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	atoms := []string{"a", "b", "c", ".", "[ab]", "[^a]", "ä", "(a|b)", "(ab|c)", "(b*a)"}
	ops := []string{"", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}"}
	for range 3000 {
		var b strings.Builder
		for range 1 + rng.Intn(5) {
			b.WriteString(atoms[rng.Intn(len(atoms))] + ops[rng.Intn(len(ops))])
			if rng.Intn(6) == 0 {
				b.WriteString("|" + atoms[rng.Intn(len(atoms))])
			}
		}
		expr := b.String()
		ours, err := NewRegex([]string{expr}, Options{})
		if err != nil {
			t.Fatalf("%q: %v", expr, err)
		}
		theirs := regexp.MustCompile(`(?s)\A(?:` + expr + `)\z`)
		lits := ours.Literals()
		neither, err := NewRegex([]string{"~(" + expr + ")"}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			text := randomText(rng, "abcä\n", 8)
			if got, want := ours.Match(text), theirs.MatchString(text); got != want {
				t.Fatalf("%q on %q: got %v, want %v", expr, text, got, want)
			}
			if ours.Match(text) && lits != nil && !anyStands(lits, text) {
				t.Fatalf("%q matches %q without its literals %q", expr, text, lits)
			}
			if neither.Match(text) == theirs.MatchString(text) {
				t.Fatalf("the complement of %q on %q is no complement", expr, text)
			}
		}
	}
}

func randomText(rng *rand.Rand, letters string, n int) string {
	runes := []rune(letters)
	var b strings.Builder
	for range rng.Intn(n + 1) {
		b.WriteRune(runes[rng.Intn(len(runes))])
	}
	return b.String()
}

// An expression with more states than are kept forgets and goes on.
func TestRegexForgets(t *testing.T) {
	r, err := NewRegex([]string{".*a.{14}"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewSource(2))
	for range 200 {
		text := randomText(rng, "ab", 400)
		want := len(text) >= 15 && text[len(text)-15] == 'a'
		if got := r.Match(text); got != want {
			t.Fatalf("%q: got %v, want %v", text, got, want)
		}
	}
	if n := len(r.cache.states); n > maxStates {
		t.Errorf("%d states are kept", n)
	}
}

// naive is the wildcard's meaning, letter by letter.
func naive(p, s []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '*':
		return naive(p[1:], s) || len(s) > 0 && naive(p, s[1:])
	case len(s) == 0:
		return false
	}
	return (p[0] == '?' || p[0] == s[0]) && naive(p[1:], s[1:])
}

// Expressions that blow up cost no more than their bounds.
func TestRegexIsBounded(t *testing.T) {
	for _, expr := range []string{
		"(a?){1000}(a{0,8}){1000}",
		"~(.*a.{200}b.*)&~(.*b.{150}a.*)&(.*(a|b){100}.*)",
		"((a|b)*&~((a|b)*a(a|b){30}))*c",
		"(.*[a-f].*){10}&(.*[d-k].*){10}&(.*[g-z].*){10}",
	} {
		r, err := NewRegex([]string{expr}, Options{})
		if err != nil {
			t.Fatalf("%q: %v", expr, err)
		}
		rng := rand.New(rand.NewSource(5))
		for range 3 {
			r.Match(randomText(rng, "abdgz", 300))
		}
		if n := len(r.cache.terms); n > 5*maxTerms {
			t.Errorf("%q keeps %d terms", expr, n)
		}
	}
}

func TestSetAgainstNaive(t *testing.T) {
	rng := rand.New(rand.NewSource(3))
	for range 5000 {
		var patterns []string
		for range 1 + rng.Intn(8) {
			patterns = append(patterns, randomText(rng, "aabä*?", 7))
		}
		set := NewSet(patterns)
		for range 20 {
			text := randomText(rng, "aabäc", 8)
			want := false
			for _, p := range patterns {
				one := naive([]rune(p), []rune(text))
				want = want || one
				if lit, where := Literal(p); one && !stands(lit, where, text) {
					t.Fatalf("%q matches %q without its literal %q (%v)", p, text, lit, where)
				}
			}
			if got := set.Match(text); got != want {
				t.Fatalf("%q on %q: got %v, want %v", patterns, text, got, want)
			}
		}
	}
}

func TestRegexLiterals(t *testing.T) {
	f := func(expr string, o Options, want string) {
		t.Helper()
		r, err := NewRegex([]string{expr}, o)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(r.Literals()); got != want {
			t.Errorf("%q: got %s, want %s", expr, got, want)
		}
	}
	f("net1", Options{}, "[{net1 0}]")
	f("net1.*", Options{}, "[{net1 1}]")
	f(`.*\.(top|xyz)`, Options{}, "[{.top 2} {.xyz 2}]")
	f(`.*\.(vbs|docx?)\.EXE`, Options{Fold: true}, "[{.doc.exe 2} {.docx.exe 2} {.vbs.exe 2}]")
	f("(azure|sharp|blood)(hound)/.*", Options{}, "[{azurehound/ 1} {bloodhound/ 1} {sharphound/ 1}]")
	f(".*(AWSLogs|access-logs).*", Options{}, "[{AWSLogs 3} {access-logs 3}]")
	f("[24][0-9]{3}", Options{}, "[{2 1} {4 1}]")
	f(".*", Options{}, "[]")
	f("a?b?", Options{}, "[{ 0} {b 0} {a 0} {ab 0}]")
	f("~(abc)", Options{}, "[]")
	f("(.*abc.*)&(.*longer.*)", Options{}, "[{longer 3}]")
	f("(ab)+", Options{}, "[{ab 3}]")
}

func anyStands(lits []Lit, text string) bool {
	for _, l := range lits {
		if stands(l.Text, l.Where, text) {
			return true
		}
	}
	return false
}

func stands(lit string, where Where, text string) bool {
	switch where {
	case Whole:
		return text == lit
	case Begin:
		return strings.HasPrefix(text, lit)
	case End:
		return strings.HasSuffix(text, lit)
	}
	return strings.Contains(text, lit)
}

func TestExactSetTakesPatternsAsText(t *testing.T) {
	s := NewExactSet([]string{"1*", "a?"})
	if !s.Match("1*") || s.Match("12") || s.Match("ab") {
		t.Error("* and ? are letters in an exact set")
	}
}

func FuzzRegex(f *testing.F) {
	for _, s := range []string{"a|b", "~(a&b)", "<1-100>", `[^\w]{2,3}`, `"x"@#`, "(a{3}){2,}"} {
		f.Add(s, "aab")
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		if len(expr) > 200 || len(text) > 200 {
			return
		}
		for _, o := range []Options{{}, {Fold: true}, {Java: true, Fold: true}} {
			r, err := NewRegex([]string{expr}, o)
			if err != nil {
				continue
			}
			first := r.Match(text)
			if second := r.Match(text); second != first {
				t.Errorf("%q on %q: two answers", expr, text)
			}
		}
	})
}
