package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"repltap/analyze/profile"
	"repltap/journal"
	"repltap/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestReportGolden compares reports of a real capture with what they were. After
// a change that is meant: go test ./cmd/repltap -run TestReportGolden -update
func TestReportGolden(t *testing.T) {
	journal := importCapture(t, "1.66.0/06-ping-timeout-sigstop-quiet")
	other := importCapture(t, "1.66.0/10-fakemaster")
	small := filepath.Join(t.TempDir(), "small")
	mustRun(t, "import", filepath.Join("..", "..", "testdata", "captures", "1.12.4", "02-reconnect-catchup", "conn-5.jsonl.zst"), "--journal", small, "--redact", "none")
	for name, args := range map[string][]string{
		"report.txt": {journal}, "report.json": {small, "--format", "json"}, "report.html": {small, "--format", "html"},
		"small.txt": {small}, "streams.csv": {journal, "--format", "csv", "--table", "streams"}, "findings.csv": {other, "--format", "csv", "--table", "findings"},
		"findings.txt": {other, "--table", "findings"}, "changes.txt": {journal, other}, "changes.json": {journal, other, "--format", "json"},
	} {
		t.Run(name, func(t *testing.T) {
			got := stable(mustRun(t, append([]string{"report"}, args...)...), journal, other, small)
			file := filepath.Join("testdata", "report", name)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s is another one (-update writes it):\n%s", name, firstDifference(string(want), got))
			}
		})
	}
}

var (
	pageStyle   = regexp.MustCompile(`(?s)<(style|script)>.*?</(style|script)>`)
	pagePolicy  = regexp.MustCompile(`sha256-[^ ]*?=&#39;`)
	programName = regexp.MustCompile(`repltap \d+\.\d+\.\d+[-+.\w]*`)
)

// stable is a report without what is of this machine, and a page without its
// style and script, which have tests of their own.
func stable(text string, journals ...string) string {
	for i, j := range journals {
		text = strings.ReplaceAll(text, j, fmt.Sprintf("JOURNAL-%d", i+1))
	}
	captures, _ := filepath.Abs(filepath.Join("..", "..", "testdata", "captures"))
	text = strings.ReplaceAll(text, captures, "captures")
	text = strings.ReplaceAll(text, filepath.Join("..", "..", "testdata", "captures"), "captures")
	text = programName.ReplaceAllString(text, "repltap VERSION")
	return pagePolicy.ReplaceAllString(pageStyle.ReplaceAllString(text, "<$1></$2>"), "HASH&#39;")
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\nwas %s\nis  %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines were %d", len(b), len(a))
}

// TestReportPlaces: the log command of a row goes to the record that it is about.
func TestReportPlaces(t *testing.T) {
	for _, folder := range []string{"1.12.4/02-reconnect-catchup", "1.66.0/01-mix", "1.66.0/10-fakemaster"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			journal := importCapture(t, folder)
			p := takeProfile(t, journal)
			shown := 0
			for _, table := range p.Tables() {
				seq, at, conn := column(table.Columns, "seq"), column(table.Columns, "at_s"), column(table.Columns, "conn")
				if seq < 0 || at < 0 || conn < 0 {
					continue
				}
				for _, row := range table.Rows[:min(len(table.Rows), 3)] {
					if row[seq] == "0" || row[at] == "" {
						continue
					}
					args := []string{"log", journal, "--format", "json", "--from", "+" + row[at] + "s", "--to", "+" + next(row[at]) + "s"}
					if row[conn] != "0" {
						args = append(args, "--conn", row[conn])
					}
					if out := mustRun(t, args...); !strings.Contains(out, `{"seq":`+row[seq]+`,`) {
						t.Errorf("%s: record %s is not where the report says: repltap %s", table.Name, row[seq], strings.Join(args, " "))
					}
					shown++
				}
			}
			if shown == 0 {
				t.Error("no table has a place")
			}
			// What is printed is a command that can be pasted.
			text := mustRun(t, "report", journal)
			hints := regexp.MustCompile(`(?m)^  See the first of .*: repltap (log .*)$`).FindAllStringSubmatch(text, -1)
			if len(hints) < 3 {
				t.Errorf("only %d places are shown", len(hints))
			}
			for _, h := range hints {
				if out := mustRun(t, strings.Fields(h[1])...); out == "" {
					t.Errorf("repltap %s shows nothing", h[1])
				}
			}
		})
	}
}

