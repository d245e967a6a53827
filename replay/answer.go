package replay

import (
	"context"
	"slices"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// answer is what a recorded master gave to a REPLICATE of up to 1.12: where the
// stream stood, and where in the journal the rows are that came before that was
// said. A database keeps of some streams only the newest row of each room or user,
// so that who asks for old rows is given fewer than were sent live.
type answer struct {
	from, upto int64 // the token that was asked from, and POSITION's
	high       int64 // the highest token of the rows
	rows       int
	now        bool   // it was asked from where the stream stood
	at, till   int64  // recorded times of the asking and of POSITION
	end        uint64 // the record of POSITION, 0 before it has come
	unclear    bool   // it can't be told which rows answered what
}

// answers are those of one connection, by stream.
type answers map[string]*answer

// asks takes in a REPLICATE. Of a stream that is asked for twice it is not known
// which rows answer which.
func (as *answers) asks(rec *journal.Record) {
	name := string(rec.Gist.Stream)
	switch a := (*as)[name]; {
	case name == "":
	case a != nil:
		a.unclear = true
	case len(*as) < maxStreams:
		if *as == nil {
			*as = answers{}
		}
		(*as)[name] = &answer{from: rec.Gist.Token, at: rec.Time, now: !rec.Gist.HasToken}
	}
}

// gives takes in RDATA or POSITION: up to POSITION all rows of a stream are of the
// answer, for those that are written meanwhile wait.
func (as answers) gives(rec *journal.Record) {
	a := as[string(rec.Gist.Stream)]
	switch {
	case a == nil || a.end != 0:
	case rec.Gist.Command == wire.CmdPosition:
		a.upto, a.till, a.end = rec.Gist.Token, rec.Time, rec.Seq
	case !rec.Gist.HasToken:
		a.unclear = true
	default:
		if a.rows++; a.rows == 1 || rec.Gist.Token > a.high {
			a.high = rec.Gist.Token
		}
	}
}

// answerTo is the recorded answer to a worker's REPLICATE of a stream, nil if there
// is none that is known whole.
func (r *Recorded) answerTo(stream string) *answer {
	if a := r.answers[stream]; a != nil && a.end != 0 && !a.unclear && r.Gaps == 0 && r.answers["ALL"] == nil {
		return a
	}
	return nil
}

// answered is the recorded connection whose answer goes as far as a fetch of today's
// worker does; nil if there is none.
func (m *master) answered(f Fetch) *Recorded {
	p := m.peers[f.Conn]
	if p == nil || p.plays == nil || m.rows.shift(f.Stream) != 0 {
		return nil
	}
	if a := p.plays.answerTo(f.Stream); a != nil && !a.now && a.upto == f.Upto && (a.from == f.From || max(a.from, f.From) < f.Upto) {
		return p.plays
	}
	return nil
}

// answerAgain gives the rows of a recorded answer to who asks as its worker did. Who
// asks from further on is given those that are newer, and who asks from further back
// also what was written before, as far as that is known.
func (p *Plan) answerAgain(ctx context.Context, r *Recorded, f Fetch) ([]Row, error) {
	a := r.answers[f.Stream]
	rows, err := p.recordedRows(ctx, r, f.Stream, a)
	switch {
	case err != nil || a.from == f.From:
		return rows, err
	case a.from < f.From:
		return slices.DeleteFunc(rows, func(row Row) bool { return row.Token <= f.From }), nil
	}
	before, err := p.past.missed(f.Stream, f.From, a.from, f.Limit)
	return append(before, rows...), err
}

// recordedRows reads the rows of an answer again.
func (p *Plan) recordedRows(ctx context.Context, r *Recorded, stream string, a *answer) ([]Row, error) {
	rows := make([]Row, 0, a.rows)
	f := journal.Filter{
		From: journal.Bound{At: time.Unix(0, a.at), Set: true}, To: journal.Bound{At: time.Unix(0, a.till+1), Set: true},
		Conns: []uint64{r.Conn}, Dir: wire.S2C, Streams: []string{stream}, Commands: []string{"RDATA"},
	}
	for rec, err := range p.reader.Records(ctx, f) {
		switch {
		case err != nil && !journal.IsPartial(err):
			return nil, err
		case err != nil || rec.Kind != journal.KindLine || rec.Seq >= a.end || rec.Seq < r.first:
		default:
			if len(rows) == a.rows {
				return rows, nil
			}
			rows = append(rows, Row{Token: rec.Gist.Token, JSON: append([]byte(nil), rec.Gist.Row...)})
		}
	}
	return rows, nil
}
