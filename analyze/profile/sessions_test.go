package profile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"repltap/journal"
	"repltap/wire"
)

// From 1.13 on sessions are those of an instance, whatever becomes of its connection.
func TestSessionsOfInstances(t *testing.T) {
	x := newTape(t)
	m := time.Minute
	x.open(0, 1)
	x.c2s(0, 1, "NAME w1\nUSER_SYNC aaaaa @u1:s start 1\nUSER_SYNC aaaaa @u2:s start 1\n")
	x.c2s(1*m, 1, "USER_SYNC aaaaa @u1:s end 1\nUSER_SYNC aaaaa @u3:s end 1\n")
	x.close(2*m, 1)
	x.open(2*m, 2)
	x.c2s(2*m, 2, "NAME w1\nUSER_SYNC aaaaa @u2:s start 1\n")    // again, on another connection
	x.c2s(8*m, 2, "USER_SYNC aaaaa @u4:s start 1\n")             // after six minutes of silence
	x.open(9*m, 3)                                               // a crash
	x.c2s(9*m, 3, "NAME w1\nUSER_SYNC bbbbb @u2:s D1 start 1\n") // 1.92: with a device
	x.c2s(9*m, 3, "USER_SYNC bbbbb @u2:s None start 1\n")        // and without
	x.c2s(10*m, 3, "USER_SYNC_KEEPALIVE bbbbb\nCLEAR_USER_SYNC bbbbb\n")
	x.close(11*m, 3)
	x.open(11*m, 4)
	x.c2s(11*m, 4, "NAME w1\nUSER_SYNC ccccc @u5:s start 1\n")
	x.close(12*m, 4)
	p := x.profile(Options{Reveal: true})

	s := func(d time.Duration) Seconds { return Seconds(d) }
	want := []SessionRow{
		{Worker: "w1", Instance: "aaaaa", Conn: 2, First: 0, Started: 3, Again: 1, Ended: 1, NeverEnded: 2, NoStart: 1, AtMost: 2, Longest: s(12 * m), Silent: 1, Replaced: 1},
		{Worker: "w1", Instance: "bbbbb", Conn: 3, First: At(9 * m), Started: 2, Cleared: 2, AtMost: 2, Longest: s(1 * m), WithDevice: 1, Keepalives: 1},
		{Worker: "w1", Instance: "ccccc", Conn: 4, First: At(11 * m), Started: 1, NeverEnded: 1, AtMost: 1, Longest: s(1 * m)},
	}
	if d := cmp.Diff(want, p.Sessions); d != "" {
		t.Error("sessions:", d)
	}
	var events []string
	for _, e := range p.SessionEvents {
		events = append(events, fmt.Sprintf("%s %s %s %d %s %s", e.At.Digits(), e.Instance, e.What, e.Open, e.For.Digits(), e.By))
	}
	if got := strings.Join(events, ", "); got != "120.000000 aaaaa silent 1 360.000 , 540.000000 aaaaa replaced 2  bbbbb" {
		t.Errorf("events: %s", got)
	}
	var open []string
	for _, o := range p.OpenSessions {
		open = append(open, fmt.Sprintf("%s %s %s %s", o.At.Digits(), o.Instance, o.User, o.For.Digits()))
	}
	if got := strings.Join(open, ", "); got != "0.000000 aaaaa @u2:s 720.000, 480.000000 aaaaa @u4:s 240.000, 660.000000 ccccc @u5:s 60.000" {
		t.Errorf("never ended: %s", got)
	}
	if c := p.SessionTotals; c.Started != 6 || c.AtMost != 4 || c.NeverEnded != 3 || c.Silent != 1 || c.Replaced != 1 {
		t.Errorf("all: %+v", c)
	}
}

// Up to 1.12 they end with the connection.
func TestSessionsOfConnections(t *testing.T) {
	x := newTape(t)
	x.open(0, 1)
	x.c2s(0, 1, "NAME w1\nUSER_SYNC @u1:s start 1\nUSER_SYNC @u2:s start 1\nUSER_SYNC @u1:s end 1\n")
	x.open(0, 2)
	x.c2s(0, 2, "NAME w2\nUSER_SYNC @u2:s end 1\n")
	x.close(7*time.Minute, 1)
	x.c2s(7*time.Minute, 2, "USER_SYNC @u2:s start 1\n")
	p := x.profile(Options{})
	want := []SessionRow{
		{Worker: "w1", Conn: 1, Started: 2, Ended: 1, Dropped: 1, AtMost: 2, Longest: Seconds(7 * time.Minute), Silent: 1},
		{Worker: "w2", Conn: 2, Started: 1, NoStart: 1, NeverEnded: 1, AtMost: 1},
	}
	if d := cmp.Diff(want, p.Sessions, cmpopts.EquateEmpty()); d != "" {
		t.Error("sessions:", d)
	}
	if len(p.OpenSessions) != 1 || p.OpenSessions[0].User != "user 1" {
		t.Errorf("never ended: %+v", p.OpenSessions)
	}
}

// However many processes and sessions there are, what is kept of them is bounded,
// and what is not followed is counted.
func TestSessionBounds(t *testing.T) {
	s, p := newSessions(newNaming(Options{})), &Profile{}
	s.room = 5000
	say := func(conn uint64, kind journal.Kind, text string) {
		rec := &journal.Record{Seq: 1, Conn: conn, Dir: wire.C2S, Kind: kind, Data: []byte(text), Gist: wire.GistOf([]byte(text))}
		s.take(&entry{Record: rec, conn: &connection{id: conn, whole: true}})
	}
	for i := range 3000 {
		say(1, journal.KindLine, fmt.Sprintf("USER_SYNC p%d @u:s start 1\n", i))
	}
	for i := range 5000 {
		say(1, journal.KindLine, fmt.Sprintf("USER_SYNC p0 @u%d:s start 1\n", i))
	}
	for i := range uint64(3000) {
		say(i+2, journal.KindLine, "USER_SYNC @u:s start 1\n")
		say(i+2, journal.KindClose, "")
	}
	s.finish(p)
	c := p.SessionTotals
	if len(p.Sessions) > maxSessionRows+1 || c.AtMost != 5000 || len(p.OpenSessions) != maxOldSessions || c.Unfollowed != 2000+1000+3000 {
		t.Errorf("%d rows, %d old ones, %+v", len(p.Sessions), len(p.OpenSessions), c)
	}
	if got := strings.Join(p.Notes, " "); !strings.Contains(got, "6000 lines about presence sessions were left out") {
		t.Error(got)
	}
}
