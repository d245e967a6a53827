package profile

import (
	"repltap/journal"
	"repltap/wire"
)

// Totals are the sums of everything that was counted.
type Totals struct {
	Commands    int64 `json:"commands"`
	Bytes       int64 `json:"bytes"` // of lines and fragments
	Fragments   int64 `json:"fragments"`
	Connections int64 `json:"connections"`
	Workers     int64 `json:"workers"` // that said a NAME, as far as they are told apart
	S2C         Flow  `json:"s2c"`
	C2S         Flow  `json:"c2s"`
}

// Flow is one direction of the totals.
type Flow struct {
	Volume
	Fragments     int64 `json:"fragments" col:"fragments"`
	FragmentBytes int64 `json:"fragment_bytes" col:"fragment bytes"`
	Connections   int64 `json:"connections" col:"connections"` // on which something went that way
}

func (t Totals) table() Table {
	out := Table{Columns: []Column{
		{Name: "direction", Title: "direction"}, {Name: "commands", Title: "commands", Numeric: true},
		{Name: "bytes", Title: "bytes", Numeric: true}, {Name: "fragments", Title: "fragments", Numeric: true},
		{Name: "connections", Title: "connections", Numeric: true},
	}}
	row := func(name string, commands, bytes, fragments, connections int64) {
		out.Rows = append(out.Rows, []string{name, Count(commands).Digits(), Count(bytes).Digits(), Count(fragments).Digits(), Count(connections).Digits()})
	}
	row("s2c", t.S2C.Commands, t.S2C.Bytes+t.S2C.FragmentBytes, t.S2C.Fragments, t.S2C.Connections)
	row("c2s", t.C2S.Commands, t.C2S.Bytes+t.C2S.FragmentBytes, t.C2S.Fragments, t.C2S.Connections)
	row("all", t.Commands, t.Bytes, t.Fragments, t.Connections)
	return out
}

// CommandRow is a command in one direction.
type CommandRow struct {
	Command   string `json:"command" col:"command"`
	Direction string `json:"direction" col:"dir"`
	Volume
}

// StreamRow is all lines that name a stream: RDATA, POSITION and REPLICATE.
type StreamRow struct {
	Stream    string `json:"stream" col:"stream"`
	Rows      int64  `json:"rows" col:"rows"` // RDATA, to all connections together
	Positions int64  `json:"positions" col:"positions"`
	Volume
}

// InstanceRow is all lines that name an instance: who wrote a row or stands at a
// position, or whose users sync.
type InstanceRow struct {
	Instance string `json:"instance" col:"instance"`
	Volume
}

// WorkerRow is all that went to and from connections of one worker. Who says another
// NAME on its connection is another worker from then on.
type WorkerRow struct {
	Worker      string `json:"worker" col:"worker"` // "" for those that said no NAME
	Conn        Count  `json:"conn" col:"conn"`     // where two call themselves so at the same time
	Connections int64  `json:"connections" col:"conns"`
	S2CCommands int64  `json:"s2c_commands" col:"to it"`
	C2SCommands int64  `json:"c2s_commands" col:"from it"`
	Volume
}

// ConnectionRow is one connection.
type ConnectionRow struct {
	Conn        uint64 `json:"conn" col:"conn"`
	Worker      string `json:"worker" col:"worker"`
	At          At     `json:"at_s" col:"at s"` // when it began, as far as is known
	S2CCommands int64  `json:"s2c_commands" col:"to it"`
	C2SCommands int64  `json:"c2s_commands" col:"from it"`
	S2CBytes    int64  `json:"s2c_bytes" col:"bytes to it"` // lines and fragments
	C2SBytes    int64  `json:"c2s_bytes" col:"bytes from it"`
	Volume
}

// Limits of rows, beyond which things are counted together.
const (
	maxStreams     = 200
	maxInstances   = 200
	maxWorkers     = 200
	maxConnections = 10000
	maxDetailed    = 500 // open connections with histograms
)

// other is the name of all that is beyond a limit.
const other = "(other)"

// breakdown counts what there is of everything.
type breakdown struct {
	flows       [2]flowCount
	commands    map[commandKey]*volume
	streams     map[string]*streamCount
	instances   map[string]*volume
	workers     map[string]*workerCount
	open        map[uint64]*connectionCount
	closed      []*connectionCount
	beyond      *connectionCount // connections beyond the limit
	connections int64
	recent      *connectionCount
}

type flowCount struct {
	volume
	fragments, fragmentBytes, connections int64
}

