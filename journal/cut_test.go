package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"repltap/wire"
)

// killed makes a journal of a recording with connections 1 and 2, of which 2 is
// open when it is killed.
func killed(t *testing.T) (dir string) {
	t.Helper()
	running := t.TempDir()
	w := create(t, running, Options{})
	x := newTraffic(w, 1)
	x.talk(w.NextConn(), 20, 100)
	x.talk(w.NextConn(), 20, 100)
	x.close(1)
	x.send(2, wire.S2C, "RDATA caches master 20 [\"half a l", 100)
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	b, err := os.ReadFile(filepath.Join(running, fileName(1))) // as it is when the process dies
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileName(1)), b, 0o600); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return dir
}

// ends are the ends of connections that a reader is told, and what it counts.
func ends(t *testing.T, path string, f Filter) (out []string, records int64) {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var last *Record
	for rec, err := range r.InTime(context.Background(), f) {
		if err != nil {
			t.Fatal(err)
		}
		records++
		if last != nil && (rec.Seq < last.Seq || rec.Time < last.Time) {
			t.Errorf("record %d at %d comes after %d at %d", rec.Seq, rec.Time, last.Seq, last.Time)
		}
		c := *rec
		last = &c
		if rec.Kind == KindClose {
			out = append(out, fmt.Sprintf("%d %s %s %s", rec.Conn, rec.Worker, rec.Event.How, rec.Event.By))
		}
	}
	return out, records
}

func TestKilledRecordingEnds(t *testing.T) {
	dir := killed(t)
	want := []string{"1 w1 fin worker", "2 w2 cut tap"}
	check := func(what, path string, f Filter, want []string) {
		t.Helper()
		got, n := ends(t, path, f)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
		if f.Conns == nil && f.Commands == nil && !f.To.Set {
			if rep := mustBeFine(t, path); rep.Records != n {
				t.Errorf("%s: verify counts %d records of %d", what, rep.Records, n)
			}
		}
	}
	file := filepath.Join(dir, fileName(1))
	check("killed", dir, Filter{}, want)
	check("its file", file, Filter{}, want)
	check("its second connection", dir, Filter{Conns: []uint64{2}}, want[1:])
	check("its first connection", dir, Filter{Conns: []uint64{1}}, want[:1])
	check("before its end", dir, Filter{To: Bound{Set: true, At: start.Add(5 * time.Microsecond)}}, nil)

	// It is started again, while it runs and after it has ended.
	w, err := Create(dir, Options{Anchor: start.Add(time.Hour), Past: true, RotateSize: 1 << 13})
	if err != nil {
		t.Fatal(err)
	}
	y := newTraffic(w, 2)
	y.now = start.Add(time.Hour).UnixNano()
	conn := w.NextConn()
	y.talk(conn, 300, 100)
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	check("running again", dir, Filter{}, want)
	y.close(conn)
	w.Close()
	want = append(want, "3 w3 fin worker")
	check("ended", dir, Filter{}, want)
	check("its file, later", file, Filter{}, want[:2])
	check("the connections of the first", dir, Filter{Conns: []uint64{1, 2}}, want[:2])
}

// A file of many does not end what the next one goes on with, wherever it is.
func TestRotationEndsNothing(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, Options{RotateSize: 1 << 13})
	x := newTraffic(w, 1)
	x.talk(w.NextConn(), 300, 200)
	x.rows(w, 200)
	x.close(1)
	w.Close()
	if got, _ := ends(t, filepath.Join(dir, fileName(1)), Filter{}); got != nil {
		t.Errorf("the first file ends %q", got)
	}
	alone := filepath.Join(t.TempDir(), fileName(1))
	if err := os.Rename(filepath.Join(dir, fileName(1)), alone); err != nil {
		t.Fatal(err)
	}
	if got, _ := ends(t, alone, Filter{}); got != nil {
		t.Errorf("the first file ends %q where it is alone", got)
	}
}

// What retention removes while it is read is told where it is missing.
func TestOvertaken(t *testing.T) {
	for _, follow := range []bool{true, false} {
		t.Run(fmt.Sprintf("follow %v", follow), func(t *testing.T) { overtaken(t, follow) })
	}
}

func overtaken(t *testing.T, follow bool) {
	dir := t.TempDir()
	w := create(t, dir, Options{RotateSize: 30000, MaxSize: 400000})
	x := newTraffic(w, 1)
	x.talk(w.NextConn(), 20, 300)
	x.talk(w.NextConn(), 20, 300) // its end is among what is removed
	if !follow {
		x.rows(w, 30) // a file that is finished when the reading begins, and its successor
	}
	w.Sync()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	read := r.Records
	if follow {
		read = r.Follow
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last uint64
	var lost *RemovedError
	var gone []uint64
	n := 0
	for rec, err := range read(ctx, Filter{}) {
		if errors.Is(err, context.Canceled) {
			break
		}
		if n++; n == 5 { // the reader is held up, and the recorder goes on
			x.rows(w, 800) // more than sockets hold
			x.close(2)
			x.rows(w, 400)
			x.close(1)
			w.Sync()
		}
		switch {
		case errors.As(err, &lost):
			if lost.First != last+1 || lost.Last <= lost.First || lost.From == 0 || lost.To < lost.From || lost.Bytes == 0 || !IsPartial(err) {
				t.Errorf("after record %d: %+v", last, *lost)
			}
			last = lost.Last
		case err != nil:
			t.Fatal(err)
		case rec.Kind == KindClose && rec.Event.How == "unknown":
			gone = append(gone, rec.Conn)
		default:
			if rec.Seq > last+1 && rec.Dir == wire.NoDirection {
				t.Errorf("record %d comes after %d", rec.Seq, last)
			}
			last = rec.Seq
			if rec.Kind == KindClose && rec.Conn == 1 {
				cancel()
			}
		}
	}
	if lost == nil || !slices.Equal(gone, []uint64{2}) {
		t.Errorf("told of %v, and of the ends of %v", lost, gone)
	}
	w.Close()
	for _, err := range read(t.Context(), Filter{}) {
		if err != nil {
			t.Errorf("that the oldest are gone is no loss: %v", err)
		}
	}
}

// rows sends rows on connection 1 so that files are finished.
func (x *traffic) rows(w *Writer, n int) {
	for i := range n {
		noise := make([]byte, 700)
		x.r.Read(noise)
		x.send(1, wire.S2C, fmt.Sprintf("RDATA typing master %d [\"!%x:x\",[]]\n", i, noise), 4000)
		if i%10 == 0 {
			w.Sync()
		}
	}
}

// TestKilledAtOnce: not even the beginning of the recording is there.
func TestKilledAtOnce(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, Options{FlushInterval: time.Hour})
	newTraffic(w, 1).talk(1, 5, 100)
	rep := verify(t, copyDir(t, dir))
	if rep.Blocks > 0 || !strings.Contains(fmt.Sprint(rep.Notes), "without being closed") {
		t.Errorf("%+v", rep)
	}
	must(t, w.Close())
}
