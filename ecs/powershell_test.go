package ecs

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/event"
)

// psEvent is an invented event of PowerShell in the shape of Get-WinEvent's
// XML, its values in order.
func psEvent(channel, provider, id string, data [][2]string) []byte {
	s := sample{channel: channel, provider: provider, guid: "{a0c1853b-5c40-4b15-8766-3cf1c58f985a}", id: id, version: "1", record: 9, data: data}
	return s.xml()
}

const classicBlock = "\tDetailSequence=1\r\n\tDetailTotal=2\r\n\r\n\tSequenceNumber=17\r\n\r\n\tUserId=MARSH\\älva\r\n" +
	"\tHostName=ConsoleHost\r\n\tHostVersion=5.1.1\r\n\tHostId=11111111-aaaa-65e6-0102-000000000a00\r\n" +
	"\tHostApplication=powershell -c \"wade\r\n\tdepth=3\"\r\n\tEngineVersion=5.1.1\r\n\tRunspaceId=22222222-aaaa-65e6-0102-000000000a00\r\n" +
	"\tPipelineId=4\r\n\tScriptName=C:\\nest.d\\lay.ps1\r\n\tCommandLine=  Lay-Egg -Count 2"

const spacedBlock = "        Severity = Informational\r\n        Host Name = ServerRemoteHost\r\n        Host Version = 1.0.0.0\r\n" +
	"        Host ID = 11111111-aaaa-65e6-0102-000000000a00\r\n        Host Application = heron.exe -x\r\n        count = 3\r\n" +
	"        Engine Version = 5.1.1\r\n        Runspace ID = 22222222-aaaa-65e6-0102-000000000a00\r\n        Pipeline ID = 1\r\n" +
	"        Command Name = Lay-Egg\r\n        Command Type = Function\r\n        Script Name = \r\n        Command Path =\r\n" +
	"        Sequence Number = 34\r\n        User = MARSH\\älva\r\n        Connected User = POND\\otter\r\n        Shell ID = Microsoft.PowerShell"

const payload = "CommandInvocation(Lay-Egg): \"Lay-Egg\"\r\nParameterBinding(Lay-Egg): name=\"Count\"; value=\"2\r\nor three\"\r\n" +
	"NonTerminatingError(Lay-Egg): \"no (nest): here\""

