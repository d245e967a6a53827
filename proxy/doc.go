// Package proxy is the tap: it stands between workers and their master, passes
// every byte on, and hands a copy to a recorder. It looks at no byte, unless it
// was asked to enforce.
//
// The one idea is to forward first and record second. A copier reads from one
// socket, stamps the time, writes to the other socket, and only then hands the
// same memory to the recorder. No parser, no disk and no lock of the recorder
// stands between the two sockets.
//
// Begin with [Tap], whose Serve is the whole life of it, and [Recorder], which
// feeds a [Sink] such as a journal.Scribe. The Recorder is closed after Serve
// has returned: first the copiers end, then what is queued is drained.
//
// # Goroutines
//
// Each has one owner, which waits for it:
//
//	Serve        accepts; while the upstream is down, probes it instead
//	  sentinel   one for the tap: hears of resets that no copier would notice
//	  link       one a connection: dials (accepting never does), starts the
//	             copiers, decides what the end of one thing means for the rest
//	    copier   two a connection, one for each direction
//	NewRecorder  starts the consumer, which Close waits for; it alone calls the Sink
//
// # What is passed on of TCP
//
//   - The bytes and their order. Where a read ended is where the sender paused:
//     no read of up to 32 KiB is cut by the tap's own memory.
//   - The end of one direction (FIN), while the other goes on.
//   - A reset, as a reset. What was read before it is delivered first, as long
//     as the reader takes it; a reader that takes nothing for half a second has
//     lost it, as it would on any connection. The journal has it in any case.
//     A peer that is gone without a word (keep-alive, about 90 s) is a reset to
//     the other side.
//   - A refusal. While the upstream can't be reached the tap's listening socket
//     is closed, so that workers are refused as the master would refuse them. A
//     tap that accepted and dropped would have them come back every 0.3 s for
//     ever, since a connection made starts their back-off anew.
//   - Back-pressure. There is no queue between the sockets, only the kernel's
//     buffers and one chunk in hand. When a write has to wait, the chunk goes to
//     the recorder before the waiting: the one exception to the order above, so
//     that what the other direction brings meanwhile is recorded after it.
//
// Socket buffers are fixed at 128 KiB, both ways, on both sockets, and asked for
// before connecting or listening so that the window scale fits. That is the
// smallest size at which a stream over loopback is as fast as with the kernel's
// own choice: with 64 KiB it begins to falter, and below that a receive window
// is smaller than loopback's segments and throughput falls to a fifth. Linux
// books twice what is asked for, so one direction of one connection holds at
// most [Buffering] bytes, 576 KiB, and in practice about 450.
//
// # Stalls
//
// A reader that stops is noticed when what the kernels hold between the tap and
// the reader's program is full, a write waits, and the reader's kernel takes
// nothing for a quarter of a second (see stallAfter). It is journalled then,
// while it lasts, from when the write began to wait, with what the kernels hold on
// both sides: what the sender sent and nobody reads (SIOCINQ), and what the reader
// does not take (SIOCOUTQ). A resume follows when the reader has taken something.
// If the connection ends before that, its end is the stall's and there is no
// resume. Metrics and Status show stalls that last. A copier whose writes do not
// wait does nothing for all this; only Linux says what its kernel holds.
//
// # Enforcing
//
// With Tap.Enforcer a gate stands between a read and the write, and the rest is as
// described. It is a wire.Enforcer, shared by the two copiers of a connection,
// which judges whole lines; what has no end yet is held back, at most a line's
// greatest length of it. The lines of one read that may pass are written in one
// go, and what was read is stamped and recorded as ever, the held-back beginning
// of a line too. At a line that may not pass:
//
//   - its copier ends, when what goes before it has been written, however long
//     the reader takes for that;
//   - then the other copier is stopped: it writes what it has in hand, and ends;
//   - then the sender gets the ERROR of the receiver whose place the tap takes, if
//     that would answer and what went to it before ends with a whole line;
//   - both sides get an end of file. For a second at most the tap goes on
//     reading, without keeping it, so that a reset does not take the answer back.
//     How much that was is in the note of the close.
//
// The refused line, and what came with it in the same read, was read and is on
// record; it counts as undelivered. On record are the refusal too, a finding,
// and the close ("enforced", by the tap). The answer is the tap's own and no
// traffic: it is told only without what it repeats of the line. The beginning
// of a line behind which its sender ends orderly is passed on with that end: no
// receiver makes anything of it.
//
// # Memory
//
// Copiers read into slabs of 128 KiB, and every chunk is a slice of one: nothing
// is copied, and many small reads share a slab. A slab goes back to a pool when
// the copier and the last chunk have let go of it. A copier holds one, so a
// connection costs 256 KiB, and connections are bounded by the file limit.
//
// The recorder's queue is bounded in bytes, 64 MiB unless told otherwise. Each
// chunk is charged its bytes and a fixed overhead. Notes of opening and ending
// are always taken, a few for each connection; should they alone come to twice
// the limit, with a sink that has stopped for good, further connections are
// only counted, and told as one when there is room.
//
// # When the sink is too slow
//
// The traffic wins, and what is missing is accounted for. A hole is worse than a
// hair's delay, though: a copier that finds the queue full waits up to 50 ms for
// room, after it has forwarded. If none comes, the recorder counts as stuck, and
// until the queue has fallen to half, chunks are left out without waiting. Their
// bytes, lines and times become a gap, which is told before the next chunk of
// that direction or with its end. Every chunk carries its offset in the stream,
// and the copiers count what they read on their own, so that
//
//	forwarded = journalled + gaps
//
// holds to the byte. With RecorderOptions.Block copiers wait for room instead.
//
// # Order
//
// The sink is told of a connection in the order of reading, both directions
// together, and time never goes back within one. Since copiers hand over late,
// an answer may be queued before its question; so what may have been overtaken
// is held back until that is known (a fraction of a second at most, if the
// machine lets a thread stand). The consumer is not woken for each chunk: it
// comes 10 ms after the first, or at once for 256 KiB, or for an end. At a few
// thousand short lines a second recording costs the forwarding nothing.
package proxy
