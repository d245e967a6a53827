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
	if rows, err := s.rows("events", 0, token, 0); len(rows) != 0 || err != nil {
		t.Errorf("%d rows of a stream that began anew, %v", len(rows), err)
	}
}

func checkSpool(t *testing.T, s *spool, random *rand.Rand, name string, all []Row, high int64) {
	t.Helper()
	from := 100 + random.Int64N(high-99)
	upto, limit := from+random.Int64N(high-from+5), random.IntN(300)
	var want []Row
	for _, row := range all {
		if row.Token > from && row.Token <= upto {
			want = append(want, row)
		}
	}
	same := func(a, b Row) bool { return a.Token == b.Token && string(a.JSON) == string(b.JSON) }
	got, err := s.rows(name, from, upto, limit)
	most := len(want)
	if limit > 0 {
		most = min(most, limit)
	}
	if err != nil || !slices.EqualFunc(want[:most], got, same) {
		t.Fatalf("%s from %d to %d, %d at most: %d rows, %v; want %d", name, from, upto, limit, len(got), err, most)
	}
	if name != typingStream {
		checkPages(t, s, name, from, upto, limit+1, want)
	}
}

// checkPages: page by page all rows come, each once, whatever the order of tokens.
func checkPages(t *testing.T, s *spool, name string, from, upto int64, limit int, want []Row) {
	t.Helper()
	var got []Row
	for cut := true; cut; {
		page, more, err := s.page(name, from, upto, limit)
		if cut = more; err != nil || more && len(page) < limit || len(page) > limit+200 {
			t.Fatalf("a page of %d, more %v: %d rows, %v", limit, more, len(page), err)
		}
		if got = append(got, page...); more {
			from = page[len(page)-1].Token
		}
	}
	text := func(rows []Row) (list []string) {
		for _, row := range rows {
			list = append(list, fmt.Sprint(row.Token, " ", string(row.JSON)))
		}
		slices.Sort(list)
		return list
	}
	if !slices.Equal(text(got), text(want)) {
		t.Fatalf("%s in pages of %d: %d rows, want %d", name, limit, len(got), len(want))
	}
}
