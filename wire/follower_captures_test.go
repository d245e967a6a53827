package wire

import "testing"

// TestFollowerCaptures shows followers what real masters sent to real workers
// of the same release: all of it is taken in, but for rows of caches, whose
// tokens a master does not send in order, so that a worker takes them for old.
func TestFollowerCaptures(t *testing.T) {
	rows := 0
	for _, c := range captures(t) {
		if c.handMade() {
			continue
		}
		f, err := NewFollower(receiver(t, c.release).Release, FollowerConfig{Name: "w0"})
		if err != nil {
			t.Fatal(err)
		}
		c.follow(t, f)
		for _, stream := range f.Streams() {
			rows += int(f.Counts(stream).Live)
		}
	}
	if rows < 1000 {
		t.Errorf("%d rows were taken in", rows)
	}
}

// follow shows a follower what the master sent. Fetches bring nothing.
func (c *capture) follow(t *testing.T, f *Follower) {
	f.Connected(1, c.reads[0].T)
	var split Splitter
	sent, taken := 0, 0
	for _, r := range c.reads {
		if r.Dir != "s2c" {
			continue
		}
		for piece := range split.Split(r.Data) {
			if piece.Kind == PieceLine && CommandOf(piece.Text) == CmdRdata {
				sent++
			}
			taken += c.judgeEffects(t, f.Receive(1, r.T, piece), piece)
			for _, id := range f.Fetching() {
				taken += c.judgeEffects(t, f.Fetched(id, nil, 0, false), piece)
			}
		}
	}
	for _, s := range f.Streams() {
		taken += len(f.Batch(1, s))
	}
	if f.State(1) != ConnEstablished || taken != sent {
		t.Errorf("%s: state %d, %d rows of %d are accounted for", c, f.State(1), taken, sent)
	}
}

// judgeEffects counts the rows that are done with, and complains of what should
// not be.
func (c *capture) judgeEffects(t *testing.T, effects []Effect, p Piece) (taken int) {
	for _, e := range effects {
		switch e.Kind {
		case EffectDeliver:
			taken += len(e.Rows)
		case EffectDiscard:
			if e.Why != ReasonOldToken || streamsByName[e.Stream].Tokens&TokensUnordered == 0 {
				t.Errorf("%s: %s: %.100q", c, e.Why, p.Text)
			}
			taken += e.Count
		case EffectWrite, EffectClose, EffectCrash, EffectFailed, EffectDropBatch:
			t.Errorf("%s: %s %s: %.100q", c, e.Kind, e.Line, p.Text)
		}
	}
	return taken
}
