package replay

import (
	"bytes"
	"context"

	"repltap/journal"
	"repltap/wire"
)

// Recorded is what is known of a recorded connection before it is replayed.
type Recorded struct {
	Conn           uint64
	Worker         string // what it called itself, "" when it did not
	Opened, Closed int64  // Unix nanoseconds; Closed is of its last record when it has no end
	Lines          [wire.C2S + 1]int64
	Server         string // what the master called itself
	Gaps           int    // places at which bytes are missing
	How, By        string // how it ended, and who ended it first; "" when that is not known
	LastError      string // of the master, without ERROR

	first, last uint64 // its records
	left        bool   // its worker sent no more
	trails      bool   // and after that the master still did
	habits             // of its worker
	asked       bool   // it has REPLICATE
	askedAt     int64  // when the first one came
	stalled     bool   // the worker stopped reading
	overflow    *overflow
	muteAt      int64 // since when the worker is silent, till the master gives it up; 0: it does not
	deafAt      int64 // since when it hears nothing, till it gives the master up
	answers     answers
	heard       int64  // lines that the worker was told, but for PING
	places      places // of what would have come next, in the streams that it has
	instances   map[string]int64

	detector  wire.Detector
	recent    recentLines
	fragments [wire.C2S + 1]fragments
	torn      int // gaps that cut a line and that no line has followed yet
}

// flawed: its times are those of its worker more than the master's.
func (r *Recorded) flawed() bool { return r.stalled || r.overflow != nil || r.Gaps > 0 }

// overflow is where a recorded connection got more than it took.
type overflow struct {
	hold  uint64 // the record from which on the master's own buffer held it
	tip   uint64 // the last that was not queued
	end   uint64 // the ERROR, or where the reset cut the stream
	at    int64  // the time of that
	reset bool
	part  []byte // what came of the last line

	first, last spot // rows: the first that was held and the last that was not queued
}

// recentLines are the last lines to a worker that together are more than the
// high water: at an overflow they were in the master's buffer.
type recentLines struct {
	list  []recentLine
	bytes int
}

type recentLine struct {
	seq   uint64
	bytes int
	spot  spot // of a row
}

func (r *recentLines) add(seq uint64, n int, at spot) {
	r.list = append(r.list, recentLine{seq, n, at})
	r.bytes += n
	drop := 0
	for r.bytes-r.list[drop].bytes > SynapseLimits.HighWater+wire.MaxLine {
		r.bytes -= r.list[drop].bytes
		drop++
	}
	if drop > 0 {
		r.list = append(r.list[:0], r.list[drop:]...)
	}
}

// rows are the first and the last of them that is a row.
func (r *recentLines) rows() (first, last spot) {
	for i := range r.list {
		if at := r.list[i].spot; at.stream != "" {
			if last = at; first.stream == "" {
				first = at
			}
		}
	}
	return first, last
}

// census finds out about the connections of a journal, up to where a filter ends. Its memory is a
// few hundred bytes for each, and for those that are open at one time their
// latest lines: about 100 KiB at most, and an over-long one while it comes (maxLong).
type census struct {
	conns map[uint64]*Recorded
	order []*Recorded
}

// takeCensus reads a journal once.
func takeCensus(ctx context.Context, r *journal.Reader, f journal.Filter) ([]*Recorded, error) {
	c := &census{conns: map[uint64]*Recorded{}}
	for rec, err := range r.InTime(ctx, journal.Filter{To: f.To}) {
		switch {
		case err != nil && !journal.IsPartial(err):
			return nil, err
		case err != nil:
			c.damaged()
		case rec.Conn != 0:
			c.record(rec)
		}
	}
	for _, r := range c.order {
		for dir := range r.fragments {
			r.fragments[dir].end()
		}
	}
	return c.order, ctx.Err()
}

// damaged: what is missing may be of any connection that is open.
func (c *census) damaged() {
	for _, r := range c.order {
		r.Gaps++
	}
}

