package replay

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// Likeness is what a journal says of a worker: enough to be one like it.
type Likeness struct {
	Conn    uint64 // the recorded connection
	Worker  string
	Release wire.Release // that of the journal
	Streams []string     // that it asked for, up to 1.12
	Start   []StartToken // where it stood: what it asked from, or what it was told first
	Syncing []string     // users that it said were syncing when it connected
	Faults  []Fault      // times in which it did nothing at all
	// SendsFederation: it acknowledged the federation stream, or asked for it.
	SendsFederation bool
}

const (
	// frozenFor is a silence that no living worker keeps: it says PING every five
	// seconds, or at every other tick when the clock is a moment late.
	frozenFor = 12 * time.Second
	// frozenAfter is how long after its last word a worker is taken to have frozen.
	frozenAfter = 500 * time.Millisecond
	// hello is how long a worker introduces itself.
	hello = int64(time.Second)
	// maxSyncing bounds the users that are kept.
	maxSyncing = 1000
)

// LikeRecorded reads of a journal what a worker was: the first connection on which
// one asked for replication, of those that a number and a name leave (0 and "" leave
// all).
func LikeRecorded(ctx context.Context, r *journal.Reader, conn uint64, name string) (*Likeness, error) {
	conns, err := takeCensus(ctx, r, journal.Filter{})
	if err != nil {
		return nil, err
	}
	for _, c := range conns {
		if c.asked && (conn == 0 || c.Conn == conn) && (name == "" || c.Worker == name) {
			return readLikeness(ctx, r, c, releaseOf([]*Recorded{c}, conns))
		}
	}
	switch {
	case conn != 0:
		return nil, fmt.Errorf("no worker asks for replication on connection %d of the journal", conn)
	case name != "":
		return nil, fmt.Errorf("no worker %q asks for replication in the journal%s", name, namesOf(conns))
	}
	return nil, fmt.Errorf("no worker asks for replication in the journal")
}

func readLikeness(ctx context.Context, r *journal.Reader, c *Recorded, of wire.Choice) (*Likeness, error) {
	l := likeness{Likeness: Likeness{Conn: c.Conn, Worker: c.Worker}, stood: map[string]int64{}, asked: map[string]bool{}}
	for rec, err := range r.Records(ctx, journal.Filter{Conns: []uint64{c.Conn}}) {
		switch {
		case err != nil && !journal.IsPartial(err):
			return nil, err
		case err != nil || rec.Kind != journal.KindLine:
		case rec.Dir == wire.C2S:
			l.said(rec)
		default:
			l.told(rec)
		}
	}
	if err := l.decide(of); err != nil {
		return nil, err
	}
	return &l.Likeness, ctx.Err()
}

// likeness is a Likeness that is being read.
type likeness struct {
	Likeness
	first      int64 // when the worker spoke for the first time, and
	last       int64 // for the last; 0: it has not
	subscribes bool
	asked      map[string]bool  // for true, from a token
	stood      map[string]int64 // where streams stood by their first POSITION, of instances from 1.13
}

// said is a line of the worker.
func (l *likeness) said(rec *journal.Record) {
	if l.first == 0 {
		l.first = rec.Time
	} else if gap := rec.Time - l.last; time.Duration(gap) > frozenFor {
		at := time.Duration(l.last-l.first) + frozenAfter // it speaks as soon as it is connected
		l.Faults = append(l.Faults, Fault{Kind: FaultFreeze, At: at, For: time.Duration(gap) - frozenAfter})
	}
	l.last = rec.Time
	g := &rec.Gist
	switch g.Command {
	case wire.CmdFederationAck:
		l.SendsFederation = true
	case wire.CmdUserSync:
		if rec.Time-l.first < hello && len(l.Syncing) < maxSyncing {
			l.sync(rec)
		}
	case wire.CmdReplicate:
		if g.Form == wire.FormReplicateToken {
			l.subscribes = true
			l.ask(string(g.Stream), g.Token, g.HasToken)
		}
	}
}

// ask is a stream that it asked for, and from where, the first time that is said.
func (l *likeness) ask(stream string, token int64, has bool) {
	from, again := l.asked[stream]
	if from || stream == "ALL" || len(l.asked) >= maxStreams {
		return
	}
	l.asked[stream] = has
	if !again {
		l.Streams = append(l.Streams, stream)
	}
	if has {
		l.Start = append(l.Start, StartToken{Stream: stream, Token: token})
	}
}

// sync is USER_SYNC of a user who is there, when the worker has just connected.
func (l *likeness) sync(rec *journal.Record) {
	words := bytes.Split(bytes.TrimSuffix(rec.Data, newline), []byte{' '})
	user := 1
	if rec.Gist.Form != wire.FormUserSync3 {
		user = 2
	}
	if len(words) > user+1 && bytes.Contains(rec.Data, []byte(" start ")) {
		l.Syncing = append(l.Syncing, string(words[user]))
	}
}

// told is a line of the master: the first POSITION of a stream says where a worker
// stands that has missed nothing.
func (l *likeness) told(rec *journal.Record) {
	g := &rec.Gist
	key := string(g.Stream) + "\x00" + string(g.Instance)
	if _, known := l.stood[key]; known || g.Command != wire.CmdPosition || !g.HasToken || len(l.stood) >= maxStreams {
		return
	}
	token := g.Token
	if g.HasPrev {
		token = g.Prev
	}
	l.stood[key] = token
	if l.subscribes { // for ALL, or NOW
		l.ask(string(g.Stream), token, true)
	} else {
		l.Start = append(l.Start, StartToken{Stream: string(g.Stream), Instance: string(g.Instance), Token: token})
	}
}

// decide takes the release of the journal, and of what was asked for what it has.
func (l *likeness) decide(of wire.Choice) error {
	if of.Conflict != "" || of.Play.OverRedis() {
		return fmt.Errorf("what is said on connection %d is not what workers of one release say over TCP", l.Conn)
	}
	l.Release = of.Play
	keep := func(name string) bool { return hasStream(l.Release, name) }
	var streams []string
	for _, name := range l.Streams {
		if keep(name) {
			streams = append(streams, name)
		}
	}
	var start []StartToken
	for _, s := range l.Start {
		if keep(s.Stream) {
			start = append(start, s)
		}
	}
	l.Streams, l.Start = streams, start
	_, asked := l.asked["federation"]
	l.SendsFederation = l.SendsFederation || asked
	return nil
}
