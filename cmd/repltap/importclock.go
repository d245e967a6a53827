package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// The times of a capture are those of a clock that may have been set while it was
// written. What tells of that:
//
//   - A time is before that of the line before, and a connection goes on. That is
//     certain.
//   - Both sides of a connection send PING every five seconds. Where all who do
//     that are early or late at once, by the same time and for good, it was the
//     clock, or all of it stood still. A process that is held up is not late for
//     good: it keeps to the beat that it began with.
//   - Nobody says anything for longer than a living peer does, and everything goes
//     on after it.
//
// The import takes such a step out of the times, so that what was between two lines
// stays as long as it was, and notes it in the journal.

const (
	clockStepMin  = int64(1900 * time.Millisecond) // two seconds, and what a timer is off
	clockBeat     = int64(5 * time.Second)         // of PING
	clockLoose    = int64(250 * time.Millisecond)  // how far PING is off its beat at most
	clockSkipped  = int64(9500 * time.Millisecond) // so many beats are not left out by a timer that is early
	clockDead     = int64(25 * time.Second)        // a peer that is silent for that long is given up
	clockTogether = int64(30 * time.Second)        // steps of several files within that time are one
	maxClockMarks = 1 << 21                        // PINGs and pauses of a file that are kept
)

// clockMark is a line of a capture and its time.
type clockMark struct {
	line int
	t    int64
}

// clockJump is where the time of a line is before that of the line before, or at
// least two seconds after it.
type clockJump struct {
	line     int
	from, to int64
}

// clockVoice is one direction of one connection.
type clockVoice struct {
	conn int
	dir  wire.Direction
}

// clockSurvey is what has to be known of the times of a capture to find the steps in
// them.
type clockSurvey struct {
	prev        int64
	any         bool
	jumps       []clockJump
	pings       map[clockVoice][]clockMark
	spoke       map[clockVoice][2]int // its first and last line
	first, last int64                 // of the file, as its clock had it
	early       int64                 // the first before the clock went back
	backward    bool
	marks       int
}

func (s *clockSurvey) see(number, conn int, l *captureLine) {
	t, v := *l.T, clockVoice{conn, l.direction}
	ping := l.Event == "" && (bytes.HasPrefix(l.Data, []byte("PING ")) || bytes.Contains(l.Data, []byte("\nPING ")))
	if !s.any {
		s.any, s.first, s.last, s.early = true, t, t, t
		s.pings, s.spoke = map[clockVoice][]clockMark{}, map[clockVoice][2]int{}
	} else if d := t - s.prev; (d < 0 || d >= clockStepMin || ping && s.tooSoon(v, t)) && s.marks < maxClockMarks {
		s.marks++
		s.jumps = append(s.jumps, clockJump{number, s.prev, t})
	}
	if s.backward = s.backward || t-s.prev <= -clockStepMin; !s.backward {
		s.early = min(s.early, t)
	}
	s.prev, s.first, s.last = t, min(s.first, t), max(s.last, t)
	if l.Event != "" {
		return
	}
	span, known := s.spoke[v]
	if !known {
		span[0] = number
	}
	s.spoke[v] = [2]int{span[0], number}
	if ping && s.marks < maxClockMarks {
		s.marks++
		s.pings[v] = append(s.pings[v], clockMark{number, t})
	}
}

// unit says which unit the times of a capture are in that are no nanoseconds: all of
// them would be in the first days of 1970, and are of the time of Synapse in it.
func (s *clockSurvey) unit() (name string, ok bool) {
	const from, to = 1_450_000_000, 2_200_000_000 // 2015 to 2039
	names := []string{"seconds", "milliseconds", "microseconds"}
	for i, per := range []int64{1, 1e3, 1e6} {
		if s.any && from*per <= s.first && s.last < to*per {
			return names[i], true
		}
	}
	return "", false
}

// tooSoon says whether a PING comes long before its beat.
func (s *clockSurvey) tooSoon(v clockVoice, t int64) bool {
	n := len(s.pings[v])
	return n > 0 && t-s.pings[v][n-1].t <= clockBeat-clockStepMin
}

