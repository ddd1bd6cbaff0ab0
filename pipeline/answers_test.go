package pipeline_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategies"
	"github.com/tocsin-project/tocsin/strategy"
	"github.com/tocsin-project/tocsin/triage"
)

var rewriteAnswers = flag.Bool("rewrite", false, "write testdata/answers.txt again")

// alertsOf scans paths, or stdin, with strategies and writes out every alert.
func alertsOf(t *testing.T, list []*strategy.Strategy, scan pipeline.Scan) []*alert.Alert {
	t.Helper()
	eng, problems := engine.New(list, engine.Options{Questions: triage.Questions()})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	scan.Engine, scan.Native, scan.TmpDir = eng, true, t.TempDir()
	result, err := scan.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	var out []*alert.Alert
	for _, f := range result.Findings {
		a, err := result.Alert(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, a)
	}
	return out
}

func shippedStrategies(t *testing.T) []*strategy.Strategy {
	t.Helper()
	list, problems := strategy.LoadFS(strategies.FS)
	for _, p := range problems {
		if p.Level == strategy.Error {
			t.Fatal(p.Render())
		}
	}
	return list
}

func seedStrategy(t *testing.T) []*strategy.Strategy {
	t.Helper()
	list, problems := strategy.Load([]string{needShared(t, "seed/remotely-started-services-via-rpc.md")})
	if len(list) != 1 {
		t.Fatal(problems)
	}
	return list
}

// answersTo joins the answers of the one alert of a strategy and variant.
func answersTo(t *testing.T, alerts []*alert.Alert, id, variant string) string {
	t.Helper()
	var out []string
	n := 0
	for _, a := range alerts {
		if a.Strategy != id || a.Variant != variant {
			continue
		}
		n++
		for _, x := range a.Triage {
			out = append(out, x.Answer)
		}
	}
	if n != 1 {
		t.Fatalf("%d alerts of %s %q", n, id, variant)
	}
	return strings.Join(out, "\n")
}

// What issue 6 asks of the first-order recording, of the shipped strategy and
// of the user's own document, which has no context queries, in two languages.
func TestAnswersOnPsexec(t *testing.T) {
	dir := needShared(t, "recordings/rpc-psexec-2020")
	const id = "remotely-started-services-via-rpc"
	for _, variant := range []string{"", "native"} {
		list := shippedStrategies(t)
		got := answersTo(t, alertsOf(t, list, pipeline.Scan{Paths: []string{dir}}), id, variant)
		for _, want := range []string{
			`Service "Updater" was installed in the same second by THESHIRE\pgustavo (4697, 7045): %COMSPEC% /C start`,
			"C:\\Windows\\System32\\cmd.exe; ",
			"its command is the new process's",
			"The connection came from 172.18.39.5:56608 to 172.18.39.6:49726",
			`THESHIRE.LOCAL\pgustavo logged on from this very port, 172.18.39.5:56608, in the same second (4624)`,
			"The service was installed in this very session, 0x2990d17 (4697).",
			"The session has administrative privileges (4672): SeDebugPrivilege",
			"no 7040", "in this data from WORKSTATION6.theshire.local.",
			"powershell.exe was started by cmd.exe",
			"Whether 172.18.39.5 is a known administration server cannot be said",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("variant %q: no %q in\n%s", variant, want, got)
			}
		}
	}
	admins, err := triage.ParseAdmins("a.yml", []byte("- name: SCCM primary\n  addresses: [172.18.39.0/24]\n  owner: workplace team\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := alertsOf(t, seedStrategy(t), pipeline.Scan{Paths: []string{dir}, Admins: admins, Lang: "vi"})
	if len(got) == 0 || len(got[0].Triage) != 4 {
		t.Fatalf("the user's document has four steps, answered are %+v", got)
	}
	text := answersTo(t, got, id, "")
	for _, want := range []string{
		`Dịch vụ "Updater" được cài trong cùng giây đó bởi THESHIRE\pgustavo (4697, 7045)`,
		"đăng nhập từ đúng cổng này, 172.18.39.5:56608", "không có 7040",
		"172.18.39.5 là nguồn quản trị đã biết: SCCM primary, người phụ trách workplace team.",
		"7009", "Để cô lập WORKSTATION6.theshire.local",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// The answers do not depend on how the events came: from a file, from standard
// input, on one worker or more.
func TestAnswersFromStdin(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(needShared(t, "recordings/rpc-psexec-2020"), "empire*.json"))
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	list := shippedStrategies(t)
	scans := []pipeline.Scan{
		{Paths: files, Jobs: 1},
		{Paths: files, Jobs: 3},
		{Paths: []string{"-"}, Source: source.Options{Stdin: bytes.NewReader(content)}},
	}
	var first []byte
	for i, scan := range scans {
		var all [][]alert.Answer
		for _, a := range alertsOf(t, list, scan) {
			all = append(all, a.Triage)
		}
		got, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = got
		} else if !bytes.Equal(got, first) {
			t.Errorf("scan %d answers differently:\n%s\n%s", i, got, first)
		}
	}
}

// namedCodes are the event codes that an answer rests on, and those that it
// says are not there.
var (
	inBrackets = regexp.MustCompile(`\((\d+(?:, \d+)*)\)`)
	notThere   = regexp.MustCompile(`[Nn]o (?:Sysmon )?(\d+)`)
	counted    = regexp.MustCompile(`\d+ \(\d+\)`) // a code with how many arrive
)

func codesIn(re *regexp.Regexp, text string) string {
	var out []string
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		for _, code := range strings.Split(m[1], ", ") {
			if !slices.Contains(out, code) {
				out = append(out, code)
			}
		}
	}
	return strings.Join(out, ",")
}

