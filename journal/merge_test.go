package journal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// imported makes a journal of recordings that were added one after the other,
// each of two small files and all of the same time, the first one the latest.
func imported(t *testing.T, recordings int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range recordings {
		w, err := Create(dir, Options{Anchor: start.Add(-1000 * 1000 * 1000), Past: true, RotateSize: 1 << 13})
		if err != nil {
			t.Fatal(err)
		}
		x := newTraffic(w, int64(i))
		x.now += int64(recordings-i) * 1000
		for range 2 {
			conn := w.NextConn()
			x.talk(conn, 300, 200)
			x.close(conn)
			if err := w.Sync(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// told is the records of a reading, by number, and what could not be read.
func told(t *testing.T, dir string, inTime bool) (records map[string]int, bad []string, ordered bool) {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	read := r.Records
	if inTime {
		read = r.InTime
	}
	records, ordered = map[string]int{}, true
	last := map[uint64]uint64{}
	var now int64
	for rec, err := range read(context.Background(), Filter{}) {
		if err != nil {
			bad = append(bad, err.Error())
			continue
		}
		if rec.Conn != 0 {
			ordered = ordered && rec.Time >= now
			now = rec.Time
			if rec.Seq < last[rec.Conn] {
				t.Fatalf("connection %d: record %d comes after %d", rec.Conn, rec.Seq, last[rec.Conn])
			}
			last[rec.Conn] = rec.Seq
		}
		records[fmt.Sprintf("%d %d %d %s %q", rec.Seq, rec.Time, rec.Conn, rec.Kind, rec.Data)]++
	}
	slices.Sort(bad)
	return records, bad, ordered
}

func TestRecordingsOfTheSameTime(t *testing.T) {
	for _, recordings := range []int{2, 5} {
		dir := imported(t, recordings)
		want, _, ordered := told(t, dir, false)
		if ordered {
			t.Fatal("the recordings are in order already, which is no test")
		}
		got, bad, ordered := told(t, dir, true)
		if !ordered || bad != nil {
			t.Errorf("%d recordings: in order of time %v, with errors %q", recordings, ordered, bad)
		}
		if len(got) != len(want) {
			t.Errorf("%d recordings: %d records, want %d", recordings, len(got), len(want))
		}
		for k, n := range want {
			if got[k] != n {
				t.Fatalf("%d recordings: record %s came %d times, not %d", recordings, k, got[k], n)
			}
		}
	}
}

// A file that is missing or damaged is told in this order too.
func TestRecordingsOfTheSameTimeWithDamage(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(imported(t, 3), "*.journal"))
	if len(files) < 6 {
		t.Fatalf("there are only %d files", len(files))
	}
	for i := range files {
		dir := imported(t, 3)
		files, _ := filepath.Glob(filepath.Join(dir, "*.journal"))
		var err error
		if i%2 == 0 {
			err = os.Truncate(files[i], 9000)
		} else {
			err = os.Remove(files[i])
		}
		if err != nil {
			t.Fatal(err)
		}
		want, bad, _ := told(t, dir, false)
		got, gotBad, _ := told(t, dir, true)
		if !slices.Equal(bad, gotBad) || len(got) != len(want) {
			t.Errorf("without file %d: %d records and %q, want %d and %q", i+1, len(got), gotBad, len(want), bad)
		}
	}
}

func TestInTimeStops(t *testing.T) {
	r, err := Open(imported(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range r.InTime(context.Background(), Filter{}) {
		if n++; n == 7 {
			break
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err := range r.InTime(ctx, Filter{}) {
		if err != context.Canceled {
			t.Fatalf("a reading that was cancelled gave %v", err)
		}
	}
}
