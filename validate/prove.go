package validate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/pipeline"
	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/strategy"
)

// line is one strategy, ready to run over cases.
type line struct {
	eng *engine.Engine
	tmp string
}

// scanned is what a scan of one case gave.
type scanned struct {
	result   *pipeline.Result
	problems []string
}

// scan sends a case through the whole line. The caller closes the result.
func (l *line) scan(ctx context.Context, data []byte) (*scanned, error) {
	out := &scanned{}
	note := func(p source.Problem) {
		if !p.Remark {
			out.problems = append(out.problems, p.Error())
		}
	}
	s := &pipeline.Scan{
		Engine: l.eng, Paths: []string{"-"}, Native: true, Jobs: 1, TmpDir: l.tmp,
		Source:    source.Options{Stdin: bytes.NewReader(data), Report: note},
		OnProblem: note,
	}
	var err error
	if out.result, err = s.Run(ctx); err != nil {
		return nil, err
	}
	if out.result.Summary.Partial {
		return nil, errors.Join(ctx.Err(), out.result.Close())
	}
	return out, nil
}

// prove runs a trial and judges it.
func (l *line) prove(ctx context.Context, t *trial) (*Proof, error) {
	p := &Proof{Case: t.name, Shape: t.shape, Kind: string(t.kind)}
	start := time.Now()
	if t.err != nil {
		p.Reason = "cannot be read: " + t.err.Error()
		return p, nil
	}
	got, err := l.scan(ctx, t.data)
	if err != nil {
		return nil, err
	}
	p.Reason, err = l.judge(t, got)
	if err == nil {
		p.Alerts = got.result.Summary.Alerts
		p.Passed = p.Reason == ""
	}
	p.Seconds = time.Since(start).Seconds()
	return p, errors.Join(err, got.result.Close())
}

// judge says why a trial failed, "" if it did not.
func (l *line) judge(t *trial, got *scanned) (string, error) {
	sum := &got.result.Summary
	switch {
	case len(got.problems) > 0:
		return "cannot be read whole: " + strings.Join(got.problems[:min(3, len(got.problems))], "; "), nil
	case sum.Source.SkippedCount > 0:
		return "cannot be read: " + sum.Source.Skipped[0].Reason, nil
	case sum.Events == 0:
		return "holds no event: it proves nothing", nil
	case t.kind == strategy.Quiet:
		return loud(got.result), nil
	}
	var others []string
	for _, f := range got.result.Findings {
		if f.Variant == t.variant || t.variant == "" {
			return "", nil
		}
		others = append(others, fmt.Sprintf("%q", f.Variant))
	}
	why, err := l.why(t.data, t.variant)
	if err != nil {
		return "", err
	}
	if t.variant == "" {
		return "no alert: " + why, nil
	}
	if others != nil {
		why = "only of " + strings.Join(others, ", ") + ": " + why
	}
	return fmt.Sprintf("no alert of variant %q: %s", t.variant, why), nil
}

// loud says what a case that must stay quiet alerts on.
func loud(r *pipeline.Result) string {
	var list []string
	for _, f := range r.Findings {
		a, err := r.Alert(f)
		if err != nil {
			list = append(list, err.Error())
			continue
		}
		var at []string
		for i := range a.Events {
			if e := &a.Events[i]; e.Origin != nil {
				at = append(at, fmt.Sprintf("%d", e.Origin.Line))
			}
		}
		list = append(list, fmt.Sprintf("%s at %s of %s, line %s", f.Name(),
			a.Timestamp.Format(clockForm), a.Host.Name, strings.Join(at, " and ")))
	}
	if len(list) == 0 {
		return ""
	}
	rest := ""
	if len(list) > 3 {
		rest = fmt.Sprintf("; and %d more", len(list)-3)
		list = list[:3]
	}
	return "must stay quiet, alerts: " + strings.Join(list, "; ") + rest
}

const clockForm = "2006-01-02 15:04:05.000"
