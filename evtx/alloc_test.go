package evtx_test

import (
	"fmt"
	"testing"

	"github.com/tocsin-project/tocsin/evtx"
	"github.com/tocsin-project/tocsin/evtx/evtxtest"
)

// TestNoAllocations reads the same chunk and the same XML over and over: once
// warm, nothing is allocated.
func TestNoAllocations(t *testing.T) {
	file, err := evtxtest.File(append(shapes(), shapes()...)...)
	if err != nil {
		t.Fatal(err)
	}
	chunk := file[4096:]
	d := evtx.NewDecoder(evtx.Options{})
	buf := make([]byte, 0, 1<<16)
	run := func() {
		d.ParseChunk(chunk, evtx.ChunkRef{})
		for {
			r, err := d.Next()
			if err != nil {
				break
			}
			for i := range r.Data {
				buf = r.Data[i].Value.AppendText(buf[:0])
			}
			if buf, err = r.AppendXML(buf[:0]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations for a chunk", n)
	}
	var r evtx.Record
	doc := append([]byte(nil), buf...)
	n := testing.AllocsPerRun(100, func() {
		if err := evtx.ParseXML(doc, &r); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations for an event in XML", n)
	}
}

func ExampleFile_Records() {
	file, err := evtxtest.File(evtxtest.Event{
		Provider: "Microsoft-Windows-Sysmon", ID: 1, Channel: "Microsoft-Windows-Sysmon/Operational",
		Data: []evtxtest.Data{{Name: "Image", Value: evtxtest.String(`C:\Windows\System32\cmd.exe`)}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := evtx.NewReader(newReader(file)) // or evtx.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	for r, err := range f.Records(evtx.Options{}) {
		if err != nil {
			fmt.Println("damage:", err) // and go on: r, if there is one, holds what could be read
		}
		if r == nil {
			continue
		}
		image, _ := r.Lookup("Image")
		fmt.Println(r.ID, r.EventID(), r.Fields[evtx.ProviderName], image)
	}
	// Output: 1 1 Microsoft-Windows-Sysmon C:\Windows\System32\cmd.exe
}
