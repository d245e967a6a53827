package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"repltap/journal"
	"repltap/wire"
)

// What real masters sent is taken in to the last row.
func TestWorkerTakesCaptures(t *testing.T) {
	for _, name := range []string{"0.99.0/01-mix/conn-1", "1.66.0/01-mix/conn-1", "1.66.0/01-mix/conn-4"} {
		t.Run(name, func(t *testing.T) {
			sent := captured(t, name, "s2c")
			m := newTestMaster(t)
			w := m.start(WorkerConfig{Release: testRelease(t, name[:strings.Index(name, "/")]), Once: true}, 1)
			c := m.accept()
			go io.Copy(io.Discard, c)
			if _, err := c.Write(sent); err != nil {
				t.Fatal(err)
			}
			c.CloseWrite()
			r := w.end()
			rows, last := countRdata(sent)
			end := r.Ended[0]
			if r.Lines != int64(bytes.Count(sent, []byte("\n"))) || r.Bytes != int64(len(sent)) {
				t.Errorf("%d lines of %d bytes", r.Lines, r.Bytes)
			}
			if end.How != "fin" || end.By != "master" || end.Last != last || end.S2C != int64(len(sent)) {
				t.Errorf("end %+v, want after %q", end, last)
			}
			for stream, n := range rows {
				s := r.of(t, stream)
				if s.Delivered+s.discarded() != n || s.Delivered == 0 || s.Fetched != 0 {
					t.Errorf("%s: %d rows came: %+v", stream, n, s)
				}
				delete(rows, stream)
			}
			if s := r.of(t, "events"); s.Token != lastToken(sent, "events") {
				t.Errorf("events: at %d", s.Token)
			}
		})
	}
}

// countRdata counts rows by stream, and names the last command, without the
// project's parser.
func countRdata(sent []byte) (rows map[string]int64, last string) {
	rows = map[string]int64{}
	for line := range strings.Lines(string(sent)) {
		words := strings.Fields(line)
		switch words[0] {
		case "RDATA":
			rows[words[1]]++
			if len(words) > 3 && words[2] == "master" {
				last = strings.Join(words[:4], " ")
			} else {
				last = strings.Join(words[:3], " ")
			}
		case "POSITION":
			last = strings.Join(append(words[: len(words)-1 : len(words)-1][:min(3, len(words)-1)], words[len(words)-1]), " ")
		case "ERROR":
		default:
			last = words[0]
		}
	}
	return rows, last
}

func lastToken(sent []byte, stream string) (token int64) {
	for line := range strings.Lines(string(sent)) {
		words := strings.Fields(line)
		if len(words) < 3 || words[1] != stream {
			continue
		}
		for _, word := range words[2:min(4, len(words))] {
			var n int64
			if _, err := fmt.Sscanf(word, "%d", &n); err == nil {
				token = max(token, n)
			}
		}
	}
	return token
}

// It comes back after each end, and says how each was.
func TestWorkerReconnects(t *testing.T) {
	m := newTestMaster(t)
	w := m.start(WorkerConfig{Syncing: []string{"@a:x"}}, testSpeed)
	for i := range 6 {
		c := m.accept()
		c.expect("NAME w1", "PING")
		if sync := strings.Fields(c.line()); len(sync) != 5 || sync[2] != "@a:x" || sync[3] != "start" {
			t.Errorf("USER_SYNC: %q", sync)
		}
		c.expect("REPLICATE ")
		c.send("SERVER lab.test", "PING 1", "POSITION events master 5 5")
		io.WriteString(c, "RDATA typing mast")
		switch i % 3 {
		case 0:
			c.CloseWrite()
			c.expect("")
		case 1:
			c.reset()
		default:
			c.send("", "PING 2")
			c.expect("ERROR failed to parse line: ValueError('not enough values to unpack (expected 4, got 2)') ('RDATA typing mast'):", "")
		}
	}
	r := w.stop()
	var hows []string
	for _, e := range r.Ended {
		hows = append(hows, e.How+" by "+e.By)
		if cut := e.How == "fin" && e.By == "master"; cut && (e.CutOff != len("RDATA typing mast") || e.Last != "POSITION events master 5") {
			t.Errorf("%+v", e)
		}
	}
	want := "fin by master, reset by master, fin by worker, fin by master, reset by master, fin by worker"
	if got := strings.Join(hows, ", "); !strings.HasPrefix(got, want) {
		t.Errorf("ends: %s", got)
	}
	if r.Connections < 6 || len(r.Faults) != 1 || !strings.Contains(r.Faults[0], "ERROR to the master (2)") {
		t.Errorf("%d connections, faults %q", r.Connections, r.Faults)
	}
}

