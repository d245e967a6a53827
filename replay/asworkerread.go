package replay

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"

	"repltap/journal"
	"repltap/wire"
)

// lookAtWorkers reads once what the chosen workers did: when it begins and ends,
// and how much there is.
func (p *Plan) lookAtWorkers(ctx context.Context) error {
	t := newTalk(p)
	p.Said = map[string]int64{}
	workers := map[uint64]string{}
	for _, r := range p.Conns {
		workers[r.Conn] = r.Worker
	}
	begun := false
	err := p.workerActs(ctx, t, func(a *Act) bool {
		if !begun {
			begun, p.Start = true, a.At
		}
		p.End, p.LastSeq = a.At, max(p.LastSeq, a.Seq)
		if a.Kind == ActSay {
			p.Lines++
			p.Said[workers[a.Conn]]++
		}
		return true
	})
	if err == nil && p.Lines == 0 {
		err = fmt.Errorf("no worker says anything in what is to be replayed")
		if t.bounded {
			err = fmt.Errorf("no worker says anything in the journal as late as that")
		}
	}
	for _, name := range t.named {
		p.Streams = append(p.Streams, StreamStart{Name: name, Token: t.first[name]})
	}
	return err
}

// workerActs reads what workers did, up to where the token is reached that was
// asked for.
func (p *Plan) workerActs(ctx context.Context, t *talk, yield func(*Act) bool) error {
	over := false
	t.emit = func(a *Act) { over = over || !yield(a) }
	conns := make([]uint64, len(p.Conns))
	for i, r := range p.Conns {
		conns[i] = r.Conn
	}
	for rec, err := range p.reader.InTime(ctx, journal.Filter{Conns: conns, To: p.options.Filter.To}) {
		switch {
		case err != nil && !journal.IsPartial(err):
			return err
		case err == nil:
			t.record(rec)
		}
		if g := &rec.Gist; err == nil && rec.Kind == journal.KindLine && rec.Dir == wire.S2C && g.HasToken {
			upto, ok := p.options.Until[string(g.Stream)]
			over = over || ok && g.Token >= upto && (!t.bounded || rec.Time >= t.from)
		}
		if over {
			break
		}
	}
	return ctx.Err()
}

// talk turns the records of the chosen connections into acts: what their workers
// did. PING is left out, as its time is the world's.
//
// Where it does not begin with the journal, those who are connected then connect
// at the beginning, and say who they are and what they want. Up to 1.12 that is
// what comes after the last they have got.
type talk struct {
	subscribes bool
	from       int64
	bounded    bool
	begun      bool
	conns      map[uint64]*talker
	order      []*talker
	cuts       []*talker // that end in the middle of a line
	emit       func(*Act)

	// Where streams stood, for who moves tokens: what was asked for first, or said.
	first map[string]int64
	named []string
}

// talker is a recorded worker's connection while it is read.
type talker struct {
	*Recorded
	cut             *cut // the beginning of a line that it ends with, until that is told
	long            longLine
	open, over      bool
	stalled, frozen bool
	name            []byte // what it said of itself
	asks            []talkerAsk
	got             map[string]int64
}

// talkerAsk is a REPLICATE.
type talkerAsk struct {
	stream string
	line   []byte
}

func newTalk(p *Plan) *talk {
	t := &talk{subscribes: p.Subscribes(), conns: map[uint64]*talker{}, first: map[string]int64{}}
	t.from, t.bounded = p.bound(p.options.Filter.From)
	for _, r := range p.Conns {
		c := &talker{Recorded: r, got: map[string]int64{}, cut: r.fragments[wire.C2S].cut}
		t.conns[r.Conn], t.order = c, append(t.order, c)
		if c.cut != nil {
			t.cuts = append(t.cuts, c)
		}
	}
	return t
}

func (t *talk) record(rec *journal.Record) {
	c := t.conns[rec.Conn]
	if c == nil || c.over {
		return
	}
	live := !t.bounded || rec.Time >= t.from
	if live && t.bounded && !t.begun {
		t.resume()
	}
	t.begun = t.begun || live
	if !c.open {
		c.open = true
		t.tell(live, Act{Kind: ActOpen}, rec)
	}
	t.cutOff(rec)
	switch {
	case rec.Kind == journal.KindLine && rec.Dir == wire.S2C:
		t.heard(c, rec)
	case rec.Kind == journal.KindLine:
		t.said(c, rec, live)
	case rec.Kind == journal.KindFragment && rec.Dir == wire.C2S:
		if line, _ := c.long.take(rec); line != nil {
			t.said(c, line, live)
		}
	case rec.Dir == wire.S2C && rec.Kind == journal.KindStall && rec.Event.By != "master":
		c.stalled = true
		t.tell(live, Act{Kind: ActStall}, rec)
	case rec.Dir == wire.S2C && rec.Kind == journal.KindResume && rec.Event.By != "master":
		c.stalled = false
		t.tell(live, Act{Kind: ActResume}, rec)
	case rec.Kind == journal.KindEOF && rec.Dir == wire.S2C:
		// The worker may not have seen it yet, and say more.
		t.tell(live, Act{Kind: ActEnd}, rec)
	case rec.Kind == journal.KindEOF || rec.Kind == journal.KindClose:
		t.ended(c, rec, live)
	}
	if rec.Seq == c.last && !c.over { // it was there till then
		t.ended(c, rec, live)
	}
}

