package main

import (
	"fmt"
	"sync"
	"time"
)

// progress shows how far a long task is, on a terminal only and only once it
// takes longer than people like to wait. A nil progress shows nothing.
type progress struct {
	e     *env
	what  string
	start time.Time
	mu    sync.Mutex
	last  time.Time
	shown bool
}

const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

func newProgress(e *env, what string) *progress {
	if !isTerminal(e.stderr) {
		return nil
	}
	now := time.Now()
	return &progress{e: e, what: what, start: now, last: now}
}

// at says that done of total is done. It may be called often.
func (p *progress) at(done, total int64) {
	p.show(func(took time.Duration) string { return progressText(p.what, done, total, took) })
}

// count says how many records were read of who knows how many.
func (p *progress) count(records int64) {
	p.show(func(time.Duration) string { return p.what + " " + plural(records, "record") })
}

func (p *progress) show(text func(took time.Duration) string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.start) < progressAfter || now.Sub(p.last) < progressEvery {
		return
	}
	p.last, p.shown = now, true
	p.e.say("\r\x1b[K%s", text(now.Sub(p.start)))
}

// progressText is "verifying 45% of 1.2GiB, 12s left".
func progressText(what string, done, total int64, took time.Duration) string {
	if total <= 0 || done <= 0 {
		return fmt.Sprintf("%s %s", what, sizeText(done))
	}
	done = min(done, total)
	left := time.Duration(float64(took) * float64(total-done) / float64(done)).Round(time.Second)
	return fmt.Sprintf("%s %d%% of %s, %s left", what, int(float64(done)/float64(total)*100), sizeText(total), durationText(left))
}

// done takes the line away again.
func (p *progress) done() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		p.e.say("\r\x1b[K")
		p.shown = false
	}
}
