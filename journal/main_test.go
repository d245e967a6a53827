package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"repltap/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start is when the tests' recordings begin.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func create(t testing.TB, dir string, o Options) *Writer {
	t.Helper()
	o.Anchor, o.Past = start, true
	w, err := Create(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// traffic is what a test sends over connections, in pieces.
type traffic struct {
	s    *Scribe
	r    *rand.Rand
	now  int64
	sent map[flowKey][]byte
}

func newTraffic(w *Writer, seed int64) *traffic {
	return &traffic{s: NewScribe(w, wire.AllReleases, nil), r: rand.New(rand.NewSource(seed)), now: start.UnixNano(), sent: map[flowKey][]byte{}}
}

func (x *traffic) open(conn uint64) {
	x.now += 1000
	x.s.Open(x.now, conn, Event{Peer: fmt.Sprintf("10.0.0.%d:999", conn), Upstream: "10.0.0.1:9092"})
}

// send puts text on a connection in pieces of at most piece bytes.
func (x *traffic) send(conn uint64, dir wire.Direction, text string, piece int) {
	k := flowKey{conn, dir}
	for len(text) > 0 {
		n := min(len(text), 1+x.r.Intn(piece))
		x.now += int64(x.r.Intn(5000))
		x.s.Chunk(x.now, conn, dir, int64(len(x.sent[k])), []byte(text[:n]))
		x.sent[k] = append(x.sent[k], text[:n]...)
		text = text[n:]
	}
}

func (x *traffic) close(conn uint64) {
	s2c, c2s := int64(len(x.sent[flowKey{conn, wire.S2C}])), int64(len(x.sent[flowKey{conn, wire.C2S}]))
	x.s.Close(x.now, conn, Event{How: "fin", By: "worker", S2C: &s2c, C2S: &c2s})
}

// talk plays a whole conversation of n rows.
func (x *traffic) talk(conn uint64, n, piece int) {
	x.open(conn)
	x.send(conn, wire.S2C, "SERVER lab.test\nPING 1600000000000\n", piece)
	x.send(conn, wire.C2S, fmt.Sprintf("NAME w%d\nPING 1600000000000\nREPLICATE \n", conn), piece)
	for i := range n {
		x.send(conn, wire.S2C, fmt.Sprintf("RDATA caches master %d [\"get_user_by_id\",[\"@user%d:lab.test\"],%d]\n", i, x.r.Intn(50), 1600000000000+i), piece)
		if i%10 == 0 {
			x.send(conn, wire.C2S, fmt.Sprintf("FEDERATION_ACK w%d %d\n", conn, i), piece)
		}
	}
}

// check compares the journal with what was sent.
func (x *traffic) check(t *testing.T, path string) {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[flowKey]int{}
	times := map[uint64]int64{}
	seq := uint64(0)
	for rec, err := range r.Records(context.Background(), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Seq < seq || rec.Conn > 0 && rec.Time < times[rec.Conn] {
			t.Fatalf("record %d at %d comes after %d at %d", rec.Seq, rec.Time, seq, times[rec.Conn])
		}
		seq, times[rec.Conn] = rec.Seq, rec.Time
		if rec.Kind == KindLine {
			lines[flowKey{rec.Conn, rec.Dir}]++
		}
	}
	for k, want := range x.sent {
		var got []byte
		for b, err := range r.Raw(context.Background(), Filter{Conns: []uint64{k.conn}, Dir: k.dir}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b...)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("connection %d %s: %d bytes came back of %d", k.conn, k.dir, len(got), len(want))
		}
		if n := bytes.Count(want, []byte("\n")); lines[k] != n {
			t.Errorf("connection %d %s: %d lines, want %d", k.conn, k.dir, lines[k], n)
		}
	}
}

