package wire

// PositionRule is what workers of a release, from 1.13 on, make of a POSITION:
// the part of a [Follower] that a report can ask without running one.
type PositionRule struct{ has followTrait }

// PositionRuleOf is the rule of a release.
func PositionRuleOf(r Release) PositionRule { return PositionRule{followTraitsOf(r)} }

// Missed reports whether a POSITION from prev to token tells a worker that
// stands at current that it missed rows, which it then fetches. Where current is
// token there is nothing to ask for, and no query is made. Before 1.22 there is
// no prev.
func (p PositionRule) Missed(prev, token, current int64) bool {
	switch {
	case p.has&ftMissedToken != 0:
		return token != current
	case p.has&ftMissedPrev != 0:
		return prev != current
	}
	return current < prev || token < current
}

// Redundant reports whether a POSITION tells nothing new, so that it is thrown
// away; it never does where the token may go down, nor as the first one of its
// stream on a connection.
func (p PositionRule) Redundant(move Move, connected bool, token, current int64) bool {
	return p.has&ftRedundant != 0 && move == MoveMax && connected && token <= current
}
