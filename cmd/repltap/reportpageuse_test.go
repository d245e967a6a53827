package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// pageHover: the pointer on a slot shows what was in it, and the keys go on.
func pageHover(t *testing.T, b *browser, want *reportOf) {
	slot, all := 0, int64(0)
	var names []string
	for i := range want.Timeline.Buckets {
		var sum int64
		var of []string
		told := 0 // a chart tells eight apart
		for _, s := range want.Timeline.Series {
			if s.By == "command" {
				told++
				sum += s.Commands[i]
				if s.Commands[i] > 0 && told <= 8 {
					of = append(of, fmt.Sprintf("%s: %d", s.Name, s.Commands[i]))
				}
			}
		}
		if sum > all && sum < 1000 {
			slot, all, names = i, sum, append(of, fmt.Sprintf("all: %d", sum))
		}
	}
	chart := figure("Lines over time, by command")
	eval[any](t, b, chart+`.scrollIntoView({block: "center", behavior: "instant"})`)
	b.settle(t)
	box := eval[[]float64](t, b, fmt.Sprintf(`(r => [r.left + r.width / 2, r.top + r.height / 2])(%s.querySelectorAll(".slot")[%d].getBoundingClientRect())`, chart, slot))
	b.do(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, box[0], box[1]))
	const tip = `(tip => tip.checkVisibility() ? tip.innerText : "")(document.getElementById("tip"))`
	said := eval[string](t, b, tip)
	for _, name := range names {
		if !strings.Contains(said+"\n", name+"\n") {
			t.Errorf("slot %d says %q, without %q", slot, said, name)
		}
	}
	if len(names) == 0 || !strings.HasPrefix(said, "+") {
		t.Errorf("slot %d says %q", slot, said)
	}
	eval[any](t, b, chart+`.querySelector("svg[tabindex]").focus()`)
	b.settle(t)
	b.do(t, chromedp.KeyEvent(kb.ArrowRight))
	if next := eval[string](t, b, tip); next == said || !strings.HasPrefix(next, "+") {
		t.Errorf("the next slot says %q", next)
	}
	b.do(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 2, 2))
	if said := eval[string](t, b, tip); said != "" {
		t.Errorf("beside a chart it says %q", said)
	}
}

// pageSort: columns sort by number and by text, both ways.
func pageSort(t *testing.T, b *browser) {
	column := func(name string) []string {
		return eval[[]string](t, b, fmt.Sprintf(`(t => { const i = [...t.tHead.rows[0].cells].findIndex(c => c.querySelector("button").title === %q);
			return [...t.tBodies[0].rows].map(r => r.cells[i].dataset.value ?? r.cells[i].textContent); })(document.querySelector("table[data-name=streams]"))`, name))
	}
	press := func(name, order string) {
		b.do(t, chromedp.Click(chromedp.CSS(fmt.Sprintf(`table[data-name=streams] button[title=%q]`, name))))
		if got := eval[string](t, b, fmt.Sprintf(`document.querySelector('table[data-name=streams] button[title=%q]').parentElement.ariaSort`, name)); got != order {
			t.Errorf("%s is sorted %s, not %s", name, got, order)
		}
	}
	numbers := func(a, b string) int {
		x, _ := strconv.ParseFloat(a, 64)
		y, _ := strconv.ParseFloat(b, 64)
		return int(x - y)
	}
	was := column("rows")
	press("rows", "descending")
	down := column("rows")
	press("rows", "ascending")
	up := column("rows")
	slices.SortFunc(was, numbers)
	if !slices.Equal(up, was) {
		t.Errorf("rows go up as %v", up)
	}
	slices.Reverse(was)
	if !slices.Equal(down, was) {
		t.Errorf("rows go down as %v", down)
	}
	press("stream", "ascending")
	if names := column("stream"); len(names) < 10 || !slices.IsSorted(names) {
		t.Errorf("streams go up as %v", names)
	}
	press("stream", "descending")
	if names := column("stream"); slices.IsSorted(names) {
		t.Errorf("streams go down as %v", names)
	}
	// What there is none of stays at the end.
	for range 2 {
		b.do(t, chromedp.Click(chromedp.CSS(`table[data-name=streams] button[title=gap_p50_ms]`)))
		values := column("gap_p50_ms")
		if i := slices.Index(values, ""); i >= 0 && strings.Join(values[i:], "") != "" {
			t.Errorf("none is not at the end of %q", values)
		}
	}
}

// pageNarrow: on a phone only boxes scroll sideways.
func pageNarrow(t *testing.T, b *browser) {
	for _, width := range []int64{360, 390, 1280, 1920} {
		b.screen(t, width, "light")
		if n := eval[int64](t, b, `document.scrollingElement.scrollWidth`); n > width {
			t.Errorf("the page is %d wide in a window of %d", n, width)
		}
		for _, over := range eval[[]string](t, b, `[...document.querySelectorAll("h1, h2, p, dl, figure, figcaption, .scroll, .plot, footer")].filter(e => { const r = e.getBoundingClientRect(); return r.right > innerWidth + .5 || r.left < 0; }).map(e => e.tagName + " " + e.className)`) {
			t.Errorf("at %d there is no room for %s", width, over)
		}
		if n := eval[int](t, b, `[...document.querySelectorAll("svg text")].filter(e => e.checkVisibility() && parseFloat(getComputedStyle(e).fontSize) < 11).length`); n > 0 {
			t.Errorf("at %d %d labels are too small", width, n)
		}
	}
}

// pageDark: the dark page has other colours, and text can be read on both.
func pageDark(t *testing.T, b *browser) {
	const colours = `["body", ".lead", ".question", "td", "svg .area.s1", "svg .mark.s1"].map(q => getComputedStyle(document.querySelector(q))).flatMap((s, i) => i == 0 ? [s.backgroundColor, s.color] : [i < 4 ? s.color : s.fill])`
	b.screen(t, 1280, "light")
	light := eval[[]string](t, b, colours)
	b.screen(t, 1280, "dark")
	dark := eval[[]string](t, b, colours)
	for i := range light {
		if light[i] == dark[i] {
			t.Errorf("colour %d is %s in both", i, light[i])
		}
	}
	for _, c := range [][]string{light, dark} {
		for _, text := range c[1:5] {
			if r := contrast(t, c[0], text); r < 4.5 {
				t.Errorf("%s on %s has a contrast of %.1f", text, c[0], r)
			}
		}
	}
}