func (c *census) record(rec *journal.Record) {
	r := c.conns[rec.Conn]
	if r == nil {
		r = &Recorded{Conn: rec.Conn, Opened: rec.Time, first: rec.Seq, places: places{}, instances: map[string]int64{}}
		c.conns[rec.Conn] = r
		c.order = append(c.order, r)
	}
	r.Closed, r.last = rec.Time, rec.Seq
	if rec.Worker != "" {
		r.Worker = rec.Worker
	}
	switch rec.Kind {
	case journal.KindLine:
		r.fragments[rec.Dir].gap()
		r.Lines[rec.Dir]++
		r.line(rec)
	case journal.KindFragment:
		if line := r.fragments[rec.Dir].fragment(rec); line != nil {
			r.Lines[rec.Dir]++
			r.line(line)
		}
	case journal.KindGap:
		r.fragments[rec.Dir].gap()
		if rec.Dir == wire.S2C && rec.Event.MidLine {
			r.torn++
		} else {
			r.Gaps++
		}
	case journal.KindStall:
		r.stalled = r.stalled || rec.Dir == wire.S2C
	case journal.KindEOF:
		r.fragments[rec.Dir].end()
		if rec.Dir == wire.C2S && rec.Event.By == "worker" {
			r.left = true
		}
		if r.How == "" || r.How == "fin" && rec.Event.How != "fin" {
			r.How, r.By = rec.Event.How, rec.Event.By
		}
	case journal.KindClose:
		r.fragments[wire.S2C].end()
		r.fragments[wire.C2S].end()
		if r.How == "" || r.How == "fin" && rec.Event.How != "fin" && rec.Event.How != "unknown" {
			r.How, r.By = rec.Event.How, rec.Event.By
		}
		r.closed(rec)
	}
}

func (r *Recorded) line(rec *journal.Record) {
	g := &rec.Gist
	r.detector.Observe(rec.Dir, rec.Data, g)
	if rec.Dir == wire.S2C && g.Command != wire.CmdPing {
		r.heard++
	}
	if rec.Dir == wire.C2S {
		if g.Command == wire.CmdReplicate {
			if !r.asked {
				r.asked, r.askedAt = true, rec.Time
			}
			r.answers.asks(rec)
		}
		if g.Command == wire.CmdError && errorOf(rec.Data) == pingTimeoutText {
			r.silent(rec.Time, false)
		}
		r.habits.speaks(rec)
		return
	}
	r.trails = r.left
	r.Gaps, r.torn = r.Gaps+r.torn, 0
	var at spot
	text := bytes.TrimSuffix(rec.Data, newline)
	switch g.Command {
	case wire.CmdServer:
		_, name := cutSpace(text)
		r.Server = string(name)
	case wire.CmdRdata, wire.CmdPosition:
		r.habits.position(g)
		r.answers.gives(rec)
		if s := r.places.see(g); g.Command == wire.CmdRdata {
			at = s
		}
		if n := r.instances[string(g.Instance)]; n > 0 || len(r.instances) < maxStreams {
			r.instances[string(g.Instance)] = n + 1
		}
	case wire.CmdError:
		switch r.LastError = errorOf(rec.Data); r.LastError {
		case keepUpText:
			r.overflowed(rec)
		case pingTimeoutText:
			r.silent(rec.Time, true)
		}
		return
	}
	r.recent.add(rec.Seq, len(rec.Data), at)
}

// errorOf is what an ERROR line says.
func errorOf(line []byte) string {
	_, why := cutSpace(bytes.TrimSuffix(line, newline))
	return string(why)
}

// maxStreams is more than any release has, for journals that mean no good.
const maxStreams = 256

const keepUpText = "Failed to keep up"

var newline = []byte{'\n'}

// overflowed finds out what was still with the master when an ERROR was
// written.
func (r *Recorded) overflowed(rec *journal.Record) {
	if n := len(r.recent.list); n > 0 {
		r.overflow = &overflow{hold: r.recent.list[0].seq, tip: r.recent.list[n-1].seq, end: rec.Seq, at: rec.Time}
		r.overflow.first, r.overflow.last = r.recent.rows()
	}
}

// closed: a master that resets a connection in the middle of a line has given it
// up with its worker's PING unread; nothing else in Synapse does that but being
// killed, and that takes the connections of all workers. What came of that line may
// have been left out of the journal for what it could hold.
func (r *Recorded) closed(rec *journal.Record) {
	r.habits.quiet(rec.Time)
	var part []byte
	if begun := r.fragments[wire.S2C].cut; begun != nil {
		part = begun.data
	}
	if r.overflow == nil && (r.torn > 0 || part != nil) && r.How == "reset" && r.By == "master" && r.recent.bytes > SynapseLimits.HighWater {
		r.overflow = &overflow{end: rec.Seq, at: rec.Time, reset: true, part: part}
		r.overflow.first, r.overflow.last = r.recent.rows()
	}
	r.recent = recentLines{}
}
