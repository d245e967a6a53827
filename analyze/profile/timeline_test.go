package profile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// wild is traffic of many streams and commands on three connections, a little out
// of order, over about span.
func wild(t testing.TB, lines int, span time.Duration) *tape {
	r := rand.New(rand.NewPCG(1, 2))
	x := newTape(t)
	last := map[uint64]time.Duration{}
	now := 700 * time.Millisecond
	for i := range lines {
		now += time.Duration(r.ExpFloat64() * float64(span) / float64(lines))
		conn := uint64(1 + r.IntN(3))
		at := max(now-time.Duration(r.IntN(300))*time.Millisecond, last[conn])
		last[conn] = at
		switch r.IntN(5) {
		case 0:
			x.c2s(at, conn, fmt.Sprintf("FEDERATION_ACK w%d %d\n", conn, i))
		case 1:
			x.s2c(at, conn, "PING 1600000000000\n")
		case 2:
			x.s2c(at, conn, fmt.Sprintf("POSITION typing master %d %d\n", i, i))
		default:
			x.s2c(at, conn, fmt.Sprintf("RDATA s%d master %d [\"%0*d\"]\n", r.IntN(1+r.IntN(30)), i, r.IntN(40), 0))
		}
	}
	return x
}

// What the buckets hold comes to what the tables of commands and streams say.
func TestTimelineSums(t *testing.T) {
	x := wild(t, 3000, time.Hour)
	p := x.profile(Options{})

	if n := p.Timeline.Count; n < maxBuckets/2 || n > maxBuckets {
		t.Errorf("there are %d buckets", n)
	}
	want := map[string]tally{}
	put := func(by, name string, commands, bytes int64) {
		k := by + " " + name
		want[k] = tally{want[k].commands + commands, want[k].bytes + bytes}
	}
	put(byDirection, "s2c", p.Totals.S2C.Commands, p.Totals.S2C.Bytes)
	put(byDirection, "c2s", p.Totals.C2S.Commands, p.Totals.C2S.Bytes)
	for _, c := range p.Commands {
		put(byCommand, c.Command, c.Commands, c.Bytes)
	}
	for i, s := range p.Streams { // they are sorted as series are
		if i >= maxSeries {
			s.Stream = other
		}
		put(byStream, s.Stream, s.Commands, s.Bytes)
	}
	if len(p.Streams) <= maxSeries {
		t.Fatalf("there are only %d streams", len(p.Streams))
	}
	for _, s := range p.Timeline.Series {
		var sum tally
		for i := range s.Commands {
			sum.sum(tally{s.Commands[i], s.Bytes[i]})
		}
		if k := s.By + " " + s.Name; sum != want[k] {
			t.Errorf("%s: the buckets come to %v, the table says %v", k, sum, want[k])
		} else {
			delete(want, k)
		}
	}
	for k := range want {
		t.Errorf("%s has no series", k)
	}
}

// Each bucket holds what was there in its time.
func TestTimelineBuckets(t *testing.T) {
	x := wild(t, 2000, 10*time.Minute)
	p := x.profile(Options{})
	line := p.Timeline
	got := map[string][]int64{}
	for _, s := range line.Series {
		got[s.By+" "+s.Name] = s.Commands
	}
	want := map[string][]int64{}
	for k := range got {
		want[k] = make([]int64, line.Count)
	}
	x.records(func(r *journal.Record) {
		if r.Kind != journal.KindLine {
			return
		}
		i := max(r.Time-tapeStart.UnixNano()-int64(line.Start), 0) / int64(line.Bucket)
		want["direction "+r.Dir.String()][i]++
		want["command "+r.Gist.Command.String()][i]++
	})
	for k, w := range want {
		if k[:6] != "stream" && !slices.Equal(w, got[k]) {
			t.Errorf("%s is\n%v, want\n%v", k, got[k], w)
		}
	}
	if table, _ := p.Table("timeline"); len(table.Rows) == 0 || len(table.Rows[0]) != len(table.Columns) {
		t.Error("the table has no rows, or not as many cells as columns")
	}
}

// The busiest second and minute are those that counting each of them finds.
func TestBursts(t *testing.T) {
	x := wild(t, 2500, 5*time.Minute)
	x.done()
	p := x.take(Options{})
	for i, long := range []time.Duration{time.Second, time.Minute} {
		counts := map[string]map[int64]tally{}
		put := func(key string, part int64, n int) {
			if counts[key] == nil {
				counts[key] = map[int64]tally{}
			}
			c := counts[key][part]
			c.add(n)
			counts[key][part] = c
		}
		x.records(func(r *journal.Record) {
			if r.Kind != journal.KindLine {
				return
			}
			part := (r.Time - tapeStart.UnixNano()) / int64(long)
			put("all ", part, len(r.Data))
			put("command "+r.Gist.Command.String(), part, len(r.Data))
			if r.Gist.Stream != nil {
				put("stream "+string(r.Gist.Stream), part, len(r.Data))
			}
		})
		rows := 0
		for _, b := range p.Bursts {
			if b.Span != burstSpans[i].name {
				continue
			}
			rows++
			parts := counts[b.By+" "+b.Name]
			var most int64
			for _, c := range parts {
				most = max(most, c.commands)
			}
			at := int64(b.At) / int64(long)
			if got := (tally{b.Commands, b.Bytes}); b.Commands != most || parts[at] != got {
				t.Errorf("busiest %s of %s %s: %v at %s; it has %v, and the busiest %d", b.Span, b.By, b.Name, got, b.At.Digits(), parts[at], most)
			}
			if b.By == byAll {
				in := counts["command "+b.Command][at].commands
				for c := wire.CmdServer; c < wire.NumCommands; c++ {
					if n := counts["command "+c.String()][at].commands; n > in {
						t.Errorf("the busiest %s has more of %s than of %s", b.Span, c, b.Command)
					}
				}
				if b.CmdShare != share(in, b.Commands) || b.StrShare != share(counts["stream "+b.Stream][at].commands, b.Commands) {
					t.Errorf("the busiest %s is said to be filled by %s %s and %s %s", b.Span, b.Command, b.CmdShare.Digits(), b.Stream, b.StrShare.Digits())
				}
			}
		}
		if rows != 1+4+maxBursts {
			t.Errorf("%d rows of the busiest %s", rows, burstSpans[i].name)
		}
	}
}

// However far apart records are, there are no more slots than there may be.
func TestSlots(t *testing.T) {
	l := newTimeline(newSubjects())
	e := entry{Record: &journal.Record{Kind: journal.KindLine, Dir: wire.S2C, Data: []byte("PING 1\n"), Gist: wire.GistOf([]byte("PING 1\n"))}}
	for i := range 62 {
		e.at = 1<<i - 1
		l.take(&e)
	}
	s := l.commands[wire.CmdPing][0]
	if got := s.total(); len(s) > maxSlots || got.commands != 62 || l.origin+l.width()*maxSlots < e.at {
		t.Errorf("%d slots of %s with %d lines", len(s), time.Duration(l.width()), got.commands)
	}
}
