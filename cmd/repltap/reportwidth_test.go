package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"repltap/analyze/profile"
)

// TestReportWidth: no line of a report is wider than the screen, and no row of a
// table that is shown whole lacks a value.
func TestReportWidth(t *testing.T) {
	journals := []string{importCapture(t, "1.66.0/01-mix"), importCapture(t, "1.12.4/02-reconnect-catchup"), importCapture(t, "1.66.0/10-fakemaster"), importCapture(t, "1.66.0/09-probes")}
	for _, width := range []int{60, 80, 110, 200} {
		t.Setenv("COLUMNS", fmt.Sprint(width))
		runs := [][]string{{journals[0], journals[1]}, {journals[2], journals[3]}, {journals[0], "--command", "RDATA,POSITION", "--stream", "events,federation"}}
		for _, j := range journals {
			runs = append(runs, []string{j})
		}
		for _, name := range profile.TableNames() {
			runs = append(runs, []string{journals[0], "--table", name})
		}
		for _, args := range runs {
			out := mustRun(t, append([]string{"report"}, args...)...)
			for line := range strings.Lines(out) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
					t.Errorf("%d columns, report %s: %d: %s", width, strings.Join(args, " "), n, line)
					break
				}
			}
		}
	}
	t.Setenv("COLUMNS", "60")
	if out := mustRun(t, "report", journals[0], "--table", "workers"); !strings.Contains(out, "worker: w1; ") || !strings.Contains(out, "gap_max_ms: ") {
		t.Errorf("a table that is too wide is not stacked:\n%s", out)
	}
	for _, unknown := range []string{"", "0", "wide"} {
		t.Setenv("COLUMNS", unknown)
		if out := mustRun(t, "report", journals[0], "--table", "workers"); !strings.Contains(out, "  worker  ") || strings.Count(out, "\n") != 4 {
			t.Errorf("COLUMNS=%q: a table is not as wide as it is:\n%s", unknown, out)
		}
	}
}

// TestReportPasted: a command that takes several lines is one when it is pasted.
func TestReportPasted(t *testing.T) {
	journal := importCapture(t, "1.66.0/10-fakemaster")
	t.Setenv("COLUMNS", "40")
	out := mustRun(t, "report", journal)
	_, rest, ok := strings.Cut(out, "      repltap log ")
	if !ok {
		t.Fatal("there is no command")
	}
	if words := strings.Fields(strings.ReplaceAll(rest, "\\\n", "")); words[0] != journal || words[1] != "--from" {
		t.Errorf("pasted, it is %q, not of %s", words[:2], journal)
	}
}

// TestWidthOfOthers: what other commands say of a journal fits the screen too, and
// loses nothing but room.
func TestWidthOfOthers(t *testing.T) {
	a, b := importCapture(t, "1.66.0/10-fakemaster"), importCapture(t, "1.66.0/09-probes")
	for _, args := range [][]string{{"verify", a}, {"diff", a, b}, {"explain", a, "events", "5"}, {"replay", a, "--dry-run"}} {
		said := func(columns string) string {
			t.Setenv("COLUMNS", columns)
			out, _, _ := repltap(t, args...)
			return out
		}
		whole := strings.Fields(said(""))
		for _, width := range []int{60, 80, 200} {
			out := said(fmt.Sprint(width))
			for line := range strings.Lines(out) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
					t.Errorf("%d columns, %s: %d: %s", width, strings.Join(args, " "), n, line)
					break
				}
			}
			if strings.Join(strings.Fields(out), "") != strings.Join(whole, "") {
				t.Errorf("%d columns, %s: it says something else", width, strings.Join(args, " "))
			}
		}
	}
}

// TestFold: colours take no room, and a word that no line has room for is cut.
func TestFold(t *testing.T) {
	red, off := "\x1b[31m", "\x1b[0m"
	for _, c := range []struct{ line, want string }{
		{"short", "short"},
		{"  one two three four", "  one two three four"},
		{"  one two three four five", "  one two three four\n      five"},
		{red + "one two three four" + off, red + "one two three four" + off},
		{"a  bbbbbbbbbbbbbbbbbbbbbbbbb", "a  bbbbbbbbbbbbbbbbb\n    bbbbbbbb"},
		{"ünï cödé wörds are short", "ünï cödé wörds are\n    short"},
	} {
		var out bytes.Buffer
		foldLine(&out, c.line, 20)
		if out.String() != c.want {
			t.Errorf("%q is folded as %q, not %q", c.line, out.String(), c.want)
		}
	}
}