func column(columns []profile.Column, name string) int {
	return slices.IndexFunc(columns, func(c profile.Column) bool { return c.Name == name })
}

// next is a microsecond later.
func next(at string) string {
	whole, part, _ := strings.Cut(at, ".")
	var s, us int64
	fmt.Sscan(whole, &s)
	fmt.Sscanf(part, "%d", &us)
	us++
	return fmt.Sprintf("%d.%06d", s+us/1e6, us%1e6)
}

// TestReportGap: of a journal with a gap each face says what share of the traffic
// it is about, and the exit status is 3.
func TestReportGap(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	w, err := journal.Create(dir, journal.Options{Redact: wire.RedactNone})
	if err != nil {
		t.Fatal(err)
	}
	scribe := journal.NewScribe(w, wire.AllReleases, nil)
	scribe.Open(noon, 1, journal.Event{})
	line := []byte("SERVER lab.test\n")
	scribe.Chunk(noon+1e9, 1, wire.S2C, 0, line)
	scribe.Gap(noon+2e9, 1, wire.S2C, journal.Event{Bytes: 48, Lines: 3, From: noon + 1e9, To: noon + 2e9, Reason: "queue full"})
	if err := errors.Join(scribe.Err(), w.Close()); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{}, {"--table", "streams"}, {"--format", "json"}, {"--format", "json", "--table", "streams"}, {"--format", "html"}, {"--format", "csv", "--table", "gaps"}, {dir}} {
		stdout, stderr, status := repltap(t, append([]string{"report", dir}, args...)...)
		if status != statusFound {
			t.Errorf("%v: status %d: %s", args, status, stderr)
		}
		if !strings.Contains(stdout, "25.00") && !strings.Contains(stderr, "25.00") {
			t.Errorf("%v does not say what share it saw: %s%s", args, stdout, stderr)
		}
	}
}

// TestReportLive reads a journal that is being recorded.
func TestReportLive(t *testing.T) {
	master := listen(t)
	dir := filepath.Join(t.TempDir(), "journal")
	p := start(t, nil, "record", "--listen", "127.0.0.1:0", "--upstream", master.Addr().String(), "--journal", dir, "--flush-interval", "10ms")
	worker, behind := link(t, p.expect("listening on "), master)
	fmt.Fprint(worker, "NAME w1\nREPLICATE \n")
	fmt.Fprint(behind, "SERVER lab.test\nPOSITION typing master 1 1\n")
	until(t, "four lines are in the report", func() bool {
		var doc struct {
			Journal struct{ Live bool }
			Totals  struct{ Commands int }
		}
		stdout, _, status := repltap(t, "report", dir, "--format", "json")
		return status == 0 && json.Unmarshal([]byte(stdout), &doc) == nil && doc.Journal.Live && doc.Totals.Commands == 4
	})
	if text := mustRun(t, "report", dir); !strings.Contains(text, "being recorded") {
		t.Errorf("it does not say that the journal is being recorded:\n%s", text)
	}
}

// TestReportInterrupted: an interrupted report says so, and writes nothing.
func TestReportInterrupted(t *testing.T) {
	journal := importCapture(t, "1.66.0/06-ping-timeout-sigstop-quiet")
	stdout, stderr, status := interrupted(t, "report", journal)
	if status != statusFailed || stdout != "" || !strings.Contains(stderr, "repltap report: interrupted after 0 records; no report was written") {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
}

// interrupted runs a command in this process that is called off before it begins.
func interrupted(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	status = run(ctx, args, strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), status
}
