package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"repltap/analyze/namesake"
	"repltap/analyze/profile"
	"repltap/journal"
	"repltap/wire"
)

// Schema names the form of a story's JSON.
const Schema = "repltap.explain/1"

// Question is which token of what.
type Question struct {
	Stream   string
	Token    int64
	Instance string       // whose; "" for whoever wrote it
	Release  wire.Release // by whose rules workers go; 0 for what the traffic suggests
}

// Story is the answer.
type Story struct {
	Schema   string         `json:"schema"`
	Stream   string         `json:"stream"`
	Token    int64          `json:"token"`
	Release  string         `json:"release"`  // whose rules workers were played by
	Dialects string         `json:"dialects"` // or releases, that the traffic fits
	Came     bool           `json:"came"`     // a row of it was seen
	Complete bool           `json:"complete"` // all workers have it, as far as the journal shows
	Writers  []*WriterStory `json:"writers"`
	Workers  []*WorkerStory `json:"workers"`
	Gaps     int64          `json:"gaps"` // parts of the traffic that are not in the journal
	Damage   int64          `json:"damage"`
	Notes    []string       `json:"notes"`
}

// Line is a line and where it stands.
type Line struct {
	profile.Place
	Worker string        `json:"worker"`
	Token  profile.Count `json:"token"` // none for batch
	Prev   profile.Count `json:"prev"`
	Text   string        `json:"line"`
}

// WriterStory is what an instance did about the token.
type WriterStory struct {
	Instance string `json:"instance"`
	// Generation is that of the instance's tokens: 2 where they began anew once,
	// with the line Began; none for the first.
	Generation profile.Count `json:"generation"`
	Began      *Line         `json:"began"`
	// First is the row with the token, where it came first; nil if none did.
	First *Line  `json:"first"`
	Rows  int64  `json:"rows"`  // of its group
	Group []Line `json:"group"` // the first of them
	Times int64  `json:"times"` // how often it was sent, to all connections
	// Others are rows that end other groups with the same token, where each came
	// first: the first few.
	Others []Line `json:"others"`
	// OverLong is how many bytes the line of First has, if that are more than
	// receivers take; 0 if not. CutOff says that it never ended.
	OverLong int64 `json:"over_long"`
	CutOff   bool  `json:"cut_off"`
	// Before and After are the nearest tokens of rows around it, as they came first.
	Before *Line `json:"before"`
	After  *Line `json:"after"`
	// Announced is the first POSITION at or beyond the token; Covered is the first
	// that says there are no rows in a range which has it.
	Announced *Line `json:"announced"`
	Covered   *Line `json:"covered"`
	// Passed is the first line on any connection that went from below the token to
	// beyond it, without it.
	Passed *Line `json:"passed"`
}

// Explain answers a question about a journal. With an *journal.UnreadableError comes
// the story by what could be read.
func Explain(ctx context.Context, r *journal.Reader, q Question, progress func(int64)) (*Story, error) {
	s := &Story{Schema: Schema, Stream: q.Stream, Token: q.Token, Complete: true, Writers: []*WriterStory{}, Workers: []*WorkerStory{}, Notes: []string{}}
	start := r.Info().Start
	names := namesake.Find(ctx, r, journal.Filter{})
	first := &survey{question: q, story: s, start: start, generations: profile.NewGenerations(start, names), writers: map[writerKey]*writer{}}
	read := int64(0)
	var unreadable error
	pass := func(take func(*journal.Record), damage *int64) error {
		for rec, err := range r.InTime(ctx, journal.Filter{}) {
			if err != nil {
				if errors.As(err, new(*journal.UnreadableError)) {
					unreadable = cmp.Or(unreadable, err)
				} else if !journal.IsPartial(err) {
					return err
				}
				*damage++
				continue
			}
			if read++; read%16384 == 0 && progress != nil {
				progress(read)
			}
			take(rec)
		}
		return nil
	}
	var spoken wire.Detector
	if err := pass(func(rec *journal.Record) {
		if rec.Kind == journal.KindLine {
			spoken.Observe(rec.Dir, rec.Data, &rec.Gist)
		}
		first.take(rec)
	}, &s.Damage); err != nil {
		return nil, err
	}
	first.finish()
	of := wire.Choose([]*wire.Detector{&spoken}, nil)
	release := cmp.Or(q.Release, of.Play)
	s.Release, s.Dialects = release.String(), of.Releases.String()
	if of.Conflict != "" {
		s.note("The traffic is not that of one release: %s.", of.Conflict)
	}
	second, err := newPlay(q, s, release, start, first)
	if err != nil {
		return nil, err
	}
	second.names, second.generations = names, profile.NewGenerations(start, names)
	var again int64
	if err := pass(second.take, &again); err != nil {
		return nil, err
	}
	second.finish()
	return s, unreadable
}

// Streams are the streams that a journal's lines name, in order, and whether there
// are more than limit.
func Streams(ctx context.Context, r *journal.Reader, limit int) (names []string, more bool, err error) {
	seen := map[string]bool{}
	for rec, err := range r.Records(ctx, journal.Filter{}) {
		if err != nil {
			if journal.IsPartial(err) {
				continue
			}
			return nil, false, err
		}
		if rec.Kind != journal.KindLine || rec.Gist.Stream == nil || seen[string(rec.Gist.Stream)] {
			continue
		}
		if len(seen) == limit {
			more = true
			break
		}
		seen[string(rec.Gist.Stream)] = true
	}
	return slices.Sorted(maps.Keys(seen)), more, nil
}

// place is where a record stands.
func place(rec *journal.Record, start int64) profile.Place {
	return profile.Place{Seq: rec.Seq, Conn: rec.Conn, At: profile.At(rec.Time - start), Time: profile.Time(rec.Time)}
}

// maxText is how much of a line is kept.
const maxText = 400

func lineOf(rec *journal.Record, start int64) *Line {
	text := rec.Data
	if n := len(text); n > 0 && text[n-1] == '\n' {
		text = text[:n-1]
	}
	l := &Line{Place: place(rec, start), Worker: rec.Worker, Token: profile.None, Prev: profile.None}
	if len(text) > maxText {
		l.Text = string(text[:maxText]) + "…"
	} else {
		l.Text = string(text)
	}
	if rec.Gist.HasToken {
		l.Token = profile.Count(rec.Gist.Token)
	}
	if rec.Gist.HasPrev {
		l.Prev = profile.Count(rec.Gist.Prev)
	}
	return l
}

func (q *Question) about(rec *journal.Record) bool {
	return string(rec.Gist.Stream) == q.Stream && (rec.Kind == journal.KindLine || rec.Part == 1) && rec.Dir == wire.S2C && (q.Instance == "" || string(rec.Gist.Instance) == q.Instance)
}

func (s *Story) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}
