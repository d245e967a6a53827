package profile

import (
	"iter"
	"sync"

	"repltap/journal"
)

// Reading a journal and counting what is in it take about the same time, and
// machines have more than one core.

// ahead gives what seq gives, which it reads in a goroutine of its own, at most
// two batches further than the caller is. The goroutine has ended when ahead
// returns.
func ahead(seq iter.Seq2[*journal.Record, error]) iter.Seq2[*journal.Record, error] {
	return func(yield func(*journal.Record, error) bool) {
		filled, free := make(chan *batch, 1), make(chan *batch, 3)
		stop := make(chan struct{})
		for range cap(free) {
			free <- &batch{}
		}
		var reading sync.WaitGroup
		reading.Go(func() {
			defer close(filled)
			fill(seq, filled, free, stop)
		})
		defer reading.Wait()
		defer close(stop)
		for b := range filled {
			for i := range b.records {
				if !yield(&b.records[i], nil) {
					return
				}
			}
			if b.err != nil && !yield(nil, b.err) {
				return
			}
			b.reset()
			free <- b // has room for all there are
		}
	}
}

// batch is records whose bytes stand one after the other in data. An error ends
// a batch.
type batch struct {
	records []journal.Record
	data    []byte
	err     error
}

// Of a batch, so that it is neither handed over too often nor large.
const (
	batchRecords = 512
	batchBytes   = 256 << 10 // its records are this long, and one more
)

// fill puts records into batches until there are no more, or stop.
func fill(seq iter.Seq2[*journal.Record, error], filled chan<- *batch, free <-chan *batch, stop <-chan struct{}) {
	var b *batch
	hand := func() bool {
		select {
		case filled <- b:
			b = nil
			return true
		case <-stop:
			return false
		}
	}
	for rec, err := range seq {
		if b == nil {
			select {
			case b = <-free:
			case <-stop:
				return
			}
		}
		if err != nil {
			b.err = err
		} else {
			b.add(rec)
		}
		if (b.err != nil || len(b.records) == batchRecords || len(b.data) >= batchBytes) && !hand() {
			return
		}
	}
	if b != nil {
		hand()
	}
}

func (b *batch) reset() {
	clear(b.records) // lets go of events and findings
	b.records, b.data, b.err = b.records[:0], b.data[:0], nil
}

// add copies a record, of which all bytes are those of the line. Where data has
// to grow, the records before keep what they have.
func (b *batch) add(rec *journal.Record) {
	n := len(b.data)
	b.data = append(b.data, rec.Data...)
	data := b.data[n:]
	if rec.Data == nil {
		data = nil
	}
	b.records = append(b.records, *rec)
	r := &b.records[len(b.records)-1]
	r.Data = data
	if r.Part > 1 {
		return // its gist has memory of its own
	}
	g := &r.Gist
	for _, part := range []*[]byte{&g.Name, &g.Stream, &g.Instance, &g.Row} {
		*part = moved(*part, rec.Data, data)
	}
}

// moved is the part of to which part is of from. As part is a slice of from, as
// much less of the array is behind it as it begins later.
func moved(part, from, to []byte) []byte {
	if part == nil {
		return nil
	}
	at := cap(from) - cap(part)
	return to[at : at+len(part)]
}
