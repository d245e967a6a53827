package wire

import (
	"fmt"
	"maps"
)

// Follower does what a worker of one release does with what it receives, on any
// number of connections of one process, one after the other or at once: which
// rows it takes in, throws away, holds or fetches, where it then stands, what
// it answers, and when it gives a connection up.
//
// It is pure. Whoever drives it tells what happens (Connected, Receive, Lost,
// Fetched, FetchFailed, Tick) and gets the effects of that, in order, some of
// which are to be done. Times are Unix nanoseconds. A connection's number must
// not be used again while what came over it may still wait.
//
// While a fetch is not answered, what comes for its stream waits, as it does in
// Synapse, without a limit; so do batches that nothing closes. HeldBytes says
// how much that is: a driver that does not read while it is too much bounds it.
// Besides, there is a token for every instance that a stream was said to have.
type Follower struct {
	release Release
	reader  Receiver
	has     followTrait
	config  FollowerConfig

	streams   map[string]*followed
	asked     []*followed // those of the configuration, in order
	conns     []*followConn
	fetching  []*followed // those with a fetch that is not answered, in order
	lastFetch int
	held      int
	now       int64 // of the last call that told the time
	acked     int64 // what was acknowledged of the federation stream
	instances map[string]string

	parsed  Parsed
	effects []Effect
	rows    [][]byte // of the effects
	text    []byte   // lines of the effects
}

// FollowerConfig is what a worker is told before it begins.
type FollowerConfig struct {
	Name       string // the worker's, which is also that of the instance
	InstanceID string // what it calls itself in USER_SYNC from 1.13
	Server     string // what the master has to call itself; "" takes any name
	// Streams are those whose tokens are known. Up to 1.12 the worker asks for
	// these, in this order. All others of the release stand at Start and are kept
	// as usual.
	Streams []FollowedStream
	Start   int64
	// Syncing are the users that the worker says are syncing when it connects.
	Syncing []string
	// SendsFederation has it acknowledge the federation stream, as those workers
	// do that send to other servers. A real master then forgets what it acknowledges.
	SendsFederation bool
}

// FollowedStream is where a worker stands in a stream, and how it keeps that.
type FollowedStream struct {
	Name   string
	Rule   StreamRule
	Token  int64            // of the stream, or of all writers that are not in Tokens
	Tokens map[string]int64 // of writers
}

// FollowCounts counts what became of the rows of a stream.
type FollowCounts struct {
	Live      int64 // taken in as they came
	Fetched   int64 // taken in from a fetch
	Discarded int64 // thrown away: not connected, old, bad, or in a batch that a POSITION cut short
	Positions int64 // how often it caught up
	Fetches   int64 // how often rows were asked for
	Failures  int64 // how often that failed
}

// followed is a stream of a worker.
type followed struct {
	name   string
	taker  rowTaker
	store  streamPositions
	shares *followed // the stream that has the same counter, or nil
	counts FollowCounts

	// What is left holds for releases from 1.13 on.
	on      *followConn // on which its last POSITION was gone through, else nil
	batch   heldRows
	waiting []streamCommand // those that came while pending was gone through
	next    int             // of waiting
	pending *streamCommand  // a POSITION whose rows are being fetched
	from    int64           // where the fetch begins
	fetch   int             // its number
}

// heldRows are those of a batch whose last row has not come.
type heldRows struct {
	rows  [][]byte
	bytes int
}

// NewFollower is a worker of a release that is not connected yet. It is an error
// if there is no such release, or it has not all of the streams.
func NewFollower(r Release, config FollowerConfig) (*Follower, error) {
	reader, err := ReceiverOf(r)
	if err != nil {
		return nil, err
	}
	f := &Follower{release: r, reader: reader, has: followTraitsOf(r), config: config,
		streams: map[string]*followed{}, instances: map[string]string{}}
	for i := range streams {
		if s := &streams[i]; s.Since <= r && r < s.Before {
			f.streams[s.Name] = f.follow(FollowedStream{Name: s.Name, Token: config.Start})
		}
	}
	for _, s := range config.Streams {
		if f.streams[s.Name] == nil {
			return nil, fmt.Errorf("Synapse %s has no stream %q", r, s.Name)
		}
		f.streams[s.Name] = f.follow(s)
		f.asked = append(f.asked, f.streams[s.Name])
		if s.Name == "federation" {
			f.acked = s.Token
		}
	}
	for _, s := range f.streams {
		s.shares = f.streams[streamsByName[s.name].SharesWith]
	}
	return f, nil
}

