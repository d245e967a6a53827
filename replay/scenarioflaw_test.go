package replay_test

import (
	"bytes"

	"repltap/wire"
)

// Two of the bugs were only in receivers that were never released. They are a
// Follower of the release that came of them, with the flaw put back.

func flawed(flaw string, f *wire.Follower) worker {
	switch flaw {
	case "rows are not held back during a fetch":
		return &overtaking{Follower: f, reader: mustReceiver(f.Release())}
	case "streams stay connected":
		return &staying{Follower: f}
	}
	panic("there is no such flaw: " + flaw)
}

func mustReceiver(r wire.Release) wire.Receiver {
	reader, err := wire.ReceiverOf(r)
	must(err)
	return reader
}

// overtaking takes in rows at once also while a POSITION of their stream waits
// for what was missed.
type overtaking struct {
	*wire.Follower
	reader wire.Receiver
}

func (o *overtaking) Receive(conn int, now int64, piece wire.Piece) []wire.Effect {
	var p wire.Parsed
	if o.reader.Parse(piece.Text, &p) != nil || p.Command != wire.CmdRdata || len(o.Fetching()) == 0 {
		return o.Follower.Receive(conn, now, piece)
	}
	token, _ := p.Token()
	return []wire.Effect{{Kind: wire.EffectDeliver, Command: wire.CmdRdata, Conn: conn, Stream: string(p.Stream()),
		Instance: string(p.Instance()), Token: token, Rows: [][]byte{bytes.Clone(p.Row())}}}
}

// staying does not notice that a connection was lost: what was caught up on it
// stays so on the next one.
type staying struct {
	*wire.Follower
	before, now int
}

func (s *staying) Connected(conn int, now int64) []wire.Effect {
	s.now = conn
	if s.before == 0 {
		s.before = conn
		return s.Follower.Connected(conn, now)
	}
	greeting := [][]byte{[]byte("NAME w1"), []byte("REPLICATE ")}
	var effects []wire.Effect
	for _, line := range greeting {
		effects = append(effects, wire.Effect{Kind: wire.EffectWrite, Conn: conn, Line: line})
	}
	return effects
}

func (s *staying) Receive(conn int, now int64, piece wire.Piece) []wire.Effect {
	return s.renumbered(s.Follower.Receive(s.before, now, piece))
}

func (s *staying) Lost(int) []wire.Effect { return nil }

func (s *staying) renumbered(effects []wire.Effect) []wire.Effect {
	for i := range effects {
		effects[i].Conn = s.now
	}
	return effects
}
