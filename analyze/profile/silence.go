package profile

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"repltap/wire"
)

// SilenceRow is a stream that says less than it should.
type SilenceRow struct {
	Stream string  `json:"stream" col:"stream"`
	What   string  `json:"what" col:"what"`
	Rows   int64   `json:"rows" col:"rows"`         // it ever had, to all connections
	Lasted Seconds `json:"lasted_s" col:"lasted s"` // quiet: so long, while there were rows of other streams
	Usual  Seconds `json:"usual_s" col:"usual s"`   // 9 of 10 of its intervals are not longer
	Others int64   `json:"other_rows" col:"rows of others"`
	Ended  bool    `json:"ended" col:"ended"`          // it spoke again
	Known  string  `json:"known_in" col:"in releases"` // that have the stream
	Place          // quiet: the row before it; asked: REPLICATE
}

// What a silent stream did not do.
const (
	silentNever   = "not announced"         // all releases that fit have it
	silentPerhaps = "perhaps not announced" // some of them have it
	silentAsked   = "asked for, no answer"
	silentRows    = "announced, no rows" // which most streams do on a quiet server
	silentQuiet   = "quiet"
)

// Announced is how many of the streams that there should be said something.
type Announced struct {
	Expected  int    `json:"expected"` // streams that all releases have that fit the traffic
	Announced int    `json:"announced"`
	Release   string `json:"release"`  // that stands for those that fit
	Releases  string `json:"releases"` // that fit
}

// A stream is quiet when it says nothing for so many times as long as it usually
// does, and for so long, and in that time there were so many rows of others that
// it should have had some tens of its own, going by its share. Its usual interval is the 90th
// percentile of those between its groups of rows, which takes some of them; those
// under a millisecond are one burst and do not count.
const (
	quietTimes     = 10
	quietLeast     = int64(10 * time.Second)
	quietIntervals = 20
	quietExpected  = 20
	maxQuiet       = 3 // of a stream
)

// silence listens for what is not said.
type silence struct {
	tracker *tracker
	streams [maxSubjects]*voice
	rows    int64 // of all, once
	bare    bool  // REPLICATE without a stream: all are announced
	old     bool  // with one
	spoken  wire.Detector
}

// voice is one stream's.
type voice struct {
	positions, rows, asked int64
	askedAt, last          Place
	spoke                  bool
	once                   int64 // rows, each once
	at, others             int64 // of the last row, and how many rows there were then
	intervals              *histogram
	quiet                  largest[quietTime]
}

type quietTime struct {
	place          Place
	length, others int64
	ended          bool
}

func newSilence(t *tracker) *silence { return &silence{tracker: t} }

func (s *silence) take(e *entry) {
	if isClose(e) {
		s.heard(e.conn)
		return
	}
	if !e.line() {
		return
	}
	switch e.Gist.Command {
	case wire.CmdRdata:
		if e.stream == 0 || e.Dir != wire.S2C {
			return
		}
		v := s.voice(e.stream)
		v.rows++
		if st := &e.step; st.kind == stepGroup && (st.front || st.leads) {
			v.speak(e, s.rows, true)
			s.rows += st.rows
			v.once += st.rows
			v.others = s.rows
		}
	case wire.CmdPosition:
		if e.stream != 0 && e.Dir == wire.S2C {
			s.voice(e.stream).positions++
		}
	case wire.CmdReplicate:
		if e.Dir != wire.C2S {
			return
		}
		s.bare = s.bare || e.Gist.Form == wire.FormReplicateBare
		if e.stream != 0 && string(e.Gist.Stream) != "ALL" {
			s.old = true
			v := s.voice(e.stream)
			if v.asked++; v.asked == 1 {
				v.askedAt = e.place()
			}
		}
	}
}

func (s *silence) voice(stream int) *voice {
	if s.streams[stream] == nil {
		s.streams[stream] = &voice{quiet: largest[quietTime]{limit: maxQuiet}}
	}
	return s.streams[stream]
}

// speak notes a group of rows.
func (v *voice) speak(e *entry, rows int64, ended bool) {
	if v.spoke {
		v.pause(e.at, rows, ended)
	}
	v.spoke, v.at = true, e.at
	if v.last.Seq != e.Seq {
		v.last = e.place()
	}
}

