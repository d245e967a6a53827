package analyze

import (
	"fmt"
	"strings"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// Ending is how two connections ended.
type Ending struct {
	Worker   string `json:"worker"`
	Same     bool   `json:"same"`
	Recorded *Ended `json:"recorded,omitempty"`
	Replayed *Ended `json:"replayed,omitempty"`
}

// Ended is how a connection ended.
type Ended struct {
	Conn    uint64 `json:"conn"`
	How     string `json:"how"` // "fin", "reset", …; "open": it had not
	By      string `json:"by,omitempty"`
	Error   string `json:"error,omitempty"`
	Note    string `json:"note,omitempty"`
	AfterUs int64  `json:"after_us"`           // since it began
	LastS2C string `json:"last_s2c,omitempty"` // the last lines but PING
	LastC2S string `json:"last_c2s,omitempty"`
	Seq     uint64 `json:"seq,omitempty"`
}

// endingSide collects it.
type endingSide struct {
	open bool
	Ended
	time  int64
	eof   [2]int64  // when either side ended its sending
	first string    // who did so first
	last  [2][]byte // the last lines but PING
}

// EndOfReplay is the note of connections that a run ended itself, when all was
// played: nobody's doing in the recording.
const EndOfReplay = "end of the replay"

// EndAsRecorded is the note of a connection that a run ended where the recorded
// worker went away, so that today's comes back as that one did.
const EndAsRecorded = "the recorded worker went away, and came back"

// atOnce is how close two ends are of which neither answers the other. The
// quickest answer in the captures of real processes took 440 microseconds.
const atOnce = 200 * time.Microsecond

// event takes in the end of a direction or a connection.
func (e *endingSide) event(rec *journal.Record) {
	ev := rec.Event
	e.Seq, e.time = rec.Seq, rec.Time
	if rec.Kind == journal.KindEOF && rec.Dir != wire.NoDirection && e.eof[rec.Dir-wire.S2C] == 0 {
		e.eof[rec.Dir-wire.S2C] = rec.Time
		if e.first == "" {
			e.first = ev.By
		}
	}
	if rec.Kind == journal.KindClose {
		e.open, e.Error, e.Note = false, ev.Error, ev.Note
		if ev.How != "error" || e.How == "" { // how a side ended is known, if what was for it then could not be written
			e.How, e.By = ev.How, ev.By
		}
	} else if e.How == "" || e.How == "fin" && ev.How != "fin" {
		e.How, e.By, e.Error = ev.How, ev.By, ev.Error
	}
	if e.How == "fin" && e.first != "" {
		e.By = e.first // the other one only answered
	}
}

// line remembers the last line of either direction.
func (e *endingSide) line(rec *journal.Record) {
	if rec.Gist.Command == wire.CmdPing {
		return
	}
	text := rec.Data[:min(len(rec.Data), maxText)]
	e.last[rec.Dir-wire.S2C] = append(e.last[rec.Dir-wire.S2C][:0], text...)
}

func trimLine(s string) string { return strings.TrimSuffix(s, "\n") }

func shownLine(data []byte) string { return trimLine(string(data[:min(len(data), maxText)])) }

// known says whether the connection ended by itself: neither because whoever
// wrote the journal stopped or was killed, nor in a way that nobody knows.
func (e *endingSide) known() bool {
	switch e.How {
	case "", "unknown", "shutdown", journal.HowCut:
		return false
	}
	return !e.open
}

func (v *surveyed) ended() *Ended {
	e := v.ending.Ended
	e.Conn = v.id
	if v.ending.open {
		e.How = "open"
	} else if e.How == "" {
		e.How = "unknown"
	}
	if v.ending.time != 0 {
		e.AfterUs = (v.ending.time - v.first) / 1000
	}
	e.LastS2C, e.LastC2S = shownLine(v.ending.last[0]), shownLine(v.ending.last[1])
	return &e
}

// sameEnd says whether two connections ended in the same way, and who did it. In
// a run that is so, too, if one of them was only cut off, as what it lacks is told
// line by line.
func (c *comparer) sameEnd(a, b *surveyed) bool {
	x, y := &a.ending, &b.ending
	if c.thrownOut(x, y) {
		return false
	}
	if c.run != nil && (!x.known() || !y.known() || c.unended(x, y)) {
		return true
	}
	if c.run != nil && ofWorker(c.run) && c.run.Speed == 0 && x.By == "master" && y.By == "master" {
		return true // without times, what the master had not read then is an accident
	}
	return x.open == y.open && x.How == y.How && (x.By == y.By || x.both() || y.both())
}

// thrownOut says whether a master reset a played worker's connection, which was there
// to the end of the recording, or of what is known of it: then a played worker leaves
// by itself. A master that ends it in order when it has nothing more to say may be one
// that is replayed, and has come to its end.
func (c *comparer) thrownOut(x, y *endingSide) bool {
	return c.run != nil && ofWorker(c.run) && c.run.Speed > 0 && !x.known() && y.known() && y.By == "master" && y.How == "reset" && y.Note == ""
}

// unended says whether whoever ended the recorded connection is not the one who
// was played, and did not do it again: a process that was stopped then is not
// stopped again, and the run went on to its own end or ended the connection for it.
func (c *comparer) unended(x, y *endingSide) bool {
	other := "worker"
	if ofWorker(c.run) {
		other = "master"
	}
	return x.By == other && y.By != other && (y.Note == EndOfReplay || y.Note == EndAsRecorded)
}

// both says whether both sides ended at once, so that who was first is an
// accident.
func (e *endingSide) both() bool {
	if e.eof[0] == 0 || e.eof[1] == 0 {
		return false
	}
	between := e.eof[1] - e.eof[0]
	return max(between, -between) < int64(atOnce)
}

// told is a pair as it is told.
func (p *pairing) told() Pair {
	out := Pair{Worker: p.worker}
	for side, v := range p.conns {
		if v == nil {
			continue
		}
		n := v.lines[0] + v.lines[1]
		if side == 0 {
			out.Recorded, out.Lines = v.id, n
		} else if out.Replayed = v.id; p.conns[0] == nil {
			out.Lines = n
		}
	}
	return out
}

// ended tells of connections that ended in another way.
func (c *comparer) ended(pairs []*pairing, found *differences) {
	for _, p := range pairs {
		a, b := p.conns[0], p.conns[1]
		if a == nil || b == nil || c.sameEnd(a, b) {
			continue
		}
		was, is := a.ended(), b.ended()
		found.add(&Difference{Kind: Changed, What: AboutEnding, Count: 1, Worker: p.worker,
			Recorded: &Place{Seq: was.Seq, Conn: a.id, Time: timeOf(a.ending.time), Line: was.LastS2C},
			Replayed: &Place{Seq: is.Seq, Conn: b.id, Time: timeOf(b.ending.time), Line: is.LastS2C},
			Detail:   endingText(was, is)})
	}
}

// endingText says what is different about two endings.
func endingText(was, is *Ended) string {
	if was.How == is.How {
		return fmt.Sprintf("it ended with %s, and was recorded to end with %s: who ended it is another", is, was)
	}
	return fmt.Sprintf("it ended with %s, and was recorded to end with %s", is, was)
}

// String is the ending in a few words.
func (e *Ended) String() string {
	out := e.How
	if e.By != "" {
		out += " by " + e.By
	}
	return out
}

// endings tells how all connections ended.
func (c *comparer) endings(pairs []*pairing) {
	var hows []string
	outlived := map[string][]uint64{} // connections that did not end as the recorded ones did, by how those did
	for _, p := range pairs {
		e := Ending{Worker: p.worker}
		if v := p.conns[0]; v != nil {
			e.Recorded = v.ended()
		}
		if v := p.conns[1]; v != nil {
			e.Replayed = v.ended()
		}
		e.Same = e.Recorded != nil && e.Replayed != nil && c.sameEnd(p.conns[0], p.conns[1])
		if e.Same && c.run != nil && p.conns[0].ending.known() && c.unended(&p.conns[0].ending, &p.conns[1].ending) && p.conns[1].ending.Note == EndOfReplay {
			if how := e.Recorded.String(); outlived[how] == nil {
				hows = append(hows, how)
			}
			outlived[e.Recorded.String()] = append(outlived[e.Recorded.String()], e.Recorded.Conn)
		}
		c.out.Endings = append(c.out.Endings, e)
	}
	for _, how := range hows {
		c.note(fmt.Sprintf("recorded %s ended with %s, and nobody did that in the run, which went on to its end", listed("connection", outlived[how]), how))
	}
}
