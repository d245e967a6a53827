package replay

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// kill ends the recording as SIGKILL does, and begins another in the same journal.
func (r *recording) kill() {
	r.t.Helper()
	if err := r.w.Sync(); err != nil {
		r.t.Fatal(err)
	}
	const file = "0000000001.journal"
	b, err := os.ReadFile(filepath.Join(r.dir, file)) // as it is when the process dies
	if err != nil {
		r.t.Fatal(err)
	}
	r.w.Close()
	r.dir = r.t.TempDir()
	if err := os.WriteFile(filepath.Join(r.dir, file), b, 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.pass(time.Second)
	if r.w, err = journal.Create(r.dir, journal.Options{Anchor: time.Unix(0, r.now), Past: true, Redact: wire.RedactNone}); err != nil {
		r.t.Fatal(err)
	}
	r.scribe = journal.NewScribe(r.w, wire.AllReleases, nil)
}

// cutRecording is a worker whose recording is killed, and that is there again in
// the next one.
func cutRecording(t *testing.T) *recording {
	rec := oneWorker(t, "FEDERATION_ACK w1 7\n")
	rec.pass(time.Second)
	rec.say(1, wire.S2C, "RDATA typing master 21 [\"!r:x\",[]]\n")
	rec.kill()
	rec.w.NextConn()
	rec.open(2)
	rec.say(2, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(2, wire.C2S, workerHello)
	rec.say(2, wire.S2C, position)
	rec.pass(time.Second)
	rec.say(2, wire.S2C, "RDATA typing master 31 [\"!r:x\",[]]\n")
	rec.pass(time.Second)
	rec.close(2, "fin", "worker")
	return rec
}

// What was open when a recording was killed is broken there, in either role.
func TestMasterOfCutRecording(t *testing.T) {
	run := serve(t, MasterConfig{Plan: cutRecording(t).plan(PlanOptions{}), Speed: 4})
	first := withoutPings(run.dial("NAME w1", "REPLICATE ").all().got)
	second := withoutPings(run.dial("NAME w1", "REPLICATE ").all().got)
	result := run.wait()
	if n := len(first); n == 0 || first[n-1] != `RDATA typing master 21 ["!r:x",[]]` || len(second) == 0 {
		t.Errorf("the first got %q, the second %q", first, second)
	}
	if c := result.Connections; len(c) != 2 || c[0].Plays != 1 || c[1].Plays != 2 || c[0].Note != "the recording was cut here" || c[0].By != "master" {
		t.Errorf("%+v", c)
	}
}

func TestWorkerOfCutRecording(t *testing.T) {
	m := newTestMaster(t)
	run := play(t, m.ln.Addr().String(), PlayerConfig{Plan: cutRecording(t).plan(PlanOptions{Worker: true}), Speed: 4}, 1)
	for conn := range 2 {
		c := m.accept()
		c.send("SERVER x", strings.TrimSpace(position))
		c.expect("NAME w1", "PING", "REPLICATE ")
		if conn == 0 {
			c.expect("FEDERATION_ACK w1 7")
		}
		if got := c.line(); got != "" || c.lines.Err() != nil {
			t.Errorf("after the last line %q, %v", got, c.lines.Err())
		}
		c.Close()
	}
	if c := run.wait().Connections; len(c) != 2 || c[0].Note != "the recording was cut here" || c[0].By != "worker" {
		t.Errorf("%+v", c)
	}
}
