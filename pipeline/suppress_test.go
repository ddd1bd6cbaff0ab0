package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
)

// scanText runs one document over lines.
func scanText(t *testing.T, doc, lines string, configure func(*pipeline.Scan)) *pipeline.Result {
	t.Helper()
	list, problems := strategy.Parse("s.md", []byte(doc))
	for _, p := range problems {
		t.Fatal(p.Render())
	}
	eng, broken := engine.New(list, engine.Options{})
	for _, p := range broken {
		t.Fatal(p)
	}
	s := &pipeline.Scan{Engine: eng, Paths: []string{"-"}, Jobs: 2, TmpDir: t.TempDir(),
		Source: source.Options{Stdin: strings.NewReader(lines)}}
	if configure != nil {
		configure(s)
	}
	r, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// TestSuppression: alerts that agree in the fields fold into the first of them,
// by any field of any stage, for as long as the document says.
func TestSuppression(t *testing.T) {
	const rule = "# S\n\n## Technical Context\n\n```eql\n" + `sequence by host.id with maxspan=1s
  [network where true] by process.pid
  [process where true] by process.parent.pid` + "\n```\n"
	// Pairs, 10 s apart: host, source address, program.
	pairs := [][3]string{{"a", "10.0.0.1", "x.exe"}, {"a", "10.0.0.1", "y.exe"}, {"a", "10.0.0.2", "x.exe"}, {"b", "10.0.0.1", "x.exe"},
		{"a", "", "x.exe"}, {"a", "", "x.exe"}, {"a", "10.0.0.1", "x.exe"}}
	var lines strings.Builder
	for i, p := range pairs {
		address := ""
		if p[1] != "" {
			address = fmt.Sprintf(`,"source":{"ip":%q}`, p[1])
		}
		fmt.Fprintf(&lines, `{"@timestamp":"2026-03-02T09:%02d:%02d.000Z","event":{"category":"network"},"host":{"id":%q},"process":{"pid":%d,"name":"services.exe"}%s}`+"\n",
			i*10/60, i*10%60, p[0], i, address)
		fmt.Fprintf(&lines, `{"@timestamp":"2026-03-02T09:%02d:%02d.500Z","event":{"category":"process"},"host":{"id":%q},"process":{"name":%q,"parent":{"pid":%d}}}`+"\n",
			i*10/60, i*10%60, p[0], p[2], i)
	}
	f := func(suppress, want string, folded int) {
		t.Helper()
		front := ""
		if suppress != "" {
			front = "---\nsuppress: " + suppress + "\n---\n"
		}
		for _, all := range []bool{false, true} {
			r := scanText(t, front+rule, lines.String(), func(s *pipeline.Scan) { s.All = all })
			var got []string
			shown := 0
			for _, f := range r.Findings {
				n := (f.Time/1e9 - 1772442000) / 10
				if f.SuppressedBy != "" {
					shown++
					i := slices.IndexFunc(r.Findings, func(g *pipeline.Finding) bool { return g.ID == f.SuppressedBy })
					if i < 0 || r.Findings[i].Suppressed == 0 {
						t.Errorf("%s: alert %d is folded into one that is not there", suppress, n)
					}
					continue
				}
				got = append(got, fmt.Sprintf("%d+%d", n, f.Suppressed))
			}
			if s := strings.Join(got, " "); s != want {
				t.Errorf("%s: alerts %s, want %s", suppress, s, want)
			}
			if all && shown != folded || !all && shown != 0 {
				t.Errorf("%s, all %v: %d folded alerts shown, want %d", suppress, all, shown, folded)
			}
			if r.Summary.Alerts != len(got) {
				t.Errorf("%s: %d alerts counted of %d", suppress, r.Summary.Alerts, len(got))
			}
		}
	}
	f("", "0+0 1+0 2+0 3+0 4+0 5+0 6+0", 0)
	f("{by: host.id}", "0+5 3+0", 5)
	f("{by: [host.id, source.ip]}", "0+2 2+0 3+0 4+1", 3)
	f("{by: [host.id, source.ip], missing: report}", "0+2 2+0 3+0 4+0 5+0", 2)
	f("{by: process.name}", "0+6", 6)              // of the first stage that has it: services.exe
	f("{by: \"process.name@2\"}", "0+5 1+0", 5)    // of the second
	f("{by: \"process.name@1\"}", "0+6", 6)        // of the first
	f("{by: host.id, for: 30s}", "0+2 3+0 4+2", 4) // 30 s from the first on, then anew
	f("{by: host.id, for: 60s}", "0+5 3+0", 5)     // the border is inside
	f("{by: host.id, for: 59s}", "0+4 3+0 6+0", 4) // and 1 s less is not
	f("{by: no.such.field}", "0+6", 6)             // all lack it
	f("{by: no.such.field, missing: report}", "0+0 1+0 2+0 3+0 4+0 5+0 6+0", 0)
}

// TestSuppressionOfExcused: what an exception excuses neither folds nor counts.
func TestSuppressionOfExcused(t *testing.T) {
	const doc = "---\nsuppress: {by: host.id}\n---\n# S\n\n## Technical Context\n\n```eql\nprocess where true\n```\n\n## False Positives\n\n" +
		"```yaml exceptions\n- name: known\n  when: process.name == \"known.exe\"\n  scope: sequence\n  reason: r\n  owner: o\n```\n"
	var lines strings.Builder
	for i, name := range []string{"known.exe", "a.exe", "known.exe", "b.exe"} {
		fmt.Fprintf(&lines, `{"@timestamp":"2026-03-02T09:00:%02d.000Z","event":{"category":"process"},"host":{"id":"a"},"process":{"name":%q}}`+"\n", i, name)
	}
	r := scanText(t, doc, lines.String(), nil)
	if len(r.Findings) != 1 || r.Findings[0].Suppressed != 1 || r.Summary.Excused != 2 || r.Summary.Alerts != 1 {
		t.Errorf("%d findings, %+v", len(r.Findings), r.Summary)
	}
	r = scanText(t, doc, lines.String(), func(s *pipeline.Scan) { s.All = true })
	if len(r.Findings) != 4 || r.Summary.Alerts != 1 {
		t.Errorf("all: %d findings, %d alerts", len(r.Findings), r.Summary.Alerts)
	}
}

// TestFilterKeepsIncident: a filter does not change what an incident is called.
func TestFilterKeepsIncident(t *testing.T) {
	const doc = "# S\n\n## Technical Context\n\n```eql\nprocess where true\n```\n"
	line := func(at string) string {
		return `{"@timestamp":"2026-03-02T09:00:` + at + `Z","event":{"category":"process","type":"start"},"host":{"id":"a"},"process":{"executable":"C:\\x.exe"}}` + "\n"
	}
	whole := scanText(t, doc, line("00.000")+line("01.000"), nil)
	part := scanText(t, doc, line("00.000")+line("01.000"), func(s *pipeline.Scan) {
		s.Keep = func(f *pipeline.Finding) bool { return f.Time%60e9 == 1e9 }
	})
	if len(whole.Findings) != 2 || len(part.Findings) != 1 || part.Findings[0].Incident != whole.Findings[1].Incident || part.Summary.Alerts != 1 {
		t.Errorf("incident %q, want %q", part.Findings[0].Incident, whole.Findings[1].Incident)
	}
}
