// Package explain tells the story of one token of a stream: who wrote it, when it
// came, what announced it, and what became of it at each worker.
//
// The one idea: what a worker makes of a token is not guessed but played. A
// wire.Follower of the release is shown what came over the worker's connections,
// line by line, and says itself whether it took the rows in, threw them away and
// by which rule, or would have had to fetch them.
//
// The journal is read twice: once for the writers, for the generations of their
// tokens and for what the traffic says of the release (writers.go), once for the
// workers (workers.go). What is kept is bounded: of writers and workers there are a
// few hundred, of lines the first few.
//
// What an explanation can't know: where a worker stood when its first line came,
// and what it fetched. The first POSITION that a worker gets is taken to be where
// it stands, and a fetch to bring nothing that matters here.
package explain
