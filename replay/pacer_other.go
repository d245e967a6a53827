//go:build !linux

package replay

import "time"

// pacer wakes its owner at a time, as exactly as the system's timers do.
type pacer struct {
	C     chan struct{}
	timer *time.Timer
}

func newPacer() (*pacer, error) {
	p := &pacer{C: make(chan struct{}, 1)}
	p.timer = time.AfterFunc(time.Hour, func() {
		select {
		case p.C <- struct{}{}:
		default:
		}
	})
	return p, nil
}

// in asks to be woken after d, instead of whatever was asked for before.
func (p *pacer) in(d time.Duration) { p.timer.Reset(max(d, 1)) }

func (p *pacer) close() { p.timer.Stop() }