func verify(t *testing.T, path string) *Report {
	t.Helper()
	rep, err := Verify(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func mustBeFine(t *testing.T, path string) *Report {
	t.Helper()
	rep := verify(t, path)
	if !rep.OK {
		t.Fatalf("%+v", rep)
	}
	return rep
}

func TestWhatGoesInComesOut(t *testing.T) {
	for _, piece := range []int{1, 3, 7, 60, 500, 5000} {
		dir := t.TempDir()
		w := create(t, dir, Options{FlushInterval: 5 * time.Millisecond})
		x := newTraffic(w, int64(piece))
		x.talk(1, 300, piece)
		x.talk(2, 100, piece)
		x.close(1)
		if err := w.Sync(); err != nil {
			t.Fatal(err)
		}
		x.check(t, dir) // through the writer
		x.close(2)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		x.check(t, dir)
		mustBeFine(t, dir)
		x.check(t, filepath.Join(dir, fileName(1)))
	}
}

// TestFragments: what is no line comes in its place in the order, with its
// findings, however it was read.
func TestFragments(t *testing.T) {
	for _, piece := range []int{1, 100, 1 << 14, 1 << 20} {
		dir := t.TempDir()
		w := create(t, dir, Options{FlushInterval: time.Millisecond})
		x := newTraffic(w, 1)
		x.open(1)
		x.send(1, wire.S2C, "SERVER x\nRDATA "+strings.Repeat("x", 20000)+"\nPING 1\nRDATA cut o", piece)
		x.send(1, wire.C2S, strings.Repeat("y", wire.MaxLine+1), piece)
		x.send(1, wire.C2S, "z\nPING 2\n", piece)
		x.s.Event(x.now, 1, wire.S2C, KindEOF, Event{How: "fin", By: "master"})
		x.send(1, wire.C2S, "PING 3\nPI", piece)
		x.close(1)
		w.Close()
		var got []string
		r, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		seq, last := uint64(0), int64(0)
		for rec, err := range r.Records(t.Context(), Filter{Conns: []uint64{1}}) {
			if err != nil {
				t.Fatal(err)
			}
			if rec.Seq <= seq || rec.Time < last {
				t.Errorf("record %d at %d comes after %d at %d", rec.Seq, rec.Time, seq, last)
			}
			seq, last = rec.Seq, rec.Time
			text := fmt.Sprintf("%s %s %d", rec.Kind, rec.Dir, len(rec.Data))
			for _, f := range rec.Findings {
				text += " " + f.Code
			}
			got = append(got, text)
		}
		want := []string{
			"open  0", "line s2c 9", "fragment s2c 16384 E-toolong", "fragment s2c 3623", "line s2c 7",
			"fragment c2s 16384 E-toolong", "fragment c2s 3", "line c2s 7",
			"fragment s2c 11", "eof s2c 0", "line c2s 7", "fragment c2s 2", "close  0",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("in pieces of %d: %s", piece, d)
		}
		if rep := mustBeFine(t, dir); rep.Records != int64(len(want))+2 {
			t.Errorf("verify counts %d records", rep.Records)
		}
	}
}

func TestRotationAndSealing(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, Options{RotateSize: 20000, FlushInterval: time.Millisecond})
	x := newTraffic(w, 1)
	for i := range 30 {
		if i < 3 {
			x.talk(uint64(i+1), 10, 100)
		}
		for range 20 {
			x.send(uint64(1+i%3), wire.S2C, fmt.Sprintf("RDATA typing master %d [\"!%x:x\",[]]\n", i, x.r.Int63()), 4000)
			w.Sync()
		}
	}
	for i := range 3 {
		x.close(uint64(i + 1))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	numbers, _ := listFiles(dir)
	if len(numbers) < 3 {
		t.Fatalf("%d files", len(numbers))
	}
	for _, n := range numbers {
		j, err := openFile(filepath.Join(dir, fileName(n)))
		if err != nil {
			t.Fatal(err)
		}
		if !j.header.Sealed || len(j.blocks) > 3 {
			t.Errorf("file %d: sealed %v, %d blocks", n, j.header.Sealed, len(j.blocks))
		}
		j.close()
		bboltContent(t, filepath.Join(dir, fileName(n)))
		rep := mustBeFine(t, filepath.Join(dir, fileName(n))) // each stands alone
		if len(rep.Connections) == 0 || rep.Connections[0].Worker == "" {
			t.Errorf("file %d does not know its connections: %+v", n, rep.Connections)
		}
	}
	x.check(t, dir)
	mustBeFine(t, dir)
	if m, _ := filepath.Glob(filepath.Join(dir, "*")); len(m) != len(numbers) {
		t.Errorf("something is left behind: %v", m)
	}

	t.Run("a missing file is missed", func(t *testing.T) {
		os.Remove(filepath.Join(dir, fileName(2)))
		if rep := verify(t, dir); rep.OK || len(rep.Damage) == 0 || rep.Unaccounted == 0 {
			t.Errorf("%+v", rep)
		}
	})
	t.Run("old files may go", func(t *testing.T) {
		os.Remove(filepath.Join(dir, fileName(1)))
		mustBeFine(t, dir)
	})
}

func TestGoingOn(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, Options{})
	x := newTraffic(w, 1)
	x.talk(w.NextConn(), 50, 100)
	x.close(1)
	if _, err := Create(dir, Options{}); !errors.As(err, new(*LockedError)) {
		t.Fatalf("a second writer: %v", err)
	}
	w.Close()
	w = create(t, dir, Options{})
	y := newTraffic(w, 2)
	conn := w.NextConn()
	if conn != 2 {
		t.Fatalf("the next connection is %d", conn)
	}
	y.sent = x.sent
	y.talk(conn, 50, 100)
	y.close(conn)
	w.Close()
	y.check(t, dir)
	if rep := mustBeFine(t, dir); rep.Files != 2 || len(rep.Connections) != 4 {
		t.Errorf("%+v", rep)
	}
}

func TestRetention(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, Options{RotateSize: 20000, MaxSize: 150000, FlushInterval: time.Millisecond})
	x := newTraffic(w, 1)
	x.open(1)
	for i := range 1500 {
		x.send(1, wire.S2C, fmt.Sprintf("RDATA typing master %d [\"!%x%x%x:x\",[]]\n", i, x.r.Int63(), x.r.Int63(), x.r.Int63()), 4000)
		if i%10 == 0 {
			w.Sync()
		}
	}
	x.close(1)
	w.Close()
	numbers, _ := listFiles(dir)
	var size int64
	for _, n := range numbers {
		st, _ := os.Stat(filepath.Join(dir, fileName(n)))
		size += st.Size()
	}
	if numbers[0] == 1 || size > 200000 {
		t.Errorf("files %v with %d bytes are left", numbers, size)
	}
	mustBeFine(t, dir)
}