func (t *talk) ended(c *talker, rec *journal.Record, live bool) {
	c.over = true
	t.thaw(c, rec, live)
	t.tell(live, Act{Kind: ActEnd}, rec)
}

func (t *talk) tell(live bool, a Act, rec *journal.Record) {
	if live {
		a.Seq, a.At, a.Conn = rec.Seq, rec.Time, rec.Conn
		t.emit(&a)
	}
}

func (t *talk) thaw(c *talker, rec *journal.Record, live bool) {
	if c.frozen {
		c.frozen = false
		t.tell(live, Act{Kind: ActThaw}, rec)
	}
}

// cutOff tells of the beginnings of lines that were said before a record and never
// went on.
func (t *talk) cutOff(rec *journal.Record) {
	for _, c := range t.cuts {
		if c.cut.due(rec) {
			if !t.bounded || c.cut.at >= t.from {
				t.emit(&Act{Kind: ActCut, Seq: c.cut.seq, At: c.cut.at, Conn: c.Conn, Line: c.cut.data})
			}
			c.cut = nil
		}
	}
}

// said is a line of the worker.
func (t *talk) said(c *talker, rec *journal.Record, live bool) {
	t.thaw(c, rec, live)
	g := &rec.Gist
	line := bytes.TrimSuffix(rec.Data, newline)
	switch {
	case g.Command == wire.CmdName && c.name == nil:
		c.name = bytes.Clone(line)
	case g.Command == wire.CmdReplicate && len(c.asks) < maxStreams:
		c.asks = slices.DeleteFunc(c.asks, func(a talkerAsk) bool { return a.stream == string(g.Stream) })
		c.asks = append(c.asks, talkerAsk{string(g.Stream), bytes.Clone(line)})
		delete(c.got, string(g.Stream))
		if t.subscribes && g.HasToken {
			t.stands(g.Stream, g.Token, live)
		}
	}
	if g.Command != wire.CmdPing {
		t.tell(live, Act{Kind: ActSay, Line: bytes.Clone(line), Ask: g.Command == wire.CmdReplicate}, rec)
	}
	if c.silences[rec.Seq] {
		c.frozen = true
		t.tell(live, Act{Kind: ActFreeze}, rec)
	}
}

// heard is a line of the master.
func (t *talk) heard(c *talker, rec *journal.Record) {
	g := &rec.Gist
	if !g.HasToken || g.Command != wire.CmdRdata && g.Command != wire.CmdPosition {
		return
	}
	if _, known := c.got[string(g.Stream)]; known || len(c.got) < maxStreams {
		c.got[string(g.Stream)] = g.Token
	}
	if !t.subscribes {
		t.stands(g.Stream, g.Token, true)
	}
}

func (t *talk) stands(stream []byte, token int64, live bool) {
	if _, known := t.first[string(stream)]; live && !known && len(t.first) < maxStreams {
		t.first[string(stream)] = token
		t.named = append(t.named, string(stream))
	}
}

// resume connects who is connected where it begins.
func (t *talk) resume() {
	for _, c := range t.order {
		if !c.open || c.over {
			continue
		}
		tell := func(a Act) {
			a.At, a.Conn = t.from, c.Conn
			t.emit(&a)
		}
		tell(Act{Kind: ActOpen})
		if c.name != nil {
			tell(Act{Kind: ActSay, Line: c.name})
		}
		for _, ask := range c.asks {
			line := ask.line
			if token, ok := c.got[ask.stream]; ok && t.subscribes {
				line = strconv.AppendInt([]byte("REPLICATE "+ask.stream+" "), token, 10)
			}
			if g := wire.GistOf(line); t.subscribes && g.HasToken {
				t.stands(g.Stream, g.Token, true)
			}
			tell(Act{Kind: ActSay, Line: line, Ask: true})
		}
		if c.stalled {
			tell(Act{Kind: ActStall})
		}
		if c.frozen {
			tell(Act{Kind: ActFreeze})
		}
	}
}