// pause notes an interval.
func (v *voice) pause(at, rows int64, ended bool) {
	length := at - v.at
	if length < int64(time.Millisecond) {
		return
	}
	if ended {
		if v.intervals == nil {
			v.intervals = newHistogram(maxAwayMillis)
		}
		v.intervals.add(length / int64(time.Millisecond))
	}
	if length >= quietLeast && rows > v.others {
		v.quiet.add(length, func() quietTime { return quietTime{v.last, length, rows - v.others, ended} })
	}
}

// heard takes in what a connection's ends may be.
func (s *silence) heard(c *connection) {
	if c.speak != nil {
		s.spoken.Merge(c.speak)
	}
}

func (s *silence) finish(p *Profile) {
	for _, c := range s.tracker.open() {
		s.heard(c)
	}
	p.Silence = []SilenceRow{}
	s.unannounced(p)
	for i, name := range s.tracker.subjects.names {
		v := s.streams[i]
		if v == nil || i == 0 {
			continue
		}
		row := SilenceRow{Stream: name, Rows: v.rows, Lasted: None, Usual: None, Place: Place{At: None, Time: None}}
		switch {
		case v.asked > 0 && v.positions == 0 && v.rows == 0:
			row.What, row.Place = silentAsked, v.askedAt
			p.Silence = append(p.Silence, row)
		case v.rows == 0 && v.positions > 0:
			row.What = silentRows
			p.Silence = append(p.Silence, row)
		}
		p.Silence = append(p.Silence, s.quiet(v, row, p)...)
	}
	order := []string{silentNever, silentAsked, silentQuiet, silentPerhaps, silentRows}
	slices.SortStableFunc(p.Silence, func(a, b SilenceRow) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.What), slices.Index(order, b.What)), cmp.Compare(b.Lasted, a.Lasted), cmp.Compare(a.Stream, b.Stream))
	})
}

// quiet are the times in which a stream was quiet.
func (s *silence) quiet(v *voice, row SilenceRow, p *Profile) (out []SilenceRow) {
	if v.intervals == nil || v.intervals.h.TotalCount() < quietIntervals {
		return nil
	}
	v.pause(p.end(), s.rows, false)
	usual := v.intervals.h.ValueAtQuantile(90) * int64(time.Millisecond)
	for _, q := range v.quiet.heaviest() {
		others := max(s.rows-v.once, 1)
		if q.length >= quietTimes*usual && float64(q.others)*float64(v.once) >= quietExpected*float64(others) {
			row.What, row.Lasted, row.Usual, row.Others, row.Ended, row.Place = silentQuiet, Seconds(q.length), Seconds(usual), q.others, q.ended, q.place
			out = append(out, row)
		}
	}
	return out
}

// unannounced finds the streams that the release has and nobody spoke of. That
// can only be told where a worker asked for all streams.
func (s *silence) unannounced(p *Profile) {
	said := map[string]bool{}
	for i, name := range s.tracker.subjects.names {
		if v := s.streams[i]; v != nil && v.positions+v.rows > 0 {
			said[name] = true
		}
	}
	of := wire.Choose([]*wire.Detector{&s.spoken}, nil)
	p.Announced.Release, p.Announced.Releases = of.Play.String(), of.Releases.Names()
	if !s.bare || len(said) == 0 {
		return
	}
	for _, k := range wire.Streams() {
		always, ever := of.Releases&^k.In() == 0, of.Releases&k.In() != 0
		if always {
			p.Announced.Expected++
		}
		if always && said[k.Name] {
			p.Announced.Announced++
		}
		if said[k.Name] || !ever {
			continue
		}
		row := SilenceRow{Stream: k.Name, What: silentPerhaps, Known: k.In().Names(), Lasted: None, Usual: None, Place: Place{At: None, Time: None}}
		if always {
			row.What = silentNever
		}
		p.Silence = append(p.Silence, row)
	}
	p.Notes = append(p.Notes, fmt.Sprintf("%d of %d streams announced, for releases %s.", p.Announced.Announced, p.Announced.Expected, p.Announced.Releases))
}
