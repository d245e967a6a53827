package page

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Over is something over time, in slots of equal width.
type Over struct {
	Title, Unit, Note string
	Zero              time.Time     // what times count from
	From, Step        time.Duration // since Zero; of the first slot, and of each
	Series            []Series
	Stacked           bool // the sum counts; else each series is a line of its own
	Log               bool // heights are powers of ten, for what is seldom large; not of sums
	Largest           bool // of slots drawn together the largest counts, not the sum
	Events            []Event
}

// Series is what one thing did.
type Series struct {
	Name   string
	Values []float64 // one a slot; NaN is none
	Rest   bool      // all that has no series of its own
}

// Event is a moment, or a stretch of time, that is shown behind the series.
type Event struct {
	From, To time.Duration
	Text     string
	Bad      bool
}

// maxSlots is how many slots are drawn. More can't be told apart, and each has
// a title.
const maxSlots = 240

// plotHeight is in pixels.
const plotHeight = 220

func (o Over) part() (string, any) {
	o.fold()
	c := chart{Kind: "over", Title: o.Title, Unit: o.Unit, Note: o.Note}
	if o.Stacked {
		c.Kind = "stacked"
	}
	n, top := 0, 0.0
	whole := true
	for i, s := range o.Series {
		c.Legend = append(c.Legend, legendEntry{s.Name, seriesClass(i, s.Rest)})
		n = max(n, len(s.Values))
	}
	sums := make([]float64, n)
	for _, s := range o.Series {
		for i, v := range s.Values {
			if math.IsNaN(v) {
				continue
			}
			whole = whole && v == math.Trunc(v)
			sums[i] += v
			if !o.Stacked {
				top = max(top, v)
			}
		}
	}
	if o.Stacked {
		for _, v := range sums {
			top = max(top, v)
		}
	}
	var d drawing
	d.start(o.Title+" "+o.Unit, plotHeight)
	height := d.heights(top, o.Log, whole)
	width := o.Step * time.Duration(n)
	for i, t := range timeTicks(o.From, o.From+width) {
		d.xLabel(i, pct(float64(t-o.From), float64(width)), moment(t))
	}
	for _, e := range o.Events {
		d.event(e, o.From, width)
	}
	// Inside, a slot is one wide, and heights are of a thousand.
	d.put(`<svg class="inner" viewBox="0 0 %d 1000" preserveAspectRatio="none" width="100%%" height="100%%">`, max(n, 1))
	if o.Stacked {
		o.areas(&d, sums, height)
	} else {
		o.traces(&d, height)
	}
	for i := range n {
		d.put(`<rect class="slot" x="%d" width="1" height="1000"><title>%s</title></rect>`, i, lines(o.slot(i)))
	}
	d.put(`</svg>`)
	c.Plot = d.end()
	return "chart", c
}

// fold takes slots together until there are few enough.
func (o *Over) fold() {
	n := 0
	for _, s := range o.Series {
		n = max(n, len(s.Values))
	}
	by := (n + maxSlots - 1) / maxSlots
	if by < 2 {
		return
	}
	o.Step *= time.Duration(by)
	series := make([]Series, len(o.Series))
	for k, s := range o.Series {
		series[k] = Series{Name: s.Name, Rest: s.Rest}
		for i := 0; i < len(s.Values); i += by {
			v := math.NaN()
			for _, x := range s.Values[i:min(i+by, len(s.Values))] {
				switch {
				case math.IsNaN(v):
					v = x
				case math.IsNaN(x):
				case o.Largest:
					v = max(v, x)
				default:
					v += x
				}
			}
			series[k].Values = append(series[k].Values, v)
		}
	}
	o.Series = series
}

// areas draws the sums from the top down, so that each covers what is not its.
func (o *Over) areas(d *drawing, sums []float64, height func(float64) float64) {
	for k := len(o.Series) - 1; k >= 0; k-- {
		s := o.Series[k]
		var path strings.Builder
		path.WriteString("M0,1000")
		was := 1000.0
		for i, sum := range sums {
			if y := math.Round(1000 * (1 - height(sum))); y != was {
				fmt.Fprintf(&path, "H%dV%d", i, int(y))
				was = y
			}
			if i < len(s.Values) && !math.IsNaN(s.Values[i]) {
				sums[i] -= s.Values[i]
			}
		}
		fmt.Fprintf(&path, "H%dV1000Z", len(sums))
		d.put(`<path class="area %s" data-series="%s" d="%s"/>`, seriesClass(k, s.Rest), escape(s.Name), path.String())
	}
}

// traces draws a line for each series, with a gap where there is no number. At
// powers of ten it is a dash for each slot: what jumps that far is easier to see
// without lines that go up and down.
func (o *Over) traces(d *drawing, height func(float64) float64) {
	for k, s := range o.Series {
		var path strings.Builder
		down := false
		for i, v := range s.Values {
			if math.IsNaN(v) {
				down = false
				continue
			}
			y := int(math.Round(1000 * (1 - height(v))))
			if down && !o.Log {
				fmt.Fprintf(&path, "V%dH%d", y, i+1)
			} else {
				fmt.Fprintf(&path, "M%d,%dH%d", i, y, i+1)
			}
			down = true
		}
		d.put(`<path class="trace %s" data-series="%s" d="%s"/>`, seriesClass(k, s.Rest), escape(s.Name), path.String())
	}
}

// slot is what is said of a slot.
func (o *Over) slot(i int) []string {
	from := o.From + o.Step*time.Duration(i)
	out := []string{fmt.Sprintf("+%s to +%s s", seconds(from), seconds(from+o.Step))}
	if !o.Zero.IsZero() {
		out[0] += o.Zero.Add(from).UTC().Format(" · 15:04:05.000Z")
	}
	var sum float64
	shown := 0
	for _, s := range o.Series {
		if i >= len(s.Values) || math.IsNaN(s.Values[i]) {
			continue
		}
		sum += s.Values[i]
		if s.Values[i] != 0 || !o.Stacked {
			out = append(out, s.Name+": "+exact(s.Values[i]))
			shown++
		}
	}
	if o.Stacked && shown != 1 {
		out = append(out, "all: "+exact(sum))
	}
	return out
}

func (d *drawing) event(e Event, from, width time.Duration) {
	class := "event"
	if e.Bad {
		class += " bad"
	}
	x := float64(e.From - from)
	d.put(`<rect class="%s" x="%s" width="%s" height="100%%"><title>%s</title></rect>`, class, pct(x, float64(width)), pct(float64(e.To-e.From), float64(width)), escape(e.Text))
}
