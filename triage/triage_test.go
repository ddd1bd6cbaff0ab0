package triage

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/strategy"
)

func TestSameProgram(t *testing.T) {
	f := func(image, executable, line string, want int) {
		t.Helper()
		e := newFact(&alert.Event{Event: mustJSON(t, map[string]any{
			"process": map[string]any{"executable": executable, "command_line": line}})}, time.Time{})
		if got := sameProgram(image, e); got != want {
			t.Errorf("sameProgram(%q, %q, %q) = %d, want %d", image, executable, line, got, want)
		}
	}
	f(`%COMSPEC% /C start x`, `C:\Windows\System32\cmd.exe`, `C:\windows\system32\cmd.exe /C  start x`, 2)
	f(`%%COMSPEC%% /C "%%COMSPEC%% /c x"`, `C:\Windows\System32\cmd.exe`, `C:\windows\system32\cmd.exe /C "C:\Windows\system32\cmd.exe /c x"`, 2)
	f(`%SystemRoot%\a.exe`, `C:\Windows\a.exe`, `C:\Windows\a.exe`, 2)
	f(`"C:\Program Files\A B\a.exe" -k`, `C:\Program Files\A B\a.exe`, `"C:\Program Files\A B\a.exe" -k`, 2)
	f(`net user x /add`, `C:\Windows\System32\net.exe`, `net user x /add`, 2)
	f(`C:\Windows\a.exe -k one`, `C:\Windows\a.exe`, `C:\Windows\a.exe -k two`, 1)
	f(`C:\Windows\a.exe -k one`, `C:\Windows\a.exe`, ``, 1)
	f(`C:\Windows\a.exe`, `C:\Windows\b.exe`, `C:\Windows\b.exe`, 0)
	f(``, `C:\Windows\b.exe`, ``, 0)
	f(``, ``, ``, 0)
	f(`"`, `"`, `"`, 0)
}

func mustJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTopics(t *testing.T) {
	f := func(text string, want topic) {
		t.Helper()
		if got := topicsOf(text); got != want {
			t.Errorf("topicsOf(%q) = %b, want %b", text, got, want)
		}
	}
	f("Which service was started, and which program is behind it?", topicService)
	f("Is the source a known administration server?", topicAdmin)
	f("If nobody can explain it: isolate the host, disable the account.", topicAction)
	f("What else happened: files copied to the host?", topicAround)
	f("Xác định service nào vừa được start và process binary path.", topicService)
	f("Kiểm tra source IP → có phải server quản trị hợp pháp hay host lạ?", topicSource|topicAdmin)
	f("Nếu dịch vụ bất thường → cô lập máy và phân tích binary.", topicAction)
	f("Tìm thêm dấu hiệu lateral movement khác: file copy, account reuse, service creation.", topicAround)
	f("Call Bob.", 0)
}

func TestPlain(t *testing.T) {
	for name, want := range map[string]bool{
		"WORKSTATION6.theshire.local": true, "host-1": true, "svc_x$": true,
		"": false, "-x": false, "a b": false, "a;rm": false, "a\"b": false, "$(calc)": false, "a\nb": false, "máy": false,
		strings.Repeat("a", 65): false,
	} {
		if got := plain(name); got != want {
			t.Errorf("plain(%q) = %v", name, got)
		}
	}
}

func TestClip(t *testing.T) {
	f := func(s string, width int, want string) {
		t.Helper()
		if got := clip(s, width); got != want {
			t.Errorf("clip(%q, %d) = %q, want %q", s, width, got, want)
		}
	}
	f("abc", 3, "abc")
	f("abcd", 3, "ab…")
	f("éééé", 4, "éééé")
	f("ééééé", 4, "ééé…")
	f("\xff\xfe\xfd", 2, "\xff…")
	if got := command("cmd.exe /c " + strings.Repeat("A", 1<<20)); len(got) > 100 {
		t.Errorf("command kept %d bytes of an encoded word", len(got))
	}
}

