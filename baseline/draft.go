package baseline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/tocsin-project/tocsin/strategy"
)

// maxListed bounds the hashes and commands that a condition lists: more of
// them is no fixed program.
const maxListed = 4

// draft writes the exceptions for each strategy that alerted on the program.
// Each pins as much as the sensors told: who signed it, or what its content is,
// or which account installed it.
func (g *Candidate) draft() {
	byStrategy := map[string]map[string]bool{} // strategy → fields that hold the program
	nowhere := map[string]int{}
	for _, h := range g.held {
		for _, a := range h.Alerts {
			if len(a.Fields) == 0 {
				nowhere[a.Strategy]++
				continue
			}
			if byStrategy[a.Strategy] == nil {
				byStrategy[a.Strategy] = map[string]bool{}
			}
			for _, f := range a.Fields {
				byStrategy[a.Strategy][f] = true
			}
		}
	}
	for _, id := range sortedKeys(byStrategy) {
		for _, field := range sortedKeys(byStrategy[id]) {
			if field == "process.executable" {
				g.draftStart(id)
			} else {
				g.draftInstall(id, field)
			}
		}
	}
	for _, id := range sortedKeys(nowhere) {
		g.Warnings = append(g.Warnings, fmt.Sprintf("%d alerts of %s do not name the program and stay", nowhere[id], id))
	}
	if len(g.Drafts) == 0 && len(g.Refused) == 0 {
		g.refuse("no alert names the program in its own events")
	}
}

// title is what an exception is called by.
func (g *Candidate) title() string {
	if g.Product != "" {
		return g.Product
	}
	return base(g.Program)
}

func (g *Candidate) add(id, name, when string) {
	g.Drafts = append(g.Drafts, Draft{Strategy: id, Name: name, When: when, Scope: "any", Reason: g.reason()})
}

// reason says what the exception rests on.
func (g *Candidate) reason() string {
	text := fmt.Sprintf("%d alerts on %d hosts on %d days, %s to %s, from %s", g.Alerts, g.Hosts, g.Days,
		g.First.Format(time.DateOnly), g.Last.Format(time.DateOnly), strings.Join(g.Sources, ", "))
	if len(g.Accounts) > 0 {
		text += " by " + strings.Join(g.Accounts, ", ")
	}
	if g.Benign > 0 {
		text += fmt.Sprintf("; %d closed as benign", g.Benign)
	}
	return text + " (tocsin baseline)"
}

// draftStart excuses the program as it is started.
func (g *Candidate) draftStart(id string) {
	path := "process.executable in~ (" + quote(g.Program) + ")"
	if g.Signature == Trusted {
		g.add(id, g.title()+", signed by "+g.Signer, path+
			" and\n  process.code_signature.subject_name == "+quote(g.Signer)+" and process.code_signature.trusted == true")
	}
	hashes, unknown := g.hashes()
	if !unknown {
		return
	}
	const unseen = " and\n  process.code_signature.exists == null"
	if len(hashes) > 0 && len(hashes) <= maxListed {
		g.add(id, g.title()+", by its content", path+unseen+" and process.hash.sha256 in~ ("+quoteAll(hashes)+")")
		g.warn("an update changes the program's hash: its alerts come back and the exception is proposed anew")
		return
	}
	g.add(id, g.title()+", by its path", path+unseen)
	g.warn("the sensor tells neither signature nor hash: whatever an administrator puts at that path is excused")
}

// hashes are those of the program where no sensor told its signature.
func (g *Candidate) hashes() (list []string, unknown bool) {
	for _, h := range g.held {
		if h.Signature != Unknown || !h.startSeen() {
			continue
		}
		unknown = true
		if !isHash(h.SHA256) { // or it says something else, which is not to be quoted
			return nil, true
		}
		if !slices.Contains(list, h.SHA256) {
			list = append(list, h.SHA256)
		}
	}
	slices.Sort(list)
	return list, unknown
}

// isHash reports a SHA-256 in hexadecimal.
func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

func (h *Held) startSeen() bool {
	return slices.ContainsFunc(h.Alerts, func(a AlertRef) bool { return slices.Contains(a.Fields, "process.executable") })
}

