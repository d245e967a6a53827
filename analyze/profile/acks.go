package profile

import (
	"cmp"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// AckRow is how far a federation sender was behind with telling that it stored
// what it was sent of the stream federation. Its tokens start anew when the
// process that writes them does; acked, sent and behind are of the last of these
// generations. What acknowledges nothing at all has a row where it asked for the
// stream, as up to 1.12 only federation senders do, and, if rows waited for long,
// where no worker acknowledges anything.
type AckRow struct {
	Worker      string      `json:"worker" col:"worker"`
	Acks        int64       `json:"acks" col:"acks"`
	Generations int64       `json:"generations" col:"generations"`   // of the tokens
	Acked       Count       `json:"acked" col:"acked"`               // the last token
	Sent        Count       `json:"sent" col:"sent"`                 // the last token that came to it
	Behind      Count       `json:"behind" col:"behind"`             // tokens, up to the last row
	BehindMax   Count       `json:"behind_max" col:"max"`            // of all generations
	Waited      Seconds     `json:"waited_max_s" col:"waited s max"` // for an ack, while rows were there to acknowledge and the worker was connected
	DelayP50    AboutMillis `json:"delay_p50_ms" col:"delay ms p50"` // from when its token came to anybody
	DelayMax    Millis      `json:"delay_max_ms" col:"max"`
	Place                   // of the most that it was behind, or else of the last ack

	sender bool // it is known to send federation
}

// federationStream is the stream of which federation senders acknowledge tokens.
const federationStream = "federation"

// acks follows FEDERATION_ACK.
type acks struct {
	by   map[string]*ackCount
	any  bool // some worker acknowledged something
	left int64
}

type ackCount struct {
	row    AckRow
	delay  *histogram
	set    bool // something of the stream came
	writer *writer
	epoch  int64
	base   int64 // where the generation began: nothing up to it is owed
	last   int64 // the token of the last row
	owing  bool
	since  int64 // when it began to owe an ack
}

// isClose says whether the entry ends a connection.
func isClose(e *entry) bool { return e.Kind == journal.KindClose }

func (a *acks) take(e *entry) {
	switch s := &e.step; {
	case e.conn == nil:
	case isClose(e):
		if n := a.by[e.conn.alone()]; n != nil {
			n.settle(e.at)
			n.owing = false
		}
	case (s.kind == stepGroup || s.kind == stepPosition) && s.writer.stream == federationStream:
		if n := a.of(e); n != nil {
			n.sent(e)
		}
	case e.line() && e.Gist.Command == wire.CmdFederationAck && e.Dir == wire.C2S && e.Gist.HasToken:
		if n := a.of(e); n != nil {
			n.acked(e)
			a.any, n.row.sender = true, true
		}
	case e.line() && e.Gist.Form == wire.FormReplicateToken && string(e.Gist.Stream) == federationStream && e.Dir == wire.C2S:
		if n := a.of(e); n != nil {
			n.row.sender = true
		}
	}
}

func (a *acks) of(e *entry) *ackCount {
	key := e.conn.alone()
	n := a.by[key]
	if n == nil {
		if len(a.by) >= maxWorkers {
			a.left++
			return nil
		}
		n = &ackCount{row: AckRow{Worker: e.conn.worker, Acked: None, Sent: None, Behind: None, BehindMax: None}}
		a.by[key] = n
	}
	return n
}

// sent is a row or a POSITION that comes to a worker.
func (n *ackCount) sent(e *entry) {
	s, r := &e.step, &n.row
	if !n.set || n.writer != s.writer || n.epoch != s.epoch {
		n.settle(e.at)
		n.set, n.owing, n.writer, n.epoch = true, false, s.writer, s.epoch
		r.Generations++
		r.Acked, n.base = None, s.token
		if s.kind == stepGroup {
			n.base = s.token - 1
		}
		n.last, r.Sent = n.base, None
	}
	r.Sent = max(r.Sent, Count(s.token))
	if s.kind == stepGroup {
		n.last = max(n.last, s.token)
	}
	n.count(e)
}

// acked is what a worker says. A token that did not come to it is of another
// generation.
func (n *ackCount) acked(e *entry) {
	r := &n.row
	r.Acks++
	if r.BehindMax == None || r.BehindMax == 0 {
		r.Place = e.place()
	}
	token := e.Gist.Token
	if n.set && token > int64(r.Sent) {
		return
	}
	n.settle(e.at)
	n.owing = false
	r.Acked = max(r.Acked, Count(token))
	if !n.set {
		return
	}
	n.count(e)
	if first, ok := n.writer.came(token); ok && token > 0 {
		if n.delay == nil {
			n.delay = newHistogram(maxLagMicros)
		}
		n.delay.add(max(e.at-first, 0) / microsecond)
	}
}

// count says how far the worker is behind now.
func (n *ackCount) count(e *entry) {
	r := &n.row
	r.Behind = Count(max(n.last-max(n.base, int64(r.Acked)), 0))
	if r.Behind > r.BehindMax {
		r.BehindMax, r.Place = r.Behind, e.place()
	}
	if r.Behind > 0 && !n.owing {
		n.owing, n.since = true, e.at
	}
}

// settle notes how long an ack was owed.
func (n *ackCount) settle(at int64) {
	if n.owing {
		n.row.Waited = max(n.row.Waited, Seconds(at-n.since))
	}
}

func (a *acks) finish(p *Profile) {
	p.Acks = []AckRow{}
	for _, name := range sortedKeys(a.by) {
		n := a.by[name]
		n.settle(p.end())
		mute := n.row.Acks == 0
		if mute && (n.row.Waited == 0 || !n.row.sender && (a.any || n.row.Waited < muteAfter)) {
			continue
		}
		q := n.delay.quantiles()
		n.row.DelayP50, n.row.DelayMax = q.p50.about(), q.max.millis()
		p.Acks = append(p.Acks, n.row)
	}
	p.leftOut("acks", a.left, "the first workers")
}

// muteAfter is how long a federation sender takes at most to acknowledge what
// came to it, many times over.
const muteAfter = Seconds(time.Minute)

// acks is federation senders that acknowledge nothing. Where none does, one of those
// that got the rows may send federation.
func (h *highlighter) acks() {
	r := greatest(h.p.Acks, func(r *AckRow) int64 { return int64(r.Waited) })
	switch {
	case r == nil || r.Waited < muteAfter:
	case !r.sender:
		h.note("acks", r.Place, "Rows of federation came to %s, and none acknowledged any, for %s s at most: a federation sender does.",
			many(int64(len(h.p.Acks)), "worker"), r.Waited.Digits())
	default:
		h.problem("acks", r.Place, "Federation sender %s acknowledged nothing for %s s while rows of federation waited for it; it is %s behind.",
			cmp.Or(r.Worker, "(no name)"), r.Waited.Digits(), many(max(int64(r.Behind), 0), "token"))
	}
}
