package ecs

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/event"
)

// TestSecurity keeps what an invented event of each id becomes, one a line.
func TestSecurity(t *testing.T) {
	n := NewNormalizer(Options{})
	seen := map[string]bool{}
	var got bytes.Buffer
	for _, s := range samplesOf(t, "testdata/security.txt") {
		out, err := n.Append(nil, s.xml())
		if err != nil {
			t.Fatalf("%s: %v", s.name(), err)
		}
		seen[s.id] = true
		got.WriteString(s.id + " ")
		got.Write(out)
		got.WriteByte('\n')
	}
	for id := range security.events {
		if !seen[id] {
			t.Errorf("no sample of %s", id)
		}
	}
	golden(t, "testdata/security.golden", got.Bytes())
}

// TestSecurityCategories compares the table with the list that was carried over.
func TestSecurityCategories(t *testing.T) {
	data, err := os.ReadFile(shared + "/ecs/security-categories.json")
	if err != nil {
		t.Skip("no ../shared/ecs/security-categories.json: it is not part of the repository")
	}
	var want map[string]struct {
		Category, Type []string
		Action         string
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	newer := []string{"4662", "5136", "5137"}
	for id, w := range want {
		m := security.events[id]
		if m == nil {
			t.Errorf("%s: no row", id)
			continue
		}
		if m.category != strings.Join(w.Category, " ") || m.types != strings.Join(w.Type, " ") || m.action != w.Action {
			t.Errorf("%s: got %q, %q, %q, want %v", id, m.category, m.types, m.action, w)
		}
	}
	for id := range security.events {
		if _, ok := want[id]; !ok && !slices.Contains(newer, id) {
			t.Errorf("%s: not in the list", id)
		}
	}
}

// TestSecurityUserData checks the event of a cleared log, which keeps its
// subject in UserData and comes from another provider.
func TestSecurityUserData(t *testing.T) {
	const doc = `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>` +
		`<Provider Name="Microsoft-Windows-Eventlog" Guid="{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}"/><EventID>1102</EventID>` +
		`<TimeCreated SystemTime="2024-03-05T10:12:00.1234567Z"/><EventRecordID>7</EventRecordID><Channel>Security</Channel>` +
		`<Computer>MARSH-01.example.test</Computer></System><UserData><LogFileCleared xmlns="x">` +
		`<SubjectUserSid>S-1-5-21-11-22-33-1104</SubjectUserSid><SubjectUserName>älva</SubjectUserName>` +
		`<SubjectDomainName>MARSH</SubjectDomainName><SubjectLogonId>0x1aa99</SubjectLogonId></LogFileCleared></UserData></Event>`
	want := map[string]string{
		"event.action": "audit-log-cleared", "event.category": "iam", "event.type": "admin|change", "event.module": "security",
		"user.id": "S-1-5-21-11-22-33-1104", "user.name": "älva", "user.domain": "MARSH", "related.user": "älva",
		"winlog.logon.id": "0x1aa99", "winlog.user_data.SubjectUserName": "älva", "winlog.event_data.SubjectUserName": "",
	}
	checkDocument(t, []byte(doc), want)
}

// checkDocument decodes a document, which is JSON or XML, for the fields that
// are wanted.
func checkDocument(t *testing.T, doc []byte, want map[string]string) {
	t.Helper()
	s := event.NewSchema(nil)
	for f := range want {
		s.Slot(f)
	}
	d := NewDecoder(s, Options{})
	ev := event.New(s)
	read := d.JSON
	if doc[0] == '<' {
		read = d.XML
	}
	if err := read(doc, ev); err != nil {
		t.Fatal(err)
	}
	for f, w := range want {
		if g := texts(ev, f); g != w {
			t.Errorf("%s: got %q, want %q", f, g, w)
		}
	}
}

// TestSecurityValues checks what the samples do not reach.
func TestSecurityValues(t *testing.T) {
	security := func(id string, data ...[2]string) []byte {
		s := sample{channel: "Security", provider: "Microsoft-Windows-Security-Auditing", id: id, version: "1", data: data}
		return s.xml()
	}
	for _, c := range []struct {
		name string
		doc  []byte
		want map[string]string
	}{
		{"arguments", security("4688", [2]string{"CommandLine", "  a \"b c\"d\t\te \"f"}),
			map[string]string{"process.args": "a|\"b c\"d|e|\"f", "process.command_line": "  a \"b c\"d\t\te \"f"}},
		{"no path", security("4688", [2]string{"NewProcessName", "Registry"}, [2]string{"NewProcessId", "0x78"}),
			map[string]string{"process.name": "Registry", "process.executable": "Registry", "process.pid": "120", "process.args": ""}},
		{"no number", security("4688", [2]string{"NewProcessId", "0xzz"}), map[string]string{"process.pid": ""}},
		{"an empty value is no value", security("4624", [2]string{"TargetUserName", "-"}, [2]string{"IpAddress", "-"}, [2]string{"IpPort", "-"}),
			map[string]string{"user.name": "", "related.user": "", "source.ip": "", "source.port": "", "winlog.event_data.IpAddress": ""}},
		{"the target's SID by either name", security("4634", [2]string{"TargetSid", "S-1-5-7"}), map[string]string{"user.id": "S-1-5-7"}},
		{"unknown client", security("4779", [2]string{"ClientAddress", "Unknown"}),
			map[string]string{"source.ip": "", "winlog.event_data.ClientAddress": "Unknown"}},
		{"a member without a domain", security("4728", [2]string{"MemberName", "CN=Vole"}),
			map[string]string{"user.target.name": "Vole", "user.target.domain": ""}},
		{"a member that is no name", security("4728", [2]string{"MemberName", "Vole,a,b,c"}),
			map[string]string{"user.target.name": "", "user.target.domain": ""}},
		{"a share without a path", security("5145", [2]string{"ShareName", `\\*\IPC$`}, [2]string{"RelativeTargetName", `svcctl`}),
			map[string]string{"file.name": "svcctl", "file.path": "", "file.directory": "", "file.extension": "", "file.target_path": `\\\\*\\IPC$\svcctl`}},
		{"protocol without ports", security("5156", [2]string{"Protocol", "1"}, [2]string{"SourceAddress", "192.0.2.1"}),
			map[string]string{"network.transport": "icmp", "network.community_id": "", "source.ip": "192.0.2.1"}},
		{"unknown codes", security("4625", [2]string{"Status", "0xC0009999"}, [2]string{"FailureReason", "%%9"}, [2]string{"LogonType", "99"}),
			map[string]string{"winlog.logon.failure.status": "", "winlog.logon.failure.reason": "", "winlog.logon.type": "",
				"winlog.event_data.Status": "0xC0009999"}},
		{"more entries than fields", security("4670", [2]string{"NewSd", "D:" + strings.Repeat("(A;;GA;;;SY)", 40)}),
			map[string]string{"winlog.event_data.NewSdDacl23": "Local system :Access Allowed ([Generic All])", "winlog.event_data.NewSdDacl24": ""}},
		{"of an id without a row", security("4663", [2]string{"AccessMask", "0x6"}, [2]string{"SubjectLogonId", "0x3e7"}),
			map[string]string{"event.category": "", "winlog.event_data.AccessMask": "0x6", "winlog.logon.id": "0x3e7",
				"winlog.event_data.AccessMaskDescription": "Delete Child|List Contents"}},
		{"a list in place of a mask", security("4674", [2]string{"AccessMask", "%%1538\r\n\t\t%%1542"}),
			map[string]string{"winlog.event_data.AccessMask": "%%1538|%%1542", "winlog.event_data.AccessMaskDescription": "Delete Child|List Contents"}},
		{"a task's leaves", security("4698", [2]string{"TaskContent", "<Task><Actions><Exec><Command>a&amp;b</Command></Exec><Exec><Command>c</Command></Exec></Actions></Task>"}),
			map[string]string{"winlog.scheduled_task.actions.command": "a&b|c", "winlog.scheduled_task.actions.type": "exec|exec"}},
	} {
		t.Run(c.name, func(t *testing.T) { checkDocument(t, c.doc, c.want) })
	}
}

// TestRowsAlone checks that a field has the same value whether it is read alone,
// with rules' fields or with all: what is dropped since nobody reads it must
// not matter to the rest.
func TestRowsAlone(t *testing.T) {
	var docs [][]byte
	for _, path := range []string{"testdata/security.txt", "testdata/samples.txt"} {
		for _, s := range samplesOf(t, path) {
			docs = append(docs, s.xml())
		}
	}
	n := NewNormalizer(Options{})
	whole := make([]map[string]any, len(docs))
	fields := map[string]bool{}
	for i, doc := range docs {
		out, err := n.Append(nil, doc)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(out, &v); err != nil {
			t.Fatal(err)
		}
		whole[i] = map[string]any{}
		flatten(whole[i], "", v)
		for f, v := range whole[i] {
			list, ok := v.([]any)
			if !ok || len(list) > 0 && !isObject(list[0]) {
				fields[f] = true
			}
		}
	}
	all := event.NewSchema(nil)
	for f := range fields {
		all.Slot(f)
	}
	d, ev := NewDecoder(all, Options{}), event.New(all)
	got := make([]map[string]string, len(docs))
	for i, doc := range docs {
		if err := d.XML(doc, ev); err != nil {
			t.Fatal(err)
		}
		got[i] = map[string]string{}
		for f := range fields {
			got[i][f] = texts(ev, f)
			if w := asText(whole[i][f]); got[i][f] != w && f != "@timestamp" && f != "event.created" {
				t.Errorf("%.80s: %s: with others %q, in the whole event %q", docs[i][200:], f, got[i][f], w)
			}
		}
	}
	for f := range fields {
		s := event.NewSchema(nil)
		s.Slot(f)
		d, ev := NewDecoder(s, Options{}), event.New(s)
		for i, doc := range docs {
			if err := d.XML(doc, ev); err != nil {
				t.Fatal(err)
			}
			if g := texts(ev, f); g != got[i][f] {
				t.Errorf("%s: %s: alone %q, with others %q", texts(ev, "event.code"), f, g, got[i][f])
			}
		}
	}
}

func isObject(v any) bool { _, ok := v.(map[string]any); return ok }

// asText is a JSON value as texts shows it.
func asText(v any) string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []string
	for _, v := range list {
		switch v := v.(type) {
		case nil:
		case string:
			out = append(out, v)
		case bool: // texts shows no booleans
			out = append(out, "")
		default:
			b, _ := json.Marshal(v)
			out = append(out, string(b))
		}
	}
	return strings.Join(out, "|")
}

