package page

import "math"

// Columns is how often there was something of each size.
type Columns struct {
	Title, Unit, Note string
	Columns           []Bin
	Log               bool // heights are logarithms: few are as visible as many
}

// Bin is one of the sizes.
type Bin struct {
	Label string // under the axis
	Said  string // when it is hovered
	Value float64
	Bad   bool
}

func (h Columns) part() (string, any) {
	c := chart{Kind: "columns", Title: h.Title, Unit: h.Unit, Note: h.Note}
	top := 0.0
	for _, x := range h.Columns {
		top = max(top, x.Value)
	}
	var d drawing
	d.start(h.Title+" "+h.Unit, plotHeight)
	height := h.axis(&d, top)
	n := float64(len(h.Columns))
	for i, x := range h.Columns {
		class := "s1"
		if x.Bad {
			class = "bad"
		}
		y := height(x.Value)
		d.put(`<g class="bin"><title>%s</title><rect class="hit" x="%s" width="%s" height="100%%"/>`, lines([]string{x.Said, exact(x.Value)}), pct(float64(i), n), pct(1, n))
		if x.Value > 0 {
			d.put(`<rect class="mark %s" x="%s" y="%s" width="%s" height="%s"/>`, class, pct(float64(i)+.08, n), pct(1-y, 1), pct(.84, n), pct(y, 1))
		}
		d.put(`</g>`)
		d.xLabel(i, pct(float64(i)+.5, n), x.Label)
	}
	c.Plot = d.end()
	return "chart", c
}

// axis draws the axis, and gives how high of 1 a value is.
func (h Columns) axis(d *drawing, top float64) func(float64) float64 {
	if !h.Log {
		ticks := niceTicks(top, 4, true)
		d.yAxis(ticks)
		return func(v float64) float64 { return v / ticks[len(ticks)-1] }
	}
	decades := 1
	for v := 10.0; v < top; v *= 10 {
		decades++
	}
	// One decade below 1, so that a single one has a height.
	all := float64(decades) + .5
	height := func(v float64) float64 { return (math.Log10(v) + .5) / all }
	d.put(`<line class="base" x2="100%%" y1="100%%" y2="100%%"/>`)
	for i, v := 0, 1.0; i <= decades; i, v = i+1, v*10 {
		y := pct(1-height(v), 1)
		d.put(`<line class="grid" x2="100%%" y1="%s" y2="%s"/><text class="y" x="-8" y="%s" dy=".32em">%s</text>`, y, y, y, shortNumber(v))
	}
	return height
}