// TestPowerShell keeps what events of PowerShell become.
func TestPowerShell(t *testing.T) {
	const classic, operational, core = "Windows PowerShell", "Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"
	events := [][]byte{
		psEvent(classic, "PowerShell", "800", [][2]string{{"param1", "Lay-Egg"}, {"param2", classicBlock}, {"param3", payload}}),
		psEvent(classic, "PowerShell", "400", [][2]string{{"param1", "Available"}, {"param2", "None"}, {"param3", "\tNewEngineState=Available\r\n\tPreviousEngineState=None\r\n\r\n\tSequenceNumber=13\r\n\r\n\tHostName=ConsoleHost\r\n\tHostApplication=\r\n\tCommandLine="}}),
		psEvent(classic, "PowerShell", "600", [][2]string{{"param1", "Registry"}, {"param2", "Started"}, {"param3", "\tProviderName=Registry\r\n\tNewProviderState=Started"}}),
		psEvent(classic, "PowerShell", "403", [][2]string{{"param1", "Stopped"}, {"param2", "Available"}, {"param3", ""}}),
		psEvent(operational, "Microsoft-Windows-PowerShell", "4103", [][2]string{{"ContextInfo", spacedBlock}, {"UserData", ""}, {"Payload", payload}}),
		psEvent(operational, "Microsoft-Windows-PowerShell", "4104", [][2]string{{"MessageNumber", "1"}, {"MessageTotal", "2"}, {"ScriptBlockText", "\r\n  Lay-Egg\r\n"}, {"ScriptBlockId", "33333333-aaaa-65e6-0102-000000000a00"}, {"Path", `C:\nest.d\lay`}}),
		psEvent(core, "PowerShellCore", "4105", [][2]string{{"ScriptBlockId", "33333333-aaaa-65e6-0102-000000000a00"}, {"RunspaceId", "22222222-aaaa-65e6-0102-000000000a00"}}),
		psEvent(operational, "Microsoft-Windows-PowerShell", "4106", [][2]string{{"ScriptBlockId", "33333333-aaaa-65e6-0102-000000000a00"}, {"RunspaceId", "22222222-aaaa-65e6-0102-000000000a00"}}),
		psEvent(operational, "Microsoft-Windows-PowerShell", "40961", [][2]string{{"param1", "kept as it is"}}),
	}
	n := NewNormalizer(Options{})
	var got bytes.Buffer
	for _, e := range events {
		out, err := n.Append(nil, e)
		if err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		if err := json.Indent(&got, out, "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
	}
	golden(t, "testdata/powershell.golden", got.Bytes())
}

// TestPowerShellMessage checks that a rendered message gives what the values do.
func TestPowerShellMessage(t *testing.T) {
	fields := []string{
		"process.command_line", "process.title", "user.name", "user.domain", "related.user", "event.sequence", "source.user.name",
		"powershell.command.value", "powershell.command.invocation_details.value", "powershell.command.invocation_details.name",
		"powershell.file.script_block_text", "powershell.file.script_block_id", "powershell.sequence", "powershell.total",
		"powershell.runspace_id", "powershell.engine.new_state", "file.path", "file.name", "file.directory", "file.extension", "powershell.id",
	}
	const block = "33333333-aaaa-65e6-0102-000000000a00"
	for _, c := range []struct {
		channel, id, message string
		data                 [][2]string
	}{
		{"Windows PowerShell", "800", "Pipeline execution details for command line: Lay-Egg. \r\n\r\nContext Information: \r\n" + classicBlock + " \r\n\r\nDetails: \r\n" + payload,
			[][2]string{{"param1", "Lay-Egg"}, {"param2", classicBlock}, {"param3", payload}}},
		{"Windows PowerShell", "400", "Engine state is changed from None to Available. \n\nDetails: \n\tNewEngineState=Available\n\tHostName=ConsoleHost",
			[][2]string{{"param1", "Available"}, {"param2", "None"}, {"param3", "\tNewEngineState=Available\n\tHostName=ConsoleHost"}}},
		{"Microsoft-Windows-PowerShell/Operational", "4103", payload + "\r\n\r\n\r\nContext:\r\n" + spacedBlock + "\r\n\r\n\r\nUser Data:\r\n\r\n",
			[][2]string{{"ContextInfo", spacedBlock}, {"Payload", payload}}},
		{"Microsoft-Windows-PowerShell/Operational", "4104", "Creating Scriptblock text (1 of 2):\r\nLay-Egg (1 of 9):\r\n\r\nScriptBlock ID: " + block + "\r\nPath: C:\\nest\\lay.ps1",
			[][2]string{{"MessageNumber", "1"}, {"MessageTotal", "2"}, {"ScriptBlockText", "Lay-Egg (1 of 9):"}, {"ScriptBlockId", block}, {"Path", `C:\nest\lay.ps1`}}},
		{"Microsoft-Windows-PowerShell/Operational", "4105", "Started invocation of ScriptBlock ID: " + block + "\r\nRunspace ID: " + block,
			[][2]string{{"ScriptBlockId", block}, {"RunspaceId", block}}},
	} {
		s := event.NewSchema(nil)
		for _, f := range fields {
			s.Slot(f)
		}
		d := NewDecoder(s, Options{})
		want, got := event.New(s), event.New(s)
		if err := d.XML(psEvent(c.channel, "x", c.id, c.data), want); err != nil {
			t.Fatal(err)
		}
		doc, _ := json.Marshal(map[string]any{"Channel": c.channel, "EventID": c.id, "Message": c.message, "Hostname": sampleHost})
		if err := d.JSON(doc, got); err != nil {
			t.Fatal(err)
		}
		some := false
		for _, f := range fields {
			w, g := texts(want, f), texts(got, f)
			some = some || w != ""
			if w != g {
				t.Errorf("%s: %s of the message is %q, of the values %q", c.id, f, g, w)
			}
		}
		if !some {
			t.Errorf("%s: no field at all", c.id)
		}
	}
}

// TestPowerShellEvidence checks that a record kept as evidence is the same
// event again, its block unpacked once only.
func TestPowerShellEvidence(t *testing.T) {
	doc := psEvent("Microsoft-Windows-PowerShell/Operational", "x", "4103", [][2]string{{"ContextInfo", spacedBlock}, {"Payload", payload}})
	n := NewNormalizer(Options{})
	want, err := n.Append(nil, doc)
	if err != nil {
		t.Fatal(err)
	}
	s := event.NewSchema(nil)
	s.Slot("process.title")
	d := NewDecoder(s, Options{})
	ev := event.New(s)
	if err := d.XML(doc, ev); err != nil {
		t.Fatal(err)
	}
	kept := d.AppendEvidence(nil)
	got, err := n.Append(nil, kept)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("of evidence\n%s\nnot\n%s", got, want)
	}
}

