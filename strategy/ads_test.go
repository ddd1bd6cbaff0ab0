package strategy

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "rewrite golden files")

// golden compares with testdata/<name>, or rewrites it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

// dump writes everything a strategy says, for golden files.
func dump(t *testing.T, s *Strategy, problems []Problem) []byte {
	t.Helper()
	var b bytes.Buffer
	c := *s
	c.Sections = nil
	cases := c.Cases
	c.Cases = nil
	out, err := json.MarshalIndent(&c, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	b.Write(out)
	b.WriteString("\n")
	for _, x := range s.Sections {
		fmt.Fprintf(&b, "section %v %q at %v: %q\n", x.Kind, x.Heading, x.Pos, x.Markdown)
	}
	for _, x := range cases {
		fmt.Fprintf(&b, "case %s %q %q at %v: %s", x.Kind, x.Name, x.Variant, x.Pos, x.Data)
	}
	for i := range s.Rules {
		fmt.Fprintf(&b, "rule %q: 2:3 is %v\n", s.Rules[i].Variant, s.Rules[i].At(2, 3))
	}
	for i := range s.Context {
		fmt.Fprintf(&b, "context %q: 1:1 is %v\n", s.Context[i].Name, s.Context[i].At(1, 1))
	}
	for i := range s.Exceptions {
		fmt.Fprintf(&b, "exception %q: 1:1 is %v, 2:1 is %v\n", s.Exceptions[i].Name, s.Exceptions[i].At(1, 1), s.Exceptions[i].At(2, 1))
	}
	for _, p := range problems {
		b.WriteString(p.Render())
	}
	return b.Bytes()
}

// Each document in testdata/ads says what its golden file holds.
func TestDocuments(t *testing.T) {
	files, err := filepath.Glob("testdata/ads/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			list, problems := Load([]string{f})
			if len(list) != 1 {
				t.Fatalf("%d strategies, %v", len(list), problems)
			}
			golden(t, filepath.Join("ads", strings.TrimSuffix(filepath.Base(f), ".md")+".golden"), dump(t, list[0], append(problems, list[0].notes...)))
		})
	}
}