// clockStep is where the clock of a capture was set.
type clockStep struct {
	clockJump
	by    int64 // how far, negative: back
	until int   // the line of the first PING after it, by whose beat it is known
	beat  bool  // PING says how far
	may   bool  // it may have been something else
}

// steps finds the steps of one capture.
func (s *clockSurvey) steps() (out []clockStep) {
	told := 0 // the line of the last step: what lies before it says nothing about the next
	for i, j := range s.jumps {
		if step, ok := s.judge(j, told); ok && !s.later(i, &step) {
			out, told = append(out, step), j.line
		}
	}
	return out
}

// later says whether a jump back that only PING tells of is to be sought further on:
// the clock went back at the line that goes back most.
func (s *clockSurvey) later(i int, step *clockStep) bool {
	at := s.jumps[i]
	for _, j := range s.jumps[i+1:] {
		if step.by > 0 || j.line > step.until {
			break
		}
		if j.to-j.from < at.to-at.from {
			return true
		}
	}
	return false
}

// judge says whether the clock was set at a jump.
func (s *clockSurvey) judge(j clockJump, told int) (clockStep, bool) {
	step := clockStep{clockJump: j, by: j.to - j.from}
	lively, off, until := s.around(j, told)
	step.until = until
	switch {
	case !lively:
		return step, false
	case j.to-j.from <= -clockStepMin:
		if len(off) > 0 {
			step.by, step.beat = off[len(off)/2], true
		}
		return step, step.by <= -clockStepMin
	case len(off) >= 2 && off[len(off)-1]-off[0] <= 2*clockLoose && max(off[0], -off[0]) >= clockStepMin:
		step.by, step.beat, step.may = off[len(off)/2], true, off[0] > 0
		rest := (off[0] + clockBeat/2) % clockBeat
		whole := off[0] > 0 && max(rest-clockBeat/2, clockBeat/2-rest) <= 2*clockLoose
		return step, off[0] < 0 || j.to-j.from >= step.by-clockLoose && (!whole || step.by >= clockSkipped)
	}
	step.may = true
	return step, len(off) == 0 && j.to-j.from > clockDead
}

// around looks at the connections that go on over a jump: whether there is one
// that both sides speak on before and after, and by how much the PINGs that follow
// are off the beat of those before, lowest first. The last step was at told.
func (s *clockSurvey) around(j clockJump, told int) (lively bool, off []int64, until int) {
	back := j.to-j.from <= -clockStepMin
	sides := map[int]int{}
	for v, span := range s.spoke {
		if span[0] >= j.line || span[1] < j.line {
			continue
		}
		if sides[v.conn]++; sides[v.conn] == 2 || back {
			lively = true
		}
		if o, line, ok := offBeat(s.pings[v], j, told); ok {
			if off = append(off, o); until == 0 || line < until {
				until = line
			}
		}
	}
	slices.Sort(off)
	return lively, off, until
}

// offBeat is by how much the first PING after a jump is off the beat of the two
// before it. Without a beat before and after it is not known.
func offBeat(pings []clockMark, j clockJump, told int) (off int64, line int, known bool) {
	i, _ := slices.BinarySearchFunc(pings, j.line, func(p clockMark, line int) int { return cmp.Compare(p.line, line) })
	regular := func(k int) bool {
		d := pings[k].t - pings[k-1].t - clockBeat
		return max(d, -d) <= clockLoose
	}
	if i < 2 || pings[i-1].line < told || i+1 >= len(pings) || !regular(i-1) || !regular(i+1) {
		return 0, 0, false
	}
	before, after := pings[i-1].t, pings[i].t
	beats := int64(1)
	if j.to < j.from { // how long the pause was is not known: as short as it can be
		beats = max(1, int64(math.Ceil(float64(j.from+after-j.to-before-clockLoose)/float64(clockBeat))))
	}
	return after - before - beats*clockBeat, pings[i].line, true
}

