package profile

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// Whatever a journal holds, what is kept of it is bounded: here every line is about
// people, streams, processes and rooms that were never there before, with names as
// long as they may be, and the time goes on by leaps.
func TestHostile(t *testing.T) {
	const lines = 30_000
	x := newTaking(0, Options{})
	long := strings.Repeat("x", 200)
	var room []byte
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	streams := []string{"events", "presence", "receipts", "account_data", "device_lists", "typing", "caches", "backfill", "to_device", "groups", "pushers", "sticky_events"}
	rec := journal.Record{}
	for i := range lines {
		name := fmt.Sprintf("%d%s", i, long)
		dir := wire.C2S
		switch i % 8 {
		case 0:
			room = fmt.Appendf(room[:0], "USER_SYNC %d @%s:s start 1\n", i, name)
		case 1:
			room = fmt.Appendf(room[:0], "USER_IP @%s [\"t\"]\n", name)
		case 2:
			room = fmt.Appendf(room[:0], "REPLICATE %s 1\n", name)
		case 3:
			room = fmt.Appendf(room[:0], "USER_SYNC @%s:s start 1\n", name)
		default:
			dir = wire.S2C
			room = fmt.Appendf(room[:0], "RDATA %s %s %d [\"@%s\",\"!%s\",\"%s\",[1],\"%s\"]\n", streams[i/8%len(streams)], name, i, name, name, name, name)
		}
		rec = journal.Record{
			Seq: uint64(i + 1), Time: int64(i) * int64(time.Second), Conn: uint64(1 + i/2), Dir: dir, Kind: journal.KindLine, Data: room,
			Gist: wire.GistOf(room), Worker: name,
		}
		if i%5 == 0 {
			rec.Findings = []wire.Finding{{Code: "E-" + name, Detail: name + name, Reply: name}}
		}
		x.record(&rec)
		if i%2 == 1 && i%20 != 19 { // some are never closed
			rec = journal.Record{Seq: rec.Seq, Time: rec.Time, Conn: uint64(1 + i/2), Kind: journal.KindClose, Event: &journal.Event{}}
			x.record(&rec)
		}
	}
	kept := heap() - before
	t.Logf("%d MiB for %d lines", kept>>20, lines)
	if limit := int64(160 << 20); kept > limit {
		t.Errorf("%d MiB are kept", kept>>20)
	}
	p := &Profile{}
	x.finish(p)
	if len(p.Tables()) == 0 {
		t.Error("there are no tables")
	}
	for _, table := range p.Tables() {
		if len(table.Rows) > 20_000 {
			t.Errorf("%s has %d rows", table.Name, len(table.Rows))
		}
	}
	runtime.KeepAlive(x)
}
