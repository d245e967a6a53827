package analyze

import (
	"bytes"
	"hash/maphash"
	"slices"

	"repltap/journal"
	"repltap/wire"
)

// masked is the line as it is compared.
func (l *lens) masked(rec *journal.Record) []byte {
	if l.mask == nil {
		return rec.Data
	}
	if rec.Kind == journal.KindLine {
		if out, ok := l.mask.Line(l.buf[:0], rec.Data, &rec.Gist, wire.AllDialects); ok {
			if &out[0] != &rec.Data[0] {
				l.buf = out
			}
			return out
		}
	}
	// Nobody knows what of it is redacted; how long it is stays the same.
	l.buf = append(l.buf[:0], bytes.Repeat([]byte{'x'}, len(rec.Data))...)
	return l.buf
}

// whole is a line of which all is compared.
func (l *lens) whole(rec *journal.Record, lane string) {
	l.give(rec, lane, nil, &item{sum: maphash.Bytes(seed, l.masked(rec))})
}

// blank is bytes that were left out as they could have held a secret: how many is
// compared. Mostly it is the beginning of a line at the end of a connection, which
// another journal may have.
func (l *lens) blank(rec *journal.Record) {
	lane := laneFragment
	if rec.Event.Lines > 0 {
		lane = "(redacted)"
	}
	x := bytes.Repeat([]byte{'x'}, int(min(rec.Event.Bytes, 1<<20)))
	l.give(rec, lane, nil, &item{sum: maphash.Bytes(seed, x)})
}

// rowOf is the sum of a row's JSON.
func (l *lens) rowOf(rec *journal.Record) uint64 {
	data := l.masked(rec)
	return maphash.Bytes(seed, data[max(0, len(data)-len(rec.Gist.Row)-1):]) | 1
}

// sum is that of numbers.
func (l *lens) sum(numbers ...uint64) uint64 {
	l.hash.SetSeed(seed)
	for _, n := range numbers {
		var b [8]byte
		for i := range b {
			b[i] = byte(n >> (8 * i))
		}
		l.hash.Write(b[:])
	}
	return l.hash.Sum64()
}

// firstPosition is how the lane of the first POSITION of a stream is named.
const firstPosition = "first POSITION "

// What sums begin with.
const (
	sumRow = iota
	sumBatch
	sumPosition
	sumSubscribe
	sumAck
)

func (l *lens) rdata(rec *journal.Record) {
	g := &rec.Gist
	if g.Form == wire.FormUnclear {
		l.whole(rec, "RDATA (unclear)")
		return
	}
	l.row(rec, l.rowOf(rec))
}

// row is a row, with the sum of its JSON.
func (l *lens) row(rec *journal.Record, sum uint64) {
	g := &rec.Gist
	it := item{row: sum, token: g.Token}
	s := l.stand(rec)
	if s != nil && !s.known && slices.Contains(l.begun, string(g.Stream)) {
		s.known, s.token = g.HasToken, g.Token
		return
	}
	if g.Batch {
		it.flags |= itemBatch
		it.sum = l.sum(sumBatch, it.row)
		if s != nil && g.Form == wire.FormRdata3 && len(s.held) < maxHeld {
			l.hold(rec, s, &it)
			return
		}
		l.give(rec, "", g.Stream, &it)
		return
	}
	it.flags |= itemToken
	if s != nil {
		if !s.first && g.Form == wire.FormRdata3 {
			it.flags |= itemCaughtUp
		}
		if s.first && !s.beyond {
			if s.beyond = g.Token > s.token; !s.beyond {
				it.flags |= itemSaid
			}
		}
		s.known, s.token = true, g.Token
		l.release(rec, s, g.Token, true)
	}
	l.rowSum(&it)
	l.give(rec, "", g.Stream, &it)
}

// rowSum makes the sum of a row with a token.
func (l *lens) rowSum(it *item) {
	if l.rebased {
		it.flags |= itemShifted
		it.sum = l.sum(sumRow, it.row)
		return
	}
	it.sum = l.sum(sumRow, it.row, uint64(it.token))
}

// hold lets a row of a batch wait for its token.
func (l *lens) hold(rec *journal.Record, s *stand, it *item) {
	it.seq, it.time, it.text = rec.Seq, rec.Time, rec.Data
	it.keep()
	s.held = append(s.held, *it)
	if len(s.held) == 1 {
		s.record = journal.Record{Conn: rec.Conn, Dir: rec.Dir, Worker: rec.Worker}
		s.record.Gist.Stream, s.record.Gist.Instance = bytes.Clone(rec.Gist.Stream), bytes.Clone(rec.Gist.Instance)
	}
}

