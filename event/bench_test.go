package event

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the generated files of testdata anew")

const defendFile = "testdata/defend.ndjson"

// defendEvents makes process starts of about 2.6 KB with the fields, the order
// and the value lengths that an endpoint sensor has. Names and numbers are made
// up from a fixed seed.
func defendEvents(n int) []byte {
	r := rand.New(rand.NewSource(7))
	hex := func(n int) string {
		b := make([]byte, n/2)
		r.Read(b)
		return fmt.Sprintf("%x", b)
	}
	pick := func(s ...string) string { return s[r.Intn(len(s))] }
	process := func() map[string]any {
		name := pick("svchost.exe", "cmd.exe", "powershell.exe", "services.exe", "explorer.exe", "msiexec.exe", "wmiprvse.exe")
		path := `C:\Windows\System32\` + name
		args := []any{path, pick("-k", "/c", "-nop"), pick("netsvcs", "whoami /all", "-p")}
		return map[string]any{
			"pid": r.Intn(20000), "entity_id": hex(40), "executable": path, "name": name, "args": args, "args_count": len(args),
			"command_line": fmt.Sprintf("\"%s\" %s %s", path, args[1], args[2]), "thread": map[string]any{"id": r.Intn(9000)},
			"hash":           map[string]any{"md5": hex(32), "sha1": hex(40), "sha256": hex(64)},
			"code_signature": map[string]any{"exists": true, "status": "trusted", "subject_name": "Example Windows Publisher", "trusted": true},
			"Ext": map[string]any{"ancestry": []any{hex(40), hex(40), hex(40)}, "authentication_id": "0x3e7", "session_info": map[string]any{"logon_type": "Interactive", "id": r.Intn(9)},
				"token": map[string]any{"integrity_level_name": "system", "elevation": true, "elevation_level": "default"}},
		}
	}
	var out bytes.Buffer
	for i := range n {
		p := process()
		p["parent"] = process()
		delete(p["parent"].(map[string]any), "Ext")
		p["pe"] = map[string]any{"original_file_name": "CMD.EXE", "imphash": hex(32)}
		host := "ws-" + hex(6)
		when := fmt.Sprintf("2024-05-%02dT%02d:%02d:%02d.%07dZ", 1+r.Intn(28), r.Intn(24), r.Intn(60), r.Intn(60), r.Intn(1e7))
		line, err := json.Marshal(map[string]any{
			"@timestamp": when, "agent": map[string]any{"id": hex(36), "type": "endpoint", "version": "8.13.0"},
			"data_stream": map[string]any{"dataset": "endpoint.events.process", "namespace": "default", "type": "logs"},
			"ecs":         map[string]any{"version": "8.10.0"}, "elastic": map[string]any{"agent": map[string]any{"id": hex(36)}},
			"event": map[string]any{"action": "start", "category": []any{"process"}, "code": "", "created": when, "dataset": "endpoint.events.process", "id": hex(22), "ingested": when,
				"kind": "event", "module": "endpoint", "outcome": "unknown", "sequence": 100000 + i, "type": []any{"start"}},
			"host": map[string]any{"architecture": "x86_64", "hostname": host, "id": hex(36), "ip": []any{"10.1.2.3", "fe80::1234:5678:9abc:def0", "127.0.0.1", "::1"}, "mac": []any{"00-50-56-01-02-03"},
				"name": host, "os": map[string]any{"Ext": map[string]any{"variant": "Windows 10 Pro"}, "family": "windows", "full": "Windows 10 Pro 22H2 (10.0.19045)", "kernel": "22H2 (10.0.19045)",
					"name": "Windows", "platform": "windows", "type": "windows", "version": "22H2 (10.0.19045)"}},
			"message": "Endpoint process event", "process": p,
			"user": map[string]any{"domain": "EXAMPLE", "id": "S-1-5-21-1004336348-1177238915-682003330-512", "name": pick("alice", "bob", "SYSTEM", "svc_backup")},
		})
		if err != nil {
			panic(err)
		}
		out.Write(append(line, '\n'))
	}
	return out.Bytes()
}

// benchFields are 52 fields that rules on such events read.
var benchFields = strings.Fields(`@timestamp agent.id agent.type data_stream.dataset event.action event.category event.code event.dataset event.id
	event.module event.outcome event.sequence event.type host.hostname host.id host.ip host.name host.os.family host.os.type
	process.args process.args_count process.code_signature.exists process.code_signature.status process.code_signature.subject_name process.code_signature.trusted
	process.command_line process.entity_id process.executable process.hash.sha256 process.name process.parent.args
	process.parent.code_signature.subject_name process.parent.code_signature.trusted process.parent.command_line process.parent.entity_id process.parent.executable
	process.parent.name process.parent.pid process.pe.original_file_name process.pid process.Ext.token.integrity_level_name process.Ext.session_info.logon_type
	process.Ext.authentication_id user.domain user.id user.name source.ip destination.ip destination.port file.path registry.path dns.question.name`)

func TestDefendFixture(t *testing.T) {
	made := defendEvents(24)
	if *rewrite {
		if err := os.WriteFile(defendFile, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(defendFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, made) {
		t.Errorf("%s is not what is generated: run go test -rewrite", defendFile)
	}
	docs := bytes.Split(bytes.TrimSpace(kept), []byte("\n"))
	if size := len(kept) / len(docs); size < 2300 || size > 2900 {
		t.Errorf("events of %d bytes", size)
	}
	s := schemaOf(benchFields...)
	d, ev := NewDecoder(s), New(s)
	for _, doc := range docs {
		ev.Reset(doc)
		if err := d.Decode(doc, ev); err != nil {
			t.Fatal(err)
		}
		if len(ev.used) != 46 {
			t.Errorf("%d of the fields are there, want 46", len(ev.used))
		}
	}
}

// Once its slices have grown, decoding and typing allocate nothing, escapes and
// conversions included.
func TestDecodeDoesNotAllocate(t *testing.T) {
	s := NewSchema(ECSTypes())
	for _, f := range benchFields {
		s.Slot(f)
	}
	d, ev := NewDecoder(s), New(s)
	docs := bytes.Split(bytes.TrimSpace(defendEvents(8)), []byte("\n"))
	docs = append(docs, []byte(`{"us\u0065r":{"name":"\u00e9\n","id":12},"host":[{"ip":["::1","-"]},{"ip":"x"}],"process.pid":["1",2,"3.5"],"@timestamp":"1.5","event.code":1,"process.pid":[18446744073709551615,123456789012345678901234],"event.code":true}`))
	n := testing.AllocsPerRun(50, func() {
		for _, doc := range docs {
			ev.Reset(doc)
			if err := d.Decode(doc, ev); err != nil {
				t.Fatal(err)
			}
			for slot := range s.Len() {
				ev.Values(slot)
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func benchDocs(b *testing.B) (docs [][]byte, size int64) {
	data := defendEvents(200)
	docs = bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	return docs, int64(len(data)) / int64(len(docs))
}

func benchDecode(b *testing.B, s *Schema) {
	docs, size := benchDocs(b)
	d, ev := NewDecoder(s), New(s)
	b.SetBytes(size)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		doc := docs[i%len(docs)]
		ev.Reset(doc)
		if err := d.Decode(doc, ev); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkDecode: the structural skip (an empty schema) is the bound that the
// others are measured against.
func BenchmarkDecode(b *testing.B) {
	b.Run("skip", func(b *testing.B) { benchDecode(b, schemaOf()) })
	b.Run("52fields", func(b *testing.B) { benchDecode(b, schemaOf(benchFields...)) })
	b.Run("ecs", func(b *testing.B) {
		s := NewSchema(ECSTypes())
		for line := range strings.Lines(ecsTable) {
			name, _, _ := strings.Cut(line, " ")
			s.Slot(name)
		}
		benchDecode(b, s)
	})
	b.Run("encoding-json-map", func(b *testing.B) {
		docs, size := benchDocs(b)
		b.SetBytes(size)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			var v map[string]any
			if err := json.Unmarshal(docs[i%len(docs)], &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkValues(b *testing.B) {
	s := NewSchema(ECSTypes())
	for _, f := range benchFields {
		s.Slot(f)
	}
	docs, size := benchDocs(b)
	d, ev := NewDecoder(s), New(s)
	b.SetBytes(size)
	for i := 0; b.Loop(); i++ {
		doc := docs[i%len(docs)]
		ev.Reset(doc)
		if err := d.Decode(doc, ev); err != nil {
			b.Fatal(err)
		}
		for slot := range s.Len() {
			ev.Values(slot)
		}
	}
}

func BenchmarkParseTime(b *testing.B) {
	for b.Loop() {
		ParseTime("2024-05-14T12:34:56.1234567Z")
	}
}

func BenchmarkNewDecoder(b *testing.B) {
	for b.Loop() {
		s := NewSchema(ECSTypes())
		for line := range strings.Lines(ecsTable) {
			name, _, _ := strings.Cut(line, " ")
			s.Slot(name)
		}
		NewDecoder(s)
	}
}
