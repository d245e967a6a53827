package profile

import "repltap/wire"

// meanings say in a sentence what a finding is and what comes of it.
var meanings = map[string]string{
	wire.CodeDirection:      "The sender of this command may not send it: the receiver answers with ERROR and closes.",
	wire.CodeUnknownCommand: "The receiver has no such command: it answers with ERROR and closes.",
	wire.CodeArity:          "The command has too few or too many arguments for the receiver to read.",
	wire.CodeInteger:        "There is no integer where the receiver needs one.",
	wire.CodeJSON:           "There is no JSON where the receiver needs it.",
	wire.CodeNaN:            "JSON holds NaN or Infinity, which receivers from 1.20 on refuse.",
	wire.CodeTooLong:        "The line is longer than 16,384 bytes: the receiver drops the connection.",
	wire.CodeNewline:        "There is a newline inside of a line, so what follows is read as another one.",
	wire.CodeUTF8:           "The line is not UTF-8, so the receiver can't read it.",
	wire.CodeNoSpace:        "A line without a space makes receivers up to 1.12 drop the connection without a word.",
	wire.CodeStateWord:      "USER_SYNC says neither start nor end, so the receiver can't read it.",
	wire.CodeNotReplication: "The peer speaks another protocol than replication: a wrong port, most likely.",
	wire.CodeMixedReleases:  "Worker and master are of releases that can't talk to each other.",

	wire.CodeLenientInteger: "An integer is written as no sender writes it; receivers take it.",
	wire.CodeCRLF:           "The line ends in CR LF, as no Synapse ends it.",
	wire.CodeBlank:          "The line is made of blanks; receivers ignore it.",
	wire.CodeTrailingSpace:  "There are blanks at the end of the line that no sender writes.",
	wire.CodeLenient:        "The line is written as no sender writes it; receivers take it.",
	wire.CodeDeviceSpace:    "A device id with a space in it makes USER_SYNC unreadable for the receiver.",

	wire.CodeRowShape:       "The row has not the shape that rows of this stream have in the receiver's release: it is logged and lost.",
	wire.CodeUnknownStream:  "The receiver's release has no such stream: the line is logged and lost.",
	wire.CodeBatchOpen:      "Rows wait for the one that brings their token, and it does not come: they are lost or get another's token.",
	wire.CodeBatchMixed:     "Rows of two writers are mixed in one group: receivers give all of them the token of the last.",
	wire.CodeTokenRegress:   "A token is not after one that receivers are at already, and no POSITION took them back: from 1.16 on they throw the row away.",
	wire.CodeDuplicateToken: "The same token came again: receivers from 1.16 on throw the row away.",
	wire.CodeGap:            "A POSITION begins after the last token that was seen: the receiver fetches what is between, of federation only if it sends that.",
	wire.CodeEarlyRdata:     "Rows came before the receiver waits for them: it throws them away.",
	wire.CodePositionOrder:  "A POSITION ends before it begins.",
	wire.CodeEmptySkip:      "A POSITION said that there were no rows where one came later: that row is thrown away.",
	wire.CodeEcho:           "A process got or sent back what it wrote itself, which is of no use to anybody.",
	wire.CodeSilence:        "Nothing was said for longer than the 25 s after which a peer is taken for dead.",
	wire.CodePingLate:       "Nothing was said for longer than a PING every 5 s allows.",
	wire.CodeServerName:     "The master is of another homeserver than the worker, which closes the connection.",
	wire.CodeOneSideMixed:   "One side writes like two different releases.",
	wire.CodeUnfollowed:     "A stream has more writers than the tap follows: the tokens of the others were not checked.",
	wire.CodeReset:          "A stream is at a lower token again, since its writer was started anew; normal for streams that are kept in memory.",
}