// verbs are the numbered or plain verbs of a format, sorted.
func verbs(format string) []string {
	out := regexp.MustCompile(`%(\[\d+\])?[sdqv]`).FindAllString(format, -1)
	for i, v := range out {
		if v[1] != '[' {
			out[i] = fmt.Sprintf("%%[%d]%s", i+1, v[1:])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestPhrasesAgree(t *testing.T) {
	en, vi := reflect.ValueOf(english), reflect.ValueOf(vietnamese)
	for i := range en.NumField() {
		name := en.Type().Field(i).Name
		if en.Field(i).Kind() != reflect.String {
			continue
		}
		a, b := en.Field(i).String(), vi.Field(i).String()
		if a == "" || b == "" {
			t.Errorf("%s is missing in a language: %q, %q", name, a, b)
		}
		if x, y := verbs(a), verbs(b); !slices.Equal(x, y) {
			t.Errorf("%s: verbs %v and %v", name, x, y)
		}
	}
}

func TestQuestionsShipped(t *testing.T) {
	s := shippedQuestions()
	if len(s.Context) < 10 || len(s.Questions) != 5 {
		t.Fatalf("%d queries under %d questions", len(s.Context), len(s.Questions))
	}
	vi := s.In("vi")
	if vi == s || len(vi.Questions) != len(s.Questions) {
		t.Fatal("questions.vi.md is no translation of questions.md")
	}
	for i := range s.Context {
		if a, b := &s.Context[i], &vi.Context[i]; a.Query != b.Query || a.Name != b.Name || a.Window != b.Window || !slices.Equal(a.By, b.By) {
			t.Errorf("query %q differs in the translation", a.Name)
		}
	}
	rule := func(query string) []strategy.Rule { return []strategy.Rule{{Query: query}} }
	ask := Questions()
	f := func(technique, query string, want bool) {
		t.Helper()
		st := &strategy.Strategy{ID: "x", Threat: []strategy.Threat{{Technique: technique}}, Rules: rule(query)}
		if got := len(ask(st)) > 0; got != want {
			t.Errorf("%s, %s: asked %v", technique, query, got)
		}
	}
	f("T1021", `process where host.os.type == "windows"`, true)
	f("T1021.002", `process where host.os.type == "windows"`, true)
	f("T1569.002", `process where host.os.type == "windows"`, true)
	f("T1021.004", `process where host.os.type == "linux"`, false)
	f("T1059", `process where host.os.type == "windows"`, false)
	f("T1021", `process where true`, false)

	st := &strategy.Strategy{ID: "x", Threat: []strategy.Threat{{Technique: "T1021"}}, Rules: rule(`process where host.os.type == "windows"`)}
	eng, problems := engine.New([]*strategy.Strategy{st}, engine.Options{Questions: ask})
	if len(problems) > 0 || len(eng.Contexts) != len(s.Context) {
		t.Errorf("%d queries compiled, problems %v", len(eng.Contexts), problems)
	}
}

// installAlert is an alert on a new process with a 7045 that belongs to it.
func installAlert(t *testing.T, value string) *Input {
	t.Helper()
	at := time.Date(2026, 1, 2, 3, 4, 5, 600e6, time.UTC)
	event := func(code, when string, more map[string]any) json.RawMessage {
		e := map[string]any{"@timestamp": when, "event": map[string]any{"code": code, "category": []string{"process"}, "type": []string{"start"}},
			"host": map[string]any{"id": "h", "name": "H.example"}}
		for k, v := range more {
			e[k] = v
		}
		return mustJSON(t, e)
	}
	child := event("1", "2026-01-02T03:04:05.600Z", map[string]any{"process": map[string]any{
		"name": value, "executable": `C:\x\` + value, "command_line": value, "parent": map[string]any{"name": "services.exe"}},
		"user": map[string]any{"name": value}})
	install := event("7045", "2026-01-02T03:04:05.000Z", map[string]any{"event": map[string]any{"code": "7045"},
		"winlog": map[string]any{"event_data": map[string]any{"ServiceName": value, "ImagePath": value}}})
	q := func(name string, by ...string) *strategy.ContextQuery {
		return &strategy.ContextQuery{Name: name, Question: "Which service?", By: by, Of: by, Window: strategy.Window{Before: time.Hour, After: time.Minute}}
	}
	return &Input{
		Alert: &alert.Alert{Timestamp: at, Host: alert.Host{ID: "h", Name: "H.example"},
			Events:  []alert.Event{{Stage: 1, ID: "child", Event: child}, {Stage: 2, Missing: true}},
			Context: []alert.Event{{ID: "install", Event: install}}},
		Strategy: &strategy.Strategy{Questions: []string{"Which service?", "Who?", "Isolate the host."}},
		Placed:   at,
		Asked: []Asked{
			{Query: q("Installed", "host.id"), Codes: []string{"7045", "4697"}, CodesOnly: true, Asked: true, Total: 1,
				Found: []Found{{ID: "install", At: at.Add(-600 * time.Millisecond)}}},
			{Query: q("Changed", "host.id"), Codes: []string{"7040"}, CodesOnly: true, Asked: true},
			{Query: q("Reported", "host.id"), Codes: []string{"7036"}, CodesOnly: true, Asked: true},
			{Query: q("By port", "host.id", "source.port"), Codes: []string{"4624"}, CodesOnly: true},
		},
		Host: []Arrival{{"System", "7045", 3, 1}, {"System", "7036", 12, 1}, {"Security", "4624", 9, 1}},
		All:  []Arrival{{"System", "7045", 3, 1}},
	}
}

// Three kinds of nothing are three answers.
func TestAbsence(t *testing.T) {
	in := installAlert(t, "a.exe")
	got := Answer(in)
	if len(got) != 3 {
		t.Fatalf("%d answers", len(got))
	}
	for _, want := range []string{
		`Service "a.exe" was installed in the same second (7045): a.exe; its command is the new process's.`,
		"Reported: no such event from 1 h before to 60 s after, though this data holds 7036 (12).",
		"By port: cannot be asked: the alert has no source.port.",
		"No 4697, no 7040 in this data from H.example.",
	} {
		if !strings.Contains(got[0].Answer, want) {
			t.Errorf("no %q in\n%s", want, got[0].Answer)
		}
	}
	if !slices.Equal(got[0].Evidence, []string{"child", "install"}) {
		t.Errorf("evidence %v", got[0].Evidence)
	}
	if got[1].Answer != english.byHand {
		t.Errorf("a question without queries: %q", got[1].Answer)
	}
	if !strings.Contains(got[2].Answer, "Invoke-Command -ComputerName H.example {") {
		t.Errorf("action: %q", got[2].Answer)
	}
	in.Lang = "vi"
	if got := Answer(in)[0].Answer; !strings.Contains(got, "Không có 4697, không có 7040 trong dữ liệu này từ H.example.") {
		t.Errorf("in Vietnamese: %s", got)
	}
	in.Lang = "tlh"
	if got := Answer(in)[0].Answer; !strings.Contains(got, "was installed") {
		t.Errorf("in an unknown language: %s", got)
	}
}

// What stands in events stays text: it is shortened, it enters no command, and
// a line of an answer is a sentence of ours.
func TestHostileValues(t *testing.T) {
	for _, value := range []string{"\x1b[31m$(calc).exe", "<script>", "a\nNo 4697 in this data", "%s%d%!", strings.Repeat("x", 1<<20), "\xff\xfe", "%[9]s"} {
		in := installAlert(t, value)
		in.Alert.Host.Name = value
		for _, a := range Answer(in) {
			if len(a.Answer) > 8<<10 {
				t.Errorf("answer of %d bytes on %.20q", len(a.Answer), value)
			}
			if strings.Contains(a.Answer, "Invoke-Command") || strings.Contains(a.Answer, "sc.exe") {
				t.Errorf("a command was made of %.20q: %s", value, a.Answer)
			}
			for _, line := range strings.Split(a.Answer, "\n") {
				if strings.HasPrefix(line, "No 4697 in this data") && !strings.Contains(line, "from") {
					t.Errorf("an event wrote a line of its own: %q", line)
				}
			}
		}
	}
}

func TestSeen(t *testing.T) {
	var s Seen
	for i, at := range []int64{5, -3, 9} {
		s.Add(at, fmt.Sprint("host", i%2))
	}
	if s.Events != 3 || s.First != -3 || s.Last != 9 || !slices.Equal(s.names(), []string{"host0", "host1"}) {
		t.Errorf("seen %+v", s)
	}
	for i := range 2 * maxSeenHosts {
		s.Add(0, fmt.Sprint(i))
	}
	if len(s.Hosts) != maxSeenHosts {
		t.Errorf("%d hosts are named", len(s.Hosts))
	}
}
