package strategy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-project/tocsin/strategy/attack"
)

// ExportMarkdown writes a strategy as an ADS document; one that is a document
// already is returned as it was read. What it has no words for stays to be
// written, and lint says so.
func ExportMarkdown(s *Strategy) []byte {
	if s.Source.Form == ADS {
		return bytes.Clone(s.doc.src)
	}
	var b bytes.Buffer
	b.WriteString("---\n")
	front := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, yamlString(value))
		}
	}
	list := func(key string, values []string) {
		if len(values) > 0 {
			fmt.Fprintf(&b, "%s:\n", key)
			for _, v := range values {
				fmt.Fprintf(&b, "  - %s\n", yamlString(v))
			}
		}
	}
	front("id", s.ID)
	front("rule_id", s.RuleID)
	front("version", s.Version)
	front("licence", s.Licence)
	list("authors", s.Authors)
	list("tags", s.Tags)
	if r := s.Rules[0]; r.EventCategoryOverride != "" {
		front("event_category_override", r.EventCategoryOverride)
	}
	if s.BuildingBlock {
		b.WriteString("building_block: true\n")
	}
	writeSuppression(&b, s.Suppression)
	fmt.Fprintf(&b, "---\n\n# %s\n", markdownEscape(s.Title))
	section := func(k SectionKind, parts ...string) {
		fmt.Fprintf(&b, "\n## %s\n", k)
		for _, p := range parts {
			if p = strings.TrimSpace(p); p != "" {
				b.WriteString("\n" + p + "\n")
			}
		}
	}
	section(Goal, nested(sectionText(s, Goal)))
	section(Categorization, categorizationText(s.Threat))
	section(Abstract)
	section(TechnicalContext, nested(sectionText(s, TechnicalContext)), bullets("Data sources:", s.DataSources), bullets("Index patterns:", s.IndexPatterns),
		"```eql\n"+strings.TrimSpace(s.Rules[0].Query)+"\n```")
	section(BlindSpots)
	section(FalsePositives, nested(sectionText(s, FalsePositives)), exceptionsText(s.Exceptions))
	section(Validation)
	section(Priority, fmt.Sprintf("* %s (%d)", strings.ToUpper(string(s.Severity[:1]))+string(s.Severity[1:]), s.Risk))
	if guide := sectionText(s, Response); hasHeading(parseBlocks([]byte(guide))) { // all of it, beside its steps
		section(Response, responseText(s))
		b.WriteString("\n## Investigation Guide\n\n" + strings.TrimSpace(nested(guide)) + "\n")
	} else {
		section(Response, guide)
	}
	var refs []string
	for _, r := range s.References {
		refs = append(refs, "* <"+r+">")
	}
	section(Resources, strings.Join(refs, "\n"))
	return b.Bytes()
}

func writeSuppression(b *bytes.Buffer, s *Suppression) {
	if s == nil {
		return
	}
	b.WriteString("suppress:\n  by:\n")
	for _, f := range s.Fields {
		name := f.Name
		if f.Stage > 0 {
			name += "@" + strconv.Itoa(f.Stage)
		}
		fmt.Fprintf(b, "    - %s\n", yamlString(name))
	}
	if s.Duration > 0 {
		fmt.Fprintf(b, "  for: %s\n", s.Duration)
	}
	if s.KeepMissing {
		b.WriteString("  missing: report\n")
	}
}

// yamlString is a scalar that YAML reads back as the same text.
func yamlString(s string) string {
	if regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 _./@-]*$`).MatchString(s) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off"}, strings.ToLower(s)) && !strings.HasSuffix(s, " ") {
		return s
	}
	q, _ := json.Marshal(s)
	return string(q)
}

func markdownEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "#", `\#`).Replace(strings.Join(strings.Fields(s), " "))
}

// nested sets headings of prose so deep that they are no sections.
func nested(md string) string {
	fence := ""
	var b strings.Builder
	for line := range strings.Lines(md) {
		switch mark := fenceMark(strings.TrimSpace(line)); {
		case fence != "":
			if strings.HasPrefix(strings.TrimSpace(line), fence) {
				fence = ""
			}
		case mark != "":
			fence = mark
		case strings.HasPrefix(line, "# ") || strings.HasPrefix(line, "## "):
			line = "##" + line
		}
		b.WriteString(line)
	}
	return b.String()
}

func categorizationText(threat []Threat) string {
	var b strings.Builder
	b.WriteString("* MITRE ATT&CK\n")
	name := func(id string) string {
		o, _ := attack.Lookup(id)
		return strings.TrimSpace(o.Name + " (" + id + ")")
	}
	for _, t := range threat {
		switch {
		case t.Technique == "":
			fmt.Fprintf(&b, "  * %s\n", name(t.Tactic))
		case t.Tactic == "":
			fmt.Fprintf(&b, "  * %s\n", name(t.Technique))
		default:
			fmt.Fprintf(&b, "  * %s → %s\n", name(t.Tactic), name(t.Technique))
		}
	}
	return b.String()
}

func bullets(label string, values []string) string {
	if len(values) == 0 {
		return ""
	}
	return "* " + label + "\n  * `" + strings.Join(values, "`\n  * `") + "`"
}

func exceptionsText(list []Exception) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("```yaml exceptions\n")
	for _, e := range list {
		fmt.Fprintf(&b, "- name: %s\n  when: %s\n  scope: %s\n", yamlString(e.Name), yamlString(e.When), e.Scope)
		for _, f := range [...][2]string{{"reason", e.Reason}, {"owner", e.Owner}} {
			if f[1] != "" {
				fmt.Fprintf(&b, "  %s: %s\n", f[0], yamlString(f[1]))
			}
		}
		if !e.Expires.IsZero() {
			fmt.Fprintf(&b, "  expires: %s\n", yamlString(e.Expires.UTC().Format("2006-01-02T15:04:05Z07:00")))
		}
	}
	return b.String() + "```"
}

// responseText are the numbered questions that an alert answers.
func responseText(s *Strategy) string {
	var b strings.Builder
	for i, q := range s.Questions {
		fmt.Fprintf(&b, "%d. %s\n", i+1, markdownEscape(q))
	}
	return b.String()
}
