package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// reportOf is the part of a report's JSON that charts are drawn from.
type reportOf struct {
	Commands, Streams, Workers []struct {
		Command, Stream, Worker string
		Bytes                   int64
	}
	Timeline struct {
		Start   float64 `json:"start_s"`
		Bucket  float64 `json:"bucket_s"`
		Buckets int
		Series  []struct {
			By, Name string
			Commands []int64
		}
	}
	LineLengths []struct{ From, To, Commands int64 } `json:"line_lengths"`
	Endings     []struct{ Conn int64 }
	Positions   []struct {
		Positions, Answers, Announcements, Advances, Backwards int64
		NoOps                                                  int64 `json:"no_ops"`
	}
	LagTimeline []struct{ Worker, Stream, Instance string } `json:"lag_timeline"`
}

// TestPages opens pages in a browser that can't reach anything.
func TestPages(t *testing.T) {
	b := openBrowser(t)
	t.Run("report", func(t *testing.T) { reportPage(t, b) })
	t.Run("hostile", func(t *testing.T) { hostilePage(t, b) })
	t.Run("others", func(t *testing.T) { otherPages(t, b) })
}

// otherPages are those of two journals: what changed, and the verdict.
func otherPages(t *testing.T, b *browser) {
	dir := t.TempDir()
	captures := "../../testdata/captures/1.66.0/01-mix/"
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	mustRun(t, "import", captures+"conn-3.jsonl.zst", "--journal", one)
	mustRun(t, "import", captures+"conn-4.jsonl.zst", "--journal", two)
	for _, command := range []string{"report", "diff"} {
		file := filepath.Join(dir, command+".html")
		if _, stderr, status := repltap(t, command, one, two, "--format", "html", "-o", file); status != 0 && status != 3 {
			t.Fatal(stderr)
		}
		b.screen(t, 360, "light")
		b.open(t, file)
		b.quiet(t)
		if n := eval[int64](t, b, `document.scrollingElement.scrollWidth`); n > 360 {
			t.Errorf("the page of %s is %d wide", command, n)
		}
		if n := eval[int](t, b, `document.querySelectorAll("section h2").length`); n < 2 {
			t.Errorf("the page of %s has %d sections", command, n)
		}
	}
}

// reportPage looks at the page of a report of real traffic.
func reportPage(t *testing.T, b *browser) {
	dir := t.TempDir()
	journal, file := filepath.Join(dir, "j"), filepath.Join(dir, "report.html")
	captures := "../../testdata/captures/1.66.0/01-mix/"
	mustRun(t, "import", captures+"conn-1.jsonl.zst", captures+"conn-2.jsonl.zst", captures+"conn-3.jsonl.zst", captures+"conn-4.jsonl.zst", "--journal", journal)
	mustRun(t, "report", journal, "--format", "html", "-o", file)
	var want reportOf
	if err := json.Unmarshal([]byte(mustRun(t, "report", journal, "--format", "json")), &want); err != nil {
		t.Fatal(err)
	}

	b.screen(t, 1280, "light")
	b.open(t, file)
	b.quiet(t)
	t.Run("digits", func(t *testing.T) { pageDigits(t, b, journal) })
	t.Run("marks", func(t *testing.T) { pageMarks(t, b, &want) })
	t.Run("hover", func(t *testing.T) { pageHover(t, b, &want) })
	t.Run("sort", func(t *testing.T) { pageSort(t, b) })
	t.Run("narrow", func(t *testing.T) { pageNarrow(t, b) })
	t.Run("dark", func(t *testing.T) { pageDark(t, b) })
	b.quiet(t)
}

// shownTable is a table as it stands in a page.
type shownTable struct {
	Name    string
	Columns []string // of programs
	Numeric []bool
	Rows    [][]string // numbers without separators
	Shown   [][]string // as people see them
}

