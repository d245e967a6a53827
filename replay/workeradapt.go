package replay

import "repltap/wire"

// LastTCPRelease is the newest release whose workers talk to the master over
// TCP, and what a worker is that was not told another.
var LastTCPRelease = wire.MustRelease("1.66.0")

// maxAdapted is how often a worker changes its mind: a master that speaks many
// dialects speaks none.
const maxAdapted = 8

// adapt goes on as another release if the master turns out to speak what this
// one does not. A worker speaks first, so it can't know before.
func (w *worker) adapt(line []byte, g *wire.Gist) bool {
	w.detector.Observe(wire.S2C, line, g)
	set := w.detector.Side(wire.S2C)
	r := set.Play()
	if set.Has(w.follower.Release()) || r.OverRedis() || w.adapted == maxAdapted {
		return false
	}
	w.teller.say("adapt", "the master is of another release", "it_speaks", set, "going_on_as", r)
	if g.Command == wire.CmdError { // it is the wrong release's fault, not the master's
		w.errorsGot--
	}
	w.hangUp("fin", "worker", "the master is of "+set.Names())
	w.adapted++
	w.over = false // its one connection is still to come
	w.restart(r, false)
	w.dialAt = 0
	return true
}
