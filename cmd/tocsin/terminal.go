package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/tocsin-project/tocsin/source"
	"github.com/tocsin-project/tocsin/terminal"
)

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colours reports whether a stream may be coloured: a terminal, without
// NO_COLOR (no-color.org) and without a dumb terminal.
func (app *App) colours(stream any) bool {
	return (isTerminal(stream) || app.Columns > 0) && app.Getenv("NO_COLOR") == "" && app.Getenv("TERM") != "dumb"
}

// columns is the width of a terminal, 0 (no limit) for anything else.
func columns(stream any) int {
	if f, ok := stream.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			return w
		}
	}
	return 0
}

// progress shows on a terminal how far reading has come, on one line of
// standard error that is wiped when it ends. In a pipe it shows nothing.
// Problems go to standard error, one a line, the first of them only.
type progress struct {
	w    io.Writer
	live bool

	mu       sync.Mutex
	start    time.Time
	last     time.Time
	shown    bool
	problems int
}

// maxProblemsShown bounds what a damaged input may write to the terminal; all
// are counted in the summary.
const maxProblemsShown = 20

func newProgress(app *App) *progress {
	return &progress{w: app.Stderr, live: isTerminal(app.Stderr), start: time.Now()}
}

// update takes the bytes read so far, of how many (0 if not known).
func (p *progress) update(read, total int64, path string) {
	if !p.live {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.last) < 100*time.Millisecond {
		return
	}
	p.last, p.shown = now, true
	elapsed := now.Sub(p.start).Seconds()
	rate := float64(read) / max(elapsed, 0.001)
	line := fmt.Sprintf("%s  %s/s", size(read), size(int64(rate)))
	if total > 0 && rate > 0 {
		left := time.Duration(float64(total-read) / rate * float64(time.Second)).Round(time.Second)
		line = fmt.Sprintf("%3d %%  %s  %s left", min(read*100/total, 100), line, left)
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s  %s", line, terminal.Shorten(terminal.Clean(path), 60))
}

func (p *progress) problem(pr source.Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems++
	if p.problems > maxProblemsShown {
		return
	}
	p.wipe()
	fmt.Fprintf(p.w, "tocsin: %s\n", terminal.Clean(pr.Error()))
	if p.problems == maxProblemsShown {
		fmt.Fprintln(p.w, "tocsin: further problems are only counted")
	}
}

func (p *progress) wipe() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// done ends the display.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
}

// size is a number of bytes for people.
func size(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	f, suffixes := float64(n), "kMGTP"
	i := -1
	for f >= unit && i < len(suffixes)-1 {
		f /= unit
		i++
	}
	return fmt.Sprintf("%.1f %cB", f, suffixes[i])
}
