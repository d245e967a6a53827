package proxy

import (
	"sync"
	"sync/atomic"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// Sink is where the recorder puts what was seen, from one goroutine and in
// order. Data is valid during the call only. *journal.Scribe is one.
type Sink interface {
	Open(t int64, conn uint64, ev journal.Event)
	Chunk(t int64, conn uint64, dir wire.Direction, offset int64, data []byte)
	Gap(t int64, conn uint64, dir wire.Direction, ev journal.Event)
	Event(t int64, conn uint64, dir wire.Direction, kind journal.Kind, ev journal.Event)
	Close(t int64, conn uint64, ev journal.Event)
}

// RecorderOptions are the choices for NewRecorder; the zero value is fine.
type RecorderOptions struct {
	Queue    int64         // bytes that may wait for the sink; 0 means DefaultQueue
	Block    bool          // when the queue is full, hold the traffic up instead of leaving a gap
	Why      func() string // why the sink does not keep up, if that is known; may be nil
	NextConn func() uint64 // numbers connections; nil counts from 1
	Anchor   time.Time     // the recording's wall clock and monotonic start; zero means now
	Metrics  *Metrics      // nil counts for nobody
	Observer *Observer     // what the sink calls for each line, told here when a connection is over; may be nil
}

const (
	// DefaultQueue is how much may wait for the sink.
	DefaultQueue = 64 << 20
	// tick is how long the first chunk in an empty queue waits for company.
	// Waking a goroutine for each line would cost the forwarding more than
	// everything else that the recorder does.
	tick = 10 * time.Millisecond
	// maxWait is how long what was read later waits for what was read earlier and
	// has not been handed over yet. That takes some microseconds; unless the
	// machine lets the copier's thread stand.
	maxWait = 100 * time.Millisecond
	// urgentBytes is how much company is enough.
	urgentBytes = 256 << 10
	// patience is how long a copier waits for room in a full queue: longer than
	// a disk's sync takes now and then, and far below what a worker would notice.
	patience = 50 * time.Millisecond
	// entryCost is what an entry is charged besides its bytes: itself, in a
	// slice that may have grown to twice what is in it, twice over, since the
	// consumer has another in hand.
	entryCost = 320
	// releaseStep is how much the consumer gets done before it says so.
	releaseStep = 32 << 10
	// spareEntries is the largest queue whose memory is kept for the next one.
	spareEntries = 64 << 10
)

// kindChunk marks the entries that are bytes.
const kindChunk = journal.KindNone

// Recorder takes what the copiers have forwarded, through a queue bounded in
// bytes, and feeds it to a Sink from a goroutine of its own. See the package
// comment for what happens when that is too slow.
type Recorder struct {
	sink     Sink
	limit    int64
	block    bool
	why      func() string
	nextConn func() uint64
	metrics  *Metrics
	observer *Observer
	anchor   time.Time
	base     int64 // the anchor's wall clock

	timer  *time.Timer
	urgent chan struct{}
	done   chan struct{}
	queued atomic.Int64 // bytes charged; written under mu

	mu      sync.Mutex
	queue   []entry
	batch   uint64        // number of the batch that queue will be
	fresh   int64         // bytes charged since the last batch was taken
	armed   bool          // the consumer is at work, or the timer will bring it back
	stuck   bool          // no copier waits until the queue is half empty
	room    chan struct{} // closed when something was done; nil when nobody waits
	unheard unheard
	closing bool

	// The consumer's own.
	spare, later, work []entry
}

// entry is one thing that the sink will be told.
type entry struct {
	t      int64
	rec    *recording
	data   []byte
	slab   *slab
	offset int64
	event  *journal.Event // of everything but chunks; of a chunk, the gap before it
	kind   journal.Kind   // kindChunk: bytes
	dir    wire.Direction
	batch  uint64 // the first that it was in
}

func (e *entry) cost() int64 { return entryCost + int64(len(e.data)) }

// NewRecorder starts the goroutine that feeds sink; Close ends it.
func NewRecorder(sink Sink, o RecorderOptions) *Recorder {
	r := &Recorder{
		sink: sink, limit: o.Queue, block: o.Block, why: o.Why, nextConn: o.NextConn, metrics: o.Metrics, observer: o.Observer, anchor: o.Anchor,
		timer: time.NewTimer(tick), urgent: make(chan struct{}, 1), done: make(chan struct{}), batch: 1,
	}
	r.timer.Stop()
	if r.limit <= 0 {
		r.limit = DefaultQueue
	}
	if r.nextConn == nil {
		var n atomic.Uint64
		r.nextConn = func() uint64 { return n.Add(1) }
	}
	if r.metrics == nil {
		r.metrics = NewMetrics(nil)
	}
	if r.anchor.IsZero() {
		r.anchor = time.Now()
	}
	r.base = r.anchor.UnixNano()
	r.metrics.watchQueue(r)
	go r.run()
	return r
}

// now is the time of the recording: wall clock at its start, monotonic since.
func (r *Recorder) now() int64 { return r.base + int64(time.Since(r.anchor)) }

// at is a moment in the time of the recording.
func (r *Recorder) at(t time.Time) int64 { return r.base + int64(t.Sub(r.anchor)) }

// Close gives the sink all that is queued and returns when it has taken it.
// No tap may be serving any more.
func (r *Recorder) Close() {
	r.mu.Lock()
	r.closing = true
	r.confess()
	r.nudge(true)
	r.mu.Unlock()
	<-r.done
}

// queueFull is the reason of a gap that begins now because there is no room.
func (r *Recorder) queueFull() string {
	if r.why != nil {
		if why := r.why(); why != "" {
			return ReasonQueueFull + ": " + why
		}
	}
	return ReasonQueueFull
}

// QueueBytes is how much waits for the sink, as charged against the limit.
func (r *Recorder) QueueBytes() int64 { return r.queued.Load() }

// put queues a chunk, waiting for room as the policy says. False means that
// there is none.
func (r *Recorder) put(e *entry, f *flow, stop <-chan struct{}) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cost := e.cost(); !r.fits(cost) && !r.await(cost, stop) {
		return false
	}
	e.slab.hold()
	r.push(e)
	f.mark.Store(2 * r.batch)
	return true
}

