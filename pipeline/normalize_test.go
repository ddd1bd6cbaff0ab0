package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/source"
)

// sysmonLines is NXLog's JSON of n process events, with a broken line and one
// that is no event among them.
func sysmonLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"EventID":5,"Channel":"Microsoft-Windows-Sysmon/Operational","Hostname":"ws5.example","SourceName":"Microsoft-Windows-Sysmon","RecordNumber":%d,"UtcTime":"2020-09-20 16:16:55.%03d","ProcessGuid":"{b34bc01c-1d54-5f68-0a00-%012x}","ProcessId":"%d","Image":"C:\\Windows\\System32\\cmd.exe","pad":"%s"}`+"\n",
			1000+i, i%1000, i, i, strings.Repeat("x", i*31%997))
		if i == n/2 {
			b.WriteString("{\"broken\":\n{\"report\":true}\n")
		}
	}
	return b.String()
}

func TestNormalizeKeepsOrder(t *testing.T) {
	const n = 500
	for _, jobs := range []int{1, 2, 7} {
		for _, size := range []int{100, 5000, 1 << 20} {
			var out bytes.Buffer
			var problems []string
			norm := &Normalize{
				Paths: []string{"-"}, Jobs: jobs,
				Source:    source.Options{Stdin: strings.NewReader(sysmonLines(n)), BlockSize: size},
				OnProblem: func(p source.Problem) { problems = append(problems, p.Error()) },
			}
			sum, err := norm.Run(t.Context(), &out)
			if err != nil || sum.Events != n || sum.NotEvents != 1 || sum.Bad+sum.Source.ProblemCount != 1 {
				t.Fatalf("jobs %d, blocks of %d: %v %+v %q", jobs, size, err, sum, problems)
			}
			i := 0
			for line := range strings.Lines(out.String()) {
				if want := fmt.Sprintf(`"record_id":"%d"`, 1000+i); !strings.Contains(line, want) {
					t.Fatalf("jobs %d, blocks of %d: line %d lacks %s: %s", jobs, size, i+1, want, line)
				}
				i++
			}
			if i != n {
				t.Fatalf("jobs %d, blocks of %d: %d lines", jobs, size, i)
			}
		}
	}
}

// full fails after some writes.
type full struct{ left int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestNormalizeStops(t *testing.T) {
	run := func(ctx context.Context, w *full) (*NormalizeSummary, error) {
		norm := &Normalize{Paths: []string{"-"}, Jobs: 3,
			Source: source.Options{Stdin: strings.NewReader(sysmonLines(3000)), BlockSize: 1000}}
		return norm.Run(ctx, w)
	}
	if _, err := run(t.Context(), &full{left: 5}); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if sum, err := run(ctx, &full{left: 1 << 30}); err != nil || !sum.Partial {
		t.Errorf("interrupted: %v %+v", err, sum)
	}
	norm := &Normalize{Paths: []string{"no/such/file"}}
	if _, err := norm.Run(t.Context(), &full{}); err == nil || !strings.Contains(err.Error(), "no/such/file") {
		t.Errorf("missing path: %v", err)
	}
}
