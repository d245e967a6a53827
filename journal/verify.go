package journal

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"repltap/wire"
)

// Report is what Verify found. Its JSON is that of `verify --format json`.
type Report struct {
	OK          bool       `json:"ok"`
	Files       int        `json:"files"`
	Blocks      int        `json:"blocks"`
	Records     int64      `json:"records"` // as Reader.Records gives them
	Bytes       int64      `json:"bytes"`   // of lines and fragments
	Unaccounted int64      `json:"unaccounted_bytes"`
	Connections []Ledger   `json:"connections"`
	Damage      []Damage   `json:"damage"`
	Gaps        []GapEntry `json:"gaps"`
	Notes       []string   `json:"notes"`
	// Removed is what retention took while the journal was verified.
	Removed []Removal `json:"removed"`
}

// Removal is a part of the journal that went before it was verified.
type Removal struct {
	First  uint64 `json:"first_seq"` // records, both of them inside
	Last   uint64 `json:"last_seq"`
	From   string `json:"from"` // RFC 3339: of the record before
	To     string `json:"to"`   // of the record after
	Detail string `json:"detail"`
}

// Ledger is the balance of one direction of one connection, in bytes: what the
// tap forwarded is what is in the journal and what is noted as missing.
type Ledger struct {
	Conn       uint64 `json:"conn"`
	Dir        string `json:"dir"`
	Worker     string `json:"worker,omitempty"`
	Forwarded  int64  `json:"forwarded_bytes"`
	Journalled int64  `json:"journalled_bytes"`
	Gap        int64  `json:"gap_bytes"`
	// Open says that the connection's end is not in the journal: what was
	// forwarded is only known up to the last block.
	Open bool `json:"open,omitempty"`
}

// Damage is a part that can't be read.
type Damage struct {
	File   string `json:"file"`
	Block  uint64 `json:"block,omitempty"` // number of the block's first record
	Offset int64  `json:"offset"`
	Detail string `json:"detail"`
}

// GapEntry is traffic that is known to be missing.
type GapEntry struct {
	Conn   uint64 `json:"conn"`
	Dir    string `json:"dir"`
	Bytes  int64  `json:"bytes"`
	Lines  int64  `json:"lines"` // -1: unknown
	From   string `json:"from"`  // RFC 3339
	To     string `json:"to"`
	Reason string `json:"reason"`
}

// Verify reads all of a journal: every checksum, every record, and the ledger.
// progress, which may be nil, is told how many of how many bytes are done. Where
// files can't be read for what the system says, the report is about the others and
// the error is an *UnreadableError.
func Verify(ctx context.Context, path string, progress func(done, total int64)) (*Report, error) {
	r, err := Open(path)
	if err != nil {
		return nil, err
	}
	v := &verifier{r: r, flows: map[flowKey]*account{}, progress: progress,
		out: &Report{Files: r.info.Files, Connections: []Ledger{}, Damage: []Damage{}, Gaps: []GapEntry{}, Notes: []string{}, Removed: []Removal{}}}
	if err := v.read(ctx); err != nil {
		return nil, err
	}
	v.balance()
	return v.out, v.unreadable
}

type verifier struct {
	r        *Reader
	out      *Report
	flows    map[flowKey]*account
	progress func(done, total int64)
	done     int64
	head     *blockHeader
	partial  bool             // some of the block was read before its file was sealed
	sums     map[flowKey]flow // what the entries of this block come to
	begun    int              // recordings begun and ended
	ended    int
	clocks   int // steps of the clock
	err      error

	unreadable error // the first *UnreadableError
	pass       *pass
}

// account is one direction of one connection.
type account struct {
	begun             bool
	start             int64 // bytes that went before the journal begins
	end               int64 // bytes that went by the last block
	total             int64 // as the copiers counted, -1 while unknown
	journalled, gaped int64
	lost              []int // of the gaps: what was lost with a file
}

func (v *verifier) account(k flowKey) *account {
	a := v.flows[k]
	if a == nil {
		a = &account{total: -1}
		v.flows[k] = a
	}
	return a
}

func (v *verifier) read(ctx context.Context) error {
	s := v.r.newPass(ctx, Filter{})
	defer s.u.close()
	v.pass, s.fail, s.conn, s.lost = s, v.fail, v.conn, v.unwritten
	count := func(*Record) bool {
		v.out.Records++
		return true
	}
	s.whole = v.bolt
	s.begin = func(h *blockHeader) bool {
		s.j.block(h, count)
		v.endBlock()
		v.partial = h.first <= s.last
		v.beginBlock(h)
		return true
	}
	s.each = func(e *entry) bool {
		v.entry(e)
		return s.j.entry(e, count)
	}
	s.cut = func(e *entry) bool {
		if e.kind == KindClock {
			var ev Event
			_ = json.Unmarshal(e.note, &ev) // it was made here
			v.clock(e.time, &ev)
		}
		return s.j.entry(e, count)
	}
	s.run(false)
	s.j.finish(count)
	v.endBlock()
	for id, name := range s.j.workers {
		for _, d := range []wire.Direction{wire.S2C, wire.C2S} {
			if a := v.flows[flowKey{id, d}]; a != nil {
				v.out.Connections = append(v.out.Connections, Ledger{Conn: id, Dir: d.String(), Worker: name})
			}
		}
	}
	return v.err
}

