package eql

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tocsin-project/tocsin/event"
)

const sharedSuites = "../../shared/eql/conformance"

// suite is one of the conformance files that stand outside the repository.
type suite struct {
	Dataset       string          `json:"dataset"`
	TimestampName string          `json:"timestamp_field"`
	CategoryField string          `json:"event_category_field"`
	IDField       string          `json:"id_field"`
	DefaultSize   int             `json:"default_size"`
	Cases         json.RawMessage `json:"cases"`
}

func readShared(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(sharedSuites, path))
	if os.IsNotExist(err) {
		t.Skip("shared data is not here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readSuite[C any](t *testing.T, name string) (suite, []C) {
	t.Helper()
	var s suite
	var cases []C
	if err := json.Unmarshal(readShared(t, name+".json"), &s); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(s.Cases, &cases); err != nil {
		t.Fatal(err)
	}
	return s, cases
}

// sharedDataset is a dataset's documents and its mapping, which has learned
// the fields that it does not list from them, as Elasticsearch would.
func sharedDataset(t testing.TB, file string) ([][]byte, *event.Mapping) {
	t.Helper()
	docs := bytes.Split(bytes.TrimSpace(readShared(t, file)), []byte("\n"))
	m, err := event.MappingTypes(readShared(t, strings.TrimSuffix(file, ".ndjson")+".mapping.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		m.Learn(d)
	}
	return docs, m
}

// decodeAll decodes documents over a schema that no longer grows.
func decodeAll(t testing.TB, s *event.Schema, docs [][]byte) []*event.Event {
	t.Helper()
	dec := event.NewDecoder(s)
	var out []*event.Event
	for _, d := range docs {
		ev := event.New(s)
		ev.Reset(d)
		if err := dec.Decode(d, ev); err != nil {
			t.Fatalf("%v: %s", err, d)
		}
		out = append(out, ev)
	}
	return out
}

func TestConformanceErrors(t *testing.T) {
	type errorCase struct{ Name, Query, Error, Source string }
	s, cases := readSuite[errorCase](t, "errors")
	_, mapping := sharedDataset(t, s.Dataset)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			env := &Env{Schema: event.NewSchema(mapping), Strict: true, Columns: mapping.Names}
			_, err := Compile(c.Query, env)
			if err == nil {
				t.Fatalf("accepted: %s", c.Query)
			}
			if got := err.(ErrorList).Render("", 0); !sameFault(got, c.Error) {
				t.Errorf("query %s\ngot  %s\nwant %s", c.Query, got, c.Error)
			} else if testing.Verbose() {
				t.Log(got)
			}
		})
	}
}

// sameFault compares messages without regard to case. Elasticsearch's parser
// names a token in three ways where ours has one.
func sameFault(got, want string) bool {
	got, want = strings.ToLower(got), strings.ToLower(want)
	if strings.HasPrefix(want, "must be rejected") || strings.HasPrefix(want, "expected a syntax error") {
		return true
	}
	for _, antlr := range []string{"mismatched input ", "extraneous input ", "no viable alternative at input "} {
		if token, ok := strings.CutPrefix(want, antlr); ok {
			want = "unexpected " + strings.TrimSuffix(token, " expecting")
		}
	}
	return strings.Contains(got, want)
}

func TestConformanceFolding(t *testing.T) {
	type foldCase struct {
		Name, Expression string
		Expected         json.RawMessage
		UpstreamCode     json.RawMessage `json:"upstream_code"`
	}
	for _, name := range []string{"folding", "string_functions_fold"} {
		_, cases := readSuite[foldCase](t, name)
		for _, c := range cases {
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				e, err := ParseCondition(c.Expression)
				if err != nil {
					t.Fatal(err)
				}
				cc := newCompiler(c.Expression, &Env{Schema: event.NewSchema(nil)})
				cc.expr(e)
				lit, ok := cc.fold(e).(*Literal)
				if err := cc.err(); err != nil {
					t.Fatal(err)
				}
				if !ok {
					t.Fatalf("does not fold: %s", cc.fold(e))
				}
				want := string(c.Expected)
				if c.UpstreamCode != nil {
					want = string(c.UpstreamCode)
				}
				if got := string(lit.Value.AppendJSON(nil)); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	}
}

type queryCase struct {
	Name, Query string
	Expected    json.RawMessage `json:"expected_event_ids"`
	Size        *int
}

// Event queries run here; sequences and samples run in cmd/tocsin, which joins
// them, but they must compile here too.
func TestConformanceEventQueries(t *testing.T) {
	for _, name := range []string{"test_queries", "additional_test_queries", "test_queries_date", "test_queries_date_nanos", "test_extra", "test_missing_events", "test_sample", "test_sample_multi"} {
		s, cases := readSuite[queryCase](t, name)
		docs, mapping := sharedDataset(t, s.Dataset)
		ran := 0
		for _, c := range cases {
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				schema := event.NewSchema(mapping)
				p, err := Compile(c.Query, &Env{Schema: schema, CategoryField: s.CategoryField, Strict: true, Columns: mapping.Names})
				if err != nil {
					t.Fatal(err.(ErrorList).Render("", 0))
				}
				fixedPoint(t, c.Query)
				if p.Kind == Event {
					ran++
					var want []int64
					if err := json.Unmarshal(c.Expected, &want); err != nil {
						t.Fatal(err)
					}
					got := runEvents(t, p, schema, docs, s.IDField)
					if !slices.Equal(got, want) {
						t.Errorf("%s\ngot  %v\nwant %v", c.Query, got, want)
					}
				}
			})
		}
		t.Logf("%s: %d cases compile, %d are event queries", name, len(cases), ran)
	}
}

