package replay

import (
	"fmt"
	"slices"

	"repltap/wire"
)

// StreamerConfig is what a [Streamer] is made from.
type StreamerConfig struct {
	Release  wire.Release
	Server   string        // the server's name, for SERVER
	Instance string        // the writer in RDATA and POSITION; "" is master
	Streams  []StreamStart // in the order in which the master goes through them
	Began    int64         // when the master was started: from 1.22 on it looks for news at whole seconds from then
	Limits   Limits        // zero fields are Synapse's
	Long     bool          // over-long lines are sent in every release, as the recorded master did
	Behind   int           // up to 1.12: rows that are too many to catch up with; 0 is Synapse's
}

// StreamStart is a stream that the master publishes and where it stands.
type StreamStart struct {
	Name  string
	Token int64
}

// Streamer is the master's side of the protocol: all its connections, its
// streams, and the loop that tells the ones of the others. It belongs to one
// goroutine.
//
// It does not hold rows: what it wants it asks for by an EventFetch, and it goes
// on when Answer or Fail is called, in whatever order. Its memory is what its
// outboxes hold, the rows that wait for subscriptions to end (which come by the
// page and are shared), and the events not taken yet.
type Streamer struct {
	config   StreamerConfig
	receiver wire.Receiver
	has      trait
	prefix   string // of the instance in lines, "" up to 1.12
	Events   Events

	streams []*stream
	all     []*conn // those that are not lost, in the order of connecting
	conns   []*conn // those of them that are not closing: whom rows go to
	asked   []*question
	lastAsk int
	round   round

	nextPoll int64 // 0: never
	parsed   wire.Parsed
}

// stream is where a stream stands. Last is what the live loop sent, current
// what was written; upto, up to 1.12, is current as of the last round.
type stream struct {
	name                string
	last, upto, current int64
	limited             bool // up to 1.12
}

// conn is a connection and, up to 1.12, what it subscribed to.
type conn struct {
	id         int
	out        *Outbox
	subscribed map[string]bool
	connecting map[string]bool
	waiting    map[string][]pageRow // rows that came while connecting
}

// NewStreamer makes a master without connections.
func NewStreamer(c StreamerConfig) (*Streamer, error) {
	receiver, err := wire.ReceiverOf(c.Release)
	if err != nil {
		return nil, err
	}
	if c.Instance == "" {
		c.Instance = "master"
	}
	if c.Behind <= 0 {
		c.Behind = behindLimitOf(c.Release)
	}
	s := &Streamer{config: c, receiver: receiver, has: traitsOf(c.Release)}
	if s.has&traitSubscribes == 0 {
		s.prefix = c.Instance + " "
	}
	for _, start := range c.Streams {
		if s.stream(start.Name) != nil {
			return nil, fmt.Errorf("stream %q is there twice", start.Name)
		}
		s.streams = append(s.streams, &stream{
			name: start.Name, last: start.Token, upto: start.Token, current: start.Token,
			limited: s.has&traitSubscribes != 0 && !isUnlimited(start.Name),
		})
	}
	s.round.announce = s.has&traitRoundAnnounces != 0
	if s.has&traitPolls != 0 && s.stream("events") != nil {
		s.nextPoll = c.Began + pollEvery
	}
	return s, nil
}

func (s *Streamer) stream(name string) *stream {
	i := slices.IndexFunc(s.streams, func(st *stream) bool { return st.name == name })
	if i < 0 {
		return nil
	}
	return s.streams[i]
}

// Position is where a stream stands: what the live loop has come to, and what
// was written.
func (s *Streamer) Position(name string) (sent, written int64, ok bool) {
	st := s.stream(name)
	if st == nil {
		return 0, 0, false
	}
	return st.last, st.current, true
}

// Wrote says that a stream stands at token now. Nobody hears of it before the
// next Poke. A stream that is not published is left alone.
func (s *Streamer) Wrote(name string, token int64) {
	if st := s.stream(name); st != nil {
		st.current = token
	}
}

// Connect says that connection id, a number of the caller's that was not used
// before, was accepted.
func (s *Streamer) Connect(t int64, id int) {
	c := &conn{id: id, out: NewOutbox(s.config.Release, s.config.Limits, id, &s.Events)}
	if s.has&traitSubscribes != 0 {
		c.subscribed, c.connecting, c.waiting = map[string]bool{}, map[string]bool{}, map[string][]pageRow{}
	}
	if s.config.Long {
		c.out.sendsLong()
	}
	s.all = append(s.all, c)
	if !s.failed(c, c.out.Connected(t, []byte("SERVER "+s.config.Server))) {
		s.conns = append(s.conns, c)
	}
}

// Part has nothing more sent to connection id that is for all, but for its
// keep-alive, until Join.
func (s *Streamer) Part(id int) {
	s.conns = slices.DeleteFunc(s.conns, func(c *conn) bool { return c.id == id })
}

// Join undoes Part.
func (s *Streamer) Join(id int) {
	if c := s.conn(id); c != nil && !slices.Contains(s.conns, c) && !c.out.Closing() {
		s.conns = append(s.conns, c)
	}
}

// Lost says that connection id is gone, whoever ended it.
func (s *Streamer) Lost(id int) {
	if c := s.conn(id); c != nil {
		c.out.Lost()
		s.all = slices.DeleteFunc(s.all, func(other *conn) bool { return other == c })
		s.forget()
	}
}

func (s *Streamer) conn(id int) *conn {
	i := slices.IndexFunc(s.all, func(c *conn) bool { return c.id == id })
	if i < 0 {
		return nil
	}
	return s.all[i]
}

// Outbox is the sending side of a connection that is not lost, nil otherwise.
// Its Took and Resume are to be called
// through the streamer's, and nothing else that changes it.
func (s *Streamer) Outbox(id int) *Outbox {
	if c := s.conn(id); c != nil {
		return c.out
	}
	return nil
}

// Took is the Took of a connection's outbox.
func (s *Streamer) Took(t int64, id, n int) {
	if c := s.conn(id); c != nil {
		s.failed(c, c.out.Took(t, n))
	}
}

// Resume is the Resume of a connection's outbox.
func (s *Streamer) Resume(t int64, id int) {
	if c := s.conn(id); c != nil {
		s.failed(c, c.out.Resume(t))
	}
}

// failed takes a connection down that met an error which Synapse does not
// catch, and reports whether there was one.
func (s *Streamer) failed(c *conn, err error) bool {
	if err != nil {
		s.drop(c, err.Error())
	}
	return err != nil
}

// drop ends a connection as an exception does that nothing catches: it is lost
// to Synapse at once.
func (s *Streamer) drop(c *conn, why string) {
	s.Events.add(Event{Kind: EventDrop, Conn: c.id, Text: why})
	s.Lost(c.id)
}

// forget lets go of connections that closed: the live loop does not see them.
func (s *Streamer) forget() {
	s.conns = slices.DeleteFunc(s.conns, func(c *conn) bool { return c.out.Closing() })
}
