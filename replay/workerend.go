package replay

import (
	"fmt"

	"repltap/journal"
	"repltap/wire"
)

// How a worker's connection ends.

// fate ends the connection if the follower wants that at once.
func (w *worker) fate() (ended bool) {
	switch c := w.conn; {
	case c == nil:
	case c.crashed != "":
		w.crashes++
		w.hangUp("fin", "worker", "exception: "+c.crashed)
	case c.aborted:
		w.hangUp("aborted", "worker", "it did not close in time")
	}
	return w.conn == nil
}

func (w *worker) lost(err error) {
	how := howEnded(err)
	note := ""
	if how == "error" {
		note = err.Error()
	}
	w.hangUp(how, "master", note)
}

// hangUp ends the connection, if there is one.
func (w *worker) hangUp(how, by, note string) {
	c := w.conn
	if c == nil {
		return
	}
	w.conn = nil
	if how == "aborted" {
		c.pump.abort()
	} else {
		c.pump.close()
	}
	now := w.clock.now()
	c.sent(now, c.pump.untold)
	if s := w.config.Scribe; s != nil {
		s.Close(now, c.number, journal.Event{How: how, By: by, Note: note, S2C: &c.s2c, C2S: &c.c2s})
	}
	w.ended(c.end(now, how, by, note))
	w.do(w.follower.Lost(c.id))
	if how == "killed" || how == "shutdown" {
		return
	}
	w.again(w.backoff.Next())
}

// end is the connection in the report.
func (c *workerConn) end(now int64, how, by, note string) WorkerEnd {
	e := WorkerEnd{Conn: c.number, Seconds: float64(now-c.began) / 1e9, How: how, By: by, Note: note, Last: commandText(c.last),
		Got: c.got, Said: c.said, Lines: c.lines, Rows: c.rows, S2C: c.s2c, C2S: c.c2s, CutOff: c.split.Held()}
	return e
}

func (w *worker) ended(e WorkerEnd) {
	if len(w.total.Ended) == maxEnds {
		w.total.Ended = append(w.total.Ended[:0], w.total.Ended[1:]...)
	}
	w.total.Ended = append(w.total.Ended, e)
	w.teller.say("ended", "the connection has ended", "connection", e.Conn, "how", e.How, "by", e.By, "last", e.Last)
}

// commandText is a line without its row or free text.
func commandText(line []byte) string {
	g := wire.GistOf(line)
	text := g.Command.String()
	if len(g.Stream) > 0 {
		text += fmt.Sprintf(" %s", g.Stream)
	}
	if len(g.Instance) > 0 {
		text += fmt.Sprintf(" %s", g.Instance)
	}
	switch {
	case len(line) == 0:
		return ""
	case g.Batch:
		text += " batch"
	case g.HasToken:
		text += fmt.Sprintf(" %d", g.Token)
	}
	return text
}
