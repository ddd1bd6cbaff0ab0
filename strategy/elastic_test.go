package strategy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tocsin-project/tocsin/eql"
)

const corpusFile = "../../shared/rules/eql_rules.ndjson"

// All of Elastic's live EQL rules load.
func TestCorpus(t *testing.T) {
	if _, err := os.Stat(corpusFile); err != nil {
		t.Skip("the corpus is not here: ", err)
	}
	all, problems := Load([]string{corpusFile})
	for _, p := range problems {
		t.Error(p.Error())
	}
	if len(all) != 1024 {
		t.Errorf("%d strategies", len(all))
	}
	override, buildingBlock := 0, 0
	for _, s := range all {
		if s.Rules[0].EventCategoryOverride != "" {
			override++
		}
		if s.BuildingBlock {
			buildingBlock++
		}
		if s.Severity == "" || s.ID == "" || len(s.Rules) != 1 || s.Source.Form != Row {
			t.Errorf("%+v", s)
		}
	}
	if override != 15 || buildingBlock != 70 {
		t.Errorf("%d overrides, %d building blocks", override, buildingBlock)
	}
}

// export is a Kibana export of ours: a rule, one that is not EQL, its list of
// exceptions, the counts.
const export = `{"id":"x","rule_id":"r-1","name":"Odd Child","description":"An odd child.","type":"eql","language":"eql","query":"process where process.name == \"odd.exe\"","index":["logs-*"],"severity":"high","risk_score":73,"version":7,"author":["A"],"license":"L","tags":["t"],"references":["https://example.org/r"],"false_positives":["Porters.","Others."],"note":"## Triage\n\n### Possible investigation steps\n\n- Look at\n  it.\n- Look again.\n  - Closely.\n\n### Other\n\n- not a step","threat":[{"framework":"MITRE ATT&CK","tactic":{"id":"TA0002","name":"Execution"},"technique":[{"id":"T1569","name":"System Services","subtechnique":[{"id":"T1569.002","name":"Service Execution"}]},{"id":"T1047","name":"WMI"}]},{"tactic":{"id":"TA0008"},"technique":[]}],"exceptions_list":[{"id":"1","list_id":"l-1","type":"rule_default","namespace_type":"single"},{"id":"2","list_id":"gone","type":"detection","namespace_type":"single"}],"alert_suppression":{"group_by":["host.id","user.name"],"duration":{"value":5,"unit":"h"},"missing_fields_strategy":"doNotSuppress"},"timestamp_override":"event.ingested","event_category_override":"event.type","building_block_type":null,"max_signals":10,"interval":"5m","from":"now-9m"}
{"rule_id":"r-2","name":"Threshold","type":"threshold","language":"kuery","query":"a:b"}
{"list_id":"l-1","name":"List","type":"rule_default","namespace_type":"single"}
{"list_id":"l-1","item_id":"i-1","name":"porter","description":"it is his work","created_by":"owner","expire_time":"2027-01-31T00:00:00.000Z","os_types":[],"entries":[{"type":"match","field":"process.parent.name","operator":"included","value":"porter.exe"},{"type":"exists","field":"user.name","operator":"excluded"}]}
{"list_id":"l-1","item_id":"i-2","name":"list of values","entries":[{"type":"list","field":"source.ip","operator":"included","list":{"id":"v","type":"ip"}}]}
{"exported_count":3,"exported_rules_count":2}
not json
{"some":"thing"}
`

func TestKibanaExport(t *testing.T) {
	list, problems := Parse("export.ndjson", []byte(export))
	if len(list) != 1 {
		t.Fatal(problems)
	}
	golden(t, "elastic/export.golden", dump(t, list[0], problems))
}

const tomlRule = `[metadata]
integration = ["endpoint", "windows"]
maturity = "production"

[rule]
author = ["A"]
description = "d"
name = "From TOML"
risk_score = 21
severity = "low"
rule_id = "t-1"
type = "eql"
language = "eql"
timestamp_override = "event.ingested"
query = '''
process where process.nam == "x" and
  process.executable : "*\\y.exe"
'''

[[rule.threat]]
framework = "MITRE ATT&CK"
[[rule.threat.technique]]
id = "T1086"
name = "PowerShell"
[rule.threat.tactic]
id = "TA0002"
name = "Execution"

[rule.alert_suppression]
group_by = ["process.name"]
[rule.alert_suppression.duration]
unit = "m"
value = 10
`

