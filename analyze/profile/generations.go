package profile

import (
	"repltap/analyze/namesake"
	"repltap/journal"
)

// Generations says of lines to which generation of their writer's tokens they
// belong, as the tables have it. It is shown all records of a journal, in order.
type Generations struct{ t *taking }

// NewGenerations is for a journal that starts at start, in which there are names.
func NewGenerations(start int64, names *namesake.Set) *Generations {
	t := newTaking(start, Options{})
	t.names, t.collectors = names, []collector{newListener(t.tracker)}
	return &Generations{t}
}

// Take takes the next record in, and gives the generation of the tokens that a
// line of a stream is about: None for the first, and for what is no such line.
func (g *Generations) Take(rec *journal.Record) Count {
	g.t.record(rec)
	e := &g.t.e
	if e.step.kind != noStep {
		return generationOf(e.step.epoch)
	}
	if e.conn == nil || rec.Gist.Stream == nil {
		return None
	}
	for _, k := range e.conn.cursors {
		if k.writer.stream == string(rec.Gist.Stream) && k.writer.instance == string(rec.Gist.Instance) {
			return generationOf(k.epoch)
		}
	}
	return None
}
