package profile

import (
	"cmp"
	"slices"
	"time"

	"repltap/wire"
)

// BurstRow is the busiest second or minute, by commands, of all traffic or of
// one command or stream. Seconds and minutes are counted from the journal's start.
type BurstRow struct {
	Span     string  `json:"span" col:"busiest"` // "second" or "minute"
	By       string  `json:"by" col:"by"`        // "all", "command" or "stream"
	Name     string  `json:"name" col:"of"`
	At       At      `json:"at_s" col:"at s"` // where it begins
	Time     Time    `json:"time" col:"time,wide"`
	Commands int64   `json:"commands" col:"commands"`
	Bytes    int64   `json:"bytes" col:"bytes"`
	Times    Rate    `json:"times_mean" col:"times the mean"` // its rate against that of its kind over all the time
	Command  string  `json:"filled_by_command" col:"most of it: command"`
	CmdShare Percent `json:"filled_by_command_percent" col:"%"` // of the commands in it
	Stream   string  `json:"filled_by_stream" col:"stream"`
	StrShare Percent `json:"filled_by_stream_percent" col:"%"`
}

// maxBursts is how many commands, and how many streams, have bursts told.
const maxBursts = 10

// burstSpans are the lengths of time that are looked at.
var burstSpans = [...]struct {
	name string
	long int64
}{{"second", int64(time.Second)}, {"minute", int64(time.Minute)}}

// meter finds the fullest of the equal parts of time. It keeps two that may still
// be added to, since connections are recorded a little out of order; what is
// older than these is added to the older one.
type meter struct {
	part       int64 // number of the newer
	now, older tally
	all        tally
	best       tally
	bestPart   int64
}

// add counts a line and reports whether a part that is now closed is the fullest
// so far.
func (m *meter) add(part int64, bytes int) {
	switch {
	case part == m.part:
		m.now.add(bytes)
	case part > m.part:
		m.turn(part)
		m.now.add(bytes)
	default:
		m.older.add(bytes)
	}
	m.all.add(bytes)
}

// turn begins another part, and says whether one of those that are over is the
// fullest so far.
func (m *meter) turn(part int64) (record bool) {
	record = m.settle(m.part-1, m.older)
	if m.older = m.now; part != m.part+1 {
		record = m.settle(m.part, m.now) || record
		m.older = tally{}
	}
	m.part, m.now = part, tally{}
	return record
}

func (m *meter) settle(part int64, t tally) bool {
	if t.commands <= m.best.commands {
		return false
	}
	m.best, m.bestPart = t, part
	return true
}

// end closes what is open.
func (m *meter) end() bool { return m.turn(m.part + 2) }

// in is what is counted for a part that is still open.
func (m *meter) in(part int64) tally {
	switch part {
	case m.part:
		return m.now
	case m.part - 1:
		return m.older
	}
	return tally{}
}

// bursts looks for the fullest second and minute.
type bursts struct {
	names *subjects
	spans [len(burstSpans)]burstSpan
}

type burstSpan struct {
	all      meter
	commands [wire.NumCommands]meter
	streams  [maxSubjects]meter
	// What the fullest part is full of.
	command, stream           int
	commandCount, streamCount int64
}

func newBursts(names *subjects) *bursts { return &bursts{names: names} }

func (b *bursts) take(e *entry) {
	if !e.line() {
		return
	}
	second := max(e.at, 0) / int64(time.Second)
	b.spans[0].add(second, e)
	b.spans[1].add(second/60, e)
}

func (s *burstSpan) add(part int64, e *entry) {
	if part > s.all.part && s.all.turn(part) {
		s.filled()
	}
	n := len(e.Data)
	s.all.add(part, n)
	s.commands[e.Gist.Command].add(part, n)
	if e.stream != 0 {
		s.streams[e.stream].add(part, n)
	}
}

// filled notes what the part is full of that has just become the fullest. The
// others have it open still: their clocks don't go before that of all.
func (s *burstSpan) filled() {
	s.command, s.commandCount = fullest(s.commands[:], s.all.bestPart)
	s.stream, s.streamCount = fullest(s.streams[:], s.all.bestPart)
}

func fullest(list []meter, part int64) (which int, commands int64) {
	for i := range list {
		if n := list[i].in(part).commands; n > commands {
			which, commands = i, n
		}
	}
	return which, commands
}

func (b *bursts) finish(p *Profile) {
	p.Bursts = []BurstRow{}
	start := int64(p.Journal.Start)
	for i := range b.spans {
		s, span := &b.spans[i], burstSpans[i]
		if s.all.end() {
			s.filled()
		}
		if s.all.all.commands == 0 {
			continue
		}
		row := func(by, name string, m *meter) BurstRow {
			at := m.bestPart * span.long
			r := BurstRow{
				Span: span.name, By: by, Name: name, At: At(at), Time: Time(start + at), Commands: m.best.commands, Bytes: m.best.bytes,
				Times: None, CmdShare: None, StrShare: None,
			}
			if mean := float64(m.all.commands) / float64(max(p.Journal.Duration, 1)); int64(p.Journal.Duration) >= span.long {
				r.Times = Rate(float64(m.best.commands) / float64(span.long) / mean * 1e3)
			}
			return r
		}
		all := row(byAll, "", &s.all)
		all.Command, all.CmdShare = commandName(wire.Command(s.command)), share(s.commandCount, all.Commands)
		if s.streamCount > 0 {
			all.Stream, all.StrShare = b.names.names[s.stream], share(s.streamCount, all.Commands)
		}
		p.Bursts = append(p.Bursts, all)
		var commands, streams []BurstRow
		for c := range s.commands {
			if m := &s.commands[c]; m.all.commands > 0 {
				m.end()
				commands = append(commands, row(byCommand, commandName(wire.Command(c)), m))
			}
		}
		for n, name := range b.names.names {
			if m := &s.streams[n]; m.all.commands > 0 {
				m.end()
				streams = append(streams, row(byStream, name, m))
			}
		}
		for _, list := range [][]BurstRow{commands, streams} {
			slices.SortFunc(list, func(x, y BurstRow) int {
				return cmp.Or(cmp.Compare(y.Commands, x.Commands), cmp.Compare(x.Name, y.Name))
			})
			p.Bursts = append(p.Bursts, list[:min(len(list), maxBursts)]...)
		}
	}
}
