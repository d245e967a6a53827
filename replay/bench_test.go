package replay

import (
	"fmt"
	"testing"
)

// BenchmarkRound is a row from the schedule to the kernel, for four workers.
func BenchmarkRound(b *testing.B) {
	s, err := NewStreamer(StreamerConfig{Release: release("1.66.0"), Server: "x", Began: traceBegan, Streams: []StreamStart{{"events", 0}, {"to_device", 0}}})
	if err != nil {
		b.Fatal(err)
	}
	for id := range 4 {
		s.Connect(traceBegan, id+1)
	}
	row := fmt.Appendf(nil, `["@user:example.com"]`)
	b.ReportAllocs()
	for i := range b.N {
		token := int64(i + 1)
		s.Wrote("to_device", token)
		s.Poke(traceBegan)
		for _, ev := range s.Events.Take() {
			if ev.Kind == EventFetch {
				s.Answer(traceBegan, ev.Fetch.ID, Page{Rows: []Row{{token, row}}, Upto: token})
			}
		}
		for id := range 4 {
			s.Took(traceBegan, id+1, len(s.Outbox(id+1).Pending()))
		}
	}
}