// stepsOf finds the steps of the clock that all files of an import have their times
// of, and tells each file which of its lines they come before.
func stepsOf(files []*planned) (out []*clockStep) {
	for _, f := range files {
		for _, step := range f.clock.steps() {
			i := slices.IndexFunc(out, func(o *clockStep) bool { return o.same(&step) && !f.has(o) })
			if i < 0 {
				i, out = len(out), append(out, &step)
			} else if o := out[i]; step.beat && !o.beat || step.beat == o.beat && max(step.by, -step.by) > max(o.by, -o.by) {
				*o = step
			}
			f.steps = append(f.steps, fileStep{step.line, out[i]})
		}
	}
	out = slices.DeleteFunc(out, func(step *clockStep) bool {
		return step.by > 0 && slices.ContainsFunc(files, func(f *planned) bool { return f.clock.contradicts(step) })
	})
	for _, step := range out {
		for _, f := range files {
			if line, ok := f.clock.lineOf(step); ok && !f.has(step) {
				f.steps = append(f.steps, fileStep{line, step})
			}
		}
	}
	for _, f := range files {
		f.steps = slices.DeleteFunc(f.steps, func(s fileStep) bool { return !slices.Contains(out, s.clockStep) })
		slices.SortFunc(f.steps, func(a, b fileStep) int { return cmp.Compare(a.line, b.line) })
		if f.format != formatText {
			f.first = time.Unix(0, f.clock.begin(f.steps))
		}
	}
	return out
}

func (pl *planned) has(step *clockStep) bool {
	return slices.ContainsFunc(pl.steps, func(s fileStep) bool { return s.clockStep == step })
}

// fileStep is a step and the line of a file that is the first after it.
type fileStep struct {
	line int
	*clockStep
}

func (a *clockStep) same(b *clockStep) bool {
	apart, differ := a.from-b.from, a.by-b.by
	return (a.by < 0) == (b.by < 0) && max(apart, -apart) <= clockTogether && max(differ, -differ) <= clockTogether
}

// pauseAt is the jump of a file that is the step, if the file has it.
func (s *clockSurvey) pauseAt(step *clockStep) (clockJump, bool) {
	for _, j := range s.jumps {
		if d := j.to - j.from; step.by < 0 && j == step.clockJump || step.by > 0 && d >= step.by-clockLoose && j.from <= step.to && j.to >= step.from ||
			step.by < 0 && d <= -clockStepMin && step.same(&clockStep{clockJump: j, by: d}) {
			return j, true
		}
	}
	return clockJump{}, false
}

// contradicts: the file has lines in the pause.
func (s *clockSurvey) contradicts(step *clockStep) bool {
	if !s.any || s.first > step.from || s.last < step.to {
		return false
	}
	_, paused := s.pauseAt(step)
	return !paused
}

// lineOf is the first line after a step. A file that begins later has it before its
// first; that can't be known of one that begins at a time that came twice.
func (s *clockSurvey) lineOf(step *clockStep) (int, bool) {
	if j, ok := s.pauseAt(step); ok {
		return j.line, true
	}
	return 0, s.any && s.first >= max(step.from, step.to)
}

// begin is the earliest time of a file once the steps are taken out.
func (s *clockSurvey) begin(steps []fileStep) int64 {
	if len(steps) == 0 {
		return s.first
	}
	first := s.early
	for _, step := range steps {
		if step.line == 0 {
			first -= step.by
		}
	}
	return first
}

// event is the step as the journal has it; wall is what the clock says then.
func (s *clockStep) event(wall int64) *journal.Event {
	return &journal.Event{Step: s.by, Wall: wall, May: s.may}
}

// saySteps says which steps were found.
func saySteps(w io.Writer, steps []*clockStep) {
	for _, s := range firstFew(w, steps, "step of the clock") {
		fmt.Fprintf(w, "%s, after %s; it is taken out of the times that follow\n", s.event(0).ClockText(), time.Unix(0, s.from).UTC().Format(time.RFC3339Nano))
	}
}

// step notes a step in the journal, at the first line after it.
func (im *importer) step(f *feed, s *clockStep) error {
	if im.told[s] {
		return nil
	}
	im.told[s] = true
	return im.w.Append(&journal.Record{Time: f.at, Kind: journal.KindClock, Event: s.event(*f.capture.line.T)})
}
