package replay

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// PlanOptions say what of a journal is to be replayed.
type PlanOptions struct {
	// Filter's Conns, Workers, From, To and Streams count.
	Filter  journal.Filter
	Release wire.Release // zero: as the journal says
	Until   map[string]int64
	Worker  bool // the workers are to be played, and not their master
	// SkipIdle is what no pause is longer than; it is reckoned in Length.
	SkipIdle time.Duration
	Temp     string // directory for the rows, "" where temporary files are
}

// Plan is what there is to replay: who the workers were, where the streams stood
// when it began, and what was written before. What was written later is read
// again from the journal when it is played, so the memory of a plan is bounded by
// connections and streams, and not by rows.
type Plan struct {
	Conns    []*Recorded // the connections looked at, in order
	Release  wire.Release
	Choice   wire.Choice // what the journal says of it
	Server   string
	Instance string
	Streams  []StreamStart
	Start    int64     // the time at which it begins, Unix nanoseconds
	End      int64     // of the last act
	From, To time.Time // what was asked for, or up to which token, zero if it was not
	Gaps     int       // places at which something is missing
	oneSided []uint64  // chosen connections on which only one side said something

	Lines   int64 // that would be sent, of the recorded connections taken together
	Rows    map[string]int64
	Said    map[string]int64 // of workers that are played: the lines of each
	LastSeq uint64

	first   *Recorded // the connection that asks first
	reader  *journal.Reader
	options PlanOptions
	begin   uint64 // the first act that is played
	cut     rests
	length  schedule
	past    *spool
	long    bool             // an over-long line is played
	asked   map[string]int64 // up to 1.12: the lowest tokens that a worker asked from
}

// Subscribes reports whether workers subscribe to streams: up to 1.12.
func (p *Plan) Subscribes() bool { return p.Release.Subscribes() }

