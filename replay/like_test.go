package replay

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repltap/journal"
	"repltap/wire"
)

func (r *recording) likeness(conn uint64, name string) (*Likeness, error) {
	r.t.Helper()
	if err := r.w.Close(); err != nil {
		r.t.Fatal(err)
	}
	reader, err := journal.Open(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	return LikeRecorded(r.t.Context(), reader, conn, name)
}

// What a worker was is read from what it said and was told.
func TestLikeRecorded(t *testing.T) {
	for _, c := range []struct {
		file string
		want Likeness
	}{
		{"0.99.0/01-mix/conn-2.jsonl.zst", Likeness{Conn: 1, Worker: "w2", Release: testRelease(t, "0.99.2"), SendsFederation: true,
			Streams: []string{"caches", "presence", "device_lists", "events", "backfill", "receipts", "to_device", "federation"}}},
		{"1.66.0/06-ping-timeout-sigstop-quiet/conn-1.jsonl.zst", Likeness{Conn: 1, Worker: "w1", Release: LastTCPRelease,
			Faults: []Fault{{Kind: FaultFreeze, At: 5_499_582_384, For: 62_589_091_282}}}},
	} {
		rec := record(t)
		rec.capture(c.file)
		got, err := rec.likeness(0, "")
		if err != nil {
			t.Fatal(err)
		}
		starts := map[string]int64{}
		for _, s := range got.Start {
			starts[s.Stream+"/"+s.Instance] = s.Token
		}
		if len(got.Start) != len(starts) || len(starts) < 8 || got.Release < testRelease(t, "1.13.0") && starts["federation/"] != -1 {
			t.Errorf("%s: it stands at %v", c.file, got.Start)
		}
		got.Start = nil
		if d := cmp.Diff(&c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.file, d)
		}
	}
}

// Several connections, users, a stream that is no more, and NOW.
func TestLikeOneOf(t *testing.T) {
	rec := record(t)
	rec.open(1)
	rec.say(1, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(1, wire.C2S, "NAME w1\nPING 1\n")
	for conn := uint64(2); conn < 4; conn++ {
		name := fmt.Sprint("w", conn)
		rec.open(conn)
		rec.say(conn, wire.C2S, "NAME "+name+"\nPING 1\nREPLICATE current_state_deltas 4\nREPLICATE events NOW\nREPLICATE typing "+name[1:]+
			"\nUSER_SYNC @a:x start 5\nUSER_SYNC @b:x end 5\n")
		rec.say(conn, wire.S2C, "SERVER x\nPING 1\nPOSITION events 44\nPOSITION typing 9\n")
		rec.pass(2 * time.Second)
		rec.say(conn, wire.C2S, "USER_SYNC @c:x start 5\n")
	}
	got, err := rec.likeness(0, "w3")
	if err != nil {
		t.Fatal(err)
	}
	want := &Likeness{Conn: 3, Worker: "w3", Release: testRelease(t, "0.99.3"), Streams: []string{"current_state_deltas", "events", "typing"},
		Start: []StartToken{{Stream: "current_state_deltas", Token: 4}, {Stream: "typing", Token: 3}, {Stream: "events", Token: 44}}, Syncing: []string{"@a:x"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for want, of := range map[string]struct {
		conn uint64
		name string
	}{
		"no worker asks for replication on connection 1 of the journal":            {1, ""},
		`no worker "w9" asks for replication in the journal; there are w1, w2, w3`: {0, "w9"},
	} {
		reader, _ := journal.Open(rec.dir)
		if _, err := LikeRecorded(t.Context(), reader, of.conn, of.name); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
