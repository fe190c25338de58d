package app

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	redrawEvery = 200 * time.Millisecond
	heartbeat   = 30 * time.Second
)

// A Progress tells how far a command is: one line that is redrawn on a
// terminal, else a line per 30 seconds; with --verbose also what each phase took.
// Its methods may be called from several goroutines. A nil Progress is silent.
type Progress struct {
	w       io.Writer
	say     func(line string) // writes a line of talk
	redraw  bool              // one line, over and over
	verbose bool
	phases  int

	mu    sync.Mutex
	phase int
	name  string
	unit  string
	total int64
	since time.Time
	drawn bool
	done  atomic.Int64

	stop chan struct{}
	wg   sync.WaitGroup
}

// progress starts the progress of a command over the given number of phases. It
// must be closed. It is nil where nothing of it is wanted.
func (c *Common) progress(phases int) *Progress {
	if c.Quiet || c.NoProgress && !c.Verbose {
		return nil
	}
	p := &Progress{
		w: c.Streams.Err, say: func(line string) { c.talk("info", line) },
		redraw: c.Streams.ErrTTY && c.LogFormat != "json", verbose: c.Verbose,
		phases: phases, stop: make(chan struct{}),
	}
	if c.NoProgress {
		return p
	}
	every := heartbeat
	if p.redraw {
		every = redrawEvery
	}
	p.wg.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-p.stop:
				return
			case <-tick.C:
				p.draw()
			}
		}
	})
	return p
}

// Phase begins the next phase: total units of work, 0 where that is not known.
func (p *Progress) Phase(name, unit string, total int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended()
	p.phase++
	p.name, p.unit, p.total, p.since = name, unit, total, time.Now()
	p.done.Store(0)
}

// Add counts n units of the current phase as done.
func (p *Progress) Add(n int64) {
	if p != nil {
		p.done.Add(n)
	}
}

// Close ends the line and joins its goroutine.
func (p *Progress) Close() {
	if p == nil {
		return
	}
	close(p.stop)
	p.wg.Wait()
	p.ended()
	p.wipe()
}

// ended says what the current phase took.
func (p *Progress) ended() {
	if !p.verbose || p.name == "" {
		return
	}
	p.wipe()
	spent := time.Since(p.since).Seconds()
	line := fmt.Sprintf("[%d of %d] %s: %.3g s", p.phase, p.phases, p.name, spent)
	if done := float64(p.done.Load()); done > 0 && spent > 0 {
		line += fmt.Sprintf(", %s %s, %s %s/s", count(done), p.unit, count(done/spent), p.unit)
	}
	p.say(line)
}

// wipe takes the redrawn line away.
func (p *Progress) wipe() {
	if p.redraw && p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.drawn = false
	}
}

func (p *Progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.name == "" {
		return
	}
	line := progressLine(p.phase, p.phases, p.name, p.unit, p.done.Load(), p.total, time.Since(p.since))
	if !p.redraw {
		p.say(line)
		return
	}
	fmt.Fprint(p.w, "\r\x1b[K"+line)
	p.drawn = true
}

// progressLine writes "[2 of 4] fit: 1.2M rows/s, 43 %, 3 s left".
func progressLine(phase, phases int, name, unit string, done, total int64, spent time.Duration) string {
	line := fmt.Sprintf("[%d of %d] %s", phase, phases, name)
	seconds := spent.Seconds()
	if done == 0 || seconds <= 0 {
		return line
	}
	rate := float64(done) / seconds
	line += fmt.Sprintf(": %s %s/s", count(rate), unit)
	if total > 0 {
		share := min(1, float64(done)/float64(total))
		left := time.Duration(float64(total-done) / rate * float64(time.Second)).Round(time.Second)
		line += fmt.Sprintf(", %.0f %%, %s left", 100*share, max(left, 0))
	}
	return line
}

// count writes a number for people: 950, 12.3k, 4.5M.
func count(v float64) string {
	for _, u := range []struct {
		at   float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= u.at {
			return fmt.Sprintf("%.3g%s", v/u.at, u.name)
		}
	}
	return fmt.Sprintf("%.3g", v)
}
