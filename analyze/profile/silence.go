package profile

import (
	"cmp"
	"fmt"
	"slices"

	"repltap/wire"
)

// SilenceRow is a stream, a writer or a worker of which there is less than there
// should be. What is quiet is a stream to all workers, or one writer's part of it,
// or what one worker gets; or all of them.
type SilenceRow struct {
	Stream   string  `json:"stream" col:"stream"`     // "all" for all of them together
	Instance string  `json:"instance" col:"instance"` // the writer; "" for all of them
	Worker   string  `json:"worker" col:"worker"`     // that gets nothing; "" for all of them
	What     string  `json:"what" col:"what"`
	Rows     int64   `json:"rows" col:"rows"`               // it ever had, to all connections; of a worker that it got
	Lasted   Seconds `json:"lasted_s" col:"lasted s"`       // quiet: so long
	Usual    Rate    `json:"usual_per_s" col:"usual per s"` // quiet: rows a second in the time before, each once
	Over     Seconds `json:"usual_over_s" col:"over s"`     // that time
	Others   int64   `json:"other_rows" col:"rows of others"`
	Pings    int64   `json:"pings" col:"PINGs"`            // of the master, meanwhile
	Lowest   Count   `json:"lowest" col:"lowest position"` // of the writers of the stream, at its end
	Highest  Count   `json:"highest" col:"highest"`        // the same
	Ended    bool    `json:"ended" col:"ended"`            // it spoke again; otherwise the journal or the connections ended
	Known    string  `json:"known_in" col:"in releases"`   // that have the stream
	Place            // quiet: where it began, and the row before it; asked and no longer announced: REPLICATE

	dropped bool // no longer announced: some release that fits does not have it
}

// What a silent stream did not do.
const (
	silentNever   = "not announced"         // all releases that fit have it
	silentPerhaps = "perhaps not announced" // some of them have it
	silentAsked   = "asked for, no answer"
	silentGone    = "announced no longer"
	silentRows    = "announced, no rows" // which most streams do on a quiet server
	silentQuiet   = "quiet"
	silentStands  = "stands still" // a writer, while others of its stream go on
)

// Announced is how many of the streams that there should be said something.
type Announced struct {
	Expected  int    `json:"expected"` // streams that all releases have that fit the traffic
	Announced int    `json:"announced"`
	Release   string `json:"release"`  // that stands for those that fit
	Releases  string `json:"releases"` // that fit
}

// voice is what is heard of one stream.
type voice struct {
	positions, rows, asked int64
	askedAt                Place
}

// silence listens for what is not said.
type silence struct {
	tracker   *tracker
	announced announced
	streams   [maxSubjects]*voice
	bare      bool // REPLICATE without a stream: all are announced
	spoken    wire.Detector
}

func newSilence(t *tracker) *silence { return &silence{tracker: t, announced: announced{tracker: t}} }

func (s *silence) take(e *entry) {
	if isClose(e) {
		s.announced.leave(e.conn, e.at)
		s.heard(e.conn)
		return
	}
	if !e.line() {
		return
	}
	s.announced.take(e)
	switch e.Gist.Command {
	case wire.CmdRdata:
		if e.stream != 0 && e.Dir == wire.S2C {
			s.voice(e.stream).rows++
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
			v := s.voice(e.stream)
			if v.asked++; v.asked == 1 {
				v.askedAt = e.place()
			}
		}
	}
}

func (s *silence) voice(stream int) *voice {
	if s.streams[stream] == nil {
		s.streams[stream] = &voice{}
	}
	return s.streams[stream]
}

// heard takes in what dialects a connection's master may speak.
func (s *silence) heard(c *connection) {
	if c.speak != nil {
		s.spoken.Merge(c.speak)
	}
}

func (s *silence) finish(p *Profile) {
	for _, c := range s.tracker.open() {
		s.announced.leave(c, p.end())
		s.heard(c)
	}
	p.Silence = append(p.Silence, s.announced.rows()...)
	s.unannounced(p)
	for i, name := range s.tracker.subjects.names {
		v := s.streams[i]
		if v == nil || i == 0 {
			continue
		}
		row := unspoken(name)
		row.Rows = v.rows
		switch {
		case v.asked > 0 && v.positions == 0 && v.rows == 0:
			row.What, row.Place = silentAsked, v.askedAt
			p.Silence = append(p.Silence, row)
		case v.rows == 0 && v.positions > 0:
			row.What = silentRows
			p.Silence = append(p.Silence, row)
		}
	}
	order := []string{silentNever, silentAsked, silentGone, silentQuiet, silentStands, silentPerhaps, silentRows}
	slices.SortStableFunc(p.Silence, func(a, b SilenceRow) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.What), slices.Index(order, b.What)), cmp.Compare(b.Lasted, a.Lasted), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Instance, b.Instance))
	})
}

// unspoken is a row of a stream of which there are no times to tell.
func unspoken(stream string) SilenceRow {
	return SilenceRow{Stream: stream, Lasted: None, Usual: None, Over: None, Lowest: None, Highest: None, Place: nowhere}
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
		row := unspoken(k.Name)
		row.What, row.Known = silentPerhaps, k.In().Names()
		if always {
			row.What = silentNever
		}
		p.Silence = append(p.Silence, row)
	}
	p.Notes = append(p.Notes, fmt.Sprintf("%d of %d streams announced, for releases %s.", p.Announced.Announced, p.Announced.Expected, p.Announced.Releases))
}