// FuzzPowerShell gives the unpacking what scripts can hold. What it makes of a
// text must be valid JSON in proportion to it.
func FuzzPowerShell(f *testing.F) {
	f.Add(spacedBlock, payload)
	f.Add(classicBlock, payload)
	f.Add("Creating Scriptblock text (1 of 2):\nx\n\nScriptBlock ID: y\nPath: z", "A(): \nB(")
	n := NewNormalizer(Options{})
	f.Fuzz(func(t *testing.T, block, details string) {
		for _, c := range []struct {
			channel, id string
			data        object
		}{
			{"Windows PowerShell", "800", object{"param1", "", "param2", block, "param3", details}},
			{"Windows PowerShell", "600", object{"param3", block}},
			{"Windows PowerShell", "800", object{"Message", block}},
			{"Microsoft-Windows-PowerShell/Operational", "4103", object{"ContextInfo", block, "Payload", details}},
			{"Microsoft-Windows-PowerShell/Operational", "4103", object{"Message", block}},
			{"Microsoft-Windows-PowerShell/Operational", "4104", object{"Message", block}},
		} {
			doc := encode(append(object{"Channel", c.channel, "EventID", c.id, "Hostname", sampleHost}, c.data...))
			out, err := n.Append(nil, doc)
			if err != nil {
				t.Fatalf("%s: %v", doc, err)
			}
			if !json.Valid(out) {
				t.Fatalf("%s\nmade %s", doc, out)
			}
			if len(out) > 2000+12*len(doc) {
				t.Fatalf("%d bytes of %d", len(out), len(doc))
			}
		}
	})
}

// TestPowerShellAllocations decodes for every field without garbage.
func TestPowerShellAllocations(t *testing.T) {
	s := event.NewSchema(nil)
	for _, rows := range [][]row{contextRows, contextFile, scriptBlock} {
		for _, r := range rows {
			for _, f := range strings.Fields(r.to) {
				s.Slot(f)
			}
		}
	}
	for _, f := range strings.Fields(contextUser.writes + " " + invocationFields) {
		s.Slot(f)
	}
	docs := [][]byte{
		encode(object{"Channel", "Windows PowerShell", "EventID", "800", "Hostname", "h", "param1", "x", "param2", classicBlock, "param3", payload}),
		encode(object{"Channel", "Microsoft-Windows-PowerShell/Operational", "EventID", "4103", "Hostname", "h", "ContextInfo", spacedBlock, "Payload", payload}),
		encode(object{"Channel", "Microsoft-Windows-PowerShell/Operational", "EventID", "4104", "Hostname", "h", "ScriptBlockText", " x ", "Path", `C:\x.ps1`}),
	}
	d, ev := NewDecoder(s, Options{}), event.New(s)
	run := func() {
		for _, doc := range docs {
			if err := d.JSON(doc, ev); err != nil {
				t.Fatal(err)
			}
		}
	}
	run()
	if n := testing.AllocsPerRun(20, run); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
