package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"repltap/analyze"
)

// selfReplay replays a journal to built-in workers, all in this process, and
// gives what came of it. Each worker is a list of flags.
func selfReplay(t *testing.T, journal string, replay []string, workers ...[]string) *analyze.Comparison {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var out, errs lockedBuffer
	replayed := make(chan int, 1)
	go func() {
		args := []string{"replay", journal, "--listen", "127.0.0.1:0", "--format", "json", "--linger", "50ms", "--workers", fmt.Sprint(len(workers))}
		replayed <- run(ctx, append(args, replay...), strings.NewReader(""), &out, &errs)
	}()
	var addr string
	until(t, "the replay listens", func() bool {
		_, addr, _ = strings.Cut(errs.String(), "listening on ")
		addr, _, _ = strings.Cut(addr, "\n")
		return addr != "" || len(replayed) > 0
	})
	over, end := context.WithCancel(ctx)
	ended := make(chan string, len(workers))
	for _, flags := range workers {
		go func() {
			var out, errs lockedBuffer
			run(over, append([]string{"worker", "--connect", addr}, flags...), strings.NewReader(""), &out, &errs)
			ended <- errs.String() + out.String()
		}()
	}
	status := <-replayed
	end()
	var said strings.Builder
	for range workers {
		said.WriteString(<-ended)
	}
	var c analyze.Comparison
	if err := json.Unmarshal([]byte(out.String()), &c); err != nil {
		t.Fatalf("%s: status %d, %v\n%s\n%s", journal, status, err, errs.String(), said.String())
	}
	if want := map[string]int{analyze.Same: 0, analyze.Different: 3, analyze.Inconclusive: 4}[c.Verdict]; status != want {
		t.Errorf("%s: status %d for %s", journal, status, c.Verdict)
	}
	if c.Verdict != analyze.Same {
		t.Logf("the workers: %s", said.String())
	}
	return &c
}

// imported imports captures.
func imported(t *testing.T, files ...string) (journal string) {
	t.Helper()
	journal = filepath.Join(t.TempDir(), "journal")
	mustRun(t, append([]string{"import", "--journal", journal}, files...)...)
	return journal
}

// TestSelfReplay: every recorded connection between a real worker and a real
// master, replayed to a worker like the recorded one, happens again; and to one that
// only has its name and release, too.
func TestSelfReplay(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join("..", "..", "testdata", "captures", "*", "*", "conn-*.zst"))
	if len(files) < 20 {
		t.Fatalf("only %d captures", len(files))
	}
	named := regexp.MustCompile(`worker +(\S+)`)
	for _, file := range files {
		folder, name := filepath.Split(file)
		if strings.Contains(folder, "ping-timeout") && name == "conn-1.jsonl.zst" {
			continue // it takes 30 s in real time; replay.TestMasterGivesUp does it in less
		}
		release := filepath.Base(filepath.Dir(filepath.Dir(file)))
		t.Run(release+"/"+name, func(t *testing.T) {
			t.Parallel()
			journal := imported(t, file)
			c := selfReplay(t, journal, []string{"--speed", "max"}, []string{"--like", journal})
			if c.Verdict != analyze.Same || c.Recorded.Lines < 15 || c.Recorded.Lines != c.Replayed.Lines {
				t.Errorf("to one like it: %s: %s", c.Verdict, c.Why)
			}
			m := named.FindStringSubmatch(mustRun(t, "replay", journal, "--dry-run"))
			c = selfReplay(t, journal, []string{"--speed", "max"}, []string{"--name", m[1], "--dialect", release})
			if c.Verdict != analyze.Same || c.Recorded.Lines < 15 {
				t.Errorf("to a generic one: %s: %s", c.Verdict, c.Why)
			}
		})
	}
}

