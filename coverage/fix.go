package coverage

import (
	"fmt"
	"html"
	"slices"
	"sort"
	"strings"
)

// fix is one thing that would mend a gap.
type fix struct{ kind, do, why string }

// fixFor is what makes a sensor report events of a kind for a stage.
func (st *stage) fixFor(k *kind) fix {
	why := k.name() + ": " + k.title
	switch {
	case k.family == defend:
		return fix{"defend", fmt.Sprintf("Elastic Defend policy: windows.events.%s: true", k.fix), why}
	case k.family == sysmon:
		return fix{"sysmon", st.sysmonRule(k), why}
	case k.always:
		return fix{"forward", fmt.Sprintf("collect the %s log: it needs no policy", k.channel), why}
	case k.code == "4657":
		return fix{"sacl", auditpol(k.fix) + `, and audit "Set Value" by Everyone on HKLM\SYSTEM\CurrentControlSet\Services`, why}
	}
	return fix{"auditpol", auditpol(k.fix), why}
}

func auditpol(subcategory string) string {
	return fmt.Sprintf(`auditpol /set /subcategory:"%s" /success:enable`, subcategory)
}

// sysmonFields say which of Sysmon's fields an ECS field comes from, and how
// its rule compares.
var sysmonFields = []struct{ codes, ecs, field, condition string }{
	{"3 5 10 11 12 13 14 17 18 22", "process.name", "Image", "image"},
	{"13 12 14", "registry.path", "TargetObject", "contains"},
	{"17 18", "file.name", "PipeName", "contains"},
	{"7", "process.name", "Image", "image"},
	{"7", "file.path", "ImageLoaded", "contains"},
	{"11 15 23", "file.path", "TargetFilename", "contains"},
	{"22", "dns.question.name", "QueryName", "contains"},
}

// maxSysmonRules bounds the lines of a proposed rule.
const maxSysmonRules = 6

// sysmonRule is the piece of Sysmon's configuration that lets through what the
// stage names.
func (st *stage) sysmonRule(k *kind) string {
	if k.filtered {
		for _, row := range sysmonFields {
			if !slices.Contains(strings.Fields(row.codes), k.code) {
				continue
			}
			if rules := st.sysmonValues(row.ecs, row.field, row.condition); rules != "" {
				return fmt.Sprintf(`<%s onmatch="include">%s</%[1]s>`, k.fix, rules)
			}
		}
	}
	return fmt.Sprintf(`<%s onmatch="exclude"/> (all of them)`, k.fix)
}

func (st *stage) sysmonValues(field, name, condition string) string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, t := range st.tree.Tests() {
		if t.Negated || !slices.Contains(t.Fields, field) {
			continue
		}
		for _, value := range t.Values {
			how, value := literal(value, condition)
			if value == "" || seen[strings.ToLower(value)] {
				continue
			}
			seen[strings.ToLower(value)] = true
			if len(seen) > maxSysmonRules {
				return b.String() + "…"
			}
			fmt.Fprintf(&b, `<%s condition="%s">%s</%[1]s>`, name, how, html.EscapeString(value))
		}
	}
	return b.String()
}

// literal turns a pattern into what Sysmon's filter compares with: whole names
// of images, or all pieces between wildcards.
func literal(pattern, condition string) (how, value string) {
	parts := strings.FieldsFunc(pattern, func(r rune) bool { return r == '*' || r == '?' })
	if condition == "image" {
		if len(parts) == 1 && parts[0] == pattern {
			return condition, pattern
		}
		return "", ""
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return len(s) < 3 })
	if len(parts) > 0 {
		parts[0] = strings.TrimPrefix(strings.TrimPrefix(parts[0], ":"), `\`)
	}
	if len(parts) > 1 {
		return "contains all", strings.Join(parts, ";")
	}
	return condition, strings.Join(parts, "")
}

// fieldFixes is what makes events of a kind hold fields that they lack.
func fieldFixes(k *kind, missing []string) []fix {
	for _, f := range missing {
		if k.code == "4688" && (f == "process.command_line" || f == "process.args") {
			return []fix{{"registry",
				`reg add HKLM\Software\Microsoft\Windows\CurrentVersion\Policies\System\Audit /v ProcessCreationIncludeCmdLine_Enabled /t REG_DWORD /d 1`,
				"command lines in 4688"}}
		}
		if k.code == "4688" && strings.HasPrefix(f, "process.parent.") {
			return []fix{{"upgrade", "Windows 10, Server 2016 or later: earlier 4688 does not name the creator process", "4688: " + f}}
		}
	}
	return nil
}

// fixList gathers fixes by what is to be done, each once with the hosts and strategies it is for.
type fixList struct {
	fixes map[fix]*Fix
}

func newFixList() *fixList { return &fixList{map[fix]*Fix{}} }

func (l *fixList) add(fixes []fix, host, strategy string, urgent bool) {
	for _, f := range fixes {
		key := fix{kind: f.kind, do: f.do}
		x := l.fixes[key]
		if x == nil {
			x = &Fix{Kind: f.kind, Do: f.do, Why: f.why, Hosts: []string{}, Strategies: []string{}}
			l.fixes[key] = x
		}
		if urgent {
			x.urgent++
		}
		if !strings.Contains(x.Why, f.why) {
			x.Why += ", " + f.why
		}
		if !slices.Contains(x.Hosts, host) {
			x.Hosts = append(x.Hosts, host)
		}
		if strategy != "" && !slices.Contains(x.Strategies, strategy) {
			x.Strategies = append(x.Strategies, strategy)
		}
	}
}

// clocks adds what would mend a host's clocks.
func (l *fixList) clocks(v *view) {
	for _, c := range v.clocks {
		switch c.Problem {
		case "zone":
			l.add([]fix{{"clock", "export the log in UTC, or with its offset", "the export wrote local time as UTC"}}, v.host.ID, "", false)
		case "ahead":
			l.add([]fix{{"clock", "look at the host's time service (w32tm /query /status), or its clock at the time", "event times are ahead of the log's"}}, v.host.ID, "", false)
		case "coarse":
			l.add([]fix{{"clock", "ship SystemTime (XML, winlogbeat, NXLog's EventTime with fractions), not whole seconds", "times are whole seconds"}}, v.host.ID, "", false)
		}
	}
}

// list gives the fixes, first those for what nothing else covers, then those for
// most strategies and hosts.
func (l *fixList) list() []Fix {
	out := []Fix{}
	for _, x := range l.fixes {
		sort.Strings(x.Hosts)
		sort.Strings(x.Strategies)
		out = append(out, *x)
	}
	sort.Slice(out, func(a, b int) bool {
		x, y := &out[a], &out[b]
		if x.urgent != y.urgent {
			return x.urgent > y.urgent
		}
		if len(x.Strategies) != len(y.Strategies) {
			return len(x.Strategies) > len(y.Strategies)
		}
		if len(x.Hosts) != len(y.Hosts) {
			return len(x.Hosts) > len(y.Hosts)
		}
		return x.Kind+x.Do+x.Why < y.Kind+y.Do+y.Why
	})
	return out
}
