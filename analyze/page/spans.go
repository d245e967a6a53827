package page

import (
	"fmt"
	"time"
)

// Spans are things that lasted from when to when, a row each: connections, with
// what happened to them.
type Spans struct {
	Title, Note string
	Zero        time.Time
	From, To    time.Duration // of the axis, since Zero
	Rows        []Span
	Legend      []Kind
}

// Span is one of them.
type Span struct {
	Name     string
	From, To time.Duration
	Said     []string // when it is hovered
	Inner    []Stretch
	// End is how it ended, "" if it had not; Bad if that is worth a look.
	End string
	Bad bool
}

// Stretch is a part of a span in which something held.
type Stretch struct {
	From, To time.Duration
	Text     string
	Bad      bool
}

// Kind is an entry of the legend: a colour and what it means.
type Kind struct{ Class, Name string }

// Classes of what is drawn, for a legend.
const (
	ClassSpan    = "s1"
	ClassStretch = "warn"
	ClassBad     = "bad"
)

// spanHeight is of a row, in pixels.
const spanHeight = 22

func (s Spans) part() (string, any) {
	c := chart{Kind: "spans", Class: "rows", Title: s.Title, Note: s.Note}
	for _, k := range s.Legend {
		c.Legend = append(c.Legend, legendEntry{k.Name, k.Class})
	}
	width := float64(max(s.To-s.From, 1))
	x := func(t time.Duration) string { return pct(float64(min(max(t, s.From), s.To)-s.From), width) }
	wide := func(from, to time.Duration) string {
		return pct(float64(min(to, s.To)-max(from, s.From)), width)
	}

	var d drawing
	height := spanHeight * len(s.Rows)
	d.start(s.Title, height)
	for i, t := range timeTicks(s.From, s.To) {
		d.put(`<line class="grid" x1="%s" x2="%s" y1="0" y2="100%%"/>`, x(t), x(t))
		d.xLabel(i, x(t), moment(t))
	}
	for i, r := range s.Rows {
		y := i * spanHeight
		said := append([]string{r.Name}, r.Said...)
		d.put(`<g class="span"><title>%s</title><rect class="hit" x="-100%%" y="%d" width="220%%" height="%d"/><text class="y" x="-8" y="%d">%s</text>`, lines(said), y, spanHeight, y+15, escape(cut(r.Name, 22)))
		d.put(`<rect class="mark s1" x="%s" y="%d" width="%s" height="%d"/></g>`, x(r.From), y+6, wide(r.From, r.To), spanHeight-12)
		for _, in := range r.Inner {
			class := ClassStretch
			if in.Bad {
				class = ClassBad
			}
			d.put(`<rect class="stretch %s" x="%s" y="%d" width="%s" height="%d"><title>%s</title></rect>`, class, x(in.From), y+4, wide(in.From, in.To), spanHeight-8,
				lines([]string{r.Name, in.Text, fmt.Sprintf("+%s to +%s s", seconds(in.From), seconds(in.To))}))
		}
		if r.End != "" {
			class := "end"
			if r.Bad {
				class += " bad"
			}
			d.put(`<line class="%s" x1="%s" x2="%s" y1="%d" y2="%d"><title>%s</title></line>`, class, x(r.To), x(r.To), y+2, y+spanHeight-2, lines([]string{r.Name, r.End}))
		}
	}
	c.Plot = d.end()
	return "chart", c
}
