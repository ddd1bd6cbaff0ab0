package report

import (
	"fmt"
	"github.com/tocsin-project/tocsin/terminal"

	"github.com/tocsin-project/tocsin/pipeline"
)

// Summary is the end of every report: what went in, what came out, what was
// left out and why.
type Summary struct {
	Files      int            `json:"files"`
	Bytes      int64          `json:"bytes"`
	Events     int            `json:"events"`
	Alerts     int            `json:"alerts"`
	Incidents  int            `json:"incidents"`
	ByStrategy map[string]int `json:"alerts_by_strategy"`
	Seconds    float64        `json:"seconds"`
	Partial    bool           `json:"partial"` // interrupted before the input ended

	NotEvents   int       `json:"not_events"`    // valid JSON that is no event
	Damaged     int       `json:"damaged"`       // documents and parts of files that could not be read
	NoTime      int       `json:"without_time"`  // matching events that have no time
	Repeats     int       `json:"repeats"`       // readings of an event that had been read before
	Differing   int       `json:"differing"`     // of those, with other content
	Excused     int       `json:"excused"`       // matches that an exception excused
	ExcusedHits int       `json:"excused_hits"`  // events that an exception excused before the join
	Suppressed  int       `json:"suppressed"`    // alerts folded into others
	Skipped     []Skipped `json:"skipped"`       // files that were not read, the first 1000
	SkippedAll  int       `json:"skipped_files"` // how many
}

// Skipped is a file that was not read.
type Skipped struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// NewSummary counts a result.
func NewSummary(r *pipeline.Result) Summary {
	in := r.Summary
	s := Summary{
		Events: in.Events, Alerts: in.Alerts, Incidents: len(r.Incidents()), ByStrategy: map[string]int{},
		Seconds: in.Elapsed.Seconds(), Partial: in.Partial,
		NotEvents: in.NotEvents, Damaged: in.Bad, NoTime: in.NoTime, Repeats: in.Repeats, Differing: in.Differing,
		Excused: in.Excused, ExcusedHits: in.ExcusedHits, Skipped: []Skipped{},
	}
	for _, f := range r.Findings {
		if f.IsAlert() {
			s.ByStrategy[f.Name()]++
			s.Suppressed += f.Suppressed
		}
	}
	if src := in.Source; src != nil {
		s.Files, s.Bytes = src.Files, src.Bytes
		s.Damaged += src.ProblemCount
		s.SkippedAll = src.SkippedCount
		for _, k := range src.Skipped {
			s.Skipped = append(s.Skipped, Skipped{k.Path, k.Reason})
		}
	}
	return s
}

// maxRemarks bounds how many skipped files are named for a person.
const maxRemarks = 10

// Remarks says in words what a reader should know beside the counts, and names
// the first skipped files.
func (s *Summary) Remarks() []string {
	var out []string
	if s.Partial {
		out = append(out, "interrupted: this is what was found until then")
	}
	out = append(out, s.remarks("en")...)
	for i, k := range s.Skipped {
		if i == maxRemarks {
			out = append(out, fmt.Sprintf("… and %d more files skipped", s.SkippedAll-i))
			break
		}
		out = append(out, terminal.Clean("skipped "+k.Path+": "+k.Reason))
	}
	return out
}

// remarks puts the counts that are not zero into words.
func (s *Summary) remarks(lang string) []string {
	var out []string
	for _, r := range [...]struct {
		n           int
		one, en, vi string
	}{
		{s.NotEvents, "1 document is not an event", "%d documents are not events", "%d tài liệu không phải sự kiện"},
		{s.Damaged, "1 document or part of a file could not be read", "%d documents or parts of files could not be read", "%d tài liệu hoặc phần tệp không đọc được"},
		{s.NoTime, "1 matching event has no time and cannot alert", "%d matching events have no time and cannot alert", "%d sự kiện khớp nhưng không có thời gian nên không thể cảnh báo"},
		{s.Repeats, "1 reading was a repeat of an event read before", "%d readings were repeats of events read before", "%d lần đọc lặp lại sự kiện đã đọc"},
		{s.Differing, "1 of those had other content; the one with the smaller hash was taken", "%d of those had other content; the one with the smaller hash was taken", "%d trong số đó có nội dung khác; bản có giá trị băm nhỏ hơn được dùng"},
		{s.ExcusedHits, "1 event excused by an exception before joining (--all shows it)", "%d events excused by exceptions before joining (--all shows them)", "%d sự kiện được ngoại lệ miễn trước khi ghép (--all để xem)"},
		{s.Excused, "1 match excused by an exception (--all shows it)", "%d matches excused by exceptions (--all shows them)", "%d kết quả khớp được ngoại lệ miễn (--all để xem)"},
		{s.Suppressed, "1 alert suppressed into another", "%d alerts suppressed into others", "%d cảnh báo được gộp vào cảnh báo khác"},
	} {
		switch {
		case r.n == 0:
		case lang == "vi": // knows no plural
			out = append(out, fmt.Sprintf(r.vi, r.n))
		case r.n == 1:
			out = append(out, r.one)
		default:
			out = append(out, fmt.Sprintf(r.en, r.n))
		}
	}
	return out
}
