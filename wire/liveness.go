package wire

import (
	"fmt"
	"time"
)

// Both sides say something at least every five seconds, or every ten when the
// timer's tick comes a moment too early, and take a peer that they have heard
// nothing of for 25 seconds for dead.

const (
	silentAfter = int64(25 * time.Second)
	lateAfter   = int64(11 * time.Second)
)

// heard notes that a line came from p at now, and says if that took long.
func (p *peer) hear(dir Direction, now int64, found []Finding) []Finding {
	switch idle := now - p.last; {
	case !p.heard, p.unheard:
	case idle > silentAfter:
		found = p.silent(dir, now, found)
	case idle > lateAfter:
		found = append(found, Finding{Code: CodePingLate, Verdict: ActAccept.String(),
			Detail: fmt.Sprintf("%s said nothing for %s, though it should send PING every 5 s", dir.sender(), seconds(idle))})
	}
	p.heard, p.last, p.told, p.unheard = true, now, false, p.held
	return found
}

// silent says once that nothing came for long. Who never sent PING is not
// timed out.
func (p *peer) silent(dir Direction, now int64, found []Finding) []Finding {
	idle := now - p.last
	if p.told || p.ended || p.unheard || idle <= silentAfter {
		return found
	}
	p.told = true
	f := Finding{Code: CodeSilence, Verdict: ActAccept.String(),
		Detail: fmt.Sprintf("%s has said nothing for %s", dir.sender(), seconds(idle))}
	if p.pinged {
		f = f.answered("ping timeout")
	}
	return append(found, f)
}

func seconds(ns int64) string {
	return time.Duration(ns).Round(100 * time.Millisecond).String()
}
