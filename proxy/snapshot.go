package proxy

import (
	"maps"
	"slices"

	"repltap/wire"
)

// snapshot is what the tally is at one moment, for whoever reads metrics.
type snapshot struct {
	workers       []workerTally // by label
	updates, gaps [numStreams]uint64
	batches       [numStreams]histogram
	lastRow       [numStreams]int64
	conns         [numStreams]int              // that get the stream
	tokens        map[int]int64                // the highest that an open connection has got, by stream
	behind        map[string][numStreams]int64 // how far a worker is behind that; -1 where there is nothing to compare
}

func (t *tally) snapshot() *snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &snapshot{updates: t.updates, gaps: t.gaps, batches: t.batches, lastRow: t.lastRow, tokens: map[int]int64{}, behind: map[string][numStreams]int64{}}
	for _, label := range slices.Sorted(maps.Keys(t.workers)) {
		s.workers = append(s.workers, *t.workers[label])
	}
	for _, c := range t.conns {
		for i := range streams {
			if c.asked&(1<<i) != 0 {
				s.conns[i]++
			}
			if top, ok := s.tokens[i]; c.known&(1<<i) != 0 && (!ok || c.tokens[i] > top) {
				s.tokens[i] = c.tokens[i]
			}
		}
	}
	for _, c := range t.conns {
		s.compare(c)
	}
	return s
}

// compare notes how far a connection is behind; of several of one worker the
// one that is furthest behind counts.
func (s *snapshot) compare(c *connTally) {
	behind, ok := s.behind[c.worker.label]
	for i := range streams {
		if !ok {
			behind[i] = -1
		}
		if c.known&(1<<i) != 0 {
			behind[i] = max(behind[i], s.tokens[i]-c.tokens[i])
		}
	}
	s.behind[c.worker.label] = behind
}

// lineLength is how long a worker's lines of a direction are on average.
func (w *workerTally) lineLength(dir wire.Direction) float64 {
	var lines uint64
	for _, n := range w.commands[dir] {
		lines += n
	}
	if lines == 0 {
		return 0
	}
	return float64(w.bytes[dir]) / float64(lines)
}

func (w *workerTally) add(v *workerTally) {
	for s, n := range v.rdata {
		w.rdata[s] += n
	}
	for _, d := range directions {
		w.bytes[d] += v.bytes[d]
		for c, n := range v.commands[d] {
			w.commands[d][c] += n
		}
	}
}
