package profile

import (
	"cmp"
	"slices"
	"time"
)

// finish makes the sums and the tables.
func (b *breakdown) finish(p *Profile) {
	for _, id := range sortedKeys(b.open) {
		b.done(b.open[id])
	}
	t := &p.Totals
	var lines int64 // bytes of lines, which shares are of
	for side, f := range b.flows {
		t.Commands += f.commands
		t.Bytes += f.bytes + f.fragmentBytes
		t.Fragments += f.fragments
		lines += b.flows[side].bytes
	}
	span := p.span()
	for side, out := range []*Flow{&t.S2C, &t.C2S} {
		f := &b.flows[side]
		*out = Flow{Volume: f.row(lines, span), Fragments: f.fragments, FragmentBytes: f.fragmentBytes, Connections: f.connections}
	}
	t.Connections = b.connections
	b.rows(p, lines, span)
}

// rows makes the tables, the largest things first.
func (b *breakdown) rows(p *Profile, lines int64, span time.Duration) {
	p.Commands = []CommandRow{}
	for k, v := range b.commands {
		p.Commands = append(p.Commands, CommandRow{Command: k.command, Direction: k.dir.String(), Volume: v.row(lines, span)})
	}
	slices.SortFunc(p.Commands, func(x, y CommandRow) int {
		return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), cmp.Compare(x.Command, y.Command), cmp.Compare(x.Direction, y.Direction))
	})
	p.Streams = []StreamRow{}
	for name, s := range b.streams {
		p.Streams = append(p.Streams, StreamRow{Stream: name, Rows: s.rows, Positions: s.positions, Volume: s.row(lines, span)})
	}
	slices.SortFunc(p.Streams, func(x, y StreamRow) int {
		return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), cmp.Compare(x.Stream, y.Stream))
	})
	p.Instances = []InstanceRow{}
	for name, v := range b.instances {
		p.Instances = append(p.Instances, InstanceRow{Instance: name, Volume: v.row(lines, span)})
	}
	slices.SortFunc(p.Instances, func(x, y InstanceRow) int {
		return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), cmp.Compare(x.Instance, y.Instance))
	})
	p.Workers = []WorkerRow{}
	named := map[string]bool{}
	for key, w := range b.workers {
		if key == other {
			w.worker, w.apart = other, None
		}
		if named[w.worker] = true; w.worker == "" {
			delete(named, "")
		}
		p.Workers = append(p.Workers, WorkerRow{Worker: w.worker, Conn: w.apart, Connections: w.connections, S2CCommands: w.s2c, C2SCommands: w.c2s, Volume: w.row(lines, span)})
	}
	slices.SortFunc(p.Workers, func(x, y WorkerRow) int { return cmp.Or(cmp.Compare(x.Worker, y.Worker), cmp.Compare(x.Conn, y.Conn)) })
	p.Totals.Workers = int64(len(named))

	p.Connections = []ConnectionRow{}
	slices.SortFunc(b.closed, func(x, y *connectionCount) int { return cmp.Compare(x.conn.id, y.conn.id) })
	if b.beyond != nil {
		b.beyond.row = b.beyond.volume.row(None, 0)
		b.closed = append(b.closed, b.beyond)
	}
	for _, c := range b.closed {
		row := ConnectionRow{
			Conn: c.conn.id, Worker: c.conn.worker, At: At(c.at), Volume: c.row,
			S2CCommands: c.commands[0], C2SCommands: c.commands[1], S2CBytes: c.bytes[0], C2SBytes: c.bytes[1],
		}
		row.Share, row.Rate = share(row.Bytes, lines), rate(row.Commands, span)
		p.Connections = append(p.Connections, row)
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
