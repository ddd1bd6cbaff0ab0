package eql

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/event"
)

// seedRule returns the EQL fence of the user's document.
func seedRule(t testing.TB) string {
	b, err := os.ReadFile("../../shared/seed/remotely-started-services-via-rpc.md")
	if err != nil {
		t.Skip("shared data is not here: ", err)
	}
	_, rest, ok := strings.Cut(string(b), "```eql\n")
	rule, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatal("no eql fence in the document")
	}
	return rule
}

func TestSeedRule(t *testing.T) {
	schema := event.NewSchema(event.ECSTypes())
	p, err := Compile(seedRule(t), &Env{Schema: schema})
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Log(p.Query)
	dec := event.NewDecoder(schema)
	ev := event.New(schema)
	f := func(doc string, want ...bool) {
		t.Helper()
		ev.Reset([]byte(doc))
		if err := dec.Decode([]byte(doc), ev); err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			if got := p.Stages[i].Match(ev); got != w {
				t.Errorf("stage %d: got %v, want %v for %s", i+1, got, w, doc)
			}
		}
	}
	f(`{"event":{"category":["network"]},"host":{"id":"h","os":{"type":"windows"}},"process":{"name":"Services.EXE"},"network":{"direction":"ingress","transport":"tcp"},"source":{"ip":"10.0.0.1","port":50000},"destination":{"port":49152}}`, true, false)
	f(`{"event":{"category":["network"]},"host":{"id":"h","os":{"type":"windows"}},"process":{"name":"Services.EXE"},"network":{"direction":"ingress","transport":"tcp"},"source":{"ip":"0:0:0:0:0:0:0:1","port":50000},"destination":{"port":49152}}`, false, false)
	f(`{"event":{"category":["network"]},"host":{"id":"h","os":{"type":"windows"}},"process":{"name":"Services.EXE"},"network":{"direction":"egress","transport":"tcp"},"source":{"ip":"10.0.0.1","port":50000},"destination":{"port":49152}}`, false, false)
	f(`{"event":{"category":"process","type":["start"]},"host":{"os":{"type":"windows"}},"process":{"executable":"C:\\Windows\\evil.exe","parent":{"name":"services.exe"}}}`, false, true)
	f(`{"event":{"category":"process","type":["start"]},"host":{"os":{"type":"windows"}},"process":{"executable":"C:\\Windows\\psexesvc.exe","parent":{"name":"services.exe"}}}`, false, false)
	f(`{"event":{"category":"process","type":["start"]},"host":{"os":{"type":"windows"}},"process":{"executable":"c:\\program files\\x\\y.exe","parent":{"name":"services.exe"}}}`, false, false)
	f(`{"event":{"category":"process","type":["start"]},"host":{"os":{"type":"windows"}},"process":{"executable":"C:\\Windows\\System32\\msiexec.exe","args":["msiexec","/V"],"parent":{"name":"services.exe"}}}`, false, false)
	f(`{"event":{"category":"process","type":["start"]},"host":{"os":{"type":"windows"}},"process":{"executable":"C:\\Windows\\System32\\msiexec.exe","args":["msiexec","/X"],"parent":{"name":"services.exe"}}}`, false, true)
	f(`{"event":{"category":"process","type":["start"]},"host":{"os":{"type":"windows"}},"process":{"parent":{"name":"services.exe"}}}`, false, true)
}

