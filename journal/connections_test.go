package journal

import (
	"context"
	"fmt"
	"testing"
	"time"

	"repltap/wire"
)

// TestConnections: the heads of the files say which connections there are and
// when they were open, while it is recorded and after.
func TestConnections(t *testing.T) {
	anchor := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	dir := t.TempDir()
	w, err := Create(dir, Options{Anchor: anchor, Past: true})
	if err != nil {
		t.Fatal(err)
	}
	s := NewScribe(w, wire.AllReleases, nil)
	at := func(second int64) int64 { return anchor.UnixNano() + second*1e9 }
	for conn, name := range map[uint64]string{1: "w1", 2: "w2"} {
		s.Open(at(int64(conn)), conn, Event{})
		s.Chunk(at(int64(conn)), conn, wire.C2S, 0, []byte("NAME "+name+"\n"))
	}
	zero := int64(0)
	s.Close(at(9), 1, Event{S2C: &zero, C2S: &zero})
	seen := func(want string) bool {
		r, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, c := range r.Connections(context.Background()) {
			to := "?"
			if c.To < 1<<62 {
				to = fmt.Sprint((c.To - at(0)) / 1e9)
			}
			got += fmt.Sprintf("%d %s %d %s; ", c.Conn, c.Worker, (c.From-at(0))/1e9, to)
		}
		if got != want {
			t.Logf("%s", got)
		}
		return got == want
	}
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	if !seen("1 w1 1 9; 2 w2 2 ?; ") {
		t.Error("while it is recorded it says something else")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !seen("1 w1 1 9; 2 w2 2 9; ") {
		t.Error("after that it says something else")
	}
}
