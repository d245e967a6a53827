package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A reader that follows and is held up, while retention removes what it has not
// read yet, is told what it has missed, where, and why.
func TestFollowerIsOvertaken(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) { t.Parallel(); followerIsOvertaken(t, format) })
	}
}

func followerIsOvertaken(t *testing.T, format string) {
	dir := filepath.Join(t.TempDir(), "journal")
	tap, addr, master := startRecorder(t, dir, "--flush-interval", "20ms", "--rotate-size", "64KiB", "--max-size", "1MiB", "--redact", "none",
		"--queue", "256KiB", "--on-overflow", "block") // so that little is left to be written at the end
	worker, behind := link(t, addr, master)
	pipe, out, err := os.Pipe() // nobody reads it for now
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	follower := start(t, out, "log", dir, "-f", "--format", format)
	out.Close()
	go io.Copy(io.Discard, worker)
	row := 0
	send := func(n int) {
		w := bufio.NewWriter(behind)
		for range n {
			row++
			fmt.Fprintf(w, "RDATA to_device master %d [\"@%032x:%x\"]\n", row, row*7919, row*104729)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	send(10)
	lines := bufio.NewScanner(pipe)
	lines.Scan() // it has begun
	until(t, "the file that the follower is at has been removed", func() bool {
		send(3000)
		files, _ := filepath.Glob(filepath.Join(dir, "*.journal"))
		return len(files) > 0 && filepath.Base(files[0]) > "0000000020.journal"
	})
	behind.Close()
	worker.Close()
	tap.end(syscall.SIGTERM)
	told, rows, before := 0, 0, 0
	for lines.Scan() {
		text := lines.Text()
		var token int
		if i := strings.Index(text, "RDATA to_device master "); i >= 0 {
			fmt.Sscanf(text[i:], "RDATA to_device master %d ", &token)
			if told == 0 && token != before+1 && before != 0 {
				t.Fatalf("row %d comes after %d, and no line is between them", token, before)
			}
			rows, before = rows+1, token
		}
		if strings.Contains(text, "removed by retention") {
			told++
			before = 0
		}
		if format == "json" && !json.Valid([]byte(text)) {
			t.Fatalf("not JSON: %s", text)
		}
	}
	if status := follower.end(nil); status != statusFound || told == 0 || !strings.Contains(follower.said(), "removed by retention before they were read") {
		t.Errorf("status %d, %d of %d rows, told %d times:\n%s", status, rows, row, told, follower.said())
	}
}

// The connections of a recording that was killed end where it does, whatever
// comes after it.
func TestKilledAndStartedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	for i := range 2 {
		tap, addr, master := startRecorder(t, dir, "--flush-interval", "20ms")
		worker, behind := link(t, addr, master)
		fmt.Fprintf(worker, "NAME w1\nPING 1\nREPLICATE \n")
		fmt.Fprintf(behind, "SERVER lab.test\nPING 1\nPOSITION events master 5 5\n")
		until(t, "all of it is in the journal", func() bool {
			out, _, _ := repltap(t, "log", dir, "--format", "json", "--conn", fmt.Sprint(i+1))
			return strings.Contains(out, "REPLICATE") && strings.Contains(out, "POSITION")
		})
		if i == 0 {
			tap.end(syscall.SIGKILL)
			continue
		}
		if out := mustRun(t, "log", dir, "--conn", "1"); !strings.Contains(out, "closed (cut, by tap)") {
			t.Errorf("while it is recorded again, log says\n%s", out)
		}
		if out := mustRun(t, "log", dir, "--conn", "2"); strings.Contains(out, "closed") {
			t.Errorf("what lasts is said to have ended:\n%s", out)
		}
		worker.Close()
		behind.Close()
		tap.end(syscall.SIGTERM)
	}
	var p struct {
		Endings []struct {
			How   string   `json:"how"`
			By    string   `json:"by"`
			Ended *float64 `json:"ended_s"`
		} `json:"endings"`
		Connections []json.RawMessage `json:"connections"`
	}
	if err := json.Unmarshal([]byte(mustRun(t, "report", dir, "--format", "json")), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Endings) != 2 || p.Endings[0].How != "cut" || p.Endings[0].By != "tap" || p.Endings[0].Ended == nil || p.Endings[1].How == "cut" {
		t.Errorf("report has the endings %+v", p.Endings)
	}
	if out := mustRun(t, "report", dir); !strings.Contains(strings.Join(strings.Fields(out), " "), "The recording was cut (killed") {
		t.Errorf("report does not say that it was cut:\n%.2000s", out)
	}
	if out := mustRun(t, "verify", dir); !strings.Contains(out, "OK: ") || !strings.Contains(out, "a recording ended without being closed") {
		t.Errorf("verify says\n%s", out)
	}
}
