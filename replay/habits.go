package replay

import (
	"time"

	"repltap/journal"
	"repltap/wire"
)

// habits are what is known of a recorded worker that is to be played.
type habits struct {
	pings    bool            // it says PING
	silences map[uint64]bool // lines after which it said nothing for so long that it must have stood still
	answered map[string]bool // streams that it got POSITION of
	said     uint64          // its last line
	saidAt   int64
}

// maxSilences is more than any connection has that is not made up.
const maxSilences = 10_000

// speaks: a worker that says PING says something every ten seconds at least. One
// that said nothing for as long as peers put up with was stopped.
func (h *habits) speaks(rec *journal.Record) {
	h.pings = h.pings || rec.Gist.Command == wire.CmdPing
	h.quiet(rec.Time)
	h.said, h.saidAt = rec.Seq, rec.Time
}

// quiet looks how long it has said nothing.
func (h *habits) quiet(now int64) {
	if h.said == 0 || !h.pings || now-h.saidAt <= pingTimeout*int64(time.Millisecond) || len(h.silences) >= maxSilences {
		return
	}
	if h.silences == nil {
		h.silences = map[uint64]bool{}
	}
	h.silences[h.said] = true
}

// position takes in a line of the master.
func (h *habits) position(g *wire.Gist) {
	if g.Command != wire.CmdPosition || len(h.answered) >= maxStreams {
		return
	}
	if h.answered == nil {
		h.answered = map[string]bool{}
	}
	h.answered[string(g.Stream)] = true
}
