package profile

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"testing"

	"repltap/journal"
	"repltap/wire"
)

// some gives records as a journal's reader does, in one and the same place, with
// an error here and there.
func some(n int) iter.Seq2[*journal.Record, error] {
	return func(yield func(*journal.Record, error) bool) {
		var rec journal.Record
		var line []byte
		for i := range n {
			if i%1000 == 999 {
				if !yield(nil, fmt.Errorf("damage %d", i)) {
					return
				}
				continue
			}
			line = fmt.Appendf(line[:0], "RDATA events w%d %d [\"%0*d\"]\n", i%7, i, i%3000, i)
			rec = journal.Record{Seq: uint64(i), Kind: journal.KindLine, Dir: wire.S2C, Data: line, Gist: wire.GistOf(line)}
			if i%100 == 0 {
				rec = journal.Record{Seq: uint64(i), Kind: journal.KindStall, Event: &journal.Event{Bytes: int64(i)}}
			}
			if !yield(&rec, nil) {
				return
			}
		}
	}
}

func TestAhead(t *testing.T) {
	next, stop := iter.Pull2(ahead(some(5000)))
	defer stop()
	n := 0
	for rec, err := range some(5000) {
		got, gotErr, ok := next()
		if !ok || fmt.Sprint(err) != fmt.Sprint(gotErr) {
			t.Fatalf("record %d: %v, %v; want %v", n, ok, gotErr, err)
		}
		if !reflect.DeepEqual(rec, got) {
			t.Fatalf("record %d: %+v\nwant %+v", n, got, rec)
		}
		n++
	}
	if _, _, ok := next(); ok || n != 5000 {
		t.Errorf("%d records, and then more: %v", n, ok)
	}
}

// Whoever stops in the middle leaves nothing behind.
func TestAheadStops(t *testing.T) {
	ended := make(chan error, 1)
	endless := func(yield func(*journal.Record, error) bool) {
		defer func() { ended <- nil }()
		for yield(&journal.Record{Data: []byte("PING 1\n")}, nil) {
		}
	}
	n := 0
	for range ahead(endless) {
		if n++; n == 2000 {
			break
		}
	}
	select {
	case <-ended:
	default:
		t.Error("the reading goes on")
	}
	for _, err := range ahead(func(yield func(*journal.Record, error) bool) { yield(nil, errors.ErrUnsupported) }) {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
	}
}
