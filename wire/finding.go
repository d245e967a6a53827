package wire

// Finding is one thing that is odd about a line or a connection. Codes that
// begin with E- never appear on healthy traffic.
type Finding struct {
	Code    string `json:"code"`
	Detail  string `json:"detail,omitempty"`
	Verdict string `json:"verdict,omitempty"` // what a real receiver does with it: accept, ignore, log, error, drop
	Reply   string `json:"reply,omitempty"`   // the text of the ERROR line it answers with, which repeats of the line what that does

	// Count is for how many of its kind the finding stands, itself included, where
	// not all of them are told; 0: for itself alone.
	Count uint64 `json:"count,omitempty"`

	// Plain is Reply without what that repeats, and PlainDetail Detail where that
	// repeats something. They are not kept in journals.
	Plain       string `json:"-"`
	PlainDetail string `json:"-"`
}

// WithoutEcho is the finding with a Reply and a Detail that repeat nothing of the
// line: an ellipsis stands for what it leaves out.
func (f Finding) WithoutEcho() Finding {
	f.Reply = f.Plain
	if f.PlainDetail != "" {
		f.Detail = f.PlainDetail
	}
	return f
}

// answered is the finding with the ERROR line that it gets, which repeats
// nothing.
func (f Finding) answered(reply string) Finding {
	f.Verdict, f.Reply, f.Plain = ActError.String(), reply, reply
	return f
}

// The codes of findings and of parse errors.
const (
	CodeDirection      = "E-direction"       // its sender may not send this command
	CodeUnknownCommand = "E-unknown-command" // the receiver has no such command
	CodeArity          = "E-arity"           // too few or too many arguments
	CodeInteger        = "E-integer"         // not an integer where one belongs
	CodeJSON           = "E-json"            // not JSON where it belongs
	CodeNaN            = "E-nan"             // NaN or Infinity where they are refused
	CodeTooLong        = "E-toolong"         // longer than MaxLine
	CodeNewline        = "E-newline"         // a newline inside a line
	CodeUTF8           = "E-utf8"            // not UTF-8
	CodeNoSpace        = "E-no-space"        // up to 1.12 every line needs a space
	CodeStateWord      = "E-state-word"      // USER_SYNC with neither start nor end
	CodeNotReplication = "E-not-replication" // the peer speaks another protocol
	CodeMixedReleases  = "E-mixed-releases"  // worker and master are of releases that can't talk to each other

	CodeLenientInteger = "W-lenient-integer"   // an integer as no sender writes it
	CodeCRLF           = "W-crlf"              // the line ends in CR LF
	CodeBlank          = "W-blank"             // a line of blanks
	CodeTrailingSpace  = "W-trailing-space"    // blanks that no sender writes
	CodeLenient        = "W-lenient"           // otherwise unlike what senders write
	CodeDeviceSpace    = "W-device-with-space" // a device id with a space makes USER_SYNC unreadable

	CodeRowShape       = "W-row-shape"             // a row as no release of the dialect has it
	CodeUnknownStream  = "W-unknown-stream"        // no stream of the dialect
	CodeBatchOpen      = "W-batch-open"            // rows still wait for their token when that can't come any more
	CodeBatchMixed     = "W-batch-interleaved"     // rows of two writers in one group
	CodeTokenRegress   = "W-token-regress"         // a lower token than before, and no POSITION said so
	CodeDuplicateToken = "W-duplicate-token"       // the same token again
	CodeGap            = "W-gap"                   // POSITION begins after what was seen: a receiver would fetch
	CodeEarlyRdata     = "W-rdata-before-position" // rows that the receiver does not wait for yet
	CodePositionOrder  = "W-position-prev>new"     // POSITION ends before it begins
	CodeEmptySkip      = "W-position-empty-skip"   // POSITION said there were no rows, then one came
	CodeEcho           = "W-echo"                  // a process gets or sends back its own
	CodeSilence        = "W-silence"               // nothing for longer than the peer waits
	CodePingLate       = "W-ping-late"             // nothing for longer than PING allows
	CodeServerName     = "W-server-name"           // the master is of another homeserver than the worker
	CodeOneSideMixed   = "W-mixed-releases"        // one side writes like two releases
	CodeUnfollowed     = "W-unfollowed"            // too many writers to follow them all
	CodeReset          = "I-reset"                 // a stream begins at a lower token again
)