// A document says the same with Windows line ends, with a byte order mark, as
// UTF-16, and with its text damaged. Only positions and case data may differ.
func TestEncodings(t *testing.T) {
	for _, name := range []string{"door.md", "cua.md", "plain.md"} {
		src, err := os.ReadFile("testdata/ads/" + name)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := Parse(name, src)
		for _, v := range []struct {
			how      string
			src      []byte
			repaired bool
		}{
			{"crlf", bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n")), false},
			{"bom", append([]byte("\xef\xbb\xbf"), src...), false},
			{"utf-16le", utf16Bytes(src, 0), true},
			{"utf-16be", utf16Bytes(src, 1), true},
			{"mac roman", damage(src), !isASCII(src)},
		} {
			got, problems := Parse(name, v.src)
			if len(got) != 1 {
				t.Errorf("%s %s: %v", name, v.how, problems)
				continue
			}
			if a, b := gist(want[0]), gist(got[0]); a != b {
				t.Errorf("%s %s:\n%s\nwant\n%s", name, v.how, b, a)
			}
			if got[0].Source.Repaired != v.repaired {
				t.Errorf("%s %s: repaired is %v", name, v.how, got[0].Source.Repaired)
			}
		}
	}
}

// gist is what a strategy says, without where.
func gist(s *Strategy) string {
	var b strings.Builder
	fmt.Fprintln(&b, s.ID, s.Title, s.Version, s.Lang, s.Severity, s.Risk, s.DataSources, s.IndexPatterns, s.Questions, s.References, s.Authors, s.Suppression)
	for _, t := range s.Threat {
		fmt.Fprintln(&b, t.Tactic, t.Technique)
	}
	for _, x := range s.Sections {
		fmt.Fprintf(&b, "%v %s %s\n", x.Kind, x.Heading, strings.ReplaceAll(x.Markdown, "\r", ""))
	}
	for _, r := range s.Rules {
		fmt.Fprintln(&b, r.Variant, r.Query, r.Line, r.Severity, r.Risk)
	}
	for _, q := range s.Context {
		fmt.Fprintln(&b, q.Name, q.Question, q.Query, q.Window, q.By)
	}
	for _, e := range s.Exceptions {
		fmt.Fprintln(&b, e.Name, e.When, e.Scope, e.Reason, e.Owner, e.Expires)
	}
	for _, c := range s.Cases {
		fmt.Fprintln(&b, c.Kind, c.Name, string(c.Data))
	}
	return b.String()
}

func TestKindOf(t *testing.T) {
	f := func(heading string, want SectionKind) {
		t.Helper()
		if got := kindOf(synonyms(), heading); got != want {
			t.Errorf("%q is %v, want %v", heading, got, want)
		}
	}
	f("Goal", Goal)
	f("**Goal:**", Goal)
	f("3. Mục tiêu", Goal)
	f("Mục tiêu / Goal", Goal)
	f("Goal – Mục tiêu", Goal)
	f("Mu\u0323c tie\u0302u", Goal) // decomposed
	f("MITRE ATT\\&CK", Categorization)
	f("Blind Spots & Assumptions", BlindSpots)
	f("ĐIỂM MÙ VÀ GIẢ ĐỊNH", BlindSpots)
	f("False positives (Dương tính giả)", FalsePositives)
	f("Ứng phó sự cố", Response)
	f("Tài liệu tham khảo", Resources)
	f("[Response](#x)", Response)
	f("Goalkeeper", Other)
	f("", Other)
}

func TestPriority(t *testing.T) {
	f := func(text string, severity Severity, risk int) {
		t.Helper()
		list, problems := Parse("x.md", []byte("# T\n\n## Goal\n\ng\n\n## Priority\n\n"+text+"\n\n## Technical Context\n\n```eql\nany where true\n```\n"))
		if len(list) != 1 {
			t.Fatal(problems)
		}
		if s := list[0]; s.Severity != severity || s.Risk != risk {
			t.Errorf("%q: %s %d, want %s %d", text, s.Severity, s.Risk, severity, risk)
		}
	}
	f("* **Medium (47)**:", Medium, 47)
	f("High", High, 73)
	f("Set to low under all conditions.", Low, 21)
	f("Critical (risk 95)", Critical, 95)
	f("**Severity**: High\n**Risk score**: 80", High, 80)
	f("Cao (73)", High, 73)
	f("Trung bình (47)", Medium, 47)
	f("Nghiêm trọng", Critical, 99)
	f("High, 70/100", High, 70)
	f("nothing said", Medium, 47)
	f("highly dependent", Medium, 47)
	f("Medium (4700)", Medium, 47)
}

func TestThreats(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		list, _ := Parse("x.md", []byte("# T\n\n## Categorization\n\n"+text+"\n"))
		got := ""
		if len(list) == 1 {
			got = threatLine(list[0].Threat)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	f("* **Lateral Movement (TA0008)** → [Remote Services (T1021)](https://attack.mitre.org/techniques/T1021/)", "TA0008/T1021")
	f("[a](https://attack.mitre.org/tactics/TA0002/) [b](https://attack.mitre.org/techniques/T1569/002/)", "TA0002/T1569.002")
	f("TA0008\n\n* T1021\n* T1570\n\nTA0002\n\n* T1047", "TA0008/T1021, TA0008/T1570, TA0002/T1047")
	f("Persistence (TA0003), Privilege Escalation (TA0004): T1543.003", "TA0003/T1543.003, TA0004/T1543.003")
	f("T1021", "TA0008/T1021")
	f("T1543", "T1543") // two tactics, none named
	f("Tactic: Lateral Movement", "TA0008")
	f("T10211 and XT1021 and T1021.0011", "T10211, T1021.0011") // for lint to report
	f("none", "")
}
