package eql

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/event"
)

// Every predicate of every rule, over events that are made to satisfy them:
// none may hold against its guard, and predicates that print alike must agree.
func TestGuardsOfElasticRules(t *testing.T) {
	schema := event.NewSchema(event.ECSTypes())
	var preds []*Predicate
	byText := map[string][]*Predicate{}
	var stages []*Stage
	for _, r := range elasticRules(t) {
		p, err := Compile(r.Query, &Env{Schema: schema})
		if err != nil {
			t.Fatal(err)
		}
		for i := range p.Stages {
			stages = append(stages, &p.Stages[i])
			for _, c := range p.Stages[i].Conjuncts() {
				preds = append(preds, c)
				byText[c.String()] = append(byText[c.String()], c)
			}
		}
	}
	rng := rand.New(rand.NewSource(1))
	held, guarded := 0, 0
	for _, s := range stages {
		if rng.Intn(4) > 0 && testing.Short() {
			continue
		}
		ev := satisfy(rng, schema, s)
		for _, p := range s.Conjuncts() {
			g, ok := p.Guard()
			if !p.Eval(ev) {
				continue
			}
			held++
			if ok {
				guarded++
				if !guardPasses(g, ev) {
					t.Errorf("%s holds against its guard %v", p, g)
				}
			}
			rates := map[Need]float64{}
			by, has := p.GuardBy(func(n *Need) float64 { // any rates: all guards must hold
				if _, ok := rates[*n]; !ok {
					rates[*n] = rng.Float64()
				}
				return rates[*n]
			})
			if has != ok || has && !guardPasses(by, ev) {
				t.Errorf("%s holds against its guard %v", p, by)
			}
			for _, twin := range byText[p.String()] {
				if !twin.Eval(ev) {
					t.Errorf("%s: predicates that print alike differ", p)
				}
			}
		}
	}
	t.Logf("%d predicates, %d of them distinct; %d times one held, %d times with a guard", len(preds), len(byText), held, guarded)
}

// satisfy makes an event with a value for one need of each of a stage's predicates.
func satisfy(rng *rand.Rand, schema *event.Schema, s *Stage) *event.Event {
	ev := event.New(schema)
	for _, p := range s.Conjuncts() {
		g, ok := p.Guard()
		if !ok || len(g.Needs) == 0 {
			continue
		}
		n := g.Needs[rng.Intn(len(g.Needs))]
		v := n.Value
		switch n.Op {
		case Exact:
			v = event.Text(n.Text)
		case Prefix:
			v = event.Text(n.Text + "x\\y.exe")
		case Suffix:
			v = event.Text("c:\\x" + n.Text)
		case Contains:
			v = event.Text("c:\\x" + n.Text + "y")
		case Exists:
			v = event.Text("10.0.0.1")
		}
		ev.Add(n.Slot, v)
	}
	return ev
}

// randomCondition makes a condition over the fields x (texts) and n (numbers).
func randomCondition(rng *rand.Rand, depth int) string {
	pick := func(s ...string) string { return s[rng.Intn(len(s))] }
	if depth > 0 && rng.Intn(2) == 0 {
		switch rng.Intn(4) {
		case 0:
			return "not (" + randomCondition(rng, depth-1) + ")"
		case 1:
			return "(" + randomCondition(rng, depth-1) + " and " + randomCondition(rng, depth-1) + ")"
		default:
			return "(" + randomCondition(rng, depth-1) + " or " + randomCondition(rng, depth-1) + ")"
		}
	}
	word := func() string {
		return `"` + pick("a", "ab", "AB", "b*", "*b", "?b", "a*c", "*", "", "*ab*", "a?c") + `"`
	}
	list := func() string { return "(" + word() + ", " + word() + ", " + word() + ")" }
	number := func() string { return pick("0", "1", "-1", "1.5", "2", "100") }
	switch rng.Intn(10) {
	case 0:
		return "x " + pick("==", "!=", "<", ">=") + " " + word()
	case 1:
		return "x " + pick(":", "like", "like~") + " " + pick(word(), list())
	case 2:
		return "x " + pick("in", "in~", "not in", "not in~") + " " + list()
	case 3:
		return "n " + pick("==", "!=", "<", "<=", ">", ">=") + " " + number()
	case 4:
		return "n " + pick("in", "not in") + " (" + number() + ", " + number() + ")"
	case 5:
		return pick("x", "n") + " " + pick("==", "!=") + " null"
	case 6:
		return pick("startsWith", "endsWith", "stringContains", "startsWith~", "endsWith~", "stringContains~") + "(x, " + word() + ")"
	case 7:
		return "x " + pick("regex", "regex~") + " " + pick(`"a.*"`, `"(a|b)+"`, `"[ab]{2}"`, `"a?b?c?"`)
	case 8:
		return fmt.Sprintf("(n > %s) == null", number())
	}
	return "concat(x, n) : " + word()
}

