package replay

import (
	"bytes"

	"repltap/wire"
)

// Receive takes in a line or fragment that connection id sent. What a master
// would not read any more is ignored.
func (s *Streamer) Receive(t int64, id int, piece wire.Piece) {
	c := s.conn(id)
	if c == nil {
		return
	}
	if c.out.Closing() {
		s.Events.add(Event{Kind: EventIgnored, Conn: id})
		return
	}
	p := &s.parsed
	v := s.receiver.Judge(wire.C2S, piece, p)
	switch v.Action {
	case wire.ActError:
		if s.failed(c, c.out.SendError(t, v.Reply)) {
			return
		}
		s.forget()
	case wire.ActDrop:
		s.drop(c, v.Detail)
	case wire.ActAccept:
		if piece.Kind == wire.PieceLine {
			c.out.Received(t, p.Command == wire.CmdPing)
			s.handle(t, c, p)
		}
	}
}

// handle does what a valid command asks for. What is not here is taken in by
// the master and not told to others.
func (s *Streamer) handle(t int64, c *conn, p *wire.Parsed) {
	switch p.Command {
	case wire.CmdReplicate:
		s.replicate(t, c, p)
	case wire.CmdRemoteServerUp:
		s.serverUp(t, c, p)
	}
}

// replicate: from 1.13 everybody is told where every stream stands. From 1.97
// that waits for the loop, so that it can't overtake rows.
func (s *Streamer) replicate(t int64, c *conn, p *wire.Parsed) {
	switch {
	case s.has&traitSubscribes != 0:
		name, _ := p.Field(wire.FieldStream)
		token, _ := p.Field(wire.FieldAskToken)
		s.subscribe(t, c, string(name.Text), token.Int, token.Null)
	case s.has&traitRoundAnnounces != 0:
		s.round.announce = true
		s.Poke(t)
	default:
		for _, st := range s.streams {
			s.sendAll(t, s.positionLine(st.name, st.current, st.current), nil)
		}
		s.forget()
	}
}

// serverUp passes the news on. Up to 1.12 that is the notifier's, which is not
// part of this: it is to call ServerUp.
func (s *Streamer) serverUp(t int64, c *conn, p *wire.Parsed) {
	line := bytes.TrimSuffix(p.Append(nil), []byte{'\n'})
	switch {
	case s.has&traitUpByNotifier != 0:
		s.Events.add(Event{Kind: EventServerUp, Conn: c.id, Line: line})
	case s.has&traitUpToOthers != 0:
		s.sendAll(t, line, c)
		s.forget()
	}
}

// ServerUp is the notifier's answer to an EventServerUp: the line goes to every
// connection, also to the one that it came from.
func (s *Streamer) ServerUp(t int64, line []byte) {
	s.sendAll(t, line, nil)
	s.forget()
}