// release gives the rows that waited, with the token that has come or as they
// were.
func (l *lens) release(rec *journal.Record, s *stand, token int64, has bool) {
	for i := range s.held {
		it := &s.held[i]
		if has {
			it.token, it.flags = token, itemToken|itemKept
			l.rowSum(it)
		}
		l.laneName("", rec.Gist.Stream, l.instance(&rec.Gist))
		l.yield(rec, l.name, it)
	}
	s.held = s.held[:0]
}

// close forgets a connection.
func (l *lens) close(id uint64) {
	c := l.conns[id]
	if c == nil {
		return
	}
	l.cutOff(id, wire.S2C)
	l.cutOff(id, wire.C2S)
	for _, dir := range c.lanes {
		for _, s := range dir {
			l.release(&s.record, s, 0, false)
		}
	}
	delete(l.conns, id)
}

// finish is the end of the journal.
func (l *lens) finish() {
	for id := range l.conns {
		l.close(id)
	}
}

func (l *lens) position(rec *journal.Record) {
	g := &rec.Gist
	if g.Form == wire.FormUnclear {
		l.whole(rec, "POSITION (unclear)")
		return
	}
	it := item{flags: itemToken, token: g.Token}
	s := l.stand(rec)
	if s == nil {
		it.sum = l.sum(sumPosition, uint64(g.Token), uint64(g.Prev), uint64(g.Form))
		l.give(rec, "", g.Stream, &it)
		return
	}
	implied, beyond := s.known && s.token == g.Token, s.known && s.token > g.Token
	first := !s.first
	s.known, s.first, s.token = true, true, g.Token
	switch {
	case first && l.ranged:
	case first:
		it.flags |= itemFirst
		switch {
		case implied:
			it.flags |= itemImplied
		case beyond:
			it.flags |= itemBehind
		}
		l.give(rec, firstPosition, g.Stream, &it)
	case implied:
	case l.rebased:
		it.flags |= itemShifted
		it.sum = l.sum(sumPosition)
		l.give(rec, "", g.Stream, &it)
	default:
		it.sum = l.sum(sumPosition, uint64(g.Token))
		l.give(rec, "", g.Stream, &it)
	}
}

// replicate is one lane a stream: in which order a worker asks is arbitrary.
func (l *lens) replicate(rec *journal.Record) {
	g := &rec.Gist
	switch {
	case l.joined():
		if l.aside != nil {
			l.aside(rec)
		}
	case g.Form == wire.FormReplicateBare:
		l.give(rec, "REPLICATE", nil, &item{})
	case g.Form == wire.FormReplicateToken && l.played != wire.NoDirection && (l.played != rec.Dir || l.rebased):
		l.give(rec, "REPLICATE ", g.Stream, &item{})
	case g.Form == wire.FormReplicateToken:
		it := item{token: g.Token, sum: l.sum(sumSubscribe, uint64(g.Token))}
		if g.HasToken {
			it.flags |= itemToken
		}
		l.give(rec, "REPLICATE ", g.Stream, &it)
	default:
		l.whole(rec, "REPLICATE")
	}
}

// ack is FEDERATION_ACK, of which the token may have been moved.
func (l *lens) ack(rec *journal.Record) {
	g := &rec.Gist
	if !l.rebased || !g.HasToken {
		l.whole(rec, "FEDERATION_ACK")
		return
	}
	it := item{flags: itemToken | itemShifted, token: g.Token, sum: l.sum(sumAck, maphash.Bytes(seed, g.Instance))}
	l.give(rec, "FEDERATION_ACK", nil, &it)
}

// volatile is a line of which a field is different each time.
func (l *lens) volatile(rec *journal.Record) {
	g := &rec.Gist
	line := bytes.TrimSuffix(l.masked(rec), []byte{'\n'})
	parts := bytes.Split(line, []byte{' '})
	last := len(parts) - 1
	switch g.Form {
	case wire.FormUserSync3:
		parts[last] = nil
	case wire.FormUserSync4, wire.FormUserSync5, wire.FormUserSync6:
		parts[1], parts[last] = nil, nil
	case wire.FormPlain: // CLEAR_USER_SYNC, USER_SYNC_KEEPALIVE
		parts = parts[:1]
	case wire.FormUserIPText:
		parts[5] = nil
	case wire.FormUserIPJSON:
		parts = [][]byte{line}
		if i := bytes.LastIndexByte(line, ','); i >= 0 {
			parts[0] = line[:i]
		}
	}
	l.give(rec, g.Command.String(), nil, &item{sum: maphash.Bytes(seed, bytes.Join(parts, []byte{' '}))})
}