type commandKey struct {
	command string
	dir     wire.Direction
}

type streamCount struct {
	volume
	rows, positions int64
}

type workerCount struct {
	volume
	worker                string
	apart                 Count
	connections, s2c, c2s int64
}

type connectionCount struct {
	volume
	conn            *connection
	commands, bytes [2]int64
	row             Volume // once it is closed
	at              int64
	named           *workerCount // that it is counted with
}

func newBreakdown() *breakdown {
	b := &breakdown{
		commands: map[commandKey]*volume{}, streams: map[string]*streamCount{}, instances: map[string]*volume{},
		workers: map[string]*workerCount{}, open: map[uint64]*connectionCount{},
	}
	for i := range b.flows {
		b.flows[i].volume = *newVolume()
	}
	return b
}

func (b *breakdown) take(e *entry) {
	if e.conn == nil {
		return
	}
	c := b.connection(e)
	if e.Dir != wire.NoDirection && len(e.Data) > 0 {
		side := e.Dir - wire.S2C
		if c.bytes[side] == 0 {
			b.flows[side].connections++
		}
		c.bytes[side] += int64(len(e.Data))
		if e.line() {
			c.commands[side]++
			c.add(e.Time, len(e.Data))
			b.line(e)
		} else {
			b.flows[side].fragments++
			b.flows[side].fragmentBytes += int64(len(e.Data))
		}
	}
	if e.Kind == journal.KindClose {
		b.close(e.Conn, c)
	}
}

// line counts a line wherever it belongs.
func (b *breakdown) line(e *entry) {
	g, n := &e.Gist, len(e.Data)
	b.flows[e.Dir-wire.S2C].add(e.Time, n)

	key := commandKey{commandOf(g), e.Dir}
	v := b.commands[key]
	if v == nil {
		v = newVolume()
		b.commands[key] = v
	}
	v.add(e.Time, n)

	if g.Stream != nil {
		s := bounded(b.streams, g.Stream, maxStreams, func() *streamCount { return &streamCount{volume: *newVolume()} })
		s.add(e.Time, n)
		switch g.Command {
		case wire.CmdRdata:
			s.rows++
		case wire.CmdPosition:
			s.positions++
		}
	}
	if g.Instance != nil {
		bounded(b.instances, g.Instance, maxInstances, newVolume).add(e.Time, n)
	}
	w := bounded(b.workers, e.conn.key, maxWorkers, func() *workerCount {
		return &workerCount{volume: *newVolume(), worker: e.conn.worker, apart: e.conn.apart}
	})
	w.add(e.Time, n)
	if e.Dir == wire.S2C {
		w.s2c++
	} else {
		w.c2s++
	}
	if c := b.recent; c.named != w {
		c.named = w
		w.connections++
	}
}

// bounded finds what is counted under a name, making it where there is room and
// else giving what all others are counted under.
func bounded[K string | []byte, V any](m map[string]*V, name K, limit int, make func() *V) *V {
	if v := m[string(name)]; v != nil {
		return v
	}
	key := string(name)
	if len(m) >= limit {
		if v := m[other]; v != nil {
			return v
		}
		key = other
	}
	v := make()
	m[key] = v
	return v
}

// connection finds where a connection is counted.
func (b *breakdown) connection(e *entry) *connectionCount {
	if c := b.recent; c != nil && c.conn == e.conn {
		return c
	}
	c := b.open[e.Conn]
	if c == nil {
		b.connections++
		c = &connectionCount{conn: e.conn, at: e.at}
		if len(b.open) < maxDetailed {
			c.volume = *newVolume()
		}
		b.open[e.Conn] = c
	}
	b.recent = c
	return c
}

// close keeps of a connection what is told of it.
func (b *breakdown) close(id uint64, c *connectionCount) {
	delete(b.open, id)
	b.recent = nil
	b.done(c)
}

func (b *breakdown) done(c *connectionCount) {
	if len(b.closed) >= maxConnections {
		if b.beyond == nil {
			b.beyond = &connectionCount{conn: &connection{worker: other}, at: c.at}
		}
		o := b.beyond
		o.volume.commands, o.volume.bytes = o.volume.commands+c.volume.commands, o.volume.bytes+c.volume.bytes
		for side := range o.bytes {
			o.commands[side], o.bytes[side] = o.commands[side]+c.commands[side], o.bytes[side]+c.bytes[side]
		}
		return
	}
	c.row = c.volume.row(None, 0)
	c.size, c.gap = nil, nil
	b.closed = append(b.closed, c)
}
