package wire

// What a worker does with a line.

// Receive says that a line or fragment came over a connection. A worker's own
// relays of it go to its other connections.
func (f *Follower) Receive(conn int, now int64, piece Piece) []Effect {
	f.begin()
	f.now = now
	c := f.conn(conn)
	if c == nil || piece.Kind == PiecePartial {
		return f.effects
	}
	if c.closing {
		f.add(Effect{Kind: EffectIgnored, Conn: conn, Line: trimNewline(piece.Text)})
		return f.effects
	}
	switch v := f.reader.Judge(S2C, piece, &f.parsed); v.Action {
	case ActAccept:
		c.received = now / 1e6
		f.handle(c, now)
	case ActError:
		f.fail(c, now, v.Reply)
	case ActDrop:
		if piece.Kind == PieceFragment { // the framing gives up, of which the protocol knows nothing
			f.close(c)
			break
		}
		f.crash(c, exceptionOf(v))
	}
	return f.effects
}

// exceptionOf names the exception with which a line that can't be answered
// takes the connection down.
func exceptionOf(v Verdict) string {
	switch v.Code {
	case CodeUTF8:
		return "UnicodeDecodeError"
	case CodeNoSpace, CodeBlank:
		return "ValueError"
	}
	return "TypeError"
}

// handle does what the line says that was parsed.
func (f *Follower) handle(c *followConn, now int64) {
	p := &f.parsed
	switch p.Command {
	case CmdPing:
		c.pinged = true
	case CmdServer:
		if want := f.config.Server; want != "" && string(p.text(FieldServer)) != want {
			f.fail(c, now, "Wrong remote")
		}
	case CmdRdata:
		f.handleRdata(c)
	case CmdPosition:
		f.handlePosition(c)
	case CmdRemoteServerUp:
		f.handleServerUp(c, now)
	}
}

func (f *Follower) handleServerUp(c *followConn, now int64) {
	if f.has&ftServerUp == 0 {
		return
	}
	server := string(f.parsed.text(FieldServer))
	f.add(Effect{Kind: EffectServerUp, Conn: c.id, Text: server})
	if f.has&ftRelays == 0 {
		return
	}
	for _, other := range f.conns {
		if other != c {
			f.write(other, now, "REMOTE_SERVER_UP ", server)
		}
	}
}

// streamCommand is RDATA or POSITION of a stream.
type streamCommand struct {
	conn     *followConn
	command  Command
	batch    bool
	taken    bool // the row was looked at already
	owned    bool // the row is a copy
	instance string
	token    int64
	prev     int64
	row      []byte
}

// commandOf is the command that was parsed; its row aliases the line.
func (f *Follower) commandOf(c *followConn) streamCommand {
	cmd := streamCommand{conn: c, command: f.parsed.Command}
	for _, field := range f.parsed.Fields() {
		switch field.Kind {
		case FieldInstance:
			cmd.instance = f.instance(field.Text)
		case FieldPrev:
			cmd.prev = field.Int
		case FieldToken, FieldRowToken:
			cmd.token, cmd.batch = field.Int, field.Null
		case FieldRow:
			cmd.row = field.JSON()
		}
	}
	return cmd
}

// effect is one about a command.
func (cmd *streamCommand) effect(kind EffectKind, stream string) Effect {
	return Effect{Kind: kind, Command: cmd.command, Conn: cmd.conn.id, Stream: stream, Instance: cmd.instance,
		Token: cmd.token, Prev: cmd.prev, Batch: cmd.batch}
}

// discard throws a command away, and rows with it.
func (f *Follower) discard(s *followed, cmd *streamCommand, why Reason, rows int) *Effect {
	e := cmd.effect(EffectDiscard, "")
	e.Why, e.Count = why, rows
	if s != nil {
		e.Stream = s.name
		s.counts.Discarded += int64(rows)
	}
	f.add(e)
	return &f.effects[len(f.effects)-1]
}

func (f *Follower) handleRdata(c *followConn) {
	name := f.parsed.Stream()
	cmd, s := f.commandOf(c), f.streams[string(name)]
	switch {
	case f.isEcho(&cmd):
		f.discard(nil, &cmd, ReasonOwnEcho, 0).Stream = string(name)
	case s == nil:
		f.discard(nil, &cmd, ReasonUnknownStream, 0).Stream = string(name)
	case f.has&ftSubscribes != 0:
		f.rdata(s, &cmd)
	case f.has&ftRowOnArrival != 0 && !f.take(s, &cmd):
	default:
		f.submit(s, cmd)
	}
}

func (f *Follower) handlePosition(c *followConn) {
	name := f.parsed.Stream()
	cmd, s := f.commandOf(c), f.streams[string(name)]
	switch {
	case f.has&ftSubscribes != 0:
		f.subscribed(s, &cmd, name)
	case f.isEcho(&cmd):
		f.discard(nil, &cmd, ReasonOwnEcho, 0).Stream = string(name)
	case s == nil && f.has&ftUnknownRaises != 0:
		f.crash(c, "KeyError")
	case s == nil:
		f.discard(nil, &cmd, ReasonUnknownStream, 0).Stream = string(name)
	case f.redundant(s, &cmd):
		f.discard(s, &cmd, ReasonRedundant, 0)
	default:
		f.submit(s, cmd)
	}
}

// isEcho: from 1.13 a worker knows its own commands by the instance.
func (f *Follower) isEcho(cmd *streamCommand) bool {
	return f.has&ftSubscribes == 0 && cmd.instance == f.config.Name
}

// subscribed: up to 1.12 a POSITION only says that a stream has caught up, of
// whatever name.
func (f *Follower) subscribed(s *followed, cmd *streamCommand, name []byte) {
	c := cmd.conn
	delete(c.missing, s)
	if len(c.missing) == 0 && f.has&ftFinishes != 0 {
		f.add(Effect{Kind: EffectFinished, Conn: c.id})
	}
	f.add(cmd.effect(EffectPosition, string(name)))
	if s != nil {
		s.counts.Positions++
		s.move("", cmd.token)
	}
}
