package page

import "strconv"

// Bars are shares or counts of named things, largest first.
type Bars struct {
	Title, Unit, Note string
	Of                []string // what bars are split into; nil if they are whole
	Bars              []Bar
}

// Bar is one of them.
type Bar struct {
	Name  string
	Value float64
	Text  string    // the value's digits
	Split []float64 // how much of it is of each; together the value
	More  string    // what else is said when it is hovered
	Rest  bool
	Bad   bool
}

// barHeight is of a bar and the space around it, in pixels.
const barHeight = 24

func (b Bars) part() (string, any) {
	c := chart{Kind: "bars", Class: "rows", Title: b.Title, Unit: b.Unit, Note: b.Note}
	top := 0.0
	for _, x := range b.Bars {
		top = max(top, x.Value)
	}
	for i, name := range b.Of {
		c.Legend = append(c.Legend, legendEntry{name, seriesClass(i, false)})
	}
	var d drawing
	d.start(b.Title+" "+b.Unit, barHeight*len(b.Bars))
	for i, x := range b.Bars {
		y := i * barHeight
		class := "s1"
		if x.Rest {
			class = "rest"
		}
		if x.Bad {
			class = "bad"
		}
		said := []string{x.Name + ": " + x.Text}
		for k, v := range x.Split {
			if v > 0 {
				said = append(said, b.Of[k]+": "+exact(v))
			}
		}
		if x.More != "" {
			said = append(said, x.More)
		}
		d.put(`<g class="bar"><title>%s</title><rect class="hit" x="-100%%" y="%d" width="220%%" height="%d"/>`, lines(said), y, barHeight)
		d.put(`<text class="y" x="-8" y="%d">%s</text>`, y+16, escape(cut(x.Name, 22)))
		left := 0.0
		for k, v := range x.Split {
			if v > 0 {
				d.put(`<rect class="mark %s" x="%s" y="%d" width="%s" height="%d"/>`, seriesClass(k, false), pct(left, top), y+4, pct(v, top), barHeight-8)
			}
			left += v
		}
		if x.Split == nil {
			d.put(`<rect class="mark %s" y="%d" width="%s" height="%d" rx="2"/>`, class, y+4, pct(x.Value, top), barHeight-8)
		}
		d.put(`<text class="value" x="%s" dx="6" y="%d">%s</text></g>`, pct(x.Value, top), y+16, escape(x.Text))
	}
	c.Plot = d.end()
	return "chart", c
}

// cut shortens a label that has no room.
func cut(s string, n int) string {
	r := []rune(Visible(s))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n-1]) + "…"
}

// exact is a value's digits as tables have them.
func exact(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	return Grouped(s)
}
