package strategy

import (
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Case is recorded or simulated telemetry with what it must do.
type Case struct {
	Kind    CaseKind
	Name    string
	Variant string // the variant that must fire; "" is any. For Alert only
	Data    []byte // NDJSON of an inline case, nil for a file
	// Path of a file, for messages and for readers that open files by name;
	// it is a path inside FS if that is not nil.
	Path string
	FS   fs.FS
	Pos  Pos // of the fence; of the file otherwise
}

// Open returns the case's content.
func (c *Case) Open() (io.ReadCloser, error) {
	switch {
	case c.Data != nil:
		return io.NopCloser(strings.NewReader(string(c.Data))), nil
	case c.FS != nil:
		return c.FS.Open(c.Path)
	}
	return openFile(c.Path)
}

// infoString is a fence's info string taken apart: language, bare words, and
// name=value pairs, whose values may be quoted.
type infoString struct {
	lang  string
	words []string
	attrs []attr
}

type attr struct {
	name, value string
	offset      int // in the info string
}

func parseInfo(s string) infoString {
	var in infoString
	for i := 0; i < len(s); {
		if s[i] == ' ' || s[i] == '\t' || s[i] == '{' || s[i] == '}' {
			i++
			continue
		}
		start := i
		for i < len(s) && s[i] != ' ' && s[i] != '\t' && s[i] != '=' {
			i++
		}
		name := s[start:i]
		if i >= len(s) || s[i] != '=' {
			if in.lang == "" && start == 0 {
				in.lang = strings.ToLower(strings.Trim(name, "."))
			} else {
				in.words = append(in.words, name)
			}
			continue
		}
		var value string
		value, i = infoValue(s, i+1)
		in.attrs = append(in.attrs, attr{name, value, start})
	}
	return in
}

// infoValue reads a value from i on: quoted with "…" or up to white space.
func infoValue(s string, i int) (string, int) {
	if i < len(s) && s[i] == '"' {
		if end := strings.IndexByte(s[i+1:], '"'); end >= 0 {
			return s[i+1 : i+1+end], i + end + 2
		}
	}
	start := i
	for i < len(s) && s[i] != ' ' && s[i] != '\t' {
		i++
	}
	return strings.Trim(s[start:i], `"`), i
}

func (in *infoString) get(name string) (attr, bool) {
	for _, a := range in.attrs {
		if a.name == name {
			return a, true
		}
	}
	return attr{}, false
}

func (in *infoString) has(word string) bool {
	for _, w := range in.words {
		if w == word {
			return true
		}
	}
	return false
}

// fences reads every fenced block of the document.
func (x *extractor) fences() {
	bare := regexp.MustCompile(`^\s*(?:sequence|sample)\s+(?:by|with|\[)|^\s*(?:any|[a-z_]+)\s+where\s`)
	question, step := "", 0 // the Response step above
	for i := range x.blocks {
		b := &x.blocks[i]
		kind := x.kindAt(b)
		if kind == Response && b.kind == proseBlock && b.depth == 1 && b.first {
			question = x.s.Questions[step]
			step++
		}
		if b.kind != fenceBlock {
			continue
		}
		in := parseInfo(b.info)
		switch {
		case in.lang == "eql", in.lang == "" && kind == TechnicalContext && bare.MatchString(b.body):
			x.eqlFence(b, in, kind, question)
		case in.lang == "yaml" || in.lang == "yml":
			if in.has("exceptions") {
				x.exceptionFence(b)
			}
		case in.lang == "ndjson" || in.lang == "json" || in.lang == "jsonl":
			x.caseFence(b, in)
		}
	}
}

func (x *extractor) kindAt(b *block) SectionKind {
	if b.section < 0 {
		return Other
	}
	return x.s.Sections[b.section].Kind
}

func (x *extractor) fenceText(b *block) text {
	starts := b.lines
	if len(starts) == 0 {
		starts = []int{b.offset}
	}
	return text{doc: x.d, starts: starts}
}

// checkAttrs reports what a fence's info string has and may not have.
func (x *extractor) checkAttrs(b *block, in infoString, known ...string) {
	for _, a := range in.attrs {
		ok := false
		for _, k := range known {
			ok = ok || k == a.name
		}
		if !ok {
			p := x.d.problem(Warning, "unknown-attribute", b.infoAt+a.offset, "%s fences have no attribute %q", in.lang, a.name)
			p.Hint = didYouMean(a.name, known)
			x.s.notes = append(x.s.notes, p)
		}
	}
}

func (x *extractor) eqlFence(b *block, in infoString, kind SectionKind, question string) {
	if _, isContext := in.get("context"); isContext || kind == Response {
		x.contextFence(b, in, question)
		return
	}
	switch kind {
	case Goal, Categorization, BlindSpots, FalsePositives, Validation, Priority, Resources:
		x.note(Warning, "rule-outside-context", x.d.at(b.offset), "an EQL fence under %s is not run; rules stand under Technical Context", kind)
		return
	}
	x.ruleFence(b, in)
}

func (x *extractor) ruleFence(b *block, in infoString) {
	s := x.s
	x.checkAttrs(b, in, "variant", "risk", "severity", "context", "index", "event_category_override")
	r := Rule{Query: b.body, Line: x.d.at(b.offset).Line, Risk: -1, text: x.fenceText(b), EventCategoryOverride: x.categoryOverride}
	at := func(a attr) Pos { return x.d.at(b.infoAt + a.offset) }
	for _, a := range in.attrs {
		switch a.name {
		case "variant":
			r.Variant = a.value
		case "severity":
			if r.Severity = severityIn(a.value); r.Severity == "" {
				x.note(Error, "bad-severity", at(a), "severity %q is none of low, medium, high, critical", a.value)
			}
		case "risk":
			n, err := strconv.Atoi(a.value)
			if err != nil || n < 0 || n > 100 {
				x.note(Error, "bad-risk", at(a), "risk %q is no number from 0 to 100", a.value)
				continue
			}
			r.Risk = n
		case "index":
			r.Index = strings.Split(a.value, ",")
		case "event_category_override":
			r.EventCategoryOverride = a.value
		}
	}
	switch {
	case r.Variant == "native":
		x.note(Error, "reserved-variant", x.d.at(b.infoAt), "variant name native is reserved for matches on native Windows logs")
		return
	case len(s.Rules) >= maxRules:
		x.note(Error, "too-many-rules", x.d.at(b.infoAt), "the document has more than %d rules; this one is not run", maxRules)
		return
	case r.Variant == "" && len(s.Rules) > 0:
		r.Variant = fmt.Sprintf("variant-%d", len(s.Rules)+1)
		x.note(Warning, "unnamed-variant", x.d.at(b.offset), "a further rule needs a name: ```eql variant=…; it runs as %q", r.Variant)
	}
	if s.Rule(r.Variant) != nil {
		x.note(Error, "duplicate-variant", x.d.at(b.infoAt), "two rules have the variant name %q; the second is not run", r.Variant)
		return
	}
	s.Rules = append(s.Rules, r)
}

func (x *extractor) contextFence(b *block, in infoString, question string) {
	x.checkAttrs(b, in, "context", "window", "by")
	c := ContextQuery{Query: b.body, Line: x.d.at(b.offset).Line, Question: question, text: x.fenceText(b),
		Window: Window{10 * time.Minute, 10 * time.Minute}}
	for _, a := range in.attrs {
		switch a.name {
		case "context":
			c.Name = a.value
		case "window":
			w, err := parseWindow(a.value)
			if err != nil {
				x.note(Error, "bad-window", x.d.at(b.infoAt+a.offset), "read window: %v", err)
				continue
			}
			c.Window = w
		case "by":
			for _, name := range strings.FieldsFunc(a.value, func(r rune) bool { return r == ',' || r == ' ' }) {
				by, of, _ := strings.Cut(name, "=")
				c.By = append(c.By, by)
				c.Of = append(c.Of, firstOf(of, by))
			}
		}
	}
	if c.Name == "" {
		c.Name = question
	}
	if c.Name == "" {
		c.Name = fmt.Sprintf("context %d", len(x.s.Context)+1)
	}
	if c.Question == "" {
		c.Question = c.Name
	}
	x.s.Context = append(x.s.Context, c)
}

// parseWindow reads "-10m..+10m"; "10m" is both ways.
func parseWindow(s string) (Window, error) {
	from, to, ok := strings.Cut(s, "..")
	if !ok {
		d, err := parseDuration(strings.TrimLeft(s, "±"))
		return Window{d.Abs(), d.Abs()}, err
	}
	var w Window
	f, err := parseDuration(from)
	if err != nil {
		return w, err
	}
	t, err := parseDuration(to)
	if err != nil {
		return w, err
	}
	if t < f {
		return w, fmt.Errorf("%q ends before it starts", s)
	}
	return Window{-f, t}, nil
}

func (x *extractor) caseFence(b *block, in infoString) {
	c := Case{Data: []byte(b.body), Pos: x.d.at(b.offset), Path: x.d.path}
	alert, isAlert := in.get("alert")
	quiet, isQuiet := in.get("quiet")
	switch {
	case isAlert && isQuiet:
		x.note(Error, "bad-case", x.d.at(b.infoAt), "a case cannot be both alert and quiet")
		return
	case isAlert:
		c.Kind, c.Name = Alert, alert.value
	case isQuiet:
		c.Kind, c.Name = Quiet, quiet.value
	default:
		return
	}
	x.checkAttrs(b, in, "alert", "quiet", "variant")
	if v, ok := in.get("variant"); ok {
		c.Variant = v.value
	}
	x.s.Cases = append(x.s.Cases, c)
}

func exceptionKeys() []string {
	return []string{"name", "when", "scope", "reason", "owner", "expires"}
}

func (x *extractor) exceptionFence(b *block) {
	t := x.fenceText(b)
	body, quoted := quoteConditions(b.body)
	x.quoted = quoted
	y, bad := parseYAML(x.d, t, body)
	if bad != nil {
		x.s.notes = append(x.s.notes, *bad)
		return
	}
	if y == nil {
		return
	}
	for _, item := range y.items() {
		x.exception(item, t)
	}
}

// exception reads one entry. One that is not whole is left out: an exception
// that excuses more than was meant hides attacks.
func (x *extractor) exception(y *ynode, t text) {
	line, col := y.at()
	e := Exception{Pos: t.at(line, col)}
	before := len(x.s.notes)
	fields, ok := y.fields()
	if !ok {
		x.note(Error, "bad-exception", e.Pos, "read exception: it is %s, expected name, when, scope, reason, owner, expires", y.kind())
		return
	}
	if len(fields) > 0 {
		e.Pos = t.at(fields[0].keyAt.Line, fields[0].keyAt.Column)
	}
	for _, f := range fields {
		line, col := f.val.at()
		x.exceptionField(&e, f, t, line, col)
	}
	if e.When == "" {
		x.note(Error, "bad-exception", e.Pos, "read exception %q: it has no condition (when)", e.Name)
	}
	if e.Name == "" {
		e.Name = fmt.Sprintf("exception %d", len(x.s.Exceptions)+1)
		x.note(Warning, "unnamed-exception", e.Pos, "an exception needs a name")
	}
	for _, p := range x.s.notes[before:] {
		if p.Level == Error {
			return
		}
	}
	x.s.Exceptions = append(x.s.Exceptions, e)
}

func (x *extractor) exceptionField(e *Exception, f yfield, t text, line, col int) {
	v, single := f.val.scalar()
	at := t.at(line, col)
	if !single {
		x.note(Error, "bad-exception", at, "read exception: %s is %s, expected text", f.key, f.val.kind())
		return
	}
	v = strings.TrimSpace(v)
	switch f.key {
	case "name":
		e.Name = v
	case "when":
		if x.quoted[line] {
			col--
		}
		e.When = v
		e.text = t.from(line, col)
	case "scope":
		scope, err := parseScope(v)
		if err != nil {
			x.note(Error, "bad-scope", at, "read exception: %v", err)
		}
		e.Scope = scope
	case "reason":
		e.Reason = v
	case "owner":
		e.Owner = v
	case "expires":
		if v == "" || v == "never" {
			return
		}
		end, err := parseExpiry(v)
		if err != nil {
			x.note(Error, "bad-expiry", at, "read exception: %v", err)
		}
		e.Expires = end
	default:
		p := x.d.problemAt(Error, "unknown-field", t.at(f.keyAt.Line, f.keyAt.Column), "an exception has no field %q", f.key)
		p.Hint = didYouMean(f.key, exceptionKeys())
		x.s.notes = append(x.s.notes, p)
	}
}

// parseScope reads "stage 2", "any" or "sequence" ("" too).
func parseScope(s string) (Scope, error) {
	switch f := strings.Fields(strings.ToLower(s)); {
	case len(f) == 0, len(f) == 1 && f[0] == "sequence":
		return Scope{Kind: ScopeSequence}, nil
	case len(f) == 1 && f[0] == "any":
		return Scope{Kind: ScopeAny}, nil
	case len(f) == 2 && f[0] == "stage":
		if n, err := strconv.Atoi(f[1]); err == nil && n > 0 {
			return Scope{ScopeStage, n}, nil
		}
	}
	return Scope{}, fmt.Errorf("scope %q is none of: stage 1 (2, …), any, sequence", s)
}

// String is the scope as documents write it.
func (s Scope) String() string {
	switch s.Kind {
	case ScopeAny:
		return "any"
	case ScopeStage:
		return fmt.Sprintf("stage %d", s.Stage)
	}
	return "sequence"
}

// parseExpiry reads a date, the last day on which the exception holds, or a time.
func parseExpiry(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t.AddDate(0, 0, 1).Add(-time.Nanosecond), nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	return time.Time{}, fmt.Errorf("expires %q is no date such as 2027-01-31", s)
}