const readTables = `[...document.querySelectorAll("table[data-name]")].map(t => ({
	Name: t.dataset.name,
	Columns: [...t.tHead.rows[0].cells].map(c => c.querySelector("button").title),
	Numeric: [...t.tHead.rows[0].cells].map(c => c.classList.contains("n")),
	Rows: [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.dataset.value ?? (c.querySelector(".none") ? "" : c.textContent))),
	Shown: [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.innerText.trim())),
}))`

// pageDigits: the page's numbers are those of CSV, to the digit.
func pageDigits(t *testing.T, b *browser, journal string) {
	dir := t.TempDir()
	mustRun(t, "report", journal, "--format", "csv", "-o", dir)
	tables := eval[[]shownTable](t, b, readTables)
	if len(tables) < 6 {
		t.Fatalf("only %d tables", len(tables))
	}
	for _, table := range tables {
		text, err := os.ReadFile(filepath.Join(dir, table.Name+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if want := min(len(lines)-1, 200); len(table.Rows) != want {
			t.Errorf("%s: %d rows, not %d", table.Name, len(table.Rows), want)
			continue
		}
		for i, name := range table.Columns {
			at := slices.Index(lines[0], name)
			if at < 0 {
				if name != "command" {
					t.Errorf("%s: CSV has no %s", table.Name, name)
				}
				continue
			}
			for r, row := range table.Rows {
				cell := lines[r+1][at]
				if row[i] != cell && len(cell) < 100 && !strings.HasPrefix(cell, "'") {
					t.Errorf("%s row %d: %s is %q, and %q in CSV", table.Name, r, name, row[i], cell)
				}
				if shown := strings.ReplaceAll(table.Shown[r][i], ",", ""); table.Numeric[i] && shown != cell && !(cell == "" && shown == "–") {
					t.Errorf("%s row %d: %s is shown as %q, and is %q", table.Name, r, name, shown, cell)
				}
			}
		}
	}
}

// figure is the expression of the chart of a title.
func figure(title string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("figure.chart")].find(f => f.querySelector("figcaption").textContent.startsWith(%q))`, title)
}

// pageMarks: a chart has a mark for each thing that it is about, as large as it
// has to be.
func pageMarks(t *testing.T, b *browser, want *reportOf) {
	count := func(chart, marks string) int {
		return eval[int](t, b, figure(chart)+fmt.Sprintf(`.querySelectorAll(%q).length`, marks))
	}
	for _, by := range []string{"stream", "command", "direction"} {
		series := 0
		for _, s := range want.Timeline.Series {
			if s.By == by {
				series++
			}
		}
		title := map[string]string{"stream": "Lines over time, by stream", "command": "Lines over time, by command", "direction": "Bytes over time"}[by]
		if n := count(title, "path.area"); n != min(series, 9) || n == 0 {
			t.Errorf("by %s: %d areas for %d series", by, n, series)
		}
		if n := count(title, ".slot"); n != want.Timeline.Buckets {
			t.Errorf("by %s: %d slots, not %d", by, n, want.Timeline.Buckets)
		}
	}
	if n := count("Bytes by stream", ".bar"); n != min(len(want.Streams), 13) {
		t.Errorf("%d bars for %d streams", n, len(want.Streams))
	}
	if n := count("Bytes by worker", ".bar"); n != len(want.Workers) {
		t.Errorf("%d bars for %d workers", n, len(want.Workers))
	}
	full := 0
	for _, l := range want.LineLengths {
		if l.Commands > 0 {
			full++
		}
	}
	if n := count("Lines by length", ".bin .mark"); n != full {
		t.Errorf("%d columns for %d lengths", n, full)
	}
	if n := count("Connections over time", ".span"); n != len(want.Endings) || n == 0 {
		t.Errorf("%d spans for %d connections", n, len(want.Endings))
	}
	kinds := 0
	for _, p := range want.Positions {
		for _, n := range []int64{p.Answers, p.Announcements, p.Advances, p.NoOps, p.Backwards} {
			if n > 0 {
				kinds++
			}
		}
		if p.Answers+p.Announcements+p.Advances+p.NoOps+p.Backwards != p.Positions {
			t.Errorf("the kinds of POSITIONs are not all: %+v", p)
		}
	}
	if n := count("POSITIONs", ".bar .mark"); n != kinds || n == 0 {
		t.Errorf("%d parts of bars for %d kinds of POSITIONs", n, kinds)
	}
	lags := map[any]int{}
	for _, l := range want.LagTimeline {
		lags[l]++
	}
	if n := count("Lag over time", ".trace"); n != len(lags) || n == 0 {
		t.Errorf("%d traces of lag for %d series", n, len(lags))
	}
	dashes := eval[int](t, b, figure("Lag over time")+`.querySelectorAll(".trace").values().reduce((n, p) => n + p.getAttribute("d").split("M").length - 1, 0)`)
	if dashes != len(want.LagTimeline) {
		t.Errorf("%d dashes for %d slots with a lag", dashes, len(want.LagTimeline))
	}
	// A bar is as long as its share of the longest.
	widths := eval[[]float64](t, b, figure("Bytes by stream")+`.querySelectorAll(".bar .mark").values().map(m => m.getBoundingClientRect().width).toArray()`)
	for i, s := range want.Streams[:min(len(want.Streams), 12)] {
		share := float64(s.Bytes) / float64(want.Streams[0].Bytes)
		if off := widths[i]/widths[0] - share; off > .01 || off < -.01 {
			t.Errorf("the bar of %s is %.3f of the longest, not %.3f", s.Stream, widths[i]/widths[0], share)
		}
	}
}

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

// hostilePage: whatever names are on the wire, a page shows them and does
// nothing else.
func hostilePage(t *testing.T, b *browser) {
	dir := t.TempDir()
	journal, traffic, file := filepath.Join(dir, "j"), filepath.Join(dir, "traffic"), filepath.Join(dir, "report.html")
	var lines strings.Builder
	hostile := []string{
		`</script><script>pwned=1</script>`, `"><img/src=x/onerror=pwned=1>`, `'><svg/onload=pwned=1>`, `</title></style><script>pwned=1</script>`,
		"\u202emoc.elpmaxe\u2066", "=cmd|calc", `javascript:pwned=1`, strings.Repeat("n", 10000), strings.Repeat("ü", 5000), "\x1b[31mred",
	}
	for i, name := range hostile {
		fmt.Fprintf(&lines, "SERVER %s\nPOSITION %s %s 1 2\nRDATA %s %s %d [%q]\nERROR %s\n%s %s\n", name, name, name, name, name, i, name, name, name, name)
	}
	if err := os.WriteFile(traffic, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, status := repltap(t, "import", traffic, "--direction", "s2c", "--dialect", "1.66.0", "--redact", "none", "--journal", journal); status > 3 || status == 1 || status == 2 {
		t.Fatal(stderr)
	}
	mustRun(t, "report", journal, "--format", "html", "-o", file)
	b.screen(t, 360, "dark")
	b.open(t, file)
	b.quiet(t)
	if eval[bool](t, b, `"pwned" in window || document.scripts.length != 1 || document.images.length != 0`) {
		t.Error("a name became a part of the page")
	}
	if n := eval[int64](t, b, `document.scrollingElement.scrollWidth`); n > 360 {
		t.Errorf("the page is %d wide", n)
	}
	if eval[bool](t, b, `/[\u202a-\u202e\u2066-\u2069\u001b]/.test(document.documentElement.outerHTML)`) {
		t.Error("there are characters that turn text around")
	}
	for _, name := range hostile[:4] {
		if !eval[bool](t, b, fmt.Sprintf(`document.querySelector("table[data-name=streams]").textContent.includes(%q)`, name)) {
			t.Errorf("%q is not shown", name)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Size() > 1<<20 {
		t.Errorf("the page has %d bytes (%v)", info.Size(), err)
	}
}