// Nobody is there.
func TestWorkerRefused(t *testing.T) {
	m := newTestMaster(t)
	m.ln.Close()
	w := m.start(WorkerConfig{Once: true}, 1)
	<-w.done
	if !errors.Is(w.err, ErrRefused) || !strings.Contains(w.err.Error(), "refused") || w.report.Refused != 1 {
		t.Errorf("%v, %+v", w.err, w.report)
	}
}

// A process that is killed comes back with what its database has.
func TestWorkerDiesAndComesBack(t *testing.T) {
	m := newTestMaster(t)
	w := m.start(WorkerConfig{Release: testRelease(t, "1.12.4"), Streams: []string{"events", "typing"},
		Start: []StartToken{{Stream: "events", Token: 3}}, Die: Span{true, 10e9}, Back: Span{true, 5e9}}, testSpeed)
	c := m.accept()
	c.expect("NAME w1", "PING", "REPLICATE events 3", "REPLICATE typing 0")
	c.send("SERVER lab.test", `RDATA events 4 ["ev", ["$a", "!r", "t", null, null, null]]`, "POSITION events 7", "POSITION typing 9")
	for c.line() != "" {
	}
	c = m.accept()
	c.expect("NAME w1", "PING", "REPLICATE events 7", "REPLICATE typing 0")
	if r := w.stop(); r.Ended[0].How != "killed" || r.of(t, "events").Delivered != 1 || len(r.Faults) > 0 {
		t.Errorf("%+v", r)
	}
}

// A worker that was not told the release finds out.
func TestWorkerAdapts(t *testing.T) {
	m := newTestMaster(t)
	w := m.start(WorkerConfig{Adapt: true}, testSpeed)
	c := m.accept()
	c.expect("NAME w1", "PING", "REPLICATE ")
	c.send("SERVER lab.test", "PING 1", `ERROR failed to parse line for  'REPLICATE': ValueError('not enough values to unpack (expected 2, got 1)') (''):`)
	c = m.accept()
	c.expect("NAME w1", "PING", "REPLICATE caches 0")
	if r := w.stop(); r.Release != "1.12.0" || len(r.Faults) > 0 {
		t.Errorf("%+v", r)
	}
}

// What went over the connections is in its journal, byte for byte.
func TestWorkerJournal(t *testing.T) {
	dir := t.TempDir()
	jw, err := journal.Create(dir, journal.Options{Redact: wire.RedactNone})
	if err != nil {
		t.Fatal(err)
	}
	m := newTestMaster(t)
	w := m.start(WorkerConfig{Once: true, Scribe: journal.NewScribe(jw, wire.AllReleases, nil), NextConn: jw.NextConn}, 1)
	c := m.accept()
	sent := captured(t, "1.66.0/01-mix/conn-4", "s2c")
	c.Write(sent)
	c.CloseWrite()
	said, _ := io.ReadAll(c)
	w.end()
	if err := jw.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for dir, want := range map[wire.Direction][]byte{wire.S2C: sent, wire.C2S: said} {
		var got []byte
		for b, err := range r.Raw(t.Context(), journal.Filter{Dir: dir}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b...)
		}
		if !bytes.Equal(got, want) || len(want) == 0 {
			t.Errorf("%s: %d bytes in the journal, %d went over the wire", dir, len(got), len(want))
		}
	}
	for rec, err := range r.Records(t.Context(), journal.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Kind == journal.KindClose && (rec.Event.How != "fin" || rec.Event.By != "master" || rec.Worker != "w1") {
			t.Errorf("close: %+v", rec.Event)
		}
	}
}
