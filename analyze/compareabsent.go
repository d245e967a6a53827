package analyze

import (
	"fmt"
	"slices"
)

// absent leaves out the recorded workers that nobody played in a run: who takes
// part in one is up to whoever makes it.
func (c *comparer) absent(pairs []*pairing) []*pairing {
	if c.run == nil {
		return pairs
	}
	here := map[string]bool{}
	for _, p := range pairs {
		here[p.worker] = here[p.worker] || p.conns[1] != nil
	}
	var names []string
	left := slices.DeleteFunc(slices.Clone(pairs), func(p *pairing) bool {
		if !here[p.worker] && !slices.Contains(names, p.worker) {
			names = append(names, p.worker)
		}
		return !here[p.worker]
	})
	if len(left) == 0 || len(names) == 0 {
		return pairs
	}
	for _, p := range pairs {
		if v := p.conns[0]; !here[p.worker] {
			c.side(0).Connections--
			c.side(0).Lines -= v.lines[0] + v.lines[1]
		}
	}
	for _, name := range names {
		c.note(fmt.Sprintf("nobody was worker %s in the run, so what was recorded of it is not compared", name))
	}
	return left
}
