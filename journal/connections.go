package journal

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
)

// Connection is what the files of a journal say of a connection at their heads.
type Connection struct {
	Conn   uint64
	Worker string // what it calls itself, "" when it does not
	// From and To bound, in Unix nanoseconds, the time in which it was open. Where
	// the end was not recorded To is the last record of the last file that has it.
	From, To int64
}

// Connections lists the connections of a journal in the order of their numbers.
// It reads the heads of the files only, so it costs little; what can't be read
// is left out, and a reading of the records says what that is.
func (r *Reader) Connections(ctx context.Context) []Connection {
	all := map[uint64]*Connection{}
	paths, err := r.paths()
	if err != nil {
		return nil
	}
	for _, path := range paths {
		if ctx.Err() != nil {
			return nil
		}
		j, err := openToRead(path)
		if err != nil {
			continue
		}
		from, to := int64(1<<63-1), int64(-1<<63)
		for i := range j.blocks {
			from, to = min(from, j.blocks[i].head.tmin), max(to, j.blocks[i].head.tmax)
		}
		for _, c := range j.conns {
			list(all, c, from, to)
		}
		j.close()
	}
	if r.info.Live {
		r.liveConnections(ctx, all)
	}
	out := make([]Connection, 0, len(all))
	for _, id := range slices.Sorted(maps.Keys(all)) {
		out = append(out, *all[id])
	}
	return out
}

// list adds what a file with records from one time to another says of a
// connection.
func list(all map[uint64]*Connection, c *connInfo, from, to int64) {
	if c.Opened != 0 {
		from = c.Opened
	}
	if c.Closed != 0 {
		to = c.Closed
	}
	x := all[c.Conn]
	if x == nil {
		x = &Connection{Conn: c.Conn, From: from, To: to}
		all[c.Conn] = x
	}
	x.Worker, x.From, x.To = cmp.Or(c.Worker, x.Worker), min(x.From, from), max(x.To, to)
}

// liveConnections lists those of the open file, which has no end yet.
func (r *Reader) liveConnections(ctx context.Context, all map[uint64]*Connection) {
	hello, live, err := helloLive(r.dir)
	if err != nil || !live || hello.File == 0 {
		return
	}
	const noBlocks = 1 << 63
	l := dialLive(r.dir, liveRequest{Op: "read", File: hello.File, After: noBlocks})
	if l == nil {
		return
	}
	defer l.close()
	stop := context.AfterFunc(ctx, l.close)
	defer stop()
	for {
		kind, body, err := l.next()
		if err != nil || kind == frameEnd {
			return
		}
		c := &connInfo{}
		if kind == frameConn && json.Unmarshal(body, c) == nil {
			list(all, c, 1<<63-1, 1<<63-1)
		}
	}
}
