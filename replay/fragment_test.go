package replay

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repltap/wire"
)

// A line that was cut off is played when it was sent, in either role, although it is
// known to be cut off only when its connection ends, after what came meanwhile.
func TestCutLineIsPlayedWhenItWasSent(t *testing.T) {
	rec := record(t)
	rec.open(1)
	rec.say(1, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(1, wire.C2S, "NAME w1\nPING 1\nREPLICATE events 5\n")
	rec.say(1, wire.S2C, "POSITION events 5\n")
	rec.pass(time.Second)
	rec.say(1, wire.S2C, "RDATA events 6 [\"a")
	rec.pass(time.Second)
	rec.say(1, wire.C2S, "USER_SYNC @u:x st")
	rec.pass(4 * time.Second)
	rec.close(1, "fin", "master")
	rec.plan(PlanOptions{})
	for _, x := range []struct {
		o    PlanOptions
		want []string
	}{
		{PlanOptions{}, []string{"0 1 ask", "0 1 move", `1 1 cut RDATA events 6 ["a`, "6 1 end"}},
		{PlanOptions{Worker: true}, []string{"0 1 open", "0 1 say NAME w1", "0 1 say REPLICATE events 5", "2 1 cut USER_SYNC @u:x st", "6 1 end", "6 1 end"}},
	} {
		if diff := cmp.Diff(x.want, told(t, rec.replan(x.o))); diff != "" {
			t.Errorf("worker %v:\n%s", x.o.Worker, diff)
		}
	}
}
