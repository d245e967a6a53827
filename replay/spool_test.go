package replay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSpool: what it gives is what a list of all rows would give, whatever the
// order of tokens, groups, and how much is still in memory.
func TestSpool(t *testing.T) {
	s, err := newSpool(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	random := rand.New(rand.NewPCG(3, 4))
	all := map[string][]Row{}
	open := map[string]int{} // rows of a group
	token := int64(100)
	names := []string{"events", "caches", "typing"}
	for i := range 20_000 {
		name := names[random.IntN(len(names))]
		token += random.Int64N(5) - 1 // at times back
		row := Row{Token: token, JSON: fmt.Appendf(nil, `["%d","%0*d"]`, i, random.IntN(60)+1, i)}
		batch := random.IntN(3) == 0
		if err := s.add(name, row, batch); err != nil {
			t.Fatal(err)
		}
		list := append(all[name], row)
		if open[name]++; !batch {
			for j := len(list) - open[name]; j < len(list); j++ {
				list[j].Token = token
			}
			open[name] = 0
		}
		all[name] = list
		if i%500 == 0 {
			checkSpool(t, s, random, name, list[:len(list)-open[name]], token)
		}
	}
	s.reset("events")
	if rows, _, err := s.rows("events", 0, token, 0, false); len(rows) != 0 || err != nil {
		t.Errorf("%d rows of a stream that began anew, %v", len(rows), err)
	}
}

func checkSpool(t *testing.T, s *spool, random *rand.Rand, name string, all []Row, high int64) {
	t.Helper()
	from := 100 + random.Int64N(high-99)
	upto, limit, whole := from+random.Int64N(high-from+5), random.IntN(300), random.IntN(2) == 0
	got, cut, err := s.rows(name, from, upto, limit, whole)
	var want []Row
	wantCut := false
	for _, row := range all {
		if row.Token <= from || row.Token > upto {
			continue
		}
		if limit > 0 && len(want) >= limit && (!whole || want[len(want)-1].Token != row.Token) {
			wantCut = true
			break
		}
		want = append(want, row)
	}
	same := func(a, b Row) bool { return a.Token == b.Token && string(a.JSON) == string(b.JSON) }
	if err != nil || cut != wantCut || !slices.EqualFunc(want, got, same) {
		t.Fatalf("%s from %d to %d, %d at most: %d rows, more %v, %v; want %d, %v", name, from, upto, limit, len(got), cut, err, len(want), wantCut)
	}
}
