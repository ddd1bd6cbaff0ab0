package report

import "github.com/tocsin-project/tocsin/terminal"

// words is the wording of the HTML report in one language.
type words struct {
	Lang, Title, Made, Partial, Theme, Skip, NoScript string

	Summary, Alerts, Incidents, Events, Files, Volume, Duration, Remarks, SkippedFiles, More string

	ByHost, ByStrategy, Host, Hosts, Strategy, Severity, Risk, Highest, First, Last, Time string

	List, Find, AnySeverity, AnyHost, AnyStrategy, Sort, SortRisk, SortTime, Shown, OpenAll, CloseAll, LeftOut, Outlined, None string

	Timeline, AxisLinear, AxisLog, Stages, OtherAlerts, AndMore string
	Logon, Network, Process, FileLane, Settings, OtherLane      string

	Tree, Pid, NotSeen, Answers, Evidence, RawEvents, Stage, Context, NoSuchEvent, Record, Event, Loading, NeedsScript string

	AlsoReported, ExcusedBy, RiskMoved, StagesWithin, Suppressed, Approximate, AlertID, IncidentID, Source, Document string

	Covered, Unproven, Blind, CoverTable, Why, Assumptions, Fixes, FixFor, Clocks, Arrived string
	Holds, Fails, Partly, Unseen                                                           string

	Strategies, Coverage, CoverageIntro, Channel, Code, Count, Cut string

	Low, Medium, High, Critical string

	Started, Installed, Connected, Wrote, Set, LoggedOn string
}

func wordsIn(lang string) *words {
	if lang == "vi" {
		return vietnamese()
	}
	return english()
}

func english() *words {
	return &words{
		Lang: "en", Title: "tocsin report", Made: "Made", Theme: "Light or dark", Skip: "Skip to the incidents",
		Partial:  "Interrupted: this is what was found until then.",
		NoScript: "Without JavaScript the list cannot be searched, and details beyond the first incidents stay closed. All incidents are listed.",
		Summary:  "Summary", Alerts: "alerts", Incidents: "incidents", Events: "events", Files: "files", Volume: "read", Duration: "scan time",
		Remarks: "What a reader should know", SkippedFiles: "Skipped files", More: "… and %d more",
		ByHost: "By host", ByStrategy: "By strategy", Host: "Host", Hosts: "Hosts", Strategy: "Strategy", Severity: "Severity", Risk: "Risk",
		Highest: "Highest", First: "First", Last: "Last", Time: "Time",
		List: "Incidents", Find: "Find", AnySeverity: "any severity", AnyHost: "any host", AnyStrategy: "any strategy",
		Sort: "Sort", SortRisk: "by risk", SortTime: "by time", Shown: "shown", OpenAll: "Open all shown", CloseAll: "Close all",
		Outlined: "To keep this page light, the %s incidents of least risk are shown without context and answers; -o ndjson has them.",
		LeftOut:  "%s incidents of lesser risk are left out of this page; -o ndjson has them all.", None: "Nothing was found.",
		Timeline: "Timeline", AxisLinear: "Time from the alert.", AxisLog: "Time from the alert; the scale is logarithmic on both sides.",
		Stages: "stages", OtherAlerts: "other alerts", AndMore: "%d more",
		Logon: "logon", Network: "network", Process: "process", FileLane: "file", Settings: "settings", OtherLane: "other",
		Tree: "Process tree", Pid: "process", NotSeen: "start not in the data", Answers: "Answers", Evidence: "Evidence",
		RawEvents: "Events", Stage: "stage", Context: "context", NoSuchEvent: "no such event", Record: "record", Event: "event",
		Loading: "Loading…", NeedsScript: "These details need JavaScript.",
		AlsoReported: "Also reported by", ExcusedBy: "Excused by", RiskMoved: "Risk", StagesWithin: "%d stages within %s", Suppressed: "%d further alerts are folded into this one.",
		Approximate: "Joined over process numbers, which Windows reuses: approximate.",
		AlertID:     "Alert", IncidentID: "Incident", Source: "Source", Document: "Strategy document",
		Strategies: "Strategies", Coverage: "Coverage", CoverageIntro: "What arrived from each host. A strategy cannot see what is not here.",
		Covered: "Covered", Unproven: "Unproven", Blind: "Blind", CoverTable: "Hosts on which each strategy can fire", Why: "Why not everywhere",
		Assumptions: "Assumptions", Fixes: "What would mend it", FixFor: "%d hosts, %d strategies", Clocks: "Clocks", Arrived: "What arrived",
		Holds: "holds", Fails: "fails", Partly: "partly", Unseen: "cannot be seen",
		Channel: "Log or data set", Code: "Event", Count: "Count", Cut: "… (%d more characters)",
		Low: "low", Medium: "medium", High: "high", Critical: "critical",
		Started: "started", Installed: "installed the service", Connected: "connected to", Wrote: "wrote", Set: "set", LoggedOn: "logged on as",
	}
}