// tell queues what is no chunk. It never waits and never fails: there are a
// handful for each connection. f is the flow in whose hand it was, if any.
func (r *Recorder) tell(e *entry, f *flow) {
	r.mu.Lock()
	if r.queued.Load() <= r.limit {
		r.confess()
	}
	r.push(e)
	if f != nil {
		f.mark.Store(2 * r.batch)
	}
	r.nudge(true)
	r.mu.Unlock()
}

func (r *Recorder) push(e *entry) {
	cost := e.cost()
	r.queue = append(r.queue, *e)
	r.queued.Add(cost)
	r.fresh += cost
	r.nudge(r.fresh >= urgentBytes)
}

// nudge sees to it that the consumer comes: soon, or at once.
func (r *Recorder) nudge(now bool) {
	switch {
	case now:
		r.armed = true
		select {
		case r.urgent <- struct{}{}:
		default:
		}
	case !r.armed:
		r.armed = true
		r.timer.Reset(tick)
	}
}

// fits says whether there is room. An empty queue takes anything, so that a
// limit below the size of one chunk still records.
func (r *Recorder) fits(cost int64) bool {
	queued := r.queued.Load()
	if r.stuck && queued > r.limit/2 {
		return false
	}
	r.stuck = false
	return queued == 0 || queued+cost <= r.limit
}

// await waits for room; it is called with the lock and returns with it.
func (r *Recorder) await(cost int64, stop <-chan struct{}) bool {
	if r.stuck {
		return false
	}
	var late <-chan time.Time // nil, for ever, when traffic is to be held up
	if !r.block {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		late = timer.C
	}
	for {
		room, over, stopped := r.roomSignal(), false, false
		r.mu.Unlock()
		select {
		case <-room:
		case <-late:
			over = true
		case <-stop:
			stopped = true
		}
		r.mu.Lock()
		switch {
		case r.fits(cost):
			return true
		case over || stopped:
			r.stuck = r.stuck || over
			return false
		}
	}
}

func (r *Recorder) roomSignal() chan struct{} {
	if r.room == nil {
		r.room = make(chan struct{})
	}
	return r.room
}
