// Package wire turns the bytes of Synapse's replication protocol into lines,
// commands and judgements, and back, for every release from 0.21 on.
//
// The one idea: a dialect is a row of a table, not code. What a command's
// arguments are, in which dialects, and who may send it stands in one table
// (grammar.go), what else differs between releases in a second one
// (release.go), and one parser, one writer and one detector walk them.
//
// Which function does what you want:
//
//   - bytes into lines, however they were chopped: [Splitter]
//   - what a line is about when the dialect does not matter (index, filter,
//     counter): [GistOf], which costs next to nothing
//   - the fields of a line: [Dialect.Parse] as the receivers of a dialect read
//     it, [Receiver.Parse] as those of one release do, [Dialect.ParseStrict]
//     for what real senders write, and [Parsed.Append] for the way back
//   - which dialect a connection speaks: [Detector]; what speaks something else
//     altogether: [Sniff]
//   - who may send what: [Dialect.Allows]
//   - what a receiver does with a line, and the words of its answer:
//     [Receiver.Judge] of one release, [DialectSet.Judge] of what a connection
//     may speak, [Eras] for all releases
//   - what of a connection may pass, for a tap that enforces: [Enforcer]
//   - what a worker of a release does with all it receives, over many
//     connections: [Follower]; when it connects again: [Backoff]
//   - what of a line may be kept, with pseudonyms for secrets: [Redactor]
//   - what a stream's rows hold, release by release: [StreamOf]
//   - all of it for one connection, with what is odd about it: [Conversation]
//
// The package opens no socket, starts no goroutine, reads no clock and logs
// nothing. Row JSON is checked but never decoded and written again: the bytes
// stay as they stood.
package wire
