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
//   - the time and the sockets, for whoever drives a machine: clock.go, pump.go,
//     socket_linux.go and socket_other.go; what is logged and not too often,
//     teller.go; Python's words, repr.go
//   - a worker over a socket, which is [wire.Follower]'s driver: [RunWorker], in
//     worker.go. Its connection is workerconn.go and workerend.go, its life
//     workerlife.go, what the follower wants done workereffect.go, where it begins
//     workerstart.go, what a recorded one was like like.go, stalls and freezes
//     workerfault.go, what it believes workerreport.go, the HTTP endpoint that it
//     asks catchup.go, which release it is workeradapt.go
//   - what is replayed: [Plan], in plan.go and choice.go, made of a look at the
//     recorded connections (census.go, habits.go, place.go) and of a reading
//     (reading.go, readingrows.go, rest.go) that turns records into what one master
//     did, an [Act] after the other. What is seen too late is parked.go, and what
//     workers were answered up to 1.12 answer.go
//   - a recorded master over sockets: [ServeMaster], in master.go and inbox.go. What
//     is due when is schedule.go, pacer_linux.go and pacer_other.go, what acts do play.go,
//     publish.go, overflow.go and silence.go, why one has to wait hold.go, what
//     workers say listen.go, who plays which connection match.go, connections
//     peer.go and ends.go, the end of it all over.go, the link in between link.go,
//     the rows written so far spool.go and spoolpage.go, those of them that are
//     asked for over HTTP rowserver.go (of typing the newest, typing.go), moved
//     tokens and names rewrite.go, the journal of the run notes.go, what it says of the run itself run.go, what came of it
//     result.go and lag.go
//   - recorded workers over sockets: [PlayWorkers], in asworker.go. What they did is
//     asworkerread.go, what acts do asworkeract.go, a connection asworkerconn.go, what
//     it reads asworkerlisten.go, how it ends asworkerend.go, what is said otherwise
//     asworkersay.go. Plan, schedule, feed, notes and result are those of the master's
//     role
//
// # Driving it
//
// A [Streamer] has one owner, a goroutine that alone calls it, and waits for
// one thing after the other. [ServeMaster] is one:
//
//   - the schedule. A recorded row is Published, a recorded POSITION that moved is
//     a Move, at their recorded times from the start, divided by the speed. The
//     times are absolute: what is late makes nothing later; how late each was is
//     noted. (Where rows have to be asked for, as in Synapse itself, it is Wrote
//     and Poke.) REPLICATE waits while a group of rows that share a token is being
//     sent: in Synapse that is done in one go.
//   - Next: keep-alive and the look for news, which are real time at any speed.
//     Advance is called with the time it is, not the time it was due.
//   - pieces that a reader brings: Receive. A reader is a goroutine a
//     connection, with a wire.Splitter. It ends when Outbox.Closing, and leaves
//     what has come unread: that makes the reset which Synapse's workers see.
//   - the kernel: Took. Pending is written by the owner itself, without waiting,
//     after each hundred acts, as many rows as Synapse sends between two looks at
//     its sockets; where the kernel is full, a goroutine waits till it is not.
//   - the ends of connections: Lost, after a reset, an end of file, an
//     EventDrop, an EventAbort, or a close when Outbox.Drained.
//
// After each call it takes the events. An EventFetch, which then only a
// subscription of up to 1.12 makes, is answered with the rows written so far, by
// their tokens, as a database does. The lines of EventLine are what goes to the
// worker; the second journal has them as the kernel took them, and the other
// events as what happened.
//
// At the highest speed the owner goes on to the next row only while no
// connection is paused, so that the queue is never used.
//
// # Playing workers
//
// [PlayWorkers] has an [Outbox] for each recorded connection, and needs no other
// machine: what a worker said is in the journal, and is said again whatever the
// master answers. Live is only what depends on now:
//
//   - PING, and the end of a connection whose master is silent. A recorded silence
//     that is too long for a worker which lives is a freeze: it happens again, if
//     the link is as recorded, and what came of it comes about by itself. It lasts as
//     long as the speed says: at a higher one the master may not notice it.
//   - connections. The first has to be made before anything is due; a later one is
//     tried again with the pauses of the release, as long as the recorded one lasted,
//     and its lines wait. What is due when the master has gone is not said at all:
//     a worker comes back when the recorded one did, and not before.
//   - the end. Whom the recorded worker left it leaves; what the master ended is the
//     master's to end again, until the worker comes back or all is over.
//
// ERROR lines of a recorded worker are said at their time like others, unless it has
// closed by itself by then. Time stamps stay as they were, so that the bytes do, unless
// [Retell] moves them.
//
// At the highest speed no times are kept, and only questions and answers have an order:
// after REPLICATE a worker waits for the streams that answered the recorded one, and it
// leaves when the master says nothing more. What stands between is said at once.
package replay
