package replay

import "repltap/wire"

// LastTCPRelease is the newest release whose workers talk to the master over
// TCP, and what a worker is that was not told another.
var LastTCPRelease = release("1.66.0")

// ReleaseOf is the release that a worker of a dialect is: the last one with TCP
// replication. Of its minor releases, which are all alike, it is the first.
func ReleaseOf(d wire.Dialect) wire.Release {
	r := d.Receiver().Release
	if r&anyPatch == anyPatch {
		r &^= anyPatch
	}
	return r
}

// anyPatch is in the releases that end a dialect.
const anyPatch = wire.Release(1<<10 - 1)

// maxAdapted is how often a worker changes its mind: a master that speaks many
// dialects speaks none.
const maxAdapted = 8

// releaseFor is the newest release with TCP that speaks one of the dialects;
// false when none does.
func releaseFor(set wire.DialectSet) (wire.Release, bool) {
	var found wire.Release
	for _, d := range wire.Dialects() {
		if r := ReleaseOf(d); set.Has(d) && r <= LastTCPRelease {
			found = max(found, r)
		}
	}
	return found, found != 0
}

// adapt goes on as another release if the master turns out to speak what this
// one does not. A worker speaks first, so it can't know before.
func (w *worker) adapt(line []byte, g *wire.Gist) bool {
	w.detector.Observe(wire.S2C, line, g)
	set := w.detector.Side(wire.S2C)
	mine, err := wire.ReceiverOf(w.follower.Release())
	if err != nil || set.Has(mine.Dialect()) || w.adapted == maxAdapted {
		return false
	}
	r, ok := releaseFor(set)
	if !ok {
		return false
	}
	w.teller.say("adapt", "the master speaks another dialect", "it_speaks", set, "going_on_as", r)
	if g.Command == wire.CmdError { // it is the wrong release's fault, not the master's
		w.errorsGot--
	}
	w.hangUp("fin", "worker", "the master speaks "+set.String())
	w.adapted++
	w.over = false // its one connection is still to come
	w.restart(r, false)
	w.dialAt = 0
	return true
}