func TestFollow(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a directory with a name that is so long that no socket in it could have a path of the length which the system allows")
	w := create(t, dir, Options{RotateSize: 30000, FlushInterval: time.Millisecond})
	x := newTraffic(w, 1)
	x.talk(1, 20, 50)
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Info().Live {
		t.Fatal("not seen to be live")
	}
	got := make(chan int)
	go func() {
		n := 0
		for rec, err := range r.Follow(t.Context(), Filter{Streams: []string{"caches"}}) {
			if err != nil {
				t.Error(err)
				break
			}
			if n++; rec.Gist.Token != int64(n-1) || rec.Worker != "w1" {
				t.Errorf("row %d has token %d of %q", n, rec.Gist.Token, rec.Worker)
			}
			if n == 20 {
				got <- n
			}
		}
		got <- n
	}()
	<-got // all there was; now what comes
	for i := 20; i < 2000; i++ {
		x.send(1, wire.S2C, fmt.Sprintf("RDATA caches master %d [\"%x%x\"]\n", i, x.r.Int63(), x.r.Int63()), 500)
		if i%50 == 0 {
			w.Sync()
		}
	}
	x.close(1)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if n := <-got; n != 2000 {
		t.Errorf("%d rows were followed", n)
	}
	x.check(t, dir)
}

func TestFilters(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, Options{})
	x := newTraffic(w, 1)
	x.talk(1, 100, 30)
	w.Sync()
	x.talk(2, 100, 30)
	w.Sync()
	x.send(2, wire.S2C, "RDATA typing other 7 []\nFOO\n", 3)
	x.close(1)
	x.close(2)
	w.Close()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		f    Filter
		want int
	}{
		"all":      {Filter{}, 2*(2+3+100+10) + 2 + 4 + 2},
		"conn":     {Filter{Conns: []uint64{1}}, 2 + 3 + 100 + 10 + 2},
		"worker":   {Filter{Workers: []string{"w2"}}, 2 + 3 + 100 + 10 + 2 + 2},
		"dir":      {Filter{Dir: wire.C2S}, 2 * 13},
		"command":  {Filter{Commands: []string{"NAME", "SERVER"}}, 4},
		"unknown":  {Filter{Commands: []string{"FOO"}}, 1},
		"stream":   {Filter{Streams: []string{"typing"}}, 1},
		"instance": {Filter{Instances: []string{"other", "w1"}}, 11},
		"findings": {Filter{Findings: true}, 2*100 + 2}, // rows before any POSITION, and FOO
		"both":     {Filter{Conns: []uint64{2}, Streams: []string{"caches"}}, 100},
		"until":    {Filter{To: Bound{Set: true, Relative: true, Offset: 1}}, 1},
		"from":     {Filter{From: Bound{Set: true, At: start.Add(time.Hour)}}, 0},
	} {
		n := 0
		for _, err := range r.Records(context.Background(), c.f) {
			if err != nil {
				t.Error(err)
			}
			n++
		}
		if n != c.want {
			t.Errorf("%s: %d records, want %d", name, n, c.want)
		}
	}
}
