package analyze

import (
	"bytes"
	"hash/maphash"
	"slices"

	"repltap/journal"
	"repltap/wire"
)

// item is a line as it is compared.
type item struct {
	sum   uint64 // of all that is compared
	row   uint64 // of the row's JSON alone, 0 without one
	seq   uint64
	time  int64
	token int64
	flags itemFlags
	text  []byte // the line: that of the record, until it is kept
}

type itemFlags uint8

const (
	itemToken   itemFlags = 1 << iota // it has a token of its own
	itemBatch                         // it says "batch" for a token
	itemFirst                         // the first POSITION of a stream on a connection
	itemImplied                       // a POSITION that only says what rows before it have said
	itemShifted                       // its token may be off by what others of its lane are
	itemKept                          // its text is its own
)

// maxText is how much of a line is kept to be shown.
const maxText = 240

// keep makes an item outlive its record.
func (it *item) keep() {
	if it.flags&itemKept != 0 {
		return
	}
	it.flags |= itemKept
	text := bytes.TrimSuffix(it.text, []byte{'\n'})
	it.text = bytes.Clone(text[:min(len(text), maxText)])
}

// laneOther is the lane of lines whose lane would be one too many.
const laneOther = "\x00other"

// maxLanes bounds the lanes of one direction of a connection, and maxHeld the
// rows of a batch that wait for their token.
const (
	maxLanes = 4096
	maxHeld  = 20_000
)

// seed is that of all sums.
var seed = maphash.MakeSeed()

// lens makes items of one journal's records, the same ones at each reading.
type lens struct {
	filter journal.Filter // on commands, streams, instances and direction
	mask   *wire.Redactor
	played wire.Direction // of a run: what came from the journal; else none
	ranged bool           // connections may have begun before what is read

	noServer, rebased bool
	rename            map[string]string // instances, in the recorded journal

	conns map[uint64]*lensConn
	hash  maphash.Hash
	name  []byte
	buf   []byte
	yield func(rec *journal.Record, name []byte, it *item)
	aside func(rec *journal.Record) // of what is counted and not compared; may be nil
}

// lensConn is what a lens remembers of a connection that is open.
type lensConn struct {
	lanes [2]map[string]*stand
}

// stand is where a lane's stream stands, in a run.
type stand struct {
	known, first bool
	token        int64
	held         []item // rows of a batch, up to 1.12
	record       journal.Record
}

func (c *comparer) lens(side int) *lens {
	l := &lens{filter: c.opts.Filter, conns: map[uint64]*lensConn{}}
	l.ranged = c.filter(side).From.Set
	if c.mask != wire.RedactNone {
		l.mask = wire.NewMask(c.mask)
	}
	if c.run == nil {
		return l
	}
	l.played, l.noServer, l.rebased = c.run.played(), c.run.ServerName != "", c.run.Rebased
	l.ranged = c.filter(0).From.Set
	if side == 0 {
		l.rename = c.run.Rename
	}
	if len(c.run.Streams) > 0 && len(l.filter.Streams) == 0 {
		l.filter.Streams = c.run.Streams
	}
	if len(c.run.Instances) > 0 && len(l.filter.Instances) == 0 {
		l.filter.Instances = c.run.Instances
	}
	return l
}

// conn is what is remembered of a connection.
func (l *lens) conn(id uint64) *lensConn {
	c := l.conns[id]
	if c == nil {
		c = &lensConn{}
		l.conns[id] = c
	}
	return c
}

// take makes items of a record and gives them to yield. Data of items is valid
// until the next call.
func (l *lens) take(rec *journal.Record) {
	switch {
	case rec.Kind == journal.KindClose:
		l.close(rec.Conn)
	case rec.Kind == journal.KindGap && rec.Event.Reason == journal.ReasonRedacted && l.played == wire.NoDirection && rec.Dir != wire.NoDirection && l.wanted(rec):
		l.blank(rec)
	case rec.Data == nil || rec.Headless || rec.Dir == wire.NoDirection, !l.wanted(rec):
	case rec.Kind == journal.KindFragment:
		if l.played == wire.NoDirection { // where a line is cut off is the kernel's doing
			l.whole(rec, "(fragment)")
		}
	case rec.Kind == journal.KindLine:
		l.line(rec)
	}
}

