package report

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"repltap/analyze/page"
	"repltap/analyze/profile"
)

// maxSpans is how many connections are drawn.
const maxSpans = 80

// htmlEndings is when there was which connection, what held it up, and how it
// ended.
func htmlEndings(p *profile.Profile) []page.Part {
	out := page.Spans{
		Title: "Connections over time", Zero: time.Unix(0, int64(p.Journal.Start)),
		Legend: []page.Kind{{Class: page.ClassSpan, Name: "connection, with a stroke where it ended"}},
	}
	stalled, bad := false, false
	for _, e := range p.Endings[:min(len(p.Endings), maxSpans)] {
		from := time.Duration(e.Began)
		s := page.Span{Name: connName(e.Conn, e.Worker), From: from, To: from + time.Duration(e.Lasted)}
		s.Said = append(s.Said, fmt.Sprintf("began at +%s s, lasted %s s", e.Began.Digits(), e.Lasted.Digits()))
		if e.Ended != profile.None {
			s.End = "ended: " + e.How + when(e.By != "", " by "+e.By)
		}
		for _, err := range []struct{ by, text string }{{"master", e.MasterError}, {"worker", e.WorkerError}} {
			if err.text != "" {
				s.End += when(s.End != "", "; ") + err.by + " said ERROR " + err.text
			}
		}
		s.Bad = endedBadly[e.How] || e.MasterError != "" || e.WorkerError != ""
		if s.End != "" {
			s.Said = append(s.Said, s.End)
		} else {
			s.Said = append(s.Said, "was open when the journal ended")
		}
		if e.Dialect != "" {
			s.Said = append(s.Said, "dialect "+e.Dialect)
		}
		for _, st := range p.Stalls {
			if st.Conn == e.Conn {
				stalled = true
				at := time.Duration(st.At)
				s.Inner = append(s.Inner, page.Stretch{From: at, To: at + time.Duration(st.Length), Text: stallText(&st)})
			}
		}
		for _, o := range p.Overflows {
			if o.Conn == e.Conn {
				bad = true
				at := time.Duration(o.At)
				s.Inner = append(s.Inner, page.Stretch{From: at, To: at, Bad: true, Text: "Failed to keep up: " + o.FilledBy})
			}
		}
		bad = bad || s.Bad
		out.From, out.To = min(out.From, s.From), max(out.To, s.To)
		out.Rows = append(out.Rows, s)
	}
	if stalled {
		out.Legend = append(out.Legend, page.Kind{Class: page.ClassStretch, Name: "stall: the reader took nothing"})
	}
	if bad {
		out.Legend = append(out.Legend, page.Kind{Class: page.ClassBad, Name: "an ERROR, a reset, or a sender that gave up"})
	}
	if more := len(p.Endings) - len(out.Rows); more > 0 {
		out.Note = fmt.Sprintf("These are the first %d; the table has more.", len(out.Rows))
	}
	return []page.Part{out}
}

// endedBadly are the ways to end that nobody means.
var endedBadly = map[string]bool{"reset": true, "timeout": true, "error": true, "refused": true, "enforced": true}

func connName(conn uint64, worker string) string {
	return fmt.Sprintf("%d %s", conn, cmp.Or(worker, "(no name)"))
}

func stallText(s *profile.StallRow) string {
	to := "the worker took nothing"
	if s.Direction == "c2s" {
		to = "the master took nothing"
	}
	return fmt.Sprintf("%s for %s s, %s held%s", to, s.Length.Digits(), count(s.Held, "byte"), when(s.FilledBy != "", ", filled by "+s.FilledBy))
}

// htmlLags is how far workers were behind over time.
func htmlLags(p *profile.Profile) []page.Part {
	if len(p.LagTimeline) == 0 {
		return nil
	}
	first, last := p.LagTimeline[0].At, p.LagTimeline[0].At
	for _, r := range p.LagTimeline {
		first, last = min(first, r.At), max(last, r.At)
	}
	width := p.LagTimeline[0].Width
	slots := int((int64(last)-int64(first))/int64(width)) + 1
	seconds := page.Over{
		Title: "Lag over time", Unit: fmt.Sprintf("ms behind, the most in each %s s, in powers of ten", width.Digits()), Largest: true, Log: true,
		Zero: time.Unix(0, int64(p.Journal.Start)), From: time.Duration(first), Step: time.Duration(width), Events: stretches(p),
		Note: "A worker is behind when another connection got a token first. Where there is no dash nothing was measured.",
	}
	tokens := seconds
	tokens.Title, tokens.Unit, tokens.Note = "Lag over time, in tokens", fmt.Sprintf("tokens behind, the most in each %s s, in powers of ten", width.Digits()), ""
	places := map[string]int{}
	for _, r := range p.LagTimeline {
		name := r.Worker + when(r.Conn > 0, " "+r.Conn.Digits()) + " " + r.Stream + when(r.Instance != "" && r.Instance != "master", " "+r.Instance)
		i, ok := places[name]
		if !ok {
			i = len(seconds.Series)
			places[name] = i
			seconds.Series = append(seconds.Series, page.Series{Name: name, Values: none(slots)})
			tokens.Series = append(tokens.Series, page.Series{Name: name, Values: none(slots)})
		}
		slot := int((int64(r.At) - int64(first)) / int64(width))
		seconds.Series[i].Values[slot] = math.Round(float64(r.Lag)/1e3) / 1e3
		tokens.Series[i].Values[slot] = float64(r.Tokens)
	}
	return []page.Part{seconds, tokens}
}

func none(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}

// htmlPositions is what POSITIONs are for.
func htmlPositions(p *profile.Profile) []page.Part {
	out := page.Bars{
		Title: "POSITIONs by what they are for", Unit: "lines",
		Of: []string{"advance", "answer to REPLICATE", "announcement", "no-op", "backwards"},
	}
	for _, r := range p.Positions[:min(len(p.Positions), 2*maxBars)] {
		out.Bars = append(out.Bars, page.Bar{
			Name: r.Stream + when(r.Instance != "" && r.Instance != "master", " "+r.Instance), Value: float64(r.Positions), Text: page.Grouped(fmt.Sprint(r.Positions)),
			Split: []float64{float64(r.Advances), float64(r.Answers), float64(r.Announcements), float64(r.NoOps), float64(r.Backwards)},
			More:  fmt.Sprintf("a worker before 1.96 would fetch for %d of them", r.Fetch122),
		})
	}
	return []page.Part{out}
}
