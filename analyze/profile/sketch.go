package profile

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// sketch counts by name, for as many names as there is room for. Up to maxKeys
// its counts are exact. When there are more, the lesser half is let go. What a
// name may have had before it (came back or) came in is known: no more than the
// largest of those that were let go. So counts are never too high, and too low by
// no more than what is said beside them; who is missing had no more than that.
type sketch struct {
	keys map[string]*heavy
	lost tally // the most that one of those that were let go can have had
	last *heavy
}

// heavy is what is counted for one name.
type heavy struct {
	key string
	tally
	missed tally // what it can have had before, at most
}

const (
	maxKeys = 4096
	// longKey is how long names may be. Of longer ones the beginning is kept, and a
	// hash to tell them apart: names come with the traffic, and what is kept has to
	// be bounded.
	longKey  = 96
	keptOfIt = 72
)

func newSketch() *sketch { return &sketch{keys: map[string]*heavy{}} }

func (s *sketch) add(key []byte, bytes int) {
	if h := s.last; h != nil && string(key) == h.key {
		h.add(bytes)
		return
	}
	if len(key) > longKey {
		key = shortKey(key)
	}
	h := s.keys[string(key)]
	if h == nil {
		if len(s.keys) >= maxKeys {
			s.halve()
		}
		h = &heavy{key: string(key), missed: s.lost}
		s.keys[h.key] = h
	}
	h.add(bytes)
	s.last = h
}

// shortKey is a name of its own for a long one.
func shortKey(key []byte) []byte {
	out := append(make([]byte, 0, longKey), key[:keptOfIt]...)
	return strconv.AppendUint(append(out, "…#"...), xxhash.Sum64(key), 16)
}

// halve lets the lesser half go, and all that had as little as the greatest of it.
func (s *sketch) halve() {
	all := make([]int64, 0, len(s.keys))
	for _, h := range s.keys {
		all = append(all, h.bytes+h.missed.bytes)
	}
	slices.Sort(all)
	limit := all[len(all)/2]
	for key, h := range s.keys {
		if n := h.bytes + h.missed.bytes; n <= limit {
			delete(s.keys, key)
			s.lost.bytes = max(s.lost.bytes, n)
			s.lost.commands = max(s.lost.commands, h.commands+h.missed.commands)
		}
	}
	s.last = nil
}

// top are the n names with the most bytes.
func (s *sketch) top(n int) []*heavy {
	all := make([]*heavy, 0, len(s.keys))
	for _, h := range s.keys {
		all = append(all, h)
	}
	slices.SortFunc(all, func(x, y *heavy) int {
		return cmp.Or(cmp.Compare(y.bytes, x.bytes), cmp.Compare(y.commands, x.commands), cmp.Compare(x.key, y.key))
	})
	return all[:min(n, len(all))]
}
