package wire

// followTrait is something workers do in some releases and not in others with
// what they receive; what differs in reading lines is in [trait].
type followTrait uint32

const (
	// Up to 1.12 a worker asks for each stream from where it stands, and takes
	// whatever comes. Batches that are not complete belong to the connection.
	ftSubscribes   followTrait = 1 << iota
	ftFinishes                 // it notes when all that it asked for has caught up
	ftRowOnArrival             // rows are read when they come, not when it is their turn
	ftOldTokens                // a row whose token is not new is thrown away

	// When a POSITION means that rows were missed.
	ftMissedToken // its token is not ours
	ftMissedPrev  // it does not begin at our token
	ftMissedRange // our token is not in it

	ftRedundant     // a POSITION that brings nothing new is thrown away
	ftUnknownRaises // a POSITION of an unknown stream takes the connection down
	ftPerInstance   // each writer of a stream has its own token
	ftFederationOne // the federation stream's token is kept; later it counts as 0
	ftServerUp      // the process hears by a command that a server is up again
	ftRelays        // and tells its other connections
	ftAcks          // senders acknowledge the federation stream
)

// followTraits says from which release on a trait holds, and before which one
// it ended. How lines are written the grammar says.
var followTraits = []struct {
	trait         followTrait
	since, before Release
}{
	{ftFinishes, release(0, 99, 3), release(1, 13, 0)},
	{ftRowOnArrival, release(1, 13, 0), release(1, 18, 0)},
	{ftOldTokens, release(1, 16, 0), unreleased},
	{ftMissedToken, release(1, 13, 0), release(1, 22, 0)},
	{ftMissedPrev, release(1, 22, 0), release(1, 96, 0)},
	{ftMissedRange, release(1, 96, 0), unreleased},
	{ftRedundant, release(1, 97, 0), unreleased},
	{ftUnknownRaises, release(1, 97, 0), unreleased},
	{ftPerInstance, release(1, 14, 0), unreleased},
	{ftFederationOne, 0, release(1, 13, 0)},
	{ftServerUp, release(1, 13, 0), release(1, 96, 0)},
	{ftRelays, release(1, 13, 0), release(1, 80, 0)},
	{ftAcks, 0, release(1, 13, 0)},
	{ftAcks, release(1, 14, 0), unreleased},
}

func followTraitsOf(r Release) (has followTrait) {
	if r.Subscribes() {
		has = ftSubscribes
	}
	for _, t := range followTraits {
		if t.since <= r && r < t.before {
			has |= t.trait
		}
	}
	return has
}

// Move says what becomes of a stream's token when a worker is given one.
type Move uint8

// The moves.
const (
	MoveUsual Move = iota // as in the worker's release
	MoveMax               // it never goes down
	MoveSet               // it is as given
	MoveZero              // nothing: the worker takes it for 0, always
)

// Keying says whose tokens a worker keeps for a stream.
type Keying uint8

// The keyings.
const (
	KeyUsual    Keying = iota // as in the worker's release
	KeyStream                 // one for the stream, whoever writes
	KeyInstance               // one for each writer
	KeyWriters                // one for each writer, as WriterPositions has them
)

// StreamRule is how a worker keeps a stream's tokens.
type StreamRule struct {
	Move Move
	Key  Keying
}

// StreamRuleOf is how workers of a release keep a stream's tokens.
func StreamRuleOf(r Release, stream string) StreamRule {
	has := followTraitsOf(r)
	rule := StreamRule{Move: MoveMax, Key: KeyStream}
	if has&ftPerInstance != 0 {
		rule.Key = KeyInstance
	}
	if s := streamsByName[stream]; s != nil && s.Tokens&TokensInMemory != 0 {
		rule.Move = MoveSet
	}
	switch stream {
	case "typing":
		rule.Key = KeyStream
	case "federation":
		rule.Key = KeyStream
		if has&ftFederationOne == 0 {
			rule.Move = MoveZero
		}
	}
	return rule
}

// or puts what the release does where the rule leaves it open.
func (r StreamRule) or(usual StreamRule) StreamRule {
	if r.Move == MoveUsual {
		r.Move = usual.Move
	}
	if r.Key == KeyUsual {
		r.Key = usual.Key
	}
	return r
}
