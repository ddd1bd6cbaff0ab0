package clause_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/clause"
	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/event"
)

// taken compiles a condition and takes it apart.
func taken(t *testing.T, text string) (*clause.Tree, *eql.Condition, *event.Schema) {
	t.Helper()
	env := &eql.Env{Schema: event.NewSchema(event.ECSTypes())}
	cond, err := eql.CompileCondition(text, env)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := clause.New(cond.Expr, env)
	if err != nil {
		t.Fatal(err)
	}
	return tree, cond, env.Schema
}

func decode(t *testing.T, s *event.Schema, doc string) *event.Event {
	t.Helper()
	ev := event.New(s)
	if err := event.NewDecoder(s).Decode([]byte(doc), ev); err != nil {
		t.Fatal(err)
	}
	return ev
}

func TestFaults(t *testing.T) {
	const rule = `process.name : "services.exe" and source.port >= 49152 and not (source.ip == "127.0.0.1" or source.ip == "::1") and
		not (process.executable : "*\\msiexec.exe" and process.args : "/V") and (event.code == "1" or (event.code == "2" and user.name == "a")) and
		user.id not in ("x", "y") and user.domain != "z"`
	const good = `"process":{"name":"services.exe"},"source":{"port":50000,"ip":"10.0.0.1"},"event":{"code":"1"}`
	for _, c := range []struct{ change, to, want string }{
		{"", "", ""},
		{`services.exe`, `x.exe`, `process.name : "services.exe"`},
		{`50000`, `49151`, `source.port >= 49152`},
		{`10.0.0.1`, `::1`, `not source.ip == "::1"`},
		{`"code":"1"`, `"code":"2"`, `event.code == "1"`},
		{`"code":"1"`, `"code":"3"`, `event.code == "1"`},
		{`"name":"services.exe"`, `"name":"services.exe","executable":"C:\\msiexec.exe","args":["/v"]`, `not process.executable : "*\\msiexec.exe"`},
		{`"code":"1"}`, `"code":"1"},"user":{"id":"y"}`, `not user.id in ("x", "y")`},
		{`"code":"1"}`, `"code":"1"},"user":{"domain":"z"}`, `user.domain != "z"`},
	} {
		tree, cond, schema := taken(t, rule)
		ev := decode(t, schema, "{"+strings.Replace(good, c.change, c.to, 1)+"}")
		faults, ok := tree.Faults(ev, 1, nil)
		var got []string
		for _, f := range faults {
			got = append(got, f.Text)
		}
		if !ok || strings.Join(got, "; ") != c.want {
			t.Errorf("%s → %s: %q %v, want %q", c.change, c.to, got, ok, c.want)
		}
		if tree.Holds(ev) != (c.want == "") || cond.Match(ev) != (c.want == "") {
			t.Errorf("%s → %s: holds %v, match %v", c.change, c.to, tree.Holds(ev), cond.Match(ev))
		}
	}
}

func TestTooManyFaults(t *testing.T) {
	tree, _, schema := taken(t, `process.name == "a" and process.pid == 1 and (user.name == "b" or user.id == "c")`)
	ev := decode(t, schema, `{}`)
	for limit := range 5 {
		faults, ok := tree.Faults(ev, limit, nil)
		if ok != (limit >= 3) || ok && len(faults) != 3 || !ok && len(faults) != 0 {
			t.Errorf("limit %d: %d faults, %v", limit, len(faults), ok)
		}
	}
}

func TestElement(t *testing.T) {
	tree, _, schema := taken(t, `not process.executable : ("?:\\A\\*", "?:\\B\\*.exe") and process.pid in (1, 2)`)
	tests := tree.Tests()
	ev := decode(t, schema, `{"process":{"executable":"d:\\b\\x.EXE","pid":2}}`)
	if got := tests[0].Element(ev); got != `?:\B\*.exe` {
		t.Errorf("element %q", got)
	}
	if got := tests[1].Element(ev); got != "2" {
		t.Errorf("element %q", got)
	}
	if seen := tests[0].Seen(ev); len(seen) != 1 || seen[0].Field != "process.executable" || seen[0].Values[0] != `d:\b\x.EXE` {
		t.Errorf("seen %+v", seen)
	}
	if v := tests[0].Values; len(v) != 2 || !tests[0].Negated {
		t.Errorf("values %q, negated %v", v, tests[0].Negated)
	}
	if got := tests[0].Element(decode(t, schema, `{}`)); got != "" {
		t.Errorf("element of nothing %q", got)
	}
}

