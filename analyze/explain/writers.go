package explain

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"repltap/analyze/profile"
	"repltap/journal"
	"repltap/wire"
)

// Limits of what is kept.
const (
	maxWriters = 256
	maxGroup   = 5 // rows of a group that are shown
	maxSpans   = 10_000
)

// survey is the first reading: who wrote what around the token.
type survey struct {
	question Question
	story    *Story
	start    int64
	writers  map[writerKey]*writer
	beyond   int64

	generations *profile.Generations
}

// writerKey is an instance in a generation of its tokens.
type writerKey struct {
	instance   string
	generation profile.Count
}

// writer is one instance. Its story is told if it has to do with the token.
type writer struct {
	story       WriterStory
	open        map[uint64][]Line // rows that wait for their token, by connection
	openRows    map[uint64]int64
	last        map[uint64]int64 // the last token, by connection
	low, high   int64            // of the rows around the token
	others      []uint64         // what the rows with the token are, as hashes
	long        uint64           // the connection on which First goes on in parts, 0 when it does not
	hasLow, hit bool
	hasHigh     bool
}

func (s *survey) take(rec *journal.Record) {
	generation := s.generations.Take(rec)
	if rec.Kind == journal.KindGap {
		s.story.Gaps++
		return
	}
	if rec.Kind != journal.KindLine && rec.Part == 0 {
		return
	}
	if rec.Part > 1 {
		s.goesOn(rec, generation)
		return
	}
	if !s.question.about(rec) {
		return
	}
	w := s.writer(writerKey{string(rec.Gist.Instance), generation})
	if w == nil {
		s.beyond++
		return
	}
	if generation != profile.None && w.story.Began == nil {
		w.story.Began = lineOf(rec, s.start)
	}
	switch g := &rec.Gist; g.Command {
	case wire.CmdRdata:
		s.row(w, rec)
	case wire.CmdPosition:
		if g.HasToken {
			s.position(w, rec)
		}
	}
}

// goesOn is a part of an over-long line after the first.
func (s *survey) goesOn(rec *journal.Record, generation profile.Count) {
	w := s.writers[writerKey{string(rec.Gist.Instance), generation}]
	if w == nil || w.long != rec.Conn || rec.Dir != wire.S2C {
		return
	}
	w.story.OverLong += int64(len(rec.Data))
	if w.story.CutOff = !bytes.HasSuffix(rec.Data, []byte{'\n'}); !w.story.CutOff {
		w.long = 0
	}
}

func (s *survey) writer(key writerKey) *writer {
	w := s.writers[key]
	if w == nil && len(s.writers) < maxWriters && len(key.instance) <= 255 {
		w = &writer{story: WriterStory{Instance: key.instance, Generation: key.generation, Group: []Line{}, Others: []Line{}}, open: map[uint64][]Line{}, openRows: map[uint64]int64{}, last: map[uint64]int64{}}
		s.writers[key] = w
	}
	return w
}

func (s *survey) row(w *writer, rec *journal.Record) {
	g, c, token := &rec.Gist, rec.Conn, s.question.Token
	if g.Batch {
		if w.openRows[c]++; len(w.open[c]) < maxGroup && len(w.open) < maxSpans && w.story.First == nil {
			w.open[c] = append(w.open[c], *lineOf(rec, s.start))
		}
		return
	}
	if !g.HasToken {
		return
	}
	st := &w.story
	switch {
	case g.Token == token:
		st.Times++
		w.hit = true
		if row := xxhash.Sum64(g.Row); len(w.others) < maxGroup && !slices.Contains(w.others, row) {
			if w.others = append(w.others, row); len(w.others) > 1 {
				st.Others = append(st.Others, *lineOf(rec, s.start))
			}
		}
		if st.First == nil {
			st.First, st.Rows = lineOf(rec, s.start), w.openRows[c]+1
			if rec.Part > 0 {
				w.long, st.OverLong, st.CutOff = c, int64(len(rec.Data)), true
			}
			st.Group = append(st.Group, w.open[c]...)
			if len(st.Group) < maxGroup || st.Rows > maxGroup {
				st.Group = append(st.Group[:min(len(st.Group), maxGroup-1)], *st.First)
			}
		}
	case g.Token < token && (!w.hasLow || g.Token > w.low):
		w.hasLow, w.low, st.Before = true, g.Token, lineOf(rec, s.start)
	case g.Token > token && (!w.hasHigh || g.Token < w.high):
		w.hasHigh, w.high, st.After = true, g.Token, lineOf(rec, s.start)
	}
	s.passes(w, rec)
	delete(w.open, c)
	delete(w.openRows, c)
}

func (s *survey) position(w *writer, rec *journal.Record) {
	g, token, st := &rec.Gist, s.question.Token, &w.story
	if g.Token >= token && st.Announced == nil {
		st.Announced = lineOf(rec, s.start)
	}
	if g.HasPrev && g.Prev < token && g.Token >= token && st.Covered == nil {
		st.Covered = lineOf(rec, s.start)
	}
	s.passes(w, rec)
	delete(w.open, rec.Conn)
	delete(w.openRows, rec.Conn)
}

// passes notes the first line that goes over the token.
func (s *survey) passes(w *writer, rec *journal.Record) {
	token := s.question.Token
	last, known := w.last[rec.Conn]
	if known && last < token && rec.Gist.Token > token && w.story.Passed == nil {
		w.story.Passed = lineOf(rec, s.start)
	}
	if known || len(w.last) < maxSpans {
		w.last[rec.Conn] = rec.Gist.Token
	}
}

// finish keeps the writers that wrote the token, or else all.
func (s *survey) finish() {
	for _, w := range s.writers {
		if w.hit {
			s.story.Came = true
		}
	}
	for _, w := range s.writers {
		if w.hit || !s.story.Came {
			s.story.Writers = append(s.story.Writers, &w.story)
		}
	}
	slices.SortFunc(s.story.Writers, func(a, b *WriterStory) int {
		return cmp.Or(strings.Compare(a.Instance, b.Instance), cmp.Compare(a.Generation, b.Generation))
	})
	if s.beyond > 0 {
		s.story.note("The stream has more than %d instances; %d lines of others were not looked at.", maxWriters, s.beyond)
	}
	instances := map[string]int{}
	for _, w := range s.story.Writers {
		instances[w.Instance]++
	}
	if len(instances) > 1 && s.story.Came {
		s.story.note("%d instances wrote this token: each counts for itself. Ask for one with --instance.", len(instances))
	}
	for _, instance := range slices.Sorted(maps.Keys(instances)) {
		if n := instances[instance]; n > 1 && s.story.Came {
			s.story.note("%s wrote this token in %d generations of the stream: its tokens began anew in between. Each is told for itself.", named(instance), n)
		}
	}
}

// concerns says whether an instance's lines tell of the token.
func (s *survey) concerns(instance []byte) bool {
	return slices.ContainsFunc(s.story.Writers, func(w *WriterStory) bool { return w.Instance == string(instance) })
}

// tells says whether the story has that generation of an instance.
func (s *survey) tells(key writerKey) bool {
	return slices.ContainsFunc(s.story.Writers, func(w *WriterStory) bool { return writerKey{w.Instance, w.Generation} == key })
}
