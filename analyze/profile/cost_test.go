package profile

import (
	"context"
	"os"
	"reflect"
	"slices"
	"testing"

	"repltap/journal"
	"repltap/wire"
)

// BenchmarkTake is what a profile costs, a command. REPLTAP_JOURNAL is a journal to
// take; a synthetic one is taken when it is not set.
func BenchmarkTake(b *testing.B) {
	r := benchJournal(b)
	lines := int64(0)
	for b.Loop() {
		p, err := Take(context.Background(), r, Options{})
		if err != nil {
			b.Fatal(err)
		}
		lines += p.Totals.Commands
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(lines), "ns/command")
}

// BenchmarkRead is the reading alone.
func BenchmarkRead(b *testing.B) {
	r := benchJournal(b)
	lines := 0
	for b.Loop() {
		for _, err := range r.Records(context.Background(), journal.Filter{}) {
			if err != nil {
				b.Fatal(err)
			}
			lines++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(lines), "ns/command")
}

// BenchmarkCollectors is each collector alone, on records that are in memory, with
// what is done for all of them ("none").
func BenchmarkCollectors(b *testing.B) {
	r := benchJournal(b)
	var recs []*journal.Record
	for rec, err := range r.Records(context.Background(), journal.Filter{}) {
		if err != nil {
			b.Fatal(err)
		}
		c := *rec
		c.Data = slices.Clone(rec.Data)
		if c.Kind == journal.KindLine {
			c.Gist = wire.GistOf(c.Data)
		}
		if recs = append(recs, &c); len(recs) == 200_000 {
			break
		}
	}
	run := func(name string, i int) {
		b.Run(name, func(b *testing.B) {
			t := newTaking(r.Info().Start, Options{})
			t.collectors = t.collectors[i:min(i+1, len(t.collectors))]
			for b.Loop() {
				for _, rec := range recs {
					t.record(rec)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(recs)), "ns/command")
		})
	}
	all := newTaking(0, Options{}).collectors
	for i, c := range all {
		run(reflect.TypeOf(c).Elem().Name(), i)
	}
	run("none", len(all))
}

func benchJournal(b *testing.B) *journal.Reader {
	dir := os.Getenv("REPLTAP_JOURNAL")
	if dir == "" {
		x := wild(b, 100_000, 3600e9)
		x.done()
		dir = x.dir
	}
	r, err := journal.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	return r
}