func TestTOML(t *testing.T) {
	list, problems := Parse("rule.toml", []byte(tomlRule))
	if len(list) != 1 {
		t.Fatal(problems)
	}
	golden(t, "elastic/toml.golden", dump(t, list[0], append(problems, Lint(list[0], LintOptions{})...)))
}

// Entries of exception lists become conditions, and conditions that entries
// can say become the same entries.
func TestExceptionEntries(t *testing.T) {
	f := func(entry, want string) {
		t.Helper()
		var it exceptionItem
		if err := json.Unmarshal([]byte(`{"entries":[`+entry+`]}`), &it); err != nil {
			t.Fatal(err)
		}
		got, err := it.condition()
		if err != nil {
			got = "error: " + err.Error()
		} else if _, err := eql.ParseCondition(got); err != nil {
			t.Errorf("%s: %s does not parse: %v", entry, got, err)
		}
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", entry, got, want)
		}
	}
	f(`{"type":"match","field":"process.name","operator":"included","value":"a.exe"}`, `process.name == "a.exe"`)
	f(`{"type":"match","field":"process.name","operator":"excluded","value":"a.exe"}`, `not (process.name == "a.exe")`)
	f(`{"type":"match","field":"process.name.caseless","operator":"included","value":"a.exe"}`, `process.name : "a.exe"`)
	f(`{"type":"match","field":"destination.port","operator":"included","value":"445"}`, `destination.port == 445`)
	f(`{"type":"match","field":"process.code_signature.trusted","operator":"included","value":"true"}`, `process.code_signature.trusted == true`)
	f(`{"type":"match","field":"source.ip","operator":"included","value":"10.0.0.0/8"}`, `cidrMatch(source.ip, "10.0.0.0/8")`)
	f(`{"type":"match","field":"file.path","operator":"included","value":"C:\\a\"b"}`, `file.path == "C:\\a\"b"`)
	f(`{"type":"match_any","field":"user.name","operator":"included","value":["a","b"]}`, `user.name in ("a", "b")`)
	f(`{"type":"match_any","field":"source.port","operator":"excluded","value":["1","2"]}`, `not (source.port in (1, 2))`)
	f(`{"type":"exists","field":"user.name","operator":"included"}`, `user.name != null`)
	f(`{"type":"wildcard","field":"file.path","operator":"included","value":"C:\\\\a\\\\*.exe"}`, `file.path like "C:\\a\\*.exe"`)
	f(`{"type":"wildcard","field":"file.path","operator":"included","value":"a\\*b?"}`, `file.path regex "a\\*b."`)
	f(`{"type":"nested","field":"file.Ext.code_signature","entries":[{"type":"match","field":"trusted","operator":"included","value":"x"},{"type":"exists","field":"subject_name","operator":"included"}]}`,
		`file.Ext.code_signature.trusted == "x" and file.Ext.code_signature.subject_name != null`)
	f(`{"type":"list","field":"a","operator":"included","list":{"id":"x"}}`, `error: entry a of type list has no value`)
	f(`{"type":"match","field":"a b","operator":"included","value":"x"}`, `error: "a b" is no field name`)
	f(`{"type":"match","field":"a","operator":"like","value":"x"}`, `error: operator "like" is not known`)
	f(`{"type":"range","field":"a","operator":"included","value":"x"}`, `error: entries of type "range" are not read`)
	f(``, `error: it has no entries`)
}

// What is exported to Kibana loads again as the same strategy.
func TestKibanaRoundTrip(t *testing.T) {
	f := func(name string, s *Strategy) {
		t.Helper()
		var b bytes.Buffer
		if problems, err := ExportKibana(&b, []*Strategy{s}); err != nil || len(problems) > 0 {
			t.Fatalf("%s: %v %v", name, problems, err)
		}
		again, problems := Parse("x.ndjson", b.Bytes())
		if len(again) != 1 || len(problems) > 0 {
			t.Fatalf("%s: %d, %v\n%s", name, len(again), problems, b.Bytes())
		}
		got := again[0]
		if a, b := essence(s), essence(got); a != b {
			t.Errorf("%s:\n%s\nwant\n%s", name, b, a)
		}
	}
	list, _ := Parse("rule.toml", []byte(tomlRule))
	f("toml", list[0])
	list, _ = Parse("x.md", []byte(doc("Plain", "process where process.name == \"x\"")+"\n## False Positives\n\n```yaml exceptions\n"+
		"- {name: a, when: 'process.name == \"y\" and user.name in (\"b\", \"c\")', scope: any, reason: r, expires: 2027-01-31T00:00:00Z}\n"+
		"- {name: b, when: 'not user.name == \"y\" and user.id != null and not user.domain != null', scope: any, reason: r}\n"+
		"- {name: c, when: 'file.path like \"C:\\\\*\"', scope: any, reason: r}\n"+
		"- {name: d, when: 'cidrMatch(source.ip, \"10.0.0.0/8\") and destination.port == 445 and process.name != \"z\"', scope: any, reason: r}\n```\n"))
	f("exceptions", list[0])
	corpus, _ := Load([]string{corpusFile})
	for _, s := range corpus {
		f(s.ID, s)
	}
}

