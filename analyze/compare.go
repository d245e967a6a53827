package analyze

import (
	"context"
	"iter"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// The verdicts.
const (
	Same         = "same"
	Different    = "different"
	Inconclusive = "inconclusive"
)

// The defaults of Options.
const (
	DefaultLate        = 250 * time.Millisecond
	DefaultMaxLag      = 50 * time.Millisecond
	DefaultDifferences = 1000
)

// Options are the choices for Compare; the zero value is fine.
type Options struct {
	// Filter is what is compared. Its connections are numbers of the recorded
	// journal; its times are taken from either journal's own start when they are
	// relative. Of a run, which is what was replayed, all times are compared.
	Filter journal.Filter
	// Pairs says which connection of the recorded journal is compared with which
	// of the replayed one, where that is not to be found by name and order.
	Pairs [][2]uint64
	// Late is how much later than recorded a line may come, in the time of the
	// replayed journal. Negative: nothing is late.
	Late time.Duration
	// MaxLag is how far behind its schedule the driver of a run may be in 99 of
	// 100 sends. Zero: as the run itself says; negative: any.
	MaxLag time.Duration
	// Differences is how many of them are told; all are counted.
	Differences int
	// Progress, when not nil, is told now and then how many records were read in
	// all.
	Progress func(records int64)
}

// Comparison is what came of comparing two journals. Its JSON is that of `diff
// --format json`.
type Comparison struct {
	Verdict string `json:"verdict"`
	Why     string `json:"why"` // a sentence

	Recorded JournalSide `json:"recorded"`
	Replayed JournalSide `json:"replayed"`
	Speed    float64     `json:"speed"` // of the run; 0: as fast as possible, or it is no run
	IsRun    bool        `json:"run"`   // the replayed journal is that of a replay

	// Counts says how many differences of each kind there are, Lines how many
	// lines they are about. Differences are the first of them.
	Counts      map[string]int64 `json:"counts"`
	Lines       map[string]int64 `json:"lines"`
	Differences []Difference     `json:"differences"`

	Coverage    Coverage     `json:"coverage"`
	Lag         LagUs        `json:"lag_us"`
	Connections []Pair       `json:"connections"`
	Reconnects  []Reconnects `json:"reconnects"`
	CatchUp     []CatchUp    `json:"catch_up"`
	Endings     []Ending     `json:"endings"`
	Pauses      []PausePair  `json:"pauses"`
	NotCompared []Tally      `json:"not_compared"` // what only the worker's users, or the master's rows, made come
	Notes       []string     `json:"notes"`
}

// JournalSide is what was read of a journal.
type JournalSide struct {
	Path        string `json:"path"`
	Source      string `json:"source"`
	Connections int    `json:"connections"`
	Lines       int64  `json:"lines"` // that are compared
}

// LagUs is how far behind its schedule the driver of a run was, in microseconds.
type LagUs struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

// Total is how many differences there are.
func (c *Comparison) Total() int64 {
	var n int64
	for _, k := range c.Counts {
		n += k
	}
	return n
}

// comparer holds what one comparison needs from its beginning to its end.
type comparer struct {
	ctx     context.Context
	opts    Options
	runs    [2]*journal.Run // what either journal says of a replay that it is of
	from    [2]uint64       // the record at which that replay begins
	run     *journal.Run    // of the replayed journal, as it is compared
	again   bool            // the recorded journal is that of a run too
	readers [2]*journal.Reader
	surveys [2]*survey
	began   [2]int64       // see starts
	mask    wire.Redaction // what is not looked at, if anything
	out     *Comparison
	unsure  []string // why it is inconclusive
	gapTold bool     // a gap of the recorded journal is among that

	absentees []*pairing                  // recorded connections that nobody played, and that are not compared
	absence   string                      // why the verdict can't be "same" as to them
	aside     string                      // what it says of them where it can
	reasons   map[uint64]*journal.LeftOut // see reason
	records   int64
}

// Compare compares a recorded journal with a replayed one, or any two. That a
// part of one can't be read is no error but makes the comparison inconclusive.
func Compare(ctx context.Context, recorded, replayed *journal.Reader, opts Options) (*Comparison, error) {
	c, err := newComparer(ctx, recorded, replayed, opts)
	if err != nil {
		return nil, err
	}
	for side := range c.readers {
		s, err := c.survey(side)
		if err != nil {
			return nil, err
		}
		c.surveys[side] = s
	}
	c.began = c.starts()
	pairs := c.absent(c.pair())
	c.asked(pairs)
	c.gaps(pairs)
	if err := c.comparePairs(pairs); err != nil {
		return nil, err
	}
	c.times(pairs)
	c.endings(pairs)
	if err := c.cover(pairs); err != nil {
		return nil, err
	}
	c.decide(pairs)
	return c.out, nil
}

func newComparer(ctx context.Context, recorded, replayed *journal.Reader, opts Options) (*comparer, error) {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	if opts.Differences == 0 {
		opts.Differences = DefaultDifferences
	}
	c := &comparer{ctx: ctx, readers: [2]*journal.Reader{recorded, replayed}}
	for side, r := range c.readers {
		var err error
		if c.runs[side], c.from[side], err = r.LastRun(ctx); err != nil {
			return nil, err
		}
	}
	if c.run = c.runs[1]; c.run != nil && c.runs[0] != nil {
		c.again = true
		c.run = whole(c.run) // what was replayed of a third journal is all there is
	}
	if c.run != nil {
		set(&opts.MaxLag, c.run.LagLimit)
	}
	set(&opts.Late, DefaultLate)
	set(&opts.MaxLag, DefaultMaxLag)
	c.opts = opts
	c.out = &Comparison{
		Counts: map[string]int64{}, Lines: map[string]int64{}, Differences: []Difference{},
		Connections: []Pair{}, Reconnects: []Reconnects{}, CatchUp: []CatchUp{}, Endings: []Ending{},
		Coverage: Coverage{LeftOut: []LeftOut{}}, Pauses: []PausePair{}, NotCompared: []Tally{}, Notes: []string{},
		Recorded: JournalSide{Path: recorded.Info().Path, Source: recorded.Info().Source},
		Replayed: JournalSide{Path: replayed.Info().Path, Source: replayed.Info().Source},
	}
	if c.run != nil {
		c.out.IsRun, c.out.Speed = true, c.run.Speed
	}
	c.redaction(recorded.Info(), replayed.Info())
	return c, nil
}

// redaction finds out what of the journals can't be compared as it stands.
func (c *comparer) redaction(a, b journal.Info) {
	la, _ := wire.ParseRedaction(a.Redact)
	lb, _ := wire.ParseRedaction(b.Redact)
	c.mask = max(la, lb)
	switch {
	case c.mask == wire.RedactNone:
	case c.run != nil:
		// Pseudonyms that are sent get pseudonyms of their own.
	case la != lb:
		c.note("the recorded journal was redacted at " + la.String() + ", the replayed one at " + lb.String() + ": what is redacted at " + c.mask.String() + " was not compared")
	case a.Key != b.Key:
		c.note("the journals were redacted with different keys: what is redacted at " + c.mask.String() + " was not compared")
	default:
		c.mask = wire.RedactNone
	}
}

func (c *comparer) note(text string) { c.out.Notes = append(c.out.Notes, text) }

func (c *comparer) doubt(why string) {
	if len(c.unsure) < 20 {
		c.unsure = append(c.unsure, why)
	}
}

// filter is what to read of one journal: what was replayed of the one, and all
// of the other. Which connections of it are told of is known when all have found
// their partners.
func (c *comparer) filter(side int) journal.Filter {
	f := journal.Filter{From: c.opts.Filter.From, To: c.opts.Filter.To}
	if c.run == nil {
		return f
	}
	if side == 1 {
		return journal.Filter{}
	}
	f.Conns = c.run.Conns
	f.Workers = c.run.Workers
	if !f.From.Set && !c.run.From.IsZero() {
		f.From = journal.Bound{Set: true, At: c.run.From}
	}
	if !f.To.Set && !c.run.To.IsZero() {
		f.To = journal.Bound{Set: true, At: c.run.To}
	}
	return f
}

// read reads a journal. What can't be read is told to bad.
func (c *comparer) read(side int, f journal.Filter, bad func(error)) iter.Seq[*journal.Record] {
	return func(yield func(*journal.Record) bool) {
		for rec, err := range c.readers[side].Records(c.ctx, f) {
			if err != nil {
				bad(err)
				if c.ctx.Err() != nil || !journal.IsPartial(err) {
					return
				}
				continue
			}
			if rec.Seq < c.from[side] {
				continue // of an earlier run into the same journal
			}
			if c.records++; c.records%4096 == 0 && c.opts.Progress != nil {
				c.opts.Progress(c.records)
			}
			if !yield(rec) {
				return
			}
		}
	}
}
