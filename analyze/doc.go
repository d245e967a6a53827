// Package analyze says what journals mean: what two of them have in common, and
// how they differ.
//
// The one idea: order counts only where the protocol gives it a meaning. A
// journal is taken apart into lanes, each of which is what one side of one
// connection said about one stream of one writer, and lanes are compared, not
// files. Within a lane every line has its place; between lanes there is no order
// to keep, and none is asked for.
//
// # Comparing
//
// [Compare] reads two journals, the recorded and the replayed one, side by side.
// The result is a [Comparison] with a verdict:
//
//   - same: all that counts came again, in order and in time
//   - different: it did not; each [Difference] names its place in both journals
//   - inconclusive: it can't be told, for something is missing in a journal (a
//     gap, damage), the replay could not keep its schedule, was interrupted or
//     lacked something in its own process, or
//     there is nothing to compare, as the journals are of different dialects or
//     workers. That goes before different. The beginning of a
//     line that redaction left out where a connection was cut off is no gap.
//
// Differences are of five kinds: a line (or a whole connection) is missing, is
// extra, is reordered, is changed, or is late. Neighbours in a lane that are
// missing, extra or late for one reason are one difference with a count.
//
// # What counts
//
// Never: PING, as to both number and data; the instance ids of USER_SYNC and
// CLEAR_USER_SYNC, which every process makes up; the time stamps of USER_SYNC and
// USER_IP; pseudonyms, where the journals were redacted with different keys or to
// different degrees (what is redacted at the higher of both levels is then not
// looked at); whether REPLICATE has its trailing space.
//
// Between two recordings all else counts, in both directions. In a run of a
// replay (see [journal.Run]) one side was played from the journal, and the other was
// somebody new, of whom the same can't be asked:
//
//   - of a POSITION the token counts, and where it stands among the rows, if it
//     moves the stream: one that says what the rows before it have said is sent
//     for reasons that a replay may lack, as when another worker connects. The
//     first of a stream on a connection answers REPLICATE, which a new worker
//     sends a moment sooner or later: it may stand among the first rows where it
//     agrees with them, but neither after rows beyond it, nor before rows that it
//     says already and that came before it.
//   - up to 1.12 a row may come as catch-up, with a token of its own, or live, in
//     a batch: the token counts with which its group ends.
//   - a worker was asked nothing but to follow. What its own users made it say
//     (USER_SYNC, USER_IP and others) is counted and not compared, and so is
//     FEDERATION_ACK, since how many rows go with one is up to the worker. Its
//     ERRORs count, but for those after the master's own, which the master does not
//     read.
//   - up to 1.12 it counts that a worker asks for the streams that the recorded one
//     asked for, and not with which tokens: of the rows with which it is caught up,
//     those count that both have asked for. Streams that only the new one asked for
//     are not compared, nor is federation where only the recorded one did, for it is
//     asked for by those that send to other servers. Notes say so.
//   - a master that a worker is played to has rows of its own: which streams it
//     answers for counts, and its ERRORs. How many rows came is told. At the highest
//     speed it does not count whether it ended a connection in order or with a reset.
//   - of a run of the master, recorded workers that did not come are left out, with a
//     note; one that was there and did not come back is missing, and so are those that
//     the run waited for. A recorded worker that is played is missing wherever its
//     connection could not be made, or was made and never answered.
//   - that its sender paused is no difference where both connections end as those do
//     that were not read for too long: whoever recorded need not have seen the pause.
//   - where a run does not begin with the journal, its connections begin with a
//     greeting and with REPLICATE of their own, of which the recording has none there:
//     SERVER, REPLICATE and its first answers are not compared.
//   - with rebased tokens a stream and writer may be off by any number, if it
//     stays the same, and so may FEDERATION_ACK. Names that were rewritten (of the
//     server, of instances) are rewritten for the comparison too.
//
// Connections are matched by the name of the worker and their order. Where one
// journal has more of them, those are left over that have the least in common;
// where a worker has another name in a run, or nearly all it was told is the same,
// it is taken for the one that is absent.
//
// How a connection ended counts, and which side ended it, unless both did at once
// (within 200 microseconds, which is less than an answer takes). In a run, a
// connection that the worker ended then is not ended by the worker of today: if
// the run went on to its own end, that is no difference but a note.
//
// # Time
//
// A line is late if it came later than recorded by more than Options.Late, both
// from the beginning of its connection and from that of all that is compared. A
// replay's times are its own, and the recorded ones are divided by its speed; at
// the highest speed, which keeps no times, and on the side that was not played,
// nothing is late. Sooner is never a difference. How long a stream took to catch
// up, from REPLICATE to POSITION, is a time that no speed scales; at the highest,
// where answers stand behind all that is sent at once, it may take ten times
// Options.Late longer.
//
// Pauses of a second or more are compared one by one where both journals saw them
// from the same place; of a run and a recording it counts whether there are any.
// How long a queue became counts where both know it. Both may be a quarter off.
//
// # Memory
//
// Both journals are read twice, the first time to learn which connections and
// lanes there are. What one of them has and the other has not shown yet waits, at
// most 250,000 lines in all (maxWaiting). A lane that is out of step is looked at
// 65,536 lines at a time (maxWindow): what moved further than that is missing here
// and extra there, which [Comparison] says in Notes. Where too much waits, lanes out of step
// are settled sooner, and rows that have only their tokens in common have changed. If connections lie so far
// apart in the two journals that too much waits, they are read by themselves, in
// more passes; if that is so of a single one, the comparison is inconclusive.
//
// # Where things are
//
//   - the result, and Compare: compare.go; differences: comparedifference.go
//   - what a line is compared by: compareitem.go, comparesums.go; which lines
//     are: comparelens.go; what was asked for otherwise:
//     compareasked.go
//   - the first reading: comparesurvey.go; who is compared with whom:
//     comparepair.go, comparepartner.go, compareabsent.go; what a run says of itself: comparerun.go;
//     how much took place: comparecoverage.go
//   - the second: comparepass.go; one lane: comparelane.go; out of
//     step: comparemeet.go, comparealign.go; what that means: comparesort.go
//   - lateness and lag: comparetimes.go; the rest: comparecatchup.go,
//     comparepauses.go, comparestops.go, compareending.go, the verdict: compareverdict.go,
//     and the page: comparehtml.go
package analyze
