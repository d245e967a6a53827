package wire

// TokenRule is what workers of a release, from 1.13 on, make of the tokens of
// rows and POSITIONs: the part of a [Follower] that a report can ask without
// running one.
type TokenRule struct{ has followTrait }

// TokenRuleOf is the rule of a release.
func TokenRuleOf(r Release) TokenRule { return TokenRule{followTraitsOf(r)} }

// Discards says why a worker that stands at current throws rows with a token
// away; ReasonNone if it takes them in. It is connected to the stream once a
// POSITION of it came on the connection.
func (p TokenRule) Discards(connected bool, token, current int64) Reason {
	switch {
	case p.has&ftSubscribes != 0:
	case !connected:
		return ReasonNotConnected
	case p.has&ftOldTokens != 0 && token <= current:
		return ReasonOldToken
	}
	return ReasonNone
}

// Missed reports whether a POSITION from prev to token tells a worker that
// stands at current that it missed rows, which it then fetches. Where current is
// token there is nothing to ask for, and no query is made. Before 1.22 there is
// no prev.
func (p TokenRule) Missed(prev, token, current int64) bool {
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
func (p TokenRule) Redundant(move Move, connected bool, token, current int64) bool {
	return p.has&ftRedundant != 0 && move == MoveMax && connected && token <= current
}

// firstOldTokens is the first dialect some release of which throws rows away
// whose token is not new; in those after it all do.
const firstOldTokens = v1_14

// DiscardsOldTokens reports whether workers of some, and of all, releases that
// speak one of the dialects throw rows away whose token is not new.
func DiscardsOldTokens(set DialectSet) (some, all bool) {
	return set.Last() >= firstOldTokens, set.First() > firstOldTokens
}