// NewPlan reads a journal, twice. A plan that can't be is an error that says why.
// Close is to be called when it is done with.
func NewPlan(ctx context.Context, r *journal.Reader, o PlanOptions) (*Plan, error) {
	conns, err := takeCensus(ctx, r, o.Filter)
	if err != nil {
		return nil, err
	}
	p := &Plan{reader: r, options: o, Rows: map[string]int64{}, asked: map[string]int64{}}
	if at, ok := p.bound(o.Filter.From); ok {
		p.From = time.Unix(0, at)
	}
	if at, ok := p.bound(o.Filter.To); ok {
		p.To = time.Unix(0, at)
	}
	if err := p.choose(conns); err != nil {
		return nil, err
	}
	if err := p.decide(conns); err != nil {
		return nil, err
	}
	if o.Worker {
		return p, p.lookAtWorkers(ctx)
	}
	p.cuts()
	if p.past, err = newSpool(o.Temp); err != nil {
		return nil, err
	}
	if err := p.look(ctx); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Close lets go of the rows.
func (p *Plan) Close() error {
	if p.past == nil {
		return nil
	}
	return p.past.close()
}

// Together is how many workers can take part at once, each as one of its own name:
// as many as there are names, or more where several of one name were there at a time.
// The names come in the order in which they appeared.
func (p *Plan) Together() (n int, names []string) {
	var open []*Recorded
	for _, r := range p.Conns {
		if !r.asked {
			continue
		}
		if !slices.Contains(names, r.Worker) {
			names = append(names, r.Worker)
		}
		open = append(slices.DeleteFunc(open, func(other *Recorded) bool { return other.Closed <= r.Opened }), r)
		n = max(n, len(open))
	}
	return max(n, len(names)), names
}

// look reads the acts once, without playing them: up to where it begins they say
// where the streams stand and what was written, after that how much there is.
func (p *Plan) look(ctx context.Context) error {
	var failed error
	from, bounded := p.bound(p.options.Filter.From)
	start := map[string]int64{}
	var order []string
	groups := rests{}
	stand := func(a *Act) {
		token := a.Token
		if p.begin != 0 {
			token = a.Prev
		}
		if _, ok := start[a.Stream]; !ok {
			order = append(order, a.Stream)
		} else if p.begin != 0 {
			return
		}
		start[a.Stream] = token
	}
	err := p.acts(ctx, func(a *Act) bool {
		if p.begin == 0 && (bounded && a.At >= from || !bounded && a.Kind == ActAsk) {
			p.begin, p.Start, p.cut = a.nth, a.At, maps.Clone(groups)
			if bounded {
				p.Start = from
			}
			p.length = schedule{speed: 1, skip: int64(p.options.SkipIdle)}
			p.length.begin(0, p.Start)
		}
		groups.follow(a, p.begin == 0)
		_, stands := start[a.Stream]
		if rest := p.begin != 0 && groups.ends(a); rest {
			if failed = p.past.add(a.Stream, Row{Token: a.Token, JSON: a.JSON}, a.Batch); !a.Batch {
				if !stands {
					order = append(order, a.Stream)
				}
				start[a.Stream] = a.Token
			}
			return failed == nil
		}
		if a.Kind == ActRow && (p.begin == 0 || a.Past && !stands) {
			failed = p.past.add(a.Stream, Row{Token: a.Token, JSON: a.JSON}, a.Batch)
		}
		if a.named() && !a.Batch && !(a.Past && !stands) {
			stand(a)
		}
		if p.begin != 0 {
			p.count(a)
		}
		if end := time.Unix(0, a.At+1); p.reaches(a) && (p.To.IsZero() || end.Before(p.To)) {
			p.To = end
		}
		if low, ok := p.asked[a.Stream]; a.Kind == ActAsk && p.Subscribes() && !a.Batch && (!ok || a.Token < low) {
			p.asked[a.Stream] = a.Token
		}
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err == nil && p.begin == 0 {
		err = fmt.Errorf("nothing in the journal is as late as that")
		if !bounded {
			err = fmt.Errorf("no worker asks for streams in what is to be replayed: it seems to begin in the middle; say where to begin, as with --from +0s")
		}
	}
	if err == nil && len(order) == 0 && len(p.options.Filter.Streams) > 0 {
		err = nothingOf(p.options.Filter.Streams)
	}
	for _, name := range order {
		p.Streams = append(p.Streams, StreamStart{Name: name, Token: start[name]})
	}
	return err
}

// bound is a bound of the filter in Unix nanoseconds.
func (p *Plan) bound(b journal.Bound) (at int64, ok bool) {
	if b.Relative {
		return p.reader.Info().Start + int64(b.Offset), b.Set
	}
	return b.At.UnixNano(), b.Set
}

func (p *Plan) count(a *Act) {
	p.End, p.LastSeq = a.At, a.Seq
	p.length.see(a.At)
	if a.Line != nil && !a.Reset && a.Kind != ActCut {
		p.Lines++
	}
	p.long = p.long || len(a.Line) > wire.MaxLine && a.Kind != ActCut
	if a.Kind == ActRow {
		p.Rows[a.Stream]++
	}
}

// Length is how long a master's plan takes at the recorded speed.
func (p *Plan) Length() time.Duration { return time.Duration(p.length.due(p.End)) }

// holds reports whether all rows of a stream above a token are known.
func (p *Plan) holds(stream string, from int64) bool {
	for _, s := range p.Streams {
		if s.Name == stream && from >= s.Token {
			return true
		}
	}
	low, ok := p.asked[stream]
	return ok && from >= low
}

// Acts gives what is to be played, in order, until yield says false.
func (p *Plan) Acts(ctx context.Context, yield func(*Act) bool) error {
	if p.options.Worker {
		return p.workerActs(ctx, newTalk(p), yield)
	}
	started, cut := map[string]bool{}, maps.Clone(p.cut)
	return p.acts(ctx, func(a *Act) bool {
		if a.nth >= p.begin && cut.ends(a) {
			started[a.Stream] = true
			return true
		}
		if a.named() && !a.Batch && !a.Past {
			started[a.Stream] = true
		}
		if a.nth < p.begin || a.Past && !started[a.Stream] {
			return true
		}
		return yield(a)
	})
}

// reaches reports whether with a a stream has come to the token that ends it all.
func (p *Plan) reaches(a *Act) bool {
	upto, ok := p.options.Until[a.Stream]
	return ok && a.named() && !a.Batch && a.Token >= upto && a.nth >= p.begin && p.begin != 0
}

// acts reads all, but for what is of streams that were not chosen, and what comes
// after the token that was to be reached.
func (p *Plan) acts(ctx context.Context, yield func(*Act) bool) error {
	f := &p.options.Filter
	over := false
	reached := int64(math.MaxInt64)
	var g *reading
	var n uint64
	g = newReading(p.Conns, p.Subscribes(), p.Instance, func(a *Act) {
		n++
		a.nth = n
		// What came at the same time is played too, so that a time says what was.
		over = over || a.At > reached
		if over || a.Stream != "" && len(f.Streams) > 0 && !slices.Contains(f.Streams, a.Stream) {
			return
		}
		over = !yield(a)
		if p.reaches(a) {
			reached = min(reached, a.At)
		}
	})
	conns := make([]uint64, len(p.Conns))
	for i, r := range p.Conns {
		conns[i] = r.Conn
	}
	var seq uint64
	var at int64
	for rec, err := range p.reader.InTime(ctx, journal.Filter{Conns: conns, To: f.To}) {
		switch {
		case err != nil && !journal.IsPartial(err):
			return err
		case err == nil:
			g.record(rec)
			seq, at = rec.Seq, rec.Time
		}
		if over {
			break
		}
	}
	g.catchUp(seq, at)
	return ctx.Err()
}
