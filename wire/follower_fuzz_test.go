package wire

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// fuzzReleases has one of each range in which workers do the same.
var fuzzReleases = []string{"0.21.0", "0.99.0", "1.12.4", "1.13.0", "1.15.2", "1.16.1", "1.19.0", "1.22.0", "1.66.0", "1.92.0", "1.96.1", "1.97.0"}

// fuzzScript plays what bytes say to a follower, and checks after every step
// what has to hold.
type fuzzScript struct {
	t     *testing.T
	f     *Follower
	data  []byte
	now   int64
	next  int // number of the next connection
	live  int64
	fetch int64
}

func (s *fuzzScript) byte() int {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return int(b)
}

func (s *fuzzScript) of(words ...string) string { return words[s.byte()%len(words)] }

func (s *fuzzScript) conn() int { return 1 + s.byte()%max(1, s.next) }

func (s *fuzzScript) token() int64 { return int64(s.byte() % 12) }

func (s *fuzzScript) row() string {
	return s.of(`["@u:x"]`, `["!r:x",[]]`, `["ev",[1,2,3,4,5,6]]`, `{"k":1}`, `"a"`, `"ab"`, `null`, `[1,2,3,4,5]`, `[`, `["ev",{"a":1}]`)
}

// line is one in the dialect of the release, or nearly.
func (s *fuzzScript) line() string {
	stream := s.of("to_device", "typing", "events", "federation", "caches", "nosuch")
	from := ""
	if s.f.has&ftSubscribes == 0 {
		from = s.of("m ", "w2 ", "w1 ", "m ")
	}
	switch s.byte() % 8 {
	case 0, 1, 2:
		return fmt.Sprintf("RDATA %s %s%d %s", stream, from, s.token(), s.row())
	case 3:
		return fmt.Sprintf("RDATA %s %sbatch %s", stream, from, s.row())
	case 4, 5:
		if s.f.release >= release(1, 22, 0) {
			return fmt.Sprintf("POSITION %s %s%d %d", stream, from, s.token(), s.token())
		}
		return fmt.Sprintf("POSITION %s %s%d", stream, from, s.token())
	case 6:
		return s.of("PING 5", "SERVER example.com", "SERVER x", "ERROR x", "REMOTE_SERVER_UP h", "")
	}
	n := min(s.byte(), len(s.data))
	raw := string(s.data[:n])
	s.data = s.data[n:]
	return raw
}

func (s *fuzzScript) step() []Effect {
	switch s.byte() % 12 {
	case 0:
		s.next++
		return s.f.Connected(s.next, s.now)
	case 1:
		return s.f.Lost(s.conn())
	case 2:
		s.now += int64(s.byte()) * 1e8
		return s.f.Tick(s.now)
	case 3:
		return s.f.FetchFailed(s.byte())
	case 4, 5:
		id := s.byte()
		if all := s.f.Fetching(); len(all) > 0 {
			id = all[id%len(all)]
		}
		var rows []FetchedRow
		for range s.byte() % 4 {
			rows = append(rows, FetchedRow{s.token(), []byte(s.of(`["@u:x"]`, `["!r:x",[]]`, `["f","b",3]`, `"a"`))})
		}
		return s.f.Fetched(id, rows, s.token(), s.byte()%2 == 0)
	case 6:
		return s.f.Receive(s.conn(), s.now, Piece{Kind: PieceFragment, Text: []byte("RDATA"), Over: s.byte()%2 == 0})
	}
	return s.f.Receive(s.conn(), s.now, Piece{Kind: PieceLine, Text: []byte(s.line() + "\n")})
}

// check holds the effects to what is true of all of them.
func (s *fuzzScript) check(effects []Effect, before map[int]ConnState) {
	for _, e := range effects {
		switch e.Kind {
		case EffectDeliver:
			if len(e.Rows) == 0 {
				s.t.Fatal("nothing is delivered")
			}
			if e.Fetched {
				s.fetch += int64(len(e.Rows))
			} else {
				s.live += int64(len(e.Rows))
			}
			if rule := s.f.streams[e.Stream].store.rule; rule.Move == MoveMax && s.f.Token(e.Stream, e.Instance) < e.Token {
				s.t.Fatalf("%s of %s stands at %d after %d", e.Stream, e.Instance, s.f.Token(e.Stream, e.Instance), e.Token)
			}
		case EffectWrite, EffectClose, EffectAbort:
			if before[e.Conn] == ConnNone && s.f.State(e.Conn) == ConnNone {
				s.t.Fatalf("%s on connection %d, which is none", e.Kind, e.Conn)
			}
		case EffectFetch:
			if e.Query != (e.From != e.Token) {
				s.t.Fatalf("fetch from %d up to %d: query %v", e.From, e.Token, e.Query)
			}
		}
	}
	s.checkHeld()
}

// checkHeld holds the counts to what is there.
func (s *fuzzScript) checkHeld() {
	f, held := s.f, 0
	add := func(rows [][]byte) {
		for _, row := range rows {
			held += len(row) + heldCost
		}
	}
	live, fetched, pending := int64(0), int64(0), 0
	for _, stream := range f.streams {
		add(stream.batch.rows)
		for _, cmd := range stream.waiting[stream.next:] {
			held += len(cmd.row) + heldCost
		}
		for _, c := range f.conns {
			if b := c.batches[stream]; b != nil {
				add(b.rows)
			}
		}
		if stream.pending != nil {
			pending++
		} else if f.Waiting(stream.name) > 0 {
			s.t.Fatalf("%s: %d wait for nothing", stream.name, f.Waiting(stream.name))
		}
		live, fetched = live+stream.counts.Live, fetched+stream.counts.Fetched
	}
	if held != f.HeldBytes() || live != s.live || fetched != s.fetch || pending != len(f.Fetching()) {
		s.t.Fatalf("held %d of %d, live %d of %d, fetched %d of %d, pending %d of %d",
			f.HeldBytes(), held, live, s.live, fetched, s.fetch, len(f.Fetching()), pending)
	}
}

// FuzzFollower plays random scripts to workers of every range of releases.
func FuzzFollower(f *testing.F) {
	for i := range fuzzReleases {
		seed := []byte{byte(i), 0}
		for j := range uint64(40) {
			seed = binary.BigEndian.AppendUint64(seed, (j+1)*0x9E3779B97F4A7C15)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &fuzzScript{t: t, data: data[:min(len(data), 2000)]}
		version := s.of(fuzzReleases...)
		s.f = follower(t, version)
		for len(s.data) > 0 {
			before := map[int]ConnState{}
			for _, c := range s.f.Connections() {
				before[c] = s.f.State(c)
			}
			s.check(s.step(), before)
		}
	})
}
