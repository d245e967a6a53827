package analyze

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repltap/journal"
)

// TestRunOfWorker: a worker that was played to a fresh master has said the same, and
// what is the master's own is not held against it.
func TestRunOfWorker(t *testing.T) {
	young := []string{"> NAME w1", "< SERVER lab.test", "> REPLICATE ", "< POSITION events master 5 5", "< POSITION typing master 0 0",
		"> USER_SYNC abcde @u:x start 5", "< RDATA events master 6 [1]", "> FEDERATION_ACK w1 7", "< RDATA typing master 1 [2]", "> FEDERATION_ACK w1 9"}
	old := []string{"> NAME w1", "> REPLICATE events 5", "> REPLICATE federation 3", "< POSITION events 5", "< POSITION federation 3", "> FEDERATION_ACK 4"}
	moved := func(l []string) []string {
		for i := range l {
			l[i] = strings.NewReplacer("ACK w1 7", "ACK w1 107", "ACK w1 9", "ACK w1 109", "events 5", "events 1", "ACK 4", "ACK 2").Replace(l[i])
		}
		return l
	}
	for _, x := range []struct {
		name     string
		recorded []string
		edit     func(l []string) []string
		run      journal.Run
		want     map[string]int64
	}{
		{"another process, at another time, of another server", young, func(l []string) []string {
			l[5], l[1] = "> USER_SYNC zzzzz @u:x start 6", "< SERVER other.test"
			return l
		}, journal.Run{}, nil},
		{"other rows, other tokens", young, func(l []string) []string {
			l[3], l[6] = "< POSITION events master 50 50", "< RDATA events master 51 [7]"
			return slices.Delete(l, 8, 9)
		}, journal.Run{}, nil},
		{"less was said", young, without("ACK w1 9"), journal.Run{}, map[string]int64{Missing: 1}},
		{"another token was said", young, replaced("ACK w1 9", "ACK w1 8"), journal.Run{}, map[string]int64{Changed: 1}},
		{"a stream is not answered for", young, without("POSITION typing"), journal.Run{}, map[string]int64{Missing: 1}},
		{"a stream more is answered for", young, func(l []string) []string { return append(l, "< POSITION caches master 1 1") }, journal.Run{}, map[string]int64{Extra: 1}},
		{"the master throws it out", young, func(l []string) []string { return append(l, "< ERROR ping timeout") }, journal.Run{}, map[string]int64{Extra: 1}},
		{"moved tokens", young, moved, journal.Run{Rebased: true}, nil},
		{"moved tokens of 1.12", old, moved, journal.Run{Rebased: true}, nil},
		{"moved by different numbers", young, replaced("ACK w1 9", "ACK w1 10"), journal.Run{Rebased: true}, map[string]int64{Changed: 1}},
		{"moved, and nobody said so", old, moved, journal.Run{}, map[string]int64{Changed: 2}},
		{"it begins in the middle", young[5:], func(l []string) []string { return append(slices.Clone(young[:5]), l...) }, journal.Run{From: time.Unix(1e9, 0)}, nil},
	} {
		x.run.Speed, x.run.As = 1, journal.RunWorker
		a, b := talk("", x.recorded...), talk("", x.edit(slices.Clone(x.recorded))...)
		c := compare(t, a.write(t, journal.Options{}), b.ran(t, x.run), Options{})
		if x.want == nil {
			x.want = map[string]int64{}
		}
		if d := cmp.Diff(x.want, c.Counts); d != "" {
			t.Errorf("%s: %s%s", x.name, d, text(c))
		}
	}
}

// TestRunOfWorkerEnds: a master that resets where it ended in order has not done the
// same, unless nobody kept time.
func TestRunOfWorkerEnds(t *testing.T) {
	a := talk("", "> NAME w1", "> REPLICATE ", "< POSITION events master 5 5")
	a[len(a)-1].ev.By = "master"
	b := slices.Clone(a)
	b[len(b)-1].ev.How = "reset"
	for speed, want := range map[float64]string{0: Same, 1: Different} {
		run := journal.Run{Speed: speed, As: journal.RunWorker}
		if c := compare(t, a.write(t, journal.Options{}), b.ran(t, run), Options{}); c.Verdict != want {
			t.Errorf("at %v: %s", speed, text(c))
		}
	}
}
