package evtx

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// TestRoundTrip renders every record of the corpus as XML and reads it back:
// both ways must fill a Record alike.
func TestRoundTrip(t *testing.T) {
	var text, again []byte
	var rec Record
	records := 0
	for _, path := range corpus(t, "evtx") {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := 0
		for r, err := range f.Records(Options{}) {
			if r == nil || err != nil {
				continue
			}
			records++
			text, err = r.AppendXML(text[:0])
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
			event, rest, err := NextEvent(text)
			if err != nil || len(rest) > 0 || len(event) != len(text) {
				t.Errorf("%s: record %d: split into %d of %d bytes: %v", path, r.ID, len(event), len(text), err)
			}
			if err := ParseXML(text, &rec); err != nil {
				t.Errorf("%s: record %d: %v", path, r.ID, err)
			}
			for i := range r.Data { // flatten writes these as libevtx does
				if r.Data[i].Value.Type() == TypeSize {
					r.Data[i].Value = TextValue(r.Data[i].Value.AppendText(nil))
				}
			}
			if d := diffFlat(flatten(&rec), flatten(r)); d != "" && bad < 2 {
				bad++
				t.Errorf("%s: record %d: from XML (ours) and binary (theirs):\n%s", filepath.Base(path), r.ID, d)
			}
			again = r.AppendJSON(again[:0])
			if !json.Valid(again) {
				t.Errorf("%s: record %d: not JSON: %.300s", path, r.ID, again)
			}
		}
		f.Close()
	}
	t.Logf("%d records", records)
}

