package replay

import "repltap/wire"

// trait is something that a master's sending side does in some releases and
// not in others, apart from how lines are written.
type trait uint16

const (
	traitSubscribes     trait = 1 << iota // REPLICATE asks for one stream; rows go to those who asked for it
	traitBatchRaises                      // rows of a batch that came during a subscription end it
	traitBehindTypo                       // a stream has "fallen behined"
	traitLengthChecked                    // a line over wire.MaxLine is not sent
	traitUpByNotifier                     // REMOTE_SERVER_UP goes to the notifier, which tells all
	traitUpToOthers                       // REMOTE_SERVER_UP is passed on to all others
	traitPositionPrev                     // POSITION has two tokens
	traitPolls                            // a master that writes events looks for news every second
	traitEmptyEvents                      // events moved without rows: POSITION
	traitEmptyAll                         // any stream moved without rows: POSITION
	traitRestAnnounced                    // the last row is below the position: POSITION
	traitLooksFirst                       // what did not move up is not queried
	traitRoundAnnounces                   // REPLICATE is answered by the next round
)

// traits says from which release on a trait holds and before which one it
// ended. How lines are written the grammar says; how far behind a stream may be
// is below.
var traits = []struct {
	trait         trait
	since, before wire.Release
}{
	{traitBatchRaises, wire.MustRelease("0.21.0"), wire.MustRelease("0.99.3")},
	{traitBehindTypo, wire.MustRelease("0.21.0"), wire.MustRelease("0.33.5")},
	{traitLengthChecked, wire.MustRelease("0.99.2"), unreleased},
	{traitUpByNotifier, wire.MustRelease("1.9.0"), wire.MustRelease("1.13.0")},
	{traitUpToOthers, wire.MustRelease("1.13.0"), wire.MustRelease("1.80.0")},
	{traitPolls, wire.MustRelease("1.22.0"), unreleased},
	{traitEmptyEvents, wire.MustRelease("1.22.0"), unreleased},
	{traitEmptyAll, wire.MustRelease("1.76.0"), unreleased},
	{traitRestAnnounced, wire.MustRelease("1.78.0"), unreleased},
	{traitLooksFirst, wire.MustRelease("1.96.0"), unreleased},
	{traitRoundAnnounces, wire.MustRelease("1.97.0"), unreleased},
}

// unreleased stands for what no release has ended.
const unreleased = ^wire.Release(0)

func traitsOf(r wire.Release) (has trait) {
	if r.Subscribes() {
		has |= traitSubscribes
	}
	if r.Writes(wire.FormPosition4) {
		has |= traitPositionPrev
	}
	for _, t := range traits {
		if t.since <= r && r < t.before {
			has |= t.trait
		}
	}
	return has
}

// How many rows a stream may be behind up to 1.12, and how many rows a master
// asks for at once from 1.13 on.
const (
	behindLimit     = 10_000
	behindLimit1_12 = 500_000
	pageRows        = 100
)

var since1_12 = wire.MustRelease("1.12.0")

func behindLimitOf(r wire.Release) int {
	if r >= since1_12 {
		return behindLimit1_12
	}
	return behindLimit
}