// wanted says whether the filter lets a line be compared. What is no line of a
// stream is left out when it asks for streams.
func (l *lens) wanted(rec *journal.Record) bool {
	f := &l.filter
	return (f.Dir == wire.NoDirection || f.Dir == rec.Dir) &&
		(len(f.Commands) == 0 || slices.Contains(f.Commands, string(rec.Gist.Name))) &&
		(len(f.Streams) == 0 || slices.Contains(f.Streams, string(rec.Gist.Stream))) &&
		(len(f.Instances) == 0 || slices.Contains(f.Instances, l.instance(&rec.Gist)))
}

// instance is the writer that a line names, as the other journal calls it.
func (l *lens) instance(g *wire.Gist) string {
	if to, ok := l.rename[string(g.Instance)]; ok {
		return to
	}
	return string(g.Instance)
}

func (l *lens) line(rec *journal.Record) {
	g := &rec.Gist
	switch {
	case g.Command == wire.CmdPing:
		return
	case l.played != wire.NoDirection && l.played != rec.Dir:
		l.answer(rec)
		return
	}
	switch g.Command {
	case wire.CmdServer:
		if !l.noServer {
			l.whole(rec, "SERVER")
		}
	case wire.CmdName:
		if l.played == wire.NoDirection {
			l.whole(rec, "NAME")
		}
	case wire.CmdRdata:
		l.rdata(rec)
	case wire.CmdPosition:
		l.position(rec)
	case wire.CmdReplicate:
		l.replicate(rec)
	case wire.CmdUserSync, wire.CmdClearUserSync, wire.CmdUserSyncKeepalive, wire.CmdUserIP:
		l.volatile(rec)
	case wire.CmdUnknown:
		l.whole(rec, "(unknown)")
	default:
		l.whole(rec, g.Command.String())
	}
}

// answer is a line of the side that was not played from the journal.
func (l *lens) answer(rec *journal.Record) {
	switch g := &rec.Gist; {
	case g.Command == wire.CmdError:
		l.whole(rec, "ERROR")
	case g.Command == wire.CmdReplicate && rec.Dir == wire.C2S:
		l.replicate(rec)
	case g.Command == wire.CmdPosition && rec.Dir == wire.S2C:
		if s := l.stand(rec); s != nil && !s.first {
			s.first = true
			l.give(rec, "POSITION ", g.Stream, &item{})
		}
	case g.Command == wire.CmdName || g.Command == wire.CmdServer:
	case l.aside != nil:
		l.aside(rec)
	}
}

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
	lane := "(fragment)"
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

// What sums begin with.
const (
	sumRow = iota
	sumBatch
	sumPosition
	sumSubscribe
)

func (l *lens) rdata(rec *journal.Record) {
	g := &rec.Gist
	if g.Form == wire.FormUnclear {
		l.whole(rec, "RDATA (unclear)")
		return
	}
	it := item{row: l.rowOf(rec), token: g.Token}
	s := l.stand(rec)
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
	implied := s.known && s.token == g.Token
	first := !s.first
	s.known, s.first, s.token = true, true, g.Token
	switch {
	case first && l.ranged:
	case first:
		it.flags |= itemFirst
		if implied {
			it.flags |= itemImplied
		}
		l.give(rec, "first POSITION ", g.Stream, &it)
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

// stand finds where the lane of a stream stands; nil between recordings, where
// that makes no difference, and for a lane too many.
func (l *lens) stand(rec *journal.Record) *stand {
	if l.played == wire.NoDirection {
		return nil
	}
	lanes := &l.conn(rec.Conn).lanes[rec.Dir-wire.S2C]
	if *lanes == nil {
		*lanes = map[string]*stand{}
	}
	l.laneName("", rec.Gist.Stream, l.instance(&rec.Gist))
	s := (*lanes)[string(l.name)]
	if s == nil && len(*lanes) < maxLanes {
		s = &stand{}
		(*lanes)[string(l.name)] = s
	}
	return s
}

func (l *lens) laneName(prefix string, stream []byte, instance string) {
	l.name = append(append(l.name[:0], prefix...), stream...)
	if instance != "" {
		l.name = append(append(l.name, 0), instance...)
	}
}

// give gives an item of a lane that is named by a prefix, the stream and, for
// lines that are about one, the writer.
func (l *lens) give(rec *journal.Record, prefix string, stream []byte, it *item) {
	it.seq, it.time, it.text = rec.Seq, rec.Time, rec.Data
	instance := ""
	if stream != nil && rec.Gist.Command != wire.CmdReplicate {
		instance = l.instance(&rec.Gist)
	}
	l.laneName(prefix, stream, instance)
	l.yield(rec, l.name, it)
}
