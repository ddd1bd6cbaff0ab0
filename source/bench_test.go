package source

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// benchDoc is about as long and as nested as an event of winlogbeat.
var benchDoc = `{"@timestamp":"2020-09-20T12:16:08.123Z","winlog":{"event_id":1,"channel":"Microsoft-Windows-Sysmon/Operational","process":{"pid":2500,"thread":{"id":3100}},"event_data":{"Image":"C:\\Windows\\System32\\svchost.exe","CommandLine":"` +
	strings.Repeat(`\"C:\\Program Files\\x\" -a `, 20) + `"},"user":{"identifier":"S-1-5-18","name":"SYSTEM"}},"message":"` + strings.Repeat("Process Create: ", 60) + `"}`

func benchmark(b *testing.B, data []byte, docs int) {
	path := file(b, "x", data)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		Read(context.Background(), []string{path}, Options{}, func(b *Block) error {
			for range b.Documents {
				n++
			}
			b.Release()
			return nil
		})
		if n != docs {
			b.Fatal(n)
		}
	}
}

const benchDocs = 20000

func BenchmarkLines(b *testing.B) {
	benchmark(b, bytes.Repeat([]byte(benchDoc+"\n"), benchDocs), benchDocs)
}

func BenchmarkArray(b *testing.B) {
	benchmark(b, []byte("["+strings.Repeat(benchDoc+",\n", benchDocs-1)+benchDoc+"]"), benchDocs)
}

func BenchmarkPretty(b *testing.B) {
	pretty := strings.ReplaceAll(strings.ReplaceAll(benchDoc, `,"`, ",\n    \""), `":`, `": `)
	benchmark(b, []byte(strings.Repeat(pretty+"\n", benchDocs)), benchDocs)
}

func BenchmarkGzip(b *testing.B) {
	names, _ := filepath.Glob("../../shared/bench/*.gz")
	if len(names) == 0 {
		b.Skip("no recordings in ../shared/bench")
	}
	b.ReportAllocs()
	for b.Loop() {
		sum, _ := Read(context.Background(), names, Options{}, func(b *Block) error {
			for range b.Documents {
			}
			b.Release()
			return nil
		})
		b.SetBytes(sum.Text)
	}
}
