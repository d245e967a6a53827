package replay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// goes takes all that may go at a time.
func (l *linkState) goes(now int64, since time.Duration) (n int) {
	for {
		data := l.due(now, since)
		if len(data) == 0 {
			return n
		}
		l.went(len(data))
		n += len(data)
	}
}

// TestLinkTimes: latency, bandwidth and stalls by the clock.
func TestLinkTimes(t *testing.T) {
	const ms = int64(time.Millisecond)
	t.Run("latency", func(t *testing.T) {
		l := linkState{Link: Link{Latency: 20 * time.Millisecond}}
		l.take(0, make([]byte, 100))
		l.take(5*ms, make([]byte, 10))
		at, ok := l.next(0, 0)
		if early := l.goes(20*ms-1, 0); early != 0 || !ok || at != 20*ms {
			t.Errorf("%d bytes early; next %v %v", early, at, ok)
		}
		if first, second := l.goes(20*ms, 0), l.goes(25*ms, 0); first != 100 || second != 10 || l.held != 0 {
			t.Errorf("%d and %d bytes, %d left", first, second, l.held)
		}
	})
	t.Run("bandwidth", func(t *testing.T) {
		l := linkState{Link: Link{Bandwidth: 1 << 20}}
		for l.room() > 0 {
			l.take(0, make([]byte, l.room()))
		}
		if l.held != DefaultLinkBuffer {
			t.Errorf("it holds %d bytes", l.held)
		}
		sent, most := 0, 0
		for now := ms; now <= 1000*ms; now += ms {
			n := l.goes(now, 0)
			sent, most = sent+n, max(most, n)
		}
		if sent > 1<<20 || sent < (1<<20)*98/100 || most > (1<<20)/100 {
			t.Errorf("%d bytes in a second, at most %d at once", sent, most)
		}
	})
	t.Run("stall", func(t *testing.T) {
		l := linkState{Link: Link{Stalls: []Stall{{At: time.Second, For: time.Minute}, {At: 30 * time.Second, For: time.Hour}}}}
		l.take(0, make([]byte, 10))
		for _, since := range []time.Duration{time.Second, 40 * time.Second, time.Hour} {
			if n := l.goes(0, since); n != 0 {
				t.Errorf("%d bytes after %v", n, since)
			}
		}
		if at, ok := l.next(0, 31*time.Second); !ok || at != int64(time.Hour-time.Second) {
			t.Errorf("next %v %v", time.Duration(at), ok)
		}
		if n := l.goes(0, 31*time.Minute+time.Hour); n != 10 {
			t.Errorf("%d bytes after it", n)
		}
	})
}

// stood is a recording of a worker that stopped reading while rows were written,
// and did not overflow.
func stood(t *testing.T, rows int) *recording {
	rec := record(t)
	rec.open(1)
	rec.say(1, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(1, wire.C2S, "NAME w1\nPING 1\nREPLICATE \n")
	rec.say(1, wire.S2C, position+"RDATA to_device master 11 [\"@first:x\"]\n")
	rec.pass(time.Second)
	rec.scribe.Event(rec.now, 1, wire.S2C, journal.KindStall, journal.Event{By: "worker"})
	for i := range rows {
		rec.pass(time.Millisecond)
		rec.say(1, wire.S2C, fmt.Sprintf("RDATA to_device master %d [\"@user%d:x\"]\n", 12+i, i))
	}
	rec.pass(time.Second)
	rec.scribe.Event(rec.now, 1, wire.S2C, journal.KindResume, journal.Event{By: "worker"})
	rec.pass(time.Second)
	rec.say(1, wire.S2C, fmt.Sprintf("RDATA to_device master %d [\"@last:x\"]\n", 12+rows))
	rec.close(1, "fin", "worker")
	return rec
}

// TestLinkStands: a worker that reads all the time meets the queue while the link
// stands still, as recorded or as asked for, and only then.
func TestLinkStands(t *testing.T) {
	const rows = 300
	small := Limits{HighWater: 1000, MaxQueue: 150} // more than is written in one go
	for name, c := range map[string]struct {
		link   Link
		speed  float64
		limits Limits
		kept   bool // it kept up
	}{
		"as recorded":            {Link{Recorded: true, Buffer: 2000}, 10, small, false},
		"as recorded, with room": {Link{Recorded: true}, 10, small, true},
		"at once":                {Link{Recorded: true, Buffer: 2000}, 0, small, true},
		"not as recorded":        {Link{Buffer: 2000}, 10, small, true},
		"as asked for":           {Link{Buffer: 2000, Stalls: []Stall{{For: 200 * time.Millisecond}}}, 100, small, false},
		"slow":                   {Link{Buffer: 2000, Bandwidth: 20_000}, 100, small, false},
		"slow, and a long queue": {Link{Buffer: 2000, Bandwidth: 100_000, Latency: time.Millisecond}, 100, Limits{HighWater: 1000}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := stood(t, rows)
			run := serve(t, MasterConfig{Plan: rec.plan(PlanOptions{}), Speed: c.speed, Link: c.link, Limits: c.limits})
			k := run.dial("NAME w1", "REPLICATE ").all()
			result := run.wait()
			got := rowsOf(k.got)["to_device"]
			last := k.got[len(k.got)-1]
			end := result.Connections[0]
			switch {
			case k.end != nil || k.part != "":
				t.Errorf("it ended with %v and %q", k.end, k.part)
			case c.kept && (len(got) != rows+2 || !strings.Contains(last, "@last:x")):
				t.Errorf("%d rows, the last line %q; %+v", len(got), last, end)
			case !c.kept && (last != "ERROR "+keepUpText || end.Queue != c.limits.MaxQueue+1 || len(got) > rows):
				t.Errorf("%d rows, the last line %q; %+v", len(got), last, end)
			}
			if want := rowsOf(recordedLines(t, rec.dir, 1))["to_device"]; !slices.Equal(got, want[:len(got)]) {
				t.Errorf("the rows are others than recorded")
			}
		})
	}
}