func vietnamese() *words {
	return &words{
		Lang: "vi", Title: "Báo cáo tocsin", Made: "Lập lúc", Theme: "Sáng hoặc tối", Skip: "Tới danh sách sự vụ",
		Partial:  "Bị ngắt giữa chừng: đây là những gì đã tìm thấy tới lúc đó.",
		NoScript: "Khi không có JavaScript thì không tìm kiếm được trong danh sách, và chi tiết của các sự vụ sau phần đầu không mở được. Mọi sự vụ đều có trong danh sách.",
		Summary:  "Tóm tắt", Alerts: "cảnh báo", Incidents: "sự vụ", Events: "sự kiện", Files: "tệp", Volume: "đã đọc", Duration: "thời gian quét",
		Remarks: "Những điều người đọc cần biết", SkippedFiles: "Tệp bị bỏ qua", More: "… và %d mục nữa",
		ByHost: "Theo máy", ByStrategy: "Theo chiến lược", Host: "Máy", Hosts: "Máy", Strategy: "Chiến lược", Severity: "Mức độ", Risk: "Rủi ro",
		Highest: "Cao nhất", First: "Đầu tiên", Last: "Cuối cùng", Time: "Thời điểm",
		List: "Sự vụ", Find: "Tìm", AnySeverity: "mọi mức độ", AnyHost: "mọi máy", AnyStrategy: "mọi chiến lược",
		Sort: "Sắp xếp", SortRisk: "theo rủi ro", SortTime: "theo thời gian", Shown: "đang hiện", OpenAll: "Mở tất cả đang hiện", CloseAll: "Đóng tất cả",
		Outlined: "Để trang này nhẹ, %s sự vụ ít rủi ro nhất được hiện không kèm bối cảnh và trả lời; -o ndjson có đủ.",
		LeftOut:  "%s sự vụ rủi ro thấp hơn không có trong trang này; -o ndjson có đủ tất cả.", None: "Không tìm thấy gì.",
		Timeline: "Dòng thời gian", AxisLinear: "Thời gian tính từ cảnh báo.", AxisLog: "Thời gian tính từ cảnh báo; thang logarit về cả hai phía.",
		Stages: "các bước", OtherAlerts: "cảnh báo khác", AndMore: "%d mục nữa",
		Logon: "đăng nhập", Network: "mạng", Process: "tiến trình", FileLane: "tệp", Settings: "cấu hình", OtherLane: "khác",
		Tree: "Cây tiến trình", Pid: "tiến trình", NotSeen: "dữ liệu không có lúc khởi chạy", Answers: "Trả lời", Evidence: "Bằng chứng",
		RawEvents: "Sự kiện", Stage: "bước", Context: "bối cảnh", NoSuchEvent: "không có sự kiện như vậy", Record: "bản ghi", Event: "sự kiện",
		Loading: "Đang tải…", NeedsScript: "Phần chi tiết này cần JavaScript.",
		AlsoReported: "Cũng được báo bởi", ExcusedBy: "Được miễn bởi", RiskMoved: "Rủi ro", StagesWithin: "%d bước trong %s", Suppressed: "%d cảnh báo nữa được gộp vào cảnh báo này.",
		Approximate: "Ghép theo số tiến trình, vốn được Windows dùng lại: chỉ gần đúng.",
		AlertID:     "Cảnh báo", IncidentID: "Sự vụ", Source: "Nguồn", Document: "Tài liệu chiến lược",
		Strategies: "Chiến lược", Coverage: "Độ bao phủ", CoverageIntro: "Những gì nhận được từ mỗi máy. Thứ không có ở đây thì chiến lược không thể thấy.",
		Covered: "Phủ được", Unproven: "Chưa rõ", Blind: "Mù", CoverTable: "Số máy mà mỗi chiến lược có thể cảnh báo", Why: "Vì sao không phải mọi nơi",
		Assumptions: "Giả định", Fixes: "Cách khắc phục", FixFor: "%d máy, %d chiến lược", Clocks: "Đồng hồ", Arrived: "Những gì đã nhận được",
		Holds: "đúng", Fails: "sai", Partly: "đúng một phần", Unseen: "không thể thấy",
		Channel: "Nhật ký hoặc tập dữ liệu", Code: "Sự kiện", Count: "Số lượng", Cut: "… (còn %d ký tự)",
		Low: "thấp", Medium: "trung bình", High: "cao", Critical: "nghiêm trọng",
		Started: "khởi chạy", Installed: "cài dịch vụ", Connected: "kết nối tới", Wrote: "ghi", Set: "đặt", LoggedOn: "đăng nhập với tên",
	}
}

// severity is a severity's name; one that is not known stays as it is.
func (w *words) severity(s string) string {
	switch s {
	case "low":
		return w.Low
	case "medium":
		return w.Medium
	case "high":
		return w.High
	case "critical":
		return w.Critical
	}
	return terminal.Clean(cut(s))
}

func (w *words) verb(d deed) string {
	return [...]string{deedOther: "", deedStarted: w.Started, deedInstalled: w.Installed, deedConnected: w.Connected,
		deedWrote: w.Wrote, deedSet: w.Set, deedLoggedOn: w.LoggedOn}[d]
}

// status is what became of an assumption.
func (w *words) status(s string) string {
	switch s {
	case "holds":
		return w.Holds
	case "fails":
		return w.Fails
	case "partly":
		return w.Partly
	case "unseen":
		return w.Unseen
	}
	return terminal.Clean(cut(s))
}
