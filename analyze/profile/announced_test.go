package profile

import (
	"strings"
	"testing"
)

// TestAnnouncedNoLonger: a stream or a writer that a master announced, and left out
// of a later answer to REPLICATE, stands out. One that is announced again does not,
// nor what may only not have come yet.
func TestAnnouncedNoLonger(t *testing.T) {
	for name, c := range map[string]struct{ story, want, highlight string }{
		"a stream": {`
			0 1 open
			0 1 > SERVER x
			0 1 < REPLICATE
			1 1 > POSITION events master 5 5
			1 1 > POSITION to_device master 5 5
			5000 1 close fin master
			6000 2 open
			6000 2 > SERVER x
			6000 2 < REPLICATE
			6001 2 > POSITION events master 5 5
			9000 2 > PING 1`, "announced no longer to_device - 6.000000", "since 6.000000 s: to_device."},
		"one of two writers": {`
			0 1 open
			0 1 > SERVER x
			0 1 < REPLICATE
			1 1 > POSITION events w1 5 5
			1 1 > POSITION events w2 5 5
			6000 2 open
			6000 2 > SERVER x
			6000 2 < REPLICATE
			6001 2 > POSITION events w1 5 5
			9000 2 > PING 1`, "announced no longer events w2 6.000000", "since 6.000000 s: events by w2."},
		"asked for by name": {`
			0 1 open
			0 1 > SERVER x
			0 1 < REPLICATE typing 0
			1 1 > POSITION typing 5
			6000 2 open
			6000 2 > SERVER x
			6000 2 < REPLICATE typing 5
			6000 2 < REPLICATE events 5
			6001 2 > POSITION events 5
			60000 2 > PING 1`, "announced no longer typing - 6.000000", "since 6.000000 s: typing."},
		"announced again": {`
			0 1 open
			0 1 > SERVER x
			0 1 < REPLICATE
			1 1 > POSITION events master 5 5
			1 1 > POSITION to_device master 5 5
			6000 2 open
			6000 2 > SERVER x
			6000 2 < REPLICATE
			6001 2 > POSITION events master 5 5
			9000 2 > PING 1
			9001 2 > POSITION to_device master 5 5`, "", ""},
		"the answer was not over": {`
			0 1 open
			0 1 > SERVER x
			0 1 < REPLICATE
			1 1 > POSITION events master 5 5
			1 1 > POSITION to_device master 5 5
			6000 2 open
			6000 2 > SERVER x
			6000 2 < REPLICATE
			6001 2 > POSITION events master 5 5
			6002 2 close fin master`, "", ""},
		"a release may not have it": {`
			0 1 open
			0 1 > SERVER x
			0 1 < REPLICATE
			1 1 > POSITION events master 5 5
			1 1 > POSITION groups master 5 5
			6000 2 open
			6000 2 > SERVER x
			6000 2 < REPLICATE
			6001 2 > POSITION events master 5 5
			9000 2 > PING 1`, "announced no longer groups - 6.000000", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := profiled(t, strings.ReplaceAll(c.story, "REPLICATE\n", "REPLICATE \n"))
			got := strings.Join(grep(shown(t, p, "silence", "what", "stream", "instance", "at_s"), silentGone), "\n")
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			told := ""
			for _, h := range p.Highlights {
				if _, after, ok := strings.Cut(h.Text, "missing in the answers to REPLICATE "); ok {
					told = h.Severity + " " + after
				}
			}
			if told != strings.TrimSpace("problem "+c.highlight) && !(told == "" && c.highlight == "") {
				t.Errorf("the highlights say %q, want %q", told, c.highlight)
			}
		})
	}
}
