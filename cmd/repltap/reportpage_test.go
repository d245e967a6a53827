package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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
