package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-project/tocsin/simulate"
	"github.com/tocsin-project/tocsin/source"
)

// documents are blocks that stay in memory, to go through again and again.
type documents struct {
	blocks    []*source.Block
	documents int
	bytes     int64
}

// errEnough ends reading at the limit.
var errEnough = errors.New("enough documents")

// read takes in the documents of the paths, or made-up ones, up to the limit.
func read(ctx context.Context, o *Options) (*documents, error) {
	if len(o.Paths) == 0 {
		made, err := generate(o.Generate)
		if err != nil {
			return nil, err
		}
		o.Paths, o.Source.Stdin = []string{"-"}, bytes.NewReader(made)
	}
	d := &documents{}
	sum, err := source.Read(ctx, o.Paths, o.Source, func(b *source.Block) error {
		d.add(b)
		if d.bytes >= o.Limit {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, fmt.Errorf("read input: %w", err)
	}
	if d.documents == 0 {
		return nil, errors.New("read input: no documents")
	}
	if d.bytes == 0 { // of EVTX: its chunks
		d.bytes = sum.Bytes
	}
	return d, nil
}

func (d *documents) add(b *source.Block) {
	d.blocks = append(d.blocks, b)
	for doc, problem := range b.Documents {
		if problem == nil {
			d.documents++
			d.bytes += int64(len(doc.Data))
		}
	}
}

// each gives every document to yield until that returns false.
func (d *documents) each(yield func(*source.Document) bool) {
	for _, b := range d.blocks {
		for doc, problem := range b.Documents {
			if problem == nil && !yield(doc) {
				return
			}
		}
	}
}

// generate makes events of a small fleet with Elastic Defend.
func generate(n int) ([]byte, error) {
	g, err := simulate.New(simulate.Config{
		Seed: 1, Start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Duration: 24 * time.Hour, Hosts: 20,
		Sources: []simulate.Source{simulate.Defend}, Ordinary: 2, Noise: 60, Limit: n,
	})
	if err != nil {
		return nil, fmt.Errorf("make events: %w", err)
	}
	var out bytes.Buffer
	if _, err := g.Write(&out); err != nil {
		return nil, fmt.Errorf("make events: %w", err)
	}
	return out.Bytes(), nil
}
