package profile

import (
	"repltap/journal"
	"repltap/wire"
)

// AckRow is how far a federation sender was behind with telling that it stored
// what it was sent of the stream federation.
type AckRow struct {
	Worker    string `json:"worker" col:"worker"`
	Acks      int64  `json:"acks" col:"acks"`
	Acked     int64  `json:"acked" col:"acked"` // the last token
	Sent      Count  `json:"sent" col:"sent"`   // the last token that came to it
	Behind    Count  `json:"behind" col:"behind"`
	BehindMax Count  `json:"behind_max" col:"max"`
	DelayP50  Millis `json:"delay_p50_ms" col:"delay ms p50"` // from when its token came to anybody
	DelayMax  Millis `json:"delay_max_ms" col:"max"`
	Place            // of the most that it was behind, or else of the last ack
}

// acks follows FEDERATION_ACK.
type acks struct {
	by   map[string]*ackCount
	left int64
}

type ackCount struct {
	row   AckRow
	delay *histogram
}

// isClose says whether the entry ends a connection.
func isClose(e *entry) bool { return e.Kind == journal.KindClose }

func (a *acks) take(e *entry) {
	if !e.line() || e.Gist.Command != wire.CmdFederationAck || e.Dir != wire.C2S || !e.Gist.HasToken {
		return
	}
	n := a.by[e.conn.worker]
	if n == nil {
		if len(a.by) >= maxWorkers {
			a.left++
			return
		}
		n = &ackCount{row: AckRow{Worker: e.conn.worker, Sent: None, Behind: None, BehindMax: None}, delay: newHistogram(maxLagMicros)}
		a.by[e.conn.worker] = n
	}
	r := &n.row
	r.Acks++
	r.Acked = e.Gist.Token
	if r.BehindMax == None || r.BehindMax == 0 {
		r.Place = e.place()
	}
	for _, c := range e.conn.cursors {
		if c.writer.stream != "federation" || !c.known {
			continue
		}
		r.Sent, r.Behind = Count(c.high), Count(max(c.high-r.Acked, 0))
		if r.Behind > r.BehindMax {
			r.BehindMax, r.Place = r.Behind, e.place()
		}
		if first, ok := c.writer.came(r.Acked); ok && r.Acked > 0 {
			n.delay.add(max(e.at-first, 0) / microsecond)
		}
		break
	}
}

func (a *acks) finish(p *Profile) {
	p.Acks = []AckRow{}
	for _, name := range sortedKeys(a.by) {
		n := a.by[name]
		q := n.delay.quantiles()
		n.row.DelayP50, n.row.DelayMax = q.p50.millis(), q.max.millis()
		p.Acks = append(p.Acks, n.row)
	}
	p.leftOut("acks", a.left, "the first workers")
}
