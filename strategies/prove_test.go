package strategies_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/strategy"
)

// finding is one match of one rule, by the short line this test decodes with:
// no files, no journal, no exceptions.
type finding struct {
	rule *engine.Rule
	n    int // events
}

func (f finding) String() string {
	return f.rule.Strategy.ID + "/" + f.rule.Source.Variant
}

// find runs strategies over documents, one a line.
func find(t *testing.T, e *engine.Engine, docs io.Reader) []finding {
	t.Helper()
	dec := ecs.NewDecoder(e.Schema(), ecs.Options{Native: true})
	ev := event.New(e.Schema())
	m := e.Matcher()
	hits := map[string][]sequence.Hit{} // by rule and key
	var out []finding
	lines := bufio.NewScanner(docs)
	lines.Buffer(nil, 8<<20)
	for n := 1; lines.Scan(); n++ {
		doc := bytes.Clone(lines.Bytes())
		err := dec.JSON(doc, ev)
		if bytes.HasPrefix(doc, []byte("<")) {
			err = dec.XML(doc, ev)
		}
		if err != nil {
			t.Fatalf("line %d: %v", n, err)
		}
		for _, h := range m.Match(ev) {
			if int(h.Rule) >= len(e.Rules) {
				continue // a question
			}
			rule := &e.Rules[h.Rule]
			if rule.Spec == nil {
				out = append(out, finding{rule, 1})
				continue
			}
			key := fmt.Sprint(h.Rule, " ", strings.Clone(h.Key))
			hits[key] = append(hits[key], sequence.Hit{Rule: h.Rule, Stage: h.Stage, Key: strings.Clone(h.Key),
				Time: ev.Time, Tie: string(engine.AppendTie(nil, &ev.Meta, doc))})
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for _, hs := range hits {
		slices.SortFunc(hs, func(a, b sequence.Hit) int { return a.Compare(&b) })
		rule := &e.Rules[hs[0].Rule]
		for _, match := range sequence.Join(rule.Spec, hs) {
			out = append(out, finding{rule, len(match.Hits)})
		}
	}
	return out
}

func compile(t *testing.T, all ...*strategy.Strategy) *engine.Engine {
	t.Helper()
	e, problems := engine.New(all, engine.Options{})
	for _, p := range problems {
		t.Error(p)
	}
	return e
}

// TestCases proves each case with its own strategy alone.
func TestCases(t *testing.T) {
	for _, s := range load(t) {
		e := compile(t, s)
		for _, c := range s.Cases {
			t.Run(c.Path, func(t *testing.T) {
				r, err := c.Open()
				if err != nil {
					t.Fatal(err)
				}
				got := find(t, e, r)
				r.Close()
				if want := c.Kind == strategy.Alert; want != (len(got) > 0) {
					t.Errorf("%s case gives %v", c.Kind, got)
				}
			})
		}
	}
}

// TestVariants says which variant each attack must give in each source, where
// the case's name alone does not say enough.
func TestVariants(t *testing.T) {
	all := load(t)
	for name, want := range map[string]string{
		"remotely-started-services-via-rpc/alert-rpc-service-start-defend.ndjson":    "",
		"remotely-started-services-via-rpc/alert-rpc-service-create-defend.ndjson":   "",
		"remotely-started-services-via-rpc/alert-rpc-service-create-sysmon.ndjson":   "",
		"remotely-started-services-via-rpc/alert-rpc-service-create-sysmon-xml.xml":  "",
		"remotely-started-services-via-rpc/alert-rpc-service-create-native.ndjson":   "",
		"remotely-started-services-via-rpc/alert-rpc-service-create-native-xml.xml":  "",
		"remotely-started-services-via-rpc/alert-rpc-service-reversed-defend.ndjson": "reversed",
		"remotely-started-services-via-rpc/alert-rpc-service-reversed-sysmon.ndjson": "reversed",
		"remotely-started-services-via-rpc/alert-rpc-service-reversed-native.ndjson": "", // 5156 is not late
		"hosted-service-started-after-rpc/alert-dll-hijack-defend.ndjson":            ",known-target,unsigned-module",
		"hosted-service-started-after-rpc/alert-dll-hijack-sysmon.ndjson":            ",known-target,unsigned-module",
		"hosted-service-started-after-rpc/alert-dll-hijack-native.ndjson":            ",known-target",
		"new-service-installed/alert-rpc-service-create-native.ndjson":               ",", // 7045 and 4697
		"new-service-by-network-logon/alert-network-logon-service-native.ndjson":     ",system-log",
		"service-changed-then-started/alert-service-changed-defend.ndjson":           "",
		"service-changed-then-started/alert-service-changed-native.ndjson":           "audited,enabled",
		"psexec-and-its-clones/alert-psexec-renamed-sysmon.ndjson":                   "renamed",
		"psexec-and-its-clones/alert-psexec-renamed-defend.ndjson":                   "renamed",
		"remote-scheduled-task-execution/alert-remote-task-native.ndjson":            "registered",
		"remote-wmi-execution/alert-remote-wmi-native.ndjson":                        ",session",
		"remote-winrm-execution/alert-remote-winrm-native.ndjson":                    ",session",
		"remote-dcom-execution/alert-remote-dcom-native.ndjson":                      ",activation,reached,session",
	} {
		t.Run(name, func(t *testing.T) { variants(t, all, name, want) })
	}
}

func variants(t *testing.T, all []*strategy.Strategy, name, want string) {
	slug, _, _ := strings.Cut(name, "/")
	i := slices.IndexFunc(all, func(s *strategy.Strategy) bool { return s.ID == slug })
	j := slices.IndexFunc(all[i].Cases, func(c strategy.Case) bool { return c.Path == "testdata/"+name })
	if j < 0 {
		t.Errorf("%s: no such case", name)
		return
	}
	r, err := all[i].Cases[j].Open()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range find(t, compile(t, all[i]), r) {
		got = append(got, f.rule.Source.Variant)
	}
	r.Close()
	slices.Sort(got)
	if strings.Join(got, ",") != want {
		t.Errorf("%s: variants %q, want %q", name, got, want)
	}
}
