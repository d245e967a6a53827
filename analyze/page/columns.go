package page

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
	height := d.heights(top, h.Log, true)
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
