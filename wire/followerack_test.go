package wire

import "testing"

// A worker that sends to other servers says how far it is in the federation
// stream, in the words of its release; others do not.
func TestFollowerAcknowledges(t *testing.T) {
	for version, want := range map[string]struct{ position, row, ack, again string }{
		"1.12.4": {"POSITION federation 7", `RDATA federation 8 ["k",{}]`, "FEDERATION_ACK 8", ""},
		"1.13.0": {"POSITION federation master 0", `RDATA federation master 8 ["k",{}]`, "", ""},
		"1.15.2": {"POSITION federation master 0", `RDATA federation master 8 ["k",{}]`, "FEDERATION_ACK 8", "FEDERATION_ACK 0"},
		"1.19.0": {"POSITION federation master 0", `RDATA federation master 8 ["k",{}]`, "FEDERATION_ACK w1 8", "FEDERATION_ACK w1 0"},
		"1.66.0": {"POSITION federation master 0 0", `RDATA federation master 8 ["k",{}]`, "FEDERATION_ACK w1 8", "FEDERATION_ACK w1 0"},
	} {
		for _, sends := range []bool{true, false} {
			f := follower(t, version, func(c *FollowerConfig) {
				c.SendsFederation = sends
				c.Streams = append(c.Streams, FollowedStream{Name: "federation", Token: 5})
			})
			f.Connected(1, 0)
			said := func(line string) (out string) {
				for _, e := range f.Receive(1, second, Piece{Kind: PieceLine, Text: []byte(line + "\n")}) {
					if e.Kind == EffectWrite {
						out += string(e.Line)
					}
				}
				return out
			}
			if !sends {
				want.ack, want.again = "", ""
			}
			for _, step := range [][2]string{{want.position, want.again}, {want.row, want.ack}, {want.position, want.again}} {
				if got := said(step[0]); got != step[1] {
					t.Errorf("%s, sending %v: to %s it says %q, want %q", version, sends, step[0], got, step[1])
				}
			}
		}
	}
}

// Up to 1.12 nothing is acknowledged twice, nor what it stood at before.
func TestFollowerAcknowledgesNews(t *testing.T) {
	f := follower(t, "1.12.4", func(c *FollowerConfig) {
		c.SendsFederation = true
		c.Streams = []FollowedStream{{Name: "federation", Token: 5}}
	})
	f.Connected(1, 0)
	for _, step := range []struct{ line, ack string }{
		{`RDATA federation 5 ["k",{}]`, ""}, {`RDATA federation 6 ["k",{}]`, "1> FEDERATION_ACK 6"}, {`RDATA federation 6 ["k",{}]`, ""},
	} {
		got := receive(f, 1, second, step.line)
		if last := got[len(got)-1]; (last == step.ack) != (step.ack != "") {
			t.Errorf("%s: %q", step.line, got)
		}
	}
}
