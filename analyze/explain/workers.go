package explain

import (
	"cmp"
	"fmt"
	"slices"

	"repltap/analyze/namesake"
	"repltap/analyze/profile"
	"repltap/journal"
	"repltap/wire"
)

// What became of a token at a worker.
const (
	Delivered  = "delivered"   // it took the rows in
	Discarded  = "discarded"   // they came, and it threw them away
	WouldFetch = "would fetch" // it was told that it missed it, and asks for it elsewhere
	Skipped    = "skipped"     // it was told that there is nothing
	Passed     = "passed over" // later rows came, without it
	Had        = "was past it" // it was as far before anything came to it
	Own        = "own"         // the worker wrote it itself
	Waiting    = "not yet"     // nothing so far came to it
)

// WorkerStory is what became of the token at a worker, of one instance.
type WorkerStory struct {
	Worker     string         `json:"worker"`
	Instance   string         `json:"instance"`
	Generation profile.Count  `json:"generation"` // of the instance's tokens: none for the first
	Fate       string         `json:"fate"`
	Why        string         `json:"why"`
	Line       *Line          `json:"line"`     // that decided it
	Delay      profile.Millis `json:"delay_ms"` // after the token came first to anybody
	Rows       int64          `json:"rows"`     // delivered, or thrown away
	Current    profile.Count  `json:"current"`  // where the worker was
	// Then is what was told of the token later, the first few.
	Then []Event `json:"then"`
	// Last is the last line of the stream that came to it.
	Last *Line `json:"last"`
	// Missing is how many of the rows with the token it threw away and has not got.
	Missing int64 `json:"missing"`

	got, lost []uint64 // rows with the token, as hashes
}

// Event is something that a worker makes of a line.
type Event struct {
	Fate string `json:"fate"`
	Why  string `json:"why"`
	Line Line   `json:"line"`
}

const (
	maxWorkers = 256
	maxThen    = 5
	maxConns   = 8        // of a worker at once
	maxHeld    = 64 << 20 // bytes that a worker may hold for one that never ends a batch
)

// play shows followers what came.
type play struct {
	question Question
	story    *Story
	release  wire.Release
	start    int64
	survey   *survey
	workers  map[string]*player
	beyond   int64

	names       *namesake.Set
	generations *profile.Generations
	generation  profile.Count // of the record's tokens
}

// player is one worker.
type player struct {
	follower *wire.Follower
	name     string
	conns    []uint64 // that are open, as far as is known: the last few
	stories  map[writerKey]*WorkerStory
	told     map[string]profile.Count // the last generation of each instance that came to it
	ended    bool                     // it is not followed any further
	shut     []uint64                 // connections that it closed by its release's rules: the last few
}

func newPlay(q Question, s *Story, release wire.Release, start int64, first *survey) (*play, error) {
	if _, err := wire.NewFollower(release, wire.FollowerConfig{}); err != nil {
		return nil, fmt.Errorf("no worker of Synapse %s can be played: %w", release, err)
	}
	return &play{question: q, story: s, release: release, start: start, survey: first, workers: map[string]*player{}}, nil
}

func (p *play) take(rec *journal.Record) {
	p.generation = p.generations.Take(rec)
	if rec.Kind == journal.KindClose {
		p.lost(rec)
		return
	}
	if rec.Kind != journal.KindLine && rec.Part != 1 {
		return
	}
	if rec.Gist.Command == wire.CmdReplicate && rec.Dir == wire.C2S && string(rec.Gist.Stream) == p.question.Stream {
		p.asks(rec)
		return
	}
	if p.shares(rec) {
		p.moves(rec)
		return
	}
	if !p.question.about(rec) || !rec.Gist.HasToken && !rec.Gist.Batch || !p.survey.concerns(rec.Gist.Instance) {
		return
	}
	w := p.worker(rec)
	if w == nil {
		p.beyond++
		return
	}
	p.show(w, rec)
}

// shares says that a line is of the stream with which the one of the question
// has one counter.
func (p *play) shares(rec *journal.Record) bool {
	k := wire.StreamOf([]byte(p.question.Stream))
	return k != nil && k.SharesWith != "" && string(rec.Gist.Stream) == k.SharesWith && rec.Dir == wire.S2C && rec.Kind == journal.KindLine
}

// moves shows a worker a line of such a stream: where it is, it is in both.
func (p *play) moves(rec *journal.Record) {
	w := p.workers[p.key(rec)]
	if w == nil || w.follower == nil || w.ended || !slices.Contains(w.conns, rec.Conn) || !rec.Gist.HasToken {
		return
	}
	w.follower.Receive(int(rec.Conn), rec.Time, wire.Piece{Kind: wire.PieceLine, Text: rec.Data})
	for _, fetch := range w.follower.Fetching() {
		w.follower.Fetched(fetch, nil, 0, false)
	}
}

