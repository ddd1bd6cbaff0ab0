package triage

import "strings"

// phrases is the wording of answers in one language. Verbs are numbered where
// a language may want another order.
type phrases struct {
	before, after, sameSecond, itself, window, days string
	comma                                           bool // decimals are written with a comma
	zero                                            string

	byHand, noCode, sysmon, clockMoved, ahead, behind, notInData, cannotAsk, noSuch, noSuchThough string

	process, processBy, pid, isService, by, signed, unsigned, notSigned, hash string
	installed, installedProgram, startType, runsAs                            string
	otherServices, noService, sameCommand, sameName                           string
	registry, otherRegistry, changedStart, state                              string
	timedOut, failed, installations, noHash                                   string

	connection, named, openedBy, openedNear, noSource                      string
	known, knownBy, unknown, noList, owner                                 string
	ordinary, onlyHeld, notOrdinary                                        string
	logonExact, logonSession, logonOwn, logonNear, logonPlain, otherLogons string
	installedIn, privileges, otherSessions, noSessionPrivs                 string
	sourceSeen, accountSeen, onlyHere, onHosts                             string

	shareWritten, shareOpened, pipe, fileWritten, started, connected, module, generic, more string

	isolate, keep, stopService, disable, follow, others string
}

func phrasesOf(lang string) *phrases {
	if lang == "vi" {
		return &vietnamese
	}
	return &english
}

// decimal writes a number with the language's sign.
func (p *phrases) decimal(s string) string {
	if p.comma {
		return strings.Replace(s, ".", ",", 1)
	}
	return s
}

var english = phrases{
	before: "%s before", after: "%s after", sameSecond: "in the same second", itself: "at %s",
	window: "from %s to %s", days: "%d days", zero: ".0",

	byHand:     "Nothing in the data answers this; it is for a person.",
	noCode:     "no %s",
	sysmon:     "no Sysmon %s",
	clockMoved: "This host's log runs %s its sensor's clock; the times of these answers are the sensor's.",
	ahead:      "%s ahead", behind: "%s behind",
	notInData:    "%s in this data from %s.",
	cannotAsk:    "%s: cannot be asked: the alert has no %s.",
	noSuch:       "%s: no such event %s.",
	noSuchThough: "%s: no such event %s, though this data holds %s.",

	pid:       " (process %s)",
	isService: "The service was started: %[1]s, %[2]s (%[3]s).",
	process:   "%[1]s%[2]s was started %[3]sas %[4]s (%[5]s): %[6]s",
	processBy: "by %s ",
	by:        " by %s",
	signed:    "signed by %s (%s)",
	unsigned:  "not signed", notSigned: "signature not recorded",
	hash: "Program: %s; %s; %s.",

	installed:        "Service %[1]q was installed %[2]s%[3]s (%[4]s): %[5]s",
	installedProgram: " It is the program of the new process.",
	startType:        "start type %s", runsAs: "runs as %s",
	otherServices: "%d other services were installed around it: %s (%s).",
	noService:     "No event names the service.",
	sameCommand:   "its command is the new process's", sameName: "its program has the new process's name",
	registry:      "%[1]s of service %[2]q was set%[3]s %[4]s (%[5]s): %[6]s",
	otherRegistry: "%d more values of services were set around it: %s (%s).",
	changedStart:  "The start type of %[1]q went from %[2]s to %[3]s %[4]s (%[5]s).",
	state:         "Service %[1]q %[2]s %[3]s (%[4]s).",

	connection:  "The connection came from %[1]s%[2]s to %[3]s, %[4]s (%[5]s).",
	named:       " (%s)",
	openedBy:    "The request came from %[1]s%[2]s in the name of %[3]s, who opened %[4]s, %[5]s (%[6]s).",
	openedNear:  "The nearest request from the network: %[1]s%[2]s in the name of %[3]s opened %[4]s, %[5]s (%[6]s). Nothing but time ties it to the alert.",
	noSource:    "No event of the alert tells where it came from.",
	known:       "%[1]s is a known administration source: %[2]s.",
	knownBy:     " %s",
	unknown:     "%[1]s is not on the list of administration sources (%[2]d entries).",
	noList:      "Whether %s is a known administration server cannot be said: no list was given (--admins).",
	owner:       "owner %s",
	ordinary:    "By the baseline %[1]s ordinarily starts services on other hosts: programs %[2]d, hosts %[3]d, first seen %[4]s, last %[5]s.",
	onlyHeld:    "By the baseline %[1]s starts nothing that is ordinary; alerts of it that nobody closed: %[2]d.",
	notOrdinary: "The baseline knows nothing that %s starts on other hosts.",

	logonExact:     "%[1]s logged on from this very port, %[2]s, %[3]s (%[6]s): network logon, %[4]s, session %[5]s.",
	logonSession:   "%[1]s logged on from %[2]s, %[3]s (%[6]s): network logon, %[4]s, session %[5]s, in which the service was installed.",
	logonOwn:       "%[1]s logged on from %[2]s, %[3]s (%[6]s): network logon, %[4]s, session %[5]s.",
	logonNear:      "The nearest network logon from there: %[1]s from %[2]s, %[3]s (%[6]s), %[4]s, session %[5]s. The port is another: it need not be this connection's.",
	logonPlain:     "The nearest network logon: %[1]s from %[2]s, %[3]s (%[6]s), %[4]s, session %[5]s. Nothing but time ties it to the alert.",
	otherLogons:    "%[1]d more network logons around it (4624): %[2]s.",
	installedIn:    "The service was installed in this very session, %[1]s (4697).",
	privileges:     "The session has administrative privileges (4672): %s.",
	otherSessions:  "%d sessions with administrative privileges around it (4672), of %s; none can be tied to the alert's logon.",
	noSessionPrivs: "No administrative privileges were given to that session (4672), though other sessions got them.",
	sourceSeen:     "Network logons from %[1]s in this data: %[2]d (%[6]s), first %[3]s, last %[4]s, on %[5]s.",
	accountSeen:    "Network logons of %[1]s in this data: %[2]d (%[6]s), first %[3]s, last %[4]s, on %[5]s.",
	onlyHere:       "this host only (hosts whose logons are in this data: %d)",
	onHosts:        "%d hosts: %s",

	shareWritten: "%[1]s wrote %[2]s from %[3]s, %[4]s (%[5]s).",
	shareOpened:  "%[1]s opened %[2]s from %[3]s, %[4]s (%[5]s).",
	timedOut:     "did not answer the service control manager in time", failed: "failed to start",
	installations: "Installed", noHash: "no hash recorded",
	pipe:        "Pipe %[1]s was opened%[2]s %[3]s (%[4]s).",
	fileWritten: "%[1]s wrote %[2]s %[3]s (%[4]s).",
	started:     "%[1]s was started by %[2]s %[3]s (%[4]s): %[5]s",
	connected:   "%[1]s connected to %[2]s %[3]s (%[4]s).",
	module:      "%[1]s loaded %[2]s %[3]s (%[4]s), %[5]s.",
	generic:     "%[1]s %[2]s (%[3]s).",
	more:        "%[1]s: %[2]d more (%[3]s).",

	isolate:     "To isolate %[1]s, once confirmed (tocsin runs nothing): %[2]s",
	keep:        "Keep the program first: %s",
	stopService: "To stop the service: %s",
	disable:     "To disable the account: %s",
	follow:      "Follow the source %[1]s%[2]s.",
	others:      " It also logged on to %s",
}

