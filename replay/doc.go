// Package replay plays one side of recorded conversations to a real peer, with
// the flow control that Synapse has on that side. It says what happened; what
// that means is for others to judge.
//
// The one idea: what the side does is a pure state machine, and what it does it
// with is not. The machines read no clock, open no socket and start no
// goroutine. Time is an argument, rows are asked for and answered, what the
// kernel took is told to them, and what they did is a list of events. So the
// same machine runs under a script, in a test or against a worker, and gives
// the same lines; testdata/traces says that these are Synapse's.
//
// Where things are:
//
//   - what differs between releases: traits.go, a table
//   - one connection's sending side, with its buffer, queue and keep-alive:
//     [Outbox], in outbox.go, drain.go and keepalive.go
//   - the master: [Streamer], in streamer.go. What workers send is receive.go,
//     a subscription of up to 1.12 subscribe.go, the loop that sends what was
//     written round.go, the rows it wants fetch.go, what is due by itself
//     timers.go
//   - what they all did: [Event], in event.go
//   - the time and the sockets, for whoever drives a machine: clock.go, pump.go
//   - a worker over a socket, which is [wire.Follower]'s driver: [RunWorker], in
//     worker.go. Its connection is workerconn.go and workerend.go, its life
//     workerlife.go, what the follower wants done
//     workereffect.go, where it begins workerstart.go, stalls and freezes
//     workerfault.go, what it believes workerreport.go, the HTTP endpoint that
//     it asks catchup.go
//
// # Driving it
//
// A [Streamer] has one owner, a goroutine that alone calls it, and waits for
// one thing after the other:
//
//   - the schedule. A recorded row is Wrote, with the position of its stream
//     after it, and Poke after the last row of a burst; a recorded POSITION that
//     moved is the same without rows. They come at their recorded times from the
//     start, divided by the speed. The times are absolute: what is late makes
//     nothing later. How late each was is the driver's to note.
//   - Next: keep-alive and the look for news, which are real time at any speed.
//     Advance is called with the time it is, not the time it was due.
//   - pieces that a reader brings: Receive. A reader is a goroutine a
//     connection, with a wire.Splitter. It ends when Outbox.Closing, and leaves
//     what has come unread: that makes the reset which Synapse's workers see.
//   - writers' reports: Took. A writer is a goroutine a connection. It is handed
//     Pending, makes one write that may take a part (syscall.RawConn has that),
//     and says how many bytes it took; only then is it handed more. Nothing is handed out between two calls
//     of one burst, since what Synapse writes in one go pauses a connection even
//     if the kernel had room for it.
//   - the ends of connections: Lost, after a reset, an end of file, an
//     EventDrop, an EventAbort, or a close when Outbox.Drained.
//
// After each call it takes the events. An EventFetch is answered by a source of
// rows, at once or later, with Answer or Fail: from the journal, which is
// looked up by when rows were written and not by their tokens, since in some
// streams and releases tokens go back within a burst. A page never ends inside
// a group of rows that share a token. The lines of EventLine are what goes to
// the worker; the second journal has them as the kernel took them, and the
// other events as what happened.
//
// At the highest speed the owner goes on to the next row only while no
// connection is paused, so that the queue is never used.
//
// Still to come, each in files of its own: that owner with its sockets, the
// schedule and the source of rows; the link in between; moving tokens and names;
// the HTTP endpoint; the worker's side.
package replay