// TestSecurityAllocations checks that the tables allocate nothing, whatever is
// read: texts that are put together lie in the event's memory.
func TestSecurityAllocations(t *testing.T) {
	n := NewNormalizer(Options{})
	names := map[string]bool{}
	var docs [][]byte
	for _, s := range samplesOf(t, "testdata/security.txt") {
		o := object{"Channel", s.channel, "SourceName", s.provider, "EventID", s.id, "Hostname", sampleHost, "EventTime", sampleLogged}
		doc := encode(append(o, s.object()...))
		docs = append(docs, doc)
		out, err := n.Append(nil, doc)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(out, &v); err != nil {
			t.Fatal(err)
		}
		flat := map[string]any{}
		flatten(flat, "", v)
		for f := range flat {
			names[f] = true
		}
	}
	s := event.NewSchema(nil)
	sorted := make([]string, 0, len(names))
	for f := range names {
		sorted = append(sorted, f)
	}
	sort.Strings(sorted)
	for _, f := range sorted {
		s.Slot(f)
	}
	d, ev := NewDecoder(s, Options{Native: true}), event.New(s)
	run := func() {
		for _, doc := range docs {
			if err := d.JSON(doc, ev); err != nil {
				t.Fatal(err)
			}
		}
	}
	run()
	run()
	if got := testing.AllocsPerRun(10, run); got > 0 {
		t.Errorf("%v allocations in %d events", got, len(docs))
	}
}

// BenchmarkSecurity decodes an event of each id, of which rules read little.
func BenchmarkSecurity(b *testing.B) {
	var docs [][]byte
	for _, s := range samplesOf(b, "testdata/security.txt") {
		o := object{"Channel", s.channel, "SourceName", s.provider, "EventID", s.id, "Hostname", sampleHost, "EventTime", sampleLogged}
		docs = append(docs, encode(append(o, s.object()...)))
	}
	benchJSON(b, docs, NewDecoder(ruleSchema(), Options{Native: true}))
}