// draftInstall excuses the installation of the program as a service, by the
// accounts that do so where the event names them (4697, not 7045).
func (g *Candidate) draftInstall(id, field string) {
	var commands []string
	for _, h := range g.held {
		if h.Image != "" && !slices.Contains(commands, h.Image) {
			commands = append(commands, h.Image)
		}
	}
	slices.Sort(commands)
	if len(commands) == 0 || len(commands) > maxListed || slices.ContainsFunc(commands, func(c string) bool { return !isPath(Path(c)) || !isPlain(c) }) {
		g.warn(fmt.Sprintf("it is installed by %d different commands: alerts of %s stay", len(commands), id))
		return
	}
	when := field + " in~ (" + quoteAll(commands) + ")"
	if field == "winlog.event_data.ServiceFileName" && len(g.Accounts) > 0 {
		var names []string
		for _, a := range g.Accounts {
			if _, name, ok := strings.Cut(a, `\`); ok {
				a = name
			}
			names = append(names, a)
		}
		g.add(id, g.title()+", installed by its account", when+" and\n  user.name in~ ("+quoteAll(names)+")")
		return
	}
	g.add(id, g.title()+", installed", when)
	g.warn("7045 names no account: whoever installs that path as a service is excused from " + id)
}

func (g *Candidate) warn(text string) {
	if !slices.Contains(g.Warnings, text) {
		g.Warnings = append(g.Warnings, text)
	}
}

// quote writes text as an EQL string.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
}

func quoteAll(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quote(s)
	}
	return strings.Join(out, ", ")
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// YAML writes drafts as the exceptions fence of a strategy document takes them.
// expires is their last day.
func YAML(drafts []Draft, owner string, expires time.Time) []byte {
	var b bytes.Buffer
	for _, d := range drafts {
		fmt.Fprintf(&b, "- name: %s\n  when: |-\n    %s\n  scope: %s\n  reason: %s\n  owner: %s\n  expires: %s\n",
			scalar(d.Name), strings.ReplaceAll(d.When, "\n", "\n    "), d.Scope, scalar(d.Reason), scalar(owner), expires.Format(time.DateOnly))
	}
	return b.Bytes()
}

// scalar writes text as a double-quoted YAML scalar. Texts come from events.
func scalar(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case !unicode.IsPrint(r) || r == '`':
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Attach returns a copy of a strategy with the exceptions of a YAML list added,
// read just as those of its document are, and what lint says of them.
func Attach(s *strategy.Strategy, yaml []byte) (*strategy.Strategy, []strategy.Problem, error) {
	var doc bytes.Buffer
	doc.WriteString("---\nid: " + s.ID + "\n---\n\n# Proposed\n\n## Technical Context\n\n")
	for i := range s.Rules {
		fmt.Fprintf(&doc, "```eql variant=%s\n%s\n```\n\n", scalar(s.Rules[i].Variant), s.Rules[i].Query)
	}
	doc.WriteString("## False Positives\n\n```yaml exceptions\n")
	first := bytes.Count(doc.Bytes(), []byte{'\n'}) + 1 // line of the exceptions
	doc.Write(yaml)
	doc.WriteString("```\n")
	list, problems := strategy.Parse("proposed.md", doc.Bytes())
	if len(list) != 1 || strategy.HasErrors(problems) {
		return nil, problems, fmt.Errorf("read proposed exceptions: %v", problems)
	}
	read := list[0]
	with := *s
	with.Exceptions = append(slices.Clone(s.Exceptions), read.Exceptions...)
	var own []strategy.Problem
	for _, p := range strategy.Lint(read, strategy.LintOptions{}) {
		if p.Pos.Line >= first && lintOfExceptions(p.Code) {
			own = append(own, p)
		}
	}
	return &with, own, nil
}

// lintOfExceptions picks what lint says of exceptions: the document that it
// looks at holds nothing else that is whole.
func lintOfExceptions(code string) bool {
	return slices.Contains([]string{"attacker-wildcard", "never-matches", "bad-exception", "rule-error", "unknown-rule-field", "unowned-exception"}, code)
}

// Weaknesses says what an attacker could do to meet a condition, as `tocsin
// strategy lint` does.
func Weaknesses(condition string) []string {
	s := &strategy.Strategy{ID: "weakness", Rules: []strategy.Rule{{Query: "any where true"}}}
	yaml := YAML([]Draft{{Name: "x", When: condition, Scope: "any", Reason: "x"}}, "x", time.Unix(0, 0))
	_, problems, err := Attach(s, yaml)
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, p := range problems {
		if p.Code == "attacker-wildcard" {
			out = append(out, p.Msg)
		}
	}
	return out
}
