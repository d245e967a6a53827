package profile

import (
	"repltap/analyze/namesake"
	"repltap/journal"
	"repltap/wire"
)

// entry is a record with what is known of its connection.
type entry struct {
	*journal.Record
	at     int64       // nanoseconds since the journal's start
	conn   *connection // nil for what is about the recording itself
	stream int         // which one a line names, by its number; 0 for none
	step   step        // what it did to the tokens of a stream
	torn   bool        // what was before it can't be read
}

// line says whether the entry is a line of the protocol.
func (e *entry) line() bool { return e.Kind == journal.KindLine }

// place is where the entry stands.
func (e *entry) place() Place {
	return Place{Seq: e.Seq, Conn: e.Conn, At: At(e.at), Time: Time(e.Time)}
}

// connection is what is known of a connection so far. It is kept until the
// connection is closed.
type connection struct {
	id     uint64
	named  string // what it calls itself anywhere in the file, "" when it does not
	worker string // the same, as far as it is shown
	// key is what the worker is counted under. It is the name, but for connections
	// of which there are two of one name at a time, and "" for those without one.
	key    string
	own    string // what alone gives for one without a name, once it was asked for
	apart  Count  // the number of such a connection, else None
	opened int64  // Unix nanoseconds; the first record's time where the open is not in what is read
	whole  bool   // its open was read

	life  *life // which process it is; nil while nobody asked
	again bool  // the worker had a connection before

	receiving *receiving // what it gets; the receivers'
	hearing   hearing    // when rows came; the quiet's

	// Where it stands in the streams; the tracker's.
	cursors []*cursor
	cursor  *cursor  // of the line before: mostly it is that of the next one too
	asked   askedFor // REPLICATE without a stream
	joined  int64    // such REPLICATEs of anybody before it
	greeted bool     // it was read from the master's greeting on, without a gap
	heard   bool     // something of the master was read
	answers int64    // POSITIONs that came

	// The answer to its REPLICATE; the announced's.
	answering int64 // when the last POSITION of it came
	answered  bool  // all of it did

	sides [2]sideState // by who sends: s2c, c2s
	speak *wire.Detector
}

// maxWorkerName is how many bytes of a name are shown: it may be as long as a line.
const maxWorkerName = 200

// connection finds the connection of a record.
func (t *taking) connection(rec *journal.Record) *connection {
	if c := t.recent; c != nil && c.id == rec.Conn {
		return c
	}
	c := t.conns[rec.Conn]
	if c == nil {
		c = &connection{id: rec.Conn, opened: rec.Time, whole: rec.Kind == journal.KindOpen, apart: None}
		t.conns[rec.Conn] = c
	}
	t.recent = c
	return c
}

// see learns what a record says of the connection, and says whether it is
// another worker's from now on.
func (c *connection) see(rec *journal.Record, names *namesake.Set) bool {
	if rec.Worker == "" || rec.Worker == c.named {
		return false
	}
	c.named, c.worker = rec.Worker, clip(rec.Worker, maxWorkerName)
	c.key = c.worker
	if names.Has(c.id) {
		c.key, c.apart = c.worker+" "+connKey(c.id), Count(c.id)
	}
	return true
}

// alone is what a connection is counted under where those without a name are not
// one worker.
func (c *connection) alone() string {
	if c.key != "" {
		return c.key
	}
	if c.own == "" {
		c.own = connKey(c.id)
	}
	return c.own
}

// commandOf names the command of a line: as it stands there if a release has
// it. What none has goes by one name, since anything may stand there.
func commandOf(g *wire.Gist) string {
	if g.Command == wire.CmdUnknown {
		return unknownCommand
	}
	return g.Command.String()
}

// unknownCommand is the name of what is no command.
const unknownCommand = "(unknown)"
