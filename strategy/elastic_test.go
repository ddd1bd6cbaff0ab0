package strategy

import (
	"os"
	"testing"
	"time"
)

const corpusFile = "../../shared/rules/eql_rules.ndjson"

// All of Elastic's live EQL rules load.
func TestCorpus(t *testing.T) {
	if _, err := os.Stat(corpusFile); err != nil {
		t.Skip("the corpus is not here: ", err)
	}
	start := time.Now()
	all, problems := Load([]string{corpusFile})
	t.Log(time.Since(start))
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
