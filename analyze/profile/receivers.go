package profile

import (
	"cmp"
	"slices"

	"github.com/cespare/xxhash/v2"

	"repltap/wire"
)

// ReceiverRow is what a worker got of one stream or command, and what of that is
// known to be of no use to it. That is little: from 1.13 on a worker is sent all
// streams and says nowhere which it needs.
type ReceiverRow struct {
	Worker   string  `json:"worker" col:"worker"`
	Conn     Count   `json:"conn" col:"conn"`  // where two call themselves so at the same time
	Kind     string  `json:"kind" col:"of"`    // "all", "stream" or "command"
	Topic    string  `json:"topic" col:"what"` // "" for all
	Commands int64   `json:"commands" col:"commands"`
	Bytes    int64   `json:"bytes" col:"bytes"`
	OfWorker Percent `json:"of_worker_percent" col:"% of what it got"`
	Own      int64   `json:"own" col:"its own"` // commands: it wrote them itself, and ignores them
	OwnBytes int64   `json:"own_bytes" col:"bytes own"`
	Unasked  int64   `json:"unasked" col:"not asked for"` // commands: up to 1.12, of streams that it did not subscribe to
	NotAsked int64   `json:"unasked_bytes" col:"bytes not asked for"`
	NoUse    Percent `json:"no_use_percent" col:"% of no use"` // of the bytes, as far as is known
	Why      string  `json:"why" col:"why"`

	useless int64 // bytes
}

const (
	maxReceivers      = 50 // workers
	maxReceiverTopics = 12 // of each
	maxUp             = 8  // words of a connection about servers that are remembered
)

// receivers counts what each worker gets.
type receivers struct {
	names   *subjects
	workers map[string]*receiver
}

// receiver is one worker, on all its connections.
type receiver struct {
	key      string
	worker   string
	apart    Count
	streams  [maxSubjects]*received
	commands [wire.NumCommands]*received
	sends    bool // to other servers: it sent FEDERATION_ACK, or asked for federation by name
}

type received struct {
	tally
	own, unasked tally
}

// receiving is what is known of one connection of a worker.
type receiving struct {
	of    *receiver
	asks  bool // it asks for streams one by one, as up to 1.12
	all   bool // it asked for ALL
	asked [maxSubjects/64 + 1]uint64
	up    []serverUp // what it said last of servers that are up
}

type serverUp struct {
	hash uint64
	at   int64
}

// echoTime is how long after a worker said something the same is taken to be what
// it said: as findings have it.
const echoTime = int64(1e8)

func newReceivers(names *subjects) *receivers {
	return &receivers{names: names, workers: map[string]*receiver{}}
}

func (r *receivers) take(e *entry) {
	if !e.line() {
		return
	}
	c := e.conn.receiving
	if c == nil {
		c = &receiving{}
		e.conn.receiving = c
	}
	if c.of == nil || c.of.key != e.conn.key && c.of.key != other {
		c.of = bounded(r.workers, e.conn.key, maxWorkers, func() *receiver {
			return &receiver{key: e.conn.key, worker: e.conn.worker, apart: e.conn.apart}
		})
		if len(r.workers) > maxWorkers && c.of == r.workers[other] {
			c.of.key, c.of.worker, c.of.apart = other, other, None
		}
	}
	if e.Dir == wire.C2S {
		c.said(e)
		return
	}
	n := len(e.Data)
	g := &e.Gist
	slot := &c.of.commands[g.Command]
	if e.stream != 0 {
		slot = &c.of.streams[e.stream]
	}
	if *slot == nil {
		*slot = &received{}
	}
	t := *slot
	t.add(n)
	switch {
	case g.Command == wire.CmdRemoteServerUp:
		if c.echoed(e) {
			t.own.add(n)
		}
	case g.Instance != nil && e.conn.worker != "" && string(g.Instance) == e.conn.worker:
		t.own.add(n)
	case c.unasked(e):
		t.unasked.add(n)
	}
}

// said notes what of a worker's words tells what it needs.
func (c *receiving) said(e *entry) {
	switch e.Gist.Command {
	case wire.CmdReplicate:
		if e.Gist.Form == wire.FormReplicateToken && e.stream != 0 {
			c.asks, c.all = true, c.all || string(e.Gist.Stream) == "ALL"
			c.asked[e.stream/64] |= 1 << (e.stream % 64)
			c.of.sends = c.of.sends || string(e.Gist.Stream) == federationStream
		}
	case wire.CmdFederationAck:
		c.of.sends = true
	case wire.CmdRemoteServerUp:
		if len(c.up) == maxUp {
			c.up = append(c.up[:0], c.up[1:]...)
		}
		c.up = append(c.up, serverUp{xxhash.Sum64(e.Data), e.Time})
	}
}