// lost is the end of a connection.
func (p *play) lost(rec *journal.Record) {
	w := p.workers[p.key(rec)]
	if w == nil || w.follower == nil {
		return
	}
	if i := slices.Index(w.conns, rec.Conn); i >= 0 {
		w.follower.Lost(int(rec.Conn))
		w.conns = slices.Delete(w.conns, i, i+1)
	}
}

// key is by what a worker is known: connections of one name are one worker's
// that comes back, but for those that are open at the same time.
func (p *play) key(rec *journal.Record) string {
	if rec.Worker == "" || p.names.Has(rec.Conn) {
		return fmt.Sprintf("%s\x00%d", rec.Worker, rec.Conn)
	}
	return rec.Worker
}

func (p *play) worker(rec *journal.Record) *player {
	key := p.key(rec)
	w := p.workers[key]
	if w == nil {
		if len(p.workers) >= maxWorkers {
			return nil
		}
		w = &player{name: rec.Worker, stories: map[writerKey]*WorkerStory{}, told: map[string]profile.Count{}}
		p.workers[key] = w
	}
	return w
}

// begin makes the follower, which stands where the first line says: at what a
// POSITION begins with, and before a row.
func (p *play) begin(w *player, rec *journal.Record) {
	g := &rec.Gist
	at := g.Token
	switch {
	case g.HasPrev:
		at = g.Prev
	case g.Command == wire.CmdRdata && g.HasToken:
		at--
	}
	config := wire.FollowerConfig{Name: w.name, Streams: []wire.FollowedStream{{Name: p.question.Stream, Token: at}}}
	f, err := wire.NewFollower(p.release, config)
	if err != nil { // the release has no such stream; the follower will say so
		config.Streams = nil
		f, _ = wire.NewFollower(p.release, config)
	}
	w.follower = f
}

// asks is a worker up to 1.12 that says where it stands.
func (p *play) asks(rec *journal.Record) {
	g := &rec.Gist
	if !g.HasToken || !p.survey.concerns(nil) {
		return
	}
	w := p.worker(rec)
	if w == nil {
		return
	}
	st := p.tale(w, writerKey{"", p.generation})
	if g.Token >= p.question.Token && st.Fate == Waiting {
		p.decide(st, rec, Had, fmt.Sprintf("it asks for what comes after %d", g.Token), 0)
	}
}

// connect tells the follower of a connection. The lines of a stream do not show
// when one ends, so the oldest of too many is taken to be over.
func (p *play) connect(w *player, rec *journal.Record) {
	if len(w.conns) >= maxConns {
		w.follower.Lost(int(w.conns[0]))
		w.conns = w.conns[1:]
	}
	w.conns = append(w.conns, rec.Conn)
	w.follower.Connected(int(rec.Conn), rec.Time)
}

// tale is the story of a worker with one generation of a writer's tokens.
func (p *play) tale(w *player, key writerKey) *WorkerStory {
	st := w.stories[key]
	if st == nil {
		st = &WorkerStory{Worker: w.name, Instance: key.instance, Generation: key.generation, Fate: Waiting, Delay: profile.None, Current: profile.None, Then: []Event{}}
		w.stories[key] = st
	}
	return st
}

func (p *play) show(w *player, rec *journal.Record) {
	g := &rec.Gist
	instance, token := string(g.Instance), p.question.Token
	if w.follower == nil {
		p.begin(w, rec)
	}
	st := p.tale(w, writerKey{instance, p.generation})
	conn := int(rec.Conn)
	before, known := w.told[instance]
	w.told[instance] = p.generation
	if !slices.Contains(w.conns, rec.Conn) {
		p.connect(w, rec)
		// Where a worker stands that was not seen before nobody knows: it gets what it
		// is told first.
		if st.Last == nil && len(w.told) == 1 && !known && g.Command == wire.CmdRdata && !p.release.Subscribes() && !early(rec) {
			text := justBefore(g)
			if !p.release.Writes(wire.FormPosition4) {
				text = before3(g)
			}
			w.follower.Receive(conn, rec.Time, wire.Piece{Kind: wire.PieceLine, Text: text})
		}
	}
	if w.ended || slices.Contains(w.shut, rec.Conn) {
		if g.Command == wire.CmdRdata && g.HasToken && g.Token == token {
			p.decide(st, rec, Discarded, "the worker would have closed the connection by then", 0)
		}
		return
	}
	current := w.follower.Token(p.question.Stream, instance)
	switch far := st.Last == nil && g.Command == wire.CmdPosition && g.Token >= token && (!g.HasPrev || g.Prev >= token); {
	case far && known && before != p.generation:
		p.decide(st, rec, Skipped, fmt.Sprintf("the first of this generation that came to it is a POSITION at %d; it was at %d of the one before", g.Token, current), current)
	case far:
		p.decide(st, rec, Had, "the first POSITION that came to it is as far: what was before is not in the journal", current)
	}
	was := st.Last
	st.Last = lineOf(rec, p.start)
	piece := wire.Piece{Kind: wire.PieceLine, Text: rec.Data}
	if rec.Part > 0 {
		piece.Kind, piece.Over = wire.PieceFragment, true
		if g.Token == token {
			p.decide(st, rec, Discarded, fmt.Sprintf("the line is longer than the %d bytes that a worker takes: %s", wire.MaxLine, p.tooLong()), current)
		}
	}
	effects := w.follower.Receive(conn, rec.Time, piece)
	p.effects(st, w, rec, effects, current, was)
	for _, fetch := range w.follower.Fetching() {
		p.effects(st, w, rec, w.follower.Fetched(fetch, nil, 0, false), current, was)
	}
	if w.follower.HeldBytes() > maxHeld {
		w.ended = true
		p.story.note("%s holds more than %d MiB of rows whose batch never ends; it was not followed further.", named(w.name), maxHeld>>20)
	}
}