// maxHeld bounds the alerts of one recording that stand line by line.
const maxHeld = 12

// The answers on all recordings are held by figures: the texts are made of
// other people's events. The figures were compared with the raw events by hand
// and by a script of its own (every "no N in this data" and every count).
func TestAnswersOnRecordings(t *testing.T) {
	root := needShared(t, "recordings")
	dirs, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	list := shippedStrategies(t)
	var b strings.Builder
	for _, dir := range dirs {
		fmt.Fprintf(&b, "== %s\n", dir.Name())
		var rest strings.Builder
		for i, a := range alertsOf(t, list, pipeline.Scan{Paths: []string{filepath.Join(root, dir.Name())}}) {
			if i < maxHeld {
				describeAnswers(t, &b, a)
			} else {
				describeAnswers(t, &rest, a)
			}
		}
		if rest.Len() > 0 {
			sum := sha256.Sum256([]byte(rest.String()))
			fmt.Fprintf(&b, "the rest: %d lines, %x\n", strings.Count(rest.String(), "\n"), sum[:6])
		}
	}
	const golden = "testdata/answers.txt"
	if *rewriteAnswers {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, expected := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
	for i := 0; i < max(len(got), len(expected)); i++ {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(expected) {
			w = expected[i]
		}
		if g != w {
			t.Fatalf("line %d of %s (go test -run TestAnswersOnRecordings -rewrite):\ngot  %s\nwant %s", i+1, golden, g, w)
		}
	}
}

func describeAnswers(t *testing.T, b *strings.Builder, a *alert.Alert) {
	t.Helper()
	have := map[string]bool{}
	for _, list := range [][]alert.Event{a.Events, a.Context} {
		for _, e := range list {
			have[e.ID] = true
		}
	}
	fmt.Fprintf(b, "%s %q %s context %d\n", a.Strategy, a.Variant, a.Timestamp.Format("2006-01-02T15:04:05.000Z"), len(a.Context))
	for _, x := range a.Triage {
		for _, id := range x.Evidence {
			if !have[id] {
				t.Errorf("%s: evidence %s is neither in events nor in context", a.Strategy, id)
			}
		}
		text := counted.ReplaceAllString(x.Answer, "")
		sum := sha256.Sum256([]byte(x.Answer))
		fmt.Fprintf(b, "  rests on [%s], not there [%s], evidence %d, lines %d, %x\n",
			codesIn(inBrackets, text), codesIn(notThere, text), len(x.Evidence), strings.Count(x.Answer, "\n")+1, sum[:6])
	}
}
