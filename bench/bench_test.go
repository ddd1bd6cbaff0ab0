package bench

import (
	"context"
	"testing"

	"github.com/tocsin-project/tocsin/eql"
	"github.com/tocsin-project/tocsin/strategy"
)

func twoStrategies() ([]*strategy.Strategy, error) {
	return []*strategy.Strategy{
		{ID: "one", Rules: []strategy.Rule{{Query: `process where event.type == "start" and process.name : "services.exe"`}}},
		{ID: "two", Rules: []strategy.Rule{{Query: `sequence by host.id [network where destination.port == 135] [process where process.name like "*a*"]`}}},
	}, nil
}

// TestRun: a report has all phases over the same events, and what was asked for.
func TestRun(t *testing.T) {
	r, err := Run(context.Background(), Options{Generate: 300, Load: twoStrategies, Copies: 2, Rounds: 1, One: "two"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Events != 300 || r.Bytes == 0 || r.Start.Stages != 3 || len(r.Phases) != 6 || r.PeakMemory == 0 {
		t.Fatalf("report %+v", r)
	}
	for _, p := range r.Phases {
		if p.Seconds < 0 || p.Stages != map[string]int{"one strategy": 2, "all strategies": 3, "all strategies, 2 copies": 6}[p.Name] {
			t.Errorf("phase %+v", p)
		}
	}
	if r.Profile().Fields["process.name"] == nil {
		t.Error("the profile does not know process.name")
	}
}

// TestRunFails: no documents, no rule that compiles.
func TestRunFails(t *testing.T) {
	broken := func() ([]*strategy.Strategy, error) {
		return []*strategy.Strategy{{ID: "x", Rules: []strategy.Rule{{Query: "process where"}}}}, nil
	}
	if _, err := Run(context.Background(), Options{Generate: 10, Load: broken}); err == nil {
		t.Error("no error without rules")
	}
	if _, err := Run(context.Background(), Options{Paths: []string{t.TempDir()}, Load: twoStrategies}); err == nil {
		t.Error("no error without documents")
	}
}

// TestDistinct: copies compare with other texts, and with the same where all
// rules do; what is no text stays.
func TestDistinct(t *testing.T) {
	for _, c := range [][2]string{
		{`process where process.name == "a.exe"`, `process where process.name == "a.exqe"`},
		{`process where process.name : ("*\\net?.exe", "x*") and event.type == "start"`, `process where process.name : ("*\\net?.exqe", "qx*") and event.type == "start"`},
		{`network where source.ip == "10.0.0.1" and cidrMatch(source.ip, "::1/128")`, `network where source.ip == "10.0.0.1" and cidrMatch(source.ip, "::1/128")`},
		{`file where startsWith(file.path, "c:") or process.pid == 4`, `file where startsWith(file.path, "qc:") or process.pid == 4`},
		{`file where file.name regex "ab+"`, `file where file.name regex "ab+"`},
		{`sequence with maxspan=1s [any where true] [any where true] until [file where file.name in ("b")]`, `sequence with maxspan=1s [any where true] [any where true] until [file where file.name in ("qb")]`},
		{`not a query`, `not a query`},
	} {
		want := c[1]
		if q, err := eql.Parse(want); err == nil {
			want = q.String()
		}
		if got := distinct(c[0], "q"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
