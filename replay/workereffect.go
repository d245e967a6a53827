package replay

import (
	"bytes"

	"repltap/wire"
)

// fetched answers one of the follower's fetches.
type fetched struct {
	id      int
	rows    []wire.FetchedRow
	token   int64
	limited bool
	err     error
	assumed *WorkerStream // nobody was there to ask: it is taken for empty
}

// do does what the follower wants done and counts what it did.
func (w *worker) do(effects []wire.Effect) {
	for i := range effects {
		w.one(&effects[i])
	}
	for len(w.assumed) > 0 {
		a := w.assumed[0]
		w.assumed = w.assumed[1:]
		effects := w.follower.Fetched(a.id, nil, a.token, false)
		for i := range effects {
			w.one(&effects[i])
		}
	}
}

func (w *worker) one(e *wire.Effect) {
	c := w.conn
	if c != nil && c.id != e.Conn {
		c = nil
	}
	switch e.Kind {
	case wire.EffectWrite:
		if c != nil {
			c.say(e.Line)
		}
	case wire.EffectClose:
		if c != nil {
			c.closing = true
			c.pump.stopReading()
		}
	case wire.EffectCrash:
		if c != nil {
			c.crashed = e.Text
		}
	case wire.EffectAbort:
		if c != nil {
			c.aborted = true
		}
	case wire.EffectFinished:
		w.backoff.Finished()
	case wire.EffectFetch:
		w.tally.note(e)
		if e.Query {
			w.fetch(e)
		}
	case wire.EffectDeliver, wire.EffectPosition, wire.EffectDropBatch, wire.EffectDiscard, wire.EffectFailed:
		w.tally.note(e)
	}
}

// say puts a line behind what is to be written.
func (c *workerConn) say(line []byte) {
	c.out = append(append(c.out, line...), '\n')
	if bytes.HasPrefix(line, []byte("ERROR ")) {
		c.said = errorText(line)
		c.w.errorsSaid++
		c.w.teller.say("said", "the worker says ERROR", "connection", c.number, "text", c.said)
	}
}

// fetch asks for rows. Where real workers ask their database there is none, so
// the endpoint is tried once, and without it nothing was missed.
func (w *worker) fetch(e *wire.Effect) {
	ask := fetched{id: e.Fetch, token: e.Token, assumed: w.tally.of(e.Stream, e.Instance)}
	if w.fetcher == nil {
		w.assume(ask)
		w.assumed = append(w.assumed, ask)
		return
	}
	client, life, stream, from, upto := w.fetcher, w.life, e.Stream, e.From, e.Token
	patient := fetchesOverHTTP(w.follower.Release(), stream)
	if patient {
		ask.assumed = nil
	}
	w.group.Go(func() {
		a := ask
		a.rows, a.token, a.limited, a.err = client.fetch(life, stream, from, upto, patient)
		if a.err != nil {
			a.token = upto
		}
		w.answers <- a // run, or await, takes it
	})
}

func (w *worker) assume(a fetched) {
	a.assumed.Assumed++
	w.teller.say("assumed", "rows that were missed are taken to be none, since there is no database to ask", "stream", a.assumed.Stream, "upto", a.token)
}

func (w *worker) answered(a fetched) {
	switch {
	case a.err == nil:
		w.do(w.follower.Fetched(a.id, a.rows, a.token, a.limited))
	case a.assumed != nil:
		w.assume(a)
		w.do(w.follower.Fetched(a.id, nil, a.token, false))
	default:
		w.teller.say("fetch", "rows that were missed could not be had", "error", a.err)
		w.do(w.follower.FetchFailed(a.id))
	}
	w.fate()
}