// tooLong is what a worker of the release does with an over-long line.
func (p *play) tooLong() string {
	r, err := wire.ReceiverOf(p.release)
	if err != nil {
		return "it closes the connection"
	}
	if v := r.Judge(wire.S2C, wire.Piece{Kind: wire.PieceFragment, Over: true}, nil); v.Reply != "" {
		return fmt.Sprintf("one of Synapse %s answers ERROR %s and closes the connection", p.release, v.Reply)
	}
	return fmt.Sprintf("one of Synapse %s closes the connection without a word", p.release)
}

// early says that a row came before any POSITION on its connection, which the
// journal knows from what it saw of the connection; then a worker throws it away.
// Otherwise the journal may begin in the middle of the connection.
func early(rec *journal.Record) bool {
	return slices.ContainsFunc(rec.Findings, func(f wire.Finding) bool { return f.Code == wire.CodeEarlyRdata })
}

// justBefore is a POSITION that stands just before a row; before3 is one as up to
// 1.21.
func justBefore(g *wire.Gist) []byte {
	at := g.Token - 1
	if !g.HasToken {
		at = 0
	}
	if g.Form == wire.FormRdata4 {
		return fmt.Appendf(nil, "POSITION %s %s %d %d\n", g.Stream, g.Instance, at, at)
	}
	return fmt.Appendf(nil, "POSITION %s %d\n", g.Stream, at)
}

func before3(g *wire.Gist) []byte {
	return fmt.Appendf(nil, "POSITION %s %s %d\n", g.Stream, g.Instance, max(g.Token-1, 0))
}

// finish tells the stories in order.
func (p *play) finish() {
	for _, w := range p.workers {
		for _, st := range w.stories {
			if !p.survey.tells(writerKey{st.Instance, st.Generation}) {
				continue
			}
			p.end(st)
			p.story.Workers = append(p.story.Workers, st)
		}
	}
	slices.SortFunc(p.story.Workers, func(a, b *WorkerStory) int {
		return cmp.Or(cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Worker, b.Worker), cmp.Compare(a.seq(), b.seq()))
	})
	if p.beyond > 0 {
		p.story.note("There are more than %d workers; %d lines to others were not looked at.", maxWorkers, p.beyond)
	}
	if p.story.Gaps+p.story.Damage > 0 {
		p.story.note("Parts of the traffic are not in the journal (%d gaps, %d damaged): what is missing here may have come.", p.story.Gaps, p.story.Damage)
	}
	p.story.Complete = p.story.Complete && p.story.Came && p.story.Gaps+p.story.Damage == 0
}

func (st *WorkerStory) seq() uint64 {
	if st.Last != nil {
		return st.Last.Seq
	}
	return 0
}

// end says how long after the first it was, and whether it has the token.
func (p *play) end(st *WorkerStory) {
	for _, w := range p.story.Writers {
		if w.Instance == st.Instance && w.Generation == st.Generation && w.First != nil && st.Line != nil {
			st.Delay = profile.Millis(st.Line.Time - w.First.Time)
		}
	}
	st.Missing = int64(len(st.lost))
	switch {
	case st.Missing == 0 && (st.Fate == Delivered || st.Fate == Own || st.Fate == Had):
	default:
		p.story.Complete = false
	}
	if st.Fate == Had {
		st.Delay = profile.None
	}
	if st.Fate == Waiting {
		st.Why = "the last that came to it was before it"
		if st.Last == nil {
			st.Why = "nothing of the stream came to it"
		}
	}
}
