package replay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"repltap/wire"
)

// newStreamer is a master with two connections whose greetings were taken.
func newStreamer(t *testing.T, version string, streams ...StreamStart) *Streamer {
	t.Helper()
	s, err := NewStreamer(StreamerConfig{Release: release(version), Server: "x", Began: traceBegan, Streams: streams})
	if err != nil {
		t.Fatal(err)
	}
	s.Connect(traceBegan, 1)
	s.Connect(traceBegan, 2)
	s.Events.Take()
	return s
}

func (s *Streamer) receive(id int, line string) {
	s.Receive(traceBegan, id, wire.Piece{Kind: wire.PieceLine, Text: []byte(line + "\n")})
}

// happened is the events since the last time, in words.
func (s *Streamer) happened() string {
	var list []string
	for _, ev := range s.Events.Take() {
		switch ev.Kind {
		case EventLine:
			list = append(list, fmt.Sprintf("%d:%s", ev.Conn, abbreviate(string(ev.Line))))
		case EventFetch:
			list = append(list, fmt.Sprintf("fetch %s %d %d", ev.Fetch.Stream, ev.Fetch.From, ev.Fetch.Upto))
		default:
			list = append(list, fmt.Sprintf("%d:%v", ev.Conn, ev.Kind))
		}
	}
	return strings.Join(list, "; ")
}

