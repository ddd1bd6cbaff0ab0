package strategy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Limits on what is read. A document of a megabyte is no document; an export
// of every rule that Elastic has is 3 MB.
const (
	maxDocument = 1 << 20
	maxExport   = 64 << 20
	maxFiles    = 100_000
)

// positions keeps where lint points to.
type positions struct {
	severity, risk     Pos
	fmSeverity, fmRisk Pos
	fmSeverityValue    Severity
	fmRiskValue        int
	index              []Pos // beside IndexPatterns
	title              Pos
	tactics            map[string]Pos // where each is first named
}

func (p *positions) tactic(t Threat) {
	if p.tactics == nil {
		p.tactics = map[string]Pos{}
	}
	if _, ok := p.tactics[t.Tactic]; !ok {
		p.tactics[t.Tactic] = t.Pos
	}
}

// Load reads files and folders. A file that is named loads whatever its
// ending; of a folder and those below it *.md, *.toml, *.ndjson, *.yml and
// *.yaml load, testdata folders and hidden ones aside. What cannot be read is
// a problem; the rest loads. The strategies are in the order of the paths,
// within a folder in that of the file names.
func Load(paths []string) ([]*Strategy, []Problem) {
	l := &loader{named: map[string]bool{}}
	for _, p := range paths {
		l.path(p)
	}
	return l.finish()
}

// LoadFS reads all strategies below the root of a file system, as Load does
// for a folder. The cases of the strategies are read from it too.
func LoadFS(fsys fs.FS) ([]*Strategy, []Problem) {
	l := &loader{fsys: fsys}
	l.folder(fsys, ".", func(p string) string { return p })
	return l.finish()
}

// Parse reads one document from memory; path is for messages, and its ending
// tells what form it has. Cases beside the document are not looked for.
func Parse(name string, src []byte) ([]*Strategy, []Problem) {
	l := &loader{}
	l.parse(name, src)
	return l.finish()
}

type loader struct {
	fsys         fs.FS
	out          []*Strategy
	translations []*Strategy
	named        map[string]bool // files given by name; a second time is not read
	overlays     []overlay
	problems     []Problem
	lists        exceptionLists
}

func (l *loader) fail(code, at, format string, args ...any) {
	l.problems = append(l.problems, Problem{Pos: Pos{Path: at}, Level: Error, Code: code, Msg: fmt.Sprintf(format, args...)})
}

func (l *loader) path(p string) {
	info, err := os.Stat(p)
	if err != nil {
		l.fail("unreadable", p, "read strategy: %v", plainError(err))
		return
	}
	if info.IsDir() {
		before := len(l.out) + len(l.problems)
		l.folder(os.DirFS(p), ".", func(sub string) string { return filepath.Join(p, filepath.FromSlash(sub)) })
		if len(l.out)+len(l.problems) == before {
			l.fail("empty-folder", p, "read strategies: the folder holds none (*.md, *.toml, *.ndjson, *.yml)")
		}
		return
	}
	if l.named[filepath.Clean(p)] {
		return
	}
	l.named[filepath.Clean(p)] = true
	l.file(os.DirFS(filepath.Dir(p)), filepath.Base(p), p)
}

