package page

import (
	"fmt"
	"html"
	"html/template"
	"strconv"
	"strings"
)

// chart is what the template of all charts is given.
type chart struct {
	Kind, Class, Title, Unit, Note string
	Legend                         []legendEntry
	Plot                           template.HTML
}

type legendEntry struct{ Name, Class string }

// seriesClasses is how many colours the style has for series. There is one more,
// for what is taken together.
const seriesClasses = 8

// seriesClass is the class of a series by its place.
func seriesClass(i int, rest bool) string {
	if rest || i >= seriesClasses {
		return "rest"
	}
	return "s" + strconv.Itoa(i+1)
}

// drawing writes SVG. Places are in percent of the plot, so that it has any
// width; what must not be stretched, as text and lines, has its size in pixels.
// Axes and their labels are outside of the box, in its padding.
type drawing struct{ b strings.Builder }

func (d *drawing) put(format string, args ...any) { fmt.Fprintf(&d.b, format, args...) }

// start begins a plot; height is in pixels, title says to a screen reader what
// it is.
func (d *drawing) start(title string, height int) {
	d.put(`<div class="plot"><svg role="img" tabindex="0" aria-label="%s" height="%d">`, escape(title), height)
}

func (d *drawing) end() template.HTML {
	d.b.WriteString(`</svg></div>`)
	return template.HTML(d.b.String())
}

// escape is how all text gets into a drawing.
func escape(s string) string { return html.EscapeString(Visible(s)) }

// lines is text of several lines, each of which is made visible by itself.
func lines(text []string) string {
	out := make([]string, len(text))
	for i, t := range text {
		out[i] = escape(t)
	}
	return strings.Join(out, "\n")
}

// pct is a share as a percentage.
func pct(v, of float64) string {
	if of <= 0 {
		return "0%"
	}
	return num(100*v/of) + "%"
}

// num is a coordinate.
func num(v float64) string {
	s := strconv.FormatFloat(v, 'f', 3, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}

// yAxis draws the ticks of numbers, with lines across.
func (d *drawing) yAxis(ticks []float64) {
	top := ticks[len(ticks)-1]
	for _, t := range ticks {
		y := pct(top-t, top)
		class := "grid"
		if t == 0 {
			class = "base"
		}
		d.put(`<line class="%s" x2="100%%" y1="%s" y2="%s"/><text class="y" x="-8" y="%s" dy=".32em">%s</text>`, class, y, y, y, shortNumber(t))
	}
}

// xLabel is a label under the plot. Where there is little room each second one
// is not shown.
func (d *drawing) xLabel(i int, x, text string) {
	class := "x"
	if i%2 == 1 {
		class += " second"
	}
	d.put(`<line class="tick" x1="%s" x2="%s" y1="100%%" y2="100%%"/><text class="%s" x="%s" y="100%%" dy="1.5em">%s</text>`, x, x, class, x, escape(text))
}
