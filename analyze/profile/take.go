package profile

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"time"

	"repltap/analyze/namesake"
	"repltap/journal"
)

// Options are the choices for Take.
type Options struct {
	Filter journal.Filter
	// Flags is the filter as it was typed, which the profile repeats.
	Flags string
	// Reveal shows users by their names. Otherwise they are numbered.
	Reveal bool
	// Progress, when not nil, is told how many records were read.
	Progress func(records int64)
}

// collector makes some of the tables of a profile.
type collector interface {
	// take looks at one entry, which is valid until it returns.
	take(e *entry)
	// finish writes what was collected.
	finish(p *Profile)
}

// Take reads a journal, or what a filter selects of it, and says what is in it.
// What is damaged is in Damage; an error is one that kept it from reading. With an
// *journal.UnreadableError comes the profile of what could be read.
func Take(ctx context.Context, r *journal.Reader, o Options) (*Profile, error) {
	info := r.Info()
	p := &Profile{
		Schema: Schema, QuantileError: quantileError, Notes: []string{},
		Journal: Journal{
			Path: info.Path, Live: info.Live, Files: info.Files, Source: info.Source, Redact: info.Redact,
			Program: info.Program, Start: Time(info.Start), First: None, Last: None, Duration: None, Filter: o.Flags,
		},
	}
	t := newTaking(info.Start, o)
	t.names = namesake.Find(ctx, r, o.Filter)
	done := int64(0)
	var unreadable error
	for rec, err := range ahead(r.InTime(ctx, o.Filter)) {
		if err != nil {
			var removed *journal.RemovedError
			switch {
			case errors.As(err, &removed):
				t.record(removed.Record())
			case errors.As(err, new(*journal.UnreadableError)):
				unreadable = cmp.Or(unreadable, err)
			case !journal.IsPartial(err):
				return nil, err
			default:
				t.damage = append(t.damage, damageRow(err))
			}
			t.e.torn = true
			continue
		}
		t.record(rec)
		if done++; done%progressEvery == 0 && o.Progress != nil {
			o.Progress(done)
		}
	}
	t.finish(p)
	return p, unreadable
}

// progressEvery is how many records are read between two calls of Progress.
const progressEvery = 16384

// taking is one reading of a journal.
type taking struct {
	start       int64
	first, last int64
	any         bool
	conns       map[uint64]*connection // those that are open
	recent      *connection            // of the record before: most records are of the same
	streams     *subjects
	tracker     *tracker
	names       *namesake.Set
	e           entry
	collectors  []collector
	damage      []DamageRow
	narrow      bool // only some of the lines of a connection pass
}

// newTaking makes what reads a journal that starts at start.
func newTaking(start int64, o Options) *taking {
	t := &taking{names: &namesake.Set{}, conns: map[uint64]*connection{}, start: start, streams: newSubjects(), narrow: narrows(&o.Filter)}
	t.tracker = newTracker(t.conns, t.streams, start)
	names := newNaming(o)
	t.collectors = []collector{
		newBreakdown(), &missing{}, &clock{},
		newTimeline(t.streams), newBursts(t.streams), newLengths(t.streams), newFindings(o),
		newTalkers(t.streams, names), newSessions(names),
		newReceivers(t.streams), newFanOut(t.streams),
	}
	t.collectors = append(t.collectors, t.tracker.collectors()...)
	return t
}

// narrows says whether a filter lets only some of the lines of a connection's
// direction pass.
func narrows(f *journal.Filter) bool {
	return len(f.Commands) > 0 || len(f.Streams) > 0 || len(f.Instances) > 0 || f.Findings
}

func (t *taking) record(rec *journal.Record) {
	if !t.any {
		t.any, t.first, t.last = true, rec.Time, rec.Time
	}
	t.first, t.last = min(t.first, rec.Time), max(t.last, rec.Time)
	e := &t.e
	e.Record, e.at, e.conn, e.stream, e.step.kind = rec, rec.Time-t.start, nil, 0, noStep
	if rec.Conn != 0 {
		e.conn = t.connection(rec)
		if e.conn.see(rec, t.names) {
			t.tracker.meet(e.conn)
		}
		t.tracker.track(e)
	}
	if rec.Kind == journal.KindLine {
		e.stream = t.streams.of(rec.Gist.Stream)
	}
	for _, c := range t.collectors {
		c.take(e)
	}
	e.torn = false
	if rec.Kind == journal.KindClose {
		delete(t.conns, rec.Conn)
		t.recent = nil
	}
}

func (t *taking) finish(p *Profile) {
	if t.any {
		p.Journal.First, p.Journal.Last, p.Journal.Duration = Time(t.first), Time(t.last), Seconds(t.last-t.first)
	}
	p.Damage = append([]DamageRow{}, t.damage...)
	for _, c := range t.collectors {
		c.finish(p)
	}
	t.tracker.finish(p)
	p.Namesakes = namesakeRows(t.names, t.start)
	if t.narrow {
		p.Notes = append(p.Notes, "The filter lets only some lines of a connection pass: silences, lags and endings are of these.")
	}
	p.Highlights = highlights(p, t.narrow)
	cleanTexts(reflect.ValueOf(p).Elem())
}

// span is how long what was read took.
func (p *Profile) span() time.Duration { return time.Duration(max(p.Journal.Duration, 0)) }