func (f *Follower) follow(s FollowedStream) *followed {
	return &followed{name: s.Name, taker: rowTakerOf(f.release, streamsByName[s.Name]), store: newStreamPositions(f.release, s)}
}

// Release is the worker's release.
func (f *Follower) Release() Release { return f.release }

// SetSyncing says which users are syncing from now on.
func (f *Follower) SetSyncing(users []string) { f.config.Syncing = users }

// Token is where the worker takes itself to be in a stream of an instance.
func (f *Follower) Token(stream, instance string) int64 {
	if s := f.streams[stream]; s != nil {
		return s.store.current(instance)
	}
	return 0
}

// Tokens is what the worker's store holds for a stream: a token for all
// instances, and those of instances that have their own.
func (f *Follower) Tokens(stream string) (common int64, of map[string]int64) {
	s := f.streams[stream]
	switch {
	case s == nil:
		return 0, nil
	case s.store.writers != nil:
		return s.store.writers.Upto(), maps.Clone(s.store.writers.tokens)
	}
	return s.store.common, maps.Clone(s.store.by)
}

// Counts says what became of a stream's rows.
func (f *Follower) Counts(stream string) FollowCounts {
	if s := f.streams[stream]; s != nil {
		return s.counts
	}
	return FollowCounts{}
}

// Waiting is how many commands wait for a stream's fetch.
func (f *Follower) Waiting(stream string) int {
	if s := f.streams[stream]; s != nil {
		return len(s.waiting) - s.next
	}
	return 0
}

// HeldBytes is about how many bytes what waits takes: for a fetch, or in a batch.
func (f *Follower) HeldBytes() int { return f.held }

// Fetching lists the numbers of the fetches that are not answered, the oldest
// first.
func (f *Follower) Fetching() []int {
	var ids []int
	for _, s := range f.fetching {
		ids = append(ids, s.fetch)
	}
	return ids
}

// Batch is the rows that wait for the one that closes their batch: of a
// connection up to 1.12, else of the process.
func (f *Follower) Batch(conn int, stream string) [][]byte {
	s := f.streams[stream]
	if s == nil {
		return nil
	}
	if f.has&ftSubscribes == 0 {
		return s.batch.rows
	}
	if c := f.conn(conn); c != nil && c.batches[s] != nil {
		return c.batches[s].rows
	}
	return nil
}

// CaughtUp reports whether the worker takes in rows of a stream on a connection.
// From 1.13 on that needs a POSITION; up to 1.12 it says whether what was asked
// for has come.
func (f *Follower) CaughtUp(conn int, stream string) bool {
	s := f.streams[stream]
	if s == nil {
		return false
	}
	if f.has&ftSubscribes == 0 {
		return s.on != nil && s.on.id == conn
	}
	c := f.conn(conn)
	return c != nil && !c.missing[s]
}

// Streams lists the streams that the release has, in the order of the table.
func (f *Follower) Streams() []string {
	var names []string
	for i := range streams {
		if s := f.streams[streams[i].Name]; s != nil {
			names = append(names, s.name)
		}
	}
	return names
}

// begin forgets the effects of the last call.
func (f *Follower) begin() {
	f.effects, f.rows, f.text = emptied(f.effects), emptied(f.rows), emptied(f.text)
}

// emptied is s with nothing in it, to be filled again; what a burst made large
// is not kept.
func emptied[T any](s []T) []T {
	if cap(s) > maxKept {
		return nil
	}
	clear(s)
	return s[:0]
}

// maxKept is how many elements a buffer may have room for between two calls.
const maxKept = 4096

// add adds an effect, which the caller may fill in.
func (f *Follower) add(e Effect) { f.effects = append(f.effects, e) }

// instance is a name as a string, made once for each.
func (f *Follower) instance(name []byte) string {
	if s, known := f.instances[string(name)]; known {
		return s
	}
	s := string(name)
	if len(f.instances) < maxInstances {
		f.instances[s] = s
	}
	return s
}

// heldCost is what it takes to keep a row or a command, apart from its bytes.
const heldCost = 64

// maxInstances bounds what is kept of names; there are seldom more than twenty.
const maxInstances = 1024
