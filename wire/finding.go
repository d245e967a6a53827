package wire

// Finding is one thing that is odd about a line or a connection. Codes that
// begin with E- never appear on healthy traffic.
type Finding struct {
	Code    string `json:"code"`
	Detail  string `json:"detail,omitempty"`
	Verdict string `json:"verdict,omitempty"` // what a real receiver does with it: accept, ignore, log, error, drop
	Reply   string `json:"reply,omitempty"`   // the text of the ERROR line it answers with
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

	CodeLenientInteger = "W-lenient-integer" // an integer as no sender writes it
	CodeCRLF           = "W-crlf"            // the line ends in CR LF
	CodeBlank          = "W-blank"           // a line of blanks
	CodeTrailingSpace  = "W-trailing-space"  // blanks that no sender writes
	CodeLenient        = "W-lenient"         // otherwise unlike what senders write
)
