package wire

import "testing"

// TestStreamsHaveShapes: whatever dialect has a stream knows what its rows look
// like, and no two rows of one release look the same but mean different things.
func TestStreamsHaveShapes(t *testing.T) {
	for i := range streams {
		s := &streams[i]
		if StreamOf([]byte(s.Name)) != s {
			t.Errorf("%s is not found by its name", s.Name)
		}
		var in ReleaseSet
		for j := range s.Shapes {
			a := &s.Shapes[j]
			in |= a.In()
			for k := range j {
				b := &s.Shapes[k]
				same := a.Tag == b.Tag && a.outer.n == b.outer.n && a.inner.n == b.inner.n && a.outer.types&b.outer.types == a.outer.types
				if same && s.Name != "caches" {
					t.Errorf("%s: rows of two shapes with the tag %q can't be told apart", s.Name, a.Tag)
				}
			}
		}
		if s.In()&^in != 0 {
			t.Errorf("%s has no rows in %v", s.Name, s.In()&^in)
		}
	}
	if StreamOf([]byte("nosuch")) != nil {
		t.Error("a stream that does not exist is found")
	}
}

// What is said of tokens fits together: two streams with one counter name each
// other, and workers follow back only the counters that are in no database.
func TestTokenBehaviour(t *testing.T) {
	for _, s := range Streams() {
		if s.SharesWith != "" {
			other := StreamOf([]byte(s.SharesWith))
			if other == nil || other.SharesWith != s.Name || s.Tokens&TokensSilent == 0 {
				t.Errorf("%s shares its counter with %q, which does not say so", s.Name, s.SharesWith)
			}
		}
		for _, r := range []Release{release(1, 12, 4), release(1, 66, 0)} {
			move := StreamRuleOf(r, s.Name).Move
			if goes := move == MoveSet || move == MoveZero; goes != (s.Tokens&TokensInMemory != 0) {
				t.Errorf("%s in %s: a worker moves by rule %d", s.Name, r, move)
			}
		}
	}
}

// A worker that gets a row of one stream is as far in the one that has the same
// counter.
func TestSharedCounter(t *testing.T) {
	f := follower(t, "1.66.0", func(c *FollowerConfig) { c.Start = 5 })
	f.Connected(1, 0)
	receive(f, 1, 0, "POSITION tag_account_data master 5 5")
	receive(f, 1, 0, "POSITION account_data master 5 5")
	receive(f, 1, 0, `RDATA tag_account_data master 8 ["@u:x","!r:x","{}"]`)
	receive(f, 1, 0, `RDATA account_data master 7 ["@u:x",null,"t"]`)
	if got := f.Counts("account_data").Discarded; got != 1 || f.Token("account_data", "master") != 8 {
		t.Errorf("%d rows are thrown away, and the worker is at %d", got, f.Token("account_data", "master"))
	}
}
