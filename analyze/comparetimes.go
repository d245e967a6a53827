package analyze

import (
	"math/bits"
	"slices"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// timing notes how late a line came.
func (l *lane) timing(p *pass, a, b *item) {
	c := p.c
	if !c.timed() || c.run != nil && l.dir != c.run.played() || a.flags&itemFirst != 0 {
		return
	}
	speed := c.speed()
	since := func(begin [2]int64) int64 {
		return (b.time - begin[1]) - int64(float64(a.time-begin[0])/speed)
	}
	late := min(since(l.pair.begins), since([2]int64{c.surveys[0].first, c.surveys[1].first}))
	if time.Duration(late) <= c.opts.Late {
		l.late = nil
		return
	}
	if l.late == nil {
		l.late = p.found.add(l.difference(Late, 1, l.place(0, a), l.place(1, b), ""))
	} else {
		p.found.grow(l.late, 1)
	}
	l.late.LateUs = max(l.late.LateUs, late/1000)
}

// timed says whether there is a schedule to keep.
func (c *comparer) timed() bool { return c.opts.Late >= 0 && (c.run == nil || c.run.Speed > 0) }

// speed is how much faster than recorded a run went.
func (c *comparer) speed() float64 {
	if c.run == nil || c.run.Speed <= 0 {
		return 1
	}
	return c.run.Speed
}

// lagCounts counts lags by their size, in steps of about 3 %.
type lagCounts struct {
	counts map[int]int64
	n      int64
	max    int64
}

const lagSteps = 32 // of a doubling

func (l *lagCounts) add(ns int64) {
	if l.counts == nil {
		l.counts = map[int]int64{}
	}
	ns = max(0, ns)
	l.n++
	l.max = max(l.max, ns)
	l.counts[lagStep(ns)]++
}

func lagStep(ns int64) int {
	if ns < lagSteps {
		return int(ns)
	}
	up := bits.Len64(uint64(ns)) - bits.Len(lagSteps)
	return up*lagSteps + int(ns>>up)
}

// lagOf is the largest lag that counts in a step.
func lagOf(step int) int64 {
	if step < 2*lagSteps {
		return int64(step)
	}
	up := step/lagSteps - 1
	return int64(step-up*lagSteps+1)<<up - 1
}

// at is the lag that a part of them are not above.
func (l *lagCounts) at(part float64) int64 {
	steps := make([]int, 0, len(l.counts))
	for s := range l.counts {
		steps = append(steps, s)
	}
	slices.Sort(steps)
	left := int64(part * float64(l.n))
	for _, s := range steps {
		if left -= l.counts[s]; left < 0 {
			return min(lagOf(s), l.max)
		}
	}
	return l.max
}

// Pauses is how often and how long a sender was held up, as its peer did not
// read.
type Pauses struct {
	Conn      uint64 `json:"conn"`
	Count     int64  `json:"count"`
	TotalUs   int64  `json:"total_us"`
	LongestUs int64  `json:"longest_us"`
	QueuePeak int64  `json:"queue_peak"`      // commands; 0 where it is not known
	Unsent    int64  `json:"unsent_peak"`     // bytes
	After     string `json:"after,omitempty"` // the line after which the first one began
	FirstSeq  uint64 `json:"first_seq,omitempty"`
}

// PausePair is the pauses of two connections.
type PausePair struct {
	Worker   string `json:"worker"`
	Recorded Pauses `json:"recorded"`
	Replayed Pauses `json:"replayed"`
}

func (v *surveyed) pause(rec *journal.Record) {
	v.pauses.queue(rec.Event)
	if rec.Kind == journal.KindResume {
		v.resume(rec.Time)
		return
	}
	if v.paused != 0 {
		return
	}
	v.paused = rec.Time
	v.pauses.Count++
	if v.pauses.FirstSeq == 0 {
		v.pauses.FirstSeq, v.pauses.After = rec.Seq, shownLine(v.ending.last[0])
	}
}

func (v *surveyed) resume(now int64) {
	if v.paused == 0 {
		return
	}
	us := (now - v.paused) / 1000
	v.paused = 0
	v.pauses.TotalUs += us
	v.pauses.LongestUs = max(v.pauses.LongestUs, us)
}

func (p *Pauses) queue(ev *journal.Event) {
	p.QueuePeak = max(p.QueuePeak, ev.Queue)
	p.Unsent = max(p.Unsent, ev.Unsent)
}

// longPause is a pause that is no accident: where one journal has that much and
// the other nothing, it is a difference.
const longPause = int64(time.Second / time.Microsecond)

// stalled compares pauses.
func (c *comparer) stalled(pairs []*pairing, found *differences) {
	for _, p := range pairs {
		a, b := p.conns[0], p.conns[1]
		if a == nil || b == nil || a.pauses.Count == 0 && b.pauses.Count == 0 && a.pauses.QueuePeak == 0 && b.pauses.QueuePeak == 0 {
			continue
		}
		c.out.Pauses = append(c.out.Pauses, PausePair{Worker: p.worker, Recorded: a.pauses, Replayed: b.pauses})
		was, is := a.pauses.TotalUs, b.pauses.TotalUs
		if was >= longPause && is == 0 || is >= longPause && was == 0 {
			d := &Difference{Kind: Missing, What: AboutPauses, Count: max(a.pauses.Count, b.pauses.Count), Worker: p.worker,
				Recorded: &Place{Seq: a.pauses.FirstSeq, Conn: a.id, Line: a.pauses.After},
				Replayed: &Place{Seq: b.pauses.FirstSeq, Conn: b.id, Line: b.pauses.After}}
			if was == 0 {
				d.Kind = Extra
			}
			found.add(d)
		}
	}
}

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

// times tells how long streams took to catch up.
func (c *comparer) times(pairs []*pairing) {
	lag := &c.surveys[1].lag
	c.out.Lag = LagUs{P50: lag.at(0.5) / 1000, P99: lag.at(0.99) / 1000, Max: lag.max / 1000}
	for _, p := range pairs {
		for _, k := range p.catchUps(c) {
			if len(c.out.CatchUp) < maxCatchUps {
				c.out.CatchUp = append(c.out.CatchUp, k)
			}
		}
	}
}

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

// late tells of streams of a run that took longer to catch up. Of recordings
// that is told by their lines.
func (c *comparer) late(pairs []*pairing, found *differences) {
	if c.run == nil || c.opts.Late < 0 {
		return
	}
	for _, p := range pairs {
		for _, k := range p.catchUps(c) {
			if time.Duration(k.LateUs)*time.Microsecond <= c.opts.Late {
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