// TestReplayToSeveral: the workers of a folder, at once. Each plays the one of its
// name: it is let in when that one asked, and goes away and comes back when that one
// did. The announcements that a newcomer causes go to all.
func TestReplayToSeveral(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join("..", "..", "testdata", "captures", "1.66.0", "01-mix", "conn-*.zst"))
	journal := imported(t, files...)
	name := func(n int) []string { return []string{"--name", fmt.Sprint("w", n), "--dialect", "1.66.0"} }
	c := selfReplay(t, journal, []string{"--speed", "max"}, name(1), name(2), name(3))
	if c.Verdict != analyze.Same || len(c.Connections) != 4 || c.Recorded.Lines != c.Replayed.Lines {
		t.Errorf("all: %s: %s", c.Verdict, c.Why)
	}
	for _, r := range c.Reconnects {
		if r.Recorded != r.Replayed {
			t.Errorf("%s connected %d times, recorded were %d", r.Worker, r.Replayed, r.Recorded)
		}
	}
	// Who is not there is not waited for, and what came before is not played.
	c = selfReplay(t, journal, []string{"--speed", "max"}, name(3), name(2))
	if c.Verdict != analyze.Same || len(c.Notes) == 0 || !strings.Contains(strings.Join(c.Notes, "\n"), "nobody was worker w1") {
		t.Errorf("two of them: %s: %s %q", c.Verdict, c.Why, c.Notes)
	}
	// All may be given the same conversation.
	c = selfReplay(t, journal, []string{"--speed", "max", "--conn", "3"}, name(3), []string{"--name", "other"}, []string{"--name", "third"})
	if c.Verdict != analyze.Same || len(c.Connections) != 3 {
		t.Errorf("one for all: %s: %s", c.Verdict, c.Why)
	}
}

// TestReplayReconnects: a whole folder of a release whose master catches its workers
// up. Its workers go away and come back, one is late, and the master is started anew,
// which forgets some of its tokens: what was answered then is answered again, to
// workers like the recorded ones as to those that begin elsewhere.
func TestReplayReconnects(t *testing.T) {
	folder := filepath.Join("..", "..", "testdata", "captures", "1.12.4", "02-reconnect-catchup")
	var files []string
	for _, n := range []int{1, 2, 3, 4, 5, 17, 18, 19, 20} {
		files = append(files, filepath.Join(folder, fmt.Sprintf("conn-%d.jsonl.zst", n)))
	}
	journal := imported(t, files...)
	for _, like := range []bool{true, false} {
		var workers [][]string
		for _, name := range []string{"w1", "w2", "w3", "w5"} {
			flags := []string{"--name", name, "--dialect", "1.12.4"}
			if like {
				flags = []string{"--name", name, "--like", journal}
			}
			workers = append(workers, flags)
		}
		c := selfReplay(t, journal, []string{"--speed", "max"}, workers...)
		if c.Verdict != analyze.Same || len(c.Connections) != len(files) || c.Recorded.Lines < 1700 {
			t.Errorf("like the recorded ones (%v): %s, %d lines of %d connections: %s", like, c.Verdict, c.Recorded.Lines, len(c.Connections), c.Why)
		}
	}
}

// TestReplayWaits: it says for whom it waits, begins with those who came, and ends
// without anybody.
func TestReplayWaits(t *testing.T) {
	journal := imported(t, filepath.Join("..", "..", "testdata", "captures", "1.66.0", "01-mix", "conn-4.jsonl.zst"))
	_, stderr, status := repltap(t, "replay", journal, "--listen", "127.0.0.1:0", "--wait", "20ms")
	if status != 1 || !strings.Contains(stderr, "no worker asked for replication within 20ms") {
		t.Errorf("status %d: %s", status, stderr)
	}
	var out, errs lockedBuffer
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"replay", journal, "--listen", "127.0.0.1:0", "--workers", "2", "--format", "json"}, strings.NewReader(""), &out, &errs)
	}()
	until(t, "it says what it waits for", func() bool {
		return strings.Contains(errs.String(), "waiting for 2 workers to ask: 0 there, 0 connected\n")
	})
	stop()
	if status := <-ended; status != 4 || !strings.Contains(out.String(), `"verdict": "inconclusive"`) {
		t.Errorf("status %d: %s", status, out.String())
	}
}