// essence is what survives an export: conditions are parsed, since a list is
// written in another way than it was.
func essence(s *Strategy) string {
	var b strings.Builder
	fmt.Fprintln(&b, s.Title, s.Severity, s.Risk, s.IndexPatterns, s.Tags, s.BuildingBlock, s.Suppression)
	threat := map[string]bool{}
	for _, t := range s.Threat {
		threat[t.Tactic+"/"+t.Technique] = true
	}
	fmt.Fprintln(&b, sortedKeys(threat))
	for _, r := range s.Rules {
		fmt.Fprintln(&b, r.Variant, strings.TrimSpace(r.Query), r.EventCategoryOverride)
	}
	for _, e := range s.Exceptions {
		cond, err := eql.ParseCondition(e.When)
		if err != nil {
			fmt.Fprintln(&b, err)
			continue
		}
		fmt.Fprintln(&b, e.Name, strings.ReplaceAll(cond.String(), "not ", "!"), e.Scope, e.Reason, e.Expires)
	}
	return strings.NewReplacer("(", "", ")", "", "!=", "!==", "!process.name ==", "process.name !==").Replace(b.String())
}

// What Kibana's entries cannot say is written into the query, or named.
func TestExportInto(t *testing.T) {
	f := func(rule, exception, query string, codes ...string) {
		t.Helper()
		list, problems := Parse("x.md", []byte(doc("X", rule)+"\n## False Positives\n\n```yaml exceptions\n- "+exception+"\n```\n"))
		if len(list) != 1 || len(problems) > 0 {
			t.Fatal(problems)
		}
		var b bytes.Buffer
		problems, err := ExportKibana(&b, list)
		if err != nil {
			t.Fatal(err)
		}
		var r struct {
			Query string `json:"query"`
		}
		if err := json.NewDecoder(&b).Decode(&r); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range problems {
			got = append(got, p.Code)
		}
		if strings.TrimSpace(r.Query) != query || !slices.Equal(got, codes) {
			t.Errorf("%s with %s:\n%s %v\nwant\n%s %v", rule, exception, r.Query, got, query, codes)
		}
	}
	f(`process where a == 1 or b == 2`, `{name: n, when: 'process.name : "x"', scope: any}`, `process where (a == 1 or b == 2) and not process.name : "x"`)
	f(`sequence [process where true] [process where true]`, `{name: n, when: 'a == "x"', scope: stage 2}`,
		`sequence [process where true] [process where true and not a == "x"]`)
	f(`sequence [process where true] [process where true]`, `{name: n, when: 'a == "x"', scope: sequence}`,
		`sequence [process where true] [process where true]`, "not-exported")
	f(`process where true`, `{name: n, when: 'a : "x"', scope: any, expires: 2027-01-01}`, `process where true and not a : "x"`, "not-exported")
	f(`process where true`, `{name: n, when: 'a ==', scope: any}`, `process where true`, "not-exported")
}

// An imported rule, written as a document, is the same strategy.
func TestMarkdownRoundTrip(t *testing.T) {
	list, _ := Parse("rule.toml", []byte(tomlRule))
	more, _ := Parse("export.ndjson", []byte(export))
	corpus, _ := Load([]string{corpusFile})
	for _, s := range append(append(list, more...), corpus...) {
		md := ExportMarkdown(s)
		again, problems := Parse("x.md", md)
		if len(again) != 1 || len(problems) > 0 {
			t.Fatalf("%s: %v\n%s", s.ID, problems, md)
		}
		got := again[0]
		if a, b := essence(s), essence(got); a != b {
			t.Errorf("%s:\n%s\nwant\n%s", s.ID, b, a)
		}
		if got.ID != s.ID || got.RuleID != s.RuleID || !slices.Equal(got.Questions, s.Questions) || !slices.Equal(got.DataSources, s.DataSources) {
			t.Errorf("%s: %q %q %q", got.ID, got.RuleID, got.Questions, got.DataSources)
		}
	}
}

