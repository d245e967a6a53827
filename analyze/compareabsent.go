package analyze

import (
	"fmt"
	"slices"
	"strings"

	"repltap/journal"
)

// absent leaves out what a run was not to play. Who takes part in the run of a
// master is up to whoever makes it: recorded workers that did not come are left out,
// unless the run waited for more workers than came. Recorded workers that are played
// are all to be there.
func (c *comparer) absent(pairs []*pairing) []*pairing {
	if c.run == nil {
		return pairs
	}
	here, strangers := map[string]bool{}, 0
	for _, p := range pairs {
		if p.conns[1] == nil {
			continue
		}
		if p.worker == "" {
			strangers++ // each may be another one
		}
		here[p.worker] = true
	}
	came := len(here) + max(0, strangers-1)
	c.out.Coverage.missingWorkers = max(0, c.run.Expected-came)
	var gone []*pairing
	left := slices.DeleteFunc(slices.Clone(pairs), func(p *pairing) bool {
		v := p.conns[0]
		oneSided := v != nil && p.conns[1] == nil && c.isOneSided(v)
		out := oneSided || !here[p.worker] && !ofWorker(c.run) && c.out.Coverage.missingWorkers == 0
		if out {
			gone = append(gone, p)
		}
		return out
	})
	if len(left) == 0 {
		return pairs
	}
	for _, p := range gone {
		v := p.conns[0]
		c.side(0).Connections--
		c.side(0).Lines -= v.lines[0] + v.lines[1]
	}
	c.absentees = gone
	c.tellAbsent(gone)
	return left
}

func (c *comparer) isOneSided(v *surveyed) bool {
	l := c.reason(v.id)
	return l != nil && l.Why == journal.LeftOneSided
}

// tellAbsent says what is not compared.
func (c *comparer) tellAbsent(gone []*pairing) {
	var names []string
	var nameless, oneSided []uint64
	for _, p := range gone {
		switch {
		case c.isOneSided(p.conns[0]):
			oneSided = append(oneSided, p.conns[0].id)
		case p.worker == "":
			nameless = append(nameless, p.conns[0].id)
		case !slices.Contains(names, p.worker):
			names = append(names, p.worker)
		}
	}
	for _, name := range names {
		c.note(fmt.Sprintf("nobody was worker %s in the run, so what was recorded of it is not compared", name))
	}
	if len(nameless) > 0 {
		c.note(fmt.Sprintf("nobody was the worker of %s, which never said its name, in the run, so what was recorded of it is not compared", connections(nameless)))
	}
	if len(oneSided) > 0 {
		c.note(fmt.Sprintf("only one side said something on %s: that is no conversation to be played, and is not compared", connections(oneSided)))
	}
}

// connections lists numbers of connections for people.
func connections(list []uint64) string {
	if len(list) == 1 {
		return fmt.Sprintf("recorded connection %d", list[0])
	}
	const most = 10
	var out []string
	for _, id := range list[:min(len(list), most)] {
		out = append(out, fmt.Sprint(id))
	}
	if more := len(list) - most; more > 0 {
		return fmt.Sprintf("recorded connections %s and %d others", strings.Join(out, ", "), more)
	}
	return "recorded connections " + strings.Join(out, ", ")
}
