package wire

import (
	"fmt"
	"testing"
)

// BenchmarkFollowerReceive is live rows of three streams to a worker that is
// caught up.
func BenchmarkFollowerReceive(b *testing.B) {
	for _, version := range []string{"1.12.4", "1.66.0", "1.97.0"} {
		b.Run(version, func(b *testing.B) {
			f := follower(b, version, func(c *FollowerConfig) { c.Start = 5 })
			f.Connected(1, 0)
			lines := benchRows(f)
			rows := 0
			b.ReportAllocs()
			for b.Loop() {
				for _, s := range benchStreams { // so that the same tokens are new again
					f.streams[s].store = newStreamPositions(f.release, FollowedStream{Name: s, Token: 5})
				}
				for _, line := range lines {
					for _, e := range f.Receive(1, 0, Piece{Kind: PieceLine, Text: line}) {
						rows += len(e.Rows)
					}
				}
			}
			if rows != b.N*len(lines) {
				b.Errorf("%d rows of %d were delivered", rows, b.N*len(lines))
			}
			perLine(b, len(lines))
		})
	}
}

var benchStreams = []string{"to_device", "typing", "events"}

// benchRows catches the streams up and is a thousand rows of them.
func benchRows(f *Follower) (lines [][]byte) {
	from, position, events := "master ", "POSITION %s master 5 5", "null,null,null,null,false,false"
	switch {
	case f.has&ftSubscribes != 0:
		from, position, events = "", "POSITION %s 5", "null,null,null"
	}
	for _, s := range benchStreams {
		receive(f, 1, 0, fmt.Sprintf(position, s))
		for _, id := range f.Fetching() {
			f.Fetched(id, nil, 5, false)
		}
	}
	for token := 6; len(lines) < 999; token++ {
		lines = append(lines,
			fmt.Appendf(nil, "RDATA to_device %s%d [\"@user%d:example.com\"]\n", from, token, token),
			fmt.Appendf(nil, "RDATA typing %s%d [\"!room:example.com\",[\"@user%d:example.com\"]]\n", from, token, token),
			fmt.Appendf(nil, "RDATA events %s%d [\"ev\",[\"$abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\",\"!room:example.com\",\"m.room.message\",%s]]\n", from, token, events))
	}
	return lines
}
