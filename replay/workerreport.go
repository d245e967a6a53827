package replay

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"repltap/wire"
)

// WorkerReport is what a [Worker] believes and what it went through.
type WorkerReport struct {
	Name        string         `json:"name"`
	Release     string         `json:"release"`
	Connected   bool           `json:"connected"`
	Connections int64          `json:"connections"`
	Refused     int64          `json:"refused"` // attempts that made no connection
	Lines       int64          `json:"lines"`
	Bytes       int64          `json:"bytes"`
	Rows        int64          `json:"rows"`    // taken in
	Assumed     int64          `json:"assumed"` // fetches that there was nobody to answer, taken for empty
	HeldBytes   int            `json:"held_bytes"`
	Faults      []string       `json:"faults"` // what should not have been, each kind once
	Streams     []WorkerStream `json:"streams"`
	Ended       []WorkerEnd    `json:"ended"` // connections; the last maxEnds of them
}

// WorkerStream is a stream of one writer.
type WorkerStream struct {
	Stream    string `json:"stream"`
	Instance  string `json:"instance,omitempty"` // none up to 1.12
	Token     int64  `json:"token"`
	Delivered int64  `json:"delivered"` // rows as they came
	Fetched   int64  `json:"fetched"`   // rows from fetches
	// Discarded counts rows that were thrown away, by reason; Ignored POSITIONs.
	Discarded map[string]int64 `json:"discarded"`
	Ignored   map[string]int64 `json:"ignored"`
	Positions int64            `json:"positions"` // how often it caught up
	Fetches   int64            `json:"fetches"`
	Assumed   int64            `json:"assumed"` // of the fetches
	Failed    map[string]int64 `json:"failed"`  // POSITIONs that were given up
}

// WorkerEnd is how a connection ended.
type WorkerEnd struct {
	Conn    uint64  `json:"conn"`
	Seconds float64 `json:"seconds"` // how long it was open
	How     string  `json:"how"`     // fin, reset, timeout, error, aborted, killed, shutdown
	By      string  `json:"by"`      // master, worker
	Note    string  `json:"note,omitempty"`
	Last    string  `json:"last"` // the last command that came, but for ERROR
	CutOff  int     `json:"cut_off,omitempty"`
	Got     string  `json:"error_received,omitempty"`
	Said    string  `json:"error_sent,omitempty"`
	Lines   int64   `json:"lines"`
	Rows    int64   `json:"rdata"`
	S2C     int64   `json:"s2c_bytes"`
	C2S     int64   `json:"c2s_bytes"`
}

const (
	maxEnds    = 100  // that are kept
	maxTallies = 4096 // streams and writers that are counted apart
)

type streamKey struct{ stream, instance string }

// tallies counts what became of rows, by stream and writer.
type tallies map[streamKey]*WorkerStream

func (t tallies) of(stream, instance string) *WorkerStream {
	key := streamKey{stream, instance}
	s := t[key]
	if s == nil {
		if len(t) >= maxTallies {
			key = streamKey{"others", ""}
		}
		if s = t[key]; s == nil {
			s = &WorkerStream{Stream: key.stream, Instance: key.instance,
				Discarded: map[string]int64{}, Ignored: map[string]int64{}, Failed: map[string]int64{}}
			t[key] = s
		}
	}
	return s
}

// reasonCut is why rows of a batch are gone that a POSITION came upon.
var reasonCut = wire.ReasonCutShort.String()

// faulty are the reasons that no healthy traffic brings about. Rows before the
// first POSITION, old ones and those of a batch that was cut short are part of
// how the protocol recovers.
var faulty = map[string]string{
	wire.ReasonBadRow.String():        "rows that do not fit their stream",
	wire.ReasonUnknownStream.String(): "rows or POSITIONs of streams that the release does not have",
	wire.ReasonFetchFailed.String():   "fetches that failed",
	wire.ReasonBadFetchedRow.String(): "fetched rows that do not fit their stream",
}

// note counts an effect.
func (t tallies) note(e *wire.Effect) {
	s := t.of(e.Stream, e.Instance)
	rows := int64(len(e.Rows))
	switch e.Kind {
	case wire.EffectDeliver:
		if e.Fetched {
			s.Fetched += rows
		} else {
			s.Delivered += rows
		}
	case wire.EffectPosition:
		s.Positions++
	case wire.EffectFetch:
		s.Fetches++
	case wire.EffectDropBatch:
		s.Discarded[reasonCut] += rows
	case wire.EffectFailed:
		s.Failed[e.Why.String()]++
	case wire.EffectDiscard:
		if e.Command == wire.CmdPosition {
			s.Ignored[e.Why.String()]++
		} else {
			s.Discarded[e.Why.String()] += int64(max(1, e.Count))
		}
	}
}

// report is the state as it is.
func (w *worker) report() *WorkerReport {
	r := w.total
	r.Name, r.Release = w.config.Name, w.follower.Release().String()
	r.Connected, r.HeldBytes = w.conn != nil, w.follower.HeldBytes()
	r.Ended = slices.Clone(w.total.Ended)
	r.Streams = []WorkerStream{}
	wrong := map[string]bool{}
	for _, s := range w.tally {
		c := *s
		c.Discarded, c.Ignored, c.Failed = maps.Clone(s.Discarded), maps.Clone(s.Ignored), maps.Clone(s.Failed)
		c.Token = w.follower.Token(s.Stream, s.Instance)
		r.Rows += s.Delivered + s.Fetched
		r.Assumed += s.Assumed
		for _, reasons := range []map[string]int64{s.Discarded, s.Ignored, s.Failed} {
			for why := range reasons {
				if text := faulty[why]; text != "" {
					wrong[text] = true
				}
			}
		}
		r.Streams = append(r.Streams, c)
	}
	slices.SortFunc(r.Streams, func(a, b WorkerStream) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Instance, b.Instance))
	})
	r.Faults = append(slices.AppendSeq([]string{}, maps.Keys(wrong)), w.errors()...)
	slices.Sort(r.Faults)
	return &r
}

// errors says what was wrong with connections.
func (w *worker) errors() (texts []string) {
	for _, f := range []struct {
		n    int64
		what string
	}{{w.errorsGot, "ERROR from the master"}, {w.errorsSaid, "ERROR to the master"}, {w.crashes, "exceptions that took the connection down"}} {
		if f.n > 0 {
			texts = append(texts, fmt.Sprintf("%s (%d)", f.what, f.n))
		}
	}
	return texts
}