// unasked says whether a row is of a stream that the worker did not ask for. Where
// the connection was not read from its beginning that is not known.
func (c *receiving) unasked(e *entry) bool {
	return c.asks && !c.all && e.conn.whole && e.Gist.Form == wire.FormRdata3 && c.asked[e.stream/64]&(1<<(e.stream%64)) == 0
}

// echoed says whether a worker said just that itself just before.
func (c *receiving) echoed(e *entry) bool {
	hash := xxhash.Sum64(e.Data)
	return slices.ContainsFunc(c.up, func(u serverUp) bool { return u.hash == hash && e.Time-u.at <= echoTime })
}

// topics are what a worker got, the most first.
func (r *receiver) topics(names *subjects) (all ReceiverRow, rows []ReceiverRow) {
	var sum received
	var useless int64
	row := func(kind, topic string, t *received) ReceiverRow {
		return ReceiverRow{
			Worker: r.worker, Conn: r.apart, Kind: kind, Topic: topic, Commands: t.commands, Bytes: t.bytes,
			Own: t.own.commands, OwnBytes: t.own.bytes, Unasked: t.unasked.commands, NotAsked: t.unasked.bytes,
		}
	}
	add := func(kind, topic string, t *received) {
		if t == nil {
			return
		}
		sum.sum(t.tally)
		sum.own.sum(t.own)
		sum.unasked.sum(t.unasked)
		x := row(kind, topic, t)
		switch x.useless = x.OwnBytes + x.NotAsked; {
		case topic == federationStream && kind == byStream && !r.sends:
			x.Why = "it may have no use for it: it acknowledges none"
		case x.OwnBytes > 0:
			x.Why = "it wrote that itself"
		case x.NotAsked > 0:
			x.Why = "it did not ask for that"
		}
		useless += x.useless
		rows = append(rows, x)
	}
	for i, name := range names.names {
		add(byStream, name, r.streams[i])
	}
	for c, t := range r.commands {
		add(byCommand, commandName(wire.Command(c)), t)
	}
	slices.SortFunc(rows, func(x, y ReceiverRow) int {
		return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), cmp.Compare(x.Topic, y.Topic))
	})
	if len(rows) > maxReceiverTopics {
		rest := ReceiverRow{Worker: r.worker, Conn: r.apart, Kind: byStream, Topic: other}
		for i := range rows[maxReceiverTopics:] {
			rest.add(&rows[maxReceiverTopics+i])
		}
		rows = append(rows[:maxReceiverTopics], rest)
	}
	all = row(byAll, "", &sum)
	all.useless = useless
	return all, rows
}

func (r *ReceiverRow) add(o *ReceiverRow) {
	r.Commands, r.Bytes = r.Commands+o.Commands, r.Bytes+o.Bytes
	r.Own, r.OwnBytes = r.Own+o.Own, r.OwnBytes+o.OwnBytes
	r.Unasked, r.NotAsked = r.Unasked+o.Unasked, r.NotAsked+o.NotAsked
	r.useless += o.useless
}

func (r *receivers) finish(p *Profile) {
	p.Receivers = []ReceiverRow{}
	type got struct {
		all  ReceiverRow
		rows []ReceiverRow
	}
	var list []got
	for _, name := range sortedKeys(r.workers) {
		w := r.workers[name]
		all, rows := w.topics(r.names)
		if all.Commands == 0 {
			continue
		}
		list = append(list, got{all, rows})
	}
	slices.SortStableFunc(list, func(x, y got) int { return cmp.Compare(y.all.Bytes, x.all.Bytes) })
	if len(list) > maxReceivers {
		rest := ReceiverRow{Worker: other, Conn: None, Kind: byAll}
		for _, g := range list[maxReceivers:] {
			rest.add(&g.all)
		}
		list = append(list[:maxReceivers], got{all: rest})
	}
	for _, g := range list {
		for _, row := range append([]ReceiverRow{g.all}, g.rows...) {
			row.OfWorker, row.NoUse = share(row.Bytes, g.all.Bytes), share(row.useless, row.Bytes)
			p.Receivers = append(p.Receivers, row)
		}
	}
}
