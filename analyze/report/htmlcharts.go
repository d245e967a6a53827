package report

import (
	"fmt"
	"math"
	"slices"
	"time"

	"repltap/analyze/page"
	"repltap/analyze/profile"
)

// htmlCharts are drawn from a table's numbers, before it.
var htmlCharts = map[string]func(*profile.Profile) []page.Part{
	"commands":     htmlCommands,
	"streams":      htmlStreams,
	"workers":      htmlWorkers,
	"timeline":     htmlTimeline,
	"line_lengths": htmlLengths,
	"talkers":      htmlTalkers,
	"lag_timeline": htmlLags,
	"positions":    htmlPositions,
	"endings":      htmlEndings,
}

// onlyDrawn are tables that are too long to be read: a page has them as charts.
var onlyDrawn = map[string]bool{"timeline": true, "lag_timeline": true}

// maxBars is how many bars a chart has; what is beyond it is one bar.
const maxBars = 12

func htmlCommands(p *profile.Profile) []page.Part {
	var all []profile.Volume
	var names []string
	for _, r := range p.Commands {
		all, names = append(all, r.Volume), append(names, r.Command+" "+r.Direction)
	}
	return shares("Bytes by command and direction", names, all)
}

func htmlStreams(p *profile.Profile) []page.Part {
	var all []profile.Volume
	var names []string
	for _, r := range p.Streams {
		all, names = append(all, r.Volume), append(names, r.Stream)
	}
	return shares("Bytes by stream", names, all)
}

func htmlWorkers(p *profile.Profile) []page.Part {
	var all []profile.Volume
	var names []string
	for _, r := range p.Workers {
		name := r.Worker
		if name == "" {
			name = "(no name)"
		}
		all, names = append(all, r.Volume), append(names, name)
	}
	return shares("Bytes by worker", names, all)
}

// shares is a bar for each thing, the largest first as they come.
func shares(title string, names []string, all []profile.Volume) []page.Part {
	if len(all) < 2 {
		return nil
	}
	out := page.Bars{Title: title, Unit: "bytes of lines"}
	var rest, commands int64
	for i, v := range all {
		if i >= maxBars {
			rest, commands = rest+v.Bytes, commands+v.Commands
			continue
		}
		out.Bars = append(out.Bars, page.Bar{
			Name: names[i], Value: float64(v.Bytes), Text: page.Grouped(fmt.Sprint(v.Bytes)),
			More: fmt.Sprintf("%s %% of bytes, %s", v.Share.Digits(), count(v.Commands, "command")),
		})
	}
	if n := len(all) - len(out.Bars); n > 0 {
		out.Bars = append(out.Bars, page.Bar{
			Name: fmt.Sprintf("%d others", n), Value: float64(rest), Text: page.Grouped(fmt.Sprint(rest)), More: count(commands, "command"), Rest: true,
		})
	}
	return []page.Part{out}
}

// maxAreas is how many series a chart tells apart.
const maxAreas = 8

// htmlTimeline is the traffic over time. By stream it stands in the summary.
func htmlTimeline(p *profile.Profile) []page.Part {
	return slices.Concat(overTime(p, "command", false), overTime(p, "direction", true))
}

// overTime is the lines, or their bytes, over time, by stream, command or
// direction.
func overTime(p *profile.Profile, by string, bytes bool) []page.Part {
	what := "lines"
	if bytes {
		what = "bytes of lines"
	}
	chart := page.Over{
		Title: map[bool]string{false: "Lines", true: "Bytes"}[bytes] + " over time, by " + by, Unit: fmt.Sprintf("%s in each %s s", what, p.Timeline.Bucket.Digits()), Stacked: true,
		Zero: time.Unix(0, int64(p.Journal.Start)), From: time.Duration(p.Timeline.Start), Step: time.Duration(p.Timeline.Bucket),
		Events: stretches(p),
	}
	for _, s := range p.Timeline.Series {
		if s.By != by {
			continue
		}
		values := s.Commands
		if bytes {
			values = s.Bytes
		}
		chart.Series = addSeries(chart.Series, s.Name, values)
	}
	if len(chart.Series) == 0 {
		return nil
	}
	return []page.Part{chart}
}

