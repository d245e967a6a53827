// Package profile says in numbers what is in a journal.
//
// The one idea: a profile is a handful of tables, each the answer to one
// question that an operator has, all made in one reading of the journal. Every
// number is written down once, with the digits it is going to be shown with;
// whoever prints a profile, as text, JSON, CSV or a page, prints these digits.
//
// # How it is made
//
// [Take] reads the records in their order. An entry is a record with what is
// known of its connection. Collectors, of which each makes some of the tables,
// look at every entry and write into the [Profile] at the end. They don't know
// each other; what several of them need (who the worker is, where a connection
// stands in its streams) is kept once, with the connection.
//
// # Numbers
//
// Counts and bytes are exact. Quantiles come from HDR histograms of two
// significant digits, so each is within one percent of a value that was there;
// a max is exact. The clock of inter-arrival times, lags and lengths is the
// journal's: when a read of the tap returned. Things that came in one read came
// at the same time.
//
// A number that there is none of, as the median of nothing, is null in JSON,
// nothing in CSV, and a dash for people. It is never 0.
//
// # Memory
//
// It is bounded whatever the journal holds. Each table has a limit of rows; what
// is beyond it is counted together, in a row named "(other)". Connections keep
// their histograms only while they are open. Time series have at most 4,096
// slots, which grow wider as the journal goes on.
//
// # Where things are
//
//   - the result: profile.go; its rows stand with the collectors that make them
//   - numbers and their digits: number.go; rows as tables, for whoever prints
//     them: table.go
//   - what a reader should see first, out of the tables: highlights.go
//   - the reading: take.go, entry.go; in a goroutine of its own: ahead.go
//   - which connections are one worker: ../namesake, namesakes.go
//   - where connections and workers stand in the streams, once for all who want
//     to know: track.go, trackstep.go, trackmarks.go. From that: tokens.go, positions.go, lags.go, catchups.go,
//     acks.go; where rows stopped coming: quiet.go, pulse.go; streams of which nothing came: silence.go
//   - how connections went: listener.go (signs of life), stalls.go, endings.go
//   - when it happened: series.go (slots that double in width), timeline.go,
//     bursts.go
//   - what fills the wire: rowpicks.go (where in a row it stands), sketch.go
//     (counting by name in bounded memory), talkers.go, naming.go; who gets it and
//     needs it not: receivers.go, fanout.go; long lines: lengths.go
//   - what is odd: findings.go, meanings.go
//   - presence sessions: usersync.go, sessions.go, sessionrows.go
//   - what every breakdown has, counts and histograms: volume.go, breakdown.go,
//     breakdownrows.go
package profile
