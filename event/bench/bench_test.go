// Package bench sets the decoder of package event beside other JSON decoders in
// one run. It is a module of its own so that they are no dependencies of the
// program:
//
//	cd event/bench && go test -bench . -cpu 1
//
// All read the same events (event/testdata/defend.ndjson, and a recording of
// ../shared if it is there) and, but for the structs of the first, into
// whatever form is theirs.
package bench

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/bytedance/sonic"

	"github.com/tocsin-project/tocsin/event"
)

func docsOf(b *testing.B, path string) [][]byte {
	f, err := os.Open(path)
	if err != nil {
		b.Skip("not here: ", path)
	}
	defer f.Close()
	in := bufio.NewReader(f)
	if strings.HasSuffix(path, ".gz") {
		gz, err := gzip.NewReader(in)
		if err != nil {
			b.Fatal(err)
		}
		in = bufio.NewReader(gz)
	}
	var docs [][]byte
	s := bufio.NewScanner(in)
	s.Buffer(nil, 1<<24)
	for s.Scan() && len(docs) < 5000 {
		docs = append(docs, bytes.Clone(s.Bytes()))
	}
	if len(docs) == 0 {
		b.Fatal("no documents in ", path)
	}
	return docs
}

// process holds the fields that rules on process starts read, as a program
// with fixed structs would.
type process struct {
	PID         int64    `json:"pid"`
	EntityID    string   `json:"entity_id"`
	Executable  string   `json:"executable"`
	Name        string   `json:"name"`
	Args        []string `json:"args"`
	ArgsCount   int      `json:"args_count"`
	CommandLine string   `json:"command_line"`
	Hash        struct {
		SHA256 string `json:"sha256"`
	} `json:"hash"`
	CodeSignature struct {
		Exists  bool   `json:"exists"`
		Status  string `json:"status"`
		Subject string `json:"subject_name"`
		Trusted bool   `json:"trusted"`
	} `json:"code_signature"`
	PE struct {
		OriginalFileName string `json:"original_file_name"`
	} `json:"pe"`
	Parent *process `json:"parent"`
}

type document struct {
	Timestamp string `json:"@timestamp"`
	Agent     struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"agent"`
	Event struct {
		Action   string   `json:"action"`
		Category []string `json:"category"`
		Code     string   `json:"code"`
		Dataset  string   `json:"dataset"`
		ID       string   `json:"id"`
		Module   string   `json:"module"`
		Outcome  string   `json:"outcome"`
		Sequence int64    `json:"sequence"`
		Type     []string `json:"type"`
	} `json:"event"`
	Host struct {
		Hostname string   `json:"hostname"`
		ID       string   `json:"id"`
		IP       []string `json:"ip"`
		Name     string   `json:"name"`
		OS       struct {
			Family string `json:"family"`
			Type   string `json:"type"`
		} `json:"os"`
	} `json:"host"`
	Process process `json:"process"`
	User    struct {
		Domain string `json:"domain"`
		ID     string `json:"id"`
		Name   string `json:"name"`
	} `json:"user"`
}

// ours are the fields of document.
var ours = strings.Fields(`@timestamp agent.id agent.type event.action event.category event.code event.dataset event.id event.module event.outcome
	event.sequence event.type host.hostname host.id host.ip host.name host.os.family host.os.type process.pid process.entity_id process.executable
	process.name process.args process.args_count process.command_line process.hash.sha256 process.code_signature.exists process.code_signature.status
	process.code_signature.subject_name process.code_signature.trusted process.pe.original_file_name process.parent.pid process.parent.entity_id
	process.parent.executable process.parent.name process.parent.args process.parent.args_count process.parent.command_line process.parent.hash.sha256
	process.parent.code_signature.exists process.parent.code_signature.status process.parent.code_signature.subject_name
	process.parent.code_signature.trusted user.domain user.id user.name`)

// flat are fields of a Windows recording as NXLog writes it.
var flat = strings.Fields(`EventID Hostname Channel SourceName EventTime UtcTime Image CommandLine ParentImage ParentCommandLine ProcessGuid ProcessId User
	TargetImage TargetObject Details SourceIp DestinationIp DestinationPort TargetUserName SubjectUserSid LogonType`)

func run(b *testing.B, docs [][]byte, decode func([]byte) error) {
	size := 0
	for _, d := range docs {
		size += len(d)
	}
	b.SetBytes(int64(size / len(docs)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := decode(docs[i%len(docs)]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func tocsin(fields []string) func([]byte) error {
	s := event.NewSchema(event.ECSTypes())
	for _, f := range fields {
		s.Slot(f)
	}
	d, ev := event.NewDecoder(s), event.New(s)
	return func(doc []byte) error {
		ev.Reset(doc)
		return d.Decode(doc, ev)
	}
}

func BenchmarkDefend(b *testing.B) {
	docs := docsOf(b, "../testdata/defend.ndjson")
	b.Run("tocsin-skip", func(b *testing.B) { run(b, docs, tocsin(nil)) })
	b.Run("tocsin", func(b *testing.B) { run(b, docs, tocsin(ours)) })
	b.Run("encoding-json-struct", func(b *testing.B) {
		run(b, docs, func(doc []byte) error { return json.Unmarshal(doc, new(document)) })
	})
	b.Run("encoding-json-map", func(b *testing.B) {
		run(b, docs, func(doc []byte) error { var m map[string]any; return json.Unmarshal(doc, &m) })
	})
	b.Run("sonic-struct", func(b *testing.B) {
		run(b, docs, func(doc []byte) error { return sonic.ConfigStd.Unmarshal(doc, new(document)) })
	})
	b.Run("sonic-fastest-struct", func(b *testing.B) {
		run(b, docs, func(doc []byte) error { return sonic.ConfigFastest.Unmarshal(doc, new(document)) })
	})
	b.Run("sonic-map", func(b *testing.B) {
		run(b, docs, func(doc []byte) error { var m map[string]any; return sonic.ConfigStd.Unmarshal(doc, &m) })
	})
}

func BenchmarkRecording(b *testing.B) {
	docs := docsOf(b, "../../../shared/bench/otrf-sharpdump.ndjson.gz")
	b.Run("tocsin-skip", func(b *testing.B) { run(b, docs, tocsin(nil)) })
	b.Run("tocsin", func(b *testing.B) { run(b, docs, tocsin(flat)) })
	b.Run("encoding-json-map", func(b *testing.B) {
		run(b, docs, func(doc []byte) error { var m map[string]any; return json.Unmarshal(doc, &m) })
	})
	b.Run("sonic-map", func(b *testing.B) {
		run(b, docs, func(doc []byte) error { var m map[string]any; return sonic.ConfigStd.Unmarshal(doc, &m) })
	})
}
