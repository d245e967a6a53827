package journal

import (
	"context"
	"time"
)

// Run is what a replay knows of itself beyond what it sent and received: what it
// was to play, in which way, and what of that did not take place. The journal of a
// replay has it twice, as records of [KindRun]: when the replay begins, and with
// what came of it when it ends. A replay that was killed has the first one only.
type Run struct {
	Journal string  `json:"journal"` // that is replayed, as it was named
	As      string  `json:"as"`      // the side that is played: RunMaster or RunWorker
	Speed   float64 `json:"speed"`   // 0: as fast as possible

	// What of the journal is to be played: empty is all of it. To is not included.
	Conns   []uint64  `json:"conns,omitempty"`
	Workers []string  `json:"workers,omitempty"`
	Streams []string  `json:"streams,omitempty"`
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`
	// Begun are the streams in which a group of rows with one token had begun
	// before From: the rest of the group is not played.
	Begun []string `json:"begun,omitempty"`

	Shared     bool              `json:"shared,omitempty"`       // every worker is given all of it, whatever its name
	Rebased    bool              `json:"rebased,omitempty"`      // tokens are moved
	ServerName string            `json:"server_name,omitempty"`  // another name for the server
	Rename     map[string]string `json:"rename,omitempty"`       // other names for instances
	Expected   int               `json:"expected,omitempty"`     // how many workers a master was asked to wait for; 0: that was not said, so all that are to be played belong to it
	LagLimit   time.Duration     `json:"lag_limit_ns,omitempty"` // the highest 99th percentile of its lag that is good enough; 0: the reader's choice, below 0: any

	// LeftOut is what of that is not played, and why. What the filter leaves out
	// is not in it.
	LeftOut []LeftOut `json:"left_out,omitempty"`

	// What came of it, from here on.
	Ended       bool     `json:"ended,omitempty"`       // this is the record of the end
	Complete    bool     `json:"complete,omitempty"`    // the schedule came to its end
	Interrupted bool     `json:"interrupted,omitempty"` // it was asked to end before that
	Fault       string   `json:"fault,omitempty"`       // why it could not go on
	Began       int64    `json:"began,omitempty"`       // when its schedule began, Unix nanoseconds; 0: it did not
	Origin      int64    `json:"origin,omitempty"`      // the recorded time that was then
	Lag         *RunLag  `json:"lag,omitempty"`         // nil: there was no schedule to keep
	Untaken     []uint64 `json:"untaken,omitempty"`     // connections of this journal that the replay ended without a sign that the worker had taken all that it was sent
	Gaps        int      `json:"gaps,omitempty"`        // places of the replayed part at which the journal lacks something
	Notes       []string `json:"notes,omitempty"`       // what was odd, once each
}

// The sides that a run may play.
const (
	RunMaster = "master"
	RunWorker = "worker"
)

// RunLag is how far behind its schedule a replay was, in microseconds, over all
// that it sent.
type RunLag struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

// LeftOut is a part of the replayed journal that a replay did not play, for one
// reason.
type LeftOut struct {
	Why    string   `json:"why"`              // one of the Left constants
	Detail string   `json:"detail,omitempty"` // the cause in words, as "127.0.0.1:9092: connection refused"
	Conns  []uint64 `json:"conns"`            // the recorded connections of which it is a part, or all
}

// Why something recorded was not played. That the other side did not take or keep
// a connection is its doing; LeftFailed is that of the replay's own process.
const (
	LeftOneSided    = "one side only" // the recorded connection has the lines of one side: there is no conversation to play
	LeftRefused     = "refused"       // the other side did not take the connection
	LeftUnreachable = "unreachable"   // the connection could not be made, for another reason
	LeftFailed      = "failed"        // the process that replays lacks something for it
	LeftTooLong     = "too long"      // a line of it is longer than what is played
	LeftEnded       = "ended early"   // the other side, or its silence, ended the connection before
)

// LastRun gives the last record that a replay wrote about itself into its journal,
// or nil when it has none, and the number of the record with which that replay
// began, 0 when that is not known. What can't be read is left out.
func (r *Reader) LastRun(ctx context.Context) (last *Run, from uint64, err error) {
	for rec, err := range r.Records(ctx, Filter{Conns: []uint64{0}}) {
		switch {
		case err != nil && !IsPartial(err):
			return nil, 0, err
		case err != nil || rec.Kind != KindRun || rec.Event.Run == nil:
			continue
		case rec.Event.What == "begin":
			from = rec.Seq
		}
		last = rec.Event.Run
	}
	return last, from, ctx.Err()
}