func expect(t *testing.T, s *Streamer, want string) {
	t.Helper()
	if got := s.happened(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestServerUp: who hears that a server is back.
func TestServerUp(t *testing.T) {
	for version, want := range map[string]string{
		"1.8.0":  "1:error",
		"1.9.0":  "1:server-up",
		"1.13.0": "2:REMOTE_SERVER_UP h",
		"1.79.0": "2:REMOTE_SERVER_UP h",
		"1.80.0": "",
	} {
		s := newStreamer(t, version)
		s.receive(1, "REMOTE_SERVER_UP h")
		got := s.happened()
		if strings.HasPrefix(got, "1:ERROR invalid command: REMOTE_SERVER_UP") {
			got = "1:error"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
	s := newStreamer(t, "1.12.4")
	s.ServerUp(traceBegan, []byte("REMOTE_SERVER_UP h"))
	expect(t, s, "1:REMOTE_SERVER_UP h; 2:REMOTE_SERVER_UP h")
}

// TestEnd: up to 1.12 a master may say why it goes.
func TestEnd(t *testing.T) {
	s := newStreamer(t, "1.12.4")
	s.End(traceBegan, 1, shutdownText)
	s.End(traceBegan, 2, "")
	expect(t, s, "1:ERROR server shutting down; 1:close; 2:close")
}

// TestRowTooLongForOne: a paused connection queues what the other can't send,
// and goes down with it later.
func TestRowTooLongForOne(t *testing.T) {
	s := newStreamer(t, "1.66.0", StreamStart{"events", 1})
	s.Outbox(1).Pause()
	s.Wrote("events", 2)
	s.Poke(traceBegan)
	expect(t, s, "1:pause; fetch events 1 2")
	s.Answer(traceBegan, s.Fetching()[0].ID, Page{Upto: 2, Rows: []Row{{2, []byte(`["` + strings.Repeat("x", wire.MaxLine) + `"]`)}}})
	expect(t, s, "2:row-lost")
	s.Resume(traceBegan, 1)
	expect(t, s, "1:resume; 1:drop; 1:stop")
	if s.Outbox(1) != nil || s.Outbox(2) == nil {
		t.Error("the wrong connection is gone")
	}
}

// TestFailureTooLongToSay: the answer can't be sent, so the connection stays.
func TestFailureTooLongToSay(t *testing.T) {
	s := newStreamer(t, "1.12.4")
	s.receive(1, "REPLICATE "+strings.Repeat("n", wire.MaxLine-30)+" 5")
	expect(t, s, "1:row-lost")
	if s.Outbox(1).State() != StateEstablished {
		t.Errorf("%v, want established", s.Outbox(1).State())
	}
}

// TestUnknownStream: the name is quoted as Python quotes it.
func TestUnknownStream(t *testing.T) {
	s := newStreamer(t, "1.12.4")
	s.receive(1, `REPLICATE it's%s 5`)
	expect(t, s, `1:ERROR failed to handle replicate: Exception('unknown stream %s', "it's%s"); 1:close`)
}

// TestRowTooLongToCatchUp: the connection is closed, and will come back for the
// same row for ever.
func TestRowTooLongToCatchUp(t *testing.T) {
	s := newStreamer(t, "1.12.4", StreamStart{"typing", 2})
	s.receive(1, "REPLICATE typing 1")
	s.Events.Take()
	s.Answer(traceBegan, s.Fetching()[0].ID, Page{Rows: []Row{{2, []byte(strings.Repeat("1", wire.MaxLine))}}})
	expect(t, s, "1:ERROR failed to handle replicate: Exception('Failed to send command RDATA as too long (16399 > 16384)'); 1:close")
}

// TestSilence: only a peer that has sent PING is held to it, and nothing but a
// valid line counts.
func TestSilence(t *testing.T) {
	s := newStreamer(t, "1.66.0")
	s.receive(1, "PING 1")
	s.receive(2, "NAME w2")
	at := func(seconds int) int64 { return traceBegan + int64(seconds)*int64(time.Second) }
	s.Advance(at(5))
	s.Events.Take()
	s.Receive(at(20), 1, wire.Piece{Kind: wire.PieceFragment, Text: []byte("NA")})
	s.Advance(at(25))
	s.Events.Take()
	s.Advance(at(30))
	expect(t, s, "1:PING 1600000030000; 1:silent; 1:ERROR ping timeout; 1:close; 2:PING 1600000030000")
	s.receive(1, "REPLICATE")
	s.receive(1, "FOO")
	expect(t, s, "1:ignored; 1:ignored")
	s.Advance(at(55))
	expect(t, s, "2:PING 1600000055000")
	s.Advance(at(60))
	expect(t, s, "1:abort; 2:PING 1600000060000")
}

// TestFallenBehind: the number of rows, and what is said of it, are the
// release's.
func TestFallenBehind(t *testing.T) {
	for version, want := range map[string]string{
		"0.33.4": "fetch events 1 9 10001; fallen behined",
		"1.11.1": "fetch events 1 9 10001; fallen behind",
		"1.12.0": "fetch events 1 9 500001; fallen behind",
	} {
		s := newStreamer(t, version, StreamStart{"events", 9})
		s.receive(1, "REPLICATE events 1")
		f := s.Fetching()[0]
		s.Answer(traceBegan, f.ID, Page{Rows: make([]Row, f.Limit-1)})
		_, said, _ := strings.Cut(s.happened(), "'stream events has ")
		said, _, _ = strings.Cut(said, "'")
		if got := fmt.Sprintf("fetch %s %d %d %d; %s", f.Stream, f.From, f.Upto, f.Limit, said); got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}

// TestTwiceTheSameStream is refused: fetches name streams.
func TestTwiceTheSameStream(t *testing.T) {
	if _, err := NewStreamer(StreamerConfig{Release: release("1.66.0"), Streams: []StreamStart{{"a", 1}, {"a", 1}}}); err == nil {
		t.Error("no error")
	}
	if _, err := NewStreamer(StreamerConfig{Release: release("0.20.0")}); err == nil {
		t.Error("no error for a release without the protocol")
	}
}

// TestPollEveryWholeSecond: only where events is published, and from 1.22 on.
func TestPollEveryWholeSecond(t *testing.T) {
	for version, polls := range map[string]bool{"1.21.0": false, "1.22.0": true} {
		s, err := NewStreamer(StreamerConfig{Release: release(version), Began: traceBegan, Streams: []StreamStart{{"events", 1}}})
		if err != nil {
			t.Fatal(err)
		}
		next, ok := s.Next()
		if ok != polls || ok && next != traceBegan+pollEvery {
			t.Errorf("%s: next at %d, %v", version, next-traceBegan, ok)
		}
		s.Advance(traceBegan + 5*pollEvery/2)
		if next, _ := s.Next(); polls && next != traceBegan+3*pollEvery {
			t.Errorf("next at %d after a late one, want 3 s", next-traceBegan)
		}
	}
}
