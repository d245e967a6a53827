package replay

import (
	"slices"

	"repltap/journal"
	"repltap/wire"
)

// A worker that nothing reaches any more gives its master up, and comes back. What
// was on its way to it is seen on the old connection only when that is let through
// again, or thrown away: long after the new connection has asked. The master had
// sent it long before. So what is seen of a connection that began in between is
// parked until the old one has nothing more.

// parked are the records of such connections.
type parked struct {
	until   map[uint64]uint64 // by connection: the record up to which it waits
	records []*journal.Record
	bytes   int
	all     uint64 // the record after which none waits
}

// maxParked bounds the memory of parked records; at more of them they wait no
// longer.
const maxParked = 16 << 20

func newParked(conns []*Recorded) (k parked) {
	for _, old := range conns {
		if old.trails == 0 {
			continue
		}
		for _, r := range conns {
			if r.first > old.left && r.first < old.trails {
				if k.until == nil {
					k.until = map[uint64]uint64{}
				}
				k.until[r.Conn] = max(k.until[r.Conn], old.trails)
			}
		}
	}
	return k
}

// park keeps a record for later, if its connection waits.
func (k *parked) park(rec *journal.Record) bool {
	if rec.Seq >= k.until[rec.Conn] {
		return false
	}
	own := *rec
	if own.Data = slices.Clone(rec.Data); rec.Kind == journal.KindLine {
		own.Gist = wire.GistOf(own.Data)
	}
	if rec.Event != nil {
		event := *rec.Event
		own.Event = &event
	}
	k.records = append(k.records, &own)
	k.bytes += len(own.Data) + 512
	k.all = max(k.all, k.until[rec.Conn])
	return true
}

// take gives what was parked, as if it were of a number and time: that is when its
// worker saw it happen.
func (k *parked) take(seq uint64, now int64) []*journal.Record {
	records := k.records
	k.records, k.bytes = nil, 0
	for _, r := range records {
		r.Seq, r.Time = seq, now
	}
	return records
}