// fail notes what can't be read; other errors end the reading.
func (v *verifier) fail(err error) bool {
	var damage *DamageError
	var removed *RemovedError
	switch {
	case errors.As(err, new(*UnreadableError)):
		v.unreadable = cmp.Or(v.unreadable, err)
	case errors.As(err, &removed):
		v.out.Removed = append(v.out.Removed, Removal{removed.First, removed.Last, rfc3339(removed.From), rfc3339(removed.To), err.Error()})
	case errors.As(err, &damage):
		d := Damage{File: damage.File, Offset: damage.Offset, Detail: damage.Err.Error()}
		if damage.Block {
			d.Block = damage.Seq
		}
		v.out.Damage = append(v.out.Damage, d)
	case IsPartial(err):
		v.out.Damage = append(v.out.Damage, Damage{Detail: err.Error()})
	default:
		v.err = err
		return false
	}
	return true
}

// bolt has bbolt look at a file whose pages are in order as far as was seen. A file
// that was rewritten meanwhile is another one.
func (v *verifier) bolt(path string, j *file) {
	if len(j.problems) > 0 || j.f.err != nil {
		return
	}
	err := boltAgrees(path, j)
	read, err1 := j.f.f.Stat()
	there, err2 := os.Stat(path)
	switch {
	case err == nil, err1 != nil, err2 != nil, !os.SameFile(read, there):
	case errors.Is(err, errBoltDiffers):
		v.out.Damage = append(v.out.Damage, Damage{File: j.name, Detail: err.Error()})
	default:
		v.out.Notes = append(v.out.Notes, fmt.Sprintf("%s: bbolt could not be asked for its view of it: %v", j.name, err))
	}
}

// conn takes the ledger that a file keeps of a connection.
func (v *verifier) conn(c *connInfo) {
	for i, f := range c.Flows {
		a := v.account(flowKey{c.Conn, wire.S2C + wire.Direction(i)})
		if !a.begun {
			a.begun, a.start = true, f.Start
		} else if v.pass.removed != nil {
			a.gaped += max(0, f.Start-a.end)
		}
		a.end, a.total = max(a.end, f.Seen), max(a.total, f.Total)
	}
}

func (v *verifier) beginBlock(h *blockHeader) {
	v.head, v.sums = h, map[flowKey]flow{}
	v.out.Blocks++
	for i := range h.flows {
		f := &h.flows[i]
		if f.dir == wire.NoDirection {
			continue
		}
		a := v.account(flowKey{f.conn, f.dir})
		if !a.begun {
			a.begun, a.start = true, f.start
		}
		a.end = max(a.end, f.start+f.bytes)
	}
}

func (v *verifier) entry(e *entry) {
	k := flowKey{e.conn, e.dir}
	f := v.sums[k]
	f.records++
	f.bytes += int64(len(e.data))
	var ev Event
	if e.kind != KindNone && json.Unmarshal(e.note, &ev) != nil {
		v.out.Damage = append(v.out.Damage, Damage{Block: v.head.first, Detail: fmt.Sprintf("record %d can't be read", e.seq)})
	}
	switch e.kind {
	case KindClock:
		v.clock(e.time, &ev)
	case KindFile:
		if ev.What == "begin" {
			v.begun++
		} else {
			v.ended++
		}
	case KindGap:
		f.gapBytes += ev.Bytes
		v.gap(k, &ev)
	case KindClose:
		for i, total := range []*int64{ev.S2C, ev.C2S} {
			if total != nil {
				v.account(flowKey{e.conn, wire.S2C + wire.Direction(i)}).total = *total
			}
		}
	}
	v.sums[k] = f
	if e.kind == KindNone && e.dir != wire.NoDirection {
		v.account(k).journalled += int64(len(e.data))
		v.out.Bytes += int64(len(e.data))
	}
}

// maxClockNotes bounds the steps of the clock that are told.
const maxClockNotes = 20

func (v *verifier) clock(t int64, ev *Event) {
	if v.clocks++; v.clocks <= maxClockNotes {
		v.out.Notes = append(v.out.Notes, fmt.Sprintf("at %s %s: it says %s", rfc3339(t), ev.ClockText(), rfc3339(ev.Wall)))
	}
}