var vietnamese = phrases{
	before: "%s trước đó", after: "%s sau đó", sameSecond: "trong cùng giây đó", itself: "lúc %s",
	window: "từ %s đến %s", days: "%d ngày", comma: true, zero: ",0",

	byHand:     "Dữ liệu không trả lời được câu này; cần người kiểm tra.",
	noCode:     "không có %s",
	sysmon:     "không có Sysmon %s",
	clockMoved: "Nhật ký của máy này chạy %s so với đồng hồ của cảm biến; thời gian trong các câu trả lời là của cảm biến.",
	ahead:      "nhanh %s", behind: "chậm %s",
	notInData:    "%s trong dữ liệu này từ %s.",
	cannotAsk:    "%s: không thể hỏi: cảnh báo không có %s.",
	noSuch:       "%s: không có sự kiện nào như vậy %s.",
	noSuchThough: "%s: không có sự kiện nào như vậy %s, dù dữ liệu này có %s.",

	pid:       " (tiến trình %s)",
	isService: "Dịch vụ đã được khởi động: %[1]s, %[2]s (%[3]s).",
	process:   "%[1]s%[2]s được khởi động %[3]svới quyền %[4]s (%[5]s): %[6]s",
	processBy: "bởi %s ",
	by:        " bởi %s",
	signed:    "được ký bởi %s (%s)",
	unsigned:  "không có chữ ký", notSigned: "không ghi nhận chữ ký",
	hash: "Chương trình: %s; %s; %s.",

	installed:        "Dịch vụ %[1]q được cài %[2]s%[3]s (%[4]s): %[5]s",
	installedProgram: " Đó là chương trình của tiến trình mới.",
	startType:        "kiểu khởi động %s", runsAs: "chạy với quyền %s",
	otherServices: "%d dịch vụ khác được cài quanh thời điểm đó: %s (%s).",
	noService:     "Không sự kiện nào cho biết tên dịch vụ.",
	sameCommand:   "lệnh của nó là lệnh của tiến trình mới", sameName: "chương trình của nó trùng tên với tiến trình mới",
	registry:      "%[1]s của dịch vụ %[2]q được đặt%[3]s %[4]s (%[5]s): %[6]s",
	otherRegistry: "%d giá trị khác của dịch vụ được đặt quanh thời điểm đó: %s (%s).",
	changedStart:  "Kiểu khởi động của %[1]q đổi từ %[2]s sang %[3]s %[4]s (%[5]s).",
	state:         "Dịch vụ %[1]q %[2]s %[3]s (%[4]s).",

	connection:  "Kết nối đến từ %[1]s%[2]s tới %[3]s, %[4]s (%[5]s).",
	named:       " (%s)",
	openedBy:    "Yêu cầu đến từ %[1]s%[2]s nhân danh %[3]s, đã mở %[4]s, %[5]s (%[6]s).",
	openedNear:  "Yêu cầu gần nhất từ mạng: %[1]s%[2]s nhân danh %[3]s mở %[4]s, %[5]s (%[6]s). Chỉ có thời gian gắn nó với cảnh báo.",
	noSource:    "Không sự kiện nào của cảnh báo cho biết nguồn.",
	known:       "%[1]s là nguồn quản trị đã biết: %[2]s.",
	knownBy:     " %s",
	unknown:     "%[1]s không có trong danh sách nguồn quản trị (%[2]d mục).",
	noList:      "Không thể nói %s có phải máy chủ quản trị đã biết hay không: chưa đưa danh sách (--admins).",
	owner:       "người phụ trách %s",
	ordinary:    "Theo đường cơ sở, %[1]s thường khởi động dịch vụ trên máy khác: %[2]d chương trình, %[3]d máy, thấy lần đầu %[4]s, lần cuối %[5]s.",
	onlyHeld:    "Theo đường cơ sở, %[1]s không khởi động gì bình thường; số cảnh báo của nó chưa ai đóng: %[2]d.",
	notOrdinary: "Đường cơ sở không biết %s khởi động gì trên máy khác.",

	logonExact:     "%[1]s đăng nhập từ đúng cổng này, %[2]s, %[3]s (%[6]s): đăng nhập mạng, %[4]s, phiên %[5]s.",
	logonSession:   "%[1]s đăng nhập từ %[2]s, %[3]s (%[6]s): đăng nhập mạng, %[4]s, phiên %[5]s; dịch vụ được cài trong phiên này.",
	logonOwn:       "%[1]s đăng nhập từ %[2]s, %[3]s (%[6]s): đăng nhập mạng, %[4]s, phiên %[5]s.",
	logonNear:      "Lần đăng nhập mạng gần nhất từ đó: %[1]s từ %[2]s, %[3]s (%[6]s), %[4]s, phiên %[5]s. Cổng khác nhau: chưa chắc là của kết nối này.",
	logonPlain:     "Lần đăng nhập mạng gần nhất: %[1]s từ %[2]s, %[3]s (%[6]s), %[4]s, phiên %[5]s. Chỉ có thời gian gắn nó với cảnh báo.",
	otherLogons:    "%[1]d lần đăng nhập mạng khác quanh thời điểm đó (4624): %[2]s.",
	installedIn:    "Dịch vụ được cài trong chính phiên này, %[1]s (4697).",
	privileges:     "Phiên này có đặc quyền quản trị (4672): %s.",
	otherSessions:  "%d phiên có đặc quyền quản trị quanh thời điểm đó (4672), của %s; không phiên nào gắn được với lần đăng nhập của cảnh báo.",
	noSessionPrivs: "Phiên đó không được cấp đặc quyền quản trị (4672), dù các phiên khác có.",
	sourceSeen:     "Các lần đăng nhập mạng từ %[1]s trong dữ liệu này: %[2]d (%[6]s), đầu tiên %[3]s, cuối cùng %[4]s, trên %[5]s.",
	accountSeen:    "Các lần đăng nhập mạng của %[1]s trong dữ liệu này: %[2]d (%[6]s), đầu tiên %[3]s, cuối cùng %[4]s, trên %[5]s.",
	onlyHere:       "riêng máy này (số máy có đăng nhập trong dữ liệu này: %d)",
	onHosts:        "%d máy: %s",

	shareWritten: "%[1]s ghi %[2]s từ %[3]s, %[4]s (%[5]s).",
	shareOpened:  "%[1]s mở %[2]s từ %[3]s, %[4]s (%[5]s).",
	timedOut:     "không trả lời trình quản lý dịch vụ kịp thời", failed: "không khởi động được",
	installations: "Cài dịch vụ", noHash: "không ghi nhận mã băm",
	pipe:        "Pipe %[1]s được mở%[2]s %[3]s (%[4]s).",
	fileWritten: "%[1]s ghi %[2]s %[3]s (%[4]s).",
	started:     "%[1]s được khởi động bởi %[2]s %[3]s (%[4]s): %[5]s",
	connected:   "%[1]s kết nối tới %[2]s %[3]s (%[4]s).",
	module:      "%[1]s nạp %[2]s %[3]s (%[4]s), %[5]s.",
	generic:     "%[1]s %[2]s (%[3]s).",
	more:        "%[1]s: còn %[2]d (%[3]s).",

	isolate:     "Để cô lập %[1]s, sau khi xác nhận (tocsin không tự chạy lệnh nào): %[2]s",
	keep:        "Giữ lại chương trình trước: %s",
	stopService: "Để dừng dịch vụ: %s",
	disable:     "Để khóa tài khoản: %s",
	follow:      "Lần theo nguồn %[1]s%[2]s.",
	others:      " Nguồn này còn đăng nhập vào %s",
}
