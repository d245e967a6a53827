package replay

import (
	"context"
	"time"

	"repltap/journal"
	"repltap/wire"
)

const (
	// answerPatience is how long, at the highest speed, a worker that has asked for
	// streams waits for the master's answer before it says more.
	answerPatience = int64(5 * time.Second)
	// quietFor is how long the master says nothing when it has said all that it has
	// to say for now: only then does a worker leave, if it was told less than the
	// recorded one, or at the highest speed.
	quietFor = int64(200 * time.Millisecond)
	// dialPatience is how long its end waits for a connection that is being made.
	dialPatience = 2 * answerPatience
	// maxOwed is how long a worker stays for that at other speeds.
	maxOwed = int64(2 * time.Second)
)

// play does what is due, sliceActs at most, and reports whether there may be more.
func (p *player) play(life context.Context, now int64) (more bool) {
	for range sliceActs {
		a := p.feed.head()
		if a == nil {
			p.playedAll(now)
			return false
		}
		if !p.times.begun && !p.begin(life, now, a) {
			return false
		}
		if !p.feed.seen {
			p.times.see(a.At)
			p.feed.seen = true
		}
		due := p.times.due(a.At)
		if due > now || p.held(now, a) {
			return false
		}
		p.place = max(p.place, a.Seq)
		p.act(life, now, due, a)
		p.feed.pop()
		if p.times.speed == 0 && p.pressed() {
			return true
		}
	}
	return true
}

// begin waits for the first connection, so that how long that takes is no lateness.
func (p *player) begin(life context.Context, now int64, a *Act) bool {
	c := p.byConn[a.Conn]
	if c == nil {
		p.open(life, now, a)
		return false
	}
	if c.pump == nil && !c.gone {
		return false
	}
	p.times.begin(now, p.plan.Start)
	return true
}

func (p *player) playedAll(now int64) {
	if p.feed.ended && !p.ending {
		p.fault = p.feed.err
		p.ending, p.moved = true, now
	}
}

// held reports whether an act has to wait although it is due: at the highest speed
// there are no times to keep, and only the order of question and answer is left.
func (p *player) held(now int64, a *Act) bool {
	c := p.byConn[a.Conn]
	ends, says := a.Kind == ActEnd, a.Kind == ActSay || a.Kind == ActCut
	if p.times.speed > 0 || c == nil || c.gone || c.leaving() || !ends && !says {
		p.waits = 0
		return false
	}
	if p.waits == 0 {
		p.waits = now
	}
	waited := now - p.waits
	// Many connections may wait at once: each does since it asked, or said anything.
	unanswered := func(patience int64) bool { return c.asked && !c.answered && now-c.askedAt < patience }
	switch {
	case says && c.out.State() == StatePaused && waited < drainPatience,
		says && !a.Ask && unanswered(answerPatience),
		ends && c.connecting() && waited < dialPatience,
		ends && c.pump != nil && (c.busy() || unanswered(2*answerPatience) || now-max(c.ready, c.heardAt, c.sentAt) < quietFor) && waited < 2*answerPatience:
		return true
	}
	c.answered = c.answered || c.asked && !a.Ask // or nobody waits for it any more
	p.waits = 0
	return false
}

// pressed: at the highest speed the queue is never used.
func (p *player) pressed() bool {
	for _, c := range p.parts {
		if c.out.State() == StatePaused {
			return true
		}
	}
	return false
}

func (p *player) act(life context.Context, now, due int64, a *Act) {
	c := p.byConn[a.Conn]
	if a.Kind == ActOpen {
		if c == nil {
			p.open(life, now, a)
		}
		return
	}
	if c == nil {
		return
	}
	if c.gone || c.leaving() {
		// What it said of the end may have come about by itself.
		if a.Kind == ActCut || a.Kind == ActSay && wire.CommandOf(a.Line) != wire.CmdError {
			c.unsaid++
		}
		return
	}
	recorded := p.cfg.Link.Recorded && p.times.speed > 0
	switch a.Kind {
	case ActSay, ActCut:
		c.say(now, due, a)
	case ActStall, ActResume:
		c.stall(now, recorded && a.Kind == ActStall)
	case ActFreeze, ActThaw:
		c.freeze(now, recorded && a.Kind == ActFreeze)
	case ActEnd:
		c.owed = now
		c.mayEnd(now)
	}
}

// open connects. A connection of the same worker that the recorded master had ended
// by then is not kept any longer.
func (p *player) open(life context.Context, now int64, a *Act) {
	var rec *Recorded
	for _, r := range p.plan.Conns {
		if r.Conn == a.Conn {
			rec = r
		}
	}
	for _, c := range p.all() {
		if c.rec.Worker != rec.Worker {
			continue
		}
		if c.owed != 0 && !c.connecting() {
			c.end(now)
		}
		if c.recordedEnd {
			c.leave(endOfReplay)
		}
	}
	p.lastID++
	c := &part{p: p, id: p.lastID, rec: rec, opened: now}
	c.out = NewOutbox(p.plan.Release, Limits{}, c.id, &p.events)
	c.out.sendsLong()
	c.backoff = wire.NewBackoff(p.plan.Release, nil)
	c.backoff.Connected()
	c.stats = Connection{Worker: rec.Worker, Plays: rec.Conn, Peer: p.cfg.Connect, Opened: now - p.clock.anchor.UnixNano()}
	p.parts = append(p.parts, c)
	p.byConn[rec.Conn] = c
	c.dial(life)
}

// late notes how late what was just played was, now that it was offered to the
// kernel. At the highest speed nothing is late.
func (p *player) late() {
	if len(p.dues) == 0 {
		return
	}
	now := p.clock.now()
	p.moved = now
	if p.times.speed > 0 {
		for _, due := range p.dues {
			p.result.Lags.Add(time.Duration(now-due), 1)
			p.recent = max(p.recent, now-due)
		}
		for _, c := range p.parts {
			c.lag = max(c.lag, now-p.dues[0])
		}
	}
	p.result.Played += int64(len(p.dues))
	p.dues = p.dues[:0]
}

// sample notes how the senders stand, where that has changed, and tells of progress.
func (p *player) sample(now int64) {
	var queue, unsent int
	for _, c := range p.parts {
		s := shownSample{at: now, queue: c.out.Queued(), unsent: c.out.Buffered(), position: p.place}
		queue, unsent = queue+s.queue, unsent+s.unsent
		c.stats.Queue, c.stats.Unsent = max(c.stats.Queue, s.queue), max(c.stats.Unsent, s.unsent)
		if c.pump == nil || now-c.shown.at < sampleEvery || s.queue == c.shown.queue && s.unsent == c.shown.unsent && s.position == c.shown.position {
			continue
		}
		c.shown = s
		p.notes.add(note{t: now, conn: c.number, dir: wire.C2S, kind: journal.KindSample, event: journal.Event{
			Queue: int64(s.queue), Unsent: int64(s.unsent), Lag: c.lag, Position: s.position,
		}})
		c.lag = 0
	}
	if now-p.shown < showEvery {
		return
	}
	p.shown = now
	if p.cfg.Progress != nil && p.times.begun {
		shown := Progress{Played: p.result.Played, Workers: len(p.parts), Lag: time.Duration(p.recent), Queue: queue, Unsent: unsent}
		shown.place(now, &p.times, p.plan)
		p.cfg.Progress(shown)
	}
	p.recent = 0
}