// runEvents matches a one-event query; the datasets are in the order of time.
func runEvents(t *testing.T, p *Program, schema *event.Schema, docs [][]byte, idField string) []int64 {
	id := schema.Slot(idField)
	ids := []int64{}
	for _, ev := range decodeAll(t, schema, docs) {
		match := p.Stages[0].Match(ev)
		checkPredicates(t, &p.Stages[0], ev, match)
		if match {
			ids = append(ids, int64(ev.Values(id)[0].N))
		}
	}
	for _, pipe := range p.Pipes {
		n := min(pipe.N, len(ids))
		if pipe.Tail {
			ids = ids[len(ids)-n:]
		} else {
			ids = ids[:n]
		}
	}
	return ids
}

// checkPredicates holds what routing and explain rely on: the predicates say
// together what the stage says, and none holds against its guard.
func checkPredicates(t *testing.T, s *Stage, ev *event.Event, match bool) {
	t.Helper()
	all := true
	for _, f := range s.Explain(ev) {
		all = all && f.Holds
	}
	if all != match {
		t.Errorf("explain says %v, match %v: %v", all, match, s.Explain(ev))
	}
	for _, p := range s.Conjuncts() {
		if g, ok := p.Guard(); ok && p.Eval(ev) && !guardPasses(g, ev) {
			t.Errorf("%s holds against its guard %v for %s", p, g, ev.Raw)
		}
	}
}

// guardPasses is the meaning of a guard.
func guardPasses(g Guard, ev *event.Event) bool {
	for _, n := range g.Needs {
		values := ev.Values(n.Slot)
		for i := range values {
			v := &values[i]
			s := v.S
			if n.Fold {
				s = v.Fold()
			}
			key, _ := EqualKey(*v)
			switch text := v.Kind == event.KindText; {
			case n.Op == Exists,
				n.Op == Exact && text && s == n.Text,
				n.Op == Prefix && text && hasPrefixAfter(s, n.Skip, n.Text),
				n.Op == Suffix && text && strings.HasSuffix(s, n.Text),
				n.Op == Contains && text && strings.Contains(s, n.Text),
				n.Op == Equal && key.Kind == n.Value.Kind && key.N == n.Value.N && key.M == n.Value.M:
				return true
			}
		}
	}
	return false
}

func hasPrefixAfter(s string, skip int, prefix string) bool {
	for ; skip > 0 && s != ""; skip-- {
		_, n := utf8.DecodeRuneInString(s)
		s = s[n:]
	}
	return skip == 0 && strings.HasPrefix(s, prefix)
}

// fixedPoint: what a query prints reads back and prints the same.
func fixedPoint(t *testing.T, text string) {
	t.Helper()
	q, err := Parse(text)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	once := q.String()
	again, err := Parse(once)
	if err != nil {
		t.Errorf("what is printed does not parse: %v\n%s", err, once)
		return
	}
	if twice := again.String(); twice != once {
		t.Errorf("printing is no fixed point:\n%s\n%s", once, twice)
	}
}

type elasticRule struct {
	RuleID string `json:"rule_id"`
	Name   string `json:"name"`
	Query  string `json:"query"`
}

func elasticRules(t testing.TB) []elasticRule {
	f, err := os.Open("../../shared/rules/eql_rules.ndjson")
	if err != nil {
		t.Skip("shared data is not here: ", err)
	}
	defer f.Close()
	var out []elasticRule
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		var r elasticRule
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func TestElasticRules(t *testing.T) {
	count := map[string]int{}
	schema := event.NewSchema(event.ECSTypes())
	for _, r := range elasticRules(t) {
		count["rules"]++
		p, err := Compile(r.Query, &Env{Schema: schema})
		if err != nil {
			t.Errorf("%s:\n%s", r.Name, err.(ErrorList).Render("", 0))
			continue
		}
		fixedPoint(t, r.Query)
		features(p, count)
	}
	var keys []string
	for k := range count {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		t.Logf("%6d %s", count[k], k)
	}
	t.Logf("%6d fields", schema.Len())
}

// features counts what a program uses.
func features(p *Program, count map[string]int) {
	count["kind "+p.Kind.String()]++
	if p.Until != nil {
		count["until"]++
	}
	for _, pipe := range p.Query.Pipes {
		count["pipe "+pipe.Name]++
	}
	for _, s := range p.Query.Steps {
		if s.Runs > 1 {
			count["with runs"]++
		}
		if s.Missing {
			count["missing event"]++
		}
		walk(s.Cond, func(e Expr) {
			switch n := e.(type) {
			case *Call:
				count["function "+strings.ToLower(n.Name)+map[bool]string{true: "~"}[n.Fold]]++
			case *Match:
				count["operator "+n.Op.String()+map[bool]string{true: "~"}[n.Fold && n.Op != OpSeq]]++
			case *Compare:
				count["operator "+n.Op.String()]++
			case *Field:
				if n.Optional {
					count["optional fields"]++
				}
			}
		})
	}
	for i := range p.Stages {
		count["stages"]++
		for _, c := range p.Stages[i].Conjuncts() {
			count["predicates"]++
			switch g, ok := c.Guard(); {
			case !ok:
				count["predicates without guard"]++
			case Strength(g.Needs) >= 50:
				count["predicates with strong guard"]++
			}
			if _, ok := c.node.(*script); ok {
				count["predicates as scripts"]++
			}
		}
	}
}
