package triage

import (
	"slices"
	"strings"
)

// topic is what a question is about, beside the context queries under it.
type topic uint8

const (
	topicService topic = 1 << iota // which service, which program
	topicSource                    // who did it, from where
	topicAdmin                     // is the source a known administration server
	topicAround                    // what else happened
	topicAction                    // what to do
)

func (t topic) has(one topic) bool { return t&one != 0 }

// query is one question of an alert: a step of the document, with the context
// queries that answer it.
type query struct {
	text   string
	topics topic
	asked  []*Asked
}

// words tell what a step asks for that has no context query of its own, in the
// languages of documents seen so far. All are in lower case.
var words = [...]struct {
	topic topic
	any   []string
}{
	{topicAction, []string{"isolate", "disable the account", "delete the", "restore the service", "end the tunnel", "end the session",
		"cô lập", "khóa tài khoản", "khoá tài khoản", "xóa ", "xoá "}},
	{topicAdmin, []string{"administration server", "management server", "known server", "máy chủ quản trị", "server quản trị"}},
	{topicSource, []string{"source ip", "source address", "which account", "in whose name", "who started", "from where", "come from",
		"nguồn", "tài khoản nào", "từ đâu", "nhân danh ai"}},
	{topicService, []string{"which service", "which program", "which binary", "binary path", "service started", "process binary",
		"service nào", "dịch vụ nào", "chương trình nào"}},
	{topicAround, []string{"what else", "further sign", "other sign", "lateral movement", "file copy", "copied", "account reuse",
		"còn gì khác", "tìm thêm", "dấu hiệu", "sao chép"}},
}

func topicsOf(text string) topic {
	text = strings.ToLower(text)
	var t topic
	for _, w := range words {
		for _, word := range w.any {
			if strings.Contains(text, word) {
				t |= w.topic
				break
			}
		}
	}
	switch {
	case t.has(topicAction): // a step that says what to do names what it is done about
		return topicAction
	case t.has(topicAround):
		return topicAround
	}
	return t
}

// kind is what a context query asks for, as far as its answer has words of its own.
type kind uint8

const (
	kindOther kind = iota
	kindInstall
	kindRegistry
	kindStartType
	kindState
	kindLogon
	kindSpread // logons on any host
	kindPrivileges
	kindPipe
	kindShare
	kindFile
	kindProcess
	kindNetwork
	kindModule
)

func (a *Asked) kind() kind {
	has := func(code string) bool { return slices.Contains(a.Codes, code) }
	switch {
	case has("7045"), has("4697"):
		return kindInstall
	case has("7040"):
		return kindStartType
	case has("7036"), has("7000"), has("7009"), has("7034"):
		return kindState
	case has("4624") && a.byHost():
		return kindLogon
	case has("4624"):
		return kindSpread
	case has("4672"):
		return kindPrivileges
	case has("17"), has("18"):
		return kindPipe
	case has("5140"), has("5145"):
		return kindShare
	case has("7"), a.Category == "library":
		return kindModule
	}
	if a.CodesOnly {
		return kindOther
	}
	switch a.Category {
	case "registry":
		return kindRegistry
	case "file":
		return kindFile
	case "process":
		return kindProcess
	case "network":
		return kindNetwork
	}
	return kindOther
}

// topic is what a question asks for that has such a query.
func (k kind) topic() topic {
	switch k {
	case kindInstall, kindRegistry, kindStartType, kindState, kindModule:
		return topicService
	case kindLogon, kindPrivileges, kindSpread:
		return topicSource
	}
	return topicAround
}

// questions are the document's steps in their order, each with the queries
// that stand under it. Queries that are not the document's own go to the step
// that asks for the like; those that no step asks for follow under their own
// question.
func (c *inquiry) questions() []query {
	own, translated := c.steps()
	out := make([]query, 0, len(own)+2)
	for i, text := range own {
		out = append(out, query{text: translated[i], topics: topicsOf(text) | topicsOf(translated[i])})
	}
	for i := range c.in.Asked {
		a := &c.in.Asked[i]
		at := slices.Index(own, a.Query.Question)
		if a.Shipped && at < 0 {
			at = slices.IndexFunc(out[:len(own)], func(q query) bool { return q.topics.has(a.kind().topic()) })
		}
		if at < 0 {
			text := c.translate(a.Query.Question)
			at = slices.IndexFunc(out[len(own):], func(q query) bool { return q.text == text })
			if at += len(own); at < len(own) {
				out = append(out, query{text: text})
				at = len(out) - 1
			}
		}
		q := &out[at]
		if q.asked = append(q.asked, a); !a.Shipped || at >= len(own) {
			q.topics |= a.kind().topic()
		}
	}
	for i := range out {
		q := &out[i]
		switch {
		case q.topics.has(topicAdmin) && c.adminAt < 0:
			c.adminAt = i
		case len(q.asked) == 0 && q.topics == 0 && i == len(own)-1 && i > 0:
			q.topics = topicAction // the last step of a document says what to do
		}
	}
	return out
}

// steps are the document's own questions, and what they are in the language.
func (c *inquiry) steps() (own, translated []string) {
	s := c.in.Strategy
	if s == nil {
		return nil, nil
	}
	if own = s.Questions; len(own) == 0 && slices.ContainsFunc(c.in.Asked, func(a Asked) bool { return a.Shipped }) {
		s = shippedQuestions()
		own = s.Questions
	}
	if t := s.In(c.in.Lang); len(t.Questions) == len(own) {
		return own, t.Questions
	}
	return own, own
}

// translate says one of the shipped questions in the language of the answers.
func (c *inquiry) translate(question string) string {
	s := shippedQuestions()
	t := s.In(c.in.Lang)
	if i := slices.Index(s.Questions, question); i >= 0 && i < len(t.Questions) {
		return t.Questions[i]
	}
	return question
}