func (v *verifier) gap(k flowKey, ev *Event) {
	v.out.Gaps = append(v.out.Gaps, GapEntry{Conn: k.conn, Dir: k.dir.String(), Bytes: ev.Bytes, Lines: ev.Lines,
		From: rfc3339(ev.From), To: rfc3339(ev.To), Reason: ev.Reason})
	a := v.account(k)
	if ev.Offset != nil && a.begun && *ev.Offset < a.start && *ev.Offset+ev.Bytes >= a.start {
		a.start = *ev.Offset // of what is lost with a file, parts may be left in the middle
	}
	if ev.Offset == nil || !a.begun || *ev.Offset >= a.start { // else it lies in a file that is not here
		a.gaped += ev.Bytes
		if strings.HasPrefix(ev.Reason, reasonLost) {
			a.lost = append(a.lost, len(v.out.Gaps)-1)
		}
	}
	if ev.Offset != nil {
		a.end = max(a.end, *ev.Offset+ev.Bytes)
	}
}

func rfc3339(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

// unwritten takes note of what a recorder could not write so far.
func (v *verifier) unwritten(lost []liveLost) bool {
	for _, l := range lost {
		k := flowKey{l.Conn, l.Dir}
		a := v.account(k)
		if a.end >= *l.Event.Offset+l.Event.Bytes {
			continue // it was written after all
		}
		if !a.begun {
			a.begun, a.start = true, *l.Event.Offset
		}
		v.gap(k, l.Event)
	}
	return true
}

// endBlock compares a block's header with what was in it.
func (v *verifier) endBlock() {
	if v.head == nil {
		return
	}
	for i := range v.head.flows {
		if v.partial {
			break
		}
		f := &v.head.flows[i]
		if got := v.sums[flowKey{f.conn, f.dir}]; got.records != f.records || got.bytes != f.bytes || got.gapBytes != f.gapBytes {
			v.out.Damage = append(v.out.Damage, Damage{Block: v.head.first, Detail: "the block's header and its records do not agree"})
			break
		}
	}
	v.done += int64(v.head.payload)
	if v.progress != nil {
		v.progress(min(v.done, v.r.info.Bytes), v.r.info.Bytes)
	}
	v.head = nil
}

// forwarded is how many bytes went that way since the journal begins.
func (a *account) forwarded() int64 { return max(a.total, a.end) - a.start }

// takeBack makes the gaps of a lost file smaller by what is there all the same: the
// file, or its directory, was put back by hand.
func (v *verifier) takeBack(a *account) (bytes int64) {
	for _, i := range a.lost {
		g := &v.out.Gaps[i]
		n := min(a.journalled+a.gaped-a.forwarded(), g.Bytes)
		if n <= 0 {
			break
		}
		if g.Bytes -= n; g.Bytes > 0 {
			g.Lines = -1
		}
		a.gaped -= n
		bytes += n
	}
	return bytes
}

// balance closes the ledger.
func (v *verifier) balance() {
	names := map[flowKey]string{}
	for _, l := range v.out.Connections {
		d, _ := wire.ParseDirection(l.Dir)
		names[flowKey{l.Conn, d}] = l.Worker
	}
	v.out.Connections = v.out.Connections[:0]
	back := int64(0)
	for k, a := range v.flows {
		if k.dir == wire.NoDirection {
			continue
		}
		back += v.takeBack(a)
		l := Ledger{Conn: k.conn, Dir: k.dir.String(), Worker: names[k], Journalled: a.journalled, Gap: a.gaped, Open: a.total < 0}
		l.Forwarded = a.forwarded()
		if d := l.Forwarded - l.Journalled - l.Gap; d != 0 {
			v.out.Unaccounted += max(d, -d)
		}
		v.out.Connections = append(v.out.Connections, l)
	}
	v.out.Gaps = slices.DeleteFunc(v.out.Gaps, func(g GapEntry) bool { return g.Bytes == 0 })
	if back > 0 {
		v.out.Notes = append(v.out.Notes, fmt.Sprintf("%d bytes that were noted as lost with their file are here: it was put back", back))
	}
	slices.SortFunc(v.out.Connections, func(a, b Ledger) int {
		if a.Conn != b.Conn {
			return int(int64(a.Conn) - int64(b.Conn))
		}
		return -int(a.Dir[0]) + int(b.Dir[0]) // s2c first
	})
	if v.r.info.Live {
		v.out.Notes = append(v.out.Notes, "the journal is being recorded right now: this is its state so far")
	} else if v.ended < v.begun || v.out.Blocks == 0 && len(v.out.Damage) == 0 && v.unreadable == nil {
		v.out.Notes = append(v.out.Notes, "a recording ended without being closed (killed, or a power loss): what it read in the last moments before is not in the journal")
	}
	if v.unreadable != nil {
		v.out.Unaccounted = 0
		v.out.Notes = append(v.out.Notes, "what is in files that can't be read is not known, so the books can't be balanced")
	}
	v.out.OK = v.unreadable == nil && len(v.out.Damage) == 0 && len(v.out.Gaps) == 0 && len(v.out.Removed) == 0 && v.out.Unaccounted == 0
}
