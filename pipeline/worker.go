package pipeline

import (
	"errors"
	"unsafe"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/census"
	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/journal"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/source"
)

// worker decodes and matches blocks. Each has its own record, decoder, matcher
// and buffers, and shares nothing but the engine.
type worker struct {
	scan     *Scan
	result   *Result
	decoder  *ecs.Decoder
	matcher  *engine.Matcher
	event    *event.Event
	hits     *journal.Writer // of rules
	contexts *journal.Writer // of context queries
	evidence *journal.EvidenceWriter
	census   *census.Census // nil if nobody asks
	counts   counts
	seen     []bool // by stage: it has a hit
	err      error

	content, blob, note, tie []byte // reused
}

// counts is what one worker counted.
type counts struct {
	Events    int // documents that are events
	NotEvents int // valid JSON that is no event
	NoTime    int // events without a time, which no rule can report
	Bad       int // documents that could not be read
}

func newWorker(s *Scan, r *Result, hits, contexts *journal.Journal) *worker {
	schema := s.Engine.Schema()
	w := &worker{
		scan: s, result: r,
		decoder:  ecs.NewDecoder(schema, ecs.Options{Native: s.Native}),
		matcher:  s.Engine.Matcher(),
		event:    event.New(schema),
		hits:     hits.Writer(),
		contexts: contexts.Writer(),
		evidence: r.evidence.Writer(),
		seen:     make([]bool, s.Engine.Stages()),
	}
	if s.Census || len(s.Engine.Contexts) > 0 { // answers say what is not in the data
		w.census = census.New(schema, s.Census)
	}
	return w
}

// run takes blocks until there are no more. After an error it only drains, so
// that the reader never waits for a worker that has given up.
func (w *worker) run(blocks <-chan *source.Block) {
	for b := range blocks {
		if w.err == nil {
			w.block(b)
		}
		b.Release()
	}
}

func (w *worker) block(b *source.Block) {
	for doc, problem := range b.Documents {
		if problem != nil {
			if !problem.Remark {
				w.counts.Bad++
			}
			w.result.problem(*problem)
			continue
		}
		if err := w.document(doc); err != nil {
			w.err = err
			return
		}
	}
}

// document takes one document through the line. Its error ends the scan; what
// is wrong with the document itself does not.
func (w *worker) document(doc *source.Document) error {
	err := w.decode(doc)
	switch {
	case errors.Is(err, ecs.ErrNotEvent):
		w.counts.NotEvents++
		return nil
	case err != nil:
		w.counts.Bad++
		w.result.problem(doc.Problem(err.Error()))
		return nil
	}
	w.counts.Events++
	if w.event.DocID == "" && len(doc.ID) > 0 {
		w.event.DocID = string(doc.Index) + "/" + string(doc.ID)
	}
	if w.census != nil {
		w.census.Add(w.event)
	}
	matches := w.matcher.Match(w.event)
	if len(matches) == 0 {
		return nil
	}
	if !w.event.HasTime {
		w.counts.NoTime++
		return nil
	}
	return w.keep(doc, matches)
}

func (w *worker) decode(doc *source.Document) error {
	switch doc.Kind {
	case source.EVTX:
		return w.decoder.EVTX(doc.Record, w.event)
	case source.XML:
		return w.decoder.XML(doc.Data, w.event)
	default:
		return w.decoder.JSON(doc.Data, w.event)
	}
}

// keep writes hits to the journal, and the document to the evidence store if
// one of them may be shown with an alert.
func (w *worker) keep(doc *source.Document, matches []engine.Match) error {
	content := doc.Data
	if doc.Kind == source.EVTX { // its chunk's templates go with the block
		w.content = w.decoder.AppendEvidence(w.content[:0])
		content = w.content
	}
	hit := sequence.Hit{Time: w.event.Time}
	tie := ""
	var note engine.Note
	kept := false
	for i := range matches {
		m := &matches[i]
		if !m.Loose && tie == "" { // it may cost a hash of the document
			w.tie = engine.AppendTie(w.tie[:0], &w.event.Meta, content)
			tie = unsafe.String(unsafe.SliceData(w.tie), len(w.tie))
		}
		hit.Tie = tie
		if m.Loose {
			hit.Tie = ""
		}
		if !m.Bare && !kept {
			ref, err := w.keepDocument(doc, content)
			if err != nil {
				return err
			}
			note, kept = w.scan.Engine.Note(w.event), true
			note.Ref = uint64(ref)
		}
		if err := w.append(&hit, m, &note); err != nil {
			return err
		}
	}
	return nil
}

// keepDocument writes a document to the evidence store.
func (w *worker) keepDocument(doc *source.Document, content []byte) (journal.Ref, error) {
	w.blob = appendDocument(w.blob[:0], &document{
		origin: alert.Origin{Path: doc.Path, Line: doc.Line, Record: w.event.Record},
		data:   content,
	})
	return w.evidence.Put(w.blob)
}

// append writes one hit. The journal keeps neither its texts nor the note.
func (w *worker) append(hit *sequence.Hit, m *engine.Match, note *engine.Note) error {
	w.seen[m.Number] = true
	hit.Rule, hit.Stage, hit.Key = m.Rule, m.Stage, m.Key
	n := engine.Note{}
	if !m.Bare {
		n = *note
	}
	n.Excuse, n.ExcuseMatch = m.Excuse, m.ExcuseMatch
	w.note = engine.AppendNote(w.note[:0], &n)
	if int(m.Rule) >= len(w.scan.Engine.Rules) {
		return w.contexts.Append(hit, w.note)
	}
	return w.hits.Append(hit, w.note)
}
