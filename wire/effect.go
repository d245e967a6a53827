package wire

// EffectKind says what a [Follower] did, or what is to be done for it.
type EffectKind uint8

// The effects. Each names the fields of Effect that it fills.
const (
	// To be done by whoever drives it.
	EffectWrite EffectKind = iota // send Line and a newline on Conn
	EffectClose                   // close Conn once all is sent; nothing of it is read any more
	EffectCrash                   // close Conn at once: an exception, named in Text. It counts as lost
	EffectAbort                   // reset Conn, which did not close in time
	EffectFetch                   // ask for Stream's rows of Instance after From up to Token; unless Query, there is nothing to ask

	// Done.
	EffectIgnored   // Conn is being closed: what came was not read
	EffectDeliver   // Rows of Stream, with Token, were taken in; Fetched ones or live ones
	EffectPosition  // Stream has caught up to Token
	EffectHold      // a row waits for the one that closes its batch: now Count wait
	EffectDropBatch // Rows that waited were thrown away
	EffectDiscard   // Command on Stream was thrown away; Why says why
	EffectFailed    // POSITION on Stream was given up; Why says why
	EffectFinished  // all streams that Conn asked for have caught up
	EffectServerUp  // a server, in Text, is up again

	numEffects
)

var effectNames = [numEffects]string{"write", "close", "crash", "abort", "fetch", "ignored", "deliver", "position",
	"hold", "drop-batch", "discard", "failed", "finished", "server-up"}

// String is the effect's name: "deliver".
func (k EffectKind) String() string {
	if k < numEffects {
		return effectNames[k]
	}
	return ""
}

// Reason is why a [Follower] threw a command away or gave it up.
type Reason uint8

// The reasons.
const (
	ReasonNone          Reason = iota
	ReasonOwnEcho              // the worker itself is named as its writer
	ReasonUnknownStream        // the release has no such stream
	ReasonNotConnected         // no POSITION of the stream came on the connection
	ReasonOldToken             // its token is not after the current one
	ReasonBadRow               // the row does not fit the stream
	ReasonRedundant            // a POSITION that brings nothing new
	ReasonFetchFailed          // the rows that were missed could not be had
	ReasonBadFetchedRow        // one of them does not fit the stream
	ReasonCutShort             // a POSITION came before the row that has the token of the group

	numReasons
)

var reasonNames = [numReasons]string{"", "own-echo", "unknown-stream", "not-connected", "old-token", "bad-row",
	"redundant-position", "fetch-failed", "bad-row-in-fetch", "batch-cut-short"}

// String is the reason's name: "old-token".
func (r Reason) String() string {
	if r < numReasons {
		return reasonNames[r]
	}
	return ""
}

// Effect is one thing that a [Follower] did, or that is to be done for it. Its
// slices are valid until the next call, and may alias what was received.
type Effect struct {
	Kind    EffectKind
	Why     Reason
	Command Command // CmdRdata or CmdPosition: what it was about
	Batch   bool    // RDATA without a token of its own
	Fetched bool    // rows from a fetch, not live ones
	Query   bool    // a fetch that has to be answered
	Late    bool    // thrown away when it was its turn, not when it came

	Conn     int
	Stream   string
	Instance string // "" up to 1.12
	Token    int64
	Prev     int64 // POSITION from 1.22
	From     int64
	Current  int64 // the token that an old one was compared with
	Count    int   // rows held, or thrown away
	Fetch    int   // the number under which a fetch is answered
	Line     []byte
	Text     string
	Rows     [][]byte // the JSON of each, as an array
}