// scriptsOnly compiles as the compiler does but makes a script of every leaf.
func scriptsOnly(c *compiler, e Expr) node {
	switch n := e.(type) {
	case *Literal:
		return c.compile(e)
	case *Logic:
		var xs []node
		for _, x := range n.Xs {
			xs = append(xs, scriptsOnly(c, x))
		}
		if n.Or {
			return &orNode{xs}
		}
		return &andNode{xs}
	case *Not:
		return &notNode{scriptsOnly(c, n.X)}
	case *Compare:
		if n.Op == OpNE {
			m := *n
			m.Op = OpEQ
			return &notNode{c.scriptLeaf(&m)}
		}
	case *Match:
		if n.Negated {
			m := *n
			m.Negated = false
			return &notNode{c.scriptLeaf(&m)}
		}
	}
	return c.scriptLeaf(e)
}

// Over ASCII text a direct test of a field and its script must agree; so must
// the condition and its predicates, guards and printed form.
func TestLeavesAgreeWithScripts(t *testing.T) {
	rng := rand.New(rand.NewSource(7))
	texts := []string{"", "a", "A", "ab", "AB", "abc", "aXc", "b", "bb", "cab", "c"}
	for range 2000 {
		text := randomCondition(rng, 3)
		schema := event.NewSchema(nil)
		env := &Env{Schema: schema}
		x, n := schema.Slot("x"), schema.Slot("n")
		cond, err := CompileCondition(text, env)
		if err != nil {
			t.Fatalf("%v\n%s", err.(ErrorList).Render("", 0), text)
		}
		again, err := CompileCondition(cond.Expr.String(), env)
		if err != nil {
			t.Fatalf("%v\n%s", err, cond.Expr)
		}
		c := newCompiler(text, env)
		scripts := scriptsOnly(c, c.fold(cond.Expr))
		for range 20 {
			ev := event.New(schema)
			var shown []string
			for range rng.Intn(3) {
				s := texts[rng.Intn(len(texts))]
				ev.Add(x, event.Text(s))
				shown = append(shown, s)
			}
			for range rng.Intn(3) {
				s := []string{"0", "1", "-1", "1.5", "2", "99"}[rng.Intn(6)]
				ev.Add(n, event.Number(s))
				shown = append(shown, s)
			}
			got := cond.Match(ev)
			if want := scripts.match(ev); got != want {
				t.Fatalf("%s on %q: leaves say %v, scripts %v", text, shown, got, want)
			}
			if again.Match(ev) != got {
				t.Fatalf("%s on %q: its printed form says otherwise: %s", text, shown, cond.Expr)
			}
			all := true
			for _, p := range cond.Conjuncts() {
				holds := p.Eval(ev)
				all = all && holds
				if g, ok := p.Guard(); ok && holds && !guardPasses(g, ev) {
					t.Fatalf("%s on %q holds against its guard %v", p, shown, g)
				}
			}
			if all != got {
				t.Fatalf("%s on %q: predicates %v, condition %v", text, shown, all, got)
			}
		}
	}
}

func TestCanonicalPredicates(t *testing.T) {
	f := func(a, b string, same bool) {
		t.Helper()
		env := &Env{Schema: event.NewSchema(nil)}
		ca, err := CompileCondition(a, env)
		if err != nil {
			t.Fatal(err)
		}
		cb, err := CompileCondition(b, env)
		if err != nil {
			t.Fatal(err)
		}
		if got := ca.Conjuncts()[0].String() == cb.Conjuncts()[0].String(); got != same {
			t.Errorf("%s and %s: same %v, want %v", ca.Conjuncts()[0], cb.Conjuncts()[0], got, same)
		}
	}
	f(`x : ("b", "a", "A")`, `x like~ ("A", "B")`, true)
	f(`x : "a"`, `?x : "A"`, true)
	f(`x in (1, 2)`, `x in (2, 1, 2)`, true)
	f(`x like "a"`, `x like "A"`, false)
	f(`x : "a"`, `x in~ ("a")`, false) // the one takes wildcards
	f(`x == "a"`, `x == "b"`, false)
	f(`x == "a" or y == "b"`, `y == "b" or x == "a"`, true)
	f(`not (x == "a" and y == "b")`, `not (y == "b" and x == "a")`, true)
	f(`5 <= x`, `x >= 5`, true)
	f(`startswith~(x, "a")`, `startsWith~(x, "a")`, true)
	f(`x regex~ "a"`, `x regex~ "A"`, false)
	f(`x == "`+strings.Repeat("a", 10)+`"`, `x == """aaaaaaaaaa"""`, true)
}