func TestPossible(t *testing.T) {
	tree, _, _ := taken(t, `event.code == "1" and (user.name == "a" or user.id == "b") and not process.pid == 3`)
	for _, c := range []struct {
		answers  string // by field, the rest maybe
		want     clause.Answer
		blockers string
	}{
		{"", clause.Maybe, ""},
		{"event.code=no", clause.No, `event.code == "1"`},
		{"user.name=no", clause.Maybe, ""},
		{"user.name=no user.id=no", clause.No, `user.name == "a"`},
		{"event.code=no process.pid=no", clause.No, `event.code == "1"; not process.pid == 3`},
		{"event.code=yes user.name=yes process.pid=yes", clause.Yes, ""},
	} {
		got, blockers := tree.Possible(func(x *clause.Test) clause.Answer {
			switch {
			case strings.Contains(c.answers, x.Fields[0]+"=no"):
				return clause.No
			case strings.Contains(c.answers, x.Fields[0]+"=yes"):
				return clause.Yes
			}
			return clause.Maybe
		})
		var names []string
		for _, b := range blockers {
			names = append(names, b.Text)
		}
		if got != c.want || strings.Join(names, "; ") != c.blockers {
			t.Errorf("%q: %d %q, want %d %q", c.answers, got, names, c.want, c.blockers)
		}
	}
}

// TestHoldsAsCompiled: a tree holds exactly when the compiled condition does,
// whatever is missing and however many values there are.
func TestHoldsAsCompiled(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	leaves := []string{
		`process.name == "a"`, `process.name : ("a*", "B")`, `process.pid > 3`, `process.pid != 2`, `user.name in ("a", "b")`,
		`user.name not in ("a")`, `process.args == "x"`, `not process.args : "X"`, `user.id == null`, `user.id != null`,
		`length(process.name) > 1`, `concat(process.name, user.name) == "aa"`, `cidrMatch(source.ip, "10.0.0.0/8")`, `source.ip == "::1"`,
		`process.pid + 1 == 3`, `startsWith~(process.name, "A")`, `process.name like~ "A*"`, `user.name regex "a.*"`, `true`, `process.pid in (1, 2)`,
	}
	var expr func(depth int) string
	expr = func(depth int) string {
		if depth == 0 || rng.IntN(4) == 0 {
			return leaves[rng.IntN(len(leaves))]
		}
		a, b := expr(depth-1), expr(depth-1)
		switch rng.IntN(4) {
		case 0:
			return "not (" + a + ")"
		case 1:
			return "(" + a + " or " + b + ")"
		case 2:
			return "not (" + a + " and " + b + ")"
		}
		return "(" + a + " and " + b + ")"
	}
	values := []string{``, `"process":{"name":"a","pid":2},`, `"process":{"name":["a","bb"],"pid":[1,4],"args":["x","y"]},`, `"process":{"name":"Ab","args":"X"},`}
	users := []string{``, `"user":{"name":"a"},`, `"user":{"name":["b","a"],"id":"1"},`}
	ips := []string{``, `"source":{"ip":"10.1.2.3"},`, `"source":{"ip":["::1","10.0.0.9"]},`}
	held := 0
	for range 3000 {
		text := expr(4)
		tree, cond, schema := taken(t, text)
		doc := values[rng.IntN(len(values))] + users[rng.IntN(len(users))] + ips[rng.IntN(len(ips))]
		ev := decode(t, schema, fmt.Sprintf("{%s}", strings.TrimSuffix(doc, ",")))
		want := cond.Match(ev)
		if tree.Holds(ev) != want {
			t.Fatalf("%s\non {%s}: tree %v, compiled %v", text, doc, !want, want)
		}
		faults, ok := tree.Faults(ev, 100, nil)
		if !ok && len(tree.Tests()) <= 100 || (len(faults) == 0) != want && ok {
			t.Fatalf("%s\non {%s}: %d faults %v, compiled %v", text, doc, len(faults), ok, want)
		}
		if want {
			held++
		}
	}
	if held < 300 || held > 2700 {
		t.Errorf("%d of 3000 hold: the histories are one-sided", held)
	}
}