func TestErrorsAreAllFound(t *testing.T) {
	env := &Env{Schema: event.NewSchema(event.ECSTypes())}
	f := func(text, want string) {
		t.Helper()
		_, err := Compile(text, env)
		if err == nil {
			t.Fatal("compiles: ", text)
		}
		if got := err.(ErrorList).Render("rule.md", 10); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	f("sequence\n  [a where x = 1 and\n    y == 'z']\n  [b where and]\n  [c where true]", `rule.md:12:14: unexpected '=', expected an operator; equality is written [==]
    [a where x = 1 and
               ^
rule.md:13:10: use double quotes ["] to define string literals, not single quotes [']
      y == 'z']
           ^^^
rule.md:14:12: unexpected 'and', expected a field, a constant, a function or [(]; a field of that name stands in backticks: [`+"`and`"+`]
    [b where and]
             ^^^
`)
	f("process where process.pid : 1 and\n\tlenght(process.name) > \"ä\" and process.name == user.name", `rule.md:11:15: first argument of [:] must be [string], found value [process.pid] type [long]; consider using [==] instead
  process where process.pid : 1 and
                ^^^^^^^^^^^
rule.md:12:2: Unknown function [lenght], did you mean [length]?
  	lenght(process.name) > "ä" and process.name == user.name
  	^^^^^^
rule.md:12:49: Comparisons against fields are not (currently) supported; offender [user.name] in [==]
  	lenght(process.name) > "ä" and process.name == user.name
  	                                               ^^^^^^^^^
`)
}

// TestFaultsBesideFaults: what cannot be read hides neither what stands beside it
// nor what is wrong with that, and brings no fault of its own making.
func TestFaultsBesideFaults(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`any where foo(x) and lenght(y) > 1 and x ! 3`, `11 Unknown function [foo]|22 Unknown function [lenght], did|42 unexpected '!', expected [and]`},
		{`any where x ! 3 and (y ! 3 or foo(z)) | hed 3`, `13 unexpected '!', expected [and], [or]|24 unexpected '!', expected [)]|31 Unknown function [foo]|41 Unrecognized pipe [hed]`},
		{`any where cidrMatch(source.ip, 3 !) and x in (a b, "c")`, `34 unexpected '!', expected [,] or [)]|49 unexpected 'b', expected [,] or [)]`},
		{`any where x[0] == 1 and child of [any where true] and foo(x)`, `11 Array indexes|25 Process relationships|55 Unknown function [foo]`},
		{`sequence [any where x ! (] [any where foo(x)] until [any where (x and]`, `23 unexpected '!'|39 Unknown function [foo]|70 unexpected ']', expected a field`},
		{`any where x == "a" and and foo(x)`, `24 unexpected 'and'`},
		{`any where (x and`, `17 unexpected end`},
		{`any where x == 1 ) and foo(x)`, `18 unexpected ')'`},
	} {
		_, err := Compile(c.text, &Env{Schema: event.NewSchema(event.ECSTypes())})
		list, _ := err.(ErrorList)
		wants := strings.Split(c.want, "|")
		if len(list) != len(wants) {
			t.Errorf("%s: got\n%v\nwant %q", c.text, list, wants)
			continue
		}
		for i, e := range list {
			if got := fmt.Sprint(e.Pos.Col, " ", e.Msg); !strings.HasPrefix(got, wants[i]) {
				t.Errorf("%s: got %q, want %q", c.text, got, wants[i])
			}
		}
	}
}

// At most a hundred errors of one text are kept.
func TestErrorsAreCapped(t *testing.T) {
	text := "any where false" + strings.Repeat(" or nofunction(x)", 500)
	_, err := Compile(text, &Env{Schema: event.NewSchema(nil)})
	if n := len(err.(ErrorList)); n != maxErrors {
		t.Errorf("%d errors", n)
	}
}

// No depth of nesting exhausts the stack.
func TestDeepNesting(t *testing.T) {
	for _, text := range []string{
		"any where " + strings.Repeat("(", 100000),
		"any where " + strings.Repeat("not ", 100000) + "true",
		"any where x == " + strings.Repeat("-", 100000) + "1",
		"any where x == " + strings.Repeat("length(", 100000),
		"any where x == 1" + strings.Repeat("+1", 100000),
		"any where " + strings.Repeat("x == 1 and ", 100000) + "true",
		"any where x in (1" + strings.Repeat(",1", 100000) + ")",
		strings.Repeat("/*", 100000),
	} {
		p, err := Compile(text, &Env{Schema: event.NewSchema(nil)})
		if err == nil {
			_ = p.Query.String()
		}
	}
}
