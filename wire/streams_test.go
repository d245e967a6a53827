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
		var in DialectSet
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
