package analyze

import (
	"time"

	"repltap/journal"
	"repltap/wire"
)

// CatchUp is how long a stream took from REPLICATE to its POSITION.
type CatchUp struct {
	Worker   string    `json:"worker"`
	Stream   string    `json:"stream"`
	Instance string    `json:"instance,omitempty"`
	Recorded *CaughtUp `json:"recorded,omitempty"`
	Replayed *CaughtUp `json:"replayed,omitempty"`
	LateUs   int64     `json:"late_us"` // how much longer it took
}

// CaughtUp is one side of it.
type CaughtUp struct {
	Conn  uint64 `json:"conn"`
	Seq   uint64 `json:"seq"`             // of the POSITION
	Us    int64  `json:"us"`              // from REPLICATE
	Rows  int64  `json:"rows"`            // that came in between
	Asked string `json:"asked,omitempty"` // the token that REPLICATE named
	Token int64  `json:"token"`
	line  string
	time  int64
}

// catching follows how the streams of a connection catch up.
type catching struct {
	bare    int64            // when all were asked for
	taken   int64            // when what was asked for was taken in, if that was held back
	asked   map[string]asked // by stream
	streams []*caughtStream
	byName  map[string]*caughtStream
	rows    map[string]int64
}

type asked struct {
	time int64
	text string
}

type caughtStream struct {
	stream, instance string
	CaughtUp
}

// maxStreams bounds the streams of a connection that are followed.
const maxStreams = 256

func (k *catching) line(rec *journal.Record) {
	g := &rec.Gist
	switch {
	case g.Command == wire.CmdReplicate && rec.Dir == wire.C2S:
		k.ask(rec)
	case rec.Dir != wire.S2C || k.bare == 0 && len(k.asked) == 0 || len(k.streams) >= maxStreams:
	case g.Command == wire.CmdRdata && g.Form != wire.FormUnclear:
		if k.rows == nil {
			k.rows = map[string]int64{}
		}
		if _, known := k.rows[string(g.Stream)]; known || len(k.rows) < maxStreams {
			k.rows[string(g.Stream)]++
		}
	case g.Command == wire.CmdPosition && g.HasToken:
		k.answer(rec)
	}
}

func (k *catching) ask(rec *journal.Record) {
	if rec.Gist.Form == wire.FormReplicateBare {
		if k.bare == 0 {
			k.bare = rec.Time
		}
		return
	}
	if k.asked == nil {
		k.asked = map[string]asked{}
	}
	name := string(rec.Gist.Stream)
	if _, again := k.asked[name]; !again && len(k.asked) < maxStreams {
		line := string(rec.Data)
		k.asked[name] = asked{rec.Time, trimLine(line[min(len(line), len("REPLICATE ")+len(name)+1):])}
		delete(k.rows, name)
	}
}

func (k *catching) answer(rec *journal.Record) {
	g := &rec.Gist
	key := string(g.Stream) + "\x00" + string(g.Instance)
	since, ok := k.asked[string(g.Stream)]
	if !ok {
		since, ok = k.asked["ALL"]
	}
	if !ok {
		since = asked{time: k.bare}
	}
	if since.time == 0 || k.byName[key] != nil {
		return
	}
	since.time = max(since.time, k.taken)
	if k.byName == nil {
		k.byName = map[string]*caughtStream{}
	}
	s := &caughtStream{stream: string(g.Stream), instance: string(g.Instance), CaughtUp: CaughtUp{
		Conn: rec.Conn, Seq: rec.Seq, Us: (rec.Time - since.time) / 1000, Rows: k.rows[string(g.Stream)],
		Asked: since.text, Token: g.Token, line: shownLine(rec.Data), time: rec.Time,
	}}
	k.byName[key] = s
	k.streams = append(k.streams, s)
}

// maxCatchUps bounds how many are told.
const maxCatchUps = 5000

func (p *pairing) catchUps(c *comparer) []CatchUp {
	var out []CatchUp
	at := map[string]int{}
	for side, v := range p.conns {
		if v == nil {
			continue
		}
		for _, s := range v.caught.streams {
			instance := s.instance
			if c.run != nil && side == 0 && c.run.Rename[instance] != "" {
				instance = c.run.Rename[instance]
			}
			key := s.stream + "\x00" + instance
			i, ok := at[key]
			if !ok {
				i = len(out)
				at[key] = i
				out = append(out, CatchUp{Worker: p.worker, Stream: s.stream, Instance: instance})
			}
			if side == 0 {
				out[i].Recorded = &s.CaughtUp
			} else {
				out[i].Replayed = &s.CaughtUp
			}
			if k := &out[i]; k.Recorded != nil && k.Replayed != nil {
				k.LateUs = max(0, k.Replayed.Us-k.Recorded.Us)
			}
		}
	}
	return out
}

// lateAtMax is how much longer a stream may take to catch up in a run at the
// highest speed, where the answer stands behind all that is sent at once.
const lateAtMax = 10

// late tells of streams of a run that took longer to catch up. Of recordings
// that is told by their lines.
func (c *comparer) late(pairs []*pairing, found *differences) {
	if c.run == nil || c.opts.Late < 0 {
		return
	}
	limit := c.opts.Late
	if c.run.Speed == 0 {
		limit *= lateAtMax
	}
	for _, p := range pairs {
		for _, k := range p.catchUps(c) {
			if time.Duration(k.LateUs)*time.Microsecond <= limit {
				continue
			}
			found.add(&Difference{Kind: Late, What: AboutCatchUp, Count: 1, Worker: k.Worker, Stream: k.Stream, Instance: k.Instance,
				Dir: wire.S2C.String(), LateUs: k.LateUs, Recorded: k.Recorded.place(), Replayed: k.Replayed.place()})
		}
	}
}

func (k *CaughtUp) place() *Place {
	return &Place{Seq: k.Seq, Conn: k.Conn, Time: timeOf(k.time), Line: k.line}
}