// addSeries adds a series; beyond those that can be told apart, to the rest.
func addSeries(list []page.Series, name string, values []int64) []page.Series {
	if len(list) < maxAreas && name != "(other)" {
		s := page.Series{Name: name}
		for _, v := range values {
			s.Values = append(s.Values, float64(v))
		}
		return append(list, s)
	}
	if len(list) == 0 || !list[len(list)-1].Rest {
		list = append(list, page.Series{Name: "all others", Rest: true, Values: make([]float64, len(values))})
	}
	rest := list[len(list)-1].Values
	for i, v := range values {
		rest[i] += float64(v)
	}
	return list
}

// stretches are what charts over time show behind what was counted: gaps of the
// journal, and stalls.
func stretches(p *profile.Profile) []page.Event {
	var out []page.Event
	for _, g := range p.Gaps[:min(len(p.Gaps), maxStretches)] {
		out = append(out, page.Event{
			From: time.Duration(g.From), To: time.Duration(g.To), Bad: true,
			Text: fmt.Sprintf("a gap of the journal: %s, %s", count(g.Bytes, "byte"), g.Reason),
		})
	}
	for _, s := range p.Stalls[:min(len(p.Stalls), maxStretches)] {
		at := time.Duration(s.At)
		out = append(out, page.Event{From: at, To: at + time.Duration(s.Length), Text: connName(s.Conn, s.Worker) + ": " + stallText(&s)})
	}
	return out
}

// maxStretches is how many of each are shown.
const maxStretches = 50

// htmlTalkers is who or what makes the traffic of the largest topics.
func htmlTalkers(p *profile.Profile) []page.Part {
	var out []page.Part
	for from := 0; from < len(p.Talkers) && len(out) < 4; {
		to := from
		for to < len(p.Talkers) && p.Talkers[to].Topic == p.Talkers[from].Topic && p.Talkers[to].By == p.Talkers[from].By && p.Talkers[to].Kind == p.Talkers[from].Kind {
			to++
		}
		t := p.Talkers[from]
		chart := page.Bars{Title: fmt.Sprintf("%s by %s", t.Topic, t.By), Unit: "bytes of lines"}
		for _, t := range p.Talkers[from:min(to, from+maxTalkers)] {
			chart.Bars = append(chart.Bars, page.Bar{
				Name: t.Name, Value: float64(t.Bytes), Text: page.Grouped(fmt.Sprint(t.Bytes)), Rest: t.Name == "(other)",
				More: fmt.Sprintf("%s, %s %% of the bytes of %s", count(t.Commands, "command"), t.OfTopic.Digits(), t.Topic),
			})
		}
		if len(chart.Bars) > 1 && t.OfTopic >= minTalker {
			out = append(out, chart)
		}
		from = to
	}
	return out
}

const (
	maxTalkers = 8   // bars that a chart of talkers has
	minTalker  = 5e4 // 5 %: where the largest has less of its topic, nobody stands out
)

// htmlLengths is how long lines are, and where that comes near the limit.
func htmlLengths(p *profile.Profile) []page.Part {
	chart := page.Columns{
		Title: "Lines by length", Unit: "lines, on a scale of powers of ten", Log: true,
		Note: fmt.Sprintf("Under each column the longest length it stands for, in bytes without the newline. The protocol's limit is %s; %s are near it, with %s bytes or more.",
			page.Grouped(fmt.Sprint(p.LineLimit.Limit)), count(p.LineLimit.Lines, "line"), page.Grouped(fmt.Sprint(p.LineLimit.Near))),
	}
	next := int64(-1)
	for _, r := range p.LineLengths {
		for ; next >= 0 && next < r.From; next *= 2 {
			chart.Columns = append(chart.Columns, lengthBin(next, 2*next-1, 0, p.LineLimit.Near))
		}
		chart.Columns = append(chart.Columns, lengthBin(r.From, r.To, r.Commands, p.LineLimit.Near))
		next = r.To + 1
	}
	return []page.Part{chart}
}

func lengthBin(from, to, commands, near int64) page.Bin {
	label := fmt.Sprint(to)
	if to >= 1<<10 {
		label = fmt.Sprintf("%dKi", int64(math.Round(float64(to)/1024)))
	}
	return page.Bin{Label: label, Said: fmt.Sprintf("lines of %d to %d bytes", from, to), Value: float64(commands), Bad: to >= near}
}
