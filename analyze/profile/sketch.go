package profile

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// sketch counts by name, for as many names as there is room for. Up to maxKeys
// its counts are exact. When there are more, at least the lesser half is let go.
// What a name may have had before it came in (again) is known: no more than the
// largest of those that were let go. So counts are never too high, and too low by
// no more than what is said beside them; who is missing had no more than that.
//
// It is a hash table of its own, since most rows make a look-up in it, of a name
// that was not there lately: one place to find, one to count in, no pointers.
// Names are told apart by 64 bits of hash.
type sketch struct {
	slots []uint16 // a power of two, at most half of them used: place in all, and one; 0: free
	all   []heavy
	rest  []rest // of all
	names []byte // of all, longKey bytes each
	lost  tally  // the most that one of those that were let go can have had
}

// heavy is what is counted for one name: what every look-up needs, and no more, so
// that it stays within a processor's reach.
type heavy struct {
	hash uint64
	tally
}

// rest is what else is known of it.
type rest struct {
	missed tally // what it can have had before it came in, at most
	length int   // of its name
}

// counted is a name with its count.
type counted struct {
	key string
	tally
	missed tally
}

const (
	maxKeys = 4096
	// longKey is how long names may be. Of longer ones the beginning is kept, and
	// the hash: names come with the traffic, and what is kept has to be bounded.
	longKey  = 96
	keptOfIt = 72
)

func newSketch() *sketch { return &sketch{slots: make([]uint16, 64)} }

func (s *sketch) add(key []byte, size int) {
	hash := xxhash.Sum64(key)
	mask := uint64(len(s.slots) - 1)
	for i := hash & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if h := &s.all[s.slots[i]-1]; h.hash == hash {
			h.add(size)
			return
		}
	}
	s.insert(key, hash).add(size)
}

// insert makes room for a name that is not there.
func (s *sketch) insert(key []byte, hash uint64) *heavy {
	if len(s.all) >= maxKeys {
		s.halve()
	} else if 2*(len(s.all)+1) > len(s.slots) {
		s.index(2 * len(s.slots))
	}
	if len(key) > longKey {
		key = shortKey(key, hash)
	}
	n := len(s.all)
	s.names = append(s.names, make([]byte, longKey)...)
	copy(s.names[n*longKey:], key)
	s.all = append(s.all, heavy{hash: hash})
	s.rest = append(s.rest, rest{missed: s.lost, length: len(key)})
	s.place(n)
	return &s.all[n]
}

// place puts one of all into the table.
func (s *sketch) place(n int) {
	mask := uint64(len(s.slots) - 1)
	i := s.all[n].hash & mask
	for s.slots[i] != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = uint16(n + 1)
}

// index makes the table anew, of so many slots.
func (s *sketch) index(slots int) {
	s.slots = make([]uint16, slots)
	for n := range s.all {
		s.place(n)
	}
}

// shortKey is what is kept of a long name.
func shortKey(key []byte, hash uint64) []byte {
	out := append(make([]byte, 0, longKey), key[:keptOfIt]...)
	return strconv.AppendUint(append(out, "…#"...), hash, 16)
}

func (s *sketch) name(n int) []byte { return s.names[n*longKey:][:s.rest[n].length] }

// most is what one of all can have had, at most.
func (s *sketch) most(n int) tally {
	t := s.all[n].tally
	t.sum(s.rest[n].missed)
	return t
}

// halve lets the lesser half go. To be quick it goes by classes of about the same
// count: all of a class go, or none.
func (s *sketch) halve() {
	var classes [64 * 8]int
	for i := range s.all {
		classes[classOf(s.most(i).bytes)]++
	}
	limit, n := -1, 0
	for n < len(s.all)/2 {
		limit++
		n += classes[limit]
	}
	kept := 0
	for i := range s.all {
		if m := s.most(i); classOf(m.bytes) <= limit {
			s.lost = tally{max(s.lost.commands, m.commands), max(s.lost.bytes, m.bytes)}
			continue
		}
		copy(s.names[kept*longKey:][:longKey], s.name(i))
		s.all[kept], s.rest[kept] = s.all[i], s.rest[i]
		kept++
	}
	s.all, s.rest, s.names = s.all[:kept], s.rest[:kept], s.names[:kept*longKey]
	s.index(len(s.slots))
}

// classOf puts counts that differ by less than an eighth into one class.
func classOf(n int64) int {
	shift := max(bits.Len64(uint64(n)), 4) - 4
	return shift*8 + int(n>>shift)
}

// top are the n names with the most bytes.
func (s *sketch) top(n int) []counted {
	order := make([]int, len(s.all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, k int) int {
		x, y := &s.all[i], &s.all[k]
		return cmp.Or(cmp.Compare(y.bytes, x.bytes), cmp.Compare(y.commands, x.commands), bytes.Compare(s.name(i), s.name(k)))
	})
	var out []counted
	for _, i := range order[:min(n, len(order))] {
		out = append(out, counted{string(s.name(i)), s.all[i].tally, s.rest[i].missed})
	}
	return out
}
