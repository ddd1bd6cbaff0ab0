package strategy

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const seedDir = "../../shared/seed/"

// The user's document loads in both its forms, and both say the same.
func TestSeed(t *testing.T) {
	paths := []string{seedDir + "remotely-started-services-via-rpc.md", seedDir + "remotely-started-services-via-rpc.as-received.txt"}
	if _, err := os.Stat(paths[0]); err != nil {
		t.Skip("the user's document is not here: ", err)
	}
	var both []*Strategy
	for _, p := range paths {
		got, problems := Load([]string{p})
		if len(got) != 1 || len(problems) != 0 {
			t.Fatalf("%s: %d strategies, problems %v", p, len(got), problems)
		}
		both = append(both, got[0])
	}
	md, txt := both[0], both[1]
	if md.Source.Repaired || !txt.Source.Repaired {
		t.Errorf("repaired: %v %v", md.Source.Repaired, txt.Source.Repaired)
	}
	if md.ID != "remotely-started-services-via-rpc" || md.Title != "Remotely Started Services via RPC" || md.Lang != "vi" {
		t.Errorf("id %q title %q lang %q", md.ID, md.Title, md.Lang)
	}
	if md.Severity != Medium || md.Risk != 47 || !md.Declared.Severity || !md.Declared.Risk {
		t.Errorf("priority %v %d", md.Severity, md.Risk)
	}
	if len(md.Threat) != 1 || md.Threat[0].Tactic != "TA0008" || md.Threat[0].Technique != "T1021" {
		t.Errorf("threat %v", md.Threat)
	}
	if len(md.Sections) != 10 {
		t.Errorf("%d sections", len(md.Sections))
	}
	for _, k := range requiredSections() {
		if s := md.Section(k); s == nil || s.Markdown == "" {
			t.Errorf("no section %v", k)
		}
	}
	if want := []string{"Elastic Defend", "Sysmon", "Windows Event Logs"}; !slices.Equal(md.DataSources, want) {
		t.Errorf("data sources %q", md.DataSources)
	}
	if want := []string{"logs-endpoint.events.process-*", "logs-endpoint.events.network-*", "winlogbeat-*", "logs-windows.sysmon_operational-*"}; !slices.Equal(md.IndexPatterns, want) {
		t.Errorf("index patterns %q", md.IndexPatterns)
	}
	if len(md.Questions) != 4 || len(md.References) != 3 {
		t.Errorf("questions %q references %q", md.Questions, md.References)
	}
	if len(md.Rules) != 1 || md.Rules[0].Line != 56 || !strings.HasPrefix(md.Rules[0].Query, "sequence with maxspan=1s\n   [network where") ||
		!strings.HasSuffix(md.Rules[0].Query, "process.parent.entity_id\n") {
		t.Fatalf("rules %+v", md.Rules)
	}
	if got := md.Rules[0].At(2, 4); got.Line != 57 || got.Col != 6 {
		t.Errorf("position %v", got)
	}
	if !reflect.DeepEqual(md.Rules[0].Query, txt.Rules[0].Query) || !reflect.DeepEqual(md.Questions, txt.Questions) ||
		!reflect.DeepEqual(md.IndexPatterns, txt.IndexPatterns) || md.ID != txt.ID {
		t.Error("the damaged document says something else")
	}
	for i := range md.Sections {
		if md.Sections[i].Markdown != txt.Sections[i].Markdown {
			t.Errorf("section %v differs", md.Sections[i].Kind)
		}
	}
}
