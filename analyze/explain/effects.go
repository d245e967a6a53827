package explain

import (
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"repltap/analyze/profile"
	"repltap/journal"
	"repltap/wire"
)

// effects tells what a follower made of a line.
func (p *play) effects(st *WorkerStory, w *player, rec *journal.Record, effects []wire.Effect, current int64, was *Line) {
	token := p.question.Token
	for i := range effects {
		e := &effects[i]
		over := e.Token >= token && current < token
		switch e.Kind {
		case wire.EffectDeliver:
			switch {
			case e.Fetched:
			case e.Token == token:
				p.decide(st, rec, Delivered, "", current)
				st.rows(len(e.Rows))
				st.has(rec.Gist.Row)
			case over:
				p.decide(st, rec, Passed, fmt.Sprintf("a row with token %d came, and the worker was at %d", e.Token, current), current)
			}
		case wire.EffectDiscard:
			if e.Command == wire.CmdRdata && e.Token == token && !e.Batch {
				fate := Discarded
				if e.Why == wire.ReasonOwnEcho {
					fate = Own
				}
				p.decide(st, rec, fate, reason(e), current)
				st.rows(e.Count)
				if fate == Discarded {
					st.lacks(rec.Gist.Row)
				}
			}
		case wire.EffectFetch:
			if e.Query && e.From < token && token <= e.Token {
				p.decide(st, rec, WouldFetch, fmt.Sprintf("it was at %d, and asks for what is up to %d", e.From, e.Token)+away(was, rec), current)
			}
		case wire.EffectPosition:
			if over {
				p.decide(st, rec, Skipped, fmt.Sprintf("a POSITION took it from %d to %d without a row", current, e.Token), current)
			}
		case wire.EffectDropBatch:
			if over || e.Token == token {
				p.decide(st, rec, Discarded, fmt.Sprintf("a POSITION made it forget %d rows whose token had not come", e.Count), current)
			}
		case wire.EffectCrash, wire.EffectClose:
			if !slices.Contains(w.shut, rec.Conn) {
				w.shut = append(w.shut[max(0, len(w.shut)-maxConns+1):], rec.Conn)
				p.story.note("%s: a worker of Synapse %s would have closed connection %d at record %d.", named(w.name), p.release, rec.Conn, rec.Seq)
			}
		}
	}
}

// away says since when nothing had come to a worker, if it is on another
// connection now.
func away(was *Line, rec *journal.Record) string {
	if was == nil || was.Conn == rec.Conn {
		return ""
	}
	return fmt.Sprintf("; what came to it before was at +%ss on connection %d", was.At.Digits(), was.Conn)
}

// has and lacks note which of the rows with the token a worker took in, and which
// it threw away without having it.
func (st *WorkerStory) has(row []byte) {
	hash := xxhash.Sum64(row)
	st.lost = slices.DeleteFunc(st.lost, func(h uint64) bool { return h == hash })
	if len(st.got) < maxThen {
		st.got = append(st.got, hash)
	}
}

func (st *WorkerStory) lacks(row []byte) {
	hash := xxhash.Sum64(row)
	if len(st.lost) < maxThen && !slices.Contains(st.got, hash) && !slices.Contains(st.lost, hash) {
		st.lost = append(st.lost, hash)
	}
}

func (st *WorkerStory) rows(n int) { st.Rows = max(st.Rows, int64(n)) }

// weight orders fates: what is worth more stands, whatever came before or after.
var weight = map[string]int{Delivered: 9, Own: 8, Discarded: 6, WouldFetch: 5, Skipped: 3, Passed: 2, Had: 1, Waiting: 0}

// decide notes what became of the token. The first event of most weight decides;
// what a POSITION or row already went over is not gone over again.
func (p *play) decide(st *WorkerStory, rec *journal.Record, fate, why string, current int64) {
	l := lineOf(rec, p.start)
	if weight[fate] <= weight[st.Fate] {
		if len(st.Then) < maxThen && (fate == Delivered || fate == Discarded || fate == WouldFetch) {
			st.Then = append(st.Then, Event{fate, why, *l})
		}
		return
	}
	if st.Fate != Waiting && st.Line != nil && len(st.Then) < maxThen {
		st.Then = append(st.Then, Event{st.Fate, st.Why, *st.Line})
	}
	st.Fate, st.Why, st.Line, st.Current = fate, why, l, profile.Count(current)
	if fate == Had {
		st.Current = profile.None
	}
}

// reason is why a follower threw rows away, in words.
func reason(e *wire.Effect) string {
	switch e.Why {
	case wire.ReasonOwnEcho:
		return "it wrote it itself"
	case wire.ReasonUnknownStream:
		return "its release has no such stream"
	case wire.ReasonNotConnected:
		return "no POSITION of the stream had come on this connection"
	case wire.ReasonOldToken:
		return fmt.Sprintf("it is not after %d, where the worker was; up to 1.15 it is taken in", e.Current)
	case wire.ReasonBadRow:
		return "the row does not fit the stream in its release"
	}
	return e.Why.String()
}

func named(worker string) string {
	if worker == "" {
		return "a worker without a name"
	}
	return worker
}