// A document that goes to Kibana and comes back, through a document or not, is
// exported as the same bytes, and keeps its questions and context queries.
func TestExportAgain(t *testing.T) {
	const text = "# T\n\n## Goal\n\ng\n\n## Technical Context\n\n```eql\nprocess where process.name == \"x\"\n```\n\n" +
		"## False Positives\n\n- `sc.exe \\\\host` and *others*\n\n```yaml exceptions\n" +
		"- {name: a, when: 'process.name : \"y\"', scope: any, reason: r}\n- {name: b, when: 'user.name == \"y\"', scope: any, reason: r}\n```\n\n" +
		"## Response\n\n1. What?\n\n   ```eql context=\"c\" window=-1m..+1m by=host.id\n   process where true\n   ```\n\n2. Who?\n"
	list, _ := Parse("t.md", []byte(text))
	want := exported(t, list)
	if !strings.Contains(want, `"false_positives":["sc.exe \\\\host and others"]`) {
		t.Error(want)
	}
	again, _ := Parse("t.ndjson", []byte(want))
	if got := exported(t, again); got != want {
		t.Errorf("exported again:\n%s\nwant\n%s", got, want)
	}
	doc, _ := Parse("t.md", ExportMarkdown(again[0]))
	if got := exported(t, doc); got != want {
		t.Errorf("through a document:\n%s\nwant\n%s", got, want)
	}
	if s := doc[0]; !slices.Equal(s.Questions, list[0].Questions) || len(s.Context) != 1 || len(s.Questions) != 2 {
		t.Errorf("questions %q, %d context queries", s.Questions, len(s.Context))
	}
	list, _ = Parse("t.md", []byte(strings.Replace(text, "- `sc.exe \\\\host` and *others*\n\n", "", 1)))
	if got := exported(t, list); !strings.Contains(got, `"false_positives":[]`) {
		t.Error("a fence is told as a false positive: " + got)
	}
}

func exported(t *testing.T, list []*Strategy) string {
	t.Helper()
	var b bytes.Buffer
	if len(list) != 1 {
		t.Fatalf("%d strategies", len(list))
	}
	if _, err := ExportKibana(&b, list); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The detection-rules repository keeps exception lists in TOML files of their
// own; a list without items is no missing list.
func TestTOMLExceptions(t *testing.T) {
	rule := tomlRule + "\n[[rule.exceptions_list]]\nlist_id = \"l-1\"\ntype = \"detection\"\n[[rule.exceptions_list]]\nlist_id = \"bare\"\ntype = \"detection\"\n"
	lists := "[metadata]\nlist_name = \"L\"\n\n[[exceptions]]\n[exceptions.container]\nlist_id = \"l-1\"\n\n" +
		"[[exceptions.items]]\nname = \"good\"\ndescription = \"why\"\nlist_id = \"l-1\"\nexpire_time = 2027-01-01T00:00:00Z\n" +
		"[[exceptions.items.entries]]\nfield = \"user.name\"\ntype = \"match\"\noperator = \"included\"\nvalue = \"svc\"\n\n" +
		"[[exceptions.items]]\nname = \"bad\"\n[[exceptions.items.entries]]\nfield = \"user.name\"\ntype = \"range\"\n\n" +
		"[[exceptions]]\n[exceptions.container]\nlist_id = \"bare\"\n"
	all, problems := LoadFS(fstest.MapFS{"rule.toml": {Data: []byte(rule)}, "lists/l.toml": {Data: []byte(lists)}})
	if len(all) != 1 || len(all[0].Exceptions) != 1 {
		t.Fatal(all, problems)
	}
	e := all[0].Exceptions[0]
	if got := fmt.Sprint(e.Name, "|", e.When, "|", e.Scope, "|", e.Reason, "|", e.Expires.Format("2006-01-02"), "|", e.Pos.Path, e.Pos.Line); got != `good|user.name == "svc"|any|why|2027-01-01|lists/l.toml8` {
		t.Error(got)
	}
	if len(problems) != 1 || problems[0].Code != "bad-exception" || problems[0].Pos.Line != 19 {
		t.Error(problems)
	}
	if _, problems := Parse("x.toml", []byte("[metadata]\nmaturity = \"x\"\n")); len(problems) != 1 {
		t.Error(problems)
	}
}