// TestNextEvent splits streams.
func TestNextEvent(t *testing.T) {
	const a, b = `<Event xmlns="u"><System><EventID>1</EventID></System></Event>`, `<Event><System/><EventData><Data>&lt;Event></Data></EventData></Event>`
	f := func(name, in string, want ...string) {
		t.Helper()
		var got []string
		rest := []byte(in)
		var err error
		for {
			var ev []byte
			ev, rest, err = NextEvent(rest)
			if err != nil {
				break
			}
			got = append(got, string(ev))
		}
		if err == io.ErrUnexpectedEOF {
			got = append(got, "cut:"+string(rest))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	f("one", a, a)
	f("two", a+b, a, b)
	f("root", "<?xml version='1.0'?>\r\n<Events>\n"+a+"\r\n"+b+"</Events>", a, b)
	f("nothing", "  <Events></Events>")
	f("EventData is no Event", "<EventData>x</EventData>")
	f("prefix", `<e:Events><e:Event><e:System/></e:Event></e:Events>`, `<e:Event><e:System/></e:Event>`)
	f("comment and CDATA", `<Event><!-- </Event> --><Data><![CDATA[</Event>]]></Data></Event>`, `<Event><!-- </Event> --><Data><![CDATA[</Event>]]></Data></Event>`)
	f("nested", `<Event><System/><UserData><Event a=">"><x/></Event></UserData></Event>`, `<Event><System/><UserData><Event a=">"><x/></Event></UserData></Event>`)
	f("empty nested", `<Event><System/><UserData><Event/></UserData></Event>`, `<Event><System/><UserData><Event/></UserData></Event>`)
	f("empty", `<Event/>`+a, `<Event/>`, a)
	f("broken off", `<Event><System><EventID>1</Ev`+a+b, `<Event><System><EventID>1</Ev`, a, b)
	f("cut", a+`<Event><System>`, a, `cut:<Event><System>`)
}

// TestNextEventCut cuts a stream at every byte: the parts put together must
// give the same events as the whole.
func TestNextEventCut(t *testing.T) {
	const stream = "\ufeff<Events><Event a='>'><System/><Data><![CDATA[</Event>]]></Data></Event> <x:Event><System/></x:Event>\n</Events>"
	for cut := range len(stream) {
		var got []string
		feed := func(buf []byte) []byte {
			for {
				ev, rest, err := NextEvent(buf)
				if err != nil {
					return rest
				}
				got, buf = append(got, string(ev)), rest
			}
		}
		rest := feed([]byte(stream[:cut]))
		feed(append(bytes.Clone(rest), stream[cut:]...))
		if len(got) != 2 || !strings.HasSuffix(got[0], "]]></Data></Event>") || got[1] != "<x:Event><System/></x:Event>" {
			t.Errorf("cut at %d: %q", cut, got)
		}
	}
}

const wefEvent = `<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>
  <System>
    <Provider Name='Example-Provider' Guid='{00000000-0000-0000-0000-000000000001}'/>
    <EventID Qualifiers='16384'>7045</EventID>
    <Version>0</Version><Level>4</Level><Task>0</Task><Opcode>0</Opcode>
    <Keywords>0x8080000000000000</Keywords>
    <TimeCreated SystemTime='2024-02-03T04:05:06.1234567Z'/>
    <EventRecordID>42</EventRecordID>
    <Correlation ActivityID='{00000000-0000-0000-0000-000000000002}'/>
    <Execution ProcessID='4' ThreadID='8'/>
    <Channel>System</Channel><Computer>host.example</Computer>
    <Security UserID='S-1-5-18'/>
  </System>
  <EventData Name="Install">
    <Data Name="ServiceName">a &amp; b&#x21; &unknown; &</Data>
    <Data>first</Data><Data/>
    <Data Name='Script'><![CDATA[if (1 < 2) { ]]>"x"<![CDATA[ }]]></Data>
    <Data Name="Control">` + "\x01\x1b" + ` a < b</Data>
    <Binary>00FF</Binary>
  </EventData>
  <RenderingInfo Culture='en-US'>
    <Message>A service was installed.</Message><Level>Information</Level><Task></Task>
    <Opcode>Info</Opcode><Channel></Channel><Provider>Example</Provider>
    <Keywords><Keyword>Classic</Keyword><Keyword>Audit</Keyword></Keywords>
  </RenderingInfo>
</Event>`

func TestParseXML(t *testing.T) {
	var r Record
	for range 2 { // a Record is used again and again
		if err := ParseXML([]byte(wefEvent), &r); err != nil {
			t.Fatal(err)
		}
	}
	want := flat{
		"System/Provider/@Name=Example-Provider",
		"System/Provider/@Guid={00000000-0000-0000-0000-000000000001}",
		"System/EventID=7045", "System/EventID/@Qualifiers=16384", "System/Version=0",
		"System/Level=4", "System/Task=0", "System/Opcode=0", "System/Keywords=0x8080000000000000",
		"System/TimeCreated/@SystemTime=2024-02-03T04:05:06.1234567Z", "System/EventRecordID=42",
		"System/Correlation/@ActivityID={00000000-0000-0000-0000-000000000002}",
		"System/Execution/@ProcessID=4", "System/Execution/@ThreadID=8", "System/Channel=System",
		"System/Computer=host.example", "System/Security/@UserID=S-1-5-18",
		"RenderingInfo/@Culture=en-US", "RenderingInfo/Message=A service was installed.",
		"RenderingInfo/Level=Information", "RenderingInfo/Opcode=Info", "RenderingInfo/Provider=Example",
		"keyword=Classic", "keyword=Audit",
		"data:ServiceName=a & b! &unknown; &", "data:=first", "data:=",
		`data:Script=if (1 < 2) { "x" }`, "data:Control= a < b", "data:Binary=00FF",
		"other:EventData/@Name=Install",
	}
	for i, s := range want {
		_, v, _ := strings.Cut(s, "=")
		want[i] = strings.TrimSuffix(s, v) + same(v)
	}
	if d := diffFlat(flatten(&r), want); d != "" {
		t.Error(d)
	}
	if v, _ := r.Lookup("Control"); v.String() != "\x01\x1b a < b" {
		t.Errorf("control characters: %q", v.String())
	}
	if at, ok := r.Time(); !ok || at.UnixNano() != 1706933106123456700 || r.EventID() != 7045 {
		t.Errorf("time %v %v, event id %d", at, ok, r.EventID())
	}
}

func TestParseXMLUserData(t *testing.T) {
	const doc = `<Event><System><EventID>1102</EventID></System><UserData>` +
		`<LogFileCleared xmlns:a="u" xmlns="v"><SubjectUserName>x</SubjectUserName><a:In n="1"><Deep k="v"/><Deep>t</Deep></a:In><Empty/></LogFileCleared>` +
		`</UserData><ProcessingErrorData><ErrorCode>15005</ErrorCode></ProcessingErrorData></Event>`
	var r Record
	if err := ParseXML([]byte(doc), &r); err != nil {
		t.Fatal(err)
	}
	want := flat{
		"System/EventID=1102", "user:LogFileCleared/SubjectUserName=x", "user:LogFileCleared/a:In/@n=1",
		"user:LogFileCleared/a:In/Deep/@k=v", "user:LogFileCleared/a:In/Deep=t", "user:LogFileCleared/Empty=",
		"other:ProcessingErrorData/ErrorCode=15005",
	}
	if d := diffFlat(flatten(&r), want); d != "" {
		t.Error(d)
	}
	const js = `{"Event":{"#attributes":{"xmlns":"http://schemas.microsoft.com/win/2004/08/events/event"},` +
		`"System":{"EventID":"1102","Correlation":null,"Security":null},` +
		`"UserData":{"LogFileCleared":{"SubjectUserName":"x","a:In":{"#attributes":{"n":"1"},"Deep":{"#attributes":{"k":"v"},"#text":"t"}},"Empty":""}},` +
		`"ProcessingErrorData":{"ErrorCode":"15005"}}}`
	if got := string(r.AppendJSON(nil)); got != js {
		t.Errorf("got  %s\nwant %s", got, js)
	}
}

// TestParseXMLPrefix reads what tools that write namespaces as prefixes make of
// an event.
func TestParseXMLPrefix(t *testing.T) {
	const doc = `<ns0:Event xmlns:ns0="http://schemas.microsoft.com/win/2004/08/events/event"><ns0:System><ns0:Provider Name="P"/>` +
		`<ns0:EventID>1</ns0:EventID></ns0:System><ns0:EventData><ns0:Data Name="a">b</ns0:Data><ns0:Data>c</ns0:Data></ns0:EventData></ns0:Event>`
	var r Record
	if err := ParseXML([]byte(doc), &r); err != nil {
		t.Fatal(err)
	}
	if d := diffFlat(flatten(&r), flat{"System/Provider/@Name=P", "System/EventID=1", "data:a=b", "data:=c"}); d != "" {
		t.Error(d)
	}
}

// TestParseXMLDamaged reads what is no whole event: no panic, what is there
// before the damage is read, and the error says what is wrong.
func TestParseXMLDamaged(t *testing.T) {
	f := func(doc, wantErr, wantID string) {
		t.Helper()
		var r Record
		err := ParseXML([]byte(doc), &r)
		if err == nil || !strings.Contains(err.Error(), wantErr) {
			t.Errorf("%.60q: error %v, want %q", doc, err, wantErr)
		}
		if got := r.Fields[EventID].String(); got != wantID {
			t.Errorf("%.60q: event id %q, want %q", doc, got, wantID)
		}
	}
	f("", "no Event", "")
	f("<a><b/></a>", "no Event", "")
	f("<Event><System><EventID>1</EventID>", "text ends inside <System>", "1")
	f("<Event><System><EventID>1</EventID></Event>", "</Event> where </System> was expected", "1")
	f("<Event><System><EventID>1</EventID><x", "text ends inside the tag <x", "1")
	f("<Event><System><EventID>1</EventID><x a=1>", "no quotes", "1")
	f("<Event><System><EventID>1</EventID><x a='1>", "does not end", "1")
	f("<Event><System><EventID>1</EventID><![CDATA[", "missing", "1")
	f("<Event><EventData>"+strings.Repeat("<a>", 100), "nest too deep", "")
	f("<Event><EventData>"+strings.Repeat("<a/>", 70000), "too much", "")
	for i := range wefEvent {
		var r Record
		_ = ParseXML([]byte(wefEvent[:i]), &r)
		_ = ParseXML([]byte(wefEvent[i:]), &r)
	}
}

func BenchmarkParseXML(b *testing.B) {
	doc := []byte(wefEvent)
	var r Record
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if err := ParseXML(doc, &r); err != nil {
			b.Fatal(err)
		}
	}
}