// plainError drops the path from an error that is shown behind it.
func plainError(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// folder reads what is below a folder; name gives the path for messages.
func (l *loader) folder(fsys fs.FS, root string, name func(string) string) {
	n := 0
	err := fs.WalkDir(fsys, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			l.fail("unreadable", name(p), "read strategy: %v", plainError(err))
			return nil
		}
		base := d.Name()
		if d.IsDir() {
			if p != root && (base == "testdata" || strings.HasPrefix(base, ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if !loadable(base) {
			return nil
		}
		if n++; n > maxFiles {
			return fmt.Errorf("it holds more than %d files", maxFiles)
		}
		l.file(fsys, p, name(p))
		return nil
	})
	if err != nil {
		l.fail("unreadable", name(root), "read strategies: %v", err)
	}
}

func loadable(base string) bool {
	if strings.HasPrefix(base, ".") || strings.EqualFold(base, "README.md") {
		return false
	}
	return slices.Contains([]string{".md", ".toml", ".ndjson", ".yml", ".yaml"}, strings.ToLower(path.Ext(base)))
}

func (l *loader) file(fsys fs.FS, p, name string) {
	limit := int64(maxDocument)
	if ext := strings.ToLower(path.Ext(p)); ext == ".ndjson" || ext == ".json" || ext == ".jsonl" {
		limit = maxExport
	}
	src, err := readBounded(fsys, p, limit)
	if err != nil {
		l.fail("unreadable", name, "read strategy: %v", plainError(err))
		return
	}
	before := len(l.out)
	l.parse(name, src)
	for _, s := range l.out[before:] {
		if s.Source.Form == ADS {
			l.caseFiles(fsys, p, name, s)
		}
	}
}

func readBounded(fsys fs.FS, p string, limit int64) ([]byte, error) {
	f, err := fsys.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("it is longer than %d bytes", limit)
	}
	return b, nil
}

func openFile(p string) (io.ReadCloser, error) { return os.Open(p) }

// parse reads a file's strategies by its ending, and by its content where the
// ending says nothing.
func (l *loader) parse(name string, raw []byte) {
	src, repaired := decodeText(raw)
	if bytes.IndexByte(src, 0) >= 0 {
		l.fail("not-text", name, "read strategy: it is no text")
		return
	}
	form := formOf(name, src)
	before := len(l.out)
	switch form {
	case ADS:
		l.markdown(name, src)
	case TOML:
		l.toml(name, src)
	case YAML:
		l.yaml(name, src)
	default:
		l.ndjson(name, src)
	}
	for _, s := range l.out[before:] {
		s.Source.Repaired = repaired
	}
}

func formOf(name string, src []byte) Form {
	switch strings.ToLower(path.Ext(filepath.ToSlash(name))) {
	case ".md", ".markdown":
		return ADS
	case ".toml":
		return TOML
	case ".ndjson", ".jsonl", ".json":
		return Row
	case ".yml", ".yaml":
		return YAML
	}
	head := bytes.TrimSpace(src)
	switch {
	case bytes.HasPrefix(head, []byte("{")):
		return Row
	case bytes.HasPrefix(head, []byte("[metadata]")), bytes.HasPrefix(head, []byte("[rule]")):
		return TOML
	}
	return ADS
}

// markdown reads an ADS document.
func (l *loader) markdown(name string, src []byte) {
	s := parseADS(name, src)
	if _, lang := translationOf(name); lang != "" {
		s.Lang = lang
		l.translations = append(l.translations, s)
		return
	}
	if known := countADS(s.Sections); known == 0 && len(s.Rules) == 0 {
		l.problems = append(l.problems, s.notes...)
		p := s.doc.problemAt(Error, "not-ads", Pos{name, 1, 1}, "read strategy: it has no ADS heading (Goal, Technical Context, …) and no EQL rule")
		l.problems = append(l.problems, p)
		return
	}
	l.out = append(l.out, s)
}

func countADS(sections []Section) int {
	n := 0
	for _, s := range sections {
		if s.Kind != Other {
			n++
		}
	}
	return n
}

// translationOf takes "dir/slug.vi.md" apart: "slug", "vi".
func translationOf(name string) (base, lang string) {
	stem, ok := strings.CutSuffix(path.Base(filepath.ToSlash(name)), ".md")
	if !ok {
		return "", ""
	}
	i := strings.LastIndexByte(stem, '.')
	if i <= 0 || len(stem)-i-1 != 2 || strings.ToLower(stem[i+1:]) != stem[i+1:] {
		return "", ""
	}
	if c := stem[i+1:]; c[0] < 'a' || c[0] > 'z' || c[1] < 'a' || c[1] > 'z' {
		return "", ""
	}
	return stem[:i], stem[i+1:]
}

// parseADS reads one Markdown document; whatever is wrong is in its notes.
func parseADS(name string, src []byte) *Strategy {
	d := newDocument(name, src)
	s := &Strategy{doc: d, Source: Source{Path: name, Form: ADS, Line: 1}}
	x := &extractor{d: d, s: s}
	body, start, length := cutFrontMatter(src)
	if length > 0 {
		x.readFrontMatter(body, start)
	}
	x.blocks = parseBlocks(blankFrontMatter(src))
	title, sections := splitSections(d, x.blocks)
	s.Sections = sections
	if title != nil {
		s.pos.title = d.at(title.offset)
		if s.Title == "" {
			s.Title = printable(plain(title.line))
		}
	}
	if s.Title == "" {
		s.Title = strings.TrimSuffix(path.Base(filepath.ToSlash(name)), path.Ext(name))
	}
	if s.ID == "" {
		s.ID = slug(s.Title)
	}
	if s.Lang == "" {
		s.Lang = language(src)
	}
	x.threats()
	x.priority()
	x.lists()
	x.questions()
	x.references()
	x.fences()
	x.defaults()
	return s
}

// defaults settles severity and risk: the prose says, else the front matter,
// else each follows from the other.
func (x *extractor) defaults() {
	s := x.s
	if !s.Declared.Severity && s.pos.fmSeverityValue != "" {
		s.Severity, s.Declared.Severity = s.pos.fmSeverityValue, true
	}
	if !s.Declared.Risk && s.pos.fmRisk != (Pos{}) {
		s.Risk, s.Declared.Risk = s.pos.fmRiskValue, true
	}
	s.settleRisk()
}

func (s *Strategy) settleRisk() {
	switch {
	case !s.Declared.Severity && s.Declared.Risk:
		s.Severity = SeverityOfRisk(s.Risk)
	case !s.Declared.Severity:
		s.Severity, s.Risk = Medium, Medium.Risk()
	case !s.Declared.Risk:
		s.Risk = s.Severity.Risk()
	}
	for i := range s.Rules {
		r := &s.Rules[i]
		switch {
		case r.Severity == "" && r.Risk < 0:
			r.Severity, r.Risk = s.Severity, s.Risk
		case r.Severity == "":
			r.Severity = SeverityOfRisk(r.Risk)
		case r.Risk < 0:
			r.Risk = r.Severity.Risk()
		}
		if r.Index == nil {
			r.Index = s.IndexPatterns
		}
	}
}

// caseFiles finds the recordings beside a document: testdata/<slug>/alert-*
// and quiet-*, where slug is the strategy's id or the file's own name.
func (l *loader) caseFiles(fsys fs.FS, p, name string, s *Strategy) {
	stem := strings.TrimSuffix(path.Base(p), path.Ext(p))
	for _, sub := range slices.Compact([]string{s.ID, stem}) {
		dir := path.Join(path.Dir(p), "testdata", sub)
		if !fs.ValidPath(dir) || path.Base(dir) != sub {
			continue // an id that leads elsewhere
		}
		entries, err := fs.ReadDir(fsys, dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			kind, rest, ok := strings.Cut(e.Name(), "-")
			if !ok || !e.Type().IsRegular() || kind != string(Alert) && kind != string(Quiet) {
				continue
			}
			file := path.Join(dir, e.Name())
			c := Case{Kind: CaseKind(kind), Name: strings.TrimSuffix(rest, path.Ext(rest)), Path: file, FS: fsys}
			if l.fsys == nil {
				c.FS = nil
				c.Path = filepath.Join(filepath.Dir(name), "testdata", sub, e.Name())
			}
			c.Pos = Pos{Path: c.Path}
			s.Cases = append(s.Cases, c)
		}
	}
}

// finish attaches translations, exception lists and overlays and takes out
// second ones of an id.
func (l *loader) finish() ([]*Strategy, []Problem) {
	l.freeTranslations()
	byID := map[string]*Strategy{}
	kept := l.out[:0]
	for _, s := range l.out {
		if first := byID[s.ID]; first != nil && !l.rename(s, byID) {
			p := s.problem(Error, "duplicate-id", "two strategies have the id %q; this one is not run", s.ID)
			p.Hint = "the other is " + first.Source.String()
			l.problems = append(l.problems, p)
			continue
		}
		byID[s.ID] = s
		kept = append(kept, s)
		for _, n := range s.notes {
			if n.Level == Error {
				l.problems = append(l.problems, n)
			}
		}
	}
	l.attachTranslations(kept, byID)
	l.attachLists(kept)
	l.applyOverlays(byID)
	sortProblems(l.problems)
	return kept, l.problems
}

// rename gives an Elastic rule whose name another one has an id of its own.
// Names may repeat there; what tells rules apart is the rule_id.
func (l *loader) rename(s *Strategy, byID map[string]*Strategy) bool {
	id := s.ID + "-" + slug(s.RuleID)
	if s.elastic == nil || s.RuleID == "" || byID[id] != nil {
		return false
	}
	l.problems = append(l.problems, s.problem(Warning, "repeated-name", "another strategy has the id %q; this one runs as %q", s.ID, id))
	s.ID = id
	return true
}

// freeTranslations makes a strategy of a translation that was given by name
// without the document it translates: whoever names a file means that file.
func (l *loader) freeTranslations() {
	l.translations = slices.DeleteFunc(l.translations, func(t *Strategy) bool {
		base, _ := translationOf(t.Source.Path)
		original := filepath.Join(filepath.Dir(t.Source.Path), base+".md")
		if !l.named[filepath.Clean(t.Source.Path)] || l.named[original] {
			return false
		}
		l.out = append(l.out, t)
		return true
	})
}

// attachTranslations gives each translation to the document beside it.
func (l *loader) attachTranslations(all []*Strategy, byID map[string]*Strategy) {
	for _, t := range l.translations {
		base, _ := translationOf(t.Source.Path)
		want := filepath.Join(filepath.Dir(t.Source.Path), base+".md")
		i := slices.IndexFunc(all, func(s *Strategy) bool { return filepath.Clean(s.Source.Path) == want })
		var s *Strategy
		if i >= 0 {
			s = all[i]
		} else if s = byID[base]; s == nil {
			p := t.problem(Warning, "orphan-translation", "no document %s.md stands beside this translation", base)
			l.problems = append(l.problems, p)
			continue
		}
		t.ID = s.ID
		if s.Translations == nil {
			s.Translations = map[string]*Strategy{}
		}
		s.Translations[t.Lang] = t
	}
}

// String is "path" or "path:line".
func (s Source) String() string {
	if s.Line > 1 {
		return fmt.Sprintf("%s:%d", s.Path, s.Line)
	}
	return s.Path
}

// problem is one about the strategy as a whole; it points at its title.
func (s *Strategy) problem(l Level, code, format string, args ...any) Problem {
	at := s.pos.title
	if at == (Pos{}) {
		at = Pos{s.Source.Path, s.Source.Line, 1}
	}
	return s.doc.problemAt(l, code, at, format, args...)
}
